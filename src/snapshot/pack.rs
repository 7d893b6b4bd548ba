//! Writes snapshots: the only writer of the format that the rest of `snapshot` reads.
//!
//! Invariant: equal input gives equal bytes, and what is written verifies; anything else is an error.

mod neighbours;
mod slice;
mod vectors;

pub use neighbours::{Coded, CodedRow, Grid};
pub use vectors::{Content, Factors, Gram};

use super::attributes::{AttributeRow, Labels};
use super::blend::Blend;
use super::envelope::{write_head, ENTRY, HASHED_HEADER, HEADER};
use super::index::{bucket_bits, row_width, split};
use super::prior::{PriorRow, NARROW, WIDE};
use super::{at_most, Meta, Section, Snapshot};
use crate::bytes::sha256;
use crate::error::{Error, Result};
use crate::event::{item_hash, ItemHash};
use crate::experiment::Experiments;
use crate::rule::Rule;
use crate::template::Templates;
use serde::Serialize;

/// A model before it is packed. Tables are by row; a row is the position of the item's id in `ids`.
#[derive(Debug, Clone)]
pub struct SnapshotBuilder {
    /// What the snapshot says of itself; `items` is set by [`SnapshotBuilder::build`].
    pub meta: Meta,
    /// How scores are made and mixed; its units are set by [`SnapshotBuilder::build`], so that parts are in units of the weights and
    /// vectors below.
    pub blend: Blend,
    /// The shop's item ids.
    pub ids: Vec<String>,
    /// One row per item, or none at all.
    pub prior: Vec<PriorRow>,
    /// One row per item, or none at all.
    pub attributes: Vec<AttributeRow>,
    /// Names behind the attribute codes.
    pub labels: Labels,
    /// Per source item its neighbours and their weights, above 0 and in any order; one list per item, or none at all.
    pub neighbours: Vec<Vec<(u32, f32)>>,
    /// Bits of a neighbour's weight, from 4 (small) to 8 (exact, the default).
    pub code_bits: u8,
    /// The neighbours where they are rounded already, instead of `neighbours` and `code_bits`.
    pub coded: Option<Coded>,
    /// Vectors of taste.
    pub factors: Option<Factors>,
    /// Vectors of content.
    pub content: Option<Content>,
    /// Features and experiments.
    pub experiments: Option<Experiments>,
    /// Rules.
    pub rules: Vec<Rule>,
    /// Compiled templates, where the shop has some of its own.
    pub templates: Option<Templates>,
}

impl Default for SnapshotBuilder {
    fn default() -> Self {
        SnapshotBuilder {
            meta: Meta::default(),
            blend: Blend::default(),
            ids: vec![],
            prior: vec![],
            attributes: vec![],
            labels: Labels::default(),
            neighbours: vec![],
            code_bits: 8,
            coded: None,
            factors: None,
            content: None,
            experiments: None,
            rules: vec![],
            templates: None,
        }
    }
}

