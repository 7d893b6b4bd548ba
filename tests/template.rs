//! Templates: what compiles, what does not and where it says so, and what is rendered.

use pocketrank::template::{
    compile, format_price, CompileError, Field, Kind, Place, Reader, Source, Templates, Value, MAX_OUTPUT,
};
use pocketrank::Error;
use proptest::prelude::*;
use serde::de::DeserializeSeed;
use serde_json::{json, Value as Json};
use std::collections::{BTreeMap, BTreeSet};

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

fn value(templates: &Templates, data: &Json) -> Value<'static> {
    Reader(templates).deserialize(data.clone()).unwrap()
}

/// What one template makes of data.
fn render(text: &str, data: &Json) -> Result<String, CompileError> {
    let templates = compile(&sources(&[("t", text)]), &fields(&["a", "b", "html", "list"]))?;
    Ok(templates.render("t", &value(&templates, data)).unwrap())
}

/// Every name in data.
fn names_of(data: &Json, names: &mut BTreeSet<String>) {
    match data {
        Json::Object(fields) => fields.iter().for_each(|(name, value)| {
            names.insert(name.clone());
            names_of(value, names);
        }),
        Json::Array(list) => list.iter().for_each(|value| names_of(value, names)),
        _ => {}
    }
}

#[test]
fn mustache_is_as_specified() {
    let cases: Vec<Json> = serde_json::from_str(include_str!("cases/mustache.json")).unwrap();
    assert!(cases.len() >= 60);
    for case in cases {
        let name = &case["name"];
        let mut sources = sources(&[("t", case["template"].as_str().unwrap())]);
        for (name, text) in case["partials"].as_object().into_iter().flatten() {
            sources.push(Source {
                name: name.clone(),
                text: text.as_str().unwrap().into(),
            });
        }
        let mut names = BTreeSet::new();
        names_of(&case["data"], &mut names);
        names_of(&case["missing"], &mut names);
        // Where a case has raw tags all of its fields are HTML.
        let raw = case["raw"] == true;
        let field = |name: String| Field {
            name,
            kind: if raw { Kind::Html } else { Kind::Text },
        };
        let fields: Vec<Field> = names.into_iter().map(field).collect();
        let templates = compile(&sources, &fields).unwrap_or_else(|error| panic!("{name}: {error}"));
        let out = templates.render("t", &value(&templates, &case["data"])).unwrap();
        assert_eq!(out, case["expected"].as_str().unwrap(), "{name}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, line, column, problem) in [
        // Mustache.
        ("a\n  {{name", 2, 3, "the tag is not closed; `}}` is missing"),
        ("{{{html}}", 1, 1, "the tag is not closed; `}}}` is missing"),
        ("{{=<% %>", 1, 1, "the tag is not closed; `=}}` is missing"),
        ("{{= a =}}", 1, 1, "delimiters are two texts without blanks"),
        ("{{}}", 1, 1, "the tag has no name"),
        ("{{ a b }}", 1, 1, "`a b` is no name"),
        ("{{a..b}}", 1, 1, "`a..b` is no name"),
        (
            "é {{#a}}\n{{#b}}{{/b}}",
            1,
            3,
            "the section `a` is not closed; {{/a}} is missing",
        ),
        ("{{#a}}{{#b}}\n{{/a}}", 2, 1, "{{/a}} while the section `b` is open"),
        ("{{#a}}{{/a}}\n  {{/b}}", 2, 3, "{{/b}} closes nothing"),
        ("{{>gone}}", 1, 1, "there is no template `gone` to include"),
        ("{{>*name}}", 1, 1, "the name of a partial is fixed"),
        ("{{<parent}}", 1, 1, "blocks and parents are not supported"),
        ("{{%x}}", 1, 1, "`%` begins no tag that is known"),
        // Fields.
        (
            "\n\nx {{nam}}",
            3,
            3,
            "no field is named `nam`; declare it, or use one of items id",
        ),
        (
            "{{#because}}{{because.nam}}{{/because}}",
            1,
            13,
            "no field is named `nam`",
        ),
        ("{{{name}}}", 1, 1, "`name` is not declared as HTML"),
        ("{{&a}}", 1, 1, "`a` is not declared as HTML"),
        ("{{#html}}{{{.}}}{{/html}}", 1, 10, "`.` is not declared as HTML"),
        // Places without a context for values.
        (
            "<p title={{name}}>x</p>",
            1,
            10,
            "put quotes around it: title=\"{{...}}\"",
        ),
        ("<p title=x>", 1, 10, "put quotes around the value of `title`"),
        ("<{{name}}>", 1, 2, "a placeholder cannot be in a tag's name"),
        ("<h{{name}}>", 1, 3, "a placeholder cannot be in a tag's name"),
        ("<p></p{{name}}>", 1, 7, "a placeholder cannot be in a tag's name"),
        ("<p {{name}}>", 1, 4, "a placeholder cannot be an attribute"),
        ("<p data-{{name}}=\"x\">", 1, 9, "a placeholder cannot be an attribute"),
        ("<!-- {{name}} -->", 1, 6, "a placeholder cannot be in a comment"),
        (
            "<script>let x = \"{{name}}\";</script>",
            1,
            18,
            "a placeholder cannot be in <script>",
        ),
        (
            "<script>\n'</scrip' {{name}}</script>",
            2,
            11,
            "a placeholder cannot be in <script>",
        ),
        ("<style>{{name}}</style>", 1, 8, "a placeholder cannot be in <style>"),
        ("<iframe>{{name}}</iframe>", 1, 9, "a placeholder cannot be in <iframe>"),
        (
            "<p onclick=\"go('{{id}}')\">",
            1,
            17,
            "no value can be in `onclick` of <p>: it is script",
        ),
        ("<p OnClick='{{id}}'>", 1, 13, "no value can be in `onclick`"),
        (
            "<p data-on-click=\"{{id}}\">",
            1,
            19,
            "no value can be in `data-on-click`",
        ),
        (
            "<p style=\"color:{{a}}\">",
            1,
            17,
            "no value can be in `style` of <p>: it is style",
        ),
        (
            "<iframe srcdoc=\"{{a}}\">",
            1,
            17,
            "no value can be in `srcdoc` of <iframe>",
        ),
        (
            "<p srcdoc=\"{{a}}\">",
            1,
            12,
            "no value can be in `srcdoc` of <p>: it is a whole page",
        ),
        (
            "<iframe src=\"{{url}}\">",
            1,
            14,
            "no value can be in `src` of <iframe>",
        ),
        (
            "<script src=\"{{url}}\">",
            1,
            14,
            "no value can be in `src` of <script>",
        ),
        (
            "<object data=\"{{url}}\">",
            1,
            15,
            "no value can be in `data` of <object>",
        ),
        ("<link href=\"{{url}}\">", 1, 13, "no value can be in `href` of <link>"),
        (
            "<p x-html=\"{{a}}\">",
            1,
            12,
            "no value can be in `x-html` of <p>: it is not known to be harmless",
        ),
        ("<p v-html=\"{{a}}\">", 1, 12, "no value can be in `v-html`"),
        ("<p nonce=\"{{a}}\">", 1, 11, "no value can be in `nonce`"),
        (
            "<p title=\"{{{html}}}\">",
            1,
            11,
            "HTML can only be in text, this is the value of `title`",
        ),
        ("<textarea>{{{html}}}</textarea>", 1, 11, "HTML can only be in text"),
        // Addresses.
        (
            "<a href=\"javascript:{{a}}\">",
            1,
            21,
            "`javascript:` before the placeholder does not settle",
        ),
        (
            "<a href=\"&#106;avascript:/{{a}}\">",
            1,
            27,
            "`javascript:/` before the placeholder does not settle",
        ),
        (
            "<a href=\"java{{a}}\">",
            1,
            14,
            "`java` before the placeholder does not settle",
        ),
        (
            "<a href=\"{{a}}:{{b}}\">",
            1,
            15,
            "`:` behind a placeholder could make its value a scheme",
        ),
        (
            "<a href=\"{{a}}&#58;b\">",
            1,
            19,
            "`:` behind a placeholder could make its value a scheme",
        ),
        (
            "<a href=\"{{#a}}javascript:{{/a}}{{url}}\">",
            1,
            10,
            "the section `a` begins in the value of `href` and ends in",
        ),
        (
            "<img srcset=\"/a.png {{a}}\">",
            1,
            21,
            "a placeholder cannot be behind an address of a set",
        ),
        ("<img srcset=\"java{{a}}\">", 1, 18, "`java` before the placeholder"),
        // HTML.
        ("<p>x", 1, 1, "<p> is not closed"),
        ("a\n<b><i>x</b></i>", 2, 11, "</b> while <i> is open"),
        ("x</p>", 1, 5, "</p> closes nothing"),
        ("<p", 1, 3, "the template ends in a tag"),
        ("<p title=\"x", 1, 12, "the template ends in the value of `title`"),
        ("<!-- x", 1, 7, "the template ends in a comment"),
        ("a < b", 1, 4, "`<` begins no tag; write `&lt;`"),
        ("<!doctype html>", 1, 3, "`<!` begins a comment only"),
        ("<!-->{{a}}", 1, 5, "a comment that begins with `>` ends at once"),
        ("<div/>", 1, 6, "`/>` closes no <div>; write <div></div>"),
        ("a & b &nosuch; c", 1, 14, "`&nosuch;` is not known"),
        ("&{{a}}", 1, 2, "`&` before a placeholder begins a reference"),
        ("<a href=\"?a=1&b=2\">", 1, 16, "`&b` is no reference; write `&amp;`"),
        ("<p><div></div></p>", 1, 8, "<div> ends the paragraph around it"),
        ("<a><b><a></a></b></a>", 1, 9, "<a> cannot be in another"),
        (
            "<ul><li><div><li></li></div></li></ul>",
            1,
            17,
            "<li> ends the one around it",
        ),
        (
            "<table><tr></tr></table>",
            1,
            11,
            "<tr> must be in <tbody> or <thead> or <tfoot>",
        ),
        ("<table>{{a}}</table>", 1, 8, "text cannot be in <table>"),
        ("<select>x</select>", 1, 9, "text cannot be in <select>"),
        ("<option></option>", 1, 8, "<option> must be in <select>"),
        ("<svg><div></div></svg>", 1, 10, "<div> cannot be in <svg>"),
        ("<svg><style></style></svg>", 1, 12, "<style> cannot be in <svg>"),
        ("<svg><animate></animate></svg>", 1, 14, "<animate> cannot be in <svg>"),
        ("<math></math>", 1, 6, "<math> cannot be in a slot"),
        ("<base href=\"x\">", 1, 6, "<base> cannot be in a slot"),
        ("<noscript></noscript>", 1, 10, "<noscript> cannot be in a slot"),
        ("<script><!--</script>", 1, 12, "`<!--` in a script"),
        ("\u{1}", 1, 1, "control characters"),
        // Sections that leave the HTML in another state.
        (
            "{{#a}}\n <div>{{/a}}",
            2,
            2,
            "<div> is not closed within the section `a`",
        ),
        (
            "<div>\n{{#a}}</div>{{/a}}",
            2,
            12,
            "the section closes <div>, which was opened outside of it",
        ),
        ("{{#a}}</div><div>{{/a}}", 1, 12, "</div> closes nothing"),
        ("<div>{{#a}}</div><div>{{/a}}</div>", 1, 17, "the section closes <div>"),
        (
            "<p {{#a}}title=\"{{/a}}x\">",
            1,
            4,
            "the section `a` begins in the tag <p> and ends in the value of `title`",
        ),
        (
            "<p{{#a}} hidden{{/a}}></p>",
            1,
            3,
            "the section `a` begins in a tag and ends in the attribute `hidden`",
        ),
        (
            "{{#a}}<!--{{/a}} -->",
            1,
            1,
            "the section `a` begins in text and ends in a comment",
        ),
        (
            "<p title=\"{{#a}}\">{{/a}}\"></p>",
            1,
            11,
            "the section `a` begins in the value of `title` and ends in the text of <p>",
        ),
    ] {
        let error = render(text, &json!({})).expect_err(text);
        assert_eq!((error.line, error.column), (line, column), "{text:?}: {error}");
        assert!(error.problem.contains(problem), "{text:?}: {error}");
        assert_eq!(error.template, "t");
        assert_eq!(
            error.to_string(),
            format!("t.mustache:{line}:{column}: {}", error.problem)
        );
    }
}

#[test]
fn mistakes_in_partials_are_told_where_they_are_written() {
    let wrong = |list: &[(&str, &str)]| compile(&sources(list), &[]).unwrap_err().to_string();
    // By itself `_p` is not compiled: what is wrong is so where it is included, and told where it is.
    let text = wrong(&[("t", "<p>\n  {{>_p}}\n</p>"), ("_p", "ok\né{{nam}}")]);
    assert!(text.starts_with("_p.mustache:2:2: no field is named `nam`"), "{text}");
    let text = wrong(&[("t", "<script>{{>_p}}</script>"), ("_p", "{{name}}")]);
    assert!(
        text.starts_with("_p.mustache:1:1: a placeholder cannot be in <script>"),
        "{text}"
    );
    let text = wrong(&[("t", "<div {{>_p}}"), ("_p", "class=\"a\">")]);
    assert_eq!(text, "t.mustache:1:1: <div> is not closed");
    let text = wrong(&[("a", "{{>b}}"), ("b", "x\n{{>c}}"), ("c", "{{>a}}")]);
    assert_eq!(text, "c.mustache:1:1: `a` includes itself: a > b > c > a");
    let text = wrong(&[("a", "{{#items}}{{>a}}{{/items}}")]);
    assert_eq!(text, "a.mustache:1:11: `a` includes itself: a > a");
    assert!(wrong(&[("A", "")]).contains("names of templates have"));
    assert!(wrong(&[("a", ""), ("a", "x")]).contains("two templates"));
    // Each doubles the one before.
    let many: Vec<(String, String)> = (0..15)
        .map(|n| (format!("_p{n}"), format!("{{{{>_p{}}}}}{{{{>_p{}}}}}", n + 1, n + 1)))
        .collect();
    let mut list: Vec<(&str, &str)> = many.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    list.extend([("_p15", "xxxx{{name}}"), ("t", "{{>_p0}}")]);
    assert!(wrong(&list).contains("more than"), "{}", wrong(&list));
}

#[test]
fn every_context_escapes_its_own_way() {
    let hostile = "\"><script>alert(1)</script>'&";
    let escaped = "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#39;&amp;";
    for (text, a, expected) in [
        ("{{a}}", hostile, escaped.to_owned()),
        ("<p title='{{a}}'></p>", hostile, format!("<p title='{escaped}'></p>")),
        (
            "<title>{{a}}</title>",
            "</title><b>",
            "<title>&lt;/title&gt;&lt;b&gt;</title>".into(),
        ),
        (
            "<a href=\"{{a}}\">x</a>",
            "javascript:alert(1)",
            "<a href=\"\">x</a>".into(),
        ),
        (
            "<a href=\"{{a}}\">x</a>",
            "/x?a=1&b=2",
            "<a href=\"/x?a=1&amp;b=2\">x</a>".into(),
        ),
        (
            "<a href=\"/p/{{a}}?x\">x</a>",
            "../a/b",
            "<a href=\"/p/..%2Fa%2Fb?x\">x</a>".into(),
        ),
        (
            "<svg><a xlink:href=\"{{a}}\"/></svg>",
            "javascript:alert(1)",
            "<svg><a xlink:href=\"\"/></svg>".into(),
        ),
        (
            "<img srcset=\"{{a}} 2x\">",
            "/a b,c.png",
            "<img srcset=\"/a%20b%2Cc.png 2x\">".into(),
        ),
        ("<a ping=\"{{a}}\"></a>", "/p q", "<a ping=\"/p%20q\"></a>".into()),
        (
            "<p data-image-url=\"{{a}}\"></p>",
            "javascript:x",
            "<p data-image-url=\"\"></p>".into(),
        ),
        (
            "<form action=\"{{a}}\"></form>",
            "data:x",
            "<form action=\"\"></form>".into(),
        ),
        (
            "<button formaction=\"{{a}}\"></button>",
            "vbscript:x",
            "<button formaction=\"\"></button>".into(),
        ),
        (
            "<video poster=\"{{a}}\"></video>",
            "x:y",
            "<video poster=\"\"></video>".into(),
        ),
        (
            "<p {{#a}}hidden {{/a}}class=\"x{{#a}} y{{/a}}\"></p>",
            "1",
            "<p hidden class=\"x y\"></p>".into(),
        ),
        (
            "&copy; &amp; &lt; &nbsp;&#x41; & x",
            "",
            "© &amp; &lt; \u{a0}A &amp; x".into(),
        ),
        (
            "<a href=\"?a=1&amp;b={{a}}\"></a>",
            "&c",
            "<a href=\"?a=1&amp;b=%26c\"></a>".into(),
        ),
    ] {
        assert_eq!(render(text, &json!({ "a": a })).unwrap(), expected, "{text}");
    }
    let html = render("<p>{{{html}}}|{{html}}|{{&html}}</p>", &json!({ "html": "<b>" })).unwrap();
    assert_eq!(html, "<p><b>|&lt;b&gt;|<b></p>");
}

#[test]
fn the_built_in_templates_are_what_the_compiler_makes() {
    let built_in = compile(&[], &[]).unwrap();
    assert_eq!(Templates::built_in(), built_in);
    assert_eq!(Templates::read(&built_in.to_bytes().unwrap()).unwrap(), built_in);
    let card = json!({ "id": "\"><i>", "name": "A & B", "url": "/a", "image": "javascript:x", "category": "C", "price_text": "£2.10" });
    let data = value(&built_in, &json!({ "items": [card] }));
    let expected = "<ol class=\"pr-track\"><li class=\"pr-card\" data-item=\"&quot;&gt;&lt;i&gt;\"><a class=\"pr-link\" data-pr=\"link\" href=\"/a\"><img class=\"pr-image\" data-pr=\"image\" alt=\"\" width=\"320\" height=\"320\" loading=\"lazy\" src=\"\"><span class=\"pr-category\" data-pr=\"category\">C</span><span class=\"pr-name\" data-pr=\"name\">A &amp; B</span><span class=\"pr-price\" data-pr=\"price\">£2.10</span></a></li></ol>";
    assert_eq!(built_in.render("slot", &data).unwrap(), expected);
    assert_eq!(built_in.render("gone", &data).unwrap_err().code(), "unknown_name");
}

#[test]
fn prices_are_those_of_the_platform() {
    // By language, currency and price; tests/js/template.test.mjs holds the same to `Intl.NumberFormat`.
    let cases: BTreeMap<String, BTreeMap<String, BTreeMap<String, String>>> =
        serde_json::from_str(include_str!("cases/prices.json")).unwrap();
    assert_eq!(cases.len(), 18);
    for (lang, currencies) in &cases {
        for (currency, prices) in currencies {
            for (price, expected) in prices {
                let text = format_price(lang, price, currency);
                assert_eq!(text.as_ref(), Some(expected), "{lang} {currency} {price}");
            }
        }
    }
}

#[test]
fn a_shops_own_card_is_in_the_slot() {
    let templates = compile(&sources(&[("_card", "<li>{{name}}{{^last}},{{/last}}</li>")]), &[]).unwrap();
    let data = value(
        &templates,
        &json!({ "items": [{ "name": "a" }, { "name": "b", "last": true }] }),
    );
    assert_eq!(
        templates.render("slot", &data).unwrap(),
        "<ol class=\"pr-track\"><li>a,</li><li>b</li></ol>"
    );
    let names: Vec<&str> = templates.all().iter().map(|template| template.name.as_str()).collect();
    assert_eq!(names, ["slot"]);
}

#[test]
fn only_templates_that_say_why_ask_why() {
    let cards = [
        ("plain", "{{#items}}{{name}}{{/items}}"),
        ("because", "{{#items}}{{#because}}{{name}}{{/because}}{{/items}}"),
        (
            "brand",
            "{{#items}}{{^because_brand}}{{name}}{{/because_brand}}{{/items}}",
        ),
        ("dotted", "{{#items}}{{because.name}}{{/items}}"),
    ];
    let templates = compile(&sources(&cards), &[]).unwrap();
    for (name, asks) in [
        ("plain", false),
        ("because", true),
        ("brand", true),
        ("dotted", true),
        ("gone", false),
    ] {
        assert_eq!(Place::asks_why(&templates, name), asks, "{name}");
    }
    assert!(!Place::asks_why(&Templates::built_in(), "slot"));
}

#[test]
fn output_and_work_are_bounded() {
    let names = fields(&["list"]);
    // 16 lists of 16 in one another.
    let text = ["{{#list}}".repeat(16), "x".into(), "{{/list}}".repeat(16)].concat();
    let templates = compile(&sources(&[("t", &text), ("u", &text.replace('x', ""))]), &names).unwrap();
    let data = value(&templates, &json!({ "list": vec![1; 16] }));
    for name in ["t", "u"] {
        assert_eq!(templates.render(name, &data).unwrap_err().code(), "limit");
    }
    let templates = compile(&sources(&[("t", "{{name}}{{name}}")]), &[]).unwrap();
    let data = |length| json!({ "name": "x".repeat(length) });
    let render = |length| templates.render("t", &value(&templates, &data(length)));
    assert_eq!(render(MAX_OUTPUT / 2).unwrap().len(), MAX_OUTPUT);
    assert!(matches!(
        render(MAX_OUTPUT / 2 + 1),
        Err(Error::Limit { max: MAX_OUTPUT, .. })
    ));
    let deep = ["{{#list}}".repeat(17), "{{/list}}".repeat(17)].concat();
    let error = compile(&sources(&[("t", &deep)]), &names).unwrap_err();
    assert!(
        error.problem.contains("16 deep") && error.column == 16 * 9 + 1,
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Character by character, as it is said.
    #[test]
    fn marks_become_references_and_nothing_else_changes(text in "(\\PC|[\0&<>\"'\u{e9}\u{1f600}\n]){0,40}") {
        let escaped: String = text
            .chars()
            .map(|char| match char {
                '&' => "&amp;".into(),
                '<' => "&lt;".into(),
                '>' => "&gt;".into(),
                '"' => "&quot;".into(),
                '\'' => "&#39;".into(),
                '\0' => String::new(),
                char => char.to_string(),
            })
            .collect();
        prop_assert_eq!(render("<p>{{a}}</p>", &json!({ "a": text })).unwrap(), format!("<p>{escaped}</p>"));
    }

    /// Tags and quotes in a value change nothing of what is around it.
    #[test]
    fn marks_are_the_templates_own(a in any::<String>(), url in any::<String>()) {
        let text = "<p title=\"{{a}}\"><a href='{{a}}'>{{a}}</a><img srcset=\"{{a}} 1x, /x/{{a}} 2x\"><textarea>{{a}}</textarea></p>";
        let out = render(text, &json!({ "a": a })).unwrap();
        let empty = render(text, &json!({})).unwrap();
        for mark in ['<', '>', '"', '\''] {
            prop_assert_eq!(out.matches(mark).count(), empty.matches(mark).count(), "{}", out);
        }
        let out = render("<a href=\"{{a}}\">", &json!({ "a": url }));
        prop_assert!(out.is_err());
    }
}
