//! Neighbours beside those that are out. Invariant: with nothing held back a row is the new one, rounded so that no more changes than must.

use super::choice::{Choice, Open};
use super::lists::{first, History, Listed};
use super::stakes::Stakes;
use super::{Price, Use};
use crate::parallel;
use crate::train::Weights;
use pocketrank::pack::{Coded, CodedRow, Grid};
use std::collections::BTreeMap;

/// A code stays where the weight lies no farther from it, in codes; the nearest is half a code away at most.
const NEARLY: f64 = 0.75;
/// A neighbour stays where it has that share of the weight of the one that would take its place.
const BEATEN: f64 = 0.9;

/// So many times lists are looked at by what would be kept, and what is wrong in them gets dearer.
const LOOKS: usize = 3;

/// Neighbours, and those that are out.
pub struct Neighbours {
    histories: Vec<History>,
    /// The new rows with nothing held back.
    exact: Coded,
    /// The same, as weights.
    weights: Weights,
    /// The first places that they make.
    wanted: Vec<Vec<Listed>>,
    stakes: Stakes,
    /// Of rows that may stay as they are, though they should not.
    open: Vec<Option<Open>>,
}

impl Neighbours {
    /// `full`: what the new rows were pruned from; `histories`: of those whose lists should stay right.
    pub fn new(new: &Weights, full: &Weights, base: &Coded, uses: &[Use], histories: Vec<History>) -> Self {
        let grid = &base.grid;
        let rows: Vec<u32> = (0..new.len() as u32).collect();
        let rows = parallel::map(&rows, |row| {
            let at = *row as usize;
            let Some(old) = old(base, uses, *row) else {
                return (grid.round(&new[at]), None);
            };
            if !uses[at].ripe {
                return (old, None);
            }
            let wanted: BTreeMap<u32, f64> = full[at]
                .iter()
                .map(|(target, weight)| (*target, f64::from(*weight)))
                .collect();
            let exact = anchored(grid, &old, &new[at], &wanted);
            let open = (exact != old).then(|| Open::new(grid, old, &exact, wanted));
            (exact, open)
        });
        let (rows, open): (Vec<CodedRow>, Vec<Option<Open>>) = rows.into_iter().unzip();
        let exact = Coded {
            grid: grid.clone(),
            rows,
        };
        let rows = exact.rows.iter().zip(&open);
        let held = Coded {
            grid: grid.clone(),
            rows: rows
                .map(|(row, open)| open.as_ref().map_or(row, |open| &open.old).clone())
                .collect(),
        };
        let weights = exact.weights();
        let stakes = Stakes::new(&weights, &held.weights(), &histories);
        Neighbours {
            wanted: first(&weights, &histories),
            stakes,
            weights,
            exact,
            histories,
            open,
        }
    }

    /// The rows of the new model, as near to those of the base as the price has it.
    pub fn at(&self, price: Price) -> Coded {
        if price == Price::NOTHING {
            return self.exact.clone();
        }
        let mut stakes = self.stakes.clone();
        let mut kept = self.by(&stakes, price);
        for _ in 0..LOOKS {
            let weights = kept.weights();
            let have = first(&weights, &self.histories);
            stakes.sharpen(&self.weights, &weights, &self.histories, &self.wanted, &have);
            kept = self.by(&stakes, price);
        }
        kept
    }

    fn by(&self, stakes: &Stakes, price: Price) -> Coded {
        let grid = &self.exact.grid;
        let rows: Vec<u32> = (0..self.open.len() as u32).collect();
        let rows = parallel::map(&rows, |row| {
            let at = *row as usize;
            let exact = &self.exact.rows[at];
            let Some(open) = &self.open[at] else {
                return exact.clone();
            };
            let choice = Choice {
                grid,
                open,
                source: *row,
                stakes,
                price: price.0,
            };
            choice.best()
        });
        Coded {
            grid: grid.clone(),
            rows,
        }
    }
}

