//! A snapshot and its ledger are two files, and writing them may stop anywhere.

use super::shop;
use crate::support::shop::{json, refused, EVENTS};

#[test]
fn wherever_writing_stops_the_snapshot_has_its_ledger() {
    let shop = shop();
    let folder = tempfile::tempdir_in(shop).unwrap();
    let name = folder.path().file_name().unwrap().to_str().unwrap();
    let retrain = |base: &str| format!("retrain recipe.json --base {base} {EVENTS} --exact -o {name}/out.bin");
    let id = |base: &str| json(shop, &retrain(base))["id"].as_str().unwrap().to_owned();
    json(
        shop,
        &format!("retrain recipe.json --base trained.bin {EVENTS} --max-kb 1.5 -o {name}/next.bin"),
    );
    let next = format!("{name}/next.bin");
    let (old, new) = (("trained.bin", id("trained.bin")), (next.as_str(), id(&next)));
    let exists = |file: &str| shop.join(file).exists();
    assert!(exists(&format!("{next}.ledger")) && !exists(&format!("{next}.ledger.next")));

    let cut = format!("{name}/cut.bin");
    let ledger = |of: &str| std::fs::read(shop.join(format!("{of}.ledger"))).unwrap();
    let state = |snapshot: &str, kept: Option<&[u8]>, waits: Option<&[u8]>| {
        std::fs::copy(shop.join(snapshot), shop.join(&cut)).unwrap();
        for (end, content) in [("ledger", kept), ("ledger.next", waits)] {
            let path = shop.join(format!("{cut}.{end}"));
            match content {
                Some(content) => std::fs::write(path, content).unwrap(),
                None => drop(std::fs::remove_file(path)),
            }
        }
    };
    let [of_old, of_new] = [ledger(old.0), ledger(new.0)];
    // Before the snapshot, and behind it.
    state(old.0, Some(&of_old), Some(&of_new));
    assert_eq!(id(&cut), old.1);
    state(new.0, Some(&of_old), Some(&of_new));
    assert_eq!(id(&cut), new.1);
    // Where nothing was before; and where the ledger was lost, then the one that waits is of a snapshot that never came.
    state(new.0, None, Some(&of_new));
    assert_eq!(id(&cut), new.1);
    state(old.0, None, Some(&of_new));
    let lost = id(&cut);
    state(old.0, None, None);
    assert_eq!(id(&cut), lost);
    // Neither is its own, which is said of the one that should be.
    for waits in [None, Some(of_old.as_slice()), Some(b"{")] {
        state(new.0, Some(&of_old), waits);
        let message = refused(shop, &retrain(&cut), 3);
        assert!(message.contains("cut.bin.ledger: the ledger of snapshot"), "{message}");
    }
    // Who writes there next leaves none of it.
    state(new.0, Some(&of_old), Some(&of_new));
    json(shop, &format!("retrain recipe.json --base {next} {EVENTS} -o {cut}"));
    assert!(!exists(&format!("{cut}.ledger.next")));
    id(&cut);
}

#[test]
fn where_the_ledger_cannot_be_written_the_snapshot_is_not_either() {
    let shop = shop();
    for (end, of) in [("bin", "bin"), ("bin.ledger", "bin.ledger")] {
        std::fs::copy(shop.join(format!("trained.{of}")), shop.join(format!("taken.{end}"))).unwrap();
    }
    std::fs::create_dir(shop.join("taken.bin.ledger.next")).unwrap();
    for verb in [
        format!("retrain recipe.json --base trained.bin {EVENTS} -o taken.bin"),
        format!("pack recipe.json {EVENTS} --max-kb 16 --force -o taken.bin"),
    ] {
        refused(shop, &verb, 1);
        for end in ["bin", "bin.ledger"] {
            let read = |name: &str| std::fs::read(shop.join(format!("{name}.{end}"))).unwrap();
            assert_eq!(read("taken"), read("trained"), "{verb}: {end}");
        }
    }
}
