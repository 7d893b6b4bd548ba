//! The section of templates: what is read of it, and how snapshots, deltas and slices carry it.

use crate::support::{builder, Rng};
use pocketrank::pack::SnapshotBuilder;
use pocketrank::template::{compile, Escape, Field, Kind, Op, Source, Templates, Value, FIELDS};
use pocketrank::{diff, item_hash, Delta, Section, Snapshot};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn sources(list: &[(&str, &str)]) -> Vec<Source> {
    let source = |(name, text): &(&str, &str)| Source {
        name: (*name).into(),
        text: (*text).into(),
    };
    list.iter().map(source).collect()
}

fn fields(names: &[&str]) -> Vec<Field> {
    let field = |name: &&str| Field {
        name: (*name).into(),
        kind: if name.starts_with("html") {
            Kind::Html
        } else {
            Kind::Text
        },
    };
    names.iter().map(field).collect()
}

fn templates() -> Templates {
    let text = "<p title=\"{{a}}\">{{#list}}<a href=\"{{url}}\">{{.}}</a>{{/list}}{{^list}}none{{/list}}{{{html}}}</p>";
    compile(
        &sources(&[("t", text), ("card", "<li>{{price}}</li>")]),
        &fields(&["a", "html", "list"]),
    )
    .unwrap()
}

fn with_templates(seed: u64, items: usize) -> SnapshotBuilder {
    SnapshotBuilder {
        templates: Some(templates()),
        ..builder(&mut Rng(seed), items)
    }
}

#[test]
fn snapshots_deltas_and_slices_carry_them() {
    let open = |bytes: Vec<u8>| {
        let snapshot = Snapshot::open(bytes).unwrap();
        snapshot.verify().unwrap();
        snapshot
    };
    let whole = open(with_templates(1, 50).build().unwrap());
    let plain = open(builder(&mut Rng(1), 50).build().unwrap());
    assert_eq!(whole.templates().unwrap(), Some(templates()));
    assert_eq!(plain.templates().unwrap(), None);
    assert_eq!(plain.with_templates(Some(&templates())).unwrap(), whole.as_bytes());
    assert_eq!(whole.with_templates(None).unwrap(), plain.as_bytes());
    let slice = open(whole.slice((0..5).map(|n| item_hash(&crate::support::id(n)))).unwrap());
    assert_eq!(slice.templates().unwrap(), Some(templates()));
    // Another word in a template is a few bytes of a delta.
    let other = compile(&sources(&[("card", "<li>{{price}} each</li>")]), &[]).unwrap();
    let other = open(whole.with_templates(Some(&other)).unwrap());
    for (base, target) in [(&whole, &other), (&other, &whole), (&plain, &whole), (&whole, &plain)] {
        let bytes = diff(base, target).unwrap();
        let delta = Delta::open(&bytes).unwrap();
        assert_eq!(delta.apply(base).unwrap(), target.as_bytes());
        let patched = delta.patches().find(|patch| patch.section == Section::Templates);
        assert_eq!(patched.is_some(), target.templates().unwrap().is_some());
    }
    let word = open(
        whole
            .with_templates(Some(&compile(&sources(&[("t", "<p>a</p>")]), &[]).unwrap()))
            .unwrap(),
    );
    let words = open(
        whole
            .with_templates(Some(&compile(&sources(&[("t", "<p>b</p>")]), &[]).unwrap()))
            .unwrap(),
    );
    let bytes = diff(&word, &words).unwrap();
    let delta = Delta::open(&bytes).unwrap();
    let patch = delta
        .patches()
        .find(|patch| patch.section == Section::Templates)
        .unwrap();
    assert_eq!((patch.kind.name(), patch.bytes.len()), ("span", 4));
}

#[test]
fn the_rules_of_the_section_are_checked() {
    let good = templates();
    let text = |op: Op| {
        let mut bad = good.clone().to_bytes().unwrap();
        // A template of that one step behind the others.
        type Section = (Vec<String>, Vec<(String, String, Vec<Op>)>);
        let mut value: Section = postcard::from_bytes(&bad).unwrap();
        value.1.push(("x".into(), "é".into(), vec![op]));
        bad = postcard::to_allocvec(&value).unwrap();
        Templates::read(&bad).map(|_| ())
    };
    text(Op::Text { from: 0, length: 2 }).unwrap();
    for bad in [
        Op::Text { from: 0, length: 1 },
        Op::Text { from: 0, length: 3 },
        Op::Text {
            from: u32::MAX,
            length: u32::MAX,
        },
        Op::Value {
            escape: Escape::Raw,
            path: vec![999],
        },
        Op::Value {
            escape: Escape::Text,
            path: vec![0; 9],
        },
        Op::Section { ops: 1, path: vec![] },
        Op::Inverted {
            ops: u32::MAX,
            path: vec![],
        },
    ] {
        assert!(text(bad.clone()).is_err(), "{bad:?}");
    }
    let bytes = good.to_bytes().unwrap();
    for end in 0..bytes.len() {
        assert!(Templates::read(&bytes[..end]).is_err());
    }
    assert!(Templates::read(&[bytes.as_slice(), &[0]].concat()).is_err());
    assert_eq!(
        FIELDS.iter().map(|(name, _)| name).collect::<BTreeSet<_>>().len(),
        FIELDS.len()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_are_read_or_refused_as_serde_would(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        names in proptest::collection::vec("[a-c]{0,2}", 0..3),
    ) {
        let mut bytes = templates().to_bytes().unwrap();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(read) = Templates::read(&bytes) {
            let theirs: Templates = postcard::from_bytes(&bytes).unwrap();
            prop_assert_eq!(&theirs, &read);
            let text = names.first().cloned().unwrap_or_default();
            let fields = (0..read.names().len() as u16).map(|name| (name, Value::List(vec![Value::text(&text); 3])));
            let data = Value::Fields(fields.collect());
            for template in read.all() {
                let _ = read.render(&template.name, &data);
            }
        }
    }

    #[test]
    fn random_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Templates::read(&bytes);
    }
}
