//! The surface of [`Sync`](crate::sync::Sync) for `www/src/sync/plan.ts`: functions of numbers, in a build of its own, so that a page ranks before it is loaded.
//!
//! How objects, texts and errors cross is told in `bridge`. A plan is made of a setup, which [`plan_new`] takes over. What a step says
//! beside its number is in the buffer, and in three numbers at [`plan_numbers`]; addresses among these hold until the next call.

use crate::bridge::{text, told, Buffer};
use crate::bytes::sha256;
use crate::sync::{Answer, Failure, Held, Kind, Report, Settings, Step, Sync};
use crate::{PublicKey, Result, Snapshot, Trust};
use std::mem::take;

/// What a plan is made of.
pub struct Setup {
    trust: Trust,
    held: Held,
    settings: Settings,
}

/// A plan, and the numbers of the step that it is at.
pub struct Plan {
    sync: Sync,
    numbers: [f64; 3],
}

/// A setup that knows nobody yet; times as in [`Settings`].
#[no_mangle]
pub extern "C" fn setup_new(
    interval: u32,
    max_backoff: u32,
    timeout: u32,
    with_deltas: u32,
    sequence: u32,
) -> Box<Setup> {
    Box::new(Setup {
        trust: Trust {
            audience: String::new(),
            keys: Vec::new(),
            sequence,
        },
        held: Held::default(),
        settings: Settings {
            interval,
            max_backoff,
            timeout,
            with_deltas: with_deltas != 0,
            files: Vec::new(),
        },
    })
}

/// Takes in what is in the buffer: 0 the audience, 1 a key in hexadecimal, 2 the name of a wanted file, 3 the stored manifest, 4 the names of
/// stored blobs (32 bytes each), 5 the snapshot that came with the program, whose id is left in the buffer.
#[no_mangle]
pub extern "C" fn setup_take(setup: &mut Setup, buffer: &mut Buffer, what: u32) -> bool {
    let bytes = take(buffer);
    let taken = take_in(setup, bytes, what);
    let taken = told(buffer, taken).is_some();
    if let Some(id) = setup.held.snapshot.filter(|_| taken) {
        *buffer = id.0.to_vec();
    }
    taken
}

fn take_in(setup: &mut Setup, bytes: Vec<u8>, what: u32) -> Result<()> {
    match what {
        0 => setup.trust.audience = text(&bytes)?.into(),
        1 => setup.trust.keys.push(PublicKey::from_hex(text(&bytes)?)?),
        2 => setup.settings.files.push(text(&bytes)?.into()),
        3 => setup.held.manifest = Some(bytes),
        4 => setup.held.blobs = bytes.as_chunks().0.to_vec(),
        _ => {
            let snapshot = Snapshot::open(bytes)?;
            snapshot.verify_id()?;
            setup.held.snapshot = Some(snapshot.id());
        }
    }
    Ok(())
}

/// Gives its memory back.
#[no_mangle]
pub extern "C" fn setup_free(_: Box<Setup>) {}

/// The plan. `checked` is what [`plan_checked`] said last, in milliseconds, or no number.
#[no_mangle]
pub extern "C" fn plan_new(setup: Box<Setup>, checked: f64, seed: u32, more_seed: u32) -> Box<Plan> {
    let Setup {
        trust,
        mut held,
        settings,
    } = *setup;
    held.checked = (checked >= 0.0).then_some(checked as u64);
    let seed = u64::from(seed) << 32 | u64::from(more_seed);
    Box::new(Plan {
        sync: Sync::new(trust, held, settings, seed),
        numbers: [0.0; 3],
    })
}

/// Gives its memory back.
#[no_mangle]
pub extern "C" fn plan_free(_: Box<Plan>) {}

/// Where the three numbers begin.
#[no_mangle]
pub extern "C" fn plan_numbers(plan: &Plan) -> *const f64 {
    plan.numbers.as_ptr()
}

/// What to do at `now`, in milliseconds. In the numbers and in the buffer:
///
/// | step | numbers | buffer |
/// |---|---|---|
/// | 0 wait | until when | |
/// | 1 fetch | kind, limit, timeout | length of the address (`u32`), address, entity tag |
/// | 2 load | | SHA-256 |
/// | 3 apply | | |
/// | 4 store | address and length of the bytes | SHA-256 |
/// | 5 commit | address and length of the manifest | |
/// | 6 swap | sequence, expiry | id of the snapshot (16 bytes), SHA-256 of its bytes, files |
/// | 7 forget | | SHA-256 of each blob to keep |
///
/// A file is its SHA-256, three `u32` (its bytes, the lengths of name and address), name and address.
#[no_mangle]
pub extern "C" fn plan_next(plan: &mut Plan, buffer: &mut Buffer, now: f64) -> u32 {
    buffer.clear();
    let place = |bytes: &[u8]| [bytes.as_ptr() as usize as f64, bytes.len() as f64, 0.0];
    let (step, numbers) = match plan.sync.next(now as u64) {
        Step::Wait { until } => (0, [until as f64, 0.0, 0.0]),
        Step::Fetch(request) => {
            buffer.extend((request.url.len() as u32).to_le_bytes());
            buffer.extend(request.url.as_bytes());
            buffer.extend(request.if_none_match.unwrap_or_default().as_bytes());
            (
                1,
                [
                    f64::from(request.kind as u8),
                    request.limit.into(),
                    request.timeout.into(),
                ],
            )
        }
        Step::Load(sha256) => {
            buffer.extend(sha256);
            (2, [0.0; 3])
        }
        Step::Apply => (3, [0.0; 3]),
        Step::Store { sha256, bytes } => {
            buffer.extend(sha256);
            (4, place(bytes))
        }
        Step::Commit(bytes) => (5, place(bytes)),
        Step::Swap(manifest) => {
            buffer.extend(manifest.snapshot.id.0);
            buffer.extend(manifest.snapshot.blob.sha256);
            for file in &manifest.files {
                buffer.extend(file.blob.sha256);
                for number in [file.blob.bytes, file.name.len() as u32, file.blob.url.len() as u32] {
                    buffer.extend(number.to_le_bytes());
                }
                buffer.extend(file.name.as_bytes());
                buffer.extend(file.blob.url.as_bytes());
            }
            (6, [manifest.sequence.into(), manifest.expires as f64, 0.0])
        }
        Step::Forget { keep } => {
            buffer.extend(keep.as_flattened());
            (7, [0.0; 3])
        }
    };
    plan.numbers = numbers;
    step
}

