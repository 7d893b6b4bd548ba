//! Affinity: the share of the candidate's category, brand and price band in the history.

use super::Scorer;
use crate::history::History;
use crate::list::List;
use crate::snapshot::{AttributeRow, BlendRow, Snapshot};

/// Parts by attribute code.
#[derive(Debug, Clone, Default)]
pub(crate) struct Affinity {
    categories: Parts,
    brands: Parts,
    price_bands: Parts,
}

/// The part of each code of one attribute, first summed up in whole numbers.
#[derive(Debug, Clone, Default)]
struct Parts {
    sums: Vec<i32>,
    parts: Vec<f32>,
}

impl Parts {
    fn reset(&mut self, codes: usize) {
        self.sums.clear();
        self.sums.resize(codes + 1, 0);
    }

    /// Code 0 is "not known" and has no part.
    fn count(&mut self, code: u16, weight: i32) {
        if let (1.., Some(sum)) = (code, self.sums.get_mut(usize::from(code))) {
            *sum += weight;
        }
    }

    fn finish(&mut self, unit: f32) {
        self.parts.clear();
        self.parts.extend(self.sums.iter().map(|sum| *sum as f32 * unit));
    }

    #[inline(always)]
    fn get(&self, code: u16) -> f32 {
        self.parts.get(usize::from(code)).copied().unwrap_or_default()
    }
}

impl Affinity {
    fn of(&self, codes: AttributeRow) -> [f32; 3] {
        [
            self.categories.get(codes.category),
            self.brands.get(codes.brand),
            self.price_bands.get(u16::from(codes.price_band)),
        ]
    }
}

impl Scorer for Affinity {
    fn prepare<B: AsRef<[u8]>>(&mut self, snapshot: &Snapshot<B>, history: &History, weights: &BlendRow) {
        let Some(table) = snapshot.attributes() else { return };
        self.categories.reset(usize::from(table.categories()));
        self.brands.reset(usize::from(table.brands()));
        self.price_bands.reset(usize::from(table.price_bands()));
        for item in history.items() {
            if let Some(codes) = table.get(item.row) {
                self.categories.count(codes.category, item.weight);
                self.brands.count(codes.brand, item.weight);
                self.price_bands.count(u16::from(codes.price_band), item.weight);
            }
        }
        let [.., category, brand, price_band, _, _, _] = *snapshot.scales().get();
        self.categories.finish(history.share() * (weights.category * category));
        self.brands.finish(history.share() * (weights.brand * brand));
        self.price_bands
            .finish(history.share() * (weights.price_band * price_band));
    }

    fn add(&mut self, list: &List, scores: &mut [f32]) {
        for (score, codes) in scores.iter_mut().zip(&list.attributes) {
            let [category, brand, price_band] = self.of(*codes);
            *score += category;
            *score += brand;
            *score += price_band;
        }
    }

    fn parts<B: AsRef<[u8]>>(&self, snapshot: &Snapshot<B>, _history: &History, row: u32, take: &mut impl FnMut(f32)) {
        let codes = snapshot
            .attributes()
            .and_then(|table| table.get(row))
            .unwrap_or_default();
        self.of(codes).into_iter().for_each(take);
    }
}
