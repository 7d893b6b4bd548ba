//! From sources to compiled templates.
//!
//! Invariant: what compiles can be filled with any values. Partials are part of the template that includes them, with the escapes that
//! are right there.

use super::escape::Escape;
use super::fields::{Field, Kind, FIELDS};
use super::html::Context;
use super::parse::{parse, Piece, Token};
use super::section::{Op, Template, Templates, MAX_DEPTH, MAX_NAME, MAX_OPS, MAX_PATH, MAX_TEMPLATES, MAX_TEXT};
use super::{CARD, SLOT};
use std::collections::BTreeSet;
use std::fmt;

/// A template as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name; one that begins with `_` is for other templates to include, and not compiled by itself.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileError {
    /// The template's name.
    pub template: String,
    /// Line, from 1.
    pub line: usize,
    /// Character of the line, from 1.
    pub column: usize,
    /// What is wrong, and what to do.
    pub problem: String,
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CompileError {
            template,
            line,
            column,
            problem,
        } = self;
        write!(f, "{template}.mustache:{line}:{column}: {problem}")
    }
}

impl std::error::Error for CompileError {}

/// The deepest that partials include one another.
const MAX_PARTIALS: usize = 16;

/// The templates that there are where a shop has none of that name.
const BUILT_IN: [(&str, &str); 2] = [
    (SLOT, include_str!("slot.mustache")),
    (CARD, include_str!("_card.mustache")),
];

/// Compiles a shop's templates, with [`SLOT`] and [`CARD`] built in where it has none of these names. `fields` are those that its lists have
/// beside [`FIELDS`].
///
/// # Errors
/// The first thing that is wrong with one of them.
pub fn compile(sources: &[Source], fields: &[Field]) -> Result<Templates, CompileError> {
    let mut all: Vec<Source> = sources.to_vec();
    for (name, text) in BUILT_IN {
        if !sources.iter().any(|source| source.name == name) {
            all.push(Source {
                name: name.into(),
                text: text.into(),
            });
        }
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let whole = |source: &Source, problem: String| CompileError {
        template: source.name.clone(),
        line: 1,
        column: 1,
        problem,
    };
    for (source, next) in all.iter().zip(all.iter().skip(1).map(Some).chain([None])) {
        if source.name.is_empty() || source.name.len() > MAX_NAME || !source.name.bytes().all(is_name) {
            let rule = format!("names of templates have 1 to {MAX_NAME} of `a` to `z`, `0` to `9`, `-` and `_`");
            return Err(whole(source, rule));
        }
        if next.is_some_and(|next| next.name == source.name) {
            return Err(whole(source, "there are two templates of this name".into()));
        }
    }
    let mut compiler = Compiler {
        sources: &all,
        fields,
        names: vec![],
        within: vec![],
        context: Context::new(),
        begun: None,
        opened: vec![],
        text: String::new(),
        ops: vec![],
        sealed: 0,
    };
    let mut templates = vec![];
    for source in all.iter().filter(|source| !source.name.starts_with('_')) {
        templates.push(compiler.template(source)?);
        if templates.len() > MAX_TEMPLATES {
            return Err(whole(source, format!("there are more than {MAX_TEMPLATES} templates")));
        }
    }
    let compiled = sorted(compiler.names, templates);
    compiled.check().map_err(|error| CompileError {
        template: "*".into(),
        line: 1,
        column: 1,
        problem: error.to_string(),
    })?;
    Ok(compiled)
}

impl Templates {
    /// The section of a snapshot.
    ///
    /// # Errors
    /// [`Error::Corrupt`](crate::Error::Corrupt) if it could not be written, which does not happen.
    pub fn to_bytes(&self) -> crate::Result<Vec<u8>> {
        let rule = "the value can be written as postcard";
        postcard::to_allocvec(self).map_err(|_| super::section::corrupt(0, rule))
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte)
}

/// With names ascending.
fn sorted(names: Vec<String>, mut templates: Vec<Template>) -> Templates {
    let mut ascending = names.clone();
    ascending.sort_unstable();
    let number = |old: &mut u16| {
        let name = names.get(usize::from(*old));
        let new = name.and_then(|name| ascending.binary_search(name).ok());
        *old = new.and_then(|new| u16::try_from(new).ok()).unwrap_or(u16::MAX);
    };
    for op in templates.iter_mut().flat_map(|template| &mut template.ops) {
        if let Op::Value { path, .. } | Op::Section { path, .. } | Op::Inverted { path, .. } = op {
            path.iter_mut().for_each(number);
        }
    }
    Templates {
        names: ascending,
        templates,
    }
}

/// A source on the way through partials.
#[derive(Clone, Copy)]
struct File<'s> {
    name: &'s str,
    text: &'s str,
    /// By how much its lines were moved to the right.
    indent: usize,
}

