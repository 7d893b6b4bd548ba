//! Rules: which apply to a slot, and what they do to a list.
//!
//! The snapshot is in another wasm. What rules ask of it the script hands over before: labels, and rows and codes of the items in question.

use crate::bridge::{text, told, Buffer};
use crate::condition::{write_quoted, Value};
use crate::event::{Event, ItemHash};
use crate::profile::{read_kind, Profile};
use crate::rule::{Action, Ask, Catalogue, Matching, Moves, Orders, Rules};
use crate::snapshot::{read_labels, AttributeRow, Labels, NO_ROW};
use crate::Result;
use std::borrow::Cow;
use std::mem::take;

/// Bytes of an event: item `u64`, time `u32`, kind `u8`.
const EVENT: usize = 13;

/// Rules, and what was told of the snapshot that ranks.
pub struct Ruled {
    rules: Rules,
    labels: Labels,
    items: Vec<(ItemHash, u32, AttributeRow)>,
    /// Ids of the rules whose actions count.
    chosen: Vec<String>,
}

impl Catalogue for Ruled {
    fn row(&self, item: ItemHash) -> Option<u32> {
        let found = self.items.iter().find(|(known, ..)| *known == item);
        found.map(|(_, row, _)| *row).filter(|row| *row != NO_ROW)
    }

    fn codes(&self, row: u32) -> Option<AttributeRow> {
        let found = self.items.iter().find(|(_, known, _)| *known == row);
        found.map(|(.., codes)| *codes)
    }

    fn labels(&self) -> Cow<'_, Labels> {
        Cow::Borrowed(&self.labels)
    }
}

impl Ruled {
    /// What the chosen rules do, the most important first.
    fn orders(&self) -> Orders<'_> {
        let rules = self.rules.rules.iter().filter(|rule| self.chosen.contains(&rule.id));
        Orders {
            actions: rules
                .flat_map(|rule| rule.actions.iter().map(|action| (rule.id.as_str(), action)))
                .collect(),
        }
    }

    fn moves(&self) -> Moves {
        Moves::resolve(&self.orders(), self)
    }

    /// The orders for who asks, as JSON.
    fn ask(&self, bytes: &[u8], events: usize, aggregates: usize) -> Result<String> {
        let (events, rest) = bytes.split_at_checked(events).unwrap_or_default();
        let (aggregates, request) = rest.split_at_checked(aggregates).unwrap_or_default();
        let profile = Profile::from_ordered(rows(events)?.into_iter(), rows(aggregates)?.into_iter());
        let request = Value::decode(request)?;
        let off = match request.get("off") {
            Some(Value::List(off)) => off.as_slice(),
            _ => &[],
        };
        let slot = match request.get("slot") {
            Some(Value::Text(slot)) => slot,
            _ => "",
        };
        let now = match request.get("now") {
            Some(Value::Number(now, _)) => *now as u32,
            _ => 0,
        };
        let ask = Ask {
            slot,
            attributes: request.get("attributes").unwrap_or(&Value::Null),
            profile: &profile,
            now,
        };
        let is_off = |id: &str| off.iter().any(|off| matches!(off, Value::Text(off) if off == id));
        let orders = self.rules.orders(self, &ask, |id| !is_off(id));
        let mut json = String::from("{\"rules\":[");
        let mut last = "";
        for (id, _) in &orders.actions {
            if *id != last {
                json.push_str(if last.is_empty() { "" } else { "," });
                write_quoted(&mut json, id);
                last = id;
            }
        }
        json.push(']');
        for (name, value) in [(",\"template\":", orders.template()), (",\"list\":", orders.list())] {
            if let Some(value) = value {
                json.push_str(name);
                write_quoted(&mut json, value);
            }
        }
        json.push('}');
        Ok(json)
    }
}

/// The rows of a profile, which are in their order.
fn rows(bytes: &[u8]) -> Result<Vec<Event>> {
    let mut events = vec![];
    let (each, _) = bytes.as_chunks::<EVENT>();
    for (at, [item @ .., t0, t1, t2, t3, kind]) in each.iter().enumerate() {
        events.push(Event {
            item: ItemHash(u64::from_le_bytes(*item)),
            at: u32::from_le_bytes([*t0, *t1, *t2, *t3]),
            kind: read_kind(*kind, at * EVENT)?,
        });
    }
    Ok(events)
}

/// A candidate: row `u32` and codes.
fn candidate([r0, r1, r2, r3, codes @ ..]: &[u8; 9]) -> (u32, AttributeRow) {
    (u32::from_le_bytes([*r0, *r1, *r2, *r3]), AttributeRow::from(*codes))
}

/// The hashes that an action names.
fn named(action: &Action) -> &[[u8; 8]] {
    match action {
        Action::Pin(items, _) | Action::Lift(Matching { items, .. }, _) | Action::Exclude(Matching { items, .. }) => {
            items
        }
        Action::Template(_) | Action::List(_) => &[],
    }
}

/// The rules of the section in the buffer; none of an empty one.
#[no_mangle]
pub extern "C" fn rules_open(buffer: &mut Buffer) -> Option<Box<Ruled>> {
    let bytes = take(buffer);
    let rules = if bytes.is_empty() {
        Some(Rules::default())
    } else {
        told(buffer, Rules::decode(&bytes))
    };
    Some(Box::new(Ruled {
        rules: rules?,
        labels: Labels::default(),
        items: vec![],
        chosen: vec![],
    }))
}

