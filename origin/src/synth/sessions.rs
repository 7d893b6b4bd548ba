//! The visits to the synthetic shop. Invariant: a visitor's hidden taste drives what is seen, what is seen drives what is
//! put in the cart, and nothing is bought that was not in the cart or before it was on sale. Written by `files`.

use super::catalogue::Product;
use super::taste::{agreement, blend, Dice, Taste, World, STYLES};
use super::words::CATEGORIES;
use super::{Options, BEGIN, DAYS};
use crate::progress::Progress;
use pocketrank::EventKind;

/// One visit.
#[derive(Debug, Clone, PartialEq)]
pub struct Visit {
    /// The visitor, as a cookie would name them.
    pub visitor: String,
    /// The visit, as GA4 numbers it: its first second.
    pub session: i64,
    /// What happened, by time.
    pub lines: Vec<Line>,
}

/// One event of a visit.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Microseconds since 1970-01-01 UTC.
    pub at: i64,
    /// What.
    pub kind: EventKind,
    /// Which products (places in the list), and how many of each.
    pub items: Vec<(usize, u32)>,
}

struct Visitor {
    taste: Taste,
    /// How much each category is liked.
    likes: [f64; CATEGORIES.len()],
    activity: f64,
    bought: Vec<usize>,
}

/// Strength of taste in what is looked at; of popularity at 1.
const DEVOTION: f64 = 4.5;

/// Makes the visits, by time.
pub(super) fn visits(world: &World, products: &[Product], options: &Options, progress: &Progress) -> Vec<Visit> {
    let mut stage = progress.stage("visiting the shop", u64::from(options.sessions));
    let mut people = visitors(world, (options.sessions / 4).max(1));
    let activity: Vec<f64> = people.iter().map(|visitor| visitor.activity).collect();
    let mut dice = Dice::new(world.seed, "visits");
    let mut visits: Vec<(i64, usize)> = (0..options.sessions)
        .map(|_| (moment(&mut dice), cumulative_pick(&activity, &mut dice)))
        .collect();
    visits.sort_unstable();
    let mut made = Vec::with_capacity(visits.len());
    for (number, (begin, who)) in visits.into_iter().enumerate() {
        let Some(visitor) = people.get_mut(who) else { continue };
        let lines = visit(world, products, visitor, begin, &mut dice);
        let visitor = format!("{}.{}", 100_000_000 + who * 7919 % 899_999_999, BEGIN);
        made.push(Visit {
            visitor,
            session: begin,
            lines,
        });
        if number % 256 == 0 {
            stage.add(256);
        }
    }
    made
}

fn visitors(world: &World, count: u32) -> Vec<Visitor> {
    let mut dice = Dice::new(world.seed, "visitors");
    (0..count)
        .map(|_| {
            let first = world.near(dice.below(STYLES), 0.3, &mut dice);
            let second = world.near(dice.below(STYLES), 0.3, &mut dice);
            Visitor {
                taste: blend(&first, &second, 0.45),
                likes: std::array::from_fn(|_| libm::exp(1.3 * dice.normal())),
                activity: libm::exp(0.9 * dice.normal()),
                bought: Vec::new(),
            }
        })
        .collect()
}

/// A second of the 90 days: more in the evening, on Sundays and as the shop grows.
fn moment(dice: &mut Dice) -> i64 {
    loop {
        let day = dice.below(DAYS as usize) as i64;
        let hour = libm::fmod(20.0 + 3.6 * dice.normal() + 48.0, 24.0);
        let weekend = if day % 7 >= 5 { 1.0 } else { 0.75 };
        let growth = 0.6 + 0.4 * day as f64 / f64::from(DAYS);
        if dice.chance(weekend * growth) {
            return BEGIN + day * 86_400 + (hour * 3600.0) as i64;
        }
    }
}

fn cumulative_pick(weights: &[f64], dice: &mut Dice) -> usize {
    // Rejection is as fair as walking the list and does not grow with it.
    let most = weights.iter().copied().fold(0.0, f64::max);
    loop {
        let at = dice.below(weights.len());
        if weights.get(at).is_none_or(|weight| dice.unit() * most <= *weight) {
            return at;
        }
    }
}

