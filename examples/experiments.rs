//! Evaluates GrowthBook payloads, a request a line, for the test that compares with GrowthBook's own SDK (`tests/js/experiments.test.mjs`):
//! `{"payload": …, "visitorAttributes": {…}}` compiles, and gives the section in Base64, `{"visitor": {"attributes": …, "lot": …, "sticky": …}}` begins anew, and
//! `{"feature": …}` or `{"run": …}`, with `forcedVariations` and `forcedValues`, evaluates.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use base64ct::{Base64, Encoding};
use pocketrank::condition::Value;
use pocketrank::experiment::{compile, Experiments, Options, Visitor};
use pocketrank::{Choice, Consent, Grant, Mode, Profile, Signals};
use std::io::{BufRead, BufWriter, Write};

fn grant() -> Grant {
    let choice = Some(Choice {
        mode: Mode::Persistent,
        capsule: false,
    });
    let consent = Consent::decide(&Signals {
        choice,
        ..Signals::default()
    });
    consent.grant().unwrap()
}

fn object(value: Option<&Value>) -> Vec<(String, Value)> {
    match value {
        Some(Value::Object(fields)) => fields.clone(),
        _ => vec![],
    }
}

fn text(value: Option<&Value>) -> Option<&str> {
    match value {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

fn main() -> std::io::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut experiments = Experiments::default();
    let (mut attributes, mut profile, mut sticky) = (Value::default(), Profile::default(), false);
    for line in std::io::stdin().lock().lines() {
        let request = Value::from_json(&line?).expect("a line of JSON");
        if let Some(payload) = request.get("payload") {
            let visitor = object(request.get("visitorAttributes"))
                .into_iter()
                .map(|(name, _)| name);
            match compile(
                &payload.json(),
                &Options {
                    visitor: visitor.collect(),
                },
            ) {
                Ok(compiled) => {
                    // As it is read from a snapshot.
                    let bytes = postcard::to_allocvec(&compiled.experiments).unwrap();
                    experiments = Experiments::decode(&bytes).unwrap();
                    assert_eq!(experiments, compiled.experiments);
                    writeln!(out, "ok {}", Base64::encode_string(&bytes))?;
                }
                Err(refusal) => writeln!(out, "{refusal}")?,
            }
        } else if let Some(visitor) = request.get("visitor") {
            attributes = visitor.get("attributes").cloned().unwrap_or_default();
            profile = Profile::default();
            if let Some(Value::Number(lot, _)) = visitor.get("lot") {
                profile.draw_lot(&grant(), *lot as u32);
            }
            sticky = visitor.get("sticky") == Some(&Value::Flag(true));
        } else {
            let numbers = object(request.get("forcedVariations"))
                .into_iter()
                .map(|(key, value)| match value {
                    Value::Number(number, _) => (key, number as u32),
                    _ => (key, 0),
                });
            let (forced_variations, forced_values) = (numbers.collect::<Vec<_>>(), object(request.get("forcedValues")));
            let mut visitor = Visitor::of(&profile, &attributes);
            visitor.forced_variations = &forced_variations;
            visitor.forced_values = &forced_values;
            visitor.sticky = sticky;
            let mut json = String::new();
            if let Some(key) = text(request.get("feature")) {
                experiments.feature(key, &mut visitor).write_json(&mut json);
            } else if let Some(assignment) = experiments.run(text(request.get("run")).unwrap_or_default(), &mut visitor)
            {
                assignment.write_json(&mut json);
            }
            let seen = visitor.clone();
            profile.keep(&grant(), &seen);
            // What is kept is kept through storage.
            profile = Profile::decode(&grant(), &profile.encode(&grant())).unwrap();
            writeln!(out, "{json}")?;
        }
    }
    out.flush()
}
