//! A catalogue of what events say about items, for data that came without one: `bench-catalogue EVENTS > catalogue.csv`, with
//! columns `id,name,category,price`. It names items before they are first sold, as a shop's own catalogue does.

use pocketrank_origin::ingest::{load, pseudonym::Pseudonyms, Inputs};
use pocketrank_origin::progress::Progress;
use std::error::Error;
use std::io::Write;

fn main() -> Result<(), Box<dyn Error>> {
    let Some(events) = std::env::args().nth(1) else {
        return Err("usage: bench-catalogue EVENTS".into());
    };
    let inputs = Inputs {
        events: vec![events.into()],
        catalogue: None,
        vectors: None,
        min_customers: None,
        config: None,
        pseudonyms: Pseudonyms::find(None)?,
        now: None,
        until: None,
        cut: None,
    };
    let dataset = load(&inputs, &Progress::hidden())?;
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut out = std::io::stdout().lock();
    writeln!(out, "id,name,category,price")?;
    for item in &dataset.items {
        let category = item.category.as_deref().unwrap_or_default();
        let price = item.price.map_or(String::new(), |price| price.to_string());
        writeln!(
            out,
            "{},{},{},{price}",
            quoted(&item.id),
            quoted(&item.name),
            quoted(category)
        )?;
    }
    Ok(())
}
