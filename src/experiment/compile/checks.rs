//! What must hold of all features together, and of those that mean something to the runtime.

use super::Compiling;
use crate::condition::{Refusal, Value};
use crate::experiment::arm::{Blended, PREFIX, SETTINGS};
use crate::experiment::evaluate::{MAX_CHAIN, MAX_STEPS};
use crate::experiment::{Effect, Experiments, Feature};

/// Checks that no prerequisite is missing, and that they end.
pub(super) fn prerequisites(experiments: &Experiments) -> Compiling<()> {
    let parents = |feature: &Feature| -> Vec<String> {
        let parents = feature.rules.iter().flat_map(|rule| &rule.parents);
        parents.map(|parent| parent.feature.clone()).collect()
    };
    let behind = experiments
        .experiments
        .iter()
        .flat_map(|experiment| &experiment.parents);
    for name in experiments
        .features
        .iter()
        .flat_map(parents)
        .chain(behind.map(|parent| parent.feature.clone()))
    {
        if experiments.find(&name).is_none() {
            let reason = "the payload has no such feature; export it as well, or take the prerequisite out";
            return Err(Refusal::new(reason).within(format_args!("prerequisite `{name}`")));
        }
    }
    // The number of features that the value of each may take, and how many stand behind one another: known once those of its parents are.
    let mut known: Vec<Option<(u32, usize)>> = vec![None; experiments.features.len()];
    for _ in 0..=MAX_CHAIN {
        for (at, feature) in experiments.features.iter().enumerate() {
            let of = |name: &String| {
                let at = experiments.features.iter().position(|feature| feature.key == *name)?;
                known.get(at).copied().flatten()
            };
            let behind: Option<Vec<(u32, usize)>> = parents(feature).iter().map(of).collect();
            if let (Some(behind), Some(known)) = (behind, known.get_mut(at)) {
                let steps = behind.iter().fold(1u32, |sum, (steps, _)| sum.saturating_add(*steps));
                *known = Some((
                    steps,
                    1 + behind.iter().map(|(_, chain)| *chain).max().unwrap_or_default(),
                ));
            }
        }
    }
    for (feature, known) in experiments.features.iter().zip(known) {
        let reason = match known {
            None => "its prerequisites go in a circle; take one of them out",
            Some((steps, chain)) if steps > MAX_STEPS || chain >= MAX_CHAIN => {
                "its prerequisites have too many prerequisites; take some of them out"
            }
            Some(_) => continue,
        };
        return Err(Refusal::new(reason).within(format_args!("feature `{}`", feature.key)));
    }
    Ok(())
}

/// Checks the values of a feature that means something to the runtime.
pub(super) fn settings(feature: &Feature) -> Compiling<()> {
    let Some(name) = feature.key.strip_prefix(PREFIX) else {
        return Ok(());
    };
    let is = |pattern: &str| match pattern.split_once('*') {
        None => name == pattern,
        Some((before, behind)) => {
            let middle = name.strip_prefix(before).and_then(|name| name.strip_suffix(behind));
            middle.is_some_and(|middle| !middle.is_empty())
        }
    };
    let Some((pattern, needed)) = SETTINGS.into_iter().find(|(pattern, _)| is(pattern)) else {
        let known: Vec<String> = SETTINGS
            .iter()
            .map(|(pattern, _)| format!("{PREFIX}{pattern}"))
            .collect();
        return Err(Refusal::new(format!(
            "keys that begin with `{PREFIX}` are {}",
            known.join(", ")
        )));
    };
    let mut values = vec![("the default", &feature.default)];
    for rule in &feature.rules {
        match &rule.effect {
            Effect::Force(value, ..) => values.push(("a forced value", value)),
            Effect::Run(experiment) => values.extend(
                experiment
                    .variations
                    .iter()
                    .map(|variation| ("a variation", &variation.value)),
            ),
        }
    }
    for (what, value) in values {
        let good = match (pattern, value) {
            (_, Value::Null) => true,
            ("blend", value) => {
                Blended(value)
                    .check()
                    .map_err(|part| blend_refusal(what, part, needed))?;
                true
            }
            ("slot.*.diversity", Value::Number(number, _)) => (0.0..=1.0).contains(number),
            ("rule.*", Value::Flag(_)) => true,
            ("model" | "slot.*.template" | "slot.*.list", Value::Text(_)) => true,
            _ => false,
        };
        if !good {
            return Err(Refusal::new(format!("{} is not {needed}", value.json())).within(what));
        }
    }
    Ok(())
}

pub(super) fn blend_refusal(what: &str, part: &str, needed: &str) -> Refusal {
    let place = if part.is_empty() {
        what.into()
    } else {
        format!("{what}, `{part}`")
    };
    Refusal::new(format!(
        "this must be {needed}; the parts are {}",
        crate::PART_NAMES.join(", ")
    ))
    .within(place)
}
