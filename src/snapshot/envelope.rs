//! Header and section table: where each part of a snapshot lies, and its content id.
//!
//! Invariant: sections lie one behind the other in the order of [`Section::ALL`], each at the next multiple of 8, with
//! zeros between; so equal sections give equal bytes.

use crate::bytes::{same, sha256, short, Reader};
use crate::error::{Error, Result};
use crate::hex::hex;
use serde::Serialize;
use std::fmt;

/// The newest format version.
pub const VERSION: u16 = 1;
/// The most items of a snapshot.
pub const MAX_ITEMS: u32 = 1 << 24;
const MAGIC: [u8; 4] = *b"PKRK";
/// Bytes before the section table: magic 4, version 2, sections 2, length 8, SHA-256 32.
pub(crate) const HEADER: usize = 48;
/// Bytes of the header that the hash covers.
pub(crate) const HASHED_HEADER: usize = 16;
/// Bytes of an entry of the section table: tag 4, offset 4, length 4.
pub(crate) const ENTRY: usize = 12;

/// After so many bytes [`length`] can tell.
pub(crate) const LENGTH_KNOWN: usize = HASHED_HEADER;

/// Bytes of the whole snapshot, as its first bytes claim.
pub(crate) fn length(bytes: &[u8]) -> Result<u64> {
    Ok(Start::read(&mut Reader::new("snapshot header", bytes))?.length)
}

/// Writes header and section table of a snapshot of `length` bytes with sections of these lengths.
pub(crate) fn write_head(
    out: &mut Vec<u8>,
    length: usize,
    hash: &[u8; 32],
    sections: impl Iterator<Item = (Section, usize)> + Clone,
) {
    let count = sections.clone().count();
    out.extend(MAGIC);
    out.extend(VERSION.to_le_bytes());
    out.extend((count as u16).to_le_bytes());
    out.extend((length as u64).to_le_bytes());
    out.extend(hash);
    let mut end = HEADER + count * ENTRY;
    for (section, length) in sections {
        let start = end.next_multiple_of(8);
        end = start + length;
        out.extend(section.tag());
        out.extend((start as u32).to_le_bytes());
        out.extend((length as u32).to_le_bytes());
    }
}

/// The part of the header that the hash covers.
struct Start {
    sections: usize,
    length: u64,
}

impl Start {
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        reader.begin("snapshot", MAGIC, VERSION)?;
        let [s0, s1, length @ ..] = reader.array::<10>()?;
        Ok(Start {
            sections: usize::from(u16::from_le_bytes([s0, s1])),
            length: u64::from_le_bytes(length),
        })
    }
}

/// The parts of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// What the snapshot says of itself (`postcard`).
    Meta,
    /// How scores are made and mixed (`postcard`).
    Blend,
    /// Item hash to row.
    Index,
    /// Popularity, trend and age.
    Prior,
    /// Category, brand and price band.
    Attributes,
    /// Names behind the attribute codes (`postcard`).
    Labels,
    /// Item-item weights.
    Neighbours,
    /// Vectors of taste.
    Factors,
    /// Vectors of content.
    Content,
    /// Features and experiments (`postcard`).
    Experiments,
    /// Rules (`postcard`).
    Rules,
    /// Compiled templates (`postcard`).
    Templates,
}

impl Section {
    pub(super) const COUNT: usize = 12;
    /// All sections, in the order of the file.
    pub const ALL: [Section; Self::COUNT] = [
        Section::Meta,
        Section::Blend,
        Section::Index,
        Section::Prior,
        Section::Attributes,
        Section::Labels,
        Section::Neighbours,
        Section::Factors,
        Section::Content,
        Section::Experiments,
        Section::Rules,
        Section::Templates,
    ];

    /// The tag in the section table.
    pub(crate) fn tag(self) -> [u8; 4] {
        match self {
            Section::Meta => *b"META",
            Section::Blend => *b"BLND",
            Section::Index => *b"INDX",
            Section::Prior => *b"PRIR",
            Section::Attributes => *b"ATTR",
            Section::Labels => *b"LABL",
            Section::Neighbours => *b"NEIB",
            Section::Factors => *b"FACT",
            Section::Content => *b"CONT",
            Section::Experiments => *b"EXPR",
            Section::Rules => *b"RULE",
            Section::Templates => *b"TMPL",
        }
    }

    /// Whether it is a table, by rows or entries, and no `postcard` value.
    pub(crate) fn is_table(self) -> bool {
        !matches!(
            self,
            Section::Meta
                | Section::Blend
                | Section::Labels
                | Section::Experiments
                | Section::Rules
                | Section::Templates
        )
    }

