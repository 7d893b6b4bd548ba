//! A host without any I/O of its own: its storage, its clock and its connection are the test's. After every step it holds what is in
//! use and what is stored to what was published.

use super::manifests::{blob, trust};
use super::origin::{id, snapshots, Origin, DAY, START};
use pocketrank::sync::{Answer, Failure, Held, Kind, Report, Settings, Step, Sync};
use pocketrank::{Blob, File, Manifest, SnapshotId, Trust};
use std::collections::BTreeMap;

/// What is left when the host stops.
#[derive(Debug, Clone, Default)]
pub struct Storage {
    pub manifest: Option<Vec<u8>>,
    pub blobs: BTreeMap<[u8; 32], Vec<u8>>,
    pub checked: Option<u64>,
}

/// What a request gets, or a write: `None` for what is right.
pub type Fault<'a> = &'a mut dyn FnMut(Ask<'_>) -> Option<Answer>;

/// A step that a fault may answer in the place of origin and storage.
#[derive(Debug, Clone, Copy)]
pub enum Ask<'a> {
    Fetch(Kind, &'a str, &'a [u8]),
    Load,
    Apply,
    Store,
    Commit,
    Swap,
    Forget,
}

pub struct Host {
    pub sync: Sync,
    pub storage: Storage,
    /// What the storage did not take.
    memory: BTreeMap<[u8; 32], Vec<u8>>,
    /// In milliseconds.
    pub now: u64,
    pub snapshot: Vec<u8>,
    /// The manifest whose files are in use.
    pub manifest: Option<Manifest>,
    trust: Trust,
    settings: Settings,
    etag: bool,
    pub requests: Vec<(u64, Kind)>,
    pub reports: Vec<Report>,
    /// Whether what is stored was changed by others.
    pub damaged: bool,
    /// The stored manifest, read.
    committed: Option<(Vec<u8>, Manifest)>,
}

impl Host {
    /// A host that came with the snapshot of day 0.
    pub fn new(settings: Settings, seed: u64) -> Self {
        Self::start(Storage::default(), START, trust(), settings, seed)
    }

    pub fn start(storage: Storage, now: u64, trust: Trust, settings: Settings, seed: u64) -> Self {
        let held = Held {
            manifest: storage.manifest.clone(),
            blobs: storage.blobs.keys().copied().collect(),
            snapshot: Some(id(&snapshots()[0])),
            checked: storage.checked,
        };
        Host {
            sync: Sync::new(trust.clone(), held, settings.clone(), seed),
            storage,
            memory: BTreeMap::new(),
            now,
            snapshot: snapshots()[0].clone(),
            manifest: None,
            trust,
            settings,
            etag: seed.is_multiple_of(2),
            requests: vec![],
            reports: vec![],
            damaged: false,
            committed: None,
        }
    }

    /// The host stops where it is, and starts again from what was stored.
    pub fn restart(&mut self) {
        let before = Self::start(
            std::mem::take(&mut self.storage),
            self.now,
            self.trust.clone(),
            self.settings.clone(),
            self.now,
        );
        let after = std::mem::replace(self, before);
        self.requests = after.requests;
        self.reports = after.reports;
        self.damaged = after.damaged;
    }

    pub fn using(&self) -> SnapshotId {
        id(&self.snapshot)
    }

    /// Whether that day is in use and stored.
    pub fn is_at(&self, day: usize) -> bool {
        self.uses(day)
            && self
                .stored()
                .is_some_and(|stored| Some(&stored) == self.manifest.as_ref())
    }

    /// The stored manifest.
    pub fn stored(&self) -> Option<Manifest> {
        let bytes = self.storage.manifest.as_ref()?;
        Some(Manifest::read(bytes, &self.trust).unwrap())
    }

    /// Whether that day is in use, stored or not.
    pub fn uses(&self, day: usize) -> bool {
        self.snapshot == snapshots()[day]
    }

