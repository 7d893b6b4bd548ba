//! `pocketrank compile`, on modules that are made here; tests/js/compile.test.mjs compiles and loads the runtime itself.

use crate::support::Files;
use pocketrank_origin::compile::{compile, Refusal};
use std::borrow::Cow;
use std::path::Path;
use std::process::Command;
use wasm_encoder::{
    ConstExpr, CustomSection, DataCountSection, DataSection, EntityType, ExportKind, ExportSection, GlobalSection,
    GlobalType, ImportSection, MemorySection, MemoryType, Module, ValType,
};
use wasmparser::{DataKind, Operator, Parser, Payload};

const SNAPSHOT: &[u8] = include_bytes!("../../tests/fixtures/random-v1.bin");
const PAGE: usize = 65_536;
/// Where the made-up runtime looks for its snapshot.
const PLACE: usize = 1_024;

/// What of a runtime matters to `compile`.
struct Runtime {
    export: &'static str,
    magic: [u8; 4],
    newest: u32,
    place: usize,
    pages: u64,
    maximum: Option<u64>,
}

impl Default for Runtime {
    fn default() -> Self {
        Runtime {
            export: "POCKETRANK_EMBEDDED",
            magic: *b"PKRE",
            newest: 1,
            place: PLACE,
            pages: 3,
            maximum: Some(5),
        }
    }
}

impl Runtime {
    fn build(&self) -> Vec<u8> {
        let global_type = GlobalType {
            val_type: ValType::I32,
            mutable: false,
            shared: false,
        };
        let place = [self.magic, self.newest.to_le_bytes()].concat();
        let mut module = Module::new();
        module
            .section(ImportSection::new().import("host", "global", EntityType::Global(global_type)))
            .section(MemorySection::new().memory(MemoryType {
                minimum: self.pages,
                maximum: self.maximum,
                memory64: false,
                shared: false,
                page_size_log2: None,
            }))
            .section(
                GlobalSection::new()
                    .global(global_type, &ConstExpr::i32_const(7))
                    .global(global_type, &ConstExpr::i32_const(self.place as i32)),
            )
            .section(ExportSection::new().export(self.export, ExportKind::Global, 2))
            .section(&DataCountSection { count: 3 })
            .section(
                DataSection::new()
                    .active(0, &ConstExpr::i32_const(self.place as i32 - 3), [9; 6])
                    .passive(*b"passive")
                    .active(0, &ConstExpr::i32_const(self.place as i32), place),
            )
            .section(&CustomSection {
                name: Cow::Borrowed("producers"),
                data: Cow::Borrowed(b"kept"),
            });
        module.finish()
    }

    fn refusal(&self) -> Refusal {
        compile(&self.build(), SNAPSHOT).unwrap_err()
    }
}

/// The memory that a module begins with, and its largest size.
fn memory(module: &[u8]) -> (Vec<u8>, Option<u64>) {
    let (mut memory, mut maximum) = (vec![], None);
    for payload in Parser::new(0).parse_all(module) {
        match payload.unwrap() {
            Payload::MemorySection(section) => {
                let of = section.into_iter().next().unwrap().unwrap();
                memory = vec![0; of.initial as usize * PAGE];
                maximum = of.maximum;
            }
            Payload::DataSection(section) => {
                for data in section {
                    let data = data.unwrap();
                    let DataKind::Active { offset_expr, .. } = data.kind else {
                        continue;
                    };
                    let Operator::I32Const { value } = offset_expr.get_operators_reader().read().unwrap() else {
                        panic!("no constant");
                    };
                    memory[value as usize..][..data.data.len()].copy_from_slice(data.data);
                }
            }
            _ => {}
        }
    }
    (memory, maximum)
}

#[test]
fn the_snapshot_lies_above_what_was_there_and_the_rest_is_as_it_was() {
    let runtime = Runtime::default().build();
    let compiled = compile(&runtime, SNAPSHOT).unwrap();
    let ((before, _), (after, maximum)) = (memory(&runtime), memory(&compiled));
    assert_eq!((after.len(), maximum), (4 * PAGE, Some(6)));
    let number = |at: usize| u32::from_le_bytes(after[at..at + 4].try_into().unwrap()) as usize;
    let (address, length) = (number(PLACE + 8), number(PLACE + 12));
    assert_eq!(address, before.len());
    assert_eq!(&after[address..address + length], SNAPSHOT);
    assert!(after[address + length..].iter().all(|byte| *byte == 0));
    assert_eq!(after[..PLACE + 8], before[..PLACE + 8]);
    assert_eq!(after[PLACE + 16..address], before[PLACE + 16..]);

    let custom = |module: &[u8]| {
        let sections = Parser::new(0)
            .parse_all(module)
            .filter_map(|payload| payload.unwrap().as_section());
        let bytes = sections.map(|(id, range)| (id, module[range.start as usize..range.end as usize].to_vec()));
        // All but the memory, the number of data segments and these.
        bytes.filter(|(id, _)| ![5, 11, 12].contains(id)).collect::<Vec<_>>()
    };
    assert_eq!(custom(&compiled), custom(&runtime));
    assert_eq!(compile(&runtime, SNAPSHOT).unwrap(), compiled);
}

#[test]
fn a_memory_without_a_maximum_stays_without() {
    let unbounded = Runtime {
        maximum: None,
        ..Runtime::default()
    };
    assert_eq!(memory(&compile(&unbounded.build(), SNAPSHOT).unwrap()).1, None);
}

