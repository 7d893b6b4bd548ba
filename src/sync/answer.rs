//! What follows from an answer: the next state, and what is reported.

use super::{route, Accepted, Answer, Failure, Kind, Report, State, Sync};
use crate::delta::Delta;
use crate::error::{Error, Result};
use crate::manifest::{File, Manifest};
use crate::snapshot::Snapshot;

/// After so many refused deltas of one manifest the whole snapshot is fetched.
const MAX_REFUSED: usize = 3;
/// After so many attempts in a row that failed for the time being, a delta counts as refused.
const MAX_TRIES: u32 = 3;

impl Sync {
    /// What came of the step that [`Self::next`] said. An answer that is none to it counts as a failure of it.
    pub fn answer(&mut self, now: u64, answer: Answer) {
        match (self.state, answer) {
            (State::Wait, _) => {}
            // What answers otherwise is `apply`.
            (State::Apply, _) => {
                self.report(Report::Failed(Kind::Delta, Failure::Unexpected));
                self.refuse_route();
                self.go_on(now);
            }
            (State::Manifest, Answer::Body { bytes, etag }) => self.manifest_came(now, bytes, etag),
            (State::Manifest, Answer::NotModified) if self.asked_by_etag() => self.is_current(now),
            (State::Delta, Answer::Body { bytes, .. }) => self.delta_came(now, bytes),
            (State::Snapshot, Answer::Body { bytes, .. }) => self.snapshot_came(now, bytes),
            (State::File(at), Answer::Body { bytes, .. }) => self.file_came(now, at, bytes),
            (_, Answer::Status { status, retry_after }) if self.asked() => {
                self.failed(now, Failure::Status(status), retry_after);
            }
            (_, Answer::Failed(failure)) if self.asked() => self.failed(now, failure, None),
            (_, _) if self.asked() => self.failed(now, Failure::Unexpected, None),
            (State::Load, answer) => self.loaded(now, answer),
            (State::Commit, answer) => self.committed(now, answer),
            (State::Swap, _) => self.swapped(now),
            (State::Forget, _) => self.forgotten(now),
            (_, answer) => self.stored(now, answer),
        }
    }

    /// Applies the deltas, which answers [`Step::Apply`](super::Step::Apply), to the snapshot in use. It is left as it is.
    pub fn apply(&mut self, now: u64, base: &[u8]) {
        if self.state != State::Apply {
            return;
        }
        let made = chain(base, &self.deltas);
        match made.and_then(|bytes| self.checked_snapshot(&bytes).map(|()| bytes)) {
            Ok(bytes) => self.target = Some(bytes),
            Err(error) => {
                self.report(Report::Refused(Kind::Delta, error));
                self.refuse_route();
            }
        }
        self.leave_route();
        self.go_on(now);
    }

    /// Whether a request is out.
    fn asked(&self) -> bool {
        self.kind().is_some()
    }

    /// What is being fetched.
    fn kind(&self) -> Option<Kind> {
        match self.state {
            State::Manifest => Some(Kind::Manifest),
            State::Delta => Some(Kind::Delta),
            State::Snapshot => Some(Kind::Snapshot),
            State::File(_) => Some(Kind::File),
            _ => None,
        }
    }

    fn asked_by_etag(&self) -> bool {
        self.accepted.as_ref().is_some_and(|accepted| accepted.etag.is_some())
    }

    fn manifest_came(&mut self, now: u64, bytes: Vec<u8>, etag: Option<String>) {
        let mut trust = self.pinned.clone();
        if let Some(accepted) = &mut self.accepted {
            if accepted.bytes == bytes {
                accepted.etag = etag;
                return self.is_current(now);
            }
            trust = trust.after(&accepted.manifest);
            // Of one sequence there is one manifest.
            trust.sequence = trust.sequence.max(accepted.manifest.sequence.saturating_add(1));
        }
        match Manifest::read(&bytes, &trust) {
            Ok(manifest) => {
                self.leave_route();
                self.refused.clear();
                self.suspects.clear();
                self.target = None;
                // What is in memory only has another chance to be stored.
                self.blobs.retain(|(_, stored)| *stored);
                self.accepted = Some(Accepted::new(manifest, bytes, etag));
                self.is_current(now);
            }
            Err(error) => {
                self.report(Report::Manifest(error));
                self.back_off(now, None);
            }
        }
    }

    fn is_current(&mut self, now: u64) {
        self.current = true;
        self.go_on(now);
    }

    fn delta_came(&mut self, now: u64, bytes: Vec<u8>) {
        let Some((at, link)) = self.link() else { return };
        match link.blob.check("delta", &bytes) {
            Ok(()) => {
                self.deltas.push(bytes);
                self.tries = 0;
            }
            Err(error) => {
                self.refuse(at);
                self.report(Report::Refused(Kind::Delta, error));
            }
        }
        self.go_on(now);
    }

