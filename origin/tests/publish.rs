//! Publishing: whatever stops it and whoever else publishes, what is live is whole, and all that it names is there.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../../tests/support/random.rs"]
mod random;

use async_trait::async_trait;
use futures_util::stream::{BoxStream, StreamExt};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path as Key;
use object_store::{
    Attribute, CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult,
};
use pocketrank::{Delta, Manifest, PublicKey, SecretKey, Snapshot, SnapshotId, Trust};
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::publish::place::Place;
use pocketrank_origin::publish::{Published, Publisher, Source, Which};
use random::{builder, Rng};
use std::fmt;
use std::future::Future;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

const AUDIENCE: &str = "shop.example/test";
const HOUR: u64 = 3_600;
const ITEMS: usize = 24;

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(work)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed([seed; 32]).unwrap()
}

/// The model of a day; a few rows change each day.
fn day(day: usize) -> Vec<u8> {
    let mut model = builder(&mut Rng(7), ITEMS);
    for day in 1..=day {
        for row in 0..3 {
            let row = (day * 7 + row) % ITEMS;
            model.prior[row].popularity = model.prior[row].popularity.wrapping_add(day as u8);
        }
    }
    model.build().unwrap()
}

fn id(snapshot: &[u8]) -> SnapshotId {
    Snapshot::open(snapshot).unwrap().id()
}

fn list(name: &str, text: &str) -> Source {
    Source {
        name: format!("candidates/{name}.json"),
        ttl: 900,
        bytes: format!("{{\"list\":\"{name}\",\"ttl\":900,\"items\":\"{}\"}}", text.repeat(50)).into_bytes(),
    }
}

/// Someone who publishes.
struct Somebody {
    place: Place,
    keys: Vec<SecretKey>,
    trust: Vec<PublicKey>,
    now: u64,
}

impl Somebody {
    fn at(place: Place) -> Self {
        Self {
            place,
            keys: vec![key(1)],
            trust: vec![],
            now: now(),
        }
    }

    fn by(self, keys: &[u8], trust: &[u8]) -> Self {
        Self {
            keys: keys.iter().map(|seed| key(*seed)).collect(),
            trust: trust.iter().map(|seed| key(*seed).public()).collect(),
            ..self
        }
    }

    fn publisher(&self) -> Publisher<'_> {
        Publisher {
            place: &self.place,
            keys: &self.keys,
            trust: &self.trust,
            audience: AUDIENCE,
            now: self.now,
            lifetime: 7 * 24 * HOUR,
        }
    }

    fn publish(&self, snapshot: &[u8], files: Option<&[Source]>) -> Result<Published> {
        run(self.publisher().publish(snapshot, files, 30))
    }

    fn live(&self) -> Manifest {
        read(&self.place, &[1, 2])
    }
}

fn read(place: &Place, keys: &[u8]) -> Manifest {
    let live = run(place.live()).unwrap().unwrap();
    let trust = Trust {
        audience: AUDIENCE.into(),
        keys: keys.iter().map(|seed| key(*seed).public()).collect(),
        sequence: 1,
    };
    Manifest::read(&live.bytes, &trust).unwrap()
}

