//! Compiles GrowthBook's SDK payload. What this runtime would do otherwise than GrowthBook's SDK is refused, with where it is and what to do;
//! what does not concern it is left out, and told.

mod buckets;
mod checks;
mod fields;

use super::{Buckets, Effect, Experiment, Experiments, Feature, Parent, Rule, Variation, MAX_EXPERIMENTS};
use crate::condition::compile::{condition, Groups};
use crate::condition::{Condition, Refusal, Value};
use buckets::{arms, namespaced, ranges, rollout};
use checks::{prerequisites, settings};
use fields::{fields, flag, hash_version, list, text, whole};

type Compiling<T> = std::result::Result<T, Refusal>;

/// How to compile.
#[derive(Debug, Clone)]
pub struct Options {
    /// Names of attributes that mean the visitor's number: what experiments may assign by.
    pub visitor: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            visitor: vec!["id".into()],
        }
    }
}

/// What was compiled.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    /// It.
    pub experiments: Experiments,
    /// What was left out, and why.
    pub notes: Vec<String>,
}

/// Compiles a payload, as GrowthBook's SDK endpoint gives it: an object with `features` and, where they are, `experiments` and `savedGroups`.
///
/// # Errors
/// The first thing that is wrong or that this runtime cannot do: where it is, and what to do.
pub fn compile(json: &str, options: &Options) -> Compiling<Compiled> {
    let payload = Value::from_json(json).map_err(|error| Refusal::new(format!("this is no JSON: {error}")))?;
    if payload.get("encryptedFeatures").is_some() {
        let reason =
            "the payload is encrypted; switch encryption off for this SDK connection, what is published is signed";
        return Err(Refusal::new(reason));
    }
    let none = vec![];
    let saved = match payload.get("savedGroups") {
        None => &none,
        Some(groups) => fields(groups).map_err(|refusal| refusal.within("`savedGroups`"))?,
    };
    let mut compiler = Compiler {
        groups: Groups::new(saved, &options.visitor),
        notes: vec![],
    };
    let features = payload.get("features").ok_or_else(|| {
        Refusal::new("`features` is missing; this must be what GrowthBook's SDK endpoint (/api/features/...) gives")
    })?;
    let features = fields(features).map_err(|refusal| refusal.within("`features`"))?;
    let mut experiments = Experiments::default();
    for (key, json) in features {
        let feature = compiler.feature(key, json);
        let feature = feature.and_then(|feature| settings(&feature).map(|()| feature));
        experiments
            .features
            .push(feature.map_err(|refusal| refusal.within(format_args!("feature `{key}`")))?);
    }
    for json in payload.get("experiments").map_or(Ok(none_listed()), list)? {
        experiments.experiments.extend(compiler.standalone(json)?);
    }
    experiments.features.sort_by(|a, b| a.key.cmp(&b.key));
    experiments.experiments.sort_by(|a, b| a.key.cmp(&b.key));
    if let Some(key) = experiments.experiments.windows(2).find_map(|pair| match pair {
        [a, b] if a.key == b.key => Some(&a.key),
        _ => None,
    }) {
        return Err(Refusal::new("the key is there twice").within(format_args!("experiment `{key}`")));
    }
    prerequisites(&experiments)?;
    experiments.groups = compiler.groups.used.iter().map(|(_, list)| list.to_vec()).collect();
    let bytes = postcard::to_allocvec(&experiments).map_or(0, |bytes| bytes.len());
    if bytes > MAX_EXPERIMENTS {
        let reason = format!("compiled, it has {bytes} bytes, and {MAX_EXPERIMENTS} is the limit; shorten saved groups, or export fewer projects");
        return Err(Refusal::new(reason));
    }
    Ok(Compiled {
        experiments,
        notes: compiler.notes,
    })
}

fn none_listed() -> &'static [Value] {
    &[]
}

/// The fields of a rule or an experiment that are known, used or not.
const KNOWN: [&str; 28] = [
    "id",
    "key",
    "name",
    "phase",
    "condition",
    "parentConditions",
    "force",
    "variations",
    "weights",
    "coverage",
    "hashAttribute",
    "fallbackAttribute",
    "hashVersion",
    "disableStickyBucketing",
    "bucketVersion",
    "minBucketVersion",
    "range",
    "ranges",
    "namespace",
    "meta",
    "filters",
    "seed",
    "tracks",
    "active",
    "status",
    "manual",
    "changeId",
    "persistQueryString",
];

