//! What the small builds share: the buffer in which texts and bytes cross to JavaScript.
//!
//! Objects are addresses in linear memory; the script holds them and gives each back once. Texts and bytes cross in a
//! buffer that the script asks for once and hands over with the call. A call that fails gives 0 and leaves code, newline and text of the error
//! there.

#[cfg(any(feature = "follow", feature = "decide"))]
use crate::Error;
use crate::Result;

pub(crate) type Buffer = Vec<u8>;

/// What a call gives, or 0 with the error in the buffer.
pub(crate) fn told<T>(buffer: &mut Buffer, result: Result<T>) -> Option<T> {
    result
        .map_err(|error| {
            let mut text = String::from(error.code());
            text.push('\n');
            error.write(&mut text);
            *buffer = text.into_bytes();
        })
        .ok()
}

/// The text that a script has encoded.
#[cfg(any(feature = "follow", feature = "decide"))]
pub(crate) fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|error| Error::Corrupt {
        what: "text",
        at: error.valid_up_to(),
        rule: "it is UTF-8",
    })
}

/// A buffer, empty.
#[no_mangle]
pub extern "C" fn buffer_new() -> Box<Buffer> {
    Box::default()
}

/// Room for so many bytes, and where it begins.
#[no_mangle]
pub extern "C" fn buffer_room(buffer: &mut Buffer, length: usize) -> *mut u8 {
    buffer.clear();
    buffer.resize(length, 0);
    buffer.as_mut_ptr()
}

/// Where its bytes begin.
#[no_mangle]
pub extern "C" fn buffer_start(buffer: &Buffer) -> *const u8 {
    buffer.as_ptr()
}

/// How many they are.
#[no_mangle]
pub extern "C" fn buffer_length(buffer: &Buffer) -> usize {
    buffer.len()
}
