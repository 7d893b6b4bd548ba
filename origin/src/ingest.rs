//! From files to a [`Dataset`]. Invariant: no row vanishes without being counted in the [`Account`], and no raw customer
//! id leaves the reader. In order: `table` (Parquet, delimited text, JSON Lines), `events` (pseudonyms first), `clean`
//! and `netting`, `names`, `catalogue`, `assemble`. Training and evaluation call [`load`].

pub mod account;
mod assemble;
mod catalogue;
mod clean;
mod csv;
mod events;
mod jsonl;
mod lines;
mod names;
mod netting;
pub mod parquet;
pub mod pseudonym;
pub mod table;
pub mod time;

use crate::config::{ready, Config};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::progress::Progress;
use account::{Account, Effect, Tally};
use events::Reader;
use pseudonym::Pseudonyms;
use std::path::PathBuf;
use table::{Table, RECODED};

/// What to load, and how.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// Files with events, read one after the other.
    pub events: Vec<PathBuf>,
    /// File with the catalogue.
    pub catalogue: Option<PathBuf>,
    /// Name of a ready mapping or path of a TOML file; `None` recognizes the columns.
    pub config: Option<String>,
    /// Makes pseudonyms of customers' ids.
    pub pseudonyms: Pseudonyms,
    /// Seconds since 1970-01-01 UTC after which there can be no event.
    pub now: Option<i64>,
    /// For training: rows at or after it are dropped before anything is learned from them. Seconds since 1970-01-01 UTC.
    pub until: Option<i64>,
    /// For evaluation: cancellations at or after it do not change what was bought before it. Seconds since 1970-01-01 UTC.
    pub cut: Option<i64>,
}

/// Reads, cleans and joins.
///
/// # Errors
/// [`Error::Io`], [`Error::Config`] and [`Error::Data`], each with the file and what to do.
pub fn load(inputs: &Inputs, progress: &Progress) -> Result<Dataset> {
    let tables = inputs
        .events
        .iter()
        .map(|path| Table::open(path))
        .collect::<Result<Vec<Table>>>()?;
    let Some(first) = tables.first() else {
        return Err(Error::Usage("no events: give a file with --events".into()));
    };
    // Opened first, so that a file that is not there is the first thing said.
    let given = inputs.catalogue.as_deref().map(Table::open).transpose()?;
    let mut account = Account::default();
    let config = match &inputs.config {
        Some(name) => {
            account.mapping.clone_from(name);
            ready::load(name)?
        }
        None => {
            let (name, config) = ready::recognize(&first.columns, &first.path)?;
            account.mapping = format!("{name} (recognized by the columns of {})", first.path.display());
            config
        }
    };
    let mut lines = read_events(&tables, &config, inputs, progress, &mut account)?;
    let read = account.events.rows;
    let mut stage = progress.stage("cleaning", 0);
    clean::clean(&mut lines, &config, inputs, &mut account.events);
    stage.add(read);
    let catalogue = match catalogue_table(given, first, &config, &mut account)? {
        None => None,
        Some(table) => {
            let Some(columns) = &config.catalogue.columns else {
                return Err(Error::Config(format!(
                    "{}: the mapping {} has no [catalogue.columns]; add them, `id` at least",
                    table.path.display(),
                    account.mapping
                )));
            };
            let mut tally = Tally::default();
            let currency = lines.currency.take();
            let catalogue = catalogue::read(&table, columns, &config, currency, &mut tally)?;
            account.catalogue = Some(tally);
            Some(catalogue)
        }
    };
    let dataset = assemble::assemble(lines, catalogue, &config, account);
    if dataset.events.is_empty() {
        return Err(Error::Data(format!(
            "no events are left of {read} rows; see which rule takes them, and check the mapping:\n{}",
            dataset.account
        )));
    }
    Ok(dataset)
}

fn read_events(
    tables: &[Table],
    config: &Config,
    inputs: &Inputs,
    progress: &Progress,
    account: &mut Account,
) -> Result<events::Lines> {
    let mut reader = Reader::new(config, &inputs.pseudonyms, inputs.until);
    let mut recoded = 0;
    for table in tables {
        let mut stage = progress.stage(format!("reading {}", table.path.display()), table.rows);
        recoded += reader.read(table, &mut account.events, &mut stage)?;
    }
    if recoded > 0 {
        account.events.rule(RECODED, Effect::Changed).rows = recoded;
    }
    reader.finish(&account.events)
}

/// The catalogue that is given, or the one that the mapping expects beside the events.
fn catalogue_table(
    given: Option<Table>,
    events: &Table,
    config: &Config,
    account: &mut Account,
) -> Result<Option<Table>> {
    if given.is_some() {
        return Ok(given);
    }
    let Some(name) = &config.catalogue.beside else {
        return Ok(None);
    };
    let beside = events.path.with_file_name(name);
    if !beside.is_file() {
        return Ok(None);
    }
    account
        .notes
        .push(format!("catalogue {} found beside the events", beside.display()));
    Table::open(&beside).map(Some)
}
