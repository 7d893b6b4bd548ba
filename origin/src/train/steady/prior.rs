//! What is known of items without a visitor, beside what is out.

use super::{Price, Use};
use pocketrank::{Blend, BlendRow, PriorRow};

/// So many codes of popularity make no difference, and so many more for each code below the most popular item.
const NEAR: f32 = 2.0;
const NEAR_BELOW: f32 = 1.0 / 16.0;

/// The new rows, or the old ones where the score changed too little: the less the nearer an item is to the top, where the list is decided.
pub fn beside(new: &[PriorRow], base: &[PriorRow], blend: &Blend, uses: &[Use], price: Price) -> Vec<PriorRow> {
    let most = |of: fn(&BlendRow) -> f32| {
        blend
            .rows
            .iter()
            .map(of)
            .fold(0f32, |most, weight| weight.abs().max(most))
    };
    let (popularity, trend) = (most(|row| row.popularity), most(|row| row.trend));
    let near = |new: &PriorRow, old: &PriorRow| {
        let change = f32::from(new.popularity.abs_diff(old.popularity)) * popularity
            + f32::from(new.trend.abs_diff(old.trend)) * trend;
        let below = f32::from(u8::MAX - new.popularity.max(old.popularity));
        price.0 > 0.0
            && new.first_seen == old.first_seen
            && change <= (NEAR + below * NEAR_BELOW) * popularity.max(trend)
    };
    let old = |at: usize| base.get(at).filter(|_| uses.get(at).is_some_and(|row| row.known));
    let rows = new.iter().enumerate();
    rows.map(|(at, new)| old(at).filter(|old| near(new, old)).copied().unwrap_or(*new))
        .collect()
}
