//! Writes the neighbours: quantizes weights and compresses targets, as `snapshot::neighbours` reads them.

use super::super::neighbours::{ANCHOR, CODE_BITS, MAX_LEVEL, MAX_NEIGHBOURS, SCALES};
use super::super::row_writer::{too_long, write};
use crate::error::{Error, Result};
use crate::snapshot::Snapshot;

/// The heaviest weight of a row may be so many times the last scale, and so many times below the first one; of one row in a hundred
/// it may be farther.
const CUT_OFF: f64 = 1.25;
const LOST: f64 = 4.0;

/// What weights are rounded to: levels within a row, and the row's scale. A later table rounded to the same differs only where weights do.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    bits: u8,
    levels: Vec<u16>,
    scales: Vec<u16>,
    /// What a scale of 1 is worth.
    unit: f64,
}

/// A row of neighbours as it is packed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CodedRow {
    /// The number of its scale; 0 for a row without neighbours.
    pub scale: u8,
    /// Targets, ascending, and the codes of their weights.
    pub entries: Vec<(u32, u8)>,
}

/// Rows that are rounded already.
#[derive(Debug, Clone, PartialEq)]
pub struct Coded {
    /// What they are rounded to.
    pub grid: Grid,
    /// One row per item.
    pub rows: Vec<CodedRow>,
}

impl Coded {
    /// The rows of a snapshot that was verified, if it has neighbours.
    pub fn of<B: AsRef<[u8]>>(snapshot: &Snapshot<B>) -> Option<Self> {
        let table = snapshot.neighbours()?;
        let grid = Grid {
            bits: table.code_bits(),
            levels: table.levels(),
            scales: table.scales(),
            unit: f64::from(snapshot.blend().neighbour_unit) * f64::from(MAX_LEVEL),
        };
        let rows = (0..snapshot.items()).map(|row| {
            let mut coded = CodedRow::default();
            let row = table.row(row)?;
            row.walk(&mut |target, code| coded.entries.push((target as u32, code)))?;
            if !row.is_empty() {
                coded.scale = grid.scales.partition_point(|scale| *scale < row.scale) as u8;
            }
            Some(coded)
        });
        let rows = rows.collect::<Option<Vec<_>>>()?;
        Some(Coded { grid, rows })
    }

    /// The weights that the rows stand for, in the order of their targets.
    pub fn weights(&self) -> Vec<Vec<(u32, f32)>> {
        let row = |row: &CodedRow| {
            let weight = |(target, code): &(u32, u8)| (*target, self.grid.weight(row.scale, *code) as f32);
            row.entries.iter().map(weight).collect()
        };
        self.rows.iter().map(row).collect()
    }
}

impl Grid {
    /// One for rows whose heaviest weights lie from `least` to `most`.
    fn spanning(most: f64, least: f64, bits: u8) -> Self {
        let unit = if most > 0.0 { most } else { 1.0 } / f64::from(u16::MAX);
        Grid {
            bits,
            levels: (0..=highest(bits)).map(|code| level(code, bits)).collect(),
            scales: scales(most / unit, least / unit),
            unit,
        }
    }

    /// Bits of a code.
    pub fn code_bits(&self) -> u8 {
        self.bits
    }

    /// Whether these rows can be rounded to it: the heaviest weights of nearly all lie within its scales, or so near to these that little of
    /// a weight is cut off, or of its precision lost.
    pub fn spans(&self, rows: &[Vec<(u32, f32)>]) -> bool {
        let Some((first, last)) = self.scales.first().zip(self.scales.last()) else {
            return false;
        };
        let (least, most) = (f64::from(*first) / LOST, f64::from(*last) * CUT_OFF);
        let beyond = |row: &&Vec<(u32, f32)>| {
            let heaviest = heaviest(row) / self.unit;
            heaviest > 0.0 && !(least..=most).contains(&heaviest)
        };
        self.unit > 0.0 && *first > 0 && rows.iter().filter(beyond).count() * 100 <= rows.len()
    }

