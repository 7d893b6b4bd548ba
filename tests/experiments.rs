//! Experiments by the laws that they keep; that they are GrowthBook's is tested beside its SDK (`tests/js/experiments.test.mjs`).

use crate::support::{builder, events, grant, profile, Rng, NOW};
use pocketrank::condition::Value;
use pocketrank::experiment::{compile, Experiments, Options, Source, Visitor};
use pocketrank::pack::SnapshotBuilder;
use pocketrank::{capsule, Candidates, Choice, Consent, Lot, Mode, Profile, Ranker, Signals, Snapshot};
use proptest::prelude::*;

fn compiled(json: &str) -> Experiments {
    compile(json, &Options::default()).unwrap().experiments
}

fn cases() -> Experiments {
    compiled(include_str!("cases/experiments.json"))
}

fn attributes(country: &str) -> Value {
    Value::Object(vec![("country".into(), country.into()), ("hour".into(), 9u32.into())])
}

fn drawn(lot: Lot) -> Profile {
    let mut profile = Profile::default();
    profile.draw_lot(&grant(), lot.number().into());
    profile
}

#[test]
fn without_a_lot_everyone_gets_the_control() {
    let experiments = cases();
    for country in ["de", "fr", "it"] {
        let attributes = attributes(country);
        for mut visitor in [
            Visitor::contextual(&attributes),
            Visitor::of(&Profile::default(), &attributes),
        ] {
            for feature in &experiments.features {
                let evaluated = experiments.feature(&feature.key, &mut visitor);
                assert!(
                    evaluated.assignment.is_none() && evaluated.source != Source::Experiment,
                    "{evaluated:?}"
                );
            }
            assert!(experiments.settings(&mut visitor).assignments.is_empty());
            let run = experiments.run("checkout", &mut visitor).unwrap();
            assert_eq!((run.variation, run.in_experiment), (0, false));
        }
    }
}

#[test]
fn namespaces_keep_experiments_apart_and_leave_nobody_out() {
    let rule = |key: &str, from: f64, to: f64| {
        format!(
            r#"{{ "defaultValue": "none", "rules": [{{ "key": "{key}", "variations": ["a", "b"], "namespace": ["home", {from}, {to}] }}] }}"#
        )
    };
    let json = format!(
        r#"{{ "features": {{ "one": {}, "two": {} }} }}"#,
        rule("x", 0.0, 0.4),
        rule("y", 0.4, 1.0)
    );
    let experiments = compiled(&json);
    let attributes = attributes("de");
    let mut counts = [0u32; 4];
    for lot in Lot::all() {
        let profile = drawn(lot);
        let visitor = &mut Visitor::of(&profile, &attributes);
        let [one, two] = ["one", "two"].map(|key| experiments.feature(key, visitor).assignment);
        assert!(one.is_some() != two.is_some(), "{lot:?}");
        let (first, arm) = (one.is_some(), one.or(two).unwrap().variation);
        counts[usize::from(first) * 2 + arm as usize] += 1;
    }
    // By chance within five standard deviations.
    for (count, share) in counts.into_iter().zip([0.3f64, 0.3, 0.2, 0.2]) {
        let (mean, deviation) = (4096.0 * share, (4096.0 * share * (1.0 - share)).sqrt());
        assert!((f64::from(count) - mean).abs() < 5.0 * deviation, "{counts:?}");
    }
}

#[test]
fn shares_are_those_of_all_lots() {
    let experiments = compiled(
        r#"{ "features": { "f": { "rules": [{ "key": "k", "hashVersion": 2, "variations": [0, 1, 2], "weights": [0.2, 0.3, 0.5], "coverage": 0.8 }] } } }"#,
    );
    let pocketrank::experiment::Effect::Run(experiment) = &experiments.features[0].rules[0].effect else {
        panic!()
    };
    let attributes = attributes("de");
    let mut counted = [0u32; 4];
    for lot in Lot::all() {
        let profile = drawn(lot);
        let assignment = experiments
            .feature("f", &mut Visitor::of(&profile, &attributes))
            .assignment;
        counted[assignment.map_or(3, |assignment| assignment.variation as usize)] += 1;
    }
    let (shares, none) = experiment.shares();
    assert_eq!([shares.as_slice(), &[none]].concat(), counted);
}

