//! Compiled templates: the section `TMPL`, and what reads it.
//!
//! Invariant: what was read is sound: names are in the table, texts within the text, sections within one another and at most [`MAX_DEPTH`]
//! deep, so that rendering need not doubt it. Which escape a place has is the compiler's word: it alone knows the HTML around it.

use super::escape::Escape;
use crate::error::{Error, Result};
use crate::snapshot::{at_most, Section, Snapshot, Values};
use serde::{Deserialize, Serialize};

/// The most templates.
pub const MAX_TEMPLATES: usize = 256;
/// The most names of fields.
pub const MAX_NAMES: usize = 1_024;
/// The most bytes of a name of a template or of a field.
pub const MAX_NAME: usize = 64;
/// The most bytes of a template's text.
pub const MAX_TEXT: usize = 1 << 16;
/// The most steps of a template.
pub const MAX_OPS: usize = 4_096;
/// The deepest that sections lie within one another.
pub const MAX_DEPTH: usize = 16;
/// The most names of a path.
pub const MAX_PATH: usize = 8;

/// The section of snapshots that have none, held to the compiler's output by a test.
const BUILT_IN: &[u8] = include_bytes!("built-in.bin");

/// A step of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// Writes a run of the template's text.
    Text {
        /// Where it begins, in bytes.
        from: u32,
        /// How many bytes it has.
        length: u32,
    },
    /// Writes a value.
    Value {
        /// Its context.
        escape: Escape,
        /// Its name, from the outermost to the innermost; without any it is what the section is about.
        path: Vec<u16>,
    },
    /// Does the next steps for each value of a list, or once where the value counts.
    Section {
        /// How many steps.
        ops: u32,
        /// The value's name.
        path: Vec<u16>,
    },
    /// Does the next steps once where the value does not count.
    Inverted {
        /// How many steps.
        ops: u32,
        /// The value's name.
        path: Vec<u16>,
    },
}

/// A compiled template. Templates that it includes are part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// What is written as it is, one run behind the other.
    pub text: String,
    /// What is done, in order.
    pub ops: Vec<Op>,
}

/// The templates of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Templates {
    /// Names of fields, ascending by their bytes; ops name them by their positions.
    pub(super) names: Vec<String>,
    /// The templates, ascending by their names.
    pub(super) templates: Vec<Template>,
}

impl Templates {
    /// The templates that hosts use where a snapshot has none.
    #[inline(never)]
    pub fn built_in() -> Self {
        Self::read(BUILT_IN).unwrap_or(Templates {
            names: vec![],
            templates: vec![],
        })
    }

    /// Reads the section.
    ///
    /// # Errors
    /// [`Error::Corrupt`] or [`Error::Limit`] for the first rule that is broken.
    #[inline(never)]
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut values = Values(bytes);
        let templates = Self::parse(&mut values)
            .filter(|_| values.0.is_empty())
            .ok_or(corrupt(0, "the section is a postcard value of its type, to its end"))?;
        templates.check()?;
        Ok(templates)
    }

    fn parse(values: &mut Values<'_>) -> Option<Self> {
        let mut read = Templates {
            names: vec![],
            templates: vec![],
        };
        for _ in 0..values.length()? {
            read.names.push(values.text()?);
        }
        for _ in 0..values.length()? {
            let (name, text) = (values.text()?, values.text()?);
            let mut ops = vec![];
            for _ in 0..values.length()? {
                ops.push(op(values)?);
            }
            read.templates.push(Template { name, text, ops });
        }
        Some(read)
    }

    /// The rules of the section.
    pub(super) fn check(&self) -> Result<()> {
        at_most("templates", MAX_TEMPLATES, self.templates.len())?;
        at_most("names of fields", MAX_NAMES, self.names.len())?;
        let names = self.templates.iter().map(|template| &template.name);
        ascending(&mut self.names.iter())?;
        ascending(&mut names.into_iter())?;
        (0..)
            .zip(&self.templates)
            .try_for_each(|(at, template)| template.check(at, self.names.len()))
    }

    /// The template of that name.
    pub fn get(&self, name: &str) -> Option<&Template> {
        self.templates.iter().find(|template| template.name == name)
    }

    /// All of them, ascending by their names.
    pub fn all(&self) -> &[Template] {
        &self.templates
    }

    /// The names of all fields that they use, by their numbers.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The number of a field's name, if a template uses it.
    #[inline(never)]
    pub fn name(&self, field: &str) -> Option<u16> {
        let at = self.names.iter().position(|name| name == field)?;
        u16::try_from(at).ok()
    }
}

