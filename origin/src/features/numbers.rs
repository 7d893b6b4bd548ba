//! Normalization of numbers. Invariant: a [`Normalizer`] is fitted once, on training data, and then only applied, so that
//! nothing of later data reaches what is learned; what is missing (NaN) stays missing.

/// A fitted line: `(x - shift) * scale`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normalizer {
    shift: f64,
    scale: f64,
}

impl Normalizer {
    /// Fits the least to 0 and the greatest to 1. Numbers that are not finite are left out; where all are equal, all become 0.
    pub fn min_max(values: impl IntoIterator<Item = f64>) -> Self {
        let values = values.into_iter().filter(|value| value.is_finite());
        let (least, most) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| {
            (least.min(value), most.max(value))
        });
        Self::new(least, most - least)
    }

    /// Fits the mean to 0 and the standard deviation (of the population) to 1. Numbers that are not finite are left out; where all
    /// are equal, all become 0.
    pub fn z_score(values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count;
        let spread = variance.sqrt();
        // The mean of equal numbers is not always exactly theirs.
        let distinct = spread > mean.abs() * 1e-12;
        Self::new(mean, if distinct { spread } else { 0.0 })
    }

    fn new(shift: f64, width: f64) -> Self {
        if shift.is_finite() && width > 0.0 && width.is_finite() {
            Normalizer {
                shift,
                scale: 1.0 / width,
            }
        } else {
            Normalizer { shift: 0.0, scale: 0.0 }
        }
    }

    /// The normalized number, of any data: beyond the range that was fitted it lies beyond 0 and 1. NaN stays NaN.
    pub fn apply(&self, value: f64) -> f64 {
        if value.is_nan() {
            value
        } else if self.scale == 0.0 {
            0.0
        } else {
            (value - self.shift) * self.scale
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_data_do_not_move_what_was_fitted() {
        let train = [2.0, f64::NAN, 4.0, 10.0, f64::INFINITY];
        let fitted = Normalizer::min_max(train);
        assert_eq!([2.0, 10.0, 18.0, 0.0].map(|x| fitted.apply(x)), [0.0, 1.0, 2.0, -0.25]);
        assert!(fitted.apply(f64::NAN).is_nan());
        let fitted = Normalizer::z_score([1.0, 3.0, f64::NAN, 1.0, 3.0]);
        assert_eq!([1.0, 2.0, 3.0, 5.0].map(|x| fitted.apply(x)), [-1.0, 0.0, 1.0, 3.0]);
    }

    #[test]
    fn equal_numbers_and_none_become_zero() {
        for values in [vec![], vec![f64::NAN], vec![0.1; 7], vec![5.0]] {
            for fitted in [Normalizer::min_max(values.clone()), Normalizer::z_score(values.clone())] {
                assert_eq!(
                    [5.0, f64::INFINITY, -1.0].map(|x| fitted.apply(x)),
                    [0.0; 3],
                    "{values:?}"
                );
            }
        }
    }
}
