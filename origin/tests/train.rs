//! Training and evaluation, on a made-up shop: what ships has customers behind it, equals itself, looks at no future, and ranks
//! better than what does not know the visitor.

use crate::support::threads::on_one_and_two;
use pocketrank::{EventKind, Snapshot};
use pocketrank_origin::config::Text;
use pocketrank_origin::control::Control;
use pocketrank_origin::dataset::{Dataset, Interaction, Item, User};
use pocketrank_origin::evaluate::{baselines, queries, rank, row_items, Evaluation};
use pocketrank_origin::ingest::{self, pseudonym::Pseudonyms, Inputs};
use pocketrank_origin::progress::Progress;
use pocketrank_origin::synth::{Options, Shop};
use pocketrank_origin::train::content::ContentModel;
use pocketrank_origin::train::interactions::{positive, shipped, Basis, Interactions};
use pocketrank_origin::train::material::Material;
use pocketrank_origin::train::space::Values;
use pocketrank_origin::train::stack::Stack;
use pocketrank_origin::train::{blend, rp3beta::Rp3Beta, train, Model, Recipe, TrainOptions, Trained};
use std::collections::{HashMap, HashSet};

fn shop(sessions: u32) -> Dataset {
    let folder = tempfile::tempdir().unwrap();
    let progress = Progress::hidden();
    Shop::make(
        &Options {
            items: 200,
            sessions,
            ..Options::default()
        },
        &progress,
    )
    .unwrap()
    .write(folder.path(), &progress)
    .unwrap();
    let inputs = Inputs {
        events: vec![folder.path().join("events.jsonl")],
        catalogue: Some(folder.path().join("catalogue.jsonl")),
        vectors: None,
        min_customers: None,
        config: None,
        pseudonyms: Pseudonyms::find(None).unwrap(),
        now: None,
        until: None,
        cut: None,
    };
    ingest::load(&inputs, &progress).unwrap()
}

/// Interactions `(user, session, item)` at one second after another.
fn dataset(events: &[(u32, u32, u32)]) -> Dataset {
    let most = |of: fn(&(u32, u32, u32)) -> u32| events.iter().map(of).max().map_or(0, |most| most + 1);
    Dataset {
        items: (0..most(|e| e.2))
            .map(|item| Item {
                id: format!("i{item}"),
                ..Item::default()
            })
            .collect(),
        users: (0..most(|e| e.0))
            .map(|n| User {
                pseudonym: [n as u8; 16],
                anonymous: false,
                country: None,
            })
            .collect(),
        events: events
            .iter()
            .zip(0i64..)
            .map(|((user, session, item), at)| Interaction {
                user: *user,
                session: *session,
                item: *item,
                kind: EventKind::Purchase,
                at: 1_600_000_000 + at,
                quantity: 1.0,
            })
            .collect(),
        ..Dataset::default()
    }
}

fn options() -> TrainOptions {
    TrainOptions {
        queries: 400,
        trials: 8,
        folds: Some(1),
        ..TrainOptions::default()
    }
}

/// Without it no edge is by content.
fn no_content() -> ContentModel {
    let text = Text {
        weight: 0.0,
        ..Text::default()
    };
    ContentModel {
        text,
        ..options().content
    }
}

fn control() -> Control {
    Control::new(Progress::hidden())
}

/// Trains on the events before a time.
fn trained(dataset: &Dataset, until: i64, options: &TrainOptions) -> Trained {
    let past = &dataset.events[..dataset.events.partition_point(|event| event.at < until)];
    train(dataset, past, options, &control()).unwrap()
}