/// All that the live manifest names is there, whole, and every delta makes the snapshot of its base.
fn whole(place: &Place, bases: &[(SnapshotId, Vec<u8>)]) -> Manifest {
    let manifest = read(place, &[1, 2]);
    let get = |blob| run(place.get(blob)).unwrap().expect("a blob that the manifest names");
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

fn days(count: usize) -> Vec<(SnapshotId, Vec<u8>)> {
    (0..count).map(day).map(|bytes| (id(&bytes), bytes)).collect()
}

/// A folder, and a bucket that keeps preconditions.
fn places() -> (TempDir, Vec<Place>) {
    let folder = tempfile::tempdir().unwrap();
    let places = vec![
        Place::open(folder.path().join("deep/public").to_str().unwrap()).unwrap(),
        Place::over(Arc::new(InMemory::new()), "memory"),
    ];
    (folder, places)
}

#[test]
fn every_day_leads_to_the_newest_by_one_delta() {
    let (_folder, places) = places();
    for place in places {
        let somebody = Somebody::at(place);
        for (sequence, snapshot) in (0..4).map(day).enumerate() {
            let files = [list("popular", "abc"), list("new", &format!("day {sequence}"))];
            let published = somebody.publish(&snapshot, Some(&files)).unwrap();
            assert_eq!(published.manifest, whole(&somebody.place, &days(4)));
            let live = somebody.live();
            assert_eq!(live.sequence as usize, sequence + 1);
            assert_eq!(live.snapshot.id, id(&snapshot));
            let bases: Vec<_> = live.deltas.iter().map(|link| link.base).collect();
            let expected: Vec<_> = (0..sequence).rev().map(|before| id(&day(before))).collect();
            assert_eq!(bases, expected, "the newest first");
            let names: Vec<_> = live.files.iter().map(|file| (file.name.as_str(), file.ttl)).collect();
            assert_eq!(names, [("candidates/new.json", 900), ("candidates/popular.json", 900)]);
            assert_eq!(
                (live.issued, live.expires),
                (somebody.now, somebody.now + 7 * 24 * HOUR)
            );
        }
        // Only the last two, the same again, and the lists as they were.
        let files = somebody.live().files;
        let published = run(somebody.publisher().publish(&day(4), None, 2)).unwrap();
        assert_eq!(published.manifest.deltas.len(), 2);
        assert_eq!(published.manifest.files, files);
        let again = run(somebody.publisher().publish(&day(4), None, 30)).unwrap().manifest;
        assert_eq!((again.sequence, again.deltas), (6, published.manifest.deltas));
    }
}

#[test]
fn a_folder_has_compressed_siblings_and_a_bucket_has_attributes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let somebody = Somebody::at(Place::open(&format!("file://{path}")).unwrap());
    let files = [list("popular", "abc")];
    let live = somebody.publish(&day(0), Some(&files)).unwrap().manifest;
    for blob in [&live.snapshot.blob, &live.files[0].blob] {
        let file = |suffix| std::fs::read(folder.path().join(format!("{}{suffix}", blob.url))).unwrap();
        let plain = file("");
        assert_eq!(plain.len(), blob.bytes as usize);
        assert_eq!(file(".br").len(), blob.transfer as usize);
        let mut unpacked = vec![];
        std::io::copy(&mut flate2::read::GzDecoder::new(file(".gz").as_slice()), &mut unpacked).unwrap();
        assert_eq!(unpacked, plain);
    }

    let bucket = Arc::new(InMemory::new());
    let somebody = Somebody::at(Place::over(bucket.clone(), "memory"));
    let live = somebody.publish(&day(0), Some(&files)).unwrap().manifest;
    let attribute = |name: &str, attribute| {
        let object = run(bucket.get(&Key::from(name))).unwrap();
        object.attributes.get(&attribute).map(|value| value.to_string())
    };
    let immutable = Some("public, max-age=31536000, immutable".to_owned());
    let list = live.files[0].blob.url.as_str();
    assert_eq!(attribute(list, Attribute::CacheControl), immutable);
    assert_eq!(attribute(list, Attribute::ContentType).unwrap(), "application/json");
    assert_eq!(attribute(list, Attribute::ContentEncoding).unwrap(), "br");
    let size = run(bucket.head(&Key::from(list))).unwrap().size;
    assert_eq!(size, u64::from(live.files[0].blob.transfer));
    assert_eq!(attribute("manifest.pkrm", Attribute::CacheControl).unwrap(), "no-cache");
    assert_eq!(attribute("manifest.pkrm", Attribute::ContentEncoding), None);
}

