//! The plan by which a host follows the origin, without any I/O: it says what to do next, the host does it and says what came of it.
//!
//! Invariant: what a [`Step::Swap`] gives to use is what one manifest names that a trusted key has signed, byte for byte, all of one
//! manifest and never older than what was used before; whatever else comes, what is in use stays. All that a manifest names and the host
//! wants is stored before the manifest is, so that a stop between any two writes leaves the old state or the new one. Every failure
//! leads to a wait, and no wait is longer than the interval. What the clock says decides nothing but when to ask and what is reported
//! as expired.
//!
//! ```text
//! Load ► Swap ► Wait ► manifest ► deltas ► Apply, or whole snapshot ► Store ► files ► Store ► Commit ► Swap ► Forget ► Wait
//! ```
//!
//! `step` is what passes between plan and host, `answer` what follows from an answer, `route` chooses among deltas, `clock` draws the waits,
//! `later` is for storages that are shared. `docs/SYNC.md` tells hosts what
//! to do. The workflow is that of a TUF client; the shape is that of sans-I/O protocols.

mod answer;
mod clock;
mod later;
mod route;
mod step;

pub use later::later;
pub use step::{Answer, Failure, Kind, Report, Request, Step};

use crate::manifest::{Blob, Link, Manifest, Trust, MAX_MANIFEST};
use crate::snapshot::SnapshotId;
use clock::Clock;

/// The slowest connection that is waited for, in bytes in a second.
pub const SLOWEST: u32 = 8_192;
/// The most reports that are kept for a host that does not ask for them.
const MAX_REPORTS: usize = 16;

/// How a host follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The longest time between two questions, in seconds; most come after half of it to all of it.
    pub interval: u32,
    /// The longest backoff after failures, in seconds.
    pub max_backoff: u32,
    /// How long an answer may take, in milliseconds; 1 s for each 8 kB is added.
    pub timeout: u32,
    /// Whether deltas are asked for. Without, all hosts make the same requests, whatever they hold.
    pub with_deltas: bool,
    /// The files that are wanted, by their names; a name that ends in `/` stands for all that begin with it, an empty one for all.
    pub files: Vec<String>,
}

impl Default for Settings {
    /// Asks each hour, backs off up to an hour, takes deltas, wants all files.
    fn default() -> Self {
        Settings {
            interval: 3_600,
            max_backoff: 3_600,
            timeout: 10_000,
            with_deltas: true,
            files: vec![String::new()],
        }
    }
}

/// What a host holds when it starts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Held {
    /// The stored manifest.
    pub manifest: Option<Vec<u8>>,
    /// SHA-256 of all stored blobs.
    pub blobs: Vec<[u8; 32]>,
    /// The snapshot in use: the one that came with the program.
    pub snapshot: Option<SnapshotId>,
    /// When the manifest was last found to be current, as [`Sync::checked`] said, in milliseconds.
    pub checked: Option<u64>,
}

/// The plan of one host.
#[derive(Debug)]
pub struct Sync {
    settings: Settings,
    pinned: Trust,
    clock: Clock,
    checked: Option<u64>,
    state: State,
    /// The newest manifest that was accepted.
    accepted: Option<Box<Accepted>>,
    /// What the stored manifest names.
    committed: Vec<[u8; 32]>,
    /// The blobs that the host has, and whether they are in its storage.
    blobs: Vec<([u8; 32], bool)>,
    /// The snapshot that came with the program, and the one in use.
    embedded: Option<SnapshotId>,
    using: Option<SnapshotId>,
    /// Whether the accepted manifest was found to be current since the last wait.
    current: bool,
    /// The deltas on the way, and the bytes of those that are here already.
    route: Vec<usize>,
    deltas: Vec<Vec<u8>>,
    /// Deltas of the accepted manifest that are out of the question.
    refused: Vec<usize>,
    /// Those of them that failed for the time being only.
    suspects: Vec<usize>,
    /// Attempts at the next delta that failed for the time being.
    tries: u32,
    /// The snapshot that is to be used next.
    target: Option<Vec<u8>>,
    /// A file that is to be stored.
    body: Vec<u8>,
    reports: Vec<Report>,
}

#[derive(Debug)]
struct Accepted {
    manifest: Manifest,
    bytes: Vec<u8>,
    etag: Option<String>,
    /// Whether it is the stored one.
    stored: bool,
    /// Whether the storage took not all of it, so that it is used from memory.
    memory: bool,
    /// Whether its files are in use.
    used: bool,
    /// Whether what nobody needs any more was deleted.
    forgotten: bool,
    /// Whether its snapshot is one that this build cannot use.
    unusable: bool,
}

