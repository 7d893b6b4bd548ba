//! Models of lists (sets of items), each against a small dense reference written plainly here.

use crate::support::threads::on_one_and_two;
use pocketrank_origin::control::Control;
use pocketrank_origin::error::Error;
use pocketrank_origin::progress::Progress;
use pocketrank_origin::train::ease::Ease;
use pocketrank_origin::train::gram::{Gram, Slots};
use pocketrank_origin::train::interactions::Interactions;
use pocketrank_origin::train::ridge::Ridge;
use pocketrank_origin::train::Weights;

/// Groups of one user each.
fn interactions(groups: &[&[u32]], items: usize) -> Interactions {
    let by_group: Vec<Vec<u32>> = groups.iter().map(|group| group.to_vec()).collect();
    let mut by_item = vec![vec![]; items];
    for (group, items) in (0u32..).zip(&by_group) {
        items.iter().for_each(|item| by_item[*item as usize].push(group));
    }
    Interactions {
        users: (0..by_group.len() as u32).collect(),
        by_group,
        by_item,
    }
}

/// Users of two tastes (even and odd items), with a few of the other's.
fn tastes(users: u32, items: u32) -> Interactions {
    let mut state = 7u32;
    let mut random = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % below
    };
    let groups: Vec<Vec<u32>> = (0..users)
        .map(|user| {
            let mut group: Vec<u32> = (0..3 + random(8))
                .map(|_| {
                    let taste = if random(10) == 0 { user + 1 } else { user } % 2;
                    (random(items / 2).min(random(items / 2)) * 2 + taste).min(items - 1)
                })
                .collect();
            group.sort_unstable();
            group.dedup();
            group
        })
        .collect();
    interactions(&groups.iter().map(Vec::as_slice).collect::<Vec<_>>(), items as usize)
}

fn idle() -> Control {
    Control::new(Progress::hidden())
}

/// `sum of |H|^-exponent` over the groups with both.
fn gram(interactions: &Interactions, exponent: f64) -> Vec<Vec<f64>> {
    let items = interactions.items();
    let mut gram = vec![vec![0.0; items]; items];
    for group in &interactions.by_group {
        for i in group {
            for j in group {
                gram[*i as usize][*j as usize] += libm::pow(group.len() as f64, -exponent);
            }
        }
    }
    gram
}

fn weight(weights: &Weights, source: usize, target: usize) -> f64 {
    let found = weights[source].iter().find(|(item, _)| *item == target as u32);
    found.map_or(0.0, |(_, weight)| f64::from(*weight))
}

/// Without the factors that only scale what the regression gives.
fn plain() -> Ridge {
    Ridge {
        per_source: 1000,
        per_target: 1000,
        row_norm: 0.0,
        walk: 0.0,
        popularity: 0.0,
        ..Ridge::default()
    }
}

fn the_same_on_one_and_two_threads<T: PartialEq + std::fmt::Debug>(fit: impl Fn() -> T) {
    let (one, two) = on_one_and_two(fit);
    assert_eq!(one, two);
}

#[test]
fn the_sparse_gram_matrix_is_the_dense_one() {
    let shop = tastes(60, 30);
    let (sparse, dense) = (Gram::new(&shop, 0.25, &idle()).unwrap(), gram(&shop, 0.25));
    let items: Vec<u32> = (0..30).rev().filter(|item| item % 3 != 1).collect();
    let (mut slots, mut block) = (Slots::new(30), vec![]);
    for _ in 0..2 {
        sparse.gather(&items, &mut slots, &mut block);
        for (row, i) in items.iter().enumerate() {
            for (column, j) in items.iter().enumerate() {
                let (is, should) = (block[row * items.len() + column], dense[*i as usize][*j as usize]);
                assert!((f64::from(is) - should).abs() < 1e-5, "{i} {j}: {is} {should}");
            }
        }
    }
}

