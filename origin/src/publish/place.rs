//! Where snapshots are published: a folder, or a bucket of an object store.
//!
//! Invariant: an object is there whole or not at all, and the manifest changes only from the one that was read to the one that was written.
//! Object stores do that by a precondition. A folder has none, so there publishers and who collects garbage lock `manifest.lock` (an advisory lock of the system,
//! which ends with its process), compare what is live with what they read, and rename the new manifest over it; readers need no lock.

use super::parcel::{Parcel, OCTETS};
use crate::compress;
use crate::error::{Error, Result};
use futures_util::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{
    Attribute, Attributes, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, UpdateVersion,
};
use pocketrank::Blob;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use url::Url;

/// The one object that changes.
pub const MANIFEST: &str = "manifest.pkrm";
/// How long answers of immutable objects may be kept.
pub const FOREVER: &str = "public, max-age=31536000, immutable";
/// The manifest is asked for again each time.
pub const REVALIDATE: &str = "no-cache";
/// What a folder has beside an object, for servers that hand out compressed files.
const SIBLINGS: [&str; 2] = [".br", ".gz"];
/// An object younger than this, in seconds, may be that of a publisher who has yet to write the manifest.
const YOUNG: u64 = 3_600;

/// A folder or a bucket, and in it a place for one audience.
#[derive(Debug, Clone)]
pub struct Place {
    objects: Arc<dyn ObjectStore>,
    prefix: Key,
    folder: Option<PathBuf>,
    url: String,
}

/// What is live.
#[derive(Debug, Clone)]
pub struct Live {
    /// The manifest.
    pub bytes: Vec<u8>,
    version: UpdateVersion,
}

/// Is held while the manifest of a folder is replaced and while garbage is collected there; ends when it is dropped.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "is held, not read")] Option<std::fs::File>);

/// An object that is there.
#[derive(Debug)]
pub(super) struct Stored {
    key: Key,
    /// Its name in manifests.
    pub(super) name: String,
    /// Seconds since 1970.
    modified: i64,
}

impl Stored {
    pub(super) fn is_young(&self, now: u64) -> bool {
        is_young(self.modified, now)
    }
}

fn is_young(modified: i64, now: u64) -> bool {
    modified.saturating_add_unsigned(YOUNG) > i64::try_from(now).unwrap_or(i64::MAX)
}

impl Place {
    /// A folder's path or `file://`; `s3://`, `gs://`, `az://` and the https addresses of their services, R2's too, with what
    /// the environment says under `AWS_`, `GOOGLE_` and `AZURE_`. Makes a folder that is missing.
    ///
    /// # Errors
    /// [`Error::Usage`] for another address, [`Error::Io`] where the folder cannot be made.
    pub fn open(to: &str) -> Result<Self> {
        if !to.contains("://") {
            return Self::folder(Path::new(to));
        }
        let unknown = |why: &dyn std::fmt::Display| {
            Error::Usage(format!(
                "--to {to}: {why}; give a folder, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX or \
                 https://ACCOUNT.r2.cloudflarestorage.com/BUCKET/PREFIX, and what the store needs in the environment (docs/PUBLISH.md)"
            ))
        };
        let url = Url::parse(to).map_err(|e| unknown(&e))?;
        match url.scheme() {
            "file" => {
                let path = url.to_file_path();
                return Self::folder(&path.map_err(|()| unknown(&"names no folder of this machine"))?);
            }
            "memory" => return Err(unknown(&"would be gone at once")),
            _ => {}
        }
        // Another's may have been set already, which serves as well.
        #[cfg(feature = "buckets")]
        let _ = rustls::crypto::ring::default_provider().install_default();
        let ours = |name: &str| {
            ["AWS_", "GOOGLE_", "AZURE_"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
        };
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| ours(name));
        let (objects, prefix) = object_store::parse_url_opts(&url, variables).map_err(|e| unknown(&e))?;
        Ok(Self {
            prefix,
            ..Self::over(Arc::from(objects), to)
        })
    }

