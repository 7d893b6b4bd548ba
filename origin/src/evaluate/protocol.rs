//! Which events a model may see and which are asked for, by what is known of the order of events.
//!
//! Invariant: nothing that a query asks for is among the events to fit on, nor after its own history in them. Training
//! cuts its validation with it, `evaluate` what was held out.

use super::queries::{country, grant, record, seconds, temporal, Query};
use crate::dataset::{Dataset, Interaction, Order};
use crate::train::interactions::positive;
use pocketrank::{Grant, Profile};
use serde::{Deserialize, Serialize};

/// How events are parted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// By time: what comes after the cut is asked for, with all that its user did before as history.
    Temporal,
    /// The last share of each user's items, rounded up, is asked for; the items before are the history, and left out of the list.
    LastOfUser {
        /// From 0 to 1.
        share: f64,
    },
    /// Every beginning of a session asks for the next item. The history is that beginning alone, and its items stay in the list.
    NextItem,
}

/// Events to fit on, and what to ask.
#[derive(Debug, Clone, Default)]
pub struct Split {
    /// In the order of the dataset's.
    pub fit: Vec<Interaction>,
    /// In the order of the sessions or users that they are about.
    pub queries: Vec<Query>,
}

/// Share of the events or sessions that the protocols by time hold out for validation.
const HELD_OUT: f64 = 0.1;
/// Share of each user's items that is held out, where nothing else is said.
pub const LAST: f64 = 0.2;

impl Protocol {
    /// What fits the data: ratings and lists have no sessions, and sessions without customers nothing but themselves.
    pub fn of(dataset: &Dataset) -> Self {
        if dataset.rated || dataset.order == Order::Lists {
            Protocol::LastOfUser { share: LAST }
        } else if dataset.order == Order::Sequence || dataset.users.iter().all(|user| user.anonymous) {
            Protocol::NextItem
        } else {
            Protocol::Temporal
        }
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Temporal => "temporal",
            Protocol::LastOfUser { .. } => "last-of-user",
            Protocol::NextItem => "next-item",
        }
    }
}

/// Parts `events` (some of the dataset's, in its order). Of more than `most` queries, those of every n-th session or user
/// are taken.
pub fn split(dataset: &Dataset, events: &[Interaction], protocol: Protocol, most: usize) -> Split {
    let share = match protocol {
        Protocol::LastOfUser { share } => share,
        Protocol::Temporal | Protocol::NextItem => HELD_OUT,
    };
    part(dataset, events, protocol, share, most)
}

/// Holds the last share of the whole dataset out by its protocol: of each user's events, of the sessions, or of the time.
/// `train --hold-out` fits on [`Split::fit`] and `evaluate --hold-out` asks [`Split::queries`].
pub fn hold_out(dataset: &Dataset, protocol: Protocol, share: f64, most: usize) -> Split {
    part(dataset, &dataset.events, protocol, share, most)
}

fn part(dataset: &Dataset, events: &[Interaction], protocol: Protocol, share: f64, most: usize) -> Split {
    let Some(grant) = grant() else { return Split::default() };
    match protocol {
        Protocol::Temporal => {
            let at = |place: usize| events.get(place).map(|event| event.at);
            let cut = (events.len() as f64 * (1.0 - share)) as usize;
            let (Some(from), Some(newest)) = (at(cut), events.last().map(|event| event.at)) else {
                return Split::default();
            };
            Split {
                fit: events[..events.partition_point(|event| event.at < from)].to_vec(),
                queries: temporal(dataset, events, from, newest + 1, most),
            }
        }
        Protocol::LastOfUser { .. } => last_of_user(dataset, events, share, most, &grant, |_| true),
        Protocol::NextItem => {
            let mut sessions: Vec<u32> = events.iter().map(|event| event.session).collect();
            // Sessions are numbered in the order in which they begin.
            sessions.sort_unstable();
            sessions.dedup();
            let cut = (sessions.len() as f64 * (1.0 - share)) as usize;
            let Some(from) = sessions.get(cut).copied() else {
                return Split::default();
            };
            let (fit, later): (Vec<Interaction>, Vec<Interaction>) =
                events.iter().partition(|event| event.session < from);
            Split {
                fit,
                queries: next_items(dataset, &later, most),
            }
        }
    }
}

/// Holds the last share out of each user whose events `asked_of` picks.
pub(super) fn last_of_user(
    dataset: &Dataset,
    events: &[Interaction],
    share: f64,
    most: usize,
    grant: &Grant,
    asked_of: impl Fn(&Interaction) -> bool,
) -> Split {
    let mut users: Vec<Vec<usize>> = vec![vec![]; dataset.users.len()];
    for (place, event) in events.iter().enumerate().filter(|(_, event)| asked_of(event)) {
        users[event.user as usize].push(place);
    }
    let mut held = vec![false; events.len()];
    let mut asked: Vec<(&[usize], &[usize])> = vec![];
    for places in &mut users {
        if dataset.order == Order::Time {
            // Of one second, so that the place in the file tells nothing.
            places.sort_by_key(|place| {
                (
                    events[*place].at,
                    numbered(&dataset.items[events[*place].item as usize].id),
                )
            });
        }
        // A little less, so that a fifth of ten is two whatever the rounding.
        let held_out = libm::ceil(places.len() as f64 * share - 1e-9) as usize;
        let kept = places.len() - held_out.min(places.len());
        let (first, last) = places.split_at(kept);
        last.iter().for_each(|place| held[*place] = true);
        if !last.is_empty() {
            asked.push((first, last));
        }
    }
    let pick = |places: &[usize]| -> Vec<Interaction> { places.iter().map(|place| events[*place]).collect() };
    let step = asked.len().div_ceil(most.max(1)).max(1);
    let queries = asked
        .iter()
        .step_by(step)
        .filter_map(|(first, last)| rest_of_user(dataset, &pick(first), &items(&pick(last)), grant))
        .collect();
    let fit = events
        .iter()
        .zip(&held)
        .filter(|(_, held)| !**held)
        .map(|(event, _)| *event);
    Split {
        fit: fit.collect(),
        queries,
    }
}

