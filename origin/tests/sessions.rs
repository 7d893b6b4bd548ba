//! Sessions: their order, the transitions in them by hand and against a plain twin, who stands behind an edge, and what pruning keeps.

use crate::support::threads::on_one_and_two;
use libm::{exp, pow};
use pocketrank::EventKind;
use pocketrank_origin::control::Control;
use pocketrank_origin::dataset::Interaction;
use pocketrank_origin::error::Error;
use pocketrank_origin::progress::Progress;
use pocketrank_origin::train::sequences::Sequences;
use pocketrank_origin::train::twohop::TwoHop;
use pocketrank_origin::train::{prune_globally, Weights};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn control() -> Control {
    Control::new(Progress::hidden())
}

/// Sessions `(user, items)`, oldest first.
fn sequences(sessions: &[(u32, Vec<u32>)]) -> Sequences {
    let mut sequences = Sequences::default();
    for (at, (user, items)) in (0i64..).zip(sessions) {
        sequences.items.extend(items);
        sequences.ends.push(sequences.items.len() as u32);
        sequences.users.push(*user);
        sequences.at.push(at);
    }
    sequences
}

fn event(session: u32, item: u32, at: i64, kind: EventKind) -> Interaction {
    Interaction {
        user: session + 10,
        session,
        item,
        kind,
        at,
        quantity: 1.0,
    }
}

/// Every pair counts 1 and nothing else matters.
const PLAIN: TwoHop = TwoHop {
    a: 0.0,
    b: 1.0,
    ab: 0.0,
    tau: f64::INFINITY,
    gamma: 0.0,
    alpha: 0.0,
    beta: 0.0,
    p: 1.0,
    eps: 0.0,
    pw: 1.0,
    hops: 30,
    keep: 60,
};

#[test]
fn sessions_stand_in_the_order_of_their_last_click_with_repeats_and_shipped_items_only() {
    let view = EventKind::ViewItem;
    let events = [
        event(0, 1, 100, view),
        event(1, 2, 100, view),
        event(0, 3, 100, EventKind::RemoveFromCart),
        event(2, 0, 150, view),
        event(1, 2, 200, view),
        event(1, 1, 200, EventKind::Purchase),
        event(0, 2, 300, view),
        event(1, 2, 400, EventKind::Dismiss),
    ];
    let rows = [None, Some(0), Some(1), Some(2)];
    let sequences = Sequences::new(&events, &rows);
    assert_eq!(sequences.iter().collect::<Vec<_>>(), [&[1u32, 1, 0][..], &[0, 1]]);
    assert_eq!((&*sequences.users, &*sequences.at), (&[11, 10][..], &[200, 300][..]));
    assert_eq!(sequences.clicks(3), [2, 3, 0]);
    let (older, newer) = sequences.split_at(1);
    assert_eq!(older.iter().collect::<Vec<_>>(), [&[1u32, 1, 0][..]]);
    assert_eq!(newer.iter().collect::<Vec<_>>(), [&[0u32, 1][..]]);
    assert_eq!((newer.users, newer.at), (vec![10], vec![300]));
}

#[test]
fn sessions_whose_clicks_have_equal_times_keep_the_order_of_the_input() {
    let events = [3, 1, 2, 0].map(|item| event(item % 2, item, 7, EventKind::ViewItem));
    let sequences = Sequences::new(&events, &[0, 1, 2, 3].map(Some));
    assert_eq!(sequences.iter().collect::<Vec<_>>(), [&[3u32, 1][..], &[2, 0]]);
    assert_eq!(Sequences::new(&[], &[]), Sequences::default());
}

#[test]
fn transitions_are_those_counted_by_hand() {
    // 0 ► 1 ► 2: forwards 1/lag, backwards half of it by the square of the lag.
    let model = TwoHop {
        a: 1.0,
        b: 0.5,
        ab: 2.0,
        ..PLAIN
    };
    let weights = model
        .fit(&sequences(&[(0, vec![0, 1, 2]), (1, vec![0, 0])]), 4, 1, &control())
        .unwrap();
    // Heaviest: 1, 1 and 0.5 in rows of 3, 1 and 1 clicks: the mean is 0.9.
    let expected: Weights = vec![
        vec![(1, 1.0 / 0.9), (2, 0.5 / 0.9)],
        vec![(2, 1.0 / 0.9), (0, 0.5 / 0.9)],
        vec![(1, 0.5 / 0.9), (0, 0.125 / 0.9)],
        vec![],
    ];
    close(&weights, &expected);
}

