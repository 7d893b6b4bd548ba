//! Replay capsules: what a ranking was made of and what came out, to make it again elsewhere.
//!
//! Invariant: a capsule is read only as it was written (its check is of the bytes before it), and a replay is the same only where every place has the
//! same candidate and the same bits. `www/src/replay.ts` writes and replays the same; docs/FORMAT.md has the fields.

use base64ct::{Base64UrlUnpadded, Encoding};
use pocketrank::{
    from_hex, Candidates, Choice, Consent, EventKind, Explanation, Mode, Options, Profile, Ranked, Ranker, Signals,
    Snapshot, OUT_OF_STOCK,
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The schema that this program reads.
pub const SCHEMA: &str = "pocketrank-replay/1";
/// What a capsule is behind in a link.
pub const FRAGMENT: &str = "#pocketrank-replay=";
const DAY: i64 = 86_400;

/// A capsule.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Capsule {
    /// [`SCHEMA`].
    pub schema: String,
    /// Id of the snapshot.
    pub snapshot: String,
    /// When it was ranked, in seconds since 1970-01-01 UTC.
    pub now: u32,
    /// The visitor's events: item, kind, and how many seconds before `now`, oldest first.
    pub events: Vec<(String, String, i64)>,
    /// Aggregates: item, kind, how many days before today the first and the last event were, and how many there were.
    pub aggregates: Vec<(String, String, i64, i64, u32)>,
    /// The number by which experiments assign, if one was drawn: what it decided is in `options`.
    pub lot: Option<u16>,
    /// Ids of the candidates.
    pub candidates: Vec<String>,
    /// Which of them were out of stock.
    pub out_of_stock: Vec<usize>,
    /// How it was ranked.
    pub options: Asked,
    /// The places: which candidate, and its score.
    pub slate: Vec<(u32, f32)>,
    /// FNV-1a of the bytes before this field, 8 hexadecimal digits.
    pub check: String,
}

/// How a slate was asked for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Asked {
    /// As [`Options::count`].
    pub count: usize,
    /// As [`Options::diversity`].
    pub diversity: f32,
    /// As [`Options::exclude_purchased`].
    pub exclude_purchased: bool,
    /// As [`Options::exclude_out_of_stock`].
    pub exclude_out_of_stock: bool,
    /// Factors on the weights of parts.
    #[serde(default)]
    pub blend: BTreeMap<String, f32>,
    /// What rules did, in hexadecimal.
    #[serde(default)]
    pub shifts: String,
}

/// What came out again: each place, and why.
pub type Replayed = Vec<(Ranked, Explanation)>;

