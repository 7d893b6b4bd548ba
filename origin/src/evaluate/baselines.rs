//! What every model must beat: popularity, cosine item-kNN, RP3beta and item-kNN by content, packed and ranked by the same runtime.

use crate::config::Config;
use crate::control::Control;
use crate::dataset::{Dataset, Interaction};
use crate::error::Result;
use crate::progress::Progress;
use crate::train::content::ContentModel;
use crate::train::material::Material;
use crate::train::space::Values;
use crate::train::stack::Stack;
use crate::train::{blend, Model, Recipe};
use pocketrank::{item_hash, Snapshot, NO_ROW};

/// Neighbours of an item, on average.
const NEIGHBOURS: usize = 20;

/// The dataset's item of each row of a snapshot; [`NO_ROW`] for items that the dataset does not have.
pub fn row_items<B: AsRef<[u8]>>(dataset: &Dataset, snapshot: &Snapshot<B>) -> Vec<u32> {
    let mut items = vec![NO_ROW; snapshot.items() as usize];
    for (at, item) in (0u32..).zip(&dataset.items) {
        if let Some(row) = snapshot.row(item_hash(&item.id)) {
            items[row as usize] = at;
        }
    }
    items
}

/// A model to compare with.
#[derive(Debug, Clone)]
pub struct Baseline {
    /// Its name.
    pub name: &'static str,
    /// The packed snapshot.
    pub bytes: Vec<u8>,
    /// The dataset's item of each row.
    pub items: Vec<u32>,
}

/// The baselines. All rank new visitors by popularity over all of the time.
///
/// # Errors
/// As [`Material::new`], fitting and [`Model::pack`].
pub fn baselines(dataset: &Dataset, events: &[Interaction], min_customers: u32) -> Result<Vec<Baseline>> {
    let material = Material::new(dataset, events, min_customers)?;
    let control = &Control::new(Progress::hidden());
    let stack = Stack::new(material, ContentModel::new(&Config::default()));
    let recipe = |(family, parameters): (&str, &[(&str, f64)])| {
        let mut values = Values::default();
        parameters.iter().for_each(|(name, value)| values.set(name, *value));
        Recipe {
            entries: NEIGHBOURS,
            popularity_half_life: f64::INFINITY,
            ..Recipe::of(family, values)
        }
    };
    let popularity: (&str, &[_]) = ("popularity", &[]);
    let cosine: (&str, &[_]) = ("cosine", &[]);
    let rp3beta: (&str, &[_]) = ("rp3beta", &[("alpha", 0.6), ("beta", 0.2)]);
    let content: (&str, &[_]) = ("content", &[("least", 0.1)]);
    let by_content = [("content item-kNN", content, blend::plain(0.0, 0.0))];
    let by_content = by_content.into_iter().filter(|_| stack.material.has_content());
    [
        ("popularity", popularity, blend::plain(0.0, 1.0)),
        ("cosine item-kNN", cosine, blend::plain(0.0, 0.0)),
        ("cosine item-kNN, repeats", cosine, blend::plain(1.0, 0.0)),
        ("RP3beta", rp3beta, blend::plain(0.0, 0.0)),
        ("RP3beta, repeats", rp3beta, blend::plain(1.0, 0.0)),
    ]
    .into_iter()
    .chain(by_content)
    .map(|(name, family, blend)| {
        let recipe = recipe(family);
        let model = Model::new(&stack.material, &stack.fit(&recipe, control)?, &recipe);
        Ok(Baseline {
            name,
            bytes: model.pack(&blend)?,
            items: model.items,
        })
    })
    .collect()
}
