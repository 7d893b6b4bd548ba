//! What shapes are worth and what they take, and which one is packed. Invariant: what is chosen is on the front, and nothing that
//! loses more than allowed is chosen unless it is forced.

use super::super::model::Limit;
use super::super::shape::Shape;
use crate::error::{Error, Result};
use serde::Serialize;

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

    /// What it takes, in words.
    fn taken(&self) -> String {
        let (each, all) = (self.bytes_per_item, self.bytes as f64 / 1000.0);
        format!("{each:.1} bytes an item, {all:.1} kB in all")
    }
}

/// What is wanted of the bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wanted {
    /// The best within it; without one, the fewest bytes that lose no more than allowed.
    pub limit: Option<Limit>,
    /// The share of the float model's NDCG@20 that may be lost.
    pub max_loss: f64,
    /// Whether more may be lost, where the limit makes it.
    pub force: bool,
}

/// All shapes that were measured.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Shapes {
    /// In the order of their bytes an item, once all are there.
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
        share(shape.worth.ndcg, self.float().map(|float| float.float.ndcg))
    }

    /// The same on the queries that chose nothing.
    pub fn check_share(&self, shape: &Measured) -> f64 {
        share(shape.worth.check, self.float().map(|float| float.float.check))
    }

    /// Whether a shape loses no more than that share of the float model's NDCG@20.
    pub fn keeps(&self, shape: &Measured, max_loss: f64) -> bool {
        1.0 - self.share(shape) <= max_loss
    }

    /// The best that fits; of equally good ones the smallest.
    pub fn best(&self, limit: Limit) -> Option<&Measured> {
        let order = |a: &&Measured, b: &&Measured| {
            let by_worth = a.worth.ndcg.total_cmp(&b.worth.ndcg);
            by_worth.then(b.bytes_per_item.total_cmp(&a.bytes_per_item))
        };
        self.measured.iter().filter(|shape| shape.within(limit)).max_by(order)
    }

    /// The smallest of those that are kept; of equally small ones the best.
    pub fn smallest(&self, kept: impl Fn(&Measured) -> bool) -> Option<&Measured> {
        let order = |a: &&Measured, b: &&Measured| {
            let by_bytes = a.bytes_per_item.total_cmp(&b.bytes_per_item);
            by_bytes.then(b.worth.ndcg.total_cmp(&a.worth.ndcg))
        };
        self.measured.iter().filter(|shape| kept(shape)).min_by(order)
    }

    /// What is wanted of all shapes.
    ///
    /// # Errors
    /// [`Error::Usage`] where nothing fits, or what fits loses too much: with what is lost, and what would lose less.
    pub fn choose(&self, wanted: &Wanted) -> Result<&Measured> {
        let enough = self.smallest(|shape| self.keeps(shape, wanted.max_loss));
        let percent = 100.0 * wanted.max_loss;
        let Some(limit) = wanted.limit else {
            return enough.ok_or_else(|| {
                let best = self.best(Limit::File(usize::MAX)).map_or_else(String::new, |best| {
                    format!(": the best ({}) loses {}", best.shape, self.lost(best))
                });
                Error::Usage(format!(
                    "no shape that was tried loses no more than {percent}%{best}; allow more with --max-loss"
                ))
            });
        };
        let Some(best) = self.best(limit) else {
            let smallest = self.smallest(|_| true).map_or_else(String::new, |smallest| {
                format!("; the smallest ({}) takes {}", smallest.shape, smallest.taken())
            });
            return Err(Error::Usage(format!(
                "no shape of the model fits into {limit}{smallest}; allow more with {}",
                limit.option()
            )));
        };
        if wanted.force || self.keeps(best, wanted.max_loss) {
            return Ok(best);
        }
        let enough = enough.map_or_else(
            || "no shape that was tried loses less; allow more with --max-loss".to_owned(),
            |enough| {
                format!(
                    "the smallest that loses less ({}) takes {}; allow that with {}, or more loss with --max-loss",
                    enough.shape,
                    enough.taken(),
                    limit.option()
                )
            },
        );
        Err(Error::Usage(format!(
            "the best shape within {limit} ({}) loses {}, more than {percent}%: {enough}, or give --force; nothing is written",
            best.shape,
            self.lost(best),
        )))
    }

    /// What a shape loses, in words.
    fn lost(&self, shape: &Measured) -> String {
        let float = self.float().map_or(0.0, |float| float.float.ndcg);
        format!(
            "{:.2}% of the float model's NDCG@20 ({:.4} against {float:.4})",
            100.0 * (1.0 - self.share(shape)),
            shape.worth.ndcg
        )
    }
}
/// 0 where there is nothing to have a share of.
fn share(worth: f64, of: Option<f64>) -> f64 {
    of.filter(|of| *of > 0.0).map_or(0.0, |of| worth / of)
}

/// Of points of size and worth, whether none is worth more for as little or as much for less.
pub fn front(points: &[(f64, f64)]) -> Vec<bool> {
    let beats = |a: &(f64, f64), b: &(f64, f64)| a.0 <= b.0 && a.1 >= b.1 && (a.0 < b.0 || a.1 > b.1);
    let beaten = |point: &(f64, f64)| points.iter().any(|other| beats(other, point));
    points.iter().map(|point| !beaten(point)).collect()
}
