//! Vectors of taste: per item its factors, and what a visitor's are folded in with.
//!
//! Table, little-endian: length of a vector `u16`; number of ridges `u16`, 0 for none and no matrix; confidence `f32`; the ridges `f32`;
//! the upper triangle of the Gram matrix row by row, `f32`; a scale `u16` per item; a vector of `i8` per item. A factor is
//! `scale * i8`, a whole number; its unit is in `blend`.

use super::{exact, vector_length};
use crate::bytes::{f32_at, u16_at};
use crate::cholesky::{factorize, rows, triangle};
use crate::error::{Error, Result};

/// The most ridges.
pub(super) const MAX_RIDGES: usize = 4096;
/// Bytes before the ridges.
const HEADER: usize = 8;
/// A pivot below this share of the largest element is noise: the equations would have no stable solution.
const LEAST_PIVOT: f64 = 1e-9;

pub(super) fn check_length(bytes: &[u8], items: u32) -> Result<()> {
    let [dims, ridges] = [0, 1].map(|at| usize::from(u16_at(bytes, at).unwrap_or_default()));
    vector_length(dims)?;
    if ridges > MAX_RIDGES {
        return Err(Error::Limit {
            what: "ridges",
            max: MAX_RIDGES,
            got: ridges,
        });
    }
    let rows = (items as usize).checked_mul(dims + 2);
    exact(
        "factors",
        bytes,
        rows.and_then(|rows| rows.checked_add(fixed(dims, ridges))),
    )
}

/// Bytes before the scales.
pub(crate) fn fixed(dims: usize, ridges: usize) -> usize {
    HEADER + if ridges > 0 { 4 * (ridges + triangle(dims)) } else { 0 }
}

/// The table, split into its parts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Factors<'a> {
    /// Length of a vector.
    pub(crate) dims: usize,
    /// What a visitor's vector is solved with, where it is not a plain sum.
    pub(crate) gram: Option<Gram<'a>>,
    scales: &'a [u8],
    rows: &'a [u8],
}

/// The equations of a visitor's vector, without the visitor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gram<'a> {
    /// Confidence of a history weight of 1.0.
    pub(crate) confidence: f32,
    ridges: &'a [u8],
    matrix: &'a [u8],
}

impl<'a> Factors<'a> {
    /// Splits a table whose length was checked.
    pub(super) fn new(bytes: &'a [u8], items: u32) -> Option<Self> {
        let (dims, ridges) = (usize::from(u16_at(bytes, 0)?), usize::from(u16_at(bytes, 1)?));
        let confidence = f32_at(bytes, 1)?;
        let (head, rest) = bytes.split_at_checked(fixed(dims, ridges))?;
        let (ridges, matrix) = head.get(HEADER..)?.split_at_checked(4 * ridges)?;
        let (scales, rows) = rest.split_at_checked(2 * items as usize)?;
        Some(Factors {
            dims,
            gram: (!ridges.is_empty()).then_some(Gram {
                confidence,
                ridges,
                matrix,
            }),
            scales,
            rows,
        })
    }

    /// Scale and vector (of `i8`) of an item, `None` for an unknown one.
    #[inline(always)]
    pub(crate) fn row(&self, row: u32) -> Option<(u16, &'a [u8])> {
        let scale = u16_at(self.scales, row as usize)?;
        let at = (row as usize).checked_mul(self.dims)?;
        Some((scale, self.rows.get(at..at.checked_add(self.dims)?)?))
    }

    pub(super) fn verify(&self) -> Result<()> {
        let corrupt = |rule| Error::Corrupt {
            what: "factors",
            at: 0,
            rule,
        };
        let Some(gram) = self.gram else { return Ok(()) };
        let good = |value: f32| value.is_finite() && value >= 0.0;
        if !good(gram.confidence) || !gram.ridges().all(good) {
            return Err(corrupt("confidence and ridges are 0 or more"));
        }
        let mut upper = Vec::new();
        gram.equations(self.dims, gram.ridges().fold(f32::MAX, f32::min), &mut upper);
        let largest =
            rows(&mut upper, self.dims).fold(0.0, |most: f64, row| row.first().map_or(most, |at| at.max(most)));
        if !largest.is_finite() || factorize(&mut upper, self.dims, LEAST_PIVOT * largest).is_none() {
            return Err(corrupt(
                "the Gram matrix with its smallest ridge is positive definite, and well so; add to the ridge",
            ));
        }
        Ok(())
    }
}

impl<'a> Gram<'a> {
    pub(super) fn ridges(&self) -> impl Iterator<Item = f32> + 'a {
        self.ridges.chunks_exact(4).filter_map(|bytes| f32_at(bytes, 0))
    }

    /// What is added on the diagonal for a history of so many items.
    pub(crate) fn ridge(&self, history: usize) -> f32 {
        let last = (self.ridges.len() / 4).saturating_sub(1);
        f32_at(self.ridges, history.saturating_sub(1).min(last)).unwrap_or_default()
    }

    /// Writes the upper triangle of the matrix, with a ridge on its diagonal.
    #[inline(never)]
    pub(crate) fn equations(&self, dims: usize, ridge: f32, upper: &mut Vec<f64>) {
        upper.clear();
        let values = self.matrix.chunks_exact(4).filter_map(|bytes| f32_at(bytes, 0));
        upper.extend(values.map(f64::from));
        for row in rows(upper, dims) {
            row.iter_mut().take(1).for_each(|value| *value += f64::from(ridge));
        }
    }
}
