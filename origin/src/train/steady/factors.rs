//! Vectors of taste beside those that are out. Each retraining finds others for all items, which says little that was not said: a table of
//! factors makes no small delta, and tells of every customer anew. So those that are out stay, and new items get vectors that fit them.

use super::content::{kept, turned};
use super::Use;
use pocketrank::pack::Factors;

/// The vectors of the base, with those of new items turned to them; `None` where they do not fit together.
pub fn beside(new: &Factors, base: &Factors, uses: &[Use]) -> Option<Factors> {
    if new.gram.is_some() != base.gram.is_some() {
        return None;
    }
    let turned = turned(new.dims, &new.rows, (base.dims, &base.rows), uses)?;
    Some(Factors {
        rows: kept(new.dims, turned, &base.rows, uses, |_, _| true),
        ..base.clone()
    })
}
