//! Packs what training chose into other bytes: measures shapes of it on validation, chooses the best that fits into a limit, and
//! fits that on all events. Invariant: a shape's NDCG is the runtime's over packed bytes, on queries that nothing was fitted on; equal
//! data, choice and limit give equal bytes, whatever the number of threads.
//!
//! The float model, against which losses are told, is the choice's own with weights as float32 and as many neighbours as rank best of
//! all numbers that were tried, whatever they would take: neither rounding nor a limit has touched it.

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
use serde::Serialize;

/// Numbers of neighbours that are tried are the recipe's own times powers of the root of 2: from a quarter to four times.
const STEPS: std::ops::RangeInclusive<i32> = -4..=4;
/// So often the neighbours are made fewer where more than a limit allows were taken for what fills it.
const FILLS: usize = 5;

/// NDCG@20 on validation.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Worth {
    /// On the queries that choose.
    #[serde(rename = "ndcg@20")]
    pub ndcg: f64,
    /// On the queries that choose nothing.
    #[serde(rename = "check_ndcg@20")]
    pub check: f64,
}

/// A shape and what it is worth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// The shape.
    #[serde(flatten)]
    pub shape: Shape,
    /// Bytes an item of the model's own sections.
    pub bytes_per_item: f64,
    /// Bytes of the whole snapshot, for all items that will ship.
    pub bytes: usize,
    /// Packed.
    #[serde(flatten)]
    pub worth: Worth,
    /// The same neighbours with weights as float32.
    pub float: Worth,
    /// Bytes an item that the model's own sections take as plain arrays: an id and a float32 an edge, an offset a row, vectors of
    /// float32; prior and blend as they are packed.
    pub float_bytes_per_item: f64,
}

impl Measured {
    /// Whether it fits.
    pub fn within(&self, limit: Limit) -> bool {
        match limit {
            Limit::BytesPerItem(most) => self.bytes_per_item <= most,
            Limit::File(most) => self.bytes <= most,
        }
    }
}

/// All shapes that were measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Shapes {
    /// The smallest first.
    pub measured: Vec<Measured>,
    /// Number of queries that chose, and of those that chose nothing.
    pub queries: (usize, usize),
}

impl Shapes {
    /// The shape of the float model, and what it is worth in floats.
    pub fn float(&self) -> Option<&Measured> {
        let best = |a: &&Measured, b: &&Measured| {
            let by_worth = a.float.ndcg.total_cmp(&b.float.ndcg);
            by_worth.then(b.float_bytes_per_item.total_cmp(&a.float_bytes_per_item))
        };
        self.measured.iter().max_by(best)
    }

    /// Of each shape, whether none is better in as few bytes or as good in fewer.
    pub fn front(&self) -> Vec<bool> {
        let place = |shape: &Measured| (shape.bytes_per_item, shape.worth.ndcg);
        front(&self.measured.iter().map(place).collect::<Vec<_>>())
    }

    /// Share of the float model's NDCG@20 that a shape keeps.
    pub fn share(&self, shape: &Measured) -> f64 {
        self.float().map_or(0.0, |float| shape.worth.ndcg / float.float.ndcg)
    }

    /// The same on the queries that chose nothing.
    pub fn check_share(&self, shape: &Measured) -> f64 {
        self.float().map_or(0.0, |float| shape.worth.check / float.float.check)
    }

    /// The best that fits; of equally good ones the smallest.
    ///
    /// # Errors
    /// [`Error::Usage`] where none fits.
    pub fn best(&self, limit: Limit) -> Result<&Measured> {
        let fitting = self.measured.iter().filter(|shape| shape.within(limit));
        let best = |a: &&Measured, b: &&Measured| {
            let by_worth = a.worth.ndcg.total_cmp(&b.worth.ndcg);
            by_worth.then(b.bytes_per_item.total_cmp(&a.bytes_per_item))
        };
        fitting.max_by(best).ok_or_else(|| {
            let smallest = self.measured.first().map_or(String::new(), |smallest| {
                format!("; the smallest ({}) takes {}", smallest.shape, Taken(smallest))
            });
            Error::Usage(format!(
                "no shape of the model fits into {limit}{smallest}; allow more with {}",
                limit.option()
            ))
        })
    }

