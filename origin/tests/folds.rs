//! Stratified folds: everybody is asked once, of every length in each fold, and nothing asked is fitted on.

use pocketrank::EventKind;
use pocketrank_origin::config::CrossValidation;
use pocketrank_origin::control::Control;
use pocketrank_origin::dataset::{Dataset, Interaction, Item, Order, User};
use pocketrank_origin::evaluate::{stratified, Protocol};
use pocketrank_origin::progress::Progress;
use pocketrank_origin::train::{train, TrainOptions};
use std::collections::{BTreeMap, HashSet};

const LIST: Protocol = Protocol::LastOfUser { share: 0.2 };

/// User `n` has `5 + n / 3` items, of two tastes; each user is one session.
fn lists(order: Order) -> Dataset {
    let users = 90u32;
    let events = (0..users).flat_map(|user| {
        (0..5 + user / 3).map(move |place| Interaction {
            user,
            session: user,
            item: (user % 2) * 40 + (user * 7 + place * 3) % 40,
            kind: EventKind::ViewItem,
            at: i64::from(place),
            quantity: 1.0,
        })
    });
    Dataset {
        items: (0..80)
            .map(|n| Item {
                id: format!("{n:02}"),
                ..Item::default()
            })
            .collect(),
        users: (0..users)
            .map(|n| User {
                pseudonym: [n as u8; 16],
                anonymous: false,
                country: None,
            })
            .collect(),
        events: events.collect(),
        order,
        ..Dataset::default()
    }
}

#[test]
fn every_user_is_asked_in_one_fold_and_each_has_as_many_of_every_length() {
    let dataset = lists(Order::Lists);
    let folds = stratified(&dataset, &dataset.events, LIST, 3, usize::MAX).unwrap();
    let mut asked = HashSet::new();
    let mut lengths = vec![];
    for fold in &folds {
        let mut kept: BTreeMap<u32, usize> = BTreeMap::new();
        fold.fit
            .iter()
            .for_each(|event| *kept.entry(event.user).or_default() += 1);
        for query in &fold.queries {
            assert!(asked.insert(query.user), "user {} is asked twice", query.user);
            let whole = 5 + query.user as usize / 3;
            assert_eq!(
                kept[&query.user],
                whole - whole.div_ceil(5),
                "the last fifth is kept back"
            );
            let fitted = |item: &u32| {
                fold.fit
                    .iter()
                    .any(|event| event.user == query.user && event.item == *item)
            };
            assert!(!query.relevant.iter().any(fitted));
        }
        let others = (0..90u32).filter(|user| fold.queries.iter().all(|query| query.user != *user));
        assert!(others.into_iter().all(|user| kept[&user] == 5 + user as usize / 3));
        let sum: usize = fold.queries.iter().map(|query| 5 + query.user as usize / 3).sum();
        lengths.push(sum as f64 / fold.queries.len() as f64);
    }
    assert_eq!(asked.len(), 90);
    assert!(
        lengths.iter().all(|mean| (mean - lengths[0]).abs() < 0.7),
        "{lengths:?}"
    );
}

#[test]
fn sessions_are_held_out_whole_and_data_in_time_are_refused() {
    let dataset = lists(Order::Sequence);
    let folds = stratified(&dataset, &dataset.events, Protocol::NextItem, 4, usize::MAX).unwrap();
    for fold in &folds {
        let fitted: HashSet<u32> = fold.fit.iter().map(|event| event.session).collect();
        let asked: HashSet<u32> = fold.queries.iter().map(|query| query.user).collect();
        assert!(fitted.is_disjoint(&asked) && fitted.len() + asked.len() == 90);
    }
    let error = stratified(&dataset, &dataset.events, Protocol::Temporal, 3, 10).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
}

#[test]
fn training_takes_them() {
    let dataset = lists(Order::Lists);
    let options = TrainOptions {
        min_customers: 1,
        trials: 8,
        cross_validation: CrossValidation::Stratified,
        ..TrainOptions::default()
    };
    let control = Control::new(Progress::hidden());
    let trained = train(&dataset, &dataset.events, &options, &control).unwrap();
    // A fifth of each fold's users only checks.
    assert_eq!(trained.validation_queries, 90 - 3 * 6);
    assert!(trained.validation_ndcg > 0.1, "{}", trained.validation_ndcg);
}
