//! Parquet whose footer or pages claim what the file does not hold is an error, and takes no memory for the claim.

use crate::support::{gzip, Files};
use parquet::basic::{Compression, Encoding, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, ParquetMetaDataBuilder, ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::SchemaDescriptor;
use std::io::Write;
use std::process::Command;
use std::sync::Arc;

/// One column is all that they have.
const MAPPING: &str =
    "[events]\nkind = \"purchase\"\ncolumns = { user = \"id\", item = \"id\", time = \"id\" }\n[clean]\nmax_unreadable = 1.0\n";
/// Kilobytes of memory that the program may take.
const MEMORY: &str = "600000";

fn varint(mut n: u64) -> Vec<u8> {
    let mut bytes = vec![];
    while n > 0x7f {
        bytes.push(n as u8 | 0x80);
        n >>= 7;
    }
    bytes.push(n as u8);
    bytes
}

/// A field of a whole number, whose own number is so much more than the one's before.
fn whole(delta: u8, n: i64) -> Vec<u8> {
    [vec![delta << 4 | 5], varint((n << 1 ^ n >> 63) as u64)].concat()
}

/// A page whose header claims this.
fn page(dictionary: bool, unpacked: i64, values: i64, encoding: Encoding, body: &[u8]) -> Vec<u8> {
    let (kind, field) = if dictionary { (2, 4) } else { (0, 2) };
    let mut inner = [whole(1, values), whole(1, encoding as i64)].concat();
    if !dictionary {
        inner.extend([whole(1, 3), whole(1, 3)].concat());
    }
    let sizes = [whole(1, kind), whole(1, unpacked), whole(1, body.len() as i64)].concat();
    [sizes, vec![field << 4 | 12], inner, vec![0, 0], body.to_vec()].concat()
}

/// A file of these pages whose footer claims so many rows.
fn file(pages: &[u8], codec: Compression, rows: i64) -> Vec<u8> {
    let schema = Arc::new(parse_message_type("message m { required binary id (UTF8); }").unwrap());
    let schema = Arc::new(SchemaDescriptor::new(schema));
    let column = ColumnChunkMetaData::builder(schema.column(0))
        .set_compression(codec)
        .set_num_values(rows)
        .set_data_page_offset(4)
        .set_total_compressed_size(pages.len() as i64)
        .set_total_uncompressed_size(pages.len() as i64)
        .build()
        .unwrap();
    assert_eq!(column.column_type(), Physical::BYTE_ARRAY);
    let group = RowGroupMetaData::builder(schema.clone())
        .set_num_rows(rows)
        .set_total_byte_size(pages.len() as i64)
        .add_column_metadata(column)
        .build()
        .unwrap();
    let meta = FileMetaData::new(2, rows, None, None, schema, None);
    let meta = ParquetMetaDataBuilder::new(meta).add_row_group(group).build();
    let mut bytes = [b"PAR1", pages].concat();
    ParquetMetaDataWriter::new(&mut bytes, &meta).finish().unwrap();
    bytes
}

/// A file that is nothing but this footer.
fn footer(footer: &[u8]) -> Vec<u8> {
    let length = u32::try_from(footer.len()).unwrap().to_le_bytes();
    [b"PAR1", footer, &length, b"PAR1"].concat()
}

/// Trains on it within [`MEMORY`], and returns what is said.
fn refused(bytes: &[u8]) -> String {
    let files = Files::new();
    let (events, config) = (files.write("e.parquet", bytes), files.write("m.toml", MAPPING));
    let run = Command::new("sh")
        .args([
            "-c",
            "ulimit -v $0 && exec \"$@\"",
            MEMORY,
            env!("CARGO_BIN_EXE_pocketrank"),
            "train",
            "--json",
        ])
        .args([
            "--events".as_ref(),
            events.as_os_str(),
            "--config".as_ref(),
            config.as_os_str(),
        ])
        .args(["-o".as_ref(), files.path("s.bin").as_os_str()])
        .output()
        .unwrap();
    let message = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(3), "{message}");
    assert!(!message.contains("panicked"), "{message}");
    let named = message.contains("e.parquet: damaged or unreadable Parquet");
    assert!(named && message.contains("fetch or export it again"), "{message}");
    message
}

fn says(bytes: &[u8], what: &str) {
    let message = refused(bytes);
    assert!(message.contains(what), "{message}");
}

