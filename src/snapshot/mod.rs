//! The snapshot: a whole model in one immutable run of bytes, read in place.
//!
//! Invariant: [`Snapshot::open`] looks at the header, the section table and the two small `postcard` sections, so its
//! time and memory do not grow with the catalogue; [`Snapshot::verify`] walks every byte. Bytes are never trusted:
//! an opened but unverified snapshot can rank wrongly, but cannot panic or read outside itself.
//! `pack` writes what this module reads; `docs/FORMAT.md` is the norm for both.

mod attributes;
mod bits;
mod blend;
mod content;
mod envelope;
mod factors;
mod index;
mod meta;
mod neighbours;
#[cfg(feature = "pack")]
pub mod pack;
mod prior;
mod row_writer;
mod scales;
mod values;

pub use attributes::{AttributeRow, Attributes, Labels, MAX_LABEL};
pub(crate) use attributes::{HEADER as ATTRIBUTES_HEADER, ROW as ATTRIBUTES_ROW};
pub(crate) use blend::{factor, MAX_KIND};
pub use blend::{Blend, BlendRow, ONCE, ONE};
pub(crate) use content::{Content, HEADER as CONTENT_HEADER};
pub(crate) use envelope::{length, write_head, Envelope, ENTRY, HASHED_HEADER, HEADER, LENGTH_KNOWN};
pub use envelope::{Section, SnapshotId, MAX_ITEMS, VERSION};
pub(crate) use factors::{fixed as factors_header, Factors};
pub(crate) use index::{row_at, row_width};
pub use meta::Meta;
pub(crate) use neighbours::{fixed as neighbours_header, length as row_length, ANCHOR, HEADER as NEIGHBOURS_HEADER};
pub use neighbours::{Neighbours, Row, MAX_LEVEL, MAX_NEIGHBOURS};
pub use prior::{Prior, PriorRow};
pub(crate) use row_writer::write as write_row;
pub(crate) use scales::{Scales, MAX_FACTOR};
pub(crate) use values::Values;

use crate::error::{Error, Result};
use crate::event::ItemHash;
use crate::experiment::Experiments;
use crate::rule::Rules;
use values::Value;

/// The row of an item that the snapshot does not know.
pub const NO_ROW: u32 = u32::MAX;

/// The longest vector: products with the visitor's fit 31 bits.
const MAX_DIMS: usize = 256;

/// A model, over any buffer that holds its bytes.
#[derive(Debug, Clone)]
pub struct Snapshot<B> {
    bytes: B,
    envelope: Envelope,
    meta: Meta,
    blend: Blend,
    scales: Scales,
}

impl<B: AsRef<[u8]>> Snapshot<B> {
    /// Opens a snapshot without looking at its tables: constant time, no allocation per item.
    ///
    /// # Errors
    /// What is wrong with the header, the section table, `meta` or `blend`.
    pub fn open(bytes: B) -> Result<Self> {
        let (envelope, meta, blend) = read(bytes.as_ref())?;
        Ok(Snapshot {
            bytes,
            envelope,
            meta,
            blend,
            scales: Scales::NONE,
        })
    }

    /// Checks everything: the content id, every offset, row, code and padding byte.
    ///
    /// # Errors
    /// The first rule of the format that is broken, and where.
    pub fn verify(&self) -> Result<()> {
        self.verify_tables()?;
        self.experiments()?;
        self.rules().map(|_| ())
    }

    /// The same without what a build that only ranks does not read: features, experiments and rules.
    ///
    /// # Errors
    /// The first rule of the format that is broken, and where.
    #[inline(never)]
    pub fn verify_tables(&self) -> Result<()> {
        let items = self.items();
        self.verify_id()?;
        self.index().verify(items)?;
        if let Some(attributes) = self.attributes() {
            attributes.verify()?;
        }
        if let Some(neighbours) = self.neighbours() {
            neighbours.verify(items)?;
        }
        if let Some(factors) = self.factors() {
            factors.verify()?;
        }
        self.labels()?;
        self.templates().map(|_| ())
    }

