//! Whether tuning has begun to fit the validation: the curves of what chooses, of what checks and of what was fitted on.
//! Invariant: queries that check never choose, so that they can tell. Read by [`super::tune`] and the report.

use super::trials::Record;

/// A trial that was better than all before it.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Number of the trial, counted over all searches.
    pub trial: usize,
    /// What was searched.
    pub phase: String,
    /// NDCG@20 on the queries that choose.
    pub validation: f64,
    /// On those that check.
    pub check: f64,
    /// On events that were fitted on.
    pub training: Option<f64>,
}

/// The trials that were better than all before them.
pub fn curve(records: &[Record]) -> Vec<Point> {
    let point = |(trial, record): (usize, &Record)| {
        Some(Point {
            trial,
            phase: record.phase.clone(),
            validation: record.validation?,
            check: record.check?,
            training: record.training,
        })
    };
    let mut best = f64::NEG_INFINITY;
    // The log holds more checks: a family's first values, or a shape, may be behind what was found before.
    let better = |point: &Point| {
        let better = point.validation > best;
        best = best.max(point.validation);
        better
    };
    records.iter().enumerate().filter_map(point).filter(better).collect()
}

/// The check must have fallen by this share, while validation rose by this share.
const FALL: f64 = 0.01;
const RISE: f64 = 0.003;

/// Says where the curves part, if they do.
pub fn warning(curve: &[Point]) -> Option<String> {
    let last = curve.last()?;
    let top = curve
        .iter()
        .reduce(|top, point| if point.check > top.check { point } else { top })?;
    let parted = last.check < top.check * (1.0 - FALL) && last.validation > top.validation * (1.0 + RISE);
    parted.then(|| {
        format!(
            "over-fitting: since trial {} ({}) NDCG@20 rose from {:.4} to {:.4} on the queries that choose and fell from {:.4} to {:.4} on \
             those that check; fewer --trials or more --folds may rank better",
            top.trial, top.phase, top.validation, last.validation, top.check, last.check
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[(f64, f64)]) -> Vec<Point> {
        let point = |(trial, (validation, check)): (usize, &(f64, f64))| Point {
            trial,
            phase: "x".into(),
            validation: *validation,
            check: *check,
            training: None,
        };
        values.iter().enumerate().map(point).collect()
    }

    #[test]
    fn it_warns_where_the_curves_part_and_only_there() {
        let parted = warning(&points(&[(0.10, 0.10), (0.11, 0.105), (0.115, 0.10)])).unwrap();
        assert!(
            parted.contains("since trial 1") && parted.contains("0.1150"),
            "{parted}"
        );
        assert_eq!(warning(&points(&[(0.10, 0.10), (0.11, 0.105), (0.115, 0.1045)])), None);
        assert_eq!(warning(&points(&[(0.10, 0.10), (0.11, 0.11)])), None);
        assert_eq!(warning(&[]), None);
    }
}
