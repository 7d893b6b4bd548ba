//! Tables and starting weights of a blend; `tune` finds better ones on validation data.

use pocketrank::{Blend, BlendRow, ONCE, ONE};

/// Weight of each event kind, 256 for 1.0, in the order of `EventKind`: an impression says nothing, a purchase most, a
/// removal takes back what the addition said.
const KINDS: [i16; 9] = [0, 128, 256, 384, 512, -512, 512, 768, -1024];
/// Histories from which on another row of weights holds.
pub const HISTORY_LENGTHS: [u16; 4] = [0, 1, 4, 16];

/// A blend that starts from reasonable weights. `recency_power`: the `d`th distinct item back weighs `(d + 1)^-power`.
/// `half_life`: of an event's weight, in days; `None` for no decay.
pub fn start(recency_power: f64, half_life: Option<f64>) -> Blend {
    let recency = table(64, |d| libm::pow(d + 1.0, -recency_power));
    // Events with the same item add up.
    let times: Vec<u16> = (1..=16).map(|n| ONCE.saturating_mul(n)).collect();
    let row = |min_history| BlendRow {
        min_history,
        recency: recency.clone(),
        repeat_recency: recency.clone(),
        neighbours: 1.0,
        repeat: 0.1,
        factors: 0.0,
        content: 0.0,
        category: 0.05,
        brand: 0.02,
        price_band: 0.01,
        popularity: if min_history == 0 { 1.0 } else { 0.1 },
        trend: 0.0,
        newness: 0.0,
    };
    Blend {
        kinds: KINDS,
        decay: half_life.map_or(vec![ONE], |days| {
            table(days.ceil() as usize * 4, |age| libm::exp2(-age / days))
        }),
        newness: table(60, |age| 1.0 - age / 59.0),
        times: times.clone(),
        repeat_times: times,
        cold: vec![ONE],
        rows: HISTORY_LENGTHS.map(row).to_vec(),
        ..Blend::default()
    }
}

fn table(len: usize, value: impl Fn(f64) -> f64) -> Vec<u16> {
    (0..len)
        .map(|at| libm::round(value(at as f64) * f64::from(ONE)) as u16)
        .collect()
}
