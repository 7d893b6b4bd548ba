//! Writes the vectors of taste and of content, as `snapshot::factors` and `snapshot::content` read them.

use super::super::factors::MAX_RIDGES;
use super::super::vector_length;
use crate::error::{Error, Result};
use crate::snapshot::Snapshot;

/// The largest number of a quantized vector.
const MOST: f64 = i8::MAX as f64;
/// How far the length of a vector of content may be from 1: as far as rounding takes it.
const LENGTH: f64 = 0.03;

/// Vectors of taste, of a factor model: what a visitor likes is the product with a vector folded in from the history.
#[derive(Debug, Clone, Default)]
pub struct Factors {
    /// Length of a vector, 1 to 256.
    pub dims: usize,
    /// One vector per item, one after another.
    pub rows: Vec<f32>,
    /// With it, the visitor's vector solves iALS's equations; without, it is the weighted mean of the history's (SVD).
    pub gram: Option<Gram>,
    /// What one unit of their whole numbers is to be worth, as for [`Content::unit`].
    pub unit: Option<f32>,
}

/// What folding in takes beside the vectors of the history (iALS; Hu, Koren and Volinsky, 2008; Rendle et al., 2022):
/// `p = (G + ridge[n] I + sum of c q qT)^-1 sum of (1 + c) q`, with `c = confidence * weight` of each of the `n` history items of
/// positive weight.
#[derive(Debug, Clone, Default)]
pub struct Gram {
    /// `G`, `dims` × `dims`, symmetric, without the ridge.
    pub matrix: Vec<f32>,
    /// What is added on the diagonal, by the number of history items from 1; the last for more. 1 to 4,096.
    pub ridge: Vec<f32>,
    /// Confidence of a history weight of 1.0: one view of today.
    pub confidence: f32,
}

/// Vectors of content: what is like the history, whoever bought it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Content {
    /// Length of a vector, 1 to 256.
    pub dims: usize,
    /// One vector per item, one after another, each of length 1 or all 0.
    pub rows: Vec<f32>,
    /// What one unit of their whole numbers is to be worth, so that vectors that a snapshot has had stay as they are; by the largest number where
    /// it is `None`.
    pub unit: Option<f32>,
}

impl Factors {
    /// The vectors of a snapshot, if it has some, as they are rounded in it.
    pub fn of<B: AsRef<[u8]>>(snapshot: &Snapshot<B>) -> Option<Self> {
        let table = snapshot.factors()?;
        let unit = snapshot.blend().factor_unit;
        let mut rows = Vec::with_capacity(table.dims * snapshot.items() as usize);
        for row in 0..snapshot.items() {
            let (scale, vector) = table.row(row)?;
            let worth = f64::from(scale) * f64::from(unit);
            rows.extend(vector.iter().map(|value| (f64::from(*value as i8) * worth) as f32));
        }
        Some(Factors {
            dims: table.dims,
            rows,
            gram: table.gram.map(|gram| Gram::of(&gram, table.dims)),
            unit: Some(unit),
        })
    }

    /// The table and the worth of one unit of its whole numbers.
    pub(super) fn pack(&self, items: usize) -> Result<(Vec<u8>, f32)> {
        check("factors", self.dims, &self.rows, items)?;
        let mut out = (self.dims as u16).to_le_bytes().to_vec();
        match &self.gram {
            None => out.extend([0; 6]),
            Some(gram) => gram.pack(self.dims, &mut out)?,
        }
        let unit = self
            .unit
            .map_or_else(|| unit(largest(&self.rows) / f64::from(u16::MAX)), f64::from);
        let scale = |row: &[f32]| (largest(row) / MOST / unit).round().clamp(1.0, f64::from(u16::MAX));
        for row in self.rows.chunks(self.dims) {
            out.extend((scale(row) as u16).to_le_bytes());
        }
        for row in self.rows.chunks(self.dims) {
            quantize(row, scale(row) * unit, &mut out);
        }
        Ok((out, unit as f32))
    }
}

