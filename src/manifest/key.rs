//! Ed25519 (RFC 8032) keys and signatures.
//!
//! Invariant: only canonical signatures by keys of full order count, so nobody but the signer can make a second signature out of one.

use crate::bytes::{sha256, short};
use crate::error::{Error, Result};
use crate::hex::{from_hex, hex};
use serde::Serialize;
use std::fmt;

/// Bytes of a key's id.
pub(super) const KEY_ID: usize = 8;
/// Bytes of a signature.
pub(super) const SIGNATURE: usize = 64;

/// A public key, as RFC 8032 encodes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PublicKey(pub [u8; 32]);

impl PublicKey {
    /// The first 8 bytes of the key's SHA-256, by which a signature names it.
    pub fn id(&self) -> [u8; KEY_ID] {
        short(&sha256(&[&self.0]))
    }

    /// Reads 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for other text, and for what is no key.
    pub fn from_hex(text: &str) -> Result<Self> {
        let key = from_hex(text).map(PublicKey).filter(PublicKey::is_valid);
        key.ok_or(Error::Corrupt {
            what: "public key",
            at: 0,
            rule: "a key is 64 hexadecimal digits, as `pocketrank keys` writes them",
        })
    }

    /// In hexadecimal.
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }

    /// Whether it is the canonical encoding of a point that is not of small order: under another no signature ever holds.
    pub(super) fn is_valid(&self) -> bool {
        ed25519_compact::PublicKey::new(self.0).validate().is_ok()
    }

    /// Whether the signature is this key's, of those parts one behind the other.
    #[inline(never)]
    pub(super) fn has_signed(&self, parts: &[&[u8]], signature: &[u8; SIGNATURE]) -> bool {
        let signature = ed25519_compact::Signature::new(*signature);
        let Ok(mut state) = ed25519_compact::PublicKey::new(self.0).verify_incremental(&signature) else {
            return false;
        };
        for part in parts {
            state.absorb(part);
        }
        state.verify().is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

/// Id and signature of an entry of the list of signatures.
pub(super) fn split(entry: &[u8; KEY_ID + SIGNATURE]) -> ([u8; KEY_ID], &[u8; SIGNATURE]) {
    let mut id = [0; KEY_ID];
    id.iter_mut().zip(entry).for_each(|(to, from)| *to = *from);
    (id, entry.last_chunk().unwrap_or(&[0; SIGNATURE]))
}

/// A secret key. It is wiped from memory when dropped, and no message shows it.
#[cfg(feature = "sign")]
#[derive(Clone)]
pub struct SecretKey(ed25519_compact::KeyPair);

#[cfg(feature = "sign")]
impl SecretKey {
    /// The key of that seed: 32 bytes from a generator of secret random numbers, which the caller wipes.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a seed of zeros.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self> {
        let mut seed = ed25519_compact::Seed::new(*seed);
        let pair = ed25519_compact::KeyPair::try_from_seed(seed);
        seed.wipe_mut();
        pair.map(SecretKey).map_err(|_| Error::Corrupt {
            what: "secret key",
            at: 0,
            rule: "a seed is 32 random bytes, not zeros",
        })
    }

    /// The key that others check its signatures with.
    pub fn public(&self) -> PublicKey {
        PublicKey(*self.0.pk)
    }

    /// Its signature, which follows from key and message alone.
    pub(super) fn sign(&self, message: &[u8]) -> [u8; SIGNATURE] {
        *self.0.sk.sign(message, None)
    }
}

#[cfg(feature = "sign")]
impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SecretKey").field(&self.public()).finish()
    }
}
