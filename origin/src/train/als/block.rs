//! A few rows solved at once, so that the product with the Gram matrix is one of matrices. Invariant: vectors of instructions
//! go over rows or over dimensions in a fixed order, so that wide processors give the bits of narrow ones.

use super::super::dense::{add_scaled, dot};

/// Rows of a block.
pub const ROWS: usize = 8;
/// Steps of conjugate gradients. Three are enough, as each begins where the iteration before ended.
const STEPS: usize = 3;

/// What a thread solves its blocks in: all are `ROWS` vectors of `dims`.
pub struct Block {
    dims: usize,
    confidence: f32,
    residual: Vec<f32>,
    direction: Vec<f32>,
    image: Vec<f32>,
    /// The direction by dimension, then by row.
    turned: Vec<f32>,
}

/// Runs `body` with AVX2 where the processor has it.
macro_rules! widest {
    ($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),*) $(-> $output:ty)? $body:block) => {
        $(#[$doc])*
        fn $name($($arg: $type),*) $(-> $output)? {
            #[inline(always)]
            fn body($($arg: $type),*) $(-> $output)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                fn wide($($arg: $type),*) $(-> $output)? {
                    body($($arg),*)
                }
                if std::arch::is_x86_feature_detected!("avx2") {
                    // SAFETY: the processor has the feature, as was just asked.
                    return unsafe { wide($($arg),*) };
                }
            }
            body($($arg),*)
        }
    };
}

impl Block {
    /// For vectors of `dims`.
    pub fn new(dims: usize, confidence: f32) -> Self {
        let vectors = || vec![0f32; ROWS * dims];
        Block {
            dims,
            confidence,
            residual: vectors(),
            direction: vectors(),
            image: vectors(),
            turned: vectors(),
        }
    }

    /// Solves `(gram + ridge + confidence * sum of q qT) x = (1 + confidence) * sum of q` for each list of others, from `start` on.
    pub fn solve(
        &mut self,
        gram: &[f32],
        ridges: &[f32],
        lists: &[Vec<u32>],
        start: &[f32],
        others: &[f32],
    ) -> Vec<f32> {
        let mut solution = start.to_vec();
        descend(self, gram, ridges, lists, &mut solution, others);
        solution
    }
}

widest! {
    fn descend(block: &mut Block, gram: &[f32], ridges: &[f32], lists: &[Vec<u32>], solution: &mut [f32], others: &[f32]) {
        let d = block.dims;
        let of = |row: usize| row * d..(row + 1) * d;
        let mut squares = [0f32; ROWS];
        block.direction.fill(0.0);
        block.direction[..solution.len()].copy_from_slice(solution);
        product(block, gram);
        for (row, (list, ridge)) in lists.iter().zip(ridges).enumerate() {
            let (x, residual) = (&solution[of(row)], &mut block.residual[of(row)]);
            for (k, value) in residual.iter_mut().enumerate() {
                *value = -block.image[row * d + k] - ridge * x[k];
            }
            for item in list {
                let q = &others[of(*item as usize)];
                add_scaled(residual, 1.0 + block.confidence - block.confidence * dot(q, x), q);
            }
            squares[row] = dot(residual, residual);
            block.direction[of(row)].copy_from_slice(residual);
        }
        for step in 0..STEPS {
            product(block, gram);
            for (row, (list, ridge)) in lists.iter().zip(ridges).enumerate() {
                if squares[row] < 1e-20 {
                    continue;
                }
                let (direction, image) = (&mut block.direction[of(row)], &mut block.image[of(row)]);
                let residual = &mut block.residual[of(row)];
                add_scaled(image, *ridge, direction);
                if block.confidence != 0.0 {
                    for item in list {
                        let q = &others[of(*item as usize)];
                        add_scaled(image, block.confidence * dot(q, direction), q);
                    }
                }
                let length = squares[row] / dot(direction, image);
                add_scaled(&mut solution[of(row)], length, direction);
                if step + 1 < STEPS {
                    add_scaled(residual, -length, image);
                    let square = dot(residual, residual);
                    let keep = square / squares[row];
                    squares[row] = square;
                    direction.iter_mut().zip(&*residual).for_each(|(p, r)| *p = r + keep * *p);
                }
            }
        }
    }
}

/// `image = gram * direction`, for all rows.
#[inline(always)]
fn product(block: &mut Block, gram: &[f32]) {
    const TILE: usize = 4;
    let d = block.dims;
    for (k, turned) in block.turned.chunks_exact_mut(ROWS).enumerate() {
        for (row, value) in turned.iter_mut().enumerate() {
            *value = block.direction[row * d + k];
        }
    }
    for first in (0..d).step_by(TILE) {
        // Beyond the last dimension the last is computed again.
        let lines: [&[f32]; TILE] = std::array::from_fn(|i| {
            let line = (first + i).min(d - 1);
            &gram[line * d..(line + 1) * d]
        });
        let mut sums = [[0f32; ROWS]; TILE];
        let [a, b, c, e] = lines;
        for ((((turned, a), b), c), e) in block.turned.chunks_exact(ROWS).zip(a).zip(b).zip(c).zip(e) {
            for row in 0..ROWS {
                sums[0][row] += a * turned[row];
                sums[1][row] += b * turned[row];
                sums[2][row] += c * turned[row];
                sums[3][row] += e * turned[row];
            }
        }
        for (i, sums) in sums.iter().enumerate().take(d - first) {
            for (row, sum) in sums.iter().enumerate() {
                block.image[row * d + first + i] = *sum;
            }
        }
    }
}

widest! {
    /// Adds the products of four rows at once.
    fn accumulate(gram: &mut [f32], rows: &[f32], d: usize) {
        let fours = rows.chunks_exact(4 * d);
        let rest = fours.remainder();
        for four in fours {
            let ((a, b), (c, e)) = (four[..2 * d].split_at(d), four[2 * d..].split_at(d));
            for (i, line) in gram.chunks_exact_mut(d).enumerate() {
                let (ai, bi, ci, ei) = (a[i], b[i], c[i], e[i]);
                for ((((sum, a), b), c), e) in line.iter_mut().zip(a).zip(b).zip(c).zip(e) {
                    *sum += (ai * a + bi * b) + (ci * c + ei * e);
                }
            }
        }
        for row in rest.chunks_exact(d) {
            for (line, factor) in gram.chunks_exact_mut(d).zip(row) {
                add_scaled(line, *factor, row);
            }
        }
    }
}

/// Sum of `q qT` over rows of length `d`.
pub fn gram(rows: &[f32], d: usize) -> Vec<f32> {
    let mut gram = vec![0f32; d * d];
    accumulate(&mut gram, rows, d);
    gram
}
