//! Bytes in hexadecimal, as ids, hashes and keys are written.

/// Writes bytes in lower-case hexadecimal behind a text.
#[inline(never)]
pub(crate) fn write_hex(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            out.push(char::from(if digit < 10 { b'0' + digit } else { b'a' - 10 + digit }));
        }
    }
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    write_hex(&mut text, bytes);
    text
}

/// The bytes that a text of `2 N` hexadecimal digits, of either case, stands for; `None` for any other text.
pub fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        b'A'..=b'F' => Some(letter - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back_and_nothing_else_is_read() {
        for byte in 0..=255 {
            let text = hex(&[byte, 255 - byte]);
            assert_eq!(text, format!("{byte:02x}{:02x}", 255 - byte));
            assert_eq!(from_hex(&text), Some([byte, 255 - byte]));
            assert_eq!(from_hex(&text.to_uppercase()), Some([byte, 255 - byte]));
        }
        for wrong in ["", "0", "00", "000", "00000", "+0+0", "0 00", "00é", "00g0"] {
            assert_eq!(from_hex::<2>(wrong), None, "{wrong}");
        }
    }
}
