//! Every format, and what is wrong with a file.

use super::*;
use crate::progress::Progress;
use ::parquet::data_type::{ByteArray, ByteArrayType, FloatType};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use safetensors::tensor::TensorView;
use safetensors::Dtype;
use std::sync::Arc;

fn items() -> Vec<Item> {
    ["a", "b", "c"]
        .map(|id| Item {
            id: id.into(),
            ..Item::default()
        })
        .to_vec()
}

fn bytes(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn npy(kind: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", length.as_slice(), header.as_bytes(), data].concat()
}

fn tensors(named: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
    let data: Vec<Vec<u8>> = named.iter().map(|(.., numbers)| bytes(numbers)).collect();
    let views = named
        .iter()
        .zip(&data)
        .map(|((name, shape, _), data)| (*name, TensorView::new(Dtype::F32, shape.to_vec(), data).unwrap()));
    safetensors::serialize(views, None).unwrap()
}

fn parquet(ids: &[&str], numbers: &[f32], each: usize) -> Vec<u8> {
    let schema = "message m { required binary id (UTF8); required group vector (LIST) { repeated group list { required float element; } } }";
    let schema = parse_message_type(schema).unwrap();
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, Arc::new(schema), Default::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let ids: Vec<ByteArray> = ids.iter().map(|id| ByteArray::from(*id)).collect();
    column.typed::<ByteArrayType>().write_batch(&ids, None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let repeats: Vec<i16> = (0..numbers.len()).map(|at| i16::from(at % each > 0)).collect();
    let defined = vec![1; numbers.len()];
    column
        .typed::<FloatType>()
        .write_batch(numbers, Some(&defined), Some(&repeats))
        .unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

fn load(file: &[u8], ids: &str, dims: usize) -> Result<(Vectors, Found)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.bin");
    std::fs::write(&path, file).unwrap();
    std::fs::write(folder.path().join("v.ids"), ids).unwrap();
    let options = config::Vectors {
        dims,
        ..config::Vectors::default()
    };
    read(&path, &options, false, &items(), &Control::new(Progress::hidden()))
}

const ROWS: [f32; 4] = [1.0, 2.0, 3.0, -4.5];

#[test]
fn every_format_gives_the_same_vectors() {
    let doubles: Vec<u8> = ROWS.iter().flat_map(|x| f64::from(*x).to_le_bytes()).collect();
    let halves: Vec<u8> = ROWS
        .iter()
        .flat_map(|x| half::f16::from_f32(*x).to_le_bytes())
        .collect();
    for (name, file) in [
        ("npy", npy("<f4", "(2, 2)", &bytes(&ROWS))),
        ("npy f64", npy("<f8", "(2, 2)", &doubles)),
        ("npy f16", npy("<f2", "(2, 2)", &halves)),
        ("matrix", tensors(&[("all", &[2, 2], &ROWS)])),
        ("named", tensors(&[("zz", &[2], &ROWS[2..]), ("a", &[2], &ROWS[..2])])),
        ("parquet", parquet(&["a", "zz"], &ROWS, 2)),
    ] {
        let (vectors, found) = load(&file, "a\nzz\n", 2).unwrap();
        assert_eq!(vectors.rows, [1.0, 2.0, 0.0, 0.0, 0.0, 0.0], "{name}");
        let expected = Found {
            items: 1,
            strange: 1,
            dims: 2,
        };
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn long_vectors_keep_what_tells_them_apart() {
    // Three corners on a plane in five dimensions, far from the middle: their distances remain.
    let long = [
        9.0, 9.0, 9.0, 9.0, 9.0, 12.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 13.0,
    ];
    let (vectors, _) = load(&npy("<f4", "(3, 5)", &bytes(&long)), "a\nb\nc\n", 2).unwrap();
    assert_eq!(vectors.dims, 2);
    let apart = |x: usize, y: usize| {
        let pairs = vectors.row(x).iter().zip(vectors.row(y));
        pairs.map(|(x, y)| (x - y) * (x - y)).sum::<f32>().sqrt()
    };
    for (distance, expected) in [(apart(0, 1), 3.0), (apart(0, 2), 4.0), (apart(1, 2), 5.0)] {
        assert!((distance - expected).abs() < 1e-5, "{distance} {expected}");
    }
}

#[test]
fn what_is_wrong_is_said_with_file_and_row() {
    let good = npy("<f4", "(2, 2)", &bytes(&ROWS));
    let mut integers = tensors(&[("all", &[2, 2], &ROWS)]);
    let at = integers.windows(3).position(|part| part == b"F32").unwrap();
    integers[at..at + 3].copy_from_slice(b"I32");
    for (file, ids, expected) in [
        (
            npy("<f4", "(2, 2)", &bytes(&[1.0, 2.0, f32::NAN, 1.0])),
            "a\nb\n",
            "v.bin:2: number 1 is NaN",
        ),
        (
            npy("<f4", "(2, 2)", &bytes(&[1.0, f32::INFINITY, 1.0, 1.0])),
            "a\nb\n",
            "v.bin:1: number 2 is inf",
        ),
        (good.clone(), "a\na\n", "v.bin:2: an id that row 1 has too"),
        (good.clone(), "a\n", "v.ids: 1 ids for 2 vectors"),
        (good.clone(), "a\nb\nc\n", "v.ids: more ids than the 2 vectors"),
        (good.clone(), "a\n\n", "v.ids: line 2 is no id"),
        (good.clone(), "x\ny\n", "none of its 2 vectors is of an item"),
        (
            good[..good.len() - 1].to_vec(),
            "a\nb\n",
            "15 bytes of numbers for 2 x 2",
        ),
        (good[..20].to_vec(), "a\nb\n", "header is cut short"),
        (npy("<i4", "(2, 2)", &bytes(&ROWS)), "a\nb\n", "npy of type <i4"),
        (npy("<f4", "(4,)", &bytes(&ROWS)), "a\nb\n", "another shape"),
        (
            npy("<f4", "(99999999999999999, 2)", &bytes(&ROWS)),
            "a\nb\n",
            "damaged or cut short",
        ),
        (
            npy("<f4", "(1, 4097)", &bytes(&[0.5; 4097])),
            "a\n",
            "a vector of 4097 numbers",
        ),
        (integers, "a\nb\n", "of I32; give floating-point numbers"),
        (
            tensors(&[("a", &[2], &ROWS[..2]), ("b", &[1], &ROWS[..1])]),
            "",
            "v.bin:2: 1 numbers where",
        ),
        (parquet(&["a", "a"], &ROWS, 2), "", "v.bin:2: an id that row 1 has too"),
        (
            parquet(&["a", "b"], &ROWS, 2)[..60].to_vec(),
            "",
            "damaged or unreadable Parquet",
        ),
        (b"hello, world".to_vec(), "", "neither npy nor Parquet"),
        (vec![], "", "neither npy nor Parquet"),
    ] {
        let message = load(&file, ids, 2).unwrap_err().to_string();
        assert!(message.contains(expected), "{expected}: {message}");
    }
}
