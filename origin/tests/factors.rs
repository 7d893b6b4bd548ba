//! Factor models, each against a small dense reference written plainly here.
#![allow(clippy::needless_range_loop)]

use crate::support::threads::on_one_and_two;
use pocketrank_origin::control::Control;
use pocketrank_origin::error::Error;
use pocketrank_origin::progress::Progress;
use pocketrank_origin::train::als::{Als, State};
use pocketrank_origin::train::interactions::Interactions;
use pocketrank_origin::train::svd::Svd;

fn interactions(by_group: Vec<Vec<u32>>, items: usize) -> Interactions {
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

/// Users of three tastes.
fn tastes(users: u32, items: u32) -> Interactions {
    let mut state = 11u32;
    let mut random = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % below
    };
    let list = |user: u32, random: &mut dyn FnMut(u32) -> u32| {
        let mut list: Vec<u32> = (0..2 + random(9))
            .map(|_| random(items / 3) * 3 + (user + u32::from(random(8) == 0)) % 3)
            .collect();
        list.sort_unstable();
        list.dedup();
        list
    };
    let lists = (0..users).map(|user| list(user, &mut random)).collect();
    interactions(lists, items as usize)
}

fn idle() -> Control {
    Control::new(Progress::hidden())
}

/// `x` of `matrix x = right`, by elimination.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let n = right.len();
    for pivot in 0..n {
        for row in (0..n).filter(|row| *row != pivot) {
            let factor = matrix[row][pivot] / matrix[pivot][pivot];
            for column in 0..n {
                matrix[row][column] -= factor * matrix[pivot][column];
            }
            right[row] -= factor * right[pivot];
        }
    }
    (0..n).map(|row| right[row] / matrix[row][row]).collect()
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// What ALS makes least, pair by pair.
fn loss(als: &Als, shop: &Interactions, state: &State) -> f64 {
    let d = als.dims;
    let ridge = |n: usize, total: usize| {
        als.regularization * libm::pow(als.confidence * n as f64 + total as f64, als.frequency)
    };
    let mut loss = 0.0;
    for (user, list) in shop.by_group.iter().enumerate() {
        let p = &state.users[user * d..(user + 1) * d];
        for item in 0..shop.items() {
            let score = dot(p, &state.items[item * d..(item + 1) * d]);
            loss += if list.contains(&(item as u32)) {
                (1.0 + als.confidence) * (1.0 - score) * (1.0 - score)
            } else {
                score * score
            };
        }
        loss += ridge(list.len(), shop.items()) * dot(p, p);
    }
    for (item, list) in shop.by_item.iter().enumerate() {
        let q = &state.items[item * d..(item + 1) * d];
        loss += ridge(list.len(), shop.by_group.len()) * dot(q, q);
    }
    loss
}

#[test]
fn every_iteration_of_als_lessens_the_loss() {
    let shop = tastes(83, 30);
    for (dims, confidence, frequency) in [(5, 10.0, 0.0), (8, 0.0, 1.0), (13, 40.0, 0.5)] {
        let als = Als {
            dims,
            confidence,
            frequency,
            ..Als::default()
        };
        let mut state = als.start(&shop).unwrap();
        let mut before = loss(&als, &shop, &state);
        for _ in 0..8 {
            als.step(&shop, &mut state, &idle()).unwrap();
            let after = loss(&als, &shop, &state);
            assert!(after < before * (1.0 + 1e-5), "{dims}: {before} {after}");
            before = after;
        }
    }
}

#[test]
fn a_history_folded_in_comes_close_to_the_vector_that_was_trained() {
    let shop = tastes(90, 30);
    let als = Als {
        dims: 6,
        confidence: 8.0,
        regularization: 0.05,
        frequency: 0.5,
        iterations: 60,
        seed: 4,
    };
    let mut state = als.start(&shop).unwrap();
    while state.iteration < als.iterations {
        als.step(&shop, &mut state, &idle()).unwrap();
    }
    let factors = als.factors(&shop, &state);
    let gram = factors.gram.unwrap();
    let q = |item: u32| &factors.rows[item as usize * 6..(item as usize + 1) * 6];
    for (list, trained) in shop.by_group.iter().zip(state.users.chunks_exact(6)) {
        let ridge = gram.ridge[(list.len() - 1).min(gram.ridge.len() - 1)];
        let mut matrix = vec![vec![0.0; 6]; 6];
        let mut right = vec![0.0; 6];
        for i in 0..6 {
            for j in 0..6 {
                matrix[i][j] = f64::from(gram.matrix[i * 6 + j])
                    + list
                        .iter()
                        .map(|item| 8.0 * f64::from(q(*item)[i] * q(*item)[j]))
                        .sum::<f64>();
            }
            matrix[i][i] += f64::from(ridge);
            right[i] = list.iter().map(|item| 9.0 * f64::from(q(*item)[i])).sum();
        }
        let folded = solve(matrix, right);
        let apart: f64 = folded
            .iter()
            .zip(trained)
            .map(|(a, b)| (a - f64::from(*b)) * (a - f64::from(*b)))
            .sum();
        assert!(apart < 0.01 * dot(trained, trained), "{folded:?} {trained:?}");
    }
}

