//! Models that change from one publication to the next, and deltas between them.
#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use super::{builder, content, factors, id, Rng};
use pocketrank::condition::Condition;
use pocketrank::experiment::{Experiments, Feature};
use pocketrank::pack::SnapshotBuilder;
use pocketrank::rule::{Action, Rule};
use pocketrank::{diff, Delta, Error, Snapshot};
use proptest::prelude::*;

/// What becomes of a model, each with a share of the rows or not at all.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    pub seed: u64,
    /// Rows in a thousand that change.
    pub share: usize,
    pub added: usize,
    pub dropped: usize,
    pub replaced: bool,
    pub blend: bool,
    /// Which sections the base and the target have, a bit each.
    pub base: u8,
    pub target: u8,
    pub bits: (u8, u8),
}

/// Nothing changes, and there are all sections.
pub const NONE: Change = Change {
    seed: 0,
    share: 0,
    added: 0,
    dropped: 0,
    replaced: false,
    blend: false,
    base: 63,
    target: 63,
    bits: (8, 8),
};

pub fn change() -> impl Strategy<Value = Change> {
    let sections = prop_oneof![3 => Just((63, 63)), 1 => (0..64u8, 0..64u8)];
    let bits = prop_oneof![3 => Just((8, 8)), 1 => (4..=8u8, 4..=8u8)];
    let rows = (0..1000usize, 0..20usize, 0..3usize, any::<bool>(), any::<bool>());
    (any::<u64>(), rows, sections, bits).prop_map(|(seed, rows, (base, target), bits)| Change {
        seed,
        share: rows.0 * rows.0 / 1000,
        added: rows.1.saturating_sub(8),
        dropped: rows.2,
        replaced: rows.3,
        blend: rows.4,
        base,
        target,
        bits,
    })
}

pub fn delta(base: &[u8], target: &[u8]) -> Vec<u8> {
    diff(&Snapshot::open(base).unwrap(), &Snapshot::open(target).unwrap()).unwrap()
}

pub fn apply(base: &[u8], delta: &[u8]) -> Result<Vec<u8>, Error> {
    Delta::open(delta)?.apply(&Snapshot::open(base)?)
}

/// A feature of that value.
fn experiments(value: &str) -> Experiments {
    Experiments {
        features: vec![Feature {
            key: "banner".into(),
            default: value.into(),
            rules: vec![],
        }],
        ..Experiments::default()
    }
}

/// A rule from that time on.
fn rule(start: u32) -> Rule {
    Rule {
        id: "summer".into(),
        slot: "home-hero".into(),
        priority: 1,
        start,
        end: u32::MAX,
        condition: Condition::default(),
        after: vec![],
        actions: vec![Action::Template("cards".into())],
    }
}

fn with_sections(mut model: SnapshotBuilder, sections: u8) -> SnapshotBuilder {
    let has = |bit: u8| sections >> bit & 1 == 1;
    if !has(0) {
        model.prior.clear();
    }
    if !has(1) {
        model.attributes.clear();
    }
    if !has(2) {
        model.neighbours.clear();
    }
    if !has(3) {
        model.factors = None;
    }
    if !has(4) {
        model.content = None;
    }
    if has(5) {
        model.experiments = Some(experiments(&model.blend.rows[0].popularity.to_string()));
        model.rules = vec![rule(model.blend.rows[0].popularity.to_bits())];
    }
    model
}

/// A base, and what it is after each of the changes, one upon the other.
pub fn history(items: usize, changes: &[Change]) -> Vec<Vec<u8>> {
    let rng = &mut Rng(changes[0].seed);
    let mut model = builder(rng, items);
    let mut snapshots = vec![packed(&model, changes[0].base, changes[0].bits.0)];
    for change in changes {
        let items = model.ids.len();
        grow(rng, &mut model, items + change.added);
        for row in 0..items {
            if rng.below(1000) < change.share {
                touch(rng, &mut model, row);
            }
        }
        if change.blend {
            model.blend.rows[1].popularity += 0.25;
            model.meta.trained_until += 86_400;
            model.labels.brands.push("a new one".into());
        }
        if change.replaced && items > 0 {
            let row = rng.below(items);
            model.ids[row] = format!("new-{row}-{}", rng.next());
        }
        let left = model.ids.len().saturating_sub(change.dropped);
        shrink(&mut model, left);
        snapshots.push(packed(&model, change.target, change.bits.1));
    }
    snapshots
}

/// A base and a target that went through the change.
pub fn pair(items: usize, change: Change) -> (Vec<u8>, Vec<u8>) {
    let [base, target] = history(items, &[change]).try_into().unwrap();
    (base, target)
}

fn packed(model: &SnapshotBuilder, sections: u8, code_bits: u8) -> Vec<u8> {
    let model = with_sections(model.clone(), sections);
    SnapshotBuilder { code_bits, ..model }.build().unwrap()
}

/// Changes what is known of an item: edges go, come and weigh otherwise; numbers move a little.
fn touch(rng: &mut Rng, model: &mut SnapshotBuilder, row: usize) {
    let items = model.ids.len();
    model.prior[row].popularity = model.prior[row].popularity.wrapping_add(rng.below(5) as u8);
    model.prior[row].trend ^= rng.below(2) as u8;
    model.attributes[row].category = rng.below(8) as u16;
    let edges = &mut model.neighbours[row];
    if rng.below(10) == 0 {
        edges.clear();
    }
    if !edges.is_empty() {
        let at = rng.below(edges.len());
        edges[at].1 *= 0.75 + 0.5 * rng.unit();
        edges.remove(rng.below(edges.len()));
    }
    let target = rng.below(items);
    if target != row && edges.iter().all(|(known, _)| *known as usize != target) {
        edges.push((target as u32, 0.001 + rng.unit() * 0.1));
    }
    if let Some(factors) = &mut model.factors {
        let at = row * factors.dims + rng.below(factors.dims);
        factors.rows[at] *= 0.5;
    }
    if let Some(content) = &mut model.content {
        content.rows[row * content.dims..(row + 1) * content.dims].reverse();
    }
}

fn grow(rng: &mut Rng, model: &mut SnapshotBuilder, items: usize) {
    let have = model.ids.len();
    if items == have {
        return;
    }
    let more = builder(rng, items);
    model.ids.extend((have..items).map(id));
    model.prior.extend(&more.prior[have..]);
    model.attributes.extend(&more.attributes[have..]);
    model.neighbours.extend_from_slice(&more.neighbours[have..]);
    let dims = (12, 10);
    let new = (factors(rng, items, dims.0).rows, content(rng, items, dims.1).rows);
    model.factors.as_mut().unwrap().rows.extend(&new.0[have * dims.0..]);
    model.content.as_mut().unwrap().rows.extend(&new.1[have * dims.1..]);
}

fn shrink(model: &mut SnapshotBuilder, items: usize) {
    model.ids.truncate(items);
    model.prior.truncate(items);
    model.attributes.truncate(items);
    model.neighbours.truncate(items);
    let known = |edge: &(u32, f32)| (edge.0 as usize) < items;
    model.neighbours.iter_mut().for_each(|edges| edges.retain(known));
    model.factors.as_mut().unwrap().rows.truncate(items * 12);
    model.content.as_mut().unwrap().rows.truncate(items * 10);
}
