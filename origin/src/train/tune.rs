//! Chooses a recipe and a blend on validation data and packs the model of all the data.
//!
//! Each family is tried, the best are searched, stacked and shaped into the bytes that are allowed; then the blend is searched
//! and its weights are learned. Trials are fitted on what is before the validation, packed, and ranked by the runtime; the best
//! is fitted on everything. Invariant: equal data and options give equal bytes, whatever the number of threads; the test is
//! never looked at.

use super::blend;
use super::content::ContentModel;
use super::family::{self, family, Family, FAMILIES};
use super::fold::{mean, splits, Fold, SharedBench};
use super::material::Material;
use super::model::{bytes_per_item, Model};
use super::overfit;
use super::recipe::{Component, Recipe};
use super::search::{Search, Strategy};
use super::space::{param, Param, Range, Values};
use super::stack::Stack;
use super::trials::{Header, Outcome, Record, Trials};
use super::weigh::{self, ListsByDropout, RangeOfHistories};
use crate::config::Config;
use crate::control::Control;
use crate::dataset::{Dataset, Interaction, Order};
use crate::error::{Error, Result};
use crate::evaluate::{float_ndcg, Bench, Protocol, Query, Scope, Split};
use crate::output;
use crate::progress::{Progress, Stage};
use pocketrank::{Blend, Snapshot};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What the caller fixes.
#[derive(Debug, Clone)]
pub struct TrainOptions {
    /// How queries are cut from the data; none: what fits the data.
    pub protocol: Option<Protocol>,
    /// The fewest customers behind an edge, a row and an item.
    pub min_customers: u32,
    /// The most bytes an item of the model's own sections.
    pub max_bytes_per_item: f64,
    /// How many models are fitted.
    pub trials: usize,
    /// Tune at most on this many validation queries.
    pub queries: usize,
    /// Rolling folds of validation.
    pub folds: usize,
    /// How spaces are searched.
    pub strategy: Strategy,
    /// Families to try; empty for those that suit the data.
    pub families: Vec<String>,
    /// How content becomes vectors, where the catalogue has any.
    pub content: ContentModel,
    /// Of everything random.
    pub seed: u64,
    /// Where trials are logged, and read again by a training that goes on.
    pub log: Option<PathBuf>,
    /// Where the best model so far is kept if the work is stopped.
    pub checkpoint: Option<PathBuf>,
    /// Stop trying after this long, and say so: the model then depends on the machine.
    pub stop_after: Option<Duration>,
}

impl Default for TrainOptions {
    fn default() -> Self {
        TrainOptions {
            protocol: None,
            min_customers: 5,
            max_bytes_per_item: 64.0,
            trials: 150,
            queries: 8_000,
            folds: 1,
            strategy: Strategy::Tpe,
            families: vec![],
            content: ContentModel::new(&Config::default()),
            seed: 1,
            log: None,
            checkpoint: None,
            stop_after: None,
        }
    }
}

/// A trained model.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The packed snapshot.
    pub bytes: Vec<u8>,
    /// The dataset's item of each row.
    pub items: Vec<u32>,
    /// The model before it was packed.
    pub model: Model,
    /// What was chosen.
    pub recipe: Recipe,
    /// How queries were cut.
    pub protocol: Protocol,
    /// NDCG@20 on validation of what was chosen, fitted on the events before it.
    pub validation_ndcg: f64,
    /// The same on the queries that chose nothing.
    pub check_ndcg: f64,
    /// Share of NDCG@20 on validation that weights lose by being packed, against floats; below 0 where they gain.
    pub loss: Option<f64>,
    /// Number of validation queries.
    pub validation_queries: usize,
    /// Bytes an item of the model's own sections.
    pub bytes_per_item: f64,
    /// Every trial, in order.
    pub trials: Vec<Record>,
    /// What whoever trains should know.
    pub warnings: Vec<String>,
}

