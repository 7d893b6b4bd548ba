//! What rules do to a slate: scores ► lifts and exclusions ► filters ► diversity ► pins.

use super::{Action, Matching, Orders};
use crate::event::ItemHash;
use crate::rerank::{Candidates, Options, Ranked, Ranker};
use crate::snapshot::{AttributeRow, Labels, Snapshot, NO_ROW};
use serde::Serialize;

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
    pub fn resolve<B: AsRef<[u8]>>(orders: &Orders<'_>, snapshot: &Snapshot<B>) -> Self {
        let mut moves = Moves::default();
        let labels = snapshot.labels().unwrap_or_default();
        for (id, action) in &orders.actions {
            let rule = || (*id).to_owned();
            match action {
                Action::Pin(items, place) => {
                    let mut place = usize::from(*place);
                    for item in items {
                        match row(snapshot, item) {
                            Some(row) => {
                                moves.pins.push((rule(), row, place));
                                place += 1;
                            }
                            None => moves.unknown.push((rule(), hash(item).to_string())),
                        }
                    }
                }
                Action::Lift(matching, by) => {
                    let found = moves.find(snapshot, &labels, id, matching);
                    moves.lifts.push((rule(), found, *by));
                }
                Action::Exclude(matching) => {
                    let found = moves.find(snapshot, &labels, id, matching);
                    moves.exclusions.push((rule(), found));
                }
                Action::Template(_) | Action::List(_) => {}
            }
        }
        moves
    }

    fn find<B: AsRef<[u8]>>(
        &mut self,
        snapshot: &Snapshot<B>,
        labels: &Labels,
        id: &str,
        matching: &Matching,
    ) -> Found {
        let mut found = Found::default();
        for item in &matching.items {
            match row(snapshot, item) {
                Some(row) => found.rows.push(row),
                None => self.unknown.push((id.into(), hash(item).to_string())),
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

    fn excludes(&self, row: u32, codes: AttributeRow) -> bool {
        self.exclusions.iter().any(|(_, found)| found.has(row, codes))
    }

    fn lift(&self, row: u32, codes: AttributeRow) -> f32 {
        let lifts = self.lifts.iter().filter(|(_, found, _)| found.has(row, codes));
        lifts.fold(0.0, |sum, (.., by)| sum + by)
    }
}

fn hash(item: &[u8; 8]) -> ItemHash {
    ItemHash(u64::from_le_bytes(*item))
}

fn row<B: AsRef<[u8]>>(snapshot: &Snapshot<B>, item: &[u8; 8]) -> Option<u32> {
    snapshot.row(hash(item))
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
        self.rank(candidates, options, |snapshot, rows, scores| {
            if moves.lifts.is_empty() && moves.exclusions.is_empty() {
                return;
            }
            let (least, most) = scores
                .iter()
                .fold((f32::INFINITY, f32::NEG_INFINITY), |(least, most), score| {
                    (least.min(*score), most.max(*score))
                });
            let range = if most > least { most - least } else { 1.0 };
            for (row, score) in rows.iter().zip(scores) {
                let codes = codes(snapshot, *row);
                *score = if *row != NO_ROW && moves.excludes(*row, codes) {
                    f32::NEG_INFINITY
                } else {
                    *score + moves.lift(*row, codes) * range
                };
            }
        });
        // The last one first, so that an earlier one's place holds.
        for (_, row, place) in moves.pins.iter().rev() {
            let codes = codes(self.snapshot(), *row);
            if !moves.excludes(*row, codes) {
                self.pin(candidates, options, *row, *place);
            }
        }
        self.slate()
    }

    /// What rules do to an item: to be shown beside its explanation.
    pub fn effects(&self, row: u32, moves: &Moves) -> Vec<Effect> {
        let codes = codes(self.snapshot(), row);
        let effect = |rule: &String, action, by| Effect {
            rule: rule.clone(),
            action,
            by,
        };
        let pins = moves.pins.iter().filter(|(_, pinned, _)| *pinned == row);
        let lifts = moves.lifts.iter().filter(|(_, found, _)| found.has(row, codes));
        let exclusions = moves.exclusions.iter().filter(|(_, found)| found.has(row, codes));
        let lifted = |(rule, _, by): &(String, Found, f32)| effect(rule, if *by < 0.0 { "bury" } else { "boost" }, *by);
        let mut effects: Vec<Effect> = pins
            .map(|(rule, _, place)| effect(rule, "pin", *place as f32))
            .collect();
        effects.extend(lifts.map(lifted));
        effects.extend(exclusions.map(|(rule, _)| effect(rule, "exclude", 0.0)));
        effects
    }
}

fn codes<B: AsRef<[u8]>>(snapshot: &Snapshot<B>, row: u32) -> AttributeRow {
    let table = snapshot.attributes();
    table.and_then(|table| table.get(row)).unwrap_or_default()
}
