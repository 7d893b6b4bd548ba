//! Writes the neighbours: quantizes weights and compresses targets, as `snapshot::neighbours` reads them.

use super::super::neighbours::{ANCHOR, CODE_BITS, MAX_LEVEL, MAX_NEIGHBOURS, SCALES};
use super::super::row_writer::{too_long, write};
use crate::error::{Error, Result};
use crate::snapshot::Snapshot;

/// What weights are rounded to, so that a later table can be rounded to the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// What a scale of 1 is worth.
    unit: f64,
    scales: Vec<u16>,
}

impl Grid {
    /// The grid of a snapshot, if it has neighbours.
    pub fn of<B: AsRef<[u8]>>(snapshot: &Snapshot<B>) -> Option<Self> {
        Some(Grid {
            unit: f64::from(snapshot.blend().neighbour_unit) * f64::from(MAX_LEVEL),
            scales: snapshot.neighbours()?.scales(),
        })
    }

    /// One for rows whose heaviest weights lie from `least` to `most`.
    fn spanning(most: f64, least: f64) -> Self {
        let unit = if most > 0.0 { most } else { 1.0 } / f64::from(u16::MAX);
        Grid {
            unit,
            scales: scales(most / unit, least / unit),
        }
    }

    /// Whether its scales are near all of these: not one a step or more below the first or above the last.
    fn spans(&self, most: f64, least: f64) -> bool {
        let ends = self.scales.first().zip(self.scales.last());
        ends.is_some_and(|(first, last)| {
            let (first, last) = (f64::from(*first), f64::from(*last));
            let step = (0..8).fold(last / first, |root: f64, _| root.sqrt());
            self.unit > 0.0 && first > 0.0 && most / self.unit <= last * step && least / self.unit >= first / step
        })
    }
}

/// The table and the worth of one unit of its whole-number weights. They are rounded to `grid` where that spans them.
pub(super) fn pack(rows: &[Vec<(u32, f32)>], bits: u8, grid: Option<&Grid>) -> Result<(Vec<u8>, f32)> {
    if !CODE_BITS.contains(&bits) {
        return Err(Error::Corrupt {
            what: "code_bits",
            at: usize::from(bits),
            rule: "a code has 4 to 8 bits",
        });
    }
    check(rows)?;
    let heaviest: Vec<f64> = rows.iter().map(|row| heaviest(row)).collect();
    let most = heaviest.iter().copied().fold(0.0, f64::max);
    let least = heaviest
        .iter()
        .copied()
        .filter(|weight| *weight > 0.0)
        .fold(most, f64::min);
    let Grid { unit, scales } = grid
        .filter(|grid| grid.spans(most, least))
        .cloned()
        .unwrap_or_else(|| Grid::spanning(most, least));
    let levels: Vec<u16> = (0..=highest(bits)).map(|code| level(code, bits)).collect();
    let mut table = Writer::new(bits, &levels, &scales);
    for (row, heaviest) in rows.iter().zip(heaviest) {
        let (number, scale) = nearest(&scales, heaviest / unit);
        let code = |weight: f32| code(f64::from(weight) / unit / f64::from(scale), bits);
        let mut row: Vec<(u32, u8)> = row.iter().map(|(target, weight)| (*target, code(*weight))).collect();
        row.retain(|(_, code)| level(*code, bits) > 0);
        row.sort_unstable();
        table.push(number, &row)?;
    }
    Ok((table.finish(), (unit / f64::from(MAX_LEVEL)) as f32))
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

fn check(rows: &[Vec<(u32, f32)>]) -> Result<()> {
    for (at, row) in rows.iter().enumerate() {
        if row.iter().any(|(_, weight)| !weight.is_finite() || *weight <= 0.0) {
            return Err(Error::Weight { what: "neighbours", at });
        }
        if row.len() > MAX_NEIGHBOURS {
            return Err(Error::Limit {
                what: "neighbours of an item",
                max: MAX_NEIGHBOURS,
                got: row.len(),
            });
        }
        let mut targets: Vec<u32> = row.iter().map(|(target, _)| *target).collect();
        targets.sort_unstable();
        let known = |target: &u32| (*target as usize) < rows.len() && *target as usize != at;
        if !targets.iter().all(known) || !targets.is_sorted_by(|a, b| a < b) {
            return Err(Error::Corrupt {
                what: "neighbours",
                at,
                rule: "targets of a row are rows, once each, and not the source itself",
            });
        }
    }
    Ok(())
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

/// Number and value of the scale nearest to a row's heaviest weight, by their ratio.
fn nearest(scales: &[u16], heaviest: f64) -> (u8, u16) {
    let above = scales.partition_point(|scale| f64::from(*scale) < heaviest);
    let far = |scale: u16| (f64::from(scale) / heaviest).max(heaviest / f64::from(scale));
    let numbered = |at: usize| Some((at as u8, *scales.get(at)?));
    match (above.checked_sub(1).and_then(numbered), numbered(above)) {
        (Some(below), Some(above)) if far(below.1) <= far(above.1) => below,
        (_, Some(above)) => above,
        (below, None) => below.unwrap_or_default(),
    }
}

fn highest(bits: u8) -> u8 {
    ((1u16 << bits) - 1) as u8
}

/// The code of a weight as a share of its row's scale, on a scale of square roots.
fn code(share: f64, bits: u8) -> u8 {
    (share.sqrt() * f64::from(highest(bits)))
        .round()
        .min(f64::from(highest(bits))) as u8
}

/// The level of a code: squares, so that small weights keep their precision.
fn level(code: u8, bits: u8) -> u16 {
    let (code, highest) = (u32::from(code), u32::from(highest(bits)));
    ((code * code * u32::from(MAX_LEVEL) + highest * highest / 2) / (highest * highest)) as u16
}
