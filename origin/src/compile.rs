//! Compiling: lays a snapshot into the runtime's wasm as a data segment, which gives one module that needs nothing else.
//!
//! Invariant: the runtime's sections stay as they are, byte for byte, but for the memory's size, the number of data segments and
//! the two that are added, behind the others: where the snapshot lies, and the snapshot. It lies above all that the linker laid out,
//! in pages that the module's memory begins with; the runtime's allocator uses only what it adds itself by `memory.grow`.
//! Equal input gives equal bytes. docs/FORMAT.md, "Compiled module", has the layout; `src/embedded.rs` is the reader.

use std::ops::Range;
use wasm_encoder::{
    ConstExpr, DataCountSection, DataSection, MemorySection, MemoryType, Module, RawSection, SectionId,
};
use wasmparser::{BinaryReaderError, Data, DataKind, ExternalKind, Operator, Parser, Payload, TypeRef, Validator};

/// Under this name the runtime exports the address of where it looks for its snapshot.
const EXPORT: &str = "POCKETRANK_EMBEDDED";
const MAGIC: [u8; 4] = *b"PKRE";
/// Bytes there, and of these before the snapshot's address and length.
const PLACE: u32 = 16;
const WORDS: u32 = 8;
const PAGE: u64 = 65_536;
/// Rust's slices, and so the runtime's, are shorter than 2 GiB.
const MAX_MEMORY: u64 = 1 << 31;

/// Why a file cannot take a snapshot in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No module, or a damaged one.
    #[error("is not a whole WebAssembly module: {0}; give the `pocketrank_bg.wasm` of the npm package")]
    Invalid(#[from] BinaryReaderError),
    /// A module of something else, or of a release that could not be compiled yet.
    #[error("is not Pocketrank's runtime, or an old one ({0}); give the `pocketrank_bg.wasm` of the npm package in this version")]
    Other(&'static str),
    /// The runtime is older than the snapshot's format.
    #[error("reads snapshots of format version 1 to {newest}, this one has {got}; update the npm package")]
    Version {
        /// The newest version that the runtime reads.
        newest: u32,
        /// The snapshot's.
        got: u32,
    },
    /// There is a snapshot in it.
    #[error("has a snapshot already; compile with the plain `pocketrank_bg.wasm` of the npm package")]
    Compiled,
    /// The snapshot does not fit.
    #[error(
        "would have {0} bytes of memory with the snapshot, over the 2 GiB that it can use; slice or prune the snapshot"
    )]
    TooLarge(u64),
}

/// The runtime with a snapshot in it. The snapshot must have been verified: nobody does again when the module is loaded.
///
/// # Errors
/// What is wrong with the runtime; [`Refusal::TooLarge`] where both do not fit.
pub fn compile(runtime: &[u8], snapshot: &[u8]) -> Result<Vec<u8>, Refusal> {
    Validator::new().validate_all(runtime)?;
    let parts = Parts::read(runtime)?;
    let memory = parts.memory.ok_or(Refusal::Other("it has no memory of its own"))?;
    let (address, memory) = enlarge(memory, snapshot.len() as u64)?;
    let place = parts.place(address, format_version(snapshot))?;
    let words = [address, snapshot.len() as u32].map(u32::to_le_bytes);
    let segments = [(place + WORDS, words.as_flattened()), (address, snapshot)];

    let mut module = Module::new();
    for (id, bytes) in parts.sections {
        if id == SectionId::Memory as u8 {
            module.section(MemorySection::new().memory(memory));
        } else if id == SectionId::DataCount as u8 {
            let count = (parts.data.len() + segments.len()) as u32;
            module.section(&DataCountSection { count });
        } else if id == SectionId::Data as u8 {
            let mut section = DataSection::new();
            for data in &parts.data {
                section.raw(part(runtime, data.range.clone()));
            }
            for (at, bytes) in &segments {
                section.active(0, &ConstExpr::i32_const(*at as i32), bytes.iter().copied());
            }
            module.section(&section);
        } else {
            module.section(&RawSection { id, data: bytes });
        }
    }
    let compiled = module.finish();
    Validator::new().validate_all(&compiled)?;
    Ok(compiled)
}

fn part(bytes: &[u8], range: Range<u64>) -> &[u8] {
    bytes.get(range.start as usize..range.end as usize).unwrap_or_default()
}

/// As the header of a verified snapshot has it.
fn format_version(snapshot: &[u8]) -> u32 {
    snapshot
        .get(4..6)
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, |bytes| u16::from_le_bytes(bytes).into())
}

