//! Others who publish at once, and stops between any two writes.

use super::odd::{Ground, Odd, Then};
use super::somebody::{day, days, id, list, now, run, whole, Somebody, HOUR};
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::publish::{Published, Which};
use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Barrier};

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
        // Who sees the other's copy of what is live leaves out a sequence.
        assert!((before + 1..=before + 2).contains(&live.sequence));
        let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        assert_eq!(won.into_iter().next().unwrap().unwrap().manifest, live);
        let [Err(lost)] = lost.as_slice() else {
            panic!("{lost:?}")
        };
        assert!(matches!(lost, Error::Overtaken(_)) && lost.exit_code() == 5, "{lost}");
        assert!(lost.to_string().contains("publish again"), "{lost}");
        Somebody::at(ground.plain()).publish(&day(2), None).unwrap();
        assert_eq!(whole(&ground.plain(), &days(3)).sequence, live.sequence + 1);
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
        let live = whole(&ground.plain(), &days(4 * EACH));
        let different: HashSet<u32> = published.iter().copied().collect();
        assert_eq!(different.len(), 4 * EACH, "{published:?}");
        assert_eq!(published.iter().max(), Some(&live.sequence));
        assert_eq!(live.deltas.len(), 4 * EACH - 1, "from every snapshot before");
    }
}

#[test]
fn no_sequence_is_issued_twice_where_the_live_manifest_went_back() {
    let works: [fn(&Somebody) -> Result<Published>; 3] = [
        |somebody| somebody.publish(&day(5), None),
        |somebody| run(somebody.publisher().rollback(Which::Before, 30)),
        |somebody| run(somebody.publisher().renew()),
    ];
    // What is live again, and all that was issued in between.
    for (restored, issued) in [(3, 3), (3, 4), (2, 5), (3, 6)] {
        for work in works {
            for ground in Ground::both() {
                let somebody = Somebody::at(ground.plain());
                let mut backup = vec![];
                for number in 1..=issued {
                    let published = somebody.publish(&day(number % 3), None).unwrap();
                    if number == restored {
                        backup = published.bytes;
                    }
                }
                ground.put("manifest.pkrm", &backup);
                let next = work(&somebody).unwrap().manifest;
                assert_eq!(next.sequence as usize, issued + 1, "{restored} was restored");
                assert_eq!(next, whole(&ground.plain(), &days(6)));
                assert_eq!(work(&somebody).unwrap().manifest.sequence as usize, issued + 2);
            }
        }
    }
    // Nor where it was deleted; what is no manifest's name says nothing.
    for ground in Ground::both() {
        let somebody = Somebody::at(ground.plain());
        for number in 0..3 {
            somebody.publish(&day(number), None).unwrap();
        }
        ground.put("manifests/9999999999.pkrm", b"x");
        ground.put("manifests/77.pkrm", b"x");
        ground.delete("manifest.pkrm");
        assert_eq!(somebody.publish(&day(3), None).unwrap().manifest.sequence, 4);
    }
}

#[test]
fn what_is_written_again_after_it_was_listed_is_no_garbage() {
    let ground = Ground::Folder(tempfile::tempdir().unwrap());
    let Ground::Folder(folder) = &ground else { panic!() };
    let somebody = Somebody::at(ground.plain());
    for number in 0..3 {
        somebody.publish(&day(number), None).unwrap();
    }
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(2 * HOUR);
    let path = |number| folder.path().join(format!("snapshots/{}.pkr", id(&day(number))));
    for name in ["snapshots", "deltas", "manifests"] {
        for file in std::fs::read_dir(folder.path().join(name)).unwrap() {
            let file = std::fs::File::options().write(true).open(file.unwrap().path());
            file.unwrap().set_modified(old).unwrap();
        }
    }
    let again = path(0);
    let work = Box::new(move || std::fs::write(&again, day(0)).unwrap());
    let after = "manifests";
    let then = Some(Then { after, work });
    let collector = Somebody::at(ground.place(|odd| Odd { then, ..odd }).0);
    let live = run(collector.place.live()).unwrap().unwrap().bytes;
    let collected = run(collector.publisher().collect(&live, 1)).unwrap();
    assert!(collected.removed > 3 && collected.young == 1, "{collected:?}");
    assert_eq!(std::fs::read(path(0)).unwrap(), day(0));
    assert!(!path(1).exists());
    whole(&somebody.place, &days(3));
}

#[test]
fn what_is_collected_before_a_manifest_names_it_is_written_again() {
    for ground in Ground::both() {
        let ground = Arc::new(ground);
        Somebody::at(ground.plain()).publish(&day(0), None).unwrap();
        let collector = ground.clone();
        let work = Box::new(move || collector.delete(&format!("snapshots/{}.pkr", id(&day(1)))));
        let after = "manifests/";
        let then = Some(Then { after, work });
        let somebody = Somebody::at(ground.place(|odd| Odd { then, ..odd }).0);
        somebody.publish(&day(1), None).unwrap();
        assert_eq!(whole(&ground.plain(), &days(2)).sequence, 2);
        // What cannot be written again is not named again.
        ground.delete(&format!("snapshots/{}.pkr", id(&day(1))));
        let refused = run(Somebody::at(ground.plain()).publisher().renew()).unwrap_err();
        assert!(refused.to_string().contains("is gone"), "{refused}");
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
