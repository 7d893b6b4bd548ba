//! `pocketrank keys`: the keys that manifests are signed by.

use super::data::Output;
use clap::Args;
use pocketrank_origin::error::Result;
use pocketrank_origin::publish::key;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Makes a secret key that manifests are signed by, or shows the public key of one, which hosts trust.
///
/// The file is for you only (mode 0600), in PKCS #8 and PEM, and is never written over.
#[derive(Debug, Args)]
pub struct Keys {
    /// Secret key to show the public key of.
    #[arg(required_unless_present = "out", conflicts_with = "out")]
    file: Option<PathBuf>,
    /// File to write a new secret key to.
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    print: Output,
}

impl Keys {
    /// Does it.
    pub fn run(self) -> Result<()> {
        let (path, key) = match (&self.out, &self.file) {
            (Some(out), _) => (out.as_path(), key::create(out)?),
            (None, file) => {
                let path = file.as_deref().unwrap_or(Path::new(""));
                (path, key::read(path)?)
            }
        };
        let public = key.public().to_hex();
        self.print.print(
            &public,
            &json!({ "file": path.display().to_string(), "public": public }),
        )
    }
}
