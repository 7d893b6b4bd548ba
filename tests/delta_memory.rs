//! Applying a delta takes the target's bytes of memory, and little beside them. Alone in its file, as it counts what the process allocates.
#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use pocketrank::{diff, Delta, PatchKind, Section, Snapshot};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use support::{builder, Rng};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all is handed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), SeqCst) + layout.size();
        MOST.fetch_max(now, SeqCst);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), SeqCst);
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn applying_takes_the_target_and_little_more() {
    let base = builder(&mut Rng(1), 30_000);
    let mut target = base.clone();
    for row in 0..30_000 {
        target.prior[row].popularity ^= 1;
        if row % 2 == 0 {
            target.neighbours[row].pop();
        }
    }
    let (base, target) = (base.build().unwrap(), target.build().unwrap());
    let base = Snapshot::open(base).unwrap();
    let bytes = diff(&base, &Snapshot::open(target.as_slice()).unwrap()).unwrap();
    let neighbours = |patch: &pocketrank::Patch<'_>| patch.section == Section::Neighbours;
    let patched = Delta::open(&bytes).unwrap().patches().find(neighbours).unwrap();
    assert_eq!(patched.kind, PatchKind::Rows);
    let before = NOW.load(SeqCst);
    MOST.store(before, SeqCst);
    let made = Delta::open(&bytes).unwrap().apply(&base).unwrap();
    let most = MOST.load(SeqCst) - before;
    assert_eq!(made, target);
    let beside = most - target.len();
    println!("{beside} bytes beside a target of {}", target.len());
    assert!(beside < 100_000, "{beside} bytes beside a target of {}", target.len());
}