/// Trains on events, some of the dataset's in its order.
///
/// # Errors
/// [`Error::Data`] where there is too little to learn from, [`Error::Interrupted`], and what writing the log or the checkpoint
/// can meet.
pub fn train(dataset: &Dataset, events: &[Interaction], options: &TrainOptions, control: &Control) -> Result<Trained> {
    if events.is_empty() {
        return Err(Error::Data(
            "no events to train on; check --until and the account of the data".into(),
        ));
    }
    let protocol = options.protocol.unwrap_or_else(|| Protocol::of(dataset));
    let whole = Material::new(dataset, events, options.min_customers)?;
    let splits = splits(dataset, events, protocol, options.folds, options.queries);
    let folds = folds(dataset, &splits, protocol, options);
    let trials = match &options.log {
        Some(path) => Trials::open(path, &header(dataset, events, options, protocol))?,
        None => Trials::in_memory(),
    };
    let mut tuner = Tuner::new(options, control, folds, trials, &whole, protocol)?;
    if tuner.folds.is_empty() {
        tuner
            .warnings
            .push("too little data to hold any back for validation: the starting values are used as they are".into());
    } else if let Err(error) = tuner.run() {
        if let (Error::Interrupted, Some(path), true) = (&error, &options.checkpoint, tuner.best.is_finite()) {
            tuner.keep(path)?;
        }
        return Err(error);
    }
    tuner.finish(Stack::new(whole, options.content.clone()), protocol)
}

/// Folds that have enough to fit on and to ask.
fn folds<'a>(dataset: &'a Dataset, splits: &'a [Split], protocol: Protocol, options: &TrainOptions) -> Vec<Fold<'a>> {
    splits
        .iter()
        .map_while(|split| Fold::new(dataset, split, protocol, options).ok())
        .filter(|fold| !fold.first.is_empty() && !fold.check.is_empty())
        .collect()
}

/// What makes a log this training's own.
fn header(dataset: &Dataset, events: &[Interaction], options: &TrainOptions, protocol: Protocol) -> Header {
    let mut hash = Sha256::new();
    for item in &dataset.items {
        hash.update(item.id.as_bytes());
        hash.update([0]);
    }
    for event in events {
        hash.update(event.user.to_le_bytes());
        hash.update(event.session.to_le_bytes());
        hash.update(event.item.to_le_bytes());
        hash.update(event.at.to_le_bytes());
        hash.update([event.kind as u8]);
    }
    let data: String = hash
        .finalize()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Header {
        data,
        options: format!(
            "pocketrank {}, {}, min_customers {}, max_bytes_per_item {}, trials {}, queries {}, folds {}, {:?}, families {:?}, seed {}",
            env!("CARGO_PKG_VERSION"),
            protocol.name(),
            options.min_customers,
            options.max_bytes_per_item,
            options.trials,
            options.queries,
            options.folds,
            options.strategy,
            options.families,
            options.seed
        ),
    }
}

/// The share of the trials of fitting that each step takes; serving trials cost no fit and are not counted.
const BEST_FAMILY: f64 = 0.45;
const SECOND_FAMILY: f64 = 0.15;
const AGAIN: f64 = 0.2;
/// Trials of a blend for each trial of a fit.
const BLENDS_PER_FIT: usize = 4;
/// A second family is searched, and stacked, where it comes this near to the best.
const NEAR: f64 = 0.8;
/// A part is added only where it gains this share, so that noise adds nothing.
const LEAST_GAIN: f64 = 1e-3;
/// Ways of learning edges that are tried.
const EDGE_TRIALS: usize = 9;
/// Half-lives of popularity that are tried, in days.
const POPULARITY_HALF_LIVES: [f64; 5] = [3.0, 10.0, 30.0, 100.0, 1000.0];
/// Lengths of content vectors, and their weights, that are tried.
const CONTENTS: [(usize, f32); 6] = [(8, 0.1), (8, 0.4), (8, 1.5), (16, 0.1), (16, 0.4), (16, 1.5)];
/// Factors of a second family's weights that are tried.
const STACKS: [f64; 4] = [0.15, 0.3, 0.6, 1.0];
/// Bytes that a packed neighbour takes, before a model was packed to measure it.
const BYTES_BEFORE_PACKING: f64 = 2.0;
/// Ways of learning weights that are tried for each range of histories.
const WEIGHT_TRIALS: usize = 8;
/// Factors that are tried on each learned weight.
const FACTORS: [f32; 5] = [0.0, 0.4, 0.7, 1.4, 2.5];
const CODE_BITS: [u8; 4] = [4, 5, 6, 8];

