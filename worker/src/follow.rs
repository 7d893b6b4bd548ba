//! Follows the origin by the plan of the runtime (`pocketrank::Sync`): what the plan asks for is done here, and nothing is decided.
//!
//! ```text
//! first request ► seed (static assets), or what is stored (KV, R2) if that is newer ► model
//! answered request, every LOOK ms ► what another isolate has stored since ► model
//! cron, or answered request when it is overdue ► origin ► R2, KV ► model
//! ```
//!
//! Invariant: at most one try at a time runs in an isolate, and none before the answer it came with. What runs holds the plan itself; if
//! the platform gives it up half-way, the plan is made anew from what is stored once [`Follower::busy`] is over.

use crate::assets::Assets;
use crate::drive::{drive, GIVEN_UP};
use crate::error::{warn, Error};
use crate::follower::{self, now, with, Follower};
use crate::model;
use crate::origin::{Asked, TIMEOUT};
use crate::settings::Origin;
use crate::store::{Store, Stored};
use pocketrank::{edge, Manifest, Trust};
use std::cell::RefCell;
use worker::Env;

/// How often an isolate looks for what others have stored, in milliseconds. KV itself may be a minute behind.
const LOOK: f64 = 30_000.0;
/// Milliseconds for which a model that could not be loaded is not tried again.
const RETRY: f64 = 10_000.0;
/// How long a run may ask the origin, in milliseconds, behind an answer and by cron: less than the platform leaves it, for what is given up
/// half-way never gives its memory back. What is left is the next run's.
const BEHIND_ANSWER: f64 = 25_000.0;
const BY_CRON: f64 = 600_000.0;

/// What a try is for.
#[derive(Clone, Copy, PartialEq)]
enum When {
    /// What is overdue, behind an answer.
    Overdue,
    /// What is due, by the clock of the platform.
    ByCron,
    /// The origin's newest, while somebody waits for it.
    Now,
}

/// What became of asking the origin now.
#[derive(Clone, Copy, PartialEq)]
pub enum Refresh {
    /// What is in use is the origin's newest.
    Current,
    /// The origin did not say, or what it has cannot be used; the log says why.
    Failed,
    /// Another try is under way.
    Busy,
    /// There is no origin to ask.
    NoOrigin,
    /// It is not known whom to follow; the log says why.
    Unknown,
}

thread_local! {
    static RETRY_AT: RefCell<f64> = const { RefCell::new(0.0) };
}

/// A request for a file beside the manifest at the origin, of at most that many bytes; `None` where no origin is followed.
pub fn asked(file: &str, limit: u32) -> Option<Asked> {
    let asked = |follower: &mut Follower| {
        let timeout = follower.shortened(TIMEOUT.into());
        let models = follower.models.as_deref()?;
        Some(Asked::file(models, file, limit, timeout))
    };
    with(asked).flatten()
}

/// Which file of the static assets is that blob.
pub fn deployed(sha256: &[u8; 32]) -> Option<String> {
    let file = |seed: &Manifest| {
        let blob = seed.blobs().into_iter().find(|blob| blob.sha256 == *sha256);
        blob.map(|blob| blob.url.clone())
    };
    with(|follower| follower.seed.as_ref().and_then(file)).flatten()
}

/// A blob that could not be stored.
pub fn kept(sha256: &[u8; 32]) -> Option<Vec<u8>> {
    let kept = |follower: &mut Follower| {
        let kept = follower.memory.iter().find(|(known, _)| known == sha256);
        kept.map(|(_, bytes)| bytes.clone())
    };
    with(kept).flatten()
}

/// Takes note that a blob is gone or damaged: the plan fetches it again when it runs next.
pub fn lost(sha256: &[u8; 32]) {
    with(|follower| {
        if !follower.lost.contains(sha256) {
            follower.lost.push(*sha256);
        }
        if let Some(plan) = &mut follower.plan {
            plan.lost(now() as u64, sha256);
        }
    });
}

/// Loads the model if it is not there, and tells whether it is now. The log is told why not, once per try.
pub async fn load(env: &Env) -> bool {
    if model::is_there() {
        return true;
    }
    if now() < RETRY_AT.with_borrow(|at| *at) {
        return false;
    }
    // Requests that find no model at the same time all load it: awaiting what another request began is not permitted.
    if let Err(error) = begin(env).await {
        warn(&error);
    }
    if !model::is_there() {
        RETRY_AT.set(now() + RETRY);
    }
    model::is_there()
}

/// Whether there is something to do besides answering.
pub fn is_due() -> bool {
    let now = now();
    let is_due = |follower: &mut Follower| {
        if now < follower.busy || follower.models.is_none() {
            return false;
        }
        follower.note_due(now);
        follower.plan.is_none() || follower.is_overdue(now) || follower.is_shared && now >= follower.look
    };
    with(is_due).unwrap_or(false)
}

/// Looks for what others have stored, and asks the origin where that is overdue. What is in use stays until something else is whole.
pub async fn run(env: &Env) {
    try_once(env, When::Overdue).await;
}

/// Asks the origin now, and waits for what comes of it.
pub async fn refresh(env: &Env) -> Refresh {
    load(env).await;
    let began = now();
    match with(|follower| (follower.models.is_some(), began >= follower.busy)) {
        None => Refresh::Unknown,
        Some((false, _)) => Refresh::NoOrigin,
        Some((_, false)) => Refresh::Busy,
        Some((true, true)) => {
            try_once(env, When::Now).await;
            let checked = with(|follower| follower.plan.as_ref().and_then(|plan| plan.checked()));
            match checked.flatten().is_some_and(|checked| checked >= began as u64) {
                true => Refresh::Current,
                false => Refresh::Failed,
            }
        }
    }
}

