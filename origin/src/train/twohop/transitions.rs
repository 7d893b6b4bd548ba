//! Counts of transitions: how often, how near and how lately two items stood in one session.
//!
//! Invariant: a row's sums are taken by one thread in one order, so that they do not depend on the machine; only pairs that
//! enough distinct customers stand behind are handed out.

use crate::control::Control;
use crate::error::Result;
use crate::parallel;
use crate::train::sequences::Sequences;

/// The most clicks between two that count as a pair: it bounds the work on long histories.
pub const MOST_LAG: usize = 50;

/// How a pair of clicks counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decay {
    /// `lag^-forward` for the item that comes later.
    pub forward: f64,
    /// Weight of the item that came before.
    pub back: f64,
    /// `lag^-backward` for the item that came before.
    pub backward: f64,
    /// Sessions of n clicks count `n^-length`.
    pub length: f64,
    /// A session counts `exp(-age / horizon)`, its age the share of sessions that are newer.
    pub horizon: f64,
}

/// What one item was followed or preceded by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transition {
    /// The other item.
    pub target: u32,
    /// Sum of what its pairs count.
    pub count: f32,
}

/// Clicks by item, with what they count.
pub struct Transitions<'a> {
    sequences: &'a Sequences,
    /// Where each item's clicks end in `clicks`.
    ends: Vec<usize>,
    /// Positions in the sequences, by item, then by user, then in order.
    clicks: Vec<u32>,
    /// Session of each position.
    sessions: Vec<u32>,
    /// What a session counts, its length and age considered.
    weights: Vec<f32>,
    /// What a session counts by its age.
    ages: Vec<f32>,
    forward: Vec<f32>,
    backward: Vec<f32>,
}

impl<'a> Transitions<'a> {
    /// Prepares counting.
    pub fn new(sequences: &'a Sequences, items: usize, decay: &Decay) -> Self {
        let lags = |factor: f64, exponent: f64| -> Vec<f32> {
            (0..=MOST_LAG)
                .map(|lag| (factor * libm::pow(lag as f64, -exponent)) as f32)
                .collect()
        };
        let sessions = sequences.len();
        let age = |session: usize| (sessions - 1 - session) as f64 / sessions as f64;
        let by_age: Vec<f64> = (0..sessions)
            .map(|session| libm::exp(-age(session) / decay.horizon))
            .collect();
        let weight = |(session, by_age): (usize, &f64)| {
            let clicks = sequences.range(session).len().max(1) as f64;
            (by_age * libm::pow(clicks, -decay.length)) as f32
        };
        let mut ends: Vec<usize> = Vec::with_capacity(items);
        let mut end = 0;
        for clicks in sequences.clicks(items) {
            ends.push(end);
            end += clicks as usize;
        }
        // Sessions by user, so that each user's clicks on an item lie together and customers are counted once.
        let mut order: Vec<usize> = (0..sessions).collect();
        order.sort_by_key(|session| sequences.users[*session]);
        let mut clicks = vec![0u32; end];
        let mut of_position = vec![0u32; end];
        for session in order {
            for position in sequences.range(session) {
                let next = &mut ends[sequences.items[position] as usize];
                clicks[*next] = position as u32;
                *next += 1;
                of_position[position] = session as u32;
            }
        }
        Transitions {
            sequences,
            ends,
            clicks,
            sessions: of_position,
            weights: by_age.iter().enumerate().map(weight).collect(),
            ages: by_age.iter().map(|age| *age as f32).collect(),
            forward: lags(1.0, decay.forward),
            backward: lags(decay.back, decay.backward),
        }
    }

    /// The clicks of each item, faded by their sessions' age.
    pub fn faded_clicks(&self) -> Vec<f64> {
        let clicks = |item| {
            self.positions(item)
                .iter()
                .map(|at| f64::from(self.ages[self.sessions[*at as usize] as usize]))
        };
        (0..self.ends.len()).map(|item| clicks(item).sum()).collect()
    }

    /// Calls `emit` for each item with its transitions by ascending target, those with at least `min_customers`
    /// distinct customers, on all threads; results come in the order of the items.
    ///
    /// # Errors
    /// [`crate::error::Error::Interrupted`].
    pub fn rows<T: Send>(
        &self,
        min_customers: u32,
        control: &Control,
        emit: impl Fn(usize, &mut Vec<Transition>) -> T + Sync,
    ) -> Result<Vec<T>> {
        by_row(
            self.ends.len(),
            control,
            || Scratch::new(self.ends.len()),
            |item, scratch| {
                self.row(item, min_customers, scratch);
                emit(item, &mut scratch.row)
            },
        )
    }

    fn positions(&self, item: usize) -> &[u32] {
        let start = item.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.clicks[start..self.ends[item]]
    }

    fn row(&self, item: usize, min_customers: u32, scratch: &mut Scratch) {
        for at in self.positions(item) {
            let (at, session) = (*at as usize, self.sessions[*at as usize] as usize);
            let range = self.sequences.range(session);
            let (user, weight) = (self.sequences.users[session], self.weights[session]);
            let after = &self.sequences.items[at + 1..range.end.min(at + 1 + MOST_LAG)];
            for (target, lag) in after.iter().zip(&self.forward[1..]) {
                scratch.add(*target, weight * lag, user);
            }
            let before = &self.sequences.items[range.start.max(at.saturating_sub(MOST_LAG))..at];
            for (target, lag) in before.iter().rev().zip(&self.backward[1..]) {
                scratch.add(*target, weight * lag, user);
            }
        }
        scratch.finish(item as u32, min_customers);
    }
}

#[derive(Clone, Copy, Default)]
struct Cell {
    sum: f32,
    customers: u32,
    last: u32,
}

struct Scratch {
    cells: Vec<Cell>,
    touched: Vec<u32>,
    row: Vec<Transition>,
}

impl Scratch {
    fn new(items: usize) -> Self {
        Scratch {
            cells: vec![Cell::default(); items],
            touched: vec![],
            row: vec![],
        }
    }

    #[inline(always)]
    fn add(&mut self, target: u32, count: f32, user: u32) {
        let cell = &mut self.cells[target as usize];
        if cell.customers == 0 {
            self.touched.push(target);
        }
        if cell.customers == 0 || cell.last != user {
            cell.customers += 1;
            cell.last = user;
        }
        cell.sum += count;
    }

    fn finish(&mut self, item: u32, min_customers: u32) {
        self.touched.sort_unstable();
        self.row.clear();
        for target in self.touched.drain(..) {
            let cell = std::mem::take(&mut self.cells[target as usize]);
            if target != item && cell.customers >= min_customers && cell.sum > 0.0 {
                self.row.push(Transition {
                    target,
                    count: cell.sum,
                });
            }
        }
    }
}

/// Works on rows on all threads, a scratch for each run of rows; results come in the order of the rows.
pub(super) fn by_row<S, T: Send>(
    rows: usize,
    control: &Control,
    scratch: impl Fn() -> S + Sync,
    work: impl Fn(usize, &mut S) -> T + Sync,
) -> Result<Vec<T>> {
    let run = rows.div_ceil(64).max(1);
    let starts: Vec<usize> = (0..rows).step_by(run).collect();
    let runs = parallel::map(&starts, |start| {
        control.check()?;
        let mut scratch = scratch();
        Ok((*start..(start + run).min(rows))
            .map(|row| work(row, &mut scratch))
            .collect::<Vec<T>>())
    });
    let mut results = Vec::with_capacity(rows);
    for run in runs {
        results.extend(run?);
    }
    Ok(results)
}
