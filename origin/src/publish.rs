//! Publishing: snapshot, deltas and lists go to a place under names that follow from their bytes, and then the manifest that names them.
//!
//! Invariant: at every moment the live manifest is whole, signed, and all that it names is there. So blobs are written first and never
//! changed, the manifest last and only over the one that was read, and garbage is what no manifest names that is kept. Wherever it stops,
//! what was live stays live, and the next run goes on. [`place`] writes, `history` and `garbage` read what was live before, `parcel` names.
//!
//! ```text
//! manifest.pkrm             the live manifest
//! snapshots/ID.pkr          by the snapshot's id
//! deltas/HASH.pkrd          by the first 16 bytes of the SHA-256
//! files/HASH.json           likewise
//! manifests/SEQUENCE.pkrm   manifests that have been live
//! ```

mod garbage;
mod history;
pub mod key;
pub(crate) mod parcel;
pub mod place;
mod source;

pub use garbage::Collected;
pub use source::{seconds, Source};

use crate::error::{Error, Result};
use crate::parallel;
use history::History;
use parcel::Parcel;
use place::{Live, Place, MANIFEST};
use pocketrank::{diff, Blob, File, Link, Manifest, PublicKey, SecretKey, Snapshot, SnapshotId, Target, Trust};

/// Who publishes, where, for whom.
#[derive(Debug)]
pub struct Publisher<'a> {
    /// Where.
    pub place: &'a Place,
    /// What signs. One of them must have signed what is live, and be among the keys that hosts trust.
    pub keys: &'a [SecretKey],
    /// The keys that hosts trust from then on; none for those of the live manifest.
    pub trust: &'a [PublicKey],
    /// For whom.
    pub audience: &'a str,
    /// The time, in seconds since 1970-01-01 UTC.
    pub now: u64,
    /// After how many seconds hosts report that they have not heard of a newer manifest.
    pub lifetime: u64,
}

/// Which of the manifests that have been live.
#[derive(Debug, Clone, Copy)]
pub enum Which {
    /// The newest with another snapshot than the live one.
    Before,
    /// The one of that sequence.
    Sequence(u32),
    /// The newest that names that snapshot.
    Snapshot(SnapshotId),
}

/// What is live now.
#[derive(Debug)]
pub struct Published {
    /// The manifest.
    pub manifest: Manifest,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Why manifests before a certain one were left out of account, if they were.
    pub forgotten: Option<Error>,
}

/// What is live, and what came before.
struct Before {
    live: Option<Live>,
    manifest: Option<Manifest>,
    history: History,
}

/// What a manifest says of the model.
struct Content {
    snapshot: Target,
    deltas: Vec<Link>,
    files: Vec<File>,
    /// What was written for it; the rest was there before.
    parcels: Vec<Parcel>,
}

