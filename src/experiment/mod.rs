//! Experiments and features: GrowthBook's SDK payload, compiled at the origin, and who gets what.
//!
//! Invariant: what is hashed is the visitor's [`Lot`](crate::Lot), a number of 12 bits that is drawn and kept under consent, and nothing
//! else; without one nobody is in an experiment, and everyone gets what GrowthBook gives to who is not. Equal features, attributes, lot and
//! assignments give equal results on every host. `compile` writes the section that this module reads, `evaluate` answers, `arm`
//! says what features mean to the runtime.

mod arm;
#[cfg(feature = "pack")]
mod compile;
mod evaluate;

pub use arm::{Blended, Settings, SETTINGS};
#[cfg(feature = "pack")]
pub use compile::{compile, Compiled, Options};
pub use evaluate::{Assignment, Evaluated, Source, Visitor};

use crate::condition::{Condition, Value, MAX_DEPTH};
use crate::error::{Error, Result};
use crate::lot::{Lot, LOTS};
use crate::snapshot::Values;
use serde::{Deserialize, Serialize};

/// The most bytes of the section.
pub const MAX_EXPERIMENTS: usize = 1 << 20;

/// Features and experiments, as the section `experiments` of a snapshot has them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Experiments {
    /// By their keys, ascending.
    pub features: Vec<Feature>,
    /// Experiments that are no feature's, likewise.
    pub experiments: Vec<Experiment>,
    /// Lists that conditions refer to.
    pub groups: Vec<Vec<Value>>,
}

/// What has one value for each visitor.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Feature {
    /// Its name.
    pub key: String,
    /// The value where no rule gives one.
    pub default: Value,
    /// The first that applies gives the value.
    pub rules: Vec<Rule>,
}

/// What gives a feature its value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// GrowthBook's id of it, or empty.
    pub id: String,
    /// Features that must have certain values before.
    pub parents: Vec<Parent>,
    /// The visitor's number must be in the ranges of each.
    pub filters: Vec<Buckets>,
    /// What it does.
    pub effect: Effect,
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Effect {
    /// Gives a value where the condition holds, to those whose number is in the ranges if there are any.
    Force(Value, Condition, Option<Buckets>),
    /// Runs an experiment.
    Run(Experiment),
}

/// A feature that must have a value of some kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parent {
    /// The feature's key.
    pub feature: String,
    /// What must hold of an object with its `value`.
    pub condition: Condition,
    /// Whether the whole feature has no value where it does not hold, and not only no value by this rule.
    pub gate: bool,
}

/// Ranges of the numbers into which a seed and the visitor's number hash.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Buckets {
    /// What is hashed with the number.
    pub seed: String,
    /// GrowthBook's version of hashing: 1, into 1,000 buckets, or 2, into 10,000.
    pub version: u8,
    /// From, and to before which, bucket.
    pub ranges: Vec<[u16; 2]>,
}

/// An experiment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Experiment {
    /// Its key, which is GrowthBook's for tracking.
    pub key: String,
    /// Its name for people, or empty.
    pub name: String,
    /// Whether it runs.
    pub active: bool,
    /// The variation that everyone gets who would be in it.
    pub force: Option<u32>,
    /// The arms, the control first.
    pub variations: Vec<Variation>,
    /// The ranges of the variations.
    pub buckets: Buckets,
    /// Namespaces and the like: the number must be in the ranges of each.
    pub filters: Vec<Buckets>,
    /// What must hold of the attributes.
    pub condition: Condition,
    /// Features that must have certain values before.
    pub parents: Vec<Parent>,
    /// Whether who got a variation keeps it.
    pub sticky: bool,
    /// Assignments of another version do not count.
    pub bucket_version: u32,
    /// Whoever has an assignment of a version below that is out.
    pub min_bucket_version: u32,
}

/// An arm.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Variation {
    /// Its key for tracking, its number where there is none; only one with a key is kept.
    pub key: Option<String>,
    /// Its name for people, or empty.
    pub name: String,
    /// What the feature's value becomes.
    pub value: Value,
    /// Whether the feature's next rules apply nevertheless.
    pub passthrough: bool,
}

