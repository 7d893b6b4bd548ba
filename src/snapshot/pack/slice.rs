//! Slices: what a snapshot knows of a few items, as a snapshot of its own that a page can carry.

use super::{attributes, finish, index, neighbours, postcard, prior, AttributeRow, Labels, PriorRow};
use crate::error::{Error, Result};
use crate::event::ItemHash;
use crate::snapshot::index::bucket_bits;
use crate::snapshot::{Meta, Section, Snapshot, NO_ROW};

/// A row that the slice keeps.
struct Kept {
    /// Its row in the whole.
    row: u32,
    hash: ItemHash,
    /// Whether it is one of the items asked for, and not kept only because it leads to some.
    asked: bool,
}

impl<B: AsRef<[u8]>> Snapshot<B> {
    /// A snapshot of these items alone. It keeps the items, all that has one of them for a neighbour, and what is known of either; of
    /// neighbours only the items. It ranks the items with the same bits as the whole without its factors does, for every profile in which
    /// the items that the slice does not keep are unknown to the whole as well: nothing leads from them to the slice's items, so what they
    /// could add is only their category, brand, price band and content. Rows are numbered anew, first the items, in their order, then what
    /// leads to them, by category, brand and price band; codes are, in their order. Priors are kept of the items only, and are 0 for what
    /// leads to them. Items that the snapshot does not know are left out.
    ///
    /// It walks all neighbours once: make it once a list, not once a visitor.
    ///
    /// # Errors
    /// What is wrong with the snapshot, where it was not verified.
    pub fn slice(&self, items: impl IntoIterator<Item = ItemHash>) -> Result<Vec<u8>> {
        let mut asked = vec![false; self.items() as usize];
        for row in items.into_iter().filter_map(|item| self.row(item)) {
            if let Some(asked) = asked.get_mut(row as usize) {
                *asked = true;
            }
        }
        let kept = self.kept(&asked)?;
        let mut numbers = vec![NO_ROW; asked.len()];
        for (number, kept) in (0u32..).zip(&kept) {
            if let Some(at) = numbers.get_mut(kept.row as usize).filter(|_| kept.asked) {
                *at = number;
            }
        }
        let mut sections = vec![(Section::Index, self.sliced_index(&kept)?)];
        if let Some(table) = self.prior() {
            let of = |kept: &Kept| table.get(kept.row).filter(|_| kept.asked).unwrap_or_default();
            let rows: Vec<PriorRow> = kept.iter().map(of).collect();
            sections.push((Section::Prior, prior(&rows)));
        }
        if let Some(table) = self.attributes() {
            let mut rows: Vec<AttributeRow> = kept
                .iter()
                .map(|kept| table.get(kept.row).unwrap_or_default())
                .collect();
            let mut labels = self.labels()?;
            // Codes of price bands stay, so there must be as many names, whatever the whole has.
            labels.price_bands.resize(table.price_bands().into(), String::new());
            let labels = Labels {
                categories: renumber(&mut rows, &labels.categories, |row| &mut row.category),
                brands: renumber(&mut rows, &labels.brands, |row| &mut row.brand),
                price_bands: labels.price_bands,
            };
            sections.push((Section::Attributes, attributes(&rows, &labels)?));
            sections.push((Section::Labels, postcard("labels", &labels)?));
        }
        if self.neighbours().is_some() {
            sections.push((Section::Neighbours, self.sliced_neighbours(&kept, &numbers)?));
        }
        if let Some(table) = self.content() {
            let mut bytes = (table.dims as u16).to_le_bytes().to_vec();
            for kept in &kept {
                bytes.extend(table.row(kept.row).ok_or(corrupt("content", kept.row))?);
            }
            sections.push((Section::Content, bytes));
        }
        for section in [Section::Experiments, Section::Rules, Section::Templates] {
            sections.extend(self.table(section).map(|bytes| (section, bytes.to_vec())));
        }
        let meta = Meta {
            items: kept.len() as u32,
            ..self.meta().clone()
        };
        finish(&meta, self.blend(), sections)
    }

    /// The rows to keep, in the order of their numbers in the slice: those asked for, then what leads to them, by category, brand and
    /// price band.
    fn kept(&self, asked: &[bool]) -> Result<Vec<Kept>> {
        let table = self.neighbours();
        let is_asked = |row: u32| asked.get(row as usize).copied().unwrap_or_default();
        let mut kept = vec![];
        for (row, hash) in self.index().entries() {
            let mut leads = false;
            if let Some(table) = table.filter(|_| !is_asked(row)) {
                let neighbours = table.row(row).ok_or(corrupt("neighbours", row))?;
                neighbours.for_each(|target, level| leads |= level > 0 && is_asked(target));
            }
            if leads || is_asked(row) {
                let asked = is_asked(row);
                kept.push(Kept { row, hash, asked });
            }
        }
        // Targets that lie together make short gaps, and rows that are alike deflate to little.
        let table = self.attributes();
        let codes = |row| table.and_then(|table| table.get(row)).unwrap_or_default();
        kept.sort_unstable_by_key(|kept| {
            let codes = if kept.asked {
                AttributeRow::default()
            } else {
                codes(kept.row)
            };
            (!kept.asked, codes.category, codes.brand, codes.price_band, kept.row)
        });
        Ok(kept)
    }

    /// Of as few buckets as tell the items apart: at the most as many as the whole has.
    fn sliced_index(&self, kept: &[Kept]) -> Result<Vec<u8>> {
        let hashes: Vec<ItemHash> = kept.iter().map(|kept| kept.hash).collect();
        let most = self.index().bits();
        let mut bits = bucket_bits(hashes.len() as u32).min(most);
        loop {
            match index(&hashes, bits) {
                Err(Error::DuplicateItem { .. }) if bits < most => bits += 1,
                done => return done,
            }
        }
    }

    /// Scales and levels are the whole's, so that weights stay what they are.
    fn sliced_neighbours(&self, kept: &[Kept], numbers: &[u32]) -> Result<Vec<u8>> {
        let table = self
            .neighbours()
            .ok_or(Error::MissingSection { section: "neighbours" })?;
        let (levels, scales) = (table.levels(), table.scales());
        let mut writer = neighbours::Writer::new(table.code_bits(), &levels, &scales);
        for kept in kept {
            let row = table.row(kept.row).ok_or(corrupt("neighbours", kept.row))?;
            let mut targets = vec![];
            row.for_each(|target, level| {
                let number = numbers.get(target as usize).copied().unwrap_or(NO_ROW);
                if number != NO_ROW && level > 0 {
                    targets.push((number, levels.partition_point(|at| *at < level) as u8));
                }
            });
            let scale = scales.partition_point(|at| *at < row.scale) as u8;
            writer.push(scale, &targets)?;
        }
        Ok(writer.finish())
    }
}

fn corrupt(what: &'static str, row: u32) -> Error {
    Error::Corrupt {
        what,
        at: row as usize,
        rule: "the row can be read",
    }
}

/// Numbers the codes in use anew, in their order, and gives their names.
fn renumber(rows: &mut [AttributeRow], names: &[String], code: impl Fn(&mut AttributeRow) -> &mut u16) -> Vec<String> {
    let mut used: Vec<u16> = rows.iter_mut().map(|row| *code(row)).filter(|code| *code > 0).collect();
    used.sort_unstable();
    used.dedup();
    for row in rows {
        let code = code(row);
        *code = used.binary_search(code).map_or(0, |at| at as u16 + 1);
    }
    let name = |code: u16| names.get(usize::from(code) - 1).cloned().unwrap_or_default();
    used.into_iter().map(name).collect()
}
