//! The fields that templates can name: those that hosts always give, and those that a shop declares for its own lists.

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Anything that is escaped where it is shown: texts, numbers, flags, lists, fields of its own.
    Text,
    /// HTML that the shop vouches for; raw tags show it as it is.
    Html,
}

/// A field by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Letters, digits, `_` and `-`.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

/// The fields that need no declaration, with what they are; all of them are texts.
pub const FIELDS: [(&str, &str); 26] = [
    ("items", "the items of the slate, a list"),
    ("id", "of an item: the shop's id"),
    ("slug", "of an item: its name in addresses"),
    ("name", "of an item: its name"),
    ("url", "of an item: its page"),
    ("image", "of an item: its picture"),
    (
        "price",
        "of an item: the price in the page's language, else `price_text`",
    ),
    ("price_text", "of an item: the price as the shop writes it"),
    ("currency", "of an item: ISO 4217 code of its price"),
    ("category", "of an item: its category"),
    ("category_slug", "of an item: its category in addresses"),
    ("brand", "of an item: its brand"),
    ("description", "of an item: a text about it"),
    ("in_stock", "of an item: whether it can be bought"),
    ("position", "of an item: its place, from 1"),
    ("first", "of an item: whether it is the first"),
    ("last", "of an item: whether it is the last"),
    (
        "because",
        "of an item: the item that the visitor met and that speaks most for it, with its fields",
    ),
    (
        "because_category",
        "of an item: whether its category speaks most for it",
    ),
    ("because_brand", "of an item: whether its brand speaks most for it"),
    ("visitor", "the name that the page gives"),
    ("lang", "the page's language"),
    ("morning", "whether it is 5 to 11 o'clock on the page"),
    ("afternoon", "whether it is 12 to 17 o'clock on the page"),
    ("evening", "whether it is 18 to 22 o'clock on the page"),
    ("night", "whether it is 23 to 4 o'clock on the page"),
];
