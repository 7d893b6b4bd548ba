//! The manifest: the one small, signed file that says which snapshot is current, which deltas lead to it, and which files go with it.
//!
//! Invariant: [`Manifest::read`] gives only what a trusted key has signed, for this audience, not older than what is known, and within
//! every rule of the format. Nothing in its bytes is looked at before the signature holds, but where the signatures lie. It looks at no
//! clock: a manifest that has expired is read as any other, and [`Manifest::is_expired`] tells. All else that a host fetches is told by
//! the hashes in it. The words are those of TUF: of its roles this is the timestamp, the snapshot and the targets in one.
//!
//! `key` holds keys and signatures, `payload` what is signed. `docs/FORMAT.md` is the norm.

mod key;
mod payload;

pub use key::PublicKey;
#[cfg(feature = "sign")]
pub use key::SecretKey;

use crate::bytes::{same, sha256, Reader};
use crate::error::{Error, Result};
use crate::snapshot::{at_most, SnapshotId};
use key::{KEY_ID, SIGNATURE};
use serde::Serialize;

/// The newest version of the format of manifests.
pub const MANIFEST_VERSION: u16 = 1;
/// The most bytes of a manifest.
pub const MAX_MANIFEST: usize = 1 << 16;
/// The most signatures of a manifest, and the most keys that it names.
pub const MAX_KEYS: usize = 4;
const MAGIC: [u8; 4] = *b"PKRM";
/// Magic and version, which are signed beside the payload, so that the signature of something else never counts.
const SIGNED_HEAD: usize = 6;

/// What is current at the origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// For whom it is, for instance `shop.example/production`; 1 to 255 bytes.
    pub audience: String,
    /// Its number, from 1; each newer manifest has a higher one.
    pub sequence: u32,
    /// When it was signed, seconds since 1970-01-01 UTC.
    pub issued: u64,
    /// From when on a host reports that it has not heard of a newer one, seconds since 1970-01-01 UTC; below 2^53.
    pub expires: u64,
    /// The snapshot to use.
    pub snapshot: Target,
    /// Deltas that lead to it, from one snapshot to another; at most 256.
    pub deltas: Vec<Link>,
    /// Other files, sorted by their names.
    pub files: Vec<File>,
    /// The keys that are trusted from then on; empty for those that the host has pinned. At most 4.
    pub keys: Vec<PublicKey>,
}

/// A whole snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Target {
    /// Its id.
    pub id: SnapshotId,
    /// Its bytes.
    pub blob: Blob,
}

/// A delta.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// The snapshot that it changes.
    pub base: SnapshotId,
    /// The snapshot that it makes.
    pub target: SnapshotId,
    /// Its bytes.
    pub blob: Blob,
}

/// A file that goes with the snapshot, for instance a list of candidates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct File {
    /// By what hosts ask for it, for instance `candidates/home.json`; 1 to 255 bytes.
    pub name: String,
    /// For how long it may be used without asking for a newer manifest, in seconds.
    pub ttl: u32,
    /// Its bytes.
    pub blob: Blob,
}

/// Bytes that never change, told by their hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Blob {
    /// SHA-256 of the bytes.
    pub sha256: [u8; 32],
    /// How many they are.
    pub bytes: u32,
    /// How many they are as they travel, with brotli; what the cheapest way to a snapshot is judged by.
    pub transfer: u32,
    /// Where they are, relative to the manifest: `[A-Za-z0-9._/-]`, no `/` first and no `..`; 1 to 255 bytes.
    pub url: String,
}

/// What a host accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// For whom manifests must be.
    pub audience: String,
    /// The keys that count; one of them must have signed.
    pub keys: Vec<PublicKey>,
    /// The least sequence.
    pub sequence: u32,
}

impl Blob {
    /// Checks that these are its bytes; `what` names them in errors.
    ///
    /// # Errors
    /// [`Error::Truncated`] or [`Error::Limit`] for too few or too many, [`Error::Checksum`] for others.
    #[inline(never)]
    pub fn check(&self, what: &'static str, bytes: &[u8]) -> Result<()> {
        let (needed, got) = (self.bytes as usize, bytes.len());
        at_most(what, needed, got)?;
        if got < needed {
            return Err(Error::Truncated {
                what,
                at: 0,
                needed,
                got,
            });
        }
        same(what, &self.sha256, &sha256(&[bytes]))
    }
}

impl Trust {
    /// What is accepted once this manifest was: the keys that it names, or those of `self` where it names none, and nothing older.
    /// `self` is what the host has pinned: a list of keys replaces them, it does not add to the one before.
    pub fn after(&self, manifest: &Manifest) -> Trust {
        let keys = if manifest.keys.is_empty() {
            &self.keys
        } else {
            &manifest.keys
        };
        Trust {
            audience: self.audience.clone(),
            keys: keys.clone(),
            sequence: self.sequence.max(manifest.sequence),
        }
    }
}

