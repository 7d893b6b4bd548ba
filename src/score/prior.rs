//! Prior: popularity, trend and newness, which hold for every visitor.

use super::Scorer;
use crate::history::History;
use crate::list::List;
use crate::snapshot::{factor, BlendRow, PriorRow, Snapshot, ONE};

/// Weights for this length of history; newness by age.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prior {
    popularity: f32,
    trend: f32,
    newness: Vec<f32>,
    today: u32,
}

impl Prior {
    #[inline(always)]
    fn of(&self, row: PriorRow) -> [f32; 3] {
        let age = self.today.saturating_sub(u32::from(row.first_seen)) as usize;
        let newness = self
            .newness
            .get(age)
            .or(self.newness.last())
            .copied()
            .unwrap_or_default();
        [
            f32::from(row.popularity) * self.popularity,
            f32::from(row.trend) * self.trend,
            newness,
        ]
    }
}

impl Scorer for Prior {
    fn prepare<B: AsRef<[u8]>>(&mut self, snapshot: &Snapshot<B>, history: &History, weights: &BlendRow) {
        let table = &snapshot.blend().newness;
        let [.., popularity, trend, newness] = *snapshot.scales().get();
        let unit = (weights.newness * newness) / f32::from(ONE);
        self.popularity = (weights.popularity * popularity) / 255.0;
        self.trend = (weights.trend * trend) / 255.0;
        self.today = history.today;
        self.newness.clear();
        self.newness
            .extend((0..table.len()).map(|age| f32::from(factor(table, age)) * unit));
    }

    fn add(&mut self, list: &List, scores: &mut [f32]) {
        for (score, row) in scores.iter_mut().zip(&list.prior) {
            if let Some(row) = row {
                let [popularity, trend, newness] = self.of(*row);
                *score += popularity;
                *score += trend;
                *score += newness;
            }
        }
    }

    fn parts<B: AsRef<[u8]>>(&self, snapshot: &Snapshot<B>, _history: &History, row: u32, take: &mut impl FnMut(f32)) {
        let row = snapshot.prior().and_then(|table| table.get(row));
        row.map_or([0.0; 3], |row| self.of(row)).into_iter().for_each(take);
    }
}
