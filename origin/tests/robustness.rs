//! Whatever the bytes of a file are, loading gives data or an error, never a panic, and no row vanishes uncounted.

use crate::support::{gzip, load_checked, orders_parquet, Files, HEADER, PLAIN};
use parquet::basic::Compression;
use pocketrank_origin::config::Config;
use proptest::collection::vec;
use proptest::prelude::*;

/// A readable file of each format, and the mapping for it. Half of the rows may be unreadable, so that damage is met
/// within rows too.
fn whole(format: usize) -> (&'static str, Vec<u8>, String) {
    let lenient = "max_unreadable = 0.9\n";
    let csv: String = (0..40)
        .map(|n| {
            format!(
                "u{},s{},i{},2020-01-0{},1,2.5,Name {n}\n",
                n % 5,
                n % 9,
                n % 7,
                1 + n % 9
            )
        })
        .collect();
    let csv = format!("{HEADER}{csv}");
    let plain = format!("{PLAIN}[clean]\n{lenient}");
    let retail = include_str!("../mappings/online-retail.toml").replace("[clean]\n", &format!("[clean]\n{lenient}"));
    let retail = retail
        .replace("min_item_users = 5", "min_item_users = 1")
        .replace("min_user_items = 2", "");
    match format {
        0 => ("e.csv", csv.into_bytes(), plain),
        1 => ("e.csv.gz", gzip(csv.as_bytes()), plain),
        2 => {
            let lines: String = (0..30)
                .map(|n| format!(r#"{{"event_name":"view_item","event_timestamp":17000000{:02},"user_pseudo_id":"u{}","items":[{{"item_id":"i{}","price":2.5}}]}}{}"#, n, n % 4, n % 6, "\n"))
                .collect();
            (
                "e.jsonl",
                lines.into_bytes(),
                format!("{}\n[clean]\n{lenient}", include_str!("../mappings/ga4.toml")),
            )
        }
        _ => {
            let codes: Vec<String> = (0..60).map(|n| format!("2{:04}", n % 11)).collect();
            let rows: Vec<_> = codes
                .iter()
                .enumerate()
                .map(|(n, code)| {
                    let customer = if n % 6 == 0 {
                        f64::NAN
                    } else {
                        12_000.0 + (n % 5) as f64
                    };
                    (
                        ["489434", "489435", "C489436"][n % 3],
                        code.as_str(),
                        "MUG",
                        1,
                        "2009-12-01 07:45:00",
                        1.25,
                        customer,
                    )
                })
                .collect();
            let compression = [
                Compression::SNAPPY,
                Compression::GZIP(Default::default()),
                Compression::UNCOMPRESSED,
            ];
            ("e.parquet", orders_parquet(&rows, compression[format - 3]), retail)
        }
    }
}

fn survives(name: &str, bytes: &[u8], mapping: &str) {
    let files = Files::new();
    let path = files.write(name, bytes);
    // The law of the account is checked inside.
    match files.load_mapped(&path, mapping) {
        Ok(_) => {}
        Err(error) => assert!(matches!(error.exit_code(), 3), "{error:?}"),
    }
}

#[test]
fn the_files_are_readable_before_they_are_damaged() {
    for format in 0..6 {
        let (name, bytes, mapping) = whole(format);
        let files = Files::new();
        let path = files.write(name, bytes);
        assert!(!files.load_mapped(&path, &mapping).unwrap().events.is_empty(), "{name}");
    }
}

#[test]
fn any_cut_is_an_error_or_fewer_rows() {
    for format in 0..6 {
        let (name, bytes, mapping) = whole(format);
        for length in (0..bytes.len()).step_by(7) {
            survives(name, &bytes[..length], &mapping);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn flipped_bytes_never_panic(format in 0usize..6, flips in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let (name, mut bytes, mapping) = whole(format);
        for (place, value) in flips {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        survives(name, &bytes, &mapping);
    }

    #[test]
    fn spliced_bytes_never_panic(format in 0usize..6, cut in any::<prop::sample::Index>(), splice in vec(any::<u8>(), 0..40), skip in 0usize..40) {
        let (name, bytes, mapping) = whole(format);
        let cut = cut.index(bytes.len());
        let mut spliced = bytes[..cut].to_vec();
        spliced.extend(splice);
        spliced.extend(&bytes[(cut + skip).min(bytes.len())..]);
        survives(name, &spliced, &mapping);
    }

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..600), format in 0usize..6) {
        let (name, _, mapping) = whole(format);
        survives(name, &bytes, &mapping);
        let magic: Vec<u8> = match format {
            1 => [&[0x1f, 0x8b, 8, 0], bytes.as_slice()].concat(),
            2 => [b"{", bytes.as_slice()].concat(),
            3.. => [b"PAR1", bytes.as_slice(), b"\x40\0\0\0PAR1"].concat(),
            _ => [HEADER.as_bytes(), bytes.as_slice()].concat(),
        };
        survives(name, &magic, &mapping);
    }

    #[test]
    fn random_rows_of_text_never_panic(rows in vec(vec("[a-z0-9,.\"\\-:éN ]{0,12}", 7), 1..20)) {
        let rows: String = rows.iter().map(|fields| fields.join(",") + "\n").collect();
        survives("e.csv", format!("{HEADER}{rows}").as_bytes(), &format!("{PLAIN}[clean]\nmax_unreadable = 1.0\n"));
    }

    #[test]
    fn configurations_never_panic(text in "[a-z\\[\\]={}\",.\n 0-9%()|*]{0,200}", cut in any::<prop::sample::Index>()) {
        let _ = Config::parse(&text, "random.toml");
        let ready = include_str!("../mappings/online-retail.toml");
        let cut = (0..=cut.index(ready.len())).rev().find(|cut| ready.is_char_boundary(*cut)).unwrap();
        let _ = Config::parse(&ready[..cut], "cut.toml");
        let _ = Config::parse(&format!("{}{text}{}", &ready[..cut], &ready[cut..]), "spliced.toml");
    }
}

#[test]
fn a_footer_that_lies_about_sizes_is_an_error() {
    let (name, bytes, mapping) = whole(5);
    // Every byte of the footer, raised to its highest value, one after the other.
    let footer = u32::from_le_bytes(bytes[bytes.len() - 8..bytes.len() - 4].try_into().unwrap()) as usize;
    for place in (bytes.len() - 8 - footer)..bytes.len() {
        let mut lying = bytes.clone();
        lying[place] = 0xff;
        survives(name, &lying, &mapping);
        lying[place] = 0x7f;
        survives(name, &lying, &mapping);
    }
    let files = Files::new();
    let path = files.write(name, &bytes[..bytes.len() - 20]);
    let mut inputs = crate::support::inputs(&path);
    inputs.config = Some("online-retail".into());
    let message = load_checked(&inputs).unwrap_err().to_string();
    assert!(
        message.contains("e.parquet: damaged or unreadable Parquet"),
        "{message}"
    );
}
