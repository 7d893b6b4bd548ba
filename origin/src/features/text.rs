//! Texts of the catalogue as weighted terms (TF-IDF; Salton and Buckley 1988). Invariant: terms and weights depend on the
//! items that are handed in alone; terms are numbered in the order of the alphabet. The content model reduces them.

use crate::config::Text;
use crate::dataset::Item;
use crate::parallel;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use unicode_segmentation::UnicodeSegmentation;

/// Longest word that counts, in characters: longer ones are codes or noise.
const MAX_WORD: usize = 40;

/// Terms of items.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The terms, in the order of the alphabet.
    pub names: Vec<String>,
    /// Of each item its terms, ascending, with weights `(1 + ln tf) * (ln((1 + n) / (1 + df)) + 1)`, of unit length together;
    /// empty for items without a term.
    pub rows: Vec<Vec<(u32, f32)>>,
}

/// The terms of items: n-grams of the words of name, description, category, brand and tags, and the whole category, brand
/// and each whole tag, which are told from words.
pub fn terms(items: &[&Item], options: &Text) -> Terms {
    let stop: HashSet<&str> = stop_words::lookup(&options.language)
        .unwrap_or_default()
        .iter()
        .copied()
        .collect();
    let counted: Vec<BTreeMap<String, u32>> = parallel::map(items, |item| count(item, options.ngrams, &stop));
    let mut frequency: HashMap<&str, usize> = HashMap::new();
    for term in counted.iter().flat_map(BTreeMap::keys) {
        *frequency.entry(term).or_default() += 1;
    }
    let most = (options.max_share * items.len() as f64).ceil() as usize;
    let mut kept: Vec<(&str, usize)> = frequency
        .into_iter()
        .filter(|(_, items)| (options.min_items.max(1)..=most).contains(items))
        .collect();
    kept.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    kept.truncate(options.max_terms);
    kept.sort_unstable();
    let idf: HashMap<&str, (u32, f64)> = (0u32..)
        .zip(&kept)
        .map(|(at, (term, frequency))| {
            let rarity = (1.0 + items.len() as f64) / (1.0 + *frequency as f64);
            (*term, (at, libm::log(rarity) + 1.0))
        })
        .collect();
    let rows = parallel::map(&counted, |terms| {
        let weighted = terms.iter().filter_map(|(term, count)| {
            let (at, idf) = idf.get(term.as_str())?;
            Some((*at, (1.0 + libm::log(f64::from(*count))) * idf))
        });
        unit(weighted.collect())
    });
    Terms {
        names: kept.iter().map(|(term, _)| (*term).to_owned()).collect(),
        rows,
    }
}

fn unit(row: Vec<(u32, f64)>) -> Vec<(u32, f32)> {
    let length = row.iter().map(|(_, weight)| weight * weight).sum::<f64>().sqrt();
    row.into_iter()
        .map(|(at, weight)| (at, (weight / length) as f32))
        .collect()
}

/// The terms of an item and how often each is there.
fn count(item: &Item, ngrams: usize, stop: &HashSet<&str>) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    // A name that is the id stands for none.
    let fields = [
        Some(&item.name).filter(|name| **name != item.id),
        item.description.as_ref(),
        item.category.as_ref(),
        item.brand.as_ref(),
    ];
    for field in fields.into_iter().flatten().chain(&item.tags) {
        let words = words(field, stop);
        for length in 1..=ngrams {
            for gram in words.windows(length) {
                *counts.entry(gram.join(" ")).or_default() += 1;
            }
        }
    }
    let whole = [("category", &item.category), ("brand", &item.brand)];
    let whole = whole
        .into_iter()
        .filter_map(|(kind, text)| Some((kind, text.as_ref()?)));
    let whole: BTreeSet<(&str, &String)> = whole.chain(item.tags.iter().map(|tag| ("tag", tag))).collect();
    for (kind, text) in whole {
        // No word has a colon and a space.
        counts.insert(format!("{kind}: {}", text.to_lowercase()), 1);
    }
    counts
}

/// Words by Unicode's rules (UAX 29), numbers among them, in small letters and without stop words.
fn words(text: &str, stop: &HashSet<&str>) -> Vec<String> {
    text.unicode_words()
        .map(str::to_lowercase)
        .filter(|word| !stop.contains(word.as_str()) && word.chars().count() <= MAX_WORD)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str) -> Item {
        Item {
            name: name.into(),
            ..Item::default()
        }
    }

    fn named(names: &[&str], options: &Text) -> Terms {
        let items: Vec<Item> = names.iter().map(|name| item(name)).collect();
        terms(&items.iter().collect::<Vec<&Item>>(), options)
    }

    fn all() -> Text {
        Text {
            min_items: 1,
            max_share: 1.0,
            ..Text::default()
        }
    }

    #[test]
    fn words_numbers_and_pairs_are_terms_and_stop_words_are_not() {
        let options = Text {
            language: "en".into(),
            ..all()
        };
        let found = named(&["The Mug of 3.5 litres", "ÉTAGÈRE 24"], &options);
        assert_eq!(
            found.names,
            [
                "24",
                "3.5",
                "3.5 litres",
                "litres",
                "mug",
                "mug 3.5",
                "étagère",
                "étagère 24"
            ]
        );
        let found = named(&["The mug"], &Text { ngrams: 1, ..all() });
        assert_eq!(found.names, ["mug", "the"]);
        assert!(
            named(&["a", "b"], &Text::default()).names.is_empty(),
            "terms of one item say nothing"
        );
    }

    #[test]
    fn weights_are_those_of_the_formula() {
        // Two items, "red" in both, "mug" twice in the first: 1 * (ln(3/3) + 1) = 1; (1 + ln 2) * (ln(3/2) + 1).
        let found = named(&["red mug mug", "red"], &Text { ngrams: 1, ..all() });
        assert_eq!(found.names, ["mug", "red"]);
        let mug = (1.0 + std::f64::consts::LN_2) * (0.405_465_108_108_164_4 + 1.0);
        let length = (1.0 + mug * mug).sqrt();
        let [(0, first), (1, second)] = found.rows[0][..] else {
            panic!("{:?}", found.rows)
        };
        assert!((f64::from(first) - mug / length).abs() < 1e-6);
        assert!((f64::from(second) - 1.0 / length).abs() < 1e-6);
        assert_eq!(found.rows[1], [(1, 1.0)]);
    }

    #[test]
    fn a_category_is_more_than_its_words() {
        let mut mug = item("Mug");
        mug.category = Some("Tea Time".into());
        mug.tags = vec!["Red".into()];
        let found = terms(&[&mug], &all());
        assert_eq!(
            found.names,
            [
                "category: tea time",
                "mug",
                "red",
                "tag: red",
                "tea",
                "tea time",
                "time"
            ]
        );
    }

    #[test]
    fn frequent_terms_are_left_out_and_the_most_frequent_of_the_rest_kept() {
        let names = ["x a", "x a", "x b", "x b c", "x c"];
        let options = Text {
            ngrams: 1,
            max_share: 0.5,
            max_terms: 2,
            ..all()
        };
        assert_eq!(named(&names, &options).names, ["a", "b"]);
    }
}
