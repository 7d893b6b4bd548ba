//! Diversity: maximal marginal relevance over category, brand and price band.
//!
//! Source: Carbonell and Goldstein, "The use of MMR, diversity-based reranking for reordering documents and producing
//! summaries", SIGIR 1998. Relevance is the score scaled to 0..1 within the pool.

use crate::rerank::{ascending, Ranked};
use crate::snapshot::AttributeRow;

/// What an equal category, brand and price band add to the similarity of two items, in quarters.
const PARTS: [u32; 3] = [2, 1, 1];
/// No item has this code.
const NO_CODE: u32 = u32::MAX;

/// Gives out places by marginal relevance. Its buffers, one number for each candidate of the pool, are kept from one slate to the next.
/// Loops over them are plain, so that the compiler makes vectors of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Diversity {
    pool: Vec<Ranked>,
    /// Category, brand and price band.
    codes: [Vec<u32>; 3],
    /// The score scaled to 0..1 within the pool, times 1 - diversity; without end below 0 for who has a place.
    relevance: Vec<f32>,
    /// Similarity to the most similar candidate that has a place, in quarters.
    similarity: Vec<u32>,
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
        self.similarity.clear();
        self.similarity.resize(slate.len(), 0);
        self.marginal.clear();
        self.marginal.resize(slate.len(), 0);
        let [categories, brands, price_bands] = &mut self.codes;
        [&mut *categories, brands, price_bands].into_iter().for_each(Vec::clear);
        for place in slate {
            let codes = codes(place.row);
            categories.push(codes.category.into());
            brands.push(codes.brand.into());
            price_bands.push(codes.price_band.into());
        }
    }

    /// The first of the highest marginal relevance.
    fn most_relevant(&mut self, diversity: f32) -> usize {
        let known = self.relevance.iter().zip(&self.similarity);
        for (marginal, (relevance, similarity)) in self.marginal.iter_mut().zip(known) {
            *marginal = ascending(relevance - diversity * (*similarity as f32 * 0.25));
        }
        let highest = self.marginal.iter().fold(0, |most, marginal| *marginal.max(&most));
        self.marginal.iter().position(|at| *at == highest).unwrap_or_default()
    }

    /// Takes into account that a candidate has a place.
    fn resemble(&mut self, at: usize) {
        // What is not known is like nothing.
        let code = |codes: &Vec<u32>| codes.get(at).copied().filter(|code| *code != 0).unwrap_or(NO_CODE);
        let [category, brand, price_band] = self.codes.each_ref().map(code);
        let [categories, brands, price_bands] = &self.codes;
        let codes = categories.iter().zip(brands).zip(price_bands);
        for (similarity, ((a, b), c)) in self.similarity.iter_mut().zip(codes) {
            let equal = [*a == category, *b == brand, *c == price_band];
            let sum: u32 = equal
                .iter()
                .zip(PARTS)
                .map(|(equal, part)| u32::from(*equal) * part)
                .sum();
            *similarity = sum.max(*similarity);
        }
    }
}
