//! What was wanted in which order: sessions, oldest first, behind models of what comes next.
//!
//! Invariant: only positive events with items that ship; sessions stand in the order of their last such event and clicks in
//! the order of the events, repeats included; equal events give equal sequences.

use super::interactions::positive;
use crate::dataset::Interaction;

/// Sessions one after another.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sequences {
    /// Rows of the clicked items, session after session.
    pub items: Vec<u32>,
    /// Where each session ends in `items`, ascending.
    pub ends: Vec<u32>,
    /// User of each session.
    pub users: Vec<u32>,
    /// Time of each session's last click, in the unit of [`Interaction::at`].
    pub at: Vec<i64>,
}

impl Sequences {
    /// Collects the positive ones of events, which are in the order of time. `rows` maps a dataset's item to its row, or to
    /// nothing where it does not ship.
    pub fn new(events: &[Interaction], rows: &[Option<u32>]) -> Self {
        let clicks = || {
            events
                .iter()
                .filter(|event| positive(event.kind))
                .filter_map(|event| Some((event, rows[event.item as usize]?)))
        };
        let sessions = clicks().map(|(event, _)| event.session + 1).max().unwrap_or(0) as usize;
        let (mut counts, mut newest) = (vec![0u32; sessions], vec![0usize; sessions]);
        for (at, (event, _)) in clicks().enumerate() {
            counts[event.session as usize] += 1;
            newest[event.session as usize] = at;
        }
        let mut order: Vec<usize> = (0..sessions).filter(|session| counts[*session] > 0).collect();
        order.sort_unstable_by_key(|session| newest[*session]);
        let mut sequences = Sequences {
            users: vec![0; order.len()],
            at: vec![0; order.len()],
            ..Sequences::default()
        };
        let (mut place, mut next) = (vec![0usize; sessions], Vec::with_capacity(order.len()));
        let mut end = 0;
        for (at, session) in order.into_iter().enumerate() {
            place[session] = at;
            next.push(end as usize);
            end += counts[session];
            sequences.ends.push(end);
        }
        sequences.items = vec![0; end as usize];
        for (event, row) in clicks() {
            let at = place[event.session as usize];
            sequences.items[next[at]] = row;
            next[at] += 1;
            sequences.users[at] = event.user;
            sequences.at[at] = event.at;
        }
        sequences
    }

    /// The number of sessions.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no session.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Where a session lies in `items`.
    pub fn range(&self, session: usize) -> std::ops::Range<usize> {
        let start = session.checked_sub(1).map_or(0, |before| self.ends[before]);
        start as usize..self.ends[session] as usize
    }

    /// The clicks of each session, oldest session first.
    pub fn iter(&self) -> impl Iterator<Item = &[u32]> + '_ {
        (0..self.len()).map(|session| &self.items[self.range(session)])
    }

    /// How often each of `items` rows was clicked.
    pub fn clicks(&self, items: usize) -> Vec<u32> {
        let mut clicks = vec![0; items];
        self.items.iter().for_each(|item| clicks[*item as usize] += 1);
        clicks
    }

    /// Splits into the older and the newer sessions, at a session's number.
    pub fn split_at(&self, session: usize) -> (Self, Self) {
        let session = session.min(self.len());
        let clicks = session.checked_sub(1).map_or(0, |before| self.ends[before]);
        let part = |items: &[u32], sessions: std::ops::Range<usize>, offset: u32| Sequences {
            items: items.to_vec(),
            ends: self.ends[sessions.clone()].iter().map(|end| end - offset).collect(),
            users: self.users[sessions.clone()].to_vec(),
            at: self.at[sessions].to_vec(),
        };
        let (older, newer) = self.items.split_at(clicks as usize);
        (part(older, 0..session, 0), part(newer, session..self.len(), clicks))
    }
}
