//! Somebody who publishes, and what is then live.

use crate::random::{builder, Rng};
use object_store::memory::InMemory;
use pocketrank::{Delta, Manifest, PublicKey, SecretKey, Snapshot, SnapshotId, Trust};
use pocketrank_origin::error::Result;
use pocketrank_origin::publish::place::Place;
use pocketrank_origin::publish::{Published, Publisher, Source};
use std::future::Future;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

pub const AUDIENCE: &str = "shop.example/test";
pub const HOUR: u64 = 3_600;
pub const ITEMS: usize = 24;

pub fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(work)
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32]).unwrap()
}

/// The model of a day; a few rows change each day.
pub fn day(day: usize) -> Vec<u8> {
    let mut model = builder(&mut Rng(7), ITEMS);
    for day in 1..=day {
        for row in 0..3 {
            let row = (day * 7 + row) % ITEMS;
            model.prior[row].popularity = model.prior[row].popularity.wrapping_add(day as u8);
        }
    }
    model.build().unwrap()
}

pub fn id(snapshot: &[u8]) -> SnapshotId {
    Snapshot::open(snapshot).unwrap().id()
}

pub fn list(name: &str, text: &str) -> Source {
    Source {
        name: format!("candidates/{name}.json"),
        ttl: 900,
        bytes: format!("{{\"list\":\"{name}\",\"ttl\":900,\"items\":\"{}\"}}", text.repeat(50)).into_bytes(),
    }
}

/// Someone who publishes.
pub struct Somebody {
    pub place: Place,
    pub keys: Vec<SecretKey>,
    pub trust: Vec<PublicKey>,
    pub now: u64,
}

impl Somebody {
    pub fn at(place: Place) -> Self {
        Self {
            place,
            keys: vec![key(1)],
            trust: vec![],
            now: now(),
        }
    }

    pub fn by(self, keys: &[u8], trust: &[u8]) -> Self {
        Self {
            keys: keys.iter().map(|seed| key(*seed)).collect(),
            trust: trust.iter().map(|seed| key(*seed).public()).collect(),
            ..self
        }
    }

    pub fn publisher(&self) -> Publisher<'_> {
        Publisher {
            place: &self.place,
            keys: &self.keys,
            trust: &self.trust,
            audience: AUDIENCE,
            now: self.now,
            lifetime: 7 * 24 * HOUR,
        }
    }

    pub fn publish(&self, snapshot: &[u8], files: Option<&[Source]>) -> Result<Published> {
        run(self.publisher().publish(snapshot, files, 30))
    }

    pub fn live(&self) -> Manifest {
        read(&self.place, &[1, 2])
    }
}

pub fn read(place: &Place, keys: &[u8]) -> Manifest {
    let live = run(place.live()).unwrap().unwrap();
    let trust = Trust {
        audience: AUDIENCE.into(),
        keys: keys.iter().map(|seed| key(*seed).public()).collect(),
        sequence: 1,
    };
    Manifest::read(&live.bytes, &trust).unwrap()
}

/// All that the live manifest names is there, whole, and every delta makes the snapshot of its base.
pub fn whole(place: &Place, bases: &[(SnapshotId, Vec<u8>)]) -> Manifest {
    let manifest = read(place, &[1, 2]);
    let get = |blob| run(place.get(blob)).unwrap().unwrap();
    let target = get(&manifest.snapshot.blob);
    assert_eq!(id(&target), manifest.snapshot.id);
    for link in &manifest.deltas {
        let delta = get(&link.blob);
        let delta = Delta::open(&delta).unwrap();
        assert_eq!((delta.base(), delta.target()), (link.base, link.target));
        let (_, base) = bases.iter().find(|(id, _)| *id == link.base).unwrap();
        assert_eq!(delta.apply(&Snapshot::open(base.as_slice()).unwrap()).unwrap(), target);
        assert!(link.blob.transfer < manifest.snapshot.blob.transfer);
    }
    for file in &manifest.files {
        get(&file.blob);
    }
    manifest
}

pub fn days(count: usize) -> Vec<(SnapshotId, Vec<u8>)> {
    (0..count).map(day).map(|bytes| (id(&bytes), bytes)).collect()
}

/// A folder, and a bucket that keeps preconditions.
pub fn places() -> (TempDir, Vec<Place>) {
    let folder = tempfile::tempdir().unwrap();
    let places = vec![
        Place::open(folder.path().join("deep/public").to_str().unwrap()).unwrap(),
        Place::over(Arc::new(InMemory::new()), "memory"),
    ];
    (folder, places)
}
