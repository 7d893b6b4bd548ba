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
mod lists;
mod names;
mod netting;
pub mod parquet;
pub mod pseudonym;
pub mod table;
mod texts;
pub mod time;

use crate::config::{ready, Config, Form};
use crate::control::Control;
use crate::dataset::{Dataset, Order};
use crate::error::{Error, Result};
use crate::features::vectors;
use crate::progress::Progress;
use account::{Account, Effect, Tally};
use events::Reader;
use pocketrank::EventKind;
use pseudonym::Pseudonyms;
use std::path::{Path, PathBuf};
use table::{Table, RECODED};

/// What to load, and how.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// Files with events, read one after the other.
    pub events: Vec<PathBuf>,
    /// File with the catalogue.
    pub catalogue: Option<PathBuf>,
    /// File with vectors of items; else the one that the configuration names, if any.
    pub vectors: Option<PathBuf>,
    /// The fewest customers behind what events tell about an item of the catalogue; else the configuration's.
    pub min_customers: Option<u16>,
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
    let given = inputs.config.as_deref().map(ready::load).transpose()?;
    // A mapping of columns is of a table.
    let mapped = given
        .as_ref()
        .map(|given| &given.config)
        .filter(|config| config.is_mapped());
    let form = mapped.map(|config| config.events.form.unwrap_or(Form::Table));
    let tables = open(&inputs.events, form)?;
    let Some(first) = tables.first() else {
        return Err(Error::Usage("no events: give a file with --events".into()));
    };
    let form = first.form();
    if let (true, Some(_)) = (form != Form::Table, inputs.until) {
        return Err(Error::Usage(format!(
            "{}: its lines have no times, so there is nothing for --until to cut; hold a share out with --hold-out",
            first.path.display()
        )));
    }
    // Opened first, so that a file that is not there is the first thing said.
    let catalogue = inputs.catalogue.as_deref().map(Table::open).transpose()?;
    let mut account = Account::default();
    let mut config = match given {
        Some(given) if given.config.is_mapped() => {
            account.mapping = given.name;
            given.config
        }
        changes => {
            let (by, mapping) = if form == Form::Table {
                ("columns", ready::recognize(&first.columns, &first.path)?.0)
            } else {
                account.notes.push(headless(&first.path, form));
                ("lines", form.name())
            };
            account.mapping = format!("{mapping} (recognized by the {by} of {})", first.path.display());
            match changes {
                Some(changes) => {
                    account.mapping += &format!(", changed by {}", changes.name);
                    changes.over(mapping)?
                }
                None => ready::load(mapping)?.config,
            }
        }
    };
    config.train.min_customers = inputs.min_customers.unwrap_or(config.train.min_customers);
    if form != Form::Table {
        config.events.columns = lists::columns(form);
        config.events.kind.get_or_insert(EventKind::ViewItem);
    }
    let mut lines = read_events(&tables, &config, inputs, progress, &mut account)?;
    let read = account.events.rows;
    let mut stage = progress.stage("cleaning", 0);
    clean::clean(&mut lines, &config, inputs, &mut account.events);
    stage.add(read);
    let catalogue = match catalogue_table(catalogue, first, &config, &mut account)? {
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
    let order = match form {
        Form::Table => Order::Time,
        Form::Lists => Order::Lists,
        Form::Sessions | Form::Prefixes => Order::Sequence,
    };
    let mut dataset = assemble::assemble(lines, catalogue, &config, order, account);
    if dataset.events.is_empty() {
        return Err(Error::Data(format!(
            "{}: no events are left of {read} rows; see which rule takes them, and check the mapping:\n{}",
            first.path.display(),
            dataset.account
        )));
    }
    if let Some(path) = inputs.vectors.as_ref().or(config.vectors.file.as_ref()) {
        read_vectors(path, &config, &mut dataset, progress)?;
    }
    Ok(dataset)
}

fn read_vectors(path: &Path, config: &Config, dataset: &mut Dataset, progress: &Progress) -> Result<()> {
    let _stage = progress.stage(format!("reading {}", path.display()), 0);
    let control = Control::new(*progress);
    let fold = config.clean.fold_id_case;
    let (vectors, found) = vectors::read(path, &config.vectors, fold, &dataset.items, &control)?;
    dataset.account.notes.push(format!(
        "vectors {}: {} of {} items have one of {} numbers{}; {} vectors are of no item",
        path.display(),
        found.items,
        dataset.items.len(),
        found.dims,
        if vectors.dims < found.dims {
            format!(", reduced to {}", vectors.dims)
        } else {
            String::new()
        },
        found.strange
    ));
    dataset.vectors = Some(vectors);
    Ok(())
}

/// What is to be known of a file without a header.
fn headless(path: &Path, form: Form) -> String {
    format!(
        "{}: no header, so {}; if that is wrong, say --config lists, sessions or prefixes, or [events] form in a configuration",
        path.display(),
        match form {
            Form::Lists => "each line is a user and the items (no two lines begin alike)",
            Form::Prefixes => "each line is the beginning of a session and, after a tab, its next item",
            _ => "each line is a session of items",
        }
    )
}

/// Opens the files, which must be of one form: the places of items go on from file to file.
fn open(paths: &[PathBuf], form: Option<Form>) -> Result<Vec<Table>> {
    let mut tables = vec![];
    let mut places = 0;
    for path in paths {
        let first = tables.first().map(Table::form);
        let mut table = Table::open_as(path, form.or(first))?;
        if let Some(expected) = form.or(first).filter(|expected| *expected != table.form()) {
            return Err(Error::Data(format!(
                "{}: {} where {} are expected; give files of one form, and the form they have",
                path.display(),
                table.form().name(),
                expected.name()
            )));
        }
        table.follow(&mut places)?;
        tables.push(table);
    }
    Ok(tables)
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