/// Leaves the positions of rules that cannot be read, as JSON.
#[no_mangle]
pub extern "C" fn rules_broken(ruled: &Ruled, buffer: &mut Buffer) {
    let broken = ruled.rules.broken.iter().map(|at| Value::from(*at));
    *buffer = Value::List(broken.collect()).json().into_bytes();
}

/// Leaves the names of the lists that rules may give to the slot in the buffer, as JSON.
#[no_mangle]
pub extern "C" fn rules_lists(ruled: &Ruled, buffer: &mut Buffer) {
    let slot = take(buffer);
    let lists = ruled.rules.lists(text(&slot).unwrap_or_default()).map(Value::from);
    *buffer = Value::List(lists.collect()).json().into_bytes();
}

/// Takes the snapshot's section of labels from the buffer; there are none in an empty one.
#[no_mangle]
pub extern "C" fn rules_labels(ruled: &mut Ruled, buffer: &mut Buffer) -> bool {
    let bytes = take(buffer);
    let read = if bytes.is_empty() {
        Some(Labels::default())
    } else {
        told(buffer, read_labels(&bytes))
    };
    read.map(|labels| ruled.labels = labels).is_some()
}

/// Takes the items that are asked about from the buffer: hash `u64`, row `u32`, and codes.
#[no_mangle]
pub extern "C" fn rules_know(ruled: &mut Ruled, buffer: &mut Buffer) {
    let (items, _) = buffer.as_chunks::<17>();
    let item = |[i0, i1, i2, i3, i4, i5, i6, i7, rest @ ..]: &[u8; 17]| {
        let (row, codes) = candidate(rest);
        let hash = u64::from_le_bytes([*i0, *i1, *i2, *i3, *i4, *i5, *i6, *i7]);
        (ItemHash(hash), row, codes)
    };
    ruled.items = items.iter().map(item).collect();
}

/// Leaves which rules apply, and the template and list that they give, as JSON. The buffer holds events and aggregates of the
/// profile, so many bytes each, and the encoded object `{ slot, attributes, now, off }`.
#[no_mangle]
pub extern "C" fn rules_orders(ruled: &Ruled, buffer: &mut Buffer, events: usize, aggregates: usize) -> bool {
    let json = ruled.ask(&take(buffer), events, aggregates);
    let json = told(buffer, json);
    json.map(|json| *buffer = json.into_bytes()).is_some()
}

/// Has those rules' actions count whose ids the buffer holds, an encoded list, and leaves the hashes of the items that they name.
#[no_mangle]
pub extern "C" fn rules_choose(ruled: &mut Ruled, buffer: &mut Buffer) -> bool {
    let ids = Value::decode(&take(buffer));
    let Some(ids) = told(buffer, ids) else { return false };
    ruled.chosen.clear();
    if let Value::List(ids) = ids {
        let id = |id| match id {
            Value::Text(id) => Some(id),
            _ => None,
        };
        ruled.chosen.extend(ids.into_iter().filter_map(id));
    }
    let orders = ruled.orders();
    let named = orders.actions.iter().flat_map(|(_, action)| named(action));
    *buffer = named.flatten().copied().collect();
    true
}

/// Leaves what the chosen rules do to the candidates in the buffer, row `u32` and codes each, for the build that ranks.
#[no_mangle]
pub extern "C" fn rules_shifts(ruled: &Ruled, buffer: &mut Buffer) {
    let (candidates, _) = buffer.as_chunks();
    *buffer = ruled.moves().shifts(candidates.iter().map(candidate), ruled);
}

/// Leaves what they do to the first of the candidates in the buffer: by how much, `f32` each, behind what and by which rule, as JSON of so many bytes.
#[no_mangle]
pub extern "C" fn rules_effects(ruled: &Ruled, buffer: &mut Buffer) -> usize {
    let (candidates, _) = buffer.as_chunks();
    let (row, codes) = candidates.first().map_or((NO_ROW, AttributeRow::default()), candidate);
    let effects = ruled.moves().effects(row, codes);
    let pair = |(rule, action): (&str, &str)| Value::List(vec![rule.into(), action.into()]);
    let pairs = effects.iter().map(|effect| pair((&effect.rule, effect.action)));
    *buffer = Value::List(pairs.collect()).json().into_bytes();
    let length = buffer.len();
    buffer.extend(effects.iter().flat_map(|effect| effect.by.to_le_bytes()));
    length
}

/// Leaves what they name and the snapshot does not know, pairs of rule and name, as JSON.
#[no_mangle]
pub extern "C" fn rules_unknown(ruled: &Ruled, buffer: &mut Buffer) {
    let moves = ruled.moves();
    let pairs = moves.unknown.into_iter();
    let pairs = pairs.map(|(rule, name)| Value::List(vec![Value::Text(rule), Value::Text(name)]));
    *buffer = Value::List(pairs.collect()).json().into_bytes();
}

/// Gives its memory back.
#[no_mangle]
pub extern "C" fn rules_free(_: Box<Ruled>) {}