#[test]
fn rp3beta_follows_its_formula() {
    // Items 0, 1, 2; user 0 holds all, user 1 holds 0 and 1.
    let dataset = dataset(&[(0, 0, 0), (0, 0, 1), (0, 0, 2), (1, 1, 0), (1, 1, 1)]);
    let (items, rows) = shipped(&dataset, &dataset.events, 1);
    let interactions = Interactions::new(&dataset.events, &rows, items.len(), Basis::User);
    let fitted = Rp3Beta {
        alpha: 1.0,
        beta: 0.5,
        neighbours: 2,
        min_customers: 1,
    }
    .fit(&interactions);
    // w(0, 1) = 1/2 (1/3 + 1/2) / 2^0.5, w(0, 2) = 1/2 (1/3) / 1^0.5
    let expected = [(1, 0.5 * (1.0 / 3.0 + 0.5) / 2f32.sqrt()), (2, 0.5 / 3.0)];
    for ((row, weight), (target, right)) in fitted[0].iter().zip(expected) {
        assert!(
            *row == target && (weight - right).abs() < 1e-6,
            "{row}: {weight} is not {right}"
        );
    }
    assert_eq!(fitted[0].len(), 2);
}

#[test]
fn customers_are_counted_once_whatever_their_sessions() {
    let dataset = dataset(&[
        (0, 0, 0),
        (0, 0, 1),
        (1, 2, 0),
        (0, 1, 0),
        (0, 1, 1),
        (1, 2, 1),
        (0, 3, 1),
        (0, 3, 0),
    ]);
    let (items, rows) = shipped(&dataset, &dataset.events, 1);
    let interactions = Interactions::new(&dataset.events, &rows, items.len(), Basis::Session);
    let customers: Vec<Vec<(u32, u32, f32)>> = interactions.co_occurrences(
        |_| 1.0,
        |_, row| row.iter().map(|co| (co.target, co.customers, co.sum)).collect(),
    );
    assert_eq!(customers, [[(1, 2, 4.0)], [(0, 2, 4.0)]]);
}

#[test]
fn what_ships_has_min_customers_behind_it() {
    let dataset = shop(1_500);
    let mut users: HashMap<u32, HashSet<u32>> = HashMap::new();
    dataset
        .events
        .iter()
        .filter(|event| positive(event.kind))
        .for_each(|event| {
            users.entry(event.item).or_default().insert(event.user);
        });
    let nobody = HashSet::new();
    for min_customers in [1, 5, 12] {
        let options = TrainOptions {
            min_customers,
            // Neighbours by content tell of the catalogue, not of customers.
            content: no_content(),
            families: ["cosine", "rp3beta", "ease", "ridge", "two-hop"]
                .map(String::from)
                .to_vec(),
            ..options()
        };
        let trained = trained(&dataset, i64::MAX, &options);
        assert!(trained.recipe.cold.is_none() && trained.recipe.content == 0);
        let supported = |a: u32, b: u32| {
            let [a, b] = [a, b].map(|row| users.get(&trained.items[row as usize]).unwrap_or(&nobody));
            a.intersection(b).count() >= min_customers as usize
        };
        let snapshot = Snapshot::open(&trained.bytes[..]).unwrap();
        assert_eq!(u32::from(snapshot.meta().min_customers), min_customers);
        let mut edges = 0;
        for (row, item) in (0u32..).zip(&trained.items) {
            let few = users.get(item).map_or(0, HashSet::len) < min_customers as usize;
            assert!(!few || dataset.items[*item as usize].listed);
            if few {
                assert_eq!(snapshot.prior().unwrap().get(row).unwrap().popularity, 0);
            }
            snapshot.neighbours().unwrap().row(row).unwrap().for_each(|target, _| {
                // An edge of two hops leads through an item with which both ends have enough customers in common.
                let through = |middle: &u32| supported(row, *middle) && supported(*middle, target);
                let stands = supported(row, target) || (0..snapshot.items()).any(|middle| through(&middle));
                assert!(
                    stands,
                    "an edge from {row} to {target} without {min_customers} customers"
                );
                edges += 1;
            });
        }
        assert!(edges > 50, "only {edges} edges");
    }
}

#[test]
fn equal_data_gives_equal_bytes_and_later_data_does_not_matter() {
    let dataset = shop(800);
    // A day's first second: the snapshot names the last day of its data, not the second.
    let until = dataset.events[dataset.events.len() * 3 / 4].at / 86_400 * 86_400;
    let (alone, whole) = on_one_and_two(|| trained(&dataset, until, &options()));
    assert!(whole.bytes == alone.bytes);
    let mut past = dataset.clone();
    past.events.retain(|event| event.at < until);
    assert!(whole.bytes == trained(&past, i64::MAX, &options()).bytes);
    let other = TrainOptions { seed: 2, ..options() };
    assert!(whole.trials != trained(&dataset, until, &other).trials);
    assert!(i64::from(Snapshot::open(&whole.bytes[..]).unwrap().meta().trained_until) < until);
}

