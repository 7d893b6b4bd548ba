//! The isolate's model: what one manifest names, the snapshot opened and verified once and the lists resolved against it.
//!
//! Invariant: snapshot and lists are always those of one manifest. [`with`] runs to its end without an await, so a profile is never set
//! while another request ranks, and nothing is swapped meanwhile. When the platform starts the instance afresh the model is gone, and is
//! loaded again by the next request.

use crate::error::Error;
use crate::lists::Lists;
use crate::slices::Slices;
use pocketrank::template::{Page, Place, Templates};
use pocketrank::{Manifest, Options, Profile, Ranker, Snapshot};
use std::cell::RefCell;
use std::fmt::Write;

/// What ranks.
pub struct Model {
    ranker: Ranker<Vec<u8>>,
    /// The snapshot's templates, or those built in.
    pub templates: Templates,
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
    /// What its template makes of them.
    pub html: String,
}

/// What a slot asks for.
pub struct Wanted<'a> {
    /// The file of its list.
    pub list: &'a str,
    /// How it is ranked.
    pub options: Options,
    /// The name of its template.
    pub template: &'a str,
    /// What the page says of itself.
    pub page: Page<'a>,
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
        let templates = snapshot.templates()?.unwrap_or_else(Templates::built_in);
        Ok((Ranker::new(snapshot), templates))
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
        (model, Some((ranker, templates))) => {
            *model = Some(Box::new(Model {
                ranker,
                templates,
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

    /// The slot's list, ranked for a profile, by its template; `None` if the list is not there or nothing of it can be shown.
    ///
    /// # Errors
    /// [`pocketrank::Error`] if there is no such template, or it makes too much of the items.
    pub fn slate(
        &mut self,
        wanted: &Wanted<'_>,
        profile: &Profile,
        now: u32,
    ) -> Result<Option<Slate>, pocketrank::Error> {
        let Some(list) = self.lists.get(wanted.list) else {
            return Ok(None);
        };
        self.ranker.set_profile(profile, now);
        if self.ranker.rerank(list.candidates(), &wanted.options).is_empty() {
            return Ok(None);
        }
        let whys = if Place::asks_why(&self.templates, wanted.template) {
            let rows: Vec<u32> = self.ranker.slate().iter().map(|ranked| ranked.row).collect();
            self.ranker.explain_all(&rows)
        } else {
            vec![]
        };
        let mut whys = whys.iter();
        let mut rows = String::new();
        let mut places = Vec::with_capacity(self.ranker.slate().len());
        for ranked in self.ranker.slate() {
            let why = whys.next();
            let because = why.iter().flat_map(|why| &why.because);
            places.push(Place {
                item: list.value(ranked.index),
                because: because.into_iter().find_map(|because| list.find(because.item)),
                reason: why.and_then(Place::reason),
            });
            let comma = if rows.is_empty() { "" } else { "," };
            // Writing to a string cannot fail.
            let _ = write!(rows, "{comma}{}", ranked.row);
        }
        let values = wanted.page.values(&self.templates, &places);
        Ok(Some(Slate {
            snapshot: self.ranker.snapshot().id().to_string(),
            rows,
            html: self.templates.render(wanted.template, &values)?,
        }))
    }

    /// The element with the model of a page that shows these lists; `None` if there can be none.
    pub fn page_model(&mut self, lists: Vec<String>) -> Option<&str> {
        self.slices.get(lists, self.ranker.snapshot(), &mut self.lists)
    }
}