    pub fn codes(&self) -> Vec<&'static str> {
        self.reports.iter().map(Report::code).collect()
    }

    /// One step, and its answer: the origin's and the storage's, or what the fault says. A wait passes. Says whether it was a wait.
    pub fn step(&mut self, origin: &Origin, fault: Fault<'_>) -> bool {
        let waited = self.act(origin, fault);
        while let Some(report) = self.sync.next_report() {
            assert!(!report.code().is_empty());
            self.reports.push(report);
        }
        self.check();
        waited
    }

    fn act(&mut self, origin: &Origin, fault: Fault<'_>) -> bool {
        let now = self.now;
        let same = format!("{:?}", self.sync.next(now));
        let step = self.sync.next(now);
        assert_eq!(same, format!("{step:?}"), "it says the same until it is answered");
        let answer = match step {
            Step::Wait { until } => {
                let longest = u64::from(self.settings.interval) * 1_000;
                assert!(
                    until > now && until <= now + longest,
                    "waits {} ms",
                    until.wrapping_sub(now)
                );
                self.now = until;
                return true;
            }
            Step::Fetch(request) => {
                assert!(self.settings.with_deltas || request.kind != Kind::Delta);
                self.requests.push((now, request.kind));
                let tag = |body: &[u8]| blob(body, "").url;
                let body = origin.bodies.get(request.url);
                let good = match body {
                    Some(body) if self.etag && request.if_none_match == Some(&tag(body)) => Answer::NotModified,
                    Some(body) if body.len() > request.limit as usize => Answer::Failed(Failure::TooLong),
                    Some(body) => Answer::Body {
                        bytes: body.clone(),
                        etag: self.etag.then(|| tag(body)),
                    },
                    None => Answer::Status {
                        status: 404,
                        retry_after: None,
                    },
                };
                let ask = Ask::Fetch(request.kind, request.url, body.map_or(&[], |body| body));
                let answer = fault(ask).unwrap_or(good);
                // An answer takes its time.
                self.now += if answer == Answer::Failed(Failure::Timeout) {
                    u64::from(request.timeout)
                } else {
                    50
                };
                answer
            }
            Step::Load(sha256) => {
                let stored = self.storage.blobs.get(sha256).cloned();
                fault(Ask::Load).unwrap_or(stored.map_or(Answer::NotStored, |bytes| Answer::Body { bytes, etag: None }))
            }
            Step::Apply => match fault(Ask::Apply) {
                Some(answer) => answer,
                None => {
                    self.sync.apply(now, &self.snapshot);
                    return false;
                }
            },
            Step::Store { sha256, bytes } => {
                let answer = fault(Ask::Store).unwrap_or(Answer::Done);
                let to = match answer {
                    Answer::Done => &mut self.storage.blobs,
                    _ => &mut self.memory,
                };
                to.insert(*sha256, bytes.to_vec());
                answer
            }
            Step::Commit(bytes) => {
                let answer = fault(Ask::Commit).unwrap_or(Answer::Done);
                if answer == Answer::Done {
                    self.storage.manifest = Some(bytes.to_vec());
                }
                answer
            }
            Step::Swap(manifest) => {
                let manifest = manifest.clone();
                if let Some(before) = &self.manifest {
                    assert!(manifest.sequence >= before.sequence);
                }
                if let Some(bytes) = self.sync.take_snapshot() {
                    self.snapshot = bytes;
                }
                self.manifest = Some(manifest);
                fault(Ask::Swap).unwrap_or(Answer::Done)
            }
            Step::Forget { keep } => {
                let answer = fault(Ask::Forget).unwrap_or(Answer::Done);
                if answer == Answer::Done {
                    self.storage.blobs.retain(|sha256, _| keep.contains(sha256));
                }
                self.memory.retain(|sha256, _| keep.contains(sha256));
                answer
            }
        };
        self.sync.answer(now.max(self.now), answer);
        self.storage.checked = self.sync.checked();
        for sha256 in self.damaged_files() {
            self.sync.lost(self.now, &sha256);
        }
        false
    }

    /// What is in use is what one manifest names, as it was published; what is stored is whole.
    fn check(&mut self) {
        assert!(
            snapshots().contains(&self.snapshot),
            "a snapshot that was never published"
        );
        let lost = self.codes().contains(&"lost") || self.damaged;
        if let Some(manifest) = &self.manifest {
            manifest.snapshot.blob.check("snapshot", &self.snapshot).unwrap();
            assert_eq!(manifest.audience, self.trust.audience);
            let has = |file: &File| {
                [&self.storage.blobs, &self.memory]
                    .iter()
                    .any(|at| at.contains_key(&file.blob.sha256))
            };
            // What was stored before and was lost is being fetched again.
            assert!(lost || manifest.files.iter().all(has), "a file is missing");
        }
        if self.damaged {
            return;
        }
        for (sha256, bytes) in self.storage.blobs.iter().chain(&self.memory) {
            assert_eq!(blob(bytes, "").sha256, *sha256);
        }
        if self.storage.manifest.as_ref() != self.committed.as_ref().map(|(bytes, _)| bytes) {
            let read = |bytes: &Vec<u8>| (bytes.clone(), Manifest::read(bytes, &self.trust).unwrap());
            self.committed = self.storage.manifest.as_ref().map(read);
        }
        if let (Some((_, manifest)), false) = (&self.committed, lost) {
            let stored = |blob: &Blob| self.storage.blobs.contains_key(&blob.sha256);
            let snapshot = manifest.snapshot.id == id(&snapshots()[0]) || stored(&manifest.snapshot.blob);
            assert!(snapshot, "committed without its snapshot");
            assert!(
                manifest.files.iter().all(|file| stored(&file.blob)),
                "committed without a file"
            );
        }
    }

    /// The files of the manifest in use that are stored with other bytes than they should have, as a host finds when it reads them.
    fn damaged_files(&self) -> Vec<[u8; 32]> {
        let files = self.manifest.iter().flat_map(|manifest| &manifest.files);
        let is_damaged = |blob: &&Blob| {
            self.storage
                .blobs
                .get(&blob.sha256)
                .is_some_and(|bytes| blob.check("file", bytes).is_err())
        };
        files
            .map(|file| &file.blob)
            .filter(is_damaged)
            .map(|blob| blob.sha256)
            .collect()
    }

    /// Steps until that time.
    pub fn run_until(&mut self, end: u64, origin: &Origin, fault: Fault<'_>) {
        let before = (self.now, self.requests.len());
        let mut steps = 0;
        while self.now < end {
            steps = if self.step(origin, fault) { 0 } else { steps + 1 };
            assert!(steps < 64, "64 steps without a wait");
            // Backoff leaves at least a second between attempts, and an attempt has a handful of requests.
            let (seconds, requests) = ((self.now - before.0) / 1_000, self.requests.len() - before.1);
            assert!(
                requests as u64 <= 16 * (seconds + 1),
                "{requests} requests in {seconds} s"
            );
        }
    }

    /// Steps until nothing is left to do but wait.
    pub fn settle(&mut self, origin: &Origin) {
        for _ in 0..200 {
            if matches!(self.sync.next(self.now), Step::Wait { .. }) {
                return;
            }
            self.step(origin, &mut |_| None);
        }
        panic!("200 steps without an end");
    }

    /// Two intervals later all is well again.
    pub fn recovers(&mut self, origin: &Origin) {
        self.run_until(
            self.now + 2 * u64::from(self.settings.interval) * 1_000,
            origin,
            &mut |_| None,
        );
    }

    pub fn days_later(&mut self, days: u64) {
        self.now += days * DAY;
    }
}
