//! Patches of the index: entries taken out, and entries added, where the buckets are the same.
//!
//! Patch: numbers of added and of removed entries; length of the gaps from one removed position to the next, and these; length of the
//! steps from one added entry's bucket to the next, and these; length of the steps from one added row to the next, in zigzag, and these;
//! then the added fingerprints. Added entries are in the order of the table. Numbers are varints, fingerprints have 4 bytes.

use super::rows::{run, New, Old};
use crate::bytes::u32_at;
use crate::snapshot::{row_at, row_width, Values};

/// An entry to be added.
struct Added {
    bucket: usize,
    fingerprint: u32,
    row: u32,
}

/// Added entries one after another.
struct Additions<'a> {
    left: usize,
    at: usize,
    bucket: usize,
    row: u32,
    buckets: Values<'a>,
    rows: Values<'a>,
    fingerprints: &'a [u8],
}

impl Additions<'_> {
    /// The next one, if there is one; `None` where the patch is cut short.
    fn next(&mut self) -> Option<Option<Added>> {
        if self.left == 0 {
            return Some(None);
        }
        self.left -= 1;
        self.bucket = self.bucket.checked_add(self.buckets.varint(32)? as usize)?;
        self.row = self.row.wrapping_add(unzigzag(self.rows.varint(32)?));
        self.at += 1;
        Some(Some(Added {
            bucket: self.bucket,
            fingerprint: u32_at(self.fingerprints, self.at - 1)?,
            row: self.row,
        }))
    }
}

/// The table that is written: bucket ends, fingerprints and rows.
struct Writer<'a> {
    fingerprints: &'a mut [u8],
    rows: &'a mut [u8],
    width: usize,
    entries: usize,
}

impl Writer<'_> {
    fn push(&mut self, fingerprint: u32, row: u32) -> Option<()> {
        let at = self.entries;
        put(self.fingerprints, 4, at, fingerprint)?;
        put(self.rows, self.width, at, row)?;
        self.entries += 1;
        Some(())
    }
}

/// Writes the `at`th number of that many bytes.
pub(super) fn put(table: &mut [u8], width: usize, at: usize, number: u32) -> Option<()> {
    let bytes = number.to_le_bytes();
    let to = table.get_mut(at * width..(at + 1) * width)?;
    to.copy_from_slice(bytes.get(..width)?);
    Some(())
}

/// `2x` for `x` from 0, `-2x - 1` below; wraps around.
pub(super) fn unzigzag(number: u32) -> u32 {
    (number >> 1) ^ (number & 1).wrapping_neg()
}

/// The number of buckets, and the table's parts: bucket ends, fingerprints, rows.
fn parts(table: &[u8], items: u32) -> Option<(usize, [&[u8]; 3])> {
    let buckets = 1usize.checked_shl(u32_at(table, 0)?)?;
    let (ends, rest) = table
        .get(4..)?
        .split_at_checked(buckets.checked_add(1)?.checked_mul(4)?)?;
    let (fingerprints, rows) = rest.split_at_checked(items as usize * 4)?;
    Some((buckets, [ends, fingerprints, rows]))
}

