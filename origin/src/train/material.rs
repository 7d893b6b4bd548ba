//! What models are fitted on: the items that ship, and the events as matrices and sequences, each made once when first asked
//! for. Invariant: items that fewer than `min_customers` had to do with ship only where the catalogue lists them, and no event
//! counts for them: what ships of them follows from the catalogue alone.

use super::content::ContentModel;
use super::edges::{Edges, Learned};
use super::interactions::{positive, shipped, Basis, Interactions};
use super::sequences::Sequences;
use crate::config::Config;
use crate::control::Control;
use crate::dataset::{Dataset, Interaction, Item, Order};
use crate::error::{Error, Result};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// One set of events to fit on.
#[derive(Debug)]
pub struct Material<'a> {
    /// The dataset that the events are of.
    pub dataset: &'a Dataset,
    /// The events, in the order of time.
    pub events: &'a [Interaction],
    /// The fewest customers behind an edge, a row and an item.
    pub min_customers: u32,
    /// The dataset's item of each row with `min_customers` behind it, which behaviour is learned of.
    pub items: Vec<u32>,
    /// The dataset's items that ship for what the catalogue says of them, in the rows behind those of `items`.
    pub cold: Vec<u32>,
    /// The row of each of the dataset's items in `items`.
    pub rows: Vec<Option<u32>>,
    /// Positive events of each row of `items`.
    pub counts: Vec<u32>,
    /// How content becomes vectors.
    pub content: ContentModel,
    users: OnceLock<Interactions>,
    sessions: OnceLock<Interactions>,
    sequences: OnceLock<Sequences>,
    learned: Mutex<Option<(Edges, Arc<Learned>)>>,
}

impl<'a> Material<'a> {
    /// Finds the items that ship.
    ///
    /// # Errors
    /// [`Error::Data`] where there is none.
    pub fn new(dataset: &'a Dataset, events: &'a [Interaction], min_customers: u32) -> Result<Self> {
        let (items, rows) = shipped(dataset, events, min_customers);
        if items.is_empty() {
            return Err(Error::Data(format!(
                "no item has the {min_customers} customers that it takes to ship it ({} events, {} items, {} users); \
                 lower --min-customers or bring more data",
                events.len(),
                dataset.items.len(),
                dataset.users.len()
            )));
        }
        let mut counts = vec![0u32; items.len()];
        for event in events.iter().filter(|event| positive(event.kind)) {
            if let Some(row) = rows[event.item as usize] {
                counts[row as usize] += 1;
            }
        }
        let listed = |item: &u32| rows[*item as usize].is_none() && is_described(dataset, *item);
        let cold = (0..dataset.items.len() as u32).filter(listed).collect();
        Ok(Material {
            dataset,
            events,
            min_customers,
            cold,
            items,
            rows,
            counts,
            content: ContentModel::new(&Config::default()),
            users: OnceLock::new(),
            sessions: OnceLock::new(),
            sequences: OnceLock::new(),
            learned: Mutex::default(),
        })
    }

    /// The dataset's item of each row that ships.
    pub fn shipped(&self) -> Vec<u32> {
        [self.items.as_slice(), &self.cold].concat()
    }

    /// Who had to do with what.
    pub fn interactions(&self, basis: Basis) -> &Interactions {
        let made = || Interactions::new(self.events, &self.rows, self.items.len(), basis);
        match basis {
            Basis::User => self.users.get_or_init(made),
            Basis::Session => self.sessions.get_or_init(made),
        }
    }

    /// The sessions, oldest first, with their clicks in order.
    pub fn sequences(&self) -> &Sequences {
        self.sequences.get_or_init(|| Sequences::new(self.events, &self.rows))
    }

    /// The edges of a two-hop table with what was learned of them; the last is remembered.
    ///
    /// # Errors
    /// As [`Edges::fit`].
    pub fn learned(&self, edges: &Edges, control: &Control) -> Result<Arc<Learned>> {
        let last = || self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, learned)) = last().as_ref().filter(|(of, _)| of == edges) {
            return Ok(Arc::clone(learned));
        }
        let learned = Arc::new(edges.fit(self.sequences(), self.items.len(), self.min_customers, control)?);
        *last() = Some((*edges, Arc::clone(&learned)));
        Ok(learned)
    }

    /// Whether the catalogue, or vectors from outside, say anything of items but their ids that content is to count.
    pub fn has_content(&self) -> bool {
        let item = |item: &u32| &self.dataset.items[*item as usize];
        let counts = &self.content;
        let said = |item: &Item| {
            (counts.text.weight > 0.0 && has_text(item)) || (counts.numbers > 0.0 && item.price.is_some())
        };
        (counts.vectors > 0.0 && self.dataset.vectors.is_some())
            || self.items.iter().chain(&self.cold).map(item).any(said)
    }

    /// Whether sessions are other groups of events than users are.
    pub fn has_sessions(&self) -> bool {
        self.dataset.order != Order::Lists
            && self.interactions(Basis::Session).by_group.len() > self.interactions(Basis::User).by_group.len()
    }
}

/// Whether the catalogue lists an item, for sale, with more than its id and price to rank it by.
fn is_described(dataset: &Dataset, item: u32) -> bool {
    let vectors = dataset.vectors.as_ref();
    let has_vector = || vectors.is_some_and(|vectors| vectors.row(item as usize).iter().any(|x| *x != 0.0));
    let item = &dataset.items[item as usize];
    item.listed && item.in_stock && (has_text(item) || has_vector())
}

/// Whether there are words about an item, which [`crate::features::text`] takes.
fn has_text(item: &Item) -> bool {
    let texts = [&item.description, &item.category, &item.brand];
    item.name != item.id || texts.into_iter().any(Option::is_some) || !item.tags.is_empty()
}