#[test]
fn newer_and_shorter_sessions_count_more() {
    let model = TwoHop {
        tau: 0.5,
        gamma: 1.0,
        ..PLAIN
    };
    let weights = model
        .fit(&sequences(&[(0, vec![0, 1]), (1, vec![0, 2, 3, 3])]), 4, 1, &control())
        .unwrap();
    let to = |target: u32| weights[0].iter().find(|to| to.0 == target).unwrap().1;
    // The older session is half of all sessions old: e^-1, over 2 clicks against over 4.
    assert!((to(1) / to(2) - 2.0 / std::f32::consts::E).abs() < 1e-5);
    assert!((to(3) / to(2) - 2.0).abs() < 1e-5);
}

#[test]
fn a_second_hop_reaches_what_no_session_joins() {
    let sessions = sequences(&[(0, vec![0, 1]), (1, vec![1, 2])]);
    let one = PLAIN.fit(&sessions, 3, 1, &control()).unwrap();
    assert_eq!(one[0], [(1, 1.0)]);
    let model = TwoHop { eps: 0.5, ..PLAIN };
    let two = model.fit(&sessions, 3, 1, &control()).unwrap();
    // 0 ► 1 ► 2 has half a way; so has 2 ► 1 ► 0; 1 has none. Scaled to a mean of 1 they count eps.
    close(
        &two,
        &vec![
            vec![(1, 1.0), (2, 0.5)],
            vec![(0, 1.0), (2, 1.0)],
            vec![(1, 1.0), (0, 0.5)],
        ],
    );
}

#[test]
fn each_hop_stands_on_enough_customers() {
    // 0-1 by users 0, 0 and 1; 1-2 by users 2 and 3; 2-3 twice by user 4 alone.
    let sessions = [
        (0, 0, 1),
        (0, 0, 1),
        (1, 0, 1),
        (2, 1, 2),
        (3, 1, 2),
        (4, 2, 3),
        (4, 2, 3),
    ];
    let sessions = sequences(&sessions.map(|(user, from, to)| (user, vec![from, to])));
    let model = TwoHop { eps: 0.5, ..PLAIN };
    let targets = |min_customers| -> Vec<BTreeSet<u32>> {
        let weights = model.fit(&sessions, 4, min_customers, &control()).unwrap();
        weights.iter().map(|row| row.iter().map(|to| to.0).collect()).collect()
    };
    let sets = |sets: [&[u32]; 4]| sets.map(|set| set.iter().copied().collect::<BTreeSet<_>>());
    assert_eq!(targets(1), sets([&[1, 2], &[0, 2, 3], &[0, 1, 3], &[1, 2]]));
    assert_eq!(targets(2), sets([&[1, 2], &[0, 2], &[0, 1], &[]]));
    assert_eq!(targets(3), sets([&[], &[], &[], &[]]));
}

#[test]
fn odd_input_gives_empty_rows() {
    let fit = |sessions: &[(u32, Vec<u32>)], items| {
        TwoHop::default()
            .fit(&sequences(sessions), items, 1, &control())
            .unwrap()
    };
    assert!(fit(&[], 0).is_empty());
    assert_eq!(fit(&[], 2), vec![vec![]; 2]);
    assert_eq!(fit(&[(0, vec![0])], 1), vec![vec![]; 1]);
    assert_eq!(fit(&[(0, vec![0, 0, 0])], 1), vec![vec![]; 1]);
    assert_eq!(fit(&[(0, vec![0]), (1, vec![1]), (2, vec![])], 2), vec![vec![]; 2]);
    let mut none: Weights = vec![];
    prune_globally(&mut none, &[], 10);
    assert!(none.is_empty());
}

