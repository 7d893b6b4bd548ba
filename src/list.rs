//! What the snapshot knows of the items of a list, copied to lie side by side: the first ranking of a list looks its items up, all
//! later ones read forwards, wherever in the catalogue the items are.
//!
//! Invariant: a list says of each of its rows what the snapshot's tables say of it. [`Lists`] keeps the last few.

use crate::score::padded;
use crate::snapshot::{AttributeRow, PriorRow, Snapshot};

/// The items of one list. Tables that the snapshot lacks are empty.
#[derive(Debug, Clone, Default)]
pub(crate) struct List {
    pub(crate) rows: Vec<u32>,
    /// `None` for unknown items.
    pub(crate) prior: Vec<Option<PriorRow>>,
    pub(crate) attributes: Vec<AttributeRow>,
    /// Vectors of taste, each with zeros up to [`padded`].
    pub(crate) factors: Vec<u8>,
    /// A scale for each of them.
    pub(crate) scales: Vec<u16>,
    /// Vectors of content, padded likewise.
    pub(crate) content: Vec<u8>,
}

impl List {
    /// The popularity of an item, 0 for an unknown one.
    #[inline(always)]
    pub(crate) fn popularity(&self, at: usize) -> u8 {
        self.prior.get(at).copied().flatten().map_or(0, |row| row.popularity)
    }

    /// Looks up every row. Unknown items have vectors of zeros and codes that say nothing.
    fn read<B: AsRef<[u8]>>(&mut self, snapshot: &Snapshot<B>, rows: &[u32]) {
        self.rows.clear();
        self.rows.extend_from_slice(rows);
        self.prior.clear();
        if let Some(table) = snapshot.prior() {
            self.prior.extend(rows.iter().map(|row| table.get(*row)));
        }
        self.attributes.clear();
        if let Some(table) = snapshot.attributes() {
            self.attributes
                .extend(rows.iter().map(|row| table.get(*row).unwrap_or_default()));
        }
        self.factors.clear();
        self.scales.clear();
        if let Some(table) = snapshot.factors() {
            for row in rows {
                let (scale, vector) = table.row(*row).unwrap_or_default();
                self.scales.push(scale);
                push_padded(&mut self.factors, vector, table.dims);
            }
        }
        self.content.clear();
        if let Some(table) = snapshot.content() {
            for row in rows {
                push_padded(&mut self.content, table.row(*row).unwrap_or_default(), table.dims);
            }
        }
    }
}

fn push_padded(to: &mut Vec<u8>, vector: &[u8], dims: usize) {
    let end = to.len() + padded(dims);
    to.extend_from_slice(vector);
    to.resize(end, 0);
}

/// The lists that were ranked last: a page's carousels are ranked again at every event.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lists {
    lists: Vec<List>,
    oldest: usize,
}

/// How many lists are kept.
const LISTS: usize = 8;

impl Lists {
    /// Makes sure that the list is there, and says where. All lists are of one snapshot.
    pub(crate) fn place<B: AsRef<[u8]>>(&mut self, snapshot: &Snapshot<B>, rows: &[u32]) -> usize {
        if let Some(place) = self.lists.iter().position(|list| same(&list.rows, rows)) {
            return place;
        }
        if self.lists.len() < LISTS {
            self.lists.push(List::default());
            self.oldest = self.lists.len() - 1;
        }
        let place = self.oldest;
        if let Some(list) = self.lists.get_mut(place) {
            list.read(snapshot, rows);
        }
        self.oldest = (place + 1) % LISTS;
        place
    }

    /// The list at a place.
    pub(crate) fn get(&self, place: usize) -> Option<&List> {
        self.lists.get(place)
    }
}

/// Whether rows are equal, eight at a time: comparing slices goes byte by byte in wasm.
fn same(a: &[u32], b: &[u32]) -> bool {
    let ((a_eights, a_rest), (b_eights, b_rest)) = (a.as_chunks::<8>(), b.as_chunks());
    let equal = |(a, b): (&[u32; 8], &[u32; 8])| a.iter().zip(b).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0;
    a.len() == b.len() && a_eights.iter().zip(b_eights).all(equal) && a_rest == b_rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::NO_ROW;

    const FIXTURE: &[u8] = include_bytes!("../tests/fixtures/random-v1.bin");

    #[test]
    fn the_last_lists_are_kept_and_the_oldest_makes_room() {
        let snapshot = Snapshot::open(FIXTURE).unwrap();
        let mut lists = Lists::default();
        let rows = |at: u32| [at, at + 1, NO_ROW];
        for at in 0..20 {
            let place = lists.place(&snapshot, &rows(at));
            assert_eq!(place, at as usize % LISTS);
            let list = lists.get(place).unwrap();
            assert_eq!(list.rows, rows(at));
            assert_eq!(list.prior, rows(at).map(|row| snapshot.prior().unwrap().get(row)));
            let table = snapshot.factors().unwrap();
            assert_eq!(
                list.factors[padded(table.dims)..][..table.dims],
                *table.row(at + 1).unwrap().1
            );
        }
        let before = lists.lists.iter().map(|list| list.rows.clone()).collect::<Vec<_>>();
        assert_eq!(lists.place(&snapshot, &rows(17)), 1);
        assert_eq!(
            before,
            lists.lists.iter().map(|list| list.rows.clone()).collect::<Vec<_>>()
        );
    }
}
