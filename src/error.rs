//! The one error of the runtime.
//!
//! Every variant says what was read, what was expected and what came, and its text ends in a remedy.
//! [`Error::code`] is stable: hosts branch on it, texts may change.

use crate::hex::write_hex;
use std::fmt;

/// What went wrong while reading, verifying or packing.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// The bytes end before the value does.
    Truncated {
        /// What was being read, for instance `"snapshot header"`.
        what: &'static str,
        /// Offset of the value from the start of the input, in bytes.
        at: usize,
        /// Bytes that the value needs from `at`.
        needed: usize,
        /// Bytes that the input holds from `at`.
        got: usize,
    },
    /// The input does not begin with the magic of its kind.
    Magic {
        /// What the input was taken for.
        what: &'static str,
        /// The first four bytes expected.
        expected: [u8; 4],
        /// The first four bytes found.
        got: [u8; 4],
    },
    /// The format version is not one that this build reads.
    Version {
        /// What the input was taken for.
        what: &'static str,
        /// The newest version this build reads; it reads all from 1.
        newest: u16,
        /// The version found.
        got: u16,
    },
    /// The checksum over the content differs from the stored one.
    Checksum {
        /// What was checked.
        what: &'static str,
        /// First 8 bytes of the stored SHA-256.
        expected: [u8; 8],
        /// First 8 bytes of the computed SHA-256.
        got: [u8; 8],
    },
    /// The bytes are all there but break a rule of the format.
    Corrupt {
        /// The part that breaks the rule, for instance `"neighbours"`.
        what: &'static str,
        /// Where: an offset in bytes, or a row where the rule is about rows.
        at: usize,
        /// The rule.
        rule: &'static str,
    },
    /// A section that this operation needs is not in the snapshot.
    MissingSection {
        /// Name of the section.
        section: &'static str,
    },
    /// A number is over a limit of the format.
    Limit {
        /// What is limited.
        what: &'static str,
        /// The largest value allowed.
        max: usize,
        /// The value found.
        got: usize,
    },
    /// Two items cannot be told apart by the index (the same id twice, or a hash collision).
    DuplicateItem {
        /// Row of the first.
        first: usize,
        /// Row of the second.
        second: usize,
    },
    /// A weight is not a finite number, or out of its range.
    Weight {
        /// What holds the weight.
        what: &'static str,
        /// Index of the weight in it.
        at: usize,
    },
    /// The snapshot is not the one that the delta was made for.
    OtherBase {
        /// Id of the snapshot that the delta changes.
        expected: [u8; 16],
        /// Id of the snapshot given.
        got: [u8; 16],
    },
    /// The module has no snapshot of its own.
    NotEmbedded,
    /// The capsule's consent has run out.
    Expired {
        /// Last day of validity, days since 1970-01-01 UTC.
        until: u32,
        /// Today, likewise.
        today: u32,
    },
    /// No trusted key has signed the manifest.
    Unsigned,
    /// The signature of a trusted key does not fit the manifest.
    Signature {
        /// Id of the key.
        key: [u8; 8],
    },
    /// The manifest is for others.
    Audience {
        /// For whom this host takes manifests.
        expected: String,
        /// For whom it is.
        got: String,
    },
    /// The manifest is older than what is known.
    Older {
        /// The least sequence that is accepted.
        least: u32,
        /// The sequence of the manifest.
        got: u32,
    },
    /// A name that is not one of a fixed vocabulary.
    UnknownName {
        /// The vocabulary, for instance `"event"`.
        what: &'static str,
        /// The name given, cut to 64 characters.
        got: String,
        /// The names known.
        known: &'static str,
    },
}

impl Error {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Truncated { .. } => "truncated",
            Error::Magic { .. } => "magic",
            Error::Version { .. } => "version",
            Error::Checksum { .. } => "checksum",
            Error::Corrupt { .. } => "corrupt",
            Error::MissingSection { .. } => "missing_section",
            Error::Limit { .. } => "limit",
            Error::DuplicateItem { .. } => "duplicate_item",
            Error::Weight { .. } => "weight",
            Error::OtherBase { .. } => "other_base",
            Error::NotEmbedded => "not_embedded",
            Error::Expired { .. } => "expired",
            Error::Unsigned => "unsigned",
            Error::Signature { .. } => "signature",
            Error::Audience { .. } => "audience",
            Error::Older { .. } => "older",
            Error::UnknownName { .. } => "unknown_name",
        }
    }
}

