//! What there is beside ranking: explanations, templates, labels, capsules, the module's own snapshot.
//!
//! Objects are built as a [`Value`] and written by one instance of `serde-wasm-bindgen`: one for each type takes 3 KB more.

use super::{coded, throw, JsCandidates, JsConsent, JsGrant, JsProfile, JsRanker};
use crate::snapshot::ATTRIBUTES_ROW;
use crate::{capsule, embedded, item_hash, Candidates, CapsuleGrant, ItemHash, Meta, Section, NO_ROW};
use serde::{Serialize, Serializer};
use wasm_bindgen::prelude::*;

/// Whatever crosses to JavaScript as an object.
enum Value {
    Flag(bool),
    Number(f64),
    Text(String),
    List(Vec<Value>),
    Object(Vec<(&'static str, Value)>),
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Flag(flag) => serializer.serialize_bool(*flag),
            Value::Number(number) => serializer.serialize_f64(*number),
            Value::Text(text) => serializer.serialize_str(text),
            Value::List(list) => serializer.collect_seq(list),
            Value::Object(fields) => serializer.collect_map(fields.iter().map(|(name, value)| (name, value))),
        }
    }
}

fn label(name: &str) -> Value {
    Value::Text(name.into())
}

fn number(value: impl Into<f64>) -> Value {
    Value::Number(value.into())
}

fn write(value: Value) -> Result<JsValue, JsValue> {
    let serializer = serde_wasm_bindgen::Serializer::new().serialize_maps_as_objects(true);
    value
        .serialize(&serializer)
        .map_err(|_| coded("an object could not be made", "internal"))
}

#[wasm_bindgen(js_class = Consent)]
impl JsConsent {
    /// Permission to make and read capsules, if there is one.
    #[wasm_bindgen(js_name = capsuleGrant)]
    pub fn capsule_grant(&self) -> Option<JsCapsuleGrant> {
        self.0.capsule_grant().map(JsCapsuleGrant)
    }
}

/// Permission to make and read capsules; only `Consent` makes it.
#[wasm_bindgen(js_name = CapsuleGrant)]
pub struct JsCapsuleGrant(CapsuleGrant);

#[wasm_bindgen(js_class = Profile)]
impl JsProfile {
    /// The events as `[{ item, at, kind }]`, oldest first; `item` is the hash of its id in hexadecimal.
    pub fn events(&self) -> Result<JsValue, JsValue> {
        let events = self.0.events().iter().map(|event| {
            Value::Object(vec![
                ("item", Value::Text(event.item.text())),
                ("at", number(event.at)),
                ("kind", label(event.kind.name())),
            ])
        });
        write(Value::List(events.collect()))
    }

    /// The capsule at `now`.
    pub fn capsule(&self, grant: &JsCapsuleGrant, now: u32) -> String {
        capsule::encode(&self.0, &grant.0, now)
    }

    /// The profile that a capsule carries.
    #[wasm_bindgen(js_name = fromCapsule)]
    pub fn from_capsule(grant: &JsCapsuleGrant, text: &str, now: u32) -> Result<JsProfile, JsValue> {
        capsule::decode(&grant.0, text, now).map(JsProfile).map_err(throw)
    }
}

#[wasm_bindgen(js_class = Profile)]
impl JsProfile {
    /// Draws the number by which experiments assign; of the seed the low 12 bits count.
    #[wasm_bindgen(js_name = drawLot)]
    pub fn draw_lot(&mut self, grant: &JsGrant, seed: u32) {
        self.0.draw_lot(&grant.0, seed);
    }

    /// The lot and what it has assigned.
    #[wasm_bindgen(getter)]
    pub fn draw(&self) -> Vec<u8> {
        self.0.drawn().to_vec()
    }

    /// Keeps what the lot was assigned to since.
    pub fn keep(&mut self, grant: &JsGrant, draw: &[u8]) -> Result<(), JsValue> {
        self.0.keep_drawn(&grant.0, draw).map_err(throw)
    }
}

/// What the visitor chose, as `{ mode, capsule }`, according to a capsule.
#[wasm_bindgen(js_name = capsuleChoice)]
pub fn capsule_choice(text: &str, now: u32) -> Result<JsValue, JsValue> {
    let choice = capsule::choice(text, now).map_err(throw)?;
    write(Value::Object(vec![
        ("mode", label(choice.mode.name())),
        ("capsule", Value::Flag(choice.capsule)),
    ]))
}

