//! Slot content as HTML: Mustache templates, compiled at the origin, escaped by context.
//!
//! Invariant: whatever the values hold, the output has exactly the elements and attributes of the template, fields declared `html`
//! apart; links and images with a scheme other than `http` and `https` are dropped.
//!
//! ```text
//! NAME.mustache ► parse ► html (the context of each place) ► compile ► section TMPL ► render ► HTML
//! ```
//!
//! What writes is behind the feature `pack`; `docs/TEMPLATES.md` says what templates can do, `docs/FORMAT.md` what the section is.

#[cfg(feature = "pack")]
mod compile;
#[cfg(feature = "pack")]
mod content;
mod escape;
#[cfg(feature = "pack")]
mod fields;
#[cfg(feature = "pack")]
mod html;
mod page;
#[cfg(feature = "pack")]
mod parse;
mod price;
mod read;
mod render;
mod section;
#[cfg(feature = "pack")]
mod url;
mod value;

#[cfg(feature = "pack")]
pub use compile::{compile, CompileError, Source};
pub use escape::{escape, safe_url, unescape, Escape};
#[cfg(feature = "pack")]
pub use fields::{Field, Kind, FIELDS};
pub use page::{Page, Place};
pub use price::format_price;
pub use read::Reader;
pub use render::{ITEMS, MAX_OUTPUT, MAX_STEPS};
pub use section::{
    Op, Template, Templates, MAX_DEPTH, MAX_NAME, MAX_NAMES, MAX_OPS, MAX_PATH, MAX_TEMPLATES, MAX_TEXT,
};
pub use value::Value;

/// The template of slots that name none.
pub const SLOT: &str = "slot";
/// The partial that [`SLOT`] shows each item with.
pub const CARD: &str = "_card";