#[test]
fn factors_are_the_same_on_any_number_of_threads() {
    let shop = tastes(700, 90);
    let (one, two) = on_one_and_two(|| {
        let als = Als {
            dims: 19,
            iterations: 3,
            ..Als::default()
        };
        (
            als.fit(&shop, &idle()).unwrap().rows,
            Svd {
                dims: 9,
                ..Svd::default()
            }
            .fit(&shop, &idle())
            .unwrap()
            .rows,
        )
    });
    assert_eq!(one, two);
    let other = Als {
        dims: 19,
        iterations: 3,
        seed: 2,
        ..Als::default()
    };
    assert_ne!(other.fit(&shop, &idle()).unwrap().rows, one.0);
}

#[test]
fn als_goes_on_where_it_was_interrupted() {
    let shop = tastes(50, 18);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("als.state");
    let whole = Als {
        dims: 7,
        iterations: 6,
        ..Als::default()
    };
    let half = Als { iterations: 3, ..whole };
    half.fit_from(&shop, &file, &idle()).unwrap();
    let resumed = whole.fit_from(&shop, &file, &idle()).unwrap();
    assert_eq!(resumed.rows, whole.fit(&shop, &idle()).unwrap().rows);
    assert_ne!(resumed.rows, half.fit(&shop, &idle()).unwrap().rows);

    let refuses = |als: &Als, shop: &Interactions| {
        let error = als.fit_from(shop, &file, &idle()).unwrap_err();
        assert!(
            matches!(error, Error::Data(_)) && error.to_string().contains("als.state"),
            "{error}"
        );
    };
    refuses(
        &Als {
            confidence: 2.0,
            ..whole
        },
        &shop,
    );
    refuses(&Als { seed: 9, ..whole }, &shop);
    refuses(&half, &shop);
    refuses(&whole, &tastes(50, 21));
    let mut other = tastes(50, 18);
    other.by_group[3].pop();
    refuses(&whole, &other);
    let bytes = std::fs::read(&file).unwrap();
    for wrong in [&bytes[..bytes.len() - 4], b"{}\n", b""] {
        std::fs::write(&file, wrong).unwrap();
        refuses(&whole, &shop);
    }
}

#[test]
fn svd_finds_the_subspace_of_a_known_matrix() {
    // Two blocks: users who share all items of a block. Singular values 6 (4 x 9) and 3 (3 x 3), vectors even on the blocks.
    let mut lists = vec![(0..9).collect::<Vec<u32>>(); 4];
    lists.extend(vec![vec![9, 10, 11]; 3]);
    let factors = Svd {
        dims: 4,
        popularity: 0.0,
        seed: 3,
    }
    .fit(&interactions(lists, 13), &idle())
    .unwrap();
    assert!(factors.gram.is_none());
    let row = |item: usize| &factors.rows[item * 4..(item + 1) * 4];
    for i in 0..13 {
        for j in 0..13 {
            let should = match (i, j) {
                (0..9, 0..9) => 1.0 / 9.0,
                (9..12, 9..12) => 1.0 / 3.0,
                _ => 0.0,
            };
            assert!(
                (dot(row(i), row(j)) - should).abs() < 1e-5,
                "{i} {j} {}",
                dot(row(i), row(j))
            );
        }
    }
}

#[test]
fn popularity_moves_the_vectors_of_popular_items() {
    let lists = vec![vec![0], vec![0], vec![0], vec![0], vec![1], vec![1]];
    let first = |popularity| {
        let svd = Svd {
            dims: 1,
            popularity,
            seed: 1,
        };
        svd.fit(&interactions(lists.clone(), 2), &idle()).unwrap().rows
    };
    // A column's length is popularity^(1/2 + exponent).
    assert!(
        first(0.0)[0] > 0.99 && first(-1.0)[1] > 0.99,
        "{:?} {:?}",
        first(0.0),
        first(-1.0)
    );
}

#[test]
fn factor_models_take_odd_input() {
    for (lists, items) in [(vec![], 0), (vec![], 2), (vec![vec![0]], 1), (vec![vec![], vec![2]], 4)] {
        let shop = interactions(lists, items);
        let als = Als {
            dims: 3,
            iterations: 2,
            ..Als::default()
        };
        let svd = Svd {
            dims: 3,
            ..Svd::default()
        };
        for factors in [als.fit(&shop, &idle()).unwrap(), svd.fit(&shop, &idle()).unwrap()] {
            assert_eq!(factors.rows.len(), 3 * items);
            assert!(factors.rows.iter().all(|value| value.is_finite()));
        }
    }
    let shop = tastes(9, 6);
    let wrong = [
        Als {
            dims: 0,
            ..Als::default()
        },
        Als {
            regularization: 0.0,
            ..Als::default()
        },
        Als {
            confidence: -1.0,
            ..Als::default()
        },
        Als {
            frequency: f64::NAN,
            ..Als::default()
        },
    ];
    for als in wrong {
        assert!(matches!(als.fit(&shop, &idle()), Err(Error::Usage(_))));
    }
    let svd = Svd {
        dims: 0,
        ..Svd::default()
    };
    assert!(matches!(svd.fit(&shop, &idle()), Err(Error::Usage(_))));
    let stopped = idle();
    stopped.stop();
    assert!(matches!(Als::default().fit(&shop, &stopped), Err(Error::Interrupted)));
    assert!(matches!(Svd::default().fit(&shop, &stopped), Err(Error::Interrupted)));
}
