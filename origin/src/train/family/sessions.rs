//! Families that learn from the order of events in sessions.

use super::{generous, Family, Fitted};
use crate::control::Control;
use crate::dataset::Order;
use crate::error::Result;
use crate::train::edges::{Boost, Edges};
use crate::train::material::Material;
use crate::train::space::{param, Param, Range, Values};
use crate::train::twohop::TwoHop;

pub(super) struct Sessions;

impl Sessions {
    fn table(values: &Values, entries: usize) -> TwoHop {
        TwoHop {
            a: values.get("a"),
            b: values.get("b"),
            ab: values.get("ab"),
            tau: values.get("tau"),
            gamma: values.get("gamma"),
            alpha: values.get("alpha"),
            beta: values.get("beta"),
            p: values.get("p"),
            eps: values.get("eps"),
            pw: values.get("pw"),
            keep: generous(entries),
            ..TwoHop::default()
        }
    }
}

impl Family for Sessions {
    fn name(&self) -> &'static str {
        TWO_HOP
    }
    fn about(&self) -> &'static str {
        "transitions within sessions, and two of them in a row"
    }
    fn space(&self, _: &Material<'_>) -> Vec<Param> {
        vec![
            param("a", Range::Linear(0.2, 2.2), 1.0),
            param("b", Range::Linear(0.1, 1.2), 0.7),
            param("ab", Range::Linear(0.3, 2.4), 1.32),
            param("tau", Range::Log(0.05, 5.0), 0.82),
            param("gamma", Range::Linear(0.0, 1.0), 0.46),
            param("alpha", Range::Linear(0.3, 1.2), 0.81),
            param("beta", Range::Linear(-0.2, 0.6), 0.2),
            param("p", Range::Linear(0.3, 1.2), 0.64),
            param("eps", Range::Linear(0.0, 1.2), 0.4),
            param("pw", Range::Linear(0.8, 3.5), 2.2),
        ]
    }
    fn unsuited(&self, material: &Material<'_>) -> Option<String> {
        (material.dataset.order == Order::Lists).then(|| "the order of events is not known across users".into())
    }
    fn fit(&self, material: &Material<'_>, values: &Values, entries: usize, control: &Control) -> Result<Fitted> {
        let two_hop = Self::table(values, entries);
        let weights = two_hop.fit(
            material.sequences(),
            material.items.len(),
            material.min_customers,
            control,
        )?;
        Ok(weights.into())
    }
}

/// Name of the family whose edges can be learned.
pub const TWO_HOP: &str = "two-hop";
/// Name of the family with learned edges.
pub const LEARNED_EDGES: &str = "learned-edges";
/// How rates are learned, and how much of them enters: `rate^(power * share) * weight^(1 - share)`.
pub const LEARNED: [Param; 4] = [
    param("depth", Range::Choice(&[2.0, 3.0, 5.0]), 5.0),
    param("trees", Range::Choice(&[40.0, 80.0, 160.0]), 80.0),
    param("power", Range::Linear(0.3, 1.2), 0.7),
    param("share", Range::Linear(0.3, 1.0), 0.85),
];

pub(super) struct Learned;

impl Family for Learned {
    fn name(&self) -> &'static str {
        LEARNED_EDGES
    }
    fn about(&self) -> &'static str {
        "transitions of two hops, weighed by a regression of later transitions"
    }
    fn space(&self, material: &Material<'_>) -> Vec<Param> {
        [Sessions.space(material), LEARNED.to_vec()].concat()
    }
    fn unsuited(&self, _: &Material<'_>) -> Option<String> {
        Some("it is learned from the two-hop table that the search found".into())
    }
    fn fit(&self, material: &Material<'_>, values: &Values, entries: usize, control: &Control) -> Result<Fitted> {
        let defaults = Edges::default();
        let edges = Edges {
            two_hop: Sessions::table(values, entries),
            boost: Boost {
                depth: values.get("depth") as u32,
                trees: values.get("trees") as usize,
                ..defaults.boost
            },
            ..defaults
        };
        let learned = material.learned(&edges, control)?;
        Ok(learned.weights(values.get("power"), values.get("share")).into())
    }
}
