//! What a visitor gets: features by their rules, and experiments, in the order of steps of GrowthBook's SDK.

use super::{fnv32a, Effect, Experiment, Experiments, Parent, Rule, FNV};
use crate::condition::{write_quoted, Value};
use crate::consent::Grant;
use crate::error::write_number;
use crate::lot::{Draw, Kept, Lot};
use crate::profile::Profile;
use std::borrow::Cow;

/// The most features that stand behind one another, or in all, for the value of one: `compile` refuses what goes beyond.
pub(super) const MAX_CHAIN: usize = 64;
pub(super) const MAX_STEPS: u32 = 1_000;

static NULL: Value = Value::Null;

/// Who asks.
#[derive(Debug, Clone)]
pub struct Visitor<'a> {
    /// What is known: an object of the attributes that conditions are about.
    pub attributes: &'a Value,
    /// Variations by experiment key, whatever else holds: for previews.
    pub forced_variations: &'a [(String, u32)],
    /// Values by feature key, likewise.
    pub forced_values: &'a [(String, Value)],
    /// Whether assignments that are kept count, and new ones are to be kept ([`Profile::keep`]).
    pub sticky: bool,
    pub(crate) draw: Draw,
}

impl<'a> Visitor<'a> {
    /// Of whom nothing is known but these attributes, which are the page's: who gets what everyone gets.
    pub fn contextual(attributes: &'a Value) -> Self {
        Visitor {
            attributes,
            forced_variations: &[],
            forced_values: &[],
            sticky: true,
            draw: Draw::default(),
        }
    }

    /// With the lot and the assignments of a profile, which there is only under consent.
    pub fn of(profile: &Profile, attributes: &'a Value) -> Self {
        Visitor {
            draw: profile.draw().clone(),
            ..Visitor::contextual(attributes)
        }
    }
}

impl Profile {
    /// Keeps what a visitor, who was made of this profile, was assigned to since.
    pub fn keep(&mut self, _grant: &Grant, visitor: &Visitor<'_>) {
        if visitor.draw.lot() == self.draw().lot() {
            *self.draw_mut() = visitor.draw.clone();
        }
    }
}

/// Where a feature's value is from, in GrowthBook's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// There is no such feature.
    UnknownFeature,
    /// No rule applied.
    DefaultValue,
    /// A rule gives it.
    Force,
    /// The host forced it.
    Override,
    /// An experiment gives it.
    Experiment,
    /// A prerequisite keeps it back.
    Prerequisite,
    /// Prerequisites go in a circle, or further than is followed.
    CyclicPrerequisite,
}

impl Source {
    /// GrowthBook's name.
    pub fn name(self) -> &'static str {
        match self {
            Source::UnknownFeature => "unknownFeature",
            Source::DefaultValue => "defaultValue",
            Source::Force => "force",
            Source::Override => "override",
            Source::Experiment => "experiment",
            Source::Prerequisite => "prerequisite",
            Source::CyclicPrerequisite => "cyclicPrerequisite",
        }
    }
}

/// A feature's value for a visitor.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated<'a> {
    /// The value, null where there is none.
    pub value: &'a Value,
    /// Where it is from.
    pub source: Source,
    /// Id of the rule that gives it, or empty.
    pub rule: &'a str,
    /// The experiment that gives it.
    pub assignment: Option<Assignment<'a>>,
}

/// What an experiment gives a visitor.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment<'a> {
    /// The experiment's key.
    pub experiment: &'a str,
    /// Its name, or empty.
    pub experiment_name: &'a str,
    /// Position of the variation; 0, the control, for who is not in it.
    pub variation: u32,
    /// Key of the variation.
    pub key: Cow<'a, str>,
    /// Its name, or empty.
    pub name: &'a str,
    /// Its value.
    pub value: &'a Value,
    /// Whether the visitor is in the experiment.
    pub in_experiment: bool,
    /// Whether the lot decided, or an assignment that was kept: only these count in its evaluation.
    pub hash_used: bool,
    /// Whether an assignment that was kept decided.
    pub sticky_bucket_used: bool,
    /// Whether the feature's next rules apply nevertheless.
    pub passthrough: bool,
}

impl Evaluated<'_> {
    /// Writes it as JSON, with GrowthBook's names.
    pub fn write_json(&self, out: &mut String) {
        out.push_str("{\"value\":");
        self.value.write_json(out);
        out.push_str(",\"source\":\"");
        out.push_str(self.source.name());
        out.push_str("\",\"ruleId\":");
        write_quoted(out, self.rule);
        if let Some(assignment) = &self.assignment {
            out.push_str(",\"experimentResult\":");
            assignment.write_json(out);
        }
        out.push('}');
    }
}

