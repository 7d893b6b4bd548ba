//! What the plan reports, a line each: `sync CODE: what, and what to do`. The codes are stable.

use pocketrank::sync::{Failure, Kind, Report};

/// Tells the console.
pub fn report(report: &Report) {
    let code = report.code();
    let text = match report {
        Report::Updated { sequence, snapshot } => {
            let line = format!("sync {code}: sequence {sequence}, snapshot {snapshot}");
            return web_sys::console::log_1(&line.into());
        }
        Report::Expired { sequence } => {
            format!(
                "sequence {sequence} is the newest known and should have been replaced; publish, or `pocketrank sign`"
            )
        }
        Report::Manifest(error) => error.to_string(),
        Report::Refused(_, error) => error.to_string(),
        Report::Failed(kind, failure) => match failure {
            Failure::Status(status) => format!("{}, {status}; see that the origin is up", name(*kind)),
            _ => format!("{}; see that the origin is up", name(*kind)),
        },
        Report::NotStored => "KV or R2 took no more; it is used from memory".into(),
        Report::Lost => "what was stored is damaged or gone; it is fetched again".into(),
    };
    web_sys::console::warn_1(&format!("sync {code}: {text}").into());
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Manifest => "manifest",
        Kind::Delta => "delta",
        Kind::Snapshot => "snapshot",
        Kind::File => "file",
    }
}
