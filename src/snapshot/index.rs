//! From an item's hash to its row, without the id strings.
//!
//! The top `b` bits of the hash choose a bucket, the low 32 bits are the fingerprint within it. Table, little-endian:
//! `b` as `u32`, then 2^b + 1 bucket ends `u32`, then a fingerprint `u32` per entry, then a row per entry (`u16`
//! up to 65,536 items, else `u32`). Fingerprints ascend within a bucket.

use super::exact;
use crate::bytes::{u16_at, u32_at};
use crate::error::{Error, Result};
use crate::event::ItemHash;
use std::cmp::Ordering;

/// The widest bucket number; with about 8 entries a bucket this suits `MAX_ITEMS`.
const MAX_BITS: u32 = 21;

/// Bytes of a row number in tables of a snapshot with that many items.
pub(crate) fn row_width(items: u32) -> usize {
    if items <= 1 << 16 {
        2
    } else {
        4
    }
}

/// Reads a row number of the given width.
#[inline(always)]
pub(crate) fn row_at(table: &[u8], width: usize, index: usize) -> Option<u32> {
    if width == 2 {
        u16_at(table, index).map(u32::from)
    } else {
        u32_at(table, index)
    }
}

pub(super) fn check_length(bytes: &[u8], items: u32) -> Result<()> {
    let bits = u32_at(bytes, 0).unwrap_or_default();
    if bits > MAX_BITS {
        return Err(Error::Limit {
            what: "index bucket bits",
            max: MAX_BITS as usize,
            got: bits as usize,
        });
    }
    let ends = 4 * ((1usize << bits) + 1);
    exact("index", bytes, Some(4 + ends + items as usize * (4 + row_width(items))))
}

/// Bucket and fingerprint of a hash.
pub(super) fn split(item: ItemHash, bits: u32) -> (usize, u32) {
    let bucket = if bits == 0 { 0 } else { item.0 >> (64 - bits) };
    (bucket as usize, item.0 as u32)
}

/// Bucket bits for that many items.
#[cfg(feature = "pack")]
pub(super) fn bucket_bits(items: u32) -> u32 {
    (items / 8).max(1).next_power_of_two().trailing_zeros().min(MAX_BITS)
}

/// The table, split into its parts.
#[derive(Clone, Copy)]
pub(super) struct Index<'a> {
    bits: u32,
    ends: &'a [u8],
    fingerprints: &'a [u8],
    rows: &'a [u8],
    width: usize,
}

impl<'a> Index<'a> {
    /// Splits a table whose length was checked.
    pub(super) fn new(bytes: &'a [u8], items: u32) -> Self {
        let bits = u32_at(bytes, 0).unwrap_or_default().min(MAX_BITS);
        let rest = bytes.get(4..).unwrap_or_default();
        let (ends, rest) = rest.split_at_checked(4 * ((1usize << bits) + 1)).unwrap_or_default();
        let (fingerprints, rows) = rest.split_at_checked(items as usize * 4).unwrap_or_default();
        Index {
            bits,
            ends,
            fingerprints,
            rows,
            width: row_width(items),
        }
    }

    pub(super) fn get(&self, item: ItemHash) -> Option<u32> {
        let (bucket, fingerprint) = split(item, self.bits);
        let start = u32_at(self.ends, bucket)? as usize;
        let end = u32_at(self.ends, bucket + 1)? as usize;
        let bucket = self.fingerprints.get(start.checked_mul(4)?..end.checked_mul(4)?)?;
        let (mut low, mut high) = (0, bucket.len() / 4);
        while low < high {
            let middle = (low + high) / 2;
            match u32_at(bucket, middle)?.cmp(&fingerprint) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return row_at(self.rows, self.width, start + middle),
                Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// Each row, with as much of its item's hash as is known: its bucket and its fingerprint. Ends where the table makes no sense.
    #[cfg(feature = "pack")]
    pub(super) fn entries(&self) -> impl Iterator<Item = (u32, ItemHash)> + 'a {
        let Index {
            bits,
            ends,
            fingerprints,
            rows,
            width,
        } = *self;
        let mut bucket = 0;
        let numbered = (0..).zip(fingerprints.chunks_exact(4));
        numbered.map_while(move |(entry, fingerprint)| {
            while u32_at(ends, bucket + 1)? as usize <= entry {
                bucket += 1;
            }
            let top = if bits == 0 { 0 } else { (bucket as u64) << (64 - bits) };
            let hash = ItemHash(top | u64::from(u32_at(fingerprint, 0)?));
            Some((row_at(rows, width, entry)?, hash))
        })
    }

    /// Bits of a bucket's number.
    #[cfg(feature = "pack")]
    pub(super) fn bits(&self) -> u32 {
        self.bits
    }

    pub(super) fn verify(&self, items: u32) -> Result<()> {
        let corrupt = |at, rule| Error::Corrupt {
            what: "index",
            at,
            rule,
        };
        let mut seen = vec![false; items as usize];
        let mut entry = 0;
        if u32_at(self.ends, 0) != Some(0) {
            return Err(corrupt(0, "the first bucket begins with entry 0"));
        }
        for bucket in 0..1usize << self.bits {
            let end = u32_at(self.ends, bucket + 1).unwrap_or_default() as usize;
            if end < entry || end > items as usize {
                return Err(corrupt(bucket, "bucket ends ascend to the number of items"));
            }
            let mut last = None;
            while entry < end {
                let fingerprint = u32_at(self.fingerprints, entry);
                if last.is_some() && fingerprint <= last {
                    return Err(corrupt(entry, "fingerprints ascend within a bucket"));
                }
                last = fingerprint;
                let row = row_at(self.rows, self.width, entry).unwrap_or(u32::MAX);
                match seen.get_mut(row as usize) {
                    Some(seen) if !*seen => *seen = true,
                    _ => return Err(corrupt(entry, "each row has one entry")),
                }
                entry += 1;
            }
        }
        if entry != items as usize {
            return Err(corrupt(entry, "the last bucket ends with the last entry"));
        }
        Ok(())
    }
}