impl Template {
    fn check(&self, at: usize, names: usize) -> Result<()> {
        at_most("bytes of a template", MAX_TEXT, self.text.len())?;
        at_most("steps of a template", MAX_OPS, self.ops.len())?;
        // Where the sections around end, the innermost last.
        let mut ends: Vec<usize> = vec![];
        for (step, op) in self.ops.iter().enumerate() {
            while ends.last().is_some_and(|end| *end <= step) {
                ends.pop();
            }
            let (path, inside) = match op {
                Op::Text { from, length } => {
                    self.run(*from, *length)
                        .ok_or(corrupt(at, "runs of text lie within it, between characters"))?;
                    continue;
                }
                Op::Value { path, .. } => (path, None),
                Op::Section { ops, path } | Op::Inverted { ops, path } => (path, Some(*ops as usize)),
            };
            at_most("names of a path", MAX_PATH, path.len())?;
            if path.iter().any(|name| usize::from(*name) >= names) {
                return Err(corrupt(at, "names are in the table"));
            }
            if let Some(inside) = inside {
                let end = (step + 1).saturating_add(inside);
                if end > ends.last().copied().unwrap_or(self.ops.len()) {
                    return Err(corrupt(at, "sections end within what they lie in"));
                }
                ends.push(end);
                at_most("sections within one another", MAX_DEPTH, ends.len())?;
            }
        }
        Ok(())
    }

    /// A run of its text.
    pub(super) fn run(&self, from: u32, length: u32) -> Option<&str> {
        let (from, length) = (from as usize, length as usize);
        self.text.get(from..from.checked_add(length)?)
    }

    /// Whether it has a value or section of that name anywhere.
    pub fn uses(&self, name: u16) -> bool {
        self.ops.iter().any(|op| match op {
            Op::Text { .. } => false,
            Op::Value { path, .. } | Op::Section { path, .. } | Op::Inverted { path, .. } => path.contains(&name),
        })
    }
}

fn op(values: &mut Values<'_>) -> Option<Op> {
    Some(match values.varint(32)? {
        0 => Op::Text {
            from: values.varint(32)?,
            length: values.varint(32)?,
        },
        1 => Op::Value {
            escape: *Escape::ALL.get(values.length()?)?,
            path: path(values)?,
        },
        2 => Op::Section {
            ops: values.varint(32)?,
            path: path(values)?,
        },
        3 => Op::Inverted {
            ops: values.varint(32)?,
            path: path(values)?,
        },
        _ => return None,
    })
}

fn path(values: &mut Values<'_>) -> Option<Vec<u16>> {
    let mut path = vec![];
    for _ in 0..values.length()? {
        path.push(values.varint(16)? as u16);
    }
    Some(path)
}

fn ascending(names: &mut dyn Iterator<Item = &String>) -> Result<()> {
    let mut before = "";
    for (at, name) in names.enumerate() {
        at_most("bytes of a name", MAX_NAME, name.len())?;
        if name.as_str() <= before {
            return Err(corrupt(
                at,
                "names are not empty, ascend by their bytes, and none is there twice",
            ));
        }
        before = name;
    }
    Ok(())
}

pub(super) fn corrupt(at: usize, rule: &'static str) -> Error {
    Error::Corrupt {
        what: "templates",
        at,
        rule,
    }
}

impl<B: AsRef<[u8]>> Snapshot<B> {
    /// The snapshot's templates; `None` if it has none.
    ///
    /// # Errors
    /// What is wrong with the section.
    pub fn templates(&self) -> Result<Option<Templates>> {
        self.table(Section::Templates).map(Templates::read).transpose()
    }

    /// The section as it is, or that of [`Templates::built_in`] if the snapshot has none: for hosts that render by themselves.
    pub fn template_bytes(&self) -> &[u8] {
        self.table(Section::Templates).unwrap_or(BUILT_IN)
    }
}
