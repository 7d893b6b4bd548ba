//! A recipe: all that makes a model of material, the blend apart, small enough to read. Invariant: equal material and
//! recipe give an equal model. [`super::tune`] searches recipes.

use super::cold::ColdEdges;
use super::space::Values;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One model of a stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Component {
    /// Name of its family.
    pub family: String,
    /// Its parameters.
    pub values: Values,
    /// Factor of its weights in the stack; each component's are first scaled alike.
    pub weight: f64,
}

/// All that makes a model, the blend apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// The models whose item-item weights are added up; linear models stack at no cost to the device.
    pub components: Vec<Component>,
    /// Numbers of an item's content vector; 0 for none.
    pub content: usize,
    /// Edges by content for the items that few touched.
    pub cold: Option<ColdEdges>,
    /// The most neighbours of an item on average.
    pub entries: usize,
    /// Whether each item has about as many neighbours, or more where they weigh and are needed most.
    pub even: bool,
    /// Bits of a packed weight.
    pub code_bits: u8,
    /// Half-life of popularity, in days.
    pub popularity_half_life: f64,
}

impl Recipe {
    /// One model, on its own.
    pub fn of(family: &str, values: Values) -> Self {
        Recipe {
            components: vec![Component {
                family: family.to_owned(),
                values,
                weight: 1.0,
            }],
            content: 0,
            cold: None,
            entries: 20,
            even: true,
            code_bits: 8,
            popularity_half_life: 45.0,
        }
    }
}

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, component) in self.components.iter().enumerate() {
            if at > 0 {
                write!(f, " + {} x ", component.weight)?;
            }
            write!(f, "{}({})", component.family, component.values)?;
        }
        if self.content > 0 {
            write!(f, ", content of {} numbers", self.content)?;
        }
        if let Some(cold) = &self.cold {
            let ColdEdges {
                weight,
                below,
                neighbours,
            } = cold;
            write!(
                f,
                ", {neighbours} neighbours by content at {weight} for items of fewer than {below} customers"
            )?;
        }
        write!(
            f,
            ", {} neighbours{} of {} bits, popularity half-life {} days",
            self.entries,
            if self.even { "" } else { " on average" },
            self.code_bits,
            self.popularity_half_life
        )
    }
}
