//! Writes the cases for the JavaScript hosts: `bench-case FOLDER` makes `snapshot.bin`, `case.json`, `product.bin` and `product.json`;
//! `bench-case FOLDER ITEMS` makes `items-ITEMS.bin` and `items-ITEMS.json`, the case with a catalogue of that size.

use pocketrank::{Choice, Consent, Mode, Signals};
use pocketrank_benches::{case, case_of, product, Case, NOW};
use std::io::{Error, Result};
use std::path::Path;

fn main() -> Result<()> {
    let usage = || Error::other("usage: bench-case FOLDER [ITEMS]");
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or_else(usage)?;
    let at = |name: &str| Path::new(&folder).join(name);
    if let Some(items) = arguments.next() {
        let items = items.parse().map_err(|_| usage())?;
        let name = |end| format!("items-{items}.{end}");
        return write(case_of(items), &at(&name("bin")), &at(&name("json")));
    }
    write(case(), &at("snapshot.bin"), &at("case.json"))?;
    write(product(), &at("product.bin"), &at("product.json"))
}

fn write(case: Case, snapshot: &Path, json: &Path) -> Result<()> {
    let choice = Some(Choice {
        mode: Mode::Session,
        capsule: false,
    });
    let grant = Consent::decide(&Signals {
        choice,
        ..Signals::default()
    })
    .grant();
    let grant = grant.ok_or_else(|| Error::other("a choice without objection is granted"))?;
    let options = case.options;
    let text = serde_json::json!({
        "now": NOW,
        "profile": case.profile.encode(&grant),
        "rows": case.candidates.rows(),
        "options": {
            "count": options.count,
            "diversity": options.diversity,
            "excludePurchased": options.exclude_purchased,
            "excludeOutOfStock": options.exclude_out_of_stock,
        },
    });
    std::fs::write(snapshot, case.snapshot)?;
    std::fs::write(json, text.to_string())
}