/// The hash by which profiles name an item, in hexadecimal.
#[wasm_bindgen(js_name = itemHash)]
pub fn js_item_hash(id: &str) -> String {
    item_hash(id).text()
}

#[wasm_bindgen(js_class = Candidates)]
impl JsCandidates {
    /// Looks up the rows of items by their hashes, 8 bytes each.
    #[wasm_bindgen(js_name = ofItems)]
    pub fn of_items(ranker: &JsRanker, items: &[u8]) -> JsCandidates {
        let row = |item: &[u8; 8]| ranker.0.snapshot().row(ItemHash(u64::from_le_bytes(*item)));
        let (items, _) = items.as_chunks();
        let rows = items.iter().map(|item| row(item).unwrap_or(NO_ROW));
        JsCandidates(Candidates::from_rows(rows.collect()))
    }
}

#[wasm_bindgen(js_class = Ranker)]
impl JsRanker {
    /// A section that is read elsewhere, encoded: 0 features and experiments, 1 rules, 2 labels; empty where the snapshot has none.
    pub fn section(&self, which: usize) -> Vec<u8> {
        let section = [Section::Experiments, Section::Rules, Section::Labels].get(which);
        let bytes = section.and_then(|section| self.0.snapshot().document(*section));
        bytes.unwrap_or_default().to_vec()
    }

    /// What candidates are of, 5 bytes each: codes of category and brand, `u16`, and of price band, 0 where not known.
    pub fn codes(&self, candidates: &JsCandidates) -> Vec<u8> {
        let rows = candidates.0.rows();
        let mut bytes = vec![0; rows.len() * ATTRIBUTES_ROW];
        if let Some(table) = self.0.snapshot().attributes() {
            let (places, _) = bytes.as_chunks_mut();
            for (row, place) in rows.iter().zip(places) {
                *place = table.bytes(*row).unwrap_or_default();
            }
        }
        bytes
    }

    /// Multiplies the weight of the part of that number by a factor, from the next profile on.
    pub fn scale(&mut self, part: usize, factor: f32) -> Result<(), JsValue> {
        self.0.scale_part(part, factor).map_err(throw)
    }

    /// The ranker of the module's own snapshot, which was verified when the module was compiled.
    pub fn embedded() -> Result<JsRanker, JsValue> {
        JsRanker::open(embedded::snapshot().map_err(throw)?.into(), false)
    }

    /// What the snapshot says of itself.
    pub fn meta(&self) -> Result<JsValue, JsValue> {
        let snapshot = self.0.snapshot();
        let Meta {
            items,
            model,
            trained_until,
            min_customers,
            currency,
        } = snapshot.meta();
        write(Value::Object(vec![
            ("id", Value::Text(snapshot.id().text())),
            ("version", number(crate::VERSION)),
            ("items", number(*items)),
            ("model", label(model)),
            ("trainedUntil", number(*trained_until)),
            ("minCustomers", number(*min_customers)),
            ("currency", label(currency)),
        ]))
    }

    /// The compiled templates, as the section is (`docs/FORMAT.md`): hosts render by themselves, in a third of the bytes that it takes here.
    #[wasm_bindgen(getter)]
    pub fn templates(&self) -> Vec<u8> {
        self.0.snapshot().template_bytes().to_vec()
    }

    /// Why a row has its score: `{ score, parts: [{ name, value }], because: [{ item, row, kind, share }] }`.
    pub fn explain(&self, row: u32) -> Result<JsValue, JsValue> {
        let explanation = self.0.explain(row);
        let part = |part: crate::Part| Value::Object(vec![("name", label(part.name)), ("value", number(part.value))]);
        let because = |because: crate::Because| {
            Value::Object(vec![
                ("item", Value::Text(because.item.text())),
                // What the profile has met is known, or it could not speak for another.
                ("row", number(self.0.snapshot().row(because.item).unwrap_or(NO_ROW))),
                ("kind", label(because.kind.name())),
                ("share", number(because.share)),
            ])
        };
        write(Value::Object(vec![
            ("score", number(explanation.score)),
            ("parts", Value::List(explanation.parts.into_iter().map(part).collect())),
            (
                "because",
                Value::List(explanation.because.into_iter().map(because).collect()),
            ),
        ]))
    }
}
