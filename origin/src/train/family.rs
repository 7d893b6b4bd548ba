//! Families of models, behind one trait: what each can be tuned in, and how it is fitted. Invariant: a fit follows from the
//! material and the values alone. [`super::tune`] chooses among [`FAMILIES`] and stacks them.

mod sessions;
mod vectors;

pub use sessions::{LEARNED, LEARNED_EDGES, TWO_HOP};

use self::sessions::{Learned, Sessions};
pub use self::vectors::room;
use self::vectors::{Alternating, ContentKnn, Decomposition};
use super::cosine::Cosine;
use super::ease::Ease;
use super::interactions::Basis;
use super::material::Material;
use super::ridge::Ridge;
use super::rp3beta::Rp3Beta;
use super::space::{param, Param, Range, Values};
use super::Weights;
use crate::control::Control;
use crate::error::{Error, Result};
use pocketrank::pack::Factors;

/// What a model of any family is made of, by row of the material.
#[derive(Debug, Clone, Default)]
pub struct Fitted {
    /// Item-item weights; empty where the family has none.
    pub neighbours: Weights,
    /// Factors, where the family has some.
    pub factors: Option<Factors>,
}

impl From<Weights> for Fitted {
    fn from(neighbours: Weights) -> Self {
        Fitted {
            neighbours,
            factors: None,
        }
    }
}

impl From<Factors> for Fitted {
    fn from(factors: Factors) -> Self {
        Fitted {
            neighbours: vec![],
            factors: Some(factors),
        }
    }
}

/// A family of models.
pub trait Family: Sync {
    /// Its name in configuration, logs and reports.
    fn name(&self) -> &'static str;
    /// What it is, in words.
    fn about(&self) -> &'static str;
    /// What can be tuned on such material.
    fn space(&self, material: &Material<'_>) -> Vec<Param>;
    /// Why it is not tried on such material unless it is asked for; `None` where it is.
    fn unsuited(&self, _material: &Material<'_>) -> Option<String> {
        None
    }
    /// About how many bytes of memory a fit takes.
    fn memory(&self, material: &Material<'_>) -> u64 {
        // Of each row what it shares with others, for a row a thread, and the matrix both ways round.
        32 * material.items.len() as u64 + 16 * material.events.len() as u64
    }
    /// Fits. `entries`: about how many neighbours an item may have on average.
    ///
    /// # Errors
    /// [`Error::Interrupted`], and [`Error::Data`] where there is too little or too much for it.
    fn fit(&self, material: &Material<'_>, values: &Values, entries: usize, control: &Control) -> Result<Fitted>;
}

/// All families, the simplest first.
pub const FAMILIES: [&dyn Family; 10] = [
    &Popularity,
    &ContentKnn,
    &CosineKnn,
    &Walks,
    &Alternating,
    &Decomposition,
    &Dense,
    &TwoSided,
    &Sessions,
    &Learned,
];

/// The family of that name.
///
/// # Errors
/// [`Error::Usage`] with the names that there are.
pub fn family(name: &str) -> Result<&'static dyn Family> {
    let names = FAMILIES.map(|family| family.name());
    let found = FAMILIES.into_iter().find(|family| family.name() == name);
    found.ok_or_else(|| {
        let near =
            crate::config::nearest(name, &names).map_or(String::new(), |near| format!("did you mean `{near}`? "));
        Error::Usage(format!(
            "no family of models is called {name:?}; {near}there are {}",
            names.join(", ")
        ))
    })
}

/// Users or sessions, where they differ.
fn basis(material: &Material<'_>) -> Option<Param> {
    let both: &[f64] = &[0.0, 1.0];
    material
        .has_sessions()
        .then_some(param("sessions", Range::Choice(both), 0.0))
}

fn chosen(values: &Values) -> Basis {
    if values.get("sessions") == 1.0 {
        Basis::Session
    } else {
        Basis::User
    }
}

/// Tables are pruned once all parts are stacked; until then a row keeps some more.
fn generous(entries: usize) -> usize {
    (3 * entries).clamp(1, pocketrank::MAX_NEIGHBOURS)
}

struct Popularity;

impl Family for Popularity {
    fn name(&self) -> &'static str {
        "popularity"
    }
    fn about(&self) -> &'static str {
        "the most popular, with decay"
    }
    fn space(&self, _: &Material<'_>) -> Vec<Param> {
        vec![]
    }
    fn fit(&self, _: &Material<'_>, _: &Values, _: usize, _: &Control) -> Result<Fitted> {
        Ok(Fitted::default())
    }
}

struct CosineKnn;

impl Family for CosineKnn {
    fn name(&self) -> &'static str {
        "cosine"
    }
    fn about(&self) -> &'static str {
        "cosine item-kNN"
    }
    fn space(&self, material: &Material<'_>) -> Vec<Param> {
        let mut space = vec![param("shrink", Range::Log(0.1, 300.0), 3.0)];
        space.extend(basis(material));
        space
    }
    fn fit(&self, material: &Material<'_>, values: &Values, entries: usize, control: &Control) -> Result<Fitted> {
        control.check()?;
        let cosine = Cosine {
            neighbours: generous(entries),
            shrink: values.get("shrink") as f32,
            min_customers: material.min_customers,
        };
        Ok(cosine.fit(material.interactions(chosen(values))).into())
    }
}

