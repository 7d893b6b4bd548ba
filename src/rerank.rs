//! Reranking: candidates in, slate out.
//!
//! Candidates ► scores ► filters ► the best few ► diversity ► slate. Invariant: a slate is a selection of the candidates
//! without repeats (a permutation where nothing is filtered and `count` covers all); ties keep the candidates' order; equal
//! snapshot, profile, candidates, options and date give the same bits on every host.

use crate::diversity::Diversity;
use crate::error::Result;
use crate::event::{item_hash, DAY};
use crate::history::History;
use crate::list::Lists;
use crate::profile::Profile;
use crate::score::{Affinity, Content, Factors, Neighbours, Prior, Scorer};
use crate::snapshot::{Blend, Snapshot, NO_ROW};
#[cfg(feature = "scale")]
use crate::{error::Error, score::PART_NAMES, snapshot::Scales};
use std::collections::BinaryHeap;

mod explanation;
mod shift;

pub use explanation::{Because, Explanation, Part};
pub(crate) use shift::Shifts;

/// Flag of a candidate that cannot be bought at the moment.
pub const OUT_OF_STOCK: u8 = 1;

/// A list of items, resolved to rows once and ranked many times. Rows are of one snapshot: resolve again after a change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidates {
    rows: Vec<u32>,
    flags: Vec<u8>,
}

impl Candidates {
    /// Looks up the rows of item ids; unknown ids stay as candidates without a score.
    pub fn resolve<B: AsRef<[u8]>>(snapshot: &Snapshot<B>, ids: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let row = |id: &str| snapshot.row(item_hash(id)).unwrap_or(NO_ROW);
        Self::from_rows(ids.into_iter().map(|id| row(id.as_ref())).collect())
    }

    /// Candidates of known rows; [`NO_ROW`] for an unknown item.
    pub fn from_rows(rows: Vec<u32>) -> Self {
        let flags = vec![0; rows.len()];
        Candidates { rows, flags }
    }

    /// The rows, in the order of the list.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The flags, one per row.
    pub fn flags(&self) -> &[u8] {
        &self.flags
    }

    /// The flags, to be changed in place; hosts set [`OUT_OF_STOCK`].
    pub fn flags_mut(&mut self) -> &mut [u8] {
        &mut self.flags
    }

    /// The rows, to be overwritten in place.
    pub fn rows_mut(&mut self) -> &mut [u32] {
        &mut self.rows
    }
}

/// How to rerank.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// The length of the slate.
    pub count: usize,
    /// From 0 (by score alone) to 1 (unlike one another above all): maximal marginal relevance over category, brand and
    /// price band. Values outside are taken as the nearest bound.
    pub diversity: f32,
    /// Leave out what the profile has a purchase of.
    pub exclude_purchased: bool,
    /// Leave out candidates flagged [`OUT_OF_STOCK`].
    pub exclude_out_of_stock: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            count: 12,
            diversity: 0.0,
            exclude_purchased: false,
            exclude_out_of_stock: true,
        }
    }
}

/// One place of the slate.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[repr(C)]
pub struct Ranked {
    /// Position in the candidates.
    pub index: u32,
    /// Row in the snapshot, or [`NO_ROW`].
    pub row: u32,
    /// The score; diversity changes places, not scores.
    pub score: f32,
}

/// Ranks candidates with one snapshot for one profile. Buffers are kept, so that ranking again allocates nothing.
#[derive(Debug, Clone)]
pub struct Ranker<B> {
    snapshot: Snapshot<B>,
    history: History,
    neighbours: Neighbours,
    factors: Factors,
    content: Content,
    affinity: Affinity,
    prior: Prior,
    lists: Lists,
    scores: Vec<f32>,
    keys: Vec<u64>,
    slate: Vec<Ranked>,
    diversity: Diversity,
}

impl<B: AsRef<[u8]>> Ranker<B> {
    /// Begins with the empty profile on the day of the snapshot's newest event.
    pub fn new(snapshot: Snapshot<B>) -> Self {
        let now = snapshot.meta().trained_until;
        let mut ranker = Ranker {
            snapshot,
            history: History::default(),
            neighbours: Neighbours::default(),
            factors: Factors::default(),
            content: Content::default(),
            affinity: Affinity::default(),
            prior: Prior::default(),
            lists: Lists::default(),
            scores: Vec::new(),
            keys: Vec::new(),
            slate: Vec::new(),
            diversity: Diversity::default(),
        };
        ranker.begin(now);
        ranker
    }