    fn folder(path: &Path) -> Result<Self> {
        std::fs::create_dir_all(path).map_err(|e| Error::writing(path, e))?;
        let url = path.display().to_string();
        let objects = LocalFileSystem::new_with_prefix(path).map_err(|e| refused("cannot open", url.clone(), e))?;
        Ok(Self::over_folder(Arc::new(objects.with_fsync(true)), path))
    }

    /// Any store that keeps preconditions; `url` is for messages.
    pub fn over(objects: Arc<dyn ObjectStore>, url: &str) -> Self {
        Self {
            objects,
            prefix: Key::default(),
            folder: None,
            url: url.trim_end_matches('/').to_owned(),
        }
    }

    /// A store without preconditions and attributes whose objects are the files of that folder.
    pub fn over_folder(objects: Arc<dyn ObjectStore>, folder: &Path) -> Self {
        Self {
            folder: Some(folder.to_path_buf()),
            ..Self::over(objects, &folder.display().to_string())
        }
    }

    /// The address of an object, for messages.
    pub fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.url)
    }

    fn key(&self, name: &str) -> Key {
        self.prefix.parts().chain(Key::from(name).parts()).collect()
    }

    fn reading(&self, name: &str) -> impl Fn(object_store::Error) -> Error {
        let url = self.url(name);
        move |source| refused("cannot read", url.clone(), source)
    }

    fn writing(&self, name: &str) -> impl Fn(object_store::Error) -> Error {
        let url = self.url(name);
        move |source| refused("cannot write", url.clone(), source)
    }

    /// What is live; `None` where nothing was published yet.
    ///
    /// # Errors
    /// [`Error::Store`] where it cannot be read.
    pub async fn live(&self) -> Result<Option<Live>> {
        let found = self.raw(MANIFEST).await?;
        Ok(found.map(|found| Live {
            bytes: found.bytes,
            version: found.version,
        }))
    }

    /// Makes `bytes` the manifest, if what is live is still what was `before`.
    ///
    /// # Errors
    /// [`Error::Overtaken`] where it is not, [`Error::Store`] where it cannot be written.
    pub async fn replace(&self, _lock: &Lock, before: Option<&Live>, bytes: &[u8]) -> Result<()> {
        let attributes = self.attributes(REVALIDATE, OCTETS, false);
        if self.folder.is_none() {
            let mode = match before {
                Some(live) => PutMode::Update(live.version.clone()),
                None => PutMode::Create,
            };
            return match self.put(MANIFEST, bytes, attributes, mode).await {
                Err(object_store::Error::Precondition { .. } | object_store::Error::AlreadyExists { .. }) => {
                    // The store may have taken what it then, asked once more after a lost answer, refused.
                    match self.live().await? {
                        Some(live) if live.bytes == bytes => Ok(()),
                        _ => Err(Error::Overtaken(self.url(MANIFEST))),
                    }
                }
                result => result.map_err(self.writing(MANIFEST)),
            };
        }
        if self.live().await?.map(|live| live.bytes).as_deref() != before.map(|live| live.bytes.as_slice()) {
            return Err(Error::Overtaken(self.url(MANIFEST)));
        }
        self.put(MANIFEST, bytes, attributes, PutMode::Overwrite)
            .await
            .map_err(self.writing(MANIFEST))
    }

    /// Waits until nobody else replaces the manifest of a folder or collects garbage there. Buckets have no lock.
    ///
    /// # Errors
    /// [`Error::Io`] where the lock cannot be had.
    pub fn lock(&self) -> Result<Lock> {
        let Some(folder) = &self.folder else {
            return Ok(Lock(None));
        };
        let path = folder.join("manifest.lock");
        let lock = std::fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let lock = lock.map_err(|e| Error::writing(&path, e))?;
        lock.lock().map_err(|e| Error::Io {
            action: "cannot lock",
            path,
            source: e,
        })?;
        Ok(Lock(Some(lock)))
    }

    /// Whether there is an object of that name, whatever it holds.
    ///
    /// # Errors
    /// [`Error::Store`] where that cannot be told.
    pub(super) async fn has(&self, name: &str) -> Result<bool> {
        match self.objects.head(&self.key(name)).await {
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            result => result.map(|_| true).map_err(self.reading(name)),
        }
    }

    /// Sees to it that the object is there, and young. In a bucket it lies compressed with brotli, which every host's fetch undoes; in a
    /// folder as it is, with its compressed siblings.
    ///
    /// # Errors
    /// [`Error::Store`] where it cannot be written.
    pub(super) async fn keep(&self, parcel: &Parcel, now: u64) -> Result<()> {
        let name = parcel.blob.url.as_str();
        if self.folder.is_none() {
            let bytes = parcel.brotli.as_deref().unwrap_or(&parcel.bytes);
            let attributes = self.attributes(FOREVER, parcel.media(), parcel.brotli.is_some());
            return self.once(name, bytes, attributes, now).await;
        }
        self.once(name, &parcel.bytes, Attributes::new(), now).await?;
        let gzip = compress::gzip(&parcel.bytes)?;
        let gzip = Some(gzip).filter(|gzip| gzip.len() < parcel.bytes.len());
        for (suffix, bytes) in SIBLINGS.iter().zip([&parcel.brotli, &gzip]) {
            if let Some(bytes) = bytes {
                self.once(&format!("{name}{suffix}"), bytes, Attributes::new(), now)
                    .await?;
            }
        }
        Ok(())
    }

    /// Keeps a manifest that has been live, for those who roll back.
    ///
    /// # Errors
    /// [`Error::Store`] where it cannot be written.
    pub(super) async fn archive(&self, sequence: u32, bytes: &[u8], now: u64) -> Result<()> {
        let attributes = self.attributes(FOREVER, OCTETS, false);
        self.once(&archived(sequence), bytes, attributes, now).await
    }

    /// A manifest that [`Place::archive`] kept.
    ///
    /// # Errors
    /// [`Error::Store`] where it cannot be read.
    pub(super) async fn archived(&self, name: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.raw(name).await?.map(|found| found.bytes))
    }

    /// Writes an object that never changes. One that is there is written again where it is old, so that nobody takes it for garbage
    /// meanwhile, or where it has other bytes: compressed by another version, or damaged.
    async fn once(&self, name: &str, bytes: &[u8], attributes: Attributes, now: u64) -> Result<()> {
        match self.put(name, bytes, attributes.clone(), PutMode::Create).await {
            Err(object_store::Error::AlreadyExists { .. }) => {}
            result => return result.map_err(self.writing(name)),
        }
        let found = self.raw(name).await?;
        // It stays young for half of the time at least, which is enough to write the manifest.
        let soon = now.saturating_add(YOUNG / 2);
        if found.is_some_and(|found| found.bytes == bytes && is_young(found.modified, soon)) {
            return Ok(());
        }
        self.put(name, bytes, attributes, PutMode::Overwrite)
            .await
            .map_err(self.writing(name))
    }

    async fn put(&self, name: &str, bytes: &[u8], attributes: Attributes, mode: PutMode) -> object_store::Result<()> {
        let options = PutOptions {
            mode,
            attributes,
            ..PutOptions::default()
        };
        let payload = PutPayload::from(bytes.to_vec());
        self.objects
            .put_opts(&self.key(name), payload, options)
            .await
            .map(|_| ())
    }

    /// How an object is to be handed out. Files have no such attributes.
    fn attributes(&self, cache: &'static str, media: &'static str, brotli: bool) -> Attributes {
        let encoding = brotli.then_some((Attribute::ContentEncoding, "br"));
        let fixed = [(Attribute::CacheControl, cache), (Attribute::ContentType, media)];
        let all = fixed.into_iter().chain(encoding);
        all.filter(|_| self.folder.is_none()).collect()
    }

    /// The bytes that a manifest names; `None` where they are not there, or are others.
    ///
    /// # Errors
    /// [`Error::Store`] where they cannot be read.
    pub async fn get(&self, blob: &Blob) -> Result<Option<Vec<u8>>> {
        let Some(found) = self.raw(&blob.url).await? else {
            return Ok(None);
        };
        let bytes = match found.brotli {
            false => found.bytes,
            true => match compress::unbrotli(&found.bytes, blob.bytes as usize + 1) {
                Ok(bytes) => bytes,
                Err(_) => return Ok(None),
            },
        };
        Ok(Some(bytes).filter(|bytes| blob.check("blob", bytes).is_ok()))
    }

    async fn raw(&self, name: &str) -> Result<Option<Found>> {
        let found = match self.objects.get(&self.key(name)).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            result => result.map_err(self.reading(name))?,
        };
        let brotli = found.attributes.get(&Attribute::ContentEncoding);
        Ok(Some(Found {
            brotli: brotli.is_some_and(|encoding| encoding.as_ref() == "br"),
            modified: found.meta.last_modified.timestamp(),
            version: UpdateVersion {
                e_tag: found.meta.e_tag.clone(),
                version: found.meta.version.clone(),
            },
            bytes: found.bytes().await.map_err(self.reading(name))?.to_vec(),
        }))
    }

    /// All objects under a folder's name.
    ///
    /// # Errors
    /// [`Error::Store`] where they cannot be listed.
    pub(super) async fn list(&self, folder: &str) -> Result<Vec<Stored>> {
        let objects = self.objects.list(Some(&self.key(folder))).map_ok(|object| {
            let name = object.location.filename().unwrap_or_default();
            let name = SIBLINGS
                .iter()
                .find_map(|suffix| name.strip_suffix(suffix))
                .unwrap_or(name);
            Stored {
                name: format!("{folder}/{name}"),
                modified: object.last_modified.timestamp(),
                key: object.location,
            }
        });
        objects.try_collect().await.map_err(self.reading(folder))
    }

    /// Removes an object, if it is still old: somebody may have written it again since it was listed. Says whether it is gone.
    async fn remove_old(&self, key: &Key, now: u64) -> object_store::Result<bool> {
        let gone = |error| match error {
            object_store::Error::NotFound { .. } => Ok(true),
            e => Err(e),
        };
        match self.objects.head(key).await {
            Ok(object) if is_young(object.last_modified.timestamp(), now) => Ok(false),
            Ok(_) => self.objects.delete(key).await.map(|()| true).or_else(gone),
            Err(e) => gone(e),
        }
    }

    /// Removes objects, but those that are young by now. Says how many are gone.
    ///
    /// # Errors
    /// [`Error::Store`] where one cannot be removed.
    pub(super) async fn remove(&self, objects: &[Stored], now: u64) -> Result<usize> {
        const AT_ONCE: usize = 16;
        let removals = objects.iter().map(|object| self.remove_old(&object.key, now));
        let mut removals = futures_util::stream::iter(removals).buffer_unordered(AT_ONCE);
        let mut removed = 0;
        while let Some(result) = removals.next().await {
            let gone = result.map_err(|e| refused("cannot remove from", self.url.clone(), e))?;
            removed += usize::from(gone);
        }
        Ok(removed)
    }
}

/// An object's bytes as they lie there.
struct Found {
    bytes: Vec<u8>,
    brotli: bool,
    modified: i64,
    version: UpdateVersion,
}

/// The name of a manifest that has been live.
pub(super) fn archived(sequence: u32) -> String {
    format!("{ARCHIVE}/{sequence:010}.pkrm")
}

/// The sequence in such a name.
pub(super) fn archived_sequence(name: &str) -> Option<u32> {
    let digits = name.strip_prefix(ARCHIVE)?.strip_prefix('/')?.strip_suffix(".pkrm")?;
    digits.parse().ok().filter(|sequence| archived(*sequence) == name)
}

/// Where manifests are that have been live.
pub(super) const ARCHIVE: &str = "manifests";

fn refused(action: &'static str, url: String, source: object_store::Error) -> Error {
    Error::Store {
        action,
        url,
        source: Box::new(source),
    }
}