impl Accepted {
    fn new(manifest: Manifest, bytes: Vec<u8>, etag: Option<String>) -> Box<Self> {
        Box::new(Accepted {
            manifest,
            bytes,
            etag,
            stored: false,
            memory: false,
            used: false,
            forgotten: false,
            unusable: false,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Wait,
    Manifest,
    Load,
    Delta,
    Apply,
    Snapshot,
    StoreSnapshot,
    File(usize),
    StoreFile(usize),
    Commit,
    Swap,
    Forget,
}

impl Sync {
    /// The plan of a host that trusts what is pinned and holds that. A stored manifest that is not accepted under what is pinned is as
    /// none, and reported. Hosts give different seeds; the same seed and answers give the same steps.
    pub fn new(pinned: Trust, held: Held, settings: Settings, seed: u64) -> Self {
        let mut sync = Sync {
            settings,
            pinned,
            clock: Clock::new(seed),
            checked: held.checked,
            state: State::Wait,
            accepted: None,
            committed: Vec::new(),
            blobs: held.blobs.into_iter().map(|sha256| (sha256, true)).collect(),
            embedded: held.snapshot,
            using: held.snapshot,
            current: false,
            route: Vec::new(),
            deltas: Vec::new(),
            refused: Vec::new(),
            suspects: Vec::new(),
            tries: 0,
            target: None,
            body: Vec::new(),
            reports: Vec::new(),
        };
        if let Some(bytes) = held.manifest {
            sync.start(bytes);
        }
        sync
    }

    /// Takes up the stored manifest.
    fn start(&mut self, bytes: Vec<u8>) {
        let manifest = match Manifest::read(&bytes, &self.pinned) {
            Ok(manifest) => manifest,
            Err(error) => return self.report(Report::Manifest(error)),
        };
        self.committed = manifest.hashes();
        self.state = match self.using == Some(manifest.snapshot.id) {
            true => State::Swap,
            false => State::Load,
        };
        let mut accepted = Accepted::new(manifest, bytes, None);
        (accepted.stored, accepted.forgotten) = (true, true);
        self.accepted = Some(accepted);
        if let Some(at) = self.checked {
            self.clock.succeeded(at, self.interval());
        }
    }

    /// What to do now. It stays the same until it is answered.
    pub fn next(&mut self, now: u64) -> Step<'_> {
        if self.state == State::Wait {
            let interval = self.interval();
            let until = self.clock.until(now, interval);
            if now < until {
                return Step::Wait { until };
            }
            self.state = State::Manifest;
        }
        self.step().unwrap_or(Step::Wait { until: now })
    }

    /// The step of a state other than waiting; always there, for states that need a manifest are entered with one only.
    fn step(&self) -> Option<Step<'_>> {
        let manifest = self.manifest();
        Some(match self.state {
            State::Wait => return None,
            State::Manifest => Step::Fetch(Request {
                kind: Kind::Manifest,
                url: "",
                limit: MAX_MANIFEST as u32,
                timeout: self.settings.timeout,
                if_none_match: self.accepted.as_ref().and_then(|accepted| accepted.etag.as_deref()),
            }),
            State::Load => Step::Load(&manifest?.snapshot.blob.sha256),
            State::Delta => self.request(Kind::Delta, &self.link()?.1.blob),
            State::Apply => Step::Apply,
            State::Snapshot => self.request(Kind::Snapshot, &manifest?.snapshot.blob),
            State::StoreSnapshot => Step::Store {
                sha256: &manifest?.snapshot.blob.sha256,
                bytes: self.target.as_deref()?,
            },
            State::File(at) => self.request(Kind::File, &manifest?.files.get(at)?.blob),
            State::StoreFile(at) => Step::Store {
                sha256: &manifest?.files.get(at)?.blob.sha256,
                bytes: &self.body,
            },
            State::Commit => Step::Commit(&self.accepted.as_ref()?.bytes),
            State::Swap => Step::Swap(manifest?),
            State::Forget => Step::Forget { keep: self.keep() },
        })
    }

    fn request<'a>(&self, kind: Kind, blob: &'a Blob) -> Step<'a> {
        Step::Fetch(Request {
            kind,
            url: &blob.url,
            limit: blob.bytes,
            timeout: self.settings.timeout.saturating_add(blob.bytes / SLOWEST * 1_000),
            if_none_match: None,
        })
    }

    /// The bytes of the snapshot to use from now on, at [`Step::Swap`]; `None` where it is the one in use.
    pub fn take_snapshot(&mut self) -> Option<Vec<u8>> {
        match self.state {
            State::Swap => self.target.take(),
            _ => None,
        }
    }

    /// The oldest report that was not yet asked for.
    pub fn next_report(&mut self) -> Option<Report> {
        (!self.reports.is_empty()).then(|| self.reports.remove(0))
    }

    /// When the manifest was last found to be current, in milliseconds; for [`Held::checked`] of the next start.
    pub fn checked(&self) -> Option<u64> {
        self.checked
    }

    /// The bytes of the manifest that was accepted last: at [`Step::Swap`] those of the one to use.
    pub fn accepted(&self) -> Option<&[u8]> {
        self.accepted.as_ref().map(|accepted| accepted.bytes.as_slice())
    }

    fn interval(&self) -> u64 {
        let ttl = self.manifest().and_then(|manifest| {
            let wanted = manifest.files.iter().filter(|file| self.wants(&file.name));
            wanted.map(|file| file.ttl).min()
        });
        clock::interval(&self.settings, ttl)
    }

    /// Whether this host uses the file of that name.
    fn wants(&self, name: &str) -> bool {
        let fits =
            |wanted: &str| wanted == name || (wanted.is_empty() || wanted.ends_with('/')) && name.starts_with(wanted);
        self.settings.files.iter().any(|wanted| fits(wanted))
    }

    /// The accepted manifest.
    pub(crate) fn manifest(&self) -> Option<&Manifest> {
        self.accepted.as_ref().map(|accepted| &accepted.manifest)
    }

    /// The next delta on the way, and its place in the manifest.
    fn link(&self) -> Option<(usize, &Link)> {
        let at = *self.route.get(self.deltas.len())?;
        Some((at, self.manifest()?.deltas.get(at)?))
    }

    /// What the stored manifest and the accepted one name.
    fn keep(&self) -> Vec<[u8; 32]> {
        let mut keep = self.manifest().map(Manifest::hashes).unwrap_or_default();
        keep.extend(&self.committed);
        keep
    }

    #[inline(never)]
    fn report(&mut self, report: Report) {
        if self.reports.len() == MAX_REPORTS {
            self.reports.remove(0);
        }
        self.reports.push(report);
    }
}
