//! Lengths of texts as the encodings DELTA_LENGTH_BYTE_ARRAY and DELTA_BYTE_ARRAY write them. Invariant: no more are read
//! than the page has values. Under `pages`, which asks before the library trusts them.

/// Decodes a run of DELTA_BINARY_PACKED numbers of at most `most` values; they, and what is left of the data. `None` where
/// the data do not hold them.
fn numbers(data: &[u8], most: usize) -> Option<(Vec<i64>, &[u8])> {
    let mut data = data;
    let block = usize::try_from(varint(&mut data)?).ok()?;
    let minis = usize::try_from(varint(&mut data)?).ok()?;
    let total = usize::try_from(varint(&mut data)?).ok()?;
    let mut value = zigzag(varint(&mut data)?);
    let each = block.checked_div(minis)?;
    if total > most || each == 0 || each % 32 != 0 {
        return None;
    }
    let mut values = vec![];
    if total > 0 {
        values.push(value);
    }
    while values.len() < total {
        let least = zigzag(varint(&mut data)?);
        let (widths, rest) = data.split_at_checked(minis)?;
        data = rest;
        for width in widths {
            if values.len() == total {
                break;
            }
            let width = usize::from(*width);
            let (packed, rest) = data.split_at_checked(each.checked_mul(width)? / 8)?;
            if width > 64 {
                return None;
            }
            data = rest;
            for place in 0..each.min(total - values.len()) {
                let delta = bits(packed, place * width, width)?;
                value = value.wrapping_add(least).wrapping_add(delta.cast_signed());
                values.push(value);
            }
        }
    }
    Some((values, data))
}

/// The lengths of at most `most` texts, and what is left of the data.
pub(super) fn lengths(data: &[u8], most: usize) -> Option<(Vec<i64>, &[u8])> {
    numbers(data, most)
}

/// Whether texts that each begin like the one before take at most so many bytes in all.
pub(super) fn texts(data: &[u8], most: usize, bytes: u64) -> Option<()> {
    let (prefixes, data) = numbers(data, most)?;
    let (suffixes, _) = lengths(data, most)?;
    let sum = prefixes
        .iter()
        .chain(&suffixes)
        .try_fold(0u64, |sum, length| sum.checked_add(u64::try_from(*length).ok()?))?;
    (sum <= bytes).then_some(())
}

fn varint(data: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = data.split_first()?;
        *data = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn zigzag(bits: u64) -> i64 {
    (bits >> 1).cast_signed() ^ -(bits & 1).cast_signed()
}

/// The number of `width` bits that begins at that bit, the lowest first.
fn bits(packed: &[u8], at: usize, width: usize) -> Option<u64> {
    let mut value = 0u128;
    let first = at / 8;
    for (place, byte) in packed.get(first..(at + width).div_ceil(8))?.iter().enumerate() {
        value |= u128::from(*byte) << (8 * place);
    }
    let mask = (1u128 << width) - 1;
    u64::try_from((value >> (at % 8)) & mask).ok()
}
