//! Tall dense matrices of few columns, and the eigenvectors of small symmetric ones. Invariant: sums are taken in an order
//! that depends on the matrix alone. Under `svd`.

use super::{Matrix, PIECE};
use crate::parallel;

/// A share of the largest eigenvalue below which one is rounding error.
pub(super) const NEGLIGIBLE: f64 = 1e-14;
/// A share of the largest eigenvalue of `MᵀM` below which a direction says nothing of how to turn.
const POLAR_LEAST: f64 = 1e-8;
/// Jacobi's method ends after six to ten sweeps; this only bounds it.
const SWEEPS: usize = 60;

/// A dense matrix, row by row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Panel {
    /// Its rows.
    pub rows: usize,
    /// Its columns.
    pub cols: usize,
    /// `rows x cols` values, row by row.
    pub values: Vec<f64>,
}

impl Panel {
    /// All zero.
    pub fn zeros(rows: usize, cols: usize) -> Self {
        Panel {
            rows,
            cols,
            values: vec![0.0; rows * cols],
        }
    }

    /// A row.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.cols..(row + 1) * self.cols]
    }

    /// Rows that `fill` makes of zeros, on all threads.
    pub(super) fn of_pieces(rows: usize, cols: usize, fill: impl Fn(usize, &mut [f64]) + Sync) -> Self {
        let starts: Vec<usize> = (0..rows).step_by(PIECE).collect();
        let pieces = parallel::map(&starts, |start| {
            let end = (start + PIECE).min(rows);
            let mut piece = vec![0.0; (end - start) * cols];
            for (row, out) in (*start..end).zip(piece.chunks_exact_mut(cols.max(1))) {
                fill(row, out);
            }
            piece
        });
        Panel {
            rows,
            cols,
            values: pieces.concat(),
        }
    }

    /// `selfᵀ * self`, with the pieces' sums taken in order.
    pub(super) fn gram(&self) -> Panel {
        self.transposed_times(self)
    }

    /// `self * small`.
    pub(super) fn times_small(&self, small: &Panel) -> Panel {
        Panel::of_pieces(self.rows, small.cols, |row, out| {
            for (value, from) in self.row(row).iter().zip(0..) {
                let from = small.row(from);
                out.iter_mut().zip(from).for_each(|(out, from)| *out += value * from);
            }
        })
    }

    /// The first columns.
    pub(super) fn first_cols(&self, cols: usize) -> Panel {
        let values = (0..self.rows).flat_map(|row| self.row(row)[..cols].iter().copied());
        Panel {
            rows: self.rows,
            cols,
            values: values.collect(),
        }
    }

    /// Multiplies a column.
    pub(super) fn scale_col(&mut self, col: usize, by: f64) {
        let cols = self.cols.max(1);
        self.values
            .iter_mut()
            .skip(col)
            .step_by(cols)
            .for_each(|value| *value *= by);
    }

    /// An orthonormal basis of the space that the columns span; fewer columns where the rank is lower. Twice, since once
    /// leaves the error of a squared condition number.
    pub(super) fn orthonormal(self) -> Panel {
        self.whitened().whitened()
    }

    fn whitened(self) -> Panel {
        let (values, mut vectors) = eigen(self.gram());
        let least = values.first().copied().unwrap_or(0.0) * NEGLIGIBLE;
        let rank = values.iter().take_while(|value| **value > least).count();
        vectors = vectors.first_cols(rank);
        for (at, value) in values.iter().take(rank).enumerate() {
            vectors.scale_col(at, 1.0 / value.sqrt());
        }
        self.times_small(&vectors)
    }
}

impl Matrix for Panel {
    fn rows(&self) -> usize {
        self.rows
    }

    fn cols(&self) -> usize {
        self.cols
    }

    fn times(&self, right: &Panel) -> Panel {
        self.times_small(right)
    }

