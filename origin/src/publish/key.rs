//! Secret keys in files: PKCS #8 in PEM (RFC 8410), as `openssl genpkey -algorithm ed25519` writes them too.
//!
//! Invariant: a key file is never written over, none is used that others than its owner can read, and no copy of a key stays in memory
//! once it is done with.

use crate::error::{Error, Result};
use pocketrank::SecretKey;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use zeroize::Zeroizing;

/// A PKCS #8 key of Ed25519 in DER is this and the seed.
const BEFORE_SEED: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];
const LABEL: &str = "PRIVATE KEY";

/// The most bytes of a key file that are looked at; a key has 119.
const ROOM: usize = 4_096;

/// Makes a key by the system's random numbers, and its file.
///
/// # Errors
/// [`Error::Io`] where there is such a file already, or it cannot be written.
pub fn create(path: &Path) -> Result<SecretKey> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(|e| Error::Internal(format!("the system has no random numbers: {e}")))?;
    let key = SecretKey::from_seed(&seed).map_err(|e| Error::Internal(e.to_string()))?;
    let der = Zeroizing::new([BEFORE_SEED.as_slice(), &*seed].concat());
    let text = pem_rfc7468::encode_string(LABEL, pem_rfc7468::LineEnding::LF, &der)
        .map_err(|e| Error::Internal(e.to_string()))?;
    let text = Zeroizing::new(text);
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
/// [`Error::Io`] where the file cannot be read, [`Error::Usage`] where others than its owner can read it too, [`Error::Data`] where it holds
/// no such key.
pub fn read(path: &Path) -> Result<SecretKey> {
    let file = File::open(path).map_err(|e| Error::reading(path, e))?;
    for_owner(path, &file)?;
    // Room for all of it, for a buffer that grows leaves what it held behind.
    let mut text = Zeroizing::new(Vec::with_capacity(ROOM));
    let most = file.take(ROOM as u64).read_to_end(&mut text);
    most.map_err(|e| Error::reading(path, e))?;
    let key = |text: &[u8]| {
        let (label, der) = pem_rfc7468::decode_vec(text).ok()?;
        let der = Zeroizing::new(der);
        let seed = der.strip_prefix(&BEFORE_SEED).filter(|_| label == LABEL)?;
        SecretKey::from_seed(seed.try_into().ok()?).ok()
    };
    key(&text).ok_or_else(|| {
        Error::Data(format!(
            "{}: no Ed25519 secret key in PKCS #8 and PEM; make one by `pocketrank keys --out FILE`",
            path.display()
        ))
    })
}

/// Refuses a file that its owner's group or everybody can read, as `ssh` does. What is no file, a pipe for instance, has no mode that says so.
#[cfg(unix)]
fn for_owner(path: &Path, file: &File) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = file.metadata().map_err(|e| Error::reading(path, e))?;
    let mode = metadata.permissions().mode() & 0o777;
    match metadata.is_file() && mode & 0o077 != 0 {
        true => Err(Error::Usage(format!(
            "{}: its mode {mode:04o} lets others than its owner at the secret key; take that away by `chmod 600`, and change the key if others may have read it",
            path.display()
        ))),
        false => Ok(()),
    }
}

#[cfg(not(unix))]
fn for_owner(_: &Path, _: &File) -> Result<()> {
    Ok(())
}
