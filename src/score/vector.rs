//! The visitor's vector, quantized: products with the items' are whole numbers, so that every host gets the same and
//! adds them as it likes.

/// The largest worth of a number of the vector; what is beyond came from bytes that nobody verified.
const MAX_UNIT: f64 = 1e6;

/// Writes an item's vector of `i8`, each number `scale` times. Not inlined: one copy of the loop is small.
#[inline(never)]
pub(super) fn scaled(row: &[u8], scale: f64, to: &mut Vec<f64>) {
    to.clear();
    to.extend(row.iter().map(|number| f64::from(*number as i8) * scale));
}

/// A vector of 16 bits with one unit.
#[derive(Debug, Clone, Default)]
pub(super) struct Vector {
    numbers: Vec<i16>,
    /// What 1 is worth, at most [`MAX_UNIT`].
    pub(super) unit: f32,
}

impl Vector {
    /// Quantizes; gives whether there is any direction in it.
    #[inline(never)]
    pub(super) fn set(&mut self, values: &[f64]) -> bool {
        let unit = values.iter().fold(0.0, |most: f64, value| most.max(value.abs())) / f64::from(i16::MAX);
        self.unit = unit as f32;
        self.numbers.clear();
        self.numbers
            .extend(values.iter().map(|value| (value / unit).round_ties_even() as i16));
        unit > 0.0 && unit <= MAX_UNIT && values.iter().all(|value| value.is_finite())
    }

    /// The product with an item's vector of `i8`: within ±2^30, for at most 256 numbers. Not inlined: one copy of the loop is small.
    #[inline(never)]
    pub(super) fn dot(&self, row: &[u8]) -> i32 {
        let products = self.numbers.iter().zip(row);
        products.map(|(a, b)| i32::from(*a) * i32::from(*b as i8)).sum()
    }
}
