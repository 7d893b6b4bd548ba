//! The isolate's model: what one manifest names, the snapshot opened and verified once and the lists resolved against it.
//!
//! Invariant: snapshot, lists and other models are always those of one manifest. [`with`] runs to its end without an await, so a profile is never set
//! while another request ranks, and nothing is swapped meanwhile. When the platform starts the instance afresh the model is gone, and is
//! loaded again by the next request.

use crate::error::Error;
use crate::lists::Lists;
use crate::models::Models;
use crate::slices::Slices;
use crate::told::Told;
use crate::visit::Visit;
use pocketrank::experiment::Experiments;
use pocketrank::rule::{Moves, Rules};
use pocketrank::template::{Page, Place, Templates};
use pocketrank::{edge, Candidates, Decision, Manifest, Options, Profile, Ranker, Snapshot};
use std::cell::RefCell;
use std::fmt::Write;

/// What ranks.
pub struct Model {
    ranker: Ranker<Vec<u8>>,
    experiments: Experiments,
    rules: Rules,
    /// The snapshot's templates, or those built in.
    pub templates: Templates,
    /// What names it all.
    pub manifest: Manifest,
    /// The manifest as it was signed.
    pub signed: Vec<u8>,
    /// The candidates.
    pub lists: Lists,
    /// Other models, for arms of experiments.
    pub models: Models,
    /// What pages carry of the snapshot.
    pub slices: Slices,
    told: Told,
}

/// A slot's content.
pub struct Slate {
    /// Id of the snapshot that the rows belong to.
    pub snapshot: String,
    /// Whether that is the usual one.
    pub is_usual: bool,
    /// The file of the list that they are of.
    pub list: String,
    /// Rows of the items in their order, separated by commas.
    pub rows: String,
    /// What its template makes of them.
    pub html: String,
    /// The page's attributes, as JSON; empty where no experiment and no rule asks for them.
    pub page: String,
    /// The experiments that the visitor is in, as JSON with GrowthBook's names; empty where there are none.
    pub experiments: String,
}

/// What a slot asks for.
pub struct Wanted<'a> {
    /// Its name.
    pub slot: &'a str,
    /// The file of its list.
    pub list: &'a str,
    /// How it is ranked.
    pub options: Options,
    /// Ids of the items that it leaves out, with blanks between.
    pub exclude: &'a str,
    /// The name of its template.
    pub template: &'a str,
    /// What the page says of itself.
    pub page: Page<'a>,
}

