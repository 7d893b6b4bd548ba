//! Work on all cores. Invariant: results come in the order of the input, whatever the number of threads, so that nothing
//! computed from them depends on the machine.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;

static THREADS: AtomicUsize = AtomicUsize::new(0);

/// How many threads work: as many as there are cores, unless [`limit`] was called.
pub fn threads() -> usize {
    match THREADS.load(Ordering::Relaxed) {
        0 => std::thread::available_parallelism().map_or(1, |n| n.get()),
        limit => limit,
    }
}

/// Lets at most this many threads work from now on; 0 for as many as there are cores.
pub fn limit(threads: usize) {
    THREADS.store(threads, Ordering::Relaxed);
}

/// Applies `work` to each element, on all threads.
pub fn map<I: Sync, O: Send>(input: &[I], work: impl Fn(&I) -> O + Sync) -> Vec<O> {
    let threads = threads().min(input.len());
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(input.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(element) = input.get(at) else { break };
                let result = work(element);
                results
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner)
                    .push((at, result));
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    results.sort_unstable_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Applies `work` to each number below `count`, on all threads. Each thread makes a scratch of its own, in which `work` must
/// leave nothing that the next call depends on.
pub fn map_with<S, O: Send>(
    count: usize,
    scratch: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) -> O + Sync,
) -> Vec<O> {
    const CHUNK: usize = 32;
    let threads = threads().min(count.div_ceil(CHUNK));
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(count.div_ceil(CHUNK)));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut scratch = scratch();
                loop {
                    let start = next.fetch_add(CHUNK, Ordering::Relaxed);
                    if start >= count {
                        break;
                    }
                    let end = (start + CHUNK).min(count);
                    let result: Vec<O> = (start..end).map(|at| work(&mut scratch, at)).collect();
                    results
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .push((start, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    results.sort_unstable_by_key(|(start, _)| *start);
    results.into_iter().flat_map(|(_, result)| result).collect()
}

/// Changes each element with `work`, which is told its number, on all threads.
pub fn each<T: Send>(elements: &mut [T], work: impl Fn(usize, &mut T) + Sync) {
    let threads = threads().min(elements.len());
    let next = Mutex::new(elements.iter_mut().enumerate());
    let take = || next.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((at, element)) = take() {
                    work(at, element);
                }
            });
        }
    });
}
