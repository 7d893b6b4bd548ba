//! Vectors of content beside those that are out: turned to where these lie, and left as they are where little changed.
//!
//! A new word turns all directions of a decomposition; products of vectors do not change by it. The turn back is the orthogonal matrix
//! that brings the new vectors nearest to the old ones (orthogonal Procrustes; Schönemann 1966).

use super::Use;
use crate::features::svd::{polar, Panel};
use pocketrank::pack::Content;

/// A vector that is no farther from the old one than this stays as it was. Rounding alone takes it about a third as far.
const NEAR: f32 = 0.04;

/// A number may be so many times the largest that the unit can tell; that much is cut off.
const CUT_OFF: f32 = 1.15;

/// The new vectors turned to the old ones, which stay where they are near enough; `None` where the old ones have another length or
/// leave a direction open.
pub fn beside(new: &Content, base: &Content, uses: &[Use]) -> Option<Content> {
    let unit = base.unit?;
    let dims = new.dims;
    let turned = turned(dims, &new.rows, (base.dims, &base.rows), uses)?;
    let near = |new: &[f32], old: &[f32]| {
        let square: f32 = new.iter().zip(old).map(|(a, b)| (a - b) * (a - b)).sum();
        square.sqrt() <= NEAR
    };
    let rows = kept(dims, turned, &base.rows, uses, near);
    let most = rows.iter().fold(0f32, |most, x| x.abs().max(most));
    (most <= unit * 127.0 * CUT_OFF).then_some(Content {
        dims,
        rows,
        unit: Some(unit),
    })
}

/// Vectors turned to where those of the base lie.
pub(super) fn turned(dims: usize, new: &[f32], (base_dims, base): (usize, &[f32]), uses: &[Use]) -> Option<Vec<f32>> {
    if dims != base_dims || dims == 0 {
        return None;
    }
    let mut product = Panel::zeros(dims, dims);
    let pairs = new.chunks_exact(dims).zip(base.chunks_exact(dims)).zip(uses);
    for ((new, old), _) in pairs.filter(|(_, row)| row.known) {
        for (x, out) in new.iter().zip(product.values.chunks_exact_mut(dims)) {
            out.iter_mut()
                .zip(old)
                .for_each(|(out, y)| *out += f64::from(*x) * f64::from(*y));
        }
    }
    let turn = polar(product)?;
    let mut turned = Vec::with_capacity(new.len());
    for row in new.chunks_exact(dims) {
        let mut sum = vec![0f64; dims];
        for (x, by) in row.iter().zip(0..) {
            sum.iter_mut()
                .zip(turn.row(by))
                .for_each(|(out, y)| *out += f64::from(*x) * y);
        }
        turned.extend(sum.into_iter().map(|x| x as f32));
    }
    Some(turned)
}

/// The rows, or those of the base where the item is the same and `near` says so.
pub(super) fn kept(
    dims: usize,
    mut new: Vec<f32>,
    base: &[f32],
    uses: &[Use],
    near: impl Fn(&[f32], &[f32]) -> bool,
) -> Vec<f32> {
    let pairs = new.chunks_exact_mut(dims).zip(base.chunks_exact(dims)).zip(uses);
    for ((new, old), _) in pairs.filter(|(_, row)| row.known) {
        if near(new, old) {
            new.copy_from_slice(old);
        }
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_pcg::rand_core::RngCore;
    use rand_pcg::Pcg64Mcg;

    const DIMS: usize = 4;

    /// Vectors of length 1, as a snapshot has them.
    fn vectors(rng: &mut Pcg64Mcg, rows: usize) -> Content {
        let mut all = vec![];
        for _ in 0..rows {
            let row: Vec<f32> = (0..DIMS)
                .map(|_| rng.next_u32() as f32 / u32::MAX as f32 - 0.5)
                .collect();
            let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
            all.extend(row.iter().map(|x| x / length));
        }
        let unit = all.iter().fold(0f32, |most: f32, x: &f32| x.abs().max(most)) / 127.0;
        Content {
            dims: DIMS,
            rows: all.iter().map(|x| (x / unit).round() * unit).collect(),
            unit: Some(unit),
        }
    }

    /// The first two directions turned by a third of a right angle, the last two exchanged.
    fn turn(content: &Content) -> Content {
        let (sin, cos) = (0.5f32, 0.75f32.sqrt());
        let row = |x: &[f32]| [cos * x[0] - sin * x[1], sin * x[0] + cos * x[1], x[3], -x[2]];
        Content {
            rows: content.rows.chunks_exact(DIMS).flat_map(row).collect(),
            unit: None,
            ..*content
        }
    }

    fn uses(known: &[bool]) -> Vec<Use> {
        let row = |known: &bool| Use {
            known: *known,
            ripe: true,
            ages: true,
        };
        known.iter().map(row).collect()
    }

    #[test]
    fn what_only_turned_stays() {
        let rng = &mut Pcg64Mcg::new(1);
        let base = vectors(rng, 50);
        let mut new = turn(&base);
        // One item is another one now, one has other words.
        let mut known = [true; 50];
        known[7] = false;
        let other = vectors(rng, 1);
        new.rows[9 * DIMS..10 * DIMS].copy_from_slice(&other.rows);
        let kept = beside(&new, &base, &uses(&known)).unwrap();
        assert_eq!(kept.unit, base.unit);
        for (at, (kept, base)) in kept
            .rows
            .chunks_exact(DIMS)
            .zip(base.rows.chunks_exact(DIMS))
            .enumerate()
        {
            match at {
                // Turned like all others, to where the same item was, though not rounded.
                7 => assert!(kept.iter().zip(base).all(|(a, b)| (a - b).abs() < 0.05)),
                9 => assert_ne!(kept, base),
                _ => assert_eq!(kept, base),
            }
        }
        // Products are what they were.
        let product = |content: &Content, a: usize, b: usize| -> f32 {
            let row = |at: usize| &content.rows[at * DIMS..(at + 1) * DIMS];
            row(a).iter().zip(row(b)).map(|(a, b)| a * b).sum()
        };
        for other in 0..50 {
            assert!((product(&kept, 9, other) - product(&new, 9, other)).abs() < 0.05);
        }
    }

    #[test]
    fn what_cannot_be_turned_is_not() {
        let base = vectors(&mut Pcg64Mcg::new(2), 20);
        let flat = Content {
            rows: [1.0, 0.0, 0.0, 0.0].repeat(20),
            ..base.clone()
        };
        assert_eq!(
            beside(&flat, &base, &uses(&[true; 20])),
            None,
            "three directions are open"
        );
        let short = Content {
            dims: 2,
            rows: vec![1.0; 40],
            unit: None,
        };
        assert_eq!(beside(&short, &base, &uses(&[true; 20])), None);
        assert_eq!(beside(&base, &base, &uses(&[false; 20])), None, "nothing is the same");
    }
}
