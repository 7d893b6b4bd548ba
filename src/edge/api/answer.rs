//! What the API answers, as JSON.
//!
//! Invariant: a slate names items as the caller or the list does, and is what the same snapshot, profile and list give on every host.

use super::request::{Rerank, Wanted};
use crate::consent::Mode;
use crate::event::EventKind;
use crate::manifest::Manifest;
use crate::profile::Profile;
use crate::rerank::{Candidates, Part, Ranker, OUT_OF_STOCK};
use crate::snapshot::NO_ROW;
use serde::Serialize;

/// JSON of what cannot fail to be written: texts, numbers and what is made of them.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[derive(Serialize)]
struct Because<'a> {
    id: Option<&'a str>,
    event: EventKind,
    share: f32,
}

#[derive(Serialize)]
struct Explanation<'a> {
    parts: Vec<Part>,
    because: Vec<Because<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
    index: u32,
    known: bool,
    score: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<Explanation<'a>>,
}

/// A ranked list.
#[derive(Serialize)]
pub struct Slate<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<&'a str>,
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Reranked<'a> {
    snapshot: String,
    sequence: u32,
    mode: &'static str,
    slates: &'a [Slate<'a>],
}

/// A call while it is answered: the profile is set once, then each list ranked.
pub struct Asked<'a, B> {
    call: &'a Rerank,
    ranker: &'a mut Ranker<B>,
    mode: Mode,
}

impl<'a, B: AsRef<[u8]>> Asked<'a, B> {
    /// Ranks for the call's profile from now on; `now` is in seconds since 1970-01-01 UTC.
    pub fn new(call: &'a Rerank, ranker: &'a mut Ranker<B>, sec_gpc: Option<&str>, now: u32) -> Self {
        let (mode, profile) = call.profile(sec_gpc);
        ranker.set_profile(&profile, now);
        Asked { call, ranker, mode }
    }

    /// Looks up the items that the caller gives.
    pub fn resolve(&self, ids: &[String]) -> Candidates {
        Candidates::resolve(self.ranker.snapshot(), ids)
    }

    /// One of the lists, ranked. `ids` are those of the candidates, in their order.
    pub fn slate<'s>(&mut self, wanted: &'s Wanted, candidates: &Candidates, ids: &'s [String]) -> Slate<'s>
    where
        'a: 's,
    {
        let call = self.call;
        let ranked = self.ranker.rerank(candidates, &wanted.options).to_vec();
        let explain = |row| {
            let why = self.ranker.explain(row);
            let because = why.because.into_iter().map(|because| Because {
                id: call.id(because.item),
                event: because.kind,
                share: because.share,
            });
            Explanation {
                parts: why.parts,
                because: because.collect(),
            }
        };
        let item = |ranked: crate::rerank::Ranked| {
            Some(Item {
                id: ids.get(ranked.index as usize)?,
                index: ranked.index,
                known: ranked.row != NO_ROW,
                score: ranked.score,
                explanation: call.explain.then(|| explain(ranked.row)),
            })
        };
        Slate {
            list: match &wanted.source {
                super::Source::List { name, .. } => Some(name),
                super::Source::Items(_) => None,
            },
            items: ranked.into_iter().filter_map(item).collect(),
        }
    }

    /// The answer of these slates. The profile is forgotten.
    pub fn finish(self, manifest: &Manifest, slates: &[Slate<'_>], now: u32) -> String {
        self.ranker.set_profile(&Profile::default(), now);
        json(&Reranked {
            snapshot: self.ranker.snapshot().id().to_string(),
            sequence: manifest.sequence,
            mode: self.mode.name(),
            slates,
        })
    }
}

#[derive(Serialize)]
struct Candidate<'a> {
    id: &'a str,
    known: bool,
    in_stock: bool,
}

#[derive(Serialize)]
struct Listed<'a> {
    snapshot: String,
    sequence: u32,
    list: &'a str,
    items: Vec<Candidate<'a>>,
}

/// The answer of `GET /v1/candidates/{list}`: the items in the list's own order.
pub fn candidates(manifest: &Manifest, list: &str, candidates: &Candidates, ids: &[String]) -> String {
    let facts = candidates.rows().iter().zip(candidates.flags());
    let items = ids.iter().zip(facts).map(|(id, (row, flags))| Candidate {
        id,
        known: *row != NO_ROW,
        in_stock: flags & OUT_OF_STOCK == 0,
    });
    json(&Listed {
        snapshot: manifest.snapshot.id.to_string(),
        sequence: manifest.sequence,
        list,
        items: items.collect(),
    })
}

/// How the model in use is, for `GET /v1/health` and metrics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    status: &'static str,
    snapshot: String,
    /// The manifest's number.
    pub sequence: u32,
    /// Rows of the snapshot.
    pub items: u32,
    /// When the manifest was signed, in seconds since 1970-01-01 UTC, as all times here.
    pub issued: u64,
    /// Seconds since then.
    pub age: u64,
    /// Until when it should have been replaced.
    pub expires: u64,
    /// Whether that is over: what is in use stays in use.
    pub expired: bool,
    /// When the newest event of its training data was.
    pub trained_until: u32,
}

impl Health {
    /// `now` is in seconds since 1970-01-01 UTC.
    pub fn of<B: AsRef<[u8]>>(manifest: &Manifest, snapshot: &crate::snapshot::Snapshot<B>, now: u64) -> Self {
        Health {
            status: "ok",
            snapshot: snapshot.id().to_string(),
            sequence: manifest.sequence,
            items: snapshot.meta().items,
            issued: manifest.issued,
            age: now.saturating_sub(manifest.issued),
            expires: manifest.expires,
            expired: now >= manifest.expires,
            trained_until: snapshot.meta().trained_until,
        }
    }

    /// The answer of `GET /v1/health`.
    pub fn json(&self) -> String {
        json(self)
    }
}

#[derive(Serialize)]
struct Refreshed {
    updated: bool,
    snapshot: String,
    sequence: u32,
}

/// The answer of `POST /v1/refresh`; `before` is the sequence that was in use before.
pub fn refreshed(manifest: &Manifest, before: Option<u32>) -> String {
    json(&Refreshed {
        updated: before != Some(manifest.sequence),
        snapshot: manifest.snapshot.id.to_string(),
        sequence: manifest.sequence,
    })
}