    /// Begins with the empty profile.
    #[inline(never)]
    fn begin(&mut self, now: u32) {
        self.set_profile(&Profile::default(), now);
    }

    /// The snapshot.
    pub fn snapshot(&self) -> &Snapshot<B> {
        &self.snapshot
    }

    /// Computes all that depends on the profile; to be called once per change of the profile or of the day.
    /// `now` is in seconds since 1970-01-01 UTC.
    pub fn set_profile(&mut self, profile: &Profile, now: u32) {
        let Ranker { snapshot, history, .. } = self;
        history.set(snapshot, profile, now);
        let weights = snapshot.blend().row(history.items().len());
        self.neighbours.prepare(snapshot, history, weights);
        self.factors.prepare(snapshot, history, weights);
        self.content.prepare(snapshot, history, weights);
        self.affinity.prepare(snapshot, history, weights);
        self.prior.prepare(snapshot, history, weights);
    }

    /// Ranks with another blend from now on, beginning with the empty profile: for tuning, and for the arms of an experiment.
    /// The units of the snapshot's tables stay.
    ///
    /// # Errors
    /// As [`Blend::check`]; the blend then stays as it was.
    pub fn set_blend(&mut self, blend: Blend) -> Result<()> {
        self.snapshot.set_blend(blend)?;
        self.begin(self.history.today.saturating_mul(DAY));
        Ok(())
    }

