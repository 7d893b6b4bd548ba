//! What every host is measured on, made from a seed, so that each host builds the same.
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

#[path = "../tests/support/random.rs"]
mod random;

use pocketrank::pack::{Factors, SnapshotBuilder};
use pocketrank::{item_hash, Candidates, Event, EventKind, Options, Profile};
use random::Rng;

/// Items of the catalogue.
pub const ITEMS: usize = 10_000;
/// Rows of the bare product.
const ROWS: usize = 1_000;
/// Length of the vectors of taste, and of those of content.
const DIMS: [usize; 2] = [64, 16];
/// The day of the case, seconds since 1970-01-01 UTC.
pub const NOW: u32 = random::NOW;

/// What is measured.
#[derive(Debug, Clone)]
pub struct Case {
    /// The packed model.
    pub snapshot: Vec<u8>,
    /// 50 events.
    pub profile: Profile,
    /// 1,000 candidates.
    pub candidates: Candidates,
    /// The best 20, diversified.
    pub options: Options,
}

/// 1,000 candidates of a catalogue of 10,000 items, a history of 50 events, the best 20, all scorers, and diversity.
pub fn case() -> Case {
    case_of(ITEMS)
}

/// The same of a catalogue of another size: a tenth, tenfold, a hundredfold.
pub fn case_of(items: usize) -> Case {
    let mut rng = Rng(2_026);
    let model = SnapshotBuilder {
        factors: Some(random::factors(&mut rng, items, DIMS[0])),
        content: Some(random::content(&mut rng, items, DIMS[1])),
        ..random::builder(&mut rng, items)
    };
    let snapshot = model.build().unwrap();
    let profile = random::profile(&random::events(&mut rng, 50, items));
    let candidates = Candidates::from_rows((0..1_000).map(|_| rng.below(items) as u32).collect());
    let options = Options {
        count: 20,
        diversity: 0.3,
        exclude_purchased: true,
        exclude_out_of_stock: true,
    };
    Case {
        snapshot,
        profile,
        candidates,
        options,
    }
}

/// The bare product: 1,000 rows that have nothing but vectors of taste, all of them candidates, the best 20. The visitor's vector is
/// that of the only event.
pub fn product() -> Case {
    let mut rng = Rng(2_027);
    let mut whole = random::builder(&mut rng, ROWS);
    for row in &mut whole.blend.rows {
        (row.neighbours, row.repeat) = (0.0, 0.0);
    }
    let model = SnapshotBuilder {
        prior: vec![],
        attributes: vec![],
        neighbours: vec![],
        content: None,
        factors: Some(Factors {
            gram: None,
            ..random::factors(&mut rng, ROWS, DIMS[0])
        }),
        ..whole
    };
    let view = Event {
        item: item_hash(&random::id(0)),
        at: NOW,
        kind: EventKind::ViewItem,
    };
    Case {
        snapshot: model.build().unwrap(),
        profile: random::profile(&[view]),
        candidates: Candidates::from_rows((0..ROWS as u32).collect()),
        options: Options {
            count: 20,
            ..Options::default()
        },
    }
}
