//! Where a scenario computes. It begins on its caller's thread, beside the call logic of everybody; one that computes
//! for long goes to threads of low priority, and so does all that its domain starts while the domain computes
//! much. A neighbour waits for a slice or two of it then, not for its whole budget.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

use crate::quota::DomainQuota;
use crate::run::Metered;

/// How long a scenario computes at a stretch, without waiting for a host call, before it goes to the back threads.
const FRONT_MAX: Duration = Duration::from_millis(2);

/// Threads of low priority.
pub(crate) struct BackThreads {
    /// Taken when it is dropped.
    runtime: Option<Runtime>,
}

impl BackThreads {
    /// One for each processor.
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .thread_name("tandem-back")
            .on_thread_start(stand_back)
            .enable_time()
            .build()?;
        Ok(Self {
            runtime: Some(runtime),
        })
    }

    pub(crate) fn handle(&self) -> Option<Handle> {
        self.runtime.as_ref().map(|runtime| runtime.handle().clone())
    }
}

impl Drop for BackThreads {
    fn drop(&mut self) {
        // The last handle on an engine may be dropped where waiting is not allowed.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The calling thread gets a tenth of what others get where they want the processor too. Not less: it shares locks with
/// them (the allocator's, the queue of its tasks), and one that is kept from the processor within a lock keeps them waiting.
/// In the class SCHED_IDLE it may be kept there for long.
fn stand_back() {
    const NICE: libc::c_int = 10;
    // SAFETY: it takes numbers only; 0 names the calling thread (Linux has a nice value for each).
    let set = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) };
    if set != 0 {
        let error = io::Error::last_os_error();
        tracing::warn!(%error, "scenarios that compute for long have the priority of all others");
    }
}

/// Nanoseconds that the calling thread has had a processor. A thread of low priority is not charged for the time
/// in which others had it.
pub(crate) fn thread_time() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the structure is valid for writes until the call has returned. The clock always exists (Linux 2.6.12).
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// A scenario's run, in front or at the back. Dropping it ends the run.
pub(crate) struct Placed<F: Future> {
    front: Option<Metered<F>>,
    moved: Option<Moved<F::Output>>,
    threads: Handle,
    /// Time computed since it last waited for anything but its next slice.
    stretch: Duration,
}

/// A task on the back threads, which ends with this.
struct Moved<T>(JoinHandle<T>);

impl<T> Drop for Moved<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<F> Placed<F>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    pub(crate) fn new(run: Metered<F>, threads: Handle, domain: &DomainQuota) -> Self {
        let mut placed = Self {
            front: Some(run),
            moved: None,
            threads,
            stretch: Duration::ZERO,
        };
        if domain.computes_much() {
            placed.move_back();
        }
        placed
    }

    fn move_back(&mut self) {
        if let Some(run) = self.front.take() {
            run.by_thread_time();
            self.moved = Some(Moved(self.threads.spawn(run)));
        }
    }
}

impl<F> Future for Placed<F>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if let Some(run) = &mut self.front {
            let slices = run.slices();
            if let Poll::Ready(output) = Pin::new(&mut *run).poll(cx) {
                return Poll::Ready(output);
            }
            let (sliced, spent) = (run.slices() > slices, run.last_poll());
            self.stretch = if sliced {
                self.stretch + spent
            } else {
                Duration::ZERO
            };
            if self.stretch < FRONT_MAX {
                return Poll::Pending;
            }
            self.move_back();
        }
        let Some(moved) = &mut self.moved else {
            return Poll::Pending;
        };
        match Pin::new(&mut moved.0).poll(cx) {
            Poll::Ready(Ok(output)) => Poll::Ready(output),
            Poll::Ready(Err(error)) => match error.try_into_panic() {
                // A fault of ours is one here too.
                Ok(fault) => std::panic::resume_unwind(fault),
                // The threads are gone with their engine: nobody is left to run anything.
                Err(_) => Poll::Pending,
            },
            Poll::Pending => Poll::Pending,
        }
    }
}
