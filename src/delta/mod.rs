//! Deltas: what changes from one snapshot, the base, to a newer one, the target.
//!
//! Invariant: [`Delta::apply_chain`] gives the target, byte for byte, or an error, and leaves the base as it is. Of memory it takes the
//! target's bytes, less than 20 kB beside them and less than 1 kB for each delta. Bytes are never trusted: what they may make it
//! reserve is bounded by the base and by their own number. `diff` writes what this module reads; `docs/FORMAT.md` is the norm for both.
//!
//! `chain` takes each section through its patches. How it is patched follows from what it is: `span`, `index`, `neighbours`, and for
//! tables of fixed width `rows`.

mod chain;
#[cfg(feature = "pack")]
mod diff;
mod index;
mod neighbours;
mod rows;
mod span;

#[cfg(feature = "pack")]
pub use diff::diff;

use crate::bytes::{short, Reader};
use crate::error::{Error, Result};
use crate::snapshot::{at_most, Envelope, Section, Snapshot, SnapshotId, HEADER, MAX_ITEMS};

/// The newest version of the format of deltas.
pub const DELTA_VERSION: u16 = 1;
/// Bytes of an entry of the table of patches: tag 4, kind 1, length of the section 4, length of the patch 4.
const ENTRY: usize = 13;

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
    /// A table: its changed rows are in the delta.
    Rows,
    /// No table: all that changed lies in one run of bytes, which is in the delta.
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
        reader.begin("delta", Self::MAGIC, DELTA_VERSION)?;
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
                rule: "sections are known ones, once each, in their order, and of kinds that are theirs",
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
        Delta::apply_chain(base, std::slice::from_ref(self))
    }

    /// The target of the last of some deltas, each made for the target of the one before it, and the first for the base. It takes no more
    /// memory than one of them would: none of the snapshots between is made, and only the last one's hash is checked.
    ///
    /// # Errors
    /// Those of [`Delta::apply`]; [`Error::OtherBase`] as well where a delta does not follow on the one before it, and [`Error::Corrupt`]
    /// where there is none.
    pub fn apply_chain<B: AsRef<[u8]>>(base: &Snapshot<B>, deltas: &[Delta<'_>]) -> Result<Vec<u8>> {
        let base = Base {
            envelope: base.envelope(),
            bytes: base.as_bytes(),
            items: base.items(),
        };
        chain::apply(base, deltas)
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
}

/// An entry of the table of patches.
struct Entry {
    section: Section,
    kind: PatchKind,
    length: u32,
    patch: u32,
}

impl Entry {
    /// Reads it; `None` where the section or its kind is not known, or the kind none for that section.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (tag, rest) = bytes.split_first_chunk()?;
        let (kind, rest) = rest.split_first()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (length, patch) = (u32::from_le_bytes(*length), u32::from_le_bytes(*rest.first_chunk()?));
        let section = Section::ALL.into_iter().find(|section| section.tag() == *tag)?;
        let (kind, fits) = match kind {
            0 => (PatchKind::Kept, patch == 0),
            1 => (PatchKind::Whole, patch == length),
            2 => (PatchKind::Rows, section.is_table()),
            3 => (PatchKind::Span, !section.is_table()),
            _ => return None,
        };
        let entry = Entry {
            section,
            kind,
            length,
            patch,
        };
        fits.then_some(entry)
    }
}