impl Gram {
    fn of(gram: &crate::snapshot::factors::Gram<'_>, dims: usize) -> Self {
        let mut upper = vec![];
        gram.equations(dims, 0.0, &mut upper);
        let mut matrix = vec![0.0; dims * dims];
        let places = (0..dims).flat_map(|row| (row..dims).map(move |column| (row, column)));
        for ((row, column), value) in places.zip(upper) {
            for at in [row * dims + column, column * dims + row] {
                if let Some(place) = matrix.get_mut(at) {
                    *place = value as f32;
                }
            }
        }
        Gram {
            matrix,
            ridge: gram.ridges().collect(),
            confidence: gram.confidence,
        }
    }

    fn pack(&self, dims: usize, out: &mut Vec<u8>) -> Result<()> {
        let corrupt = |at, rule| Error::Corrupt { what: "gram", at, rule };
        if self.ridge.is_empty() || self.ridge.len() > MAX_RIDGES {
            return Err(corrupt(self.ridge.len(), "1 to 4096 ridges"));
        }
        let at = |row: usize, column: usize| self.matrix.get(row * dims + column).copied();
        if self.matrix.len() != dims * dims
            || (0..dims).any(|row| (0..row).any(|column| at(row, column) != at(column, row)))
        {
            return Err(corrupt(
                self.matrix.len(),
                "the matrix is symmetric, of dims x dims numbers",
            ));
        }
        out.extend((self.ridge.len() as u16).to_le_bytes());
        let upper = (0..dims).flat_map(|row| (row..dims).filter_map(move |column| at(row, column)));
        for value in [self.confidence]
            .into_iter()
            .chain(self.ridge.iter().copied())
            .chain(upper)
        {
            out.extend(value.to_le_bytes());
        }
        Ok(())
    }
}

impl Content {
    /// The vectors of a snapshot, if it has some, as they are rounded in it.
    pub fn of<B: AsRef<[u8]>>(snapshot: &Snapshot<B>) -> Option<Self> {
        let table = snapshot.content()?;
        let unit = snapshot.blend().content_unit;
        let rows = (0..snapshot.items()).filter_map(|row| table.row(row)).flatten();
        Some(Content {
            dims: table.dims,
            rows: rows.map(|value| f32::from(*value as i8) * unit).collect(),
            unit: Some(unit),
        })
    }

    /// The table and the worth of one unit of its whole numbers.
    pub(super) fn pack(&self, items: usize) -> Result<(Vec<u8>, f32)> {
        check("content", self.dims, &self.rows, items)?;
        let mut out = (self.dims as u16).to_le_bytes().to_vec();
        let unit = self.unit.map_or(unit(largest(&self.rows)), f64::from);
        for (at, row) in self.rows.chunks(self.dims).enumerate() {
            let length = row.iter().map(|value| f64::from(value * value)).sum::<f64>().sqrt();
            if length > 0.0 && (length - 1.0).abs() > LENGTH {
                return Err(Error::Corrupt {
                    what: "content",
                    at,
                    rule: "a vector has length 1, or is all 0",
                });
            }
            quantize(row, unit, &mut out);
        }
        Ok((out, unit as f32))
    }
}

fn check(what: &'static str, dims: usize, rows: &[f32], items: usize) -> Result<()> {
    vector_length(dims)?;
    if let Some(at) = rows.iter().position(|value| !value.is_finite()) {
        return Err(Error::Weight { what, at: at / dims });
    }
    if dims.checked_mul(items) == Some(rows.len()) {
        return Ok(());
    }
    Err(Error::Corrupt {
        what,
        at: rows.len(),
        rule: "there is one vector for each item id",
    })
}

fn largest(values: &[f32]) -> f64 {
    values.iter().fold(0.0, |most, value| f64::from(value.abs()).max(most))
}

/// What 1 is worth, as it will be read back.
fn unit(largest: f64) -> f64 {
    let unit = (largest / MOST) as f32;
    f64::from(if unit > 0.0 { unit } else { 1.0 })
}

fn quantize(row: &[f32], unit: f64, out: &mut Vec<u8>) {
    let number = |value: &f32| (f64::from(*value) / unit).round().clamp(-MOST, MOST) as i8 as u8;
    out.extend(row.iter().map(number));
}
