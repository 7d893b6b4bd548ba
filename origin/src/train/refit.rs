//! Retraining: what training chose, fitted on newer events and packed beside the snapshot that is out, so that a small delta leads to it.
//!
//! Invariant: equal data, choice, base, ledger and price give equal bytes, whatever the number of threads; a row changes only where at
//! least `min_customers` had to do with its item since it changed last. Two things of other rows change, and tell of no new customer:
//! neighbours that are gone are left out, and popularity falls as time goes by.

use super::chosen::Chosen;
use super::interactions::positive;
use super::material::Material;
use super::model::{Beside, Model};
use super::pack::whole;
use super::prior;
use super::recipe::Recipe;
use super::stack::Stack;
use super::steady::{self, History, Ledger, Price, Use};
use crate::compress::brotli;
use crate::control::Control;
use crate::dataset::{Dataset, Interaction, Order};
use crate::error::{Error, Result};
use pocketrank::{diff, item_hash, Blend, Snapshot, MAX_EVENTS, ONE};
use std::collections::HashSet;

/// Whose lists should stay right: those who were there in so many days.
const RECENT_DAYS: i64 = 28;
/// Of more of them than that every so many-th is looked at.
const MOST_LISTS: usize = 50_000;

/// Nearly everything is worth it.
const CHEAPEST: f64 = 1e-7;
/// Nothing is worth it that need not be.
const DEAREST: f64 = 1e3;
/// So often a price is sought between one at which too much is sent and one at which it is not.
const HALVINGS: usize = 12;

/// A choice, fitted on newer events.
#[derive(Debug)]
pub struct Refit<'a> {
    chosen: &'a Chosen,
    stack: Stack<'a>,
    model: Model,
    /// The same, not pruned.
    full: Model,
    /// The histories of those who were there of late, by the dataset's items.
    histories: Vec<History>,
}

/// A choice fitted anew, and what is out.
struct Held<'a, B> {
    refit: &'a Refit<'a>,
    base: &'a Snapshot<B>,
    ledger: &'a Ledger,
    beside: Beside,
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
        let unpruned = Recipe {
            entries: pocketrank::MAX_NEIGHBOURS,
            ..chosen.recipe.clone()
        };
        Ok(Refit {
            model: Model::new(&stack.material, &stacked, &chosen.recipe),
            full: Model::new(&stack.material, &stacked, &unpruned),
            histories: histories(&stack.material, &chosen.blend),
            chosen,
            stack,
        })
    }

    /// Packs it beside the snapshot that is out.
    ///
    /// # Errors
    /// As packing.
    pub fn beside<B: AsRef<[u8]>>(&self, base: &Snapshot<B>, ledger: &Ledger, price: Price) -> Result<Refitted> {
        self.held(base, ledger)?.at(price)
    }

    fn held<'h, B: AsRef<[u8]>>(&'h self, base: &'h Snapshot<B>, ledger: &'h Ledger) -> Result<Held<'h, B>> {
        let recipe = &self.chosen.recipe;
        let material = &self.stack.material;
        let items = &material.dataset.items;
        let since = self.since(base, ledger);
        let ripe = self.ripe(&since);
        // What too few customers stand behind is not told yet; time goes by all the same.
        let told = |event: &&Interaction| {
            let item = event.item as usize;
            ripe[item] || event.at <= since[item]
        };
        let events: Vec<Interaction> = material.events.iter().filter(told).copied().collect();
        let mut model = self.model.clone();
        model.set_prior(prior::fit(material, &events, recipe.popularity_half_life));
        // Rows that nothing is in are of no item.
        let id = |item: u32| items.get(item as usize).map(|item| item.id.as_str());
        let use_of = |item: u32, row: u32| Use {
            known: id(item).is_some_and(|id| base.row(item_hash(id)) == Some(row)),
            ripe: ripe.get(item as usize).copied().unwrap_or_default(),
            ages: id(item).is_some_and(|id| ledger.is_complete(id)),
        };
        Ok(Held {
            refit: self,
            base,
            ledger,
            beside: model.beside(&self.full, base, use_of, &self.histories)?,
        })
    }

    /// Packs it beside the snapshot that is out, at the least price at which the delta has at most so many bytes as it travels. What does not
    /// fit is left for the next one.
    ///
    /// # Errors
    /// As packing; [`Error::Usage`] where what must change takes more: new items, and what names items that are gone.
    pub fn within<B: AsRef<[u8]>>(&self, base: &Snapshot<B>, ledger: &Ledger, most: usize) -> Result<Refitted> {
        let held = self.held(base, ledger)?;
        let sent = |price: f64| -> Result<(usize, Refitted)> {
            let refitted = held.at(Price(price))?;
            let delta = Snapshot::open(refitted.bytes.as_slice()).and_then(|target| diff(base, &target));
            let delta = delta.map_err(|error| Error::Internal(error.to_string()))?;
            Ok((brotli(&delta)?.len(), refitted))
        };
        let (bytes, refitted) = sent(Price::NOTHING.0)?;
        if bytes <= most {
            return Ok(refitted);
        }
        let (mut least, mut dear) = (libm::log2(CHEAPEST), libm::log2(DEAREST));
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

    /// Up to when the base tells of each of the dataset's items; of those that it has not, or not by what customers did, nothing.
    fn since<B: AsRef<[u8]>>(&self, base: &Snapshot<B>, ledger: &Ledger) -> Vec<i64> {
        let prior = base.prior();
        let tells = |row: u32| prior.and_then(|prior| prior.get(row)).is_none_or(|row| !row.is_cold());
        let items = self.stack.material.dataset.items.iter();
        let since = items.map(|item| match base.row(item_hash(&item.id)) {
            Some(row) if tells(row) => ledger.since(&item.id),
            _ => i64::MIN,
        });
        since.collect()
    }

    /// Whether enough customers had to do with each of the dataset's items since then, or none had to: of cold items only the catalogue tells.
    fn ripe(&self, since: &[i64]) -> Vec<bool> {
        let material = &self.stack.material;
        let mut seen = HashSet::new();
        let mut behind = vec![0u32; since.len()];
        for event in material.events.iter().filter(|event| positive(event.kind)) {
            if event.at > since[event.item as usize] && seen.insert((event.item, event.user)) {
                behind[event.item as usize] += 1;
            }
        }
        let mut ripe: Vec<bool> = behind
            .iter()
            .map(|customers| *customers >= material.min_customers)
            .collect();
        material.cold.iter().for_each(|item| ripe[*item as usize] = true);
        ripe
    }
}

