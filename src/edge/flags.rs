//! Switches that an operator sets while the worker runs, as one JSON document: slots, routes of the API, or all personalization.
//!
//! Invariant: what a document does not say is on. One that cannot be read changes nothing: the host keeps the last that could.
//!
//! ```json
//! { "personalization": true, "slots": { "home-hero": false }, "routes": { "rerank": false } }
//! ```

use super::api::ROUTES;
use serde_json::Value;

/// The most bytes of a document.
pub const MAX_FLAGS: usize = 1 << 16;

/// What is switched off.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flags {
    all_off: bool,
    slots: Vec<String>,
    routes: Vec<String>,
}

impl Flags {
    /// Reads a document.
    ///
    /// # Errors
    /// What is wrong with it: no JSON, no object, a name that is none of its own, or a value that is neither true nor false.
    pub fn read(text: &[u8]) -> Result<Self, String> {
        if text.len() > MAX_FLAGS {
            return Err(["more than ", &MAX_FLAGS.to_string(), " bytes"].concat());
        }
        let document: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let mut flags = Flags::default();
        for (name, value) in document.as_object().ok_or("must be an object")? {
            match name.as_str() {
                "personalization" => {
                    flags.all_off = !value.as_bool().ok_or("personalization: must be true or false")?
                }
                "slots" => flags.slots = off(name, value)?,
                "routes" => {
                    flags.routes = off(name, value)?;
                    let known = |route: &&String| !ROUTES.contains(&route.as_str());
                    if let Some(route) = flags.routes.iter().find(known) {
                        return Err([route, ": there is no such route, but ", &ROUTES.join(", ")].concat());
                    }
                }
                _ => return Err([name, ": must be personalization, slots or routes"].concat()),
            }
        }
        Ok(flags)
    }

    /// Whether pages are personalized at all.
    pub fn personalizes(&self) -> bool {
        !self.all_off
    }

    /// Whether a slot may be filled.
    pub fn has_slot(&self, name: &str) -> bool {
        self.personalizes() && !self.slots.iter().any(|off| off == name)
    }

    /// Whether a route of the API answers; `name` is one of [`ROUTES`].
    pub fn has_route(&self, name: &str) -> bool {
        !self.routes.iter().any(|off| off == name)
    }
}

/// The names that are false.
fn off(what: &str, value: &Value) -> Result<Vec<String>, String> {
    let wrong = || [what, ": must be an object of names, each true or false"].concat();
    let mut names = vec![];
    for (name, value) in value.as_object().ok_or_else(wrong)? {
        if !value.as_bool().ok_or_else(wrong)? {
            names.push(name.clone());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Flags, String> {
        Flags::read(text.as_bytes())
    }

    #[test]
    fn what_is_not_said_is_on() {
        let all = read("{}").unwrap();
        assert_eq!(all, Flags::default());
        assert!(all.personalizes() && all.has_slot("home-hero"));
        assert!(ROUTES.iter().all(|route| all.has_route(route)));
        let some = read(r#"{ "slots": { "home-hero": false, "cart": true }, "routes": { "rerank": false } }"#).unwrap();
        assert!(!some.has_slot("home-hero") && some.has_slot("cart") && some.has_slot("home"));
        assert!(!some.has_route("rerank") && some.has_route("health") && some.personalizes());
    }

    #[test]
    fn personalization_off_is_every_slot_off_and_no_route() {
        let off = read(r#"{ "personalization": false, "slots": { "a": true } }"#).unwrap();
        assert!(!off.personalizes() && !off.has_slot("a"));
        assert!(off.has_route("rerank"));
    }

    #[test]
    fn what_cannot_be_read_is_refused_and_says_why() {
        for (text, says) in [
            ("", "EOF"),
            ("[]", "object"),
            (r#"{ "slot": {} }"#, "slot: must be"),
            (r#"{ "slots": { "a": 0 } }"#, "slots: must be"),
            (r#"{ "slots": ["a"] }"#, "slots: must be"),
            (r#"{ "routes": { "rank": false } }"#, "rank: there is no such route"),
            (r#"{ "personalization": "off" }"#, "personalization: must be"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
        assert!(Flags::read(&vec![b' '; MAX_FLAGS + 1]).is_err());
        assert!(Flags::read(&[0xff]).is_err());
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn any_bytes_are_flags_or_an_error(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = Flags::read(&bytes);
        }
    }
}