#[test]
fn the_model_beats_its_baselines_on_the_made_up_shop() {
    let dataset = shop(4_000);
    let until = dataset.events[dataset.events.len() * 4 / 5].at;
    let trained = trained(&dataset, until, &options());
    let snapshot = Snapshot::open(&trained.bytes[..]).unwrap();
    assert_eq!(row_items(&dataset, &snapshot), trained.items);
    let queries = queries(&dataset, until, i64::MAX, 2_000);
    assert!(queries.len() > 200);
    let ours = rank(&trained.bytes, &trained.items, &queries).unwrap();
    let past = &dataset.events[..dataset.events.partition_point(|event| event.at < until)];
    for baseline in baselines(&dataset, past, 5).unwrap() {
        let theirs = rank(&baseline.bytes, &baseline.items, &queries).unwrap();
        assert!(
            ours.ndcg() > theirs.ndcg(),
            "{}: {:.4} against {:.4}",
            baseline.name,
            theirs.ndcg(),
            ours.ndcg()
        );
    }
    let of = |evaluation: &Evaluation, name: &str| evaluation.segments.iter().find(|s| s.name == name).unwrap().queries;
    assert_eq!(
        of(&ours, "all"),
        of(&ours, "known visitors") + of(&ours, "new visitors")
    );
}

#[test]
fn too_little_data_is_an_error_or_a_model_without_tuning() {
    let error =
        |dataset: &Dataset, options: &TrainOptions| train(dataset, &dataset.events, options, &control()).unwrap_err();
    assert!(error(&dataset(&[]), &options()).to_string().contains("no events"));
    let few = dataset(&[(0, 0, 0), (1, 1, 0), (1, 1, 1)]);
    assert!(error(&few, &options()).to_string().contains("--min-customers"));
    let one = TrainOptions {
        min_customers: 1,
        ..options()
    };
    let trained = trained(&few, i64::MAX, &one);
    assert!(
        trained.warnings[0].contains("too little data"),
        "{:?}",
        trained.warnings
    );
    Snapshot::open(&trained.bytes[..]).unwrap().verify().unwrap();
}

#[test]
fn a_query_knows_what_was_done_before_it_and_nothing_else() {
    let mut dataset = dataset(&[
        (0, 0, 0),
        (0, 1, 1),
        (0, 2, 2),
        (0, 1, 3),
        (0, 2, 4),
        (0, 1, 5),
        (0, 2, 1),
        (0, 2, 0),
    ]);
    // Two browsing sessions of one user at once: session 1 at 1000, 1200, 1400 and session 2 at 1100, 1300, 1500, 1500.
    let begin = 1_600_000_000;
    for (event, at) in dataset
        .events
        .iter_mut()
        .zip([0, 1000, 1100, 1200, 1300, 1400, 1500, 1500])
    {
        event.at = begin + at;
    }
    let queries = queries(&dataset, begin + 1000, i64::MAX, 100);
    let facts: Vec<_> = queries
        .iter()
        .map(|query| (i64::from(query.now) - begin, query.relevant.clone()))
        .collect();
    assert_eq!(facts, [(1400, vec![5]), (1500, vec![0, 1])]);
    for query in &queries {
        let before = dataset
            .events
            .iter()
            .filter(|event| event.at < i64::from(query.now))
            .count();
        assert_eq!(query.profile.events().len(), before);
        assert!(query.profile.events().iter().all(|event| event.at < query.now));
        assert!(!query.new_visitor);
    }
}