    /// Ranks from now on with the weights of the blend multiplied by factors from 0 to 100, by the names of parts, beginning with the empty
    /// profile: what an arm of an experiment says. Where no factor is given it is 1.
    ///
    /// # Errors
    /// [`Error::UnknownName`] where a name is no part's, [`Error::Weight`] where a number is no factor; the blend then stays as it was.
    #[cfg(feature = "scale")]
    pub fn scale_blend<'a>(&mut self, factors: impl IntoIterator<Item = (&'a str, f32)>) -> Result<()> {
        let mut scales = Scales::NONE;
        for (part, factor) in factors {
            let at = PART_NAMES.iter().position(|name| *name == part);
            let at = at.ok_or_else(|| Error::UnknownName {
                what: "part of the blend",
                got: part.chars().take(64).collect(),
                known: "neighbours, repeat, factors, content, category, brand, price_band, popularity, trend, newness",
            })?;
            scales.set(at, factor)?;
        }
        *self.snapshot.scales_mut() = scales;
        self.begin(self.history.today.saturating_mul(DAY));
        Ok(())
    }

    /// Multiplies the weight of a part by a factor from 0 to 100, from the next [`Ranker::set_profile`] on.
    ///
    /// # Errors
    /// [`Error::Weight`] where there is no part of that number, or the factor is none.
    #[cfg(feature = "scale")]
    pub fn scale_part(&mut self, at: usize, factor: f32) -> Result<()> {
        self.snapshot.scales_mut().set(at, factor)
    }

    /// The rows that the history reaches: its own items and their neighbours, in no order.
    pub fn reached(&self) -> impl Iterator<Item = u32> + '_ {
        self.neighbours.reached()
    }

    /// The slate, best first.
    pub fn rerank(&mut self, candidates: &Candidates, options: &Options) -> &[Ranked] {
        self.rank(candidates, options, Shifts::default())
    }

    /// The same, with what rules do as the build that decides encodes it: for replays.
    pub fn rerank_shifted(&mut self, candidates: &Candidates, options: &Options, shifts: &[u8]) -> &[Ranked] {
        self.rank(candidates, options, Shifts::read(shifts))
    }

    /// The same, with what rules do; inlined, so that nothing of it is left where there are no rules.
    #[inline(always)]
    pub(crate) fn rank(&mut self, candidates: &Candidates, options: &Options, shifts: Shifts<'_>) -> &[Ranked] {
        let rows = candidates.rows();
        self.scores.clear();
        self.scores.resize(rows.len(), 0.0);
        let place = self.lists.place(&self.snapshot, rows);
        if let Some(list) = self.lists.get(place) {
            self.neighbours.add(list, &mut self.scores);
            self.factors.add(list, &mut self.scores);
            self.content.add(list, &mut self.scores);
            self.affinity.add(list, &mut self.scores);
            self.prior.add(list, &mut self.scores);
        }
        if !shifts.lifts.is_empty() {
            self.lift(shifts.lifts);
        }
        self.select(candidates, options);
        if options.diversity > 0.0 {
            let attributes = self.snapshot.attributes();
            let codes = |row| attributes.and_then(|table| table.get(row)).unwrap_or_default();
            self.diversity
                .apply(&mut self.slate, options.count, options.diversity.min(1.0), codes);
        }
        self.slate.truncate(options.count);
        let mut next = 0;
        for [row, place] in shifts.pins {
            // Behind what is pinned already.
            let place = u32::from_le_bytes(*place).max(next);
            if self.pin(candidates, options, u32::from_le_bytes(*row), place) {
                next = place.wrapping_add(1);
            }
        }
        &self.slate
    }

    /// The slate of the last [`Ranker::rerank`].
    pub fn slate(&self) -> &[Ranked] {
        &self.slate
    }

    /// Whether an option keeps a candidate out of the slate.
    #[inline(never)]
    fn left_out(&self, candidates: &Candidates, index: u32, options: &Options) -> bool {
        let index = index as usize;
        options.exclude_out_of_stock
            && candidates
                .flags
                .get(index)
                .is_some_and(|flags| flags & OUT_OF_STOCK != 0)
            || options.exclude_purchased
                && candidates
                    .rows
                    .get(index)
                    .is_some_and(|row| self.history.purchased(*row))
    }

    /// Fills the slate with the best candidates by score: as many as asked for, or as diversity chooses from.
    ///
    /// Keeps the best so far and some more, so that all but a few are left out by one comparison.
    fn select(&mut self, candidates: &Candidates, options: &Options) {
        let pool = if options.diversity > 0.0 {
            options.count.saturating_mul(POOL)
        } else {
            options.count
        };
        // The worst of the best on top. Who only ties with it comes later in the list, and has lost.
        let mut best = BinaryHeap::from(std::mem::take(&mut self.keys));
        let mut least = if pool > 0 { f32::NEG_INFINITY } else { f32::INFINITY };
        for (scores, start) in self.scores.chunks(BLOCK).zip((0u32..).step_by(BLOCK)) {
            if !scores.iter().fold(false, |any, score| any | (*score > least)) {
                continue;
            }
            for (index, score) in (start..).zip(scores) {
                if *score <= least || self.left_out(candidates, index, options) {
                    continue;
                }
                if best.len() < pool {
                    best.push(key(*score, index));
                } else if let Some(mut worst) = best.peek_mut() {
                    *worst = key(*score, index);
                }
                if best.len() == pool {
                    let worst = best.peek().map_or(0, |key| *key as u32 as usize);
                    least = self.scores.get(worst).copied().unwrap_or(least);
                }
            }
        }
        self.keys = best.into_sorted_vec();
        self.slate.clear();
        let ranked = |key: u64| {
            let index = key as u32;
            let at = index as usize;
            Ranked {
                index,
                row: candidates.rows.get(at).copied().unwrap_or(NO_ROW),
                score: self.scores.get(at).copied().unwrap_or_default(),
            }
        };
        self.slate.extend(self.keys.drain(..).map(ranked));
    }
}

/// Scores that are compared at once.
const BLOCK: usize = 8;

/// Diversity chooses from this many times the slate's length.
const POOL: usize = 4;

/// A number that is smaller the better the candidate: by score, then by index.
#[inline(always)]
fn key(score: f32, index: u32) -> u64 {
    u64::from(!ascending(score)) << 32 | u64::from(index)
}

/// A number that is larger the larger the value. -0.0 and 0.0 tie; NaN cannot be, because `blend` is checked to be finite and small.
#[inline(always)]
pub(crate) fn ascending(value: f32) -> u32 {
    let bits = (value + 0.0).to_bits();
    let sign = (bits as i32 >> 31) as u32;
    bits ^ (sign | 1 << 31)
}
