//! Work on a number of threads. Invariant: the number is the whole process's, so that those who choose one take turns; no
//! one else's results depend on it.

use pocketrank_origin::parallel;
use std::sync::{Mutex, PoisonError};

/// What `work` makes on one thread, and on two.
pub fn on_one_and_two<T>(work: impl Fn() -> T) -> (T, T) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let _restored = Restored;
    let [one, two] = [1, 2].map(|threads| {
        parallel::limit(threads);
        work()
    });
    (one, two)
}

/// Lets all threads work again, also where `work` fails.
struct Restored;

impl Drop for Restored {
    fn drop(&mut self) {
        parallel::limit(0);
    }
}
