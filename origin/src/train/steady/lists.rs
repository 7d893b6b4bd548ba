//! The lists of those who were there of late, as a table of neighbours alone has them: what they have is not in them, and what else is blended
//! in does not change from one table to the next.

use crate::parallel;
use crate::train::Weights;

/// Somebody's items, rows of the model, each with its weight in the history.
pub type History = Vec<(u32, f32)>;

/// A row, and the sum of what leads to it.
pub type Listed = (u32, f32);

/// So many places are looked at: what is farther down is hardly shown.
pub const PLACES: usize = 20;

/// Sums by row, and which rows have one.
struct Sums {
    of: Vec<f32>,
    rows: Vec<u32>,
}

/// Does `work` for each history with what a table makes of it, heaviest first and of equals the first row first; in the order of the
/// histories.
pub fn each<T: Send>(table: &Weights, histories: &[History], work: impl Fn(usize, &[Listed]) -> T + Sync) -> Vec<T> {
    let scratch = || Sums {
        of: vec![0.0; table.len()],
        rows: vec![],
    };
    parallel::map_with(histories.len(), scratch, |sums, at| {
        work(at, &sums.list(table, &histories[at]))
    })
}

/// The first places of the lists that a table makes.
pub fn first(table: &Weights, histories: &[History]) -> Vec<Vec<Listed>> {
    each(table, histories, |_, list| list.iter().take(PLACES).copied().collect())
}

impl Sums {
    fn list(&mut self, table: &Weights, history: &History) -> Vec<Listed> {
        for (source, share) in history {
            for (target, weight) in &table[*source as usize] {
                let sum = &mut self.of[*target as usize];
                if *sum == 0.0 {
                    self.rows.push(*target);
                }
                *sum += weight * share;
            }
        }
        history.iter().for_each(|(row, _)| self.of[*row as usize] = 0.0);
        let mut list: Vec<Listed> = self
            .rows
            .drain(..)
            .map(|row| (row, std::mem::take(&mut self.of[row as usize])))
            .collect();
        list.retain(|(_, sum)| *sum > 0.0);
        list.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_pcg::rand_core::RngCore;
    use rand_pcg::Pcg64Mcg;
    use std::collections::BTreeMap;

    #[test]
    fn lists_are_sums_without_what_is_in_the_history() {
        let rng = &mut Pcg64Mcg::new(3);
        let row = |rng: &mut Pcg64Mcg| -> Vec<(u32, f32)> {
            let targets: BTreeMap<u32, f32> = (0..9)
                .map(|_| (rng.next_u32() % 50, (rng.next_u32() % 8 + 1) as f32))
                .collect();
            targets.into_iter().collect()
        };
        let table: Weights = (0..50).map(|_| row(rng)).collect();
        let history = |rng: &mut Pcg64Mcg| -> History {
            (0..rng.next_u32() % 6)
                .map(|at| (rng.next_u32() % 50, 0.5 + at as f32))
                .collect()
        };
        let histories: Vec<History> = (0..80).map(|_| history(rng)).collect();
        let lists = each(&table, &histories, |at, list| (at, list.to_vec()));
        for (at, (history, (told, list))) in histories.iter().zip(lists).enumerate() {
            assert_eq!(at, told);
            let mut sums: BTreeMap<u32, f32> = BTreeMap::new();
            for (source, share) in history {
                for (target, weight) in &table[*source as usize] {
                    *sums.entry(*target).or_default() += weight * share;
                }
            }
            sums.retain(|row, _| history.iter().all(|(has, _)| has != row));
            let mut plain: Vec<Listed> = sums.into_iter().collect();
            plain.sort_by(|a, b| b.1.total_cmp(&a.1));
            assert_eq!(list, plain);
        }
    }
}