/// As [`run`], by the clock of the platform: what is due is left to nobody else.
pub async fn scheduled(env: &Env) {
    load(env).await;
    if with(|follower| now() >= follower.busy && follower.models.is_some()) == Some(true) {
        try_once(env, When::ByCron).await;
    }
}

async fn try_once(env: &Env, when: When) {
    with(|follower| follower.busy = now() + GIVEN_UP);
    if let Err(error) = follow(env, when).await {
        warn(&error);
    }
    with(|follower| follower.busy = 0.0);
}

async fn follow(env: &Env, when: When) -> Result<(), Error> {
    let store = Store::of(env)?;
    if store.is_shared() && (when != When::Overdue || with(|follower| now() >= follower.look) == Some(true)) {
        look(&store).await;
    }
    let Some(mut plan) = with(|follower| follower.plan.take().unwrap_or_else(|| follower.plan_anew(None))) else {
        return Ok(());
    };
    // A run that held the plan meanwhile was not told.
    for sha256 in with(|follower| follower.lost.clone()).unwrap_or_default() {
        plan.lost(now() as u64, &sha256);
    }
    drive(env, &store, &mut plan, None).await;
    if when != When::Overdue || with(|follower| follower.is_overdue(now())) == Some(true) {
        let until = now() + if when == When::ByCron { BY_CRON } else { BEHIND_ANSWER };
        let is_listed = with(|follower| std::mem::replace(&mut follower.is_listed, true)) == Some(true);
        if store.is_shared() && !is_listed || when == When::Now {
            // What a run has stored that was stopped is not fetched again.
            let listed = match store.is_shared() {
                true => store.blobs().await.inspect_err(warn).ok(),
                false => None,
            };
            let anew = |follower: &mut Follower| match when {
                When::Now => follower.plan_now(listed),
                _ => follower.plan_anew(listed),
            };
            plan = with(anew).unwrap_or(plan);
        }
        drive(env, &store, &mut plan, Some(until)).await;
    }
    with(|follower| follower.plan = Some(plan));
    Ok(())
}

/// Takes up the manifest that another isolate has stored, if it is newer, or found to be current since.
async fn look(store: &Store) {
    let found = store.manifest().await.inspect_err(warn);
    let take_up = |follower: &mut Follower| {
        follower.look = now() + follower.shortened(LOOK);
        let Ok(found) = found else { return };
        let Some(found) = found else {
            follower.stored = None;
            return;
        };
        if follower.stored.as_ref() == Some(&found) {
            return;
        }
        let newer = match Manifest::read(&found.manifest, &follower.trust) {
            Ok(manifest) => {
                let fits = |model: &mut model::Model| {
                    manifest.sequence > model.manifest.sequence || found.manifest == model.signed
                };
                model::with(fits).unwrap_or(true)
            }
            // The seed of a newer deployment is the newest until the origin is asked.
            Err(pocketrank::Error::Older { .. }) => false,
            Err(error) => {
                warn(&Error::Published {
                    name: "what KV has".into(),
                    error,
                });
                false
            }
        };
        if newer {
            follower.plan = Some(follower.plan_of(Some(&found), None));
            follower.is_listed = false;
        }
        follower.stored = Some(found);
    };
    with(take_up);
}

/// Reads what was deployed and what is stored, and uses the newer of them that is whole.
async fn begin(env: &Env) -> Result<(), Error> {
    let origin = Origin::read(env)?;
    let (assets, store) = (Assets::of(env)?, Store::of(env)?);
    let mut trust = origin.trust;
    let seed = read_seed(&assets, &trust).await.inspect_err(warn).ok();
    if seed.is_none() && with(|_| ()).is_some() {
        return Ok(());
    }
    let (seed, signed) = seed.unzip();
    trust.sequence = seed.as_ref().map_or(0, |seed: &Manifest| seed.sequence);
    let follows = origin.models.is_some();
    follower::begin(Follower {
        trust,
        seed,
        models: origin.models,
        interval: origin.interval,
        is_shared: store.is_shared(),
        plan: None,
        is_listed: false,
        busy: 0.0,
        due: None,
        look: 0.0,
        stored: None,
        lost: vec![],
        memory: vec![],
    });
    if follows && store.is_shared() {
        look(&store).await;
    }
    let stored = with(|follower| follower.plan.take()).flatten();
    if let Some(mut plan) = stored {
        drive(env, &store, &mut plan, None).await;
        if model::is_there() {
            with(|follower| follower.plan = Some(plan));
            return Ok(());
        }
        // R2 may only have been slow: the next look tries again.
        with(|follower| follower.stored = None);
    }
    let deployed = signed.map(|manifest| Stored {
        manifest,
        checked: None,
    });
    if let Some(mut plan) = with(|follower| follower.plan_of(deployed.as_ref(), None)) {
        drive(env, &store, &mut plan, None).await;
        with(|follower| follower.plan = Some(plan));
    }
    Ok(())
}

async fn read_seed(assets: &Assets, trust: &Trust) -> Result<(Manifest, Vec<u8>), Error> {
    let signed = assets.read(&format!("{}{}", edge::ASSETS, edge::MANIFEST)).await?;
    let manifest = Manifest::read(&signed, trust).map_err(|error| Error::Published {
        name: edge::MANIFEST.into(),
        error,
    })?;
    Ok((manifest, signed))
}
