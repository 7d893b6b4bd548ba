//! Metrics, in the text format of OpenMetrics, which Prometheus reads. Invariant: labels have few values, whatever is asked for, and none
//! tells of a visitor.

use super::address::Address;
use super::Shared;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{header, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    /// `manifest`, `snapshots`, `deltas`, `files` or `other`.
    kind: &'static str,
    status: u16,
}

/// What is counted.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    bytes: Family<Labels, Counter>,
    open: Gauge,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("pocketrank_http");
        let (requests, bytes, open) = (Family::default(), Family::default(), Gauge::default());
        registry.register("requests", "Answered requests", requests.clone());
        registry.register("sent_bytes", "Bytes of answers, without heads", bytes.clone());
        registry.register("answers_under_way", "Answers that are being sent", open.clone());
        Self {
            registry,
            requests,
            bytes,
            open,
        }
    }
}

/// An answer that is being sent, until it is dropped.
struct Open(Gauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Counts a request, and its answer as it is sent.
pub(super) async fn count(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let metrics = &shared.metrics;
    metrics.open.inc();
    let open = Open(metrics.open.clone());
    let kind = Address::of(request.uri().path()).map_or("other", Address::kind);
    let response = next.run(request).await;
    let status = response.status().as_u16();
    let labels = Labels { kind, status };
    metrics.requests.get_or_create(&labels).inc();
    let bytes = metrics.bytes.get_or_create(&labels).clone();
    response.map(|body| {
        Body::new(Counted {
            body,
            bytes,
            _open: open,
        })
    })
}

/// A body whose bytes are counted as they go. Its length stays known.
struct Counted {
    body: Body,
    bytes: Counter,
    _open: Open,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let poll = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &poll {
            let length = frame.data_ref().map_or(0, Bytes::len);
            self.bytes.inc_by(length as u64);
        }
        poll
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What was counted.
pub(super) async fn shown(State(shared): State<Arc<Shared>>) -> Response {
    const MEDIA: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let mut text = String::new();
    if prometheus_client::encoding::text::encode(&mut text, &shared.metrics.registry).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(MEDIA)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, text).into_response()
}
