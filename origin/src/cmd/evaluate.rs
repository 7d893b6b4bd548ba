//! `pocketrank evaluate`: the quality of a snapshot beside baselines.

mod print;

use super::data::{Data, Output};
use super::verify;
use clap::{Args, ValueEnum};
use pocketrank::{Snapshot, NO_ROW};
use pocketrank_origin::dataset::{Dataset, Interaction};
use pocketrank_origin::error::{Error, Result};
use pocketrank_origin::evaluate::{
    after, answers, baselines, compare, exclude_current, export, hold_out, interval, row_items, segments, write_qrels,
    write_run, Baseline, Bench, Beyond, Comparison, Evaluation, Interval, Known, Protocol, Query, Questions, Ranking,
    Scope, Segment, Split, METRICS,
};
use pocketrank_origin::ingest::{self, account::Account, time, Inputs};
use pocketrank_origin::progress::Progress;
use pocketrank_origin::train::model::bytes_per_item;
use serde::Serialize;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Measures a snapshot on what it has not seen, beside popularity, item-kNN by customers and by content, and RP3beta.
///
/// Every model is packed and ranked by the runtime, all items, over the packed bytes. Asked is what --test holds, or what --hold-out
/// held out in training, or else what came after the snapshot's newest event: train with --until to keep events for it.
#[derive(Debug, Args)]
pub struct Evaluate {
    /// The snapshot.
    snapshot: PathBuf,
    #[command(flatten)]
    data: Data,
    /// A file of answers in the form of the events (users with further items, or further sessions), or of `prefix items<TAB>next item`.
    #[arg(long, value_name = "FILE", conflicts_with = "hold_out")]
    test: Option<PathBuf>,
    /// The share that `train --hold-out` left out: each user's last items, the last sessions, or the last of the time.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    hold_out: Option<f64>,
    /// How to ask.
    #[arg(long, value_enum, default_value = "auto")]
    protocol: Asking,
    /// Leave the newest item of the history out of the list, as some published protocols do.
    #[arg(long)]
    exclude_current: bool,
    /// Another snapshot to test this one against, query by query.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Fit no baselines.
    #[arg(long)]
    alone: bool,
    /// Write the lists as a TREC run.
    #[arg(long, value_name = "FILE")]
    run: Option<PathBuf>,
    /// Write the right answers as TREC qrels.
    #[arg(long, value_name = "FILE")]
    qrels: Option<PathBuf>,
    /// Write what the model may have seen and what is asked, for other systems: train.txt, queries.txt and qrels.txt.
    #[arg(long, value_name = "FOLDER")]
    export: Option<PathBuf>,
    /// Evaluate at most this many queries, evenly chosen; 20,000 if nothing else is said.
    #[arg(long, value_name = "N", value_parser = most)]
    queries: Option<usize>,
    #[command(flatten)]
    print: Output,
}

/// Fewest users whose resampling says something.
const FEW: usize = 10;

/// How to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Asking {
    /// What fits the data: last-of-user for ratings and lists, next-item for sessions without customers, else temporal.
    Auto,
    /// What each session holds after a cut in time, with all of its user's past as history.
    Temporal,
    /// The last items of each user, those before left out of the list.
    LastOfUser,
    /// The next item of every beginning of a session.
    NextItem,
}

impl Asking {
    fn protocol(self, share: f64) -> Option<Protocol> {
        match self {
            Asking::Auto => None,
            Asking::Temporal => Some(Protocol::Temporal),
            Asking::LastOfUser => Some(Protocol::LastOfUser { share }),
            Asking::NextItem => Some(Protocol::NextItem),
        }
    }
}

fn share(text: &str) -> std::result::Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "give a share such as 0.2".to_owned())?;
    if share > 0.0 && share < 1.0 {
        Ok(share)
    } else {
        Err("give a share above 0 and below 1, such as 0.2".to_owned())
    }
}

fn most(text: &str) -> std::result::Result<usize, String> {
    match text.parse() {
        Ok(most @ 1..) => Ok(most),
        _ => Err("give a number from 1".into()),
    }
}

/// What is known of one model.
#[derive(Debug, Serialize)]
pub(super) struct Model {
    pub model: &'static str,
    pub evaluation: Evaluation,
    /// 95% intervals over all queries, in the order of the metrics.
    pub interval: Interval,
    pub beyond: Beyond,
    /// Of the model's own sections.
    pub bytes_per_item: f64,
    /// By length of the history, popularity of what is asked for and country.
    pub segments: Vec<Segment>,
}

/// All that is printed.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub snapshot: String,
    pub metrics: [&'static str; METRICS.len()],
    pub queries: usize,
    pub models: Vec<Model>,
    pub against: Option<Comparison>,
    pub account: Account,
    /// What was not asked, or makes the figures say less than they seem to.
    pub notes: Vec<String>,
}

