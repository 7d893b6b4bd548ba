//! Writes deltas.
//!
//! Invariant: equal input gives equal bytes, and what is written makes the target of the base; anything else is an error.

use super::chain::Changes;
use super::{index, neighbours, rows, span, Base, Delta, PatchKind, DELTA_VERSION};
use crate::error::{Error, Result};
use crate::snapshot::{Section, Snapshot};

/// The delta that makes `target` of `base`: of each section nothing, what changed in it or, where this takes as many bytes, the whole.
/// Streams are whole bytes, alike ones together, for the compression of the transport.
///
/// # Errors
/// What is wrong with a snapshot, where it was not verified.
pub fn diff<B: AsRef<[u8]>, T: AsRef<[u8]>>(base: &Snapshot<B>, target: &Snapshot<T>) -> Result<Vec<u8>> {
    target.verify_id()?;
    let from = Base {
        envelope: base.envelope(),
        bytes: base.as_bytes(),
        items: base.items(),
    };
    let patches: Vec<(PatchKind, Section, &[u8], Vec<u8>)> = target
        .sections()
        .filter_map(|(section, _)| {
            let new = target.envelope().section(target.as_bytes(), section)?;
            let (kind, patch) = patch(from, section, new, target.items());
            Some((kind, section, new, patch))
        })
        .collect();
    let mut out = Delta::MAGIC.to_vec();
    out.extend(DELTA_VERSION.to_le_bytes());
    out.extend((patches.len() as u16).to_le_bytes());
    out.extend((target.as_bytes().len() as u32).to_le_bytes());
    out.extend(target.items().to_le_bytes());
    out.extend(base.envelope().hash());
    out.extend(target.envelope().hash());
    for (kind, section, new, patch) in &patches {
        out.extend(section.tag());
        out.push(*kind as u8);
        out.extend((new.len() as u32).to_le_bytes());
        out.extend((patch.len() as u32).to_le_bytes());
    }
    patches.iter().for_each(|(.., patch)| out.extend(patch));
    if Delta::open(&out)?.apply(base)? != target.as_bytes() {
        return Err(Error::Corrupt {
            what: "delta",
            at: 0,
            rule: "a delta makes its target",
        });
    }
    Ok(out)
}

/// What makes a section of the target.
fn patch(base: Base<'_>, section: Section, new: &[u8], items: u32) -> (PatchKind, Vec<u8>) {
    let whole = (PatchKind::Whole, new.to_vec());
    let Some(old) = base.envelope.section(base.bytes, section) else {
        return whole;
    };
    if old == new {
        return (PatchKind::Kept, vec![]);
    }
    let (from, to) = ((old, base.items), (new, items));
    let (kind, bytes) = match section {
        section if !section.is_table() => (PatchKind::Span, Some(span::diff(old, new))),
        Section::Index => (PatchKind::Rows, index::diff(from, to)),
        Section::Neighbours => (PatchKind::Rows, neighbours::diff(from, to)),
        section => (PatchKind::Rows, rows::diff(section, from, to)),
    };
    // A row that another writer wrote in another way comes out otherwise than it was.
    let makes = |bytes: &[u8]| {
        let mut made = vec![0; new.len()];
        let changes = Changes {
            section,
            length: new.len(),
            old: from,
            steps: vec![(bytes, items)],
        };
        changes.fits() && changes.write((&mut made, items)).is_some() && made == new
    };
    let good = |bytes: &Vec<u8>| bytes.len() < new.len() && makes(bytes);
    bytes.filter(good).map_or(whole, |bytes| (kind, bytes))
}

/// A varint: 7 bits a byte, the lowest first.
pub(super) fn push_varint(out: &mut Vec<u8>, mut number: u32) {
    while number >= 128 {
        out.push(number as u8 | 128);
        number >>= 7;
    }
    out.push(number as u8);
}

/// A run of bytes behind its length.
pub(super) fn push_run(out: &mut Vec<u8>, run: &[u8]) {
    push_varint(out, run.len() as u32);
    out.extend(run);
}

/// Small numbers for small differences, to either side.
pub(super) fn zigzag(number: u32) -> u32 {
    number << 1 ^ ((number as i32) >> 31) as u32
}
