//! What rules ask of a snapshot, so that they apply where the snapshot itself is not: the build that decides is told these few answers.

use crate::event::ItemHash;
use crate::snapshot::{AttributeRow, Labels, Snapshot};
use std::borrow::Cow;

/// Items, and the names of what they are of.
pub trait Catalogue {
    /// The row of an item, where it is known.
    fn row(&self, item: ItemHash) -> Option<u32>;
    /// What an item is of, where that is known.
    fn codes(&self, row: u32) -> Option<AttributeRow>;
    /// The names behind the codes.
    fn labels(&self) -> Cow<'_, Labels>;
}

impl<B: AsRef<[u8]>> Catalogue for Snapshot<B> {
    fn row(&self, item: ItemHash) -> Option<u32> {
        Snapshot::row(self, item)
    }

    fn codes(&self, row: u32) -> Option<AttributeRow> {
        self.attributes()?.get(row)
    }

    fn labels(&self) -> Cow<'_, Labels> {
        Cow::Owned(Snapshot::labels(self).unwrap_or_default())
    }
}