/// What is to be known where queries are of too few users for intervals.
fn few(queries: &[Query]) -> Option<String> {
    let users: HashSet<u32> = queries.iter().map(|query| query.user).collect();
    (users.len() < FEW).then(|| {
        format!(
            "{} queries of {} users: too few for the intervals to mean anything, and for most differences",
            queries.len(),
            users.len()
        )
    })
}

/// What was measured, and on what.
pub(super) struct Measured {
    pub bytes: Vec<u8>,
    pub dataset: Dataset,
    /// The events that the model may have seen.
    pub fit: Vec<Interaction>,
    pub report: Report,
}

impl Evaluate {
    /// Does it.
    pub fn run(self) -> Result<()> {
        let measured = self.measure(&self.print.progress())?;
        self.print.print(print::text(&measured.report), &measured.report)
    }

    /// The most queries.
    fn most(&self) -> Result<usize> {
        let config = || Ok(self.data.config()?.evaluate.queries);
        self.queries.map_or_else(config, Ok)
    }

    /// How many example slates a report shows.
    pub(super) fn slates(&self) -> Result<usize> {
        Ok(self.data.config()?.report.slates)
    }

    /// For whom output is.
    pub(super) fn print(&self) -> Output {
        self.print
    }

    /// Ranks for every query, and writes the files that were asked for.
    pub(super) fn measure(&self, progress: &Progress) -> Result<Measured> {
        let bytes = verify::read(&self.snapshot)?;
        let snapshot = verify::open(&self.snapshot, bytes.as_slice())?;
        let from = i64::from(snapshot.meta().trained_until) + 1;
        let by_time = self.test.is_none() && self.hold_out.is_none();
        // Texts that events give need at least as many customers as all else that the snapshot tells.
        let least = self
            .data
            .config()?
            .train
            .min_customers
            .max(snapshot.meta().min_customers);
        let mut inputs = Inputs {
            cut: by_time.then_some(from),
            min_customers: Some(least),
            ..self.data.inputs()?
        };
        let mut dataset = ingest::load(&inputs, progress)?;
        let newest = dataset.events.last().map_or(0, |event| event.at);
        let mut from = from;
        if let (Some(test), Protocol::Temporal) = (&self.test, Protocol::of(&dataset)) {
            // Customers with times: what the file tells goes on where the events end.
            from = newest + 1;
            inputs.events.push(test.clone());
            inputs.cut = Some(from);
            dataset = ingest::load(&inputs, progress)?;
        }
        let items = self.rows(&self.snapshot, &dataset, &snapshot)?;
        let (fit, mut asked) = self.questions(&dataset, &inputs, from, progress)?;
        if self.exclude_current {
            exclude_current(&dataset, &mut asked.queries);
        }
        let queries = &asked.queries;
        if queries.is_empty() {
            return Err(Error::Data(self.nothing(&dataset, &asked, from)));
        }
        self.findable(queries, &items)?;
        if fit.is_empty() {
            return Err(Error::Data(format!(
                "{}: all {} events are asked for, so that a model could have seen none; give more events, or hold a smaller share out",
                self.data.shown().display(),
                dataset.events.len()
            )));
        }
        let mut notes = dataset.account.losses();
        notes.append(&mut asked.notes.clone());
        notes.extend(few(queries));
        if let Some(folder) = &self.export {
            export(folder, &dataset, &fit, &asked)?;
        }
        let known = Known::new(&dataset, &fit);
        let mut stage = progress.stage("ranking", if self.alone { 1 } else { 7 });
        let mut measure = |name, bytes: &[u8], items: &[u32]| -> Result<(Model, Ranking)> {
            let bench = Bench::open(bytes, items)?;
            let ranking = bench.ranking(queries, Scope::All);
            stage.add(1);
            let model = Model {
                model: name,
                evaluation: bench.evaluation(queries, &ranking),
                interval: interval(queries, &ranking.values),
                beyond: Beyond::new(&known, &bench, &ranking),
                bytes_per_item: bytes_per_item(bytes)?,
                segments: segments(&dataset, &known, &bench, queries, &ranking),
            };
            Ok((model, ranking))
        };
        let (model, ranking) = measure("this snapshot", &bytes, &items)?;
        self.write(&dataset, &asked, &items, &ranking)?;
        let mut models = vec![model];
        let mut against = None;
        if let Some(path) = &self.against {
            let bytes = verify::read(path)?;
            let other = verify::open(path, bytes.as_slice())?;
            let items = self.rows(path, &dataset, &other)?;
            let (model, theirs) = measure("the other snapshot", &bytes, &items)?;
            models.push(model);
            against = Some(compare(queries, &ranking.values, &theirs.values));
        }
        if !self.alone {
            for Baseline { name, bytes, items } in baselines(&dataset, &fit, u32::from(snapshot.meta().min_customers))?
            {
                models.push(measure(name, &bytes, &items)?.0);
            }
        }
        drop(stage);
        let report = Report {
            snapshot: snapshot.id().to_string(),
            metrics: METRICS,
            queries: queries.len(),
            models,
            against,
            account: dataset.account.clone(),
            notes,
        };
        Ok(Measured {
            bytes,
            dataset,
            fit,
            report,
        })
    }

