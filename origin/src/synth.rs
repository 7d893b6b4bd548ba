//! A shop that does not exist: products with a taste, and visitors with tastes who look, put in the cart and buy.
//! Invariant: equal [`Options`] give equal bytes on every machine: one seeded generator, no clock, no platform's
//! mathematics. The embedded default shop and the tests' data come from here; `ingest` reads them like any other data.

mod catalogue;
mod files;
mod sessions;
mod taste;
mod words;

pub use catalogue::Product;
pub use files::Written;
pub use sessions::{Line, Visit};

use crate::error::{Error, Result};
use crate::progress::Progress;
use std::path::Path;

/// First second of the shop: 2025-09-01 00:00 UTC.
pub const BEGIN: i64 = 1_756_684_800;
/// Days of history.
pub const DAYS: u32 = 90;
/// The shop's name.
pub const TITLE: &str = "Fern & Harbour";
/// The shop's currency.
pub const CURRENCY: &str = "EUR";

/// What to make.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Another seed, another shop.
    pub seed: u64,
    /// Products.
    pub items: u32,
    /// Visits.
    pub sessions: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            items: 400,
            sessions: 8_000,
        }
    }
}

/// A shop.
#[derive(Debug, Clone, PartialEq)]
pub struct Shop {
    /// What is sold.
    pub products: Vec<Product>,
    /// What visitors did, by time.
    pub visits: Vec<Visit>,
}

impl Shop {
    /// Makes it.
    ///
    /// # Errors
    /// [`Error::Usage`] where there are no items, no sessions, or absurdly many.
    pub fn make(options: &Options, progress: &Progress) -> Result<Self> {
        for (what, count, most) in [
            ("items", options.items, 200_000),
            ("sessions", options.sessions, 5_000_000),
        ] {
            if count == 0 || count > most {
                return Err(Error::Usage(format!(
                    "--{what} {count}: give a number from 1 to {most}"
                )));
            }
        }
        let world = taste::World::new(options.seed);
        let products = catalogue::products(&world, options);
        let visits = sessions::visits(&world, &products, options, progress);
        Ok(Self { products, visits })
    }

    /// Writes `catalogue.jsonl` (schema.org Product, a line each), `events.jsonl` (as GA4 names them) and `images/`.
    ///
    /// # Errors
    /// [`Error::Io`] where a file cannot be written.
    pub fn write(&self, folder: &Path, progress: &Progress) -> Result<Written> {
        files::write(self, folder, progress)
    }
}