#[test]
fn the_edge_gives_by_the_capsule_what_the_page_gives_and_assignments_hold() {
    let choice = Some(Choice {
        mode: Mode::Persistent,
        capsule: true,
    });
    let consent = Consent::decide(&Signals {
        choice,
        ..Signals::default()
    });
    let grant = consent.capsule_grant().unwrap();
    let payload = |weights: &str, version: u32| {
        compiled(&format!(
            r#"{{ "features": {{ "f": {{ "rules": [{{ "key": "k", "variations": ["a", "b"], "weights": {weights}, "bucketVersion": {version},
                "minBucketVersion": {version}, "meta": [{{ "key": "x" }}, {{ "key": "y" }}] }}] }} }} }}"#
        ))
    };
    let (first, later, anew) = (
        payload("[0.9, 0.1]", 0),
        payload("[0.1, 0.9]", 0),
        payload("[0.5, 0.5]", 1),
    );
    let attributes = attributes("de");
    for lot in Lot::all().step_by(41) {
        let mut profile = drawn(lot);
        let mut visitor = Visitor::of(&profile, &attributes);
        let value = first.feature("f", &mut visitor).value;
        let seen = visitor.clone();
        profile.keep(grant.grant(), &seen);
        let text = capsule::encode(&profile, &grant, NOW);
        let edge = capsule::decode(&grant, &text, NOW).unwrap();
        let at = |experiments: &Experiments, profile: &Profile| {
            let evaluated = experiments.feature("f", &mut Visitor::of(profile, &attributes));
            (
                evaluated.value.clone(),
                evaluated
                    .assignment
                    .is_some_and(|assignment| assignment.sticky_bucket_used),
            )
        };
        for profile in [&profile, &edge] {
            assert_eq!(
                at(&later, profile),
                (value.clone(), true),
                "weights change, the arm stays"
            );
            assert_eq!(
                at(&anew, profile),
                (Value::Null, false),
                "who was in an older version is out"
            );
        }
        // Of another lot nothing is kept.
        let mut other = drawn(Lot::all().find(|other| *other != lot).unwrap());
        let before = other.clone();
        other.keep(grant.grant(), &seen);
        assert_eq!(other, before);
    }
}

#[test]
fn arms_change_what_the_runtime_does() {
    let json = r#"{ "features": {
        "pocketrank.model": { "defaultValue": "winter" },
        "pocketrank.blend": { "defaultValue": { "popularity": 0, "neighbours": 2.5 } },
        "pocketrank.slot.home.template": { "defaultValue": "cards" },
        "pocketrank.slot.home.list": { "defaultValue": null },
        "pocketrank.slot.home.diversity": { "defaultValue": 0.75 },
        "pocketrank.rule.summer": { "defaultValue": false },
        "pocketrank.rule.spring": { "defaultValue": true } } }"#;
    let experiments = compiled(json);
    let attributes = attributes("de");
    let settings = experiments.settings(&mut Visitor::contextual(&attributes));
    assert_eq!(settings.model(), Some("winter"));
    assert_eq!(
        (settings.template("home"), settings.template("hom")),
        (Some("cards"), None)
    );
    assert_eq!((settings.list("home"), settings.diversity("home")), (None, Some(0.75)));
    assert_eq!(
        ["summer", "spring", "autumn"].map(|id| settings.rule(id)),
        [false, true, true]
    );

    // Factors on weights are what a snapshot with those weights is, and can be taken back.
    let rng = &mut Rng(3);
    let model = builder(rng, 60);
    let profile = profile(&events(rng, 12, 60));
    let mut scaled = model.clone();
    for row in &mut scaled.blend.rows {
        row.popularity *= 0.0;
        row.neighbours *= 2.5;
    }
    let candidates = Candidates::from_rows((0..60).collect());
    let rank = |ranker: &mut Ranker<Vec<u8>>| {
        ranker.set_profile(&profile, NOW);
        ranker.rerank(&candidates, &pocketrank::Options::default()).to_vec()
    };
    let ranker = |model: &SnapshotBuilder| Ranker::new(Snapshot::open(model.clone().build().unwrap()).unwrap());
    let (plain, expected) = (rank(&mut ranker(&model)), rank(&mut ranker(&scaled)));
    let mut arm = ranker(&model);
    for _ in 0..2 {
        arm.scale_blend(settings.blend().iter().flat_map(|blend| blend.factors()))
            .unwrap();
        assert_eq!(rank(&mut arm), expected);
    }
    assert_eq!(
        arm.scale_blend([("popularty", 1.0)]).unwrap_err().code(),
        "unknown_name"
    );
    assert_eq!(arm.scale_blend([("popularity", 101.0)]).unwrap_err().code(), "weight");
    assert_eq!(rank(&mut arm), expected, "what is refused changes nothing");
    arm.scale_blend([]).unwrap();
    assert_eq!(rank(&mut arm), plain);
    assert_ne!(plain, expected);
}