    /// The number of the scale nearest to a row's heaviest weight.
    pub fn scale(&self, heaviest: f64) -> u8 {
        nearest(&self.scales, heaviest / self.unit)
    }

    /// The code of a weight in a row of that scale; one of weight 0 is not packed.
    pub fn code(&self, scale: u8, weight: f64) -> u8 {
        self.place(scale, weight).round() as u8
    }

    /// Where between the codes a weight lies in a row of that scale.
    pub fn place(&self, scale: u8, weight: f64) -> f64 {
        let scale = self.scales.get(usize::from(scale)).copied().unwrap_or_default();
        place(weight / self.unit / f64::from(scale), self.bits)
    }

    /// The weight of a code in a row of that scale.
    pub fn weight(&self, scale: u8, code: u8) -> f64 {
        let number = |table: &[u16], at: u8| f64::from(table.get(usize::from(at)).copied().unwrap_or_default());
        number(&self.levels, code) / f64::from(MAX_LEVEL) * number(&self.scales, scale) * self.unit
    }

    /// The row, rounded.
    pub fn round(&self, row: &[(u32, f32)]) -> CodedRow {
        if row.is_empty() {
            return CodedRow::default();
        }
        let scale = self.scale(heaviest(row));
        let codes = row
            .iter()
            .map(|(target, weight)| (*target, self.code(scale, f64::from(*weight))));
        let mut entries: Vec<(u32, u8)> = codes.filter(|(_, code)| self.weight(scale, *code) > 0.0).collect();
        entries.sort_unstable();
        CodedRow { scale, entries }
    }
}

/// The rows, rounded to a grid of their own.
pub(super) fn round(rows: &[Vec<(u32, f32)>], bits: u8) -> Result<Coded> {
    if !CODE_BITS.contains(&bits) {
        return Err(Error::Corrupt {
            what: "code_bits",
            at: usize::from(bits),
            rule: "a code has 4 to 8 bits",
        });
    }
    check_weights(rows)?;
    let (most, least) = range(rows).unwrap_or_default();
    let grid = Grid::spanning(most, least, bits);
    let rows = rows.iter().map(|row| grid.round(row)).collect();
    Ok(Coded { grid, rows })
}

/// The table and the worth of one unit of its whole-number weights.
pub(super) fn pack(coded: &Coded) -> Result<(Vec<u8>, f32)> {
    check_targets(&coded.rows)?;
    let grid = &coded.grid;
    let mut table = Writer::new(grid.bits, &grid.levels, &grid.scales);
    for row in &coded.rows {
        table.push(row.scale, &row.entries)?;
    }
    Ok((table.finish(), (grid.unit / f64::from(MAX_LEVEL)) as f32))
}

/// Writes a table row by row.
pub(super) struct Writer {
    bits: u8,
    /// Codebook and scales.
    head: Vec<u8>,
    entries: u32,
    rows: u32,
    anchors: Vec<u8>,
    stream: Vec<u8>,
}

impl Writer {
    /// A table without rows.
    pub(super) fn new(bits: u8, levels: &[u16], scales: &[u16]) -> Self {
        Writer {
            bits,
            head: levels
                .iter()
                .chain(scales)
                .flat_map(|number| number.to_le_bytes())
                .collect(),
            entries: 0,
            rows: 0,
            anchors: vec![],
            stream: vec![],
        }
    }

    /// The next row: the number of its scale, and targets with their codes, ascending.
    pub(super) fn push(&mut self, scale: u8, row: &[(u32, u8)]) -> Result<()> {
        if (self.rows as usize).is_multiple_of(ANCHOR) {
            let offset = u32::try_from(self.stream.len()).map_err(|_| too_long(self.stream.len()))?;
            self.anchors.extend(offset.to_le_bytes());
        }
        write(&mut self.stream, self.rows, scale, row, self.bits)?;
        self.rows += 1;
        self.entries += row.len() as u32;
        Ok(())
    }

