//! Publishing: whatever stops it and whoever else publishes, what is live is whole, and all that it names is there.

mod command;
mod faults;
mod keys;
mod odd;
mod somebody;

use object_store::memory::InMemory;
use object_store::path::Path as Key;
use object_store::{Attribute, ObjectStoreExt};
use odd::Ground;
use pocketrank::SnapshotId;
use pocketrank_origin::publish::place::Place;
use pocketrank_origin::publish::Which;
use somebody::{day, days, id, list, places, run, whole, Somebody, HOUR};
use std::sync::atomic::Ordering;
use std::sync::Arc;

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
    assert_eq!(
        attribute("manifest.pkrm", Attribute::ContentType).unwrap(),
        "application/octet-stream"
    );
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
fn all_manifests_of_a_kept_snapshot_stay_with_their_lists() {
    for ground in Ground::both() {
        let mut somebody = Somebody::at(ground.plain());
        let lists = ["a", "b", "c", "d"].map(|text| list("popular", text));
        for (number, list) in [0, 0, 1, 1].into_iter().zip(&lists) {
            somebody
                .publish(&day(number), Some(std::slice::from_ref(list)))
                .unwrap();
        }
        somebody.now += 2 * HOUR;
        let live = run(somebody.place.live()).unwrap().unwrap().bytes;
        let collect = |keep| run(somebody.publisher().collect(&live, keep)).unwrap().removed;
        assert_eq!(collect(2), 0);
        assert!(collect(1) > 0);
        let back = |sequence| run(somebody.publisher().rollback(Which::Sequence(sequence), 30));
        assert_eq!(back(2).unwrap_err().exit_code(), 2);
        let files = back(3).unwrap().manifest.files;
        let bytes = run(somebody.place.get(&files[0].blob)).unwrap().unwrap();
        assert_eq!(bytes, lists[2].bytes);
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
fn a_rollback_reads_no_further_back_than_it_needs() {
    const LIVE: u32 = 40;
    for ground in Ground::both() {
        let somebody = Somebody::at(ground.plain());
        for number in 0..LIVE as usize {
            somebody.publish(&day(number), None).unwrap();
        }
        let backup = run(somebody.place.live()).unwrap().unwrap().bytes;
        // What is read beside the live manifest: the snapshots that a delta is made from, and what leads to the manifest that is meant.
        for (which, deltas, read) in [
            (Which::Before, 3, 3),
            (Which::Before, 0, 1),
            (Which::Sequence(LIVE - 9), 3, 9),
            (Which::Snapshot(id(&day(29))), 3, 10),
            (Which::Sequence(1), 3, LIVE as usize - 1),
            (Which::Sequence(77), 3, LIVE as usize - 1),
        ] {
            ground.put("manifest.pkrm", &backup);
            let (place, odd) = ground.place(|odd| odd);
            let result = run(Somebody::at(place).publisher().rollback(which, deltas));
            assert_eq!(result.is_ok(), !matches!(which, Which::Sequence(77)), "{which:?}");
            assert_eq!(odd.archived.load(Ordering::SeqCst), read, "{which:?}");
            if let Ok(back) = result {
                let bases: Vec<_> = back.manifest.deltas.iter().map(|link| link.base).collect();
                assert_eq!(bases.len(), deltas, "{which:?}");
                assert!(deltas == 0 || bases.contains(&id(&day(LIVE as usize - 1))));
                // Else the next would look at the copy of the live manifest that this one has made.
                ground.delete(&format!("manifests/{LIVE:010}.pkrm"));
            }
        }
    }
}

#[test]
fn what_does_not_fit_a_manifest_is_refused_before_it_is_live() {
    let somebody = Somebody::at(Place::over(Arc::new(InMemory::new()), "memory"));
    somebody.publish(&day(0), None).unwrap();
    let files: Vec<_> = (0..700).map(|number| list(&format!("list-{number}"), "x")).collect();
    let refused = somebody.publish(&day(1), Some(&files)).unwrap_err();
    assert!(
        refused.exit_code() == 2 && refused.to_string().contains("700 files and 1 deltas"),
        "{refused}"
    );
    let twice = [list("popular", "a"), list("popular", "b")];
    let refused = somebody.publish(&day(1), Some(&twice)).unwrap_err();
    assert!(refused.to_string().contains("none comes twice"), "{refused}");
    assert_eq!(whole(&somebody.place, &days(1)).sequence, 1);
    let most = somebody.publish(&day(1), Some(&files[..400])).unwrap();
    assert!(most.bytes.len() <= 1 << 16, "what docs/PUBLISH.md says");
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
