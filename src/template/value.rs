//! What templates are filled with.
//!
//! Invariant: names are numbers, those of the templates' table; who fills looks a name up once, not at every place.

use std::borrow::Cow;

/// A value of a field.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value<'a> {
    /// What is not there.
    #[default]
    Nothing,
    /// Whether something holds.
    Flag(bool),
    /// A number, as it is shown.
    Number(Cow<'a, str>),
    /// A text; HTML where the field is declared so.
    Text(Cow<'a, str>),
    /// Values, one after another.
    List(Vec<Value<'a>>),
    /// Values by the numbers of their names.
    Fields(Vec<(u16, Value<'a>)>),
    /// Another's fields, with some in place of its own.
    Over(&'a Value<'a>, Vec<(u16, Value<'a>)>),
}

impl<'a> Value<'a> {
    /// A text that somebody else has.
    pub fn text(text: &'a str) -> Self {
        Value::Text(Cow::Borrowed(text))
    }

    /// A text of its own.
    pub fn owned(text: String) -> Self {
        Value::Text(Cow::Owned(text))
    }

    /// A field of it, if it has fields and that one.
    #[inline(never)]
    pub fn field(&self, name: u16) -> Option<&Value<'a>> {
        let (fields, base) = match self {
            Value::Fields(fields) => (fields, None),
            Value::Over(base, fields) => (fields, Some(*base)),
            _ => return None,
        };
        match fields.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => Some(value),
            None => base?.field(name),
        }
    }

    /// What a placeholder shows of it; nothing of what is no text.
    pub fn shown(&self) -> &str {
        match self {
            Value::Number(text) | Value::Text(text) => text,
            _ => "",
        }
    }

    /// Whether a section shows its content, and an inverted one does not. What is not there, false, 0, empty or an empty list does not count.
    pub(super) fn counts(&self) -> bool {
        match self {
            Value::Nothing => false,
            Value::Flag(flag) => *flag,
            Value::Number(text) => text.bytes().any(|byte| matches!(byte, b'1'..=b'9')),
            Value::Text(text) => !text.is_empty(),
            Value::List(list) => !list.is_empty(),
            Value::Fields(_) | Value::Over(..) => true,
        }
    }
}
