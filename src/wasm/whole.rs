//! What there is beside ranking: explanations, templates, labels, capsules, the module's own snapshot.
//!
//! What is more than a number or a text crosses as bytes, which `www/src/ranking/api.ts` and `www/src/ranking/ranker.ts` make objects of: to make them here takes
//! 2 KB more.

use super::{throw, JsCandidates, JsConsent, JsGrant, JsProfile, JsRanker};
use crate::snapshot::ATTRIBUTES_ROW;
use crate::{capsule, embedded, item_hash, Candidates, CapsuleGrant, ItemHash, Meta, Profile, Section, NO_ROW};
use wasm_bindgen::prelude::*;

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
    /// The encoded form without its check.
    #[wasm_bindgen(getter)]
    pub fn held(&self) -> Vec<u8> {
        self.0.held()
    }

    /// Reads that back, from a day until `now`.
    pub fn restore(grant: &JsGrant, bytes: &[u8], day: u32, now: u32) -> Result<JsProfile, JsValue> {
        JsProfile::within(Profile::restore(&grant.0, bytes), day, now)
    }

    /// Takes in what another has of the same visitor.
    pub fn merge(&mut self, grant: &JsGrant, other: &JsProfile) {
        self.0.merge(&grant.0, &other.0);
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

/// The mode that the visitor chose according to a capsule.
#[wasm_bindgen(js_name = capsuleChoice)]
pub fn capsule_choice(text: &str, now: u32) -> Result<String, JsValue> {
    let choice = capsule::choice(text, now).map_err(throw)?;
    Ok(choice.mode.name().into())
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

    /// What the snapshot says of itself: the format's newest version, last second, customers, and how many bytes of what follows are the model, the
    /// rest being the currency; numbers are `u32`.
    pub fn meta(&self) -> Vec<u8> {
        let Meta {
            model,
            trained_until,
            min_customers,
            currency,
            ..
        } = self.0.snapshot().meta();
        let numbers = [
            crate::VERSION.into(),
            *trained_until,
            (*min_customers).into(),
            model.len() as u32,
        ];
        let mut bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        bytes.extend(model.as_bytes());
        bytes.extend(currency.as_bytes());
        bytes
    }

    /// The compiled templates, as the section is (`docs/FORMAT.md`): hosts render by themselves, in a third of the bytes that it takes here.
    #[wasm_bindgen(getter)]
    pub fn templates(&self) -> Vec<u8> {
        self.0.snapshot().template_bytes().to_vec()
    }

    /// Why a row has its score: `f32` the score and each part, then of each item that speaks for it hash, row `u32`, kind `u32`, share `f32`.
    pub fn explain(&self, row: u32) -> Vec<u8> {
        let explanation = self.0.explain(row);
        let mut bytes = explanation.score.to_le_bytes().to_vec();
        for part in explanation.parts {
            bytes.extend(part.value.to_le_bytes());
        }
        for because in explanation.because {
            bytes.extend(because.item.0.to_le_bytes());
            // What the profile has met is known, or it could not speak for another.
            bytes.extend(self.0.snapshot().row(because.item).unwrap_or(NO_ROW).to_le_bytes());
            bytes.extend((because.kind as u32).to_le_bytes());
            bytes.extend(because.share.to_le_bytes());
        }
        bytes
    }
}
