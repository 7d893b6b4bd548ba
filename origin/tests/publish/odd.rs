//! Stores that stop, or wait for one another.

use super::somebody::run;
use async_trait::async_trait;
use futures_util::stream::{BoxStream, StreamExt};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path as Key;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult,
};
use pocketrank_origin::publish::place::Place;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use tempfile::TempDir;

/// A store with something odd about it.
#[derive(Debug)]
pub struct Odd {
    pub inner: Arc<dyn ObjectStore>,
    /// The write at which it stops, counted from 1; all after it fail too. 0 for never.
    pub stop: usize,
    /// Whether that write still happens, and only its answer is lost.
    pub lost: bool,
    pub writes: AtomicUsize,
    /// Manifests read that have been live.
    pub archived: AtomicUsize,
    /// Where it waits, once, after the manifest was read.
    pub meet: Option<Arc<Barrier>>,
    pub met: AtomicUsize,
    /// What others do meanwhile.
    pub then: Option<Then>,
}

/// What happens once a folder has been listed, or something written there.
pub struct Then {
    pub after: &'static str,
    pub work: Box<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for Then {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.after)
    }
}

impl Odd {
    pub fn over(inner: Arc<dyn ObjectStore>) -> Self {
        Self {
            inner,
            stop: 0,
            lost: false,
            writes: AtomicUsize::new(0),
            archived: AtomicUsize::new(0),
            meet: None,
            met: AtomicUsize::new(0),
            then: None,
        }
    }

    fn then(&self, key: &Key) {
        if let Some(then) = self.then.as_ref().filter(|then| key.as_ref().starts_with(then.after)) {
            std::thread::scope(|scope| scope.spawn(&then.work).join().unwrap());
        }
    }

    /// Whether this write happens, and whether it seems so.
    fn write(&self) -> (bool, object_store::Result<()>) {
        let number = self.writes.fetch_add(1, Ordering::SeqCst) + 1;
        if self.stop == 0 || number < self.stop {
            return (true, Ok(()));
        }
        let stopped = object_store::Error::Generic {
            store: "odd",
            source: "stopped".into(),
        };
        (self.lost && number == self.stop, Err(stopped))
    }
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("odd")
    }
}

#[async_trait]
impl ObjectStore for Odd {
    async fn put_opts(&self, key: &Key, bytes: PutPayload, how: PutOptions) -> object_store::Result<PutResult> {
        let (happens, seems) = self.write();
        let result = match happens {
            true => Some(self.inner.put_opts(key, bytes, how).await),
            false => None,
        };
        seems?;
        self.then(key);
        result.unwrap()
    }

    async fn put_multipart_opts(
        &self,
        key: &Key,
        how: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(key, how).await
    }

    async fn get_opts(&self, key: &Key, how: GetOptions) -> object_store::Result<GetResult> {
        let result = self.inner.get_opts(key, how).await;
        if key.as_ref().starts_with("manifests/") {
            self.archived.fetch_add(1, Ordering::SeqCst);
        }
        if let Some(meet) = &self.meet {
            if key.as_ref() == "manifest.pkrm" && self.met.fetch_add(1, Ordering::SeqCst) == 0 {
                meet.wait();
            }
        }
        result
    }

    fn delete_stream(
        &self,
        keys: BoxStream<'static, object_store::Result<Key>>,
    ) -> BoxStream<'static, object_store::Result<Key>> {
        let keys: Vec<_> = run_on_thread(keys.collect());
        let results = keys.into_iter().map(|key| {
            let (happens, seems) = self.write();
            let key = key.unwrap();
            if happens {
                let (inner, key) = (self.inner.clone(), key.clone());
                run_on_thread(async move { inner.delete(&key).await })?;
            }
            seems.map(|()| key)
        });
        futures_util::stream::iter(results.collect::<Vec<_>>()).boxed()
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        let listed: Vec<_> = run_on_thread(self.inner.list(prefix).collect());
        prefix.into_iter().for_each(|prefix| self.then(prefix));
        futures_util::stream::iter(listed).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Key>) -> object_store::Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Key, to: &Key, how: CopyOptions) -> object_store::Result<()> {
        self.inner.copy_opts(from, to, how).await
    }
}

fn run_on_thread<T: Send>(work: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| scope.spawn(|| run(work)).join().unwrap())
}

/// A folder or a bucket, to which odd ways lead.
pub enum Ground {
    Folder(TempDir),
    Bucket(Arc<InMemory>),
}

impl Ground {
    pub fn both() -> [Self; 2] {
        [
            Ground::Folder(tempfile::tempdir().unwrap()),
            Ground::Bucket(Arc::new(InMemory::new())),
        ]
    }

    fn store(&self) -> Arc<dyn ObjectStore> {
        match self {
            Ground::Folder(folder) => Arc::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap()),
            Ground::Bucket(bucket) => bucket.clone(),
        }
    }

    pub fn place(&self, odd: impl FnOnce(Odd) -> Odd) -> (Place, Arc<Odd>) {
        let odd = Arc::new(odd(Odd::over(self.store())));
        let place = match self {
            Ground::Folder(folder) => Place::over_folder(odd.clone(), folder.path()),
            Ground::Bucket(_) => Place::over(odd.clone(), "memory"),
        };
        (place, odd)
    }

    /// Writes an object past everybody.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        run(self.store().put(&Key::from(name), bytes.to_vec().into())).unwrap();
    }

    /// Deletes one.
    pub fn delete(&self, name: &str) {
        run(self.store().delete(&Key::from(name))).unwrap();
    }

    pub fn plain(&self) -> Place {
        self.place(|odd| odd).0
    }
}
