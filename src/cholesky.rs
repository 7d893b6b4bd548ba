//! Solving symmetric positive definite equations by Cholesky's method, in doubles and in one order of operations, so that every host
//! gets the same bits.
//!
//! A matrix is its upper triangle, row by row: row `k` holds the columns from `k` on. What is not finite stays so and panics nowhere.

/// Numbers in the upper triangle of so many rows.
pub(crate) fn triangle(dims: usize) -> usize {
    dims * (dims + 1) / 2
}

/// The rows of an upper triangle, each with its diagonal first.
pub(crate) fn rows(mut upper: &mut [f64], dims: usize) -> impl Iterator<Item = &mut [f64]> {
    (1..=dims).rev().map_while(move |len| {
        let (row, rest) = std::mem::take(&mut upper).split_at_mut_checked(len)?;
        upper = rest;
        Some(row)
    })
}

/// Adds `factor * from` to each, four at a time, which the compiler does by SIMD. Not inlined: one copy of the loop is small, and each
/// call long.
#[inline(never)]
pub(crate) fn add_scaled(to: &mut [f64], factor: f64, from: &[f64]) {
    let ((to, to_rest), (from, from_rest)) = (to.as_chunks_mut(), from.as_chunks());
    for ([t0, t1, t2, t3], [f0, f1, f2, f3]) in to.iter_mut().zip(from) {
        *t0 += factor * f0;
        *t1 += factor * f1;
        *t2 += factor * f2;
        *t3 += factor * f3;
    }
    for (to, from) in to_rest.iter_mut().zip(from_rest) {
        *to += factor * from;
    }
}

/// Adds `factor * v vᵀ` to a matrix.
pub(crate) fn add_outer(upper: &mut [f64], factor: f64, v: &[f64]) {
    let mut tail = v;
    for row in rows(upper, v.len()) {
        if let Some((first, next)) = tail.split_first() {
            add_scaled(row, factor * first, tail);
            tail = next;
        }
    }
}

/// Replaces `A` by the `U` of `A = UᵀU`; `None` where a pivot is not above `least`.
pub(crate) fn factorize(mut upper: &mut [f64], dims: usize, least: f64) -> Option<()> {
    for len in (1..=dims).rev() {
        let (row, rest) = upper.split_at_mut_checked(len)?;
        let pivot = *row.first()?;
        if pivot.is_nan() || pivot <= least {
            return None;
        }
        let root = pivot.sqrt();
        row.iter_mut().for_each(|value| *value /= root);
        add_outer(rest, -1.0, row.get(1..)?);
        upper = rest;
    }
    Some(())
}

/// Replaces `b` by the `x` of `UᵀU x = b`.
pub(crate) fn solve(upper: &[f64], b: &mut [f64]) -> Option<()> {
    let (mut rows, mut rest) = (upper, &mut *b);
    while let Some((value, after)) = std::mem::take(&mut rest).split_first_mut() {
        let (row, next) = rows.split_at_checked(after.len() + 1)?;
        let (pivot, factors) = row.split_first()?;
        *value /= pivot;
        add_scaled(after, -*value, factors);
        (rows, rest) = (next, after);
    }
    rows = upper;
    for at in (0..b.len()).rev() {
        let (head, solved) = b.split_at_mut_checked(at + 1)?;
        let (before, row) = rows.split_at_checked(rows.len().checked_sub(solved.len() + 1)?)?;
        let (pivot, factors) = row.split_first()?;
        let value = head.last_mut()?;
        *value = factors
            .iter()
            .zip(solved)
            .fold(*value, |left, (factor, x)| left - factor * *x)
            / pivot;
        rows = before;
    }
    Some(())
}