#[test]
fn prerequisites_end_whatever_the_bytes_say() {
    // Each asks twice for the next: two to the power of forty steps, which `compile` refuses and no visitor waits for.
    let feature = |at: usize, parents: &str| {
        format!(r#""f{at:02}": {{ "defaultValue": 1, "rules": [{{ "force": 2{parents} }}] }}"#)
    };
    let twice = |at: usize| {
        format!(
            r#", "parentConditions": [{{ "id": "f{at:02}", "condition": {{}} }}, {{ "id": "f{at:02}", "condition": {{}} }}]"#
        )
    };
    let many: Vec<String> = (0..40)
        .map(|at| feature(at, &if at < 39 { twice(at + 1) } else { String::new() }))
        .collect();
    let refusal = compile(
        &format!(r#"{{ "features": {{ {} }} }}"#, many.join(", ")),
        &Options::default(),
    )
    .unwrap_err();
    assert!(refusal.reason.contains("too many prerequisites"), "{refusal}");
    let few: Vec<String> = (0..2)
        .map(|at| feature(at, &if at < 1 { twice(1) } else { String::new() }))
        .collect();
    let mut experiments = compiled(&format!(r#"{{ "features": {{ {} }} }}"#, few.join(", ")));
    // A circle that no compiler has seen.
    let parents = experiments.features[0].rules[0].parents.clone();
    experiments.features[1].rules[0].parents = parents
        .iter()
        .map(|parent| pocketrank::experiment::Parent {
            feature: "f00".into(),
            ..parent.clone()
        })
        .collect();
    let attributes = attributes("de");
    let evaluated = experiments.feature("f00", &mut Visitor::contextual(&attributes));
    assert_eq!(
        (evaluated.source, evaluated.value),
        (Source::CyclicPrerequisite, &Value::Null)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn damaged_sections_are_an_error_or_give_everyone_something(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        cut in any::<prop::sample::Index>(),
        lot in 0..4_096u32,
    ) {
        let mut bytes = postcard::to_allocvec(&cases()).unwrap();
        prop_assert!(Experiments::decode(&bytes[..cut.index(bytes.len())]).is_err());
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let Ok(experiments) = Experiments::decode(&bytes) else { return Ok(()) };
        let mut profile = Profile::default();
        profile.draw_lot(&grant(), lot);
        let attributes = attributes("de");
        let mut visitor = Visitor::of(&profile, &attributes);
        for feature in &experiments.features {
            let mut json = String::new();
            experiments.feature(&feature.key, &mut visitor).write_json(&mut json);
            prop_assert!(json.contains("source"), "no answer");
        }
    }
}
