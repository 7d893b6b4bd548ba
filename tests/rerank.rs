//! Reranking against a twin that is slow and plain, and the laws of a slate.

use crate::support::vectors::{content, factors, fold_in, product, quantize};
use crate::support::{builder, events, id, profile, Rng, NOW};
use pocketrank::{
    item_hash, AttributeRow, Candidates, Event, EventKind, Options, Profile, Ranked, Ranker, Snapshot, NO_ROW,
    OUT_OF_STOCK,
};
use proptest::prelude::*;
use std::collections::HashMap;

/// The definition: dense sums, every pair, full sorts.
fn twin(
    snapshot: &Snapshot<Vec<u8>>,
    profile: &Profile,
    now: u32,
    rows: &[u32],
    flags: &[u8],
    options: &Options,
) -> Vec<Ranked> {
    let blend = snapshot.blend();
    let at = |table: &[u16], i: usize| i64::from(table[i.min(table.len() - 1)]);
    let mut order: Vec<u64> = vec![];
    let mut kinds: HashMap<u64, (i64, u32, i64)> = HashMap::new();
    let folded = profile.aggregates().rev().map(|a| (a.item.0, a.kind, a.last, a.count));
    let events = profile
        .events()
        .iter()
        .rev()
        .map(|e| (e.item.0, e.kind, e.at / 86_400, 1));
    for (item, kind, day, count) in events
        .chain(folded)
        .filter(|(_, kind, ..)| blend.kinds[*kind as usize] != 0)
    {
        let entry = kinds.entry(item).or_insert_with(|| {
            order.push(item);
            (0, day, 0)
        });
        entry.0 += i64::from(blend.kinds[kind as usize]) * i64::from(count);
        entry.2 += i64::from(count);
    }
    let weights = blend
        .rows
        .iter()
        .rev()
        .find(|row| usize::from(row.min_history) <= order.len())
        .unwrap();
    let weigh = |(position, item): (usize, &u64)| {
        let (kinds, day, events) = kinds[item];
        let age = (now / 86_400).saturating_sub(day) as usize;
        let weight = |times: &[u16], recency: &[u16]| {
            let mean = (kinds * at(times, events as usize - 1)).div_euclid(events);
            (mean.clamp(-2047 * 4096, 2047 * 4096) * at(recency, position) * at(&blend.decay, age)) >> 37
        };
        (
            snapshot.row(pocketrank::ItemHash(*item)),
            weight(&blend.times, &weights.recency),
            weight(&blend.repeat_times, &weights.repeat_recency),
        )
    };
    let history: Vec<(Option<u32>, i64, i64)> = order.iter().enumerate().map(weigh).collect();
    let norm = history.iter().map(|(_, weight, _)| weight.abs()).sum::<i64>() as f32;
    let share = if norm > 0.0 { 1.0 / norm } else { 0.0 };
    let codes = |row: u32| snapshot.attributes().unwrap().get(row).unwrap_or_default();
    let known: Vec<(u32, i64)> = history
        .iter()
        .filter_map(|(row, weight, _)| Some(((*row)?, *weight)))
        .collect();
    let tastes = factors(snapshot.as_bytes(), snapshot.items() as usize).unwrap();
    let (taste, taste_unit) = quantize(&fold_in(&tastes, &known, blend.factor_unit, share));
    let contents = content(snapshot.as_bytes()).unwrap();
    let mut sums = vec![0.0; contents.dims];
    for (row, weight) in &known {
        for (sum, number) in sums.iter_mut().zip(&contents.rows[*row as usize].numbers) {
            *sum += (weight * i64::from(*number)) as f64;
        }
    }
    let (like, like_unit) = quantize(&sums);
    let like_unit = like_unit * blend.content_unit * blend.content_unit * share * weights.content;

    let score = |row: u32| -> f32 {
        let (mut neighbours, mut repeat, mut category, mut brand, mut band) = (0i64, 0.0, 0i64, 0i64, 0i64);
        for (source, weight, own) in history.iter().filter_map(|(row, a, b)| Some(((*row)?, *a, *b))) {
            let list = snapshot.neighbours().unwrap().row(source).unwrap();
            neighbours += weight * i64::from(list.scale) * i64::from(list.level(row));
            if source == row {
                repeat = own as f32 * (share * weights.repeat);
            }
            let (a, b) = (codes(source), codes(row));
            category += if b.category != 0 && a.category == b.category {
                weight
            } else {
                0
            };
            brand += if b.brand != 0 && a.brand == b.brand { weight } else { 0 };
            band += if b.price_band != 0 && a.price_band == b.price_band {
                weight
            } else {
                0
            };
        }
        let mut score = neighbours as f32 * (blend.neighbour_unit * share * weights.neighbours) + repeat;
        if let Some(vector) = tastes.rows.get(row as usize) {
            let product = product(&taste, vector) * i64::from(vector.scale);
            score += product as f32 * (taste_unit * blend.factor_unit * weights.factors);
        }
        if let Some(vector) = contents.rows.get(row as usize) {
            let popularity = snapshot.prior().unwrap().get(row).unwrap().popularity;
            let cold = at(&blend.cold, usize::from(popularity / 16)) as f32 / 32768.0;
            score += product(&like, vector) as f32 * (like_unit * cold);
        }
        score += category as f32 * (share * weights.category);
        score += brand as f32 * (share * weights.brand);
        score += band as f32 * (share * weights.price_band);
        if let Some(prior) = snapshot.prior().unwrap().get(row) {
            let age = (now / 86_400).saturating_sub(u32::from(prior.first_seen)) as usize;
            score += f32::from(prior.popularity) * (weights.popularity / 255.0);
            score += f32::from(prior.trend) * (weights.trend / 255.0);
            score += at(&blend.newness, age) as f32 * (weights.newness / 32768.0);
        }
        score
    };

    let met = profile.events().iter().map(|event| (event.kind, event.item));
    let met = met.chain(profile.aggregates().map(|aggregate| (aggregate.kind, aggregate.item)));
    let bought: Vec<_> = met
        .filter(|(kind, _)| *kind == EventKind::Purchase)
        .filter_map(|(_, item)| snapshot.row(item))
        .collect();
    let mut ranked: Vec<Ranked> = (0u32..)
        .zip(rows)
        .filter(|(index, row)| {
            let out = options.exclude_out_of_stock && flags[*index as usize] & OUT_OF_STOCK != 0;
            !(out || options.exclude_purchased && bought.contains(row))
        })
        .map(|(index, row)| Ranked {
            index,
            row: *row,
            score: score(*row),
        })
        .collect();
    ranked.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap());
    if options.diversity > 0.0 {
        ranked.truncate(options.count * 4);
        ranked = marginal(ranked, options, codes);
    }
    ranked.truncate(options.count);
    ranked
}

