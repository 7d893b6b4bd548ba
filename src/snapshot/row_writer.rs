//! Writes a row of the neighbours, as `snapshot::neighbours` reads it: for the packer, and for who applies a delta.
//!
//! Invariant: equal rows give equal bytes, whoever writes them.

use super::bits::{exp_golomb_len, BitWriter};
use super::neighbours::{COUNT_ORDER, ORDER_BITS};
use crate::error::{Error, Result};

/// Appends one row, its entries ascending: length, scale, and the bits with the order of the gaps that takes the fewest.
pub(crate) fn write(stream: &mut Vec<u8>, source: u32, scale: u8, row: &[(u32, u8)], bits: u8) -> Result<()> {
    if row.is_empty() {
        stream.push(0);
        return Ok(());
    }
    let gaps = gaps(source, row);
    let len = |order: &u32| gaps.iter().map(|gap| exp_golomb_len(*gap, *order)).sum::<u32>();
    let order = (0..1 << ORDER_BITS).min_by_key(len).unwrap_or_default();
    let mut writer = BitWriter::default();
    writer.put_exp_golomb(row.len() as u32 - 1, COUNT_ORDER);
    writer.put(u64::from(order), ORDER_BITS);
    row.iter()
        .for_each(|(_, code)| writer.put(u64::from(*code), u32::from(bits)));
    gaps.iter().for_each(|gap| writer.put_exp_golomb(*gap, order));
    let written = writer.finish();
    let len = written.len() + 1;
    if len < 128 {
        stream.push(len as u8);
    } else if len < 128 * 128 {
        stream.extend([len as u8 | 128, (len >> 7) as u8]);
    } else {
        return Err(too_long(len));
    }
    stream.push(scale);
    stream.extend(written);
    Ok(())
}

/// Gaps from target to target less 1, as none is 0; the first from the source, in zigzag.
fn gaps(source: u32, row: &[(u32, u8)]) -> Vec<u32> {
    let mut before = i64::from(source);
    let mut gaps = Vec::with_capacity(row.len());
    for (target, _) in row {
        let gap = i64::from(*target) - before;
        before = i64::from(*target);
        let gap = match (gaps.is_empty(), gap) {
            (true, ..0) => -2 * gap - 1,
            (true, _) => 2 * gap,
            _ => gap,
        };
        gaps.push((gap - 1) as u32);
    }
    gaps
}

pub(super) fn too_long(got: usize) -> Error {
    Error::Limit {
        what: "bytes of neighbours",
        max: u32::MAX as usize,
        got,
    }
}