/// What experiments and rules want to be there.
#[derive(Default)]
pub struct Needed {
    /// The file of another list.
    pub list: Option<String>,
    /// The name of another model.
    pub model: Option<String>,
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
        let (experiments, rules) = (snapshot.experiments()?, snapshot.rules()?);
        Ok((Ranker::new(snapshot), templates, experiments, rules))
    });
    let opened = opened.transpose().map_err(|error| Error::Published {
        name: manifest.snapshot.blob.url.clone(),
        error,
    })?;
    MODEL.with_borrow_mut(|model| match (model, opened) {
        (Some(model), None) => {
            model.lists.keep_only(&manifest);
            model.models.keep_only(&manifest);
            model.slices = Slices::default();
            (model.manifest, model.signed) = (manifest, signed);
        }
        (model, Some((ranker, templates, experiments, rules))) => {
            let mut told = Told::default();
            for at in &rules.broken {
                told.once(
                    "rule",
                    "broken",
                    format!("rule {at} of the snapshot cannot be read, and does nothing; pack it again"),
                );
            }
            *model = Some(Box::new(Model {
                ranker,
                experiments,
                rules,
                templates,
                manifest,
                signed,
                lists: Lists::default(),
                models: Models::default(),
                slices: Slices::default(),
                told,
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

    /// What ranks, the lists, and the manifest that both are of.
    pub fn parts(&mut self) -> (&mut Ranker<Vec<u8>>, &mut Lists, &Manifest) {
        (&mut self.ranker, &mut self.lists, &self.manifest)
    }

    /// Whether experiments or rules ask for the page's attributes.
    pub fn asks(&self) -> bool {
        !self.experiments.is_empty() || !self.rules.rules.is_empty()
    }

    /// What has to be loaded for a slot besides its own list.
    pub fn needed(&self, slot: &str, visit: &Visit) -> Needed {
        let decision = Decision::make(&self.experiments, &self.rules, self.snapshot(), slot, &visit.asking());
        Needed {
            list: decision.list().and_then(edge::list_file),
            model: decision.model().map(str::to_owned),
        }
    }

    /// The slot's list, ranked for a visit, by its template; `None` if the list is not there or nothing of it can be shown.
    ///
    /// What experiments and rules name and is not there is told once, and is as if they had not named it.
    ///
    /// # Errors
    /// [`pocketrank::Error`] if there is no such template as the page names, or it makes too much of the items.
    pub fn slate(&mut self, wanted: &Wanted<'_>, visit: &Visit) -> Result<Option<Slate>, pocketrank::Error> {
        let made = self.make(wanted, visit);
        forget(&mut self.ranker, visit.now);
        self.models.each(|ranker| forget(ranker, visit.now));
        made
    }

    fn make(&mut self, wanted: &Wanted<'_>, visit: &Visit) -> Result<Option<Slate>, pocketrank::Error> {
        let Self {
            ranker,
            experiments,
            rules,
            templates,
            lists,
            models,
            told,
            ..
        } = self;
        let decision = Decision::make(experiments, rules, ranker.snapshot(), wanted.slot, &visit.asking());
        let usual = ranker.snapshot().id();
        let ranker = match decision.model().and_then(|name| models.get(name)) {
            Some(other) => other,
            None => ranker,
        };
        let other = decision.list().and_then(edge::list_file);
        let file = other.filter(|file| lists.get(file).is_some());
        let file = file.unwrap_or_else(|| wanted.list.into());
        let Some(list) = lists.get(&file) else {
            return Ok(None);
        };
        let template = decision.template().filter(|name| {
            let is_there = templates.get(name).is_some();
            if !is_there {
                told.once(
                    "slot",
                    "template",
                    format!(
                        "slot `{}`: an arm or a rule names the template `{name}`, which the snapshot does not have; pack it with it",
                        wanted.slot
                    ),
                );
            }
            is_there
        });
        let moves = decision.moves(ranker.snapshot());
        for (rule, name) in &moves.unknown {
            told.once(
                "rule",
                "unknown",
                format!("rule `{rule}`: the snapshot does not know `{name}`; the rest of the rule holds"),
            );
        }
        let is_usual = ranker.snapshot().id() == usual;
        if !is_usual {
            list.resolve(ranker.snapshot());
        }
        let list = &*list;
        let candidates = if is_usual { list.candidates() } else { list.others() };
        let candidates = list.without(candidates, wanted.exclude);
        rank(ranker, &decision, &candidates, wanted, &moves, visit)?;
        if ranker.slate().is_empty() {
            return Ok(None);
        }
        let template = template.unwrap_or(wanted.template);
        let whys = if Place::asks_why(templates, template) {
            let rows: Vec<u32> = ranker.slate().iter().map(|ranked| ranked.row).collect();
            ranker.explain_all(&rows)
        } else {
            vec![]
        };
        let mut whys = whys.iter();
        let mut rows = String::new();
        let mut places = Vec::with_capacity(ranker.slate().len());
        for ranked in ranker.slate() {
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
        let values = wanted.page.values(templates, &places);
        Ok(Some(Slate {
            html: templates.render(template, &values)?,
            snapshot: ranker.snapshot().id().to_string(),
            is_usual,
            rows,
            page: visit.page(),
            experiments: assignments(&decision),
            list: file,
        }))
    }

    /// The element with the model of a page that shows these lists; `None` if there can be none.
    pub fn page_model(&mut self, lists: Vec<String>) -> Option<&str> {
        self.slices.get(lists, self.ranker.snapshot(), &mut self.lists)
    }
}

/// Leaves nothing of a visitor in a ranker: no history, no arm's weights.
fn forget(ranker: &mut Ranker<Vec<u8>>, now: u32) {
    // Without factors there is none that could be wrong.
    let _ = ranker.scale_blend(std::iter::empty());
    ranker.set_profile(&Profile::default(), now);
}

/// Leaves the slate in the ranker.
fn rank(
    ranker: &mut Ranker<Vec<u8>>,
    decision: &Decision<'_>,
    candidates: &Candidates,
    wanted: &Wanted<'_>,
    moves: &Moves,
    visit: &Visit,
) -> Result<(), pocketrank::Error> {
    ranker.scale_blend(decision.blend().iter().flat_map(|blend| blend.factors()))?;
    ranker.set_profile(visit.asking().profile, visit.now);
    let options = Options {
        diversity: decision.diversity().unwrap_or(wanted.options.diversity),
        ..wanted.options
    };
    ranker.rerank_by(candidates, &options, moves);
    Ok(())
}

fn assignments(decision: &Decision<'_>) -> String {
    let mut json = String::new();
    for assignment in decision.assignments() {
        json.push(if json.is_empty() { '[' } else { ',' });
        assignment.write_json(&mut json);
    }
    if !json.is_empty() {
        json.push(']');
    }
    json
}