    fn snapshot_came(&mut self, now: u64, bytes: Vec<u8>) {
        match self.checked_snapshot(&bytes) {
            Ok(()) => self.target = Some(bytes),
            Err(error) => {
                let published = matches!(&self.accepted, Some(accepted) if accepted.manifest.snapshot.blob.check("snapshot", &bytes).is_ok());
                self.report(Report::Refused(Kind::Snapshot, error));
                if !published {
                    return self.back_off(now, None);
                }
                // These are the bytes that were published: they will be the same the next time.
                if let Some(accepted) = &mut self.accepted {
                    accepted.unusable = true;
                }
            }
        }
        self.go_on(now);
    }

    fn file_came(&mut self, now: u64, at: usize, bytes: Vec<u8>) {
        let file = self.manifest().and_then(|manifest| manifest.files.get(at));
        match file.map(|file| file.blob.check("file", &bytes)) {
            Some(Err(error)) => {
                self.report(Report::Refused(Kind::File, error));
                self.back_off(now, None);
            }
            _ => {
                self.body = bytes;
                self.state = State::StoreFile(at);
            }
        }
    }

    /// What was asked for did not come.
    fn failed(&mut self, now: u64, failure: Failure, retry_after: Option<u32>) {
        if let Some(kind) = self.kind() {
            self.report(Report::Failed(kind, failure));
        }
        let for_good = match failure {
            // Too early and too many requests pass, as what is the server's fault does.
            Failure::Status(status) => (400..500).contains(&status) && !matches!(status, 408 | 425 | 429),
            Failure::TooLong | Failure::Redirected => true,
            Failure::Network | Failure::Timeout | Failure::Unexpected => false,
        };
        if let (State::Delta, Some((at, _))) = (self.state, self.link()) {
            self.tries += 1;
            if for_good || self.tries == MAX_TRIES {
                self.refuse(at);
            }
            if for_good {
                return self.go_on(now);
            }
            if self.route.is_empty() {
                self.suspects.push(at);
            }
        } else if self.state == State::Snapshot && !for_good {
            // It was not the delta: once the origin is well, hosts should not all come for the whole.
            let suspects = std::mem::take(&mut self.suspects);
            self.refused.retain(|at| !suspects.contains(at));
        }
        self.back_off(now, retry_after);
    }

    fn back_off(&mut self, now: u64, retry_after: Option<u32>) {
        let interval = self.interval();
        self.clock.failed(now, retry_after, interval, &self.settings);
        self.current = false;
        self.state = State::Wait;
        self.report_expiry(now);
    }

    /// Looks for another way to the snapshot, without that delta.
    fn refuse(&mut self, at: usize) {
        self.refused.push(at);
        self.leave_route();
    }

    /// Does without all deltas on the way: which of them does not do is not known. Without any the snapshot stays in memory.
    fn refuse_route(&mut self) {
        if self.route.is_empty() {
            self.note(Answer::NotStored);
        }
        self.refused.append(&mut self.route);
        self.leave_route();
    }

    fn leave_route(&mut self) {
        self.route.clear();
        self.deltas.clear();
        self.tries = 0;
    }

    fn loaded(&mut self, now: u64, answer: Answer) {
        if let Answer::Body { bytes, .. } = answer {
            if self.checked_snapshot(&bytes).is_ok() {
                self.target = Some(bytes);
                return self.go_on(now);
            }
        }
        if let Some(blob) = self.manifest().map(|manifest| manifest.snapshot.blob.sha256) {
            self.blobs.retain(|(sha256, _)| *sha256 != blob);
        }
        self.report(Report::Lost);
        self.state = State::Manifest;
    }

    /// A blob was stored, or not.
    fn stored(&mut self, now: u64, answer: Answer) {
        self.body = Vec::new();
        let blob = self.manifest().and_then(|manifest| match self.state {
            State::StoreFile(at) => manifest.files.get(at).map(|file| &file.blob),
            _ => Some(&manifest.snapshot.blob),
        });
        if let Some(sha256) = blob.map(|blob| blob.sha256) {
            self.blobs.push((sha256, answer == Answer::Done));
        }
        self.note(answer);
        self.go_on(now);
    }

    fn committed(&mut self, now: u64, answer: Answer) {
        if let (Some(accepted), Answer::Done) = (&mut self.accepted, &answer) {
            accepted.stored = true;
            self.committed = accepted.manifest.hashes();
        }
        self.note(answer);
        self.go_on(now);
    }

    /// Notes where the storage took no more, and reports it once for a manifest.
    fn note(&mut self, answer: Answer) {
        let before = self.accepted.as_mut().map(|accepted| {
            let before = accepted.memory;
            accepted.memory |= answer != Answer::Done;
            before
        });
        if answer != Answer::Done && before == Some(false) {
            self.report(Report::NotStored);
        }
    }

