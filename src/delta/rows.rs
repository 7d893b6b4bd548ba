//! Patches of tables of fixed width: changed and added rows, column by column, as differences to what was there (0 for added ones).
//!
//! Patch: number of rows; length of what follows for the header, 0 or the header's, and the differences of its bytes; length of the gaps
//! from one changed row to the next, and these; then byte by byte of a row that byte's difference in each of the rows. Numbers are
//! varints; differences wrap around.

use super::chain::{New, Old, Step};
use crate::bytes::u16_at;
use crate::snapshot::{factors_header, Section, Values, ATTRIBUTES_HEADER, ATTRIBUTES_ROW, CONTENT_HEADER};

/// Bytes before the rows, and of a row in each of the table's parts.
fn layout(section: Section, table: &[u8]) -> Option<(usize, [usize; 2])> {
    let number = |at| u16_at(table, at).map(usize::from);
    Some(match section {
        Section::Prior => (1, [usize::from(*table.first()?), 0]),
        Section::Attributes => (ATTRIBUTES_HEADER, [ATTRIBUTES_ROW, 0]),
        Section::Factors => (factors_header(number(0)?, number(1)?), [2, number(0)?]),
        Section::Content => (CONTENT_HEADER, [number(0)?, 0]),
        _ => return None,
    })
}

/// The numbers of changed rows, by the gaps between them, and then of all added ones.
pub(super) struct Rows<'a> {
    gaps: Values<'a>,
    changed: usize,
    next: usize,
    kept: usize,
    end: usize,
}

impl<'a> Rows<'a> {
    /// `count` rows in all, of a table that grows or shrinks to `to` rows; `None` where it grows by more.
    pub(super) fn new(gaps: &'a [u8], count: usize, from: u32, to: u32) -> Option<Self> {
        let kept = from.min(to) as usize;
        Some(Rows {
            gaps: Values(gaps),
            changed: count.checked_sub(to as usize - kept)?,
            next: 0,
            kept,
            end: to as usize,
        })
    }

    /// The next one; the number of rows where there is no more, `None` where the gaps make no sense.
    pub(super) fn next(&mut self) -> Option<usize> {
        let row = if self.changed > 0 {
            self.changed -= 1;
            let row = self.next.checked_add(self.gaps.varint(32)? as usize)?;
            (row < self.kept).then_some(row)?
        } else if self.gaps.0.is_empty() {
            self.next.clamp(self.kept, self.end)
        } else {
            return None;
        };
        self.next = row + 1;
        Some(row)
    }
}

/// The rows that a patch says it has.
pub(super) fn count(section: Section, patch: &[u8]) -> Option<usize> {
    let mut values = Values(patch);
    let count = values.length()?;
    match section {
        // The first is that of added entries, the second that of those taken out.
        Section::Index => count.checked_add(values.length()?),
        _ => Some(count),
    }
}

/// A run of bytes behind its length.
#[inline(never)]
pub(super) fn run<'a>(values: &mut Values<'a>) -> Option<&'a [u8]> {
    let length = values.length()?;
    values.take(length)
}

/// As differences add up, all steps do so in the place of the new table.
pub(super) fn apply(section: Section, (old, from): Old<'_>, steps: &[Step<'_>], (new, to): New<'_>) -> Option<()> {
    let (head, parts @ [first, second]) = layout(section, old)?;
    let width = first + second;
    let length = |rows: u32| (rows as usize).checked_mul(width)?.checked_add(head);
    if Some(new.len()) != length(to) || Some(old.len()) != length(from) {
        return None;
    }
    new.get_mut(..head)?.copy_from_slice(old.get(..head)?);
    let (mut read, mut write) = (head, head);
    for width in parts {
        let kept = from.min(to) as usize * width;
        let part = old.get(read..read + kept)?;
        new.get_mut(write..write + kept)?.copy_from_slice(part);
        (read, write) = (read + from as usize * width, write + to as usize * width);
    }
    let behind = head + to as usize * first;
    let mut from = from;
    for (patch, items) in steps {
        let mut values = Values(patch);
        let count = values.length()?;
        let header = run(&mut values)?;
        let mut rows = Rows::new(run(&mut values)?, count, from, *items)?;
        let columns = values.0;
        if columns.len() != count.checked_mul(width)? || !header.is_empty() && header.len() != head {
            return None;
        }
        new.iter_mut().zip(header).for_each(|(byte, more)| add(byte, *more));
        // Rows that fall away and come back are new ones.
        let gone = (*items).min(to) as usize..from.min(to) as usize;
        for (start, width) in [(head, first), (behind, second)] {
            let gone = start + gone.start * width..start + gone.end * width;
            new.get_mut(gone).unwrap_or_default().fill(0);
        }
        for at in 0..count {
            let row = rows.next()?;
            if row >= to as usize {
                continue;
            }
            let firsts = head + row * first..head + (row + 1) * first;
            let seconds = behind + row * second..behind + (row + 1) * second;
            for (column, byte) in firsts.chain(seconds).enumerate() {
                add(new.get_mut(byte)?, *columns.get(column * count + at)?);
            }
        }
        // Gaps that are left over are an error.
        rows.next().filter(|row| *row == *items as usize)?;
        from = *items;
    }
    Some(())
}

fn add(byte: &mut u8, more: u8) {
    *byte = byte.wrapping_add(more);
}

/// The patch that makes one table of the other; `None` where their rows have other lengths.
#[cfg(feature = "pack")]
pub(super) fn diff(section: Section, (old, from): Old<'_>, (new, to): Old<'_>) -> Option<Vec<u8>> {
    use super::diff::{push_run, push_varint};
    let (head, parts @ [first, second]) = layout(section, old)?;
    if layout(section, new)? != (head, parts) {
        return None;
    }
    let difference = |new: &[u8], old: &[u8]| -> Vec<u8> {
        let old = old.iter().chain(std::iter::repeat(&0));
        new.iter().zip(old).map(|(new, old)| new.wrapping_sub(*old)).collect()
    };
    let row = |table: &[u8], items: u32, row: u32| -> Option<Vec<u8>> {
        let mut bytes = vec![];
        if row < items {
            let at = head + row as usize * first;
            bytes.extend(table.get(at..at + first)?);
            let at = head + items as usize * first + row as usize * second;
            bytes.extend(table.get(at..at + second)?);
        }
        Some(bytes)
    };
    let (mut gaps, mut changes, mut next) = (vec![], vec![], 0);
    for at in 0..to {
        let change = difference(&row(new, to, at)?, &row(old, from, at)?);
        if at >= from {
            changes.push(change);
        } else if change.iter().any(|byte| *byte != 0) {
            push_varint(&mut gaps, at - next);
            next = at + 1;
            changes.push(change);
        }
    }
    let (new, old) = (new.get(..head)?, old.get(..head)?);
    let header = if new == old { vec![] } else { difference(new, old) };
    let mut out = vec![];
    push_varint(&mut out, changes.len() as u32);
    push_run(&mut out, &header);
    push_run(&mut out, &gaps);
    for column in 0..first + second {
        out.extend(changes.iter().filter_map(|change| change.get(column)));
    }
    Some(out)
}
