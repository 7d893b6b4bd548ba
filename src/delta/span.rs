//! Patches of what is no table: one run of bytes takes the place of another.
//!
//! Patch: numbers of bytes before and behind the run that stay, varints; then the run.

use super::chain::Step;
use crate::snapshot::Values;

pub(super) fn apply(old: &[u8], steps: &[Step<'_>], new: &mut [u8]) -> Option<()> {
    // Per step the bytes before the run, the run, and how many bytes it replaces.
    let mut spans = Vec::new();
    let mut length = old.len();
    for (patch, _) in steps {
        let mut values = Values(patch);
        let (before, behind) = (values.length()?, values.length()?);
        let replaced = length.checked_sub(before)?.checked_sub(behind)?;
        spans.push((before, values.0, replaced));
        length = length - replaced + values.0.len();
    }
    if length != new.len() {
        return None;
    }
    let mut rest = new;
    while !rest.is_empty() {
        // Back to the run, or the old bytes, that the next ones are from.
        let mut at = length - rest.len();
        let (mut source, mut most) = (None, rest.len());
        for (before, run, replaced) in spans.iter().rev() {
            if at < *before {
                most = most.min(before - at);
            } else if at - before < run.len() {
                source = run.get(at - before..);
                break;
            } else {
                at = at - run.len() + replaced;
            }
        }
        let source = source.or_else(|| old.get(at..))?;
        let source = source.get(..most).unwrap_or(source);
        let (to, behind) = rest.split_at_mut_checked(source.len())?;
        to.copy_from_slice(source);
        rest = behind;
    }
    Some(())
}

/// What lies between the bytes that both begin with and those that both end with.
#[cfg(feature = "pack")]
pub(super) fn diff(old: &[u8], new: &[u8]) -> Vec<u8> {
    use super::diff::push_varint;
    let same = |pairs: &mut dyn Iterator<Item = (&u8, &u8)>| pairs.take_while(|(old, new)| old == new).count();
    let before = same(&mut old.iter().zip(new));
    let most = old.len().min(new.len()) - before;
    let behind = same(&mut old.iter().rev().zip(new.iter().rev()).take(most));
    let mut out = vec![];
    push_varint(&mut out, before as u32);
    push_varint(&mut out, behind as u32);
    out.extend(new.get(before..new.len() - behind).unwrap_or_default());
    out
}

#[cfg(all(test, feature = "pack"))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_chain_of_spans_makes_the_last_text(texts in proptest::collection::vec("[ab]{0,12}", 2..9)) {
            let patches: Vec<_> = texts.windows(2).map(|pair| diff(pair[0].as_bytes(), pair[1].as_bytes())).collect();
            let steps: Vec<Step<'_>> = patches.iter().map(|patch| (patch.as_slice(), 0)).collect();
            let last = texts[texts.len() - 1].as_bytes();
            let mut made = vec![0; last.len()];
            prop_assert!(apply(texts[0].as_bytes(), &steps, &mut made).is_some());
            prop_assert_eq!(made, last);
        }
    }
}