struct Walks;

impl Family for Walks {
    fn name(&self) -> &'static str {
        "rp3beta"
    }
    fn about(&self) -> &'static str {
        "RP3beta, random walks of three steps"
    }
    fn space(&self, material: &Material<'_>) -> Vec<Param> {
        let mut space = vec![
            param("alpha", Range::Linear(0.2, 1.3), 0.8),
            param("beta", Range::Linear(0.0, 0.9), 0.4),
        ];
        space.extend(basis(material));
        space
    }
    fn fit(&self, material: &Material<'_>, values: &Values, entries: usize, control: &Control) -> Result<Fitted> {
        control.check()?;
        let walks = Rp3Beta {
            alpha: values.get("alpha"),
            beta: values.get("beta"),
            neighbours: generous(entries),
            min_customers: material.min_customers,
        };
        Ok(walks.fit(material.interactions(chosen(values))).into())
    }
}

struct TwoSided;

impl TwoSided {
    /// Neighbours by source and by target, so that about so many are left of both.
    fn sides(entries: usize, share: f64) -> (usize, usize) {
        let both = entries as f64 / 0.78;
        let by_target = libm::round(both * share);
        ((both - by_target).max(1.0) as usize, by_target.max(1.0) as usize)
    }
}

impl Family for TwoSided {
    fn name(&self) -> &'static str {
        "ridge"
    }
    fn about(&self) -> &'static str {
        "ridge regression on a two-sided sparse support"
    }
    fn space(&self, material: &Material<'_>) -> Vec<Param> {
        let mut space = vec![
            param("lambda", Range::Log(3.0, 1000.0), 80.0),
            param("by_target", Range::Linear(0.1, 0.7), 0.36),
            param("row_norm", Range::Linear(0.2, 1.1), 0.75),
            param("walk", Range::Linear(0.0, 1.5), 0.5),
            param("popularity", Range::Linear(-0.2, 0.3), 0.05),
            param("target_discount", Range::Linear(-0.1, 0.4), 0.1),
            param("source_discount", Range::Linear(0.0, 0.6), 0.25),
            param("support_exponent", Range::Linear(0.2, 0.9), 0.5),
            param("gram_exponent", Range::Linear(0.0, 0.7), 0.25),
            param("dropout", Range::Linear(0.0, 0.5), 0.0),
            param("l1", Range::Choice(&[0.0, 0.05, 0.1, 0.2, 0.4]), 0.0),
        ];
        space.extend(basis(material));
        space
    }
    fn fit(&self, material: &Material<'_>, values: &Values, entries: usize, control: &Control) -> Result<Fitted> {
        let (per_source, per_target) = Self::sides(entries, values.get("by_target"));
        let ridge = Ridge {
            per_source,
            per_target,
            lambda: values.get("lambda"),
            row_norm: values.get("row_norm"),
            walk: values.get("walk"),
            popularity: values.get("popularity"),
            target_discount: values.get("target_discount"),
            source_discount: values.get("source_discount"),
            support_exponent: values.get("support_exponent"),
            gram_exponent: values.get("gram_exponent"),
            dropout: values.get("dropout"),
            l1: values.get("l1"),
        };
        let interactions = material.interactions(chosen(values));
        Ok(ridge.fit(interactions, material.min_customers, control)?.into())
    }
}

struct Dense;

impl Family for Dense {
    fn name(&self) -> &'static str {
        "ease"
    }
    fn about(&self) -> &'static str {
        "EASE, dense linear regression"
    }
    fn space(&self, material: &Material<'_>) -> Vec<Param> {
        let mut space = vec![
            param("lambda", Range::Log(10.0, 3000.0), 300.0),
            param("dropout", Range::Linear(0.0, 0.6), 0.0),
            param("gram_exponent", Range::Linear(0.0, 0.6), 0.0),
        ];
        space.extend(basis(material));
        space
    }
    fn unsuited(&self, material: &Material<'_>) -> Option<String> {
        let items = material.items.len();
        (items > QUICK_DENSE).then(|| format!("{items} items take too long; up to {QUICK_DENSE} are tried"))
    }
    fn memory(&self, material: &Material<'_>) -> u64 {
        Ease::memory(material.items.len())
    }
    fn fit(&self, material: &Material<'_>, values: &Values, entries: usize, control: &Control) -> Result<Fitted> {
        let ease = Ease {
            lambda: values.get("lambda"),
            dropout: values.get("dropout"),
            gram_exponent: values.get("gram_exponent"),
            neighbours: generous(entries),
        };
        let interactions = material.interactions(chosen(values));
        Ok(ease.fit(interactions, material.min_customers, control)?.into())
    }
}

/// Beyond so many items a dense regression is tried only where it is asked for.
const QUICK_DENSE: usize = 8_000;
