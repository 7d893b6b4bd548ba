//! Pictures of products that have none. Invariant: equal arguments give equal SVG, below 2 KB, well-formed whatever the
//! name is. The shape follows words of the name and then the category, the colours follow colour words and then the
//! key. `synth` and `candidates` draw with it.

mod shapes;

use pocketrank::item_hash;
use shapes::{Shape, COLOURS, GIFT, MOTIFS, SHAPES};
use std::fmt::Write;

/// An SVG picture of the product. `key` picks the palette: a brand, so that brands are recognized, or an item's id.
pub fn picture(name: &str, category: &str, key: &str) -> String {
    let hash = item_hash(key).0;
    let own = item_hash(name).0;
    let words = words(name);
    let shape = shape(&words).or_else(|| shape(&self::words(category))).unwrap_or(&GIFT);
    let hue = (hash % 24) as u32 * 15;
    let (hue, chroma, light) =
        colour(&words).unwrap_or((hue, 46 + (hash >> 8) as u32 % 24, 46 + (own >> 4) as u32 % 12));
    let turn = match (hash >> 16) % 4 {
        0 => 30,
        1 => 160,
        2 => 195,
        _ => 330,
    };
    let second = (hue + turn) % 360;
    let hsl = |h: u32, s: u32, l: u32| format!("hsl({} {}% {}%)", h % 360, s, l);
    let colours = [
        ("{a}", hsl(hue, chroma, light)),
        ("{b}", hsl(hue, chroma, light.saturating_sub(16))),
        ("{c}", hsl(hue, chroma / 2, (light + 34).min(94))),
        ("{d}", hsl(second, 46, 60)),
    ];
    let motif = motif(&words).or_else(|| {
        MOTIFS
            .get((own >> 12) as usize % (3 * MOTIFS.len()))
            .map(|(_, svg)| *svg)
    });
    let mut svg = String::with_capacity(1600);
    let backdrop = (second + 20 + (own >> 20) as u32 % 40, (hash >> 24) as u32 % 10);
    // Writing to a string cannot fail.
    let _ = write!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200" role="img"><title>{}</title><defs><linearGradient id="g" x2="0" y2="1"><stop stop-color="{}"/><stop offset="1" stop-color="{}"/></linearGradient>{}</defs><path d="M0 0h200v200H0z" fill="url(#g)"/><ellipse cx="100" cy="171" rx="58" ry="7" opacity=".14"/>"#,
        escape(name),
        hsl(backdrop.0, 26, 96 - backdrop.1 / 4),
        hsl(backdrop.0, 24, 89 - backdrop.1 / 2),
        motif.map_or(String::new(), |m| format!(
            r#"<pattern id="p" width="20" height="20" patternUnits="userSpaceOnUse" fill="{{c}}" stroke="none">{m}</pattern>"#
        )),
    );
    svg.push_str(shape.behind);
    let _ = write!(svg, r#"<path d="{}" fill="{{a}}"/>"#, shape.body);
    if motif.is_some() {
        let _ = write!(svg, r#"<path d="{}" fill="url(#p)" opacity=".75"/>"#, shape.body);
    }
    svg.push_str(shape.before);
    svg.push_str("</svg>");
    for (mark, colour) in colours {
        svg = svg.replace(mark, &colour);
    }
    svg
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// Whether one of the words is one of the keys, also with an -s or -es.
fn any(words: &[String], keys: &str) -> bool {
    words.iter().any(|word| {
        let single = word
            .strip_suffix("es")
            .filter(|stem| keys.split(' ').any(|key| key == *stem));
        let stem = word.strip_suffix('s').unwrap_or(word);
        single.is_some() || keys.split(' ').any(|key| key == stem || key == word)
    })
}

fn shape(words: &[String]) -> Option<&'static Shape> {
    SHAPES.iter().find(|shape| any(words, shape.words))
}

fn motif(words: &[String]) -> Option<&'static str> {
    MOTIFS.iter().find(|(keys, _)| any(words, keys)).map(|(_, svg)| *svg)
}

fn colour(words: &[String]) -> Option<(u32, u32, u32)> {
    COLOURS
        .iter()
        .find(|(keys, _)| any(words, keys))
        .map(|(_, colour)| *colour)
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars().take(120) {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            // Neither markup nor colour marks.
            '{' | '}' => {}
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_small_whole_and_repeatable() {
        for (name, category) in [
            ("White Hanging Heart T-Light Holder", "Candles & Lights"),
            ("Red Retrospot Mug", "Tableware"),
            ("</title><script>alert(1)</script> {a}", "Nothing known"),
            ("", ""),
        ] {
            let svg = picture(name, category, "key");
            assert_eq!(svg, picture(name, category, "key"));
            assert!(svg.len() < 2048, "{} bytes for {name}", svg.len());
            assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>"));
            assert!(!svg.contains("<script") && !svg.contains('{'), "{svg}");
        }
    }

    #[test]
    fn every_shape_is_below_the_limit_with_every_motif() {
        for shape in SHAPES.iter().chain([&GIFT]) {
            let word = shape.words.split(' ').next().unwrap_or_default();
            for (motif, _) in MOTIFS {
                let motif = motif.split(' ').next().unwrap();
                let svg = picture(&format!("{motif} {word}"), "", "k");
                assert!(svg.len() < 2048, "{word} with {motif}: {} bytes", svg.len());
            }
        }
    }

    #[test]
    fn name_goes_before_category_and_colour_words_count() {
        let mug = picture("Blue Mug", "Lamps", "k");
        assert!(mug.contains("M58 68h72"), "a mug's body");
        assert!(mug.contains("hsl(212 "));
    }
}
