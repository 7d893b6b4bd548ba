//! What verbs that write a manifest share: where, for whom, by which keys, until when; and how they run and report.

use super::data::Output;
use clap::Args;
use pocketrank::{PublicKey, SecretKey};
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::ingest::time;
use pocketrank_origin::publish::place::{Place, MANIFEST};
use pocketrank_origin::publish::{key, seconds, Collected, Published, Publisher};
use serde_json::json;
use std::future::Future;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where to publish, for whom and by which keys.
#[derive(Debug, Args)]
pub struct Options {
    /// Where: a folder, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX or
    /// https://ACCOUNT.r2.cloudflarestorage.com/BUCKET/PREFIX.
    #[arg(long, value_name = "URL")]
    to: String,
    /// Secret key that signs, as `keys` makes it; twice or more while keys are changed.
    #[arg(long = "key", required = true, value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// For whom, as hosts know it, such as shop.example/production.
    #[arg(long, value_name = "TEXT")]
    audience: String,
    /// Public key that hosts shall trust from then on, those named before and in hosts no more; may be given several times. Without it
    /// as before.
    #[arg(long = "trust", value_name = "PUBLIC", value_parser = public)]
    trust: Vec<PublicKey>,
    /// When hosts begin to report that they have heard of nothing newer.
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = seconds)]
    expires: u64,
    #[command(flatten)]
    pub print: Output,
}

fn public(text: &str) -> std::result::Result<PublicKey, String> {
    PublicKey::from_hex(text).map_err(|e| e.to_string())
}

/// [`Options`], read.
pub struct Ready {
    options: Options,
    place: Place,
    keys: Vec<SecretKey>,
    now: u64,
}

impl Options {
    /// Reads keys and clock, opens the place.
    pub fn ready(self) -> Result<Ready> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Ok(Ready {
            place: Place::open(&self.to)?,
            keys: self.keys.iter().map(|path| key::read(path)).collect::<Result<_>>()?,
            now: now
                .map_err(|e| Error::Usage(format!("the clock is before 1970: {e}; set it")))?
                .as_secs(),
            options: self,
        })
    }
}

impl Ready {
    /// Who publishes.
    pub fn publisher(&self) -> Publisher<'_> {
        Publisher {
            place: &self.place,
            keys: &self.keys,
            trust: &self.options.trust,
            audience: &self.options.audience,
            now: self.now,
            lifetime: self.options.expires,
        }
    }

    /// Prints what is live now.
    pub fn report(&self, published: &Published, collected: Option<&Collected>) -> Result<()> {
        let Published {
            manifest, forgotten, ..
        } = published;
        let (id, url) = (manifest.snapshot.id.to_string(), self.place.url(MANIFEST));
        let deltas = manifest.deltas.iter().map(|link| link.blob.transfer);
        let expires = time::rfc3339(i64::try_from(manifest.expires).unwrap_or(i64::MAX));
        let mut text = format!(
            "{url}: sequence {}, snapshot {id} ({} bytes with brotli), {}, {} files, expires {expires}",
            manifest.sequence,
            manifest.snapshot.blob.transfer,
            match (deltas.clone().min(), deltas.max()) {
                (Some(least), Some(most)) => format!("{} deltas of {least} to {most} bytes", manifest.deltas.len()),
                _ => "no delta".to_owned(),
            },
            manifest.files.len(),
        );
        let forgotten = forgotten.as_ref().map(Error::to_string);
        if let Some(why) = &forgotten {
            text += &format!("\nolder snapshots were left out of account: {why}");
        }
        if let Some(Collected { removed, young, left }) = collected {
            text += &match left {
                Some(why) => format!("\nno garbage was removed: {why}"),
                None => format!(
                    "\n{removed} objects of older snapshots removed, {young} left that are younger than an hour"
                ),
            };
        }
        let link = |link: &pocketrank::Link| json!({ "base": link.base.to_string(), "bytes": link.blob.bytes, "transfer": link.blob.transfer });
        let file = |file: &pocketrank::File| json!({ "name": file.name, "ttl": file.ttl, "url": file.blob.url });
        self.options.print.print(
            text,
            &json!({
                "manifest": url,
                "sequence": manifest.sequence,
                "snapshot": id,
                "bytes": manifest.snapshot.blob.bytes,
                "transfer": manifest.snapshot.blob.transfer,
                "deltas": manifest.deltas.iter().map(link).collect::<Vec<_>>(),
                "files": manifest.files.iter().map(file).collect::<Vec<_>>(),
                "keys": manifest.keys.iter().map(PublicKey::to_hex).collect::<Vec<_>>(),
                "expires": manifest.expires,
                "forgotten": forgotten,
                "collected": collected,
            }),
        )
    }
}

/// Waits for what talks to a store or to clients.
pub fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|e| Error::Internal(format!("cannot start threads: {e}")))?;
    runtime.block_on(work)
}
