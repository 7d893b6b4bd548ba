//! What a page and a slate give to a template; `www/src/render.ts` does the same in the browser.
//!
//! Invariant: all of it follows from the page, the list and the slate; nothing is kept.

use super::price::format_price;
use super::render::ITEMS;
use super::section::Templates;
use super::value::Value;
use crate::rerank::Explanation;

/// What the page says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Page<'a> {
    /// BCP 47 tag of its language; empty if it says none.
    pub lang: &'a str,
    /// Whom it greets; empty if it says nobody.
    pub visitor: &'a str,
    /// The hour of the day there, 0 to 23; `None` where nobody knows it.
    pub hour: Option<u8>,
}

/// A place of the slate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place<'a> {
    /// The item's fields.
    pub item: &'a Value<'a>,
    /// Those of the item of the history that speaks most for it.
    pub because: Option<&'a Value<'a>>,
    /// The part of its score that is the largest, one of [`crate::PART_NAMES`].
    pub reason: Option<&'static str>,
}

impl<'a> Page<'a> {
    /// The hour where the offset from UTC is `offset`: `Z`, or hours and minutes such as `+01:00`. `now` is in seconds since 1970-01-01 UTC.
    pub fn hour_at(now: u32, offset: &str) -> Option<u8> {
        let minutes = match offset.as_bytes() {
            b"Z" | b"z" => 0,
            [sign @ (b'+' | b'-'), h1, h0, b':', m1, m0] => {
                let digit = |byte: &u8| byte.is_ascii_digit().then(|| i64::from(*byte - b'0'));
                let (hours, minutes) = (digit(h1)? * 10 + digit(h0)?, digit(m1)? * 10 + digit(m0)?);
                let minutes = (hours <= 14 && minutes < 60).then_some(hours * 60 + minutes)?;
                if *sign == b'-' {
                    -minutes
                } else {
                    minutes
                }
            }
            _ => return None,
        };
        let hour = (i64::from(now) / 60 + minutes).div_euclid(60).rem_euclid(24);
        u8::try_from(hour).ok()
    }

    /// The values for a template that shows these places, in their order.
    #[inline(never)]
    pub fn values(&self, templates: &Templates, places: &[Place<'a>]) -> Value<'a> {
        let mut given = Given::new(templates);
        given.give("visitor", Value::text(self.visitor));
        given.give("lang", Value::text(self.lang));
        for (name, from, to) in [("morning", 5, 11), ("afternoon", 12, 17), ("evening", 18, 22)] {
            let is = self.hour.is_some_and(|hour| (from..=to).contains(&hour));
            given.give(name, Value::Flag(is));
        }
        let is_night = self.hour.is_some_and(|hour| !(5..=22).contains(&hour));
        given.give("night", Value::Flag(is_night));
        let mut list = Vec::with_capacity(places.len());
        for (at, place) in places.iter().enumerate() {
            list.push(self.item(templates, *place, at, places.len()));
        }
        given.give(ITEMS, Value::List(list));
        Value::Fields(given.fields)
    }

    /// The values of one place, the one at `at` of `count`, from 0.
    fn item(&self, templates: &Templates, place: Place<'a>, at: usize, count: usize) -> Value<'a> {
        let mut given = Given::new(templates);
        if templates.name("price").is_some() {
            given.give("price", self.price(templates, place.item));
        }
        given.give("position", Value::Number(number(at + 1).into()));
        given.give("first", Value::Flag(at == 0));
        given.give("last", Value::Flag(at + 1 == count));
        let because = place.because.map_or(Value::Nothing, |item| Value::Over(item, vec![]));
        given.give("because", because);
        for (name, part) in [("because_category", "category"), ("because_brand", "brand")] {
            given.give(name, Value::Flag(place.reason == Some(part)));
        }
        Value::Over(place.item, given.fields)
    }

    fn price(&self, templates: &Templates, item: &'a Value<'a>) -> Value<'a> {
        let shown = |name| {
            templates
                .name(name)
                .and_then(|name| item.field(name))
                .map_or("", Value::shown)
        };
        match format_price(self.lang, shown("price"), shown("currency")) {
            Some(text) => Value::owned(text),
            None => Value::text(shown("price_text")),
        }
    }
}

/// Fields that templates use, with their values.
struct Given<'t, 'a> {
    templates: &'t Templates,
    fields: Vec<(u16, Value<'a>)>,
}

impl<'t, 'a> Given<'t, 'a> {
    fn new(templates: &'t Templates) -> Self {
        let fields = vec![];
        Given { templates, fields }
    }

    /// Gives a field, if a template uses it.
    #[inline(never)]
    fn give(&mut self, name: &str, value: Value<'a>) {
        if let Some(name) = self.templates.name(name) {
            self.fields.push((name, value));
        }
    }
}

impl Place<'_> {
    /// Whether the template of that name asks why an item is there.
    pub fn asks_why(templates: &Templates, template: &str) -> bool {
        let names = ["because", "because_category", "because_brand"];
        let uses = |name: &str| Some(templates.get(template)?.uses(templates.name(name)?));
        names.into_iter().any(|name| uses(name) == Some(true))
    }

    /// The largest part of a score, if one is above 0; of equal ones the first.
    pub fn reason(explanation: &Explanation) -> Option<&'static str> {
        let above = explanation.parts.iter().filter(|part| part.value > 0.0);
        let largest = above.reduce(|best, part| if part.value > best.value { part } else { best });
        largest.map(|part| part.name)
    }
}

/// In digits, without the code that `core::fmt` takes.
fn number(number: usize) -> String {
    let mut digits = vec![];
    let mut left = number;
    while left > 0 || digits.is_empty() {
        digits.push(b'0' + (left % 10) as u8);
        left /= 10;
    }
    digits.into_iter().rev().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_follow_the_offset() {
        let noon = 19_675 * 86_400 + 12 * 3_600 + 59 * 60;
        for (offset, hour) in [
            ("Z", Some(12)),
            ("+00:00", Some(12)),
            ("+00:01", Some(13)),
            ("+05:30", Some(18)),
            ("-13:00", Some(23)),
            ("+14:00", Some(2)),
            ("", None),
            ("1", None),
            ("+1:00", None),
            ("+15:00", None),
            ("+01:60", None),
            ("+0a:00", None),
            ("Europe/Berlin", None),
        ] {
            assert_eq!(Page::hour_at(noon, offset), hour, "{offset}");
        }
        assert_eq!(Page::hour_at(0, "-01:00"), Some(23));
        assert_eq!(Page::hour_at(u32::MAX, "+14:00"), Some(20));
    }

    #[test]
    fn numbers_are_digits() {
        for n in [0, 7, 10, 48, 1_000_000] {
            assert_eq!(number(n), n.to_string());
        }
    }
}
