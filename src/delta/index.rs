//! Patches of the index: entries taken out, and entries added, where the buckets are the same.
//!
//! Patch: numbers of added and of removed entries; length of the gaps from one removed position to the next, and these; length of the
//! steps from one added entry's bucket to the next, and these; length of the steps from one added row to the next, in zigzag, and these;
//! then the added fingerprints. Added entries are in the order of the table. Numbers are varints, fingerprints have 4 bytes.

use super::chain::{New, Old, Step};
use super::rows::run;
use crate::bytes::u32_at;
use crate::snapshot::{row_at, row_width, Values};

/// An entry of a bucket: fingerprint and row.
type Entry = (u32, u32);

/// A patch, as far as it is read.
struct Patch<'a> {
    /// Entries that it has still to take out, and to add.
    removals: usize,
    additions: usize,
    removed: Values<'a>,
    buckets: Values<'a>,
    rows: Values<'a>,
    fingerprints: Values<'a>,
    /// Entries that were passed.
    passed: usize,
    /// Position of the next one to be taken out; no position where there is none.
    out: usize,
    /// Bucket of the next one to be added, no bucket where there is none, and the entry.
    bucket: usize,
    entry: Entry,
}

impl<'a> Patch<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let mut values = Values(bytes);
        let (additions, removals) = (values.length()?, values.length()?);
        let mut patch = Patch {
            removals,
            additions,
            removed: Values(run(&mut values)?),
            buckets: Values(run(&mut values)?),
            rows: Values(run(&mut values)?),
            fingerprints: values,
            passed: 0,
            out: 0,
            bucket: 0,
            entry: (0, 0),
        };
        patch.next_out()?;
        patch.next_entry().map(|()| patch)
    }

    fn next_out(&mut self) -> Option<()> {
        self.out = match self.removals {
            0 => usize::MAX,
            _ => self.passed.checked_add(self.removed.varint(32)? as usize)?,
        };
        self.removals = self.removals.saturating_sub(1);
        Some(())
    }

    fn next_entry(&mut self) -> Option<()> {
        if self.additions == 0 {
            self.bucket = usize::MAX;
            return Some(());
        }
        self.additions -= 1;
        self.bucket = self.bucket.checked_add(self.buckets.varint(32)? as usize)?;
        let row = self.entry.1.wrapping_add(unzigzag(self.rows.varint(32)?));
        self.entry = (u32_at(self.fingerprints.take(4)?, 0)?, row);
        Some(())
    }

    /// Changes the next bucket; `spare` is overwritten.
    fn change(&mut self, bucket: usize, entries: &mut Vec<Entry>, spare: &mut Vec<Entry>) -> Option<()> {
        let end = self.passed + entries.len();
        if self.bucket != bucket && self.out >= end {
            self.passed = end;
            return Some(());
        }
        spare.clear();
        for entry in entries.iter() {
            self.passed += 1;
            if self.passed - 1 == self.out {
                self.next_out()?;
                continue;
            }
            while self.bucket == bucket && self.entry.0 < entry.0 {
                spare.push(self.entry);
                self.next_entry()?;
            }
            spare.push(*entry);
        }
        while self.bucket == bucket {
            spare.push(self.entry);
            self.next_entry()?;
        }
        std::mem::swap(entries, spare);
        Some(())
    }

    /// Whether it is used up.
    fn is_spent(&self) -> bool {
        let streams = [&self.removed, &self.buckets, &self.rows, &self.fingerprints];
        streams.iter().all(|stream| stream.0.is_empty()) && (self.out, self.bucket) == (usize::MAX, usize::MAX)
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

pub(super) fn apply((old, from): Old<'_>, steps: &[Step<'_>], (new, to): New<'_>) -> Option<()> {
    let mut patches = Vec::new();
    for (patch, _) in steps {
        patches.push(Patch::new(patch)?);
    }
    let (buckets, [ends, fingerprints, rows]) = parts(old, from)?;
    let (from, to) = (row_width(from), (row_width(to), to as usize));
    if new.len() != 4 + ends.len() + to.1 * (4 + to.0) {
        return None;
    }
    new.get_mut(..4)?.copy_from_slice(old.get(..4)?);
    let (new_ends, rest) = new.get_mut(4..)?.split_at_mut_checked(ends.len())?;
    let (new_fingerprints, new_rows) = rest.split_at_mut_checked(to.1 * 4)?;
    let (mut entries, mut spare) = (Vec::new(), Vec::new());
    let (mut read, mut written) = (0, 0);
    for bucket in 0..buckets {
        entries.clear();
        while read < u32_at(ends, bucket + 1)? as usize {
            entries.push((u32_at(fingerprints, read)?, row_at(rows, from, read)?));
            read += 1;
        }
        for patch in &mut patches {
            patch.change(bucket, &mut entries, &mut spare)?;
        }
        for (fingerprint, row) in &entries {
            put(new_fingerprints, 4, written, *fingerprint)?;
            put(new_rows, to.0, written, *row)?;
            written += 1;
        }
        put(new_ends, 4, bucket + 1, written as u32)?;
    }
    (written == to.1 && patches.iter().all(Patch::is_spent)).then_some(())
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
