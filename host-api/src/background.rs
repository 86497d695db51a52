//! The threads on which scenarios compute that go on for long: they stand back behind all others.
//!
//! A slice on a shard's own thread delays every call of the shard by as much, and calls that come beside loops notice
//! that at once.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

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
/// Length of the slices in which the kernel lets it run. Another thread that wakes, whose slices are shorter, takes the
/// processor from it at once; with equal ones that thread may have to wait for the end of one.
const SLICE: Duration = Duration::from_millis(50);

fn give_way() {
    // Linux means the calling thread by it (setpriority(2), "C library/kernel differences").
    if let Err(error) = setpriority_process(None, NICE) {
        tracing::warn!(%error, "scenarios that compute for long do not stand back behind others");
    }
    if let Err(error) = take_long_slices() {
        tracing::debug!(%error, "scenarios that compute for long have slices as others have");
    }
}

/// sched_setattr(2), of the calling thread. Before Linux 6.12 the length is passed over.
fn take_long_slices() -> std::io::Result<()> {
    let attributes = libc::sched_attr {
        size: size_of::<libc::sched_attr>() as u32,
        sched_policy: libc::SCHED_OTHER as u32,
        sched_flags: 0,
        sched_nice: NICE,
        sched_priority: 0,
        sched_runtime: SLICE.as_nanos() as u64,
        sched_deadline: 0,
        sched_period: 0,
    };
    // SAFETY: the kernel reads as many bytes of the structure as it says that it has, and keeps no pointer to it.
    let done = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
    if done == 0 {
        Ok(())
    } else {
        Err(std::io::Error::last_os_error())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_taken_as_the_kernel_has_them() {
        let told = std::thread::spawn(|| {
            take_long_slices().unwrap();
            std::fs::read_to_string("/proc/thread-self/sched").unwrap_or_default()
        });
        let told = told.join().unwrap();
        // Not every kernel tells.
        if let Some(line) = told.lines().find(|line| line.starts_with("se.slice")) {
            assert!(line.ends_with(" 50000000"), "{line}");
        }
    }
}
