//! `pocketrank compile`: runtime and snapshot as one module.

use super::data::Output;
use super::verify;
use clap::Args;
use pocketrank_origin::compile::compile;
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::output;
use pocketrank_origin::train::free;
use serde_json::json;
use std::path::{Path, PathBuf};

/// The runtime's file in the npm package, and of the script and the declarations that belong to it.
const RUNTIME: &str = "pocketrank_bg.wasm";
const SCRIPT: &str = "compiled.js";
const DECLARATIONS: &str = "index.d.ts";

/// Writes one .wasm with runtime and snapshot, which needs nothing else.
///
/// The npm package loads it as it loads its own: `await init(...)`, then `Ranker.embedded()`.
#[derive(Debug, Args)]
pub struct Compile {
    /// The snapshot.
    snapshot: PathBuf,
    /// File to write.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Write beside it, as .js and .d.ts, the npm package that loads this file by itself, in browsers and in Node; a Cloudflare worker
    /// imports the .wasm and gives it to `init`.
    #[arg(long)]
    js: bool,
    /// The runtime; `pocketrank_bg.wasm` of the npm package, as it is found from this folder upwards, if not given.
    #[arg(long, value_name = "FILE")]
    runtime: Option<PathBuf>,
    #[command(flatten)]
    print: Output,
}

impl Compile {
    /// Does it.
    pub fn run(self) -> Result<()> {
        let snapshot = verify::read(&self.snapshot)?;
        let (id, items) = {
            let opened = verify::open(&self.snapshot, &snapshot)?;
            (opened.id().to_string(), free::others(&opened).len())
        };
        let path = self.runtime.map_or_else(find_runtime, Ok)?;
        let runtime = verify::read(&path)?;
        let compiled = compile(&runtime, &snapshot).map_err(|source| Error::Runtime {
            path: path.clone(),
            source,
        })?;
        // All that can be wrong is known before the first file is written.
        let package = if self.js { package(&path, &self.output)? } else { vec![] };
        for (path, bytes) in &package {
            output::write(path, bytes)?;
        }
        output::write(&self.output, &compiled)?;
        let (all, own) = (compiled.len(), snapshot.len());
        let rest = all - own;
        self.print.print(
            format_args!(
                "{}: snapshot {id}, {items} items, {all} bytes: {own} of the snapshot, {rest} of the runtime",
                self.output.display()
            ),
            &json!({ "id": id, "items": items, "bytes": all, "snapshot": own, "runtime": rest }),
        )
    }
}

/// The runtime of the npm package: installed, or built in its repository.
fn find_runtime() -> Result<PathBuf> {
    let here = std::env::current_dir().map_err(|source| Error::reading(".".as_ref(), source))?;
    let package = here.ancestors().find_map(|folder| {
        let places = ["node_modules/pocketrank/dist/npm", "dist/npm"];
        places
            .map(|place| folder.join(place).join(RUNTIME))
            .into_iter()
            .find(|path| path.is_file())
    });
    package.ok_or_else(|| {
        Error::Usage(format!(
            "there is no {RUNTIME} in node_modules/pocketrank/dist/npm, nor in dist/npm, of {} or a folder above; install the npm package \
             `pocketrank` there, or name the file by --runtime",
            here.display()
        ))
    })
}

/// The files of the package beside `runtime` that load `output`, with where to write them.
fn package(runtime: &Path, output: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let script = output.with_extension("js");
    let name = output.file_name().and_then(|name| name.to_str());
    let Some(name) = name.filter(|_| script != output) else {
        return Err(Error::Usage(format!(
            "--js cannot name {} in a script; end --output in .wasm, in UTF-8",
            output.display()
        )));
    };
    let [source, declarations] = [SCRIPT, DECLARATIONS].map(|name| runtime.with_file_name(name));
    if !source.is_file() {
        return Err(Error::Usage(format!(
            "{} is missing, and --js needs it; name the runtime by --runtime where it lies in the npm package",
            source.display()
        )));
    }
    let text = String::from_utf8(verify::read(&source)?).unwrap_or_default();
    if !text.contains(RUNTIME) {
        return Err(Error::Data(format!(
            "{}: does not name `{RUNTIME}`, so it is not the npm package's; install the package again",
            source.display()
        )));
    }
    let declarations = verify::read(&declarations)?;
    Ok(vec![
        (script, text.replace(RUNTIME, &url(name)).into_bytes()),
        (output.with_extension("d.ts"), declarations),
    ])
}

/// A file's name as a relative URL that is safe within quotes.
fn url(name: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    name.bytes().map(byte).collect()
}