impl Manifest {
    /// Reads a manifest that one of the trusted keys has signed. A wrong signature of a trusted key is an error even beside a good one;
    /// signatures of other keys are passed over. A manifest of the least sequence is read as well: whether it is the one that is known
    /// already, its bytes tell.
    ///
    /// # Errors
    /// [`Error::Unsigned`] without a signature of a trusted key, [`Error::Signature`] where it does not fit, [`Error::Audience`] for one
    /// made for others, [`Error::Older`] for one below the least sequence, or what is wrong with the bytes.
    #[inline(never)]
    pub fn read(bytes: &[u8], trust: &Trust) -> Result<Manifest> {
        let payload = verified(bytes, &trust.keys)?;
        let manifest = Manifest::from_payload(payload)?;
        if manifest.audience != trust.audience {
            return Err(Error::Audience {
                expected: trust.audience.clone(),
                got: manifest.audience,
            });
        }
        if manifest.sequence < trust.sequence {
            return Err(Error::Older {
                least: trust.sequence,
                got: manifest.sequence,
            });
        }
        Ok(manifest)
    }

    /// All that it names: the snapshot, the deltas, the files.
    #[inline(never)]
    pub fn blobs(&self) -> Vec<&Blob> {
        let mut blobs = vec![&self.snapshot.blob];
        blobs.extend(self.deltas.iter().map(|link| &link.blob));
        blobs.extend(self.files.iter().map(|file| &file.blob));
        blobs
    }

    /// The names of all that it names.
    pub(crate) fn hashes(&self) -> Vec<[u8; 32]> {
        self.blobs().into_iter().map(|blob| blob.sha256).collect()
    }

    /// The file of that name, if it has one.
    pub fn file(&self, name: &str) -> Option<&Blob> {
        let at = self.files.binary_search_by(|file| file.name.as_str().cmp(name));
        self.files.get(at.ok()?).map(|file| &file.blob)
    }

    /// Whether it should have been replaced by that time, in seconds since 1970-01-01 UTC. It is used all the same, and reported.
    pub fn is_expired(&self, now: u64) -> bool {
        now >= self.expires
    }

    /// The signed bytes, which anybody that trusts one of the keys can read.
    ///
    /// # Errors
    /// [`Error::Limit`] for less than one or more than 4 keys, or for too many bytes; [`Error::Corrupt`] where a rule of the format is broken.
    #[cfg(feature = "sign")]
    pub fn sign(&self, keys: &[SecretKey]) -> Result<Vec<u8>> {
        self.check()?;
        at_most("manifest signatures", MAX_KEYS, keys.len())?;
        if keys.is_empty() {
            return Err(Error::Corrupt {
                what: MANIFEST,
                at: SIGNED_HEAD,
                rule: SIGNATURES,
            });
        }
        let payload = postcard::to_allocvec(self).map_err(|_| Error::Corrupt {
            what: MANIFEST,
            at: 0,
            rule: "the value can be written as postcard",
        })?;
        let mut out = Vec::from(MAGIC);
        out.extend(MANIFEST_VERSION.to_le_bytes());
        let message = [out.as_slice(), &payload].concat();
        out.extend([keys.len() as u8, 0]);
        for key in keys {
            out.extend(key.public().id());
            out.extend(key.sign(&message));
        }
        out.extend(payload);
        at_most("manifest bytes", MAX_MANIFEST, out.len())?;
        Ok(out)
    }
}

const MANIFEST: &str = "manifest";
const SIGNATURES: &str = "there are 1 to 4 signatures, and a 0 behind their number";

/// The payload, once a trusted key is known to have signed it.
#[inline(never)]
fn verified<'a>(bytes: &'a [u8], trusted: &[PublicKey]) -> Result<&'a [u8]> {
    at_most("manifest bytes", MAX_MANIFEST, bytes.len())?;
    let mut reader = Reader::new(MANIFEST, bytes);
    reader.begin(MANIFEST, MAGIC, MANIFEST_VERSION)?;
    let at = reader.at();
    let (count, zero) = (usize::from(reader.u8()?), reader.u8()?);
    if !(1..=MAX_KEYS).contains(&count) || zero != 0 {
        return Err(Error::Corrupt {
            what: MANIFEST,
            at,
            rule: SIGNATURES,
        });
    }
    let signatures = reader.take(count * (KEY_ID + SIGNATURE))?;
    let head = bytes.get(..SIGNED_HEAD).unwrap_or_default();
    let payload = bytes.get(reader.at()..).unwrap_or_default();
    let mut signed = false;
    for entry in signatures.as_chunks::<{ KEY_ID + SIGNATURE }>().0 {
        let (id, signature) = key::split(entry);
        for key in trusted.iter().filter(|key| key.id() == id) {
            if !key.has_signed(&[head, payload], signature) {
                return Err(Error::Signature { key: id });
            }
            signed = true;
        }
    }
    match signed {
        true => Ok(payload),
        false => Err(Error::Unsigned),
    }
}
