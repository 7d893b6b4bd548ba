//! Patches of the neighbours: per changed row the entries taken out, those added and the codes changed, each kind in a stream of its
//! own. Whoever applies it writes the row anew, as the packer does.
//!
//! Patch: number of rows, number of entries of the target; then, each behind its length, [`STREAMS`]; then a byte for each row, the
//! difference of its scale's number. Numbers are varints, codes bytes; differences of codes and scales' numbers wrap around.

use super::chain::{New, Old, Step};
use super::index::{put, unzigzag};
use super::rows::{run, Rows};
use crate::bytes::u16_at;
use crate::snapshot::{
    neighbours_header, row_length, write_row, Neighbours, Values, ANCHOR, MAX_NEIGHBOURS, NEIGHBOURS_HEADER,
};

/// Levels and scales, where any of them changed: by how much more than the one before, in zigzag. Gaps between changed rows. For each
/// row the numbers of entries taken out, of codes changed and of entries added. Gaps between the places of those taken out, and between
/// those changed, counted without those taken out. Differences of codes. Gaps between added targets, from row 0 in each row; their codes.
const STREAMS: usize = 10;

/// An entry: target and code.
type Entry = (u32, u8);

/// The rows of a patch, as far as they are read.
struct Edits<'a> {
    /// Rows of the table that it leaves.
    items: u32,
    rows: Rows<'a>,
    /// The next changed one.
    next: usize,
    removals: Values<'a>,
    changes: Values<'a>,
    additions: Values<'a>,
    removed: Values<'a>,
    changed: Values<'a>,
    differences: Values<'a>,
    added: Values<'a>,
    codes: Values<'a>,
    scales: Values<'a>,
}

/// The row at hand, and room for a list.
#[derive(Default)]
struct Line {
    /// The number of its scale.
    scale: u8,
    entries: Vec<Entry>,
    places: Vec<u32>,
}

impl<'a> Edits<'a> {
    /// Reads a patch of a table of `from` rows that leaves `items`. Gives the number of entries, and how levels and scales differ, as well.
    fn new(patch: &'a [u8], from: u32, items: u32) -> Option<(Self, u32, &'a [u8])> {
        let mut values = Values(patch);
        let (count, entries) = (values.length()?, values.varint(32)?);
        let mut streams = [&[][..]; STREAMS];
        for stream in &mut streams {
            *stream = run(&mut values)?;
        }
        let [numbers, gaps, removals, changes, additions, removed, changed, differences, added, codes] = streams;
        let mut rows = Rows::new(gaps, count, from, items)?;
        let edits = Edits {
            items,
            next: rows.next()?,
            rows,
            removals: Values(removals),
            changes: Values(changes),
            additions: Values(additions),
            removed: Values(removed),
            changed: Values(changed),
            differences: Values(differences),
            added: Values(added),
            codes: Values(codes),
            scales: values,
        };
        (edits.scales.0.len() == count).then_some((edits, entries, numbers))
    }

    /// Changes row `source` to the next one of the patch.
    fn edit(&mut self, source: u32, line: &mut Line) -> Option<()> {
        let Line { scale, entries, places } = line;
        *scale = scale.wrapping_add(byte(&mut self.scales)?);
        ascending(&mut self.removed, self.removals.length()?, entries.len() as u32, places)?;
        let (mut at, mut out) = (0, places.iter().peekable());
        entries.retain(|_| {
            at += 1;
            out.next_if(|place| **place + 1 == at).is_none()
        });
        ascending(&mut self.changed, self.changes.length()?, entries.len() as u32, places)?;
        for place in places.iter() {
            let (_, code) = entries.get_mut(*place as usize)?;
            *code = code.wrapping_add(byte(&mut self.differences)?);
        }
        ascending(&mut self.added, self.additions.length()?, self.items, places)?;
        if entries.len() + places.len() > MAX_NEIGHBOURS {
            return None;
        }
        for target in places.iter() {
            let at = entries.partition_point(|(before, _)| before < target);
            // By hand: the panic of `Vec::insert` would bring `core::fmt` into the wasm.
            let mut moved = (*target, byte(&mut self.codes)?);
            for entry in entries.iter_mut().skip(at) {
                std::mem::swap(entry, &mut moved);
            }
            entries.push(moved);
        }
        self.next = self.rows.next()?;
        let known = |(target, _): &Entry| *target < self.items && *target != source;
        let ascend = entries.is_sorted_by(|(a, _), (b, _)| a < b);
        (ascend && entries.iter().all(known) && (*scale == 0 || !entries.is_empty())).then_some(())
    }

