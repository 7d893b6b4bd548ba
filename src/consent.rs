//! What the visitor allows, and the [`Grant`] that alone opens a profile.
//!
//! Invariant: without a yes that can be read there is no grant, and without a grant a profile can neither be
//! written nor read back; an ungranted read or write does not compile.
//! Hosts read the signals, this module decides, `profile` and `capsule` obey.
//!
//! ```compile_fail
//! # use pocketrank::{Event, Profile};
//! let mut profile = Profile::default();
//! profile.record(Event::default()); // no grant, no write
//! ```
//!
//! ```compile_fail
//! let forged = pocketrank::Grant { mode: pocketrank::Mode::Session }; // only `Consent` mints grants
//! ```

/// How much of the visitor the runtime may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Nothing about the visitor is read, kept or sent.
    #[default]
    Contextual,
    /// The profile lives as long as the tab.
    Session,
    /// The profile is kept on the device.
    Persistent,
}

impl Mode {
    /// The mode's name: `contextual`, `session` or `persistent`.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Contextual => "contextual",
            Mode::Session => "session",
            Mode::Persistent => "persistent",
        }
    }

    /// The mode of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        let modes = [Mode::Contextual, Mode::Session, Mode::Persistent];
        modes.into_iter().find(|mode| mode.name() == name)
    }
}

/// Global Privacy Control, from `Sec-GPC` or `navigator.globalPrivacyControl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gpc {
    /// The browser does not send it, or sends that it is off.
    #[default]
    Off,
    /// The visitor objects.
    On,
    /// There is a signal that cannot be understood; it counts as an objection.
    Unreadable,
}

impl Gpc {
    /// Reads the header `Sec-GPC`: absent is off, `1` is on, anything else is unreadable.
    pub fn from_header(value: Option<&str>) -> Self {
        match value.map(str::trim) {
            None => Gpc::Off,
            Some("1") => Gpc::On,
            Some(_) => Gpc::Unreadable,
        }
    }
}

/// What the visitor chose when asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Choice {
    /// How much may be used.
    pub mode: Mode,
    /// Whether the capsule may go with page requests to the page's own edge.
    pub capsule: bool,
}

/// What the sources say that a shop has wired up (a consent platform, a consent mode), each by one bit: a set, because all must allow.
/// A source that does not apply to the visitor adds no bit; a bit that has no name is an objection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Answers(pub u32);

impl Answers {
    /// One of them has a yes of the visitor.
    pub const ALLOWED: u32 = 1;
    /// One of them has not answered yet: there is no grant until it has, and nothing is to be erased on account of it.
    pub const AWAITED: u32 = 2;
    /// One of them has a no, or cannot be read.
    pub const OBJECTED: u32 = 4;
    /// Not from a source: the shop takes their yes for [`Mode::Persistent`], not for [`Mode::Session`].
    pub const LASTING: u32 = 8;

    /// What a yes of theirs stands for.
    fn mode(self) -> Mode {
        match self.0 {
            Self::ALLOWED => Mode::Session,
            bits if bits == Self::ALLOWED | Self::LASTING => Mode::Persistent,
            _ => Mode::Contextual,
        }
    }
}

/// All that speaks for or against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Signals {
    /// Global Privacy Control.
    pub gpc: Gpc,
    /// The visitor's choice; `None` while none was made.
    pub choice: Option<Choice>,
    /// What sources of consent say.
    pub answers: Answers,
    /// Whether the shop lets a choice override GPC. Even then only a choice that the visitor made counts.
    pub gpc_override: bool,
}

/// The decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Consent {
    choice: Choice,
}

impl Consent {
    /// Decides: without a yes by choice or by a source, with a source that has no yes, or with GPC that is not overridden by a choice,
    /// it is [`Mode::Contextual`].
    pub fn decide(signals: &Signals) -> Self {
        let objected = signals.gpc != Gpc::Off && !(signals.gpc_override && signals.choice.is_some());
        let answers = signals.answers.0 & !Answers::LASTING;
        let choice = match signals.choice {
            Some(choice) => choice,
            None => Choice {
                mode: signals.answers.mode(),
                capsule: false,
            },
        };
        if objected || answers > Answers::ALLOWED || choice.mode == Mode::Contextual {
            return Consent::default();
        }
        Consent { choice }
    }

