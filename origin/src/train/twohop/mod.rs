//! Two-hop transitions: what comes after an item in sessions, and what comes after that.
//!
//! Sequences ► counts of transitions ► one hop, discounted by popularity ► two hops added. Invariant: each hop of an edge
//! stands on `min_customers` distinct customers; rows are heaviest first, ties to the lower row number. The idea of decays by
//! distance, length and age of a session is that of VMIS-kNN (Kersbergen, Sprangers and Schelter, "Serenade", SIGMOD 2022)
//! and SLIST (Choi, Kim, Lee, Shim and Lee, "Session-aware linear item-item models", WWW 2021); the second hop is a random
//! walk's.

mod transitions;

pub use transitions::{Decay, Transition, Transitions, MOST_LAG};

use super::sequences::Sequences;
use super::{prune, Weights};
use crate::control::Control;
use crate::error::Result;
use transitions::by_row;

/// Parameters. The names are those of the formulas in the fields' documentation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TwoHop {
    /// A pair of clicks counts `lag^-a` for the later item,
    pub a: f64,
    /// and `b ·`
    pub b: f64,
    /// `lag^-ab` for the earlier one,
    pub ab: f64,
    /// times `exp(-age / tau)`, a session's age being the share of sessions that are newer,
    pub tau: f64,
    /// times `clicks of the session^-gamma`.
    pub gamma: f64,
    /// One hop weighs `A = (count · clicks(source)^-alpha`
    pub alpha: f64,
    /// `· clicks(target)^-beta)`
    pub beta: f64,
    /// `^p`, with clicks faded by age as counts are.
    pub p: f64,
    /// Two hops add `eps · H`,
    pub eps: f64,
    /// `H = (QQ)^(1/pw)`, where the rows of Q are those of `A^pw` divided by their sums.
    pub pw: f64,
    /// The heaviest neighbours of an item from which a second hop is made.
    pub hops: usize,
    /// The most neighbours of an item.
    pub keep: usize,
}

impl Default for TwoHop {
    fn default() -> Self {
        TwoHop {
            a: 1.0,
            b: 0.68,
            ab: 1.35,
            tau: 0.6,
            gamma: 0.3,
            alpha: 0.75,
            beta: 0.08,
            p: 0.62,
            eps: 0.33,
            pw: 1.85,
            hops: 30,
            keep: 60,
        }
    }
}

/// One neighbour with the parts of its weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hop {
    /// The neighbour.
    pub target: u32,
    /// Weight of the direct transition, 0 where there is none.
    pub one: f32,
    /// Weight of the ways through a third item, 0 where there is none.
    pub two: f32,
}

impl TwoHop {
    /// Weights of each of `items` rows' neighbours, scaled so that the mean of the rows' heaviest direct transitions,
    /// weighted by clicks, is 1.
    ///
    /// # Errors
    /// [`crate::error::Error::Interrupted`].
    pub fn fit(&self, sequences: &Sequences, items: usize, min_customers: u32, control: &Control) -> Result<Weights> {
        let hops = self.hops(sequences, items, min_customers, control)?;
        by_row(
            items,
            control,
            || (),
            |item, ()| {
                let weight = |hop: &Hop| hop.one + self.eps as f32 * hop.two;
                let mut row: Vec<(u32, f32)> = hops[item].iter().map(|hop| (hop.target, weight(hop))).collect();
                row.retain(|(_, weight)| *weight > 0.0);
                prune(&mut row, self.keep);
                row
            },
        )
    }

    /// The neighbours of each item: the `keep` heaviest by one hop and the `keep` heaviest by two, by ascending target.
    ///
    /// # Errors
    /// [`crate::error::Error::Interrupted`].
    pub fn hops(
        &self,
        sequences: &Sequences,
        items: usize,
        min_customers: u32,
        control: &Control,
    ) -> Result<Vec<Vec<Hop>>> {
        let clicks = sequences.clicks(items);
        let mut one = self.one_hop(sequences, items, min_customers, control)?;
        let scale = unit(&one, &clicks, |(_, weight)| *weight);
        one.iter_mut().flatten().for_each(|(_, weight)| *weight *= scale);
        if self.eps == 0.0 {
            let alone = |(target, one): &(u32, f32)| Hop {
                target: *target,
                one: *one,
                two: 0.0,
            };
            return Ok(one.iter().map(|row| row.iter().map(alone).collect()).collect());
        }
        self.two_hops(&one, &clicks, control)
    }

