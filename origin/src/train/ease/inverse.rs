//! The inverse of a large symmetric positive definite matrix, in place, on all cores.
//!
//! The sweep operator (Goodnight, "A tutorial on the SWEEP operator", The American Statistician 33(3), 1979), a block of rows at a
//! time, so that nearly all work is products of matrices. Invariant: each product is done by one thread, whatever their
//! number, so that it does not change the result.

use crate::control::Control;
use crate::error::Result;
use crate::parallel;

/// Rows of a stripe.
const STRIPE: usize = 128;

/// The lower triangle of a symmetric matrix, in stripes of rows up to and with the diagonal block.
#[derive(Debug)]
pub struct Symmetric {
    n: usize,
    stripes: Vec<Vec<f32>>,
}

impl Symmetric {
    /// Bytes of a matrix of `n` rows and of what [`Symmetric::invert`] takes beside it.
    pub fn memory(n: usize) -> u64 {
        let (n, stripe) = (n as u64, STRIPE as u64);
        2 * n * (n + stripe) + 8 * n * stripe
    }

    /// All zero.
    pub fn zeros(n: usize) -> Self {
        let length = |first: usize| rows(first, n) * width(first, n);
        Symmetric {
            n,
            stripes: (0..n.div_ceil(STRIPE)).map(|at| vec![0.0; length(at)]).collect(),
        }
    }

    /// Fills each row: `fill(row, values up to and with the diagonal block)`.
    pub fn fill(&mut self, fill: impl Fn(usize, &mut [f32]) + Sync) {
        let n = self.n;
        parallel::each(&mut self.stripes, |at, stripe| {
            for (row, values) in (at * STRIPE..).zip(stripe.chunks_exact_mut(width(at, n))) {
                fill(row, values);
            }
        });
    }

    /// An element.
    pub fn at(&self, row: usize, column: usize) -> f32 {
        let (row, column) = (row.max(column), row.min(column));
        self.stripes[row / STRIPE][row % STRIPE * width(row / STRIPE, self.n) + column]
    }

    /// Becomes minus its inverse.
    ///
    /// # Errors
    /// Interrupted; the matrix is then of no use.
    pub fn invert(&mut self, control: &Control) -> Result<()> {
        let mut stage = control.stage("inverting", self.stripes.len() as u64);
        for pivot in 0..self.stripes.len() {
            control.check()?;
            self.sweep(pivot);
            stage.add(1);
        }
        Ok(())
    }

    /// `A_pp' = -A_pp⁻¹`, `A_ip' = A_ip A_pp⁻¹`, `A_ij' = A_ij - A_ip A_pp⁻¹ A_pj`.
    fn sweep(&mut self, pivot: usize) {
        let (n, k) = (self.n, rows(pivot, self.n));
        let column = pivot * STRIPE;
        // The pivot's column of blocks, for all rows: below it from the stripes, above it from the pivot's own stripe.
        let mut panel = vec![0f32; n * k];
        for row in 0..n {
            for i in 0..k {
                panel[row * k + i] = self.at(row, column + i);
            }
        }
        let mut inverse: Vec<f64> = panel[column * k..(column + k) * k]
            .iter()
            .map(|value| f64::from(*value))
            .collect();
        invert_small(&mut inverse, k);
        let inverse: Vec<f32> = inverse.iter().map(|value| *value as f32).collect();
        parallel::each(&mut self.stripes, |at, stripe| {
            let (count, width) = (rows(at, n), width(at, n));
            let mut scaled = vec![0f32; count * k];
            multiply_add(
                &mut scaled,
                k,
                1.0,
                &panel[at * STRIPE * k..(at * STRIPE + count) * k],
                &inverse,
                k,
                false,
            );
            if at != pivot {
                multiply_add(stripe, width, -1.0, &scaled, &panel[..width * k], k, true);
            }
            let rows = stripe.chunks_exact_mut(width);
            if at == pivot {
                for (row, inverse) in rows.zip(inverse.chunks_exact(k)) {
                    row[column..]
                        .iter_mut()
                        .zip(inverse)
                        .for_each(|(value, inverse)| *value = -inverse);
                }
            } else if at > pivot {
                for (row, scaled) in rows.zip(scaled.chunks_exact(k)) {
                    row[column..column + k].copy_from_slice(scaled);
                }
            }
        });
        // The pivot's row before the diagonal is the column above it, turned: A_pj' = (A_jp A_pp⁻¹)ᵀ.
        let mut turned = vec![0f32; column * k];
        multiply_add(&mut turned, k, 1.0, &panel[..column * k], &inverse, k, false);
        for (i, row) in self.stripes[pivot].chunks_exact_mut(column + k).enumerate() {
            for (j, value) in row[..column].iter_mut().enumerate() {
                *value = turned[j * k + i];
            }
        }
    }
}

