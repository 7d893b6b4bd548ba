//! A scripted origin: a few days of publishing, each with a snapshot, the deltas to it and two lists of candidates.

use super::manifests::{blob, keys, trust};
use super::{builder, Rng};
use pocketrank::pack::SnapshotBuilder;
use pocketrank::{diff, File, Link, Manifest, SecretKey, Snapshot, SnapshotId, Target};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The days that [`snapshots`] has.
pub const DAYS: usize = 6;
/// When day 0 is published, in milliseconds since 1970-01-01 UTC.
pub const START: u64 = 1_700_000_000_000;
pub const DAY: u64 = 86_400_000;
/// Manifests expire after so many seconds.
pub const LASTS: u64 = 7 * 86_400;

/// The snapshot of each day: few bytes, so that all of them can be tried, and few changes from one to the next.
pub fn snapshots() -> &'static [Vec<u8>] {
    static ALL: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    ALL.get_or_init(|| {
        let rng = &mut Rng(11);
        let mut model = SnapshotBuilder {
            factors: None,
            content: None,
            ..builder(rng, 24)
        };
        let day = |day: usize| {
            model.meta.trained_until += 86_400;
            model.prior[day].popularity ^= 0x55;
            model.attributes[3 * day].brand = 1;
            model.clone().build().unwrap()
        };
        let all: Vec<_> = (0..DAYS).map(day).collect();
        all.iter()
            .for_each(|bytes| Snapshot::open(bytes).unwrap().verify().unwrap());
        all
    })
}

pub fn id(bytes: &[u8]) -> SnapshotId {
    Snapshot::open(bytes).unwrap().id()
}

/// The files of that day: one that changes each day and one that never does.
pub fn files(day: usize) -> [(&'static str, Vec<u8>); 2] {
    [
        ("candidates/home.json", format!("[\"sku-{day}\"]").into_bytes()),
        ("directory.json", b"{}".to_vec()),
    ]
}

/// What can be fetched, by address; the manifest's is empty.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    pub bodies: BTreeMap<String, Vec<u8>>,
}

impl Origin {
    /// The origin once that day is published under that sequence.
    pub fn at(day: usize, sequence: u32) -> Self {
        let mut origin = Origin::default();
        let manifest = origin.publish(day, sequence);
        origin.sign(&manifest, &keys()[..1]);
        origin
    }

    /// Puts the blobs of that day in place, and gives the manifest that names them.
    pub fn publish(&mut self, day: usize, sequence: u32) -> Manifest {
        let snapshot = &snapshots()[day];
        let mut deltas = Vec::new();
        // From day to day and back, and over two days at a time.
        for (from, to) in (0..DAYS - 1).flat_map(|at| [(at, at + 1), (at + 1, at), (at, (at + 2).min(DAYS - 1))]) {
            if from == to
                || deltas
                    .iter()
                    .any(|link: &Link| (link.base, link.target) == (day_id(from), day_id(to)))
            {
                continue;
            }
            deltas.push(Link {
                base: day_id(from),
                target: day_id(to),
                blob: self.put(delta(from, to), "delta"),
            });
        }
        let mut manifest = Manifest {
            audience: trust().audience,
            sequence,
            issued: START / 1_000 + 86_400 * u64::from(sequence),
            expires: START / 1_000 + 86_400 * u64::from(sequence) + LASTS,
            snapshot: Target {
                id: id(snapshot),
                blob: self.put(snapshot, "bin"),
            },
            deltas,
            files: vec![],
            keys: vec![],
        };
        for (name, bytes) in files(day) {
            manifest.files.push(File {
                name: name.into(),
                ttl: 7_200,
                blob: self.put(&bytes, "json"),
            });
        }
        manifest
    }

    /// Puts bytes in place under a name that follows from them.
    pub fn put(&mut self, bytes: &[u8], end: &str) -> pocketrank::Blob {
        let blob = blob(bytes, end);
        self.bodies.insert(blob.url.clone(), bytes.to_vec());
        blob
    }

    pub fn sign(&mut self, manifest: &Manifest, keys: &[SecretKey]) {
        self.bodies.insert(String::new(), manifest.sign(keys).unwrap());
    }
}

fn day_id(day: usize) -> SnapshotId {
    id(&snapshots()[day])
}

/// The delta from one day to another.
pub fn delta(from: usize, to: usize) -> &'static [u8] {
    static ALL: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let opened: Vec<_> = snapshots().iter().map(|bytes| Snapshot::open(bytes).unwrap()).collect();
        opened
            .iter()
            .flat_map(|base| opened.iter().map(move |target| diff(base, target).unwrap()))
            .collect()
    });
    &all[from * DAYS + to]
}
