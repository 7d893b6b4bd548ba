//! Neighbours beside those that are out: for each row the cheapest of its old form, its new form, and what lies between.
//!
//! What a form costs is the weight that it gets wrong, in shares of the row's weight and as often as the row is used, and the price of
//! the bits that lead to it (rate and distortion; Sullivan and Wiegand 1998, "Rate-distortion optimization for video compression").

use super::{Price, Use};
use crate::parallel;
use crate::train::Weights;
use pocketrank::pack::{Coded, CodedRow, Grid};
use std::collections::BTreeMap;

/// Bits that a delta takes, after compression, for a row that changes, its scale, an entry that changes its code, goes or comes.
const ROW: f64 = 10.0;
const SCALE: f64 = 4.0;
const CHANGE: f64 = 9.0;
const REMOVAL: f64 = 7.0;
const ADDITION: f64 = 14.0;
/// A code stays where the weight lies no farther from it, in codes; the nearest is half a code away at most.
const NEARLY: f64 = 0.75;
/// A neighbour stays where it has that share of the weight of the one that would take its place.
const BEATEN: f64 = 0.9;
/// The weight of a row is that of so many of its heaviest.
const HEAVIEST: usize = 20;

/// The rows of the new model, as near to those of the base as the price has it. `full`: what the new rows were pruned from.
pub fn beside(new: &Weights, full: &Weights, base: &Coded, uses: &[Use], price: Price) -> Coded {
    let known = |row: u32| uses.get(row as usize).is_some_and(|row| row.known);
    let rows: Vec<u32> = (0..new.len() as u32).collect();
    let rows = parallel::map(&rows, |row| {
        let at = *row as usize;
        let Some(old) = base.rows.get(at).filter(|_| known(*row)) else {
            return base.grid.round(&new[at]);
        };
        let entries = old.entries.iter().filter(|(target, _)| known(*target));
        let old = CodedRow {
            scale: old.scale,
            entries: entries.copied().collect(),
        };
        if !uses[at].ripe {
            return old;
        }
        let mut wanted: BTreeMap<u32, f64> = full[at]
            .iter()
            .map(|(target, weight)| (*target, f64::from(*weight)))
            .collect();
        let exact = anchored(&base.grid, &old, &new[at], &wanted);
        if price == Price::NOTHING {
            return exact;
        }
        let weight = |(target, code): &(u32, u8)| (*target, base.grid.weight(exact.scale, *code));
        let mut new: Vec<(u32, f64)> = exact.entries.iter().map(weight).collect();
        new.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        wanted.extend(new.iter().copied());
        let heaviest: f64 = new.iter().take(HEAVIEST).map(|(_, weight)| weight).sum();
        let choice = Choice {
            grid: &base.grid,
            scale: exact.scale,
            new: &new,
            wanted: &wanted,
            old: &old,
            each: uses[at].traffic / heaviest.max(f64::MIN_POSITIVE),
            price: price.0,
        };
        choice.best()
    });
    Coded {
        grid: base.grid.clone(),
        rows,
    }
}

/// The rows of the new model, but those of the base where too few customers say that they changed; not rounded.
pub fn waiting(new: &Weights, base: &Coded, uses: &[Use]) -> Weights {
    let known = |row: u32| uses.get(row as usize).is_some_and(|row| row.known);
    let rows = (0u32..).zip(new.iter().zip(uses));
    rows.map(|(at, (new, row))| match base.rows.get(at as usize) {
        Some(old) if row.known && !row.ripe => {
            let weight = |code: u8| base.grid.weight(old.scale, code) as f32;
            let entries = old.entries.iter().filter(|(target, _)| known(*target));
            let mut row: Vec<(u32, f32)> = entries.map(|(target, code)| (*target, weight(*code))).collect();
            row.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            row
        }
        _ => new.clone(),
    })
    .collect()
}

