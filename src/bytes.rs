//! Bounds-checked little-endian reading, and SHA-256 checks.
//!
//! Nothing here can panic, whatever the bytes: every read gives a value or [`Error::Truncated`] with its offset.

use crate::error::{Error, Result};
use sha2::{Digest, Sha256};

/// Reads values one after another from untrusted bytes.
pub(crate) struct Reader<'a> {
    what: &'static str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte; `what` names the input in errors.
    pub(crate) fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Reader { what, bytes, at: 0 }
    }

    /// The next `len` bytes.
    #[inline(never)]
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = rest.get(..len).ok_or(Error::Truncated {
            what: self.what,
            at: self.at,
            needed: len,
            got: rest.len(),
        })?;
        self.at += len;
        Ok(taken)
    }

    /// The next bytes but for so many at the end.
    pub(crate) fn until(&mut self, end: usize) -> &'a [u8] {
        let end = self.bytes.len().saturating_sub(end);
        let taken = self.bytes.get(self.at..end).unwrap_or_default();
        self.at += taken.len();
        taken
    }

    /// The next `N` bytes as an array.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    #[inline(never)]
    pub(crate) fn u8(&mut self) -> Result<u8> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    #[inline(never)]
    pub(crate) fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    #[inline(never)]
    pub(crate) fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// What every file begins with: its magic, and its format version, of which this build reads 1 to `newest`.
    #[inline(never)]
    pub(crate) fn begin(&mut self, what: &'static str, expected: [u8; 4], newest: u16) -> Result<u16> {
        let got = self.array()?;
        if got != expected {
            return Err(Error::Magic { what, expected, got });
        }
        match self.u16()? {
            got if got == 0 || got > newest => Err(Error::Version { what, newest, got }),
            version => Ok(version),
        }
    }

    /// Offset of the next byte.
    pub(crate) fn at(&self) -> usize {
        self.at
    }
}

/// The `index`th `u16` of a raw table, or `None` past its end.
#[inline(always)]
pub(crate) fn u16_at(table: &[u8], index: usize) -> Option<u16> {
    table.as_chunks().0.get(index).copied().map(u16::from_le_bytes)
}

/// The `index`th `u32` of a raw table, or `None` past its end.
#[inline(always)]
pub(crate) fn u32_at(table: &[u8], index: usize) -> Option<u32> {
    table.as_chunks().0.get(index).copied().map(u32::from_le_bytes)
}

/// The `index`th `f32` of a raw table, or `None` past its end.
#[inline(always)]
pub(crate) fn f32_at(table: &[u8], index: usize) -> Option<f32> {
    u32_at(table, index).map(f32::from_bits)
}

/// SHA-256 of the parts, one after another.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// Whether two hashes are equal as far as the first goes.
#[inline(never)]
pub(crate) fn same(what: &'static str, expected: &[u8], got: &[u8; 32]) -> Result<()> {
    if got.starts_with(expected) {
        return Ok(());
    }
    let mut shown = [0; 8];
    shown.iter_mut().zip(expected).for_each(|(to, from)| *to = *from);
    Err(Error::Checksum {
        what,
        expected: shown,
        got: short(got),
    })
}

/// The first `N` bytes of a SHA-256.
pub(crate) fn short<const N: usize>(hash: &[u8; 32]) -> [u8; N] {
    let mut out = [0; N];
    out.iter_mut().zip(hash).for_each(|(to, from)| *to = *from);
    out
}
