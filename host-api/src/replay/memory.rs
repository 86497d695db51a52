//! Linear memories that the host can read, for hashing.
//!
//! wasmtime asks [`HostMemories`] for each memory of an instance, on the thread that instantiates it. A replay runs on
//! one thread from beginning to end, so that thread's list is the list of its instance's memories.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::cell::RefCell;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use wasmtime::{LinearMemory, MemoryCreator, MemoryType};

/// wasmtime wants memories to begin at a page.
const PAGE: usize = 4_096;

thread_local! {
    /// The memories made on this thread while a replay watches; none: nobody does.
    static WATCHED: RefCell<Option<Vec<Arc<View>>>> = const { RefCell::new(None) };
}

/// Watches the memories that are made on this thread until the guard is dropped.
pub(super) fn watch() -> Watch {
    WATCHED.with(|watched| *watched.borrow_mut() = Some(Vec::new()));
    Watch {
        _of_this_thread: std::marker::PhantomData,
    }
}

pub(super) struct Watch {
    _of_this_thread: std::marker::PhantomData<*const ()>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        WATCHED.with(|watched| *watched.borrow_mut() = None);
    }
}

/// The memories made so far on this thread; none: nobody watches.
pub(super) fn watched() -> Option<MemoryHash> {
    WATCHED
        .with(|watched| watched.borrow().clone())
        .map(|views| MemoryHash { views })
}

/// Where a memory is now and how long it is. Changed by its owner, on the thread that reads it too.
struct View {
    base: AtomicPtr<u8>,
    /// 0 once the memory is gone.
    len: AtomicUsize,
}

/// Hashes an instance's memories.
pub(crate) struct MemoryHash {
    views: Vec<Arc<View>>,
}

impl MemoryHash {
    /// BLAKE3 over all memories, each with its length, in the order in which they were made.
    ///
    /// Called from within a host call of the instance on its own thread: no guest code runs meanwhile.
    pub(super) fn now(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for view in &self.views {
            let len = view.len.load(Ordering::Acquire);
            hasher.update(&(len as u64).to_le_bytes());
            if len > 0 {
                // SAFETY: `base` and `len` are those of a live allocation of at least `len` initialised bytes: a
                // `Memory` sets them together when it allocates and sets `len` to 0 before it frees. Nobody writes
                // meanwhile: the only writers are the instance's guest code and wasmtime's copying of arguments and
                // results, and both stand still on this very thread while a host call computes this hash.
                let bytes = unsafe { std::slice::from_raw_parts(view.base.load(Ordering::Acquire), len) };
                hasher.update(bytes);
            }
        }
        *hasher.finalize().as_bytes()
    }
}

/// Makes memories that [`watched`] can find.
pub(crate) struct HostMemories;

// SAFETY: `new_memory` gives page-aligned, zeroed memory of its own for each call, which nobody but wasmtime writes. It
// refuses a reservation or guard pages, which it does not make, so code compiled on that premise never runs on it.
unsafe impl MemoryCreator for HostMemories {
    fn new_memory(
        &self,
        _ty: MemoryType,
        minimum: usize,
        _maximum: Option<usize>,
        reserved_size_in_bytes: Option<usize>,
        guard_size_in_bytes: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        if reserved_size_in_bytes.is_some_and(|reserved| reserved > minimum) || guard_size_in_bytes > 0 {
            return Err("memories for replay have no reservation and no guard pages".to_owned());
        }
        let memory = Memory::new(minimum).ok_or("no memory left for the replay")?;
        WATCHED.with(|watched| {
            if let Some(views) = watched.borrow_mut().as_mut() {
                views.push(Arc::clone(&memory.view));
            }
        });
        Ok(Box::new(memory))
    }
}

struct Memory {
    base: NonNull<u8>,
    capacity: usize,
    len: usize,
    view: Arc<View>,
}

// SAFETY: the allocation is owned by this value alone, so it may go to another thread with it.
unsafe impl Send for Memory {}
// SAFETY: through a shared reference only the base, the length and the capacity can be read; none of them changes
// without an exclusive one.
unsafe impl Sync for Memory {}

fn layout(capacity: usize) -> Option<Layout> {
    Layout::from_size_align(capacity, PAGE).ok()
}

/// Zeroed bytes, at least one page of them.
fn allocate(capacity: usize) -> Option<NonNull<u8>> {
    // SAFETY: the size is not zero, because it is one page at least.
    NonNull::new(unsafe { alloc_zeroed(layout(capacity.max(PAGE))?) })
}

impl Memory {
    fn new(len: usize) -> Option<Self> {
        let capacity = len.max(PAGE).checked_next_multiple_of(PAGE)?;
        let base = allocate(capacity)?;
        let view = View {
            base: AtomicPtr::new(base.as_ptr()),
            len: AtomicUsize::new(len),
        };
        Some(Self {
            base,
            capacity,
            len,
            view: Arc::new(view),
        })
    }

    fn free(&mut self) {
        if let Some(layout) = layout(self.capacity) {
            // SAFETY: `base` was allocated with this very layout and is not used after this: the callers replace it or
            // end with it.
            unsafe { dealloc(self.base.as_ptr(), layout) };
        }
    }
}

// SAFETY: `as_ptr` points at `byte_capacity` bytes for as long as the memory is not grown; growth within the capacity
// does not move it, and new bytes are zero because the whole allocation was.
unsafe impl LinearMemory for Memory {
    fn byte_size(&self) -> usize {
        self.len
    }

    fn byte_capacity(&self) -> usize {
        self.capacity
    }

    fn grow_to(&mut self, new_size: usize) -> wasmtime::Result<()> {
        if new_size > self.capacity {
            let grown = || -> Option<(NonNull<u8>, usize)> {
                // A quarter more than asked for, so that a growing memory is not copied at every page.
                let capacity = new_size
                    .checked_add(new_size / 4)?
                    .checked_next_multiple_of(PAGE)?;
                Some((allocate(capacity)?, capacity))
            };
            let (base, capacity) =
                grown().ok_or_else(|| wasmtime::Error::msg("no memory left for the replay"))?;
            // SAFETY: both allocations are live, distinct and at least `self.len` bytes long.
            unsafe { std::ptr::copy_nonoverlapping(self.base.as_ptr(), base.as_ptr(), self.len) };
            self.view.len.store(0, Ordering::Release);
            self.free();
            self.base = base;
            self.capacity = capacity;
            self.view.base.store(base.as_ptr(), Ordering::Release);
        }
        self.len = new_size;
        self.view.len.store(new_size, Ordering::Release);
        Ok(())
    }

    fn as_ptr(&self) -> *mut u8 {
        self.base.as_ptr()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.view.len.store(0, Ordering::Release);
        self.free();
    }
}
