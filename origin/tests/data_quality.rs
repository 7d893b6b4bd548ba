//! Quality and size on a real shop, UCI Online Retail II: needs the data, so only where it is named.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use pocketrank::{Section, Snapshot};
use pocketrank_origin::control::Control;
use pocketrank_origin::evaluate::{baselines, queries, rank, row_items, METRICS};
use pocketrank_origin::ingest::{self, pseudonym::Pseudonyms, time, Inputs};
use pocketrank_origin::progress::Progress;
use pocketrank_origin::train::{train, TrainOptions};
use std::path::PathBuf;

#[test]
fn online_retail_is_ranked_better_than_by_the_baselines_in_less_than_100_bytes_an_item() {
    let data = std::env::var("POCKETRANK_DATA").unwrap_or_else(|_| "../../shared/data".into());
    let until = time::parse("2010-11-01").unwrap();
    let inputs = Inputs {
        events: vec![PathBuf::from(data).join("online-retail/online_retail.parquet")],
        catalogue: None,
        config: None,
        pseudonyms: Pseudonyms::find(None).unwrap(),
        now: None,
        until: None,
        cut: Some(until),
        min_customers: None,
        vectors: None,
    };
    let dataset = ingest::load(&inputs, &Progress::hidden()).unwrap();
    let past = Inputs {
        until: Some(until),
        cut: None,
        ..inputs
    };
    let past = ingest::load(&past, &Progress::hidden()).unwrap();
    let options = TrainOptions {
        trials: 20,
        ..TrainOptions::default()
    };
    let control = Control::new(Progress::hidden());
    let trained = train(&past, &past.events, &options, &control).unwrap();

    let snapshot = Snapshot::open(&trained.bytes[..]).unwrap();
    let model = [Section::Blend, Section::Prior, Section::Neighbours];
    let bytes: usize = snapshot
        .sections()
        .filter(|(section, _)| model.contains(section))
        .map(|(_, bytes)| bytes)
        .sum();
    assert!(
        bytes <= 100 * snapshot.items() as usize,
        "{bytes} bytes for {} items",
        snapshot.items()
    );

    let queries = queries(&dataset, until, i64::MAX, usize::MAX);
    let ours = rank(&trained.bytes, &row_items(&dataset, &snapshot), &queries).unwrap();
    let past = &dataset.events[..dataset.events.partition_point(|event| event.at < until)];
    for baseline in baselines(&dataset, past, 5).unwrap() {
        let theirs = rank(&baseline.bytes, &baseline.items, &queries).unwrap();
        for metric in ["ndcg@10", "recall@20"] {
            let at = METRICS.iter().position(|name| *name == metric).unwrap();
            let (a, b) = (ours.segments[0].metrics[at], theirs.segments[0].metrics[at]);
            assert!(
                a > 1.1 * b,
                "{metric}: {a:.4} is not a tenth above {} at {b:.4}",
                baseline.name
            );
        }
    }
}
