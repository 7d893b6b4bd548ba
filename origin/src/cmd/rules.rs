//! `pocketrank rules`: a shop's rules for slots, checked, and put into a snapshot.

use super::data::Output;
use super::panel::{read_rules, replace};
use super::part::{differ, names_a_file};
use super::verify;
use clap::Args;
use pocketrank::rule::Rule;
use pocketrank_origin::error::{Error, Result};
use serde_json::{json, Value};
use std::path::PathBuf;

/// Checks a file of rules, and puts them into a snapshot without training it anew.
///
/// Here a rule that is wrong is an error; `train`, `pack` and `retrain` leave it out and say so. docs/RULES.md says what is in the file.
#[derive(Debug, Args)]
pub struct RulesVerb {
    /// The rules: JSON.
    rules: PathBuf,
    /// The snapshot to put them into.
    #[arg(long, value_name = "FILE", requires = "output")]
    snapshot: Option<PathBuf>,
    /// Where to write that; its ledger goes with it.
    #[arg(short, long, value_name = "FILE", requires = "snapshot")]
    output: Option<PathBuf>,
    #[command(flatten)]
    print: Output,
}

impl RulesVerb {
    /// Does it.
    pub fn run(self) -> Result<()> {
        differ([
            ("RULES", Some(&self.rules)),
            ("--snapshot", self.snapshot.as_ref()),
            ("-o", self.output.as_ref()),
        ])?;
        let compiled = read_rules(&self.rules)?;
        if !compiled.broken.is_empty() {
            let broken: Vec<String> = compiled.broken.iter().map(ToString::to_string).collect();
            return Err(Error::Data(format!("{}: {}", self.rules.display(), broken.join("\n"))));
        }
        let mut written = None;
        if let (Some(from), Some(to)) = (&self.snapshot, &self.output) {
            names_a_file("-o", to)?;
            let bytes = verify::read(from)?;
            let base = verify::open(from, bytes.as_slice())?;
            let made = base.with_rules(&compiled.rules);
            written = Some(replace(from, &base, to, made)?);
        }
        let place = match (&self.output, &written) {
            (Some(path), Some((id, len))) => format!("\n{}: id {id}, {len} bytes", path.display()),
            _ => String::new(),
        };
        self.print.print(
            format_args!("{}{place}", table(&compiled.rules)),
            &json!({
                "rules": about(&compiled.rules),
                "id": written.as_ref().map(|(id, _)| id),
                "bytes": written.as_ref().map(|(_, bytes)| bytes),
            }),
        )
    }
}

/// What rules there are, for people.
pub fn table(rules: &[Rule]) -> String {
    let mut text = format!("{:<30} {:<20} {:>8} {:>7}", "rule", "slot", "priority", "actions");
    for rule in rules {
        let slot = if rule.slot.is_empty() { "every" } else { &rule.slot };
        text += &format!(
            "\n{:<30} {slot:<20} {:>8} {:>7}",
            rule.id,
            rule.priority,
            rule.actions.len()
        );
    }
    text
}

/// What rules there are, for machines; times in seconds since 1970-01-01 UTC.
pub fn about(rules: &[Rule]) -> Vec<Value> {
    let about = |rule: &Rule| {
        json!({
            "id": rule.id,
            "slot": rule.slot,
            "priority": rule.priority,
            "start": rule.start,
            "end": rule.end,
            "actions": rule.actions.len(),
        })
    };
    rules.iter().map(about).collect()
}
