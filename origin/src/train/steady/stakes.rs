//! What a weight is worth to those who are shown a list by it: how often a change of it changes what is among the first places.
//!
//! A list changes where a weight moves an item over its last place. So a weight is at stake as far as its target lies near that place in the
//! lists of those who have its source in their history, and hardly where the target is far above or far below.

use super::lists::{each, History, Listed, PLACES};
use crate::train::Weights;

/// Half as much is at stake for an item whose sum is so much more or less than that of the last place.
const NEAR: f32 = 0.05;
/// Less than that share of what is at stake at the last place is nothing.
const LEAST: f32 = 0.01;
/// What is at stake for a weight in nobody's list, as a share of the mean weight: others may come.
const NOBODY: f64 = 0.02;
/// A weight through which a list has another item is worth so much more, in what is at stake at the last place.
const WRONG: f32 = 3.0;

/// What it costs that a weight is wrong by 1, by source and target; in the unit in which all of the average row costs 1.
#[derive(Debug, Clone)]
pub struct Stakes {
    /// Targets, ascending.
    rows: Vec<Vec<(u32, f32)>>,
    /// The unit.
    one: f32,
    nobody: f64,
}

impl Stakes {
    /// Of the weights of a table, and of those of another that it may keep.
    pub fn new(exact: &Weights, other: &Weights, histories: &[History]) -> Self {
        let seen = each(exact, histories, |at, list| {
            let mut found: Vec<(u32, u32, f32)> = vec![];
            let Some((_, last)) = list.get(PLACES - 1) else {
                return found;
            };
            let mut near: Vec<(u32, f32)> = list
                .iter()
                .map(|(row, sum)| {
                    let far = (sum / last - 1.0) / NEAR;
                    (*row, 1.0 / (1.0 + far * far))
                })
                .filter(|(_, near)| *near >= LEAST)
                .collect();
            near.sort_unstable_by_key(|(row, _)| *row);
            for (source, share) in &histories[at] {
                let row = *source as usize;
                let others = other[row]
                    .iter()
                    .filter(|(target, _)| exact[row].iter().all(|(known, _)| known != target));
                for (target, _) in exact[row].iter().chain(others) {
                    if let Ok(at) = near.binary_search_by_key(target, |(row, _)| *row) {
                        found.push((*source, *target, near[at].1 * share / last));
                    }
                }
            }
            found
        });
        let mut stakes = Stakes {
            rows: vec![vec![]; exact.len()],
            one: 1.0,
            nobody: 0.0,
        };
        stakes.add(seen);
        let all = exact
            .iter()
            .enumerate()
            .flat_map(|(source, row)| row.iter().map(move |entry| (source, entry)));
        let (mut worth, mut weight) = (0.0, 0.0);
        for (source, (target, of)) in all {
            worth += stakes.of(source as u32, *target) * f64::from(*of);
            weight += f64::from(*of);
        }
        let rows = exact.iter().filter(|row| !row.is_empty()).count() as f64;
        if worth > 0.0 {
            stakes.one = (rows / worth) as f32;
            stakes
                .rows
                .iter_mut()
                .flatten()
                .for_each(|(_, stake)| *stake *= stakes.one);
        }
        stakes.nobody = if worth > 0.0 { NOBODY } else { 1.0 } * rows / weight.max(f64::MIN_POSITIVE);
        stakes
    }

