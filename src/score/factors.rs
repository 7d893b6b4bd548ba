//! Factors: what people of such a taste choose. The visitor's own vector is folded in from the history, on the device.
//!
//! `p = (G + ridge[n] I + Σ c q qᵀ)⁻¹ Σ (1 + c) q` over the `n` items of positive weight, `c = confidence × weight` (iALS; Hu, Koren and
//! Volinsky, 2008), or the mean of the history's vectors where there is no `G` (SVD). In doubles, in one order of operations; then
//! quantized, so that the candidates' products are whole numbers.

use super::vector::{scaled, Vector};
use super::Scorer;
use crate::cholesky::{add_outer, add_scaled, factorize, solve};
use crate::history::{History, WEIGHT};
use crate::list::List;
use crate::snapshot::{self, BlendRow, Snapshot};

/// The visitor's vector, and buffers to make it in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Factors {
    visitor: Vector,
    /// What one unit of a product is worth; 0 where there is no vector.
    unit: f32,
    solution: Vec<f64>,
    upper: Vec<f64>,
    item: Vec<f64>,
    products: Vec<i32>,
}

impl Factors {
    /// Leaves the visitor's vector in `solution`; `None` where there is none.
    fn fold_in(&mut self, table: &snapshot::Factors<'_>, unit: f32, history: &History) -> Option<()> {
        let liked = || history.items().iter().filter(|item| item.weight > 0);
        let known = || liked().filter_map(|item| Some((f64::from(item.weight), table.row(item.row)?)));
        self.solution.clear();
        self.solution.resize(table.dims, 0.0);
        if let Some(gram) = table.gram {
            gram.equations(table.dims, gram.ridge(known().count()), &mut self.upper);
        }
        for (weight, (scale, row)) in known() {
            let scale = f64::from(scale) * f64::from(unit);
            scaled(row, scale, &mut self.item);
            let times = match table.gram {
                None => weight * f64::from(history.share()),
                Some(gram) => {
                    let confidence = f64::from(gram.confidence) * (weight / WEIGHT);
                    add_outer(&mut self.upper, confidence, &self.item);
                    1.0 + confidence
                }
            };
            add_scaled(&mut self.solution, times, &self.item);
        }
        if table.gram.is_some() {
            factorize(&mut self.upper, table.dims, 0.0)?;
            solve(&self.upper, &mut self.solution)?;
        }
        self.visitor.set(&self.solution).then_some(())
    }

    /// The part of a product with the row of a scale. In doubles, in which it is exact: below 2^46.
    #[inline(always)]
    fn part(&self, product: i32, scale: u16) -> f32 {
        (f64::from(product) * f64::from(scale)) as f32 * self.unit
    }
}

impl Scorer for Factors {
    fn prepare<B: AsRef<[u8]>>(&mut self, snapshot: &Snapshot<B>, history: &History, weights: &BlendRow) {
        self.unit = 0.0;
        let unit = snapshot.blend().factor_unit;
        let [_, _, scale, ..] = *snapshot.scales().get();
        let weight = weights.factors * scale;
        let table = snapshot.factors().filter(|_| weight != 0.0);
        if table.is_some_and(|table| self.fold_in(&table, unit, history).is_some()) {
            self.unit = self.visitor.unit * unit * weight;
        }
    }

    fn add(&mut self, list: &List, scores: &mut [f32]) {
        if self.unit == 0.0 {
            return;
        }
        self.visitor.products(&list.factors, &mut self.products);
        for ((score, scale), product) in scores.iter_mut().zip(&list.scales).zip(&self.products) {
            *score += self.part(*product, *scale);
        }
    }

    fn parts<B: AsRef<[u8]>>(&self, snapshot: &Snapshot<B>, _history: &History, row: u32, take: &mut impl FnMut(f32)) {
        let table = snapshot.factors().filter(|_| self.unit != 0.0);
        let row = table.and_then(|table| table.row(row));
        take(row.map_or(0.0, |(scale, row)| self.part(self.visitor.product(row), scale)));
    }
}