#[test]
fn a_ridge_on_all_edges_meets_the_conditions_of_the_bounded_optimum() {
    let shop = tastes(200, 24);
    let gram = gram(&shop, 0.25);
    let (lambda, dropout, l1) = (5.0, 0.2, 0.5);
    let weights = Ridge {
        lambda,
        dropout,
        l1,
        ..plain()
    }
    .fit(&shop, 1, &idle())
    .unwrap();
    let mut zeros = 0;
    for target in 0..24 {
        for source in (0..24).filter(|source| *source != target) {
            let b = weight(&weights, source, target);
            let others = (0..24).filter(|other| *other != target);
            let explained: f64 = others
                .map(|other| gram[source][other] * weight(&weights, other, target))
                .sum();
            let ridge = lambda + dropout / (1.0 - dropout) * gram[source][source];
            let slope = gram[source][target] - l1 - explained - ridge * b;
            if b > 0.0 {
                assert!(slope.abs() < 0.02, "{source} {target}: {slope}");
            } else {
                assert!(slope < 0.02, "{source} {target}: {slope}");
                zeros += 1;
            }
        }
    }
    assert!((10..500).contains(&zeros), "{zeros}");
}

#[test]
fn a_ridge_keeps_to_its_support_and_scales_rows() {
    let shop = tastes(300, 40);
    let edges = |ridge: &Ridge| -> usize { ridge.fit(&shop, 1, &idle()).unwrap().iter().map(Vec::len).sum() };
    let few = Ridge {
        per_source: 3,
        per_target: 2,
        lambda: 5.0,
        ..plain()
    };
    assert!((40..=200).contains(&edges(&few)), "{}", edges(&few));
    let none = Ridge {
        per_source: 0,
        per_target: 0,
        ..plain()
    };
    assert_eq!(edges(&none), 0);
    let only_targets = Ridge { per_source: 0, ..few };
    let weights = only_targets.fit(&shop, 1, &idle()).unwrap();
    let mut sources = [0; 40];
    weights
        .iter()
        .flatten()
        .for_each(|(target, _)| sources[*target as usize] += 1);
    assert!(sources.iter().all(|sources| *sources <= 2));

    let even = Ridge { row_norm: 1.0, ..few }.fit(&shop, 1, &idle()).unwrap();
    for row in even.iter().filter(|row| !row.is_empty()) {
        assert!((row.iter().map(|(_, weight)| weight).sum::<f32>() - 1.0).abs() < 1e-4);
        assert!(row.is_sorted_by(|a, b| a.1 >= b.1));
    }
    let mixed = Ridge {
        row_norm: 1.0,
        walk: 0.5,
        ..few
    }
    .fit(&shop, 1, &idle())
    .unwrap();
    for row in mixed.iter().filter(|row| !row.is_empty()) {
        assert!((row.iter().map(|(_, weight)| weight).sum::<f32>() - 1.5).abs() < 1e-4);
    }
}

#[test]
fn edges_of_a_ridge_have_customers_behind_them() {
    let mut shop = tastes(120, 20);
    // Two groups in a row are one customer's.
    shop.users = (0..120).map(|group| group / 2).collect();
    let ridge = Ridge { lambda: 1.0, ..plain() };
    let all = ridge.fit(&shop, 1, &idle()).unwrap();
    let safe = ridge.fit(&shop, 4, &idle()).unwrap();
    let customers = |i: usize, j: u32| {
        let with = |group: &usize| [i as u32, j].iter().all(|item| shop.by_group[*group].contains(item));
        let mut users: Vec<u32> = (0..120).filter(with).map(|group| shop.users[group]).collect();
        users.dedup();
        users.len()
    };
    let of = |weights: &Weights| -> usize { weights.iter().map(Vec::len).sum() };
    assert!(of(&safe) > 0 && of(&safe) < of(&all));
    for (source, row) in safe.iter().enumerate() {
        assert!(row.iter().all(|(target, _)| customers(source, *target) >= 4));
    }
}

#[test]
fn a_ridge_is_the_same_on_any_number_of_threads() {
    let shop = tastes(400, 150);
    the_same_on_one_and_two_threads(|| Ridge::default().fit(&shop, 1, &idle()).unwrap());
}

#[test]
fn a_ridge_takes_odd_input() {
    for (groups, items) in [(&[][..], 0), (&[], 3), (&[&[0][..]], 1), (&[&[], &[1], &[1, 2]], 4)] {
        let shop = interactions(groups, items);
        let weights = Ridge::default().fit(&shop, 1, &idle()).unwrap();
        assert_eq!(weights.len(), items);
        assert!(weights
            .iter()
            .flatten()
            .all(|(_, weight)| weight.is_finite() && *weight > 0.0));
    }
    for wrong in [
        Ridge { lambda: 0.0, ..plain() },
        Ridge {
            dropout: 1.0,
            ..plain()
        },
        Ridge {
            lambda: f64::NAN,
            ..plain()
        },
    ] {
        assert!(matches!(wrong.fit(&tastes(9, 4), 1, &idle()), Err(Error::Usage(_))));
    }
    let stopped = idle();
    stopped.stop();
    let stopped = Ridge::default().fit(&tastes(9, 4), 1, &stopped);
    assert!(matches!(stopped, Err(Error::Interrupted)));
}

