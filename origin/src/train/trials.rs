//! The log of trials: what was tried and what it was worth. Invariant: a trial that is in the log is not made again, so an
//! interrupted training goes on where it was; the log belongs to one set of data and options and is refused for others.
//!
//! JSON Lines: a header, then a record per trial, each written and flushed when the trial ends.

use super::space::Values;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// One trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What was searched, such as a model's name or `blend`.
    pub phase: String,
    /// Number within the phase, from 0.
    pub number: usize,
    /// What was tried.
    pub values: Values,
    /// What it was worth on validation; none where the trial was pruned or could not be made.
    pub validation: Option<f64>,
    /// What it was worth on a part of the data that it was fitted on.
    pub training: Option<f64>,
    /// What it was worth on queries that choose nothing; measured of trials that are better than all before.
    pub check: Option<f64>,
    /// Bytes an item of the model's own sections, rows numbered as they would ship; measured of shapes only, and in no log of an
    /// earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_item: Option<f64>,
    /// Why there is no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// How the phases begin that choose bits and number of neighbours.
pub const SHAPE: &str = "shape";

impl Record {
    /// Whether it tried a shape: bits of a weight and neighbours of an item.
    pub fn is_shape(&self) -> bool {
        self.phase.starts_with(SHAPE)
    }
}

/// What a log belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Hash of the events.
    pub data: String,
    /// Hash of what ships, and of what is said of it.
    #[serde(default)]
    pub content: String,
    /// Every option that changes a trial.
    pub options: String,
}

/// All trials of a training.
#[derive(Debug)]
pub struct Trials {
    file: Option<(PathBuf, File)>,
    /// Of an earlier run, by phase and number.
    earlier: Vec<Record>,
    /// Of this run, in order.
    pub records: Vec<Record>,
}

impl Trials {
    /// A log that is kept in memory only.
    pub fn in_memory() -> Self {
        Trials {
            file: None,
            earlier: vec![],
            records: vec![],
        }
    }

    /// Opens the log of that name, or begins it.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Usage`] where the log is of other data or options, or no log.
    pub fn open(path: &Path, header: &Header) -> Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(|e| Error::writing(path, e))?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(|e| Error::reading(path, e))?;
        // A line without an end was cut off in writing.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        if whole < text.len() {
            file.set_len(whole as u64).map_err(|e| Error::writing(path, e))?;
            file.seek(SeekFrom::End(0)).map_err(|e| Error::writing(path, e))?;
        }
        let mut trials = Trials {
            file: Some((path.to_path_buf(), file)),
            earlier: vec![],
            records: vec![],
        };
        match parse(path, &text[..whole])? {
            None => trials.write(header)?,
            Some((found, earlier)) => {
                if found != *header {
                    let same = (&found.data, &found.content) == (&header.data, &header.content);
                    let what = if same { "options" } else { "data" };
                    return Err(Error::Usage(format!(
                        "{} is the log of a training with other {what}; give another file with --log, or remove this one to begin again",
                        path.display()
                    )));
                }
                trials.earlier = earlier;
            }
        }
        Ok(trials)
    }

    /// The trial of that phase, number and values: from the log, or made and logged. An error of `make` other than an
    /// interruption is the trial's note.
    ///
    /// # Errors
    /// [`Error::Interrupted`], and [`Error::Io`] where the log cannot be written.
    pub fn trial(
        &mut self,
        phase: &str,
        number: usize,
        values: &Values,
        make: impl FnOnce() -> Result<Outcome>,
    ) -> Result<Record> {
        let same = |record: &&Record| record.phase == phase && record.number == number && record.values == *values;
        let record = match self.earlier.iter().find(same) {
            Some(earlier) => earlier.clone(),
            None => {
                let mut record = Record {
                    phase: phase.to_owned(),
                    number,
                    values: values.clone(),
                    validation: None,
                    training: None,
                    check: None,
                    bytes_per_item: None,
                    note: None,
                };
                match make() {
                    Ok(Outcome::Worth {
                        validation,
                        training,
                        check,
                        bytes_per_item,
                    }) => {
                        record.validation = Some(validation);
                        (record.training, record.check) = (training, check);
                        record.bytes_per_item = bytes_per_item;
                    }
                    Ok(Outcome::Pruned) => record.note = Some("pruned: behind the median of earlier trials".into()),
                    Err(Error::Interrupted) => return Err(Error::Interrupted),
                    Err(error) => record.note = Some(error.to_string()),
                }
                self.write(&record)?;
                record
            }
        };
        self.records.push(record.clone());
        Ok(record)
    }

    fn write(&mut self, line: &impl Serialize) -> Result<()> {
        let Some((path, file)) = &mut self.file else {
            return Ok(());
        };
        let mut text = serde_json::to_string(line).map_err(|e| Error::Internal(e.to_string()))?;
        text.push('\n');
        file.write_all(text.as_bytes())
            .and_then(|()| file.flush())
            .map_err(|e| Error::writing(path, e))
    }
}

