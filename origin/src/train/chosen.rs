//! What training chose, as a small file: recipe, blend and how validation was cut. Invariant: equal material and choice give an
//! equal model, so that a model can be fitted again, and packed otherwise, without a search. `train --recipe` writes it,
//! [`super::pack`] reads it.

use super::content::ContentModel;
use super::family::family;
use super::material::Material;
use super::recipe::{Component, Recipe};
use super::tune::{TrainOptions, Trained};
use crate::config::CrossValidation;
use crate::error::{Error, Result};
use crate::evaluate::Protocol;
use crate::output;
use pocketrank::Blend;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;

/// Changes where an older program would read another model from the file, or a newer one from an old file.
const FORMAT: u64 = 1;

/// The format's limit.
const LONGEST_VECTOR: usize = 256;
/// The command line's limit.
const MOST_FOLDS: usize = 10;

/// What training chose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    format: u64,
    /// The model.
    pub recipe: Recipe,
    /// How it is served.
    pub blend: Blend,
    /// How content becomes vectors.
    pub content: ContentModel,
    /// The fewest customers behind an edge, a row and an item.
    pub min_customers: u16,
    /// How queries are cut from the data.
    pub protocol: Protocol,
    /// Folds of validation; none: as many as it takes.
    pub folds: Option<usize>,
    /// How folds are made.
    pub cross_validation: CrossValidation,
    /// The most validation queries.
    pub queries: usize,
}

impl Chosen {
    /// Of a training with these options.
    pub fn new(trained: &Trained, options: &TrainOptions) -> Self {
        Chosen {
            format: FORMAT,
            recipe: trained.recipe.clone(),
            blend: trained.blend.clone(),
            content: options.content.clone(),
            min_customers: u16::try_from(options.min_customers).unwrap_or(u16::MAX),
            protocol: trained.protocol,
            folds: options.folds,
            cross_validation: options.cross_validation,
            queries: options.queries,
        }
    }

    /// Options that cut the same folds from the same events.
    pub fn options(&self) -> TrainOptions {
        TrainOptions {
            protocol: Some(self.protocol),
            min_customers: u32::from(self.min_customers),
            queries: self.queries,
            folds: self.folds,
            cross_validation: self.cross_validation,
            content: self.content.clone(),
            ..TrainOptions::default()
        }
    }

    /// Writes it as JSON.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let json = serde_json::to_string(self).map_err(|e| Error::Internal(e.to_string()))?;
        output::write(path, (json + "\n").as_bytes())
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Data`] where the file is no recipe, or one of another format.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).map_err(|e| Error::reading(path, e))?;
        let wrong = |what: String| {
            Error::Data(format!(
                "{}: {what}; give a file that `pocketrank train --recipe FILE` wrote",
                path.display()
            ))
        };
        let json: Value = serde_json::from_slice(&text).map_err(|e| wrong(format!("no recipe: {e}")))?;
        match json.get("format").and_then(Value::as_u64) {
            Some(FORMAT) => {}
            Some(other) => {
                return Err(wrong(format!(
                    "a recipe of format {other}, but this program reads format {FORMAT}: train again with it"
                )))
            }
            None => return Err(wrong("no recipe: it has no `format`".into())),
        }
        // Read from the text again, so that the place of what is wrong is told.
        let chosen: Chosen = serde_json::from_slice(&text).map_err(|e| wrong(format!("no recipe: {e}")))?;
        chosen.check().map_err(wrong)?;
        Ok(chosen)
    }

    /// Numbers that no training writes, and that would only fail later or never end.
    fn check(&self) -> std::result::Result<(), String> {
        let Recipe {
            components,
            entries,
            code_bits,
            popularity_half_life,
            ..
        } = &self.recipe;
        let weighs = |component: &Component| component.weight.is_finite() && component.weight >= 0.0;
        if components.is_empty() || !components.iter().all(weighs) {
            return Err("`components` are one or more, each with a `weight` of 0 or more".into());
        }
        if !(1..=pocketrank::MAX_NEIGHBOURS).contains(entries) || !(4..=8).contains(code_bits) {
            return Err(format!(
                "`entries` are 1 to {}, not {entries}, and `code_bits` 4 to 8, not {code_bits}",
                pocketrank::MAX_NEIGHBOURS
            ));
        }
        let dims = self.recipe.content.max(self.content.dims);
        let folds = self.folds.unwrap_or(1);
        if dims > LONGEST_VECTOR || !(1..=MOST_FOLDS).contains(&folds) {
            return Err(format!(
                "vectors of content have at most {LONGEST_VECTOR} numbers, not {dims}, and folds are 1 to {MOST_FOLDS}, not {folds}"
            ));
        }
        if let Protocol::LastOfUser { share } = self.protocol {
            if !(share > 0.0 && share < 1.0) {
                return Err(format!(
                    "the `share` of its protocol lies between 0 and 1, not at {share}"
                ));
            }
        }
        if *popularity_half_life <= 0.0 || self.min_customers == 0 || self.queries == 0 {
            return Err("`popularity_half_life`, `min_customers` and `queries` are above 0".into());
        }
        self.blend.check().map_err(|e| format!("its blend: {e}"))
    }

    /// Whether the recipe can be followed with such material.
    ///
    /// # Errors
    /// [`Error::Data`] where its models have other parameters here, or need content that the catalogue does not have.
    pub fn suits(&self, material: &Material<'_>) -> Result<()> {
        const REMEDY: &str = "give the data that it was trained on, or later ones of their kind, or train anew";
        for Component {
            family: name, values, ..
        } in &self.recipe.components
        {
            let space = family(name)
                .map_err(|e| Error::Data(format!("the recipe: {e}")))?
                .space(material);
            if let Some(param) = space
                .iter()
                .find(|param| !values.iter().any(|(name, _)| name == param.name))
            {
                return Err(Error::Data(format!(
                    "the recipe does not fit these data: its model `{name}` has no value for `{}`, which it has here; {REMEDY}",
                    param.name
                )));
            }
            if let Some((more, _)) = values
                .iter()
                .find(|(name, _)| !space.iter().any(|param| param.name == *name))
            {
                return Err(Error::Data(format!(
                    "the recipe does not fit these data: its model `{name}` has a value for `{more}`, which it has not here; {REMEDY}"
                )));
            }
            if let Some(param) = space.iter().find(|param| !param.holds(values.get(param.name))) {
                return Err(Error::Data(format!(
                    "the recipe: `{}` of its model `{name}` is {}, but {:?}",
                    param.name,
                    values.get(param.name),
                    param.range
                )));
            }
        }
        let by_content = |component: &Component| component.family == "content";
        let asks =
            self.recipe.content > 0 || self.recipe.cold.is_some() || self.recipe.components.iter().any(by_content);
        if asks && !material.has_content() {
            return Err(Error::Data(format!(
                "the recipe does not fit these data: it ranks by content, but nothing is known of the items but their ids; give --catalogue \
                 or --vectors; {REMEDY}"
            )));
        }
        Ok(())
    }
}
