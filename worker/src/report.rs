//! What the plan reports, a line of the log each, by its stable code.

use crate::log::{self, Level, Line};
use crate::metrics;
use pocketrank::edge::metrics::SYNC;
use pocketrank::sync::{Failure, Kind, Report};

/// Tells the log, and counts.
pub fn report(report: &Report) {
    let code = report.code();
    metrics::count(&SYNC, [code, ""]);
    let mut line = Line {
        event: "sync",
        reason: code,
        ..Line::default()
    };
    let mut level = Level::Warn;
    let text = match report {
        Report::Updated { sequence, snapshot } => {
            level = Level::Info;
            (line.sequence, line.snapshot) = (Some(*sequence), Some(snapshot.to_string()));
            format!("sequence {sequence}, snapshot {snapshot}")
        }
        Report::Expired { sequence } => {
            line.sequence = Some(*sequence);
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
    line.message = format!("sync {code}: {text}");
    log::write(level, line);
}

/// What was asked for, as metrics and the log call it.
pub fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Manifest => "manifest",
        Kind::Delta => "delta",
        Kind::Snapshot => "snapshot",
        Kind::File => "file",
    }
}
