//! What can be asked for. Invariant: an address is one of the manifest's form, letter by letter, so it leads to no other file: there is
//! nothing in it to decode, to go up by, or to hide.

use crate::publish::parcel::{DELTAS, FILES, SNAPSHOTS};
use crate::publish::place::MANIFEST;

/// Something that was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Address<'a> {
    /// What is live.
    Manifest,
    /// What never changes.
    Blob {
        /// Its folder.
        folder: &'static str,
        /// Its name, relative to the root.
        path: &'a str,
        /// The hash in its name.
        hash: &'a str,
    },
}

impl<'a> Address<'a> {
    /// That of a request's path.
    pub(super) fn of(path: &'a str) -> Option<Self> {
        let path = path.strip_prefix('/')?;
        if path == MANIFEST {
            return Some(Address::Manifest);
        }
        let (folder, name) = path.split_once('/')?;
        let folder = [SNAPSHOTS, DELTAS, FILES].into_iter().find(|known| *known == folder)?;
        let (hash, extension) = name.split_once('.')?;
        let letters = |text: &str, last: u8| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=last).contains(&b));
        let is_hash = hash.len() == 32 && letters(hash, b'f');
        let is_extension = (1..=8).contains(&extension.len()) && letters(extension, b'z');
        (is_hash && is_extension).then_some(Address::Blob { folder, path, hash })
    }

    /// What it is, for metrics.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Address::Manifest => "manifest",
            Address::Blob { folder, .. } => folder,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_published_has_an_address() {
        let hash = "0123456789abcdef0123456789abcdef";
        assert_eq!(Address::of("/manifest.pkrm"), Some(Address::Manifest));
        let path = format!("/files/{hash}.json");
        let blob = Address::Blob {
            folder: "files",
            path: &path[1..],
            hash,
        };
        assert_eq!(Address::of(&path), Some(blob));
        for bad in [
            "manifest.pkrm",
            "//manifest.pkrm",
            "/manifest.lock",
            "/manifest.pkrm/",
            "/manifests/0000000001.pkrm",
            "/files/../manifest.lock",
            "/files/%2e%2e/manifest.lock",
            "/files",
            "/files/",
            "/other/0123456789abcdef0123456789abcdef.json",
            "/files/0123456789abcdef0123456789abcdef",
            "/files/0123456789abcdef0123456789abcdef.",
            "/files/0123456789abcdef0123456789abcdef.json.br",
            "/files/0123456789abcdef0123456789abcdef.json#1",
            "/files/0123456789abcdef0123456789abcdef.json\0",
            "/files/0123456789ABCDEF0123456789abcdef.json",
            "/files/0123456789abcdef0123456789abcde.json",
            "/files/0123456789abcdef0123456789abcdef.a/b",
            "/files/sub/0123456789abcdef0123456789abcdef.json",
        ] {
            assert_eq!(Address::of(bad), None, "{bad}");
        }
    }
}