/// By Gauss and Jordan's elimination.
fn inverse(mut matrix: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let n = matrix.len();
    for (row, values) in matrix.iter_mut().enumerate() {
        values.extend((0..n).map(|column| f64::from(u8::from(row == column))));
    }
    for pivot in 0..n {
        let own = matrix[pivot][pivot];
        matrix[pivot].iter_mut().for_each(|value| *value /= own);
        let line = matrix[pivot].clone();
        for row in (0..n).filter(|row| *row != pivot) {
            let factor = matrix[row][pivot];
            matrix[row]
                .iter_mut()
                .zip(&line)
                .for_each(|(value, line)| *value -= factor * line);
        }
    }
    matrix.into_iter().map(|row| row[n..].to_vec()).collect()
}

#[test]
fn ease_is_the_closed_form_where_it_is_positive() {
    let shop = tastes(90, 6);
    let mut matrix = gram(&shop, 0.5);
    for (item, row) in matrix.iter_mut().enumerate() {
        row[item] += 4.0 + 0.25 / 0.75 * row[item];
    }
    let inverse = inverse(matrix);
    let ease = Ease {
        lambda: 4.0,
        dropout: 0.25,
        gram_exponent: 0.5,
        neighbours: 6,
    };
    let weights = ease.fit(&shop, 1, &idle()).unwrap();
    let mut positive = 0;
    for i in 0..6 {
        for j in (0..6).filter(|j| *j != i) {
            let should = (-inverse[i][j] / inverse[j][j]).max(0.0);
            positive += u32::from(should > 0.0);
            assert!((weight(&weights, i, j) - should).abs() < 1e-5, "{i} {j}: {should}");
        }
    }
    assert!((8..30).contains(&positive), "{positive}");
    let one = Ease { neighbours: 1, ..ease }.fit(&shop, 1, &idle()).unwrap();
    assert!(one.iter().zip(&weights).all(|(one, all)| *one == all[..1]));
}

#[test]
fn edges_of_ease_have_customers_behind_them() {
    let shop = tastes(80, 20);
    let ease = Ease {
        lambda: 2.0,
        ..Ease::default()
    };
    let (all, safe) = (
        ease.fit(&shop, 1, &idle()).unwrap(),
        ease.fit(&shop, 5, &idle()).unwrap(),
    );
    let both = |i: usize, j: u32| {
        let with = |group: &&Vec<u32>| group.contains(&(i as u32)) && group.contains(&j);
        shop.by_group.iter().filter(with).count()
    };
    assert!(safe
        .iter()
        .enumerate()
        .all(|(i, row)| row.iter().all(|(j, _)| both(i, *j) >= 5)));
    assert!(all
        .iter()
        .enumerate()
        .any(|(i, row)| row.iter().any(|(j, _)| both(i, *j) < 5)));
    assert!(safe.iter().any(|row| !row.is_empty()));
}

#[test]
fn ease_is_the_same_on_any_number_of_threads_and_takes_odd_input() {
    let shop = tastes(900, 300);
    the_same_on_one_and_two_threads(|| Ease::default().fit(&shop, 1, &idle()).unwrap());
    for (groups, items) in [(&[][..], 0), (&[], 3), (&[&[0][..]], 1), (&[&[], &[1], &[1, 2]], 4)] {
        let weights = Ease::default().fit(&interactions(groups, items), 1, &idle()).unwrap();
        assert_eq!(weights.len(), items);
        assert!(weights
            .iter()
            .flatten()
            .all(|(_, weight)| weight.is_finite() && *weight > 0.0));
    }
    let many = Ease::default().fit(&interactions(&[], 20_001), 1, &idle());
    assert!(many.unwrap_err().to_string().contains("0.8 GB"));
    let wrong = Ease {
        dropout: -0.1,
        ..Ease::default()
    };
    assert!(matches!(wrong.fit(&shop, 1, &idle()), Err(Error::Usage(_))));
}
