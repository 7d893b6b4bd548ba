//! What a visitor does, in the words of GA4's e-commerce events, and how items are named on the device.

use crate::error::{Error, Result};
use crate::hex::hex;
use serde::{Serialize, Serializer};
use std::fmt;
use xxhash_rust::xxh64::xxh64;

/// An item's name on the device: XXH64 (seed 0) of the UTF-8 bytes of the shop's own id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ItemHash(pub u64);

impl ItemHash {
    /// Of the bytes of an id.
    pub(crate) fn of(id: &[u8]) -> Self {
        ItemHash(xxh64(id, 0))
    }

    /// In hexadecimal.
    pub(crate) fn text(&self) -> String {
        hex(&self.0.to_be_bytes())
    }
}

impl fmt::Display for ItemHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl Serialize for ItemHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Hashes a shop's item id.
///
/// ```
/// assert_eq!(pocketrank::item_hash("sku-1").to_string(), "20d0f2ba6c1bc65d");
/// ```
pub fn item_hash(id: &str) -> ItemHash {
    ItemHash::of(id.as_bytes())
}

/// The first 64 characters.
pub(crate) fn shortened(name: &str) -> String {
    let end = name.char_indices().nth(64).map_or(name.len(), |(end, _)| end);
    name.get(..end).unwrap_or_default().into()
}

/// The kind of an event, named as in GA4's e-commerce events; the number is what profiles store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum EventKind {
    /// The item was shown in a list (an impression).
    ViewItemList = 0,
    /// The item was chosen from a list.
    SelectItem = 1,
    /// The item's page was opened.
    #[default]
    ViewItem = 2,
    /// The item was put on a wish list.
    AddToWishlist = 3,
    /// The item was put in the cart.
    AddToCart = 4,
    /// The item was taken out of the cart.
    RemoveFromCart = 5,
    /// The checkout of a cart with the item was begun.
    BeginCheckout = 6,
    /// The item was bought.
    Purchase = 7,
    /// The visitor asked not to see the item.
    Dismiss = 8,
}

impl EventKind {
    /// How many kinds there are.
    pub const COUNT: usize = 9;
    /// Every kind, in the order of its number.
    pub const ALL: [EventKind; Self::COUNT] = [
        EventKind::ViewItemList,
        EventKind::SelectItem,
        EventKind::ViewItem,
        EventKind::AddToWishlist,
        EventKind::AddToCart,
        EventKind::RemoveFromCart,
        EventKind::BeginCheckout,
        EventKind::Purchase,
        EventKind::Dismiss,
    ];
    const NAMES: &'static str = "view_item_list, select_item, view_item, add_to_wishlist, add_to_cart, \
         remove_from_cart, begin_checkout, purchase, dismiss";

    /// GA4's name of the kind (`dismiss` is our own).
    pub fn name(self) -> &'static str {
        match self {
            EventKind::ViewItemList => "view_item_list",
            EventKind::SelectItem => "select_item",
            EventKind::ViewItem => "view_item",
            EventKind::AddToWishlist => "add_to_wishlist",
            EventKind::AddToCart => "add_to_cart",
            EventKind::RemoveFromCart => "remove_from_cart",
            EventKind::BeginCheckout => "begin_checkout",
            EventKind::Purchase => "purchase",
            EventKind::Dismiss => "dismiss",
        }
    }

    /// The kind of that name.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for any other name.
    pub fn from_name(name: &str) -> Result<Self> {
        // Among the names as they are listed: to compare with each by itself is more code.
        let mut rest = Self::NAMES.as_bytes();
        for kind in Self::ALL {
            let end = rest.iter().position(|letter| *letter == b',').unwrap_or(rest.len());
            let (known, more) = rest.split_at_checked(end).unwrap_or_default();
            if known == name.as_bytes() {
                return Ok(kind);
            }
            rest = more.get(2..).unwrap_or_default();
        }
        Err(Error::UnknownName {
            what: "event",
            got: shortened(name),
            known: Self::NAMES,
        })
    }

    /// The kind of that number, if there is one.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

impl Serialize for EventKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// One thing that the visitor did with one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Event {
    /// The item.
    pub item: ItemHash,
    /// When, in seconds since 1970-01-01 UTC. Ranking uses the day only.
    pub at: u32,
    /// What.
    pub kind: EventKind,
}

/// Seconds in a day.
pub(crate) const DAY: u32 = 86_400;
