//! Small dense linear algebra, in the order of operations that is written here, so that equal input gives equal bits
//! whatever the machine and the number of threads. [`super::ridge`] solves its systems with it.

/// Adds `factor * x` to `y`.
pub fn add_scaled(y: &mut [f32], factor: f32, x: &[f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += factor * x;
    }
}