/// Answers the step: 0 what is in the buffer, whose last `number` bytes are the entity tag; 1 not modified; 2 the status `number`, with the
/// seconds of `Retry-After` in the buffer, as a `u32`, where there were any; 3 no answer, 0 network, 1 timeout, 2 too long, 3 redirected;
/// 4 done; 5 not stored.
#[no_mangle]
pub extern "C" fn plan_answer(plan: &mut Plan, buffer: &mut Buffer, now: f64, what: u32, number: u32) {
    let mut bytes = take(buffer);
    let answer = match what {
        0 => {
            let tag = bytes.split_off(bytes.len().saturating_sub(number as usize));
            Answer::Body {
                bytes,
                etag: String::from_utf8(tag).ok().filter(|tag| !tag.is_empty()),
            }
        }
        1 => Answer::NotModified,
        2 => Answer::Status {
            status: number as u16,
            retry_after: bytes.first_chunk().map(|bytes| u32::from_le_bytes(*bytes)),
        },
        3 => Answer::Failed(match number {
            0 => Failure::Network,
            1 => Failure::Timeout,
            2 => Failure::TooLong,
            _ => Failure::Redirected,
        }),
        4 => Answer::Done,
        _ => Answer::NotStored,
    };
    plan.sync.answer(now as u64, answer);
}

/// Applies the deltas to the snapshot in the buffer, the one in use.
#[no_mangle]
pub extern "C" fn plan_apply(plan: &mut Plan, buffer: &mut Buffer, now: f64) {
    let base = take(buffer);
    plan.sync.apply(now as u64, &base);
}

/// Leaves the snapshot to use from now on in the buffer, if it is another.
#[no_mangle]
pub extern "C" fn plan_snapshot(plan: &mut Plan, buffer: &mut Buffer) -> bool {
    let snapshot = plan.sync.take_snapshot();
    let is_there = snapshot.is_some();
    *buffer = snapshot.unwrap_or_default();
    is_there
}

/// Takes note that the blob whose SHA-256 is in the buffer is not in the storage, or damaged.
#[no_mangle]
pub extern "C" fn plan_lost(plan: &mut Plan, buffer: &Buffer, now: f64) {
    if let Some(sha256) = buffer.first_chunk() {
        plan.sync.lost(now as u64, sha256);
    }
}

/// When the manifest was last found to be current, in milliseconds; no number where it never was.
#[no_mangle]
pub extern "C" fn plan_checked(plan: &Plan) -> f64 {
    plan.sync.checked().map_or(f64::NAN, |at| at as f64)
}

/// Leaves the manifest that was accepted last in the buffer, nothing where there is none; its sequence.
#[no_mangle]
pub extern "C" fn plan_accepted(plan: &Plan, buffer: &mut Buffer) -> u32 {
    *buffer = plan.sync.accepted().unwrap_or_default().to_vec();
    plan.sync.manifest().map_or(0, |manifest| manifest.sequence)
}

/// Leaves the next report in the buffer: its code, a newline, and the text of the error. The number of what it is about, from 1; 5 where it is
/// about nothing that was fetched, 0 without a report. The status, where there was one, is the first of the numbers.
#[no_mangle]
pub extern "C" fn plan_report(plan: &mut Plan, buffer: &mut Buffer) -> u32 {
    let Some(report) = plan.sync.next_report() else {
        return 0;
    };
    let mut line = String::from(report.code());
    line.push('\n');
    plan.numbers = [0.0; 3];
    let kind = match report {
        Report::Manifest(error) => {
            error.write(&mut line);
            Kind::Manifest as u32
        }
        Report::Refused(kind, error) => {
            error.write(&mut line);
            kind as u32
        }
        Report::Failed(kind, failure) => {
            if let Failure::Status(status) = failure {
                plan.numbers = [status.into(), 0.0, 0.0];
            }
            kind as u32
        }
        Report::Updated { .. } | Report::Expired { .. } | Report::NotStored | Report::Lost => 4,
    };
    *buffer = line.into_bytes();
    kind + 1
}

/// Replaces the bytes in the buffer by their SHA-256.
#[no_mangle]
pub extern "C" fn hash(buffer: &mut Buffer) {
    let hash = sha256(&[buffer.as_slice()]);
    *buffer = hash.to_vec();
}
