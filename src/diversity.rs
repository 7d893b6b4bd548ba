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

/// Brings the first `count` places of the pool, which is sorted by score, into the order of marginal relevance.
/// `similarities` is a buffer. Ties keep the pool's order.
pub(crate) fn diversify(
    pool: &mut [Ranked],
    similarities: &mut Vec<f32>,
    count: usize,
    diversity: f32,
    codes: impl Fn(u32) -> AttributeRow,
) {
    let (Some(best), Some(worst)) = (pool.first(), pool.last()) else {
        return;
    };
    let (low, range) = (worst.score, best.score - worst.score);
    let scale = if range > 0.0 { (1.0 - diversity) / range } else { 0.0 };
    similarities.clear();
    similarities.resize(pool.len(), 0.0);
    for place in 0..count.min(pool.len()) {
        let (_, rest) = pool.split_at_mut(place);
        let (_, similar) = similarities.split_at_mut(place);
        let mut chosen = 0;
        let mut highest = f32::NEG_INFINITY;
        for (at, (ranked, similarity)) in rest.iter().zip(similar.iter()).enumerate() {
            let marginal = (ranked.score - low) * scale - diversity * similarity;
            if marginal > highest {
                (chosen, highest) = (at, marginal);
            }
        }
        // The others move back by one and keep their order, so that ties stay with the better score.
        rest.get_mut(..=chosen).unwrap_or_default().rotate_right(1);
        similar.get_mut(..=chosen).unwrap_or_default().rotate_right(1);
        let Some((picked, rest)) = rest.split_first() else {
            return;
        };
        let picked = codes(picked.row);
        for (ranked, highest) in rest.iter().zip(similar.iter_mut().skip(1)) {
            *highest = highest.max(similarity(picked, codes(ranked.row)));
        }
    }
}
