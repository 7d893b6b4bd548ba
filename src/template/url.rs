//! Where in an address a placeholder stands, and how its value is escaped there.
//!
//! Invariant: the scheme of an address is written in the template, or is that of a value that was checked from its first character.

use super::escape::Escape;

/// What an attribute's value holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One address.
    One,
    /// Addresses with descriptors, commas between: `srcset`.
    Set,
    /// Addresses with blanks between: `ping`.
    Blanks,
}

/// How much of an address is known.
#[derive(Debug, Clone, PartialEq, Eq)]
enum At {
    /// Nothing of it was written.
    Start,
    /// So much was written, which does not tell its scheme yet.
    Prefix(String),
    /// Its scheme is settled, and so is that what follows is within path, query or fragment.
    Settled,
    /// A checked value was written: it may be relative and empty.
    Checked,
    /// Behind an address of a set.
    Descriptor,
}

/// The value of an attribute with addresses, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url {
    form: Form,
    at: At,
}

/// Schemes that a template may write before a placeholder.
const SCHEMES: [&str; 5] = ["http:", "https:", "mailto:", "tel:", "sms:"];

impl Url {
    pub(super) fn new(form: Form) -> Self {
        Url { form, at: At::Start }
    }

    /// Takes in a character of the template, references resolved.
    pub(super) fn feed(&mut self, char: char) -> Result<(), String> {
        let ends = match self.form {
            Form::One => false,
            Form::Set | Form::Blanks => char.is_ascii_whitespace() || (self.form == Form::Set && char == ','),
        };
        if ends {
            self.at = match self.at {
                At::Start => At::Start,
                _ if self.form == Form::Set && char != ',' => At::Descriptor,
                _ => At::Start,
            };
            return Ok(());
        }
        match &mut self.at {
            At::Start if char.is_ascii_whitespace() => {}
            At::Start => self.at = settle(String::from(char)),
            At::Prefix(text) => {
                text.push(char);
                self.at = settle(std::mem::take(text));
            }
            At::Checked if matches!(char, '/' | '?' | '#') => self.at = At::Settled,
            At::Checked if char == ':' || char.is_control() => {
                return Err("`:` behind a placeholder could make its value a scheme, such as `javascript:`; begin the address in the template, or put all of it into the value".into());
            }
            At::Settled | At::Checked | At::Descriptor => {}
        }
        Ok(())
    }

    /// Takes in a placeholder.
    pub(super) fn placeholder(&mut self) -> Result<Escape, String> {
        match &self.at {
            At::Start => {
                self.at = At::Checked;
                Ok(match self.form {
                    Form::One => Escape::Url,
                    Form::Set | Form::Blanks => Escape::Listed,
                })
            }
            At::Settled | At::Checked => Ok(Escape::Part),
            At::Prefix(text) => Err(format!(
                "`{text}` before the placeholder does not settle where the address leads; begin it with `/`, `https://` or another of {}, or put all of it into the value",
                SCHEMES.join(" ")
            )),
            At::Descriptor => Err("a placeholder cannot be behind an address of a set; write the descriptor in the template".into()),
        }
    }
}

/// What is known of an address with this beginning.
fn settle(text: String) -> At {
    let head = text.split(['/', '?', '#']).next().unwrap_or_default();
    let has_scheme = head.contains(':');
    let known = SCHEMES
        .iter()
        .any(|scheme| head.to_ascii_lowercase().starts_with(scheme));
    let odd = |char: char| char.is_control() || char.is_whitespace();
    // Of http and https the slashes must be there: `https:{{x}}` is another thing in every browser.
    let web = head.len() >= 4 && head.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("http"));
    let settled = if has_scheme {
        known && (!web || head.len() < text.len())
    } else {
        head.len() < text.len() && !head.contains(odd)
    };
    if settled {
        At::Settled
    } else {
        At::Prefix(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of the placeholders `*` in a value.
    fn escapes(form: Form, text: &str) -> Result<Vec<Escape>, String> {
        let mut url = Url::new(form);
        let mut escapes = vec![];
        for char in text.chars() {
            match char {
                '*' => escapes.push(url.placeholder()?),
                char => url.feed(char)?,
            }
        }
        Ok(escapes)
    }

    #[test]
    fn a_scheme_is_written_or_checked() {
        use Escape::{Listed, Part, Url};
        for (text, expected) in [
            ("*", vec![Url]),
            (" *", vec![Url]),
            ("**", vec![Url, Part]),
            ("*/a?b=*", vec![Url, Part]),
            ("*.html", vec![Url]),
            ("/p/*", vec![Part]),
            ("p/*", vec![Part]),
            ("?q=*", vec![Part]),
            ("#*", vec![Part]),
            ("https://*/a", vec![Part]),
            ("HTTPS://shop.example/*", vec![Part]),
            ("mailto:*", vec![Part]),
            ("javascript:alert(1)", vec![]),
        ] {
            assert_eq!(escapes(Form::One, text), Ok(expected), "{text}");
        }
        for wrong in [
            "javascript:*",
            "java*",
            "https:*",
            "data:text/html,*",
            "*:alert(1)",
            "**:",
            "x:/*",
            "vbscript:*",
            "java\nscript:/*",
            "\u{1}/*",
            "a b/*",
        ] {
            assert!(escapes(Form::One, wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(
            escapes(Form::Set, "* 1x, /b/*.png 2x,*"),
            Ok(vec![Listed, Part, Listed])
        );
        assert_eq!(escapes(Form::Blanks, "* /b *"), Ok(vec![Listed, Listed]));
        assert!(escapes(Form::Set, "/a.png *").is_err());
        assert!(escapes(Form::Set, "/a.png, java*").is_err());
    }
}
