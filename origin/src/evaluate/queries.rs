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
    /// The dataset's items that are right answers, distinct.
    pub relevant: Vec<u32>,
    /// Whether nothing was known of the visitor before this session.
    pub new_visitor: bool,
}

/// Queries from the sessions that begin at `from` or later, the events before them being history. A basket is asked for
/// as a whole; of a browsing session the first half is history and the second half is asked for. Of more than `most` queries,
/// every n-th is taken.
pub fn queries(dataset: &Dataset, from: i64, to: i64, most: usize) -> Vec<Query> {
    let Some(grant) = grant() else { return vec![] };
    let hashes: Vec<_> = dataset.items.iter().map(|item| item_hash(&item.id)).collect();
    let mut known: HashMap<u32, Profile> = HashMap::new();
    let mut sessions: HashMap<u32, Vec<&Interaction>> = HashMap::new();
    let mut order = vec![];
    let record = |profile: &mut Profile, event: &Interaction| {
        let at = event.at.clamp(0, i64::from(u32::MAX)) as u32;
        profile.record(
            &grant,
            Event {
                item: hashes[event.item as usize],
                at,
                kind: event.kind,
            },
        );
    };
    for event in dataset.events.iter().filter(|event| event.at < to) {
        if event.at < from {
            record(known.entry(event.user).or_default(), event);
        } else {
            let session = sessions.entry(event.session).or_default();
            if session.is_empty() {
                order.push(event.session);
            }
            session.push(event);
        }
    }
    let mut queries = vec![];
    for session in order.iter().filter_map(|session| sessions.get(session)) {
        let (first, last) = (session[0], session[session.len() - 1]);
        let half = if last.at - first.at < BASKET_SECONDS {
            0
        } else {
            session.len().div_ceil(2)
        };
        let (seen, asked) = session.split_at(half);
        let mut profile = known.get(&first.user).cloned().unwrap_or_default();
        let new_visitor = profile.events().is_empty();
        seen.iter().for_each(|event| record(&mut profile, event));
        let mut relevant: Vec<u32> = asked
            .iter()
            .filter(|event| positive(event.kind))
            .map(|event| event.item)
            .collect();
        relevant.sort_unstable();
        relevant.dedup();
        if !relevant.is_empty() {
            let now = asked[0].at.clamp(0, i64::from(u32::MAX)) as u32;
            queries.push(Query {
                profile,
                now,
                relevant,
                new_visitor,
            });
        }
        let profile = known.entry(first.user).or_default();
        session.iter().for_each(|event| record(profile, event));
    }
    let step = queries.len().div_ceil(most.max(1)).max(1);
    queries.into_iter().step_by(step).collect()
}

/// Evaluation plays visitors who agreed.
fn grant() -> Option<Grant> {
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
