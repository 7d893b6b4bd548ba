//! The HTML of a template as it is read from its beginning: at each character in which context a placeholder would stand.
//!
//! Invariant: what is taken in is a part of well-formed HTML: elements that are closed in their order, values in quotes, references that are
//! known. Two places in equal contexts are read on alike, so what lies between them may be left out or repeated.

use super::content::{inside, reference, takes, takes_no_text, Inside, Takes};
use super::escape::Escape;
use super::url::Url;

/// Where the reader is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// Between tags.
    Text,
    /// Behind `<`.
    Less,
    /// In the name of a start tag.
    Name,
    /// In the name of an end tag.
    EndName,
    /// Behind it.
    AfterEndName,
    /// In a start tag, where an attribute may begin.
    Between,
    /// In an attribute's name.
    Attribute,
    /// Behind `=`.
    BeforeValue,
    /// In a value, with its quote.
    Value(char),
    /// Behind `/` in a start tag.
    Slash,
    /// Behind `<!`, with what followed.
    Bang(String),
    /// In a comment, with what was read of its end; `^` is its beginning.
    Comment(String),
    /// In an element without elements: whether references are resolved, and how much of its end tag was read.
    Opaque { text: bool, end: String },
}

/// The context of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Context {
    state: State,
    /// Names of the elements that are open, in small letters, the innermost last.
    open: Vec<String>,
    /// How many of them are the section's own to close.
    floor: usize,
    /// The name of the tag or the attribute that is read.
    tag: String,
    attribute: String,
    /// The address that is read.
    url: Option<Url>,
    /// A reference that is read, from its `&`.
    reference: Option<String>,
}

impl Context {
    /// Text, in no element.
    pub(super) fn new() -> Self {
        Context {
            state: State::Text,
            open: vec![],
            floor: 0,
            tag: String::new(),
            attribute: String::new(),
            url: None,
            reference: None,
        }
    }

    /// Whether a tag has just begun.
    pub(super) fn begins_tag(&self) -> bool {
        self.state == State::Less
    }

    /// Whether it is between tags.
    pub(super) fn is_text(&self) -> bool {
        self.state == State::Text
    }

    /// How many elements are open.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// The innermost element that is open.
    pub(super) fn innermost(&self) -> Option<&str> {
        self.open.last().map(String::as_str)
    }

    /// Begins a section, which closes no element that was opened before; gives what [`Context::leave`] needs.
    pub(super) fn enter(&mut self) -> usize {
        std::mem::replace(&mut self.floor, self.open.len())
    }

    /// Ends it.
    pub(super) fn leave(&mut self, before: usize) {
        self.floor = before;
    }

    /// Where it is, in words.
    pub(super) fn place(&self) -> String {
        let text = || {
            self.innermost()
                .map_or_else(|| "text".into(), |name| format!("the text of <{name}>"))
        };
        match &self.state {
            State::Text => text(),
            State::Less | State::Name | State::EndName | State::AfterEndName => "a tag".into(),
            State::Between | State::Slash => format!("the tag <{}>", self.tag),
            State::Attribute => format!("the attribute `{}`", self.attribute),
            State::BeforeValue | State::Value(_) => format!("the value of `{}`", self.attribute),
            State::Bang(_) | State::Comment(_) => "a comment".into(),
            State::Opaque { .. } => text(),
        }
    }

    /// Whether a template may end here.
    pub(super) fn is_whole(&self) -> bool {
        self.state == State::Text && self.open.is_empty() && self.reference.is_none()
    }

    /// Takes in a character and writes what stands for it.
    ///
    /// # Errors
    /// What is wrong with it there.
    pub(super) fn feed(&mut self, char: char, out: &mut String) -> Result<(), String> {
        if char == '\0' || (char.is_control() && !char.is_whitespace()) {
            return Err("control characters cannot be in a template".into());
        }
        if self.resolves() && (char == '&' || self.reference.is_some()) {
            return self.refer(char, out);
        }
        self.step(char)?;
        out.push(char);
        Ok(())
    }

    /// Whether references are resolved here.
    fn resolves(&self) -> bool {
        matches!(
            self.state,
            State::Text | State::Value(_) | State::Opaque { text: true, .. }
        )
    }

