//! Weights, coverage, ranges and namespaces as ranges of buckets, which are whole numbers: no float decides in the runtime.

use super::fields::{hash_version, list, number, share, text};
use super::Compiling;
use crate::condition::{Refusal, Value};
use crate::experiment::Buckets;

/// The ranges of the arms: those given, or those that follow from weights and coverage.
pub(super) fn arms(json: &Value, arms: usize, version: u8) -> Compiling<Vec<[u16; 2]>> {
    if let Some(given) = json.get("ranges") {
        let given = ranges(given, version)?;
        if given.len() != arms {
            return Err(
                Refusal::new(format!("one range for each of the {arms} variations is needed")).within("`ranges`"),
            );
        }
        return Ok(given);
    }
    let coverage = share(json, "coverage")?.unwrap_or(1.0);
    let weights = match json.get("weights") {
        None | Some(Value::Null) => vec![1.0 / arms as f64; arms],
        Some(weights) => {
            let weights: Compiling<Vec<f64>> = list(weights)?.iter().map(number).collect();
            let weights = weights.map_err(|refusal| refusal.within("`weights`"))?;
            let sum = weights.iter().fold(0.0, |sum, weight| sum + weight);
            if weights.len() != arms || !(0.99..=1.01).contains(&sum) || weights.iter().any(|weight| *weight < 0.0) {
                let reason = format!("{arms} numbers that sum to 1 are needed, one for each variation");
                return Err(Refusal::new(reason).within("`weights`"));
            }
            weights
        }
    };
    let mut start = 0.0;
    let range = |weight: f64| {
        let from = start;
        start += weight;
        bucket_range(from, from + coverage * weight, version)
    };
    Ok(weights.into_iter().map(range).collect())
}

/// The rule's share of visitors, where it has one.
pub(super) fn rollout(json: &Value, feature: &str) -> Compiling<Option<Buckets>> {
    let version = hash_version(json, 1)?;
    let range = match (json.get("range"), share(json, "coverage")?) {
        (Some(range), _) => pair(range, version).map_err(|refusal| refusal.within("`range`"))?,
        (None, Some(coverage)) => {
            let most = buckets(version);
            // Unlike ranges, coverage has its end within it; but none is none.
            let covered = (0..most).take_while(|bucket| f64::from(*bucket) / f64::from(most) <= coverage);
            [0, if coverage == 0.0 { 0 } else { covered.count() as u16 }]
        }
        (None, None) => return Ok(None),
    };
    let seed = text(json, "seed")?.filter(|seed| !seed.is_empty()).unwrap_or(feature);
    Ok(Some(Buckets {
        seed: seed.into(),
        version,
        ranges: vec![range],
    }))
}

pub(super) fn buckets(version: u8) -> u16 {
    if version == 1 {
        1_000
    } else {
        10_000
    }
}

/// The buckets whose numbers, from 0 to 1, are at least `from` and below `to`.
pub(super) fn bucket_range(from: f64, to: f64, version: u8) -> [u16; 2] {
    let most = buckets(version);
    let below = |limit: f64| {
        (0..most)
            .take_while(|bucket| f64::from(*bucket) / f64::from(most) < limit)
            .count() as u16
    };
    [below(from), below(to)]
}

pub(super) fn pair(json: &Value, version: u8) -> Compiling<[u16; 2]> {
    match list(json)? {
        [from, to] => Ok(bucket_range(number(from)?, number(to)?, version)),
        _ => Err(Refusal::new("a list of two numbers is needed")),
    }
}

pub(super) fn ranges(json: &Value, version: u8) -> Compiling<Vec<[u16; 2]>> {
    let ranges: Compiling<_> = list(json)?.iter().map(|json| pair(json, version)).collect();
    ranges.map_err(|refusal: Refusal| refusal.within("`ranges`"))
}

pub(super) fn namespaced(json: &Value) -> Compiling<Buckets> {
    match list(json)? {
        [Value::Text(name), from, to] => Ok(Buckets {
            seed: format!("__{name}"),
            version: 1,
            ranges: vec![bucket_range(number(from)?, number(to)?, 1)],
        }),
        _ => Err(Refusal::new("a list of a name and two numbers is needed")),
    }
}
