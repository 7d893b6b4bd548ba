//! Compression as files travel with it. Invariant: equal bytes give equal bytes. What is published is compressed once, here, at the best
//! level, and never by the server that hands it out.

use crate::error::{Error, Result};
use std::io::{Read, Write};

/// Bytes after brotli at its best; none for none.
///
/// # Errors
/// [`Error::Internal`]: it writes to memory only.
pub fn brotli(mut bytes: &[u8]) -> Result<Vec<u8>> {
    let mut out = vec![];
    if !bytes.is_empty() {
        let best = brotli::enc::BrotliEncoderParams::default();
        brotli::BrotliCompress(&mut bytes, &mut out, &best).map_err(|e| Error::Internal(e.to_string()))?;
    }
    Ok(out)
}

/// What [`brotli()`] made of it, but at most that many bytes of it.
///
/// # Errors
/// The reader's, for other bytes.
pub fn unbrotli(bytes: &[u8], most: usize) -> std::io::Result<Vec<u8>> {
    let mut out = vec![];
    brotli::Decompressor::new(bytes, 4096)
        .take(most as u64)
        .read_to_end(&mut out)?;
    Ok(out)
}

/// Bytes after gzip at its best, without name and time.
///
/// # Errors
/// [`Error::Internal`]: it writes to memory only.
pub fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::best());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .map_err(|e| Error::Internal(e.to_string()))
}
