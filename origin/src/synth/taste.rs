//! The hidden order of the shop: styles that products have and visitors like. Invariant: all randomness comes from
//! [`Dice`], whose numbers depend on the seed and the stream alone.

use rand_pcg::rand_core::RngCore;
use rand_pcg::Pcg64Mcg;

/// Dimensions of a taste.
pub(super) const DIMENSIONS: usize = 8;
/// Styles, each a direction of taste.
pub(super) const STYLES: usize = 14;

/// A direction of taste.
pub(super) type Taste = [f64; DIMENSIONS];

/// Seeded randomness.
pub(super) struct Dice(Pcg64Mcg);

impl Dice {
    /// Numbers of their own for each stream of a seed, so that more items do not change the visitors' characters.
    pub fn new(seed: u64, stream: &str) -> Self {
        let stream = pocketrank::item_hash(stream).0;
        Self(Pcg64Mcg::new(
            (u128::from(seed) << 64 | u128::from(stream)) ^ 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835,
        ))
    }

    /// From 0 up to 1, exclusive.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// From `low` up to `high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + self.unit() * (high - low)
    }

    /// With that probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// From 0 up to `count`, exclusive; 0 if there is none.
    pub fn below(&mut self, count: usize) -> usize {
        ((self.unit() * count as f64) as usize).min(count.saturating_sub(1))
    }

    /// One of them, if there is one.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    /// A place, each as probable as its weight; the last if all weigh nothing.
    pub fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        weights
            .iter()
            .position(|weight| {
                left -= weight;
                left < 0.0
            })
            .unwrap_or(weights.len().saturating_sub(1))
    }

    /// Of the standard normal distribution.
    pub fn normal(&mut self) -> f64 {
        // Box and Muller; 1 - u is never 0.
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        radius * libm::cos(std::f64::consts::TAU * self.unit())
    }
}

/// Styles of the shop.
pub(super) struct World {
    pub seed: u64,
    pub styles: Vec<Taste>,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed, "styles");
        let styles = (0..STYLES)
            .map(|_| unit(std::array::from_fn(|_| dice.normal())))
            .collect();
        Self { seed, styles }
    }

    /// A style's direction, blurred.
    pub fn near(&self, style: usize, blur: f64, dice: &mut Dice) -> Taste {
        let centre = self.styles.get(style % STYLES).copied().unwrap_or_default();
        unit(centre.map(|x| x + blur * dice.normal() / libm::sqrt(DIMENSIONS as f64)))
    }
}

/// The sum of both, `b` weighted.
pub(super) fn blend(a: &Taste, b: &Taste, weight: f64) -> Taste {
    let mut both = *a;
    both.iter_mut().zip(b).for_each(|(x, y)| *x += weight * y);
    unit(both)
}

/// How well they agree, from -1 to 1.
pub(super) fn agreement(a: &Taste, b: &Taste) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn unit(taste: Taste) -> Taste {
    let length = libm::sqrt(agreement(&taste, &taste)).max(1e-9);
    taste.map(|x| x / length)
}
