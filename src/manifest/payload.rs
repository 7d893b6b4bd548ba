//! What is signed: its reading, and the rules that it keeps to.
//!
//! Read by hand as the sections of snapshots are, so that nothing is reserved on the word of the bytes; the writer is `postcard`.

use super::{Blob, File, Link, Manifest, PublicKey, Target, MANIFEST, MAX_KEYS};
use crate::error::{Error, Result};
use crate::snapshot::{at_most, SnapshotId, Values};

/// The most deltas of a manifest.
const MAX_DELTAS: usize = 256;
/// The most bytes of a name, an audience or an address.
const MAX_TEXT: usize = 255;
/// Times fit so many bits, so that JavaScript can hold them.
const TIME_BITS: u32 = 53;

impl Manifest {
    /// The manifest of those bytes, all of them, within the rules.
    pub(super) fn from_payload(bytes: &[u8]) -> Result<Self> {
        let mut values = Values(bytes);
        let manifest = read(&mut values).filter(|_| values.0.is_empty());
        let manifest = manifest.ok_or(broken(
            bytes.len() - values.0.len(),
            "the payload is a manifest's, and ends with the bytes",
        ))?;
        manifest.check()?;
        Ok(manifest)
    }

    /// Holds it to the rules of the format.
    #[inline(never)]
    pub(super) fn check(&self) -> Result<()> {
        at_most("manifest deltas", MAX_DELTAS, self.deltas.len())?;
        at_most("manifest keys", MAX_KEYS, self.keys.len())?;
        let is_text = |text: &str| (1..=MAX_TEXT).contains(&text.len());
        let rules = [
            (is_text(&self.audience), "the audience has 1 to 255 bytes"),
            (self.sequence > 0, "sequences start at 1"),
            (
                self.issued < self.expires && self.expires >> TIME_BITS == 0,
                "it is issued before it expires, and expires before 2^53",
            ),
            (
                self.blobs().iter().all(|blob| is_address(&blob.url)),
                "addresses are relative: 1 to 255 of [A-Za-z0-9._/-], no / first, no ..",
            ),
            (
                self.deltas.iter().all(|link| link.base != link.target),
                "a delta leads to another snapshot than its base",
            ),
            (
                self.files.iter().all(|file| is_text(&file.name)) && self.files.is_sorted_by(|a, b| a.name < b.name),
                "names of files have 1 to 255 bytes, are sorted, and none comes twice",
            ),
            (
                self.keys.iter().all(PublicKey::is_valid)
                    && self
                        .keys
                        .iter()
                        .enumerate()
                        .all(|(at, key)| !self.keys.iter().skip(at + 1).any(|other| other == key)),
                "keys are valid points of Ed25519, not of small order, and none comes twice",
            ),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(broken(0, rule)),
            None => Ok(()),
        }
    }
}

fn broken(at: usize, rule: &'static str) -> Error {
    Error::Corrupt {
        what: MANIFEST,
        at,
        rule,
    }
}

fn is_address(url: &str) -> bool {
    let plain = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'.' | b'_' | b'/' | b'-');
    (1..=MAX_TEXT).contains(&url.len())
        && url.bytes().all(plain)
        && !url.starts_with('/')
        && !url.as_bytes().windows(2).any(|pair| pair == b"..")
}

#[inline(never)]
fn read(values: &mut Values<'_>) -> Option<Manifest> {
    Some(Manifest {
        audience: values.text()?,
        sequence: values.varint(32)?,
        issued: values.wide(TIME_BITS)?,
        expires: values.wide(TIME_BITS)?,
        snapshot: Target {
            id: id(values)?,
            blob: blob(values)?,
        },
        deltas: list(values, |values| {
            Some(Link {
                base: id(values)?,
                target: id(values)?,
                blob: blob(values)?,
            })
        })?,
        files: list(values, |values| {
            Some(File {
                name: values.text()?,
                ttl: values.varint(32)?,
                blob: blob(values)?,
            })
        })?,
        keys: list(values, |values| array(values).map(PublicKey))?,
    })
}

/// So many values as their number says, each of some bytes.
#[inline(never)]
fn list<T>(values: &mut Values<'_>, read: impl Fn(&mut Values<'_>) -> Option<T>) -> Option<Vec<T>> {
    let mut list = Vec::new();
    for _ in 0..values.length()? {
        list.push(read(values)?);
    }
    Some(list)
}

#[inline(never)]
fn blob(values: &mut Values<'_>) -> Option<Blob> {
    Some(Blob {
        sha256: array(values)?,
        bytes: values.varint(32)?,
        transfer: values.varint(32)?,
        url: values.text()?,
    })
}

fn id(values: &mut Values<'_>) -> Option<SnapshotId> {
    array(values).map(SnapshotId)
}

fn array<const N: usize>(values: &mut Values<'_>) -> Option<[u8; N]> {
    values.take(N)?.try_into().ok()
}