    /// Takes in a character of a reference, and writes it resolved, so that readers of the output need to know only those of [`super::escape()`].
    fn refer(&mut self, char: char, out: &mut String) -> Result<(), String> {
        if self.holds_no_text() {
            return Err(self.no_text());
        }
        let Some(name) = &mut self.reference else {
            self.reference = Some(String::new());
            if let State::Opaque { end, .. } = &mut self.state {
                end.clear();
            }
            return Ok(());
        };
        if char == ';' && !name.is_empty() {
            let meant =
                reference(name).ok_or_else(|| format!("`&{name};` is not known; write the character itself"))?;
            self.reference = None;
            if let (State::Value(_), Some(url)) = (&self.state, &mut self.url) {
                url.feed(meant)?;
            }
            super::escape(out, meant.encode_utf8(&mut [0; 4]));
        } else if char.is_ascii_alphanumeric() || (char == '#' && name.is_empty()) {
            name.push(char);
        } else if name.is_empty() && char.is_whitespace() {
            self.reference = None;
            if let (State::Value(_), Some(url)) = (&self.state, &mut self.url) {
                url.feed('&')?;
            }
            out.push_str("&amp;");
            return self.feed(char, out);
        } else {
            return Err(format!("`&{name}` is no reference; write `&amp;`"));
        }
        Ok(())
    }

    /// Takes in a placeholder.
    ///
    /// # Errors
    /// Why none can be there.
    pub(super) fn placeholder(&mut self, raw: bool) -> Result<Escape, String> {
        let attribute = &self.attribute;
        if self.reference.is_some() {
            return Err("`&` before a placeholder begins a reference; write `&amp;`".into());
        }
        if self.holds_no_text() {
            return Err(self.no_text());
        }
        match &mut self.state {
            State::Text if raw => Ok(Escape::Raw),
            State::Text => Ok(Escape::Text),
            _ if raw => Err(format!("HTML can only be in text, this is {}", self.place())),
            State::Opaque { text: true, end } => {
                end.clear();
                Ok(Escape::Text)
            }
            State::Value(_) => match (takes(&self.tag, attribute), &mut self.url) {
                (_, Some(url)) => url.placeholder(),
                (Takes::Nothing(why), _) => Err(format!("no value can be in `{attribute}` of <{}>: {why}", self.tag)),
                _ => Ok(Escape::Text),
            },
            State::BeforeValue => Err(format!("put quotes around it: {attribute}=\"{{{{...}}}}\"")),
            State::Less | State::Name | State::EndName | State::AfterEndName => {
                Err("a placeholder cannot be in a tag's name".into())
            }
            State::Between | State::Attribute | State::Slash => {
                Err("a placeholder cannot be an attribute, or a part of its name".into())
            }
            State::Bang(_) | State::Comment(_) => {
                Err("a placeholder cannot be in a comment; `{{! }}` writes nothing".into())
            }
            State::Opaque { .. } => Err(format!(
                "a placeholder cannot be in <{}>; use a data- attribute",
                self.tag
            )),
        }
    }

    fn holds_no_text(&self) -> bool {
        self.state == State::Text && self.innermost().is_some_and(takes_no_text)
    }

    fn no_text(&self) -> String {
        format!("text cannot be in <{}>", self.innermost().unwrap_or_default())
    }

    fn step(&mut self, char: char) -> Result<(), String> {
        let blank = char.is_ascii_whitespace();
        let misplaced = !blank && char != '<' && self.holds_no_text();
        let state = match (&mut self.state, char) {
            (State::Text, '<') => State::Less,
            (State::Text, _) if misplaced => return Err(self.no_text()),
            (State::Text, _) => return Ok(()),
            (State::Less, '/') => {
                self.tag.clear();
                State::EndName
            }
            (State::Less, '!') => State::Bang(String::new()),
            (State::Less, _) if char.is_ascii_alphabetic() => {
                self.tag = char.to_ascii_lowercase().into();
                State::Name
            }
            (State::Less, _) => return Err("`<` begins no tag; write `&lt;`".into()),
            (State::Name | State::EndName, _)
                if char.is_ascii_alphanumeric() || (char == '-' && !self.tag.is_empty()) =>
            {
                self.tag.push(char.to_ascii_lowercase());
                return Ok(());
            }
            (State::EndName | State::AfterEndName, '>') => self.close()?,
            (State::EndName, _) if blank && !self.tag.is_empty() => State::AfterEndName,
            (State::AfterEndName, _) if blank => return Ok(()),
            (State::Name, '>' | '/') => {
                self.check_tag()?;
                if char == '>' {
                    self.opened(false)?
                } else {
                    State::Slash
                }
            }
            (State::Name, _) if blank => {
                self.check_tag()?;
                State::Between
            }
            (State::Name | State::EndName | State::AfterEndName, _) => {
                return Err(format!("`{char}` cannot be in a tag's name"))
            }
            (State::Between | State::Attribute, '>') => self.opened(false)?,
            (State::Between | State::Attribute, '/') => State::Slash,
            (State::Between | State::Attribute, _) if blank => State::Between,
            (State::Between, '=') => return Err("put no blank before `=`".into()),
            (State::Attribute, '=') => State::BeforeValue,
            (State::Between, _) if char.is_ascii_alphabetic() => {
                self.attribute = char.to_ascii_lowercase().into();
                State::Attribute
            }
            (State::Attribute, _) if char.is_ascii_alphanumeric() || "-_.:".contains(char) => {
                self.attribute.push(char.to_ascii_lowercase());
                return Ok(());
            }
            (State::Between | State::Attribute, _) => {
                return Err(format!("`{char}` cannot be in an attribute's name"));
            }
            (State::BeforeValue, _) if blank => return Ok(()),
            (State::BeforeValue, '"' | '\'') => {
                self.url = match takes(&self.tag, &self.attribute) {
                    Takes::Url(form) => Some(Url::new(form)),
                    Takes::Text | Takes::Nothing(_) => None,
                };
                State::Value(char)
            }
            (State::BeforeValue, _) => return Err(format!("put quotes around the value of `{}`", self.attribute)),
            (State::Value(quote), _) if *quote == char => {
                self.url = None;
                State::Between
            }
            (State::Value(_), _) => return self.url.as_mut().map_or(Ok(()), |url| url.feed(char)),
            (State::Slash, '>') => self.opened(true)?,
            (State::Slash, _) => return Err("`/` in a tag must be before `>`".into()),
            (State::Bang(read), _) => {
                read.push(char);
                match read.as_str() {
                    "-" => return Ok(()),
                    "--" => State::Comment("^".into()),
                    _ => return Err("`<!` begins a comment only, `<!-- ... -->`".into()),
                }
            }
            (State::Comment(read), _) => {
                if !comment(read, char)? {
                    return Ok(());
                }
                State::Text
            }
            (State::Opaque { .. }, _) => return self.opaque(char),
        };
        if matches!(state, State::Text) {
            self.tag.clear();
        }
        if matches!(state, State::Text | State::Between) {
            self.attribute.clear();
        }
        self.state = state;
        Ok(())
    }