impl SnapshotBuilder {
    /// The packed bytes. Weights of neighbours keep about `code_bits` bits, on a square-root scale within their row.
    ///
    /// # Errors
    /// [`Error::DuplicateItem`], [`Error::Weight`], [`Error::Limit`], or [`Error::Corrupt`] for tables that do not fit together.
    pub fn build(mut self) -> Result<Vec<u8>> {
        let items = self.ids.len();
        self.meta.items = u32::try_from(items).map_err(|_| Error::Limit {
            what: "snapshot items",
            max: super::MAX_ITEMS as usize,
            got: items,
        })?;
        self.meta.check()?;
        self.same_length("prior", self.prior.len())?;
        self.same_length("attributes", self.attributes.len())?;
        if self.coded.is_none() && !self.neighbours.is_empty() {
            self.coded = Some(neighbours::round(&self.neighbours, self.code_bits)?);
        }
        self.same_length("neighbours", self.coded.as_ref().map_or(0, |coded| coded.rows.len()))?;

        let mut sections = Vec::new();
        let hashes: Vec<ItemHash> = self.ids.iter().map(|id| item_hash(id)).collect();
        sections.push((Section::Index, index(&hashes, bucket_bits(self.meta.items))?));
        if !self.prior.is_empty() {
            sections.push((Section::Prior, prior(&self.prior)));
        }
        if !self.attributes.is_empty() {
            sections.push((Section::Attributes, attributes(&self.attributes, &self.labels)?));
            sections.push((Section::Labels, postcard("labels", &self.labels)?));
        }
        if let Some(coded) = self.coded.as_ref().filter(|coded| !coded.rows.is_empty()) {
            let (bytes, unit) = neighbours::pack(coded)?;
            self.blend.neighbour_unit = unit;
            sections.push((Section::Neighbours, bytes));
        }
        if let Some(factors) = &self.factors {
            let (bytes, unit) = factors.pack(items)?;
            self.blend.factor_unit = unit;
            sections.push((Section::Factors, bytes));
        }
        if let Some(content) = &self.content {
            let (bytes, unit) = content.pack(items)?;
            self.blend.content_unit = unit;
            sections.push((Section::Content, bytes));
        }
        if let Some(experiments) = &self.experiments {
            sections.push((Section::Experiments, postcard("experiments", experiments)?));
        }
        if !self.rules.is_empty() {
            sections.push((Section::Rules, rules(&self.rules)?));
        }
        if let Some(templates) = &self.templates {
            sections.push((Section::Templates, templates.to_bytes()?));
        }
        finish(&self.meta, &self.blend, sections)
    }

    fn same_length(&self, what: &'static str, got: usize) -> Result<()> {
        if got == 0 || got == self.ids.len() {
            Ok(())
        } else {
            Err(Error::Corrupt {
                what,
                at: got,
                rule: "a table has one row for each item id",
            })
        }
    }
}

impl<B: AsRef<[u8]>> Snapshot<B> {
    /// The same snapshot with other features and experiments, or without any: for what changes more often than the model.
    ///
    /// # Errors
    /// Where they are over a limit of the format.
    pub fn with_experiments(&self, experiments: Option<&Experiments>) -> Result<Vec<u8>> {
        let bytes = experiments
            .map(|experiments| postcard("experiments", experiments))
            .transpose()?;
        self.with_section(Section::Experiments, bytes)
    }

    /// The same snapshot with other rules, or without any.
    ///
    /// # Errors
    /// Where they are over a limit of the format.
    pub fn with_rules(&self, new: &[Rule]) -> Result<Vec<u8>> {
        let bytes = if new.is_empty() { None } else { Some(rules(new)?) };
        self.with_section(Section::Rules, bytes)
    }

    /// The same snapshot with these templates in place of those it has, or without any.
    ///
    /// # Errors
    /// [`Error::Limit`] if it becomes too large.
    pub fn with_templates(&self, templates: Option<&Templates>) -> Result<Vec<u8>> {
        let bytes = templates.map(Templates::to_bytes).transpose()?;
        self.with_section(Section::Templates, bytes)
    }

    fn with_section(&self, section: Section, bytes: Option<Vec<u8>>) -> Result<Vec<u8>> {
        let mut bytes = bytes;
        let mut sections = vec![];
        for known in Section::ALL {
            let kept = self.table(known).filter(|_| known != section).map(<[u8]>::to_vec);
            let new = if known == section { bytes.take() } else { None };
            sections.extend(new.or(kept).map(|bytes| (known, bytes)));
        }
        let bytes = envelope(&sections)?;
        Snapshot::open(&bytes)?.verify()?;
        Ok(bytes)
    }
}

/// Each in bytes of its own, so that one that a reader cannot read takes none of the others with it.
fn rules(rules: &[Rule]) -> Result<Vec<u8>> {
    let each: Result<Vec<Vec<u8>>> = rules.iter().map(|rule| postcard("rules", rule)).collect();
    postcard("rules", &each?)
}

/// Puts meta and blend before the other sections, which are in their order, and verifies the whole.
fn finish(meta: &Meta, blend: &Blend, mut others: Vec<(Section, Vec<u8>)>) -> Result<Vec<u8>> {
    let mut sections = vec![
        (Section::Meta, postcard("meta", meta)?),
        (Section::Blend, postcard("blend", blend)?),
    ];
    sections.append(&mut others);
    let bytes = envelope(&sections)?;
    Snapshot::open(&bytes)?.verify()?;
    Ok(bytes)
}

