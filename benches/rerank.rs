//! The hot call and the change of a profile, natively.
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{criterion_group, criterion_main, Criterion};
use pocketrank::{Ranker, Snapshot};
use pocketrank_benches::{case, NOW};

fn rerank(criterion: &mut Criterion) {
    let case = case();
    let mut ranker = Ranker::new(Snapshot::open(case.snapshot).unwrap());
    ranker.set_profile(&case.profile, NOW);
    criterion.bench_function("rerank", |b| {
        b.iter(|| ranker.rerank(&case.candidates, &case.options).len())
    });
    criterion.bench_function("set_profile", |b| b.iter(|| ranker.set_profile(&case.profile, NOW)));
}

criterion_group!(benches, rerank);
criterion_main!(benches);
