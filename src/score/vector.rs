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
        let ((a, a_rest), (b, b_rest)) = (self.numbers.as_chunks(), row.as_chunks());
        dot_16s(a, b) + dot_scalar(a_rest, b_rest)
    }
}

fn dot_scalar(a: &[i16], b: &[u8]) -> i32 {
    let products = a.iter().zip(b);
    products.map(|(a, b)| i32::from(*a) * i32::from(*b as i8)).sum()
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
fn dot_16s(a: &[[i16; 16]], b: &[[u8; 16]]) -> i32 {
    dot_scalar(a.as_flattened(), b.as_flattened())
}

/// Whole numbers, so that the order does not matter. The compiler finds the loads, but not the instruction that multiplies and adds.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[inline(always)]
fn dot_16s(a: &[[i16; 16]], b: &[[u8; 16]]) -> i32 {
    use std::arch::wasm32::*;
    let mut sums = i32x4_splat(0);
    for (a, b) in a.iter().zip(b) {
        let [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15] = *a;
        let [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15] = *b;
        let low = i16x8(a0, a1, a2, a3, a4, a5, a6, a7);
        let high = i16x8(a8, a9, a10, a11, a12, a13, a14, a15);
        let b = u8x16(b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15);
        sums = i32x4_add(sums, i32x4_dot_i16x8(low, i16x8_extend_low_i8x16(b)));
        sums = i32x4_add(sums, i32x4_dot_i16x8(high, i16x8_extend_high_i8x16(b)));
    }
    i32x4_extract_lane::<0>(sums)
        + i32x4_extract_lane::<1>(sums)
        + i32x4_extract_lane::<2>(sums)
        + i32x4_extract_lane::<3>(sums)
}
