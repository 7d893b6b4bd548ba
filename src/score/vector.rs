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
    /// With zeros up to [`padded`].
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
        self.numbers.resize(padded(values.len()), 0);
        unit > 0.0 && unit <= MAX_UNIT && values.iter().all(|value| value.is_finite())
    }

    /// The product with an item's vector of `i8`: within ±2^30, for at most 256 numbers.
    pub(super) fn product(&self, row: &[u8]) -> i32 {
        dot(&self.numbers, row)
    }

    /// The products with vectors that lie one behind the other, each as long as [`padded`]. Not inlined: one copy of the loop is small.
    #[inline(never)]
    pub(super) fn products(&self, rows: &[u8], products: &mut Vec<i32>) {
        let width = self.numbers.len().max(1);
        let fours = rows.chunks_exact(4 * width);
        let rest = fours.remainder().chunks_exact(width);
        products.clear();
        products.resize(rows.len() / width, 0);
        let (to_fours, to_rest) = products.as_chunks_mut();
        for (to, four) in to_fours.iter_mut().zip(fours) {
            *to = dot_4(&self.numbers, four);
        }
        for (to, row) in to_rest.iter_mut().zip(rest) {
            *to = self.product(row);
        }
    }
}

fn dot(a: &[i16], b: &[u8]) -> i32 {
    let products = a.iter().zip(b);
    products.map(|(a, b)| i32::from(*a) * i32::from(*b as i8)).sum()
}

/// How many numbers SIMD takes at a time.
const LANES: usize = 16;

/// The length of a vector with zeros up to whole [`LANES`].
pub(crate) fn padded(dims: usize) -> usize {
    dims.next_multiple_of(LANES)
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
#[inline(always)]
fn dot_4(a: &[i16], four: &[u8]) -> [i32; 4] {
    let mut rows = four.chunks_exact(a.len().max(1));
    std::array::from_fn(|_| rows.next().map_or(0, |row| dot(a, row)))
}

/// Four rows at a time, so that what is loaded of `a` serves them all, and their sums are added up together. Whole numbers, so that the
/// order does not matter. The compiler finds the loads, but not the instruction that multiplies and adds.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[inline(always)]
fn dot_4(a: &[i16], four: &[u8]) -> [i32; 4] {
    use std::arch::wasm32::*;
    let a: &[[[i16; 8]; 2]] = a.as_chunks().0.as_chunks().0;
    let mut rows = four.as_chunks().0.as_chunks().0.chunks_exact(a.len().max(1));
    let [r0, r1, r2, r3] = std::array::from_fn(|_| rows.next().unwrap_or_default());
    let [mut s0, mut s1, mut s2, mut s3] = [i32x4_splat(0); 4];
    for ((((a, b0), b1), b2), b3) in a.iter().zip(r0).zip(r1).zip(r2).zip(r3) {
        let a = a.map(|[a0, a1, a2, a3, a4, a5, a6, a7]| i16x8(a0, a1, a2, a3, a4, a5, a6, a7));
        let add = |sums, b: &[[u8; 8]; 2]| {
            let [low, high] = b.map(|b| i16x8_extend_low_i8x16(i64x2(i64::from_le_bytes(b), 0)));
            let [a_low, a_high] = a;
            i32x4_add(
                sums,
                i32x4_add(i32x4_dot_i16x8(a_low, low), i32x4_dot_i16x8(a_high, high)),
            )
        };
        (s0, s1, s2, s3) = (add(s0, b0), add(s1, b1), add(s2, b2), add(s3, b3));
    }
    let pairs = |a, b| i32x4_add(i32x4_shuffle::<0, 4, 1, 5>(a, b), i32x4_shuffle::<2, 6, 3, 7>(a, b));
    let (s01, s23) = (pairs(s0, s1), pairs(s2, s3));
    let sums = i32x4_add(
        i32x4_shuffle::<0, 1, 4, 5>(s01, s23),
        i32x4_shuffle::<2, 3, 6, 7>(s01, s23),
    );
    [
        i32x4_extract_lane::<0>(sums),
        i32x4_extract_lane::<1>(sums),
        i32x4_extract_lane::<2>(sums),
        i32x4_extract_lane::<3>(sums),
    ]
}
