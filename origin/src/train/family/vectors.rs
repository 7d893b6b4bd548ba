//! Families of vectors: factors of who had to do with what, and what the catalogue says.

use super::{Family, Fitted};
use crate::control::Control;
use crate::error::Result;
use crate::train::als::Als;
use crate::train::content::ContentNeighbours;
use crate::train::interactions::Basis;
use crate::train::material::Material;
use crate::train::space::{param, Param, Range, Values};
use crate::train::svd::Svd;

/// Numbers of a factor that fit into the bytes of so many neighbours.
fn dims(values: &Values, entries: usize) -> usize {
    (values.get("dims") as usize).min(2 * entries.saturating_sub(4)).max(4)
}

/// The most entries with which vectors have no more numbers than that.
pub fn room(numbers: usize) -> usize {
    numbers / 2 + 4
}

pub(super) struct Alternating;

impl Family for Alternating {
    fn name(&self) -> &'static str {
        "als"
    }
    fn about(&self) -> &'static str {
        "implicit ALS, folded in on the device"
    }
    fn space(&self, _: &Material<'_>) -> Vec<Param> {
        vec![
            param("dims", Range::Choice(&[16.0, 32.0, 48.0, 64.0, 96.0]), 48.0),
            param("confidence", Range::Log(0.5, 100.0), 10.0),
            param("regularization", Range::Log(1e-4, 10.0), 0.01),
            param("frequency", Range::Linear(0.0, 1.0), 0.5),
            param("iterations", Range::Whole(4, 20), 10.0),
        ]
    }
    fn unsuited(&self, _: &Material<'_>) -> Option<String> {
        Some("tables of neighbours rank better in as many bytes".into())
    }
    fn fit(&self, material: &Material<'_>, values: &Values, entries: usize, control: &Control) -> Result<Fitted> {
        let als = Als {
            dims: dims(values, entries),
            iterations: values.get("iterations") as usize,
            confidence: values.get("confidence"),
            regularization: values.get("regularization"),
            frequency: values.get("frequency"),
            ..Als::default()
        };
        Ok(als.fit(material.interactions(Basis::User), control)?.into())
    }
}

pub(super) struct Decomposition;

impl Family for Decomposition {
    fn name(&self) -> &'static str {
        "svd"
    }
    fn about(&self) -> &'static str {
        "PureSVD, projected on the device"
    }
    fn space(&self, _: &Material<'_>) -> Vec<Param> {
        vec![
            param("dims", Range::Choice(&[16.0, 32.0, 48.0, 64.0, 96.0]), 48.0),
            param("popularity", Range::Linear(-0.5, 0.5), 0.0),
        ]
    }
    fn unsuited(&self, _: &Material<'_>) -> Option<String> {
        Some("tables of neighbours rank better in as many bytes".into())
    }
    fn fit(&self, material: &Material<'_>, values: &Values, entries: usize, control: &Control) -> Result<Fitted> {
        let svd = Svd {
            dims: dims(values, entries),
            popularity: values.get("popularity"),
            ..Svd::default()
        };
        Ok(svd.fit(material.interactions(Basis::User), control)?.into())
    }
}

pub(super) struct ContentKnn;

impl Family for ContentKnn {
    fn name(&self) -> &'static str {
        "content"
    }
    fn about(&self) -> &'static str {
        "item-kNN by texts, vectors and prices, which needs no customers"
    }
    fn space(&self, _: &Material<'_>) -> Vec<Param> {
        vec![param("least", Range::Linear(0.05, 0.8), 0.3)]
    }
    fn unsuited(&self, material: &Material<'_>) -> Option<String> {
        (!material.has_content()).then(|| "the catalogue says nothing of items but their ids".into())
    }
    fn fit(&self, material: &Material<'_>, values: &Values, entries: usize, control: &Control) -> Result<Fitted> {
        let Some(content) = material.content.fit(material.dataset, &material.shipped(), control)? else {
            return Ok(Fitted::default());
        };
        let neighbours = ContentNeighbours {
            neighbours: entries.max(1),
            least: values.get("least") as f32,
        };
        Ok(neighbours.fit(&content, |_| true, control)?.into())
    }
}
