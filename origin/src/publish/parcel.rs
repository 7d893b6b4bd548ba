//! What is published under a name that follows from its bytes, as it lies and as it travels.

use crate::compress;
use crate::error::{Error, Result};
use pocketrank::{Blob, SnapshotId};
use sha2::{Digest, Sha256};

/// Bytes and how a manifest names them.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) blob: Blob,
    pub(super) bytes: Vec<u8>,
    /// The same compressed, where that is less.
    pub(super) brotli: Option<Vec<u8>>,
}

impl Parcel {
    /// A snapshot, named by its id.
    pub(super) fn snapshot(id: SnapshotId, bytes: &[u8]) -> Result<Self> {
        Self::new(bytes.to_vec(), |_| format!("{SNAPSHOTS}/{id}.pkr"))
    }

    /// A delta, named by its hash.
    pub(super) fn delta(bytes: Vec<u8>) -> Result<Self> {
        Self::new(bytes, |hash| format!("{DELTAS}/{hash}.pkrd"))
    }

    /// Any file, named by its hash and its own extension.
    pub(super) fn file(name: &str, bytes: Vec<u8>) -> Result<Self> {
        let plain = |extension: &&str| {
            (1..=8).contains(&extension.len())
                && extension.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        let extension = name.rsplit_once('.').map(|(_, extension)| extension).filter(plain);
        Self::new(bytes, |hash| format!("{FILES}/{hash}.{}", extension.unwrap_or("bin")))
    }

    fn new(bytes: Vec<u8>, url: impl Fn(&str) -> String) -> Result<Self> {
        let brotli = compress::brotli(&bytes)?;
        let brotli = Some(brotli).filter(|brotli| brotli.len() < bytes.len());
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        let hash = pocketrank::hex(&sha256);
        let url = url(hash.get(..32).unwrap_or_default());
        let length = |bytes: &[u8]| {
            let length = u32::try_from(bytes.len());
            length.map_err(|_| Error::Usage(format!("{url}: {} bytes; at most 4 GB can be published", bytes.len())))
        };
        Ok(Self {
            blob: Blob {
                sha256,
                bytes: length(&bytes)?,
                transfer: length(brotli.as_deref().unwrap_or(&bytes))?,
                url,
            },
            bytes,
            brotli,
        })
    }

    /// Its media type.
    pub(super) fn media(&self) -> &'static str {
        match self.blob.url.ends_with(".json") {
            true => "application/json",
            false => OCTETS,
        }
    }
}

/// The media type of what has none of its own.
pub(super) const OCTETS: &str = "application/octet-stream";
/// Where snapshots are.
pub(crate) const SNAPSHOTS: &str = "snapshots";
/// Where deltas are.
pub(crate) const DELTAS: &str = "deltas";
/// Where other files are.
pub(crate) const FILES: &str = "files";
