//! `pocketrank sign`: what is live, signed once more.

use super::publisher::{block_on, Options};
use clap::Args;
use pocketrank_origin::error::Result;

/// Signs what is live once more, under a newer sequence: with a later expiry, by other keys, or for hosts to trust other keys.
///
/// To change keys: sign by both and let hosts --trust both; once hosts have followed, sign by both and let them --trust the new one; once
/// they have followed again, go on with the new one.
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
