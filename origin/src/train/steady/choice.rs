//! What becomes of a row: the cheapest of its old form, its new form, and what lies between.
//!
//! What a form costs is the weight that it gets wrong, as far as it is at stake in somebody's list, and the price of the bits that lead to it
//! (rate and distortion; Sullivan and Wiegand 1998, "Rate-distortion optimization for video compression").

use super::stakes::Stakes;
use super::Price;
use pocketrank::pack::{CodedRow, Grid};
use std::collections::BTreeMap;

/// Bits that a delta takes, after compression, for a row that changes, its scale, an entry that changes its code, goes or comes.
const ROW: f64 = 10.0;
const SCALE: f64 = 4.0;
const CHANGE: f64 = 9.0;
const REMOVAL: f64 = 6.0;
const ADDITION: f64 = 17.0;
/// A row that may stay or change.
pub struct Open {
    pub old: CodedRow,
    /// The new row's scale.
    scale: u8,
    /// The new row, heaviest first.
    new: Vec<(u32, f64)>,
    /// The new weight of everything that the new row was pruned from, by target.
    wanted: Vec<(u32, f64)>,
}

impl Open {
    /// `exact`: the new row; `wanted`: the new weight of everything that it was pruned from, by target.
    pub fn new(grid: &Grid, old: CodedRow, exact: &CodedRow, mut wanted: BTreeMap<u32, f64>) -> Self {
        let weight = |(target, code): &(u32, u8)| (*target, grid.weight(exact.scale, *code));
        let mut new: Vec<(u32, f64)> = exact.entries.iter().map(weight).collect();
        new.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        wanted.extend(new.iter().copied());
        Open {
            old,
            scale: exact.scale,
            new,
            wanted: wanted.into_iter().collect(),
        }
    }

    /// The new weight of a target.
    fn wanted(&self, target: u32) -> f64 {
        let at = self.wanted.binary_search_by_key(&target, |(target, _)| *target);
        at.map_or(0.0, |at| self.wanted[at].1)
    }
}

/// What a row may become.
pub struct Choice<'a> {
    pub grid: &'a Grid,
    pub open: &'a Open,
    /// Its number.
    pub source: u32,
    pub stakes: &'a Stakes,
    /// What a bit costs.
    pub price: f64,
}

impl Choice<'_> {
    /// The cheapest.
    pub fn best(&self) -> CodedRow {
        let kept = self.wrong(&self.open.old);
        let mut best = (kept, self.open.old.clone());
        if self.open.new.is_empty() {
            return best.1;
        }
        let scales: &[u8] = if self.open.scale == self.open.old.scale {
            &[self.open.scale]
        } else {
            &[self.open.old.scale, self.open.scale]
        };
        for scale in scales {
            let (bits, row) = self.changed(*scale);
            let cost = self.wrong(&row) + self.price * bits;
            if cost < best.0 {
                best = (cost, row);
            }
        }
        best.1
    }

    fn each(&self, target: u32) -> f64 {
        self.stakes.of(self.source, target)
    }

    /// What the weights of a row that are wrong cost.
    fn wrong(&self, row: &CodedRow) -> f64 {
        let mut sum = 0.0;
        for (target, code) in &row.entries {
            sum += self.each(*target) * (self.grid.weight(row.scale, *code) - self.open.wanted(*target)).abs();
        }
        for (target, weight) in &self.open.new {
            if row.entries.binary_search_by_key(target, |(target, _)| *target).is_err() {
                sum += self.each(*target) * weight;
            }
        }
        sum
    }

    /// The old row in a scale, with every change that is worth its bits; and these bits.
    fn changed(&self, scale: u8) -> (f64, CodedRow) {
        let mut bits = ROW + if scale == self.open.old.scale { 0.0 } else { SCALE };
        // A row that changes does so as it would if bits were cheap: what is left of it would wait for more customers.
        let price = self.price.min(Price::DEFAULT.0);
        let pays = |gain: f64, bits: f64| gain > price * bits;
        let is_new = |target: u32| self.open.new.iter().any(|(new, _)| *new == target);
        let mut entries: BTreeMap<u32, u8> = BTreeMap::new();
        // What may go: what the new row has not, the least wanted last.
        let mut spare: Vec<(f64, u32, f64)> = vec![];
        for (target, code) in &self.open.old.entries {
            let wanted = self.open.wanted(*target);
            let each = self.each(*target);
            let wrong = |code: u8| each * (self.grid.weight(scale, code) - wanted).abs();
            if !is_new(*target) {
                spare.push((wanted, *target, wrong(*code) - each * wanted));
            }
            let better = self.grid.code(scale, wanted);
            let pays = better != *code && is_new(*target) && pays(wrong(*code) - wrong(better), CHANGE);
            bits += if pays { CHANGE } else { 0.0 };
            entries.insert(*target, if pays { better } else { *code });
        }
        spare.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
        let most = self.open.new.len().max(self.open.old.entries.len());
        for (target, weight) in &self.open.new {
            if entries.contains_key(target) {
                continue;
            }
            let code = self.grid.code(scale, *weight);
            if self.grid.weight(scale, code) <= 0.0 {
                continue;
            }
            let gain = self.each(*target) * (weight - (self.grid.weight(scale, code) - weight).abs());
            if entries.len() < most {
                if pays(gain, ADDITION) {
                    bits += ADDITION;
                    entries.insert(*target, code);
                }
            } else if let Some((_, out, saved)) = spare.last().copied() {
                if pays(gain + saved, ADDITION + REMOVAL) {
                    bits += ADDITION + REMOVAL;
                    entries.remove(&out);
                    spare.pop();
                    entries.insert(*target, code);
                }
            }
        }
        while entries.len() > self.open.new.len() {
            let Some((_, out, _)) = spare.pop() else { break };
            entries.remove(&out);
            bits += REMOVAL;
        }
        let entries = entries
            .into_iter()
            .filter(|(_, code)| self.grid.weight(scale, *code) > 0.0)
            .collect();
        (bits, CodedRow { scale, entries })
    }
}
