//! Packing what training chose into other bytes: the limit is kept, the table is a front, what loses too much is refused.

use crate::support::shop::{json, make, refused, run};
use serde_json::Value;
use std::path::Path;
use std::sync::OnceLock;
use tempfile::TempDir;

const DATA: &str = "--events events.jsonl --catalogue catalogue.jsonl --hold-out 0.2";

/// A made-up shop, and the recipe of a model of it.
fn shop() -> &'static Path {
    static SHOP: OnceLock<TempDir> = OnceLock::new();
    SHOP.get_or_init(|| make("rp3beta", 0.2)).path()
}

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap()
}

#[test]
fn the_best_shape_within_the_limit_is_packed_and_the_front_is_what_none_beats() {
    let shop = shop();
    for (limit, most_each, most_all) in [
        ("--max-bytes-per-item 70", 70.0, f64::MAX),
        ("--max-kb 16", f64::MAX, 16_000.0),
    ] {
        let pack = format!("pack recipe.json {DATA} {limit} --force -o best.bin --svg best.svg");
        let packed = json(shop, &pack);
        let inspected = json(shop, "inspect best.bin");
        assert_eq!(packed["id"], inspected["id"]);
        assert!(number(&inspected, "model_bytes_per_item") <= most_each, "{limit}");
        assert!(std::fs::metadata(shop.join("best.bin")).unwrap().len() as f64 <= most_all);
        let shapes = packed["shapes"].as_array().unwrap();
        let beats = |a: &Value, b: &Value| {
            let of = |shape: &Value| (number(shape, "bytes_per_item"), number(shape, "ndcg@20"));
            let ((a_bytes, a_ndcg), (b_bytes, b_ndcg)) = (of(a), of(b));
            a_bytes <= b_bytes && a_ndcg >= b_ndcg && (a_bytes < b_bytes || a_ndcg > b_ndcg)
        };
        for shape in shapes {
            let beaten = shapes.iter().any(|other| beats(other, shape));
            assert_eq!(shape["front"].as_bool().unwrap(), !beaten, "{shape}");
        }
        let chosen = &packed["chosen"];
        let fits = |shape: &&Value| number(shape, "bytes_per_item") <= most_each && number(shape, "bytes") <= most_all;
        assert!(fits(&chosen));
        for shape in shapes.iter().filter(fits) {
            assert!(
                number(shape, "ndcg@20") <= number(chosen, "ndcg@20"),
                "{shape} against {chosen}"
            );
        }
        for bits in [4, 5, 6, 8] {
            assert!(shapes.iter().any(|shape| shape["code_bits"] == bits));
        }
        let svg = std::fs::read_to_string(shop.join("best.svg")).unwrap();
        assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
        assert_eq!(
            svg.matches("<circle").count(),
            shapes.len() + 1,
            "all shapes and the float model"
        );

        // Whatever the threads.
        json(
            shop,
            &format!("pack recipe.json {DATA} {limit} --force -o again.bin --threads 1"),
        );
        let read = |name: &str| std::fs::read(shop.join(name)).unwrap();
        assert!(read("best.bin") == read("again.bin"));
    }
    let text = run(
        shop,
        &format!("pack recipe.json {DATA} --max-kb 16 --force -o best.bin"),
    );
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("<- packed") && text.contains("the float model"), "{text}");
}