impl Experiments {
    /// Reads the section.
    ///
    /// # Errors
    /// [`Error::Limit`] where it is too long, [`Error::Corrupt`] where it is not what `compile` writes.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        crate::snapshot::at_most("bytes of experiments", MAX_EXPERIMENTS, bytes.len())?;
        let corrupt = |rule| Error::Corrupt {
            what: "experiments",
            at: 0,
            rule,
        };
        let mut values = Values(bytes);
        let read = Self::read(&mut values).filter(|_| values.0.is_empty());
        let experiments = read.ok_or(corrupt(
            "the section is a postcard value of its type, and nests at most 32 deep",
        ))?;
        experiments.check().map_err(corrupt)?;
        Ok(experiments)
    }

    fn check(&self) -> std::result::Result<(), &'static str> {
        let features = self.features.is_sorted_by(|a, b| a.key < b.key);
        if !features || !self.experiments.is_sorted_by(|a, b| a.key < b.key) {
            return Err("features and experiments are in the order of their keys, each once");
        }
        let rules = self.features.iter().flat_map(|feature| &feature.rules);
        let run = rules.filter_map(|rule| match &rule.effect {
            Effect::Run(experiment) => Some(experiment),
            Effect::Force(..) => None,
        });
        let whole = |experiment: &Experiment| {
            let (arms, ranges) = (experiment.variations.len(), experiment.buckets.ranges.len());
            arms >= 2 && arms == ranges
        };
        if !run.chain(&self.experiments).all(whole) {
            return Err("an experiment has two variations or more, and a range for each");
        }
        Ok(())
    }

    /// The feature of that key.
    pub(crate) fn find(&self, key: &str) -> Option<&Feature> {
        let at = self.features.binary_search_by(|feature| feature.key.as_str().cmp(key));
        at.ok().and_then(|at| self.features.get(at))
    }

    fn read(values: &mut Values<'_>) -> Option<Self> {
        Some(Experiments {
            features: values.list(|values| {
                Some(Feature {
                    key: values.text()?,
                    default: Value::read(values, MAX_DEPTH)?,
                    rules: values.list(Rule::read)?,
                })
            })?,
            experiments: values.list(Experiment::read)?,
            groups: values.list(|values| values.list(|values| Value::read(values, MAX_DEPTH)))?,
        })
    }
}

impl Rule {
    fn read(values: &mut Values<'_>) -> Option<Self> {
        Some(Rule {
            id: values.text()?,
            parents: values.list(Parent::read)?,
            filters: values.list(Buckets::read)?,
            effect: match values.varint(32)? {
                0 => Effect::Force(
                    Value::read(values, MAX_DEPTH)?,
                    Condition::read(values, MAX_DEPTH)?,
                    values.option(Buckets::read)?,
                ),
                1 => Effect::Run(Experiment::read(values)?),
                _ => return None,
            },
        })
    }
}

impl Parent {
    fn read(values: &mut Values<'_>) -> Option<Self> {
        Some(Parent {
            feature: values.text()?,
            condition: Condition::read(values, MAX_DEPTH)?,
            gate: values.flag()?,
        })
    }
}

impl Experiment {
    fn read(values: &mut Values<'_>) -> Option<Self> {
        Some(Experiment {
            key: values.text()?,
            name: values.text()?,
            active: values.flag()?,
            force: values.option(|values| values.varint(32))?,
            variations: values.list(|values| {
                Some(Variation {
                    key: values.option(|values| values.text())?,
                    name: values.text()?,
                    value: Value::read(values, MAX_DEPTH)?,
                    passthrough: values.flag()?,
                })
            })?,
            buckets: Buckets::read(values)?,
            filters: values.list(Buckets::read)?,
            condition: Condition::read(values, MAX_DEPTH)?,
            parents: values.list(Parent::read)?,
            sticky: values.flag()?,
            bucket_version: values.varint(32)?,
            min_bucket_version: values.varint(32)?,
        })
    }

    /// The share of all numbers in each variation, and in none, in 4,096ths: what weights and coverage come to. Namespaces, conditions and
    /// prerequisites are not counted in.
    pub fn shares(&self) -> (Vec<u32>, u32) {
        let mut shares = vec![0; self.variations.len()];
        let mut none = 0;
        for lot in Lot::all() {
            let share = self.buckets.find(lot).and_then(|at| shares.get_mut(at));
            *share.unwrap_or(&mut none) += 1;
        }
        debug_assert_eq!(shares.iter().sum::<u32>() + none, u32::from(LOTS));
        (shares, none)
    }
}

impl Buckets {
    fn read(values: &mut Values<'_>) -> Option<Self> {
        Some(Buckets {
            seed: values.text()?,
            version: values.byte()?,
            ranges: values.list(|values| Some([values.varint(16)? as u16, values.varint(16)? as u16]))?,
        })
    }

    /// The bucket of a number.
    fn bucket(&self, lot: Lot) -> u32 {
        let mut text = String::new();
        crate::error::write_number(&mut text, lot.number().into());
        if self.version == 1 {
            return fnv32a(fnv32a(FNV, &text), &self.seed) % 1_000;
        }
        let first = fnv32a(fnv32a(FNV, &self.seed), &text);
        text.clear();
        crate::error::write_number(&mut text, first as usize);
        fnv32a(FNV, &text) % 10_000
    }

    /// The position of the first range with the number's bucket.
    fn find(&self, lot: Lot) -> Option<usize> {
        let bucket = self.bucket(lot);
        let holds = |[from, to]: &[u16; 2]| (u32::from(*from)..u32::from(*to)).contains(&bucket);
        self.ranges.iter().position(holds)
    }
}

/// What FNV32a begins with.
pub(crate) const FNV: u32 = 0x811c_9dc5;

/// FNV32a (Fowler, Noll and Vo) over the units of UTF-16, as JavaScript has texts.
pub(crate) fn fnv32a(hash: u32, text: &str) -> u32 {
    text.encode_utf16()
        .fold(hash, |hash, unit| (hash ^ u32::from(unit)).wrapping_mul(0x0100_0193))
}