    /// The section's name in design and messages.
    pub fn name(self) -> &'static str {
        match self {
            Section::Meta => "meta",
            Section::Blend => "blend",
            Section::Index => "index",
            Section::Prior => "prior",
            Section::Attributes => "attributes",
            Section::Labels => "labels",
            Section::Neighbours => "neighbours",
            Section::Factors => "factors",
            Section::Content => "content",
            Section::Experiments => "experiments",
            Section::Rules => "rules",
            Section::Templates => "templates",
        }
    }
}

/// The content id: the first 16 bytes of the SHA-256 over header and content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct SnapshotId(pub [u8; 16]);

impl SnapshotId {
    /// In hexadecimal.
    pub(crate) fn text(&self) -> String {
        hex(&self.0)
    }
}

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// The header, read.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    hash: [u8; 32],
    /// Of sections that are not there both are 0.
    ranges: [(usize, usize); Section::COUNT],
}

impl Envelope {
    /// Reads header and section table and checks that they describe exactly these bytes.
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new("snapshot header", bytes);
        let Start { sections, length } = Start::read(&mut reader)?;
        if length > bytes.len() as u64 {
            let needed = usize::try_from(length).unwrap_or(usize::MAX);
            return Err(Error::Truncated {
                what: "snapshot",
                at: 0,
                needed,
                got: bytes.len(),
            });
        }
        let hash = reader.array()?;
        if sections > Section::COUNT {
            return Err(Error::Limit {
                what: "snapshot sections",
                max: Section::COUNT,
                got: sections,
            });
        }
        let mut ranges = [(0, 0); Section::COUNT];
        let mut known = Section::ALL.into_iter().zip(ranges.iter_mut());
        let mut end = HEADER + sections * ENTRY;
        for _ in 0..sections {
            let corrupt = |at, rule| Error::Corrupt {
                what: "section table",
                at,
                rule,
            };
            let at = reader.at();
            let tag: [u8; 4] = reader.array()?;
            let (start, len) = (reader.u32()? as usize, reader.u32()? as usize);
            let (_, range) = known
                .find(|(section, _)| section.tag() == tag)
                .ok_or(corrupt(at, "sections are known ones, once each, in their order"))?;
            if start != end.next_multiple_of(8) {
                return Err(corrupt(at + 4, "a section begins at the next multiple of 8"));
            }
            end = start
                .checked_add(len)
                .filter(|end| *end <= bytes.len())
                .ok_or(Error::Truncated {
                    what: "snapshot section",
                    at: start,
                    needed: len,
                    got: bytes.len().saturating_sub(start),
                })?;
            *range = (start, end);
        }
        if end != bytes.len() || length != bytes.len() as u64 {
            return Err(Error::Corrupt {
                what: "snapshot",
                at: end,
                rule: "the bytes end with the last section",
            });
        }
        Ok(Envelope { hash, ranges })
    }

    /// Checks the hash and that the padding is zero.
    pub(super) fn verify(&self, bytes: &[u8]) -> Result<()> {
        let head = bytes.get(..HASHED_HEADER).unwrap_or_default();
        let content = bytes.get(HEADER..).unwrap_or_default();
        let got = sha256(&[head, content]);
        same("snapshot", &self.hash, &got)?;
        let mut end = HEADER + self.sections().count() * ENTRY;
        for (start, section_end) in self.ranges.into_iter().filter(|(start, _)| *start > 0) {
            if bytes.get(end..start).unwrap_or_default().iter().any(|byte| *byte != 0) {
                return Err(Error::Corrupt {
                    what: "snapshot",
                    at: end,
                    rule: "padding is zero",
                });
            }
            end = section_end;
        }
        Ok(())
    }

    /// The whole hash, of which the id is the beginning.
    pub(crate) fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    pub(crate) fn id(&self) -> SnapshotId {
        SnapshotId(short(&self.hash))
    }

    pub(crate) fn section<'a>(&self, bytes: &'a [u8], section: Section) -> Option<&'a [u8]> {
        let (start, end) = *self.ranges.get(section as usize)?;
        bytes.get(start..end).filter(|_| start > 0)
    }

    pub(super) fn sections(&self) -> impl Iterator<Item = (Section, usize)> + '_ {
        let all = Section::ALL.into_iter().zip(self.ranges.iter());
        all.filter_map(|(section, (start, end))| (*start > 0).then_some((section, end - start)))
    }
}