    /// The direct transitions' weights, heaviest first.
    fn one_hop(&self, sequences: &Sequences, items: usize, min_customers: u32, control: &Control) -> Result<Weights> {
        let decay = Decay {
            forward: self.a,
            back: self.b,
            backward: self.ab,
            length: self.gamma,
            horizon: self.tau,
        };
        let transitions = Transitions::new(sequences, items, &decay);
        let clicks = transitions.faded_clicks();
        let discount =
            |exponent: f64| -> Vec<f64> { clicks.iter().map(|clicks| libm::pow(*clicks, -exponent)).collect() };
        let (sources, targets) = (discount(self.alpha), discount(self.beta));
        transitions.rows(min_customers, control, |item, row| {
            let discounted = |to: &Transition| (to.target, to.count * targets[to.target as usize] as f32);
            let mut row: Vec<(u32, f32)> = row.iter().map(discounted).collect();
            // A power changes no order: it is taken of what is kept only.
            prune(&mut row, self.keep);
            for (_, weight) in &mut row {
                *weight = libm::pow(f64::from(*weight) * sources[item], self.p) as f32;
            }
            row
        })
    }

    fn two_hops(&self, one: &Weights, clicks: &[u32], control: &Control) -> Result<Vec<Vec<Hop>>> {
        let items = one.len();
        let walk: Weights = by_row(
            items,
            control,
            || (),
            |item, ()| {
                let steps = one[item].iter().take(self.hops);
                let mut row: Vec<(u32, f32)> = steps
                    .map(|(target, weight)| (*target, libm::pow(f64::from(*weight), self.pw) as f32))
                    .collect();
                let sum: f32 = row.iter().map(|(_, weight)| weight).sum();
                row.iter_mut().for_each(|(_, weight)| *weight /= sum);
                row
            },
        )?;
        let mut hops = by_row(
            items,
            control,
            || (vec![0f32; items], vec![]),
            |item, (sums, reached)| {
                second_hop(item, &walk, sums, reached);
                let mut two: Vec<(u32, f32)> = reached.iter().map(|at: &u32| (*at, sums[*at as usize])).collect();
                prune(&mut two, self.keep);
                let mut row: Vec<Hop> = one[item]
                    .iter()
                    .map(|(target, one)| Hop {
                        target: *target,
                        one: *one,
                        two: sums[*target as usize],
                    })
                    .collect();
                reached.drain(..).for_each(|at| sums[at as usize] = 0.0);
                row.extend(two.into_iter().map(|(target, two)| Hop { target, one: 0.0, two }));
                // The direct one stands first among equal targets.
                row.sort_by_key(|hop| hop.target);
                row.dedup_by_key(|hop| hop.target);
                for hop in &mut row {
                    hop.two = libm::pow(f64::from(hop.two), 1.0 / self.pw) as f32;
                }
                row
            },
        )?;
        let unit = unit(&hops, clicks, |hop| hop.two);
        hops.iter_mut().flatten().for_each(|hop| hop.two *= unit);
        Ok(hops)
    }
}

/// Adds up the ways through a third item; `reached` names the items that have any, ascending.
fn second_hop(item: usize, walk: &Weights, sums: &mut [f32], reached: &mut Vec<u32>) {
    for (through, first) in &walk[item] {
        for (target, second) in &walk[*through as usize] {
            if *target as usize == item {
                continue;
            }
            let sum = &mut sums[*target as usize];
            if *sum == 0.0 {
                reached.push(*target);
            }
            *sum += first * second;
        }
    }
    reached.sort_unstable();
    reached.dedup();
}

/// What makes the mean of the rows' heaviest edges 1, rows weighted by their clicks; rows without an edge have no say.
pub(super) fn unit<E>(rows: &[Vec<E>], clicks: &[u32], weight: impl Fn(&E) -> f32) -> f32 {
    let (mut sum, mut all) = (0.0, 0.0);
    for (row, clicks) in rows.iter().zip(clicks) {
        if let Some(heaviest) = row
            .iter()
            .map(&weight)
            .reduce(f32::max)
            .filter(|heaviest| *heaviest > 0.0)
        {
            sum += f64::from(heaviest) * f64::from(*clicks);
            all += f64::from(*clicks);
        }
    }
    if sum > 0.0 {
        (all / sum) as f32
    } else {
        1.0
    }
}
