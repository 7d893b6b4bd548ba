//! Steps of tuning that choose what is fitted: the family and its parameters, what is stacked on it, the bytes it takes.

use super::{suited, Tuner, BYTES_BEFORE_PACKING, LEAST_GAIN, STACKED_FAMILY};
use crate::dataset::Order;
use crate::error::{Error, Result};
use crate::train::blend;
use crate::train::cold::ColdEdges;
use crate::train::family::{self, family, Family, FAMILIES};
use crate::train::fold::{mean, Fold, SharedBench};
use crate::train::model::allowed;
use crate::train::recipe::{Component, Recipe};
use crate::train::shape::Shape;
use crate::train::space::{param, Range, Values};
use crate::train::trials::{Outcome, SHAPE};
use crate::train::tune::Tried;
use pocketrank::Blend;

/// Ways of learning edges that are tried.
const EDGE_TRIALS: usize = 18;
/// Half-lives of popularity that are tried, in days.
const POPULARITY_HALF_LIVES: [f64; 5] = [3.0, 10.0, 30.0, 100.0, 1000.0];
/// Lengths of content vectors that are tried, their weights, and how steeply these fall with an item's popularity.
const CONTENTS: [usize; 2] = [8, 16];
const CONTENT_WEIGHTS: [f32; 3] = [0.1, 0.4, 1.5];
const CONTENT_GATES: [f64; 3] = [0.0, 2.0, 8.0];
/// Weights of edges by content that are tried, and the numbers of customers below which items get some.
const COLD_WEIGHTS: [f32; 3] = [0.1, 0.3, 1.0];
const COLD_BELOW: [u32; 2] = [1, 8];
/// Edges by content to an item, and from it, that are tried.
const COLD_NEIGHBOURS: [usize; 2] = [10, 30];
/// Factors of a stacked family's weights that are tried.
const STACKS: [f64; 4] = [0.15, 0.3, 0.6, 1.0];