fn visit(world: &World, products: &[Product], visitor: &mut Visitor, begin: i64, dice: &mut Dice) -> Vec<Line> {
    let day = (begin - BEGIN) as f64 / 86_400.0;
    let mut wishes: Vec<f64> = visitor.likes.to_vec();
    for (wish, category) in wishes.iter_mut().zip(&CATEGORIES) {
        let season = libm::cos(std::f64::consts::TAU * (day / f64::from(DAYS) - category.peak));
        *wish *= 1.0 + 0.35 * season;
    }
    let intent = dice.weighted(&wishes);
    // A passing fancy on top of the lasting taste.
    let fancy = world.near(dice.below(STYLES), 0.3, dice);
    let mut mood = blend(&visitor.taste, &fancy, 0.25);
    let mut at = begin * 1_000_000;
    let mut lines = Vec::new();
    let (mut cart, mut seen): (Vec<(usize, u32)>, Vec<usize>) = (Vec::new(), Vec::new());
    let looks = 2 + dice.below(4) + if dice.chance(0.3) { dice.below(8) } else { 0 };
    for _ in 0..looks {
        let weights: Vec<f64> = products
            .iter()
            .enumerate()
            .map(|(place, product)| {
                appeal(
                    product,
                    &mood,
                    day,
                    intent,
                    seen.contains(&place),
                    visitor.bought.contains(&place),
                )
            })
            .collect();
        let choice = dice.weighted(&weights);
        let Some(product) = products.get(choice) else { break };
        if weights.get(choice).is_none_or(|weight| *weight <= 0.0) {
            break;
        }
        let mut push = |lines: &mut Vec<Line>, kind, seconds: f64| {
            at += (seconds * 1e6) as i64;
            lines.push(Line {
                at,
                kind,
                items: vec![(choice, 1)],
            });
        };
        let pause = dice.between(6.0, 90.0);
        push(&mut lines, EventKind::ViewItem, pause);
        seen.push(choice);
        let liking = agreement(&visitor.taste, &product.taste);
        mood = blend(&mood, &product.taste, 0.25);
        if product.in_stock && dice.chance(0.03 + 0.4 * liking.max(0.0)) {
            push(&mut lines, EventKind::AddToCart, 4.0 + pause / 3.0);
            let several = if product.price < 25.0 && dice.chance(0.25) {
                2
            } else {
                1
            };
            cart.push((choice, several));
        } else if dice.chance(0.08 * liking.max(0.0)) {
            push(&mut lines, EventKind::AddToWishlist, 3.0);
        }
        if cart.len() > 1 && dice.chance(0.06) {
            if let Some((dropped, _)) = cart.pop() {
                at += 5_000_000;
                lines.push(Line {
                    at,
                    kind: EventKind::RemoveFromCart,
                    items: vec![(dropped, 1)],
                });
            }
        }
    }
    cart.sort_unstable();
    cart.dedup_by_key(|(place, _)| *place);
    if !cart.is_empty() && dice.chance(0.7) {
        lines.push(Line {
            at: at + 20_000_000,
            kind: EventKind::BeginCheckout,
            items: cart.clone(),
        });
        if dice.chance(0.75) {
            visitor.bought.extend(cart.iter().map(|(place, _)| *place));
            lines.push(Line {
                at: at + 95_000_000,
                kind: EventKind::Purchase,
                items: cart,
            });
        }
    }
    lines
}

/// How much a product draws this visitor now.
fn appeal(product: &Product, mood: &Taste, day: f64, intent: usize, seen: bool, bought: bool) -> f64 {
    if f64::from(product.since) > day {
        return 0.0;
    }
    let news = if product.since > 0 {
        1.0 + 1.5 * libm::exp(-(day - f64::from(product.since)) / 10.0)
    } else {
        1.0
    };
    let wanted = if product.kind == intent { 1.0 } else { 0.06 };
    let again = match (bought, seen) {
        (true, _) => 0.05,
        (false, true) => 0.3,
        (false, false) => 1.0,
    };
    let drift = product.trend * (day / f64::from(DAYS) - 0.5);
    product.popularity * libm::exp(DEVOTION * agreement(mood, &product.taste) + drift) * news * wanted * again
}