impl Assignment<'_> {
    /// Writes it as JSON, with GrowthBook's names.
    pub fn write_json(&self, out: &mut String) {
        out.push_str("{\"experiment\":");
        write_quoted(out, self.experiment);
        for (name, text) in [
            (",\"experimentName\":", self.experiment_name),
            (",\"name\":", self.name),
        ] {
            if !text.is_empty() {
                out.push_str(name);
                write_quoted(out, text);
            }
        }
        out.push_str(",\"key\":");
        write_quoted(out, &self.key);
        out.push_str(",\"variationId\":");
        write_number(out, self.variation as usize);
        out.push_str(",\"value\":");
        self.value.write_json(out);
        for (name, flag) in [
            (",\"inExperiment\":", self.in_experiment),
            (",\"hashUsed\":", self.hash_used),
            (",\"stickyBucketUsed\":", self.sticky_bucket_used),
            (",\"passthrough\":", self.passthrough),
        ] {
            out.push_str(name);
            out.push_str(if flag { "true" } else { "false" });
        }
        out.push('}');
    }
}

/// What an evaluation may still do.
struct Left {
    steps: u32,
    chain: usize,
}

impl Experiments {
    /// The value of a feature.
    pub fn feature<'a>(&'a self, key: &str, visitor: &mut Visitor<'a>) -> Evaluated<'a> {
        let mut left = Left {
            steps: MAX_STEPS,
            chain: MAX_CHAIN,
        };
        self.evaluate(key, visitor, &mut left)
    }

    /// What an experiment that is no feature's gives; `None` where there is none of that key.
    pub fn run<'a>(&'a self, key: &str, visitor: &mut Visitor<'a>) -> Option<Assignment<'a>> {
        let experiment = self.experiments.iter().find(|experiment| experiment.key == key)?;
        let mut left = Left {
            steps: MAX_STEPS,
            chain: MAX_CHAIN,
        };
        Some(self.assign(experiment, visitor, &mut left))
    }

    fn evaluate<'a>(&'a self, key: &str, visitor: &mut Visitor<'a>, left: &mut Left) -> Evaluated<'a> {
        let plain = |value, source| Evaluated {
            value,
            source,
            rule: "",
            assignment: None,
        };
        if left.steps == 0 || left.chain == 0 {
            return plain(&NULL, Source::CyclicPrerequisite);
        }
        left.steps -= 1;
        if let Some((_, value)) = visitor.forced_values.iter().find(|(known, _)| known == key) {
            return plain(value, Source::Override);
        }
        let Some(feature) = self.find(key) else {
            return plain(&NULL, Source::UnknownFeature);
        };
        for rule in &feature.rules {
            match self.parents(&rule.parents, visitor, left) {
                Parents::Hold => {}
                Parents::Fail { gate: false } => continue,
                Parents::Fail { gate: true } => return plain(&NULL, Source::Prerequisite),
                Parents::Circle => return plain(&NULL, Source::CyclicPrerequisite),
            }
            if let Some(evaluated) = self.apply(rule, visitor, left) {
                return evaluated;
            }
        }
        plain(&feature.default, Source::DefaultValue)
    }

