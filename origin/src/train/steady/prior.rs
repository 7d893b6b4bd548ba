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
    // Where bits are dear, more is let go here too.
    let patience = libm::pow(price.0 / Price::DEFAULT.0, 0.25) as f32;
    let near = |new: &PriorRow, old: &PriorRow| {
        let change = f32::from(new.popularity.abs_diff(old.popularity)) * popularity
            + f32::from(new.trend.abs_diff(old.trend)) * trend;
        let below = f32::from(u8::MAX - new.popularity.max(old.popularity));
        price.0 > 0.0
            && new.first_seen == old.first_seen
            && change <= (NEAR + below * NEAR_BELOW) * patience * popularity.max(trend)
    };
    let old = |at: usize| base.get(at).filter(|_| uses.get(at).is_some_and(|row| row.known));
    let rows = new.iter().enumerate();
    let stays = |at: usize| uses.get(at).is_some_and(|row| !row.ripe && !row.ages);
    rows.map(|(at, new)| {
        old(at)
            .filter(|old| stays(at) || near(new, old))
            .copied()
            .unwrap_or(*new)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_the_top_less_is_let_go() {
        let blend = Blend {
            rows: vec![BlendRow {
                popularity: 1.0,
                trend: 0.001,
                ..BlendRow::default()
            }],
            ..Blend::default()
        };
        let row = |popularity, trend, first_seen| PriorRow {
            popularity,
            trend,
            first_seen,
        };
        let known = |known| Use {
            known,
            ripe: true,
            ages: true,
        };
        let beside = |old, new, is_known, price| super::beside(&[new], &[old], &blend, &[known(is_known)], price)[0];
        let kept = |old, new| beside(old, new, true, Price::DEFAULT) == old;
        assert!(kept(row(255, 9, 3), row(253, 9, 3)) && !kept(row(255, 9, 3), row(251, 9, 3)));
        assert!(kept(row(95, 9, 3), row(105, 9, 3)) && !kept(row(95, 9, 3), row(110, 9, 3)));
        assert!(kept(row(255, 9, 3), row(255, 200, 3)), "the trend counts for little");
        assert!(!kept(row(255, 9, 3), row(255, 9, 4)), "the day is a fact");
        assert_eq!(
            beside(row(9, 9, 3), row(8, 9, 3), false, Price::DEFAULT),
            row(8, 9, 3),
            "another item"
        );
        assert_eq!(
            beside(row(9, 9, 3), row(8, 9, 3), true, Price::NOTHING),
            row(8, 9, 3),
            "exact"
        );
    }
}
