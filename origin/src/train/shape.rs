//! A shape: what of a recipe decides about the bytes of its model. Invariant: a recipe in its own shape is itself. The tuner chooses
//! one while it trains, [`super::pack`] another afterwards.

use super::model::{self, Model};
use super::recipe::Recipe;
use super::space::Values;
use crate::error::Result;
use pocketrank::Blend;
use serde::Serialize;
use std::fmt;

/// Bits of a weight that are tried.
pub const CODE_BITS: [u8; 4] = [4, 5, 6, 8];

/// The parameter of a component that says how long its vectors are.
const DIMS: &str = "dims";

/// What decides about the bytes of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Shape {
    /// Bits of a packed weight.
    pub code_bits: u8,
    /// Neighbours of an item on average.
    pub entries: usize,
    /// Whether each item has about as many neighbours, or more where they weigh and are needed most.
    pub even: bool,
    /// Length of a vector of content; 0 for none.
    pub content: usize,
    /// Length of a vector of taste; 0 for none.
    pub factors: usize,
}

impl Shape {
    /// That of a recipe.
    pub fn of(recipe: &Recipe) -> Self {
        let dims = recipe.components.iter().map(|component| component.values.get(DIMS));
        Shape {
            code_bits: recipe.code_bits,
            entries: recipe.entries,
            even: recipe.even,
            content: recipe.content,
            factors: dims.fold(0.0, f64::max) as usize,
        }
    }

    /// The recipe in this shape.
    pub fn apply(&self, recipe: &Recipe) -> Recipe {
        let mut shaped = Recipe {
            code_bits: self.code_bits,
            entries: self.entries,
            even: self.even,
            content: self.content,
            ..recipe.clone()
        };
        let values = shaped.components.iter_mut().map(|component| &mut component.values);
        for values in values.filter(|values| values.get(DIMS) > 0.0) {
            values.set(DIMS, self.factors as f64);
        }
        shaped
    }

    /// For the log of trials: what training chooses of it.
    pub fn values(&self) -> Values {
        let mut values = Values::default();
        values.set("code_bits", f64::from(self.code_bits));
        values.set("entries", self.entries as f64);
        values.set("even", f64::from(u8::from(self.even)));
        values
    }

    /// With as many neighbours as about fill so many bytes an item, for all bits of a weight and both ways of pruning. `model` is one
    /// of the recipe, its rows numbered as they would ship; of one without neighbours there is this shape alone, and of one
    /// with factors it is among them.
    ///
    /// # Errors
    /// As [`Model::pack`].
    pub fn filling(&self, model: &Model, bytes_per_item: f64, blend: &Blend) -> Result<Vec<Shape>> {
        if model.entries() == 0.0 {
            return Ok(vec![*self]);
        }
        let mut shapes = vec![];
        // Where few items have neighbours, of a number of them that fits there may be none, which would cut the vectors short too.
        if self.factors > 0 && model::bytes_per_item(&model.pack(blend)?)? <= bytes_per_item {
            shapes.push(*self);
        }
        for code_bits in CODE_BITS {
            let entries = model.entries_within(code_bits, bytes_per_item, blend)?;
            shapes.extend([true, false].map(|even| Shape {
                code_bits,
                entries,
                even,
                ..*self
            }));
        }
        Ok(shapes)
    }

    /// How neighbours are pruned, in a word or two.
    pub fn pruning(&self) -> &'static str {
        if self.even {
            "even"
        } else {
            "by need"
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shape { code_bits, entries, .. } = self;
        write!(f, "{entries} neighbours of {code_bits} bits, {}", self.pruning())?;
        if self.content > 0 {
            write!(f, ", content of {} numbers", self.content)?;
        }
        if self.factors > 0 {
            write!(f, ", factors of {} numbers", self.factors)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_in_its_own_shape_is_itself() {
        let mut values = Values::default();
        values.set(DIMS, 48.0);
        let recipe = Recipe {
            content: 8,
            ..Recipe::of("als", values)
        };
        let own = Shape::of(&recipe);
        assert_eq!((own.content, own.factors), (8, 48));
        assert_eq!(own.apply(&recipe), recipe);
        let other = Shape {
            code_bits: 4,
            entries: 7,
            even: false,
            content: 4,
            factors: 24,
        };
        assert_eq!(Shape::of(&other.apply(&recipe)), other);
        let without = Recipe::of("rp3beta", Values::default());
        assert_eq!(
            Shape::of(&other.apply(&without)).factors,
            0,
            "no vectors where there are none"
        );
    }
}