/// What a text says in the place of a `#`.
enum Fact<'a> {
    Text(&'a str),
    Number(usize),
    /// In hexadecimal.
    Bytes(&'a [u8]),
}

impl Error {
    /// The text, with a `#` where each of the facts goes.
    fn text(&self) -> (&'static str, [Fact<'_>; 4]) {
        use Fact::{Bytes, Number, Text};
        const NONE: Fact<'_> = Text("");
        match self {
            Error::Truncated { what, at, needed, got } => (
                "#: cut short at byte #: needs # bytes, got #; fetch it again, whole",
                [Text(what), Number(*at), Number(*needed), Number(*got)],
            ),
            Error::Magic { what, expected, got } => (
                "#: begins with # in hexadecimal, expected #; this is another kind of file",
                [Text(what), Bytes(got), Bytes(expected), NONE],
            ),
            Error::Version { what, newest, got } => (
                "#: format version #, this build reads 1 to #; update pocketrank or pack again",
                [Text(what), Number((*got).into()), Number((*newest).into()), NONE],
            ),
            Error::Checksum { what, expected, got } => (
                "#: checksum # expected, # got; the bytes were changed on the way, fetch them again",
                [Text(what), Bytes(expected), Bytes(got), NONE],
            ),
            Error::Corrupt { what, at, rule } => (
                "#: at #: #; pack it again from its sources",
                [Text(what), Number(*at), Text(rule), NONE],
            ),
            Error::MissingSection { section } => (
                "snapshot has no section `#`; pack it with that section",
                [Text(section), NONE, NONE, NONE],
            ),
            Error::Limit { what, max, got } => (
                "#: # is over the limit of #; prune before packing",
                [Text(what), Number(*got), Number(*max), NONE],
            ),
            Error::DuplicateItem { first, second } => (
                "items # and # have the same id (or ids of equal hash); rename or merge one",
                [Number(*first), Number(*second), NONE, NONE],
            ),
            Error::Weight { what, at } => (
                "#: weight # is not finite or out of range; look for divisions by zero in training",
                [Text(what), Number(*at), NONE, NONE],
            ),
            Error::OtherBase { expected, got } => (
                "delta: changes snapshot #, this is #; fetch the delta for this one, or the whole snapshot",
                [Bytes(expected), Bytes(got), NONE, NONE],
            ),
            Error::NotEmbedded => (
                "the wasm has no snapshot of its own; load one, or make such a module by `pocketrank compile`",
                [NONE, NONE, NONE, NONE],
            ),
            Error::Expired { until, today } => (
                "capsule: valid to day #, today is day #; ask the visitor for consent again",
                [Number(*until as usize), Number(*today as usize), NONE, NONE],
            ),
            Error::Unsigned => (
                "manifest: no trusted key has signed it; sign it with a key that this host trusts, or pin the key that signed it",
                [NONE, NONE, NONE, NONE],
            ),
            Error::Signature { key } => (
                "manifest: the signature of key # does not fit; the bytes were changed on the way, fetch them again or sign again",
                [Bytes(key), NONE, NONE, NONE],
            ),
            Error::Audience { expected, got } => (
                "manifest: made for `#`, this host is `#`; look at the address it was fetched from",
                [Text(got), Text(expected), NONE, NONE],
            ),
            Error::Older { least, got } => (
                "manifest: sequence # is below #, the least that is accepted; publish again, under a higher one",
                [Number(*got as usize), Number(*least as usize), NONE, NONE],
            ),
            Error::UnknownName { what, got, known } => (
                "#: `#` is not known; use one of #",
                [Text(what), Text(got), Text(known), NONE],
            ),
        }
    }

    /// Writes the text. By itself and not by `core::fmt`, which takes 3 KB of the wasm as it travels.
    #[inline(never)]
    pub(crate) fn write(&self, out: &mut String) {
        let (text, facts) = self.text();
        let mut facts = facts.into_iter();
        for letter in text.bytes() {
            match letter {
                b'#' => match facts.next() {
                    Some(Fact::Text(text)) => out.push_str(text),
                    Some(Fact::Number(number)) => write_number(out, number),
                    Some(Fact::Bytes(bytes)) => write_hex(out, bytes),
                    None => {}
                },
                letter => out.push(char::from(letter)),
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write(&mut text);
        f.write_str(&text)
    }
}

impl std::error::Error for Error {}

/// Writes a number in decimal.
#[inline(never)]
pub(crate) fn write_number(out: &mut String, number: usize) {
    if number >= 10 {
        write_number(out, number / 10);
    }
    out.push(char::from(b'0' + (number % 10) as u8));
}

/// The runtime's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_name_every_fact() {
        for number in [0, 7, 10, 99, 100, 4_294_967_295, usize::MAX] {
            let error = Error::Weight { what: "w", at: number };
            assert!(
                error
                    .to_string()
                    .starts_with(&format!("w: weight {number} is not finite")),
                "{error}"
            );
        }
        let error = Error::Checksum {
            what: "snapshot",
            expected: [0, 1, 0x23, 0xab, 0xff, 0x10, 9, 0xa],
            got: [0; 8],
        };
        assert_eq!(
            error.to_string(),
            "snapshot: checksum 000123abff10090a expected, 0000000000000000 got; the bytes were changed on the way, fetch them again"
        );
    }
}
