//! A slice ranks its items as the whole does.

use crate::support::{builder, events, id, profile, Rng, NOW};
use pocketrank::pack::SnapshotBuilder;
use pocketrank::{
    item_hash, Candidates, Error, Event, ItemHash, Options, Profile, Ranked, Ranker, Section, Snapshot, NO_ROW,
    OUT_OF_STOCK,
};
use proptest::prelude::*;

fn open(bytes: Vec<u8>) -> Snapshot<Vec<u8>> {
    let snapshot = Snapshot::open(bytes).unwrap();
    snapshot.verify().unwrap();
    snapshot
}

/// Few neighbours, so that a slice keeps only some of the rows.
fn sparse(rng: &mut Rng, items: usize) -> SnapshotBuilder {
    let mut builder = builder(rng, items);
    builder.neighbours.iter_mut().for_each(|row| row.truncate(3));
    builder
}

/// The slate, with the item's place in the list and the bits of its score.
fn slate(snapshot: Snapshot<Vec<u8>>, profile: &Profile, ids: &[String], options: &Options) -> Vec<(u32, u32)> {
    let mut candidates = Candidates::resolve(&snapshot, ids);
    candidates
        .flags_mut()
        .iter_mut()
        .step_by(5)
        .for_each(|flag| *flag = OUT_OF_STOCK);
    let mut ranker = Ranker::new(snapshot);
    ranker.set_profile(profile, NOW);
    let place = |ranked: &Ranked| (ranked.index, ranked.score.to_bits());
    ranker.rerank(&candidates, options).iter().map(place).collect()
}

fn hashes(ids: &[String]) -> impl Iterator<Item = ItemHash> + '_ {
    ids.iter().map(|id| item_hash(id))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_slice_ranks_as_the_whole_without_factors(
        seed in any::<u64>(),
        items in 1usize..300,
        asked in 0usize..40,
        history in 0usize..60,
        diversity in prop_oneof![Just(0.0f32), Just(0.4)],
        bare in any::<bool>(),
        code_bits in 4u8..=8,
    ) {
        let rng = &mut Rng(seed);
        let mut whole = SnapshotBuilder { code_bits, ..sparse(rng, items) };
        if bare {
            // What history items unknown to a slice could still add.
            whole.attributes.clear();
            whole.content = None;
        }
        // Some beyond the last row: not known to the whole either.
        let ids: Vec<String> = (0..asked).map(|_| id(rng.below(items + 3))).collect();
        let without = open(SnapshotBuilder { factors: None, ..whole.clone() }.build().unwrap());
        let slice = open(open(whole.build().unwrap()).slice(hashes(&ids)).unwrap());

        let known = hashes(&ids).filter(|item| without.row(*item).is_some());
        prop_assert!(known.into_iter().all(|item| slice.row(item).is_some()));
        let unknown = |event: Event| match slice.row(event.item) {
            None if !bare => Event { item: item_hash(&format!("nowhere {}", event.item)), ..event },
            _ => event,
        };
        let events: Vec<Event> = events(rng, history, items).into_iter().map(unknown).collect();
        let options = Options { count: 1 + rng.below(40), diversity, exclude_purchased: rng.below(2) == 1, ..Options::default() };
        let (of_slice, of_whole) =
            [slice, without].map(|snapshot| slate(snapshot, &profile(&events), &ids, &options)).into();
        prop_assert_eq!(of_slice, of_whole);
    }

    #[test]
    fn a_slice_of_any_bytes_is_valid_or_an_error(seed in any::<u64>(), at in any::<proptest::sample::Index>(), byte in any::<u8>()) {
        let rng = &mut Rng(seed);
        let mut bytes = sparse(rng, 40).build().unwrap();
        let at = 48 + at.index(bytes.len() - 48);
        bytes[at] = byte;
        // Not verified: opening looks at the sizes of tables only.
        if let Ok(snapshot) = Snapshot::open(bytes) {
            if let Ok(slice) = snapshot.slice((0..10).map(|row| item_hash(&id(row)))) {
                open(slice);
            }
        }
    }
}

#[test]
fn a_slice_keeps_what_leads_to_its_items_and_no_more() {
    let mut whole = builder(&mut Rng(7), 6);
    whole.neighbours = vec![
        vec![(3, 0.5)],
        vec![(0, 0.5), (4, 0.5)],
        vec![(5, 1.0)],
        vec![(0, 0.1), (2, 0.9)],
        vec![],
        vec![(1, 0.5)],
    ];
    for (row, codes) in whole.attributes.iter_mut().enumerate() {
        (codes.category, codes.brand) = (row as u16 + 1, 0);
    }
    let whole = open(whole.build().unwrap());
    let slice = open(
        whole
            .slice([item_hash("sku-3"), item_hash("sku-4"), item_hash("none")])
            .unwrap(),
    );
    let rows: Vec<Option<u32>> = (0..6).map(|row| slice.row(item_hash(&id(row)))).collect();
    // Those asked for come first.
    assert_eq!(rows, [Some(2), Some(3), None, Some(0), Some(1), None]);
    let targets = |row| {
        let mut targets = vec![];
        slice
            .neighbours()
            .unwrap()
            .row(row)
            .unwrap()
            .for_each(|target, _| targets.push(target));
        targets
    };
    assert_eq!([2, 3, 0, 1].map(targets), [vec![0], vec![1], vec![], vec![]]);
    let labels = slice.labels().unwrap();
    assert_eq!(
        labels.categories,
        ["category 1", "category 2", "category 4", "category 5"]
    );
    assert_eq!(labels.brands, [""; 0]);
    let category = |row| slice.attributes().unwrap().get(row).unwrap().category;
    assert_eq!([2, 3, 0, 1].map(category), [1, 2, 3, 4]);
    let prior = |snapshot: &Snapshot<Vec<u8>>, row| snapshot.prior().unwrap().get(row).unwrap();
    assert_eq!(prior(&slice, 0), prior(&whole, 3));
    assert_eq!(prior(&slice, 2).popularity, 0);
    assert!(slice.sections().all(|(section, _)| section != Section::Factors));
    assert_eq!(slice.meta().min_customers, whole.meta().min_customers);
    // Slicing what is a slice already changes nothing.
    assert_eq!(
        slice.slice([item_hash("sku-3"), item_hash("sku-4")]).unwrap(),
        slice.as_bytes()
    );
}

#[test]
fn a_slice_of_nothing_knows_nothing() {
    let whole = open(builder(&mut Rng(7), 50).build().unwrap());
    let slice = open(whole.slice([item_hash("none")]).unwrap());
    assert_eq!(slice.items(), 0);
    assert_eq!(Candidates::resolve(&slice, ["sku-1"]).rows(), [NO_ROW]);
}

#[test]
fn a_row_that_cannot_be_read_is_an_error() {
    let mut builder = builder(&mut Rng(7), 9);
    builder.factors = None;
    builder.content = None;
    let mut bytes = builder.build().unwrap();
    let neighbours = Snapshot::open(&bytes).unwrap().sections().last().unwrap();
    assert_eq!(neighbours.0, Section::Neighbours);
    // The offset of the first rows points behind the stream.
    let anchors = bytes.len() - neighbours.1 + 8 + 512 + 512;
    bytes[anchors..anchors + 4].fill(0xff);
    let error = Snapshot::open(bytes).unwrap().slice([item_hash("sku-1")]).unwrap_err();
    assert!(matches!(error, Error::Corrupt { what: "neighbours", .. }), "{error}");
}
