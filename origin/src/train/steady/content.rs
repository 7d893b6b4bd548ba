//! Vectors of content beside those that are out: turned to where these lie, and left as they are where little changed.
//!
//! A new word turns all directions of a decomposition; products of vectors do not change by it. The turn back is the orthogonal matrix
//! that brings the new vectors nearest to the old ones (orthogonal Procrustes; Schönemann 1966).

use super::Use;
use crate::features::svd::{polar, Panel};
use pocketrank::pack::Content;

/// A vector that is no farther from the old one than this stays as it was. Rounding alone takes it about a third as far.
const NEAR: f32 = 0.04;

/// The new vectors turned to the old ones, which stay where they are near enough; `None` where the old ones have another length or
/// leave a direction open.
pub fn beside(new: &Content, base: &Content, uses: &[Use]) -> Option<Content> {
    let unit = base.unit?;
    let dims = new.dims;
    if dims != base.dims || dims == 0 {
        return None;
    }
    let pairs = || {
        let pairs = new.rows.chunks_exact(dims).zip(base.rows.chunks_exact(dims)).zip(uses);
        pairs.filter(|(_, row)| row.known).map(|(pair, _)| pair)
    };
    let mut product = Panel::zeros(dims, dims);
    for (new, old) in pairs() {
        for (x, out) in new.iter().zip(product.values.chunks_exact_mut(dims)) {
            out.iter_mut()
                .zip(old)
                .for_each(|(out, y)| *out += f64::from(*x) * f64::from(*y));
        }
    }
    let turn = polar(product)?;
    let mut rows = Vec::with_capacity(new.rows.len());
    for (at, row) in new.rows.chunks_exact(dims).enumerate() {
        let mut turned = vec![0f64; dims];
        for (x, by) in row.iter().zip(0..) {
            turned
                .iter_mut()
                .zip(turn.row(by))
                .for_each(|(out, y)| *out += f64::from(*x) * y);
        }
        let turned: Vec<f32> = turned.into_iter().map(|x| x as f32).collect();
        let old = base
            .rows
            .get(at * dims..(at + 1) * dims)
            .filter(|_| uses.get(at).is_some_and(|row| row.known));
        let distance = |old: &[f32]| {
            turned
                .iter()
                .zip(old)
                .map(|(a, b)| (a - b) * (a - b))
                .sum::<f32>()
                .sqrt()
        };
        match old.filter(|old| distance(old) <= NEAR) {
            Some(old) => rows.extend(old),
            None => rows.extend(turned),
        }
    }
    let most = rows.iter().fold(0f32, |most, x| x.abs().max(most));
    // Longer numbers than the unit can tell would be cut short.
    (most <= unit * 127.5).then_some(Content {
        dims,
        rows,
        unit: Some(unit),
    })
}
