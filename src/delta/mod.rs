//! Deltas: what changes from one snapshot, the base, to a newer one, the target.
//!
//! Invariant: [`Delta::apply`] gives the target, byte for byte, or an error, and leaves the base as it is. Of memory it takes the
//! target's bytes and less than 100 kB beside them. Bytes are never trusted: what they may make it reserve is bounded by the base and by
//! their own number. `diff` writes what this module reads; `docs/FORMAT.md` is the norm for both.
//!
//! How a section is patched follows from what it is: `index`, `neighbours`, and for tables of fixed width `rows`.

#[cfg(feature = "pack")]
mod diff;
mod index;
mod neighbours;
mod rows;

#[cfg(feature = "pack")]
pub use diff::diff;

use crate::bytes::{sha256, short, Reader};
use crate::error::{Error, Result};
use crate::snapshot::{
    at_most, write_head, Envelope, Section, Snapshot, SnapshotId, Values, HASHED_HEADER, HEADER, MAX_ITEMS,
};

/// The newest version of the format of deltas.
pub const DELTA_VERSION: u16 = 1;
/// Bytes of an entry of the table of patches: tag 4, kind 1, length of the section 4, length of the patch 4.
const ENTRY: usize = 13;
/// A patched section has at most twice the bytes of the base's and so many times those of its patch.
const GROWTH: usize = 16;

/// A delta, read in place.
#[derive(Debug, Clone, Copy)]
pub struct Delta<'a> {
    base: [u8; 32],
    target: [u8; 32],
    length: usize,
    items: u32,
    table: &'a [u8],
    patches: &'a [u8],
}

/// What a delta does with a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchKind {
    /// It stays as it is in the base.
    Kept,
    /// It is in the delta as a whole.
    Whole,
    /// Its changed rows are in the delta.
    Rows,
    /// All that changed lies in one run of bytes, which is in the delta.
    Span,
}

impl PatchKind {
    /// The kind's name in messages.
    pub fn name(self) -> &'static str {
        match self {
            PatchKind::Kept => "kept",
            PatchKind::Whole => "whole",
            PatchKind::Rows => "rows",
            PatchKind::Span => "span",
        }
    }
}

/// What makes one section of the target.
#[derive(Debug, Clone, Copy)]
pub struct Patch<'a> {
    /// The section.
    pub section: Section,
    /// What is done with it.
    pub kind: PatchKind,
    /// Bytes of the section in the target.
    pub length: usize,
    /// The patch: nothing, the section, or what changed in it.
    pub bytes: &'a [u8],
}

/// A snapshot's tables, as far as a patch needs them.
#[derive(Clone, Copy)]
struct Base<'a> {
    envelope: &'a Envelope,
    bytes: &'a [u8],
    items: u32,
}

impl<'a> Delta<'a> {
    /// The first four bytes, which tell a delta from a snapshot.
    pub const MAGIC: [u8; 4] = *b"PKRD";

    /// Reads header and table of patches, and checks that they describe exactly these bytes. Looks at no patch.
    ///
    /// # Errors
    /// What is wrong with the header or the table.
    #[inline(never)]
    pub fn open(bytes: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new("delta header", bytes);
        let got = reader.array()?;
        if got != Self::MAGIC {
            return Err(Error::Magic {
                what: "delta",
                expected: Self::MAGIC,
                got,
            });
        }
        let version = reader.u16()?;
        if version == 0 || version > DELTA_VERSION {
            return Err(Error::Version {
                what: "delta",
                newest: DELTA_VERSION,
                got: version,
            });
        }
        let sections = usize::from(reader.u16()?);
        at_most("delta sections", Section::ALL.len(), sections)?;
        let (length, items) = (reader.u32()? as usize, reader.u32()?);
        at_most("delta items", MAX_ITEMS as usize, items as usize)?;
        let (base, target) = (reader.array()?, reader.array()?);
        let table = reader.take(sections * ENTRY)?;
        let at = reader.at();
        let delta = Delta {
            base,
            target,
            length,
            items,
            table,
            patches: bytes.get(at..).unwrap_or_default(),
        };
        delta.check(at).map(|()| delta)
    }

