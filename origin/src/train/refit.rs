//! Retraining: what training chose, fitted on newer events and packed beside the snapshot that is out, so that a small delta leads to it.
//!
//! Invariant: equal data, choice, base, ledger and price give equal bytes, whatever the number of threads; a row changes only where at
//! least `min_customers` had to do with its item since it changed last.

use super::chosen::Chosen;
use super::interactions::positive;
use super::model::Model;
use super::pack::whole;
use super::prior;
use super::recipe::Recipe;
use super::stack::{Stack, Stacked};
use super::steady::{self, Ledger, Price, Use};
use crate::compress::brotli;
use crate::control::Control;
use crate::dataset::{Dataset, Interaction, Order};
use crate::error::{Error, Result};
use pocketrank::{diff, item_hash, Snapshot};
use std::collections::HashSet;

/// How often an item is met counts over so many days.
const TRAFFIC_DAYS: i64 = 28;

/// Nothing is worth it that need not be.
const DEAREST: f64 = 1e3;
/// So often a price is sought between one at which too much is sent and one at which it is not.
const HALVINGS: usize = 12;

/// A choice, fitted on newer events.
#[derive(Debug)]
pub struct Refit<'a> {
    chosen: &'a Chosen,
    stack: Stack<'a>,
    stacked: Stacked,
    /// How often each of the dataset's items was met of late.
    traffic: Vec<u32>,
}

/// A snapshot beside another.
#[derive(Debug, Clone)]
pub struct Refitted {
    /// The snapshot.
    pub bytes: Vec<u8>,
    /// When its rows changed last.
    pub ledger: Ledger,
    /// Rows of which too few customers tell anything new, so that they stay as they are.
    pub waiting: usize,
}

impl<'a> Refit<'a> {
    /// Fits.
    ///
    /// # Errors
    /// As fitting; [`Error::Data`] where the choice does not fit the data.
    pub fn new(dataset: &'a Dataset, events: &'a [Interaction], chosen: &'a Chosen, control: &Control) -> Result<Self> {
        let _stage = control.stage("fitting on all events", 0);
        let stack = whole(dataset, events, chosen)?;
        chosen.suits(&stack.material)?;
        let stacked = stack.fit(&chosen.recipe, control)?;
        let since = match (dataset.order, events.last()) {
            (Order::Time, Some(newest)) => newest.at - TRAFFIC_DAYS * 86_400,
            _ => i64::MIN,
        };
        let mut traffic = vec![0u32; dataset.items.len()];
        for event in events.iter().filter(|event| event.at > since && positive(event.kind)) {
            traffic[event.item as usize] += 1;
        }
        Ok(Refit {
            chosen,
            stack,
            stacked,
            traffic,
        })
    }

    /// Packs it beside the snapshot that is out.
    ///
    /// # Errors
    /// As packing.
    pub fn beside<B: AsRef<[u8]>>(&self, base: &Snapshot<B>, ledger: &Ledger, price: Price) -> Result<Refitted> {
        let material = &self.stack.material;
        let recipe = &self.chosen.recipe;
        let unpruned = Recipe {
            entries: pocketrank::MAX_NEIGHBOURS,
            ..recipe.clone()
        };
        let full = Model::new(material, &self.stacked, &unpruned);
        let mut model = Model::new(material, &self.stacked, recipe);
        let behind = self.behind(ledger);
        let ripe: Vec<bool> = behind
            .iter()
            .map(|customers| *customers >= material.min_customers)
            .collect();
        let events = self.ripe_events(ledger, &ripe);
        model.set_prior(prior::fit(material, &events, recipe.popularity_half_life));
        let mean = f64::from(self.traffic.iter().sum::<u32>()) / model.items.len().max(1) as f64;
        let use_of = |item: u32, row: u32| {
            let of = |table: &[u32]| table.get(item as usize).copied().unwrap_or_default();
            let id = material
                .dataset
                .items
                .get(item as usize)
                .map_or("", |item| item.id.as_str());
            Use {
                known: base.row(item_hash(id)) == Some(row),
                ripe: ripe.get(item as usize).copied().unwrap_or_default(),
                traffic: f64::from(of(&self.traffic)) / mean.max(f64::MIN_POSITIVE),
            }
        };
        let blend = &self.chosen.blend;
        let (model, uses) = model.beside(&full, base, blend, use_of, price);
        let bytes = model.pack(blend)?;
        let snapshot = Snapshot::open(bytes.as_slice()).map_err(|error| Error::Internal(error.to_string()))?;
        let changed = steady::changed(base, &snapshot, &uses);
        let ids = model
            .items
            .iter()
            .map(|item| material.dataset.items.get(*item as usize).map(|item| item.id.as_str()));
        let rows = ids.zip(&uses).zip(&changed);
        let next = rows.filter_map(|((id, row), changed)| (row.ripe && *changed).then_some(id?).map(str::to_owned));
        Ok(Refitted {
            ledger: ledger.after(&snapshot, next),
            waiting: uses.iter().filter(|row| row.known && !row.ripe).count(),
            bytes,
        })
    }