    /// Checks that the bytes are those that were packed, by the content id, but not that what packed them kept to the format. Every
    /// snapshot that `pack` has made and nobody has changed since passes [`Snapshot::verify`] as well.
    ///
    /// # Errors
    /// [`Error::Checksum`], or where padding is not zero.
    pub fn verify_id(&self) -> Result<()> {
        self.envelope.verify(self.bytes.as_ref())
    }

    /// The content id: two snapshots with the same id are the same bytes.
    pub fn id(&self) -> SnapshotId {
        self.envelope.id()
    }

    pub(crate) fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// What the snapshot says of itself.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// How scores are made and mixed.
    pub fn blend(&self) -> &Blend {
        &self.blend
    }

    /// What the weights of parts are multiplied by.
    pub(crate) fn scales(&self) -> &Scales {
        &self.scales
    }

    /// The same, to be set.
    #[cfg(feature = "scale")]
    pub(crate) fn scales_mut(&mut self) -> &mut Scales {
        &mut self.scales
    }

    /// Scores and mixes differently from now on; what units are worth stays.
    pub(crate) fn set_blend(&mut self, blend: Blend) -> Result<()> {
        let Blend {
            neighbour_unit,
            factor_unit,
            content_unit,
            ..
        } = self.blend;
        let blend = Blend {
            neighbour_unit,
            factor_unit,
            content_unit,
            ..blend
        };
        blend.check()?;
        self.blend = blend;
        Ok(())
    }

    /// The number of rows.
    pub fn items(&self) -> u32 {
        self.meta.items
    }

    /// The row of an item, if the snapshot knows it. An unknown item is taken for a known one with a probability of
    /// at most the bucket's length over 2³², about two in a billion.
    pub fn row(&self, item: ItemHash) -> Option<u32> {
        self.index().get(item)
    }

    /// Bytes of every section that is present, in the order of the file.
    pub fn sections(&self) -> impl Iterator<Item = (Section, usize)> + '_ {
        self.envelope.sections()
    }

    /// The whole snapshot.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    /// Popularity, trend and age of the items.
    pub fn prior(&self) -> Option<Prior<'_>> {
        self.table(Section::Prior).and_then(Prior::new)
    }

    /// Category, brand and price band of the items.
    pub fn attributes(&self) -> Option<Attributes<'_>> {
        self.table(Section::Attributes)
            .and_then(|bytes| Attributes::new(bytes, self.items()))
    }

    /// Item-item weights.
    pub fn neighbours(&self) -> Option<Neighbours<'_>> {
        self.table(Section::Neighbours)
            .and_then(|bytes| Neighbours::new(bytes, self.items()))
    }

    pub(crate) fn factors(&self) -> Option<Factors<'_>> {
        self.table(Section::Factors)
            .and_then(|bytes| Factors::new(bytes, self.items()))
    }

    pub(crate) fn content(&self) -> Option<Content<'_>> {
        self.table(Section::Content).and_then(Content::new)
    }

    /// The names behind the attribute codes, for explanations.
    ///
    /// # Errors
    /// What is wrong with the section; [`Error::MissingSection`] is not an error here but an empty [`Labels`].
    pub fn labels(&self) -> Result<Labels> {
        let bytes = self.table(Section::Labels);
        bytes.map_or_else(|| Ok(Labels::default()), read_labels)
    }

    /// Features and experiments; none where there is no such section.
    ///
    /// # Errors
    /// What is wrong with the section.
    pub fn experiments(&self) -> Result<Experiments> {
        let bytes = self.table(Section::Experiments);
        bytes.map_or_else(|| Ok(Experiments::default()), Experiments::decode)
    }

    /// Rules; none where there is no such section.
    ///
    /// # Errors
    /// What is wrong with the section. A rule in it that cannot be read is told in [`Rules::broken`].
    pub fn rules(&self) -> Result<Rules> {
        let bytes = self.table(Section::Rules);
        bytes.map_or_else(|| Ok(Rules::default()), Rules::decode)
    }

    /// The bytes of a section that is read as a whole, such as [`Section::Experiments`].
    pub fn document(&self, section: Section) -> Option<&[u8]> {
        self.table(section).filter(|_| !section.is_table())
    }

    fn index(&self) -> index::Index<'_> {
        index::Index::new(self.table(Section::Index).unwrap_or_default(), self.items())
    }

    pub(crate) fn table(&self, section: Section) -> Option<&[u8]> {
        self.envelope.section(self.bytes.as_ref(), section)
    }
}

