//! How to train, evaluate and report. Invariant: every number has a range that is checked when the file is read. Options of
//! the command line go before these.

use crate::train::search::Strategy;
use serde::{Deserialize, Serialize};

/// How to train.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Train {
    /// Of everything random.
    pub seed: u64,
    /// How many models are fitted while tuning.
    pub trials: usize,
    /// How parameters are searched.
    pub search: Strategy,
    /// Families of models to try; those that suit the data where it is empty.
    pub families: Vec<String>,
    /// Folds of validation; where nothing is said, as many rolling ones as it takes to ask enough, at most 3, or 3 stratified ones.
    pub folds: Option<u8>,
    /// How folds are made.
    pub cross_validation: CrossValidation,
    /// Minutes after which nothing new is tried.
    pub stop_after: Option<f64>,
    /// The most bytes an item of the model's own sections.
    pub max_bytes_per_item: f64,
    /// The fewest customers behind an edge, a row, an item, and a text that events give a listed item.
    pub min_customers: u16,
    /// Share of the data that is kept for `evaluate`.
    pub hold_out: Option<f64>,
    /// How validation is cut; as fits the data where nothing is said.
    pub protocol: Option<Cut>,
}

/// How folds of validation are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum CrossValidation {
    /// Rolling: each is cut from what the one before is fitted on.
    #[default]
    Temporal,
    /// Each user or session is asked in one of them, and each has as many of every length.
    Stratified,
}

/// How validation is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// By time.
    Temporal,
    /// The last share of each user's items.
    LastOfUser,
    /// The next item of a session.
    NextItem,
}

impl Default for Train {
    fn default() -> Self {
        Train {
            seed: 1,
            trials: 150,
            search: Strategy::default(),
            families: vec![],
            folds: None,
            cross_validation: CrossValidation::default(),
            stop_after: None,
            max_bytes_per_item: 64.0,
            min_customers: 5,
            hold_out: None,
            protocol: None,
        }
    }
}

impl Train {
    pub(super) fn check(&self) -> Result<(), String> {
        // Written so that NaN fails.
        let positive = |x: f64| x > 0.0 && x.is_finite();
        if self.hold_out.is_some_and(|share| !(positive(share) && share < 1.0)) {
            return Err("[train] `hold_out` is a share between 0 and 1".into());
        }
        if !positive(self.max_bytes_per_item) || self.stop_after.is_some_and(|minutes| !positive(minutes)) {
            return Err("[train] `max_bytes_per_item` and `stop_after` are above 0".into());
        }
        if self.trials == 0 || self.min_customers == 0 || self.folds.is_some_and(|folds| !(1..=10).contains(&folds)) {
            return Err("[train] needs trials and min_customers of 1 or more, and 1 to 10 folds".into());
        }
        Ok(())
    }
}

/// How to evaluate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Evaluate {
    /// The most queries, evenly spread.
    pub queries: usize,
}

impl Default for Evaluate {
    fn default() -> Self {
        Evaluate { queries: 20_000 }
    }
}

/// How to report.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Report {
    /// Examples of slates, with what explains them.
    pub slates: usize,
}

impl Default for Report {
    fn default() -> Self {
        Report { slates: 6 }
    }
}
