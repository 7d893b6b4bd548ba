//! Packs what training chose into other bytes: measures shapes of it on validation, chooses the best that fits into a limit, and
//! fits that on all events. Invariant: a shape's NDCG is the runtime's over packed bytes, on queries that nothing was fitted on; equal
//! data, choice and limit give equal bytes, whatever the number of threads.
//!
//! The float model, against which losses are told, is the choice's own with weights and content as float32 and as many neighbours as
//! rank best of all numbers that were tried, whatever they would take: neither rounding nor a limit has touched it. Factors, of which a
//! model seldom has some, count in it as they are packed.

mod shapes;

use super::chosen::Chosen;
use super::fold::{mean, splits, Fold};
use super::material::Material;
use super::model::{Limit, Model, Size};
use super::recipe::Recipe;
use super::shape::{Shape, CODE_BITS};
use super::stack::Stack;
use super::tune::folds;
use crate::control::Control;
use crate::dataset::{Dataset, Interaction};
use crate::error::{Error, Result};
use crate::evaluate::{float_ndcg, Bench, Query, Scope};
use crate::progress::Stage;
use pocketrank::{Snapshot, MAX_NEIGHBOURS};
pub use shapes::{front, Measured, Shapes, Wanted, Worth};

/// Numbers of neighbours that are tried are the recipe's own times powers of the root of 2: from a quarter to four times.
const STEPS: std::ops::RangeInclusive<i32> = -4..=4;
/// So often a number of neighbours is sought between one that loses too much and one that does not.
const HALVINGS: usize = 5;
/// So often the neighbours are made fewer where more than a limit allows were taken for what fills it.
const FILLS: usize = 5;

/// Measures shapes of what was chosen, on folds of the events: from few neighbours to many, then those near what is wanted.
///
/// # Errors
/// [`Error::Data`] where the choice does not fit the data or these leave nothing to ask, and [`Error::Interrupted`].
pub fn measure(
    dataset: &Dataset,
    events: &[Interaction],
    chosen: &Chosen,
    wanted: &Wanted,
    control: &Control,
) -> Result<Shapes> {
    let whole = whole(dataset, events, chosen)?.material;
    chosen.suits(&whole)?;
    let items = whole.shipped().len();
    let options = chosen.options();
    let splits = splits(dataset, events, chosen.protocol, &options)?;
    let folds = folds(dataset, &splits, chosen.protocol, &options);
    let Some(first) = folds.first() else {
        return Err(Error::Data(format!(
            "too little data to hold any back for validation ({}): no shape can be measured; give the data that the recipe was trained on, or more",
            chosen.protocol.name()
        )));
    };
    let own = Shape::of(&chosen.recipe);
    let vectors = vectors(&own);
    let mut measuring = Measuring {
        chosen,
        control,
        items,
        choosing: folds
            .iter()
            .map(|fold| [&fold.first[..], &fold.rest].concat())
            .collect(),
        folds: &folds,
        shapes: Shapes::default(),
        stage: control.stage("measuring shapes", 0),
    };
    let has_neighbours = first.model(&chosen.recipe, control)?.entries() > 0.0;
    if has_neighbours {
        // Models of as many neighbours one after the other: what was fitted is remembered for a while.
        for entries in numbers(own.entries) {
            for (vectors, even) in vectors.iter().flat_map(|vectors| [(vectors, true), (vectors, false)]) {
                measuring.all(
                    Shape {
                        entries,
                        even,
                        ..*vectors
                    },
                    &CODE_BITS,
                )?;
            }
        }
        match wanted.limit {
            Some(limit) => measuring.fill(limit)?,
            None => measuring.narrow(wanted.max_loss)?,
        }
    } else {
        // The number of neighbours only limits the vectors then.
        for vectors in vectors {
            let entries = own.entries.max(vectors.factors);
            measuring.all(Shape { entries, ..vectors }, &[own.code_bits])?;
        }
    }
    let mut shapes = measuring.shapes;
    shapes
        .measured
        .sort_by(|a, b| a.bytes_per_item.total_cmp(&b.bytes_per_item));
    let count = |queries: fn(&Fold<'_>) -> usize| folds.iter().map(queries).sum();
    shapes.queries = (
        count(|fold| fold.first.len() + fold.rest.len()),
        count(|fold| fold.check.len()),
    );
    if shapes.float().is_none_or(|float| float.float.ndcg <= 0.0) {
        return Err(Error::Data(
            "the model finds nothing of what validation asks for, so no shape is better than another; train anew on these data".into(),
        ));
    }
    Ok(shapes)
}

/// A model of all events in a shape, packed.
#[derive(Debug, Clone)]
pub struct Packed {
    /// The snapshot.
    pub bytes: Vec<u8>,
    /// The recipe in its shape.
    pub recipe: Recipe,
    /// What it takes.
    pub size: Size,
    /// Neighbours an item that were kept.
    pub entries: f64,
    /// Share of the neighbours that had to be pruned for the limit: what that costs was not measured.
    pub pruned: f64,
    /// Bytes an item of the model's own sections as plain arrays, as [`Measured::float_bytes_per_item`] counts them.
    pub float_bytes_per_item: f64,
}

fn float_bytes_per_item(size: &Size, model: &Model) -> f64 {
    size.per_item(size.own - size.tables + model.float_bytes())
}

/// Fits a shape of what was chosen on all events. Where these make more of it than validation did, neighbours are pruned until it fits.
///
/// # Errors
/// As fitting and packing; [`Error::Usage`] where it cannot fit.
pub fn fit(
    dataset: &Dataset,
    events: &[Interaction],
    chosen: &Chosen,
    shape: &Shape,
    limit: Option<Limit>,
    control: &Control,
) -> Result<Packed> {
    let _stage = control.stage("fitting on all events", 0);
    let recipe = shape.apply(&chosen.recipe);
    let whole = whole(dataset, events, chosen)?;
    let stacked = whole.fit(&recipe, control)?;
    let model = Model::new(&whole.material, &stacked, &recipe).reordered();
    control.check()?;
    let all = model.entries();
    let (model, bytes) = model.within(limit.unwrap_or(Limit::File(usize::MAX)), &chosen.blend)?;
    let size = Size::of(&bytes)?;
    Ok(Packed {
        float_bytes_per_item: float_bytes_per_item(&size, &model),
        size,
        entries: model.entries(),
        pruned: if all > 0.0 { 1.0 - model.entries() / all } else { 0.0 },
        bytes,
        recipe,
    })
}

pub(super) fn whole<'a>(dataset: &'a Dataset, events: &'a [Interaction], chosen: &Chosen) -> Result<Stack<'a>> {
    let material = Material::new(dataset, events, u32::from(chosen.min_customers))?;
    Ok(Stack::new(material, chosen.content.clone()))
}

/// Numbers of neighbours that are tried, ascending.
fn numbers(own: usize) -> Vec<usize> {
    let number = |step: i32| libm::round(own as f64 * libm::exp2(f64::from(step) / 2.0)) as usize;
    let mut numbers: Vec<usize> = STEPS.map(|step| number(step).clamp(1, MAX_NEIGHBOURS)).collect();
    numbers.dedup();
    numbers
}

/// The shape with shorter vectors, where it has some, and without those of content.
fn vectors(own: &Shape) -> Vec<Shape> {
    let mut lengths = vec![own.content, own.content / 2, 0];
    lengths.dedup();
    let mut factors: Vec<usize> = [1, 2, 4].map(|part| own.factors / part).to_vec();
    factors.dedup();
    let all = factors.into_iter().flat_map(|factors| {
        lengths.iter().map(move |content| Shape {
            content: *content,
            factors,
            ..*own
        })
    });
    all.collect()
}

/// Measuring under way.
struct Measuring<'a> {
    chosen: &'a Chosen,
    control: &'a Control,
    /// How many will ship.
    items: usize,
    folds: &'a [Fold<'a>],
    /// Of each fold the queries that choose.
    choosing: Vec<Vec<Query>>,
    shapes: Shapes,
    stage: Stage,
}

