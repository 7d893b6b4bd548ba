//! Training kept in a file, so that it can be interrupted. A line of JSON says what it belongs to, then the users' and the items'
//! vectors follow, f32 little endian. Invariant: training goes on only from a file of the same data and parameters.

use super::{Als, State};
use crate::error::{Error, Result};
use crate::output;
use crate::train::interactions::Interactions;
use sha2::{Digest, Sha256};
use std::path::Path;

/// Writes `state`, whole or not at all.
///
/// # Errors
/// The file cannot be written.
pub fn write(file: &Path, als: &Als, interactions: &Interactions, state: &State) -> Result<()> {
    output::write_with(file, |out| {
        out.write_all(header(als, interactions, state.iteration).as_bytes())?;
        let mut vectors = state.users.iter().chain(&state.items);
        vectors.try_for_each(|value| out.write_all(&value.to_le_bytes()))
    })
}

/// Reads what [`write`] wrote, if it is there. `like` is a state of the same shape.
///
/// # Errors
/// The file cannot be read, or is of other data or parameters.
pub fn read(file: &Path, als: &Als, interactions: &Interactions, like: &State) -> Result<Option<State>> {
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::reading(file, error)),
    };
    let other = || {
        Error::Data(format!(
            "{} is no training that was interrupted with these data and parameters; remove it to begin anew",
            file.display()
        ))
    };
    let end = 1 + bytes.iter().position(|byte| *byte == b'\n').ok_or_else(other)?;
    let (found, vectors) = bytes.split_at(end);
    let iteration = serde_json::from_slice(found)
        .ok()
        .and_then(|header: serde_json::Value| header.get("iteration")?.as_u64())
        .ok_or_else(other)? as usize;
    if found != header(als, interactions, iteration).as_bytes()
        || vectors.len() != 4 * (like.users.len() + like.items.len())
        || iteration > als.iterations
    {
        return Err(other());
    }
    let (values, _) = vectors.as_chunks::<4>();
    let mut users: Vec<f32> = values.iter().map(|value| f32::from_le_bytes(*value)).collect();
    let items = users.split_off(like.users.len());
    Ok(Some(State {
        iteration,
        users,
        items,
    }))
}

fn header(als: &Als, interactions: &Interactions, iteration: usize) -> String {
    let mut hash = Sha256::new();
    for group in &interactions.by_group {
        hash.update((group.len() as u64).to_le_bytes());
        group.iter().for_each(|item| hash.update(item.to_le_bytes()));
    }
    let data = pocketrank::hex(&hash.finalize());
    // More iterations may be asked for than at first.
    let als = Als { iterations: 0, ..*als };
    let header = serde_json::json!({ "iteration": iteration, "als": als, "items": interactions.items(), "data": data });
    format!("{header}\n")
}
