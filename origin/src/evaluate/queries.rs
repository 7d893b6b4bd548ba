//! What evaluation asks: given this history, which items come next?

use crate::dataset::{Dataset, Interaction};
use crate::train::interactions::positive;
use pocketrank::{item_hash, Choice, Consent, Event, Grant, Mode, Profile, Signals};
use std::collections::HashMap;

/// A session shorter than this is one basket: its items have no order.
const BASKET_SECONDS: i64 = 120;

/// One question.
#[derive(Debug, Clone)]
pub struct Query {
    /// What the device knows.
    pub profile: Profile,
    /// When it is asked, seconds since 1970-01-01 UTC.
    pub now: u32,
    /// The dataset's items that are right answers, ascending.
    pub relevant: Vec<u32>,
    /// The dataset's items that are left out of the list, ascending.
    pub exclude: Vec<u32>,
    /// Index into the dataset's users.
    pub user: u32,
    /// Index into the dataset's countries, where the user's is known.
    pub country: Option<u16>,
    /// Whether nothing was known of the visitor before the session that is asked about.
    pub new_visitor: bool,
}

/// Queries from the sessions with events from `from` to before `to`. A basket is asked for as a whole; of a browsing session the first
/// half is history and the second half is asked for. A query's history is all that its user did before the first second asked
/// for, in whatever session. Of more than `most` queries, every n-th is taken.
pub fn queries(dataset: &Dataset, from: i64, to: i64, most: usize) -> Vec<Query> {
    temporal(dataset, &dataset.events, from, to, most)
}

/// The same with some of the dataset's events, in its order.
pub(super) fn temporal(dataset: &Dataset, events: &[Interaction], from: i64, to: i64, most: usize) -> Vec<Query> {
    let Some(grant) = grant() else { return vec![] };
    let mut users: Vec<Vec<&Interaction>> = vec![vec![]; dataset.users.len()];
    let mut sessions: HashMap<u32, Vec<&Interaction>> = HashMap::new();
    let mut order = vec![];
    for event in events.iter().filter(|event| event.at < to) {
        users[event.user as usize].push(event);
        if event.at >= from {
            let session = sessions.entry(event.session).or_default();
            if session.is_empty() {
                order.push(event.session);
            }
            session.push(event);
        }
    }
    let asked: Vec<(i64, &[&Interaction])> = order
        .iter()
        .filter_map(|session| sessions.get(session))
        .map(|session| (session[0].at, asked(session)))
        .filter(|(_, asked)| asked.iter().any(|event| positive(event.kind)))
        .collect();
    let step = asked.len().div_ceil(most.max(1)).max(1);
    let query = |(begin, asked): &(i64, &[&Interaction])| {
        let at = asked[0].at;
        let done = &users[asked[0].user as usize];
        let history = &done[..done.partition_point(|event| event.at < at)];
        let mut profile = Profile::default();
        for event in history {
            record(&mut profile, &grant, dataset, event, event.at);
        }
        let mut relevant: Vec<u32> = asked
            .iter()
            .filter(|event| positive(event.kind))
            .map(|event| event.item)
            .collect();
        relevant.sort_unstable();
        relevant.dedup();
        let new_visitor = done.first().is_none_or(|first| first.at >= *begin);
        Query {
            profile,
            now: seconds(at),
            relevant,
            exclude: vec![],
            user: asked[0].user,
            country: country(dataset, asked[0].user),
            new_visitor,
        }
    };
    asked.iter().step_by(step).map(query).collect()
}

/// What is asked for of a session: all of a basket, else its second half, which begins with a second of its own.
fn asked<'a, 'b>(session: &'b [&'a Interaction]) -> &'b [&'a Interaction] {
    let at = |place: usize| session.get(place).map(|event| event.at);
    let last = session.len() - 1;
    if at(last) < at(0).map(|begin| begin + BASKET_SECONDS) {
        return session;
    }
    let half = (session.len().div_ceil(2)..session.len()).find(|place| at(*place) != at(place - 1));
    &session[half.unwrap_or(0)..]
}

/// Where a user is.
pub(super) fn country(dataset: &Dataset, user: u32) -> Option<u16> {
    dataset.users.get(user as usize).and_then(|user| user.country)
}

/// Takes an interaction into a profile, at that time.
/// The profile of a visitor who agreed and did these things, in the order of time.
pub fn replay(events: impl IntoIterator<Item = Event>) -> Profile {
    let mut profile = Profile::default();
    if let Some(grant) = grant() {
        events.into_iter().for_each(|event| profile.record(&grant, event));
    }
    profile
}

pub(super) fn record(profile: &mut Profile, grant: &Grant, dataset: &Dataset, event: &Interaction, at: i64) {
    let item = item_hash(&dataset.items[event.item as usize].id);
    profile.record(
        grant,
        Event {
            item,
            at: seconds(at),
            kind: event.kind,
        },
    );
}

/// A time as profiles hold it.
pub(super) fn seconds(at: i64) -> u32 {
    at.clamp(0, i64::from(u32::MAX)) as u32
}

/// Evaluation plays visitors who agreed.
pub(super) fn grant() -> Option<Grant> {
    let choice = Some(Choice {
        mode: Mode::Persistent,
        capsule: false,
    });
    Consent::decide(&Signals {
        choice,
        ..Signals::default()
    })
    .grant()
}
