//! What deltas take and cost on real data, day by day: `bench-delta days EVENTS RECIPE BASE FIRST DAYS FOLDER PRICE,...` retrains on each
//! of so many days from the first (days since 1970-01-01), once with each price of a bit, each beside what it made the day before.
//! Writes snapshots and deltas into the folder, and prints a line of JSON for each day and price.
#![allow(clippy::indexing_slicing)]

use pocketrank::{diff, item_hash, Snapshot, NO_ROW};
use pocketrank_origin::control::Control;
use pocketrank_origin::dataset::Dataset;
use pocketrank_origin::evaluate::{queries, Bench, Query, Scope};
use pocketrank_origin::ingest::pseudonym::Pseudonyms;
use pocketrank_origin::ingest::{load, Inputs};
use pocketrank_origin::progress::Progress;
use pocketrank_origin::train::refit::Refit;
use pocketrank_origin::train::steady::{Ledger, Price};
use pocketrank_origin::train::Chosen;
use serde_json::json;
use std::error::Error;
use std::path::Path;

const DAY: i64 = 86_400;
/// A day's models are asked for what is bought in so many days behind it.
const ASKED: i64 = 7;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, events, recipe, base, first, days, folder, prices] = arguments.as_slice() else {
        return Err("usage: bench-delta days EVENTS RECIPE BASE FIRST DAYS FOLDER PRICE,...".into());
    };
    if mode != "days" {
        return Err(format!("{mode}: not known").into());
    }
    let (first, days): (i64, i64) = (first.parse()?, days.parse()?);
    let prices: Vec<f64> = prices
        .split(',')
        .map(str::parse)
        .collect::<std::result::Result<_, _>>()?;
    let chosen = Chosen::read(Path::new(recipe))?;
    let stale = std::fs::read(base)?;
    let mut held: Vec<Vec<u8>> = prices.iter().map(|_| stale.clone()).collect();
    let inputs = |until| -> Result<Inputs> {
        Ok(Inputs {
            events: vec![events.into()],
            catalogue: None,
            vectors: None,
            min_customers: Some(chosen.min_customers),
            config: None,
            pseudonyms: Pseudonyms::new(&[7; 32], "this benchmark")?,
            now: None,
            until,
            cut: None,
        })
    };
    let all = load(&inputs(None)?, &Progress::hidden())?;
    let control = Control::new(Progress::hidden());
    let fresh = Snapshot::open(stale.as_slice())?;
    // What is measured without anything held back tells of changes by any number of customers.
    let ledger = |price: &f64| {
        if *price == 0.0 {
            Ledger::open(&fresh)
        } else {
            Ledger::new(&fresh)
        }
    };
    let mut ledgers: Vec<Ledger> = prices.iter().map(ledger).collect();
    for day in 1..=days {
        let end = (first + day) * DAY;
        let dataset = load(&inputs(Some(end))?, &Progress::hidden())?;
        let refit = Refit::new(&dataset, &dataset.events, &chosen, &control)?;
        let asked = queries(&all, end, end + ASKED * DAY, usize::MAX);
        let stale_ndcg = ndcg(&all, &stale, &asked)?;
        for (at, price) in prices.iter().enumerate() {
            let base = Snapshot::open(held[at].as_slice())?;
            let refitted = refit.beside(&base, &ledgers[at], Price(*price))?;
            let target = refitted.bytes;
            ledgers[at] = refitted.ledger;
            let delta = diff(&base, &Snapshot::open(target.as_slice())?)?;
            std::fs::write(format!("{folder}/{day:02}-{price}.delta"), &delta)?;
            std::fs::write(format!("{folder}/{day:02}-{price}.bin"), &target)?;
            let line = json!({
                "day": day,
                "price": price,
                "queries": asked.len(), "waiting": refitted.waiting,
                "ndcg": ndcg(&all, &target, &asked)?,
                "stale": stale_ndcg,
                "delta": delta.len(),
                "target": target.len(),
            });
            println!("{line}");
            held[at] = target;
        }
    }
    Ok(())
}

fn ndcg(dataset: &Dataset, bytes: &[u8], asked: &[Query]) -> Result<f64> {
    let snapshot = Snapshot::open(bytes)?;
    let mut items = vec![NO_ROW; snapshot.items() as usize];
    for (at, item) in (0u32..).zip(&dataset.items) {
        if let Some(row) = snapshot.row(item_hash(&item.id)) {
            items[row as usize] = at;
        }
    }
    Ok(Bench::open(bytes, &items)?.rank(asked, Scope::All).ndcg())
}
