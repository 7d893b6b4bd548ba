//! The slices that pages carry as their own model: each made once for its lists, because making one walks the whole snapshot.
//!
//! Invariant: a slice follows from the lists alone, never from a visitor. At most [`MAX_SLICES`] are kept, the longest unused goes
//! first; one goes as soon as a list of its is read anew.

use crate::error::{warn, Error};
use crate::lists::Lists;
use pocketrank::{edge, Snapshot};

/// The most slices kept.
const MAX_SLICES: usize = 16;

struct Slice {
    /// The paths of its lists.
    lists: Vec<String>,
    /// The element for the page; `None` if it could not be made.
    html: Option<String>,
}

/// The slices that are kept, the longest unused first.
#[derive(Default)]
pub struct Slices(Vec<Slice>);

impl Slices {
    /// The element for pages with the lists at these paths; made now if it is not kept. Where it cannot be made, the console is told
    /// why, and it is not tried again with the same lists.
    pub fn get(&mut self, paths: Vec<String>, snapshot: &Snapshot<Vec<u8>>, lists: &mut Lists) -> Option<&str> {
        let slice = match self.0.iter().position(|slice| slice.lists == paths) {
            Some(at) => self.0.remove(at),
            None => {
                if self.0.len() >= MAX_SLICES {
                    self.0.remove(0);
                }
                let html = make(&paths, snapshot, lists).inspect_err(warn).ok();
                Slice { lists: paths, html }
            }
        };
        self.0.push(slice);
        self.0.last()?.html.as_deref()
    }

    /// Forgets what was made of the list at a path.
    pub fn forget(&mut self, path: &str) {
        self.0.retain(|slice| slice.lists.iter().all(|list| list != path));
    }
}

fn make(paths: &[String], snapshot: &Snapshot<Vec<u8>>, lists: &mut Lists) -> Result<String, Error> {
    let wrong = |detail: String| Error::PageModel {
        first: paths.first().cloned().unwrap_or_default(),
        lists: paths.len(),
        detail,
    };
    let mut items = vec![];
    for path in paths {
        let list = lists
            .get(path)
            .ok_or_else(|| wrong(format!("{path} is kept no longer")))?;
        items.extend_from_slice(list.hashes());
    }
    let slice = snapshot.slice(items).map_err(|error| wrong(error.to_string()))?;
    edge::page_model(snapshot.id(), paths, &slice).ok_or_else(|| {
        wrong(format!(
            "the slice has {} bytes, a page carries at most {}",
            slice.len(),
            edge::MAX_PAGE_MODEL
        ))
    })
}
