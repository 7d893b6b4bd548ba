//! From a few parameters to the tables and weights of a blend: how much a history's items count by how far back they are, and
//! what a device adds for its own items. Invariant: tables are whole numbers in the format's range, whatever the parameters.
//! [`super::tune`] searches [`space`]; [`super::weigh`] then learns the weights of the parts.

use super::space::{param, Param, Range, Values};
use crate::dataset::{Dataset, Order};
use crate::evaluate::Protocol;
use pocketrank::{Blend, BlendRow, ONCE, ONE};

/// Weight of each event kind, 256 for 1.0, in the order of `EventKind`: an impression says nothing, a purchase most, a
/// removal takes back what the addition said.
const KINDS: [i16; 9] = [0, 128, 256, 384, 512, -512, 512, 768, -1024];
/// Histories from which on another row of tables and weights holds.
pub const HISTORY_LENGTHS: [u16; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 16];
/// Beyond so many items back nothing changes.
const POSITIONS: usize = 32;
/// Classes of popularity that the gate of content knows.
const POPULARITIES: usize = 16;
/// Beyond this length of history a power of it changes nothing.
const LONGEST: f64 = 8.0;

/// What can be searched for such data.
pub fn space(dataset: &Dataset, protocol: Protocol) -> Vec<Param> {
    // Where what was seen is left out of the list, its own score is idle, and older items say more.
    let mut space = if matches!(protocol, Protocol::LastOfUser { .. }) {
        vec![
            param("recency", Range::Linear(0.0, 2.0), 0.4),
            param("older", Range::Linear(0.05, 1.0), 0.8),
            param("older_length", Range::Linear(-1.0, 0.3), 0.0),
        ]
    } else {
        vec![
            param("recency", Range::Linear(0.0, 2.0), 0.83),
            param("older", Range::Linear(0.05, 1.0), 0.52),
            param("older_length", Range::Linear(-1.0, 0.3), -0.38),
            param("repeat", Range::Log(0.02, 20.0), 5.0),
            param("repeat_older", Range::Log(0.02, 20.0), 3.1),
            param("repeat_fading", Range::Linear(0.3, 1.0), 0.7),
            param("repeat_length", Range::Linear(-1.0, 0.5), 0.0),
            param("repeat_twice", Range::Linear(0.8, 4.0), 1.33),
            param("repeat_thrice", Range::Linear(0.8, 6.0), 1.6),
        ]
    };
    space.push(param("popularity", Range::Log(1e-4, 2.0), 0.01));
    if dataset.order == Order::Time {
        space.push(param("trend", Range::Log(1e-4, 1.0), 1e-3));
        space.push(param("newness", Range::Log(1e-4, 1.0), 1e-3));
        if protocol != Protocol::NextItem {
            space.push(param("half_life", Range::Log(2.0, 1000.0), 120.0));
        }
    }
    if dataset.items.iter().any(|item| item.category.is_some()) {
        space.push(param("category", Range::Log(1e-3, 2.0), 0.05));
    }
    space
}