/// The new row, rounded so that nothing of the old one changes for the sake of rounding: its scale stays where it is the next one at most, a
/// code that is nearly the nearest stays, and of two neighbours that weigh nearly the same the one that is there stays.
fn anchored(grid: &Grid, old: &CodedRow, new: &[(u32, f32)], wanted: &BTreeMap<u32, f64>) -> CodedRow {
    let mut row: BTreeMap<u32, f64> = new
        .iter()
        .map(|(target, weight)| (*target, f64::from(*weight)))
        .collect();
    let Some(heaviest) = row.values().copied().reduce(f64::max) else {
        return CodedRow::default();
    };
    let had = |target: u32| old.entries.binary_search_by_key(&target, |(target, _)| *target).ok();
    let mut challengers: Vec<(f64, u32)> = row
        .iter()
        .filter(|(target, _)| had(**target).is_none())
        .map(|(target, weight)| (*weight, *target))
        .collect();
    challengers.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let left = old.entries.iter().filter(|(target, _)| !row.contains_key(target));
    let mut left: Vec<(f64, u32)> = left
        .map(|(target, _)| (wanted.get(target).copied().unwrap_or_default(), *target))
        .collect();
    left.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    for ((challenger, new), (weight, old)) in challengers.into_iter().zip(left) {
        if weight < challenger * BEATEN {
            break;
        }
        row.remove(&new);
        row.insert(old, weight);
    }
    let nearest = grid.scale(heaviest);
    let scale = if nearest.abs_diff(old.scale) <= 1 && !old.entries.is_empty() {
        old.scale
    } else {
        nearest
    };
    let code = |target: u32, weight: f64| {
        let place = grid.place(scale, weight);
        let old = had(target).and_then(|at| old.entries.get(at)).map(|(_, code)| *code);
        old.filter(|old| (f64::from(*old) - place).abs() <= NEARLY)
            .unwrap_or(place.round() as u8)
    };
    let entries = row.into_iter().map(|(target, weight)| (target, code(target, weight)));
    CodedRow {
        scale,
        entries: entries.filter(|(_, code)| grid.weight(scale, *code) > 0.0).collect(),
    }
}

/// What a row may become.
struct Choice<'a> {
    grid: &'a Grid,
    /// The new row's scale.
    scale: u8,
    /// The new row, heaviest first.
    new: &'a [(u32, f64)],
    /// The new weight of everything that the new row was pruned from.
    wanted: &'a BTreeMap<u32, f64>,
    old: &'a CodedRow,
    /// What a weight that is wrong by 1 costs.
    each: f64,
    price: f64,
}