struct Compiler<'a> {
    groups: Groups<'a>,
    notes: Vec<String>,
}

impl<'a> Compiler<'a> {
    fn feature(&mut self, key: &str, json: &'a Value) -> Compiling<Feature> {
        fields(json)?;
        let mut rules = vec![];
        for (at, rule) in json.get("rules").map_or(Ok(none_listed()), list)?.iter().enumerate() {
            let id = text(rule, "id").ok().flatten().unwrap_or_default();
            let place = if id.is_empty() {
                format!("rule {}", at + 1)
            } else {
                format!("rule {} (`{id}`)", at + 1)
            };
            let compiled = self.rule(key, rule).map_err(|refusal| refusal.within(&place))?;
            self.unknown(rule, format_args!("feature `{key}`, {place}"));
            rules.push(compiled);
        }
        Ok(Feature {
            key: key.into(),
            default: json.get("defaultValue").cloned().unwrap_or_default(),
            rules,
        })
    }

    fn rule(&mut self, feature: &str, json: &'a Value) -> Compiling<Rule> {
        fields(json)?;
        if json
            .get("contextualVariations")
            .or(json.get("contextualBanditRef"))
            .is_some()
        {
            return Err(Refusal::new(
                "contextual bandits are not supported; ranking does that here, use an experiment with weights",
            ));
        }
        self.assigns_by(json)?;
        let filters = json.get("filters");
        let effect = if let Some(value) = json.get("force") {
            let rollout = rollout(json, feature)?;
            Effect::Force(value.clone(), self.condition(json)?, rollout)
        } else if json.get("variations").is_some() {
            let mut experiment = self.experiment(json, feature)?;
            if filters.is_some() {
                // The rule has them.
                experiment.filters.clear();
            }
            // A rule's own prerequisites come before it.
            experiment.parents.clear();
            Effect::Run(experiment)
        } else {
            return Err(Refusal::new("it has neither `force` nor `variations`; give it one"));
        };
        Ok(Rule {
            id: text(json, "id")?.unwrap_or_default().into(),
            parents: self.parents(json)?,
            filters: self.filters(filters)?,
            effect,
        })
    }

    /// An experiment of the payload's own list, if it is one that can be run here.
    fn standalone(&mut self, json: &'a Value) -> Compiling<Option<Experiment>> {
        let key = text(json, "key")?.filter(|key| !key.is_empty());
        let key = key.ok_or_else(|| Refusal::new("`key` is missing").within("an entry of `experiments`"))?;
        let place = format!("experiment `{key}`");
        if ["urlPatterns", "url", "groups"]
            .into_iter()
            .any(|name| json.get(name).is_some())
        {
            self.notes.push(format!(
                "{place} is left out: it changes pages by their address (visual editor or redirect), which GrowthBook's own script does"
            ));
            return Ok(None);
        }
        let compiled = self.assigns_by(json).and_then(|()| self.experiment(json, key));
        let mut experiment = compiled.map_err(|refusal| refusal.within(&place))?;
        let status = text(json, "status").map_err(|refusal| refusal.within(&place))?;
        experiment.force = whole(json, "force").map_err(|refusal| refusal.within(&place))?;
        let stopped = status == Some("stopped") && experiment.force.is_none();
        experiment.active = flag(json, "active").map_err(|refusal| refusal.within(&place))? != Some(false)
            && status != Some("draft")
            && !stopped;
        self.unknown(json, &place);
        Ok(Some(experiment))
    }

    fn experiment(&mut self, json: &'a Value, key: &str) -> Compiling<Experiment> {
        let key = text(json, "key")?.filter(|key| !key.is_empty()).unwrap_or(key);
        let values = json.get("variations").map_or(Ok(none_listed()), list)?;
        if values.len() < 2 {
            return Err(
                Refusal::new("an experiment needs two variations or more; use `force` for one value")
                    .within("`variations`"),
            );
        }
        let seed = text(json, "seed")?.filter(|seed| !seed.is_empty()).unwrap_or(key);
        let version = hash_version(json, 1)?;
        let buckets = Buckets {
            seed: seed.into(),
            version,
            ranges: arms(json, values.len(), version)?,
        };
        let filters = match (json.get("filters"), json.get("namespace")) {
            (Some(_), _) => self.filters(json.get("filters"))?,
            (None, Some(namespace)) => vec![namespaced(namespace).map_err(|refusal| refusal.within("`namespace`"))?],
            (None, None) => vec![],
        };
        Ok(Experiment {
            key: key.into(),
            name: text(json, "name")?.unwrap_or_default().into(),
            active: true,
            force: None,
            variations: variations(json, values)?,
            buckets,
            filters,
            condition: self.condition(json)?,
            parents: self.parents(json)?,
            sticky: flag(json, "disableStickyBucketing")? != Some(true),
            bucket_version: whole(json, "bucketVersion")?.unwrap_or_default(),
            min_bucket_version: whole(json, "minBucketVersion")?.unwrap_or_default(),
        })
    }

