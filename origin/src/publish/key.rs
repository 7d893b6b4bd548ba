//! Secret keys in files: PKCS #8 in PEM (RFC 8410), as `openssl genpkey -algorithm ed25519` writes them too.
//!
//! Invariant: a key file is never written over, and only its owner can read one that was made here.

use crate::error::{Error, Result};
use pocketrank::SecretKey;
use std::io::Write;
use std::path::Path;

/// A PKCS #8 key of Ed25519 in DER is this and the seed.
const BEFORE_SEED: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];
const LABEL: &str = "PRIVATE KEY";

/// Makes a key by the system's random numbers, and its file.
///
/// # Errors
/// [`Error::Io`] where there is such a file already, or it cannot be written.
pub fn create(path: &Path) -> Result<SecretKey> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|e| Error::Internal(format!("the system has no random numbers: {e}")))?;
    let key = SecretKey::from_seed(seed).map_err(|e| Error::Internal(e.to_string()))?;
    let der = [BEFORE_SEED.as_slice(), &seed].concat();
    let text = pem_rfc7468::encode_string(LABEL, pem_rfc7468::LineEnding::LF, &der)
        .map_err(|e| Error::Internal(e.to_string()))?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|e| Error::writing(path, e))?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if let Err(e) = written {
        // Half a key is of no use, and would be in the way.
        let _ = std::fs::remove_file(path);
        return Err(Error::writing(path, e));
    }
    Ok(key)
}

/// Reads a key.
///
/// # Errors
/// [`Error::Io`] where the file cannot be read, [`Error::Data`] where it holds no such key.
pub fn read(path: &Path) -> Result<SecretKey> {
    let text = std::fs::read(path).map_err(|e| Error::reading(path, e))?;
    let seed = |text: &[u8]| {
        let (label, der) = pem_rfc7468::decode_vec(text).ok()?;
        let seed = der.strip_prefix(&BEFORE_SEED).filter(|_| label == LABEL)?;
        seed.try_into().ok()
    };
    let key = seed(&text).and_then(|seed| SecretKey::from_seed(seed).ok());
    key.ok_or_else(|| {
        Error::Data(format!(
            "{}: no Ed25519 secret key in PKCS #8 and PEM; make one by `pocketrank keys --out FILE`",
            path.display()
        ))
    })
}
