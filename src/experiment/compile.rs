//! Compiles GrowthBook's SDK payload. What this runtime would do otherwise than GrowthBook's SDK is refused, with where it is and what to do;
//! what does not concern it is left out, and told.

use super::arm::{Blended, PREFIX, SETTINGS};
use super::evaluate::{MAX_CHAIN, MAX_STEPS};
use super::{Buckets, Effect, Experiment, Experiments, Feature, Parent, Rule, Variation, MAX_EXPERIMENTS};
use crate::condition::compile::{condition, Groups};
use crate::condition::{Condition, Refusal, Value};

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

/// The ranges of the arms: those given, or those that follow from weights and coverage.
fn arms(json: &Value, arms: usize, version: u8) -> Compiling<Vec<[u16; 2]>> {
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
fn rollout(json: &Value, feature: &str) -> Compiling<Option<Buckets>> {
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

fn buckets(version: u8) -> u16 {
    if version == 1 {
        1_000
    } else {
        10_000
    }
}

/// The buckets whose numbers, from 0 to 1, are at least `from` and below `to`.
fn bucket_range(from: f64, to: f64, version: u8) -> [u16; 2] {
    let most = buckets(version);
    let below = |limit: f64| {
        (0..most)
            .take_while(|bucket| f64::from(*bucket) / f64::from(most) < limit)
            .count() as u16
    };
    [below(from), below(to)]
}

fn pair(json: &Value, version: u8) -> Compiling<[u16; 2]> {
    match list(json)? {
        [from, to] => Ok(bucket_range(number(from)?, number(to)?, version)),
        _ => Err(Refusal::new("a list of two numbers is needed")),
    }
}

fn ranges(json: &Value, version: u8) -> Compiling<Vec<[u16; 2]>> {
    let ranges: Compiling<_> = list(json)?.iter().map(|json| pair(json, version)).collect();
    ranges.map_err(|refusal: Refusal| refusal.within("`ranges`"))
}

fn namespaced(json: &Value) -> Compiling<Buckets> {
    match list(json)? {
        [Value::Text(name), from, to] => Ok(Buckets {
            seed: format!("__{name}"),
            version: 1,
            ranges: vec![bucket_range(number(from)?, number(to)?, 1)],
        }),
        _ => Err(Refusal::new("a list of a name and two numbers is needed")),
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

/// Checks that no prerequisite is missing, and that they end.
fn prerequisites(experiments: &Experiments) -> Compiling<()> {
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
fn settings(feature: &Feature) -> Compiling<()> {
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

fn blend_refusal(what: &str, part: &str, needed: &str) -> Refusal {
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

fn fields(json: &Value) -> Compiling<&Vec<(String, Value)>> {
    match json {
        Value::Object(fields) => Ok(fields),
        _ => Err(Refusal::new("an object is needed")),
    }
}

fn list(json: &Value) -> Compiling<&[Value]> {
    match json {
        Value::List(list) => Ok(list),
        _ => Err(Refusal::new("a list is needed")),
    }
}

fn number(json: &Value) -> Compiling<f64> {
    match json {
        Value::Number(number, _) => Ok(*number),
        _ => Err(Refusal::new("a number is needed")),
    }
}

/// A field that may be missing.
fn text<'a>(json: &'a Value, name: &str) -> Compiling<Option<&'a str>> {
    match json.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text)),
        Some(_) => Err(Refusal::new("a text is needed").within(format_args!("`{name}`"))),
    }
}

fn flag(json: &Value, name: &str) -> Compiling<Option<bool>> {
    match json.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Flag(flag)) => Ok(Some(*flag)),
        Some(_) => Err(Refusal::new("true or false is needed").within(format_args!("`{name}`"))),
    }
}

fn whole(json: &Value, name: &str) -> Compiling<Option<u32>> {
    match json.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number, _)) if number.fract() == 0.0 && (0.0..=1_000.0).contains(number) => {
            Ok(Some(*number as u32))
        }
        Some(_) => Err(Refusal::new("a whole number from 0 to 1,000 is needed").within(format_args!("`{name}`"))),
    }
}

/// A number from 0 to 1.
fn share(json: &Value, name: &str) -> Compiling<Option<f64>> {
    match json.get(name) {
        None => Ok(None),
        Some(Value::Number(number, _)) if (0.0..=1.0).contains(number) => Ok(Some(*number)),
        Some(_) => Err(Refusal::new("a number from 0 to 1 is needed").within(format_args!("`{name}`"))),
    }
}

fn hash_version(json: &Value, usual: u8) -> Compiling<u8> {
    match whole(json, "hashVersion")? {
        None | Some(0) => Ok(usual),
        Some(version @ 1..=2) => Ok(version as u8),
        Some(_) => Err(Refusal::new("hash versions are 1 and 2").within("`hashVersion`")),
    }
}