    /// Checks the table of patches, which ends at that offset.
    fn check(&self, at: usize) -> Result<()> {
        let (mut before, mut end, mut patches) = (None, self.head() as u64, 0u64);
        for entry in self.table.chunks_exact(ENTRY) {
            let entry = Entry::read(entry).filter(|entry| before < Some(entry.section as usize));
            let entry = entry.ok_or(Error::Corrupt {
                what: "delta",
                at,
                rule: "sections are known ones, once each, in their order, and of known kinds",
            })?;
            before = Some(entry.section as usize);
            end = end.next_multiple_of(8) + u64::from(entry.length);
            patches += u64::from(entry.patch);
        }
        let got = self.patches.len();
        if patches > got as u64 {
            return Err(Error::Truncated {
                what: "delta",
                at,
                needed: usize::try_from(patches).unwrap_or(usize::MAX),
                got,
            });
        }
        if patches < got as u64 || end != self.length as u64 {
            return Err(Error::Corrupt {
                what: "delta",
                at,
                rule: "the bytes end with the last patch, and the target with its last section",
            });
        }
        Ok(())
    }

    /// Bytes of the target before its first section.
    fn head(&self) -> usize {
        HEADER + self.table.len() / ENTRY * crate::snapshot::ENTRY
    }

    /// Id of the snapshot that it changes.
    pub fn base(&self) -> SnapshotId {
        SnapshotId(short(&self.base))
    }

    /// Id of the snapshot that it makes.
    pub fn target(&self) -> SnapshotId {
        SnapshotId(short(&self.target))
    }

    /// Bytes of the snapshot that it makes.
    pub fn target_length(&self) -> usize {
        self.length
    }

    /// Items of the snapshot that it makes.
    pub fn items(&self) -> u32 {
        self.items
    }

    /// What makes the sections of the target, in the order of the file.
    pub fn patches(&self) -> impl Iterator<Item = Patch<'a>> + Clone + 'a {
        Patches {
            table: self.table,
            rest: self.patches,
        }
    }

    /// The target, whose bytes have the hash that the delta names. The base is told by the hash in its header, which need not have been
    /// verified: from bytes that do not fit it follow others than the target's, which are refused.
    ///
    /// # Errors
    /// [`Error::OtherBase`] for a snapshot that the delta was not made for, [`Error::Corrupt`] where patch and base do not fit together,
    /// [`Error::Checksum`] where something other than the target came out, [`Error::Limit`] where there is not memory enough for it.
    pub fn apply<B: AsRef<[u8]>>(&self, base: &Snapshot<B>) -> Result<Vec<u8>> {
        self.apply_to(Base {
            envelope: base.envelope(),
            bytes: base.as_bytes(),
            items: base.items(),
        })
    }

    #[inline(never)]
    fn apply_to(&self, base: Base<'_>) -> Result<Vec<u8>> {
        if *base.envelope.hash() != self.base {
            return Err(Error::OtherBase {
                expected: short(&self.base),
                got: base.envelope.id().0,
            });
        }
        // Before anything is reserved, so that the length cannot be more than base and delta account for.
        self.patches().try_for_each(|patch| patch.check(base))?;
        let mut out = Vec::new();
        out.try_reserve_exact(self.length).map_err(|_| Error::Limit {
            what: "snapshot bytes",
            max: base.bytes.len(),
            got: self.length,
        })?;
        let sections = self.patches().map(|patch| (patch.section, patch.length));
        write_head(&mut out, self.length, &self.target, sections);
        for patch in self.patches() {
            let start = out.len().next_multiple_of(8);
            out.resize(start + patch.length, 0);
            patch
                .write(base, self.items, out.get_mut(start..).unwrap_or_default())
                .ok_or(patch.unfit())?;
        }
        let head = out.get(..HASHED_HEADER).unwrap_or_default();
        let got = sha256(&[head, out.get(HEADER..).unwrap_or_default()]);
        if got != self.target {
            return Err(Error::Checksum {
                what: "delta's target",
                expected: short(&self.target),
                got: short(&got),
            });
        }
        if Snapshot::open(out.as_slice())?.items() != self.items {
            return Err(Error::Corrupt {
                what: "delta",
                at: 12,
                rule: "the number of items is the target's",
            });
        }
        Ok(out)
    }
}

