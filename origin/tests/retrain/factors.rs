//! Retraining a model with vectors of taste: those that are out stay, and new items get vectors that fit them.

use super::snapshot;
use crate::support::shop::{json, refused};
use pocketrank::pack::Factors;
use pocketrank::{diff, item_hash, Delta, Snapshot};
use serde_json::Value;
use std::path::Path;
use std::sync::OnceLock;
use tempfile::TempDir;

/// Items that the base does not know.
const NEW: [&str; 2] = ["P0007", "P0044"];
/// One that is gone later.
const GONE: &str = "P0010";

/// The events of a made-up shop, of whose items nothing more is known, the recipe of a model of vectors of taste alone, and that model as it was
/// before the last twentieth of the events and without some items.
fn shop() -> &'static Path {
    static SHOP: OnceLock<TempDir> = OnceLock::new();
    let made = || {
        let made = tempfile::tempdir().unwrap();
        json(made.path(), "synth -o . --items 150 --sessions 2000");
        let text = std::fs::read_to_string(made.path().join("events.jsonl")).unwrap();
        // A catalogue beside the events would be read.
        let folder = tempfile::tempdir().unwrap();
        for (file, left_out) in [
            ("events", &[][..]),
            ("old", &NEW),
            ("gone", &[GONE]),
            ("fewer", &[NEW[0], NEW[1], GONE, "P0020", "P0030"]),
        ] {
            let names = |line: &&str| left_out.iter().any(|id| line.contains(&format!("\"{id}\"")));
            let kept = text.lines().filter(|line| !names(line));
            let kept: String = kept.map(|line| format!("{line}\n")).collect();
            std::fs::write(folder.path().join(format!("{file}.jsonl")), kept).unwrap();
        }
        let train =
            "train --families als --trials 4 --folds 1 --recipe als.json -o als.bin --events old.jsonl --hold-out 0.05";
        json(folder.path(), train);
        folder
    };
    SHOP.get_or_init(made).path()
}

fn retrain(how: &str, events: &str, output: &str) -> (Value, Snapshot<Vec<u8>>) {
    let told = json(
        shop(),
        &format!("retrain als.json --base als.bin --events {events} {how} -o {output}"),
    );
    let target = snapshot(shop(), output);
    target.verify().unwrap();
    (told, target)
}

fn factors(snapshot: &Snapshot<Vec<u8>>) -> Factors {
    Factors::of(snapshot).unwrap()
}

fn vector<'a>(factors: &'a Factors, snapshot: &Snapshot<Vec<u8>>, id: &str) -> Option<&'a [f32]> {
    let row = snapshot.row(item_hash(id))? as usize;
    Some(&factors.rows[row * factors.dims..][..factors.dims])
}

#[test]
fn training_keeps_the_length_of_vectors_that_it_chose() {
    let recipe: Value = serde_json::from_slice(&std::fs::read(shop().join("als.json")).unwrap()).unwrap();
    let recipe = &recipe["recipe"];
    let dims = recipe["components"][0]["values"]["dims"].as_f64().unwrap();
    let entries = recipe["entries"].as_u64().unwrap();
    assert!(entries >= 1, "else the recipe is read by nobody");
    let most = 2 * entries.saturating_sub(4);
    let base = snapshot(shop(), "als.bin");
    assert!(base.neighbours().is_none());
    assert_eq!(factors(&base).dims as f64, dims.min(most as f64));
    assert!(dims.min(most as f64) >= 16.0, "{recipe}");
}

