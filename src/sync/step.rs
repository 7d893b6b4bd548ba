//! What the plan asks of a host, what the host answers, and what is reported.

use crate::error::Error;
use crate::manifest::Manifest;
use crate::snapshot::SnapshotId;

/// What the host does next. Until it answers, [`Sync::next`](super::Sync::next) says the same again.
#[derive(Debug, PartialEq)]
pub enum Step<'a> {
    /// Fetch this, without credentials and without referrer.
    Fetch(Request<'a>),
    /// Read the blob of that SHA-256 from the storage. Answered by [`Answer::Body`], or [`Answer::NotStored`] where it is not there.
    Load(&'a [u8; 32]),
    /// Call [`Sync::apply`](super::Sync::apply) with the bytes of the snapshot in use.
    Apply,
    /// Keep these bytes under their SHA-256: in the storage, or else in memory, which is answered by [`Answer::NotStored`].
    Store {
        /// SHA-256 of the bytes.
        sha256: &'a [u8; 32],
        /// The bytes.
        bytes: &'a [u8],
    },
    /// Replace the stored manifest by these bytes, in one write that happens as a whole or not at all. All that it names and this host
    /// wants is stored.
    Commit(&'a [u8]),
    /// Use the files of this manifest from now on, and the snapshot that [`Sync::take_snapshot`](super::Sync::take_snapshot) gives, if
    /// it gives one.
    Swap(&'a Manifest),
    /// Delete all blobs but those.
    Forget {
        /// SHA-256 of the blobs to keep.
        keep: Vec<[u8; 32]>,
    },
    /// Nothing is to do before that time, in milliseconds.
    Wait {
        /// When to ask again.
        until: u64,
    },
}

/// What is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The manifest.
    Manifest,
    /// A delta.
    Delta,
    /// A whole snapshot.
    Snapshot,
    /// A file that goes with the snapshot.
    File,
}

/// A request for one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// What it is. Only the manifest may change; all else may come from any cache, however old.
    pub kind: Kind,
    /// Where it is, relative to the manifest's address; empty for the manifest itself.
    pub url: &'a str,
    /// The most bytes to take in, uncompressed; behind them the host cuts the answer off and answers [`Failure::TooLong`].
    pub limit: u32,
    /// How long the whole answer may take, in milliseconds; then it is [`Failure::Timeout`].
    pub timeout: u32,
    /// For the header `If-None-Match`.
    pub if_none_match: Option<&'a str>,
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The bytes, all of them, of an answer of status 200 or of the storage.
    Body {
        /// The bytes, uncompressed.
        bytes: Vec<u8>,
        /// The header `ETag`, if there was one.
        etag: Option<String>,
    },
    /// Status 304.
    NotModified,
    /// Any other status.
    Status {
        /// The status.
        status: u16,
        /// The header `Retry-After`, in seconds, if there was one.
        retry_after: Option<u32>,
    },
    /// No answer.
    Failed(Failure),
    /// It is done: stored, committed, swapped, forgotten.
    Done,
    /// It could not be stored, or is not in the storage.
    NotStored,
}

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No connection, or one that was cut.
    Network,
    /// It took too long.
    Timeout,
    /// There are more bytes than the request allows.
    TooLong,
    /// Too many redirections, or one that the host does not follow.
    Redirected,
    /// A status that is no success.
    Status(u16),
    /// The answer is none to what was asked.
    Unexpected,
}

/// What a host tells whoever watches it.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// What the manifest names is in use.
    Updated {
        /// The manifest's sequence.
        sequence: u32,
        /// The snapshot in use.
        snapshot: SnapshotId,
    },
    /// The newest manifest that is known should have been replaced; it is used all the same. It is reported after each question, answered or
    /// not.
    Expired {
        /// Its sequence.
        sequence: u32,
    },
    /// A manifest is refused, and the one before stays; the code is that of the error.
    Manifest(Error),
    /// A delta, snapshot or file is refused. Of deltas another way is taken.
    Refused(Kind, Error),
    /// Something could not be fetched.
    Failed(Kind, Failure),
    /// The storage took no more: what is new is used from memory.
    NotStored,
    /// What was stored is damaged or gone, and fetched again.
    Lost,
}

impl Failure {
    /// A stable, machine-readable code.
    pub fn code(self) -> &'static str {
        match self {
            Failure::Network => "network",
            Failure::Timeout => "timeout",
            Failure::TooLong => "too_long",
            Failure::Redirected => "redirected",
            Failure::Status(_) => "status",
            Failure::Unexpected => "unexpected",
        }
    }
}

impl Report {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Report::Updated { .. } => "updated",
            Report::Expired { .. } => "expired",
            Report::Manifest(error) => error.code(),
            Report::Refused(Kind::Manifest, _) => "manifest_refused",
            Report::Refused(Kind::Delta, _) => "delta_refused",
            Report::Refused(Kind::Snapshot, _) => "snapshot_refused",
            Report::Refused(Kind::File, _) => "file_refused",
            Report::Failed(_, failure) => failure.code(),
            Report::NotStored => "not_stored",
            Report::Lost => "lost",
        }
    }
}