pub(super) fn apply((old, from): Old<'_>, patch: &[u8], (new, to): New<'_>) -> Option<()> {
    let mut values = Values(patch);
    let (left, mut removals) = (values.length()?, values.length()?);
    let mut removed = Values(run(&mut values)?);
    let mut additions = Additions {
        left,
        at: 0,
        bucket: 0,
        row: 0,
        buckets: Values(run(&mut values)?),
        rows: Values(run(&mut values)?),
        fingerprints: values.0,
    };
    let (buckets, [ends, fingerprints, rows]) = parts(old, from)?;
    if Some(additions.fingerprints.len()) != left.checked_mul(4) {
        return None;
    }
    let head = 4 + ends.len();
    let width = row_width(to);
    if new.len() != head + to as usize * (4 + width) {
        return None;
    }
    new.get_mut(..4)?.copy_from_slice(old.get(..4)?);
    let (new_ends, new_rest) = new.get_mut(4..)?.split_at_mut_checked(ends.len())?;
    let (new_fingerprints, new_rows) = new_rest.split_at_mut_checked(to as usize * 4)?;
    let mut writer = Writer {
        fingerprints: new_fingerprints,
        rows: new_rows,
        width,
        entries: 0,
    };
    let mut gap = |next: usize| match removals {
        0 => Some(usize::MAX),
        _ => {
            removals -= 1;
            next.checked_add(removed.varint(32)? as usize)
        }
    };
    let mut out = gap(0)?;
    let mut added = additions.next()?;
    let mut entry = 0;
    for bucket in 0..buckets {
        let end = u32_at(ends, bucket + 1)? as usize;
        while entry < end {
            let fingerprint = u32_at(fingerprints, entry)?;
            if entry == out {
                out = gap(entry + 1)?;
            } else {
                while let Some(new) = added.take_if(|new| (new.bucket, new.fingerprint) < (bucket, fingerprint)) {
                    writer.push(new.fingerprint, new.row)?;
                    added = additions.next()?;
                }
                writer.push(fingerprint, row_at(rows, row_width(from), entry)?)?;
            }
            entry += 1;
        }
        while let Some(new) = added.take_if(|new| new.bucket == bucket) {
            writer.push(new.fingerprint, new.row)?;
            added = additions.next()?;
        }
        put(new_ends, 4, bucket + 1, writer.entries as u32)?;
    }
    let spent = additions.buckets.0.is_empty() && additions.rows.0.is_empty() && removed.0.is_empty();
    (spent && added.is_none() && out == usize::MAX && writer.entries == to as usize).then_some(())
}

/// The patch that makes one table of the other; `None` where they have other buckets.
#[cfg(feature = "pack")]
pub(super) fn diff((old, from): Old<'_>, (new, to): Old<'_>) -> Option<Vec<u8>> {
    use super::diff::{push_run, push_varint, zigzag};
    use std::cmp::Ordering;
    let entries = |table, items| -> Option<Vec<(usize, u32, u32)>> {
        let (buckets, [ends, fingerprints, rows]) = parts(table, items)?;
        let mut entries = vec![];
        for bucket in 0..buckets {
            for entry in u32_at(ends, bucket)? as usize..u32_at(ends, bucket + 1)? as usize {
                let row = row_at(rows, row_width(items), entry)?;
                entries.push((bucket, u32_at(fingerprints, entry)?, row));
            }
        }
        Some(entries)
    };
    if old.get(..4)? != new.get(..4)? {
        return None;
    }
    let (old, new) = (entries(old, from)?, entries(new, to)?);
    let (mut removed, mut buckets, mut rows, mut fingerprints) = (vec![], vec![], vec![], vec![]);
    let (mut removals, mut additions, mut next) = (0, 0, 0);
    let (mut bucket, mut row) = (0, 0);
    let (mut left, mut right) = (0, 0);
    loop {
        let order = match (old.get(left), new.get(right)) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.cmp(new),
        };
        // An item that moved to another row is taken out and added.
        if order.is_lt() {
            push_varint(&mut removed, (left - next) as u32);
            next = left + 1;
            removals += 1;
        }
        if let Some(new) = new.get(right).filter(|_| order.is_gt()) {
            push_varint(&mut buckets, (new.0 - bucket) as u32);
            push_varint(&mut rows, zigzag(new.2.wrapping_sub(row)));
            fingerprints.extend(new.1.to_le_bytes());
            (bucket, row) = (new.0, new.2);
            additions += 1;
        }
        left += usize::from(order.is_le());
        right += usize::from(order.is_ge());
    }
    let mut out = vec![];
    push_varint(&mut out, additions);
    push_varint(&mut out, removals);
    push_run(&mut out, &removed);
    push_run(&mut out, &buckets);
    push_run(&mut out, &rows);
    out.extend(fingerprints);
    Some(out)
}