impl Tuner<'_> {
    /// Each family with its starting values. Gives their names and worth, the best first.
    pub(super) fn try_families(&mut self) -> Result<Vec<(String, f64)>> {
        let material = &self.folds[0].stack.material;
        let families: Vec<&dyn Family> = match self.options.families.as_slice() {
            [] => suited(material),
            names => names.iter().map(|name| family(name)).collect::<Result<_>>()?,
        };
        let starts: Vec<(&str, Values)> = families
            .iter()
            .map(|family| (family.name(), Values::start(&family.space(material))))
            .collect();
        let tried = |family: &'static dyn Family| Tried {
            family: family.name(),
            about: family.about(),
            memory: family.memory(material),
            ndcg: None,
            note: family.unsuited(material),
        };
        self.families = FAMILIES.into_iter().map(tried).collect();
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
            if let Some(tried) = self.families.iter_mut().find(|tried| tried.family == name) {
                (tried.ndcg, tried.note) = (record.validation, record.note);
            }
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
    pub(super) fn search_family(&mut self, name: &str, trials: usize) -> Result<()> {
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

    /// Adds another family's weights where that helps.
    pub(super) fn stack(&mut self, name: &str) -> Result<()> {
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
        let trials = self.share(STACKED_FAMILY);
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
    pub(super) fn learn_edges(&mut self) -> Result<()> {
        let Some(at) = self
            .recipe
            .components
            .iter()
            .position(|component| component.family == family::TWO_HOP)
        else {
            return Ok(());
        };
        let base = self.recipe.components[at].values.clone();
        let start = Values::start(&family::LEARNED);
        // They cost the device nothing, so that the least gain will do.
        self.search(
            "learned edges",
            &family::LEARNED,
            &start,
            EDGE_TRIALS,
            |recipe, values| {
                recipe.components[at].family = family::LEARNED_EDGES.to_owned();
                recipe.components[at].values = base.and(values);
            },
        )
    }

    /// Chooses the half-life of popularity.
    pub(super) fn search_popularity(&mut self) -> Result<()> {
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

    /// Lets edges by content lead to and from the items that few touched. They are asked for too seldom to move the mean of all queries,
    /// so of what lowers it by less than [`LEAST_GAIN`] that is chosen which ranks them best among themselves, if any does better
    /// than none.
    pub(super) fn add_cold_edges(&mut self) -> Result<()> {
        if !self.folds[0].stack.material.has_content() {
            return Ok(());
        }
        self.searches += 1;
        if self.folds.iter().all(|fold| fold.cold.is_empty()) {
            return Ok(());
        }
        let (before, recipe, blend) = (self.best, self.recipe.clone(), self.blend.clone());
        let phase = format!("edges by content {}", self.searches);
        let mut most = self.cold_ndcg(0, &Values::default(), &recipe, &blend)?;
        let by_weight = |edges: ColdEdges| COLD_WEIGHTS.map(|weight| ColdEdges { weight, ..edges });
        let by_support = |neighbours| {
            COLD_BELOW.map(|below| ColdEdges {
                weight: 0.0,
                below,
                neighbours,
            })
        };
        let edges = COLD_NEIGHBOURS.into_iter().flat_map(by_support).flat_map(by_weight);
        for (number, edges) in (1..).zip(edges) {
            if self.out_of_time() {
                break;
            }
            let mut values = Values::default();
            values.set("weight", f64::from(edges.weight));
            values.set("below", f64::from(edges.below));
            values.set("neighbours", edges.neighbours as f64);
            let recipe = Recipe {
                cold: Some(edges),
                ..recipe.clone()
            };
            let record = self.trial(&phase, number, &values, &recipe, &blend, f64::NEG_INFINITY)?;
            let Some(worth) = record.validation.filter(|worth| *worth >= before * (1.0 - LEAST_GAIN)) else {
                continue;
            };
            let ndcg = self.cold_ndcg(number, &values, &recipe, &blend)?;
            if ndcg > most {
                most = ndcg;
                (self.best, self.recipe) = (worth, recipe);
            }
        }
        Ok(())
    }

    /// NDCG@20 of the cold items that validation asks for, among themselves.
    fn cold_ndcg(&mut self, number: usize, values: &Values, recipe: &Recipe, blend: &Blend) -> Result<Option<f64>> {
        let phase = format!("cold items {}", self.searches);
        let (folds, control) = (&self.folds, self.control);
        let record = self.trials.trial(&phase, number, values, || {
            let measured = |fold: &Fold<'_>| Ok(fold.cold_ndcg(&fold.bench(recipe, blend, control)?));
            let parts: Vec<_> = folds.iter().map(measured).collect::<Result<_>>()?;
            Ok(Outcome::Worth {
                validation: mean(&parts),
                training: None,
                check: None,
                bytes_per_item: None,
            })
        })?;
        Ok(record.validation)
    }

    /// Adds content vectors where they help more than the neighbours that their bytes could hold, for all items alike or for little
    /// known ones above all.
    pub(super) fn add_content(&mut self) -> Result<()> {
        if !self.folds[0].stack.material.has_content() {
            return Ok(());
        }
        let before = (self.best, self.recipe.clone(), self.blend.clone());
        let of = |weight| CONTENT_GATES.map(|gate| (weight, gate));
        for dims in CONTENTS {
            self.searches += 1;
            if self.out_of_time() {
                break;
            }
            let phase = format!("content {}", self.searches);
            let recipe = Recipe {
                content: dims,
                entries: before
                    .1
                    .entries
                    .saturating_sub((dims as f64 / BYTES_BEFORE_PACKING) as usize)
                    .max(1),
                ..before.1.clone()
            };
            // Fitted once: weights and gates are the blend's.
            let bench = |fold: &Fold<'_>| fold.bench(&recipe, &before.2, self.control);
            let mut benches: Vec<SharedBench> = self.folds.iter().map(bench).collect::<Result<_>>()?;
            for (number, (weight, gate)) in CONTENT_WEIGHTS.into_iter().flat_map(of).enumerate() {
                let mut blend = before.2.clone();
                blend.rows.iter_mut().for_each(|row| row.content = weight);
                blend.cold = blend::cold(gate);
                let mut values = Values::default();
                values.set("dims", dims as f64);
                values.set("weight", f64::from(weight));
                values.set("gate", gate);
                let (worth, blend) = self.serve(&phase, number, &values, &mut benches, blend)?;
                if let Some(worth) = worth {
                    self.take(worth, recipe.clone(), blend);
                }
            }
        }
        if self.best < before.0 * (1.0 + LEAST_GAIN) {
            (self.best, self.recipe, self.blend) = before;
        }
        Ok(())
    }

    /// Chooses the bits of a weight, and with them how many neighbours fit into the bytes that are allowed.
    pub(super) fn shape(&mut self) -> Result<()> {
        let model = self.folds[0].model(&self.recipe, self.control)?.reordered();
        let allowed = allowed(self.options.max_bytes_per_item, model.items.len());
        let shapes = Shape::of(&self.recipe).filling(&model, allowed, &self.blend)?;
        self.best = f64::NEG_INFINITY;
        self.searches += 1;
        let phase = format!("{SHAPE} {}", self.searches);
        for (number, shape) in shapes.into_iter().enumerate() {
            let (recipe, blend) = (shape.apply(&self.recipe), self.blend.clone());
            let record = self.trial(&phase, number, &shape.values(), &recipe, &blend, f64::NEG_INFINITY)?;
            if let Some(worth) = record.validation {
                self.take(worth, recipe, blend);
            }
        }
        Ok(())
    }
}
