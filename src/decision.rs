//! What is decided of a slot before it is ranked: experiments ► rules ► model, list, template, how it is ranked.
//!
//! Invariant: a rule that applies comes before an arm, and an arm before what the page says. Equal snapshot, page, profile and time give
//! the same decision on every host.

use crate::condition::Value;
use crate::experiment::{Assignment, Blended, Experiments, Settings, Visitor};
use crate::profile::Profile;
use crate::rule::{Ask, Moves, Orders, Rules};
use crate::snapshot::Snapshot;

/// Who asks, and when.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// The page's attributes, as [`page::attributes`](crate::page::attributes) makes them: an object.
    pub attributes: &'a Value,
    /// The visitor's profile, the empty one without consent.
    pub profile: &'a Profile,
    /// Seconds since 1970-01-01 UTC.
    pub now: u32,
}

/// What experiments and rules make of a slot for a visitor.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision<'a> {
    slot: &'a str,
    settings: Settings<'a>,
    orders: Orders<'a>,
}

impl<'a> Decision<'a> {
    /// Decides. The snapshot is the usual one, whose labels conditions name, also where an arm ranks with another.
    pub fn make<B: AsRef<[u8]>>(
        experiments: &'a Experiments,
        rules: &'a Rules,
        snapshot: &Snapshot<B>,
        slot: &'a str,
        asking: &Asking<'a>,
    ) -> Self {
        let mut visitor = Visitor::of(asking.profile, asking.attributes);
        let settings = experiments.settings(&mut visitor);
        let ask = Ask {
            slot,
            attributes: asking.attributes,
            profile: asking.profile,
            now: asking.now,
        };
        let orders = rules.orders(snapshot, &ask, |id| settings.rule(id));
        Decision { slot, settings, orders }
    }

    /// The name of another model than the usual one.
    pub fn model(&self) -> Option<&'a str> {
        self.settings.model()
    }

    /// The name of another candidates list than the page's.
    pub fn list(&self) -> Option<&'a str> {
        self.orders.list().or_else(|| self.settings.list(self.slot))
    }

    /// The name of another template than the page's.
    pub fn template(&self) -> Option<&'a str> {
        self.orders.template().or_else(|| self.settings.template(self.slot))
    }

    /// How much the items are to differ, from 0 to 1, if that is not as usual.
    pub fn diversity(&self) -> Option<f32> {
        self.settings.diversity(self.slot)
    }

    /// Factors on the weights of the blend, if there are any.
    pub fn blend(&self) -> Option<Blended<'a>> {
        self.settings.blend()
    }

    /// What rules do to the slate, in rows of the snapshot that ranks.
    pub fn moves<B: AsRef<[u8]>>(&self, snapshot: &Snapshot<B>) -> Moves {
        Moves::resolve(&self.orders, snapshot)
    }

    /// The experiments that the visitor is in by chance, here or elsewhere on the page: what a shop's analytics counts as seen.
    pub fn assignments(&self) -> impl Iterator<Item = &Assignment<'a>> {
        self.settings
            .assignments
            .iter()
            .filter(|assignment| assignment.hash_used)
    }
}
