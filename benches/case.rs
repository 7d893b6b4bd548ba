//! Writes the case for the JavaScript hosts: `bench-case SNAPSHOT.bin CASE.json`.

use pocketrank::{Choice, Consent, Mode, Signals};
use std::io::{Error, Result};

fn main() -> Result<()> {
    let mut paths = std::env::args().skip(1);
    let (Some(snapshot), Some(json)) = (paths.next(), paths.next()) else {
        return Err(Error::other("usage: bench-case SNAPSHOT.bin CASE.json"));
    };
    let case = pocketrank_benches::case();
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
        "now": pocketrank_benches::NOW,
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
