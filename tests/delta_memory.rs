//! Applying deltas takes the target's bytes of memory, and little beside them. Alone in its file, as it counts what the process allocates.
#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use pocketrank::{diff, Delta, PatchKind, Snapshot};
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

/// There and back again, which is a chain of any length.
#[test]
fn applying_takes_the_target_and_little_more() {
    let model = builder(&mut Rng(1), 30_000);
    let mut other = model.clone();
    for row in 0..30_000 {
        other.prior[row].popularity ^= 1;
        if row % 2 == 0 {
            other.neighbours[row].pop();
        }
        if row % 9 == 0 {
            other.ids[row] = format!("new-{row}");
        }
    }
    other.labels.brands.push("a new one".into());
    let ends = [model, other].map(|model| Snapshot::open(model.build().unwrap()).unwrap());
    let deltas = [(0, 1), (1, 0)].map(|(from, to)| diff(&ends[from], &ends[to]).unwrap());
    let deltas = deltas.each_ref().map(|delta| Delta::open(delta).unwrap());
    for delta in &deltas {
        let kinds = |kind| delta.patches().filter(|patch| patch.kind == kind).count();
        assert_eq!((kinds(PatchKind::Rows), kinds(PatchKind::Span)), (3, 1));
    }
    for links in [1, 2, 31, 300] {
        let chain: Vec<_> = deltas.iter().cycle().take(links).copied().collect();
        let target = ends[links % 2].as_bytes();
        let before = NOW.load(SeqCst);
        MOST.store(before, SeqCst);
        let made = Delta::apply_chain(&ends[0], &chain).unwrap();
        let most = MOST.load(SeqCst) - before;
        assert!(made == target);
        let beside = most - target.len();
        println!("{links} deltas: {beside} bytes beside a target of {}", target.len());
        assert!(beside < 20_000 + 1_000 * links, "{links} deltas: {beside} bytes");
    }
}
