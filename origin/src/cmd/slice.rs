//! `pocketrank slice`: what a snapshot knows of a page's items, small enough to travel with the page.

use super::data::Output;
use super::list::List;
use super::verify;
use clap::Args;
use pocketrank::{item_hash, ItemHash, Snapshot};
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::output;
use serde_json::json;
use std::path::PathBuf;

/// Writes a snapshot of a few items: them, and all that leads to them.
///
/// It ranks the items as the whole snapshot does without its factors; what is in a visitor's history and not in the slice counts as
/// unknown.
#[derive(Debug, Args)]
pub struct Slice {
    /// The snapshot.
    snapshot: PathBuf,
    /// A candidates list, as `candidates` writes it; may be given several times.
    #[arg(long = "candidates", value_name = "FILE", required_unless_present = "items")]
    lists: Vec<PathBuf>,
    /// The id of an item; may be given several times.
    #[arg(long = "item", value_name = "ID")]
    items: Vec<String>,
    /// File to write.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    print: Output,
}

impl Slice {
    /// Does it.
    pub fn run(self) -> Result<()> {
        let invalid = |source| Error::Snapshot {
            path: self.snapshot.clone(),
            source,
        };
        let bytes = verify::read(&self.snapshot)?;
        let whole = verify::open(&self.snapshot, bytes.as_slice())?;
        let mut items: Vec<ItemHash> = self.items.iter().map(|id| item_hash(id)).collect();
        for path in &self.lists {
            items.extend(List::read(path)?.items.iter().map(|item| item_hash(&item.id)));
        }
        items.sort_unstable();
        items.dedup();
        let known = items.iter().filter(|item| whole.row(**item).is_some()).count();
        if known == 0 {
            return Err(Error::Data(format!(
                "{} knows none of the {} items, so there is nothing to slice; name items, or lists that `candidates` wrote for this snapshot",
                self.snapshot.display(),
                items.len()
            )));
        }
        let unknown = items.len() - known;
        let slice = whole.slice(items).map_err(invalid)?;
        output::write(&self.output, &slice)?;
        let opened = Snapshot::open(slice.as_slice()).map_err(invalid)?;
        let (id, rows, len) = (opened.id().to_string(), opened.items(), slice.len());
        let beside = rows as usize - known;
        self.print.print(
            format_args!(
                "{}: id {id}, {len} bytes: {known} items, {beside} that lead to them; {unknown} that were asked for are not known",
                self.output.display()
            ),
            &json!({ "id": id, "bytes": len, "items": known, "leading": beside, "unknown": unknown }),
        )
    }
}
