//! Vectors of taste beside those that are out. Each retraining finds others for all items, which says little that was not said: a table of
//! factors makes no small delta. So those that are out stay, and new items get vectors that fit them.

use super::content::{kept, turned};
use super::{Price, Use};
use pocketrank::pack::Factors;

/// The vectors of the base, with those of new items turned to them; `None` where everything is to be sent, or they do not fit together.
pub fn beside(new: &Factors, base: &Factors, uses: &[Use], price: Price) -> Option<Factors> {
    if price == Price::NOTHING || new.gram.is_some() != base.gram.is_some() {
        return None;
    }
    let turned = turned(new.dims, &new.rows, (base.dims, &base.rows), uses)?;
    Some(Factors {
        rows: kept(new.dims, turned, &base.rows, uses, |_, _| true),
        ..base.clone()
    })
}
