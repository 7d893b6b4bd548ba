//! Numbers rows so that an item's neighbours lie near it, which makes the packed gaps short. Invariant: the result is a
//! permutation that follows from the weights alone. Between pruning and packing.
//!
//! Source: recursive graph bisection, Dhulipala et al., "Compressing graphs and indexes with recursive graph bisection", KDD 2016.

use super::Weights;
use crate::parallel;
use pocketrank::{item_hash, Snapshot, NO_ROW};

/// Halves of at most this many rows are left as they are.
const LEAF: usize = 8;
const ROUNDS: usize = 14;
/// The first levels are done one after the other, those below on all threads.
const SHARED_LEVELS: u32 = 3;

/// The old row of each new one.
pub fn order(weights: &Weights) -> Vec<u32> {
    let rows = weights.len();
    // An item lies in its own list and in those of the items that name it: near both its gaps are short.
    let mut lists: Vec<Vec<u32>> = (0..rows as u32).map(|row| vec![row]).collect();
    for (source, row) in (0u32..).zip(weights) {
        row.iter().for_each(|(target, _)| lists[*target as usize].push(source));
    }
    let mut order: Vec<u32> = (0..rows as u32).collect();
    let mut bisection = Bisection::new(&lists);
    let mut parts: Vec<Vec<u32>> = vec![std::mem::take(&mut order)];
    for _ in 0..SHARED_LEVELS {
        parts = parts
            .into_iter()
            .flat_map(|mut part| {
                let half = bisection.split(&mut part);
                let second = part.split_off(half);
                [part, second]
            })
            .collect();
    }
    parallel::map(&parts, |part| {
        let mut part = part.clone();
        Bisection::new(&lists).all(&mut part);
        part
    })
    .concat()
}

/// The place in `ids` of each row, where items keep the rows that a snapshot has given them. New items, in their order, take the rows of those
/// that are gone, then rows at the end; where more are gone than came, rows between others stay free ([`NO_ROW`]).
pub fn as_in<B: AsRef<[u8]>>(ids: &[String], base: &Snapshot<B>) -> Vec<u32> {
    let mut rows: Vec<u32> = vec![NO_ROW; base.items() as usize];
    let mut new = vec![];
    for (item, id) in (0u32..).zip(ids) {
        // An id that the index merely takes for a known one comes second to nobody: its row is taken.
        let row = base.row(item_hash(id)).and_then(|row| rows.get_mut(row as usize));
        match row {
            Some(row @ &mut NO_ROW) => *row = item,
            _ => new.push(item),
        }
    }
    let mut new = new.into_iter();
    for row in rows.iter_mut().filter(|row| **row == NO_ROW) {
        *row = new.next().unwrap_or(NO_ROW);
    }
    rows.extend(new);
    let used = rows.iter().rposition(|row| *row != NO_ROW).map_or(0, |last| last + 1);
    rows.truncate(used);
    rows
}

struct Bisection<'a> {
    lists: &'a [Vec<u32>],
    /// How many rows of the first and of the second half each list holds.
    degrees: Vec<[u32; 2]>,
    logs: Vec<f32>,
}

impl<'a> Bisection<'a> {
    fn new(lists: &'a [Vec<u32>]) -> Self {
        Bisection {
            lists,
            degrees: vec![[0; 2]; lists.len()],
            logs: (0..lists.len() + 2)
                .map(|n| libm::log2(n.max(1) as f64) as f32)
                .collect(),
        }
    }

    fn all(&mut self, rows: &mut [u32]) {
        if rows.len() <= LEAF {
            return;
        }
        let half = self.split(rows);
        let (first, second) = rows.split_at_mut(half);
        self.all(first);
        self.all(second);
    }

    /// Swaps rows between the halves while that shortens gaps. Gives the length of the first.
    fn split(&mut self, rows: &mut [u32]) -> usize {
        let half = rows.len() / 2;
        if rows.len() <= LEAF {
            return half;
        }
        let lists = self.lists;
        for (at, row) in rows.iter().enumerate() {
            for list in &lists[*row as usize] {
                self.degrees[*list as usize][usize::from(at >= half)] += 1;
            }
        }
        for _ in 0..ROUNDS {
            let sizes = [half, rows.len() - half];
            let gains = |side: usize, rows: &[u32]| -> Vec<(f32, u32)> {
                let mut gains: Vec<(f32, u32)> = rows.iter().map(|row| (self.gain(*row, side, sizes), *row)).collect();
                gains.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
                gains
            };
            let (first, second) = (gains(0, &rows[..half]), gains(1, &rows[half..]));
            let swaps = first
                .iter()
                .zip(&second)
                .take_while(|((a, _), (b, _))| a + b > 0.0)
                .count();
            for (at, (_, row)) in first.iter().chain(&second).enumerate() {
                rows[at] = *row;
            }
            for at in 0..swaps {
                for (row, from) in [(rows[at], 0), (rows[half + at], 1)] {
                    for list in &lists[row as usize] {
                        let degrees = &mut self.degrees[*list as usize];
                        degrees[from] -= 1;
                        degrees[1 - from] += 1;
                    }
                }
                rows.swap(at, half + at);
            }
            if swaps == 0 {
                break;
            }
        }
        for row in rows.iter() {
            lists[*row as usize]
                .iter()
                .for_each(|list| self.degrees[*list as usize] = [0; 2]);
        }
        half
    }