    /// Refuses a shape that loses more than a share of the float model's NDCG@20.
    ///
    /// # Errors
    /// [`Error::Usage`] that says what is lost, and what would lose less.
    pub fn accept(&self, shape: &Measured, limit: Limit, max_loss: f64) -> Result<()> {
        let keeps = |shape: &Measured| 1.0 - self.share(shape) <= max_loss;
        let Some(float) = self.float().filter(|_| !keeps(shape)) else {
            return Ok(());
        };
        // From the smallest on.
        let enough = self.measured.iter().find(|shape| keeps(shape)).map_or_else(
            || "no shape that was tried loses less; allow more with --max-loss".to_owned(),
            |enough| {
                format!(
                    "the smallest that loses less ({}) takes {}; allow that with {}, or more loss with --max-loss",
                    enough.shape,
                    Taken(enough),
                    limit.option()
                )
            },
        );
        Err(Error::Usage(format!(
            "the best shape within {limit} ({}) loses {:.2}% of the float model's NDCG@20 ({:.4} against {:.4}), more than {}%: {enough}, or \
             give --force; nothing is written",
            shape.shape,
            100.0 * (1.0 - self.share(shape)),
            shape.worth.ndcg,
            float.float.ndcg,
            100.0 * max_loss,
        )))
    }
}

/// What a shape takes, in words.
struct Taken<'a>(&'a Measured);

impl std::fmt::Display for Taken<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (each, all) = (self.0.bytes_per_item, self.0.bytes as f64 / 1000.0);
        write!(f, "{each:.1} bytes an item, {all:.1} kB in all")
    }
}

/// Of points of size and worth, whether none is worth more for as little or as much for less.
pub fn front(points: &[(f64, f64)]) -> Vec<bool> {
    let beats = |a: &(f64, f64), b: &(f64, f64)| a.0 <= b.0 && a.1 >= b.1 && (a.0 < b.0 || a.1 > b.1);
    let beaten = |point: &(f64, f64)| points.iter().any(|other| beats(other, point));
    points.iter().map(|point| !beaten(point)).collect()
}

/// Measures shapes of what was chosen, from few neighbours to many and those that fill the limit, on folds of the events.
///
/// # Errors
/// [`Error::Data`] where the choice does not fit the data or these leave nothing to ask, and [`Error::Interrupted`].
pub fn measure(
    dataset: &Dataset,
    events: &[Interaction],
    chosen: &Chosen,
    limit: Limit,
    control: &Control,
) -> Result<Shapes> {
    let options = chosen.options();
    let splits = splits(dataset, events, chosen.protocol, &options)?;
    let folds = folds(dataset, &splits, chosen.protocol, &options);
    let items = whole(dataset, events, chosen)?.material.shipped().len();
    let Some(first) = folds.first() else {
        return Err(Error::Data(format!(
            "too little data to hold any back for validation ({}): no shape can be measured; give the data that the recipe was trained on, or more",
            chosen.protocol.name()
        )));
    };
    chosen.suits(&first.stack.material)?;
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
        measured: vec![],
        stage: control.stage("measuring shapes", 0),
    };
    let has_neighbours = measuring.model(0, &own)?.entries() > 0.0;
    for vectors in vectors {
        if !has_neighbours {
            // The number of neighbours only limits the vectors then.
            let entries = own.entries.max(vectors.factors);
            measuring.all(Shape { entries, ..vectors }, &[own.code_bits])?;
            continue;
        }
        for entries in numbers(own.entries) {
            for even in [true, false] {
                measuring.all(
                    Shape {
                        entries,
                        even,
                        ..vectors
                    },
                    &CODE_BITS,
                )?;
            }
        }
        measuring.fill(&vectors, limit)?;
    }
    let mut measured = measuring.measured;
    measured.sort_by(|a, b| a.bytes_per_item.total_cmp(&b.bytes_per_item));
    let count = |queries: fn(&Fold<'_>) -> usize| folds.iter().map(queries).sum();
    let queries = (
        count(|fold| fold.first.len() + fold.rest.len()),
        count(|fold| fold.check.len()),
    );
    let shapes = Shapes { measured, queries };
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
    limit: Limit,
    control: &Control,
) -> Result<Packed> {
    let _stage = control.stage("fitting on all events", 0);
    let recipe = shape.apply(&chosen.recipe);
    let whole = whole(dataset, events, chosen)?;
    let stacked = whole.fit(&recipe, control)?;
    let model = Model::new(&whole.material, &stacked, &recipe).reordered();
    control.check()?;
    let (model, bytes) = model.within(limit, &chosen.blend)?;
    Ok(Packed {
        size: Size::of(&bytes)?,
        entries: model.entries(),
        bytes,
        recipe,
    })
}