/// Puts ids that are numbers in the order of their size.
fn numbered(id: &str) -> (usize, &str) {
    (id.len(), id)
}

/// Asks for those of `answers` that are not in a user's history; `None` where there are none.
pub(super) fn rest_of_user(
    dataset: &Dataset,
    history: &[Interaction],
    answers: &[u32],
    grant: &Grant,
) -> Option<Query> {
    let mut exclude: Vec<u32> = history.iter().map(|event| event.item).collect();
    exclude.sort_unstable();
    exclude.dedup();
    let mut relevant = answers.to_vec();
    relevant.retain(|item| exclude.binary_search(item).is_err());
    relevant.sort_unstable();
    relevant.dedup();
    let mut profile = Profile::default();
    history
        .iter()
        .for_each(|event| record(&mut profile, grant, dataset, event, event.at));
    let newest = history.last()?;
    (!relevant.is_empty()).then(|| Query {
        profile,
        now: seconds(newest.at),
        relevant,
        exclude,
        user: newest.user,
        country: country(dataset, newest.user),
        new_visitor: false,
    })
}

/// The items that somebody wanted, in their order.
fn items(events: &[Interaction]) -> Vec<u32> {
    let wanted = events.iter().filter(|event| positive(event.kind));
    wanted.map(|event| event.item).collect()
}

/// Every beginning of each session among these events asks for the next item; of more than `most` queries, those of every
/// n-th session are taken.
pub fn next_items(dataset: &Dataset, events: &[Interaction], most: usize) -> Vec<Query> {
    asked_of_sessions(dataset, events, most, |length| (1..length).collect())
}

/// Only the last item of each session is asked for.
pub(super) fn last_items(dataset: &Dataset, events: &[Interaction], most: usize) -> Vec<Query> {
    asked_of_sessions(dataset, events, most, |length| (1..length).rev().take(1).collect())
}

/// Asks each session, by its length, for the items at these places.
fn asked_of_sessions(
    dataset: &Dataset,
    events: &[Interaction],
    most: usize,
    places: impl Fn(usize) -> Vec<usize>,
) -> Vec<Query> {
    let Some(grant) = grant() else { return vec![] };
    let mut order: Vec<&Interaction> = events.iter().filter(|event| positive(event.kind)).collect();
    // Stable, so that each session's events stay in their order.
    order.sort_by_key(|event| event.session);
    let sessions: Vec<&[&Interaction]> = order.chunk_by(|a, b| a.session == b.session).collect();
    let asked = |session: &&[&Interaction]| places(session.len()).len();
    let count = |step: usize| sessions.iter().step_by(step).map(asked).sum::<usize>();
    let mut step = count(1).div_ceil(most.max(1)).max(1);
    while count(step) > most && step < sessions.len() {
        step += 1;
    }
    let ask = |session: &&[&Interaction]| {
        let mut profile = Profile::default();
        let mut known = 0;
        let query = |place: usize| {
            for before in known..place {
                let event = session[before];
                record(&mut profile, &grant, dataset, event, at(dataset, before, event));
            }
            known = place;
            let next = session[place];
            Query {
                profile: profile.clone(),
                now: seconds(at(dataset, place, next)),
                relevant: vec![next.item],
                exclude: vec![],
                user: next.user,
                country: country(dataset, next.user),
                new_visitor: true,
            }
        };
        places(session.len()).into_iter().map(query).collect::<Vec<Query>>()
    };
    sessions.iter().step_by(step).flat_map(ask).collect()
}

/// When a click was, as a device would tell: where there are no dates, all are of one day.
fn at(dataset: &Dataset, place: usize, event: &Interaction) -> i64 {
    match dataset.order {
        Order::Time => event.at,
        Order::Sequence | Order::Lists => place as i64,
    }
}

/// Leaves the newest item of each query's history out of its list, as some protocols do.
pub fn exclude_current(dataset: &Dataset, queries: &mut [Query]) {
    let items: std::collections::HashMap<_, u32> = (0u32..)
        .zip(&dataset.items)
        .map(|(at, item)| (pocketrank::item_hash(&item.id), at))
        .collect();
    for query in queries.iter_mut() {
        let current = query.profile.events().last().and_then(|event| items.get(&event.item));
        if let Some(current) = current {
            if let Err(place) = query.exclude.binary_search(current) {
                query.exclude.insert(place, *current);
            }
        }
    }
}
