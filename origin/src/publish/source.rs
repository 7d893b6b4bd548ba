//! Files that go with a snapshot, as the command line names them.

use crate::candidates::PER_ITEM;
use crate::error::{Error, Result};
use serde::Deserialize;
use std::path::Path;

/// A file to publish beside the snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// By what hosts ask for it.
    pub name: String,
    /// For how long it may be used, in seconds.
    pub ttl: u32,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What `lists.json` says, which `pocketrank candidates` writes.
#[derive(Deserialize)]
struct Index {
    lists: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    list: String,
    ttl: u32,
}

/// What of a list is read here.
#[derive(Deserialize)]
struct List {
    ttl: u32,
}

impl Source {
    /// Reads `NAME=PATH`, `NAME=PATH:TTL`, or the lists of a folder that `pocketrank candidates` wrote, without those of which each item
    /// has one: a manifest has room for some hundred.
    ///
    /// # Errors
    /// [`Error::Io`] where a file cannot be read, [`Error::Usage`] where nothing says for how long it may be used, [`Error::Data`] for an
    /// index that is none.
    pub fn read(text: &str) -> Result<Vec<Self>> {
        let Some((name, path)) = text.split_once('=') else {
            return Self::lists(Path::new(text));
        };
        let (path, ttl) = match path.rsplit_once(':').map(|(path, ttl)| (path, seconds(ttl))) {
            Some((path, Ok(ttl))) => (path, Some(ttl)),
            _ => (path, None),
        };
        let bytes = read(Path::new(path))?;
        let own = || serde_json::from_slice(&bytes).ok().map(|List { ttl }| u64::from(ttl));
        let ttl = ttl.or_else(own).and_then(|ttl| u32::try_from(ttl).ok());
        let ttl = ttl.ok_or_else(|| {
            Error::Usage(format!(
                "--file {text}: say for how long it may be used, such as {text}:15m"
            ))
        })?;
        Ok(vec![Self {
            name: name.to_owned(),
            ttl,
            bytes,
        }])
    }

    fn lists(folder: &Path) -> Result<Vec<Self>> {
        let path = folder.join("lists.json");
        let index: Index = serde_json::from_slice(&read(&path)?).map_err(|e| {
            Error::Data(format!(
                "{}: {e}; give a folder that `pocketrank candidates` wrote",
                path.display()
            ))
        })?;
        let source = |Line { list, ttl }: Line| {
            let name = format!("candidates/{list}.json");
            let bytes = read(&folder.join(&name))?;
            Ok(Self { name, ttl, bytes })
        };
        let lists = index.lists.into_iter();
        lists
            .filter(|line| !line.list.starts_with(PER_ITEM))
            .map(source)
            .collect()
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Error::reading(path, e))
}

/// Seconds of a time such as `90`, `90s`, `15m`, `12h` or `7d`.
///
/// # Errors
/// What to give instead.
pub fn seconds(text: &str) -> std::result::Result<u64, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..) {
        Some("" | "s") => Some(1),
        Some("m") => Some(60),
        Some("h") => Some(3_600),
        Some("d") => Some(86_400),
        _ => None,
    };
    let number = digits.parse::<u64>().ok();
    let product = number.zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
    let fits = product.filter(|seconds| (1..=u64::from(u32::MAX)).contains(seconds));
    fits.ok_or_else(|| "give seconds, or a time such as 15m, 12h or 7d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, expected) in [("90", 90), ("90s", 90), ("15m", 900), ("12h", 43_200), ("7d", 604_800)] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for text in ["", "d", "0", "7w", "-1d", "1.5h", "7 d", "99999999999d", "99999d"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_time_is_the_options_or_the_lists_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("home.json");
        std::fs::write(&path, br#"{"list":"home","ttl":900,"items":[]}"#).unwrap();
        let ttl = |more: &str| Source::read(&format!("candidates/home.json={}{more}", path.display()));
        assert_eq!(ttl("").unwrap()[0].ttl, 900);
        assert_eq!(ttl(":2h").unwrap()[0].ttl, 7_200);
        assert_eq!(ttl(":2h").unwrap()[0].name, "candidates/home.json");
        std::fs::write(&path, b"plain").unwrap();
        let refused = ttl("").unwrap_err().to_string();
        assert!(refused.contains(":15m"), "{refused}");
        let none = Source::read(folder.path().to_str().unwrap()).unwrap_err();
        assert!(none.to_string().contains("lists.json"), "{none}");
        let index = br#"{"lists":[{"list":"popular","ttl":60},{"list":"similar-x","ttl":60}]}"#;
        std::fs::write(folder.path().join("lists.json"), index).unwrap();
        std::fs::create_dir(folder.path().join("candidates")).unwrap();
        std::fs::write(folder.path().join("candidates/popular.json"), b"{}").unwrap();
        let lists = Source::read(folder.path().to_str().unwrap()).unwrap();
        let expected = Source {
            name: "candidates/popular.json".into(),
            ttl: 60,
            bytes: b"{}".to_vec(),
        };
        assert_eq!(lists, [expected]);
    }
}
