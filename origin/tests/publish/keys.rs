//! Who may publish, and what counts as published.

use super::somebody::{day, id, key, places, run, Somebody, AUDIENCE};
use object_store::memory::InMemory;
use object_store::path::Path as Key;
use object_store::ObjectStoreExt;
use pocketrank::{Manifest, Trust};
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::publish::place::Place;
use pocketrank_origin::publish::{Published, Publisher, Which};
use std::sync::Arc;

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