fn whole<'a>(dataset: &'a Dataset, events: &'a [Interaction], chosen: &Chosen) -> Result<Stack<'a>> {
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
    measured: Vec<Measured>,
    stage: Stage,
}

impl Measuring<'_> {
    /// A fold's model in a shape, its rows numbered as they would ship.
    fn model(&self, fold: usize, shape: &Shape) -> Result<Model> {
        let recipe = shape.apply(&self.chosen.recipe);
        Ok(self.folds[fold].model(&recipe, self.control)?.reordered())
    }

    fn known(&self, shape: &Shape) -> Option<&Measured> {
        self.measured.iter().find(|measured| measured.shape == *shape)
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
        let mut sizes: Vec<(Size, usize)> = vec![];
        for (fold, choosing) in self.choosing.iter().enumerate() {
            let model = self.model(fold, &shape)?;
            let queries = [choosing.as_slice(), &self.folds[fold].check];
            floats.push(self.float(&model, queries)?);
            for (shape, worth) in shapes.iter().zip(&mut packed) {
                self.control.check()?;
                let bytes = model.with_code_bits(shape.code_bits).pack(&self.chosen.blend)?;
                let bench = Bench::open(bytes.as_slice(), &model.items)?;
                worth.push(queries.map(|queries| (queries.len(), bench.rank(queries, Scope::Reached).ndcg())));
                // The first fold has the most events, nearly all.
                if fold == 0 {
                    sizes.push((Size::of(&bytes)?, model.float_bytes()));
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
        for ((shape, packed), (size, float_bytes)) in shapes.iter().zip(packed).zip(sizes) {
            self.measured.push(Measured {
                shape: *shape,
                bytes_per_item: size.per_item(size.own),
                bytes: libm::ceil(size.per_item(size.file) * self.items as f64) as usize,
                worth: worth(&packed),
                float: worth(&floats),
                float_bytes_per_item: size.per_item(size.own - size.tables + float_bytes),
            });
        }
        self.stage.add(1);
        Ok(())
    }

    fn float(&self, model: &Model, queries: [&[Query]; 2]) -> Result<[(usize, f64); 2]> {
        let bytes = model.with_code_bits(8).pack(&self.chosen.blend)?;
        let snapshot = Snapshot::open(bytes.as_slice()).map_err(|source| Error::Snapshot {
            path: "packed model".into(),
            source,
        })?;
        let [choosing, check] = queries.map(|queries| {
            self.control.check()?;
            let ndcg = float_ndcg(model.neighbours(), &snapshot, &model.items, queries)?;
            Ok::<_, Error>((queries.len(), ndcg))
        });
        Ok([choosing?, check?])
    }

    /// Measures the shapes that come as near to the limit as they may.
    fn fill(&mut self, vectors: &Shape, limit: Limit) -> Result<()> {
        let blend = &self.chosen.blend;
        let model = self.model(0, vectors)?;
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
}
