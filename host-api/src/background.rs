//! The threads on which scenarios compute that go on for long: they stand back behind all others.
//!
//! A slice on a shard's own thread delays every call of the shard by as much, and calls that come beside loops notice
//! that at once.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use rustix::process::setpriority_process;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::meter::{LONG_SLICES, Meter, Polled, poll_metered};
use crate::quota::DomainQuota;

/// Threads of low priority, each with a runtime of its own: who is ready there is served in turn, which the
/// runtime of several threads does not promise. They end with this.
pub(crate) struct Background {
    threads: Vec<Thread>,
    next: AtomicUsize,
}

struct Thread {
    handle: Handle,
    /// Closed when it is dropped, and then the thread ends.
    _end: oneshot::Sender<()>,
}

impl Background {
    pub(crate) fn new(threads: usize) -> std::io::Result<Self> {
        let threads = (0..threads).map(|_| Thread::start()).collect::<Result<_, _>>()?;
        Ok(Self {
            threads,
            next: AtomicUsize::new(0),
        })
    }

    /// The thread whose turn it is to be given something; none: there is none.
    pub(crate) fn next(&self) -> Option<&Handle> {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        let thread = self.threads.get(next.checked_rem(self.threads.len())?)?;
        Some(&thread.handle)
    }
}

impl Thread {
    fn start() -> std::io::Result<Self> {
        // At each slice it looks who else is ready.
        let runtime = Builder::new_current_thread()
            .event_interval(1)
            .global_queue_interval(1)
            .build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel();
        std::thread::Builder::new()
            .name("background".to_owned())
            .spawn(move || {
                give_way();
                let _ = runtime.block_on(ended);
            })?;
        Ok(Self { handle, _end: end })
    }
}

/// How far this thread stands back: of a processor that another thread wants all of it has some tenth, as the kernel
/// shares it. With a seventieth (nice 19), one that had 300 ms to compute kept its caller waiting for more than ten
/// seconds where the machine was busy.
const NICE: i32 = 10;

fn give_way() {
    // Linux means the calling thread by it (setpriority(2), "C library/kernel differences").
    if let Err(error) = setpriority_process(None, NICE) {
        tracing::warn!(%error, "scenarios that compute for long do not stand back behind others");
    }
}

/// Polls a scenario that computes until it waits, wants something of its host, or ends. Those of a domain take turns.
/// It has computed for `slices` on end.
pub(crate) async fn compute<F: Future>(
    mut inner: Pin<Box<F>>,
    meter: Arc<Meter>,
    domain: DomainQuota,
    mut slices: u32,
) -> Polled<F> {
    meter.set_away(true);
    let polled = loop {
        if slices == LONG_SLICES {
            domain.note_long();
        }
        let turn = domain.turn().await;
        // Whoever of the domain comes meanwhile waits, and others come before this one.
        tokio::task::yield_now().await;
        let polled = poll_fn(|cx| Poll::Ready(poll_metered(inner.as_mut(), &meter, Some(&domain), cx))).await;
        drop(turn);
        if polled.is_ready() || !meter.take_slice_over() {
            break polled;
        }
        slices = slices.saturating_add(1);
    };
    meter.set_away(false);
    (inner, polled)
}