    /// What a rule gives, if it applies.
    fn apply<'a>(&'a self, rule: &'a Rule, visitor: &mut Visitor<'a>, left: &mut Left) -> Option<Evaluated<'a>> {
        let lot = visitor.draw.lot();
        let drawn = |buckets: &super::Buckets| lot.is_some_and(|lot| buckets.find(lot).is_some());
        if !rule.filters.iter().all(drawn) {
            return None;
        }
        match &rule.effect {
            Effect::Force(value, condition, rollout) => {
                let applies = condition.holds(visitor.attributes, &self.groups) && rollout.iter().all(drawn);
                applies.then_some(Evaluated {
                    value,
                    source: Source::Force,
                    rule: &rule.id,
                    assignment: None,
                })
            }
            Effect::Run(experiment) => {
                let assignment = self.assign(experiment, visitor, left);
                (assignment.in_experiment && !assignment.passthrough).then_some(Evaluated {
                    value: assignment.value,
                    source: Source::Experiment,
                    rule: &rule.id,
                    assignment: Some(assignment),
                })
            }
        }
    }

    fn parents<'a>(&'a self, parents: &'a [Parent], visitor: &mut Visitor<'a>, left: &mut Left) -> Parents {
        for parent in parents {
            left.chain -= 1;
            let evaluated = self.evaluate(&parent.feature, visitor, left);
            left.chain += 1;
            if evaluated.source == Source::CyclicPrerequisite {
                return Parents::Circle;
            }
            let about = Value::Object(vec![("value".into(), evaluated.value.clone())]);
            if !parent.condition.holds(&about, &self.groups) {
                return Parents::Fail { gate: parent.gate };
            }
        }
        Parents::Hold
    }

    fn assign<'a>(&'a self, experiment: &'a Experiment, visitor: &mut Visitor<'a>, left: &mut Left) -> Assignment<'a> {
        let out = || experiment.result(None, false);
        let forced = visitor.forced_variations.iter().find(|(key, _)| *key == experiment.key);
        if let Some((_, variation)) = forced {
            return experiment.result(Some(*variation), false);
        }
        let Some(lot) = visitor.draw.lot().filter(|_| experiment.active) else {
            return out();
        };
        let sticky = experiment.sticky && visitor.sticky;
        let (kept, blocked) = if sticky {
            experiment.kept(&visitor.draw)
        } else {
            (None, false)
        };
        if kept.is_none() && !self.admits(experiment, lot, visitor, left) {
            return out();
        }
        if blocked {
            return Assignment {
                sticky_bucket_used: true,
                ..out()
            };
        }
        let Some(variation) = kept.or_else(|| experiment.buckets.find(lot).map(|at| at as u32)) else {
            return out();
        };
        if experiment.force.is_some() {
            return experiment.result(experiment.force, false);
        }
        let result = Assignment {
            sticky_bucket_used: kept.is_some(),
            ..experiment.result(Some(variation), true)
        };
        if sticky {
            visitor.draw.keep(Kept {
                experiment: experiment.version_hash(experiment.bucket_version),
                variation: fnv32a(FNV, &result.key),
            });
        }
        result
    }

    /// Whether the visitor may be in the experiment, the arms apart.
    fn admits<'a>(&'a self, experiment: &'a Experiment, lot: Lot, visitor: &mut Visitor<'a>, left: &mut Left) -> bool {
        experiment.filters.iter().all(|buckets| buckets.find(lot).is_some())
            && experiment.condition.holds(visitor.attributes, &self.groups)
            && matches!(self.parents(&experiment.parents, visitor, left), Parents::Hold)
    }
}

/// What came of prerequisites.
enum Parents {
    Hold,
    Fail { gate: bool },
    Circle,
}

impl Experiment {
    /// The variation that is kept, if there is one, and whether one of a version is that shuts the visitor out.
    fn kept(&self, draw: &Draw) -> (Option<u32>, bool) {
        let old = |version| draw.find(self.version_hash(version)).is_some();
        // No more assignments are kept than some; a version beyond is none that was ever out.
        if (0..self.min_bucket_version.min(MAX_STEPS)).any(old) {
            return (None, true);
        }
        let Some(kept) = draw.find(self.version_hash(self.bucket_version)) else {
            return (None, false);
        };
        let is = |key: &Option<String>| key.as_ref().is_some_and(|key| fnv32a(FNV, key) == kept);
        let at = self.variations.iter().position(|variation| is(&variation.key));
        (at.map(|at| at as u32), false)
    }

    /// By which an assignment to it, in that version, is kept.
    fn version_hash(&self, version: u32) -> u32 {
        let mut text = String::from("__");
        write_number(&mut text, version as usize);
        fnv32a(fnv32a(FNV, &self.key), &text)
    }

    /// What a visitor gets of it; the control where there is no such variation.
    fn result(&self, variation: Option<u32>, hash_used: bool) -> Assignment<'_> {
        let of = |at: u32| self.variations.get(at as usize).map(|variation| (at, variation));
        let found = variation.and_then(of);
        let (at, variation) = found.or_else(|| of(0)).unzip();
        let at = at.unwrap_or_default();
        let key = match variation.and_then(|variation| variation.key.as_deref()) {
            Some(key) => Cow::Borrowed(key),
            None => {
                let mut key = String::new();
                write_number(&mut key, at as usize);
                Cow::Owned(key)
            }
        };
        Assignment {
            experiment: &self.key,
            experiment_name: &self.name,
            variation: at,
            key,
            name: variation.map_or("", |variation| &variation.name),
            value: variation.map_or(&NULL, |variation| &variation.value),
            in_experiment: found.is_some(),
            hash_used,
            sticky_bucket_used: false,
            passthrough: variation.is_some_and(|variation| variation.passthrough),
        }
    }
}