#[test]
fn what_loses_too_much_is_refused_unless_forced() {
    let shop = shop();
    let pack = format!("pack recipe.json {DATA} -o small.bin --svg small.svg --max-bytes-per-item 28");
    let forced = json(shop, &format!("{pack} --max-loss 0 --force"));
    assert!(number(&json(shop, "inspect small.bin"), "model_bytes_per_item") <= 28.0);
    let lost = 100.0 * (1.0 - number(&forced["chosen"], "share"));
    assert!(lost > 0.0, "{lost}");
    for name in ["small.bin", "small.svg"] {
        std::fs::remove_file(shop.join(name)).unwrap();
    }

    let less = format!("{pack} --max-loss {}", 0.9 * lost);
    let message = refused(shop, &less, 2);
    for part in ["of the float model's NDCG@20", "more than", "bytes an item", "--force"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let table = run(shop, &less);
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(
        table.contains("the float model"),
        "what there is to choose from: {table}"
    );
    assert!(!shop.join("small.bin").exists() && !shop.join("small.svg").exists());
    let allowed = json(shop, &format!("{pack} --max-loss {}", 1.1 * lost));
    assert_eq!(allowed["id"], forced["id"]);

    let message = refused(
        shop,
        &format!("pack recipe.json {DATA} -o none.bin --max-kb 0.1 --force"),
        2,
    );
    assert!(
        message.contains("fits into 0.1 kB") && message.contains("the smallest"),
        "{message}"
    );
    assert!(!shop.join("none.bin").exists());
}

#[test]
fn the_smallest_loses_no_more_than_allowed() {
    let shop = shop();
    let pack = format!("pack recipe.json {DATA} --smallest -o least.bin");
    let packed = json(shop, &format!("{pack} --max-loss 2"));
    let least = number(&packed["chosen"], "bytes_per_item");
    assert!(number(&packed["chosen"], "share") >= 0.98);
    for shape in packed["shapes"].as_array().unwrap() {
        assert!(
            number(shape, "share") < 0.98 || number(shape, "bytes_per_item") >= least,
            "{shape}"
        );
    }
    assert!(number(&packed, "float_bytes_per_item") > number(&packed, "bytes_per_item"));
    let more = json(shop, &format!("{pack} --max-loss 5"));
    assert!(number(&more["chosen"], "bytes_per_item") <= least);
}

#[test]
fn what_cannot_be_packed_is_told() {
    let shop = shop();
    let write = |name: &str, text: &str| std::fs::write(shop.join(name), text).unwrap();
    let recipe = std::fs::read_to_string(shop.join("recipe.json")).unwrap();
    let with = |change: fn(&mut Value)| {
        let mut json: Value = serde_json::from_str(&recipe).unwrap();
        change(&mut json);
        json.to_string()
    };
    write("cut.json", &recipe[..recipe.len() / 2]);
    write("newer.json", &with(|json| json["format"] = 9.into()));
    write("bits.json", &with(|json| json["recipe"]["code_bits"] = 3.into()));
    write("more.json", &with(|json| json["extra"] = 1.into()));
    write(
        "family.json",
        &with(|json| json["recipe"]["components"][0]["family"] = "magic".into()),
    );
    write(
        "values.json",
        &with(|json| json["recipe"]["components"][0]["values"] = serde_json::json!({"alpha": 0.5})),
    );
    write(
        "range.json",
        &with(|json| json["recipe"]["components"][0]["values"]["alpha"] = 50.into()),
    );
    write(
        "blend.json",
        &with(|json| json["blend"]["rows"] = serde_json::json!([])),
    );
    write(
        "content.json",
        &with(|json| {
            json["recipe"]["content"] = 8.into();
            json["recipe"]["components"] = serde_json::json!([{"family": "popularity", "values": {}, "weight": 1}]);
        }),
    );
    let lists: Vec<String> = (0..60)
        .map(|user| format!("{user} {} {} {}", user % 5, 5 + user % 3, 8 + user % 4))
        .collect();
    write("lists.txt", &lists.join("\n"));
    let limit = "--max-kb 100";
    for (recipe, data, limit, code, part) in [
        ("recipe.json", DATA, "", 2, "--max-kb"),
        (
            "recipe.json",
            DATA,
            "--max-kb 9 --max-bytes-per-item 9",
            2,
            "cannot be used with",
        ),
        ("recipe.json", DATA, "--max-kb 0", 2, "above 0"),
        ("nowhere.json", DATA, limit, 1, "nowhere.json"),
        ("cut.json", DATA, limit, 3, "cut.json: no recipe"),
        ("newer.json", DATA, limit, 3, "format 9"),
        ("bits.json", DATA, limit, 3, "not 3"),
        ("more.json", DATA, limit, 3, "extra"),
        ("family.json", DATA, limit, 3, "magic"),
        ("values.json", DATA, limit, 3, "`beta`"),
        ("range.json", DATA, limit, 3, "`alpha`"),
        ("blend.json", DATA, limit, 3, "its blend"),
        (
            "recipe.json",
            "--events lists.txt --config lists",
            limit,
            3,
            "does not fit these data",
        ),
        (
            "content.json",
            "--events lists.txt --config lists",
            limit,
            3,
            "ranks by content",
        ),
    ] {
        let message = refused(shop, &format!("pack {recipe} {data} {limit} -o out.bin"), code);
        assert!(message.contains(part), "{recipe} {limit}: {message}");
        assert!(!shop.join("out.bin").exists());
    }
    let message = refused(shop, &format!("pack recipe.json {DATA} {limit} -o recipe.json"), 2);
    assert!(message.contains("RECIPE and -o are both recipe.json"), "{message}");
}
