//! The isolate's model: what one manifest names, the snapshot opened and verified once and the lists resolved against it.
//!
//! Invariant: snapshot and lists are always those of one manifest. [`with`] runs to its end without an await, so a profile is never set
//! while another request ranks, and nothing is swapped meanwhile. When the platform starts the instance afresh the model is gone, and is
//! loaded again by the next request.

use crate::error::Error;
use crate::lists::Lists;
use crate::slices::Slices;
use pocketrank::{Manifest, Options, Profile, Ranker, Snapshot};
use std::cell::RefCell;
use std::fmt::Write;

/// What ranks.
pub struct Model {
    ranker: Ranker<Vec<u8>>,
    /// What names it all.
    pub manifest: Manifest,
    /// The manifest as it was signed.
    pub signed: Vec<u8>,
    /// The candidates.
    pub lists: Lists,
    /// What pages carry of the snapshot.
    pub slices: Slices,
}

/// A slot's content.
pub struct Slate {
    /// Id of the snapshot that the rows belong to.
    pub snapshot: String,
    /// Rows of the items in their order, separated by commas.
    pub rows: String,
    /// The cards.
    pub html: String,
}

thread_local! {
    static MODEL: RefCell<Option<Box<Model>>> = const { RefCell::new(None) };
}

/// Uses the model, if it is there.
pub fn with<T>(use_it: impl FnOnce(&mut Model) -> T) -> Option<T> {
    MODEL.with_borrow_mut(|model| model.as_deref_mut().map(use_it))
}

/// Whether there is a model.
pub fn is_there() -> bool {
    with(|_| ()).is_some()
}

/// Uses what this manifest names from now on: the snapshot, or the one in use where none is given.
///
/// # Errors
/// [`Error::Published`] if the snapshot cannot be used; what was in use stays.
pub fn swap(manifest: Manifest, signed: Vec<u8>, snapshot: Option<Vec<u8>>) -> Result<(), Error> {
    let opened = snapshot.map(|bytes| {
        let snapshot = Snapshot::open(bytes)?;
        snapshot.verify()?;
        Ok(Ranker::new(snapshot))
    });
    let opened = opened.transpose().map_err(|error| Error::Published {
        name: manifest.snapshot.blob.url.clone(),
        error,
    })?;
    MODEL.with_borrow_mut(|model| match (model, opened) {
        (Some(model), None) => {
            model.lists.keep_only(&manifest);
            model.slices = Slices::default();
            (model.manifest, model.signed) = (manifest, signed);
        }
        (model, Some(ranker)) => {
            *model = Some(Box::new(Model {
                ranker,
                manifest,
                signed,
                lists: Lists::default(),
                slices: Slices::default(),
            }));
        }
        // Without a snapshot in use the plan gives one.
        (None, None) => {}
    });
    Ok(())
}

impl Model {
    /// The snapshot.
    pub fn snapshot(&self) -> &Snapshot<Vec<u8>> {
        self.ranker.snapshot()
    }

    /// The list of that file, ranked for a profile; `None` if it is not there or nothing of it can be shown.
    pub fn slate(&mut self, list: &str, profile: &Profile, now: u32, options: &Options) -> Option<Slate> {
        let list = self.lists.get(list)?;
        self.ranker.set_profile(profile, now);
        let ranked = self.ranker.rerank(list.candidates(), options);
        if ranked.is_empty() {
            return None;
        }
        let mut html = String::from("<ol class=\"pr-track\">");
        let mut rows = String::new();
        for place in ranked {
            html.push_str(list.card(place.index));
            let comma = if rows.is_empty() { "" } else { "," };
            // Writing to a string cannot fail.
            let _ = write!(rows, "{comma}{}", place.row);
        }
        html.push_str("</ol>");
        Some(Slate {
            snapshot: self.ranker.snapshot().id().to_string(),
            rows,
            html,
        })
    }

    /// The element with the model of a page that shows these lists; `None` if there can be none.
    pub fn page_model(&mut self, lists: Vec<String>) -> Option<&str> {
        self.slices.get(lists, self.ranker.snapshot(), &mut self.lists)
    }
}
