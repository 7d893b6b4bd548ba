//! The module's own snapshot. `pocketrank compile` lays a snapshot into the runtime's wasm as a data segment and writes into
//! [`POCKETRANK_EMBEDDED`] where it lies, so that it is used there: no copy, and nothing to fetch.
//!
//! Invariant: that place is written by that verb alone, before the module is instantiated, and names bytes that verified
//! and that the allocator never hands out.

use crate::error::{Error, Result};
use crate::snapshot::VERSION;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// Where the snapshot lies; a null address for none. docs/FORMAT.md, "Compiled module", has the layout.
#[repr(C)]
struct Place {
    magic: [u8; 4],
    newest_version: u32,
    address: AtomicPtr<u8>,
    length: AtomicUsize,
}

/// The wasm exports its address under this name. Atomic, and exported, so that the compiler cannot take the nulls for granted.
#[no_mangle]
static POCKETRANK_EMBEDDED: Place = Place {
    magic: *b"PKRE",
    newest_version: VERSION as u32,
    address: AtomicPtr::new(std::ptr::null_mut()),
    length: AtomicUsize::new(0),
};

/// The bytes of the module's own snapshot.
///
/// # Errors
/// [`Error::NotEmbedded`] where the module was not compiled with one.
pub(crate) fn snapshot() -> Result<&'static [u8]> {
    let address = POCKETRANK_EMBEDDED.address.load(Ordering::Relaxed);
    if address.is_null() {
        return Err(Error::NotEmbedded);
    }
    let length = POCKETRANK_EMBEDDED.length.load(Ordering::Relaxed);
    // SAFETY: the address is not null, so `compile` wrote both: a data segment of that length fills the pages above those that the
    // linker laid out. The allocator hands out only pages that it has itself added by `memory.grow`, so nothing else has these, and
    // nothing writes to them.
    Ok(unsafe { std::slice::from_raw_parts(address, length) })
}
