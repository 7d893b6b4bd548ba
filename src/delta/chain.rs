//! Makes a target of its base and of a chain of deltas, in one pass.
//!
//! Invariant: what is reserved are the target, a few words for each patch, and a row or bucket of a table at a time. A section goes through
//! all its patches at once, from where it last was whole, so that no snapshot between the base and the target is ever there.

use super::{index, neighbours, rows, span, Base, Delta};
use crate::bytes::{same, sha256, short};
use crate::error::{Error, Result};
use crate::snapshot::{check_length, write_head, Section, Snapshot, HASHED_HEADER, HEADER};

/// A patched section has at most twice the bytes that it had and so many times those of its patches.
const GROWTH: usize = 16;

/// A table with its number of rows.
pub(super) type Old<'a> = (&'a [u8], u32);
/// A patch with the number of rows that it leaves.
pub(super) type Step<'a> = (&'a [u8], u32);
/// Zeros to be overwritten, with the number of rows.
pub(super) type New<'a> = (&'a mut [u8], u32);

#[inline(never)]
pub(super) fn apply(base: Base<'_>, deltas: &[Delta<'_>]) -> Result<Vec<u8>> {
    let mut hash = base.envelope.hash();
    for delta in deltas {
        if delta.base != *hash {
            return Err(Error::OtherBase {
                expected: short(&delta.base),
                got: short(hash),
            });
        }
        hash = &delta.target;
    }
    let last = deltas.last().ok_or(Error::Corrupt {
        what: "deltas",
        at: 0,
        rule: "there is one at least",
    })?;
    // Before the target is reserved, so that its length cannot be more than base and deltas account for.
    let mut sections = Vec::new();
    for patch in last.patches() {
        let changes = Changes::of(patch.section, patch.length, base, deltas);
        sections.push(changes.ok_or(unfit(patch.section))?);
    }
    let mut out = Vec::new();
    out.try_reserve_exact(last.length).map_err(|_| Error::Limit {
        what: "snapshot bytes",
        max: base.bytes.len(),
        got: last.length,
    })?;
    let lengths = last.patches().map(|patch| (patch.section, patch.length));
    write_head(&mut out, last.length, &last.target, lengths);
    for changes in &sections {
        let start = out.len().next_multiple_of(8);
        out.resize(start + changes.length, 0);
        changes
            .write((out.get_mut(start..).unwrap_or_default(), last.items))
            .ok_or(unfit(changes.section))?;
    }
    let head = out.get(..HASHED_HEADER).unwrap_or_default();
    let got = sha256(&[head, out.get(HEADER..).unwrap_or_default()]);
    same("delta's target", &last.target, &got)?;
    if Snapshot::open(out.as_slice())?.items() != last.items {
        return Err(Error::Corrupt {
            what: "delta",
            at: 12,
            rule: "the number of items is the target's",
        });
    }
    Ok(out)
}

fn unfit(section: Section) -> Error {
    Error::Corrupt {
        what: section.name(),
        at: 0,
        rule: "a delta's patch fits its base; fetch the whole snapshot instead",
    }
}

/// What makes a section of the target: what it was, and the patches since, in their order.
pub(super) struct Changes<'a> {
    pub(super) section: Section,
    /// Bytes that it has in the target.
    pub(super) length: usize,
    pub(super) old: Old<'a>,
    pub(super) steps: Vec<Step<'a>>,
}

impl<'a> Changes<'a> {
    /// Those of a chain; `None` where there is nothing to be patched, or a length that does not follow from it.
    fn of(section: Section, length: usize, base: Base<'a>, deltas: &[Delta<'a>]) -> Option<Self> {
        let mut old = base.envelope.section(base.bytes, section).map(|old| (old, base.items));
        let mut steps: Vec<Step<'a>> = Vec::new();
        for delta in deltas {
            use super::PatchKind::{Kept, Rows, Span, Whole};
            let patch = delta.patches().find(|patch| patch.section == section);
            match patch.map(|patch| (patch.kind, patch.bytes)) {
                Some((Kept, _)) => {}
                Some((Rows | Span, bytes)) => steps.push((bytes, delta.items)),
                Some((Whole, bytes)) => {
                    old = Some((bytes, delta.items));
                    steps.clear();
                }
                None => {
                    old = None;
                    steps.clear();
                }
            }
        }
        let changes = Changes {
            section,
            length,
            old: old?,
            steps,
        };
        changes.fits().then_some(changes)
    }

    /// Whether the length can be what comes of it.
    pub(super) fn fits(&self) -> bool {
        let (old, items) = self.old;
        if self.steps.is_empty() {
            return self.length == old.len();
        }
        let most = self.steps.iter().fold(old.len().saturating_mul(2), |most, (patch, _)| {
            most.saturating_add(patch.len().saturating_mul(GROWTH))
        });
        // One from the middle of a chain is of a snapshot that nobody opened.
        self.length <= most && check_length(self.section, old, items).is_ok()
    }

    /// Writes the section; `None` where a patch does not fit what it changes.
    pub(super) fn write(&self, (new, items): New<'_>) -> Option<()> {
        let (old, steps) = (self.old, self.steps.as_slice());
        if steps.is_empty() {
            return (new.len() == old.0.len()).then(|| new.copy_from_slice(old.0));
        }
        match self.section {
            section if !section.is_table() => span::apply(old.0, steps, new),
            Section::Index => index::apply(old, steps, (new, items)),
            Section::Neighbours => neighbours::apply(old, steps, (new, items)),
            section => rows::apply(section, old, steps, (new, items)),
        }
    }
}