/// What a log belongs to, and its trials. A last line that was cut off in writing is left out.
///
/// # Errors
/// [`Error::Io`]; [`Error::Usage`] where it is no log.
pub fn read(path: &Path) -> Result<(Header, Vec<Record>)> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::reading(path, e))?;
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    parse(path, &text[..whole])?.ok_or_else(|| {
        Error::Usage(format!(
            "{}: no log of trials; give what `train --log` wrote",
            path.display()
        ))
    })
}

/// Header and records of a log; `None` where it is empty.
fn parse(path: &Path, text: &str) -> Result<Option<(Header, Vec<Record>)>> {
    let refused = |at: usize, e: serde_json::Error| {
        Error::Usage(format!(
            "{}:{}: no record of a trial ({e}); give another file with --log, or remove this one",
            path.display(),
            at + 1
        ))
    };
    let mut lines = text.lines().enumerate();
    let Some((at, first)) = lines.next() else {
        return Ok(None);
    };
    let header = serde_json::from_str(first).map_err(|e| refused(at, e))?;
    let record = |(at, line)| serde_json::from_str(line).map_err(|e| refused(at, e));
    Ok(Some((header, lines.map(record).collect::<Result<_>>()?)))
}

/// How a trial ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// With a value.
    Worth {
        /// On validation.
        validation: f64,
        /// On a part of the data that was fitted on, where it was measured.
        training: Option<f64>,
        /// On queries that choose nothing, likewise.
        check: Option<f64>,
        /// Bytes an item, where they were measured.
        bytes_per_item: Option<f64>,
    },
    /// Early, because it was behind.
    Pruned,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(data: &str) -> Header {
        Header {
            data: data.into(),
            content: "none".into(),
            options: "seed 1".into(),
        }
    }

    fn worth(validation: f64) -> Result<Outcome> {
        Ok(Outcome::Worth {
            validation,
            training: None,
            check: None,
            bytes_per_item: None,
        })
    }

    #[test]
    fn a_logged_trial_is_not_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trials.jsonl");
        let values = Values::default();
        let mut first = Trials::open(&path, &header("a")).unwrap();
        first.trial("x", 0, &values, || worth(0.5)).unwrap();
        first.trial("x", 1, &values, || Ok(Outcome::Pruned)).unwrap();
        first
            .trial("x", 2, &values, || Err(Error::Data("too few".into())))
            .unwrap();
        let stopped = first.trial("x", 3, &values, || Err(Error::Interrupted));
        assert!(matches!(stopped, Err(Error::Interrupted)));
        let mut again = Trials::open(&path, &header("a")).unwrap();
        for number in 0..3 {
            again.trial("x", number, &values, || panic!("made again")).unwrap();
        }
        assert_eq!(again.records, first.records);
        assert_eq!(again.records[2].note.as_deref(), Some("too few"));
        let made = again.trial("x", 3, &values, || worth(0.25)).unwrap();
        assert_eq!(made.validation, Some(0.25));
    }

    #[test]
    fn a_torn_line_is_dropped_and_other_data_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trials.jsonl");
        let values = Values::default();
        Trials::open(&path, &header("a"))
            .unwrap()
            .trial("x", 0, &values, || worth(0.5))
            .unwrap();
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{whole}{{\"phase\":\"x\",\"nu")).unwrap();
        let mut again = Trials::open(&path, &header("a")).unwrap();
        again.trial("x", 1, &values, || worth(0.75)).unwrap();
        assert_eq!(Trials::open(&path, &header("a")).unwrap().earlier.len(), 2);
        let refused = Trials::open(&path, &header("b")).unwrap_err().to_string();
        assert!(refused.contains("other data") && refused.contains("--log"), "{refused}");
        std::fs::write(&path, "no json\n").unwrap();
        assert!(Trials::open(&path, &header("a"))
            .unwrap_err()
            .to_string()
            .contains("trials.jsonl:1"));
    }
    #[test]
    fn bytes_are_kept_and_a_log_without_them_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trials.jsonl");
        let values = Values::default();
        let sized = || {
            Ok(Outcome::Worth {
                validation: 0.5,
                training: None,
                check: None,
                bytes_per_item: Some(12.5),
            })
        };
        let mut first = Trials::open(&path, &header("a")).unwrap();
        first.trial("shape 1", 0, &values, sized).unwrap();
        first.trial("x", 0, &values, || worth(0.25)).unwrap();
        let records = read(&path).unwrap().1;
        assert_eq!(
            [records[0].bytes_per_item, records[1].bytes_per_item],
            [Some(12.5), None]
        );
        assert!(records[0].is_shape() && !records[1].is_shape());
        let text = std::fs::read_to_string(&path).unwrap();
        let earlier = text.replace(",\"bytes_per_item\":12.5", "");
        assert!(earlier != text && !earlier.contains("bytes_per_item"), "{text}");
        std::fs::write(&path, earlier).unwrap();
        let mut again = Trials::open(&path, &header("a")).unwrap();
        let record = again.trial("shape 1", 0, &values, || panic!("made again")).unwrap();
        assert_eq!((record.validation, record.bytes_per_item), (Some(0.5), None));
    }
}
