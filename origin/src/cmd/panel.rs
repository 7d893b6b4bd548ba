//! What verbs that make snapshots put into them beside the model: features, experiments and rules.

use super::beside;
use super::data::Output;
use clap::Args;
use pocketrank::experiment::{compile, Compiled, Experiments, Options};
use pocketrank::rule::{compile_rules, CompiledRules, Rule};
use pocketrank::{Section, Snapshot};
use pocketrank_origin::error::{Error, Result};
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
    experiments: Option<Experiments>,
    rules: Option<Vec<Rule>>,
}

impl Panel {
    /// Compiles the files, before any work is done, and tells what is left out.
    pub fn compile(&self, print: Output) -> Result<Compiling> {
        let mut compiling = Compiling::default();
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

impl Compiling {
    /// The snapshot with what was compiled.
    pub fn attach(&self, bytes: Vec<u8>, output: &Path) -> Result<Vec<u8>> {
        let invalid = |source| Error::Snapshot {
            path: output.into(),
            source,
        };
        let mut bytes = bytes;
        if let Some(experiments) = &self.experiments {
            let snapshot = Snapshot::open(bytes.as_slice()).map_err(invalid)?;
            bytes = snapshot.with_experiments(Some(experiments)).map_err(invalid)?;
        }
        if let Some(rules) = &self.rules {
            let snapshot = Snapshot::open(bytes.as_slice()).map_err(invalid)?;
            bytes = snapshot.with_rules(rules).map_err(invalid)?;
        }
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
        if self.rules.is_none() && base.document(Section::Rules).is_some() {
            self.rules = Some(base.rules().map_err(invalid)?.rules);
        }
        Ok(self)
    }
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
) -> Result<(String, usize)> {
    let invalid = |source| Error::Snapshot {
        path: to.into(),
        source,
    };
    let made = made.map_err(invalid)?;
    let snapshot = Snapshot::open(made.as_slice()).map_err(invalid)?;
    let ledger = beside::read(from, base)?.of(&snapshot);
    beside::write(to, &made, &ledger)?;
    Ok((snapshot.id().to_string(), made.len()))
}
