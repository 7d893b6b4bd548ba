//! What deltas take and cost on real data; prints lines of JSON and writes snapshots and deltas into a folder, for `delta.mjs`.
//!
//! - `bench-delta days EVENTS RECIPE BASE FIRST DAYS FOLDER`: retrains on each of so many days from the first (days since 1970-01-01), each
//!   beside what it made the day before: with everything that changed, as `pocketrank retrain` does, and so without its count of customers.
//! - `bench-delta stale EVENTS RECIPE BASE DAY FOLDER KB,...`: one delta from the base to that day, of so many kB at most.
//! - `bench-delta pairs LISTS RECIPE SHARE FOLDER MOST`: from a model of the lists without that share of their pairs to one of all, exactly and
//!   by a delta of at most that share of the snapshot's bytes as it travels.
#![allow(clippy::indexing_slicing)]

use pocketrank::{diff, item_hash, Event, Snapshot, NO_ROW};
use pocketrank_origin::compress;
use pocketrank_origin::control::Control;
use pocketrank_origin::dataset::{Dataset, Interaction};
use pocketrank_origin::evaluate::{queries, replay, Bench, Query, Scope};
use pocketrank_origin::ingest::pseudonym::Pseudonyms;
use pocketrank_origin::ingest::{load, Inputs};
use pocketrank_origin::progress::Progress;
use pocketrank_origin::train::refit::{Refit, Refitted};
use pocketrank_origin::train::shape::Shape;
use pocketrank_origin::train::steady::{Ledger, Price};
use pocketrank_origin::train::{pack, Chosen};
use rand_pcg::rand_core::RngCore;
use rand_pcg::Pcg64Mcg;
use serde_json::json;
use std::error::Error;
use std::path::Path;

const DAY: i64 = 86_400;
/// A day's models are asked for what is bought in so many days behind it.
const ASKED: i64 = 7;
/// Of the users of lists every so many-th is asked for.
const USERS: usize = 8;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["days", events, recipe, base, first, days, folder] => {
            let bench = Retail::new(events, recipe, base, folder)?;
            bench.days(first.parse()?, days.parse()?)
        }
        ["stale", events, recipe, base, day, folder, kilobytes] => {
            let bench = Retail::new(events, recipe, base, folder)?;
            bench.stale(day.parse()?, kilobytes)
        }
        ["pairs", lists, recipe, share, folder, most] => pairs(lists, recipe, share.parse()?, folder, most.parse()?),
        _ => Err("usage: bench-delta days|stale|pairs ..., see the source".into()),
    }
}

fn inputs(events: &str, chosen: &Chosen, until: Option<i64>) -> Result<Inputs> {
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
}

/// Writes the delta and its target, and gives the target.
fn write(base: &[u8], refitted: &Refitted, folder: &str, name: &str) -> Result<usize> {
    let delta = diff(&Snapshot::open(base)?, &Snapshot::open(refitted.bytes.as_slice())?)?;
    std::fs::write(format!("{folder}/{name}.base"), base)?;
    std::fs::write(format!("{folder}/{name}.target"), &refitted.bytes)?;
    std::fs::write(format!("{folder}/{name}.delta"), &delta)?;
    Ok(delta.len())
}

/// A shop's events, with times.
struct Retail<'a> {
    events: &'a str,
    folder: &'a str,
    chosen: Chosen,
    /// What is out when it begins.
    base: Vec<u8>,
    /// What it tells of.
    ledger: Ledger,
    /// What is asked for.
    all: Dataset,
    control: Control,
}

impl<'a> Retail<'a> {
    fn new(events: &'a str, recipe: &str, base: &str, folder: &'a str) -> Result<Self> {
        let chosen = Chosen::read(Path::new(recipe))?;
        Ok(Retail {
            events,
            folder,
            all: load(&inputs(events, &chosen, None)?, &Progress::hidden())?,
            chosen,
            ledger: Ledger::read(&Ledger::beside(Path::new(base)), &Snapshot::open(std::fs::read(base)?)?)?,
            base: std::fs::read(base)?,
            control: Control::new(Progress::hidden()),
        })
    }

    fn until(&self, end: i64) -> Result<Dataset> {
        Ok(load(
            &inputs(self.events, &self.chosen, Some(end))?,
            &Progress::hidden(),
        )?)
    }

    /// NDCG@20 of a snapshot for what was bought after that time.
    fn ndcg(&self, bytes: &[u8], asked: &[Query]) -> Result<f64> {
        let snapshot = Snapshot::open(bytes)?;
        let mut items = vec![NO_ROW; snapshot.items() as usize];
        for (at, item) in (0u32..).zip(&self.all.items) {
            if let Some(row) = snapshot.row(item_hash(&item.id)) {
                items[row as usize] = at;
            }
        }
        Ok(Bench::open(bytes, &items)?.rank(asked, Scope::All).ndcg())
    }

    fn asked(&self, end: i64) -> Vec<Query> {
        queries(&self.all, end, end + ASKED * DAY, usize::MAX)
    }

    fn days(&self, first: i64, days: i64) -> Result<()> {
        let base = Snapshot::open(self.base.as_slice())?;
        let (open, counted) = (Ledger::open(&base), self.ledger.clone());
        let mut chains = [
            ("exact", Price::NOTHING, open.clone(), self.base.clone()),
            ("sent", Price::DEFAULT, counted, self.base.clone()),
            ("anybody", Price::DEFAULT, open, self.base.clone()),
        ];
        for day in 1..=days {
            let end = (first + day) * DAY;
            let dataset = self.until(end)?;
            let refit = Refit::new(&dataset, &dataset.events, &self.chosen, &self.control)?;
            let asked = self.asked(end);
            let stale = self.ndcg(&self.base, &asked)?;
            for (chain, price, ledger, held) in &mut chains {
                let refitted = refit.beside(&Snapshot::open(held.as_slice())?, ledger, *price)?;
                let name = format!("{chain}-{day:02}");
                let delta = write(held, &refitted, self.folder, &name)?;
                let line = json!({
                    "name": name, "chain": chain, "day": day, "queries": asked.len(), "waiting": refitted.waiting, "bytes": delta,
                    "ndcg": self.ndcg(&refitted.bytes, &asked)?, "stale": stale,
                });
                println!("{line}");
                (*held, *ledger) = (refitted.bytes, refitted.ledger);
            }
        }
        Ok(())
    }