#[test]
fn vectors_of_taste_stay_and_new_items_get_some_that_fit() {
    let base = snapshot(shop(), "als.bin");
    let old = factors(&base);
    let sent = |told: &Value| told["delta"]["brotli"].as_u64().unwrap() as f64 / 1000.0;
    let exact = sent(&retrain("--exact", "events.jsonl", "exact.bin").0);
    let least = sent(&retrain("", "events.jsonl", "usual.bin").0);
    assert!(least < exact, "{least} {exact}");
    let most = f64::midpoint(least, exact);
    for how in ["--exact".to_owned(), String::new(), format!("--max-kb {most}")] {
        let (told, target) = retrain(&how, "events.jsonl", "target.bin");
        let new = factors(&target);
        assert!(!how.starts_with("--max-kb") || sent(&told) <= most, "{how}: {told}");
        assert_eq!((new.dims, new.gram.is_some()), (old.dims, old.gram.is_some()));
        let gram = |factors: &Factors| {
            factors
                .gram
                .as_ref()
                .map(|gram| (gram.matrix.clone(), gram.ridge.clone()))
        };
        assert_eq!(gram(&new), gram(&old), "{how}");
        let (mut known, mut others) = (0, vec![]);
        for number in 1..=150 {
            let id = format!("P{number:04}");
            match (vector(&old, &base, &id), vector(&new, &target, &id)) {
                (Some(old), new) => {
                    known += 1;
                    assert_eq!(new, Some(old), "{how}: {id}");
                }
                (None, Some(new)) => others.push((id, new.to_vec())),
                (None, None) => {}
            }
        }
        assert!(known > 120, "{known}");
        assert!(
            NEW.iter().all(|id| others.iter().any(|(other, _)| other == id)),
            "{how}: {others:?}"
        );
        let length = |vector: &[f32]| vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        let mut lengths: Vec<f32> = old.rows.chunks(old.dims).map(length).collect();
        lengths.sort_by(f32::total_cmp);
        let longest = lengths[lengths.len() - 1];
        for (id, vector) in &others {
            let length = length(vector);
            assert!(
                length > 0.0 && length < 2.0 * longest,
                "{how}: {id} {length}, {longest} at most"
            );
        }
        let delta = diff(&base, &target).unwrap();
        assert_eq!(Delta::open(&delta).unwrap().apply(&base).unwrap(), target.as_bytes());
        assert_eq!(told["delta"]["bytes"], delta.len());
    }
    let message = refused(
        shop(),
        "retrain als.json --base als.bin --events events.jsonl --max-kb 0.05 -o none.bin",
        2,
    );
    assert!(message.contains("what must change takes"), "{message}");
}

#[test]
fn the_row_of_an_item_that_is_gone_has_no_vector() {
    let base = snapshot(shop(), "als.bin");
    let place = base.row(item_hash(GONE)).unwrap();
    let (told, target) = retrain("", "gone.jsonl", "gone.bin");
    // Both new items come, and the first of them takes the row.
    assert!(target.row(item_hash(GONE)).is_none());
    let taken = NEW.iter().filter(|id| target.row(item_hash(id)) == Some(place)).count();
    assert_eq!(taken, 1, "{told}");
    // More are gone than come.
    let (told, target) = retrain("", "fewer.jsonl", "fewer.bin");
    let new = factors(&target);
    let is_free = |row: &u32| target.row(item_hash(&format!("\0{row}"))) == Some(*row);
    let free: Vec<u32> = (0..target.items()).filter(is_free).collect();
    assert!(!free.is_empty(), "{told}");
    for row in free {
        let vector = &new.rows[row as usize * new.dims..][..new.dims];
        assert!(vector.iter().all(|x| *x == 0.0), "{row}: {vector:?}");
    }
}

#[test]
fn vectors_of_another_length_are_refused() {
    let text = std::fs::read_to_string(shop().join("als.json")).unwrap();
    let mut recipe: Value = serde_json::from_str(&text).unwrap();
    let dims = &mut recipe["recipe"]["components"][0]["values"]["dims"];
    let other = if *dims == 16.0 { 32.0 } else { 16.0 };
    *dims = other.into();
    recipe["recipe"]["entries"] = 60.into();
    std::fs::write(shop().join("other.json"), recipe.to_string()).unwrap();
    let message = refused(
        shop(),
        "retrain other.json --base als.bin --events events.jsonl -o none.bin",
        3,
    );
    assert!(message.contains("vectors of taste do not fit"), "{message}");
    assert!(!shop().join("none.bin").exists());
}