/// The index of rows with these hashes, in so many buckets as `bits` number.
fn index(hashes: &[ItemHash], bits: u32) -> Result<Vec<u8>> {
    let mut entries: Vec<(usize, u32, u32)> = (0u32..)
        .zip(hashes)
        .map(|(row, hash)| {
            let (bucket, fingerprint) = split(*hash, bits);
            (bucket, fingerprint, row)
        })
        .collect();
    entries.sort_unstable();
    for pair in entries.windows(2) {
        if let [(b0, f0, first), (b1, f1, second)] = pair {
            if (b0, f0) == (b1, f1) {
                return Err(Error::DuplicateItem {
                    first: *first as usize,
                    second: *second as usize,
                });
            }
        }
    }
    let mut out = bits.to_le_bytes().to_vec();
    for bucket in 0..=1usize << bits {
        let end = entries.partition_point(|(b, _, _)| *b < bucket) as u32;
        out.extend(end.to_le_bytes());
    }
    entries
        .iter()
        .for_each(|(_, fingerprint, _)| out.extend(fingerprint.to_le_bytes()));
    let width = row_width(hashes.len() as u32);
    entries.iter().for_each(|(_, _, row)| push_row(&mut out, *row, width));
    Ok(out)
}

/// Narrow rows where nothing is known of time.
fn prior(rows: &[PriorRow]) -> Vec<u8> {
    let timeless = |row: &PriorRow| row.trend == 0 && row.first_seen == 0;
    let width = if rows.iter().all(timeless) { NARROW } else { WIDE };
    let mut out = vec![width];
    for row in rows {
        let [low, high] = row.first_seen.to_le_bytes();
        out.extend([row.popularity, row.trend, low, high].iter().take(usize::from(width)));
    }
    out
}

fn attributes(rows: &[AttributeRow], labels: &Labels) -> Result<Vec<u8>> {
    let count = |what, labels: &Vec<String>, max: usize| match labels.len() {
        len if len <= max => Ok(len as u16),
        got => Err(Error::Limit { what, max, got }),
    };
    let mut out = Vec::with_capacity(rows.len() * 5 + 5);
    out.extend(count("category codes", &labels.categories, 0xffff)?.to_le_bytes());
    out.extend(count("brand codes", &labels.brands, 0xffff)?.to_le_bytes());
    out.push(count("price bands", &labels.price_bands, 0xff)? as u8);
    for row in rows {
        out.extend(row.category.to_le_bytes());
        out.extend(row.brand.to_le_bytes());
        out.push(row.price_band);
    }
    Ok(out)
}

fn push_row(out: &mut Vec<u8>, row: u32, width: usize) {
    out.extend(row.to_le_bytes().iter().take(width));
}

fn postcard<T: Serialize>(what: &'static str, value: &T) -> Result<Vec<u8>> {
    let rule = "the value can be written as postcard";
    postcard::to_allocvec(value).map_err(|_| Error::Corrupt { what, at: 0, rule })
}

/// Puts sections behind a header and a section table.
fn envelope(sections: &[(Section, Vec<u8>)]) -> Result<Vec<u8>> {
    let lengths = sections.iter().map(|(section, bytes)| (*section, bytes.len()));
    let head = HEADER + sections.len() * ENTRY;
    let length = lengths
        .clone()
        .fold(head, |end, (_, len)| end.next_multiple_of(8) + len);
    at_most("snapshot bytes", u32::MAX as usize, length)?;
    let mut out = Vec::with_capacity(length);
    write_head(&mut out, length, &[0; 32], lengths);
    for (_, bytes) in sections {
        out.resize(out.len().next_multiple_of(8), 0);
        out.extend(bytes);
    }
    let hash = sha256(&[
        out.get(..HASHED_HEADER).unwrap_or_default(),
        out.get(HEADER..).unwrap_or_default(),
    ]);
    if let Some(place) = out.get_mut(HASHED_HEADER..HEADER) {
        place.copy_from_slice(&hash);
    }
    Ok(out)
}
