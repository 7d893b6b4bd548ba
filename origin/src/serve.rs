//! Serving what was published to a folder, to hosts and the caches before them.
//!
//! Invariant: only what the manifest can name is handed out, never another file of the folder or of the machine; whoever reads slowly or
//! not at all holds a connection for a bounded time; what is under way when the server is told to stop is finished. `address` says what
//! there is, `answer` hands it out, `metrics` counts. HTTP/1.1 without TLS: both are for the proxy or the CDN before it.

mod address;
mod answer;
mod metrics;

use crate::error::{Error, Result};
use axum::http::{header, HeaderName, HeaderValue, Method};
use axum::routing::get;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use metrics::Metrics;
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tower_http::cors::{Any, CorsLayer};
use tower_http::set_header::SetResponseHeaderLayer;

/// What a client may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most connections at a time; others wait in the system's queue.
    pub connections: usize,
    /// How long a request's head may take, and a connection be idle between requests.
    pub head: Duration,
    /// How long a client may take nothing of what it has asked for.
    pub stall: Duration,
    /// How long answers may go on once the server is told to stop.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            head: Duration::from_secs(15),
            stall: Duration::from_secs(30),
            grace: Duration::from_secs(30),
        }
    }
}

/// The most bytes of a request's head.
const HEAD: usize = 16 << 10;

/// A server that listens already.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    limits: Limits,
}

/// What handlers share.
#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    metrics: Metrics,
}

impl Server {
    /// Listens at that address; port 0 for a free one.
    ///
    /// # Errors
    /// [`Error::Usage`] where `folder` is none, or the address cannot be listened at.
    pub async fn bind(folder: &Path, listen: SocketAddr, limits: Limits) -> Result<Self> {
        if !folder.is_dir() {
            return Err(Error::Usage(format!(
                "{}: is no folder; give the one that `pocketrank publish --to` names",
                folder.display()
            )));
        }
        let refused = |e: std::io::Error| Error::Usage(format!("--listen {listen}: {e}; give another address"));
        let listener = TcpListener::bind(listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let shared = Arc::new(Shared {
            folder: folder.to_path_buf(),
            metrics: Metrics::new(),
        });
        Ok(Self {
            listener,
            address,
            router: router(shared),
            limits,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is there, and then finishes what is under way, for [`Limits::grace`] at most.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self {
            listener,
            router,
            limits,
            ..
        } = self;
        let graceful = GracefulShutdown::new();
        let room = Arc::new(Semaphore::new(limits.connections));
        let accept = async {
            loop {
                // Nobody closes it.
                let Ok(place) = Arc::clone(&room).acquire_owned().await else {
                    return;
                };
                let Ok((stream, _)) = listener.accept().await else {
                    // Too many open files, or a client that is gone again: neither lasts.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                };
                // Without it answers come a little later.
                let _ = stream.set_nodelay(true);
                let mut stream = TimeoutStream::new(stream);
                stream.set_write_timeout(Some(limits.stall));
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(limits.head)
                    .max_buf_size(HEAD)
                    .serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(router.clone()));
                let connection = graceful.watch(connection);
                tokio::spawn(async move {
                    // A client that went away, or took too long: nobody to tell.
                    let _ = connection.await;
                    drop(place);
                });
            }
        };
        tokio::select! {
            () = accept => {}
            () = stop => {}
        }
        drop(listener);
        // What takes longer is cut off with the runtime.
        let _ = tokio::time::timeout(limits.grace, graceful.shutdown()).await;
    }
}

fn router(shared: Arc<Shared>) -> Router {
    // Pages of any origin fetch, without credentials; nothing here is for one visitor.
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD])
        .allow_headers([header::IF_NONE_MATCH, header::RANGE])
        .expose_headers([header::ETAG, header::CONTENT_RANGE])
        .max_age(Duration::from_secs(86_400));
    let always = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
    };
    Router::new()
        .route("/healthz", get(answer::health))
        .route("/metrics", get(metrics::shown))
        .fallback(answer::published)
        .layer(cors)
        .layer(always(
            HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ))
        .layer(always(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(axum::middleware::from_fn_with_state(
            Arc::clone(&shared),
            metrics::count,
        ))
        .with_state(shared)
}