    /// Bits saved where the row goes to the other side.
    fn gain(&self, row: u32, side: usize, sizes: [usize; 2]) -> f32 {
        let cost = |degree: u32, side: usize| degree as f32 * (self.logs[sizes[side]] - self.logs[degree as usize + 1]);
        let lists = self.lists[row as usize].iter();
        lists
            .map(|list| {
                let degrees = self.degrees[*list as usize];
                let (here, there) = (degrees[side], degrees[1 - side]);
                cost(here, side) + cost(there, 1 - side) - cost(here - 1, side) - cost(there + 1, 1 - side)
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pocketrank::pack::SnapshotBuilder;
    use pocketrank::{Blend, BlendRow, ONCE, ONE};

    /// Rows of `clusters` groups, strewn over the numbers, each naming others of its group.
    fn clustered(clusters: u32, size: u32) -> Weights {
        let rows = clusters * size;
        let scatter = |row: u32| (row * 37 + 11) % rows;
        let mut weights = vec![vec![]; rows as usize];
        for row in 0..rows {
            let group = row / size;
            weights[scatter(row) as usize] = (1..6)
                .map(|step| (scatter(group * size + (row + step * 3) % size), 1.0))
                .filter(|(target, _)| *target != scatter(row))
                .collect();
        }
        weights
    }

    fn bits(weights: &Weights, order: &[u32]) -> f64 {
        let mut place = vec![0u32; order.len()];
        (0u32..).zip(order).for_each(|(at, row)| place[*row as usize] = at);
        let gap = |a: u32, b: u32| libm::log2(f64::from(a.abs_diff(b)) + 1.0);
        (0u32..)
            .zip(weights)
            .flat_map(|(source, row)| row.iter().map(move |(target, _)| (source, *target)))
            .map(|(source, target)| gap(place[source as usize], place[target as usize]))
            .sum()
    }

    #[test]
    fn neighbours_come_near_one_another() {
        let weights = clustered(29, 31);
        let order = order(&weights);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        let plain: Vec<u32> = (0..899).collect();
        assert_eq!(sorted, plain);
        assert!(bits(&weights, &order) < 0.6 * bits(&weights, &plain));
    }

    /// A snapshot of items without anything else.
    fn snapshot(ids: &[&str]) -> Vec<u8> {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        let row = BlendRow {
            recency: vec![ONE],
            repeat_recency: vec![ONE],
            ..BlendRow::default()
        };
        let blend = Blend {
            decay: vec![ONE],
            newness: vec![ONE],
            times: vec![ONCE],
            repeat_times: vec![ONCE],
            cold: vec![ONE],
            rows: vec![row],
            ..Blend::default()
        };
        let builder = SnapshotBuilder {
            ids,
            blend,
            ..SnapshotBuilder::default()
        };
        builder.build().unwrap()
    }

    #[test]
    fn items_keep_the_rows_of_a_base() {
        let bytes = snapshot(&["a", "b", "c", "d"]);
        let base = Snapshot::open(bytes.as_slice()).unwrap();
        let rows = |ids: &[&str]| {
            let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
            let order = as_in(&ids, &base);
            let id = |item: &u32| ids.get(*item as usize).cloned().unwrap_or_else(|| "-".into());
            order.iter().map(id).collect::<Vec<_>>()
        };
        assert_eq!(rows(&["d", "b", "a", "c"]), ["a", "b", "c", "d"]);
        assert_eq!(rows(&["x", "d", "a", "y", "c", "b"]), ["a", "b", "c", "d", "x", "y"]);
        assert_eq!(rows(&["x", "d", "a", "y"]), ["a", "x", "y", "d"]);
        assert_eq!(rows(&["d", "b"]), ["-", "b", "-", "d"]);
        assert_eq!(rows(&["c", "b"]), ["-", "b", "c"], "rows at the end go");
        assert_eq!(rows(&["c", "d", "x"]), ["x", "-", "c", "d"]);
        assert!(rows(&[]).is_empty());
    }

    #[test]
    fn the_order_does_not_depend_on_threads_and_little_tables_are_fine() {
        let weights = clustered(13, 17);
        parallel::limit(1);
        let one = order(&weights);
        parallel::limit(2);
        assert_eq!(order(&weights), one);
        parallel::limit(0);
        for rows in 0..4u32 {
            assert_eq!(order(&vec![vec![]; rows as usize]).len(), rows as usize);
        }
    }
}