    fn is_spent(&self) -> bool {
        let streams = [
            &self.removals,
            &self.changes,
            &self.additions,
            &self.removed,
            &self.changed,
            &self.differences,
            &self.added,
            &self.codes,
            &self.scales,
        ];
        streams.iter().all(|stream| stream.0.is_empty())
    }
}

/// Reads so many ascending numbers below `end`, by the gaps between them.
fn ascending(gaps: &mut Values<'_>, count: usize, end: u32, numbers: &mut Vec<u32>) -> Option<()> {
    numbers.clear();
    if count > MAX_NEIGHBOURS {
        return None;
    }
    let mut next = 0u32;
    for _ in 0..count {
        let number = next.checked_add(gaps.varint(32)?).filter(|number| *number < end)?;
        numbers.push(number);
        next = number + 1;
    }
    Some(())
}

fn byte(values: &mut Values<'_>) -> Option<u8> {
    values.take(1)?.first().copied()
}

/// Splits the first row from a stream: its bytes with their length before them, and without.
fn split<'a>(stream: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (length, behind) = row_length(stream)?;
    let (body, rest) = behind.split_at_checked(length)?;
    let (whole, _) = stream.split_at_checked(stream.len() - rest.len())?;
    *stream = rest;
    Some((whole, body))
}

/// The number of a row's scale (0 where the row is empty), and its entries; `None` where the bits make no sense.
fn read(table: &Neighbours<'_>, source: u32, body: &[u8], entries: &mut Vec<Entry>) -> Option<u8> {
    entries.clear();
    let row = table.read(source, body.len(), body)?;
    let mut known = true;
    row.walk(&mut |target, code| {
        known &= u32::try_from(target).is_ok_and(|target| {
            entries.push((target, code));
            true
        });
    })?;
    known.then_some(body.first().copied().unwrap_or_default())
}

/// Adds to levels and scales the differences that a stream has.
fn head(numbers: &mut [u8], differences: &[u8]) -> Option<()> {
    let (mut more, mut differences) = (0u32, Values(differences));
    for at in 0..if differences.0.is_empty() { 0 } else { numbers.len() / 2 } {
        more = more.wrapping_add(unzigzag(differences.varint(32)?));
        put(numbers, 2, at, u32::from(u16_at(numbers, at)?).wrapping_add(more))?;
    }
    differences.0.is_empty().then_some(())
}

/// Each row goes through all the steps before the next one does.
pub(super) fn apply((old, from): Old<'_>, steps: &[Step<'_>], (new, to): New<'_>) -> Option<()> {
    let table = Neighbours::new(old, from)?;
    let bits = table.code_bits();
    let levels = NEIGHBOURS_HEADER..neighbours_header(bits, 0);
    let (table_part, mut rest) = new.split_at_mut_checked(neighbours_header(bits, to))?;
    let (fixed, anchors) = table_part.split_at_mut_checked(levels.end)?;
    fixed.copy_from_slice(old.get(..levels.end)?);
    let mut patches = Vec::new();
    let (mut before, mut most) = (from, from.max(to));
    for (patch, items) in steps {
        let (edits, entries, numbers) = Edits::new(patch, before, *items)?;
        put(fixed, 4, 0, entries)?;
        head(fixed.get_mut(levels.clone())?, numbers)?;
        patches.push(edits);
        (before, most) = (*items, most.max(*items));
    }
    let length = rest.len();
    let (mut line, mut written) = (Line::default(), Vec::new());
    let mut stream = table.stream();
    for row in 0..most {
        let (mut whole, mut body) = (&[][..], &[][..]);
        if row < from {
            (whole, body) = split(&mut stream)?;
        }
        let mut changed = false;
        for edits in &mut patches {
            if row >= edits.items {
                // It falls away, and is a new one where it comes back.
                (whole, body, changed) = (&[], &[], false);
            } else if edits.next == row as usize {
                if !changed {
                    line.scale = read(&table, row, body, &mut line.entries)?;
                }
                changed = true;
                edits.edit(row, &mut line)?;
            }
        }
        if row >= to {
            continue;
        }
        if (row as usize).is_multiple_of(ANCHOR) {
            put(anchors, 4, row as usize / ANCHOR, (length - rest.len()) as u32)?;
        }
        if changed {
            written.clear();
            write_row(&mut written, row, line.scale, &line.entries, bits).ok()?;
        }
        let bytes = if changed { &written } else { whole };
        let (place, behind) = rest.split_at_mut_checked(bytes.len())?;
        place.copy_from_slice(bytes);
        rest = behind;
    }
    (rest.is_empty() && patches.iter().all(Edits::is_spent)).then_some(())
}