#[test]
fn work_that_is_stopped_ends() {
    let control = control();
    control.stop();
    let fitted = TwoHop::default().fit(&sequences(&[(0, vec![0, 1])]), 2, 1, &control);
    assert!(matches!(fitted, Err(Error::Interrupted)));
}

#[test]
fn pruning_keeps_the_heaviest_edges_of_all_rows_and_three_of_each() {
    let mut weights: Weights = vec![
        (1..=9).map(|to| (to, 10.0 - to as f32)).collect(),
        (2..=6).map(|to| (to, 0.1 / to as f32)).collect(),
        vec![(0, 5.0)],
    ];
    let mut by_popularity = weights.clone();
    prune_globally(&mut weights, &[1, 1, 1], 9);
    // Twice the average is 6: it caps the first row at the spare 5 entries.
    assert_eq!(weights.iter().map(Vec::len).collect::<Vec<_>>(), [5, 3, 1]);
    assert_eq!(weights[0][4], (5, 5.0));
    // 0.025 against 6.0: a popular source counts for more, by the tenth root.
    prune_globally(&mut by_popularity, &[1, u32::MAX, 1], 9);
    assert_eq!(by_popularity.iter().map(Vec::len).collect::<Vec<_>>(), [5, 3, 1]);
    let mut two: Weights = vec![
        (0..5).map(|to| (to, 1.0)).collect(),
        (0..5).map(|to| (to, 0.9)).collect(),
    ];
    prune_globally(&mut two, &[1, 8], 8);
    assert_eq!(two.iter().map(Vec::len).collect::<Vec<_>>(), [3, 5]);
}

fn close(found: &Weights, expected: &Weights) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            found.windows(2).all(|pair| pair[0].1 >= pair[1].1),
            "heaviest first: {found:?}"
        );
        let by_target = |row: &[(u32, f32)]| row.iter().copied().collect::<BTreeMap<_, _>>();
        let (found, expected) = (by_target(found), by_target(expected));
        assert!(found.keys().eq(expected.keys()), "{found:?} is not {expected:?}");
        for (target, weight) in expected {
            assert!(
                (found[&target] / weight - 1.0).abs() < 1e-3,
                "{target}: {} is not {weight}",
                found[&target]
            );
        }
    }
}

/// The formulas, pair by pair, in doubles.
fn twin(model: &TwoHop, sessions: &[(u32, Vec<u32>)], items: usize, min_customers: usize) -> Weights {
    let mut counts = vec![vec![0.0; items]; items];
    let mut customers = vec![vec![BTreeSet::new(); items]; items];
    let (mut faded, mut clicks) = (vec![0.0; items], vec![0.0; items]);
    for (at, (user, session)) in sessions.iter().enumerate() {
        let age = (sessions.len() - 1 - at) as f64 / sessions.len() as f64;
        for (x, i) in session.iter().enumerate() {
            faded[*i as usize] += exp(-age / model.tau);
            clicks[*i as usize] += 1.0;
            for (y, j) in session.iter().enumerate() {
                let lag = x.abs_diff(y) as f64;
                if i == j || lag > 50.0 {
                    continue;
                }
                let count = if y > x {
                    pow(lag, -model.a)
                } else {
                    model.b * pow(lag, -model.ab)
                };
                counts[*i as usize][*j as usize] +=
                    count * exp(-age / model.tau) * pow(session.len() as f64, -model.gamma);
                customers[*i as usize][*j as usize].insert(user);
            }
        }
    }
    let each = |of: &dyn Fn(usize, usize) -> f64| -> Vec<Vec<f64>> {
        (0..items).map(|i| (0..items).map(|j| of(i, j)).collect()).collect()
    };
    let scaled = |table: Vec<Vec<f64>>| {
        let heaviest: Vec<f64> = table
            .iter()
            .map(|row| row.iter().copied().fold(0.0, f64::max))
            .collect();
        let all: f64 = (0..items).filter(|i| heaviest[*i] > 0.0).map(|i| clicks[i]).sum();
        let mean = (0..items).map(|i| heaviest[i] * clicks[i]).sum::<f64>() / all;
        each(&|i, j| if table[i][j] > 0.0 { table[i][j] / mean } else { 0.0 })
    };
    let one = scaled(each(&|i, j| {
        if customers[i][j].len() < min_customers.max(1) {
            return 0.0;
        }
        pow(
            counts[i][j] * pow(faded[i], -model.alpha) * pow(faded[j], -model.beta),
            model.p,
        )
    }));
    let sum = |i: usize| -> f64 { one[i].iter().map(|weight| pow(*weight, model.pw)).sum() };
    let walk = each(&|i, j| {
        if one[i][j] > 0.0 {
            pow(one[i][j], model.pw) / sum(i)
        } else {
            0.0
        }
    });
    let two = scaled(each(&|i, j| {
        let ways: f64 = (0..items).map(|k| walk[i][k] * walk[k][j]).sum();
        if i == j {
            0.0
        } else {
            pow(ways, 1.0 / model.pw)
        }
    }));
    let weights = each(&|i, j| one[i][j] + model.eps * two[i][j]);
    let row = |row: &Vec<f64>| {
        let mut row: Vec<(u32, f32)> = (0u32..).zip(row.iter().map(|weight| *weight as f32)).collect();
        row.retain(|(_, weight)| *weight > 0.0);
        row.sort_by(|a, b| b.1.total_cmp(&a.1));
        row
    };
    weights.iter().map(row).collect()
}

