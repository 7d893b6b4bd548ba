//! Diversity: maximal marginal relevance over category, brand and price band.
//!
//! Source: Carbonell and Goldstein, "The use of MMR, diversity-based reranking for reordering documents and producing
//! summaries", SIGIR 1998. Relevance is the score scaled to 0..1 within the pool.

use crate::rerank::{ascending, Ranked};
use crate::snapshot::AttributeRow;

/// What an equal category adds to the similarity of two items, in quarters.
const CATEGORY: i32 = 2;
/// The same of an equal brand.
const BRAND: i32 = 1;
/// The same of an equal price band.
const PRICE_BAND: i32 = 1;
/// No item has this code.
const NO_CODE: u32 = u32::MAX;

/// Gives out places by marginal relevance. Its buffers, one number for each candidate of the pool, are kept from one slate to the next.
/// Loops over them take four at a time, which the compiler does by SIMD.
#[derive(Debug, Clone, Default)]
pub(crate) struct Diversity {
    pool: Vec<Ranked>,
    /// Category, brand and price band.
    codes: [Vec<u32>; 3],
    /// The score scaled to 0..1 within the pool, times 1 - diversity; without end below 0 for who has a place.
    relevance: Vec<f32>,
    /// Similarity to the most similar candidate that has a place, in quarters.
    similarity: Vec<i32>,
    /// Marginal relevance, as numbers in the same order.
    marginal: Vec<u32>,
}

impl Diversity {
    /// Replaces the pool, which is sorted by score, by its first `count` places in the order of marginal relevance. Ties keep
    /// the pool's order.
    pub(crate) fn apply(
        &mut self,
        slate: &mut Vec<Ranked>,
        count: usize,
        diversity: f32,
        codes: impl Fn(u32) -> AttributeRow,
    ) {
        self.fill(slate, diversity, codes);
        slate.clear();
        for _ in 0..count.min(self.pool.len()) {
            let at = self.most_relevant(diversity);
            let Some(chosen) = self.pool.get(at) else { return };
            slate.push(*chosen);
            if let Some(relevance) = self.relevance.get_mut(at) {
                *relevance = f32::NEG_INFINITY;
            }
            self.resemble(at);
        }
    }

    fn fill(&mut self, slate: &[Ranked], diversity: f32, codes: impl Fn(u32) -> AttributeRow) {
        let [low, high] = [slate.last(), slate.first()].map(|place| place.map_or(0.0, |place| place.score));
        let range = high - low;
        let scale = if range > 0.0 { (1.0 - diversity) / range } else { 0.0 };
        self.pool.clear();
        self.pool.extend(slate);
        self.relevance.clear();
        self.relevance
            .extend(slate.iter().map(|place| (place.score - low) * scale));
        let padded = slate.len().next_multiple_of(LANES);
        self.relevance.resize(padded, f32::NEG_INFINITY);
        self.similarity.clear();
        self.similarity.resize(padded, 0);
        self.marginal.clear();
        self.marginal.resize(padded, 0);
        let [categories, brands, price_bands] = &mut self.codes;
        [&mut *categories, brands, price_bands].into_iter().for_each(Vec::clear);
        for place in slate {
            let codes = codes(place.row);
            categories.push(codes.category.into());
            brands.push(codes.brand.into());
            price_bands.push(codes.price_band.into());
        }
        self.codes.iter_mut().for_each(|codes| codes.resize(padded, 0));
    }

    /// The first of the highest marginal relevance.
    fn most_relevant(&mut self, diversity: f32) -> usize {
        let marginal = |relevance: f32, similarity: i32| ascending(relevance - diversity * (similarity as f32 * 0.25));
        let mut highest = [0; LANES];
        let known = lanes(&self.relevance).iter().zip(lanes(&self.similarity));
        for (to, ([r0, r1, r2, r3], [s0, s1, s2, s3])) in lanes_mut(&mut self.marginal).iter_mut().zip(known) {
            *to = [
                marginal(*r0, *s0),
                marginal(*r1, *s1),
                marginal(*r2, *s2),
                marginal(*r3, *s3),
            ];
            let ([h0, h1, h2, h3], [m0, m1, m2, m3]) = (highest, *to);
            highest = [h0.max(m0), h1.max(m1), h2.max(m2), h3.max(m3)];
        }
        let highest = highest.into_iter().fold(0, u32::max);
        self.marginal.iter().position(|at| *at == highest).unwrap_or_default()
    }

    /// Takes into account that a candidate has a place.
    fn resemble(&mut self, at: usize) {
        // What is not known is like nothing.
        let code = |codes: &Vec<u32>| codes.get(at).copied().filter(|code| *code != 0).unwrap_or(NO_CODE);
        let [category, brand, price_band] = self.codes.each_ref().map(code);
        let like = |now: i32, a: u32, b: u32, c: u32| {
            let [a, b, c] = [a == category, b == brand, c == price_band].map(i32::from);
            now.max(a * CATEGORY + b * BRAND + c * PRICE_BAND)
        };
        let [categories, brands, price_bands] = self.codes.each_ref().map(|codes| lanes(codes));
        let codes = categories.iter().zip(brands).zip(price_bands);
        for (to, (([a0, a1, a2, a3], [b0, b1, b2, b3]), [c0, c1, c2, c3])) in
            lanes_mut(&mut self.similarity).iter_mut().zip(codes)
        {
            let [s0, s1, s2, s3] = *to;
            *to = [
                like(s0, *a0, *b0, *c0),
                like(s1, *a1, *b1, *c1),
                like(s2, *a2, *b2, *c2),
                like(s3, *a3, *b3, *c3),
            ];
        }
    }
}

/// Candidates that are worked on at a time; buffers are padded to whole lanes.
const LANES: usize = 4;

fn lanes<T>(buffer: &[T]) -> &[[T; LANES]] {
    buffer.as_chunks().0
}

fn lanes_mut<T>(buffer: &mut [T]) -> &mut [[T; LANES]] {
    buffer.as_chunks_mut().0
}