impl Capsule {
    /// Reads a capsule, or a link that has one.
    ///
    /// # Errors
    /// In words, what is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        match text.split_once(FRAGMENT) {
            Some((_, letters)) if !text.starts_with('{') => Self::read_line(&linked(letters)?),
            _ => Self::read_line(text),
        }
    }

    fn read_line(text: &str) -> Result<Self, String> {
        let value: serde_json::Value = serde_json::from_str(text).map_err(|e| {
            format!("it is no replay capsule: {e}; name a file that the overlay or `pocketrank/replay` wrote")
        })?;
        match value.get("schema").and_then(serde_json::Value::as_str) {
            Some(SCHEMA) => {}
            Some(other) => {
                return Err(format!(
                    "it has the schema {other:?}, this program reads {SCHEMA:?}; update pocketrank"
                ))
            }
            None => return Err(format!("it has no `schema`; a replay capsule begins with {SCHEMA:?}")),
        }
        let capsule: Capsule =
            serde_json::from_str(text).map_err(|e| format!("a field of it is wrong: {e}; write it again"))?;
        let covered = text
            .rfind(",\"check\":")
            .and_then(|end| text.get(..end))
            .unwrap_or_default();
        if check(covered) != capsule.check {
            return Err(
                "it was changed since it was written (its check does not fit); write it again, and edit nothing".into(),
            );
        }
        Ok(capsule)
    }

    /// Ranks again, and gives what came out.
    ///
    /// # Errors
    /// In words, why it cannot be replayed, or the first place that differs.
    pub fn replay<B: AsRef<[u8]>>(&self, snapshot: Snapshot<B>) -> Result<Replayed, String> {
        let id = snapshot.id().to_string();
        if id != self.snapshot {
            return Err(format!(
                "it was ranked by snapshot {}, this is {id}; name that snapshot",
                self.snapshot
            ));
        }
        let profile = self.profile()?;
        let mut candidates = Candidates::resolve(&snapshot, &self.candidates);
        for at in &self.out_of_stock {
            let flag = candidates.flags_mut().get_mut(*at);
            *flag.ok_or_else(|| format!("`outOfStock`: there is no candidate {at}"))? = OUT_OF_STOCK;
        }
        let mut ranker = Ranker::new(snapshot);
        let factors = self.options.blend.iter().map(|(name, factor)| (name.as_str(), *factor));
        ranker.scale_blend(factors).map_err(|e| format!("`blend`: {e}"))?;
        ranker.set_profile(&profile, self.now);
        let options = Options {
            count: self.options.count,
            diversity: self.options.diversity,
            exclude_purchased: self.options.exclude_purchased,
            exclude_out_of_stock: self.options.exclude_out_of_stock,
        };
        let slate = ranker.rerank_shifted(&candidates, &options, &self.shifts()?).to_vec();
        self.compare(&slate)?;
        Ok(slate
            .into_iter()
            .map(|ranked| (ranked, ranker.explain(ranked.row)))
            .collect())
    }

    fn compare(&self, slate: &[Ranked]) -> Result<(), String> {
        if slate.len() != self.slate.len() {
            return Err(format!(
                "the slate differs: it had {} places, now there are {}",
                self.slate.len(),
                slate.len()
            ));
        }
        for (place, (ranked, (index, score))) in (1..).zip(slate.iter().zip(&self.slate)) {
            // JSON has one zero.
            if ranked.index != *index || (ranked.score + 0.0).to_bits() != (score + 0.0).to_bits() {
                let (was, is) = (self.name(*index), self.name(ranked.index));
                return Err(format!(
                    "the slate differs at place {place}: it had {was} with {score}, now there is {is} with {}",
                    ranked.score
                ));
            }
        }
        Ok(())
    }

    /// The id of a candidate.
    pub fn name(&self, index: u32) -> &str {
        self.candidates
            .get(index as usize)
            .map_or("no candidate", String::as_str)
    }

    fn shifts(&self) -> Result<Vec<u8>, String> {
        let bytes = self.options.shifts.as_bytes().chunks(2);
        let byte = |two: &[u8]| from_hex::<1>(std::str::from_utf8(two).unwrap_or_default()).map(|[byte]| byte);
        bytes
            .map(byte)
            .collect::<Option<_>>()
            .ok_or_else(|| "`shifts`: it is not hexadecimal".into())
    }

    /// The signals, as a profile holds them.
    fn profile(&self) -> Result<Profile, String> {
        let out_of_range = |what: &str, at: usize| format!("`{what}`: the time of {at} is not from 1970 to 2106");
        let mut held = b"PKPR\x03\0".to_vec();
        count("events", self.events.len(), &mut held)?;
        for (at, (item, kind, before)) in self.events.iter().enumerate() {
            let time = i64::from(self.now).checked_sub(*before);
            let time = time.and_then(|time| u32::try_from(time).ok());
            row(&mut held, item, kind, time.ok_or_else(|| out_of_range("events", at))?)?;
        }
        count("aggregates", self.aggregates.len(), &mut held)?;
        let today = i64::from(self.now) / DAY;
        for (at, (item, kind, first, last, count)) in self.aggregates.iter().enumerate() {
            let day = today.checked_sub(*last).and_then(|day| u16::try_from(day).ok());
            let day = day.ok_or_else(|| out_of_range("aggregates", at))?;
            let (span, more) = (first.saturating_sub(*last), count.wrapping_sub(1));
            if !(0..=i64::from(pocketrank::MAX_SPAN)).contains(&span) || more >= pocketrank::MAX_COUNT {
                return Err(format!("`aggregates`: {at} has more days or events than one can have"));
            }
            row(&mut held, item, kind, u32::from(day) << 16 | (span as u32) << 6 | more)?;
        }
        let choice = Some(Choice {
            mode: Mode::Session,
            capsule: false,
        });
        let grant = Consent::decide(&Signals {
            choice,
            ..Signals::default()
        })
        .grant();
        let grant = grant.ok_or("a choice without objection was refused")?;
        Profile::restore(&grant, &held).map_err(|e| format!("the signals are no profile: {e}"))
    }
}

/// The capsule behind [`FRAGMENT`].
fn linked(letters: &str) -> Result<String, String> {
    let bytes = Base64UrlUnpadded::decode_vec(letters.trim_end_matches('=')).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| "the link is cut short or was changed; copy the whole address again, in quotation marks".into())
}

/// How many rows follow.
fn count(what: &str, rows: usize, held: &mut Vec<u8>) -> Result<(), String> {
    let rows = u16::try_from(rows).map_err(|_| format!("`{what}`: there are {rows}, more than a profile has"))?;
    held.extend(rows.to_le_bytes());
    Ok(())
}

fn row(held: &mut Vec<u8>, item: &str, kind: &str, time: u32) -> Result<(), String> {
    let item: [u8; 8] =
        from_hex(item).ok_or_else(|| format!("{item:?} is no hash of an item: 16 hexadecimal digits"))?;
    let kind = EventKind::from_name(kind).map_err(|e| e.to_string())?;
    held.extend(item.iter().rev());
    held.extend(time.to_le_bytes());
    held.push(kind as u8);
    Ok(())
}

/// FNV-1a of 32 bits, in hexadecimal: against accidents and edits by hand.
fn check(text: &str) -> String {
    let hash = text.bytes().fold(0x811c_9dc5u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    format!("{hash:08x}")
}
