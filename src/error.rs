//! The one error of the runtime.
//!
//! Every variant says what was read, what was expected and what came, and its text ends in a remedy.
//! [`Error::code`] is stable: hosts branch on it, texts may change.

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
    /// The module has no snapshot of its own.
    NotEmbedded,
    /// The capsule's consent has run out.
    Expired {
        /// Last day of validity, days since 1970-01-01 UTC.
        until: u32,
        /// Today, likewise.
        today: u32,
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
            Error::NotEmbedded => "not_embedded",
            Error::Expired { .. } => "expired",
            Error::UnknownName { .. } => "unknown_name",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Truncated { what, at, needed, got } => write!(
                f,
                "{what}: cut short at byte {at}: needs {needed} bytes, got {got}; fetch it again, whole"
            ),
            Error::Magic { what, expected, got } => write!(
                f,
                "{what}: begins with {} in hexadecimal, expected {}; this is another kind of file",
                Hex(got),
                Hex(expected)
            ),
            Error::Version { what, newest, got } => write!(
                f,
                "{what}: format version {got}, this build reads 1 to {newest}; update pocketrank or pack again"
            ),
            Error::Checksum { what, expected, got } => {
                write!(f, "{what}: checksum {} expected, {} got", Hex(expected), Hex(got))?;
                f.write_str("; the bytes were changed on the way, fetch them again")
            }
            Error::Corrupt { what, at, rule } => {
                write!(f, "{what}: at {at}: {rule}; pack it again from its sources")
            }
            Error::MissingSection { section } => {
                write!(f, "snapshot has no section `{section}`; pack it with that section")
            }
            Error::Limit { what, max, got } => {
                write!(f, "{what}: {got} is over the limit of {max}; prune before packing")
            }
            Error::DuplicateItem { first, second } => write!(
                f,
                "items {first} and {second} have the same id (or ids of equal hash); rename or merge one"
            ),
            Error::Weight { what, at } => write!(
                f,
                "{what}: weight {at} is not finite or out of range; look for divisions by zero in training"
            ),
            Error::NotEmbedded => f.write_str(
                "the wasm has no snapshot of its own; load one, or make such a module by `pocketrank compile`",
            ),
            Error::Expired { until, today } => write!(
                f,
                "capsule: valid to day {until}, today is day {today}; ask the visitor for consent again"
            ),
            Error::UnknownName { what, got, known } => {
                write!(f, "{what}: `{got}` is not known; use one of {known}")
            }
        }
    }
}

impl std::error::Error for Error {}

/// Bytes in lower-case hexadecimal.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The runtime's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;