#[test]
fn one_customer_moves_no_row() {
    let base: Vec<(u32, u32, u32)> = (0..30).flat_map(|user| [(user, user, 0), (user, user, 1)]).collect();
    let mut dataset = dataset(&base);
    let rows = |dataset: &Dataset| {
        let recipe = Recipe {
            popularity_half_life: 14.0,
            ..Recipe::of("popularity", Values::default())
        };
        let stack = Stack::new(Material::new(dataset, &dataset.events, 5).unwrap(), options().content);
        let stacked = stack.fit(&recipe, &control()).unwrap();
        let model = Model::new(&stack.material, &stacked, &recipe);
        let bytes = model.pack(&blend::plain(0.0, 0.0)).unwrap();
        let snapshot = Snapshot::open(bytes).unwrap();
        (0..2)
            .map(|row| snapshot.prior().unwrap().get(row).unwrap())
            .collect::<Vec<_>>()
    };
    // Item 0 is old, item 1 goes on; then four customers come back for item 0, and then a fifth.
    let day = 86_400;
    let mut at = dataset.events.last().unwrap().at + 300 * day;
    let mut visit = |dataset: &mut Dataset, user: u32, item: u32| {
        at += 1;
        dataset.events.push(Interaction {
            user,
            session: 100 + at as u32,
            item,
            kind: EventKind::ViewItem,
            at,
            quantity: 1.0,
        });
    };
    (0..20).for_each(|user| visit(&mut dataset, user, 1));
    let before = rows(&dataset);
    (0..4).for_each(|user| visit(&mut dataset, user, 0));
    let four = rows(&dataset);
    visit(&mut dataset, 4, 0);
    let five = rows(&dataset);
    assert_eq!(
        (before[0].popularity, before[0].trend),
        (four[0].popularity, four[0].trend)
    );
    assert!(five[0].popularity > four[0].popularity && five[0].trend > four[0].trend);
}

#[test]
fn a_training_that_is_stopped_leaves_its_best_and_goes_on_where_it_was() {
    let dataset = shop(800);
    let folder = tempfile::tempdir().unwrap();
    let options = TrainOptions {
        log: Some(folder.path().join("trials")),
        checkpoint: Some(folder.path().join("checkpoint")),
        ..options()
    };
    let whole = trained(&dataset, i64::MAX, &options);
    // As if it had been stopped after some trials: the rest of the log is not there.
    let log = std::fs::read_to_string(folder.path().join("trials")).unwrap();
    let first: Vec<&str> = log.lines().take(9).collect();
    std::fs::write(folder.path().join("trials"), first.join("\n") + "\n").unwrap();
    let again = trained(&dataset, i64::MAX, &options);
    assert!(again.bytes == whole.bytes && again.trials == whole.trials);
    std::fs::write(folder.path().join("trials"), first.join("\n") + "\n").unwrap();
    let stopped = control();
    stopped.stop();
    let error = train(&dataset, &dataset.events, &options, &stopped).unwrap_err();
    assert_eq!(error.exit_code(), 130, "{error}");
    let kept = std::fs::read(folder.path().join("checkpoint")).unwrap();
    Snapshot::open(&kept[..]).unwrap().verify().unwrap();
    assert_eq!(
        std::fs::read_to_string(folder.path().join("trials"))
            .unwrap()
            .lines()
            .count(),
        9
    );
}

#[test]
fn factors_that_ship_rank() {
    let dataset = shop(1_500);
    let until = dataset.events[dataset.events.len() * 4 / 5].at;
    let options = TrainOptions {
        families: vec!["als".into()],
        content: no_content(),
        ..options()
    };
    let trained = trained(&dataset, until, &options);
    let snapshot = Snapshot::open(&trained.bytes[..]).unwrap();
    assert!(snapshot.neighbours().is_none());
    assert!(snapshot.blend().rows[1].factors > 0.0);
    let mut ranker = pocketrank::Ranker::new(snapshot);
    let queries = queries(&dataset, until, i64::MAX, 100);
    let query = queries.iter().find(|query| !query.profile.events().is_empty()).unwrap();
    ranker.set_profile(&query.profile, query.now);
    let explained = (0..ranker.snapshot().items()).map(|row| ranker.explain(row));
    let factors = explained
        .flat_map(|why| why.parts)
        .filter(|part| part.name == "factors" && part.value != 0.0);
    assert!(factors.count() > 10);
}
