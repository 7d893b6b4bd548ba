//! Options that training and packing share: which part of the events is fitted on, and where the snapshot goes.

use super::data::Data;
use clap::Args;
use pocketrank::Snapshot;
use pocketrank_origin::config::Train;
use pocketrank_origin::dataset::{Dataset, Interaction};
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::evaluate::{hold_out, Protocol};
use pocketrank_origin::ingest::{time, Inputs};
use pocketrank_origin::train::steady::Ledger;
use std::path::{Path, PathBuf};

/// Which part of the events is fitted on.
#[derive(Debug, Args)]
pub struct Part {
    /// Use only events before this time (RFC 3339, a date, or seconds since 1970), and keep the later ones for `evaluate`.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Keep the last share of the data for `evaluate --hold-out`: of each user's items, of the sessions, or of the time, as the
    /// data's protocol has it.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    hold_out: Option<f64>,
}

fn share(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if share > 0.0 && share < 1.0 => Ok(share),
        _ => Err("a share lies between 0 and 1, such as 0.2".into()),
    }
}

/// A number above 0.
pub fn positive(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("a number above 0 is needed".into()),
    }
}

impl Part {
    /// What to load.
    ///
    /// # Errors
    /// [`Error::Usage`] for options that cannot be read.
    pub fn inputs(&self, data: &Data, min_customers: u16) -> Result<Inputs> {
        let until = self.until.as_deref().map(|text| {
            time::parse(text).ok_or_else(|| {
                Error::Usage(format!(
                    "--until {text:?} is no time; give one such as 2010-11-01 or 2010-11-01T00:00:00Z"
                ))
            })
        });
        Ok(Inputs {
            until: until.transpose()?,
            min_customers: Some(min_customers),
            ..data.inputs()?
        })
    }

    /// The events that are left where a share of them is held out.
    pub fn rest(&self, dataset: &Dataset, protocol: Protocol, config: &Train) -> Option<Vec<Interaction>> {
        let share = self.hold_out.or(config.hold_out)?;
        Some(hold_out(dataset, protocol, share, usize::MAX).fit)
    }
}

/// Before long work, whether what it writes can have that name.
///
/// # Errors
/// [`Error::Usage`] where it is a folder's.
pub fn names_a_file(option: &str, output: &Path) -> Result<()> {
    if output.is_dir() {
        return Err(Error::Usage(format!(
            "{option} {}: a folder; give the file to write, such as {}",
            output.display(),
            output
                .join(if option == "-o" { "snapshot.bin" } else { "recipe.json" })
                .display()
        )));
    }
    Ok(())
}

/// Before long work, whether its files have different names, so that none replaces another.
///
/// # Errors
/// [`Error::Usage`] where two have one.
pub fn differ<const N: usize>(files: [(&str, Option<&PathBuf>); N]) -> Result<()> {
    for (at, (option, file)) in files.iter().enumerate() {
        let same = files.iter().take(at).find(|(_, other)| file.is_some() && file == other);
        if let (Some((other, _)), Some(file)) = (same, file) {
            return Err(Error::Usage(format!(
                "{other} and {option} are both {}; give each a file of its own",
                file.display()
            )));
        }
    }
    Ok(())
}

/// What a snapshot tells of: all of these events.
pub fn tells<B: AsRef<[u8]>>(snapshot: &Snapshot<B>, events: &[Interaction]) -> Ledger {
    Ledger::new(snapshot, events.last().map_or(0, |event| event.at))
}
