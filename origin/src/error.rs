//! What can go wrong at the origin. Invariant: every error says what, where and what to do, and has the exit code
//! that the command line documents. Every other module returns it; `main` prints it.

use std::path::{Path, PathBuf};

/// Result of the origin's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of the origin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was tried: "cannot read", "cannot write".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// An option's value cannot be used.
    #[error("{0}")]
    Usage(String),
    /// The configuration file is wrong.
    #[error("{0}")]
    Config(String),
    /// The data cannot be used.
    #[error("{0}")]
    Data(String),
    /// A snapshot, a delta or a manifest is not valid, or cannot be made.
    #[error("{}: {source}", path.display())]
    Snapshot {
        /// The file, or what would have become one.
        path: PathBuf,
        /// The runtime's reason.
        source: pocketrank::Error,
    },
    /// Where snapshots are published could not be read or written.
    #[error("{action} {url}: {source}")]
    Store {
        /// What was tried: "cannot read", "cannot write".
        action: &'static str,
        /// The object.
        url: String,
        /// The store's reason.
        source: Box<object_store::Error>,
    },
    /// Somebody else published meanwhile.
    #[error("{0}: somebody else published meanwhile, and what they published is live; publish again, on top of it")]
    Overtaken(String),
    /// A file is not a runtime that can take a snapshot in.
    #[error("{} {source}", path.display())]
    Runtime {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: crate::compile::Refusal,
    },
    /// Somebody asked the work to stop.
    #[error("interrupted")]
    Interrupted,
    /// A fault of this program.
    #[error("internal error: {0}; please report it with the command line and the versions")]
    Internal(String),
}

impl Error {
    /// A file that could not be read.
    pub fn reading(path: &Path, source: std::io::Error) -> Self {
        Error::Io {
            action: "cannot read",
            path: path.to_path_buf(),
            source,
        }
    }

    /// A file that could not be written.
    pub fn writing(path: &Path, source: std::io::Error) -> Self {
        Error::Io {
            action: "cannot write",
            path: path.to_path_buf(),
            source,
        }
    }

    /// The process exit code: 1 I/O or internal, 2 usage, 3 bad data or configuration, 4 invalid snapshot, delta or manifest, 5 somebody
    /// else published meanwhile, 130 interrupted.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Io { .. } | Error::Store { .. } | Error::Internal(_) => 1,
            Error::Usage(_) => 2,
            Error::Config(_) | Error::Data(_) | Error::Runtime { .. } => 3,
            Error::Snapshot { .. } => 4,
            Error::Overtaken(_) => 5,
            Error::Interrupted => 130,
        }
    }
}