/// Patches one after another.
#[derive(Clone)]
struct Patches<'a> {
    table: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Iterator for Patches<'a> {
    type Item = Patch<'a>;

    #[inline(never)]
    fn next(&mut self) -> Option<Patch<'a>> {
        let (entry, table) = self.table.split_at_checked(ENTRY)?;
        let entry = Entry::read(entry)?;
        let (bytes, rest) = self.rest.split_at_checked(entry.patch as usize)?;
        (self.table, self.rest) = (table, rest);
        Some(Patch {
            section: entry.section,
            kind: entry.kind,
            length: entry.length as usize,
            bytes,
        })
    }
}

impl Patch<'_> {
    /// The number of rows in it, changed, added or (in the index) taken out; 0 where it is of another kind.
    pub fn rows(&self) -> usize {
        match self.kind {
            PatchKind::Rows => rows::count(self.section, self.bytes).unwrap_or_default(),
            PatchKind::Kept | PatchKind::Whole | PatchKind::Span => 0,
        }
    }

    /// Checks the length of the section against what makes it.
    fn check(&self, base: Base<'_>) -> Result<()> {
        let old = base.envelope.section(base.bytes, self.section).map(<[u8]>::len);
        let fits = match self.kind {
            PatchKind::Kept => old == Some(self.length) && self.bytes.is_empty(),
            PatchKind::Whole => self.length == self.bytes.len(),
            PatchKind::Rows | PatchKind::Span => old.is_some_and(|old| self.length <= most(old, self.bytes.len())),
        };
        if fits {
            Ok(())
        } else {
            Err(self.unfit())
        }
    }

    /// Writes the section of a target of that many items over zeros; `None` where the patch does not fit the base.
    fn write(&self, base: Base<'_>, items: u32, new: &mut [u8]) -> Option<()> {
        let old = base.envelope.section(base.bytes, self.section).unwrap_or_default();
        let whole = match self.kind {
            PatchKind::Kept => old,
            PatchKind::Whole => self.bytes,
            PatchKind::Span => return span(old, self.bytes, new),
            PatchKind::Rows => {
                let (old, new) = ((old, base.items), (new, items));
                return match self.section {
                    Section::Index => index::apply(old, self.bytes, new),
                    Section::Neighbours => neighbours::apply(old, self.bytes, new),
                    section => rows::apply(section, old, self.bytes, new),
                };
            }
        };
        if new.len() == whole.len() {
            new.copy_from_slice(whole);
            return Some(());
        }
        None
    }

    fn unfit(&self) -> Error {
        Error::Corrupt {
            what: self.section.name(),
            at: 0,
            rule: "a delta's patch fits its base; fetch the whole snapshot instead",
        }
    }
}

/// The most bytes of a section that had `old` in the base.
fn most(old: usize, patch: usize) -> usize {
    old.saturating_mul(2).saturating_add(patch.saturating_mul(GROWTH))
}

/// Writes what was, but for one run of bytes. Patch: numbers of bytes before and behind it that stay, varints; then the run.
fn span(old: &[u8], patch: &[u8], new: &mut [u8]) -> Option<()> {
    let mut values = Values(patch);
    let (before, behind) = (values.length()?, values.length()?);
    let (head, rest) = old.split_at_checked(before)?;
    let (_, tail) = rest.split_at_checked(rest.len().checked_sub(behind)?)?;
    let (to, rest) = new.split_at_mut_checked(before)?;
    to.copy_from_slice(head);
    let (to, rest) = rest.split_at_mut_checked(values.0.len())?;
    to.copy_from_slice(values.0);
    (rest.len() == tail.len()).then(|| rest.copy_from_slice(tail))
}

/// An entry of the table of patches.
struct Entry {
    section: Section,
    kind: PatchKind,
    length: u32,
    patch: u32,
}

impl Entry {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (tag, rest) = bytes.split_first_chunk()?;
        let (kind, rest) = rest.split_first()?;
        let (length, rest) = rest.split_first_chunk()?;
        Some(Entry {
            section: Section::ALL.into_iter().find(|section| section.tag() == *tag)?,
            kind: match kind {
                0 => PatchKind::Kept,
                1 => PatchKind::Whole,
                2 => PatchKind::Rows,
                3 => PatchKind::Span,
                _ => return None,
            },
            length: u32::from_le_bytes(*length),
            patch: u32::from_le_bytes(*rest.first_chunk()?),
        })
    }
}
