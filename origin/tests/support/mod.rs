//! Files to load, made here, and loading them. Every load checks that no row vanished uncounted.
#![allow(dead_code)] // Each test binary uses its part.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // Tests may fail by panicking.

pub mod shop;
pub mod threads;

use parquet::basic::{Compression, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::Type;
use pocketrank_origin::dataset::Dataset;
use pocketrank_origin::error::Result;
use pocketrank_origin::ingest::{load, pseudonym::Pseudonyms, Inputs};
use pocketrank_origin::progress::Progress;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// Header of order lines as Online Retail has them.
pub const ORDERS: &str = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n";

/// A mapping of plain CSV without thresholds.
pub const PLAIN: &str = r#"
currency = "EUR"
[events]
kind = "purchase"
columns = { user = "user", session = "session", item = "item", time = "time", quantity = "quantity", price = "price", name = "name" }
[catalogue]
columns = { id = "id", name = "name", category = "category", price = "price", in_stock = "stock" }
"#;

/// Header for [`PLAIN`].
pub const HEADER: &str = "user,session,item,time,quantity,price,name\n";

/// A folder of files.
pub struct Files(TempDir);

impl Files {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Loads `events` by a mapping's text.
    pub fn load_mapped(&self, events: &Path, mapping: &str) -> Result<Dataset> {
        let config = self.write("mapping.toml", mapping);
        load_checked(&Inputs {
            config: Some(config.to_str().unwrap().into()),
            ..inputs(events)
        })
    }

    /// Loads CSV rows under [`HEADER`] by [`PLAIN`] and `more` of it.
    pub fn load_rows(&self, rows: &str, more: &str) -> Result<Dataset> {
        let events = self.write("events.csv", format!("{HEADER}{rows}"));
        self.load_mapped(&events, &format!("{PLAIN}{more}"))
    }
}

pub fn inputs(events: &Path) -> Inputs {
    Inputs {
        events: vec![events.to_path_buf()],
        catalogue: None,
        vectors: None,
        min_customers: None,
        config: None,
        pseudonyms: Pseudonyms::new(b"a key for the tests only", "test").unwrap(),
        now: None,
        until: None,
        cut: None,
    }
}

/// Loads, and checks the account's law and the dataset's order.
pub fn load_checked(inputs: &Inputs) -> Result<Dataset> {
    let dataset = load(inputs, &Progress::hidden())?;
    let events = &dataset.account.events;
    assert_eq!(events.rows, events.kept + events.dropped(), "{}", dataset.account);
    assert_eq!(events.kept as usize, dataset.events.len());
    let (least, exact) = physical(&inputs.events);
    assert!(
        events.rows == least || (!exact && events.rows > least),
        "{least} rows in the files, {} read",
        events.rows
    );
    if let Some(catalogue) = &dataset.account.catalogue {
        assert_eq!(catalogue.rows, catalogue.kept + catalogue.dropped());
    }
    assert!(
        dataset.items.windows(2).all(|pair| pair[0].id < pair[1].id),
        "items by id, none twice"
    );
    assert!(
        dataset.events.windows(2).all(|pair| pair[0].at <= pair[1].at),
        "events by time"
    );
    for event in &dataset.events {
        assert!((event.item as usize) < dataset.items.len() && (event.user as usize) < dataset.users.len());
        assert!(event.quantity > 0.0);
    }
    Ok(dataset)
}

/// Rows that the files have, counted without the readers; exact unless a line may hold several rows.
fn physical(paths: &[PathBuf]) -> (u64, bool) {
    let (mut rows, mut exact) = (0, true);
    for path in paths {
        let mut bytes = std::fs::read(path).unwrap();
        if bytes.starts_with(b"PAR1") {
            let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
            rows += reader.metadata().file_metadata().num_rows() as u64;
            continue;
        }
        if bytes.starts_with(&[0x1f, 0x8b]) {
            let mut unpacked = Vec::new();
            let mut decoder = flate2::bufread::MultiGzDecoder::new(bytes.as_slice());
            decoder.read_to_end(&mut unpacked).unwrap();
            bytes = unpacked;
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let lines = bytes.split(|b| matches!(b, b'\n' | b'\r'));
        if bytes.trim_ascii_start().starts_with(b"{") {
            rows += lines.filter(|line| !line.trim_ascii().is_empty()).count() as u64;
            exact = false;
        } else {
            let after_header = lines.skip_while(|line| line.trim_ascii().is_empty()).skip(1);
            rows += after_header.filter(|line| !line.is_empty()).count() as u64;
        }
    }
    (rows, exact)
}

/// Rows that the rule of that name touched.
pub fn touched(dataset: &Dataset, rule: &str) -> u64 {
    let rules = &dataset.account.events.rules;
    rules
        .iter()
        .find(|r| r.name == rule)
        .unwrap_or_else(|| panic!("no rule {rule:?} in {}", dataset.account))
        .rows
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Order lines as Online Retail's Parquet has them; a customer of NaN is none.
pub fn orders_parquet(rows: &[(&str, &str, &str, i64, &str, f64, f64)], compression: Compression) -> Vec<u8> {
    let schema = parse_message_type(
        "message m { optional binary Invoice (UTF8); optional binary StockCode (UTF8); \
         optional binary Description (UTF8); optional int64 Quantity; optional binary InvoiceDate (UTF8); \
         optional double Price; }",
    )
    .unwrap();
    let schema = with_customer_and_country(&schema);
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, Arc::new(schema), Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let texts: [Vec<&str>; 5] = [
        rows.iter().map(|r| r.0).collect(),
        rows.iter().map(|r| r.1).collect(),
        rows.iter().map(|r| r.2).collect(),
        rows.iter().map(|r| r.4).collect(),
        vec!["United Kingdom"; rows.len()],
    ];
    for column in 0..8 {
        let mut writer = group.next_column().unwrap().unwrap();
        match column {
            0 | 1 | 2 | 4 | 7 => {
                let values: Vec<&str> = texts[[0, 1, 2, 9, 3, 9, 9, 4][column]].clone();
                let levels: Vec<i16> = values.iter().map(|text| i16::from(!text.is_empty())).collect();
                let values: Vec<ByteArray> = values
                    .into_iter()
                    .filter(|t| !t.is_empty())
                    .map(ByteArray::from)
                    .collect();
                writer
                    .typed::<ByteArrayType>()
                    .write_batch(&values, Some(&levels), None)
                    .unwrap();
            }
            3 => {
                let values: Vec<i64> = rows.iter().map(|r| r.3).collect();
                writer
                    .typed::<Int64Type>()
                    .write_batch(&values, Some(&vec![1; rows.len()]), None)
                    .unwrap();
            }
            _ => {
                let values: Vec<f64> = rows.iter().map(|r| if column == 5 { r.5 } else { r.6 }).collect();
                let levels: Vec<i16> = values.iter().map(|x| i16::from(!x.is_nan())).collect();
                let values: Vec<f64> = values.into_iter().filter(|x| !x.is_nan()).collect();
                writer
                    .typed::<DoubleType>()
                    .write_batch(&values, Some(&levels), None)
                    .unwrap();
            }
        }
        writer.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

/// The schema with two more columns, of which the parser of schemas cannot read the first's name.
fn with_customer_and_country(schema: &Type) -> Type {
    let customer = Type::primitive_type_builder("Customer ID", Physical::DOUBLE);
    let mut fields = schema.get_fields().to_vec();
    fields.push(Arc::new(
        customer.with_repetition(Repetition::OPTIONAL).build().unwrap(),
    ));
    let country = Type::primitive_type_builder("Country", Physical::BYTE_ARRAY);
    fields.push(Arc::new(country.with_repetition(Repetition::OPTIONAL).build().unwrap()));
    Type::group_type_builder("m").with_fields(fields).build().unwrap()
}

/// Events whose `item` is of 64 bits without a sign and whose `time` is of 32, by the bits that stand in the file.
pub fn unsigned_parquet(items: &[i64], times: &[i32]) -> Vec<u8> {
    let schema = "message m { required int64 user; required int64 item (UINT_64); required int32 time (UINT_32); }";
    let schema = parse_message_type(schema).unwrap();
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, Arc::new(schema), Default::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for column in 0..3 {
        let mut writer = group.next_column().unwrap().unwrap();
        if column == 2 {
            writer.typed::<Int32Type>().write_batch(times, None, None).unwrap();
        } else {
            writer.typed::<Int64Type>().write_batch(items, None, None).unwrap();
        }
        writer.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}
