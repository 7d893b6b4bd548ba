//! `synth`: makes a shop where there is none.

use super::data::Output;
use clap::Args;
use pocketrank_origin::error::Result;
use pocketrank_origin::synth::{Options, Shop};
use std::path::PathBuf;

/// Make a shop: catalogue.jsonl, events.jsonl and images/. Equal options make equal files.
#[derive(Debug, Args)]
pub struct Synth {
    /// Folder to write to.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Another seed, another shop.
    #[arg(long, default_value_t = Options::default().seed)]
    seed: u64,
    /// Products.
    #[arg(long, default_value_t = Options::default().items)]
    items: u32,
    /// Visits.
    #[arg(long, default_value_t = Options::default().sessions)]
    sessions: u32,
    #[command(flatten)]
    out: Output,
}

impl Synth {
    /// Does it.
    pub fn run(self) -> Result<()> {
        let progress = self.out.progress();
        let options = Options {
            seed: self.seed,
            items: self.items,
            sessions: self.sessions,
        };
        let shop = Shop::make(&options, &progress)?;
        let written = shop.write(&self.output, &progress)?;
        self.out.print(
            format_args!(
                "{}: {} products with pictures, {} events in {} sessions",
                self.output.display(),
                written.products,
                written.events,
                written.sessions
            ),
            &written,
        )
    }
}
