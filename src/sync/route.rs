//! The cheapest way from the snapshot in use to the one that is current.

use crate::manifest::{Link, Manifest};
use crate::snapshot::SnapshotId;

/// What a request costs beside the bytes that it asks for, in bytes.
const REQUEST: u32 = 512;

/// The places in `manifest.deltas` of those that lead from `base` to its snapshot, in their order; of all ways the one with the fewest
/// bytes to transfer, where these are fewer than the whole snapshot's. Empty where there is none. Deltas at the places `refused` are
/// out of the question.
pub(super) fn cheapest(manifest: &Manifest, base: SnapshotId, refused: &[usize]) -> Vec<usize> {
    let links = &manifest.deltas;
    // For each delta the cheapest way that ends in it: its cost, and the delta before.
    let mut ways: Vec<Option<(u32, Option<usize>)>> = vec![None; links.len()];
    let least = |ways: &[Option<(u32, Option<usize>)>], to: SnapshotId| {
        let reached = links
            .iter()
            .zip(ways)
            .enumerate()
            .filter(|(_, (link, _))| link.target == to);
        reached
            .filter_map(|(at, (_, way))| way.map(|(cost, _)| (cost, at)))
            .min()
    };
    // Costs only fall, and each is above that of the delta before: it ends, and the way back has no circle.
    let mut changed = true;
    while changed {
        changed = false;
        for (at, link) in links.iter().enumerate().filter(|(at, _)| !refused.contains(at)) {
            let (before, last) = match least(&ways, link.base) {
                _ if link.base == base => (0, None),
                Some((cost, last)) => (cost, Some(last)),
                None => continue,
            };
            let cost = before.saturating_add(cost(link));
            if let Some(way) = ways.get_mut(at) {
                if way.is_none_or(|(known, _)| cost < known) {
                    (*way, changed) = (Some((cost, last)), true);
                }
            }
        }
    }
    let whole = manifest.snapshot.blob.transfer.saturating_add(REQUEST);
    let mut route = Vec::new();
    let mut next = least(&ways, manifest.snapshot.id)
        .filter(|(cost, _)| *cost < whole)
        .map(|(_, at)| at);
    while let Some(at) = next.filter(|_| route.len() < links.len()) {
        route.push(at);
        next = ways.get(at).copied().flatten().and_then(|(_, last)| last);
    }
    route.reverse();
    route
}

fn cost(link: &Link) -> u32 {
    link.blob.transfer.saturating_add(REQUEST)
}