struct Tuner<'a> {
    options: &'a TrainOptions,
    control: &'a Control,
    folds: Vec<Fold<'a>>,
    trials: Trials,
    recipe: Recipe,
    serving: Values,
    serving_space: Vec<Param>,
    blend: Blend,
    /// NDCG@20 on validation of recipe and blend.
    best: f64,
    /// Searches so far, so that each has numbers and a seed of its own.
    searches: u64,
    began: Instant,
    stage: Stage,
    warnings: Vec<String>,
}

impl<'a> Tuner<'a> {
    fn new(
        options: &'a TrainOptions,
        control: &'a Control,
        folds: Vec<Fold<'a>>,
        trials: Trials,
        whole: &Material<'_>,
        protocol: Protocol,
    ) -> Result<Self> {
        let serving_space = blend::space(whole.dataset, protocol);
        let serving = Values::start(&serving_space);
        let families: Vec<&dyn Family> = match options.families.as_slice() {
            [] => suited(whole),
            names => names.iter().map(|name| family(name)).collect::<Result<_>>()?,
        };
        // Where nothing can be measured, the most capable family that suits is used with its starting values.
        let first = families.last().copied().unwrap_or(FAMILIES[0]);
        let recipe = Recipe {
            entries: (options.max_bytes_per_item / BYTES_BEFORE_PACKING).clamp(1.0, 1024.0) as usize,
            ..Recipe::of(first.name(), Values::start(&first.space(whole)))
        };
        Ok(Tuner {
            options,
            control,
            folds,
            trials,
            recipe,
            blend: blend::serve(&serving),
            serving,
            serving_space,
            best: f64::NEG_INFINITY,
            searches: 0,
            began: Instant::now(),
            stage: control.stage("tuning on validation", 0),
            warnings: vec![],
        })
    }

    fn run(&mut self) -> Result<()> {
        let ranking = self.try_families()?;
        self.search_blend(self.options.trials)?;
        let Some((best, _)) = ranking.first().cloned() else {
            return Ok(());
        };
        self.search_family(&best, self.share(BEST_FAMILY))?;
        self.search_popularity()?;
        self.shape()?;
        if let Some((second, _)) = ranking.get(1).filter(|(_, worth)| *worth >= NEAR * ranking[0].1) {
            self.stack(second)?;
        }
        self.search_blend(BLENDS_PER_FIT * self.options.trials)?;
        self.search_family(&best, self.share(AGAIN))?;
        self.learn_edges()?;
        self.add_content()?;
        self.shape()?;
        self.search_blend(BLENDS_PER_FIT * self.options.trials / 2)?;
        self.learn_weights()
    }

    fn share(&self, share: f64) -> usize {
        (self.options.trials as f64 * share) as usize
    }

    fn out_of_time(&mut self) -> bool {
        let out = self
            .options
            .stop_after
            .is_some_and(|limit| self.began.elapsed() > limit);
        let warning = "stopped by the clock: the model depends on the speed of the machine, not on the seed alone";
        if out && !self.warnings.iter().any(|known| known == warning) {
            self.warnings.push(warning.into());
        }
        out
    }

    /// Each family with its starting values. Gives their names and worth, the best first.
    fn try_families(&mut self) -> Result<Vec<(String, f64)>> {
        let material = &self.folds[0].stack.material;
        let families: Vec<&dyn Family> = match self.options.families.as_slice() {
            [] => suited(material),
            names => names.iter().map(|name| family(name)).collect::<Result<_>>()?,
        };
        let starts: Vec<(&str, Values)> = families
            .iter()
            .map(|family| (family.name(), Values::start(&family.space(material))))
            .collect();
        let mut ranking = vec![];
        for (number, (name, values)) in starts.into_iter().enumerate() {
            if self.out_of_time() {
                break;
            }
            let recipe = Recipe {
                components: Recipe::of(name, values.clone()).components,
                ..self.recipe.clone()
            };
            let blend = self.blend.clone();
            let record = self.trial(
                &format!("families: {name}"),
                number,
                &values,
                &recipe,
                &blend,
                f64::NEG_INFINITY,
            )?;
            if let Some(worth) = record.validation {
                ranking.push((name.to_owned(), worth, recipe));
            }
        }
        // Popularity is a part of every model, so another family stands on its shoulders even where it is behind alone.
        let alone = |name: &str| name == FAMILIES[0].name();
        ranking.sort_by(|a, b| alone(&a.0).cmp(&alone(&b.0)).then(b.1.total_cmp(&a.1)));
        if let Some((_, worth, recipe)) = ranking.first().cloned() {
            self.take(worth, recipe, self.blend.clone());
        }
        if ranking.is_empty() {
            let notes: Vec<String> = self
                .trials
                .records
                .iter()
                .filter_map(|record| record.note.clone())
                .collect();
            return Err(Error::Data(format!(
                "no family of models can be fitted: {}",
                notes.join("; ")
            )));
        }
        Ok(ranking.into_iter().map(|(name, worth, _)| (name, worth)).collect())
    }

