//! How long iALS trains and how well it ranks, to be put beside another implementation (`als.py`):
//! `bench-als TRAIN TEST [CONFIDENCE]`, files with a line `user item item...` for each user. Prints a line of JSON.
#![allow(clippy::indexing_slicing)]

use pocketrank_origin::control::Control;
use pocketrank_origin::parallel;
use pocketrank_origin::progress::Progress;
use pocketrank_origin::train::als::Als;
use pocketrank_origin::train::dense::dot;
use pocketrank_origin::train::interactions::Interactions;
use std::error::Error;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(train), Some(test)) = (arguments.next(), arguments.next()) else {
        return Err("usage: bench-als TRAIN TEST [CONFIDENCE]".into());
    };
    let als = Als {
        confidence: arguments.next().map_or(Ok(39.0), |confidence| confidence.parse())?,
        ..Als::default()
    };
    let (train, mut test) = (lists(&train)?, lists(&test)?);
    test.resize(train.len(), vec![]);
    let items = 1 + train
        .iter()
        .chain(&test)
        .flatten()
        .max()
        .map_or(0, |item| *item as usize);
    let mut by_item = vec![vec![]; items];
    for (user, list) in (0u32..).zip(&train) {
        list.iter().for_each(|item| by_item[*item as usize].push(user));
    }
    let interactions = Interactions {
        users: (0..train.len() as u32).collect(),
        by_group: train,
        by_item,
    };
    let control = Control::new(Progress::hidden());
    let begin = Instant::now();
    let mut state = als.start(&interactions)?;
    while state.iteration < als.iterations {
        als.step(&interactions, &mut state, &control)?;
    }
    let seconds = begin.elapsed().as_secs_f64();

    let users: Vec<usize> = (0..test.len()).filter(|user| !test[*user].is_empty()).collect();
    let vector = |vectors: &[f32], at: usize| vectors[at * als.dims..(at + 1) * als.dims].to_vec();
    let scores = parallel::map(&users, |user| {
        let p = vector(&state.users, *user);
        let mut ranked: Vec<(f32, u32)> = (0u32..)
            .zip(state.items.chunks_exact(als.dims))
            .filter(|(item, _)| interactions.by_group[*user].binary_search(item).is_err())
            .map(|(item, q)| (dot(&p, q), item))
            .collect();
        ranked.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let gain = |rank: usize| 1.0 / libm::log2((rank + 2) as f64);
        let relevant = &test[*user];
        let hits = (0..20).zip(&ranked).filter(|(_, (_, item))| relevant.contains(item));
        let hits: Vec<usize> = hits.map(|(rank, _)| rank).collect();
        let best: f64 = (0..relevant.len().min(20)).map(gain).sum();
        (
            hits.len() as f64 / relevant.len() as f64,
            hits.iter().map(|rank| gain(*rank)).sum::<f64>() / best,
        )
    });
    let mean = |of: fn(&(f64, f64)) -> f64| scores.iter().map(of).sum::<f64>() / scores.len() as f64;
    let result =
        serde_json::json!({ "seconds": seconds, "recall": mean(|score| score.0), "ndcg": mean(|score| score.1) });
    println!("{result}");
    Ok(())
}

/// The items of each user, ascending.
fn lists(path: &str) -> Result<Vec<Vec<u32>>, Box<dyn Error>> {
    let mut lists = vec![];
    for line in std::fs::read_to_string(path)?.lines() {
        let numbers: Vec<u32> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let Some((user, items)) = numbers.split_first() else {
            continue;
        };
        let mut items = items.to_vec();
        items.sort_unstable();
        items.dedup();
        lists.resize(lists.len().max(*user as usize + 1), vec![]);
        lists[*user as usize] = items;
    }
    Ok(lists)
}
