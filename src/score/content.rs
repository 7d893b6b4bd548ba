//! Content: what is like the items of the history, whoever bought it. It speaks for little known items more than for well
//! known ones, as the blend's `cold` says.

use super::vector::{scaled, Vector};
use super::Scorer;
use crate::cholesky::add_scaled;
use crate::history::History;
use crate::list::List;
use crate::snapshot::{factor, BlendRow, Snapshot, ONE};

/// The weighted sum of the history's vectors.
#[derive(Debug, Clone, Default)]
pub(crate) struct Content {
    visitor: Vector,
    /// What one unit of a product is worth, by a sixteenth of the candidate's popularity code; empty where there is no vector.
    units: Vec<f32>,
    sums: Vec<f64>,
    item: Vec<f64>,
    products: Vec<i32>,
}

impl Content {
    /// The part of a product with the row of an item of so much popularity.
    #[inline(always)]
    fn part(&self, product: i32, popularity: u8) -> f32 {
        let unit = self.units.get(usize::from(popularity >> 4));
        product as f32 * unit.copied().unwrap_or_default()
    }
}

impl Scorer for Content {
    fn prepare<B: AsRef<[u8]>>(&mut self, snapshot: &Snapshot<B>, history: &History, weights: &BlendRow) {
        self.units.clear();
        let [_, _, _, scale, ..] = *snapshot.scales().get();
        let weight = weights.content * scale;
        let Some(table) = snapshot.content().filter(|_| weight != 0.0) else {
            return;
        };
        self.sums.clear();
        self.sums.resize(table.dims, 0.0);
        // Whole numbers within ±2^31, which doubles add exactly.
        for item in history.items() {
            if let Some(row) = table.row(item.row) {
                scaled(row, f64::from(item.weight), &mut self.item);
                add_scaled(&mut self.sums, 1.0, &self.item);
            }
        }
        if self.visitor.set(&self.sums) {
            let blend = snapshot.blend();
            let unit = self.visitor.unit * blend.content_unit * blend.content_unit * history.share() * weight;
            let cold = (0..16).map(|at| f32::from(factor(&blend.cold, at)) / f32::from(ONE));
            self.units.extend(cold.map(|cold| unit * cold));
        }
    }

    fn add(&mut self, list: &List, scores: &mut [f32]) {
        if self.units.is_empty() {
            return;
        }
        self.visitor.products(&list.content, &mut self.products);
        for (at, (score, product)) in scores.iter_mut().zip(&self.products).enumerate() {
            *score += self.part(*product, list.popularity(at));
        }
    }

    fn parts<B: AsRef<[u8]>>(&self, snapshot: &Snapshot<B>, _history: &History, row: u32, take: &mut impl FnMut(f32)) {
        let table = snapshot.content().filter(|_| !self.units.is_empty());
        let popularity = snapshot.prior().map_or(0, |prior| prior.popularity(row));
        let row = table.and_then(|table| table.row(row));
        take(row.map_or(0.0, |row| self.part(self.visitor.product(row), popularity)));
    }
}
