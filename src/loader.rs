//! Loading: takes a snapshot in piece by piece, as it arrives, into memory of exactly its size.
//!
//! Invariant: beside the bytes that were taken in there is never a second copy of more than the header; nothing is reserved beyond what
//! the caller allows, whatever the bytes claim.

use crate::error::{Error, Result};
use crate::snapshot::{length, LENGTH_KNOWN};

/// A snapshot on its way.
#[derive(Debug)]
pub struct Loader {
    bytes: Vec<u8>,
    max_bytes: usize,
    /// Of the whole, once the header has told.
    length: Option<usize>,
}

impl Loader {
    /// Nothing is there yet; more than `max_bytes` are refused as soon as the header claims them.
    pub fn new(max_bytes: usize) -> Self {
        Loader {
            bytes: Vec::new(),
            max_bytes,
            length: None,
        }
    }

    /// Room for the first of the next `len` bytes, to be filled by the caller, who asks again for what is left.
    ///
    /// # Errors
    /// What is wrong with the header; [`Error::Limit`] where it claims more than is allowed or there is memory for; [`Error::Corrupt`]
    /// where more bytes come than it claims.
    pub fn room(&mut self, len: usize) -> Result<&mut [u8]> {
        let have = self.bytes.len();
        let end = match self.length {
            None if have < LENGTH_KNOWN => LENGTH_KNOWN,
            None => self.reserve()?,
            Some(length) => length,
        };
        if end == have && len > 0 {
            return Err(Error::Corrupt {
                what: "snapshot",
                at: end,
                rule: "the bytes end with the last section",
            });
        }
        self.bytes.resize(have + len.min(end - have), 0);
        Ok(self.bytes.get_mut(have..).unwrap_or_default())
    }

    /// Reads how long the snapshot is, and makes room for all of it.
    fn reserve(&mut self) -> Result<usize> {
        let claimed = length(&self.bytes)?;
        let limit = |max| Error::Limit {
            what: "snapshot bytes",
            max,
            got: usize::try_from(claimed).unwrap_or(usize::MAX),
        };
        let length = usize::try_from(claimed)
            .ok()
            .filter(|length| *length <= self.max_bytes)
            .ok_or(limit(self.max_bytes))?;
        let have = self.bytes.len();
        self.bytes
            .try_reserve_exact(length.saturating_sub(have))
            .map_err(|_| limit(have))?;
        // One that claims less than is there already ends here.
        let length = length.max(have);
        self.length = Some(length);
        Ok(length)
    }

    /// What was taken in, for [`Snapshot::open`](crate::Snapshot::open), which says whether bytes are missing.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Snapshot;

    const FIXTURE: &[u8] = include_bytes!("../tests/fixtures/random-v1.bin");

    /// Takes bytes in, in pieces of that many.
    fn load(bytes: &[u8], piece: usize, max_bytes: usize) -> Result<Loader> {
        let mut loader = Loader::new(max_bytes);
        for mut piece in bytes.chunks(piece) {
            while !piece.is_empty() {
                let room = loader.room(piece.len())?;
                let (now, later) = piece.split_at(room.len());
                room.copy_from_slice(now);
                piece = later;
            }
        }
        Ok(loader)
    }

    #[test]
    fn pieces_of_any_size_make_the_same_snapshot_in_memory_of_its_size() {
        for piece in [1, 7, 15, 16, 17, 4_096, FIXTURE.len()] {
            let loader = load(FIXTURE, piece, FIXTURE.len()).unwrap();
            assert_eq!(loader.bytes.capacity(), FIXTURE.len());
            assert_eq!(loader.into_bytes(), FIXTURE);
        }
    }

    #[test]
    fn what_is_no_snapshot_or_too_long_is_refused_as_soon_as_that_is_known() {
        let code = |bytes: &[u8], max| {
            load(bytes, 5, max)
                .and_then(|loader| Snapshot::open(loader.into_bytes()))
                .unwrap_err()
                .code()
        };
        assert_eq!(code(FIXTURE, FIXTURE.len() - 1), "limit");
        assert_eq!(code(&FIXTURE[..17], 100), "limit");
        assert_eq!(code(b"<!doctype html><title>404</title>", 100), "magic");
        assert_eq!(code(&FIXTURE[..12], usize::MAX), "truncated");
        assert_eq!(code(&FIXTURE[..100], usize::MAX), "truncated");
        assert_eq!(code(&[], usize::MAX), "truncated");
        let longer = [FIXTURE, &[0]].concat();
        assert_eq!(code(&longer, usize::MAX), "corrupt");
        // Longer than anything that memory could hold.
        let mut endless = FIXTURE[..40].to_vec();
        endless[8..16].fill(0xff);
        assert_eq!(code(&endless, usize::MAX), "limit");
    }
}