impl Measuring<'_> {
    /// A fold's model in a shape, its rows numbered as they would ship.
    fn model(&self, fold: usize, shape: &Shape) -> Result<Model> {
        let recipe = shape.apply(&self.chosen.recipe);
        Ok(self.folds[fold].model(&recipe, self.control)?.reordered())
    }

    fn known(&self, shape: &Shape) -> Option<&Measured> {
        self.shapes.measured.iter().find(|measured| measured.shape == *shape)
    }

    /// Measures a shape with weights of each of these bits, as far as it is not known.
    fn all(&mut self, shape: Shape, bits: &[u8]) -> Result<()> {
        let with = |code_bits: &u8| Shape {
            code_bits: *code_bits,
            ..shape
        };
        let shapes: Vec<Shape> = bits
            .iter()
            .map(with)
            .filter(|shape| self.known(shape).is_none())
            .collect();
        if shapes.is_empty() {
            return Ok(());
        }
        let mut floats: Vec<[(usize, f64); 2]> = vec![];
        let mut packed: Vec<Vec<[(usize, f64); 2]>> = vec![vec![]; shapes.len()];
        let mut sizes: Vec<(Size, f64)> = vec![];
        let mut factors = 0;
        for (fold, choosing) in self.choosing.iter().enumerate() {
            let model = self.model(fold, &shape)?;
            let queries = [choosing.as_slice(), &self.folds[fold].check];
            let scope = self.folds[fold].scope;
            floats.push(self.float(&model, queries, scope)?);
            factors = model.factors();
            for (shape, worth) in shapes.iter().zip(&mut packed) {
                self.control.check()?;
                let bytes = model.with_code_bits(shape.code_bits).pack(&self.chosen.blend)?;
                let bench = Bench::open(bytes.as_slice(), &model.items)?;
                worth.push(queries.map(|queries| (queries.len(), bench.rank(queries, scope).ndcg())));
                // The first fold has the most events, nearly all.
                if fold == 0 {
                    let size = Size::of(&bytes)?;
                    sizes.push((size, float_bytes_per_item(&size, &model)));
                }
            }
        }
        let worth = |folds: &[[(usize, f64); 2]]| {
            let of = |which: usize| mean(&folds.iter().map(|fold| fold[which]).collect::<Vec<_>>());
            Worth {
                ndcg: of(0),
                check: of(1),
            }
        };
        for ((mut shape, packed), (size, float_bytes_per_item)) in shapes.into_iter().zip(packed).zip(sizes) {
            // Few neighbours allow no long vectors.
            shape.factors = factors;
            if self.known(&shape).is_some() {
                continue;
            }
            self.shapes.measured.push(Measured {
                shape,
                bytes_per_item: size.per_item(size.own),
                bytes: libm::ceil(size.per_item(size.file) * self.items as f64) as usize,
                worth: worth(&packed),
                float: worth(&floats),
                float_bytes_per_item,
            });
        }
        self.stage.add(1);
        Ok(())
    }

    fn float(&self, model: &Model, queries: [&[Query]; 2], scope: Scope) -> Result<[(usize, f64); 2]> {
        let bytes = model.with_code_bits(8).pack(&self.chosen.blend)?;
        let snapshot = Snapshot::open(bytes.as_slice()).map_err(|source| Error::Snapshot {
            path: "packed model".into(),
            source,
        })?;
        let [choosing, check] = queries.map(|queries| {
            self.control.check()?;
            let ndcg = float_ndcg(
                model.neighbours(),
                model.content(),
                &snapshot,
                &model.items,
                queries,
                scope,
            )?;
            Ok::<_, Error>((queries.len(), ndcg))
        });
        Ok([choosing?, check?])
    }

    /// Measures shapes that come as near to the limit as they may, with the vectors of the best that was within it so far.
    fn fill(&mut self, limit: Limit) -> Result<()> {
        let blend = &self.chosen.blend;
        let Some(nearest) = self.shapes.best(limit).or_else(|| self.shapes.smallest(|_| true)) else {
            return Ok(());
        };
        let vectors = Shape {
            entries: self.chosen.recipe.entries,
            ..nearest.shape
        };
        let model = self.model(0, &vectors)?;
        let size = Size::of(&model.pack(blend)?)?;
        let most = match limit {
            Limit::BytesPerItem(most) => most,
            Limit::File(most) => most as f64 / self.items.max(1) as f64 - size.per_item(size.file - size.own),
        };
        for mut shape in vectors.filling(&model, most, blend)? {
            for _ in 0..FILLS {
                self.all(shape, &[shape.code_bits])?;
                let Some(measured) = self.known(&shape).filter(|measured| !measured.within(limit)) else {
                    break;
                };
                if shape.entries <= 1 {
                    break;
                }
                let share = (most / measured.bytes_per_item).clamp(0.0, 1.0);
                shape.entries = ((shape.entries as f64 * share) as usize).clamp(1, shape.entries - 1);
            }
        }
        Ok(())
    }

    /// Measures shapes between those that lose too much and those that do not, while one may be smaller than all that do not.
    fn narrow(&mut self, max_loss: f64) -> Result<()> {
        for (code_bits, even) in CODE_BITS.into_iter().flat_map(|bits| [(bits, true), (bits, false)]) {
            for _ in 0..HALVINGS {
                let shapes = &self.shapes;
                let keeps = |measured: &Measured| shapes.keeps(measured, max_loss);
                let Some(smallest) = shapes.smallest(keeps) else { break };
                let kind = |entries| Shape {
                    code_bits,
                    entries,
                    even,
                    ..smallest.shape
                };
                let alike = |measured: &&Measured| measured.shape == kind(measured.shape.entries);
                let entries = |measured: &&Measured| measured.shape.entries;
                let enough = shapes
                    .measured
                    .iter()
                    .filter(alike)
                    .filter(|shape| keeps(shape))
                    .min_by_key(entries);
                let Some(enough) = enough.map(|shape| shape.shape.entries) else {
                    break;
                };
                let fewer = |measured: &&Measured| measured.shape.entries < enough;
                let too_few = shapes.measured.iter().filter(alike).filter(fewer).max_by_key(entries);
                let (few, bytes) = too_few.map_or((0, 0.0), |shape| (shape.shape.entries, shape.bytes_per_item));
                let middle = few.midpoint(enough);
                if bytes >= smallest.bytes_per_item || middle == few {
                    break;
                }
                let shape = kind(middle);
                self.all(shape, &[code_bits])?;
            }
        }
        Ok(())
    }
}
