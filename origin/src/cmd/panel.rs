//! What verbs that make snapshots put into them beside the model: templates, features, experiments and rules.

use super::beside;
use super::data::Output;
use clap::Args;
use pocketrank::condition::Value;
use pocketrank::experiment::{compile, Compiled, Effect, Experiments, Options};
use pocketrank::pack::rules_to_bytes;
use pocketrank::rule::{compile_rules, Action, CompiledRules, Rule};
use pocketrank::template::{Templates, SLOT};
use pocketrank::{Section, Snapshot};
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::templates;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What the payload calls the visitor's number.
#[derive(Debug, Args)]
pub struct VisitorNames {
    /// An attribute that means the visitor's random number; may be given several times.
    #[arg(long = "visitor-attribute", value_name = "NAME", default_value = "id")]
    names: Vec<String>,
}

/// The options.
#[derive(Debug, Args)]
pub struct Panel {
    /// Templates of this folder (docs/TEMPLATES.md); `pocketrank templates` checks them.
    #[arg(long, value_name = "DIR")]
    templates: Option<PathBuf>,
    /// Features and experiments: what GrowthBook's SDK endpoint gives.
    #[arg(long = "experiments", value_name = "FILE")]
    payload: Option<PathBuf>,
    #[command(flatten)]
    visitor: VisitorNames,
    /// Rules for slots, as docs/RULES.md has them. One that is wrong is told and left out.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
}

/// What was compiled; none of what was not given.
#[derive(Debug, Default)]
pub struct Compiling {
    templates: Option<Templates>,
    experiments: Option<Experiments>,
    rules: Option<Vec<Rule>>,
}

impl Panel {
    /// Compiles the files, before any work is done, and tells what is left out.
    pub fn compile(&self, print: Output) -> Result<Compiling> {
        let mut compiling = Compiling {
            templates: self.templates.as_deref().map(templates::read).transpose()?,
            ..Compiling::default()
        };
        if let Some(path) = &self.payload {
            let compiled = read_experiments(path, &self.visitor)?;
            for note in compiled.notes {
                print.tell(format_args!("note: {note}"))?;
            }
            compiling.experiments = Some(compiled.experiments);
        }
        if let Some(path) = &self.rules {
            let compiled = read_rules(path)?;
            for refusal in compiled.broken {
                print.tell(format_args!("warning: {}: {refusal}; it is left out", path.display()))?;
            }
            compiling.rules = Some(compiled.rules);
        }
        Ok(compiling)
    }
}

/// Of an entry of the section table, and up to the next multiple of 8 before the section and before each that it moves.
const ENTRY: usize = 12 + 14;

impl Compiling {
    /// How many bytes longer it makes a snapshot, at most.
    pub fn room(&self) -> Result<usize> {
        let failed = |source| Error::Snapshot {
            path: "-".into(),
            source,
        };
        let sections = [
            self.templates.as_ref().map(Templates::to_bytes),
            self.experiments.as_ref().map(Experiments::to_bytes),
            self.rules.as_deref().map(rules_to_bytes),
        ];
        let mut room = 0;
        for section in sections.into_iter().flatten() {
            room += section.map_err(failed)?.len() + ENTRY;
        }
        Ok(room)
    }

    /// The snapshot with what was compiled; tells which templates are named that it then has not.
    pub fn attach(&self, bytes: Vec<u8>, output: &Path, print: Output) -> Result<Vec<u8>> {
        let invalid = |source| Error::Snapshot {
            path: output.into(),
            source,
        };
        let mut bytes = templates::put(bytes, self.templates.as_ref(), output)?;
        if let Some(experiments) = &self.experiments {
            let snapshot = Snapshot::open(bytes.as_slice()).map_err(invalid)?;
            bytes = snapshot.with_experiments(Some(experiments)).map_err(invalid)?;
        }
        if let Some(rules) = &self.rules {
            let snapshot = Snapshot::open(bytes.as_slice()).map_err(invalid)?;
            bytes = snapshot.with_rules(rules).map_err(invalid)?;
        }
        tell_missing(&Snapshot::open(bytes.as_slice()).map_err(invalid)?, output, print)?;
        Ok(bytes)
    }

