//! Cancellations netted against their purchases. Invariant: a cancellation never stays a line, and never takes back
//! more than was bought: the same user's purchases of the same item, the latest before it first. Part of `clean`.

use super::account::Effect;
use super::clean::Cleaning;
use super::events::Line;
use pocketrank::EventKind;
use std::collections::HashMap;

/// A quantity so small that nothing is left.
const NOTHING: f64 = 1e-9;

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mark {
    Untouched,
    Reduced,
    Gone,
    Netted,
    Partly,
    Unmatched,
    Late,
}

/// Nets every cancellation and drops it. Those at or after `cut` leave alone what was bought before it, since a model of
/// that time cannot know them.
pub(super) fn net(cleaning: &mut Cleaning<'_>, cut: Option<i64>) {
    let mut marks = marked(&mut cleaning.lines.lines, cut);
    let reduced = cleaning.tally.rule("purchase cancelled in part", Effect::Changed);
    for (line, _) in cleaning
        .lines
        .lines
        .iter()
        .zip(&marks)
        .filter(|(_, mark)| **mark == Mark::Reduced)
    {
        reduced.count(|| format!("{}: {} left", cleaning.lines.place(line), line.quantity));
    }
    for (rule, dropped) in [
        ("purchase cancelled", Mark::Gone),
        ("cancellation, netted", Mark::Netted),
        ("cancellation, netted in part", Mark::Partly),
        ("cancellation without a purchase", Mark::Unmatched),
        ("cancellation after the cut of a purchase before", Mark::Late),
    ] {
        let mut in_step = marks.iter();
        cleaning.drop_where(rule, |_| in_step.next() == Some(&dropped));
        marks.retain(|mark| *mark != dropped);
    }
}

/// Deducts cancellations from purchases; says what became of each line.
fn marked(lines: &mut [Line], cut: Option<i64>) -> Vec<Mark> {
    let mut order: Vec<usize> = (0..lines.len()).collect();
    // At the same second the purchase comes first, so that it can be cancelled.
    order.sort_by_key(|place| lines.get(*place).map(|line| (line.at, line.cancels)));
    let mut marks = vec![Mark::Untouched; lines.len()];
    let mut bought: HashMap<(u32, u32), Vec<usize>> = HashMap::new();
    for place in order {
        let Some(line) = lines.get(place).copied() else {
            continue;
        };
        if !line.cancels {
            if line.kind == EventKind::Purchase && line.quantity > 0.0 {
                bought.entry((line.user, line.item)).or_default().push(place);
            }
            continue;
        }
        let mut left = line.quantity.abs();
        let mut late = false;
        let purchases = bought.get_mut(&(line.user, line.item));
        if let Some(purchases) = purchases {
            while left > NOTHING {
                let Some(latest) = purchases.last().copied() else { break };
                let Some(purchase) = lines.get_mut(latest) else { break };
                late = cut.is_some_and(|cut| purchase.at < cut && cut <= line.at);
                if late {
                    break;
                }
                let taken = left.min(purchase.quantity);
                left -= taken;
                purchase.quantity -= taken;
                let gone = purchase.quantity <= NOTHING;
                if gone {
                    purchases.pop();
                }
                set(&mut marks, latest, if gone { Mark::Gone } else { Mark::Reduced });
            }
        }
        let mark = match left {
            left if left <= NOTHING => Mark::Netted,
            _ if late => Mark::Late,
            left if left < line.quantity.abs() => Mark::Partly,
            // NaN comes here too.
            _ => Mark::Unmatched,
        };
        set(&mut marks, place, mark);
    }
    marks
}

fn set(marks: &mut [Mark], place: usize, mark: Mark) {
    if let Some(slot) = marks.get_mut(place) {
        *slot = mark;
    }
}
