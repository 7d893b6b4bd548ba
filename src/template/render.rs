//! From a compiled template and values to HTML.
//!
//! Invariant: work and output are bounded, whatever template and values are: [`MAX_STEPS`] steps, [`MAX_OUTPUT`] bytes. `www/src/templates/fill.ts`
//! does the same in the browser.

use super::section::{corrupt, Op, Template, Templates};
use super::value::Value;
use crate::error::{Error, Result};
use crate::event::shortened;
use crate::snapshot::at_most;

/// The most bytes that a template makes.
pub const MAX_OUTPUT: usize = 1 << 20;
/// The most steps that it takes.
pub const MAX_STEPS: usize = 1 << 18;
/// The name of the section that shows items.
pub const ITEMS: &str = "items";

impl Templates {
    /// The HTML of a template.
    ///
    /// # Errors
    /// [`Error::UnknownName`] if there is none of that name; [`Error::Limit`] where it makes too much of the values.
    pub fn render(&self, name: &str, data: &Value<'_>) -> Result<String> {
        let template = self.get(name).ok_or_else(|| Error::UnknownName {
            what: "template",
            got: shortened(name),
            known: "those that `pocketrank inspect` shows",
        })?;
        let mut renderer = Renderer {
            template,
            stack: vec![data],
            out: String::new(),
            steps: 0,
        };
        renderer.run(&template.ops)?;
        Ok(renderer.out)
    }
}

struct Renderer<'a> {
    template: &'a Template,
    /// What names are looked up in, the innermost last.
    stack: Vec<&'a Value<'a>>,
    out: String,
    steps: usize,
}

impl<'a> Renderer<'a> {
    fn run(&mut self, mut ops: &'a [Op]) -> Result<()> {
        while let Some((op, mut rest)) = ops.split_first() {
            self.steps += 1;
            at_most("steps of a template", MAX_STEPS, self.steps)?;
            match op {
                Op::Text { from, length } => {
                    let text = self.template.run(*from, *length).unwrap_or_default();
                    self.room(text)?;
                    self.out.push_str(text);
                }
                Op::Value { escape, path } => {
                    let text = self.find(path).map_or("", |value| value.shown());
                    self.room(text)?;
                    escape.write(&mut self.out, text);
                }
                Op::Section { ops, path } | Op::Inverted { ops, path } => {
                    let split = rest.split_at_checked(*ops as usize);
                    let body = split.ok_or(corrupt(0, "sections end within what they lie in"))?;
                    rest = body.1;
                    let value = self.find(path);
                    let counts = value.is_some_and(Value::counts);
                    match (op, value) {
                        (Op::Inverted { .. }, _) if !counts => self.run(body.0)?,
                        (Op::Section { .. }, Some(value)) if counts => self.section(body.0, value)?,
                        _ => {}
                    }
                }
            }
            ops = rest;
        }
        Ok(())
    }

    fn section(&mut self, body: &'a [Op], value: &'a Value<'a>) -> Result<()> {
        match value {
            Value::Flag(_) => self.run(body),
            Value::List(list) => list.iter().try_for_each(|value| self.within(body, value)),
            value => self.within(body, value),
        }
    }

    fn within(&mut self, body: &'a [Op], value: &'a Value<'a>) -> Result<()> {
        self.stack.push(value);
        let done = self.run(body);
        self.stack.pop();
        done
    }

    /// The first name in the innermost value that has it, the others in what was found.
    fn find(&self, path: &[u16]) -> Option<&'a Value<'a>> {
        let Some((first, others)) = path.split_first() else {
            return self.stack.last().copied();
        };
        let first = self.stack.iter().rev().find_map(|value| value.field(*first))?;
        others.iter().try_fold(first, |value, name| value.field(*name))
    }

    fn room(&self, text: &str) -> Result<()> {
        at_most("bytes that a template makes", MAX_OUTPUT, self.out.len() + text.len())
    }
}
