//! Content: items by what the catalogue and outside vectors say about them, for items that few or nobody touched.
//!
//! Weighted terms, vectors and numbers stand side by side in one matrix, and a truncated SVD of it (latent semantic analysis;
//! Deerwester et al. 1990) gives each item a short row of unit length. Invariant: rows depend on the catalogue alone, on no
//! customer, so that no number of customers has to stand behind them. The blend adds content as a part of its own;
//! [`ContentNeighbours`] makes of it item-item weights, which a hybrid table can hold at no cost at serving time.

use super::Weights;
use crate::config::{Config, Text};
use crate::control::Control;
use crate::dataset::{Dataset, Item};
use crate::error::Result;
use crate::features::numbers::Normalizer;
use crate::features::svd::{svd, Options, Sparse};
use crate::features::text;
use crate::parallel;
use pocketrank::pack::Content;
use serde::{Deserialize, Serialize};

/// How content becomes rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContentModel {
    /// Numbers an item at most.
    pub dims: usize,
    /// How texts become terms; with a weight of 0 they do not count.
    pub text: Text,
    /// How much vectors count; 0 turns them off.
    pub vectors: f32,
    /// How much the price counts (its logarithm, normalized); 0 turns it off.
    pub numbers: f32,
    /// Of the decomposition.
    pub seed: u64,
}

impl ContentModel {
    /// As the configuration says.
    pub fn new(config: &Config) -> Self {
        ContentModel {
            dims: config.content.dims,
            text: config.text.clone(),
            vectors: config.vectors.weight,
            numbers: config.content.numbers,
            seed: 0,
        }
    }

    /// Rows of the shipped items (indices into the dataset's), of unit length or zero; `None` where no item has any content.
    ///
    /// # Errors
    /// [`crate::error::Error::Interrupted`] where the work was told to stop.
    pub fn fit(&self, dataset: &Dataset, items: &[u32], control: &Control) -> Result<Option<Content>> {
        let shipped: Vec<&Item> = items.iter().map(|item| &dataset.items[*item as usize]).collect();
        let mut rows = vec![vec![]; items.len()];
        let mut cols = 0;
        if self.text.weight > 0.0 {
            let terms = text::terms(&shipped, &self.text);
            join(&mut rows, cols, self.text.weight, terms.rows);
            cols += terms.names.len();
        }
        if let Some(vectors) = dataset.vectors.as_ref().filter(|_| self.vectors > 0.0) {
            let numbered = items.iter().map(|item| unit(vectors.row(*item as usize)));
            join(&mut rows, cols, self.vectors, numbered);
            cols += vectors.dims;
        }
        if self.numbers > 0.0 {
            join(&mut rows, cols, self.numbers, prices(&shipped));
            cols += 2;
        }
        control.check()?;
        let matrix = Sparse::new(cols, rows);
        let options = Options {
            dims: self.dims,
            seed: self.seed,
            ..Options::default()
        };
        let found = svd(&matrix, &options, control)?;
        let dims = found.values.len();
        if dims == 0 {
            return Ok(None);
        }
        let mut content = Vec::with_capacity(items.len() * dims);
        for row in 0..items.len() {
            let scaled: Vec<f32> = found
                .left
                .row(row)
                .iter()
                .zip(&found.values)
                .map(|(x, value)| (x * value) as f32)
                .collect();
            // What is left of a row that the kept directions do not reach is rounding error.
            let length = length(&scaled);
            content.extend(
                scaled
                    .iter()
                    .map(|x| if length > LEAST_LENGTH { x / length } else { 0.0 }),
            );
        }
        Ok(Some(Content {
            dims,
            rows: content,
            unit: None,
        }))
    }
}

/// Rows shorter than this have no content: those that have are about as long as the root of their weights.
const LEAST_LENGTH: f32 = 1e-4;

/// Puts columns beside those that are there, `weight` times as heavy in every product.
fn join(rows: &mut [Vec<(u32, f32)>], from: usize, weight: f32, more: impl IntoIterator<Item = Vec<(u32, f32)>>) {
    let factor = weight.sqrt();
    for (row, more) in rows.iter_mut().zip(more) {
        row.extend(more.into_iter().map(|(col, value)| (col + from as u32, value * factor)));
    }
}

fn length(row: &[f32]) -> f32 {
    row.iter().map(|x| x * x).sum::<f32>().sqrt()
}

/// A vector at unit length, its zeros left out.
fn unit(vector: &[f32]) -> Vec<(u32, f32)> {
    let length = length(vector);
    (0u32..)
        .zip(vector)
        .filter(|(_, x)| **x != 0.0)
        .map(|(col, x)| (col, x / length))
        .collect()
}

/// The price as a place on a quarter of the unit circle, so that the product of two items falls with the difference of
/// their prices.
fn prices(items: &[&Item]) -> Vec<Vec<(u32, f32)>> {
    let logarithm = |item: &&Item| item.price.map(libm::log1p);
    let known: Vec<f64> = items.iter().filter_map(logarithm).collect();
    let scale = Normalizer::min_max(known);
    items
        .iter()
        .map(|item| {
            logarithm(item).map_or(vec![], |price| {
                let angle = scale.apply(price).clamp(0.0, 1.0) * std::f64::consts::FRAC_PI_2;
                vec![(0, libm::cos(angle) as f32), (1, libm::sin(angle) as f32)]
            })
        })
        .collect()
}

/// Item-item weights by content: for each item those whose rows have the highest cosine with its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ContentNeighbours {
    /// Neighbours of an item at most.
    pub neighbours: usize,
    /// Cosines below this are none.
    pub least: f32,
}

