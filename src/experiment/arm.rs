//! What features mean to the runtime: values of keys that begin with `pocketrank.`, so that an arm of an experiment can change them.
//! docs/EXPERIMENTS.md has them for people.

use super::{Assignment, Effect, Experiments, Visitor};
use crate::condition::{write_quoted, Value};
use crate::score::PART_NAMES;
use crate::snapshot::MAX_FACTOR;

/// What the keys begin with.
pub(super) const PREFIX: &str = "pocketrank.";

/// The keys, without what they begin with, and what their values are. `*` stands for a name of the shop's.
pub const SETTINGS: [(&str, &str); 6] = [
    ("model", "the name of a model, a text"),
    (
        "blend",
        "an object of factors from 0 to 100, by which weights of the blend are multiplied",
    ),
    ("slot.*.template", "the name of a template, a text"),
    ("slot.*.list", "the name of a candidates list, a text"),
    ("slot.*.diversity", "a number from 0 to 1"),
    ("rule.*", "true or false"),
];

/// The values of those keys for one visitor. A value that is not of its key's kind, or null, is as if it were not there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings<'a> {
    values: Vec<(&'a str, &'a Value)>,
    /// The experiments that the visitor is in by them: what a shop's analytics counts as seen.
    pub assignments: Vec<Assignment<'a>>,
}

impl Experiments {
    /// Evaluates the features that mean something to the runtime.
    pub fn settings<'a>(&'a self, visitor: &mut Visitor<'a>) -> Settings<'a> {
        let mut settings = Settings::default();
        for feature in &self.features {
            if let Some(name) = feature.key.strip_prefix(PREFIX) {
                let evaluated = self.feature(&feature.key, visitor);
                settings.values.push((name, evaluated.value));
                settings.assignments.extend(evaluated.assignment);
            }
        }
        settings
    }

    /// The lists that features may give to the slot, whoever asks.
    pub fn lists(&self, slot: &str) -> impl Iterator<Item = &str> {
        let mut key = String::from(PREFIX);
        ["slot.", slot, ".list"].iter().for_each(|part| key.push_str(part));
        let values = self.find(&key).into_iter().flat_map(|feature| {
            let rules = feature.rules.iter().flat_map(|rule| match &rule.effect {
                Effect::Force(value, ..) => vec![value],
                Effect::Run(experiment) => experiment.variations.iter().map(|arm| &arm.value).collect(),
            });
            rules.chain([&feature.default])
        });
        values.filter_map(|value| match value {
            Value::Text(name) if !name.is_empty() => Some(name.as_str()),
            _ => None,
        })
    }
}

impl<'a> Settings<'a> {
    /// Writes them as JSON: `{ model, blend, slots: [[slot, what, value]], off: [rule], assignments }`, without what nothing is said of.
    pub fn write_json(&self, out: &mut String) {
        out.push('{');
        if let Some(model) = self.model() {
            out.push_str("\"model\":");
            write_quoted(out, model);
            out.push(',');
        }
        if let Some(blend) = self.blend().filter(|blend| blend.check().is_ok()) {
            out.push_str("\"blend\":");
            blend.0.write_json(out);
            out.push(',');
        }
        let of_slot = |(name, value): &(&'a str, &'a Value)| {
            let (slot, what) = name.strip_prefix("slot.")?.rsplit_once('.')?;
            let said = match what {
                "template" => self.template(slot).is_some(),
                "list" => self.list(slot).is_some(),
                "diversity" => self.diversity(slot).is_some(),
                _ => false,
            };
            said.then(|| Value::List(vec![slot.into(), what.into(), (*value).clone()]))
        };
        let is_off = |(name, _): &(&'a str, &'a Value)| name.strip_prefix("rule.").filter(|id| !self.rule(id));
        let slots = Value::List(self.values.iter().filter_map(of_slot).collect());
        let off = Value::List(self.values.iter().filter_map(is_off).map(Value::from).collect());
        out.push_str("\"slots\":");
        slots.write_json(out);
        out.push_str(",\"off\":");
        off.write_json(out);
        out.push_str(",\"assignments\":[");
        for (at, assignment) in self.assignments.iter().enumerate() {
            out.push_str(if at > 0 { "," } else { "" });
            assignment.write_json(out);
        }
        out.push_str("]}");
    }

    fn get(&self, parts: &[&str]) -> Option<&'a Value> {
        let is = |name: &&str| {
            let rest = parts.iter().try_fold(*name, |name, part| name.strip_prefix(part));
            rest == Some("")
        };
        let found = self.values.iter().find(|(name, _)| is(name));
        found.map(|(_, value)| *value)
    }

    fn text(&self, parts: &[&str]) -> Option<&'a str> {
        match self.get(parts)? {
            Value::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// `pocketrank.model`: the name of another model than the usual one.
    pub fn model(&self) -> Option<&'a str> {
        self.text(&["model"])
    }

    /// `pocketrank.slot.NAME.template`: the name of another template.
    pub fn template(&self, slot: &str) -> Option<&'a str> {
        self.text(&["slot.", slot, ".template"])
    }

    /// `pocketrank.slot.NAME.list`: the name of another candidates list.
    pub fn list(&self, slot: &str) -> Option<&'a str> {
        self.text(&["slot.", slot, ".list"])
    }

    /// `pocketrank.slot.NAME.diversity`: from 0 to 1.
    pub fn diversity(&self, slot: &str) -> Option<f32> {
        match self.get(&["slot.", slot, ".diversity"])? {
            Value::Number(number, _) => Some((*number as f32).clamp(0.0, 1.0)),
            _ => None,
        }
    }

    /// `pocketrank.rule.ID`: whether a rule is on, which it is if nothing is said.
    pub fn rule(&self, id: &str) -> bool {
        self.get(&["rule.", id]) != Some(&Value::Flag(false))
    }

    /// `pocketrank.blend`: factors on weights of the blend; `None` where it stays.
    pub fn blend(&self) -> Option<Blended<'a>> {
        self.get(&["blend"]).filter(|value| **value != Value::Null).map(Blended)
    }
}

/// Factors on weights of a blend: an object of names of parts and numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Blended<'a>(pub &'a Value);

impl Blended<'_> {
    /// Whether each name is a part's, and each number a factor; the first that is not.
    pub(super) fn check(&self) -> std::result::Result<(), &'_ str> {
        let Value::Object(factors) = self.0 else { return Err("") };
        let is_factor =
            |value: &Value| matches!(value, Value::Number(number, _) if (0.0..=f64::from(MAX_FACTOR)).contains(number));
        let wrong = factors
            .iter()
            .find(|(name, value)| !PART_NAMES.contains(&name.as_str()) || !is_factor(value));
        wrong.map_or(Ok(()), |(name, _)| Err(name))
    }

    /// The factors by the names of parts, none of what is no such object: for [`Ranker::scale_blend`](crate::Ranker::scale_blend).
    pub fn factors(&self) -> impl Iterator<Item = (&str, f32)> {
        let fields = match self.0 {
            Value::Object(fields) if self.check().is_ok() => fields.as_slice(),
            _ => &[],
        };
        fields.iter().filter_map(|(name, value)| match value {
            Value::Number(factor, _) => Some((name.as_str(), *factor as f32)),
            _ => None,
        })
    }
}
