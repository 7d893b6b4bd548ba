//! Items that nobody touched yet: the catalogue ships them, content ranks them, and no customer is told by them.

use crate::support::{inputs, load_checked, Files};
use pocketrank::{item_hash, EventKind, Snapshot};
use pocketrank_origin::candidates::Lists;
use pocketrank_origin::control::Control;
use pocketrank_origin::dataset::{Dataset, Interaction};
use pocketrank_origin::evaluate::{queries, row_items, segments, Bench, Known, Scope, METRICS};
use pocketrank_origin::progress::Progress;
use pocketrank_origin::synth::{Options, Shop};
use pocketrank_origin::train::cold::ColdEdges;
use pocketrank_origin::train::material::Material;
use pocketrank_origin::train::space::Values;
use pocketrank_origin::train::stack::Stack;
use pocketrank_origin::train::{blend, train, Model, Recipe, TrainOptions};

fn shop(sessions: u32) -> Dataset {
    let files = Files::new();
    let options = Options {
        items: 200,
        sessions,
        ..Options::default()
    };
    let shop = Shop::make(&options, &Progress::hidden()).unwrap();
    shop.write(&files.path(""), &Progress::hidden()).unwrap();
    let mut dataset = load_checked(&inputs(&files.path("events.jsonl"))).unwrap();
    dataset.items.iter_mut().for_each(|item| item.in_stock = true);
    dataset
}

fn control() -> Control {
    Control::new(Progress::hidden())
}

/// Every seventh item comes into the shop with the last fifth of the events.
fn launched(item: u32) -> bool {
    item.is_multiple_of(7)
}

fn launch(dataset: &mut Dataset) -> i64 {
    let until = dataset.events[dataset.events.len() * 4 / 5].at / 86_400 * 86_400;
    dataset
        .events
        .retain(|event| event.at >= until || !launched(event.item));
    until
}

#[test]
fn new_items_are_ranked_by_what_they_are() {
    let mut dataset = shop(3_000);
    let until = launch(&mut dataset);
    let past = &dataset.events[..dataset.events.partition_point(|event| event.at < until)];
    let options = TrainOptions {
        queries: 400,
        trials: 8,
        folds: Some(1),
        ..TrainOptions::default()
    };
    let trained = train(&dataset, past, &options, &control()).unwrap();
    assert_eq!(trained.items.len(), dataset.items.len());
    let snapshot = Snapshot::open(trained.bytes.as_slice()).unwrap();
    assert!(trained.recipe.cold.is_some(), "{}", trained.recipe);
    let cold: Vec<f64> = trained
        .trials
        .iter()
        .filter(|record| record.phase.starts_with("cold items"))
        .filter_map(|record| record.validation)
        .collect();
    assert!(cold[1..].iter().any(|with| *with > cold[0]), "{cold:?}");
    let queries = queries(&dataset, until, i64::MAX, 1_000);
    let known = Known::new(&dataset, past);
    let among_themselves = |bytes: &[u8], items: &[u32]| {
        let bench = Bench::open(bytes, items).unwrap();
        let ranking = bench.ranking(&queries, Scope::All);
        let all = segments(&dataset, &known, &bench, &queries, &ranking);
        let new = all
            .into_iter()
            .find(|segment| segment.name == "new items, among themselves")
            .unwrap();
        assert!(new.queries > 100, "{}", new.queries);
        new.metrics[METRICS.iter().position(|name| *name == "ndcg@10").unwrap()]
    };
    let ours = among_themselves(&trained.bytes, &row_items(&dataset, &snapshot));
    let without = Recipe {
        cold: None,
        content: 0,
        ..trained.recipe.clone()
    };
    let stack = Stack::new(Material::new(&dataset, past, 5).unwrap(), options.content);
    let model = Model::new(&stack.material, &stack.fit(&without, &control()).unwrap(), &without);
    let blend = snapshot.blend().clone();
    let by_category = among_themselves(&model.pack(&blend).unwrap(), &model.items);
    let by_nothing = among_themselves(&model.pack(&blend::plain(1.0, 0.1)).unwrap(), &model.items);
    assert!(
        ours > by_category && by_category > 1.2 * by_nothing,
        "{ours} by content and category, {by_category} by category, {by_nothing} by neither"
    );

    let past = Dataset {
        events: past.to_vec(),
        ..dataset.clone()
    };
    let lists = Lists::new(&past, &snapshot, 40).unwrap();
    let new: Vec<u32> = lists
        .new_in()
        .items
        .iter()
        .map(|entry| dataset.items.binary_search_by(|item| item.id.cmp(&entry.id)).unwrap() as u32)
        .collect();
    let cold = &stack.material.cold;
    assert!((0..200).filter(|item| launched(*item)).all(|item| cold.contains(&item)));
    assert!(new.starts_with(cold) && new.len() > cold.len(), "{new:?}");
}

