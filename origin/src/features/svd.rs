//! Truncated singular value decomposition of large matrices, sparse or dense, by random projection and power iteration
//! (Halko, Martinsson and Tropp 2011, "Finding structure with randomness").
//!
//! Invariant: equal matrices, options and seed give equal bits, on any number of threads and on any host: work is cut in
//! pieces of fixed size and sums are taken in their order. Texts, vectors and interactions are reduced with it.

mod dense;

use crate::control::Control;
use crate::error::Result;

pub use dense::{polar, Panel};
use rand_pcg::rand_core::RngCore;
use rand_pcg::Pcg64Mcg;

/// Rows that one piece of work takes.
pub(super) const PIECE: usize = 2048;

/// What can be decomposed: anything that can be multiplied from both sides.
pub trait Matrix: Sync {
    /// Its rows.
    fn rows(&self) -> usize;
    /// Its columns.
    fn cols(&self) -> usize;
    /// `self * right`: `rows x right.cols`.
    fn times(&self, right: &Panel) -> Panel;
    /// `selfᵀ * left`: `cols x left.cols`.
    fn transposed_times(&self, left: &Panel) -> Panel;
}

/// A sparse matrix, kept both by rows and by columns.
#[derive(Debug, Clone)]
pub struct Sparse {
    by_row: Compressed,
    by_col: Compressed,
}

impl Sparse {
    /// Of the entries of each row: `(column, value)`, columns below `cols`.
    pub fn new<R: IntoIterator<Item = (u32, f32)>>(cols: usize, rows: impl IntoIterator<Item = R>) -> Self {
        let mut by_row = Compressed::empty(cols);
        for row in rows {
            for (col, value) in row {
                by_row.places.push(col);
                by_row.values.push(value);
            }
            by_row.ends.push(by_row.places.len());
        }
        let by_col = by_row.transposed();
        Sparse { by_row, by_col }
    }

    /// The entries of a row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (u32, f32)> + '_ {
        self.by_row.entries(row)
    }

    /// The entries of a column, as `(row, value)`.
    pub fn col(&self, col: usize) -> impl Iterator<Item = (u32, f32)> + '_ {
        self.by_col.entries(col)
    }
}

impl Matrix for Sparse {
    fn rows(&self) -> usize {
        self.by_row.rows()
    }

    fn cols(&self) -> usize {
        self.by_row.width
    }

    fn times(&self, right: &Panel) -> Panel {
        self.by_row.times(right)
    }

    fn transposed_times(&self, left: &Panel) -> Panel {
        self.by_col.times(left)
    }
}

/// Rows of entries, one behind the other.
#[derive(Debug, Clone)]
struct Compressed {
    width: usize,
    /// Where each row ends.
    ends: Vec<usize>,
    places: Vec<u32>,
    values: Vec<f32>,
}

impl Compressed {
    fn empty(width: usize) -> Self {
        Compressed {
            width,
            ends: vec![],
            places: vec![],
            values: vec![],
        }
    }

    fn rows(&self) -> usize {
        self.ends.len()
    }

    fn entries(&self, row: usize) -> impl Iterator<Item = (u32, f32)> + '_ {
        let begin = if row == 0 { 0 } else { self.ends[row - 1] };
        let range = begin..self.ends[row];
        let values = &self.values[range.clone()];
        self.places[range].iter().copied().zip(values.iter().copied())
    }

    fn transposed(&self) -> Self {
        let mut begins = vec![0usize; self.width + 1];
        self.places.iter().for_each(|place| begins[*place as usize + 1] += 1);
        for at in 0..self.width {
            begins[at + 1] += begins[at];
        }
        let ends = begins[1..].to_vec();
        let mut turned = Compressed {
            width: self.rows(),
            ends,
            places: vec![0; self.places.len()],
            values: vec![0.0; self.values.len()],
        };
        for row in 0..self.rows() {
            for (col, value) in self.entries(row) {
                let to = &mut begins[col as usize];
                (turned.places[*to], turned.values[*to]) = (row as u32, value);
                *to += 1;
            }
        }
        turned
    }

    fn times(&self, right: &Panel) -> Panel {
        Panel::of_pieces(self.rows(), right.cols, |row, out| {
            for (place, value) in self.entries(row) {
                let value = f64::from(value);
                let from = right.row(place as usize);
                out.iter_mut().zip(from).for_each(|(out, from)| *out += value * from);
            }
        })
    }
}

/// How to decompose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Singular values wanted; fewer come where the matrix is smaller or has a lower rank.
    pub dims: usize,
    /// Directions computed beyond those wanted: more are more exact.
    pub oversample: usize,
    /// Passes of power iteration: more are more exact, above all where singular values fall slowly.
    pub iterations: usize,
    /// Of the random projection.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            dims: 64,
            oversample: 16,
            iterations: 5,
            seed: 0,
        }
    }
}

/// `matrix ≈ left * diag(values) * rightᵀ`. The sign of each direction is the one that makes its largest entry on the right
/// positive.
#[derive(Debug, Clone)]
pub struct Svd {
    /// Singular values, falling; as many as dimensions were found.
    pub values: Vec<f64>,
    /// `rows x values`, orthonormal columns.
    pub left: Panel,
    /// `cols x values`, orthonormal columns.
    pub right: Panel,
}

