//! Bounds what pages may unpack to. Invariant: before the library unpacks a page or takes memory for its values, the sizes
//! that the file claims were held against the bytes that it has; the library itself trusts them. Between `parquet` and the
//! library.

use super::delta;
use super::thrift::Thrift;
use ::parquet::basic::{Compression, Encoding, Type as Physical};
use ::parquet::bloom_filter::Sbbf;
use ::parquet::column::page::{Page, PageMetadata, PageReader};
use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::metadata::RowGroupMetaData;
use ::parquet::file::reader::RowGroupReader;
use ::parquet::record::reader::RowIter;
use ::parquet::schema::types::{ColumnDescriptor, Type};
use std::fs::File;
use std::io::{copy, sink, BufReader, Read, Seek, SeekFrom};

/// A page may unpack to this many bytes whatever it is packed to, and beyond to so many times its packed size.
const MAX_PAGE: u64 = 256 << 20;
const MAX_RATIO: u64 = 64;
/// A dictionary may have this many values, and beyond one for each of its packed bytes.
const MAX_DICTIONARY: u64 = 4 << 20;
/// The most that deflate, and LZ4, can unpack a byte to.
const DEFLATE_RATIO: u64 = 1032;
const LZ4_RATIO: u64 = 255;
const LZ4_FRAME: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];
/// Deepest nesting of columns.
const DEPTH: usize = 64;

/// A row group whose pages are checked.
pub(crate) struct Group<'a> {
    inner: Box<dyn RowGroupReader + 'a>,
    file: &'a File,
}

impl<'a> Group<'a> {
    /// Of a row group in that file.
    pub fn new(inner: Box<dyn RowGroupReader + 'a>, file: &'a File) -> Self {
        Self { inner, file }
    }
}

impl RowGroupReader for Group<'_> {
    fn metadata(&self) -> &RowGroupMetaData {
        self.inner.metadata()
    }

    fn num_columns(&self) -> usize {
        self.inner.num_columns()
    }

    fn get_column_page_reader(&self, column: usize) -> Result<Box<dyn PageReader>> {
        let chunk = self.metadata().column(column);
        let (start, length) = chunk.byte_range();
        walk(self.file, start, length, chunk.compression(), chunk.column_descr())
            .map_err(|what| ParquetError::General(format!("column {}: {what}", chunk.column_path().string())))?;
        let levels = [
            chunk.column_descr().max_rep_level(),
            chunk.column_descr().max_def_level(),
        ];
        Ok(Box::new(Pages {
            inner: self.inner.get_column_page_reader(column)?,
            levels: levels.map(|level| level > 0),
        }))
    }

    fn get_column_bloom_filter(&self, column: usize) -> Option<&Sbbf> {
        self.inner.get_column_bloom_filter(column)
    }

    fn get_row_iter(&self, projection: Option<Type>) -> Result<RowIter<'_>> {
        RowIter::from_row_group(projection, self)
    }
}

/// What a page's header claims.
#[derive(Default)]
struct Header {
    unpacked: u64,
    packed: u64,
    /// Of a dictionary.
    values: u64,
    /// Bytes of levels, which are not packed.
    levels: u64,
    /// Only pages of version 2 may say so.
    plain: bool,
}

type Check<T> = std::result::Result<T, String>;

fn size(number: i64) -> std::io::Result<u64> {
    let negative = |_| std::io::Error::new(std::io::ErrorKind::InvalidData, "a size below 0");
    u64::try_from(number).map_err(negative)
}

