//! What [`Step::Forget`](super::Step::Forget) deletes where several processes share a storage and cannot tell what the others still use.
//!
//! Invariant: nothing goes that was needed within the last day. Processes that do this at the same time overwrite each other's note, by which
//! something goes later, never earlier.

/// How long a blob stays that nobody needs any more, in milliseconds.
const DAY: u64 = 86_400_000;
/// Bytes of an entry of the note: SHA-256 of a blob, and since when it is not needed, in milliseconds, little-endian.
const ENTRY: usize = 40;

/// The blobs to delete now, and the note to keep in the storage for the next time: what else was stored and not needed, and since when.
/// `note` is that of the last time, empty where there is none; entries that are damaged count as new. `now` is in milliseconds since
/// 1970-01-01 UTC.
pub fn later(note: &[u8], stored: &[[u8; 32]], keep: &[[u8; 32]], now: u64) -> (Vec<[u8; 32]>, Vec<u8>) {
    let entries = note.as_chunks::<ENTRY>().0.iter().filter_map(|entry| {
        let (sha256, since) = entry.split_first_chunk::<32>()?;
        Some((sha256, u64::from_le_bytes(*since.first_chunk()?)))
    });
    let known: Vec<(&[u8; 32], u64)> = entries.collect();
    let (mut gone, mut kept) = (Vec::new(), Vec::new());
    for blob in stored.iter().filter(|blob| !keep.contains(blob)) {
        let since = known.iter().find(|(sha256, _)| *sha256 == blob);
        // A clock that was set back begins anew.
        let since = since.map_or(now, |(_, since)| *since).min(now);
        if now - since >= DAY {
            gone.push(*blob);
        } else {
            kept.extend_from_slice(blob);
            kept.extend_from_slice(&since.to_le_bytes());
        }
    }
    (gone, kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [u8; 32] = [1; 32];
    const B: [u8; 32] = [2; 32];
    const C: [u8; 32] = [3; 32];

    #[test]
    fn what_was_not_needed_for_a_day_goes() {
        let (gone, note) = later(&[], &[A, B, C], &[A], 1_000);
        assert_eq!(gone, Vec::<[u8; 32]>::new());
        assert_eq!(note.len(), 2 * ENTRY);
        // B is needed again, and then no more: its day begins anew.
        let (gone, note) = later(&note, &[A, B, C], &[A, B], 1_000 + DAY - 1);
        assert_eq!(gone, Vec::<[u8; 32]>::new());
        let (gone, note) = later(&note, &[A, B, C], &[A], 1_000 + DAY);
        assert_eq!(gone, [C]);
        let (gone, note) = later(&note, &[A, B], &[A], 1_000 + 2 * DAY - 1);
        assert_eq!((gone.len(), note.len()), (0, ENTRY));
        let (gone, note) = later(&note, &[A, B], &[A], 1_000 + 2 * DAY);
        assert_eq!((gone, note), (vec![B], vec![]));
    }

    #[test]
    fn damage_and_clocks_only_delay() {
        let (_, note) = later(&[], &[A, B], &[], 5 * DAY);
        for cut in 0..note.len() {
            let (gone, _) = later(&note[..cut], &[A, B], &[], 6 * DAY);
            assert_eq!(gone.len(), cut / ENTRY);
        }
        // The clock is set back by days, then runs on.
        let (gone, note) = later(&note, &[A, B], &[], DAY);
        assert_eq!(gone.len(), 0);
        assert_eq!(later(&note, &[A, B], &[], 2 * DAY - 1).0.len(), 0);
        assert_eq!(later(&note, &[A, B], &[], 2 * DAY).0, [A, B]);
    }
}
