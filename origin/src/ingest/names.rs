//! One name for each item, and one of whatever else events say about items. Invariant: what most users say is taken, however
//! often one says it; equals go to the smallest. Used by `assemble`.

use super::account::{Effect, Tally};
use super::events::{Lines, NONE};
use crate::config::Pattern;
use std::collections::HashMap;

const NOT_A_NAME: &str = "text is no product's name";
const VARIES: &str = "name varies, that of most users taken";

/// For each item its name, as far as the lines tell one. Remarks of stock keepers and the like (`not_names`) do not count.
pub(super) fn choose(lines: &Lines, not_names: &[Pattern], tally: &mut Tally) -> HashMap<u32, Said<String>> {
    let clean: Vec<Option<String>> = (0..super::events::index(lines.texts.len()))
        .map(|text| {
            let text = tidy(lines.texts.get(text).unwrap_or_default());
            let named = !text.is_empty() && !not_names.iter().any(|pattern| pattern.matches(&text));
            named.then_some(text)
        })
        .collect();
    let name_of = |text: u32| clean.get(text as usize).and_then(Option::as_deref);
    let said = lines
        .lines
        .iter()
        .filter_map(|line| Some((line.item, name_of(line.name)?, line.user)));
    let chosen = most_said(said);
    for line in lines.lines.iter().filter(|line| line.name != NONE) {
        let rule = match (name_of(line.name), chosen.get(&line.item)) {
            (None, _) => NOT_A_NAME,
            (Some(name), Some(chosen)) if name != chosen.what => VARIES,
            _ => continue,
        };
        tally.rule(rule, Effect::Changed).count(|| lines.place_of_item(line));
    }
    let owned = |said: Said<&str>| Said {
        what: said.what.to_owned(),
        users: said.users,
    };
    chosen.into_iter().map(|(item, said)| (item, owned(said))).collect()
}

/// What most users say about an item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Said<T> {
    pub what: T,
    /// How many users say so.
    pub users: u32,
}

/// For each item what most users say, of `(item, what, user)`; of equals the smallest.
pub(super) fn most_said<T: Ord + Copy>(said: impl Iterator<Item = (u32, T, u32)>) -> HashMap<u32, Said<T>> {
    let mut said: Vec<(u32, T, u32)> = said.collect();
    said.sort_unstable();
    said.dedup();
    let mut best: HashMap<u32, Said<T>> = HashMap::new();
    for group in said.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let Some((item, what, _)) = group.first().copied() else {
            continue;
        };
        let users = super::events::index(group.len());
        let taken = best.entry(item).or_insert(Said { what, users });
        if users > taken.users {
            *taken = Said { what, users };
        }
    }
    best
}

/// Single spaces, no control characters, and no stray punctuation at the ends.
pub(super) fn tidy(text: &str) -> String {
    let blank = |c: char| c.is_whitespace() || c.is_control();
    let spaced: Vec<&str> = text.split(blank).filter(|word| !word.is_empty()).collect();
    let stray = |c: char| c.is_whitespace() || ",.;:*".contains(c);
    let joined = spaced.join(" ").replace(" ,", ",");
    let tidied = joined.trim_start_matches(stray).trim_end_matches(stray);
    tidied.chars().take(MAX_NAME).collect()
}

/// Longest name, in characters.
const MAX_NAME: usize = 200;

const SMALL: [&str; 13] = [
    "a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "with",
];
const CAPITALS: [&str; 8] = ["CD", "DVD", "DIY", "LED", "TV", "UK", "USB", "XL"];

/// A NAME IN CAPITALS as a Name in Title Case; names with small letters of their own mostly stay.
pub(super) fn title_case(name: &str) -> String {
    let words: Vec<String> = name
        .split(' ')
        .enumerate()
        .map(|(place, word)| title_word(place, word))
        .collect();
    words.join(" ")
}

fn title_word(place: usize, word: &str) -> String {
    let small = word.to_lowercase();
    if CAPITALS.contains(&word) || (word.chars().any(char::is_lowercase) && small != word) {
        return word.to_owned();
    }
    if place > 0 && SMALL.contains(&small.as_str()) {
        return small;
    }
    let mut begins = true;
    small
        .chars()
        .map(|c| {
            let shown = if begins {
                c.to_uppercase().next().unwrap_or(c)
            } else {
                c
            };
            begins = !(c.is_alphanumeric() || c == '\'' || c == '’');
            shown
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_become_title_case() {
        for (from, to) in [
            (
                "WHITE HANGING HEART T-LIGHT HOLDER",
                "White Hanging Heart T-Light Holder",
            ),
            ("SET OF 6 SOLDIER'S SKITTLES", "Set of 6 Soldier's Skittles"),
            ("BAG 250g SWIRLY MARBLES", "Bag 250g Swirly Marbles"),
            ("KID'S CHALKBOARD/EASEL", "Kid's Chalkboard/Easel"),
            ("OF LED LIGHT 45x45cm", "Of LED Light 45x45cm"),
        ] {
            assert_eq!(title_case(from), to);
        }
        assert_eq!(tidy("  A   B . ,"), "A B");
        assert_eq!(tidy("A\0\u{1b}B\u{7f}"), "A B");
    }
}
