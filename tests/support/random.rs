//! Random snapshots, profiles and candidates from a seed, for the tests of all hosts.
#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use pocketrank::pack::{Content, Factors, Gram, SnapshotBuilder};
use pocketrank::{
    item_hash, AttributeRow, Blend, BlendRow, Choice, Consent, Event, EventKind, Grant, Labels, Meta, Mode, PriorRow,
    Profile, Signals, ONE,
};

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// From 0 to 1.
    pub fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 24) as f32
    }
}

/// 2023-11-14, the day of the newest event of the random models.
pub const NOW: u32 = 19_675 * 86_400 + 3_600;

pub fn id(row: usize) -> String {
    format!("sku-{row}")
}

pub fn grant() -> Grant {
    let choice = Some(Choice {
        mode: Mode::Session,
        capsule: true,
    });
    Consent::decide(&Signals {
        choice,
        ..Signals::default()
    })
    .grant()
    .unwrap()
}

/// Factors that fall from 1.0 to 0.
pub fn falling(len: usize) -> Vec<u16> {
    (0..len).map(|i| (usize::from(ONE) * (len - i) / len) as u16).collect()
}

pub fn builder(rng: &mut Rng, items: usize) -> SnapshotBuilder {
    let (categories, brands, bands) = (7, 11, 5);
    let names = |prefix: &str, n: usize| (1..=n).map(|i| format!("{prefix} {i}")).collect();
    let row = |rng: &mut Rng, min_history| BlendRow {
        min_history,
        recency: falling(20 + rng.below(8)),
        repeat_recency: falling(1 + rng.below(8)),
        neighbours: rng.unit() * 50.0,
        repeat: rng.unit() - 0.5,
        factors: rng.unit() * 0.5,
        content: rng.unit(),
        category: rng.unit(),
        brand: rng.unit() * 0.5,
        price_band: rng.unit() * 0.25,
        popularity: rng.unit(),
        trend: rng.unit() * 0.5,
        newness: rng.unit() * 0.3,
    };
    SnapshotBuilder {
        meta: Meta {
            model: "random".into(),
            trained_until: NOW,
            min_customers: 1,
            currency: "EUR".into(),
            ..Meta::default()
        },
        blend: Blend {
            kinds: [0, 128, 256, 512, 768, -512, 900, 1024, -1024],
            decay: falling(60),
            newness: falling(90),
            times: vec![4_096, 7_000, 9_000, 65_535],
            repeat_times: vec![4_096, 6_000],
            cold: falling(16),
            rows: vec![row(rng, 0), row(rng, 1), row(rng, 4)],
            ..Blend::default()
        },
        ids: (0..items).map(id).collect(),
        prior: (0..items)
            .map(|_| PriorRow {
                popularity: rng.below(256) as u8,
                trend: rng.below(256) as u8,
                first_seen: (19_675 - rng.below(200)) as u16,
            })
            .collect(),
        attributes: (0..items)
            .map(|_| AttributeRow {
                category: rng.below(categories + 1) as u16,
                brand: rng.below(brands + 1) as u16,
                price_band: rng.below(bands + 1) as u8,
            })
            .collect(),
        labels: Labels {
            categories: names("category", categories),
            brands: names("brand", brands),
            price_bands: names("band", bands),
        },
        neighbours: (0..items).map(|source| neighbours(rng, source, items)).collect(),
        factors: Some(factors(rng, items, 12)),
        content: Some(content(rng, items, 10)),
        ..SnapshotBuilder::default()
    }
}

/// Vectors of very different lengths, and the matrix of their products.
pub fn factors(rng: &mut Rng, items: usize, dims: usize) -> Factors {
    let rows: Vec<f32> = (0..items)
        .flat_map(|_| {
            let length = rng.unit() * rng.unit();
            (0..dims).map(|_| (rng.unit() - 0.4) * length).collect::<Vec<_>>()
        })
        .collect();
    // Row by row, so that a million of them are read once.
    let mut products = vec![0.0f32; dims * dims];
    for row in rows.chunks(dims) {
        for (sums, a) in products.chunks_mut(dims).zip(row) {
            sums.iter_mut().zip(row).for_each(|(sum, b)| *sum += a * b);
        }
    }
    let gram = Gram {
        matrix: products.into_iter().map(|product| 0.1 * product).collect(),
        ridge: vec![0.2, 0.3, 0.5],
        confidence: 1.5,
    };
    Factors {
        dims,
        rows,
        gram: Some(gram),
        unit: None,
    }
}

/// Vectors of length 1, and some that are 0.
pub fn content(rng: &mut Rng, items: usize, dims: usize) -> Content {
    let row = |_| {
        let row: Vec<f32> = (0..dims).map(|_| rng.unit() - 0.5).collect();
        let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
        let known = f32::from(u8::from(rng.below(8) > 0));
        row.into_iter().map(|value| value / length * known).collect::<Vec<_>>()
    };
    let rows = (0..items).flat_map(row).collect();
    Content { dims, rows, unit: None }
}

fn neighbours(rng: &mut Rng, source: usize, items: usize) -> Vec<(u32, f32)> {
    let count = rng.below(21).min(items - 1);
    let mut row = std::collections::BTreeMap::new();
    while row.len() < count {
        let target = rng.below(items);
        if target != source {
            row.insert(target as u32, 0.001 + rng.unit() * 0.1);
        }
    }
    row.into_iter().collect()
}

/// Events with known, unknown and repeated items, all kinds, over 80 days.
pub fn events(rng: &mut Rng, count: usize, items: usize) -> Vec<Event> {
    (0..count)
        .map(|_| Event {
            item: item_hash(&id(rng.below(items + items / 8 + 1))),
            at: NOW - rng.below(80 * 86_400) as u32,
            kind: EventKind::ALL[rng.below(EventKind::COUNT)],
        })
        .collect()
}

pub fn profile(events: &[Event]) -> Profile {
    let grant = grant();
    let mut profile = Profile::default();
    events.iter().for_each(|event| profile.record(&grant, *event));
    profile
}