    /// The dataset's item of each row of a snapshot, which must have some.
    fn rows(&self, path: &Path, dataset: &Dataset, snapshot: &Snapshot<&[u8]>) -> Result<Vec<u32>> {
        let rows = row_items(dataset, snapshot);
        if rows.iter().all(|item| *item == NO_ROW) {
            return Err(Error::Data(format!(
                "{}: it has none of the {} items of {}; give the data that it was trained on, with the same --config",
                path.display(),
                dataset.items.len(),
                self.data.shown().display()
            )));
        }
        Ok(rows)
    }

    /// Why there is no query, and what to do.
    fn nothing(&self, dataset: &Dataset, asked: &Questions, from: i64) -> String {
        let newest = time::rfc3339(from - 1);
        if let Some(test) = &self.test {
            let mut why = match Protocol::of(dataset) {
                Protocol::Temporal => format!("no event is after the newest of --events, of {newest}"),
                _ => "no user and no session has an answer left".to_owned(),
            };
            let lost = dataset.account.losses();
            lost.iter()
                .chain(&asked.notes)
                .for_each(|note| why += &format!("\n  {note}"));
            return format!(
                "{}: nothing to ask; give the answers that belong to these events: {why}",
                test.display()
            );
        }
        if let Some(share) = self.hold_out {
            return format!(
                "{}: --hold-out {share} leaves nothing to ask of {} events; give another share, with which it is trained too",
                self.data.shown().display(),
                dataset.events.len()
            );
        }
        format!(
            "{}: nothing to ask; without --test or --hold-out, train it with --until a time before the last events (its newest is of {newest})",
            self.snapshot.display()
        )
    }

    /// Whether some query asks for an item of the snapshot: else every figure is 0, whatever the model.
    fn findable(&self, queries: &[Query], rows: &[u32]) -> Result<()> {
        let known: HashSet<u32> = rows.iter().copied().collect();
        if queries
            .iter()
            .flat_map(|query| &query.relevant)
            .any(|item| known.contains(item))
        {
            return Ok(());
        }
        Err(Error::Data(format!(
            "{}: none of the {} queries asks for an item that {} has; give answers about the same items, with ids written alike",
            self.test.as_deref().unwrap_or(self.data.shown()).display(),
            queries.len(),
            self.snapshot.display()
        )))
    }

    /// The events that the model may have seen, and what is asked.
    fn questions(
        &self,
        dataset: &Dataset,
        inputs: &Inputs,
        from: i64,
        progress: &Progress,
    ) -> Result<(Vec<Interaction>, Questions)> {
        if let Some(test) = self.test.as_ref().filter(|_| inputs.cut.is_none()) {
            if self.protocol != Asking::Auto {
                return Err(Error::Usage(
                    "--protocol: a file of --test says by itself what is asked".into(),
                ));
            }
            let asked = answers(dataset, inputs, test, self.most()?, progress)?;
            return Ok((dataset.events.clone(), asked));
        }
        let Split { fit, queries } = match self.hold_out {
            Some(share) => {
                let protocol = self.protocol.protocol(share).unwrap_or_else(|| Protocol::of(dataset));
                hold_out(dataset, protocol, share, self.most()?)
            }
            None => after(dataset, from, self.protocol.protocol(0.0), self.most()?)?,
        };
        let asked = Questions {
            queries,
            ..Questions::default()
        };
        Ok((fit, asked))
    }

    /// Writes the files for `trec_eval`.
    fn write(&self, dataset: &Dataset, asked: &Questions, row_items: &[u32], ranking: &Ranking) -> Result<()> {
        if let Some(path) = &self.run {
            let item = |row: u32| row_items.get(row as usize).and_then(|item| asked.id(dataset, *item));
            // Rows whose item the events no longer have are still apart from one another.
            write_run(path, ranking, |row| {
                item(row).map_or(format!("row {row}"), str::to_owned)
            })?;
        }
        if let Some(path) = &self.qrels {
            let id = |item: u32| asked.id(dataset, item).unwrap_or_default().to_owned();
            write_qrels(path, &asked.queries, id)?;
        }
        Ok(())
    }
}