    /// The mode that follows.
    pub fn mode(&self) -> Mode {
        self.choice.mode
    }

    /// Permission to read and write a profile; `None` in [`Mode::Contextual`].
    pub fn grant(&self) -> Option<Grant> {
        match self.choice.mode {
            Mode::Contextual => None,
            mode => Some(Grant { mode }),
        }
    }

    /// Permission to make and read capsules, a purpose of its own.
    pub fn capsule_grant(&self) -> Option<CapsuleGrant> {
        let grant = self.grant()?;
        self.choice.capsule.then_some(CapsuleGrant { grant })
    }
}

/// Permission to read and write a profile. Only [`Consent`] mints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    mode: Mode,
}

impl Grant {
    /// How long the profile may live.
    pub fn mode(&self) -> Mode {
        self.mode
    }
}

/// Permission to make and read capsules. Only [`Consent`] mints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapsuleGrant {
    grant: Grant,
}

impl CapsuleGrant {
    /// The grant for the profile that the capsule is made from or read into.
    pub fn grant(&self) -> &Grant {
        &self.grant
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(gpc: Gpc, choice: Option<Mode>, gpc_override: bool) -> Mode {
        let choice = choice.map(|mode| Choice { mode, capsule: true });
        let consent = Consent::decide(&Signals {
            gpc,
            choice,
            gpc_override,
            ..Signals::default()
        });
        assert_eq!(consent.grant().is_some(), consent.mode() != Mode::Contextual);
        assert_eq!(consent.capsule_grant().is_some(), consent.mode() != Mode::Contextual);
        consent.mode()
    }

    #[test]
    fn default_is_contextual() {
        assert_eq!(mode(Gpc::Off, None, false), Mode::Contextual);
        assert_eq!(mode(Gpc::Off, None, true), Mode::Contextual);
        assert_eq!(mode(Gpc::Off, Some(Mode::Contextual), true), Mode::Contextual);
    }

    #[test]
    fn gpc_wins_unless_overridden_by_a_choice() {
        for gpc in [Gpc::On, Gpc::Unreadable] {
            assert_eq!(mode(gpc, Some(Mode::Persistent), false), Mode::Contextual);
            assert_eq!(mode(gpc, None, true), Mode::Contextual);
            assert_eq!(mode(gpc, Some(Mode::Session), true), Mode::Session);
        }
    }

    #[test]
    fn all_sources_must_allow() {
        let chosen = |mode| Some(Choice { mode, capsule: false });
        for answers in 0..32 {
            for choice in [None, chosen(Mode::Contextual), chosen(Mode::Session)] {
                for (gpc, gpc_override) in [(Gpc::Off, false), (Gpc::On, false), (Gpc::On, true)] {
                    let signals = Signals {
                        gpc,
                        choice,
                        gpc_override,
                        answers: Answers(answers),
                    };
                    let silenced = gpc == Gpc::On && !(gpc_override && choice.is_some());
                    let expected = match (answers, choice) {
                        _ if silenced => Mode::Contextual,
                        (0 | 1 | 8 | 9, Some(choice)) => choice.mode,
                        (1, None) => Mode::Session,
                        (9, None) => Mode::Persistent,
                        _ => Mode::Contextual,
                    };
                    assert_eq!(Consent::decide(&signals).mode(), expected, "{signals:?}");
                }
            }
        }
    }

    #[test]
    fn the_capsule_is_a_purpose_of_its_own() {
        let choice = Some(Choice {
            mode: Mode::Persistent,
            capsule: false,
        });
        let consent = Consent::decide(&Signals {
            choice,
            ..Signals::default()
        });
        assert!(consent.grant().is_some());
        assert!(consent.capsule_grant().is_none());
    }

    #[test]
    fn gpc_header() {
        assert_eq!(Gpc::from_header(None), Gpc::Off);
        assert_eq!(Gpc::from_header(Some("1")), Gpc::On);
        assert_eq!(Gpc::from_header(Some("true")), Gpc::Unreadable);
        assert_eq!(Gpc::from_header(Some("0")), Gpc::Unreadable);
    }
}
