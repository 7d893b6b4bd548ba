//! The surface of what is decided for a visitor before ranking, for `www/src/decide/api.ts`: in a build of its own, so that pages without it do not
//! carry it, and small rather than fast. Here are features, experiments and the page's attributes; `rules` adds the rest.
//!
//! How objects, texts and errors cross is told in `bridge`. Results cross as JSON, which browsers parse faster than objects are built from here, and
//! requests as an encoded [`Value`].

mod rules;

use crate::bridge::{text, told, Buffer};
use crate::condition::Value;
use crate::experiment::{Experiments, Visitor};
use crate::lot::Draw;
use crate::page;
use crate::Result;
use std::mem::take;

/// Features and experiments, and who asks.
pub struct Asked {
    experiments: Experiments,
    attributes: Value,
    forced_variations: Vec<(String, u32)>,
    forced_values: Vec<(String, Value)>,
    sticky: bool,
    draw: Draw,
}

impl Asked {
    /// Takes in who asks: lot and assignments, so many bytes, and a request.
    fn begin(&mut self, bytes: &[u8], draw: usize) -> Result<()> {
        let (draw, request) = bytes.split_at_checked(draw).unwrap_or_default();
        if !self.draw.set(draw) {
            return Err(Draw::wrong("draw", 0));
        }
        let (mut variations, mut values) = (vec![], vec![]);
        (self.attributes, self.sticky) = (Value::Null, true);
        if let Value::Object(fields) = Value::decode(request)? {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("attributes", value) => self.attributes = value,
                    ("forcedVariations", Value::Object(fields)) => variations = fields,
                    ("forcedValues", Value::Object(fields)) => values = fields,
                    ("sticky", value) => self.sticky = value.is_truthy(),
                    _ => {}
                }
            }
        }
        let number = |(key, value): (String, Value)| match value {
            Value::Number(number, _) => Some((key, number as u32)),
            _ => None,
        };
        self.forced_variations = variations.into_iter().filter_map(number).collect();
        self.forced_values = values;
        Ok(())
    }

    /// Answers, and remembers what the answer has assigned.
    fn answer(&mut self, write: impl for<'a> FnOnce(&'a Experiments, &mut Visitor<'a>, &mut String)) -> Buffer {
        let mut visitor = Visitor {
            forced_variations: &self.forced_variations,
            forced_values: &self.forced_values,
            sticky: self.sticky,
            draw: take(&mut self.draw),
            ..Visitor::contextual(&self.attributes)
        };
        let mut json = String::new();
        write(&self.experiments, &mut visitor, &mut json);
        self.draw = visitor.draw;
        json.into_bytes()
    }
}

/// The features and experiments of the section in the buffer; none of an empty one.
#[no_mangle]
pub extern "C" fn experiments_open(buffer: &mut Buffer) -> Option<Box<Asked>> {
    let bytes = take(buffer);
    let experiments = if bytes.is_empty() {
        Some(Experiments::default())
    } else {
        told(buffer, Experiments::decode(&bytes))
    };
    Some(Box::new(Asked {
        experiments: experiments?,
        attributes: Value::Null,
        forced_variations: Vec::new(),
        forced_values: Vec::new(),
        sticky: true,
        draw: Draw::default(),
    }))
}

/// Who asks from now on: the buffer holds lot and assignments, so many bytes, and the encoded object `{ attributes, forcedVariations,
/// forcedValues, sticky }`.
#[no_mangle]
pub extern "C" fn experiments_begin(asked: &mut Asked, buffer: &mut Buffer, draw: usize) -> bool {
    let begun = asked.begin(&take(buffer), draw);
    told(buffer, begun).is_some()
}

/// Leaves what the feature whose key is in the buffer gives, as JSON.
#[no_mangle]
pub extern "C" fn experiments_feature(asked: &mut Asked, buffer: &mut Buffer) {
    let key = take(buffer);
    let key = text(&key).unwrap_or_default();
    *buffer = asked.answer(|experiments, visitor, json| experiments.feature(key, visitor).write_json(json));
}

/// Leaves what the experiment whose key is in the buffer gives, as JSON; nothing where there is none.
#[no_mangle]
pub extern "C" fn experiments_run(asked: &mut Asked, buffer: &mut Buffer) {
    let key = take(buffer);
    let key = text(&key).unwrap_or_default();
    *buffer = asked.answer(|experiments, visitor, json| {
        if let Some(assignment) = experiments.run(key, visitor) {
            assignment.write_json(json);
        }
    });
}

/// Leaves what features mean to the runtime for who asks, as JSON.
#[no_mangle]
pub extern "C" fn experiments_settings(asked: &mut Asked, buffer: &mut Buffer) {
    *buffer = asked.answer(|experiments, visitor, json| experiments.settings(visitor).write_json(json));
}

/// Leaves the names of the lists that features may give to the slot in the buffer, as JSON.
#[no_mangle]
pub extern "C" fn experiments_lists(asked: &Asked, buffer: &mut Buffer) {
    let slot = take(buffer);
    let lists = asked.experiments.lists(text(&slot).unwrap_or_default());
    *buffer = Value::List(lists.map(Value::from).collect()).json().into_bytes();
}

/// Leaves the keys of the features, as JSON.
#[no_mangle]
pub extern "C" fn experiments_features(asked: &Asked, buffer: &mut Buffer) {
    let keys = asked.experiments.features.iter();
    let keys = Value::List(keys.map(|feature| Value::Text(feature.key.clone())).collect());
    *buffer = keys.json().into_bytes();
}

/// Leaves lot and assignments.
#[no_mangle]
pub extern "C" fn experiments_draw(asked: &Asked, buffer: &mut Buffer) {
    *buffer = asked.draw.bytes().to_vec();
}

/// Gives its memory back.
#[no_mangle]
pub extern "C" fn experiments_free(_: Box<Asked>) {}

/// Leaves the attributes of a page, as JSON; the buffer holds an encoded object of what the host knows.
#[no_mangle]
pub extern "C" fn page_attributes(buffer: &mut Buffer) -> bool {
    let known = Value::decode(&take(buffer));
    let Some(known) = told(buffer, known) else { return false };
    let text = |name: &str| match known.get(name) {
        Some(Value::Text(text)) => text.as_str(),
        _ => "",
    };
    let number = |name: &str| match known.get(name) {
        Some(Value::Number(number, _)) => *number,
        _ => 0.0,
    };
    let attributes = page::attributes(&page::Request {
        url: text("url"),
        referrer: text("referrer"),
        user_agent: text("userAgent"),
        mobile: text("mobile"),
        country: text("country"),
        now: number("now") as u32,
        utc_offset: number("utcOffset") as i32,
    });
    *buffer = attributes.json().into_bytes();
    true
}