/// The patch that makes one table of the other; `None` where their codes have other lengths, or bits make no sense.
#[cfg(feature = "pack")]
pub(super) fn diff((old, from): Old<'_>, (new, to): Old<'_>) -> Option<Vec<u8>> {
    use super::diff::{push_run, push_varint};
    let (before, after) = (Neighbours::new(old, from)?, Neighbours::new(new, to)?);
    let bits = after.code_bits();
    if before.code_bits() != bits {
        return None;
    }
    let mut writer = Differences::default();
    let (mut olds, mut news) = (before.stream(), after.stream());
    let (mut old_row, mut new_row) = (vec![], vec![]);
    let (mut gaps, mut scales, mut next) = (vec![], vec![], 0);
    for row in 0..to {
        let (old, old_body) = if row < from {
            split(&mut olds)?
        } else {
            (&[][..], &[][..])
        };
        let (new, new_body) = split(&mut news)?;
        if old == new {
            continue;
        }
        if row < from {
            push_varint(&mut gaps, row - next);
            next = row + 1;
        }
        let old_scale = read(&before, row, old_body, &mut old_row)?;
        scales.push(read(&after, row, new_body, &mut new_row)?.wrapping_sub(old_scale));
        writer.push(&old_row, &new_row);
    }
    let mut out = vec![];
    push_varint(&mut out, scales.len() as u32);
    push_varint(&mut out, after.entries() as u32);
    let levels = NEIGHBOURS_HEADER..neighbours_header(bits, 0);
    push_run(&mut out, &numbers(old.get(levels.clone())?, new.get(levels)?));
    push_run(&mut out, &gaps);
    let Differences {
        counts,
        removed,
        changed,
        differences,
        added,
        codes,
    } = &writer;
    counts.iter().for_each(|stream| push_run(&mut out, stream));
    [removed, changed, differences, added, codes]
        .iter()
        .for_each(|stream| push_run(&mut out, stream));
    out.extend(scales);
    Some(out)
}

/// How levels and scales differ; nothing where they do not.
#[cfg(feature = "pack")]
fn numbers(old: &[u8], new: &[u8]) -> Vec<u8> {
    use super::diff::{push_varint, zigzag};
    let (mut out, mut more) = (vec![], 0);
    if old != new {
        let number = |table, at| u16_at(table, at).map_or(0, u32::from);
        for at in 0..old.len() / 2 {
            let now = number(new, at).wrapping_sub(number(old, at));
            push_varint(&mut out, zigzag(now.wrapping_sub(more)));
            more = now;
        }
    }
    out
}

/// The streams of a patch, while they are written.
#[cfg(feature = "pack")]
#[derive(Default)]
struct Differences {
    /// Of entries taken out, changed and added.
    counts: [Vec<u8>; 3],
    removed: Vec<u8>,
    changed: Vec<u8>,
    differences: Vec<u8>,
    added: Vec<u8>,
    codes: Vec<u8>,
}

#[cfg(feature = "pack")]
impl Differences {
    /// The next row, as it was and as it is.
    fn push(&mut self, old: &[Entry], new: &[Entry]) {
        let code = |row: &[Entry], target: u32| row.iter().find(|entry| entry.0 == target).map(|entry| entry.1);
        let (mut removed, mut changed, mut added) = (vec![], vec![], vec![]);
        let mut kept = 0;
        for (place, (target, before)) in (0..).zip(old) {
            match code(new, *target) {
                None => removed.push(place),
                Some(now) => {
                    if now != *before {
                        changed.push(kept);
                        self.differences.push(now.wrapping_sub(*before));
                    }
                    kept += 1;
                }
            }
        }
        for (target, now) in new.iter().filter(|(target, _)| code(old, *target).is_none()) {
            added.push(*target);
            self.codes.push(*now);
        }
        let streams = [&mut self.removed, &mut self.changed, &mut self.added];
        for ((numbers, count), stream) in [removed, changed, added].iter().zip(&mut self.counts).zip(streams) {
            push_gaps(count, stream, numbers);
        }
    }
}

/// How many there are, and the gaps between them.
#[cfg(feature = "pack")]
fn push_gaps(count: &mut Vec<u8>, gaps: &mut Vec<u8>, ascending: &[u32]) {
    use super::diff::push_varint;
    push_varint(count, ascending.len() as u32);
    let mut next = 0;
    for number in ascending {
        push_varint(gaps, number - next);
        next = number + 1;
    }
}
