//! What training and evaluation see: items, users and interactions, cleaned. Invariant: no raw customer or session id
//! is in here; every index is in range; equal input gives an equal dataset, the pseudonyms' key apart.

use crate::features::vectors::Vectors;
use crate::ingest::account::Account;
use pocketrank::EventKind;

/// Cleaned data of one shop.
#[derive(Debug, Clone, Default)]
pub struct Dataset {
    /// The shop's name, if the configuration or the catalogue says it.
    pub title: Option<String>,
    /// Sorted by id.
    pub items: Vec<Item>,
    /// In the order of their first interaction.
    pub users: Vec<User>,
    /// Sorted by time, then by place in the input.
    pub events: Vec<Interaction>,
    /// Countries of users, in the order of their first mention.
    pub countries: Vec<String>,
    /// What the order of the events, and [`Interaction::at`], mean.
    pub order: Order,
    /// Whether the events are ratings.
    pub rated: bool,
    /// ISO 4217 code of every price; empty where it is unknown.
    pub currency: String,
    /// Vectors of the items from outside, where there are any.
    pub vectors: Option<Vectors>,
    /// What cleaning did.
    pub account: Account,
}

/// What is known of when things were done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Their times.
    #[default]
    Time,
    /// The order of sessions and of the clicks in them, no dates: `at` is the running number of the click.
    Sequence,
    /// The order within each user's list only: `at` is the place in the list.
    Lists,
}

/// A product.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Item {
    /// The shop's own id.
    pub id: String,
    /// Its name; the id where there is none.
    pub name: String,
    /// Its category.
    pub category: Option<String>,
    /// Its brand.
    pub brand: Option<String>,
    /// Price of one, in the dataset's currency.
    pub price: Option<f64>,
    /// Its page.
    pub url: Option<String>,
    /// Its picture.
    pub image: Option<String>,
    /// A text about it.
    pub description: Option<String>,
    /// Its tags, each once, in the order of the alphabet.
    pub tags: Vec<String>,
    /// Whether it can be bought.
    pub in_stock: bool,
    /// Whether the shop's catalogue names it; else only customers' events do, and it may be nobody else's business.
    pub listed: bool,
}

/// Somebody who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct User {
    /// Keyed hash of the customer's id.
    pub pseudonym: [u8; 16],
    /// Stands for one session (or invoice) without a customer.
    pub anonymous: bool,
    /// Index into [`Dataset::countries`], where the data say it: of the first row that does.
    pub country: Option<u16>,
}

/// One thing that one user did with one item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interaction {
    /// Index into [`Dataset::users`].
    pub user: u32,
    /// Number of the session, in the order of their first interaction.
    pub session: u32,
    /// Index into [`Dataset::items`].
    pub item: u32,
    /// What was done.
    pub kind: EventKind,
    /// Seconds since 1970-01-01 UTC where the dataset's order is [`Order::Time`], else a number that only orders.
    pub at: i64,
    /// How many, cancellations deducted.
    pub quantity: f32,
}