    fn stale(&self, day: i64, kilobytes: &str) -> Result<()> {
        let dataset = self.until(day * DAY)?;
        let refit = Refit::new(&dataset, &dataset.events, &self.chosen, &self.control)?;
        let base = Snapshot::open(self.base.as_slice())?;
        let asked = self.asked(day * DAY);
        let stale = self.ndcg(&self.base, &asked)?;
        let write = |name: &str, refitted: &Refitted, limit: Option<f64>| -> Result<()> {
            let bytes = write(&self.base, refitted, self.folder, name)?;
            let ndcg = self.ndcg(&refitted.bytes, &asked)?;
            let line = json!({ "name": name, "limit": limit, "queries": asked.len(), "bytes": bytes, "ndcg": ndcg, "stale": stale });
            println!("{line}");
            Ok(())
        };
        write(
            "stale-exact",
            &refit.beside(&base, &Ledger::open(&base), Price::NOTHING)?,
            None,
        )?;
        for limit in kilobytes.split(',') {
            let most: f64 = limit.parse()?;
            let refitted = refit.within(&base, &self.ledger, (most * 1000.0) as usize)?;
            write(&format!("stale-{limit}"), &refitted, Some(most))?;
        }
        Ok(())
    }
}

fn pairs(lists: &str, recipe: &str, share: f64, folder: &str, most: f64) -> Result<()> {
    let chosen = Chosen::read(Path::new(recipe))?;
    let control = Control::new(Progress::hidden());
    let dataset = load(&inputs(lists, &chosen, None)?, &Progress::hidden())?;
    let mut rng = Pcg64Mcg::new(7);
    let mut stays = |_: &&Interaction| rng.next_u32() as f64 >= share * f64::from(u32::MAX);
    let events: Vec<Interaction> = dataset.events.iter().filter(|event| stays(event)).copied().collect();
    let shape = Shape::of(&chosen.recipe);
    let base = pack::fit(&dataset, &events, &chosen, &shape, None, &control)?.bytes;
    let held = Snapshot::open(base.as_slice())?;
    let refit = Refit::new(&dataset, &dataset.events, &chosen, &control)?;
    let asked = every_user(&dataset);
    let mut exact: Option<Vec<Vec<u32>>> = None;
    let ledger = Ledger::open(&held);
    for name in ["exact", "stale", "sent"] {
        let refitted = match name {
            "exact" => refit.beside(&held, &ledger, Price::NOTHING)?,
            // What came must come; nothing else is worth its bits.
            "stale" => refit.beside(&held, &ledger, Price(1e9))?,
            _ => refit.within(&held, &ledger, (most * compress::brotli(&base)?.len() as f64) as usize)?,
        };
        let name = format!("pairs-{share}-{name}");
        let bytes = write(&base, &refitted, folder, &name)?;
        let snapshot = Snapshot::open(refitted.bytes.as_slice())?;
        let mut of_rows = vec![NO_ROW; snapshot.items() as usize];
        for (at, item) in (0u32..).zip(&dataset.items) {
            if let Some(row) = snapshot.row(item_hash(&item.id)) {
                of_rows[row as usize] = at;
            }
        }
        let lists = Bench::open(refitted.bytes.as_slice(), &of_rows)?
            .ranking(&asked, Scope::All)
            .lists;
        let overlap = exact.as_ref().map(|exact| overlap(exact, &lists));
        println!(
            "{}",
            json!({ "name": name, "new_pairs": dataset.events.len() - events.len(), "bytes": bytes, "users": asked.len(), "overlap": overlap })
        );
        exact.get_or_insert(lists);
    }
    Ok(())
}

/// A question for each of some users, with all of the user's items as history.
fn every_user(dataset: &Dataset) -> Vec<Query> {
    let mut users: Vec<Vec<&Interaction>> = vec![vec![]; dataset.users.len()];
    for event in &dataset.events {
        users[event.user as usize].push(event);
    }
    let query = |(user, events): (usize, &Vec<&Interaction>)| {
        let mut exclude: Vec<u32> = events.iter().map(|event| event.item).collect();
        exclude.sort_unstable();
        exclude.dedup();
        Query {
            profile: replay(events.iter().map(|event| Event {
                item: item_hash(&dataset.items[event.item as usize].id),
                at: event.at as u32,
                kind: event.kind,
            })),
            now: events.last().map_or(0, |event| event.at as u32),
            relevant: vec![],
            exclude,
            user: user as u32,
            country: None,
            new_visitor: false,
        }
    };
    users
        .iter()
        .enumerate()
        .step_by(USERS)
        .filter(|(_, events)| !events.is_empty())
        .map(query)
        .collect()
}

/// The mean share of the first lists that the second have too. Rows are the same in both.
fn overlap(first: &[Vec<u32>], second: &[Vec<u32>]) -> f64 {
    let both = first.iter().zip(second).filter(|(list, _)| !list.is_empty());
    let shares: Vec<f64> = both
        .map(|(a, b)| a.iter().filter(|row| b.contains(row)).count() as f64 / a.len() as f64)
        .collect();
    shares.iter().sum::<f64>() / shares.len().max(1) as f64
}