    fn condition(&mut self, json: &'a Value) -> Compiling<Condition> {
        match json.get("condition") {
            None | Some(Value::Null) => Ok(Condition::default()),
            Some(json) => condition(json, &mut self.groups).map_err(|refusal| refusal.within("condition")),
        }
    }

    fn parents(&mut self, json: &'a Value) -> Compiling<Vec<Parent>> {
        let parents = json.get("parentConditions").map_or(Ok(none_listed()), list)?;
        let parent = |json: &'a Value| {
            Ok(Parent {
                feature: text(json, "id")?.ok_or_else(|| Refusal::new("`id` is missing"))?.into(),
                condition: self.condition(json)?,
                gate: flag(json, "gate")?.unwrap_or_default(),
            })
        };
        let parents: Compiling<Vec<Parent>> = parents.iter().map(parent).collect();
        parents.map_err(|refusal: Refusal| refusal.within("`parentConditions`"))
    }

    fn filters(&self, json: Option<&Value>) -> Compiling<Vec<Buckets>> {
        let filter = |json: &Value| {
            self.is_visitor(json, "attribute")?;
            let version = hash_version(json, 2)?;
            Ok(Buckets {
                seed: text(json, "seed")?
                    .ok_or_else(|| Refusal::new("`seed` is missing"))?
                    .into(),
                version,
                ranges: ranges(json.get("ranges").unwrap_or(&Value::Null), version)?,
            })
        };
        let filters: Compiling<_> = json.map_or(Ok(none_listed()), list)?.iter().map(filter).collect();
        filters.map_err(|refusal: Refusal| refusal.within("`filters`"))
    }

    /// Whether a rule assigns by the visitor's number, and by nothing else.
    fn assigns_by(&self, json: &Value) -> Compiling<()> {
        self.is_visitor(json, "hashAttribute")?;
        self.is_visitor(json, "fallbackAttribute")
    }

    fn is_visitor(&self, json: &Value, name: &str) -> Compiling<()> {
        let Some(attribute) = text(json, name)?.filter(|attribute| !attribute.is_empty()) else {
            return Ok(());
        };
        if self.groups.visitor.iter().any(|known| known == attribute) {
            return Ok(());
        }
        let known = self.groups.visitor.join("`, `");
        let reason = format!(
            "visitors are assigned by their random number alone, which is called `{known}`; assign by that, or say that `{attribute}` means it too \
             (--visitor-attribute {attribute})"
        );
        Err(Refusal::new(reason).within(format_args!("`{name}`")))
    }

    fn unknown(&mut self, json: &Value, place: impl std::fmt::Display) {
        let Value::Object(fields) = json else { return };
        for (name, _) in fields.iter().filter(|(name, _)| !KNOWN.contains(&name.as_str())) {
            self.notes
                .push(format!("{place}: `{name}` is not known here, and does nothing"));
        }
    }
}

fn variations(json: &Value, values: &[Value]) -> Compiling<Vec<Variation>> {
    let meta = json.get("meta").map_or(Ok(none_listed()), list)?;
    if !meta.is_empty() && meta.len() != values.len() {
        let reason = format!("one entry for each of the {} variations is needed", values.len());
        return Err(Refusal::new(reason).within("`meta`"));
    }
    let variation = |(at, value): (usize, &Value)| {
        let meta = meta.get(at).unwrap_or(&Value::Null);
        Ok(Variation {
            key: text(meta, "key")?.filter(|key| !key.is_empty()).map(String::from),
            name: text(meta, "name")?.unwrap_or_default().into(),
            value: value.clone(),
            passthrough: flag(meta, "passthrough")?.unwrap_or_default(),
        })
    };
    let variations: Compiling<_> = values.iter().enumerate().map(variation).collect();
    variations.map_err(|refusal: Refusal| refusal.within("`meta`"))
}
