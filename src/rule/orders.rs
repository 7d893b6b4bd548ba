//! What rules do to a slate: scores ► lifts and exclusions ► filters ► diversity ► pins.

use super::{Action, Catalogue, Matching, Orders};
use crate::event::ItemHash;
use crate::rerank::{Candidates, Options, Ranked, Ranker, Shifts};
use crate::snapshot::{AttributeRow, Labels};
use serde::Serialize;

/// The most items that are pinned in a slot.
const MAX_PINS: usize = 1_000;

/// Actions with rows and codes of one snapshot in the place of names: made once a slot, and used for its list.
#[derive(Debug, Clone, Default)]
pub struct Moves {
    pins: Vec<(String, u32, usize)>,
    lifts: Vec<(String, Found, f32)>,
    exclusions: Vec<(String, Found)>,
    /// What a rule names and the snapshot does not know, with the rule's id: to be reported.
    pub unknown: Vec<(String, String)>,
}

/// A [`Matching`] in rows and codes.
#[derive(Debug, Clone, Default)]
struct Found {
    rows: Vec<u32>,
    categories: Vec<u16>,
    brands: Vec<u16>,
    price_bands: Vec<u16>,
}

/// What a rule does to an item.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Effect {
    /// The rule's id.
    pub rule: String,
    /// `pin`, `boost`, `bury` or `exclude`.
    pub action: &'static str,
    /// Of `boost` and `bury` by how much of the range of scores; of `pin` the place, from 0; else 0.
    pub by: f32,
}

impl Moves {
    /// Looks up what actions name.
    pub fn resolve(orders: &Orders<'_>, catalogue: &impl Catalogue) -> Self {
        let mut moves = Moves::default();
        let labels = &*catalogue.labels();
        for (id, action) in &orders.actions {
            let rule = || (*id).to_owned();
            match action {
                Action::Pin(items, place) => {
                    let mut place = usize::from(*place);
                    for item in items {
                        match catalogue.row(hash(item)) {
                            Some(row) => {
                                moves.pins.push((rule(), row, place));
                                place += 1;
                            }
                            None => moves.unknown.push((rule(), hash(item).text())),
                        }
                    }
                }
                Action::Lift(matching, by) => {
                    let found = moves.find(catalogue, labels, id, matching);
                    moves.lifts.push((rule(), found, *by));
                }
                Action::Exclude(matching) => {
                    let found = moves.find(catalogue, labels, id, matching);
                    moves.exclusions.push((rule(), found));
                }
                Action::Template(_) | Action::List(_) => {}
            }
        }
        moves
    }

    fn find(&mut self, catalogue: &impl Catalogue, labels: &Labels, id: &str, matching: &Matching) -> Found {
        let mut found = Found::default();
        for item in &matching.items {
            match catalogue.row(hash(item)) {
                Some(row) => found.rows.push(row),
                None => self.unknown.push((id.into(), hash(item).text())),
            }
        }
        let tables = [
            (&matching.categories, &labels.categories, &mut found.categories),
            (&matching.brands, &labels.brands, &mut found.brands),
            (&matching.price_bands, &labels.price_bands, &mut found.price_bands),
        ];
        for (names, known, codes) in tables {
            for name in names {
                match known.iter().position(|known| known == name) {
                    Some(at) => codes.push(at as u16 + 1),
                    None => self.unknown.push((id.into(), name.clone())),
                }
            }
        }
        found
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.pins.is_empty() && self.lifts.is_empty() && self.exclusions.is_empty()
    }

