//! What every model must beat: popularity, cosine item-kNN and RP3beta, packed and ranked by the same runtime.

use crate::dataset::{Dataset, Interaction};
use crate::error::Result;
use crate::train::interactions::Basis;
use crate::train::{blend, Family, Model, Recipe};
use pocketrank::{item_hash, Blend, BlendRow, Snapshot, NO_ROW, ONE};

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

/// The baselines. All rank new visitors by popularity.
///
/// # Errors
/// As [`Model::fit`] and [`Model::pack`].
pub fn baselines(dataset: &Dataset, events: &[Interaction], min_customers: u32) -> Result<Vec<Baseline>> {
    let recipe = Recipe {
        family: Family::Popularity,
        basis: Basis::User,
        neighbours: 20,
        min_customers,
        // Counts over all of the time, as a baseline does.
        popularity_half_life: 1e9,
    };
    let cosine = Recipe {
        family: Family::Cosine { shrink: 0.0 },
        ..recipe
    };
    let rp3beta = Recipe {
        family: Family::Rp3Beta { alpha: 0.8, beta: 0.4 },
        ..recipe
    };
    [
        ("popularity", recipe, plain(0.0, 1.0)),
        ("cosine item-kNN", cosine, plain(0.0, 0.0)),
        ("cosine item-kNN, repeats", cosine, plain(1.0, 0.0)),
        ("RP3beta", rp3beta, plain(0.0, 0.0)),
        ("RP3beta, repeats", rp3beta, plain(1.0, 0.0)),
    ]
    .into_iter()
    .map(|(name, recipe, blend)| {
        let model = Model::fit(dataset, events, &recipe)?;
        Ok(Baseline {
            name,
            bytes: model.pack(&blend)?,
            items: model.items,
        })
    })
    .collect()
}

/// A blend without decay that sums the neighbours of a history, or ranks by popularity where there is none.
fn plain(repeat: f32, popularity: f32) -> Blend {
    let row = |min_history, popularity| BlendRow {
        min_history,
        recency: vec![ONE],
        repeat_recency: vec![ONE],
        neighbours: 1.0,
        repeat,
        popularity,
        ..BlendRow::default()
    };
    Blend {
        rows: vec![row(0, 1.0), row(1, popularity)],
        ..blend::start(0.0, None)
    }
}
