//! `pocketrank replay`: makes a slate again of what it was made of.

use super::data::Output;
use super::verify;
use clap::Args;
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::replay::{Capsule, FRAGMENT};
use serde_json::json;
use std::fmt::Write;
use std::path::PathBuf;

/// Replays a capsule that the overlay or `pocketrank/replay` wrote, and fails where one place or one bit of a score differs.
#[derive(Debug, Args)]
pub struct Replay {
    /// A file that has the capsule, or a link with it; or that link itself, in quotation marks.
    #[arg(value_name = "FILE")]
    capsule: PathBuf,
    /// The snapshot that it was ranked by.
    #[arg(long, value_name = "FILE")]
    snapshot: PathBuf,
    #[command(flatten)]
    print: Output,
}

impl Replay {
    /// Does it.
    pub fn run(self) -> Result<()> {
        let link = self.capsule.to_str().filter(|given| given.contains(FRAGMENT));
        // A link has thousands of letters.
        let name = link.map_or_else(|| self.capsule.display().to_string(), |_| "the link".into());
        let wrong = |text: String| Error::Data(format!("{name}: {text}"));
        let text = match link {
            Some(link) => link.into(),
            None => String::from_utf8(verify::read(&self.capsule)?).map_err(|_| wrong("it is no text".into()))?,
        };
        let capsule = Capsule::read(&text).map_err(wrong)?;
        let bytes = verify::read(&self.snapshot)?;
        let snapshot = verify::open(&self.snapshot, bytes.as_slice())?;
        let replayed = capsule.replay(snapshot).map_err(wrong)?;
        let mut text = format!(
            "the same slate, bit for bit: {} places by snapshot {}\n",
            replayed.len(),
            capsule.snapshot
        );
        let mut slate = vec![];
        for (place, (ranked, why)) in (1..).zip(&replayed) {
            let id = capsule.name(ranked.index);
            let _ = write!(text, "{place:>3}  {id:<24} {:>8.4} =", ranked.score);
            for part in why.parts.iter().filter(|part| part.value != 0.0) {
                let _ = write!(text, " {:+.4} {}", part.value, part.name);
            }
            text.push('\n');
            slate
                .push(json!({ "id": id, "index": ranked.index, "row": ranked.row, "score": ranked.score, "why": why }));
        }
        self.print.print(
            text,
            &json!({ "snapshot": capsule.snapshot, "same": true, "slate": slate }),
        )
    }
}