/// The base's row of an item that it has, without neighbours that are gone.
fn old(base: &Coded, uses: &[Use], row: u32) -> Option<CodedRow> {
    let known = |row: u32| uses.get(row as usize).is_some_and(|row| row.known);
    let old = base.rows.get(row as usize).filter(|_| known(row))?;
    let entries = old.entries.iter().filter(|(target, _)| known(*target));
    Some(CodedRow {
        scale: old.scale,
        entries: entries.copied().collect(),
    })
}

/// The rows of the new model, but those of the base where too few customers say that they changed; not rounded.
pub fn waiting(new: &Weights, base: &Coded, uses: &[Use]) -> Weights {
    let rows = (0u32..).zip(new.iter().zip(uses));
    rows.map(|(at, (new, row))| match old(base, uses, at).filter(|_| !row.ripe) {
        Some(old) => {
            let weight = |code: u8| base.grid.weight(old.scale, code) as f32;
            let entries = old.entries.iter();
            let mut row: Vec<(u32, f32)> = entries.map(|(target, code)| (*target, weight(*code))).collect();
            row.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            row
        }
        None => new.clone(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use pocketrank::pack::SnapshotBuilder;
    use pocketrank::{Blend, BlendRow, Snapshot, ONCE, ONE};
    use rand_pcg::rand_core::RngCore;
    use rand_pcg::Pcg64Mcg;

    const ROWS: u32 = 60;

    /// Beside the base, where nobody's list says what matters.
    fn beside(new: &Weights, full: &Weights, base: &Coded, uses: &[Use], price: Price) -> Coded {
        Neighbours::new(new, full, base, uses, vec![]).at(price)
    }

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
        let cheap = beside(&new, &new, &base, &all(true, true), Price(2e-3));
        assert!(
            changed(&cheap, &base) > 0 && changed(&cheap, &base) < ROWS as usize,
            "{}",
            changed(&cheap, &base)
        );
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
    #[test]
    fn lists_are_righter_where_it_is_known_whom_they_are_shown_to() {
        let rng = &mut Pcg64Mcg::new(8);
        let old = weights(rng);
        let new = later(rng, &old);
        let base = coded(&old);
        let mut some = || -> History { (0..3).map(|_| (rng.next_u32() % ROWS, 1.0)).collect() };
        let histories: Vec<History> = (0..100).map(|_| some()).collect();
        let people = Neighbours::new(&new, &new, &base, &all(true, true), histories.clone());
        let nobody = Neighbours::new(&new, &new, &base, &all(true, true), vec![]);
        let wanted = first(&people.at(Price::NOTHING).weights(), &histories);
        let wrong = |kept: &Coded| {
            let lists = first(&kept.weights(), &histories);
            let pairs = wanted.iter().zip(&lists);
            pairs
                .map(|(wanted, list)| {
                    let has = |row: u32| list.iter().any(|(listed, _)| *listed == row);
                    wanted.iter().filter(|(row, _)| !has(*row)).count()
                })
                .sum::<usize>()
        };
        let edits = |kept: &Coded| {
            let rows = kept.rows.iter().zip(&base.rows);
            rows.map(|(kept, base)| {
                kept.entries
                    .iter()
                    .filter(|entry| !base.entries.contains(entry))
                    .count()
            })
            .sum::<usize>()
        };
        let mut compared = 0;
        for price in [3e-3, 5e-3, 1e-2] {
            let kept = people.at(Price(price));
            // Of what changes as little where nobody is known, that with the least wrong.
            let others = (-40..40).map(|step| nobody.at(Price(price * libm::exp2(f64::from(step) * 0.05))));
            let Some(best) = others
                .filter(|other| edits(other) <= edits(&kept))
                .map(|other| wrong(&other))
                .min()
            else {
                continue;
            };
            assert!(
                wrong(&kept) < best,
                "{price}: {} of {} edits, {best}",
                wrong(&kept),
                edits(&kept)
            );
            // To look at lists by what would be kept makes them righter than to guess what matters.
            assert!(
                wrong(&kept) <= wrong(&people.by(&people.stakes, Price(price))),
                "{price}"
            );
            compared += 1;
        }
        assert!(compared > 0);
    }
}
