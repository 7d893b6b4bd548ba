//! Learned edges: what trees make of counts, what they change in a table and what they may not; and the tables that weigh a
//! session's items, through the runtime.

use crate::support::threads::on_one_and_two;
use pocketrank_origin::control::Control;
use pocketrank_origin::error::Error;
use pocketrank_origin::progress::Progress;
use pocketrank_origin::train::edges::{Boost, Edges, Target};
use pocketrank_origin::train::sequences::Sequences;
use pocketrank_origin::train::twohop::TwoHop;
use pocketrank_origin::train::Weights;

fn control() -> Control {
    Control::new(Progress::hidden())
}

/// Sessions of as many users, oldest first.
fn sequences(sessions: impl IntoIterator<Item = Vec<u32>>) -> Sequences {
    let mut sequences = Sequences::default();
    for (at, items) in (0u32..).zip(sessions) {
        sequences.items.extend(items);
        sequences.ends.push(sequences.items.len() as u32);
        sequences.users.push(at);
        sequences.at.push(i64::from(at));
    }
    sequences
}

/// Fifty sources, each followed by an old target in the first six tenths of the sessions, from then on by a new one.
fn fashions() -> Sequences {
    sequences((0..3000u32).map(|n| {
        let source = n * 7 % 50;
        let target = if n < 1800 { 50 + source } else { 100 + source };
        vec![source, target]
    }))
}

#[test]
fn trees_learn_the_rates_of_what_the_features_tell_apart() {
    let boost = Boost {
        trees: 200,
        depth: 2,
        rate: 0.2,
        ridge: 1.0,
        least: 1.0,
    };
    // Rates of 0.02, 0.1, 0.1 and 0.5 by two features; the third says nothing.
    let rows: Vec<[f32; 3]> = (0..4000)
        .map(|n| [(n % 2) as f32, (n / 2 % 2) as f32, (n % 7) as f32])
        .collect();
    let rate = |row: &[f32; 3]| 0.02 * if row[0] > 0.0 { 5.0 } else { 1.0 } * if row[1] > 0.0 { 5.0 } else { 1.0 };
    let targets: Vec<Target> = rows
        .iter()
        .map(|row| Target {
            count: 10.0 * rate(row),
            chances: 10.0,
        })
        .collect();
    let trees = boost.fit(rows.as_flattened(), 3, &targets, &control()).unwrap();
    for row in &rows {
        let found = libm::exp(trees.predict(row)) as f32;
        assert!((found / rate(row) - 1.0).abs() < 0.02, "{row:?}: {found}");
    }
    // Nothing was counted: a small rate, the same for all.
    let none = vec![
        Target {
            count: 0.0,
            chances: 10.0
        };
        4000
    ];
    let trees = boost.fit(rows.as_flattened(), 3, &none, &control()).unwrap();
    assert_eq!(trees.predict(&rows[0]), trees.predict(&rows[3]));
    assert!(trees.predict(&rows[0]) < -8.0);
}

#[test]
fn without_a_share_the_table_stays_as_it_was() {
    let sessions = fashions();
    let edges = Edges::default();
    let learned = edges.fit(&sessions, 150, 2, &control()).unwrap().weights(1.0, 0.0);
    let table = edges.two_hop.fit(&sessions, 150, 2, &control()).unwrap();
    assert!(table.iter().any(|row| row.len() > 1));
    for (learned, table) in learned.iter().zip(&table) {
        assert_eq!(learned.len(), table.len());
        for (learned, table) in learned.iter().zip(table) {
            assert!((learned.1 / table.1 - 1.0).abs() < 1e-3);
        }
    }
}

#[test]
fn what_was_followed_later_counts_more_than_what_was_followed_more_often() {
    let edges = Edges {
        two_hop: TwoHop {
            tau: 100.0,
            eps: 0.0,
            ..TwoHop::default()
        },
        ..Edges::default()
    };
    let learned = edges.fit(&fashions(), 150, 1, &control()).unwrap();
    let first = |weights: &Weights| (0..50).filter(|row| weights[*row][0].0 >= 100).count();
    assert_eq!(first(&learned.weights(1.0, 0.0)), 0);
    assert_eq!(first(&learned.weights(1.0, 1.0)), 50);
}

#[test]
fn no_edge_comes_from_learning() {
    let sessions = sequences([
        vec![0, 1],
        vec![0, 1],
        vec![1, 2],
        vec![0, 1],
        vec![1, 2],
        vec![2, 3],
        vec![0, 1],
    ]);
    let targets = |min_customers| -> Vec<Vec<u32>> {
        let learned = Edges::default().fit(&sessions, 4, min_customers, &control()).unwrap();
        let sorted = |row: &Vec<(u32, f32)>| {
            let mut row: Vec<u32> = row.iter().map(|to| to.0).collect();
            row.sort_unstable();
            row
        };
        learned.weights(0.7, 0.8).iter().map(sorted).collect()
    };
    assert_eq!(targets(2), [vec![1, 2], vec![0, 2], vec![0, 1], vec![]]);
    assert_eq!(targets(4), [vec![1], vec![0], vec![], vec![]]);
    assert_eq!(targets(5), vec![Vec::<u32>::new(); 4]);
}

#[test]
fn odd_input_and_a_stop_are_no_trouble() {
    let fit = |sessions: Vec<Vec<u32>>, items| {
        let learned = Edges::default()
            .fit(&sequences(sessions), items, 1, &control())
            .unwrap();
        learned.weights(0.7, 0.8)
    };
    assert!(fit(vec![], 0).is_empty());
    assert_eq!(fit(vec![vec![], vec![0], vec![0, 0]], 2), vec![vec![]; 2]);
    assert_eq!(fit(vec![vec![0, 1]], 2)[0].len(), 1);
    let control = control();
    control.stop();
    let fitted = Edges::default().fit(&fashions(), 150, 1, &control);
    assert!(matches!(fitted, Err(Error::Interrupted)));
}

#[test]
fn threads_change_no_bit() {
    let fit = || {
        Edges::default()
            .fit(&fashions(), 150, 1, &control())
            .unwrap()
            .weights(0.7, 0.8)
    };
    let (alone, two) = on_one_and_two(fit);
    assert_eq!(alone, two);
}