    /// The same, and of what was not given what the base has.
    pub fn or_of<B: AsRef<[u8]>>(mut self, base: &Snapshot<B>, path: &Path) -> Result<Self> {
        let invalid = |source| Error::Snapshot {
            path: path.into(),
            source,
        };
        if self.experiments.is_none() && base.document(Section::Experiments).is_some() {
            self.experiments = Some(base.experiments().map_err(invalid)?);
        }
        if self.templates.is_none() {
            self.templates = base.templates().map_err(invalid)?;
        }
        if self.rules.is_none() && base.document(Section::Rules).is_some() {
            self.rules = Some(base.rules().map_err(invalid)?.rules);
        }
        Ok(self)
    }
}

/// Tells which templates experiments and rules name that a snapshot does not have: slots then keep theirs.
fn tell_missing<B: AsRef<[u8]>>(snapshot: &Snapshot<B>, path: &Path, print: Output) -> Result<()> {
    let invalid = |source| Error::Snapshot {
        path: path.into(),
        source,
    };
    let experiments = snapshot.experiments().map_err(invalid)?;
    let rules = snapshot.rules().map_err(invalid)?;
    let templates = snapshot.templates().map_err(invalid)?;
    let is_there = |name: &str| match &templates {
        Some(templates) => templates.get(name).is_some(),
        None => name == SLOT,
    };
    let mut named = BTreeSet::new();
    for rule in &rules.rules {
        for action in &rule.actions {
            if let Action::Template(name) = action {
                named.insert((format!("rule `{}`", rule.id), name.as_str()));
            }
        }
    }
    let of_slot = |key: &str| key.starts_with("pocketrank.slot.") && key.ends_with(".template");
    for feature in experiments.features.iter().filter(|feature| of_slot(&feature.key)) {
        let values = feature.rules.iter().flat_map(|rule| match &rule.effect {
            Effect::Force(value, ..) => vec![value],
            Effect::Run(experiment) => experiment.variations.iter().map(|arm| &arm.value).collect(),
        });
        for value in values.chain([&feature.default]) {
            if let Value::Text(name) = value {
                named.insert((format!("feature `{}`", feature.key), name));
            }
        }
    }
    for (who, name) in named.into_iter().filter(|(_, name)| !is_there(name)) {
        print.tell(format_args!(
            "warning: {}: {who} names the template `{name}`, which the snapshot does not have; give it by --templates",
            path.display()
        ))?;
    }
    Ok(())
}

/// Compiles a payload.
pub fn read_experiments(path: &Path, visitor: &VisitorNames) -> Result<Compiled> {
    let json = std::fs::read_to_string(path).map_err(|source| Error::reading(path, source))?;
    let options = Options {
        visitor: visitor.names.clone(),
    };
    compile(&json, &options).map_err(|refusal| Error::Data(format!("{}: {refusal}", path.display())))
}

/// Compiles a file of rules.
pub fn read_rules(path: &Path) -> Result<CompiledRules> {
    let json = std::fs::read_to_string(path).map_err(|source| Error::reading(path, source))?;
    compile_rules(&json).map_err(|refusal| Error::Data(format!("{}: {refusal}", path.display())))
}

/// Writes a snapshot that was made of another with the same rows, and its ledger; gives its id and bytes.
pub fn replace(
    from: &Path,
    base: &Snapshot<&[u8]>,
    to: &Path,
    made: std::result::Result<Vec<u8>, pocketrank::Error>,
    print: Output,
) -> Result<(String, usize)> {
    let invalid = |source| Error::Snapshot {
        path: to.into(),
        source,
    };
    let made = made.map_err(invalid)?;
    let snapshot = Snapshot::open(made.as_slice()).map_err(invalid)?;
    tell_missing(&snapshot, to, print)?;
    let ledger = beside::read(from, base)?.of(&snapshot);
    beside::write(to, &made, &ledger)?;
    Ok((snapshot.id().to_string(), made.len()))
}
