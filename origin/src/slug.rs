//! Slugs: ids in addresses and file names. Invariant: only a-z, 0-9 and single hyphens, never empty, never longer than
//! [`MAX`]; slugs of one list made by [`Slugs`] differ. `synth` and `candidates` name pages and pictures with them.

use std::collections::{HashMap, HashSet};

/// Longest slug.
pub const MAX: usize = 80;
/// The most that a hyphen and a number take.
const SUFFIX: usize = 11;

/// The slug of some text; accents of Latin letters are dropped, other letters leave a hyphen.
pub fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().flat_map(char::to_lowercase).map(plain) {
        if slug.len() >= MAX {
            break;
        }
        match c {
            'a'..='z' | '0'..='9' => slug.push(c),
            // An apostrophe is part of its word.
            '\'' | '’' => {}
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    let trimmed = slug.trim_end_matches('-');
    if trimmed.is_empty() {
        "x".to_owned()
    } else {
        trimmed.to_owned()
    }
}

/// Makes slugs that differ from all that it made before.
#[derive(Debug, Default)]
pub struct Slugs {
    taken: HashSet<String>,
    /// The last number given after each stem. Counting from the start again would take hours where thousands collide.
    numbers: HashMap<String, u32>,
}

impl Slugs {
    /// The slug of an item: its name and its id.
    pub fn item(&mut self, name: &str, id: &str) -> String {
        let id = slug(id);
        let room = MAX.saturating_sub(id.len() + 1);
        let name: String = slug(name).chars().take(room).collect();
        self.unique(&slug(&format!("{name}-{id}")))
    }

    /// The slug of a text.
    pub fn unique(&mut self, text: &str) -> String {
        let base = slug(text);
        if self.taken.insert(base.clone()) {
            return base;
        }
        let stem = base.get(..MAX - SUFFIX).unwrap_or(&base).trim_end_matches('-');
        let number = self.numbers.entry(stem.to_owned()).or_insert(1);
        loop {
            *number += 1;
            let candidate = format!("{stem}-{number}");
            if self.taken.insert(candidate.clone()) {
                return candidate;
            }
        }
    }
}

fn plain(c: char) -> char {
    match c {
        'à'..='å' => 'a',
        'ç' => 'c',
        'è'..='ë' => 'e',
        'ì'..='ï' => 'i',
        'ñ' => 'n',
        'ò'..='ö' | 'ø' => 'o',
        'ù'..='ü' => 'u',
        'ý' | 'ÿ' => 'y',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_plain_and_differ() {
        assert_eq!(slug("  Jardin d'Été & Co. "), "jardin-dete-co");
        assert_eq!(slug("日本"), "x");
        let mut slugs = Slugs::default();
        assert_eq!(slugs.item("White Heart", "85123A"), "white-heart-85123a");
        assert_eq!(slugs.item("White Heart", "85123a"), "white-heart-85123a-2");
        let long = slugs.item(&"long name ".repeat(30), "id");
        assert!(long.len() <= MAX && long.ends_with("-id"), "{long}");
    }

    #[test]
    fn thousands_of_colliding_ids_are_numbered_at_once_and_stay_short() {
        let mut slugs = Slugs::default();
        let address = format!("https://shop.example/{}/", "long-path/".repeat(10));
        let mut made = HashSet::new();
        for number in 0..30_000 {
            let slug = slugs.item("A name", &format!("{address}{number}"));
            assert!(slug.len() <= MAX, "{slug}");
            assert!(made.insert(slug));
        }
        // A number that another text already has is passed over.
        let mut slugs = Slugs::default();
        assert_eq!(
            ["cup-2", "cup", "cup", "cup", "cup-2"].map(|text| slugs.unique(text)),
            ["cup-2", "cup", "cup-3", "cup-4", "cup-2-2"]
        );
    }
}
