//! The sections of vectors, read plainly as `docs/FORMAT.md` says.
#![allow(clippy::needless_range_loop)]

/// The bytes of a section, and where they begin.
pub fn section<'a>(snapshot: &'a [u8], tag: &[u8; 4]) -> Option<(usize, &'a [u8])> {
    let number = |at: usize| u32::from_le_bytes(snapshot[at..at + 4].try_into().unwrap()) as usize;
    let sections = usize::from(u16::from_le_bytes([snapshot[6], snapshot[7]]));
    let entry = (0..sections)
        .map(|at| 48 + 12 * at)
        .find(|at| snapshot[*at..at + 4] == tag[..])?;
    let start = number(entry + 4);
    Some((start, &snapshot[start..start + number(entry + 8)]))
}

/// One item's whole numbers: its scale (1 for content) and its vector.
#[derive(Debug, Clone)]
pub struct Row {
    pub scale: u16,
    pub numbers: Vec<i8>,
}

/// Vectors of items, and for factors the equations.
#[derive(Debug, Clone)]
pub struct Vectors {
    pub rows: Vec<Row>,
    pub dims: usize,
    pub confidence: f32,
    pub ridges: Vec<f32>,
    /// All of the symmetric matrix.
    pub matrix: Vec<Vec<f64>>,
}

pub fn factors(snapshot: &[u8], items: usize) -> Option<Vectors> {
    let (_, bytes) = section(snapshot, b"FACT")?;
    let u16_at = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let f32_at = |at: usize| f32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let (dims, ridges) = (usize::from(u16_at(0)), usize::from(u16_at(2)));
    let mut at = 8 + 4 * ridges;
    let mut matrix = vec![vec![0.0; dims]; dims];
    for i in 0..dims {
        for j in i..dims {
            if ridges > 0 {
                matrix[i][j] = f64::from(f32_at(at));
                matrix[j][i] = matrix[i][j];
                at += 4;
            }
        }
    }
    let numbers = at + 2 * items;
    assert_eq!(bytes.len(), numbers + dims * items);
    let rows = (0..items).map(|row| Row {
        scale: u16_at(at + 2 * row),
        numbers: signed(&bytes[numbers + dims * row..][..dims]),
    });
    Some(Vectors {
        rows: rows.collect(),
        dims,
        confidence: f32_at(4),
        ridges: (0..ridges).map(|ridge| f32_at(8 + 4 * ridge)).collect(),
        matrix,
    })
}

pub fn content(snapshot: &[u8]) -> Option<Vectors> {
    let (_, bytes) = section(snapshot, b"CONT")?;
    let dims = usize::from(u16::from_le_bytes([bytes[0], bytes[1]]));
    let row = |numbers: &[u8]| Row {
        scale: 1,
        numbers: signed(numbers),
    };
    Some(Vectors {
        rows: bytes[2..].chunks(dims).map(row).collect(),
        dims,
        confidence: 0.0,
        ridges: vec![],
        matrix: vec![],
    })
}

fn signed(numbers: &[u8]) -> Vec<i8> {
    numbers.iter().map(|number| *number as i8).collect()
}

/// The visitor's vector of taste: textbook Cholesky. `history` has rows and weights, `unit` is the blend's `factor_unit`.
pub fn fold_in(table: &Vectors, history: &[(u32, i64)], unit: f32, share: f32) -> Vec<f64> {
    let dims = table.dims;
    let liked: Vec<_> = history.iter().filter(|(_, weight)| *weight > 0).collect();
    let mut a = table.matrix.clone();
    let mut b = vec![0.0; dims];
    if let Some(ridge) = table.ridges.get(liked.len().clamp(1, table.ridges.len().max(1)) - 1) {
        (0..dims).for_each(|i| a[i][i] += f64::from(*ridge));
    }
    for (row, weight) in liked {
        let row = &table.rows[*row as usize];
        let scale = f64::from(row.scale) * f64::from(unit);
        let q: Vec<f64> = row.numbers.iter().map(|number| f64::from(*number) * scale).collect();
        let mut times = *weight as f64 * f64::from(share);
        if !table.ridges.is_empty() {
            let c = f64::from(table.confidence) * (*weight as f64 / 8192.0);
            for i in 0..dims {
                for j in 0..dims {
                    a[i][j] += (c * q[i]) * q[j];
                }
            }
            times = 1.0 + c;
        }
        (0..dims).for_each(|i| b[i] += times * q[i]);
    }
    if table.ridges.is_empty() {
        return b;
    }
    let mut u = vec![vec![0.0; dims]; dims];
    for i in 0..dims {
        for j in i..dims {
            u[i][j] = (0..i).fold(a[i][j], |left, k| left - u[k][i] * u[k][j]);
        }
        let root = f64::sqrt(u[i][i]);
        (i..dims).for_each(|j| u[i][j] /= root);
    }
    for i in 0..dims {
        b[i] = (0..i).fold(b[i], |left, k| left - b[k] * u[k][i]) / u[i][i];
    }
    for i in (0..dims).rev() {
        b[i] = (i + 1..dims).fold(b[i], |left, j| left - u[i][j] * b[j]) / u[i][i];
    }
    b
}

/// A vector in 16 bits, and what 1 is worth.
pub fn quantize(values: &[f64]) -> (Vec<i64>, f32) {
    let unit = values.iter().fold(0f64, |most, value| most.max(value.abs())) / 32_767.0;
    if unit == 0.0 {
        return (vec![0; values.len()], 0.0);
    }
    let numbers = values.iter().map(|value| (value / unit).round_ties_even() as i64);
    (numbers.collect(), unit as f32)
}

pub fn product(visitor: &[i64], row: &Row) -> i64 {
    visitor.iter().zip(&row.numbers).map(|(a, b)| a * i64::from(*b)).sum()
}
