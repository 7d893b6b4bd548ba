//! What can be tuned: named parameters, their ranges and where a search begins. Invariant: [`Values`] hold a value in range
//! for every parameter of their space, and print and compare the same on every run. [`super::search`] walks a space.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The values that a parameter may have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Range {
    /// From, to; even.
    Linear(f64, f64),
    /// From, to, both above 0; even in the logarithm.
    Log(f64, f64),
    /// Whole numbers from, to.
    Whole(i64, i64),
    /// One of these, in their order.
    Choice(&'static [f64]),
}

/// One parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Param {
    /// Its name, as in the log of trials.
    pub name: &'static str,
    /// What it may be.
    pub range: Range,
    /// Where a search begins.
    pub start: f64,
}

/// A parameter.
pub const fn param(name: &'static str, range: Range, start: f64) -> Param {
    Param { name, range, start }
}

impl Param {
    /// The value at a place from 0 to 1 of the range.
    pub fn at(&self, place: f64) -> f64 {
        let place = place.clamp(0.0, 1.0);
        match self.range {
            Range::Linear(from, to) => from + (to - from) * place,
            Range::Log(from, to) => from * libm::pow(to / from, place),
            Range::Whole(from, to) => from as f64 + libm::floor(place * (to - from + 1) as f64).min((to - from) as f64),
            Range::Choice(of) => {
                let last = of.len().saturating_sub(1);
                of.get((place * of.len() as f64) as usize)
                    .or(of.get(last))
                    .copied()
                    .unwrap_or_default()
            }
        }
    }

    /// The place from 0 to 1 of a value.
    pub fn place(&self, value: f64) -> f64 {
        let place = match self.range {
            Range::Linear(from, to) => (value - from) / (to - from),
            Range::Log(from, to) => libm::log(value / from) / libm::log(to / from),
            Range::Whole(from, to) => (value - from as f64 + 0.5) / (to - from + 1) as f64,
            Range::Choice(of) => {
                let at = of.iter().position(|one| *one == value).unwrap_or_default();
                (at as f64 + 0.5) / of.len().max(1) as f64
            }
        };
        if place.is_finite() {
            place.clamp(0.0, 1.0)
        } else {
            0.0
        }
    }

    /// Whether a value is one of the range's.
    pub fn holds(&self, value: f64) -> bool {
        match self.range {
            // Four digits may round a value over the end.
            Range::Linear(from, to) | Range::Log(from, to) => (tidy(from)..=tidy(to)).contains(&value),
            Range::Whole(from, to) => value == libm::floor(value) && (from as f64..=to as f64).contains(&value),
            Range::Choice(of) => of.contains(&value),
        }
    }

    /// The least step of the place that can change the value.
    pub fn grain(&self) -> f64 {
        match self.range {
            Range::Linear(..) | Range::Log(..) => 0.0,
            Range::Whole(from, to) => 1.0 / (to - from + 1) as f64,
            Range::Choice(of) => 1.0 / of.len().max(1) as f64,
        }
    }
}

/// A value for each parameter of a space.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Values(BTreeMap<String, f64>);

impl Values {
    /// Where the search of a space begins.
    pub fn start(space: &[Param]) -> Self {
        Self::new(space, |param| param.start)
    }

    /// Those of some values that a space names.
    pub fn of(space: &[Param], values: &Values) -> Self {
        Self::new(space, |param| values.get(param.name))
    }

    /// Values at places from 0 to 1, one per parameter.
    pub fn at(space: &[Param], places: &[f64]) -> Self {
        let mut places = places.iter();
        Self::new(space, |param| param.at(places.next().copied().unwrap_or_default()))
    }

    fn new(space: &[Param], mut value: impl FnMut(&Param) -> f64) -> Self {
        Values(
            space
                .iter()
                .map(|param| (param.name.to_owned(), tidy(value(param))))
                .collect(),
        )
    }

    /// The places of these values.
    pub fn places(&self, space: &[Param]) -> Vec<f64> {
        space.iter().map(|param| param.place(self.get(param.name))).collect()
    }

    /// The value of a parameter; 0 where the space has none of that name.
    pub fn get(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// Sets one value.
    pub fn set(&mut self, name: &str, value: f64) {
        self.0.insert(name.to_owned(), tidy(value));
    }

    /// These values and others.
    #[must_use]
    pub fn and(&self, others: &Values) -> Self {
        let mut both = self.clone();
        others.iter().for_each(|(name, value)| both.set(name, value));
        both
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

/// Four significant digits: more only look exact, and a value that is printed is the value that was used.
fn tidy(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let digits = 3.0 - libm::floor(libm::log10(value.abs()));
    // Dividing by a power of ten of a positive exponent prints without a tail; multiplying by a negative one would not.
    if digits >= 0.0 {
        let scale = libm::pow(10.0, digits);
        libm::round(value * scale) / scale
    } else {
        let scale = libm::pow(10.0, -digits);
        libm::round(value / scale) * scale
    }
}

impl fmt::Display for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, value)) in self.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            write!(f, "{comma}{name}={value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACE: [Param; 4] = [
        param("a", Range::Linear(-1.0, 3.0), 0.5),
        param("b", Range::Log(0.01, 100.0), 1.0),
        param("c", Range::Whole(3, 12), 7.0),
        param("d", Range::Choice(&[4.0, 6.0, 8.0]), 8.0),
    ];

    #[test]
    fn places_and_values_agree() {
        let start = Values::start(&SPACE);
        assert_eq!(Values::at(&SPACE, &start.places(&SPACE)), start);
        assert_eq!(start.to_string(), "a=0.5, b=1, c=7, d=8");
        assert_eq!(Values::at(&SPACE, &[0.0; 4]).to_string(), "a=-1, b=0.01, c=3, d=4");
        assert_eq!(Values::at(&SPACE, &[1.0; 4]).to_string(), "a=3, b=100, c=12, d=8");
        for whole in 3..=12 {
            assert_eq!(SPACE[2].at(SPACE[2].place(f64::from(whole))), f64::from(whole));
        }
    }

    #[test]
    fn values_have_four_digits_and_survive_json() {
        let mut values = Values::start(&SPACE);
        values.set("a", 0.123_456);
        values.set("b", 98_765.4);
        assert_eq!((values.get("a"), values.get("b")), (0.1235, 98_770.0));
        let json = serde_json::to_string(&values).unwrap();
        assert_eq!(serde_json::from_str::<Values>(&json).unwrap(), values);
    }
}
