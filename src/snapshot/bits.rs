//! A run of bits, the lowest of each byte first, and whole numbers in it: plain ones and Exp-Golomb codes.
//!
//! Reading never panics: past the end there are zeros, which no Exp-Golomb code is made of. Positions count from the start of the slice
//! given, which callers keep near what they read, so that they fit 32 bits.

/// Bits that [`window`] gives at the least.
pub(super) const WINDOW: u32 = 57;
/// Bits of a number behind its marker at the most: what fits a [`window`] with prefix and marker, and numbers below 2^25.
const MAX_WIDTH: u32 = 25;

/// The bits from a position on, at least [`WINDOW`] of them.
#[inline(always)]
pub(super) fn window(bytes: &[u8], bit: usize) -> u64 {
    let rest = bytes.get(bit >> 3..).unwrap_or_default();
    let word = match rest.first_chunk() {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => last(rest),
    };
    word >> (bit & 7)
}

/// Fewer than 8 bytes, with zeros behind.
#[cold]
fn last(rest: &[u8]) -> u64 {
    rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// An Exp-Golomb code of an order (Teuhola, 1978) at a position: the number and the position behind it, `None` where there is none.
/// `zeros` zeros, a one, and `zeros + order` low bits of `number + 2^order`.
#[inline(always)]
pub(super) fn exp_golomb(bytes: &[u8], bit: usize, order: u32) -> Option<(u32, usize)> {
    let window = window(bytes, bit);
    let zeros = window.trailing_zeros();
    let width = zeros + order;
    if width > MAX_WIDTH {
        return None;
    }
    let low = (window >> (zeros + 1)) as u32 & ((1 << width) - 1);
    let number = low + (1 << width) - (1 << order);
    Some((number, bit + (zeros + 1 + width) as usize))
}

/// Bits of the Exp-Golomb code of a number.
pub(super) fn exp_golomb_len(number: u32, order: u32) -> u32 {
    let width = (u64::from(number) + (1 << order)).ilog2();
    2 * width - order + 1
}

/// Writes bits.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    bits: usize,
}

impl BitWriter {
    /// The lowest `width` bits of a number.
    pub(super) fn put(&mut self, number: u64, width: u32) {
        for at in 0..width {
            if self.bits.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(byte) = self.bytes.last_mut() {
                *byte |= ((number >> at & 1) as u8) << (self.bits % 8);
            }
            self.bits += 1;
        }
    }

    /// An Exp-Golomb code.
    pub(super) fn put_exp_golomb(&mut self, number: u32, order: u32) {
        let number = u64::from(number) + (1 << order);
        let width = number.ilog2();
        self.put(1 << (width - order), width - order + 1);
        self.put(number, width);
    }

    /// What was written, with zeros to the end of the byte.
    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(all(test, feature = "pack"))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_come_back(list in proptest::collection::vec((0u32..(1 << 25) - (1 << 15), 0u32..16, 0u32..9), 0..50)) {
            let mut writer = BitWriter::default();
            let mut bits = 0;
            for (number, order, width) in &list {
                writer.put(u64::from(*number), *width);
                writer.put_exp_golomb(*number, *order);
                bits += width + exp_golomb_len(*number, *order);
            }
            let bytes = writer.finish();
            prop_assert_eq!(bytes.len() as u32, bits.div_ceil(8));
            let mut bit = 0;
            for (number, order, width) in list {
                prop_assert_eq!(window(&bytes, bit) & ((1 << width) - 1), u64::from(number) & ((1 << width) - 1));
                let (back, next) = exp_golomb(&bytes, bit + width as usize, order).unwrap();
                prop_assert_eq!((back, next), (number, bit + (width + exp_golomb_len(number, order)) as usize));
                bit = next;
            }
            prop_assert_eq!(exp_golomb(&bytes, bytes.len() * 8, 0), None);
        }

        #[test]
        fn any_bytes_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..20), bit in 0usize..200, order in 0u32..16) {
            if let Some((number, next)) = exp_golomb(&bytes, bit, order) {
                prop_assert!(next > bit && next - bit < WINDOW as usize && number < 1 << 26);
            }
        }
    }
}
