//! The same questions for other systems, which then answer them on their own. Invariant: users and queries are running
//! numbers and never customers.

use super::questions::Questions;
use super::trec::{word, write_qrels};
use crate::dataset::{Dataset, Interaction};
use crate::error::Result;
use crate::output;
use crate::train::interactions::positive;
use pocketrank::{item_hash, ItemHash};
use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

/// Writes to a folder: `train.txt` with a line `user item item ...` for each user of the events to fit on, `queries.txt`
/// with a line `query item item ...` for each query and the items of its history, both oldest first, `exclude.txt` likewise with
/// what the list leaves out, and `qrels.txt` with the right answers.
///
/// # Errors
/// [`crate::error::Error::Io`] where a file cannot be written.
pub fn export(folder: &Path, dataset: &Dataset, fit: &[Interaction], asked: &Questions) -> Result<()> {
    let name = |item: u32| word(asked.id(dataset, item).unwrap_or_default());
    let mut users: Vec<String> = vec![String::new(); dataset.users.len()];
    for event in fit.iter().filter(|event| positive(event.kind)) {
        let line = &mut users[event.user as usize];
        if line.is_empty() {
            let _ = write!(line, "{}", event.user);
        }
        let _ = write!(line, " {}", name(event.item));
    }
    users.retain(|line| !line.is_empty());
    let items = (0..(dataset.items.len() + asked.unseen.len()) as u32).map(|item| (asked.id(dataset, item), item));
    let items: HashMap<ItemHash, u32> = items.filter_map(|(id, item)| Some((item_hash(id?), item))).collect();
    let (mut queries, mut exclude) = (String::new(), String::new());
    for (number, query) in (1u32..).zip(&asked.queries) {
        let _ = write!(queries, "{number}");
        let _ = write!(exclude, "{number}");
        for item in query.profile.events().iter().filter_map(|event| items.get(&event.item)) {
            let _ = write!(queries, " {}", name(*item));
        }
        query.exclude.iter().for_each(|item| {
            let _ = write!(exclude, " {}", name(*item));
        });
        queries.push('\n');
        exclude.push('\n');
    }
    output::write(&folder.join("train.txt"), users.join("\n").as_bytes())?;
    output::write(&folder.join("queries.txt"), queries.as_bytes())?;
    output::write(&folder.join("exclude.txt"), exclude.as_bytes())?;
    write_qrels(&folder.join("qrels.txt"), &asked.queries, name_of(asked, dataset))
}

fn name_of<'a>(asked: &'a Questions, dataset: &'a Dataset) -> impl Fn(u32) -> String + 'a {
    |item| asked.id(dataset, item).unwrap_or_default().to_owned()
}
