//! Stratified k-fold cross-validation: each user, or session, is asked in exactly one fold, and each fold has as many of every
//! length. Invariant: what a fold asks is in no other fold's questions, and nothing of it is fitted on in that fold.
//!
//! A fold fits on nearly all of the data, so it says more of small data than rolling folds do, and knows what happened later.

use super::protocol::{last_of_user, next_items, Protocol, Split};
use super::queries::grant;
use crate::dataset::{Dataset, Interaction};
use crate::error::{Error, Result};
use std::collections::{BTreeMap, HashMap};

/// Splits into so many folds, each with at most `most` queries.
///
/// # Errors
/// [`Error::Usage`] where time parts the data: then what came later would be fitted on.
pub fn stratified(
    dataset: &Dataset,
    events: &[Interaction],
    protocol: Protocol,
    folds: usize,
    most: usize,
) -> Result<Vec<Split>> {
    let Some(grant) = grant() else { return Ok(vec![]) };
    let of: fn(&Interaction) -> u32 = match protocol {
        Protocol::LastOfUser { .. } => |event| event.user,
        Protocol::NextItem => |event| event.session,
        Protocol::Temporal => {
            return Err(Error::Usage(
                "stratified folds would learn from what came after what they ask: customers with times are cross-validated by time; \
                 use cross-validation temporal, or protocol next_item"
                    .into(),
            ))
        }
    };
    let fold_of = strata(events, of, folds);
    let split = |fold: usize| {
        let asked = |event: &Interaction| fold_of.get(&of(event)) == Some(&fold);
        match protocol {
            Protocol::LastOfUser { share } => last_of_user(dataset, events, share, most, &grant, asked),
            Protocol::Temporal | Protocol::NextItem => {
                let (held, fit): (Vec<Interaction>, Vec<Interaction>) = events.iter().partition(|event| asked(event));
                Split {
                    fit,
                    queries: next_items(dataset, &held, most),
                }
            }
        }
    };
    Ok((0..folds).map(split).collect())
}

/// The fold of each user or session: by turns, in the order of their lengths.
fn strata(events: &[Interaction], of: fn(&Interaction) -> u32, folds: usize) -> HashMap<u32, usize> {
    let mut lengths: BTreeMap<u32, usize> = BTreeMap::new();
    events
        .iter()
        .for_each(|event| *lengths.entry(of(event)).or_default() += 1);
    let mut order: Vec<(usize, u32)> = lengths.into_iter().map(|(number, length)| (length, number)).collect();
    order.sort_unstable();
    let folds = (0..folds.max(1)).cycle();
    order
        .into_iter()
        .zip(folds)
        .map(|((_, number), fold)| (number, fold))
        .collect()
}
