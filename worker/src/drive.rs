//! Does what the plan of the runtime (`pocketrank::Sync`) says, step by step: asks the origin, reads and writes the store, swaps the model.

use crate::error::{warn, Error};
use crate::follower::{now, with, Follower};
use crate::origin::Asked;
use crate::store::{Store, Stored};
use crate::{blobs, metrics, model, report};
use pocketrank::edge::metrics::SYNC_ASKED;
use pocketrank::sync::{Answer, Failure, Step, Sync};
use pocketrank::Manifest;
use worker::Env;

/// How long a step may take beside its own time, in milliseconds; who has not come back then was given up.
pub const GIVEN_UP: f64 = 60_000.0;

/// Does what the plan says, until it waits or would ask the origin after that time; where none is given it is not asked.
pub async fn drive(env: &Env, store: &Store, plan: &mut Sync, until: Option<f64>) {
    let mut committed = false;
    loop {
        while let Some(told) = plan.next_report() {
            report::report(&told);
        }
        let answer = match plan.next(now() as u64) {
            Step::Wait { .. } => break,
            Step::Fetch(request) => {
                let left = until.map_or(0.0, |until| until - now());
                let models = with(|follower| follower.models.clone()).flatten();
                let Some(models) = models.filter(|_| left > 0.0) else {
                    break;
                };
                metrics::count(&SYNC_ASKED, [report::name(request.kind), ""]);
                let mut asked = Asked::of(&models, &request);
                asked.timeout = asked.timeout.min(left);
                with(|follower| follower.busy = now() + asked.timeout + GIVEN_UP);
                asked.fetch().await
            }
            Step::Load(sha256) => match blobs::find(env, store, sha256).await {
                Ok(Some(bytes)) => Answer::Body { bytes, etag: None },
                Ok(None) => Answer::NotStored,
                Err(error) => {
                    warn(&error);
                    Answer::NotStored
                }
            },
            Step::Apply => {
                let applied = model::with(|model| plan.apply(now() as u64, model.snapshot().as_bytes()));
                if applied.is_none() {
                    plan.answer(now() as u64, Answer::Failed(Failure::Unexpected));
                }
                continue;
            }
            Step::Store { sha256, bytes } => {
                let kept = store.put(sha256, bytes).await;
                with(|follower| follower.lost.retain(|lost| lost != sha256));
                if !matches!(kept, Ok(true)) {
                    with(|follower| follower.memory.push((*sha256, bytes.to_vec())));
                }
                done(kept)
            }
            Step::Commit(signed) => {
                let stored = Stored {
                    manifest: signed.to_vec(),
                    checked: Some(now() as u64),
                };
                committed = true;
                done(commit(store, stored).await)
            }
            Step::Swap(manifest) => {
                let manifest = manifest.clone();
                let is_news = swap(manifest, plan);
                plan.answer(now() as u64, Answer::Done);
                if !is_news {
                    // A plan that was made anew reports what is in use already.
                    plan.next_report();
                }
                continue;
            }
            Step::Forget { keep } => {
                with(|follower| follower.lost.retain(|lost| keep.contains(lost)));
                // What was not deleted is the next time.
                let _ = store.forget(&keep, now() as u64).await.inspect_err(warn);
                Answer::Done
            }
        };
        plan.answer(now() as u64, answer);
    }
    // Others need not ask what this one has just been told.
    let told = |follower: &mut Follower| {
        if until.is_none() || committed || !follower.is_shared {
            return None;
        }
        if follower.is_behind() {
            let manifest = model::with(|model| model.signed.clone())?;
            let checked = plan.checked().filter(|_| plan.accepted() == Some(&manifest));
            return Some(Stored { manifest, checked });
        }
        let stored = follower.stored.clone()?;
        let checked = plan.checked().max(stored.checked);
        let is_news = plan.accepted() == Some(&stored.manifest) && checked != stored.checked;
        is_news.then_some(Stored { checked, ..stored })
    };
    if let Some(stored) = with(told).flatten() {
        let _ = commit(store, stored).await.inspect_err(warn);
    }
}

fn done<T>(result: Result<T, Error>) -> Answer {
    match result {
        Ok(_) => Answer::Done,
        Err(error) => {
            warn(&error);
            Answer::NotStored
        }
    }
}

/// Writes the manifest to KV, but over none that is newer: what another isolate has come to meanwhile stays, and is taken up at the next look.
/// KV compares nothing when it writes, so an older one may get there all the same; [`Follower::is_behind`] tells then.
async fn commit(store: &Store, stored: Stored) -> Result<(), Error> {
    // Where KV cannot be read it is written: what would be lost is written again by whoever has it.
    let found = store.manifest().await.ok().flatten();
    let is_newer = |follower: &mut Follower| {
        let newer = follower.sequence(&found.as_ref()?.manifest) > follower.sequence(&stored.manifest);
        newer.then(|| follower.look = 0.0)
    };
    if with(is_newer).flatten().is_some() {
        return Ok(());
    }
    store.commit(&stored).await?;
    with(|follower| follower.stored = Some(stored));
    Ok(())
}

/// `false` if it is in use already, or cannot be used.
fn swap(manifest: Manifest, plan: &mut Sync) -> bool {
    let signed = plan.accepted().unwrap_or_default().to_vec();
    if model::with(|model| model.signed == signed) == Some(true) {
        return false;
    }
    let needed: Vec<_> = manifest.files.iter().map(|file| file.blob.sha256).collect();
    let snapshot = plan.take_snapshot();
    match model::swap(manifest, signed, snapshot) {
        Ok(()) => {
            with(|follower| follower.memory.retain(|(sha256, _)| needed.contains(sha256)));
            true
        }
        Err(error) => {
            warn(&error);
            false
        }
    }
}