    /// Searches the parameters of one component of the recipe.
    fn search_family(&mut self, name: &str, trials: usize) -> Result<()> {
        let Some(at) = self
            .recipe
            .components
            .iter()
            .position(|component| component.family == name)
        else {
            return Ok(());
        };
        let space = family(name)?.space(&self.folds[0].stack.material);
        if space.is_empty() {
            return Ok(());
        }
        let start = self.recipe.components[at].values.clone();
        self.search(name, &space, &start, trials, |recipe, values| {
            recipe.components[at].values = values.clone();
        })
    }

    /// Searches a space whose values change the recipe.
    fn search(
        &mut self,
        name: &str,
        space: &[Param],
        start: &Values,
        trials: usize,
        change: impl Fn(&mut Recipe, &Values),
    ) -> Result<()> {
        self.searches += 1;
        let phase = format!("{name} {}", self.searches);
        let mut search = Search::new(
            space,
            self.options.strategy,
            trials,
            self.options.seed + self.searches,
            start,
        )?;
        let mut first_values: Vec<f64> = vec![];
        for number in 0..search.trials() {
            if self.out_of_time() {
                break;
            }
            let values = search.ask()?;
            let mut recipe = self.recipe.clone();
            change(&mut recipe, &values);
            let blend = self.blend.clone();
            let record = self.trial(&phase, number, &values, &recipe, &blend, median(&first_values))?;
            search.tell(record.validation);
            if let Some(worth) = record.validation {
                first_values.push(worth);
                if worth > self.best {
                    self.take(worth, recipe, blend);
                }
            }
        }
        Ok(())
    }

    /// One fit and its measurement; `behind`: below this on the first queries it is pruned.
    fn trial(
        &mut self,
        phase: &str,
        number: usize,
        values: &Values,
        recipe: &Recipe,
        blend: &Blend,
        behind: f64,
    ) -> Result<Record> {
        self.stage.add(1);
        let Tuner {
            folds,
            control,
            best,
            trials,
            ..
        } = self;
        let enough = behind.min(*best * 0.97);
        trials.trial(phase, number, values, || {
            let mut benches = vec![];
            for fold in folds.iter() {
                let bench = fold.bench(recipe, blend, control)?;
                if measured(&bench, &fold.first, fold).1 < enough * 0.9 {
                    return Ok(Outcome::Pruned);
                }
                benches.push(bench);
                control.check()?;
            }
            worth(folds, &benches, *best)
        })
    }

    /// Takes a recipe and blend as the best so far.
    fn take(&mut self, worth: f64, recipe: Recipe, blend: Blend) {
        if worth > self.best {
            (self.best, self.recipe, self.blend) = (worth, recipe, blend);
        }
    }

    /// Keeps the best model so far: what is left if the work is stopped.
    fn keep(&self, path: &Path) -> Result<()> {
        let control = Control::new(Progress::hidden());
        let model = self.folds[0].model(&self.recipe, &control)?.reordered();
        output::write(path, &model.within(self.options.max_bytes_per_item, &self.blend)?.1)
    }

    /// Adds a second family's weights where that helps.
    fn stack(&mut self, name: &str) -> Result<()> {
        let space = family(name)?.space(&self.folds[0].stack.material);
        let alone = Component {
            family: name.to_owned(),
            values: Values::start(&space),
            weight: STACKS[1],
        };
        let stacked = Recipe {
            components: [self.recipe.components.as_slice(), &[alone]].concat(),
            ..self.recipe.clone()
        };
        let at = stacked.components.len() - 1;
        let before = (self.best, self.recipe.clone(), self.blend.clone());
        let weight = [param("weight", Range::Choice(&STACKS), STACKS[1])];
        let both = [weight.as_slice(), &space].concat();
        let trials = self.share(SECOND_FAMILY);
        let mut start = Values::start(&space);
        start.set("weight", STACKS[1]);
        self.search(&format!("stack {name}"), &both, &start, trials, |recipe, values| {
            recipe.components.clone_from(&stacked.components);
            recipe.components[at].weight = values.get("weight");
            recipe.components[at].values = Values::of(&space, values);
        })?;
        if self.best < before.0 * (1.0 + LEAST_GAIN) {
            (self.best, self.recipe, self.blend) = before;
        }
        Ok(())
    }

