//! `pocketrank`: the origin's command line. Only dispatches; see `cmd`.

mod cmd;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    quiet_guarded_panics();
    match cmd::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pocketrank: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// A panic inside the Parquet reader becomes an error that names the file; the library's own words would only confuse.
fn quiet_guarded_panics() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !pocketrank_origin::ingest::parquet::is_guarded() {
            default(panic);
        }
    }));
}
