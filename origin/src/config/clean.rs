//! Which rows are refused. Invariant: every number has a range that is checked when the file is read.

use super::Pattern;
use serde::Deserialize;

/// Cleaning rules.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Clean {
    /// Share of rows that may be unreadable before loading fails.
    pub max_unreadable: f64,
    /// Whether a row that equals an earlier one in every mapped column is dropped.
    pub drop_duplicates: bool,
    /// Ids that differ only in case are one item.
    pub fold_id_case: bool,
    /// Ids that are no products: regular expressions of the whole id, whatever its case.
    pub not_products: Vec<Pattern>,
    /// Texts that are no names of products: regular expressions of the whole text, whatever its case.
    pub not_names: Vec<Pattern>,
    /// Quantities above are impossible, as are those of 0 and less.
    pub max_quantity: f64,
    /// Prices below are impossible.
    pub min_price: f64,
    /// Prices above are impossible.
    pub max_price: f64,
    /// Items that fewer users touched are dropped.
    pub min_item_users: u32,
    /// Users who touched fewer items are dropped.
    pub min_user_items: u32,
    /// Of the numbers of events of users, the quantile behind `outlier_factor`; 1 lets every user be.
    pub max_user_events_quantile: f64,
    /// The same of sessions, where the data tell them.
    pub max_session_events_quantile: f64,
    /// Users and sessions with more than this many times the quantile's number of events are dropped whole.
    pub outlier_factor: f64,
}

impl Default for Clean {
    fn default() -> Self {
        Self {
            max_unreadable: 0.05,
            drop_duplicates: true,
            fold_id_case: false,
            not_products: Vec::new(),
            not_names: Vec::new(),
            max_quantity: 1e6,
            min_price: 0.0,
            max_price: 1e7,
            min_item_users: 1,
            min_user_items: 1,
            max_user_events_quantile: 0.999,
            max_session_events_quantile: 0.999,
            outlier_factor: 20.0,
        }
    }
}

impl Clean {
    pub(super) fn check(&self) -> std::result::Result<(), String> {
        if !(0.0..=1.0).contains(&self.max_unreadable) {
            return Err(format!(
                "[clean] `max_unreadable` is a share from 0 to 1, not {}",
                self.max_unreadable
            ));
        }
        // Written so that NaN fails.
        let ordered = self.min_price <= self.max_price && self.max_quantity > 0.0;
        if !ordered {
            return Err("[clean] needs min_price <= max_price and max_quantity > 0".into());
        }
        let quantiles = [self.max_user_events_quantile, self.max_session_events_quantile];
        // Written so that NaN fails.
        let in_range = quantiles.iter().all(|share| *share > 0.0 && *share <= 1.0) && self.outlier_factor >= 1.0;
        if !in_range {
            return Err("[clean] needs quantiles above 0 and at most 1, and an outlier_factor of 1 or more".into());
        }
        Ok(())
    }
}