#[test]
fn what_cannot_take_a_snapshot_in_is_refused() {
    let runtime = Runtime::default().build();
    assert!(matches!(compile(b"{}", SNAPSHOT), Err(Refusal::Invalid(_))));
    for end in [0, 4, 8, 20, runtime.len() - 1] {
        assert!(compile(&runtime[..end], SNAPSHOT).is_err(), "{end}");
    }
    let compiled = compile(&runtime, SNAPSHOT).unwrap();
    assert!(matches!(compile(&compiled, SNAPSHOT), Err(Refusal::Compiled)));
    assert!(matches!(
        compile(&Module::new().finish(), SNAPSHOT),
        Err(Refusal::Other(_))
    ));
    let with = Runtime::default;
    let other = Runtime {
        export: "memory",
        ..with()
    };
    assert!(matches!(other.refusal(), Refusal::Other(_)));
    let other = Runtime {
        magic: *b"PKRK",
        ..with()
    };
    assert!(matches!(other.refusal(), Refusal::Other(_)));
    let outside = Runtime {
        place: 3 * PAGE - 15,
        ..with()
    };
    assert!(matches!(outside.refusal(), Refusal::Other(_)));
    let old = Runtime { newest: 0, ..with() };
    assert!(matches!(old.refusal(), Refusal::Version { newest: 0, got: 1 }));
    let full = Runtime {
        pages: 32_768,
        maximum: None,
        ..with()
    };
    assert!(matches!(full.refusal(), Refusal::TooLarge(2_147_549_184)));
}

#[test]
fn the_verb_writes_module_script_and_declarations_or_nothing() {
    let files = Files::new();
    let path = |name: &str| files.path(name).to_str().unwrap().to_owned();
    let snapshot = files.write("snapshot.bin", SNAPSHOT);
    let corrupt = files.write(
        "corrupt.bin",
        [&SNAPSHOT[..SNAPSHOT.len() - 1], &[!SNAPSHOT[SNAPSHOT.len() - 1]]].concat(),
    );
    let text = files.write("text.wasm", "(module)");
    std::fs::create_dir_all(files.path("shop/node_modules/pocketrank/dist/npm")).unwrap();
    std::fs::create_dir_all(files.path("shop/deep/folder.wasm")).unwrap();
    let package = |name: &str| format!("shop/node_modules/pocketrank/dist/npm/{name}");
    files.write(&package("pocketrank_bg.wasm"), Runtime::default().build());
    files.write(
        &package("compiled.js"),
        "fetch(new URL('pocketrank_bg.wasm', import.meta.url))",
    );
    files.write(&package("index.d.ts"), "export {};");
    let run = |folder: &Path, snapshot: &Path, arguments: &[&str]| {
        let run = Command::new(env!("CARGO_BIN_EXE_pocketrank"))
            .arg("compile")
            .arg(snapshot)
            .args(arguments)
            .current_dir(folder)
            .output()
            .unwrap();
        (
            run.status.code(),
            String::from_utf8(run.stdout).unwrap() + &String::from_utf8(run.stderr).unwrap(),
        )
    };
    let deep = files.path("shop/deep");
    let compiled = path("compiled.wasm");

    let (code, said) = run(&deep, &snapshot, &["-o", "new/it's é.wasm", "--js", "--json"]);
    assert_eq!(code, Some(0), "{said}");
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    let written = std::fs::read(deep.join("new/it's é.wasm")).unwrap();
    assert_eq!(json["bytes"], written.len());
    assert_eq!(json["snapshot"], SNAPSHOT.len());
    let script = std::fs::read_to_string(deep.join("new/it's é.js")).unwrap();
    assert_eq!(script, "fetch(new URL('it%27s%20%C3%A9.wasm', import.meta.url))");
    assert!(deep.join("new/it's é.d.ts").is_file());
    assert_eq!(run(&deep, &snapshot, &["-o", &compiled]).0, Some(0));
    assert_eq!(std::fs::read(&compiled).unwrap(), written);
    assert!(!files.path("compiled.js").exists());

    let bare = files.write("bare.wasm", Runtime::default().build());
    let bare = bare.to_str().unwrap();
    let (text, elsewhere) = (text.to_str().unwrap(), files.path(""));
    for (folder, snapshot, arguments, code, part) in [
        (
            &deep,
            &corrupt,
            vec!["-o", "x.wasm"],
            4,
            "corrupt.bin: snapshot: checksum",
        ),
        (
            &deep,
            &snapshot,
            vec!["-o", "folder.wasm"],
            1,
            "cannot write folder.wasm",
        ),
        (&deep, &snapshot, vec!["-o", "x.js", "--js"], 2, "end --output in .wasm"),
        (
            &deep,
            &snapshot,
            vec!["-o", "x.wasm", "--runtime", text],
            3,
            "is not a whole WebAssembly module",
        ),
        (
            &deep,
            &snapshot,
            vec!["-o", "x.wasm", "--runtime", &compiled],
            3,
            "has a snapshot already",
        ),
        (
            &deep,
            &snapshot,
            vec!["-o", "x.wasm", "--runtime", "nowhere.wasm"],
            1,
            "cannot read nowhere.wasm",
        ),
        (
            &elsewhere,
            &snapshot,
            vec!["-o", "x.wasm"],
            2,
            "or name the file by --runtime",
        ),
        (
            &deep,
            &snapshot,
            vec!["-o", "x.wasm", "--js", "--runtime", bare],
            2,
            "compiled.js is missing, and --js needs it",
        ),
    ] {
        let (got, said) = run(folder, snapshot, &arguments);
        assert_eq!(got, Some(code), "{arguments:?}: {said}");
        assert!(said.contains(part), "{arguments:?}: {said}");
        assert!(!folder.join("x.wasm").exists() && !folder.join("x.d.ts").exists());
    }
}