impl Choice<'_> {
    fn best(&self) -> CodedRow {
        let kept = self.wrong(self.old);
        let mut best = (kept, self.old.clone());
        if self.new.is_empty() {
            return best.1;
        }
        let scales: &[u8] = if self.scale == self.old.scale {
            &[self.scale]
        } else {
            &[self.old.scale, self.scale]
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

    fn wanted(&self, target: u32) -> f64 {
        self.wanted.get(&target).copied().unwrap_or_default()
    }

    /// What the weights of a row that are wrong cost.
    fn wrong(&self, row: &CodedRow) -> f64 {
        let mut sum = 0.0;
        for (target, code) in &row.entries {
            sum += (self.grid.weight(row.scale, *code) - self.wanted(*target)).abs();
        }
        for (target, weight) in self.new {
            if row.entries.binary_search_by_key(target, |(target, _)| *target).is_err() {
                sum += weight;
            }
        }
        sum * self.each
    }

    /// The old row in a scale, with every change that is worth its bits; and these bits.
    fn changed(&self, scale: u8) -> (f64, CodedRow) {
        let mut bits = ROW + if scale == self.old.scale { 0.0 } else { SCALE };
        // A row that changes does so as it would if bits were cheap: what is left of it would wait for more customers.
        let price = self.price.min(Price::DEFAULT.0);
        let pays = |gain: f64, bits: f64| gain * self.each > price * bits;
        let is_new = |target: u32| self.new.iter().any(|(new, _)| *new == target);
        let mut entries: BTreeMap<u32, u8> = BTreeMap::new();
        // What may go: what the new row has not, the least wanted last.
        let mut spare: Vec<(f64, u32, f64)> = vec![];
        for (target, code) in &self.old.entries {
            let wanted = self.wanted(*target);
            let wrong = |code: u8| (self.grid.weight(scale, code) - wanted).abs();
            if !is_new(*target) {
                spare.push((wanted, *target, wrong(*code) - wanted));
            }
            let better = self.grid.code(scale, wanted);
            let pays = better != *code && is_new(*target) && pays(wrong(*code) - wrong(better), CHANGE);
            bits += if pays { CHANGE } else { 0.0 };
            entries.insert(*target, if pays { better } else { *code });
        }
        spare.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
        let most = self.new.len().max(self.old.entries.len());
        for (target, weight) in self.new {
            if entries.contains_key(target) {
                continue;
            }
            let code = self.grid.code(scale, *weight);
            if self.grid.weight(scale, code) <= 0.0 {
                continue;
            }
            let gain = weight - (self.grid.weight(scale, code) - weight).abs();
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
        while entries.len() > self.new.len() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use pocketrank::pack::SnapshotBuilder;
    use pocketrank::{Blend, BlendRow, Snapshot, ONCE, ONE};
    use rand_pcg::rand_core::RngCore;
    use rand_pcg::Pcg64Mcg;

    const ROWS: u32 = 60;

    /// Few are near 1.
    fn skewed(rng: &mut Pcg64Mcg) -> f32 {
        let share = rng.next_u32() as f32 / u32::MAX as f32;
        share * share * share * share + 1e-3
    }

    /// Rows of 12 of the others, heaviest first.
    fn weights(rng: &mut Pcg64Mcg) -> Weights {
        let row = |source: u32, rng: &mut Pcg64Mcg| {
            let mut row: Vec<(u32, f32)> = (0..ROWS)
                .filter(|target| *target != source)
                .map(|target| (target, 0.0))
                .collect();
            row.iter_mut().for_each(|(_, weight)| *weight = skewed(rng));
            crate::train::prune(&mut row, 12);
            row
        };
        (0..ROWS).map(|source| row(source, rng)).collect()
    }

    /// The weights as they change in a day: all a little, a few much.
    fn later(rng: &mut Pcg64Mcg, weights: &Weights) -> Weights {
        let mut later = weights.clone();
        for row in &mut later {
            for (_, weight) in row.iter_mut() {
                *weight *= 0.97 + 0.06 * rng.next_u32() as f32 / u32::MAX as f32;
            }
            if rng.next_u32().is_multiple_of(3) {
                let at = rng.next_u32() as usize % row.len();
                row[at].1 *= 0.3;
            }
            crate::train::prune(row, 12);
        }
        later
    }

    fn coded(weights: &Weights) -> Coded {
        let builder = SnapshotBuilder {
            ids: (0..ROWS).map(|row| row.to_string()).collect(),
            neighbours: weights.clone(),
            code_bits: 6,
            blend: Blend {
                decay: vec![ONE],
                newness: vec![ONE],
                times: vec![ONCE],
                repeat_times: vec![ONCE],
                cold: vec![ONE],
                rows: vec![BlendRow {
                    recency: vec![ONE],
                    repeat_recency: vec![ONE],
                    ..BlendRow::default()
                }],
                ..Blend::default()
            },
            ..SnapshotBuilder::default()
        };
        Coded::of(&Snapshot::open(builder.build().unwrap()).unwrap()).unwrap()
    }

    fn all(known: bool, ripe: bool) -> Vec<Use> {
        let row = Use {
            known,
            ripe,
            ages: true,
            traffic: 1.0,
        };
        vec![row; ROWS as usize]
    }

    /// How much weight is wrong in all rows.
    fn wrong(coded: &Coded, wanted: &Weights) -> f64 {
        let mut sum = 0.0;
        for (row, wanted) in coded.rows.iter().zip(wanted) {
            let have = |target: u32| {
                row.entries
                    .iter()
                    .find(|(at, _)| *at == target)
                    .map_or(0.0, |(_, code)| coded.grid.weight(row.scale, *code))
            };
            sum += wanted
                .iter()
                .map(|(target, weight)| (have(*target) - f64::from(*weight)).abs())
                .sum::<f64>();
        }
        sum
    }

    fn changed(a: &Coded, b: &Coded) -> usize {
        a.rows.iter().zip(&b.rows).filter(|(a, b)| a != b).count()
    }

    #[test]
    fn the_dearer_a_bit_the_less_changes() {
        let rng = &mut Pcg64Mcg::new(5);
        let old = weights(rng);
        let new = later(rng, &old);
        let base = coded(&old);
        let mut last = (usize::MAX, 0.0);
        for price in [1e-5, 1e-3, 1e-2, 1e3] {
            let rows = beside(&new, &new, &base, &all(true, true), Price(price));
            let now = (changed(&rows, &base), wrong(&rows, &new));
            assert!(now.0 <= last.0 && now.1 >= last.1 - 1e-6, "{price}: {now:?}, {last:?}");
            last = now;
        }
        assert_eq!(last.0, 0, "nothing is worth it");
        // Where nothing is held back, weights are as right as rounding allows, and fewer rows change than if all were rounded anew.
        let exact = beside(&new, &new, &base, &all(true, true), Price::NOTHING);
        let anew = Coded {
            grid: base.grid.clone(),
            rows: new.iter().map(|row| base.grid.round(row)).collect(),
        };
        assert!(wrong(&exact, &new) < 1.6 * wrong(&anew, &new));
        let codes = |coded: &Coded| {
            let pairs = coded.rows.iter().zip(&base.rows);
            pairs
                .map(|(a, b)| a.entries.iter().filter(|entry| !b.entries.contains(entry)).count())
                .sum::<usize>()
        };
        assert!(codes(&exact) < codes(&anew), "{} {}", codes(&exact), codes(&anew));
        // What is asked for a good part of the weight is worth its bits where it is cheap.
        let cheap = beside(&new, &new, &base, &all(true, true), Price::DEFAULT);
        assert!(changed(&cheap, &base) > 0 && changed(&cheap, &base) < ROWS as usize);
        assert!(wrong(&cheap, &new) < wrong(&base, &new));
    }

    #[test]
    fn a_challenger_takes_the_place_of_the_weakest() {
        let rng = &mut Pcg64Mcg::new(6);
        let old = weights(rng);
        let mut new = old.clone();
        let full = old.clone();
        let lightest = new[3].pop().unwrap();
        let challenger = (0..ROWS)
            .find(|target| *target != 3 && old[3].iter().all(|(old, _)| old != target))
            .unwrap();
        new[3].insert(0, (challenger, old[3][0].1));
        let base = coded(&old);
        let rows = beside(&new, &full, &base, &all(true, true), Price(1e-3));
        let targets = |row: &CodedRow| row.entries.iter().map(|(target, _)| *target).collect::<Vec<_>>();
        assert!(targets(&rows.rows[3]).contains(&challenger) && !targets(&rows.rows[3]).contains(&lightest.0));
        assert_eq!(rows.rows[3].entries.len(), base.rows[3].entries.len());
        assert_eq!(changed(&rows, &base), 1);
    }

    #[test]
    fn rows_wait_for_customers_and_do_not_lead_to_what_is_gone() {
        let rng = &mut Pcg64Mcg::new(7);
        let old = weights(rng);
        let base = coded(&old);
        // All weights are other ones, but too few customers say so.
        let new = weights(rng);
        for price in [Price::NOTHING, Price::DEFAULT] {
            assert_eq!(beside(&new, &new, &base, &all(true, false), price), base);
        }
        // The item of row 9 is another one now.
        let mut uses = all(true, false);
        uses[9] = Use {
            known: false,
            ..uses[9]
        };
        let rows = beside(&new, &new, &base, &uses, Price::DEFAULT);
        assert_eq!(rows.rows[9], base.grid.round(&new[9]));
        for (at, (row, old)) in rows.rows.iter().zip(&base.rows).enumerate().filter(|(at, _)| *at != 9) {
            let left: Vec<(u32, u8)> = old.entries.iter().filter(|(target, _)| *target != 9).copied().collect();
            assert_eq!(row.entries, left, "row {at}");
        }
    }
}
