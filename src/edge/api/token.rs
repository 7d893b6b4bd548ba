//! Who may call: bearer tokens (RFC 6750).
//!
//! Invariant: how long a comparison takes tells nothing of the tokens, neither what they are, nor how long, nor which of them fits: digests
//! are compared, all of them, to their ends.

use super::problem::{Code, Problem};
use crate::bytes::sha256;
use std::hint::black_box;

/// The fewest characters of a token: what is shorter can be guessed, and counts as none.
pub const MIN_TOKEN: usize = 20;

const MISSING: &str = "Bearer realm=\"pocketrank\"";
const INVALID: &str = "Bearer realm=\"pocketrank\", error=\"invalid_token\"";

/// Which of a route's tokens a call has, by its place. `tokens` are separated by blanks, so that a new one can be set beside the old.
///
/// # Errors
/// [`Code::Closed`] where no token is set, [`Code::Unauthorized`] where the call has none of them.
pub fn authorize(tokens: &str, authorization: Option<&str>) -> Result<usize, Problem> {
    let mut tokens = tokens
        .split_whitespace()
        .filter(|token| token.len() >= MIN_TOKEN)
        .peekable();
    if tokens.peek().is_none() {
        return Err(Problem::new(Code::Closed));
    }
    let Some(given) = authorization.and_then(bearer) else {
        return Err(Problem::unauthorized(MISSING));
    };
    let given = sha256(&[given.as_bytes()]);
    let mut found = None;
    for (at, token) in tokens.enumerate() {
        if same(&given, &sha256(&[token.as_bytes()])) {
            found = Some(at);
        }
    }
    found.ok_or_else(|| Problem::unauthorized(INVALID))
}

/// The token in an `Authorization` header.
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}

/// Whether digests are equal, in the same time whatever they are.
fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    let differ = a.iter().zip(b).fold(0, |differ, (a, b)| black_box(differ | (a ^ b)));
    black_box(differ) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "0123456789abcdef0123456789abcdef";
    const NEW: &str = "fedcba9876543210fedcba9876543210";

    fn code(tokens: &str, authorization: Option<&str>) -> Result<usize, Code> {
        authorize(tokens, authorization).map_err(|problem| problem.code)
    }

    #[test]
    fn any_of_the_tokens_opens() {
        let both = format!(" {OLD}\n{NEW} ");
        assert_eq!(code(&both, Some(&format!("Bearer {OLD}"))), Ok(0));
        assert_eq!(code(&both, Some(&format!("bearer  {NEW} "))), Ok(1));
        assert_eq!(code(NEW, Some(&format!("BEARER {NEW}"))), Ok(0));
    }

    #[test]
    fn nothing_else_does() {
        let both = format!("{OLD} {NEW}");
        for wrong in [
            String::new(),
            "Bearer".into(),
            "Bearer ".into(),
            OLD.into(),
            format!("Basic {OLD}"),
            format!("Bearer {OLD} {NEW}"),
            format!("Bearer {}", &OLD[1..]),
            format!("Bearer {OLD}0"),
            format!("Bearer {}", OLD.to_uppercase()),
        ] {
            assert_eq!(code(&both, Some(&wrong)), Err(Code::Unauthorized), "{wrong}");
        }
        assert_eq!(code(&both, None), Err(Code::Unauthorized));
    }

    #[test]
    fn a_route_without_a_token_worth_the_name_is_closed() {
        for tokens in ["", "  ", "secret", "a b c", &OLD[..MIN_TOKEN - 1]] {
            for given in [None, Some("Bearer secret"), Some("Bearer ")] {
                assert_eq!(code(tokens, given), Err(Code::Closed), "{tokens}");
            }
        }
        assert_eq!(
            code(&format!("secret {OLD}"), Some("Bearer secret")),
            Err(Code::Unauthorized)
        );
    }

    #[test]
    fn the_challenge_says_whether_there_was_a_token() {
        let challenge = |given| authorize(OLD, given).unwrap_err().challenge.unwrap();
        assert_eq!(challenge(None), MISSING);
        assert_eq!(challenge(Some("Bearer x")), INVALID);
    }
}