/// The blend of these values. With `d` distinct items back and a history of `L` items, at most 8: an item's neighbours weigh 1
/// for `d` = 0, else `older * d^-recency * L^older_length`; the item itself `repeat * L^repeat_length`, for `d` > 0
/// `repeat_older * repeat_fading^d * L^repeat_length`, more where it was met twice or thrice.
pub fn serve(values: &Values) -> Blend {
    let own = |d: f64| {
        if d == 0.0 {
            values.get("repeat")
        } else {
            values.get("repeat_older") * libm::pow(values.get("repeat_fading"), d)
        }
    };
    let most = own(0.0).max(own(1.0));
    let row = |min_history: u16| {
        let length = f64::from(min_history).clamp(1.0, LONGEST);
        let back = |d: f64| {
            if d == 0.0 {
                return 1.0;
            }
            let fading = libm::pow(d, -values.get("recency"));
            values.get("older") * fading * libm::pow(length, values.get("older_length"))
        };
        // As many as a history of this row can have, before the next row holds.
        let positions = match min_history {
            0..=7 => usize::from(min_history).max(1),
            8..=15 => 16,
            _ => POSITIONS,
        };
        BlendRow {
            min_history,
            recency: table(positions, back),
            repeat_recency: table(positions, |d| if most > 0.0 { own(d) / most } else { 0.0 }),
            neighbours: 1.0,
            repeat: (most * libm::pow(length, values.get("repeat_length"))) as f32,
            // Packing leaves it out where the model has no factors.
            factors: 1.0,
            content: 0.0,
            category: values.get("category") as f32,
            brand: values.get("category") as f32 * 0.4,
            price_band: values.get("category") as f32 * 0.2,
            popularity: if min_history == 0 {
                1.0
            } else {
                values.get("popularity") as f32
            },
            trend: values.get("trend") as f32,
            newness: values.get("newness") as f32,
        }
    };
    let half_life = values.get("half_life");
    let times = |factor: f64| libm::round(factor.max(0.0) * f64::from(ONCE)).min(f64::from(u16::MAX)) as u16;
    Blend {
        kinds: KINDS,
        decay: if half_life > 0.0 {
            let days = (half_life * 4.0).clamp(1.0, 720.0) as usize;
            table(days, |age| libm::exp2(-age / half_life))
        } else {
            vec![ONE]
        },
        newness: table(60, |age| 1.0 - age / 59.0),
        times: vec![ONCE],
        repeat_times: vec![
            ONCE,
            times(values.get("repeat_twice")),
            times(values.get("repeat_thrice")),
        ],
        cold: cold(0.0),
        rows: HISTORY_LENGTHS.map(row).to_vec(),
        ..Blend::default()
    }
}

/// How much content counts by an item's popularity: the share that it lacks of the most popular's, to the power of `gate`.
pub fn cold(gate: f64) -> Vec<u16> {
    table(POPULARITIES, |code| libm::pow(1.0 - code / POPULARITIES as f64, gate))
}

/// A blend of one weight for neighbours, for an item itself and for popularity, without recency or decay; the last alone where
/// there is no history.
pub fn plain(repeat: f32, popularity: f32) -> Blend {
    let row = |min_history, popularity| BlendRow {
        min_history,
        recency: vec![ONE],
        repeat_recency: vec![ONE],
        neighbours: 1.0,
        repeat,
        popularity,
        ..BlendRow::default()
    };
    let adding_up: Vec<u16> = (1..16).map(|n| n * ONCE).collect();
    Blend {
        kinds: KINDS,
        decay: vec![ONE],
        newness: vec![ONE],
        times: adding_up.clone(),
        repeat_times: adding_up,
        cold: cold(0.0),
        rows: vec![row(0, 1.0), row(1, popularity)],
        ..Blend::default()
    }
}

/// Factors from 0 to 1 as the format has them; those beyond the last that differs are left out.
fn table(len: usize, value: impl Fn(f64) -> f64) -> Vec<u16> {
    let mut table: Vec<u16> = (0..len)
        .map(|at| libm::round(value(at as f64).clamp(0.0, 1.0) * f64::from(ONE)) as u16)
        .collect();
    while table.len() > 1 && table[table.len() - 2] == table[table.len() - 1] {
        table.pop();
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_follow_the_formulas() {
        let mut values = Values::default();
        for (name, value) in [
            ("recency", 1.0),
            ("older", 0.6),
            ("older_length", -0.5),
            ("repeat", 3.0),
            ("repeat_older", 2.0),
            ("repeat_fading", 0.5),
            ("repeat_length", -1.0),
            ("repeat_twice", 2.0),
        ] {
            values.set(name, value);
        }
        let blend = serve(&values);
        let row = blend.row(4);
        let one = f64::from(ONE);
        let back = [1.0, 0.3, 0.15, 0.1].map(|share| libm::round(share * one) as u16);
        assert_eq!(row.recency, back);
        assert_eq!(f64::from(row.repeat), 0.75);
        let own = [1.0, 1.0 / 3.0, 1.0 / 6.0, 1.0 / 12.0].map(|share| libm::round(share * one) as u16);
        assert_eq!(row.repeat_recency, own);
        assert_eq!(blend.repeat_times, [ONCE, 2 * ONCE, 0]);
        assert!(blend.check().is_ok());
        assert_eq!(cold(0.0), [ONE]);
        let gate = cold(2.0);
        assert_eq!((gate[0], gate[8], gate.len()), (ONE, ONE / 4, 16));
        assert!(serve(&Values::default()).check().is_ok());
        assert!(plain(1.0, 0.5).check().is_ok());
    }
}
