//! The golden snapshots of `tests/fixtures` that are made from a seed. With `synth-*.bin` they have each section and lack each that
//! may lack, and have each form of every table but the rows of more than 65,536 items.

use super::cases::{model, snapshot};
use super::decisions::decided;
use super::{builder, Rng};
use pocketrank::experiment::{self, Options};
use pocketrank::pack::SnapshotBuilder;
use pocketrank::rule::compile_rules;
use pocketrank::template::{compile, Field, Kind, Source};
use pocketrank::{diff, Labels, PriorRow, Snapshot};

/// The folder of all golden snapshots.
pub const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

/// File names and bytes. Files are only ever added: what readers of version 1 can read stays as it is.
pub fn fixtures() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("random-v1.bin", snapshot()),
        ("minimal-v1.bin", minimal().build().unwrap()),
        ("narrow-v1.bin", narrow().build().unwrap()),
        ("cold-v1.bin", cold().build().unwrap()),
        ("templates-v1.bin", templates().build().unwrap()),
        ("random-changed-v1.delta", changes()),
        ("random-again-v1.delta", delta(changed(), again())),
        ("rules-v1.bin", ruled().build().unwrap()),
        ("decisions-v1.bin", decided().build().unwrap()),
        ("experiments-v1.bin", experiments(EXPERIMENTS).build().unwrap()),
        (
            "experiments-changed-v1.delta",
            delta(experiments(EXPERIMENTS), experiments(&changed_experiments())),
        ),
    ]
}

/// What makes of the random model the changed one.
pub fn changes() -> Vec<u8> {
    delta(model(), changed())
}

/// The random model with rows that changed, came and went in every table.
fn changed() -> SnapshotBuilder {
    let mut model = model();
    model.meta.trained_until += 86_400;
    model.ids[7] = "sku-new".into();
    model.prior[3].popularity ^= 1;
    model.attributes[4].brand = 2;
    model.neighbours[5].remove(0);
    model.neighbours[6].clear();
    model.neighbours[6].push((2, 0.02));
    model.neighbours[8].iter_mut().for_each(|(_, weight)| *weight *= 0.75);
    if let (Some(factors), Some(content)) = (&mut model.factors, &mut model.content) {
        factors.rows[9 * factors.dims] *= 0.5;
        content.rows[10 * content.dims..11 * content.dims].reverse();
    }
    let more = builder(&mut Rng(4), model.ids.len() + 2);
    let have = model.ids.len();
    model.ids.extend_from_slice(&more.ids[have..]);
    model.prior.extend(&more.prior[have..]);
    model.attributes.extend(&more.attributes[have..]);
    model.neighbours.extend_from_slice(&more.neighbours[have..]);
    if let (Some(factors), Some(new)) = (&mut model.factors, more.factors) {
        factors.rows.extend(&new.rows[have * new.dims..]);
    }
    if let (Some(content), Some(new)) = (&mut model.content, more.content) {
        content.rows.extend(&new.rows[have * new.dims..]);
    }
    model
}

/// What follows on it: fewer rows, other scales, text that grew.
fn again() -> SnapshotBuilder {
    let mut model = changed();
    let left = model.ids.len() - 3;
    model.ids.truncate(left);
    model.prior.truncate(left);
    model.attributes.truncate(left);
    model.neighbours.truncate(left);
    for edges in &mut model.neighbours {
        edges.retain(|(target, _)| (*target as usize) < left);
    }
    model.neighbours[11].iter_mut().for_each(|(_, weight)| *weight *= 3.0);
    model
        .factors
        .iter_mut()
        .for_each(|factors| factors.rows.truncate(left * factors.dims));
    model
        .content
        .iter_mut()
        .for_each(|content| content.rows.truncate(left * content.dims));
    model.prior[3].popularity ^= 1;
    model.labels.brands.push("a new one".into());
    model.blend.rows[1].popularity += 0.25;
    model
}