#[test]
fn a_damaged_object_is_written_again_and_a_damaged_base_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let somebody = Somebody::at(Place::open(folder.path().to_str().unwrap()).unwrap());
    let first = somebody.publish(&day(0), None).unwrap().manifest;
    let path = folder.path().join(&first.snapshot.blob.url);
    std::fs::write(&path, &day(0)[..100]).unwrap();
    let second = somebody.publish(&day(1), None).unwrap().manifest;
    assert!(second.deltas.is_empty());
    somebody.publish(&day(0), None).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), day(0));
    whole(&somebody.place, &days(2));
}

#[test]
fn what_is_not_a_snapshot_is_not_published() {
    let (_folder, places) = places();
    let mut damaged = day(0);
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    for place in places {
        let somebody = Somebody::at(place);
        let refused = somebody.publish(&damaged, None).unwrap_err();
        assert_eq!(refused.exit_code(), 4, "{refused}");
        assert!(run(somebody.place.live()).unwrap().is_none());
    }
}

/// A store with something odd about it.
#[derive(Debug)]
struct Odd {
    inner: Arc<dyn ObjectStore>,
    /// The write at which it stops, counted from 1; all after it fail too. 0 for never.
    stop: usize,
    /// Whether that write still happens, and only its answer is lost.
    lost: bool,
    writes: AtomicUsize,
    /// Where it waits, once, after the manifest was read.
    meet: Option<Arc<Barrier>>,
    met: AtomicUsize,
}

impl Odd {
    fn over(inner: Arc<dyn ObjectStore>) -> Self {
        Self {
            inner,
            stop: 0,
            lost: false,
            writes: AtomicUsize::new(0),
            meet: None,
            met: AtomicUsize::new(0),
        }
    }

    /// Whether this write happens, and whether it seems so.
    fn write(&self) -> (bool, object_store::Result<()>) {
        let number = self.writes.fetch_add(1, Ordering::SeqCst) + 1;
        if self.stop == 0 || number < self.stop {
            return (true, Ok(()));
        }
        let stopped = object_store::Error::Generic {
            store: "odd",
            source: "stopped".into(),
        };
        (self.lost && number == self.stop, Err(stopped))
    }
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("odd")
    }
}

#[async_trait]
impl ObjectStore for Odd {
    async fn put_opts(&self, key: &Key, bytes: PutPayload, how: PutOptions) -> object_store::Result<PutResult> {
        let (happens, seems) = self.write();
        let result = match happens {
            true => Some(self.inner.put_opts(key, bytes, how).await),
            false => None,
        };
        seems?;
        result.unwrap()
    }

    async fn put_multipart_opts(
        &self,
        key: &Key,
        how: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(key, how).await
    }

    async fn get_opts(&self, key: &Key, how: GetOptions) -> object_store::Result<GetResult> {
        let result = self.inner.get_opts(key, how).await;
        if let Some(meet) = &self.meet {
            if key.as_ref() == "manifest.pkrm" && self.met.fetch_add(1, Ordering::SeqCst) == 0 {
                meet.wait();
            }
        }
        result
    }

    fn delete_stream(
        &self,
        keys: BoxStream<'static, object_store::Result<Key>>,
    ) -> BoxStream<'static, object_store::Result<Key>> {
        let keys: Vec<_> = run_on_thread(keys.collect());
        let results = keys.into_iter().map(|key| {
            let (happens, seems) = self.write();
            let key = key.unwrap();
            if happens {
                let (inner, key) = (self.inner.clone(), key.clone());
                run_on_thread(async move { inner.delete(&key).await })?;
            }
            seems.map(|()| key)
        });
        futures_util::stream::iter(results.collect::<Vec<_>>()).boxed()
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Key>) -> object_store::Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Key, to: &Key, how: CopyOptions) -> object_store::Result<()> {
        self.inner.copy_opts(from, to, how).await
    }
}

fn run_on_thread<T: Send>(work: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| scope.spawn(|| run(work)).join().unwrap())
}

/// A folder or a bucket, to which odd ways lead.
enum Ground {
    Folder(TempDir),
    Bucket(Arc<InMemory>),
}