#[test]
fn a_page_that_claims_absurd_sizes_takes_no_memory() {
    let most = i64::from(i32::MAX);
    let plain = Encoding::PLAIN;
    for codec in [
        Compression::SNAPPY,
        Compression::LZ4_RAW,
        Compression::ZSTD(Default::default()),
    ] {
        says(
            &file(&page(false, most, 3, plain, &[0; 40]), codec, 3),
            "claims to unpack to 2147483647",
        );
    }
    for codec in [Compression::UNCOMPRESSED, Compression::SNAPPY] {
        says(
            &file(&page(true, 40, most, plain, &[0; 40]), codec, 3),
            "claims to hold 2147483647 values",
        );
    }
    says(
        &file(&page(false, -1, 3, plain, &[0; 40]), Compression::SNAPPY, 3),
        "a size below 0",
    );
    let cut = &page(false, 400, 3, plain, &[0; 400])[..60];
    says(&file(cut, Compression::SNAPPY, 3), "a page of 400 bytes where");
}

#[test]
fn a_page_that_unpacks_to_more_than_it_claims_takes_no_memory() {
    let member = gzip(&vec![0; 64 << 20]);
    let codec = Compression::GZIP(Default::default());
    let bomb = page(false, 100, 3, Encoding::PLAIN, &member.repeat(20));
    says(&file(&bomb, codec, 3), "unpacks to more than the 100 bytes");
    let mut packed = vec![];
    let mut writer = brotli::CompressorWriter::new(&mut packed, 4096, 1, 20);
    writer.write_all(&vec![0; 1 << 20]).unwrap();
    drop(writer);
    let bomb = page(false, 100, 3, Encoding::PLAIN, &packed);
    says(
        &file(&bomb, Compression::BROTLI(Default::default()), 3),
        "unpacks to more than the 100 bytes",
    );
    let frame = [&[0x04, 0x22, 0x4d, 0x18], vec![0; 2 << 20].as_slice()].concat();
    let bomb = page(false, 100, 3, Encoding::PLAIN, &frame);
    says(&file(&bomb, Compression::LZ4, 3), "unpacks to more than the 100 bytes");
}

#[test]
fn lengths_that_a_page_claims_take_no_memory() {
    // 2 to the 40 lengths; and texts that each repeat the whole text before.
    let absurd = [varint(128), varint(4), varint(1 << 40), varint(0)].concat();
    for encoding in [Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY] {
        let page = page(false, absurd.len() as i64, 3, encoding, &absurd);
        says(&file(&page, Compression::UNCOMPRESSED, 3), "does not hold what it says");
    }
    let (texts, long) = (8000, 1 << 20);
    let run = |first: u64, then: u64| {
        // All deltas after the first are 0, in blocks of four times 32.
        let blocks = [varint(0), vec![0; 4]].concat().repeat(texts / 128 + 1);
        let second = [varint(2 * (then.wrapping_sub(first))), vec![0; 4]].concat();
        let rest = if then == first { blocks } else { second };
        [varint(128), varint(4), varint(texts as u64), varint(2 * first), rest].concat()
    };
    let prefixes = run(long, long);
    let body = [prefixes, run(0, 0), vec![b'x'; long as usize]].concat();
    let page = page(
        false,
        body.len() as i64,
        texts as i64,
        Encoding::DELTA_BYTE_ARRAY,
        &body,
    );
    says(
        &file(&page, Compression::UNCOMPRESSED, texts as i64),
        "does not hold what it says",
    );
}

#[test]
fn a_footer_that_claims_absurd_rows_is_refused_before_they_are_read() {
    let body = [3u32.to_le_bytes().as_slice(), b"abc"].concat().repeat(3);
    let good = page(false, body.len() as i64, 3, Encoding::PLAIN, &body);
    for rows in [i64::MAX, 1 << 40, -3] {
        says(
            &file(&good, Compression::UNCOMPRESSED, rows),
            "rows, which its 1 row groups",
        );
    }
    says(
        &file(&good, Compression::UNCOMPRESSED, 5),
        "3 rows where the footer says 5",
    );
    says(
        &file(&good, Compression::UNCOMPRESSED, 2),
        "more rows than the footer says",
    );
    // The rows of the file, before the list of its row groups.
    let mut bytes = file(&good, Compression::UNCOMPRESSED, 3);
    let place = bytes
        .windows(4)
        .position(|window| window == [0x16, 6, 0x19, 0x1c])
        .unwrap();
    bytes[place + 1] = 8;
    says(&bytes, "claims 4 rows, which its 1 row groups");
}