/// Reads the section of labels.
pub(crate) fn read_labels(bytes: &[u8]) -> Result<Labels> {
    let labels: Labels = decode("labels", Some(bytes))?;
    labels.check()?;
    Ok(labels)
}

/// Reads what [`Snapshot::open`] looks at. Apart from it, so that it is there once for all kinds of buffers.
#[inline(never)]
fn read(bytes: &[u8]) -> Result<(Envelope, Meta, Blend)> {
    let envelope = Envelope::read(bytes)?;
    let table = |section| envelope.section(bytes, section);
    let meta: Meta = decode("meta", table(Section::Meta))?;
    meta.check()?;
    let blend: Blend = decode("blend", table(Section::Blend))?;
    blend.check()?;
    if table(Section::Index).is_none() {
        return Err(Error::MissingSection { section: "index" });
    }
    for section in Section::ALL {
        table(section).map_or(Ok(()), |bytes| check_length(section, bytes, meta.items))?;
    }
    Ok((envelope, meta, blend))
}

/// Checks that a table is as long as its header and the number of items say.
#[inline(never)]
pub(crate) fn check_length(section: Section, bytes: &[u8], items: u32) -> Result<()> {
    match section {
        Section::Index => index::check_length(bytes, items),
        Section::Prior => prior::check_length(bytes, items),
        Section::Attributes => attributes::check_length(bytes, items),
        Section::Neighbours => neighbours::check_length(bytes, items),
        Section::Factors => factors::check_length(bytes, items),
        Section::Content => content::check_length(bytes, items),
        _ => Ok(()),
    }
}

/// Decodes a `postcard` section, which must be there and end where its value ends.
fn decode<T: Value>(section: &'static str, bytes: Option<&[u8]>) -> Result<T> {
    let mut values = Values(bytes.ok_or(Error::MissingSection { section })?);
    let value = T::read(&mut values);
    let rule = match value {
        Some(value) if values.0.is_empty() => return Ok(value),
        Some(_) => "no bytes may follow the value",
        None => "the section is a postcard value of its type",
    };
    Err(Error::Corrupt {
        what: section,
        at: 0,
        rule,
    })
}

/// The rule of a limit of the format.
#[inline(never)]
pub(crate) fn at_most(what: &'static str, max: usize, got: usize) -> Result<()> {
    if got <= max {
        return Ok(());
    }
    Err(Error::Limit { what, max, got })
}

/// The rule of how long the vectors of items are.
#[inline(never)]
fn vector_length(dims: usize) -> Result<()> {
    if (1..=MAX_DIMS).contains(&dims) {
        return Ok(());
    }
    let rule = "vectors have 1 to 256 numbers";
    let what = "vectors";
    Err(Error::Corrupt { what, at: dims, rule })
}

/// The rule that a table of fixed-size parts is exactly as long as its header says.
#[inline(never)]
fn exact(what: &'static str, bytes: &[u8], needed: Option<usize>) -> Result<()> {
    let got = bytes.len();
    match needed {
        Some(needed) if needed == got => Ok(()),
        Some(needed) if needed > got => Err(Error::Truncated {
            what,
            at: 0,
            needed,
            got,
        }),
        _ => Err(Error::Corrupt {
            what,
            at: got,
            rule: "the table is as long as its header says",
        }),
    }
}