    fn swapped(&mut self, now: u64) {
        self.target = None;
        if let Some(accepted) = &mut self.accepted {
            accepted.used = true;
            let (sequence, snapshot) = (accepted.manifest.sequence, accepted.manifest.snapshot.id);
            self.using = Some(snapshot);
            self.report(Report::Updated { sequence, snapshot });
        }
        self.go_on(now);
    }

    fn forgotten(&mut self, now: u64) {
        let keep = self.keep();
        self.blobs.retain(|(sha256, _)| keep.contains(sha256));
        if let Some(accepted) = &mut self.accepted {
            accepted.forgotten = true;
        }
        self.go_on(now);
    }

    /// Takes note that the host did not find a blob in its storage, or not with the bytes that it should have ([`Blob::check`](crate::Blob::check)): it is
    /// fetched again.
    pub fn lost(&mut self, now: u64, sha256: &[u8; 32]) {
        let before = self.blobs.len();
        self.blobs.retain(|(known, _)| known != sha256);
        // What is known to be lost waits as everything else does.
        if self.blobs.len() < before {
            self.report(Report::Lost);
            if self.state == State::Wait {
                self.go_on(now);
            }
        }
    }

    /// Goes on to what is missing yet of what the accepted manifest names; where nothing is, waits for the next one.
    fn go_on(&mut self, now: u64) {
        let missing = self.missing();
        self.state = missing.unwrap_or(State::Wait);
        if missing.is_some() || !std::mem::take(&mut self.current) {
            return;
        }
        self.checked = Some(now);
        self.clock.succeeded(now, self.interval());
        self.report_expiry(now);
    }

    /// Reports a manifest that should have been replaced, whether the origin has no newer one or cannot be reached.
    #[inline(never)]
    fn report_expiry(&mut self, now: u64) {
        let expired = self.manifest().filter(|manifest| manifest.is_expired(now / 1_000));
        if let Some(sequence) = expired.map(|manifest| manifest.sequence) {
            self.report(Report::Expired { sequence });
        }
    }

    fn missing(&mut self) -> Option<State> {
        let accepted = self.accepted.as_ref().filter(|accepted| !accepted.unusable)?;
        let manifest = &accepted.manifest;
        let blob = manifest.snapshot.blob.sha256;
        let has = |blob: [u8; 32]| self.blobs.iter().any(|(sha256, _)| *sha256 == blob);
        let is_stored = |blob: [u8; 32]| self.blobs.contains(&(blob, true));
        let stays = self.embedded == Some(manifest.snapshot.id) || is_stored(blob);
        let here = self.using == Some(manifest.snapshot.id);
        if here && self.target.is_none() && !stays && !accepted.memory && !accepted.used {
            // It is in memory only, from when the storage was full: by no delta at all it is made again, to be stored.
            return Some(State::Apply);
        }
        if !here && self.target.is_none() {
            if is_stored(blob) {
                return Some(State::Load);
            }
            if self.route.is_empty() && self.settings.with_deltas && self.refused.len() < MAX_REFUSED {
                let route = self.using.map(|base| route::cheapest(manifest, base, &self.refused));
                self.route = route.unwrap_or_default();
            }
            return Some(match self.route.len() {
                0 => State::Snapshot,
                length if self.deltas.len() < length => State::Delta,
                _ => State::Apply,
            });
        }
        if self.target.is_some() && !has(blob) {
            return Some(State::StoreSnapshot);
        }
        let is_missing = |file: &File| self.wants(&file.name) && !has(file.blob.sha256);
        if let Some(at) = manifest.files.iter().position(is_missing) {
            return Some(State::File(at));
        }
        // Without a failed write all of it is stored, for what was in memory only was not taken over from the manifest before.
        if !accepted.stored && !accepted.memory {
            return Some(State::Commit);
        }
        if !accepted.used {
            return Some(State::Swap);
        }
        (!accepted.forgotten).then_some(State::Forget)
    }

    /// Whether the bytes are the snapshot that the accepted manifest names, and one that this build reads.
    fn checked_snapshot(&self, bytes: &[u8]) -> Result<()> {
        let Some(manifest) = self.manifest() else {
            return Err(Error::Unsigned);
        };
        manifest.snapshot.blob.check("snapshot", bytes)?;
        match Snapshot::open(bytes)?.id() == manifest.snapshot.id {
            true => Ok(()),
            false => Err(Error::Corrupt {
                what: "manifest",
                at: 0,
                rule: "the snapshot has the id that the manifest says",
            }),
        }
    }
}

/// The snapshot that the deltas make of the base: the base itself where there are none.
fn chain(base: &[u8], deltas: &[Vec<u8>]) -> Result<Vec<u8>> {
    let deltas: Result<Vec<Delta<'_>>> = deltas.iter().map(|delta| Delta::open(delta)).collect();
    match deltas? {
        deltas if deltas.is_empty() => Ok(base.to_vec()),
        deltas => Delta::apply_chain(&Snapshot::open(base)?, &deltas),
    }
}