impl Ground {
    fn both() -> [Self; 2] {
        [
            Ground::Folder(tempfile::tempdir().unwrap()),
            Ground::Bucket(Arc::new(InMemory::new())),
        ]
    }

    fn place(&self, odd: impl FnOnce(Odd) -> Odd) -> (Place, Arc<Odd>) {
        let inner: Arc<dyn ObjectStore> = match self {
            Ground::Folder(folder) => Arc::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap()),
            Ground::Bucket(bucket) => bucket.clone(),
        };
        let odd = Arc::new(odd(Odd::over(inner)));
        let place = match self {
            Ground::Folder(folder) => Place::over_folder(odd.clone(), folder.path()),
            Ground::Bucket(_) => Place::over(odd.clone(), "memory"),
        };
        (place, odd)
    }

    fn plain(&self) -> Place {
        self.place(|odd| odd).0
    }
}

#[test]
fn of_two_who_publish_at_once_one_is_told_to_publish_again() {
    for (round, ground) in (0..3).flat_map(|_| Ground::both()).enumerate() {
        let before = (round / 2 % 2) as u32;
        if before == 1 {
            Somebody::at(ground.plain()).publish(&day(0), None).unwrap();
        }
        let barrier = Arc::new(Barrier::new(2));
        // Both have read what is live before either writes.
        let race = |number: usize| {
            let meet = Some(barrier.clone());
            let somebody = Somebody::at(ground.place(|odd| Odd { meet, ..odd }).0);
            somebody.publish(&day(number), Some(&[list("popular", &format!("by {number}"))]))
        };
        let results: Vec<_> = std::thread::scope(|scope| {
            let threads = [1, 2].map(|number| scope.spawn(move || race(number)));
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let live = whole(&ground.plain(), &days(3));
        assert_eq!(live.sequence, before + 1);
        let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        assert_eq!(won.into_iter().next().unwrap().unwrap().manifest, live);
        let [Err(lost)] = lost.as_slice() else {
            panic!("{lost:?}")
        };
        assert!(matches!(lost, Error::Overtaken(_)) && lost.exit_code() == 5, "{lost}");
        assert!(lost.to_string().contains("publish again"), "{lost}");
        Somebody::at(ground.plain()).publish(&day(2), None).unwrap();
        assert_eq!(whole(&ground.plain(), &days(3)).sequence, before + 2);
    }
}

#[test]
fn many_who_publish_and_publish_again_lose_nothing() {
    const EACH: usize = 3;
    for ground in Ground::both() {
        let published: Vec<u32> = std::thread::scope(|scope| {
            let work = |number: usize| {
                let somebody = Somebody::at(ground.plain());
                let mut sequences = vec![];
                for turn in 0..EACH {
                    sequences.push(loop {
                        match somebody.publish(&day(number * EACH + turn), None) {
                            Ok(published) => break published.manifest.sequence,
                            Err(Error::Overtaken(_)) => {}
                            Err(e) => panic!("{e}"),
                        }
                    });
                }
                sequences
            };
            let threads: Vec<_> = (0..4).map(|number| scope.spawn(move || work(number))).collect();
            let results = threads.into_iter().flat_map(|thread| thread.join().unwrap());
            results.collect()
        });
        let mut sorted = published;
        sorted.sort_unstable();
        assert_eq!(sorted, (1..=4 * EACH as u32).collect::<Vec<_>>());
        let live = whole(&ground.plain(), &days(4 * EACH));
        assert_eq!(live.deltas.len(), 4 * EACH - 1, "from every snapshot before");
    }
}

/// Does something over stores that stop at each of their writes in turn, and checks what is live each time.
fn stopped_anywhere(prepare: impl Fn(&Somebody), work: impl Fn(&Somebody) -> Result<()>) {
    for lost in [false, true] {
        for kind in [0, 1] {
            let mut stop = 1;
            loop {
                let ground = Ground::both().into_iter().nth(kind).unwrap();
                let at = |odd| Somebody {
                    now: now() + 3 * HOUR,
                    ..Somebody::at(odd)
                };
                prepare(&at(ground.plain()));
                let before = run(ground.plain().live()).unwrap().map(|live| live.bytes);
                let (place, odd) = ground.place(|odd| Odd { stop, lost, ..odd });
                let result = work(&at(place));
                let writes = odd.writes.load(Ordering::SeqCst);
                if result.is_ok() && writes < stop {
                    assert!(stop > 3, "too few writes to tell");
                    break;
                }
                let after = run(ground.plain().live()).unwrap().map(|live| live.bytes);
                assert!(result.is_err() || lost, "stopped at {stop}");
                // A manifest whose answer was lost may be live; nothing else may.
                assert!(lost || after == before, "stopped at {stop}");
                if after.is_some() {
                    whole(&ground.plain(), &days(6));
                }
                let next = Somebody::at(ground.plain());
                next.publish(&day(5), Some(&[list("popular", "after")])).unwrap();
                whole(&ground.plain(), &days(6));
                stop += 1;
            }
        }
    }
}

#[test]
fn a_stop_between_any_two_writes_leaves_what_was_live() {
    let files = [list("popular", "abc")];
    let published = |somebody: &Somebody| somebody.publish(&day(2), Some(&files)).map(|_| ());
    stopped_anywhere(|_| {}, published);
    let prepare = |somebody: &Somebody| {
        for number in [0, 1] {
            somebody.publish(&day(number), Some(&[list("popular", "old")])).unwrap();
        }
    };
    stopped_anywhere(prepare, published);
    stopped_anywhere(prepare, |somebody| {
        run(somebody.publisher().rollback(Which::Before, 30)).map(|_| ())
    });
    let prepare = |somebody: &Somebody| {
        for number in 0..4 {
            somebody
                .publish(&day(number), Some(&[list("popular", &format!("{number}"))]))
                .unwrap();
        }
    };
    stopped_anywhere(prepare, |somebody| {
        let live = run(somebody.place.live())?.unwrap();
        run(somebody.publisher().collect(&live.bytes, 1)).map(|_| ())
    });
}

#[test]
fn garbage_is_what_no_kept_manifest_names_and_what_is_old() {
    for ground in Ground::both() {
        let mut somebody = Somebody::at(ground.plain());
        for number in 0..6 {
            let files = [list("popular", "same"), list("new", &format!("{number}"))];
            somebody.publish(&day(number), Some(&files)).unwrap();
        }
        let live = run(somebody.place.live()).unwrap().unwrap().bytes;
        let collect = |somebody: &Somebody, keep| run(somebody.publisher().collect(&live, keep)).unwrap();
        let young = collect(&somebody, 2);
        assert!(
            young.removed == 0 && young.young > 10 && young.left.is_none(),
            "{young:?}"
        );
        let old = somebody.now;
        somebody.now += 2 * HOUR;
        assert_eq!(collect(&somebody, 6).removed, 0);
        let collected = collect(&somebody, 2);
        assert_eq!(collected.removed, young.young, "{collected:?}");
        assert_eq!(collect(&somebody, 2).removed, 0);
        let manifest = whole(&somebody.place, &days(6));
        assert_eq!((manifest.sequence, manifest.deltas.len()), (6, 5));
        somebody.now = old;
        let refused = run(somebody.publisher().rollback(Which::Sequence(2), 30)).unwrap_err();
        assert!(refused.to_string().contains("5 (snapshot"), "{refused}");
        let back = run(somebody.publisher().rollback(Which::Sequence(5), 30))
            .unwrap()
            .manifest;
        assert_eq!(back.snapshot.id, id(&day(4)));
        assert_eq!(back.deltas.len(), 1, "from the other that is left");
        whole(&somebody.place, &days(6));
        let overtaken = collect(&somebody, 1);
        assert!(overtaken.removed == 0 && overtaken.left.is_some(), "{overtaken:?}");
    }
}

#[test]
fn what_is_found_there_is_made_young_before_a_manifest_names_it() {
    let bucket = Arc::new(InMemory::new());
    let mut somebody = Somebody::at(Place::over(bucket.clone(), "memory"));
    let first = somebody.publish(&day(0), None).unwrap().manifest;
    let modified = || {
        let key = Key::from(first.snapshot.blob.url.as_str());
        run(bucket.head(&key)).unwrap().last_modified
    };
    let before = modified();
    std::thread::sleep(std::time::Duration::from_millis(5));
    somebody.publish(&day(0), None).unwrap();
    assert_eq!(modified(), before, "is young");
    somebody.now += HOUR;
    somebody.publish(&day(0), None).unwrap();
    assert!(modified() > before);
}

#[test]
fn a_rollback_is_a_newer_manifest_and_a_delta() {
    for ground in Ground::both() {
        let somebody = Somebody::at(ground.plain());
        let back = |which| run(somebody.publisher().rollback(which, 30));
        assert_eq!(back(Which::Before).unwrap_err().exit_code(), 2);
        for number in 0..4 {
            somebody
                .publish(&day(number), Some(&[list("popular", &format!("of day {number}"))]))
                .unwrap();
        }
        run(somebody.publisher().renew()).unwrap();
        for (which, expected, sequence) in [
            (Which::Before, 2, 6),
            (Which::Before, 3, 7),
            (Which::Sequence(1), 0, 8),
            (Which::Snapshot(id(&day(1))), 1, 9),
        ] {
            let from = somebody.live().snapshot.id;
            back(which).unwrap();
            let live = whole(&somebody.place, &days(4));
            assert_eq!((live.snapshot.id, live.sequence), (id(&day(expected)), sequence));
            assert!(
                live.deltas.iter().any(|link| link.base == from),
                "a delta from what was live"
            );
            let blob = &live.files[0].blob;
            let bytes = run(somebody.place.get(blob)).unwrap().unwrap();
            assert_eq!(bytes, list("popular", &format!("of day {expected}")).bytes);
        }
        for nowhere in [
            Which::Sequence(9),
            Which::Sequence(77),
            Which::Snapshot(SnapshotId([7; 16])),
        ] {
            let refused = back(nowhere).unwrap_err();
            assert!(refused.to_string().contains("have been live: sequence 8"), "{refused}");
        }
    }
}

#[test]
fn keys_change_while_both_sign() {
    let place = Place::over(Arc::new(InMemory::new()), "memory");
    let by = |keys: &[u8], trust: &[u8]| Somebody::at(place.clone()).by(keys, trust);
    let renew = |keys: &[u8], trust: &[u8]| run(by(keys, trust).publisher().renew());
    let code = |result: Result<Published>| match result.unwrap_err() {
        Error::Snapshot { source, .. } => source.code(),
        Error::Usage(_) => "usage",
        e => panic!("{e}"),
    };
    by(&[1], &[]).publish(&day(0), None).unwrap();
    let mut host = Trust {
        audience: AUDIENCE.into(),
        keys: vec![key(1).public()],
        sequence: 1,
    };
    let mut follow = || {
        let live = run(place.live()).unwrap().unwrap();
        let manifest = Manifest::read(&live.bytes, &host)?;
        host = host.after(&manifest);
        Ok::<_, pocketrank::Error>(manifest)
    };
    follow().unwrap();
    assert_eq!(code(by(&[2], &[]).publish(&day(1), None)), "unsigned");
    assert_eq!(code(renew(&[1], &[2])), "usage", "a key that does not sign");
    renew(&[1, 2], &[2]).unwrap();
    let both = follow().unwrap();
    assert_eq!(both.keys, [key(2).public()]);
    assert_eq!(code(renew(&[1], &[])), "usage", "a key that is no more");
    by(&[2], &[]).publish(&day(1), None).unwrap();
    let new = follow().unwrap();
    assert_eq!((new.sequence, new.keys), (3, vec![key(2).public()]), "they stay");
    // What was live is known by the key that signed it.
    let published = by(&[2], &[]).publish(&day(2), None).unwrap();
    assert_eq!(published.manifest.deltas.len(), 2);
    let forgotten = published.forgotten.unwrap().to_string();
    assert!(
        forgotten.contains("0000000001"),
        "sequence 2 was signed by both: {forgotten}"
    );
    let back = run(by(&[2], &[]).publisher().rollback(Which::Sequence(1), 30)).unwrap_err();
    assert!(back.to_string().contains("give the key that signed them"), "{back}");
    let live = run(place.live()).unwrap().unwrap().bytes;
    let collected = run(by(&[2], &[]).publisher().collect(&live, 4)).unwrap();
    assert!(collected.left.unwrap().contains("no trusted key"));
    let back = run(by(&[2, 1], &[]).publisher().rollback(Which::Sequence(1), 30)).unwrap();
    assert!(back.forgotten.is_none());
    assert_eq!(follow().unwrap().snapshot.id, id(&day(0)));
}

#[test]
fn another_audience_or_signature_is_left_alone() {
    let (_folder, places) = places();
    for place in places {
        let first = Somebody::at(place.clone());
        first.publish(&day(0), None).unwrap();
        let bytes = run(place.live()).unwrap().unwrap().bytes;
        let foreign = Publisher {
            audience: "shop.example/production",
            ..first.publisher()
        };
        let refused = run(foreign.publish(&day(1), None, 30)).unwrap_err();
        assert!(
            refused.exit_code() == 4 && refused.to_string().contains(AUDIENCE),
            "{refused}"
        );
        let stranger = Somebody::at(place.clone()).by(&[3], &[]);
        let refused = stranger.publish(&day(1), None).unwrap_err();
        assert!(refused.to_string().contains("manifest.pkrm"), "{refused}");
        assert_eq!(run(place.live()).unwrap().unwrap().bytes, bytes);
    }
}

#[test]
fn an_archived_manifest_of_somebody_else_is_never_brought_back() {
    let bucket = Arc::new(InMemory::new());
    let somebody = Somebody::at(Place::over(bucket.clone(), "memory"));
    for number in 0..3 {
        somebody.publish(&day(number), None).unwrap();
    }
    let elsewhere = Somebody::at(Place::over(Arc::new(InMemory::new()), "elsewhere")).by(&[9], &[]);
    let forged = elsewhere.publish(&day(9), None).unwrap().bytes;
    let archived = Key::from("manifests/0000000001.pkrm");
    let genuine = run(async { bucket.get(&archived).await.unwrap().bytes().await.unwrap() });
    run(bucket.put(&archived, forged.into())).unwrap();
    let back = |sequence| run(somebody.publisher().rollback(Which::Sequence(sequence), 30));
    assert_eq!(back(1).unwrap_err().exit_code(), 2);
    // Nor a genuine one under another number.
    run(bucket.put(&Key::from("manifests/0000000002.pkrm"), genuine.into())).unwrap();
    assert_eq!(back(2).unwrap_err().exit_code(), 2);
    assert_eq!(back(1).unwrap_err().exit_code(), 2);
}

#[test]
fn addresses_that_lead_nowhere_are_refused() {
    for (to, expected) in [
        ("ftp://host/path", "give a folder"),
        ("memory:///", "give a folder"),
        ("https://shop.example/public", "give a folder"),
        ("s3:///nothing", "give a folder"),
        ("file://other-host/x", "no folder of this machine"),
    ] {
        let refused = Place::open(to).unwrap_err();
        assert!(
            refused.to_string().contains(expected) && refused.exit_code() == 2,
            "{refused}"
        );
    }
}

/// The command line.
fn pocketrank(folder: &Path, args: &str, code: i32) -> String {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_pocketrank"))
        .args(args.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(code), "{args}: {output:?}");
    let said = if code == 0 { output.stdout } else { output.stderr };
    String::from_utf8(said).unwrap()
}

#[test]
fn keys_are_for_their_owner_and_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let public = pocketrank(folder.path(), "keys --out secret.pem", 0);
    assert_eq!(PublicKey::from_hex(public.trim()).unwrap().to_hex(), public.trim());
    assert_eq!(pocketrank(folder.path(), "keys secret.pem", 0), public);
    let path = folder.path().join("secret.pem");
    let bytes = std::fs::read(&path).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    pocketrank(folder.path(), "keys --out secret.pem", 1);
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    assert_ne!(pocketrank(folder.path(), "keys --out other.pem", 0), public);
    // RFC 8032, test 1, as openssl writes it.
    let text = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
    std::fs::write(folder.path().join("rfc.pem"), text).unwrap();
    let public = pocketrank(folder.path(), "keys rfc.pem", 0);
    assert_eq!(
        public.trim(),
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    );
    std::fs::write(&path, &text[..90]).unwrap();
    assert!(pocketrank(folder.path(), "keys secret.pem", 3).contains("pocketrank keys --out"));
    pocketrank(folder.path(), "keys", 2);
    pocketrank(folder.path(), "keys missing.pem", 1);
}

#[test]
fn the_command_line_publishes_signs_and_rolls_back() {
    let folder = tempfile::tempdir().unwrap();
    let say = |args: &str, code| pocketrank(folder.path(), args, code);
    let json = |args: &str| -> serde_json::Value { serde_json::from_str(&say(&format!("{args} --json"), 0)).unwrap() };
    for number in 0..2 {
        std::fs::write(folder.path().join(format!("{number}.pkr")), day(number)).unwrap();
    }
    std::fs::write(folder.path().join("home.json"), &list("home", "x").bytes).unwrap();
    let public = say("keys -o old.pem", 0);
    let new = say("keys -o new.pem", 0);
    let to = format!("--to public --audience {AUDIENCE} --key old.pem");
    assert!(say(&format!("sign {to}"), 2).contains("publish a snapshot first"));
    let first = json(&format!("publish 0.pkr {to} --file candidates/home.json=home.json:20m"));
    assert_eq!(
        (&first["sequence"], &first["files"][0]["ttl"]),
        (&1.into(), &1200.into())
    );
    assert!(first["collected"].is_null());
    let second = json(&format!("publish 1.pkr {to} --keep 5 --deltas 3 --expires 2d"));
    assert_eq!(second["deltas"][0]["base"], first["snapshot"]);
    assert_eq!(second["collected"]["removed"], 0);
    let text = say(&format!("sign {to} --key new.pem --trust {new}"), 0);
    assert!(text.contains("sequence 3") && text.contains("1 deltas"), "{text}");
    let alone = format!("--to public --audience {AUDIENCE} --key new.pem");
    assert!(say(&format!("rollback {alone}"), 2).contains("give the key that signed them"));
    let to = format!("{alone} --key old.pem");
    let back = json(&format!("rollback {to}"));
    assert_eq!((&back["snapshot"], &back["sequence"]), (&first["snapshot"], &4.into()));
    assert_eq!(back["deltas"][0]["base"], second["snapshot"]);
    assert_eq!(back["keys"][0], new.trim());
    let live = std::fs::read(folder.path().join("public/manifest.pkrm")).unwrap();
    let trust = Trust {
        audience: AUDIENCE.into(),
        keys: vec![PublicKey::from_hex(new.trim()).unwrap()],
        sequence: 4,
    };
    assert_eq!(
        Manifest::read(&live, &trust).unwrap().files[0].name,
        "candidates/home.json"
    );
    let refused = say(&format!("sign --to public --audience {AUDIENCE} --key old.pem"), 2);
    assert!(refused.contains(new.trim()), "{refused}");
    say(
        &format!("sign --to public --audience {AUDIENCE} --key new.pem --trust {public}"),
        2,
    );
    say(&format!("publish 0.pkr {to} --keep 0"), 2);
    say(&format!("publish 0.pkr {to} --expires never"), 2);
    say(&format!("rollback {to} --sequence 1 --snapshot 00"), 2);
}
