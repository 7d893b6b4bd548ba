//! What the catalogue's columns mean. Invariant: patterns are compiled when the file is read.

use super::{pattern, Column, Pattern};
use serde::Deserialize;

/// The catalogue's columns.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// File beside the events that is the catalogue, if it is there and no other is given.
    pub beside: Option<String>,
    /// Of a list of categories, what is between them; the first counts.
    pub category_separator: Option<String>,
    /// Of a list of tags, what is between them; a comma where nothing is said.
    pub tag_separator: Option<String>,
    /// Categories that say that there is none, and tags that say nothing.
    #[serde(default)]
    pub not_categories: Vec<String>,
    /// Categories from words in the name, for items without one: the first rule that matches.
    #[serde(default)]
    pub category_rules: Vec<CategoryRule>,
    /// The category of items that no rule matches.
    pub other_category: Option<String>,
    /// Names in capitals become Names In Title Case.
    #[serde(default)]
    pub title_case: bool,
    /// Which column is what.
    pub columns: Option<CatalogueColumns>,
}

/// Words in a name that tell the category.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryRule {
    /// The category.
    pub category: String,
    /// Regular expression at the beginning of a word of the name, whatever its case.
    #[serde(deserialize_with = "pattern::words")]
    pub pattern: Pattern,
}

/// Which of the catalogue's columns is what.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueColumns {
    /// The product's id.
    pub id: Column,
    /// Its name.
    pub name: Option<Column>,
    /// Its category.
    pub category: Option<Column>,
    /// Its brand.
    pub brand: Option<Column>,
    /// Price of one.
    pub price: Option<Column>,
    /// ISO 4217 code of the price.
    pub currency: Option<Column>,
    /// Its page.
    pub url: Option<Column>,
    /// Its picture.
    pub image: Option<Column>,
    /// A text about it.
    pub description: Option<Column>,
    /// Who sells it: the shop's name, where the configuration has no `title`.
    pub seller: Option<Column>,
    /// Its tags, as many as there are; see `tag_separator`.
    pub tags: Option<Column>,
    /// Whether it can be bought: schema.org's availability, yes/no, true/false or a number.
    pub in_stock: Option<Column>,
}
