//! A warm log commits without allocating.

#![allow(clippy::unwrap_used, missing_docs)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use tandem_journal::{Batch, Files, Log, Options};

/// The system's allocator, counting for each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `block` came from `alloc` above, so from the system's allocator.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn warm_log_commits_without_allocating() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, _) = Log::open(Files::open(folder.path()).unwrap(), Options::default()).unwrap();
    let mut batch = Batch::new();
    let mut round = || {
        for key in 0..32_u8 {
            batch.put(&[key; 13], &[key; 300]).unwrap();
            batch.append(&[key; 13], b"more").unwrap();
            if key % 4 == 0 {
                batch.delete(&[key; 13]).unwrap();
            }
        }
        assert!(log.stale_keys(8).is_empty());
        log.commit(&mut batch).unwrap();
    };
    round();
    let before = ALLOCATIONS.get();
    (0..100).for_each(|_| round());
    assert_eq!(ALLOCATIONS.get() - before, 0);
}
