//! `pocketrank templates`: checks a folder of templates, and shows what they make.

use super::data::Output;
use clap::Args;
use pocketrank::template::{Op, Reader, Templates as Compiled, FIELDS};
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::templates;
use serde::de::DeserializeSeed;
use serde::Deserialize;
use serde_json::{json, Value};
use std::fmt::Write;
use std::path::PathBuf;

/// Checks templates, as `train`, `pack` and `retrain` compile them into a snapshot; with --data also renders them.
///
/// A folder has a file NAME.mustache for each template, and fields.toml for fields of the shop's own, such as `badge = "text"` or
/// `teaser = "html"`. A slot names its template by data-pocketrank-template; `slot` is that of the others. What is known of every item and
/// page needs no declaration; --fields lists it. docs/TEMPLATES.md has the rest.
#[derive(Debug, Args)]
pub struct Templates {
    /// The folder.
    #[arg(required_unless_present = "fields", value_name = "DIR")]
    folder: Option<PathBuf>,
    /// JSON Lines of what to render: {"template": NAME, "data": {...}}.
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// List the fields that need no declaration.
    #[arg(long)]
    fields: bool,
    #[command(flatten)]
    print: Output,
}

#[derive(Deserialize)]
struct Line {
    template: String,
    data: Value,
}

impl Templates {
    /// Does it.
    pub fn run(self) -> Result<()> {
        let Some(folder) = self.folder.filter(|_| !self.fields) else {
            let lines = FIELDS.iter().map(|(name, about)| format!("{name:<18} {about}\n"));
            let names: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
            return self.print.print(lines.collect::<String>(), &names);
        };
        let compiled = templates::read(&folder)?;
        let Some(path) = self.data else {
            return self.print.print(table(&compiled), &about(&compiled));
        };
        let text = std::fs::read_to_string(&path).map_err(|source| Error::reading(&path, source))?;
        let mut rendered = vec![];
        for (at, line) in text.lines().enumerate() {
            let wrong = |what: String| Error::Data(format!("{}:{}: {what}", path.display(), at + 1));
            let Line { template, data } = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
            let data = Reader(&compiled)
                .deserialize(data)
                .map_err(|error| wrong(error.to_string()))?;
            rendered.push(
                compiled
                    .render(&template, &data)
                    .map_err(|error| wrong(error.to_string()))?,
            );
        }
        self.print.print(rendered.join("\n"), &rendered)
    }
}

/// Templates for people.
pub fn table(compiled: &Compiled) -> String {
    let mut text = format!("{:<20} {:>8} {:>8}  {}\n", "template", "bytes", "steps", "fields");
    for template in compiled.all() {
        let fields = used(compiled, &template.ops).join(" ");
        let (name, bytes, steps) = (&template.name, template.text.len(), template.ops.len());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:<20} {bytes:>8} {steps:>8}  {fields}");
    }
    text
}

/// Templates for machines.
pub fn about(compiled: &Compiled) -> Value {
    let template = |template: &pocketrank::template::Template| {
        json!({
            "name": template.name,
            "bytes": template.text.len(),
            "steps": template.ops.len(),
            "fields": used(compiled, &template.ops),
        })
    };
    compiled.all().iter().map(template).collect()
}

/// The names of the fields that steps use, in the order of their names.
fn used<'t>(compiled: &'t Compiled, ops: &[Op]) -> Vec<&'t str> {
    let paths = ops.iter().filter_map(|op| match op {
        Op::Text { .. } => None,
        Op::Value { path, .. } | Op::Section { path, .. } | Op::Inverted { path, .. } => Some(path),
    });
    let mut numbers: Vec<u16> = paths.flatten().copied().collect();
    numbers.sort_unstable();
    numbers.dedup();
    let name = |number| compiled.names().get(usize::from(number)).map(String::as_str);
    numbers.into_iter().filter_map(name).collect()
}