#[test]
fn a_schema_that_is_no_tree_is_refused() {
    let element = |children: i64| [vec![0x48, 1, b'm'], whole(1, children), vec![0]].concat();
    let meta = |elements: &[u8], count: u64| {
        let schema = [vec![0x19, 0xfc], varint(count), elements.to_vec()].concat();
        footer(&[whole(1, 2), schema, vec![0x16, 0, 0x19, 0x0c, 0]].concat())
    };
    says(&meta(&element(i64::from(i32::MAX)), 1), "no tree of columns");
    says(&meta(&element(1).repeat(100_000), 100_000), "no tree of columns");
    refused(&footer(&[]));
    refused(&footer(&[0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f]));
}

/// A file as writers make it.
fn honest(properties: WriterProperties, ids: &[String]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type("message m { optional binary id (UTF8); }").unwrap());
    let mut bytes = vec![];
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let values: Vec<ByteArray> = ids
        .iter()
        .filter(|id| !id.is_empty())
        .map(|id| id.as_str().into())
        .collect();
    let levels: Vec<i16> = ids.iter().map(|id| i16::from(!id.is_empty())).collect();
    column
        .typed::<ByteArrayType>()
        .write_batch(&values, Some(&levels), None)
        .unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

/// What the time's column holds, which is the users' and the items' too.
fn ids(count: usize) -> Vec<String> {
    let id = |n: usize| {
        if n % 7 == 3 {
            String::new()
        } else {
            (1_600_000_000 + n * n % 9973).to_string()
        }
    };
    (0..count).map(id).collect()
}

#[test]
fn what_writers_write_is_read_whole() {
    let files = Files::new();
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::BROTLI(Default::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
        Compression::ZSTD(Default::default()),
    ];
    let encodings = [
        Encoding::PLAIN,
        Encoding::DELTA_LENGTH_BYTE_ARRAY,
        Encoding::DELTA_BYTE_ARRAY,
    ];
    for (at, codec) in codecs.into_iter().enumerate() {
        for (encoding, version) in encodings.into_iter().flat_map(|e| [(e, 1), (e, 2)]) {
            for dictionary in [true, false] {
                let ids = ids([2, 31, 33, 129, 1000, 5000, 9000][at]);
                let version = if version == 1 {
                    WriterVersion::PARQUET_1_0
                } else {
                    WriterVersion::PARQUET_2_0
                };
                let properties = WriterProperties::builder()
                    .set_compression(codec)
                    .set_writer_version(version)
                    .set_dictionary_enabled(dictionary)
                    .set_data_page_row_count_limit(700)
                    .set_encoding(encoding)
                    .build();
                let path = files.write("e.parquet", honest(properties, &ids));
                let dataset = files.load_mapped(&path, MAPPING).unwrap();
                let mut times: Vec<i64> = ids.iter().filter_map(|id| id.parse().ok()).collect();
                times.sort_unstable();
                times.dedup();
                let read: Vec<i64> = dataset.events.iter().map(|event| event.at).collect();
                assert_eq!(read, times, "{codec:?} {encoding:?} {dictionary}");
            }
        }
    }
}

#[test]
fn a_large_page_is_unpacked_twice_and_read() {
    let files = Files::new();
    // Beyond what deflate could make of it at most.
    let ids: Vec<String> = (0..200_000u64)
        .map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 31).to_string())
        .collect();
    let properties = WriterProperties::builder()
        .set_compression(Compression::GZIP(Default::default()))
        .set_dictionary_enabled(false)
        .set_data_page_size_limit(64 << 20)
        .set_write_batch_size(1 << 20)
        .build();
    let bytes = honest(properties, &ids);
    assert!(bytes.len() > 600_000);
    let dataset = files.load_mapped(&files.write("e.parquet", bytes), MAPPING).unwrap();
    assert_eq!(dataset.account.events.rows, 200_000);
}

#[test]
fn a_file_cut_short_anywhere_says_so() {
    let files = Files::new();
    for codec in [
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::UNCOMPRESSED,
    ] {
        let properties = WriterProperties::builder().set_compression(codec).build();
        let whole = honest(properties, &ids(300));
        assert!(files.load_mapped(&files.write("e.parquet", &whole), MAPPING).is_ok());
        let lengths = (4..whole.len()).filter(|length| length % 9 == 0 || length + 20 > whole.len());
        for length in lengths {
            let path = files.write("e.parquet", &whole[..length]);
            let message = files.load_mapped(&path, MAPPING).unwrap_err().to_string();
            let said = message.contains("e.parquet: damaged or unreadable Parquet") && message.contains("again");
            assert!(said, "{length}: {message}");
        }
    }
}