/// Where `length` more bytes begin, and the memory that has them.
fn enlarge(memory: wasmparser::MemoryType, length: u64) -> Result<(u32, MemoryType), Refusal> {
    let pages = length.div_ceil(PAGE);
    let minimum = memory.initial.saturating_add(pages);
    if minimum > MAX_MEMORY / PAGE {
        return Err(Refusal::TooLarge(minimum.saturating_mul(PAGE)));
    }
    let enlarged = MemoryType {
        minimum,
        maximum: memory.maximum.map(|maximum| maximum.saturating_add(pages).min(1 << 16)),
        memory64: memory.memory64,
        shared: memory.shared,
        page_size_log2: memory.page_size_log2,
    };
    Ok(((memory.initial * PAGE) as u32, enlarged))
}

/// What of a module matters here, and its sections.
#[derive(Default)]
struct Parts<'a> {
    sections: Vec<(u8, &'a [u8])>,
    memory: Option<wasmparser::MemoryType>,
    data: Vec<Data<'a>>,
    /// The value of each global, where it is a constant.
    globals: Vec<Option<u32>>,
    /// The global that is exported as [`EXPORT`].
    exported: Option<u32>,
}

impl<'a> Parts<'a> {
    fn read(module: &'a [u8]) -> Result<Self, Refusal> {
        let mut parts = Parts::default();
        for payload in Parser::new(0).parse_all(module) {
            let payload = payload?;
            if let Some((id, range)) = payload.as_section() {
                parts.sections.push((id, part(module, range)));
            }
            match payload {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        match import?.ty {
                            TypeRef::Global(_) => parts.globals.push(None),
                            TypeRef::Memory(_) => return Err(Refusal::Other("its memory comes from outside")),
                            _ => {}
                        }
                    }
                }
                Payload::MemorySection(memories) => {
                    for memory in memories {
                        let memory = memory?;
                        if parts.memory.is_some() || memory.memory64 || memory.page_size_log2.is_some() {
                            return Err(Refusal::Other("its memory is of another kind"));
                        }
                        parts.memory = Some(memory);
                    }
                }
                Payload::GlobalSection(globals) => {
                    for global in globals {
                        parts.globals.push(constant(&global?.init_expr)?);
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export?;
                        if (export.name, export.kind) == (EXPORT, ExternalKind::Global) {
                            parts.exported = Some(export.index);
                        }
                    }
                }
                Payload::DataSection(data) => parts.data = data.into_iter().collect::<Result<_, _>>()?,
                _ => {}
            }
        }
        Ok(parts)
    }

    /// Where below `end` the runtime looks for its snapshot, if it can take one of this format version in.
    fn place(&self, end: u32, got: u32) -> Result<u32, Refusal> {
        let global = self.exported.and_then(|index| self.globals.get(index as usize));
        let place = global
            .copied()
            .flatten()
            .filter(|place| *place <= end.saturating_sub(PLACE))
            .ok_or(Refusal::Other("it exports no `POCKETRANK_EMBEDDED`"))?;
        let [magic, newest, address, _] = self.initial(place)?;
        if magic != MAGIC {
            return Err(Refusal::Other("there is something else at `POCKETRANK_EMBEDDED`"));
        }
        if address != [0; 4] {
            return Err(Refusal::Compiled);
        }
        let newest = u32::from_le_bytes(newest);
        if got > newest {
            return Err(Refusal::Version { newest, got });
        }
        Ok(place)
    }

    /// The fields at `place` when the module begins: later segments go over earlier ones.
    fn initial(&self, place: u32) -> Result<[[u8; 4]; 4], Refusal> {
        let mut fields = [[0; 4]; 4];
        for segment in &self.data {
            let DataKind::Active { offset_expr, .. } = &segment.kind else {
                continue;
            };
            let Some(start) = constant(offset_expr)? else { continue };
            for (byte, at) in fields.as_flattened_mut().iter_mut().zip(place..) {
                let written = at.checked_sub(start).and_then(|at| segment.data.get(at as usize));
                *byte = *written.unwrap_or(byte);
            }
        }
        Ok(fields)
    }
}

/// The value of an expression that is a number.
fn constant(expression: &wasmparser::ConstExpr<'_>) -> Result<Option<u32>, BinaryReaderError> {
    let mut operators = expression.get_operators_reader();
    Ok(match (operators.read()?, operators.read()?) {
        (Operator::I32Const { value }, Operator::End) => Some(value as u32),
        _ => None,
    })
}
