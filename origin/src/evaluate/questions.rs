//! What `evaluate` asks: of a file of answers, of a share that training held out, or of what came after the snapshot.
//! Invariant: an item that only the answers know is a right answer that nothing can find.

use super::protocol::{last_items, next_items, rest_of_user, Protocol, Split};
use super::queries::{grant, Query};
use crate::config::Form;
use crate::dataset::{Dataset, Order};
use crate::error::{Error, Result};
use crate::ingest::{self, table::Table, Inputs};
use crate::progress::Progress;
use std::collections::HashMap;
use std::path::Path;

/// Queries about a dataset, and ids of items beyond the dataset's.
#[derive(Debug, Clone, Default)]
pub struct Questions {
    /// In the order of the file, or of the dataset.
    pub queries: Vec<Query>,
    /// The ids of the items from the dataset's number of items on.
    pub unseen: Vec<String>,
    /// What of a file of answers is not asked, and why.
    pub notes: Vec<String>,
}

impl Questions {
    /// The id of an item.
    pub fn id<'a>(&'a self, dataset: &'a Dataset, item: u32) -> Option<&'a str> {
        let own = dataset.items.get(item as usize).map(|item| item.id.as_str());
        let unseen = || self.unseen.get((item as usize).checked_sub(dataset.items.len())?);
        own.or_else(|| unseen().map(String::as_str))
    }
}

/// Reads a file of answers about users, or with sessions, of the dataset that `inputs` gave.
///
/// # Errors
/// As [`ingest::load`]; [`Error::Usage`] where the data have customers and times, so that time parts them and not a file.
pub fn answers(dataset: &Dataset, inputs: &Inputs, test: &Path, most: usize, progress: &Progress) -> Result<Questions> {
    let protocol = Protocol::of(dataset);
    if protocol == Protocol::Temporal {
        return Err(Error::Usage(format!(
            "--test {}: these events have customers and times; give all of them with --events, and train with --until",
            test.display()
        )));
    }
    let prefixes = dataset.order == Order::Sequence && Table::open_as(test, None)?.form() == Form::Prefixes;
    let form = match dataset.order {
        Order::Time => None,
        Order::Lists => Some(Form::Lists),
        Order::Sequence if prefixes => Some(Form::Prefixes),
        Order::Sequence => Some(Form::Sessions),
    };
    let asked = ingest::load(
        &Inputs {
            events: vec![test.to_path_buf()],
            config: form.map_or(inputs.config.clone(), |form| Some(form.name().to_owned())),
            catalogue: None,
            until: None,
            cut: None,
            ..inputs.clone()
        },
        progress,
    )?;
    let notes = asked.account.losses();
    let mut queries = match protocol {
        Protocol::LastOfUser { .. } => return Ok(rest(dataset, &asked, most, test, notes)),
        _ if prefixes => last_items(&asked, &asked.events, most),
        _ => next_items(&asked, &asked.events, most),
    };
    let (items, unseen) = numbers(dataset, &asked);
    for query in &mut queries {
        renumber(&mut query.relevant, &items);
        query.country = None;
    }
    Ok(Questions { queries, unseen, notes })
}

/// What is asked of the users of both, whose history is all that the dataset knows of them.
fn rest(dataset: &Dataset, asked: &Dataset, most: usize, test: &Path, mut notes: Vec<String>) -> Questions {
    let (items, unseen) = numbers(dataset, asked);
    let users: HashMap<_, u32> = (0u32..)
        .zip(&dataset.users)
        .map(|(at, user)| (user.pseudonym, at))
        .collect();
    let mut history = vec![vec![]; dataset.users.len()];
    dataset
        .events
        .iter()
        .for_each(|event| history[event.user as usize].push(*event));
    let mut answers = vec![vec![]; asked.users.len()];
    asked
        .events
        .iter()
        .for_each(|event| answers[event.user as usize].push(event.item));
    let step = answers.len().div_ceil(most.max(1)).max(1);
    let (mut strangers, mut done) = (0, 0);
    let mut queries = vec![];
    for (user, answers) in asked.users.iter().zip(&mut answers).step_by(step) {
        let Some(user) = users.get(&user.pseudonym) else {
            strangers += 1;
            continue;
        };
        renumber(answers, &items);
        match grant().and_then(|grant| rest_of_user(dataset, &history[*user as usize], answers, &grant)) {
            Some(query) => queries.push(query),
            None => done += 1,
        }
    }
    for (count, why) in [
        (
            strangers,
            "are not among those of --events, so that nothing is known to ask with",
        ),
        (done, "had to do with all of their answers in --events already"),
    ] {
        if count > 0 {
            notes.push(format!("{}: {count} of its users {why}", test.display()));
        }
    }
    Questions { queries, unseen, notes }
}

/// The dataset's number of each of the other's items, which go on where the dataset's end.
fn numbers(dataset: &Dataset, other: &Dataset) -> (Vec<u32>, Vec<String>) {
    let mut unseen = vec![];
    let number = |item: &crate::dataset::Item| {
        dataset
            .items
            .binary_search_by(|known| known.id.cmp(&item.id))
            .unwrap_or_else(|_| {
                unseen.push(item.id.clone());
                dataset.items.len() + unseen.len() - 1
            }) as u32
    };
    (other.items.iter().map(number).collect(), unseen)
}

fn renumber(items: &mut [u32], numbers: &[u32]) {
    items.iter_mut().for_each(|item| *item = numbers[*item as usize]);
    items.sort_unstable();
}

/// What came after the snapshot's newest event, at `from`: sessions without customers ask for each next item, all else as
/// [`super::queries()`] does.
///
/// # Errors
/// [`Error::Usage`] for data without times, and for a protocol that needs a share.
pub fn after(dataset: &Dataset, from: i64, protocol: Option<Protocol>, most: usize) -> Result<Split> {
    if dataset.order != Order::Time {
        return Err(Error::Usage(
            "these events have no times; give the answers with --test, or train and evaluate with the same --hold-out"
                .into(),
        ));
    }
    let fit = dataset.events[..dataset.events.partition_point(|event| event.at < from)].to_vec();
    let protocol = protocol.unwrap_or(match Protocol::of(dataset) {
        Protocol::LastOfUser { .. } => Protocol::Temporal,
        other => other,
    });
    let queries = match protocol {
        Protocol::Temporal => super::queries(dataset, from, i64::MAX, most),
        Protocol::LastOfUser { .. } => {
            return Err(Error::Usage(
                "--protocol last-of-user: train and evaluate with the same --hold-out, such as 0.2".into(),
            ))
        }
        Protocol::NextItem => {
            let begun: std::collections::HashSet<u32> = fit.iter().map(|event| event.session).collect();
            let mut later = dataset.events[fit.len()..].to_vec();
            later.retain(|event| !begun.contains(&event.session));
            next_items(dataset, &later, most)
        }
    };
    Ok(Split { fit, queries })
}