/// `c += alpha * a * b`: `a` has rows of `k`; `b` has `k` rows, or where `turned` rows of `k`; `c` has rows of `columns`.
fn multiply_add(c: &mut [f32], columns: usize, alpha: f32, a: &[f32], b: &[f32], k: usize, turned: bool) {
    let rows = a.len() / k;
    assert!(a.len() == rows * k && b.len() == columns * k && c.len() == rows * columns);
    let (down, right) = if turned { (1, k) } else { (columns, 1) };
    // SAFETY: the lengths are those of the shapes, as was just asserted, and `c` overlaps nothing.
    unsafe {
        matrixmultiply::sgemm(
            rows,
            k,
            columns,
            alpha,
            a.as_ptr(),
            k as isize,
            1,
            b.as_ptr(),
            down as isize,
            right as isize,
            1.0,
            c.as_mut_ptr(),
            columns as isize,
            1,
        );
    }
}

/// Gauss and Jordan's method, without exchanges of rows: the matrix is positive definite.
fn invert_small(matrix: &mut [f64], n: usize) {
    for pivot in 0..n {
        let own = 1.0 / matrix[pivot * n + pivot];
        matrix[pivot * n + pivot] = 1.0;
        matrix[pivot * n..(pivot + 1) * n]
            .iter_mut()
            .for_each(|value| *value *= own);
        let line = matrix[pivot * n..(pivot + 1) * n].to_vec();
        for (_, row) in matrix.chunks_exact_mut(n).enumerate().filter(|(row, _)| *row != pivot) {
            let factor = std::mem::take(&mut row[pivot]);
            row.iter_mut()
                .zip(&line)
                .for_each(|(value, line)| *value -= factor * line);
        }
    }
}

/// Rows of a stripe.
fn rows(stripe: usize, n: usize) -> usize {
    STRIPE.min(n - stripe * STRIPE)
}

/// Values of each row of a stripe.
fn width(stripe: usize, n: usize) -> usize {
    stripe * STRIPE + rows(stripe, n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Progress;

    #[test]
    fn a_matrix_times_its_inverse_is_one() {
        for n in [1, 5, STRIPE, 2 * STRIPE + 37] {
            // A graph's Laplacian and a diagonal.
            let element = |i: usize, j: usize| match i.abs_diff(j) {
                0 => 3.0 + (i % 7) as f32,
                1 | 5 => -0.7,
                140 => 0.5,
                _ => 0.0,
            };
            let mut matrix = Symmetric::zeros(n);
            matrix.fill(|row, values| {
                for (column, value) in values.iter_mut().enumerate() {
                    *value = element(row, column);
                }
            });
            assert!((matrix.at(0, n - 1) - element(0, n - 1)).abs() < 1e-6);
            matrix.invert(&Control::new(Progress::hidden())).unwrap();
            for i in 0..n {
                for j in 0..n {
                    let product: f32 = (0..n).map(|k| element(i, k) * matrix.at(k, j)).sum();
                    let should = if i == j { -1.0 } else { 0.0 };
                    assert!((product - should).abs() < 1e-4, "{n}: {i} {j} {product}");
                }
            }
        }
    }
}