    /// Lets a regression of later transitions weigh the edges of two hops anew, where that helps.
    fn learn_edges(&mut self) -> Result<()> {
        let Some(at) = self
            .recipe
            .components
            .iter()
            .position(|component| component.family == family::TWO_HOP)
        else {
            return Ok(());
        };
        let base = self.recipe.components[at].values.clone();
        let before = (self.best, self.recipe.clone(), self.blend.clone());
        let start = Values::start(&family::LEARNED);
        self.search(
            "learned edges",
            &family::LEARNED,
            &start,
            EDGE_TRIALS,
            |recipe, values| {
                recipe.components[at].family = family::LEARNED_EDGES.to_owned();
                recipe.components[at].values = base.and(values);
            },
        )?;
        if self.best < before.0 * (1.0 + LEAST_GAIN) {
            (self.best, self.recipe, self.blend) = before;
        }
        Ok(())
    }

    /// Chooses the half-life of popularity.
    fn search_popularity(&mut self) -> Result<()> {
        if self.folds[0].stack.material.dataset.order != Order::Time {
            return Ok(());
        }
        self.searches += 1;
        let phase = format!("popularity {}", self.searches);
        for (number, half_life) in POPULARITY_HALF_LIVES.into_iter().enumerate() {
            let mut values = Values::default();
            values.set("half_life", half_life);
            let recipe = Recipe {
                popularity_half_life: half_life,
                ..self.recipe.clone()
            };
            let blend = self.blend.clone();
            let record = self.trial(&phase, number, &values, &recipe, &blend, f64::NEG_INFINITY)?;
            if let Some(worth) = record.validation {
                self.take(worth, recipe, blend);
            }
        }
        Ok(())
    }

    /// Adds content vectors where they help more than the neighbours that their bytes could hold.
    fn add_content(&mut self) -> Result<()> {
        if !self.folds[0].stack.material.has_content() {
            return Ok(());
        }
        let before = (self.best, self.recipe.clone(), self.blend.clone());
        self.searches += 1;
        let phase = format!("content {}", self.searches);
        for (number, (dims, weight)) in CONTENTS.into_iter().enumerate() {
            let mut recipe = before.1.clone();
            recipe.content = dims;
            recipe.entries = recipe
                .entries
                .saturating_sub((dims as f64 / BYTES_BEFORE_PACKING) as usize)
                .max(1);
            let mut blend = before.2.clone();
            blend.rows.iter_mut().for_each(|row| row.content = weight);
            let mut values = Values::default();
            values.set("dims", dims as f64);
            values.set("weight", f64::from(weight));
            let record = self.trial(&phase, number, &values, &recipe, &blend, f64::NEG_INFINITY)?;
            if let Some(worth) = record.validation {
                self.take(worth, recipe, blend);
            }
        }
        if self.best < before.0 * (1.0 + LEAST_GAIN) {
            (self.best, self.recipe, self.blend) = before;
        }
        Ok(())
    }

    /// Chooses the bits of a weight, and with them how many neighbours fit into the bytes that are allowed.
    fn shape(&mut self) -> Result<()> {
        let model = self.folds[0].model(&self.recipe, self.control)?.reordered();
        let mut shapes: Vec<(u8, usize, bool)> = vec![];
        for code_bits in CODE_BITS {
            let entries = model.entries_within(code_bits, self.options.max_bytes_per_item, &self.blend)?;
            shapes.extend([(code_bits, entries, true), (code_bits, entries, false)]);
        }
        self.best = f64::NEG_INFINITY;
        self.searches += 1;
        let phase = format!("shape {}", self.searches);
        for (number, (code_bits, entries, even)) in shapes.into_iter().enumerate() {
            let mut values = Values::default();
            values.set("code_bits", f64::from(code_bits));
            values.set("entries", entries as f64);
            values.set("even", f64::from(u8::from(even)));
            let recipe = Recipe {
                code_bits,
                entries,
                even,
                ..self.recipe.clone()
            };
            let blend = self.blend.clone();
            let record = self.trial(&phase, number, &values, &recipe, &blend, f64::NEG_INFINITY)?;
            if let Some(worth) = record.validation {
                self.take(worth, recipe, blend);
            }
        }
        Ok(())
    }

