//! Diversity: maximal marginal relevance over category, brand and price band.
//!
//! Source: Carbonell and Goldstein, "The use of MMR, diversity-based reranking for reordering documents and producing
//! summaries", SIGIR 1998. Relevance is the score scaled to 0..1 within the pool.

use crate::rerank::Ranked;
use crate::snapshot::AttributeRow;

/// What an equal category, brand and price band add to the similarity of two items; together 1.
const CATEGORY: f32 = 0.5;
const BRAND: f32 = 0.25;
const PRICE_BAND: f32 = 0.25;

fn similarity(a: AttributeRow, b: AttributeRow) -> f32 {
    let mut sum = 0.0;
    if a.category != 0 && a.category == b.category {
        sum += CATEGORY;
    }
    if a.brand != 0 && a.brand == b.brand {
        sum += BRAND;
    }
    if a.price_band != 0 && a.price_band == b.price_band {
        sum += PRICE_BAND;
    }
    sum
}

/// What is kept of each candidate of the pool while places are given out.
#[derive(Debug, Clone, Copy)]
struct Place {
    ranked: Ranked,
    codes: AttributeRow,
    /// The score scaled to 0..1 within the pool, times 1 - diversity.
    relevance: f32,
    /// Similarity to the most similar candidate that has a place.
    similarity: f32,
}

/// Gives out places by marginal relevance. Its buffer is kept from one slate to the next.
#[derive(Debug, Clone, Default)]
pub(crate) struct Diversity {
    pool: Vec<Place>,
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
        let (Some(best), Some(worst)) = (slate.first(), slate.last()) else {
            return;
        };
        let (low, range) = (worst.score, best.score - worst.score);
        let scale = if range > 0.0 { (1.0 - diversity) / range } else { 0.0 };
        self.pool.clear();
        self.pool.extend(slate.iter().map(|ranked| Place {
            ranked: *ranked,
            codes: codes(ranked.row),
            relevance: (ranked.score - low) * scale,
            similarity: 0.0,
        }));
        slate.clear();
        for _ in 0..count.min(self.pool.len()) {
            let mut highest = f32::NEG_INFINITY;
            let mut chosen = 0;
            for (at, place) in self.pool.iter().enumerate() {
                let marginal = place.relevance - diversity * place.similarity;
                if marginal > highest {
                    (highest, chosen) = (marginal, at);
                }
            }
            // Keeps the order of the rest, so that ties stay with the better score.
            let chosen = self.pool.remove(chosen);
            slate.push(chosen.ranked);
            for place in &mut self.pool {
                place.similarity = place.similarity.max(similarity(chosen.codes, place.codes));
            }
        }
    }
}
