//! The isolate's model: the deployed snapshot, opened and verified once, and the lists resolved against it.
//!
//! Invariant: [`with`] runs to its end without an await, so a profile is never set while another request ranks. When the platform
//! starts the instance afresh the model is gone, and is loaded again by the next request.

use crate::assets::Assets;
use crate::error::{warn, Error};
use crate::lists::Lists;
use crate::slices::Slices;
use pocketrank::{edge, Options, Profile, Ranker, Snapshot};
use serde::Deserialize;
use std::cell::RefCell;
use std::fmt::Write;

/// Milliseconds for which something that failed to load is not tried again.
pub const RETRY: f64 = 10_000.0;

/// What ranks.
pub struct Model {
    ranker: Ranker<Vec<u8>>,
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

enum State {
    Ready(Box<Model>),
    /// Not before this time, in milliseconds since 1970-01-01 UTC.
    Retry(f64),
}

thread_local! {
    static STATE: RefCell<State> = const { RefCell::new(State::Retry(0.0)) };
}

/// Uses the model, if it is there.
pub fn with<T>(use_it: impl FnOnce(&mut Model) -> T) -> Option<T> {
    STATE.with_borrow_mut(|state| match state {
        State::Ready(model) => Some(use_it(model)),
        State::Retry(_) => None,
    })
}

/// Loads the model if it is not there, and tells whether it is now. The console is told why not, once per try.
pub async fn load(assets: &Assets) -> bool {
    let now = js_sys::Date::now();
    // Requests that find no model at the same time all load it: awaiting what another request began is not permitted.
    let known = STATE.with_borrow(|state| match state {
        State::Ready(_) => Some(true),
        State::Retry(at) => (now < *at).then_some(false),
    });
    if let Some(known) = known {
        return known;
    }
    let next = match Model::read(assets).await {
        Ok(model) => State::Ready(Box::new(model)),
        Err(error) => {
            warn(&error);
            State::Retry(now + RETRY)
        }
    };
    STATE.with_borrow_mut(|state| {
        if !matches!(state, State::Ready(_)) {
            *state = next;
        }
        matches!(state, State::Ready(_))
    })
}

#[derive(Deserialize)]
struct Manifest {
    snapshot: Current,
}

#[derive(Deserialize)]
struct Current {
    id: String,
    url: String,
}

impl Model {
    async fn read(assets: &Assets) -> Result<Self, Error> {
        let document = |url: &str, detail| Error::Document {
            url: url.into(),
            detail,
        };
        let manifest = assets.read(edge::MANIFEST).await?;
        let Manifest {
            snapshot: Current { id, url },
        } = serde_json::from_slice(&manifest).map_err(|error| document(edge::MANIFEST, error.to_string()))?;
        if !url.starts_with(edge::ASSETS) {
            return Err(document(
                edge::MANIFEST,
                format!("snapshot.url must begin with {}", edge::ASSETS),
            ));
        }
        let invalid = |error| Error::Snapshot {
            url: url.clone(),
            error,
        };
        let snapshot = Snapshot::open(assets.read(&url).await?).map_err(invalid)?;
        snapshot.verify().map_err(invalid)?;
        let got = snapshot.id().to_string();
        if got != id {
            return Err(document(
                &url,
                format!("the manifest says snapshot {id}, this is {got}"),
            ));
        }
        Ok(Model {
            ranker: Ranker::new(snapshot),
            lists: Lists::default(),
            slices: Slices::default(),
        })
    }

    /// The snapshot.
    pub fn snapshot(&self) -> &Snapshot<Vec<u8>> {
        self.ranker.snapshot()
    }

    /// The list at that path, ranked for a profile; `None` if it is not there or nothing of it can be shown.
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

    /// The element with the model of a page that shows the lists at these paths; `None` if there can be none.
    pub fn page_model(&mut self, lists: Vec<String>) -> Option<&str> {
        self.slices.get(lists, self.ranker.snapshot(), &mut self.lists)
    }
}
