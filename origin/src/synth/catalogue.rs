//! The products of the synthetic shop. Invariant: names differ, every product has all that schema.org asks of one, and
//! its hidden style shows in name, brand and picture.

use super::taste::{Dice, Taste, World, STYLES};
use super::words::{BRANDS, CATEGORIES, COLLECTIONS, MOODS};
use super::{Options, DAYS};
use crate::slug::Slugs;
use std::collections::HashSet;

/// A product.
#[derive(Debug, Clone, PartialEq)]
pub struct Product {
    /// The shop's id.
    pub id: String,
    /// Names its page and its picture.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its category.
    pub category: &'static str,
    /// Its brand.
    pub brand: &'static str,
    /// Price of one.
    pub price: f64,
    /// A text about it.
    pub description: String,
    /// Whether it can be bought.
    pub in_stock: bool,
    /// The day on which it came, from 0.
    pub since: u32,
    pub(super) kind: usize,
    pub(super) taste: Taste,
    pub(super) popularity: f64,
    /// Growth of its popularity over the whole time, as a power of e.
    pub(super) trend: f64,
}

/// Makes the products.
pub(super) fn products(world: &World, options: &Options) -> Vec<Product> {
    let mut dice = Dice::new(world.seed, "products");
    let mut names = HashSet::new();
    let mut slugs = Slugs::default();
    // Each brand has one style at heart and a second one, and makes things of some categories.
    let brands: Vec<(usize, usize)> = BRANDS
        .iter()
        .enumerate()
        .map(|(at, _)| (at % STYLES, dice.below(STYLES)))
        .collect();
    (0..options.items)
        .map(|number| {
            let kind = number as usize % CATEGORIES.len();
            let at = (dice.below(10) * 2 + kind % 2) % BRANDS.len();
            let (first, second) = brands.get(at).copied().unwrap_or_default();
            let style = if dice.chance(0.75) { first } else { second };
            let (brand, level) = BRANDS.get(at).copied().unwrap_or_default();
            let name = name(kind, style, &mut names, &mut dice);
            let id = format!("P{:04}", number + 1);
            let (category, price, description) = sheet(kind, style, level, brand, &mut dice);
            let late = dice.chance(0.12);
            Product {
                slug: slugs.item(&name, &id),
                id,
                name,
                category,
                brand,
                price,
                description,
                in_stock: !dice.chance(0.04),
                since: if late {
                    (DAYS as f64 * dice.between(0.3, 0.95)) as u32
                } else {
                    0
                },
                kind,
                taste: world.near(style, 0.45, &mut dice),
                popularity: libm::exp(0.8 * dice.normal()),
                trend: 0.7 * dice.normal(),
            }
        })
        .collect()
}

fn sheet(kind: usize, style: usize, level: f64, brand: &str, dice: &mut Dice) -> (&'static str, f64, String) {
    let Some(category) = CATEGORIES.get(kind) else {
        return ("", 0.0, String::new());
    };
    let (low, high) = category.price;
    let raw = (low + (high - low) * libm::pow(dice.unit(), 1.6)) * level;
    // Prices end in .90 or, when they are high, in 9.
    let price = if raw < 40.0 {
        raw.floor() + 0.9
    } else {
        (raw / 10.0).floor() * 10.0 + 9.0
    };
    let mood = MOODS.get(style).copied().unwrap_or_default();
    let use_of = dice.pick(category.uses).copied().unwrap_or_default();
    (category.name, price, format!("By {brand}: {mood}. {use_of}"))
}

fn name(kind: usize, style: usize, taken: &mut HashSet<String>, dice: &mut Dice) -> String {
    let (Some(category), Some(collection)) = (CATEGORIES.get(kind), COLLECTIONS.get(style)) else {
        return String::new();
    };
    for _ in 0..24 {
        let part = |of: &[&'static str], dice: &mut Dice| dice.pick(of).copied().unwrap_or_default();
        let name = [
            part(collection, dice),
            part(category.makes, dice),
            part(category.things, dice),
        ]
        .join(" ");
        if doubled(&name) {
            continue;
        }
        if taken.insert(name.clone()) {
            return name;
        }
    }
    // A large shop runs out of words and numbers its models.
    let thing = dice.pick(category.things).copied().unwrap_or_default();
    let name = format!(
        "{} {thing} No. {}",
        collection.first().copied().unwrap_or_default(),
        taken.len() + 1
    );
    taken.insert(name.clone());
    name
}

/// Whether two words follow each other that are the same, such as a terracotta lamp of the collection Terracotta.
fn doubled(name: &str) -> bool {
    name.split(' ')
        .zip(name.split(' ').skip(1))
        .any(|(word, next)| word == next)
}