    /// Packs it beside the snapshot that is out, at the least price from the default up at which the delta has at most so many bytes as it
    /// travels. What does not fit is left for the next one.
    ///
    /// # Errors
    /// As packing; [`Error::Usage`] where what must change takes more: new items, and what names items that are gone.
    pub fn within<B: AsRef<[u8]>>(&self, base: &Snapshot<B>, ledger: &Ledger, most: usize) -> Result<Refitted> {
        let sent = |price: f64| -> Result<(usize, Refitted)> {
            let refitted = self.beside(base, ledger, Price(price))?;
            let delta = Snapshot::open(refitted.bytes.as_slice()).and_then(|target| diff(base, &target));
            let delta = delta.map_err(|error| Error::Internal(error.to_string()))?;
            Ok((brotli(&delta)?.len(), refitted))
        };
        let (bytes, refitted) = sent(Price::DEFAULT.0)?;
        if bytes <= most {
            return Ok(refitted);
        }
        let (mut least, mut dear) = (libm::log2(Price::DEFAULT.0), libm::log2(DEAREST));
        let (bytes, mut best) = sent(DEAREST)?;
        if bytes > most {
            return Err(Error::Usage(format!(
                "what must change takes {:.1} kB, more than --max-kb {}; allow more, or publish the snapshot whole",
                bytes as f64 / 1000.0,
                most as f64 / 1000.0
            )));
        }
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(least, dear);
            let (bytes, refitted) = sent(libm::exp2(middle))?;
            if bytes <= most {
                (dear, best) = (middle, refitted);
            } else {
                least = middle;
            }
        }
        Ok(best)
    }

    /// How many customers had to do with each of the dataset's items since its row changed.
    fn behind(&self, ledger: &Ledger) -> Vec<u32> {
        let material = &self.stack.material;
        let since = self.since(ledger);
        let mut seen = HashSet::new();
        let mut behind = vec![0u32; material.dataset.items.len()];
        for event in material.events.iter().filter(|event| positive(event.kind)) {
            if event.at > since[event.item as usize] && seen.insert((event.item, event.user)) {
                behind[event.item as usize] += 1;
            }
        }
        behind
    }

    fn since(&self, ledger: &Ledger) -> Vec<i64> {
        let items = self.stack.material.dataset.items.iter();
        items.map(|item| ledger.since(&item.id)).collect()
    }

    /// The events without those that too few customers stand behind to tell of yet.
    fn ripe_events(&self, ledger: &Ledger, ripe: &[bool]) -> Vec<Interaction> {
        let since = self.since(ledger);
        let told = |event: &&Interaction| {
            let item = event.item as usize;
            ripe[item] || event.at <= since[item]
        };
        self.stack.material.events.iter().filter(told).copied().collect()
    }
}