    fn names(&self) -> Vec<&str> {
        self.open.iter().map(String::as_str).collect()
    }

    fn check_tag(&self) -> Result<(), String> {
        inside(&self.tag, &self.names()).map(|_| ())
    }

    /// A start tag ends.
    fn opened(&mut self, closes: bool) -> Result<State, String> {
        let names = self.names();
        let kind = inside(&self.tag, &names)?;
        let foreign = self.tag == "svg" || names.contains(&"svg");
        Ok(match kind {
            Inside::Void => State::Text,
            _ if closes && foreign => State::Text,
            _ if closes => return Err(format!("`/>` closes no <{0}>; write <{0}></{0}>", self.tag)),
            Inside::Normal => {
                self.open.push(self.tag.clone());
                State::Text
            }
            Inside::Text | Inside::Raw => {
                self.open.push(self.tag.clone());
                State::Opaque {
                    text: kind == Inside::Text,
                    end: String::new(),
                }
            }
        })
    }

    /// An end tag ends.
    fn close(&mut self) -> Result<State, String> {
        let tag = &self.tag;
        let last = self.open.last();
        if last != Some(tag) {
            return Err(match last {
                Some(last) => format!("</{tag}> while <{last}> is open; close elements in their order"),
                None => format!("</{tag}> closes nothing"),
            });
        }
        if self.open.len() <= self.floor {
            return Err(format!("the section closes <{tag}>, which was opened outside of it"));
        }
        self.open.pop();
        Ok(State::Text)
    }

    /// A character in an element without elements: its own end tag ends it.
    fn opaque(&mut self, char: char) -> Result<(), String> {
        let State::Opaque { end, .. } = &mut self.state else {
            return Ok(());
        };
        end.push(char.to_ascii_lowercase());
        let name = self.open.last().map(String::as_str).unwrap_or_default();
        if name == "script" && end.ends_with("<!--") {
            return Err("`<!--` in a script has parsers read on in another way; leave it out".into());
        }
        match end.strip_prefix("</").and_then(|rest| rest.strip_prefix(name)) {
            Some(">") => {
                self.tag = name.into();
                self.state = self.close()?;
                self.tag.clear();
            }
            Some("") => {}
            Some(_) => return Err(format!("write </{name}> without anything before `>`")),
            None => {
                let whole = format!("</{name}");
                while !(whole.starts_with(end.as_str()) || (name == "script" && "<!--".starts_with(end.as_str()))) {
                    end.remove(0);
                }
            }
        }
        Ok(())
    }
}

/// A character in a comment: whether it ends it.
fn comment(read: &mut String, char: char) -> Result<bool, String> {
    read.push(char);
    if matches!(read.as_str(), "^>" | "^->") {
        return Err("a comment that begins with `>` ends at once".into());
    }
    if matches!(read.as_str(), "-->" | "--!>") {
        return Ok(true);
    }
    while !matches!(read.as_str(), "" | "^" | "^-" | "-" | "--" | "--!") {
        read.remove(0);
    }
    Ok(false)
}