fn marginal(mut pool: Vec<Ranked>, options: &Options, codes: impl Fn(u32) -> AttributeRow) -> Vec<Ranked> {
    let (Some(best), Some(worst)) = (pool.first().copied(), pool.last().copied()) else {
        return pool;
    };
    let range = best.score - worst.score;
    let scale = if range > 0.0 {
        (1.0 - options.diversity) / range
    } else {
        0.0
    };
    let similarity = |a: AttributeRow, b: AttributeRow| {
        f32::from(u8::from(a.category != 0 && a.category == b.category)) * 0.5
            + f32::from(u8::from(a.brand != 0 && a.brand == b.brand)) * 0.25
            + f32::from(u8::from(a.price_band != 0 && a.price_band == b.price_band)) * 0.25
    };
    let mut slate: Vec<Ranked> = vec![];
    while slate.len() < options.count && !pool.is_empty() {
        let value = |ranked: &Ranked| {
            let like = slate
                .iter()
                .map(|s| similarity(codes(s.row), codes(ranked.row)))
                .fold(0f32, f32::max);
            (ranked.score - worst.score) * scale - options.diversity * like
        };
        let best = (1..pool.len()).fold(0, |best, i| if value(&pool[i]) > value(&pool[best]) { i } else { best });
        slate.push(pool.remove(best));
    }
    slate
}

fn bits(slate: &[Ranked]) -> Vec<(u32, u32, u32)> {
    slate
        .iter()
        .map(|ranked| (ranked.index, ranked.row, ranked.score.to_bits()))
        .collect()
}