/// The payload of `tests/cases`.
const EXPERIMENTS: &str = include_str!("../cases/experiments.json");

/// The smallest model with features and experiments.
fn experiments(payload: &str) -> SnapshotBuilder {
    let compiled = experiment::compile(payload, &Options::default()).unwrap();
    SnapshotBuilder {
        experiments: Some(compiled.experiments),
        ..minimal()
    }
}

/// The smallest model with rules.
fn ruled() -> SnapshotBuilder {
    let compiled = compile_rules(include_str!("../cases/rules.json")).unwrap();
    SnapshotBuilder {
        rules: compiled.rules,
        ..minimal()
    }
}

/// Another weight, and nothing else.
fn changed_experiments() -> String {
    EXPERIMENTS.replace("[0.5, 0.25, 0.25]", "[0.25, 0.5, 0.25]")
}

fn delta(base: SnapshotBuilder, target: SnapshotBuilder) -> Vec<u8> {
    let [base, target] = [base, target].map(|model| Snapshot::open(model.build().unwrap()).unwrap());
    diff(&base, &target).unwrap()
}

/// Only what must be there.
fn minimal() -> SnapshotBuilder {
    let model = builder(&mut Rng(1), 5);
    SnapshotBuilder {
        meta: model.meta,
        blend: model.blend,
        ids: model.ids,
        ..SnapshotBuilder::default()
    }
}

/// Templates of every step and escape, and fields of the shop's own.
fn templates() -> SnapshotBuilder {
    let source = |(name, text): (&str, &str)| Source {
        name: name.into(),
        text: text.into(),
    };
    let sources = [
        ("_card", "<li class=\"pr-card{{#first}} first{{/first}}\" data-item=\"{{id}}\"><a href=\"{{url}}\" ping=\"/seen/{{id}}\"><img alt='' srcset=\"{{image}} 2x\"><b data-pr=\"name\">{{name}}</b>{{#because}}<i>{{name}}</i>{{/because}}{{^in_stock}}&times;{{/in_stock}}</a>{{{teaser}}}</li>"),
        ("greeting", "{{#visitor}}<p lang=\"{{lang}}\">{{#morning}}Good morning{{/morning}}{{^morning}}Hello{{/morning}}, {{.}}</p>{{/visitor}}\n<ol class=\"pr-track\">\n  {{#items}}\n  {{>_card}}\n  {{/items}}\n</ol>"),
        ("price", "{{#items}}{{price}}{{/items}}"),
    ];
    let fields = [Field {
        name: "teaser".into(),
        kind: Kind::Html,
    }];
    SnapshotBuilder {
        templates: Some(compile(&sources.map(source), &fields).unwrap()),
        factors: None,
        content: None,
        ..builder(&mut Rng(5), 40)
    }
}

/// A prior without times, neighbours of five bits, factors that are summed; no content.
fn narrow() -> SnapshotBuilder {
    let mut model = builder(&mut Rng(2), 90);
    for row in &mut model.prior {
        (row.trend, row.first_seen) = (0, 0);
    }
    if let Some(factors) = &mut model.factors {
        factors.gram = None;
    }
    SnapshotBuilder {
        code_bits: 5,
        content: None,
        ..model
    }
}

/// Every third item is cold; text in other alphabets; no neighbours and no factors.
fn cold() -> SnapshotBuilder {
    let mut model = builder(&mut Rng(3), 60);
    for row in model.prior.iter_mut().step_by(3) {
        *row = PriorRow {
            trend: 64,
            ..PriorRow::default()
        };
    }
    model.meta.model = "inhaltlich, 内容".into();
    let names = |names: Vec<String>| names.into_iter().map(|name| name + " Größe").collect();
    SnapshotBuilder {
        labels: Labels {
            categories: names(model.labels.categories),
            brands: names(model.labels.brands),
            price_bands: names(model.labels.price_bands),
        },
        neighbours: vec![],
        factors: None,
        ..model
    }
}
