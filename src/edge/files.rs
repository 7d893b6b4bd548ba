//! The runtime's own files as hosts hand them out: where they are, what their names say, and how long caches may keep them.
//!
//! Invariant: what may be kept for ever has a hash of its content in its name.

use crate::bytes::{sha256, short};
use crate::hex::{from_hex, hex};
use crate::snapshot::Snapshot;

/// Where the runtime's own files are, on every host.
pub const ASSETS: &str = "/pocketrank/";
/// The manifest's name, there and at the origin; all that it names lies beside it.
pub const MANIFEST: &str = "manifest.pkrm";
/// The beginning of the names of candidates lists, among the files of a manifest.
pub const LISTS: &str = "candidates/";
/// The beginning of the names of models that arms of experiments rank with, likewise.
pub const MODELS: &str = "models/";

/// `Cache-Control` of what never changes under its address.
pub const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// `Cache-Control` of what is to be asked for anew each time: the manifest.
pub const REVALIDATE: &str = "no-cache";

/// `Cache-Control` of one of the runtime's own files, `file` under [`ASSETS`]: what has a hash of its content in its name never changes,
/// the manifest at any time, all else may change every minute. `None` for errors.
pub fn asset_cache_control(file: &str, status: u16) -> Option<&'static str> {
    if status >= 300 && status != 304 {
        return None;
    }
    let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
    let is_hash = |part: &str| part.len() >= 8 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    Some(if file == MANIFEST {
        REVALIDATE
    } else if matches!(folder, "" | "snapshots" | "deltas" | "files") && name.split(['-', '.']).any(is_hash) {
        IMMUTABLE
    } else {
        "public, max-age=60"
    })
}

/// Whether a file has the name of something published: `snapshots/ID.pkr`, `deltas/HASH.pkrd`, `files/HASH.json` or another ending.
pub fn is_published(file: &str) -> bool {
    published(file).is_some()
}

/// Folder and hash in the name of something published.
fn published(file: &str) -> Option<(&str, [u8; 16])> {
    let (folder, name) = file.split_once('/')?;
    let (name, end) = name.split_once('.')?;
    let plain = |end: &str| {
        end.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let fits = match folder {
        "snapshots" => end == "pkr",
        "deltas" => end == "pkrd",
        "files" => (1..=8).contains(&end.len()) && plain(end),
        _ => false,
    };
    let hash = from_hex(name).filter(|hash| fits && hex(hash) == name)?;
    Some((folder, hash))
}

/// Whether these are the bytes that a published file's name stands for: a snapshot of that id, or bytes whose SHA-256 begins with it.
pub fn is_name_of(file: &str, bytes: &[u8]) -> bool {
    let Some((folder, hash)) = published(file) else {
        return false;
    };
    match folder {
        "snapshots" => {
            let snapshot = Snapshot::open(bytes).ok().filter(|snapshot| snapshot.id().0 == hash);
            snapshot.is_some_and(|snapshot| snapshot.verify_id().is_ok())
        }
        _ => short(&sha256(&[bytes])) == hash,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashed_names_are_immutable() {
        let immutable = |file| asset_cache_control(file, 200).map(|value| value.contains("immutable"));
        for file in [
            "snapshots/0123456789abcdef0123456789abcdef.pkr",
            "deltas/0123456789abcdef0123456789abcdef.pkrd",
            "files/0123456789abcdef0123456789abcdef.json",
            "browser-1a2b3c4d.js",
            "browser.1A2B3C4D.js",
        ] {
            assert_eq!(immutable(file), Some(true), "{file}");
            assert_eq!(asset_cache_control(file, 404), None);
        }
        for file in [
            "pocketrank.js",
            "candidates/similar-0123456789.json",
            "0123456789abcdef/a.js",
        ] {
            assert_eq!(immutable(file), Some(false), "{file}");
        }
        assert_eq!(asset_cache_control(MANIFEST, 200), Some(REVALIDATE));
        assert_eq!(asset_cache_control(MANIFEST, 304), Some(REVALIDATE));
    }

    #[test]
    fn only_what_publish_names_is_published() {
        let hash = "0123456789abcdef0123456789abcdef";
        for (folder, end) in [("snapshots/", ".pkr"), ("deltas/", ".pkrd"), ("files/", ".json")] {
            assert!(is_published(&format!("{folder}{hash}{end}")));
            for wrong in [
                format!("{folder}{hash}"),
                format!("{folder}../{hash}{end}"),
                format!("{folder}{hash}0{end}"),
                format!("{folder}{}{end}", &hash[1..]),
                format!("a{folder}{hash}{end}"),
                format!("{folder}{}{end}", hash.to_uppercase()),
                format!("{folder}{hash}{end}/"),
                format!("{folder}{hash}{end}.br"),
            ] {
                assert!(!is_published(&wrong), "{wrong}");
            }
        }
        assert!(is_published(&format!("files/{hash}.webp")));
        for end in [".", ".JSON", ".a/b", ".abcdefghi"] {
            assert!(!is_published(&format!("files/{hash}{end}")), "{end}");
        }
        assert!(!is_published(MANIFEST));
        assert!(!is_published(&format!("manifests/{hash}.pkrm")));
    }

    #[test]
    fn a_published_name_stands_for_its_bytes_alone() {
        let snapshot = include_bytes!("../../tests/fixtures/random-v1.bin").as_slice();
        let id = Snapshot::open(snapshot).unwrap().id();
        let hash = hex(&short::<16>(&sha256(&[snapshot])));
        let names = [
            format!("snapshots/{id}.pkr"),
            format!("deltas/{hash}.pkrd"),
            format!("files/{hash}.json"),
        ];
        for name in &names {
            assert!(is_name_of(name, snapshot), "{name}");
            for at in [0, 20, 60, snapshot.len() - 1] {
                let mut changed = snapshot.to_vec();
                changed[at] ^= 1;
                assert!(!is_name_of(name, &changed), "{name}, {at}");
            }
            assert!(!is_name_of(name, &snapshot[1..]) && !is_name_of(name, &[]), "{name}");
        }
        for wrong in [
            format!("snapshots/{hash}.pkr"),
            format!("files/{id}.json"),
            format!("{hash}.json"),
        ] {
            assert!(!is_name_of(&wrong, snapshot), "{wrong}");
        }
    }
}