impl Header {
    fn read<R: Read>(thrift: &mut Thrift<R>) -> std::io::Result<Self> {
        let mut header = Header::default();
        thrift.fields(&mut |thrift, field, kind| {
            match (field, kind) {
                (2, 5) => header.unpacked = size(thrift.whole()?)?,
                (3, 5) => header.packed = size(thrift.whole()?)?,
                (7, 12) => thrift.fields(&mut |thrift, field, kind| {
                    let wanted = (field, kind) == (1, 5);
                    if wanted {
                        header.values = size(thrift.whole()?)?;
                    }
                    Ok(wanted)
                })?,
                (8, 12) => thrift.fields(&mut |thrift, field, kind| {
                    match (field, kind) {
                        (5 | 6, 5) => header.levels = header.levels.saturating_add(size(thrift.whole()?)?),
                        // A field that is false has no bytes of its own.
                        (7, 2) => header.plain = true,
                        _ => return Ok(false),
                    }
                    Ok(true)
                })?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(header)
    }

    /// Whether it claims what may be.
    fn check(&self, codec: Compression, column: &ColumnDescriptor) -> Check<()> {
        let (packed, unpacked) = (self.packed, self.unpacked);
        if codec != Compression::UNCOMPRESSED && unpacked > MAX_PAGE.max(packed.saturating_mul(MAX_RATIO)) {
            return Err(format!(
                "a page of {packed} bytes claims to unpack to {unpacked}, more than {} MB and {MAX_RATIO} times as much; write smaller pages",
                MAX_PAGE >> 20
            ));
        }
        let width = match column.physical_type() {
            Physical::INT96 => 12,
            Physical::INT64 | Physical::DOUBLE => 8,
            Physical::INT32 | Physical::FLOAT | Physical::BYTE_ARRAY => 4,
            Physical::BOOLEAN | Physical::FIXED_LEN_BYTE_ARRAY => 1,
        };
        let held = if codec == Compression::UNCOMPRESSED {
            packed
        } else {
            unpacked
        };
        if self.values > (held / width).min(MAX_DICTIONARY.max(packed)) {
            return Err(format!(
                "a dictionary of {held} bytes, {packed} when packed, claims to hold {} values",
                self.values
            ));
        }
        Ok(())
    }
}

/// Reads the headers of a column chunk's pages.
fn walk(file: &File, start: u64, length: u64, codec: Compression, column: &ColumnDescriptor) -> Check<()> {
    let mut reader = BufReader::new(file);
    let damaged = |e: std::io::Error| format!("a page's header: {e}");
    let (mut at, end) = (start, start.saturating_add(length));
    while at < end {
        reader.seek(SeekFrom::Start(at)).map_err(damaged)?;
        let mut thrift = Thrift::new(&mut reader, end - at);
        let header = Header::read(&mut thrift).map_err(damaged)?;
        at += thrift.used();
        if header.packed > end - at {
            return Err(format!("a page of {} bytes where {} are left", header.packed, end - at));
        }
        header.check(codec, column)?;
        if !header.plain && header.levels <= header.packed {
            reader.seek(SeekFrom::Start(at + header.levels)).map_err(damaged)?;
            unpack(&mut reader, header.packed - header.levels, &header, codec)?;
        }
        at += header.packed;
    }
    Ok(())
}

/// Unpacks a page to nowhere if its codec writes on beyond what the header claims, and enough of it to matter.
fn unpack(reader: &mut dyn Read, packed: u64, header: &Header, codec: Compression) -> Check<()> {
    let most = header.unpacked.saturating_sub(header.levels);
    let more_than = |ratio| packed.saturating_mul(ratio) > MAX_PAGE;
    let page = reader.take(packed);
    let count = |unpacked: &mut dyn Read| copy(&mut unpacked.take(most + 1), &mut sink());
    let unpacked = match codec {
        Compression::GZIP(_) if more_than(DEFLATE_RATIO) => count(&mut flate2::read::MultiGzDecoder::new(page)),
        Compression::BROTLI(_) => count(&mut brotli::Decompressor::new(page, 1 << 16)),
        // What old writers called LZ4; the library reads such a page to its end.
        Compression::LZ4 if more_than(LZ4_RATIO) => {
            let mut magic = vec![];
            page.take(4).read_to_end(&mut magic).map_err(|e| e.to_string())?;
            Ok(if magic == LZ4_FRAME { u64::MAX } else { 0 })
        }
        _ => return Ok(()),
    };
    match unpacked {
        Ok(bytes) if bytes > most => Err(format!(
            "a page unpacks to more than the {most} bytes that its header says"
        )),
        Ok(_) => Ok(()),
        Err(e) => Err(format!("a page that cannot be unpacked: {e}")),
    }
}

/// A column chunk's pages.
struct Pages {
    inner: Box<dyn PageReader>,
    /// Whether there are levels of repetition and of definition.
    levels: [bool; 2],
}

impl Pages {
    /// Holds the numbers of values that a page's own data claim against its header: memory is taken by them.
    fn check(&self, page: &Page) -> Check<()> {
        let (values, encoding) = (page.num_values() as usize, page.encoding());
        if !matches!(encoding, Encoding::DELTA_LENGTH_BYTE_ARRAY | Encoding::DELTA_BYTE_ARRAY) {
            return Ok(());
        }
        let buffer: &[u8] = page.buffer().as_ref();
        // Lengths that are all equal take no bytes.
        let values = values.min(buffer.len().max(MAX_DICTIONARY as usize));
        let data = match page {
            Page::DictionaryPage { .. } => Some(buffer),
            Page::DataPageV2 {
                def_levels_byte_len,
                rep_levels_byte_len,
                ..
            } => buffer.get((*def_levels_byte_len as usize).saturating_add(*rep_levels_byte_len as usize)..),
            Page::DataPage {
                def_level_encoding,
                rep_level_encoding,
                ..
            } => {
                let encodings = [rep_level_encoding, def_level_encoding];
                let present = self.levels.iter().zip(encodings).filter(|(present, _)| **present);
                present
                    .map(|(_, encoding)| encoding)
                    .try_fold(buffer, |rest, encoding| {
                        if *encoding != Encoding::RLE {
                            return None;
                        }
                        let (length, rest) = rest.split_first_chunk::<4>()?;
                        rest.get(u32::from_le_bytes(*length) as usize..)
                    })
            }
        };
        let checked = data.and_then(|data| match encoding {
            Encoding::DELTA_BYTE_ARRAY => delta::texts(data, values, MAX_PAGE),
            _ => delta::lengths(data, values).map(drop),
        });
        checked.ok_or_else(|| format!("a page of {values} values does not hold what it says"))
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.inner.get_next_page()?;
        if let Some(page) = &page {
            self.check(page).map_err(ParquetError::General)?;
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.inner.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.inner.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.inner.at_record_boundary()
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

/// Whether the footer's schema is a tree: the library takes memory for as many children as an element claims, and goes as
/// deep as they say. What else is wrong with a file is left to the library.
pub(super) fn footer(file: &mut File, length: u64) -> Check<()> {
    let damaged = |e: std::io::Error| format!("the footer: {e}");
    let mut tail = [0; 8];
    if length < 12 {
        return Err("shorter than any Parquet file".into());
    }
    file.seek(SeekFrom::End(-8)).map_err(damaged)?;
    file.read_exact(&mut tail).map_err(damaged)?;
    let [a, b, c, d, magic @ ..] = tail;
    let footer = u64::from(u32::from_le_bytes([a, b, c, d]));
    if &magic != b"PAR1" || footer > length - 8 {
        return Err("no footer at its end, so it was cut short".into());
    }
    file.seek(SeekFrom::Start(length - 8 - footer)).map_err(damaged)?;
    let mut open: Vec<u64> = vec![];
    let mut tree = true;
    let mut thrift = Thrift::new(BufReader::new(file), footer);
    let read = thrift.fields(&mut |thrift, field, kind| {
        if (field, kind) != (2, 9) {
            return Ok(false);
        }
        let elements = thrift.structs()?;
        for _ in 0..elements {
            let mut children = 0;
            thrift.fields(&mut |thrift, field, kind| {
                let wanted = (field, kind) == (5, 5);
                if wanted {
                    children = size(thrift.whole()?)?;
                }
                Ok(wanted)
            })?;
            while open.last() == Some(&0) {
                open.pop();
            }
            if let Some(parent) = open.last_mut() {
                *parent -= 1;
            }
            open.push(children);
            tree &= children < elements && open.len() <= DEPTH;
        }
        Ok(true)
    });
    read.map_err(damaged)?;
    let claimed: u64 = open.iter().sum();
    if tree && claimed == 0 {
        Ok(())
    } else {
        Err("a schema that is no tree of columns".into())
    }
}
