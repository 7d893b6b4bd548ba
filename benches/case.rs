//! Writes the cases for the JavaScript hosts: `bench-case FOLDER` makes `snapshot.bin`, `case.json`, `product.bin` and `product.json`.

use pocketrank::{Choice, Consent, Mode, Signals};
use pocketrank_benches::{case, product, Case, NOW};
use std::io::{Error, Result};
use std::path::Path;

fn main() -> Result<()> {
    let usage = || Error::other("usage: bench-case FOLDER");
    let folder = std::env::args_os().nth(1).ok_or_else(usage)?;
    let at = |name| Path::new(&folder).join(name);
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
