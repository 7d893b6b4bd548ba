//! The slices that pages carry as their own model: each made once for its lists, because making one walks the whole snapshot.
//!
//! Invariant: a slice follows from the lists alone, never from a visitor. At most [`MAX_SLICES`] are kept, the longest unused goes
//! first; all go with the manifest that their lists are of.

use crate::error::{warn, Error};
use crate::lists::Lists;
use pocketrank::{edge, Snapshot};

/// The most slices kept.
const MAX_SLICES: usize = 16;

struct Slice {
    /// The names of its lists' files.
    lists: Vec<String>,
    /// The element for the page; `None` if it could not be made.
    html: Option<String>,
}

/// The slices that are kept, the longest unused first.
#[derive(Default)]
pub struct Slices(Vec<Slice>);

impl Slices {
    /// The element for pages with these lists; made now if it is not kept. Where it cannot be made, the log is told
    /// why, and it is not tried again with the same lists.
    pub fn get(&mut self, files: Vec<String>, snapshot: &Snapshot<Vec<u8>>, lists: &mut Lists) -> Option<&str> {
        let slice = match self.0.iter().position(|slice| slice.lists == files) {
            Some(at) => self.0.remove(at),
            None => {
                if self.0.len() >= MAX_SLICES {
                    self.0.remove(0);
                }
                let html = make(&files, snapshot, lists).inspect_err(warn).ok();
                Slice { lists: files, html }
            }
        };
        self.0.push(slice);
        self.0.last()?.html.as_deref()
    }
}

fn make(files: &[String], snapshot: &Snapshot<Vec<u8>>, lists: &mut Lists) -> Result<String, Error> {
    let wrong = |detail: String| Error::PageModel {
        first: files.first().cloned().unwrap_or_default(),
        lists: files.len(),
        detail,
    };
    let mut items = vec![];
    for file in files {
        let list = lists
            .get(file)
            .ok_or_else(|| wrong(format!("{file} is kept no longer")))?;
        items.extend_from_slice(list.hashes());
    }
    let slice = snapshot.slice(items).map_err(|error| wrong(error.to_string()))?;
    edge::page_model(snapshot.id(), files, &slice).ok_or_else(|| {
        wrong(format!(
            "the slice has {} bytes, a page carries at most {}",
            slice.len(),
            edge::MAX_PAGE_MODEL
        ))
    })
}
