//! Every combination of signals against a table that is written out apart from the code: `cases/consent.json`, of which the first row that fits
//! decides. JavaScript is held to the same (`js/consent.test.mjs`).

use pocketrank::{Answers, Choice, Consent, Gpc, Mode, Signals};
use serde_json::Value;

const SAYS: [(&str, u32); 4] = [("allowed", 1), ("awaited", 2), ("objected", 4), ("unknown", 1 << 20)];

/// Whether a row has a condition that is not met.
fn excludes(row: &Value, field: &str, value: &Value) -> bool {
    row[field].as_array().is_some_and(|all| !all.contains(value))
}

#[test]
fn every_combination_of_signals_is_decided_as_the_table_says() {
    let table: Vec<Value> = serde_json::from_slice(&std::fs::read("tests/cases/consent.json").unwrap()).unwrap();
    let mut met = vec![0; table.len()];
    let choices = [
        None,
        Some(Mode::Contextual),
        Some(Mode::Session),
        Some(Mode::Persistent),
    ];
    for (gpc, gpc_name) in [(Gpc::Off, "off"), (Gpc::On, "on"), (Gpc::Unreadable, "unreadable")] {
        for (mode, capsule, gpc_override, lasting, said) in choices
            .into_iter()
            .flat_map(|mode| [(mode, false), (mode, true)])
            .flat_map(|(mode, capsule)| [(mode, capsule, false), (mode, capsule, true)])
            .flat_map(|(mode, capsule, over)| [(mode, capsule, over, false), (mode, capsule, over, true)])
            .flat_map(|(mode, capsule, over, lasting)| (0..16).map(move |said| (mode, capsule, over, lasting, said)))
        {
            let says = SAYS.iter().enumerate().filter(|(at, _)| said >> at & 1 == 1);
            let (names, bits): (Vec<&str>, Vec<u32>) = says.map(|(_, (name, bit))| (*name, *bit)).unzip();
            let (at, row) = table
                .iter()
                .enumerate()
                .find(|(_, row)| {
                    !excludes(row, "gpc", &gpc_name.into())
                        && !excludes(row, "override", &gpc_override.into())
                        && !excludes(row, "choice", &mode.map_or("none", Mode::name).into())
                        && !excludes(row, "lasting", &lasting.into())
                        && row["says"].as_str().is_none_or(|name| names.contains(&name))
                })
                .unwrap();
            met[at] += 1;
            let lasting = if lasting { Answers::LASTING } else { 0 };
            let signals = Signals {
                gpc,
                choice: mode.map(|mode| Choice { mode, capsule }),
                answers: Answers(bits.iter().sum::<u32>() | lasting),
                gpc_override,
            };
            let consent = Consent::decide(&signals);
            assert_eq!(consent.mode().name(), row["mode"], "{signals:?}: {row}");
            let is_allowed = row["mode"] != "contextual";
            assert_eq!(
                consent.grant().map(|grant| grant.mode()),
                is_allowed.then(|| consent.mode())
            );
            let has_capsule = is_allowed && capsule && row["capsule"] == "as chosen";
            assert_eq!(consent.capsule_grant().is_some(), has_capsule, "{signals:?}: {row}");
        }
    }
    assert!(met.iter().all(|times| *times > 0), "rows that nothing meets: {met:?}");
}