/// Decomposes a matrix.
///
/// # Errors
/// [`crate::error::Error::Interrupted`] where the work was told to stop.
pub fn svd(matrix: &impl Matrix, options: &Options, control: &Control) -> Result<Svd> {
    let most = matrix.rows().min(matrix.cols());
    let wanted = options.dims.min(most);
    let width = (wanted + options.oversample).min(most);
    let mut dice = Pcg64Mcg::new(u128::from(options.seed) ^ 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let mut random = Panel::zeros(matrix.cols(), width);
    for value in &mut random.values {
        *value = (dice.next_u64() >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
    }
    let mut left = matrix.times(&random).orthonormal();
    for _ in 0..options.iterations {
        control.check()?;
        let right = matrix.transposed_times(&left).orthonormal();
        left = matrix.times(&right).orthonormal();
    }
    control.check()?;
    // The matrix within the space that was found is `left * backᵀ`; its own decomposition comes from the small `backᵀ * back`.
    let back = matrix.transposed_times(&left);
    let (squares, turn) = dense::eigen(back.gram());
    let least = squares.first().copied().unwrap_or(0.0) * dense::NEGLIGIBLE;
    let found = squares
        .iter()
        .take(wanted)
        .take_while(|square| **square > least)
        .count();
    let values: Vec<f64> = squares[..found].iter().map(|square| square.sqrt()).collect();
    let turn = turn.first_cols(found);
    let mut svd = Svd {
        left: left.times_small(&turn),
        right: back.times_small(&turn),
        values,
    };
    for (at, value) in svd.values.iter().enumerate() {
        let column = || (0..svd.right.rows).map(|row| svd.right.row(row)[at]);
        let largest = column().fold(0.0f64, |best, x| if x.abs() > best.abs() { x } else { best });
        let sign = if largest < 0.0 { -1.0 } else { 1.0 };
        svd.right.scale_col(at, sign / value);
        svd.left.scale_col(at, sign);
    }
    Ok(svd)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel;
    use crate::progress::Progress;

    fn control() -> Control {
        Control::new(Progress::hidden())
    }

    /// 300 x 120 of rank 6 with singular values that halve, by sums of sparse outer products.
    fn low_rank() -> Sparse {
        let mut dense = vec![vec![0.0f32; 120]; 300];
        for rank in 0..6usize {
            for row in (rank..300).step_by(6) {
                for col in (rank * 20..rank * 20 + 20).step_by(1 + rank % 3) {
                    dense[row][col] += (1 + (row * 7 + rank) % 5) as f32 / (1 << rank) as f32;
                }
            }
        }
        let rows = dense
            .into_iter()
            .map(|row| (0u32..).zip(row).filter(|(_, value)| *value != 0.0));
        Sparse::new(120, rows)
    }

    #[test]
    fn a_matrix_of_low_rank_is_restored() {
        let matrix = low_rank();
        let options = Options {
            dims: 20,
            ..Options::default()
        };
        let found = svd(&matrix, &options, &control()).unwrap();
        assert_eq!(found.values.len(), 6, "{:?}", found.values);
        assert!(found.values.windows(2).all(|pair| pair[0] >= pair[1]));
        let mut worst = 0.0f64;
        for row in 0..matrix.rows() {
            let mut exact = vec![0.0; matrix.cols()];
            matrix
                .row(row)
                .for_each(|(col, value)| exact[col as usize] = f64::from(value));
            for (col, exact) in exact.iter().enumerate() {
                let sum: f64 = (0..6)
                    .map(|at| found.left.row(row)[at] * found.values[at] * found.right.row(col)[at])
                    .sum();
                worst = worst.max((sum - exact).abs());
            }
        }
        assert!(worst < 1e-9, "{worst}");
        for (panel, name) in [(&found.left, "left"), (&found.right, "right")] {
            let gram = panel.gram();
            for (at, value) in gram.values.iter().enumerate() {
                let expected = if at % 7 == 0 { 1.0 } else { 0.0 };
                assert!((value - expected).abs() < 1e-9, "{name} {at}: {value}");
            }
        }
    }

    #[test]
    fn the_energy_is_that_of_the_exact_decomposition() {
        // A random sparse matrix has a flat spectrum, the hardest case.
        let mut dice = Pcg64Mcg::new(7);
        let rows: Vec<Vec<(u32, f32)>> = (0..200)
            .map(|_| {
                let mut row: Vec<(u32, f32)> = (0..80u32)
                    .filter(|_| dice.next_u64().is_multiple_of(10))
                    .map(|col| (col, 1.0))
                    .collect();
                row.dedup();
                row
            })
            .collect();
        let matrix = Sparse::new(80, rows);
        let mut identity = Panel::zeros(80, 80);
        (0..80).for_each(|at| identity.values[at * 81] = 1.0);
        let (exact, _) = dense::eigen(matrix.times(&identity).gram());
        let options = Options {
            dims: 10,
            ..Options::default()
        };
        let found = svd(&matrix, &options, &control()).unwrap();
        for (value, square) in found.values.iter().zip(exact) {
            assert!((value * value / square - 1.0).abs() < 0.02, "{value} {}", square.sqrt());
        }
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let rows = (0..5000u32).map(|row| (0..4u32).map(move |n| ((row * 31 + n * n * 7) % 97, 1.0 + n as f32)));
        let matrix = Sparse::new(97, rows);
        let run = |threads| {
            parallel::limit(threads);
            let found = svd(
                &matrix,
                &Options {
                    dims: 8,
                    ..Options::default()
                },
                &control(),
            )
            .unwrap();
            parallel::limit(0);
            found
                .left
                .values
                .iter()
                .map(|value| value.to_bits())
                .collect::<Vec<u64>>()
        };
        assert!(run(1) == run(3));
    }

    #[test]
    fn nothing_gives_nothing() {
        for (rows, cols) in [(0, 5), (5, 0), (3, 3)] {
            let matrix = Sparse::new(cols, vec![vec![]; rows]);
            let found = svd(&matrix, &Options::default(), &control()).unwrap();
            assert!(found.values.is_empty());
            assert_eq!((found.left.rows, found.left.cols), (rows, 0));
        }
    }
}
