//! What the weights of parts are multiplied by, which arms of experiments set.
//!
//! Without the feature `scale` all factors are 1, and take no room in a build that only ranks.

use crate::score::PART_NAMES;
#[cfg(feature = "scale")]
use crate::{Error, Result};

/// How many parts a score has.
const PARTS: usize = PART_NAMES.len();
/// The largest factor.
pub(crate) const MAX_FACTOR: f32 = 100.0;

/// The factors, in the order of [`PART_NAMES`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scales {
    #[cfg(feature = "scale")]
    factors: [f32; PARTS],
}

impl Scales {
    /// Of 1 each.
    pub(crate) const NONE: Self = Scales {
        #[cfg(feature = "scale")]
        factors: [1.0; PARTS],
    };

    /// The factors.
    #[inline(always)]
    pub(crate) fn get(&self) -> &[f32; PARTS] {
        #[cfg(feature = "scale")]
        return &self.factors;
        #[cfg(not(feature = "scale"))]
        &[1.0; PARTS]
    }

    /// Sets that of a part, from 0 to 100.
    ///
    /// # Errors
    /// [`Error::Weight`] where there is no such part, or the factor is none.
    #[cfg(feature = "scale")]
    pub(crate) fn set(&mut self, at: usize, factor: f32) -> Result<()> {
        let known = self
            .factors
            .get_mut(at)
            .filter(|_| (0.0..=MAX_FACTOR).contains(&factor));
        let what = "factors of the blend";
        *known.ok_or(Error::Weight { what, at })? = factor;
        Ok(())
    }
}
