//! Cleaning of lines. Invariant: a line leaves only through [`Cleaning::drop_shown`], which counts it by its rule; the
//! order of the rules is the order of this file. After `events`, before `assemble`.

use super::account::{Effect, Tally};
use super::events::{Line, Lines, NONE};
use super::netting;
use super::Inputs;
use crate::config::{Clean, Config};
use std::collections::{HashMap, HashSet};

/// Cleaning under way.
pub(super) struct Cleaning<'a> {
    pub lines: &'a mut Lines,
    pub tally: &'a mut Tally,
}

/// Applies every rule.
pub(super) fn clean(lines: &mut Lines, config: &Config, inputs: &Inputs, tally: &mut Tally) {
    let rules = &config.clean;
    let mut cleaning = Cleaning { lines, tally };
    if let Some(now) = inputs.now {
        cleaning.drop_where("time in the future", |line| line.at > now);
    }
    if rules.drop_duplicates {
        let mut seen = HashSet::new();
        cleaning.drop_where("duplicate of an earlier row", |line| !seen.insert(line.digest()));
    }
    if !rules.not_products.is_empty() {
        let codes: Vec<bool> = (0..super::events::index(cleaning.lines.items.len()))
            .map(|item| {
                let id = cleaning.lines.items.get(item).unwrap_or_default();
                rules.not_products.iter().any(|pattern| pattern.matches(id))
            })
            .collect();
        cleaning.drop_items_where("code of no product", |item| at(&codes, item));
    }
    if config.events.cancellation.is_some() {
        netting::net(&mut cleaning, inputs.cut);
    }
    cleaning.drop_where("impossible quantity", |line| {
        // Written so that NaN is impossible.
        let possible = line.quantity > 0.0 && line.quantity <= rules.max_quantity;
        !possible
    });
    cleaning.drop_where("impossible price", |line| {
        line.price < rules.min_price || line.price > rules.max_price
    });
    if let Some(least) = config.events.min_rating {
        let name = format!("rating below {least}, or none");
        cleaning.drop_where(&name, |line| !line.rating.is_finite() || line.rating < least);
    }
    outliers(&mut cleaning, rules, inputs.cut);
    support(&mut cleaning, rules.min_item_users, rules.min_user_items);
}

/// Drops users and sessions with so many events that no person is behind them. Who that is depends on rows before `cut` alone,
/// so that training and evaluation agree on it; of whom it is, all rows go.
fn outliers(cleaning: &mut Cleaning<'_>, rules: &Clean, cut: Option<i64>) {
    let known = |line: &Line| cut.is_none_or(|cut| line.at < cut);
    let of_user: fn(&Line) -> u32 = |line| line.user;
    let of_session: fn(&Line) -> u32 = |line| line.session;
    for (what, of, quantile) in [
        ("user", of_user, rules.max_user_events_quantile),
        ("session", of_session, rules.max_session_events_quantile),
    ] {
        if quantile >= 1.0 {
            continue;
        }
        let mut counts: HashMap<u32, u64> = HashMap::new();
        for line in cleaning
            .lines
            .lines
            .iter()
            .filter(|line| known(line) && of(line) != NONE)
        {
            *counts.entry(of(line)).or_default() += 1;
        }
        let mut sorted: Vec<u64> = counts.values().copied().collect();
        sorted.sort_unstable();
        let rank = (quantile * sorted.len() as f64).ceil() as usize;
        let Some(usual) = rank.checked_sub(1).and_then(|at| sorted.get(at)) else {
            continue;
        };
        let most = *usual as f64 * rules.outlier_factor;
        counts.retain(|_, count| *count as f64 > most);
        let name = format!("{what} of more than {most:.0} events");
        cleaning.drop_where(&name, |line| counts.contains_key(&of(line)));
    }
}

impl Cleaning<'_> {
    /// Drops the lines that `refused` picks and counts them by that rule.
    pub fn drop_where(&mut self, rule: &str, refused: impl FnMut(&Line) -> bool) {
        self.drop_shown(rule, refused, Lines::place);
    }

    /// Drops the lines of items that `refused` picks; the examples name them.
    fn drop_items_where(&mut self, rule: &str, refused: impl Fn(u32) -> bool) {
        self.drop_shown(rule, |line| refused(line.item), Lines::place_of_item);
    }

    fn drop_shown(
        &mut self,
        rule: &str,
        mut refused: impl FnMut(&Line) -> bool,
        shown: impl Fn(&Lines, &Line) -> String,
    ) {
        let rule = self.tally.rule(rule, Effect::Dropped);
        let mut kept = std::mem::take(&mut self.lines.lines);
        kept.retain(|line| {
            let refused = refused(line);
            if refused {
                rule.count(|| shown(self.lines, line));
            }
            !refused
        });
        self.lines.lines = kept;
    }
}

pub(super) fn at(flags: &[bool], place: u32) -> bool {
    flags.get(place as usize).copied().unwrap_or(false)
}

/// Drops items with too few users and users with too few items, until none is left that has too few.
fn support(cleaning: &mut Cleaning<'_>, min_item_users: u32, min_user_items: u32) {
    let mut pairs: Vec<(u32, u32)> = cleaning.lines.lines.iter().map(|line| (line.user, line.item)).collect();
    pairs.sort_unstable();
    pairs.dedup();
    let mut rare_items = vec![false; cleaning.lines.items.len()];
    let mut rare_users = vec![false; cleaning.lines.users.len()];
    loop {
        let before = pairs.len();
        drop_rare(&mut pairs, &mut rare_items, min_item_users, |pair| pair.1);
        drop_rare(&mut pairs, &mut rare_users, min_user_items, |pair| pair.0);
        if pairs.len() == before {
            break;
        }
    }
    let name = format!("item with fewer than {min_item_users} users");
    cleaning.drop_items_where(&name, |item| at(&rare_items, item));
    let name = format!("user with fewer than {min_user_items} items");
    cleaning.drop_where(&name, |line| at(&rare_users, line.user));
}

fn drop_rare(pairs: &mut Vec<(u32, u32)>, rare: &mut [bool], least: u32, of: impl Fn(&(u32, u32)) -> u32) {
    let mut counts = vec![0u32; rare.len()];
    for pair in pairs.iter() {
        if let Some(count) = counts.get_mut(of(pair) as usize) {
            *count += 1;
        }
    }
    for (rare, count) in rare.iter_mut().zip(counts) {
        *rare |= count > 0 && count < least;
    }
    pairs.retain(|pair| !at(rare, of(pair)));
}