    /// What is done to a list of those candidates, told by row and codes, for [`Shifts::read`].
    pub(crate) fn shifts(
        &self,
        candidates: impl Iterator<Item = (u32, AttributeRow)>,
        catalogue: &impl Catalogue,
    ) -> Vec<u8> {
        let lift = |(row, codes)| {
            if self.excludes(row, codes) {
                return f32::NEG_INFINITY;
            }
            let lifts = self.lifts.iter().filter(|(_, found, _)| found.has(row, codes));
            lifts.fold(0.0, |sum, (.., by)| sum + by)
        };
        let mut bytes = vec![0; 4];
        if !self.lifts.is_empty() || !self.exclusions.is_empty() {
            bytes.extend(candidates.map(lift).flat_map(f32::to_le_bytes));
        }
        let lifts = (bytes.len() / 4 - 1) as u32;
        bytes.splice(..4, lifts.to_le_bytes());
        let shown = |row: u32| !self.excludes(row, catalogue.codes(row).unwrap_or_default());
        let mut pins: Vec<(u32, u32)> = vec![];
        for (_, row, place) in self.pins.iter().filter(|(_, row, _)| shown(*row)).take(MAX_PINS) {
            if pins.iter().all(|(pinned, _)| pinned != row) {
                let place = *place as u32;
                pins.insert(pins.partition_point(|(_, known)| *known <= place), (*row, place));
            }
        }
        let mut write = |row: u32, place: u32| {
            bytes.extend(row.to_le_bytes());
            bytes.extend(place.to_le_bytes());
        };
        // All of them out, so that none leaves a gap later, and then each to its place, the first place first: behind those that are there.
        pins.iter().for_each(|(row, _)| write(*row, u32::MAX));
        pins.iter().for_each(|(row, place)| write(*row, *place));
        bytes
    }

    /// What is done to an item, told by row and codes.
    pub fn effects(&self, row: u32, codes: AttributeRow) -> Vec<Effect> {
        let effect = |rule: &String, action, by| Effect {
            rule: rule.clone(),
            action,
            by,
        };
        let pins = self.pins.iter().filter(|(_, pinned, _)| *pinned == row);
        let lifts = self.lifts.iter().filter(|(_, found, _)| found.has(row, codes));
        let exclusions = self.exclusions.iter().filter(|(_, found)| found.has(row, codes));
        let lifted = |(rule, _, by): &(String, Found, f32)| effect(rule, if *by < 0.0 { "bury" } else { "boost" }, *by);
        let mut effects: Vec<Effect> = pins
            .map(|(rule, _, place)| effect(rule, "pin", *place as f32))
            .collect();
        effects.extend(lifts.map(lifted));
        effects.extend(exclusions.map(|(rule, _)| effect(rule, "exclude", 0.0)));
        effects
    }

    fn excludes(&self, row: u32, codes: AttributeRow) -> bool {
        self.exclusions.iter().any(|(_, found)| found.has(row, codes))
    }
}

impl<'a> Shifts<'a> {
    /// Reads number of lifts, lifts and pins. Of bytes that are none there are as many as can be read.
    pub(crate) fn read(bytes: &'a [u8]) -> Self {
        let (words, _) = bytes.as_chunks();
        let (count, words) = words.split_first().unwrap_or((&[0; 4], &[]));
        let (lifts, pins) = words
            .split_at_checked(u32::from_le_bytes(*count) as usize)
            .unwrap_or_default();
        let (pins, _) = pins.as_chunks();
        Shifts { lifts, pins }
    }
}

fn hash(item: &[u8; 8]) -> ItemHash {
    ItemHash(u64::from_le_bytes(*item))
}

impl Found {
    fn has(&self, row: u32, codes: AttributeRow) -> bool {
        // Code 0 is "not known", and in no list.
        self.rows.contains(&row)
            || self.categories.contains(&codes.category)
            || self.brands.contains(&codes.brand)
            || self.price_bands.contains(&codes.price_band.into())
    }
}

impl<B: AsRef<[u8]>> Ranker<B> {
    /// The slate as [`Ranker::rerank`] makes it, with rules: scores are lifted, what is excluded left out, and what is pinned comes to its place
    /// where it is a candidate that the options do not leave out. Without moves it is that slate, bit for bit.
    pub fn rerank_by(&mut self, candidates: &Candidates, options: &Options, moves: &Moves) -> &[Ranked] {
        let snapshot = self.snapshot();
        let told = |row: &u32| (*row, snapshot.codes(*row).unwrap_or_default());
        let shifts = moves.shifts(candidates.rows().iter().map(told), snapshot);
        self.rank(candidates, options, Shifts::read(&shifts))
    }

    /// What rules do to an item: to be shown beside its explanation.
    pub fn effects(&self, row: u32, moves: &Moves) -> Vec<Effect> {
        moves.effects(row, self.snapshot().codes(row).unwrap_or_default())
    }
}