fn ranker(seed: u64, items: usize) -> Ranker<Vec<u8>> {
    let mut model = builder(&mut Rng(seed), items);
    if seed % 4 == 1 {
        model.factors.as_mut().unwrap().gram = None;
    }
    Ranker::new(Snapshot::open(model.build().unwrap()).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn equals_the_plain_twin_bit_for_bit(
        seed in any::<u64>(), length in prop_oneof![5 => 0usize..40, 1 => 280usize..900], candidates in 0usize..120, count in 0usize..30,
        diversity in prop_oneof![Just(0.0f32), 0.0f32..1.0], exclude_purchased: bool, exclude_out_of_stock: bool,
    ) {
        let mut rng = Rng(seed);
        let mut ranker = ranker(seed % 8, 80);
        let options = Options { count, diversity, exclude_purchased, exclude_out_of_stock };
        // A ranker that was used before ranks as a fresh one.
        for _ in 0..2 {
            let profile = profile(&events(&mut rng, length, 80));
            let mut list = Candidates::from_rows((0..candidates).map(|_| rng.below(84) as u32).collect());
            list.flags_mut().iter_mut().for_each(|flag| *flag = u8::from(rng.below(8) == 0));
            let flags = list.flags_mut().to_vec();
            let now = NOW + rng.below(40 * 86_400) as u32;
            ranker.set_profile(&profile, now);
            let slate = ranker.rerank(&list, &options).to_vec();
            let expected = twin(ranker.snapshot(), &profile, now, list.rows(), &flags, &options);
            prop_assert_eq!(bits(&slate), bits(&expected));
            for ranked in &slate {
                let why = ranker.explain(ranked.row);
                let sum = why.parts.iter().fold(0f32, |sum, part| sum + part.value);
                prop_assert_eq!((why.score.to_bits(), sum.to_bits()), (ranked.score.to_bits(), ranked.score.to_bits()));
                prop_assert!(why.because.windows(2).all(|pair| pair[0].share >= pair[1].share));
            }
            // Rows of the slate and others, some twice, some that there are not.
            let rows: Vec<u32> = slate.iter().map(|ranked| ranked.row).chain((0..20).map(|_| rng.below(90) as u32)).collect();
            let each: Vec<_> = rows.iter().map(|row| ranker.explain(*row)).collect();
            prop_assert_eq!(ranker.explain_all(&rows), each);
        }
    }

    #[test]
    fn reranking_all_is_a_permutation(seed in any::<u64>(), candidates in 0usize..100, diversity in 0.0f32..1.0) {
        let mut rng = Rng(seed);
        let mut ranker = ranker(seed % 8, 80);
        ranker.set_profile(&profile(&events(&mut rng, 10, 80)), NOW);
        let list = Candidates::from_rows((0..candidates).map(|_| rng.below(90) as u32).collect());
        let options = Options { count: candidates, diversity, exclude_out_of_stock: false, exclude_purchased: false };
        let mut indexes: Vec<u32> = ranker.rerank(&list, &options).iter().map(|ranked| ranked.index).collect();
        indexes.sort_unstable();
        prop_assert_eq!(indexes, (0..candidates as u32).collect::<Vec<_>>());
    }
}

#[test]
fn what_was_bought_hundreds_of_events_ago_still_counts() {
    let event = |item: usize, kind, at| Event {
        item: item_hash(&id(item)),
        at,
        kind,
    };
    let views = (1..400).map(|n| event(5 + n as usize % 20, EventKind::ViewItem, NOW + n));
    let bought = |days: u32| {
        let purchase = event(3, EventKind::Purchase, NOW - days * 86_400);
        profile(&[purchase].into_iter().chain(views.clone()).collect::<Vec<_>>())
    };
    let today = bought(0);
    assert!(today.events().iter().all(|event| event.kind == EventKind::ViewItem));
    let mut model = builder(&mut Rng(1), 30);
    for row in &mut model.blend.rows {
        (row.repeat, row.repeat_recency) = (1.0, vec![pocketrank::ONE]);
    }
    let mut ranker = Ranker::new(Snapshot::open(model.build().unwrap()).unwrap());
    ranker.set_profile(&today, NOW);
    let list = Candidates::from_rows(vec![3, 4, 5]);
    let options = |exclude_purchased| Options {
        exclude_purchased,
        ..Options::default()
    };
    let rows = |slate: &[Ranked]| slate.iter().map(|ranked| ranked.row).collect::<Vec<_>>();
    assert!(rows(ranker.rerank(&list, &options(false))).contains(&3));
    assert!(!rows(ranker.rerank(&list, &options(true))).contains(&3));
    let repeat = ranker.explain(3).parts[1].value;
    assert!(repeat > 0.0);
    let mut before = bought(30);
    ranker.set_profile(&before, NOW);
    assert!(ranker.explain(3).parts[1].value < repeat, "and decays");
    before.forget_before(NOW / 86_400 - 29);
    ranker.set_profile(&before, NOW);
    assert!(
        rows(ranker.rerank(&list, &options(true))).contains(&3),
        "until it is forgotten"
    );
}

#[test]
fn without_signals_candidates_keep_their_order() {
    let mut model = builder(&mut Rng(1), 30);
    (model.prior, model.attributes, model.factors, model.content) = (vec![], vec![], None, None);
    let mut ranker = Ranker::new(Snapshot::open(model.build().unwrap()).unwrap());
    let list = Candidates::resolve(ranker.snapshot(), ["sku-9", "sku-3", "no such item", "sku-7"]);
    assert_eq!(list.rows(), [9, 3, NO_ROW, 7]);
    let slate = ranker.rerank(&list, &Options::default());
    assert_eq!(
        slate.iter().map(|ranked| ranked.index).collect::<Vec<_>>(),
        [0, 1, 2, 3]
    );
}

#[test]
fn what_goes_with_the_history_comes_first() {
    let mut model = builder(&mut Rng(1), 30);
    (model.prior, model.attributes, model.factors, model.content) = (vec![], vec![], None, None);
    model.neighbours = vec![vec![]; 30];
    model.neighbours[5] = vec![(20, 0.5), (21, 1.0)];
    let mut ranker = Ranker::new(Snapshot::open(model.build().unwrap()).unwrap());
    let event = |kind| Event {
        item: item_hash(&id(5)),
        at: NOW,
        kind,
    };
    let list = Candidates::from_rows((0..30).collect());
    let mut top = |kind| {
        ranker.set_profile(&profile(&[event(kind)]), NOW);
        ranker
            .rerank(
                &list,
                &Options {
                    count: 30,
                    ..Options::default()
                },
            )
            .iter()
            .map(|ranked| ranked.row)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        top(EventKind::ViewItem)
            .iter()
            .filter(|row| [20, 21].contains(row))
            .collect::<Vec<_>>(),
        [&21, &20]
    );
    assert_eq!(top(EventKind::Dismiss)[28..], [20, 21]);
    assert_eq!(
        top(EventKind::ViewItemList)[..3],
        [0, 1, 2],
        "an impression of weight 0 changes nothing"
    );
}

#[test]
fn another_blend_ranks_as_if_it_had_been_packed() {
    let (old, new) = (builder(&mut Rng(4), 60), builder(&mut Rng(5), 60).blend);
    let packed = pocketrank::pack::SnapshotBuilder {
        blend: new.clone(),
        ..old.clone()
    };
    let open = |model: pocketrank::pack::SnapshotBuilder| Ranker::new(Snapshot::open(model.build().unwrap()).unwrap());
    let (mut expected, mut ranker) = (open(packed), open(old));
    ranker.set_blend(new.clone()).unwrap();
    let profile = profile(&events(&mut Rng(6), 12, 60));
    let list = Candidates::from_rows((0..60).collect());
    for ranker in [&mut expected, &mut ranker] {
        ranker.set_profile(&profile, NOW);
        ranker.rerank(&list, &Options::default());
    }
    assert_eq!(bits(ranker.slate()), bits(expected.slate()));

    let mut empty = new;
    empty.rows[1].recency.clear();
    assert_eq!(ranker.set_blend(empty).unwrap_err().code(), "corrupt");
    ranker.rerank(&list, &Options::default());
    assert_eq!(
        bits(ranker.slate()),
        bits(expected.slate()),
        "a refused blend changes nothing"
    );
}

#[test]
fn the_rows_reached_are_those_with_a_part() {
    let mut ranker = ranker(3, 80);
    assert_eq!(ranker.reached().count(), 0);
    ranker.set_profile(&profile(&events(&mut Rng(8), 3, 80)), NOW);
    let reached: std::collections::HashSet<u32> = ranker.reached().collect();
    for row in 0..80 {
        let why = ranker.explain(row);
        if why.parts[0].value != 0.0 || why.parts[1].value != 0.0 {
            assert!(reached.contains(&row), "row {row}");
        }
    }
    assert!(!reached.is_empty() && reached.len() < 80);
}
