//! Pseudonyms of customers and sessions. Invariant: raw ids go in, keyed hashes come out, and nothing here or after
//! keeps a raw id; without the key a hash tells nothing. The first step of reading events.

use crate::dataset::User;
use crate::error::{Error, Result};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::path::Path;

/// Environment variable with the key.
pub const KEY_VARIABLE: &str = "POCKETRANK_KEY";

/// Fewest bytes of a key.
const MIN_KEY: usize = 16;

/// Makes pseudonyms with one key.
#[derive(Clone)]
pub struct Pseudonyms(Hmac<Sha256>);

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pseudonyms(key withheld)")
    }
}

impl Pseudonyms {
    /// With the key in that file, else in the environment variable, else one made for this run.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read, [`Error::Usage`] if the key is shorter than 16 bytes.
    pub fn find(file: Option<&Path>) -> Result<Self> {
        match file {
            Some(path) => {
                let bytes = std::fs::read(path).map_err(|e| Error::reading(path, e))?;
                Self::new(bytes.trim_ascii(), &path.display().to_string())
            }
            None => match std::env::var(KEY_VARIABLE) {
                Ok(key) => Self::new(key.trim().as_bytes(), KEY_VARIABLE),
                Err(_) => {
                    let mut key = [0; 32];
                    getrandom::fill(&mut key).map_err(|e| Error::Internal(format!("no random key: {e}")))?;
                    Self::new(&key, "the key of this run")
                }
            },
        }
    }

    /// With that key; `origin` names it in errors.
    ///
    /// # Errors
    /// [`Error::Usage`] if it is shorter than 16 bytes.
    pub fn new(key: &[u8], origin: &str) -> Result<Self> {
        if key.len() < MIN_KEY {
            return Err(Error::Usage(format!(
                "{origin}: a key of {} bytes; give at least {MIN_KEY}, such as from `openssl rand -hex 32`",
                key.len()
            )));
        }
        Hmac::new_from_slice(key)
            .map(Self)
            .map_err(|e| Error::Internal(e.to_string()))
    }

    /// The user with that id.
    pub fn user(&self, id: &str) -> User {
        User {
            pseudonym: self.hash(&[b"user", id.as_bytes()]),
            anonymous: false,
            country: None,
        }
    }

    /// The user who stands for a session without a customer.
    pub fn anonymous(&self, session: &str) -> User {
        User {
            pseudonym: self.hash(&[b"anonymous", session.as_bytes()]),
            anonymous: true,
            country: None,
        }
    }

    /// The session with that id, of that user: sessions of different users never share a hash.
    pub fn session(&self, user: &User, id: &str) -> [u8; 16] {
        self.hash(&[b"session", &user.pseudonym, id.as_bytes()])
    }

    fn hash(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        let mut short = [0; 16];
        short.iter_mut().zip(full).for_each(|(to, from)| *to = from);
        short
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_depends_on_the_key_the_id_and_the_role() {
        let one = Pseudonyms::new(&[1; 16], "test").unwrap();
        let other = Pseudonyms::new(&[2; 16], "test").unwrap();
        let user = one.user("13085");
        assert_eq!(user, one.user("13085"));
        assert_ne!(user, one.user("13086"));
        assert_ne!(user, other.user("13085"));
        assert_ne!(user.pseudonym, one.anonymous("13085").pseudonym);
        assert_ne!(one.session(&user, "1"), one.session(&one.user("13086"), "1"));
        assert!(Pseudonyms::new(b"short", "POCKETRANK_KEY")
            .unwrap_err()
            .to_string()
            .contains("5 bytes"));
    }
}