    /// Searches how a history counts, with the recipe as it is.
    fn search_blend(&mut self, trials: usize) -> Result<()> {
        let mut benches = self.benches()?;
        self.searches += 1;
        let phase = format!("blend {}", self.searches);
        let space = self.serving_space.clone();
        let seed = self.options.seed + self.searches;
        let mut search = Search::new(&space, self.options.strategy, trials, seed, &self.serving)?;
        for number in 0..search.trials() {
            if self.out_of_time() {
                break;
            }
            self.stage.add(1);
            let values = search.ask()?;
            let blend = self.served(&values);
            let (folds, best, control) = (&self.folds, self.best, self.control);
            let record = self.trials.trial(&phase, number, &values, || {
                control.check()?;
                set_blend(&mut benches, &blend)?;
                worth(folds, &benches, best)
            })?;
            search.tell(record.validation);
            if let Some(worth) = record.validation.filter(|worth| *worth > self.best) {
                self.serving = values;
                self.take(worth, self.recipe.clone(), blend);
            }
        }
        Ok(())
    }

    /// Learns the weights of the parts for each range of histories, from lists and then one weight after another.
    fn learn_weights(&mut self) -> Result<()> {
        let mut benches = self.benches()?;
        let (bench, scope) = (&mut benches[0], self.folds[0].scope);
        let queries: Vec<&Query> = self.folds[0].first.iter().chain(&self.folds[0].rest).collect();
        for range in RangeOfHistories::all(&self.blend, &queries) {
            self.searches += 1;
            let phase = format!("weights from {} items {}", range.from, self.searches);
            let seed = self.options.seed + self.searches;
            let mut best = range.measure(bench, &self.blend, scope)?;
            let mut search = Search::new(
                &weigh::SPACE,
                Strategy::Random,
                WEIGHT_TRIALS,
                seed,
                &Values::start(&weigh::SPACE),
            )?;
            let mut learned = None;
            let mut lists = ListsByDropout::default();
            for number in 0..search.trials() {
                self.control.check()?;
                self.stage.add(1);
                let values = search.ask()?;
                let blend = &self.blend;
                let record = self.trials.trial(&phase, number, &values, || {
                    Ok(Outcome::Worth {
                        validation: range.learn(bench, blend, &values, scope, seed, &mut lists)?.1,
                        training: None,
                        check: None,
                    })
                })?;
                search.tell(record.validation);
                if let Some(worth) = record.validation.filter(|worth| *worth > best * (1.0 + LEAST_GAIN)) {
                    (best, learned) = (worth, Some(values));
                }
            }
            if let Some(values) = learned {
                self.blend = range.learn(bench, &self.blend, &values, scope, seed, &mut lists)?.0;
            }
            self.polish(bench, &range, scope)?;
        }
        set_blend(&mut benches, &self.blend)?;
        if let Outcome::Worth { validation, .. } = worth(&self.folds, &benches, f64::INFINITY)? {
            self.best = validation;
        }
        Ok(())
    }

    /// Coordinate ascent over the weights of a range.
    fn polish(&mut self, bench: &mut SharedBench, range: &RangeOfHistories, scope: Scope) -> Result<()> {
        let mut best = range.measure(bench, &self.blend, scope)?;
        // Only ratios matter, so the first part that is there keeps its weight.
        let parts: Vec<usize> = range.parts(&self.blend);
        for part in parts.iter().skip(1) {
            for factor in FACTORS {
                self.control.check()?;
                let blend = weigh::with_factor(&self.blend, range, *part, factor);
                let ndcg = range.measure(bench, &blend, scope)?;
                self.stage.add(1);
                if ndcg > best * (1.0 + LEAST_GAIN) {
                    (best, self.blend) = (ndcg, blend);
                }
            }
        }
        Ok(())
    }