impl Publisher<'_> {
    /// Publishes a snapshot with a delta from each of the last `deltas` snapshots, and these files; without any, those of the live
    /// manifest stay.
    ///
    /// # Errors
    /// [`Error::Overtaken`] where somebody else published meanwhile, [`Error::Snapshot`] for a snapshot that is not valid or a live
    /// manifest that none of the keys signed, [`Error::Usage`] for keys that hosts would refuse, [`Error::Store`].
    pub async fn publish(&self, snapshot: &[u8], files: Option<&[Source]>, deltas: usize) -> Result<Published> {
        let before = self.before(deltas.saturating_add(1), None).await?;
        self.publish_over(before, snapshot, files, deltas).await
    }

    /// Publishes the snapshot and the files of an earlier manifest again, as a newer one.
    ///
    /// # Errors
    /// As [`Publisher::publish`], and [`Error::Usage`] where there is no such manifest, or not all that it names is there any more.
    pub async fn rollback(&self, to: Which, deltas: usize) -> Result<Published> {
        let before = self.before(deltas.saturating_add(1), Some(to)).await?;
        let Some(earlier) = before.history.find(to) else {
            let forgotten = before.history.forgotten.as_ref();
            return Err(Error::Usage(format!(
                "{}: nothing to roll back to; {}{}",
                self.place.url(MANIFEST),
                before.history.listed(),
                forgotten
                    .map(|e| format!("; give the key that signed them beside yours to go further: {e}"))
                    .unwrap_or_default()
            )));
        };
        let gone = |blob: &Blob| {
            Error::Usage(format!(
                "{}: is gone, and sequence {} named it; {}",
                self.place.url(&blob.url),
                earlier.sequence,
                before.history.listed()
            ))
        };
        let blob = &earlier.snapshot.blob;
        let snapshot = self.place.get(blob).await?.ok_or_else(|| gone(blob))?;
        let mut files = vec![];
        for File { name, ttl, blob } in &earlier.files {
            let bytes = self.place.get(blob).await?.ok_or_else(|| gone(blob))?;
            files.push(Source {
                name: name.clone(),
                ttl: *ttl,
                bytes,
            });
        }
        self.publish_over(before, &snapshot, Some(&files), deltas).await
    }

    /// Signs what is live once more, under a newer sequence: with a new expiry, by other keys, or for hosts to trust others.
    ///
    /// # Errors
    /// As [`Publisher::publish`], and [`Error::Usage`] where nothing is live.
    pub async fn renew(&self) -> Result<Published> {
        let before = self.before(0, None).await?;
        let Some(manifest) = before.manifest.clone() else {
            return Err(Error::Usage(format!(
                "{}: is not there; publish a snapshot first",
                self.place.url(MANIFEST)
            )));
        };
        let Manifest {
            snapshot,
            deltas,
            files,
            ..
        } = manifest;
        let content = Content {
            snapshot,
            deltas,
            files,
            parcels: vec![],
        };
        self.replace(before, content).await
    }

    async fn publish_over(
        &self,
        before: Before,
        snapshot: &[u8],
        files: Option<&[Source]>,
        deltas: usize,
    ) -> Result<Published> {
        let opened = self.open("the snapshot", snapshot)?;
        let target = opened.id();
        let parcel = Parcel::snapshot(target, snapshot)?;
        let mut parcels = vec![];
        let same = before.manifest.as_ref().filter(|live| live.snapshot.id == target);
        let links = match same {
            Some(live) => live.deltas.clone(),
            None => {
                let bases = before.history.snapshots(deltas, target);
                let made = self.deltas(&bases, &opened, parcel.blob.transfer).await?;
                let mut links = vec![];
                for (base, parcel) in made {
                    self.place.keep(&parcel, self.now).await?;
                    let blob = parcel.blob.clone();
                    links.push(Link { base, target, blob });
                    parcels.push(parcel);
                }
                links
            }
        };
        self.place.keep(&parcel, self.now).await?;
        let files = match (files, &before.manifest) {
            (Some(files), _) => self.files(files, &mut parcels).await?,
            (None, Some(live)) => live.files.clone(),
            (None, None) => vec![],
        };
        let snapshot = Target {
            id: target,
            blob: parcel.blob.clone(),
        };
        parcels.push(parcel);
        let content = Content {
            snapshot,
            deltas: links,
            files,
            parcels,
        };
        self.replace(before, content).await
    }

    /// Deltas from these to the target, as far as they are still there and take less than all of it.
    async fn deltas<B: AsRef<[u8]> + Sync>(
        &self,
        bases: &[Target],
        target: &Snapshot<B>,
        whole: u32,
    ) -> Result<Vec<(SnapshotId, Parcel)>> {
        let mut there = vec![];
        for base in bases {
            if let Some(bytes) = self.place.get(&base.blob).await? {
                there.push(bytes);
            }
        }
        let made = parallel::map(&there, |base| {
            let base = self.open("a snapshot that was published", base)?;
            let delta = diff(&base, target).map_err(|e| self.invalid("a delta", e))?;
            Ok((base.id(), Parcel::delta(delta)?))
        });
        let made: Vec<_> = made.into_iter().collect::<Result<_>>()?;
        let fewer = |(_, parcel): &(_, Parcel)| parcel.blob.transfer < whole;
        Ok(made.into_iter().filter(fewer).collect())
    }

    async fn files(&self, sources: &[Source], parcels: &mut Vec<Parcel>) -> Result<Vec<File>> {
        let made = parallel::map(sources, |source| Parcel::file(&source.name, source.bytes.clone()));
        let mut files = vec![];
        for (source, parcel) in sources.iter().zip(made) {
            let parcel = parcel?;
            self.place.keep(&parcel, self.now).await?;
            files.push(File {
                name: source.name.clone(),
                ttl: source.ttl,
                blob: parcel.blob.clone(),
            });
            parcels.push(parcel);
        }
        files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    /// Reads what is live, and what was before as far back as so many snapshots, and as what is looked for.
    async fn before(&self, snapshots: usize, wanted: Option<Which>) -> Result<Before> {
        let live = self.place.live().await?;
        let signers: Vec<PublicKey> = self.keys.iter().map(SecretKey::public).collect();
        let trust = |keys: Vec<PublicKey>| Trust {
            audience: self.audience.to_owned(),
            keys,
            sequence: 1,
        };
        let manifest = match &live {
            Some(live) => {
                let manifest = Manifest::read(&live.bytes, &trust(signers.clone()));
                Some(manifest.map_err(|e| self.invalid(MANIFEST, e))?)
            }
            None => None,
        };
        let trusted = manifest.as_ref().map_or(&[][..], |live| &live.keys);
        if !trusted.is_empty() && !signers.iter().any(|key| trusted.contains(key)) {
            return Err(Error::Usage(format!(
                "{}: hosts trust {} only; sign with one of these keys too",
                self.place.url(MANIFEST),
                listed(trusted)
            )));
        }
        if !self.trust.is_empty() && !signers.iter().any(|key| self.trust.contains(key)) {
            return Err(Error::Usage(format!(
                "--trust {}: none of these keys signs, so hosts would refuse what you publish next; name one that does, {}",
                listed(self.trust),
                listed(&signers)
            )));
        }
        let keys = [&signers, trusted, self.trust].concat();
        let history = History::read(self.place, manifest.as_ref(), &trust(keys), snapshots, wanted).await?;
        Ok(Before {
            live,
            manifest,
            history,
        })
    }

    /// Signs a manifest of that content and makes it live.
    async fn replace(&self, before: Before, content: Content) -> Result<Published> {
        let sequence = before.history.last.checked_add(1).ok_or_else(|| {
            Error::Usage(format!(
                "{}: no sequence is left; publish to another place",
                self.place.url(MANIFEST)
            ))
        })?;
        let keys = match (self.trust, &before.manifest) {
            ([], Some(live)) => live.keys.clone(),
            (trust, _) => trust.to_vec(),
        };
        let Content {
            snapshot,
            deltas,
            files,
            parcels,
        } = content;
        let manifest = Manifest {
            audience: self.audience.to_owned(),
            sequence,
            issued: self.now,
            expires: self.now.saturating_add(self.lifetime),
            snapshot,
            deltas,
            files,
            keys,
        };
        let bytes = manifest.sign(self.keys).map_err(|e| match e {
            pocketrank::Error::Limit { what, max, got } => Error::Usage(format!(
                "{}: {got} {what}, and there is room for {max}: it names {} files and {} deltas; give fewer by --file and --deltas",
                self.place.url(MANIFEST),
                manifest.files.len(),
                manifest.deltas.len(),
            )),
            e => self.invalid(MANIFEST, e),
        })?;
        if let (Some(live), Some(manifest)) = (&before.live, &before.manifest) {
            self.place.archive(manifest.sequence, &live.bytes, self.now).await?;
        }
        let lock = self.place.lock()?;
        self.all_there(&manifest, &parcels).await?;
        self.place.replace(&lock, before.live.as_ref(), &bytes).await?;
        Ok(Published {
            manifest,
            bytes,
            forgotten: before.history.forgotten,
        })
    }

    /// Sees to it that all that a manifest names is there. What was written for it may have been taken for garbage since.
    async fn all_there(&self, manifest: &Manifest, parcels: &[Parcel]) -> Result<()> {
        for blob in manifest.blobs() {
            if self.place.has(&blob.url).await? {
                continue;
            }
            let parcel = parcels.iter().find(|parcel| parcel.blob.url == blob.url);
            let parcel = parcel.ok_or_else(|| {
                Error::Usage(format!(
                    "{}: is gone, and the live manifest names it; publish another snapshot, and give the files by --file again",
                    self.place.url(&blob.url)
                ))
            })?;
            self.place.keep(parcel, self.now).await?;
        }
        Ok(())
    }

    fn open<'b>(&self, name: &str, bytes: &'b [u8]) -> Result<Snapshot<&'b [u8]>> {
        let snapshot = Snapshot::open(bytes).and_then(|snapshot| snapshot.verify().map(|()| snapshot));
        snapshot.map_err(|e| self.invalid(name, e))
    }

    fn invalid(&self, name: &str, source: pocketrank::Error) -> Error {
        Error::Snapshot {
            path: self.place.url(name).into(),
            source,
        }
    }
}

fn listed(keys: &[PublicKey]) -> String {
    keys.iter().map(PublicKey::to_hex).collect::<Vec<_>>().join(", ")
}