    fn transposed_times(&self, left: &Panel) -> Panel {
        let starts: Vec<usize> = (0..self.rows).step_by(PIECE).collect();
        let mut sum = Panel::zeros(self.cols, left.cols);
        // A few pieces at a time, so that their sums take no more memory than that; the order stays.
        for starts in starts.chunks(16) {
            let pieces = parallel::map(starts, |start| {
                let mut piece = vec![0.0; self.cols * left.cols];
                for row in *start..(start + PIECE).min(self.rows) {
                    let other = left.row(row);
                    for (value, out) in self.row(row).iter().zip(piece.chunks_exact_mut(left.cols.max(1))) {
                        out.iter_mut().zip(other).for_each(|(out, other)| *out += value * other);
                    }
                }
                piece
            });
            for piece in pieces {
                sum.values.iter_mut().zip(piece).for_each(|(sum, part)| *sum += part);
            }
        }
        sum
    }
}

/// The orthogonal matrix nearest to a square one, its polar factor `M (MᵀM)^-1/2`; `None` where a direction is all but lost in it.
pub fn polar(matrix: Panel) -> Option<Panel> {
    let (values, vectors) = eigen(matrix.gram());
    let least = values.first().copied().unwrap_or(0.0) * POLAR_LEAST;
    if values.is_empty() || values.iter().any(|value| *value <= least) {
        return None;
    }
    let mut scaled = vectors.clone();
    for (at, value) in values.iter().enumerate() {
        scaled.scale_col(at, 1.0 / value.sqrt());
    }
    let mut transposed = Panel::zeros(vectors.cols, vectors.rows);
    for row in 0..vectors.rows {
        for col in 0..vectors.cols {
            transposed.values[col * vectors.rows + row] = vectors.values[row * vectors.cols + col];
        }
    }
    Some(matrix.times_small(&scaled.times_small(&transposed)))
}

/// Eigenvalues of a symmetric matrix, falling, and its eigenvectors as columns, by Jacobi's method (cyclic).
pub(super) fn eigen(mut matrix: Panel) -> (Vec<f64>, Panel) {
    let n = matrix.cols;
    let mut vectors = Panel::zeros(n, n);
    (0..n).for_each(|at| vectors.values[at * n + at] = 1.0);
    let size: f64 = matrix.values.iter().map(|value| value * value).sum();
    for _ in 0..SWEEPS {
        let off: f64 = (0..n)
            .flat_map(|row| matrix.row(row)[..row].iter())
            .map(|value| value * value)
            .sum();
        if off <= size * 1e-30 {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut matrix, &mut vectors, p, q);
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| matrix.values[b * n + b].total_cmp(&matrix.values[a * n + a]));
    let values = order.iter().map(|at| matrix.values[at * n + at]).collect();
    // The rotations were kept as rows.
    let mut sorted = Panel::zeros(n, n);
    for (to, from) in order.iter().enumerate() {
        for row in 0..n {
            sorted.values[row * n + to] = vectors.values[from * n + row];
        }
    }
    (values, sorted)
}

/// Turns the plane of `p` and `q` so that their common entry becomes 0.
fn rotate(matrix: &mut Panel, vectors: &mut Panel, p: usize, q: usize) {
    let n = matrix.cols;
    let (pp, qq, pq) = (
        matrix.values[p * n + p],
        matrix.values[q * n + q],
        matrix.values[p * n + q],
    );
    if pq.abs() <= f64::EPSILON * 1e-3 * (pp * qq).abs().sqrt() {
        return;
    }
    let theta = (qq - pp) / (2.0 * pq);
    let tan = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let cos = 1.0 / (tan * tan + 1.0).sqrt();
    let sin = tan * cos;
    for k in 0..n {
        let (kp, kq) = (matrix.values[k * n + p], matrix.values[k * n + q]);
        matrix.values[k * n + p] = cos * kp - sin * kq;
        matrix.values[k * n + q] = sin * kp + cos * kq;
    }
    turn_rows(&mut matrix.values, n, p, q, cos, sin);
    turn_rows(&mut vectors.values, n, p, q, cos, sin);
}

/// Turns two rows, `p < q`, by each other.
fn turn_rows(values: &mut [f64], n: usize, p: usize, q: usize, cos: f64, sin: f64) {
    let (before, from_q) = values.split_at_mut(q * n);
    let row_p = &mut before[p * n..(p + 1) * n];
    for (a, b) in row_p.iter_mut().zip(&mut from_q[..n]) {
        (*a, *b) = (cos * *a - sin * *b, sin * *a + cos * *b);
    }
}