#[test]
fn what_few_customers_do_with_a_listed_item_changes_no_byte() {
    let mut dataset = shop(800);
    let until = launch(&mut dataset);
    dataset.events.retain(|event| event.at < until);
    let recipe = Recipe {
        content: 8,
        cold: Some(ColdEdges {
            weight: 0.3,
            below: 8,
            neighbours: 10,
        }),
        ..Recipe::of("cosine", Values::default())
    };
    let packed = |dataset: &Dataset| {
        let stack = Stack::new(
            Material::new(dataset, &dataset.events, 5).unwrap(),
            TrainOptions::default().content,
        );
        let model = Model::new(&stack.material, &stack.fit(&recipe, &control()).unwrap(), &recipe);
        model.pack(&blend::plain(0.5, 0.1)).unwrap()
    };
    let untouched = packed(&dataset);
    let middle = dataset.events[dataset.events.len() / 2];
    let visit = |dataset: &mut Dataset, user: u32| {
        let event = Interaction {
            user,
            item: 14,
            kind: EventKind::Purchase,
            ..middle
        };
        let at = dataset.events.len() / 2;
        dataset.events.insert(at, event);
    };
    (0..4).for_each(|user| visit(&mut dataset, user));
    assert!(packed(&dataset) == untouched);
    visit(&mut dataset, 4);
    assert!(packed(&dataset) != untouched);
}

#[test]
fn only_what_the_catalogue_offers_and_describes_ships_without_customers() {
    let mut dataset = shop(800);
    let until = launch(&mut dataset);
    dataset.events.retain(|event| event.at < until);
    let [sold_out, unlisted, nameless] = [7, 14, 21];
    dataset.items[sold_out].in_stock = false;
    dataset.items[unlisted].listed = false;
    let bare = &mut dataset.items[nameless];
    bare.name = bare.id.clone();
    (bare.description, bare.category, bare.brand, bare.tags) = (None, None, None, vec![]);
    let material = Material::new(&dataset, &dataset.events, 5).unwrap();
    let stack = Stack::new(material, TrainOptions::default().content);
    let recipe = Recipe::of("cosine", Values::default());
    let model = Model::new(&stack.material, &stack.fit(&recipe, &control()).unwrap(), &recipe);
    let bytes = model.pack(&blend::plain(0.0, 0.0)).unwrap();
    let snapshot = Snapshot::open(bytes.as_slice()).unwrap();
    let row = |item: usize| snapshot.row(item_hash(&dataset.items[item].id));
    assert!([sold_out, unlisted, nameless]
        .into_iter()
        .all(|item| row(item).is_none()));
    let cold = row(28).unwrap();
    let prior = snapshot.prior().unwrap().get(cold).unwrap();
    assert_eq!((prior.popularity, prior.first_seen), (0, 0));
    assert!(snapshot.attributes().unwrap().get(cold).unwrap().category > 0);
}