fn sessions() -> impl Strategy<Value = Vec<(u32, Vec<u32>)>> {
    let session = (
        0u32..6,
        prop_oneof![
            4 => prop::collection::vec(0u32..12, 0..6),
            1 => prop::collection::vec(0u32..12, 50..70),
        ],
    );
    prop::collection::vec(session, 0..25)
}

prop_compose! {
    fn models()(a in 0.0..2.0, b in 0.0..1.5, ab in 0.0..2.0, tau in 0.1..2.0, gamma in 0.0..1.0)
        (alpha in 0.0..1.0, beta in -0.2..0.5, p in 0.3..1.2, eps in 0.0..1.0, pw in 0.5..3.0,
         a in Just(a), b in Just(b), ab in Just(ab), tau in Just(tau), gamma in Just(gamma)) -> TwoHop {
        TwoHop { a, b, ab, tau, gamma, alpha, beta, p, eps, pw, ..TwoHop::default() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_table_is_the_twins(sessions in sessions(), model in models(), min_customers in 1u32..4) {
        let weights = model.fit(&sequences(&sessions), 12, min_customers, &control()).unwrap();
        close(&weights, &twin(&model, &sessions, 12, min_customers as usize));
    }

    #[test]
    fn pruning_keeps_prefixes_and_no_more_than_asked(rows in prop::collection::vec(0usize..30, 1..20), entries in 0usize..200) {
        let full: Weights = rows.iter().enumerate()
            .map(|(row, len)| (0..*len as u32).map(|to| (to, (row * 7 % 5 + 1) as f32 / (to + 1) as f32)).collect())
            .collect();
        let mut pruned = full.clone();
        prune_globally(&mut pruned, &vec![1; rows.len()], entries);
        let least: usize = rows.iter().map(|len| *len.min(&3)).sum();
        prop_assert!(pruned.iter().map(Vec::len).sum::<usize>() <= entries.max(least));
        for (pruned, full) in pruned.iter().zip(&full) {
            prop_assert!(pruned.len() >= full.len().min(3));
            prop_assert_eq!(&pruned[..], &full[..pruned.len()]);
        }
    }
}

#[test]
fn threads_change_no_bit() {
    let sessions: Vec<(u32, Vec<u32>)> = (0..300u32)
        .map(|n| (n % 40, (0..n % 9).map(|k| (n * 7 + k * k * 3) % 150).collect()))
        .collect();
    let sessions = sequences(&sessions);
    let fit = || TwoHop::default().fit(&sessions, 150, 1, &control()).unwrap();
    let (alone, two) = on_one_and_two(fit);
    assert_eq!(alone, two);
    assert!(alone.iter().any(|row| row.len() > 10));
}
