//! Who had to do with what: the binary matrix behind item-item models.

use crate::dataset::{Dataset, Interaction};
use pocketrank::EventKind;
use std::collections::HashMap;

/// Whether an event says that somebody wants an item (an impression, a removal and a dismissal do not).
pub fn positive(kind: EventKind) -> bool {
    !matches!(
        kind,
        EventKind::ViewItemList | EventKind::RemoveFromCart | EventKind::Dismiss
    )
}

/// What stands for a row of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Everything that a user had to do with.
    User,
    /// What was in one session or basket.
    Session,
}

impl Basis {
    /// The basis in words.
    pub fn name(self) -> &'static str {
        match self {
            Basis::User => "users",
            Basis::Session => "sessions",
        }
    }
}

/// Binary matrix of groups (users or sessions) and items, both ways round. Groups know their user, so that support can be
/// counted in customers.
#[derive(Debug, Clone)]
pub struct Interactions {
    /// Items of each group, ascending.
    pub by_group: Vec<Vec<u32>>,
    /// Groups of each item, ascending.
    pub by_item: Vec<Vec<u32>>,
    /// User of each group.
    pub users: Vec<u32>,
}

impl Interactions {
    /// Collects the positive events. `rows` maps a dataset's item to its row, or to nothing where it does not ship.
    pub fn new(events: &[Interaction], rows: &[Option<u32>], items: usize, basis: Basis) -> Self {
        let mut groups = HashMap::new();
        let (mut by_group, mut users): (Vec<Vec<u32>>, Vec<u32>) = (vec![], vec![]);
        for event in events.iter().filter(|event| positive(event.kind)) {
            let Some(row) = rows[event.item as usize] else { continue };
            let key = match basis {
                Basis::User => event.user,
                Basis::Session => event.session,
            };
            let group = *groups.entry(key).or_insert_with(|| {
                by_group.push(vec![]);
                users.push(event.user);
                by_group.len() - 1
            });
            by_group[group].push(row);
        }
        let mut by_item = vec![vec![]; items];
        for (group, rows) in (0u32..).zip(&mut by_group) {
            rows.sort_unstable();
            rows.dedup();
            rows.iter().for_each(|row| by_item[*row as usize].push(group));
        }
        Interactions {
            by_group,
            by_item,
            users,
        }
    }

    /// The number of items.
    pub fn items(&self) -> usize {
        self.by_item.len()
    }

    /// Calls `emit` for each source item with its co-occurring items, in an order that depends on the interactions only:
    /// `(target, sum of weight(group), distinct customers)`. Sums are equal both ways round, bit for bit. Items are worked on
    /// by all cores; results are handed out in the order of the sources.
    pub fn co_occurrences<T: Send>(
        &self,
        weight: impl Fn(u32) -> f32 + Sync,
        emit: impl Fn(u32, &[CoOccurrence]) -> T + Sync,
    ) -> Vec<T> {
        let scratch = || Scratch::new(self.items());
        crate::parallel::map_with(self.items(), scratch, |scratch, source| {
            emit(source as u32, self.row(source, &weight, scratch))
        })
    }

    fn row<'a>(&self, source: usize, weight: &impl Fn(u32) -> f32, scratch: &'a mut Scratch) -> &'a [CoOccurrence] {
        scratch.touched.clear();
        // Groups of one user lie together in time, not in this list; sort by user so that customers are counted once.
        scratch.groups.clear();
        scratch.groups.extend(
            self.by_item[source]
                .iter()
                .map(|group| (self.users[*group as usize], *group)),
        );
        scratch.groups.sort_unstable();
        for (user, group) in &scratch.groups {
            let weight = weight(*group);
            for target in &self.by_group[*group as usize] {
                let cell = &mut scratch.cells[*target as usize];
                if cell.customers == 0 {
                    scratch.touched.push(*target);
                }
                if cell.customers == 0 || cell.last != *user {
                    cell.customers += 1;
                    cell.last = *user;
                }
                cell.sum += weight;
            }
        }
        scratch.row.clear();
        for target in &scratch.touched {
            let cell = std::mem::take(&mut scratch.cells[*target as usize]);
            if *target as usize != source {
                scratch.row.push(CoOccurrence {
                    target: *target,
                    sum: cell.sum,
                    customers: cell.customers,
                });
            }
        }
        &scratch.row
    }
}

/// What two items have in common.
#[derive(Debug, Clone, Copy)]
pub struct CoOccurrence {
    /// The other item.
    pub target: u32,
    /// Sum of the weights of the groups that hold both.
    pub sum: f32,
    /// Distinct customers who had to do with both.
    pub customers: u32,
}

#[derive(Clone, Copy, Default)]
struct Cell {
    sum: f32,
    customers: u32,
    last: u32,
}

struct Scratch {
    cells: Vec<Cell>,
    touched: Vec<u32>,
    groups: Vec<(u32, u32)>,
    row: Vec<CoOccurrence>,
}

impl Scratch {
    fn new(items: usize) -> Self {
        Scratch {
            cells: vec![Cell::default(); items],
            touched: vec![],
            groups: vec![],
            row: vec![],
        }
    }
}

/// The items that ship: those that at least `min_customers` users had to do with. Gives the dataset's item of each row, in
/// the dataset's order, and the row of each of the dataset's items.
pub fn shipped(dataset: &Dataset, events: &[Interaction], min_customers: u32) -> (Vec<u32>, Vec<Option<u32>>) {
    let mut pairs: Vec<(u32, u32)> = events
        .iter()
        .filter(|event| positive(event.kind))
        .map(|event| (event.item, event.user))
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    let mut customers = vec![0u32; dataset.items.len()];
    pairs.iter().for_each(|(item, _)| customers[*item as usize] += 1);
    let mut rows = vec![None; dataset.items.len()];
    let mut items = vec![];
    for (item, customers) in (0u32..).zip(customers) {
        if customers >= min_customers.max(1) {
            rows[item as usize] = Some(items.len() as u32);
            items.push(item);
        }
    }
    (items, rows)
}