impl File<'_> {
    fn error(&self, at: usize, problem: String) -> CompileError {
        let before = self.text.get(..at).unwrap_or(self.text);
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(start..).unwrap_or_default().chars().count();
        CompileError {
            template: self.name.into(),
            line: before.matches('\n').count() + 1,
            column: column.saturating_sub(self.indent) + 1,
            problem,
        }
    }
}

struct Compiler<'s> {
    sources: &'s [Source],
    fields: &'s [Field],
    names: Vec<String>,
    /// The templates that are being included, the outermost first.
    within: Vec<String>,
    context: Context,
    /// Where the tag that is read begins.
    begun: Option<CompileError>,
    /// Where the elements that are open were opened.
    opened: Vec<CompileError>,
    text: String,
    ops: Vec<Op>,
    /// Ops before this one end where they end: text that follows is not theirs.
    sealed: usize,
}

impl Compiler<'_> {
    fn template(&mut self, source: &Source) -> Result<Template, CompileError> {
        self.context = Context::new();
        self.opened.clear();
        (self.text, self.ops, self.sealed) = (String::new(), vec![], 0);
        let file = File {
            name: &source.name,
            text: &source.text,
            indent: 0,
        };
        self.file(file)?;
        if !self.context.is_whole() {
            return Err(match (self.context.innermost(), self.opened.pop()) {
                (Some(name), Some(opened)) => CompileError {
                    problem: format!("<{name}> is not closed"),
                    ..opened
                },
                _ => file.error(
                    source.text.len(),
                    format!("the template ends in {}", self.context.place()),
                ),
            });
        }
        Ok(Template {
            name: source.name.clone(),
            text: std::mem::take(&mut self.text),
            ops: std::mem::take(&mut self.ops),
        })
    }

    fn file(&mut self, file: File<'_>) -> Result<(), CompileError> {
        let pieces = parse(file.text).map_err(|(at, problem)| file.error(at, problem))?;
        let mut rest = pieces.as_slice();
        self.within.push(file.name.into());
        while let Some(piece) = rest.split_off_first() {
            self.piece(file, piece, &mut rest, 0)?;
        }
        self.within.pop();
        Ok(())
    }

    fn piece(
        &mut self,
        file: File<'_>,
        piece: &Piece<'_>,
        rest: &mut &[Piece<'_>],
        depth: usize,
    ) -> Result<(), CompileError> {
        let wrong = |problem: String| file.error(piece.at, problem);
        match piece.token {
            Token::Text(text) => self.literal(file, piece.at, text)?,
            Token::Value { name, raw } => {
                let escape = self.context.placeholder(raw).map_err(wrong)?;
                let path = self.path(name).map_err(wrong)?;
                let last = name.rsplit('.').next().unwrap_or_default();
                if escape == Escape::Raw && self.kind(last) != Some(Kind::Html) {
                    return Err(wrong(format!(
                        "`{name}` is not declared as HTML, so it is shown as text only: {{{{{name}}}}}"
                    )));
                }
                self.ops.push(Op::Value { escape, path });
            }
            Token::Open { name, inverted } => {
                let path = self.path(name).map_err(wrong)?;
                if depth >= MAX_DEPTH {
                    return Err(wrong(format!(
                        "sections lie within one another more than {MAX_DEPTH} deep"
                    )));
                }
                self.section(file, piece.at, name, rest, depth, |ops| {
                    if inverted {
                        Op::Inverted { ops, path }
                    } else {
                        Op::Section { ops, path }
                    }
                })?;
            }
            Token::Partial { name, indent } => {
                let source = self.sources.iter().find(|source| source.name == name);
                let source = source.ok_or_else(|| wrong(format!("there is no template `{name}` to include")))?;
                if self.within.iter().any(|open| open == name) {
                    return Err(wrong(format!(
                        "`{name}` includes itself: {} > {name}",
                        self.within.join(" > ")
                    )));
                }
                if self.within.len() >= MAX_PARTIALS {
                    return Err(wrong(format!(
                        "partials include one another more than {MAX_PARTIALS} deep"
                    )));
                }
                let text = indented(&source.text, indent);
                self.file(File {
                    name: &source.name,
                    text: &text,
                    indent: indent.chars().count(),
                })?;
            }
            Token::Close(_) | Token::Nothing => {}
        }
        if self.text.len() > MAX_TEXT || self.ops.len() > MAX_OPS {
            return Err(wrong(format!(
                "the template has more than {MAX_TEXT} bytes of text or {MAX_OPS} steps, what it includes counted; make several"
            )));
        }
        Ok(())
    }

    /// What is between the tags of a section. It may be left out and repeated, so it ends in the context it begins in.
    fn section(
        &mut self,
        file: File<'_>,
        at: usize,
        name: &str,
        rest: &mut &[Piece<'_>],
        depth: usize,
        op: impl FnOnce(u32) -> Op,
    ) -> Result<(), CompileError> {
        let place = self.ops.len();
        // Its length is known at its end.
        self.ops.push(Op::Text { from: 0, length: 0 });
        self.sealed = self.ops.len();
        let floor = self.context.enter();
        let before = self.context.clone();
        while let Some(piece) = rest.split_off_first() {
            if matches!(piece.token, Token::Close(_)) {
                break;
            }
            self.piece(file, piece, rest, depth + 1)?;
        }
        if self.context != before {
            let (from, to) = (before.place(), self.context.place());
            let unclosed = before.is_text() && self.context.depth() > before.depth();
            return Err(match self.opened.pop().filter(|_| unclosed) {
                Some(opened) => CompileError {
                    problem: format!("<{}> is not closed within the section `{name}`", self.context.innermost().unwrap_or_default()),
                    ..opened
                },
                None => file.error(at, format!("the section `{name}` begins in {from} and ends in {to}: with and without it the HTML would be read in different ways")),
            });
        }
        self.context.leave(floor);
        self.sealed = self.ops.len();
        let length = u32::try_from(self.ops.len() - place - 1).unwrap_or(u32::MAX);
        if let Some(section) = self.ops.get_mut(place) {
            *section = op(length);
        }
        Ok(())
    }

    fn literal(&mut self, file: File<'_>, at: usize, text: &str) -> Result<(), CompileError> {
        let from = self.text.len();
        for (offset, char) in text.char_indices() {
            let depth = self.context.depth();
            let wrong = |problem| file.error(at + offset, problem);
            self.context.feed(char, &mut self.text).map_err(wrong)?;
            if self.context.begins_tag() {
                self.begun = Some(wrong(String::new()));
            }
            if self.context.depth() > depth {
                self.opened.extend(self.begun.take());
            }
            self.opened.truncate(self.context.depth());
        }
        let length = self.text.len() - from;
        let (from, length) = (
            u32::try_from(from).unwrap_or(u32::MAX),
            u32::try_from(length).unwrap_or(u32::MAX),
        );
        match self.ops.get_mut(self.sealed..).and_then(|ops| ops.last_mut()) {
            // A text that goes on where the last one ended is one with it.
            Some(Op::Text {
                from: before,
                length: had,
            }) if *before + *had == from => *had += length,
            _ if length > 0 => self.ops.push(Op::Text { from, length }),
            _ => {}
        }
        Ok(())
    }

    fn kind(&self, name: &str) -> Option<Kind> {
        let declared = self.fields.iter().find(|field| field.name == name);
        let known = || FIELDS.iter().any(|(known, _)| *known == name).then_some(Kind::Text);
        declared.map(|field| field.kind).or_else(known)
    }

    fn path(&mut self, name: &str) -> Result<Vec<u16>, String> {
        if name == "." {
            return Ok(vec![]);
        }
        let parts: Vec<&str> = name.split('.').collect();
        if parts.len() > MAX_PATH {
            return Err(format!("`{name}` has more than {MAX_PATH} names"));
        }
        parts.into_iter().map(|part| self.number(part)).collect()
    }

    fn number(&mut self, name: &str) -> Result<u16, String> {
        if name.len() > MAX_NAME {
            return Err(format!("`{name}` has more than {MAX_NAME} characters"));
        }
        if self.kind(name).is_none() {
            let declared: BTreeSet<&str> = self.fields.iter().map(|field| field.name.as_str()).collect();
            let known = FIELDS.iter().map(|(name, _)| *name).chain(declared);
            return Err(format!(
                "no field is named `{name}`; declare it, or use one of {}",
                known.collect::<Vec<_>>().join(" ")
            ));
        }
        let at = self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.into());
            self.names.len() - 1
        });
        if name == "price" {
            // What it is made of is kept with it.
            for part in ["currency", "price_text"] {
                self.number(part)?;
            }
        }
        u16::try_from(at).map_err(|_| "there are too many fields".into())
    }
}

/// A partial with its lines moved to the right; empty ones stay.
fn indented(text: &str, indent: &str) -> String {
    let line = |line: &str| {
        // Of `\r\n` the first is a character of the line, as for other implementations.
        let empty = matches!(line, "" | "\n");
        [if empty { "" } else { indent }, line].concat()
    };
    text.split_inclusive('\n').map(line).collect()
}