impl ContentNeighbours {
    /// The weights: cosines, for the rows that `wanted` picks (all, or those that few customers touched); the others stay empty. Takes
    /// `wanted rows x rows x dims` operations.
    ///
    /// # Errors
    /// [`crate::error::Error::Interrupted`] where the work was told to stop.
    pub fn fit(&self, content: &Content, wanted: impl Fn(u32) -> bool + Sync, control: &Control) -> Result<Weights> {
        let dims = content.dims.max(1);
        let items = content.rows.len() / dims;
        let starts: Vec<usize> = (0..items).step_by(SOURCES).collect();
        let rows = parallel::map(&starts, |start| {
            control.check()?;
            let sources = *start..(start + SOURCES).min(items);
            let rows = sources.map(|source| match wanted(source as u32) {
                true => self.row(content, source, items),
                false => vec![],
            });
            Ok(rows.collect::<Vec<_>>())
        });
        let rows: Result<Vec<Weights>> = rows.into_iter().collect();
        Ok(rows?.into_iter().flatten().collect())
    }

    fn row(&self, content: &Content, source: usize, items: usize) -> Vec<(u32, f32)> {
        let row_of = |item: usize| &content.rows[item * content.dims..(item + 1) * content.dims];
        let own = row_of(source);
        let mut row: Vec<(u32, f32)> = vec![];
        // Kept at twice the wanted length at most; what is below the weakest then has no chance.
        let mut least = self.least.max(f32::MIN_POSITIVE);
        for target in (0..items).filter(|target| *target != source) {
            let cosine: f32 = own.iter().zip(row_of(target)).map(|(a, b)| a * b).sum();
            if cosine >= least {
                row.push((target as u32, cosine));
                if row.len() >= 2 * self.neighbours.max(1) {
                    super::prune(&mut row, self.neighbours);
                    least = row.last().map_or(least, |(_, weakest)| *weakest);
                }
            }
        }
        super::prune(&mut row, self.neighbours);
        row
    }
}

/// Sources that one piece of work takes.
const SOURCES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::vectors::Vectors;
    use crate::progress::Progress;

    fn control() -> Control {
        Control::new(Progress::hidden())
    }

    fn model() -> ContentModel {
        ContentModel {
            dims: 4,
            text: Text::default(),
            vectors: 1.0,
            numbers: 0.0,
            seed: 0,
        }
    }

    /// Cups and lamps by turns, and one thing without a word that another has.
    fn shop() -> Dataset {
        let items = (0..21).map(|at| Item {
            id: format!("{at:02}"),
            name: match at {
                20 => "Unheard".into(),
                at if at % 2 == 0 => format!("Red tea cup {}", at % 3),
                at => format!("Desk lamp {}", at % 3),
            },
            price: (at < 20).then_some(1.0 + f64::from(at)),
            ..Item::default()
        });
        Dataset {
            items: items.collect(),
            ..Dataset::default()
        }
    }

    fn cosine(content: &Content, a: usize, b: usize) -> f32 {
        let row = |item: usize| &content.rows[item * content.dims..(item + 1) * content.dims];
        row(a).iter().zip(row(b)).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn items_of_the_same_words_lie_together() {
        let items: Vec<u32> = (0..21).collect();
        let content = model().fit(&shop(), &items, &control()).unwrap().unwrap();
        assert!(cosine(&content, 0, 2) > 0.7 && cosine(&content, 0, 1).abs() < 0.3);
        for item in 0..20 {
            assert!((cosine(&content, item, item) - 1.0).abs() < 1e-5);
        }
        assert_eq!(cosine(&content, 20, 20), 0.0, "no content, no row");
        let weights = ContentNeighbours {
            neighbours: 5,
            least: 0.1,
        };
        let weights = weights.fit(&content, |item| item != 3, &control()).unwrap();
        assert!(weights[3].is_empty() && weights[20].is_empty());
        for (item, row) in weights.iter().enumerate().filter(|(item, _)| ![3, 20].contains(item)) {
            assert_eq!(row.len(), 5);
            assert!(row
                .iter()
                .all(|(other, _)| *other as usize % 2 == item % 2 && *other as usize != item));
            assert!(row.windows(2).all(|pair| pair[0].1 >= pair[1].1));
        }
    }

    #[test]
    fn vectors_and_prices_count_as_much_as_they_are_told_to() {
        let mut shop = shop();
        // Items of one half go one way, those of the other another.
        let direction = |item: usize| if item < 10 { [2.0, 0.0] } else { [0.0, 3.0] };
        shop.vectors = Some(Vectors {
            dims: 2,
            rows: (0..21).flat_map(direction).collect(),
        });
        let items: Vec<u32> = (0..21).collect();
        let fit = |model: ContentModel| model.fit(&shop, &items, &control()).unwrap().unwrap();
        let without = Text {
            weight: 0.0,
            ..Text::default()
        };
        let content = fit(ContentModel {
            text: without.clone(),
            ..model()
        });
        assert!(cosine(&content, 0, 1) > 0.999 && cosine(&content, 0, 10).abs() < 1e-5);
        let both = fit(model());
        assert!(cosine(&both, 0, 2) > cosine(&both, 0, 1) && cosine(&both, 0, 1) > cosine(&both, 0, 11));
        let priced = fit(ContentModel {
            text: without,
            vectors: 0.0,
            numbers: 1.0,
            ..model()
        });
        assert!(cosine(&priced, 5, 6) > cosine(&priced, 5, 12) && cosine(&priced, 5, 12) > cosine(&priced, 5, 19));
    }

    #[test]
    fn no_content_is_none() {
        let mut shop = shop();
        for item in &mut shop.items {
            item.name = item.id.clone();
        }
        assert!(model().fit(&shop, &[0, 1, 2], &control()).unwrap().is_none());
        assert!(model().fit(&shop, &[], &control()).unwrap().is_none());
    }
}