    /// Adds what is at stake where lists are not as they should be: the weights through which they are not. `wanted`: the first places by the
    /// exact table; `have`: those by what would be kept instead.
    pub fn sharpen(
        &mut self,
        exact: &Weights,
        kept: &Weights,
        histories: &[History],
        wanted: &[Vec<Listed>],
        have: &[Vec<Listed>],
    ) {
        let weight = |table: &Weights, source: u32, target: u32| {
            let entry = table[source as usize].iter().find(|(row, _)| *row == target);
            entry.map_or(0.0, |(_, weight)| *weight)
        };
        let lists = histories.iter().zip(wanted.iter().zip(have));
        let wrong = lists.map(|(history, (wanted, have))| {
            let mut found = vec![];
            let Some((_, last)) = wanted.get(PLACES - 1) else {
                return found;
            };
            let without = |list: &[Listed], row: u32| list.iter().all(|(listed, _)| *listed != row);
            let missing = wanted
                .iter()
                .filter(|(row, _)| without(have, *row))
                .map(|(row, _)| (*row, 1.0));
            let instead = have
                .iter()
                .filter(|(row, _)| without(wanted, *row))
                .map(|(row, _)| (*row, -1.0));
            for (target, way) in missing.chain(instead) {
                let through = |source: u32| (weight(exact, source, target) - weight(kept, source, target)) * way > 0.0;
                let sources = history.iter().filter(|(source, _)| through(*source));
                found.extend(sources.map(|(source, share)| (*source, target, WRONG * share / last * self.one)));
            }
            found
        });
        let wrong = wrong.collect();
        self.add(wrong);
    }

    /// What it costs that a weight is wrong by 1.
    pub fn of(&self, source: u32, target: u32) -> f64 {
        let row = &self.rows[source as usize];
        let at = row.binary_search_by_key(&target, |(target, _)| *target);
        f64::from(at.map_or(0.0, |at| row[at].1)) + self.nobody
    }

    fn add(&mut self, seen: Vec<Vec<(u32, u32, f32)>>) {
        for (source, target, stake) in seen.into_iter().flatten() {
            self.rows[source as usize].push((target, stake));
        }
        for row in &mut self.rows {
            row.sort_by_key(|(target, _)| *target);
            row.dedup_by(|next, before| {
                let same = next.0 == before.0;
                if same {
                    before.1 += next.1;
                }
                same
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One row that leads to 40 others, ever less.
    fn table() -> Weights {
        let mut table: Weights = vec![vec![]; 42];
        table[0] = (1..=40).map(|row| (row, 1.0 - 0.02 * row as f32)).collect();
        table
    }

    #[test]
    fn most_is_at_stake_at_the_last_place_and_on_average_a_row_costs_1() {
        let table = table();
        let stakes = Stakes::new(&table, &table, &[vec![(0, 1.0)], vec![(0, 0.5)]]);
        let last = PLACES as u32;
        for row in 10..last {
            assert!(stakes.of(0, row) < stakes.of(0, row + 1), "{row}");
        }
        for row in last..30 {
            assert!(stakes.of(0, row) > stakes.of(0, row + 1), "{row}");
        }
        assert!(stakes.of(0, 1) < stakes.of(0, 10) / 4.0);
        let all: f64 = table[0]
            .iter()
            .map(|(row, weight)| stakes.of(0, *row) * f64::from(*weight))
            .sum();
        assert!((all - 1.0 - NOBODY).abs() < 1e-3, "{all}");
        // In nobody's list.
        assert!(stakes.of(5, 6) > 0.0 && stakes.of(5, 6) < stakes.of(0, 30));
    }

    #[test]
    fn all_weights_are_worth_the_same_where_nobody_has_a_list() {
        let table = table();
        let stakes = Stakes::new(&table, &table, &[vec![(7, 1.0)]]);
        let all: f64 = table[0]
            .iter()
            .map(|(row, weight)| stakes.of(0, *row) * f64::from(*weight))
            .sum();
        assert!((all - 1.0).abs() < 1e-3 && stakes.of(0, 1) == stakes.of(0, 40), "{all}");
    }

    #[test]
    fn what_makes_a_list_wrong_gets_dearer_and_nothing_else() {
        let exact = table();
        let mut kept = exact.clone();
        // 25 is kept too heavy, so that it is in the list instead of 20; 30 too, and stays out.
        kept[0][24].1 = 0.7;
        kept[0][29].1 = 0.41;
        let histories = [vec![(0, 1.0)]];
        let lists = [&exact, &kept].map(|table| super::super::lists::first(table, &histories));
        let before = Stakes::new(&exact, &kept, &histories);
        let mut after = before.clone();
        after.sharpen(&exact, &kept, &histories, &lists[0], &lists[1]);
        for row in 1..=40 {
            // What 20 lacks is nothing of its own.
            assert_eq!(after.of(0, row) > before.of(0, row), row == 25, "{row}");
        }
    }
}
