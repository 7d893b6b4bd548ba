//! Options that several verbs share: which data to load, and for whom output is.

use clap::Args;
use pocketrank_origin::config::{ready, Config};
use pocketrank_origin::dataset::Dataset;
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::ingest::{self, pseudonym::Pseudonyms, time, Inputs};
use pocketrank_origin::progress::Progress;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The configuration that is taken where none is named.
const HERE: &str = "pocketrank.toml";

/// Which data to load.
#[derive(Debug, Args)]
pub struct Data {
    /// Events: Parquet, CSV or other delimited text, JSON Lines; gzip too. May be given several times.
    #[arg(long, required = true, value_name = "FILE")]
    events: Vec<PathBuf>,
    /// Catalogue, in the same formats.
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    /// Vectors of items, such as a language model's: Parquet with columns `id` and `vector`, npy or safetensors with a file of ids
    /// beside it (FILE.ids, one a line).
    #[arg(long, value_name = "FILE")]
    vectors: Option<PathBuf>,
    /// Configuration (docs/CONFIG.md), or the name of a ready mapping of the columns: online-retail, movielens-100k,
    /// movielens-latest-small, ga4, clicks, lists, sessions, prefixes. Without it pocketrank.toml in the working folder, if it is
    /// there; columns that it does not name are recognized.
    #[arg(long, value_name = "NAME|FILE")]
    config: Option<String>,
    /// File with the key (16 bytes or more) of customers' pseudonyms; else the environment's POCKETRANK_KEY, else a
    /// random key for this run.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Events after this time are dropped and counted: RFC 3339, a date, or seconds since 1970. Without it, a day from now.
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
}

impl Data {
    /// Loads and cleans them.
    ///
    /// # Errors
    /// As [`ingest::load`], and [`Error::Usage`] for options that cannot be read.
    pub fn load(&self, progress: &Progress) -> Result<Dataset> {
        ingest::load(&self.inputs()?, progress)
    }

    /// The configuration, for what else it says; its defaults where there is none.
    ///
    /// # Errors
    /// [`Error::Config`] if it is wrong.
    pub fn config(&self) -> Result<Config> {
        let given = self.config_name().map(|name| ready::load(&name)).transpose()?;
        Ok(given.map(|given| given.config).unwrap_or_default())
    }

    /// The first file of events, for messages.
    pub fn shown(&self) -> &Path {
        self.events.first().map_or(Path::new("--events"), PathBuf::as_path)
    }

    fn config_name(&self) -> Option<String> {
        let here = || Path::new(HERE).is_file().then(|| HERE.to_owned());
        self.config.clone().or_else(here)
    }

    /// What to load.
    ///
    /// # Errors
    /// [`Error::Usage`] for options that cannot be read.
    pub fn inputs(&self) -> Result<Inputs> {
        let now = match &self.now {
            // A day of grace, for clocks and zones that differ.
            None => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .ok()
                .and_then(|now| i64::try_from(now.as_secs()).ok())
                .map(|now| now.saturating_add(86_400)),
            Some(text) => Some(time::parse(text).ok_or_else(|| {
                Error::Usage(format!(
                    "--now {text:?} is no time; give one such as 2010-12-09 or 2010-12-09T20:01:00Z"
                ))
            })?),
        };
        Ok(Inputs {
            events: self.events.clone(),
            catalogue: self.catalogue.clone(),
            vectors: self.vectors.clone(),
            min_customers: None,
            config: self.config_name(),
            pseudonyms: Pseudonyms::find(self.key_file.as_deref())?,
            now,
            until: None,
            cut: None,
        })
    }
}

/// For whom output is.
#[derive(Debug, Clone, Copy, Args)]
pub struct Output {
    /// Print the result as JSON, and no progress.
    #[arg(long)]
    json: bool,
}

impl Output {
    /// Where progress goes.
    pub fn progress(self) -> Progress {
        Progress::new(!self.json)
    }

    /// Prints `text` where a person reads, for what an error after it needs beside it.
    ///
    /// # Errors
    /// As [`Output::print`].
    pub fn tell(self, text: impl std::fmt::Display) -> Result<()> {
        if self.json {
            return Ok(());
        }
        self.print(text, &())
    }

    /// Prints `text` for a person, or `value` as JSON for a machine.
    ///
    /// # Errors
    /// [`Error::Io`] where stdout is closed.
    pub fn print(self, text: impl std::fmt::Display, value: &impl Serialize) -> Result<()> {
        use std::io::Write;
        let line = if self.json {
            serde_json::to_string(value).map_err(|e| Error::Internal(e.to_string()))?
        } else {
            text.to_string()
        };
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{}", line.trim_end()).map_err(|e| Error::writing("stdout".as_ref(), e))
    }
}