    /// The table.
    pub(super) fn finish(self) -> Vec<u8> {
        let mut out = self.entries.to_le_bytes().to_vec();
        out.extend([self.bits, 0, 0, 0]);
        [self.head, self.anchors, self.stream]
            .iter()
            .for_each(|part| out.extend(part));
        out
    }
}

fn check_weights(rows: &[Vec<(u32, f32)>]) -> Result<()> {
    let wrong = |row: &Vec<(u32, f32)>| row.iter().any(|(_, weight)| !weight.is_finite() || *weight <= 0.0);
    rows.iter()
        .position(wrong)
        .map_or(Ok(()), |at| Err(Error::Weight { what: "neighbours", at }))
}

fn check_targets(rows: &[CodedRow]) -> Result<()> {
    for (at, row) in rows.iter().enumerate() {
        if row.entries.len() > MAX_NEIGHBOURS {
            return Err(Error::Limit {
                what: "neighbours of an item",
                max: MAX_NEIGHBOURS,
                got: row.entries.len(),
            });
        }
        let known = |(target, _): &(u32, u8)| (*target as usize) < rows.len() && *target as usize != at;
        if !row.entries.iter().all(known) || !row.entries.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(Error::Corrupt {
                what: "neighbours",
                at,
                rule: "targets of a row are rows, once each, and not the source itself",
            });
        }
    }
    Ok(())
}

/// The most and the least of the rows' heaviest weights.
fn range(rows: &[Vec<(u32, f32)>]) -> Option<(f64, f64)> {
    let all = rows.iter().map(|row| heaviest(row)).filter(|weight| *weight > 0.0);
    all.fold(None, |range, weight| {
        let (most, least) = range.unwrap_or((weight, weight));
        Some((weight.max(most), weight.min(least)))
    })
}

fn heaviest(row: &[(u32, f32)]) -> f64 {
    row.iter().fold(0.0, |most, (_, weight)| f64::from(*weight).max(most))
}

/// Scales from the least to the most, each the same factor above the one before. That factor is a 256th root: eight square roots,
/// which have the same bits on every host.
fn scales(most: f64, least: f64) -> Vec<u16> {
    let ratio = if least > 0.0 { most / least } else { 1.0 };
    let step = (0..8).fold(ratio, |root, _| root.sqrt());
    let mut scale = most;
    let falling = (0..SCALES).map(|_| {
        let rounded = scale.round().max(1.0) as u16;
        scale /= step;
        rounded
    });
    let mut scales: Vec<u16> = falling.collect();
    scales.reverse();
    scales
}

/// Number of the scale nearest to a row's heaviest weight, by their ratio.
fn nearest(scales: &[u16], heaviest: f64) -> u8 {
    let above = scales.partition_point(|scale| f64::from(*scale) < heaviest);
    let far = |scale: u16| (f64::from(scale) / heaviest).max(heaviest / f64::from(scale));
    let numbered = |at: usize| Some((at as u8, *scales.get(at)?));
    match (above.checked_sub(1).and_then(numbered), numbered(above)) {
        (Some(below), Some(above)) if far(below.1) <= far(above.1) => below.0,
        (_, Some(above)) => above.0,
        (below, None) => below.unwrap_or_default().0,
    }
}

fn highest(bits: u8) -> u8 {
    ((1u16 << bits) - 1) as u8
}

/// Where between the codes a weight lies, as a share of its row's scale: on a scale of square roots.
fn place(share: f64, bits: u8) -> f64 {
    (share.sqrt() * f64::from(highest(bits))).min(f64::from(highest(bits)))
}

/// The level of a code: squares, so that small weights keep their precision.
fn level(code: u8, bits: u8) -> u16 {
    let (code, highest) = (u32::from(code), u32::from(highest(bits)));
    ((code * code * u32::from(MAX_LEVEL) + highest * highest / 2) / (highest * highest)) as u16
}