    /// The blend of these values, with the weight that content has.
    fn served(&self, values: &Values) -> Blend {
        let mut blend = blend::serve(values);
        let content = self.blend.rows.first().map_or(0.0, |row| row.content);
        blend.rows.iter_mut().for_each(|row| row.content = content);
        blend
    }

    /// The recipe's model of each fold.
    fn benches(&self) -> Result<Vec<SharedBench>> {
        let bench = |fold: &Fold<'_>| fold.bench(&self.recipe, &self.blend, self.control);
        self.folds.iter().map(bench).collect()
    }

    /// What packing costs the best, on the first fold.
    fn loss(&self) -> Result<Option<f64>> {
        let Some(fold) = self.folds.first() else {
            return Ok(None);
        };
        let model = fold.model(&self.recipe, self.control)?;
        let bytes = model.pack(&self.blend)?;
        let snapshot = Snapshot::open(bytes.as_slice()).map_err(|source| Error::Snapshot {
            path: "packed model".into(),
            source,
        })?;
        let queries = [&fold.first[..], &fold.rest[..], &fold.check[..]].concat();
        let packed = Bench::open(bytes.as_slice(), &model.items)?
            .rank(&queries, Scope::Reached)
            .ndcg();
        let float = float_ndcg(model.neighbours(), &snapshot, &model.items, &queries)?;
        Ok((float > 0.0).then(|| 1.0 - packed / float))
    }

    /// Fits the best on everything.
    fn finish(mut self, whole: Stack<'_>, protocol: Protocol) -> Result<Trained> {
        let mut check_ndcg = 0.0;
        if !self.folds.is_empty() {
            let benches = self.benches()?;
            let parts: Vec<_> = self
                .folds
                .iter()
                .zip(&benches)
                .map(|(fold, bench)| measured(bench, &fold.check, fold))
                .collect();
            check_ndcg = mean(&parts);
            self.warnings
                .extend(overfit::warning(&overfit::curve(&self.trials.records)));
        }
        let loss = self.loss()?;
        let stacked = whole.fit(&self.recipe, self.control)?;
        let model = Model::new(&whole.material, &stacked, &self.recipe).reordered();
        let (model, bytes) = model.within(self.options.max_bytes_per_item, &self.blend)?;
        Ok(Trained {
            bytes_per_item: bytes_per_item(&bytes)?,
            bytes,
            items: model.items.clone(),
            model,
            recipe: self.recipe,
            protocol,
            validation_ndcg: self.best.max(0.0),
            check_ndcg,
            loss,
            validation_queries: self.folds.iter().map(|fold| fold.first.len() + fold.rest.len()).sum(),
            trials: self.trials.records,
            warnings: self.warnings,
        })
    }
}

/// Families that suit the material without being asked for.
fn suited(material: &Material<'_>) -> Vec<&'static dyn Family> {
    FAMILIES
        .into_iter()
        .filter(|family| family.unsuited(material).is_none())
        .collect()
}

fn measured(bench: &SharedBench, queries: &[Query], fold: &Fold<'_>) -> (usize, f64) {
    (queries.len(), bench.rank(queries, fold.scope).ndcg())
}

fn set_blend(benches: &mut [SharedBench], blend: &Blend) -> Result<()> {
    benches.iter_mut().try_for_each(|bench| weigh::set_blend(bench, blend))
}

/// What the folds' models are worth; where it is more than `best`, also on what was fitted on and on what checks.
fn worth(folds: &[Fold<'_>], benches: &[SharedBench], best: f64) -> Result<Outcome> {
    let over = |queries: for<'q> fn(&'q Fold<'_>) -> Vec<&'q [Query]>| {
        let each = folds.iter().zip(benches).flat_map(|(fold, bench)| {
            let measured = |queries: &[Query]| measured(bench, queries, fold);
            queries(fold).into_iter().map(measured).collect::<Vec<_>>()
        });
        mean(&each.collect::<Vec<_>>())
    };
    let validation = over(|fold| vec![&fold.first, &fold.rest]);
    let better = validation > best;
    Ok(Outcome::Worth {
        validation,
        training: better.then(|| over(|fold| vec![&fold.training])),
        check: better.then(|| over(|fold| vec![&fold.check])),
    })
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NEG_INFINITY)
}