impl<B: AsRef<[u8]>> Held<'_, B> {
    fn at(&self, price: Price) -> Result<Refitted> {
        let Chosen { blend, .. } = self.refit.chosen;
        let Beside { items, uses, .. } = &self.beside;
        let bytes = self.beside.at(blend, price).pack(blend)?;
        let snapshot = Snapshot::open(bytes.as_slice()).map_err(|error| Error::Internal(error.to_string()))?;
        let changed = steady::changed(self.base, &snapshot, uses);
        let material = &self.refit.stack.material;
        let id = |item: u32| Some(material.dataset.items.get(item as usize)?.id.clone());
        let rows = items.iter().zip(uses).zip(&changed);
        let next = rows.filter_map(|((item, row), changed)| (row.ripe && *changed).then(|| id(*item))?);
        let newest = material.events.last().map_or(0, |event| event.at);
        Ok(Refitted {
            ledger: self.ledger.after(&snapshot, newest, next),
            waiting: uses.iter().filter(|row| row.known && !row.ripe).count(),
            bytes,
        })
    }
}

/// The histories of those who were there of late, newest item first, weighed by the blend as the runtime does where they did it today.
fn histories(material: &Material<'_>, blend: &Blend) -> Vec<History> {
    let since = match (material.dataset.order, material.events.last()) {
        (Order::Time, Some(newest)) => newest.at - RECENT_DAYS * 86_400,
        _ => i64::MIN,
    };
    let mut users: Vec<Vec<u32>> = vec![vec![]; material.dataset.users.len()];
    let mut recent = vec![false; users.len()];
    for event in material.events.iter().rev().filter(|event| positive(event.kind)) {
        let user = &mut users[event.user as usize];
        recent[event.user as usize] |= event.at > since;
        if user.len() < MAX_EVENTS && !user.contains(&event.item) {
            user.push(event.item);
        }
    }
    let users: Vec<Vec<u32>> = users
        .into_iter()
        .zip(recent)
        .filter_map(|(user, recent)| recent.then_some(user))
        .collect();
    let weighed = |items: &Vec<u32>| {
        let recency = &blend.row(items.len()).recency;
        let weight = |at: usize| {
            recency
                .get(at)
                .or(recency.last())
                .map_or(0.0, |factor| f32::from(*factor) / f32::from(ONE))
        };
        items.iter().enumerate().map(|(at, item)| (*item, weight(at))).collect()
    };
    users
        .iter()
        .step_by(users.len().div_ceil(MOST_LISTS).max(1))
        .map(weighed)
        .collect()
}
