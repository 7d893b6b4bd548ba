//! `pocketrank sign`: what is live, signed once more.

use super::publisher::{block_on, Options};
use clap::Args;
use pocketrank_origin::error::Result;

/// Signs what is live once more, under a newer sequence: with a later expiry, by other keys, or for hosts to trust other keys.
///
/// To change keys: first sign by the old one and let hosts --trust both; once hosts have followed, sign by both and let them --trust the
/// new one; then ship programs that pin the new one; go on signing by both until no program is about that pins the old one alone
/// (docs/PUBLISH.md, "Keys").
#[derive(Debug, Args)]
pub struct Sign {
    #[command(flatten)]
    to: Options,
}

impl Sign {
    /// Does it.
    pub fn run(self) -> Result<()> {
        let ready = self.to.ready()?;
        let published = block_on(ready.publisher().renew())?;
        ready.report(&published, None)
    }
}
