//! How long a scenario computes, and where: its time is counted in polls of its future, and when it goes on without a
//! pause it is taken from its thread into the background.

use std::future::poll_fn;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::task::JoinHandle;

use crate::background::{self, Background};
use crate::quota::DomainQuota;

/// Slices for which a scenario computes on end, without waiting for anything, that are long: then it goes on in the
/// background, and so does each of its domain after one slice, for a while.
pub(crate) const LONG_SLICES: u32 = 5;

/// How old a budget is at least that the next instance does not go on with.
const BUDGET_NS: u64 = 60_000_000_000;

/// How long a scenario has computed: the time spent in polls of its future.
///
/// Epoch slices alone would count a slice for each wait, because the epoch goes on while a scenario sleeps.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    done_ns: AtomicU64,
    /// When the poll in progress began, in nanoseconds of [`Self::now`]; 0 between polls.
    poll_began_ns: AtomicU64,
    slices: AtomicU64,
    /// The poll ended with a slice, and not because the scenario waits.
    slice_over: AtomicBool,
    /// When its last host call was answered, in nanoseconds of [`process_time`].
    host_call_ns: AtomicU64,
    /// Since when its budget counts, as that, and what it had computed by then.
    budget_began_ns: AtomicU64,
    used_before_ns: AtomicU64,
    /// It computes in the background.
    away: AtomicBool,
}

impl Meter {
    /// A host call has come to its end, or the scenario begins.
    pub(crate) fn note_host_call(&self) {
        self.host_call_ns.store(process_time(), Ordering::Relaxed);
    }

    /// Time since then, whoever computed in it.
    pub(crate) fn since_host_call(&self) -> Duration {
        let then = self.host_call_ns.load(Ordering::Relaxed);
        Duration::from_nanos(process_time().saturating_sub(then))
    }

    /// The scenario has computed to the end of its slice; others come before it goes on.
    pub(crate) fn end_slice(&self) {
        self.slices.fetch_add(1, Ordering::Relaxed);
        self.slice_over.store(true, Ordering::Relaxed);
    }

    /// How many slices it computed to their end.
    pub(crate) fn slices(&self) -> u64 {
        self.slices.load(Ordering::Relaxed)
    }

    /// Whether the last poll ended with a slice.
    pub(crate) fn take_slice_over(&self) -> bool {
        self.slice_over.swap(false, Ordering::Relaxed)
    }

    /// How long it has computed.
    pub(crate) fn used(&self) -> Duration {
        let began = self.poll_began_ns.load(Ordering::Relaxed);
        let polling = if began == 0 {
            0
        } else {
            self.now().saturating_sub(began)
        };
        Duration::from_nanos(self.done_ns.load(Ordering::Relaxed) + polling)
    }

    /// An instance begins: what the scenario had computed when its budget began. That of an instance before goes on, if
    /// it is not older than [`BUDGET_NS`]: who begins anew all the time may not compute all the time.
    pub(crate) fn used_before(&self) -> Duration {
        let (now, began) = (process_time(), self.budget_began_ns.load(Ordering::Relaxed));
        if began == 0 || now.saturating_sub(began) >= BUDGET_NS {
            let used = u64::try_from(self.used().as_nanos()).unwrap_or(u64::MAX);
            self.used_before_ns.store(used, Ordering::Relaxed);
            self.budget_began_ns.store(now, Ordering::Relaxed);
        }
        Duration::from_nanos(self.used_before_ns.load(Ordering::Relaxed))
    }

    /// A poll begins.
    pub(crate) fn begin(&self) {
        self.poll_began_ns.store(self.now(), Ordering::Relaxed);
    }

    fn pause(&self) -> Duration {
        let began = self.poll_began_ns.swap(0, Ordering::Relaxed);
        let spent = self.now().saturating_sub(began);
        self.done_ns.fetch_add(spent, Ordering::Relaxed);
        Duration::from_nanos(spent)
    }

    /// In the background a thread waits for the processor for long in the midst of a poll, and that counts for nobody.
    /// At home it hardly does, and the wall's clock is read ten times as fast.
    fn now(&self) -> u64 {
        if self.away.load(Ordering::Relaxed) {
            thread_time()
        } else {
            process_time()
        }
    }

    /// Whether it computes in the background from now on. Not within a poll.
    pub(crate) fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::Relaxed);
    }

    /// Comes back from the background. What the scenario does besides computing it does on the thread that it began on.
    pub(crate) async fn come_home(&self) {
        poll_fn(|_| {
            if self.away.load(Ordering::Relaxed) {
                Poll::Pending // whoever polls in the background sees that no slice is over, and sends it home
            } else {
                Poll::Ready(())
            }
        })
        .await;
    }
}

/// Nanoseconds since the first time that this was asked, never 0.
fn process_time() -> u64 {
    static BEGIN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    BEGIN.get_or_init(Instant::now).elapsed().as_nanos() as u64 + 1
}

/// Nanoseconds for which this thread has had a processor, never 0.
fn thread_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64 + 1
}

/// Polls once, and counts the time that it took for the call and for its domain.
pub(crate) fn poll_metered<F: Future>(
    future: Pin<&mut F>,
    meter: &Meter,
    domain: Option<&DomainQuota>,
    cx: &mut Context<'_>,
) -> Poll<F::Output> {
    meter.begin();
    let polled = future.poll(cx);
    let spent = meter.pause();
    if let Some(domain) = domain {
        domain.charge_cpu(spent);
    }
    polled
}

/// A scenario's future with its time counted, polled here or in the background.
pub(crate) struct Metered<F: Future> {
    place: Place<F>,
    meter: Arc<Meter>,
    domain: Option<DomainQuota>,
    background: Option<Arc<Background>>,
    /// Slices since it waited last.
    slices: u32,
}

/// The future, and whether polling it in the background ended it.
pub(crate) type Polled<F> = (Pin<Box<F>>, Poll<<F as Future>::Output>);

enum Place<F: Future> {
    Here(Pin<Box<F>>),
    Background(JoinHandle<Polled<F>>),
    Over,
}

impl<F: Future> Metered<F> {
    /// Without a domain or a background it computes where it is polled.
    pub(crate) fn new(
        inner: F,
        meter: Arc<Meter>,
        domain: Option<DomainQuota>,
        background: Option<Arc<Background>>,
    ) -> Self {
        Self {
            place: Place::Here(Box::pin(inner)),
            meter,
            domain,
            background,
            slices: 0,
        }
    }
}

impl<F> Metered<F>
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    /// One more slice is over: takes it into the background where it belongs now, and says whether it did.
    fn goes_away(&mut self) -> bool {
        let (Some(background), Some(domain)) = (&self.background, &self.domain) else {
            return false;
        };
        if self.slices < LONG_SLICES && !domain.computed_for_long() {
            return false;
        }
        let Some(thread) = background.next() else {
            return false;
        };
        if let Place::Here(inner) = std::mem::replace(&mut self.place, Place::Over) {
            let computing = background::compute(inner, Arc::clone(&self.meter), domain.clone(), self.slices);
            self.place = Place::Background(thread.spawn(computing));
        }
        true
    }
}

impl<F> Future for Metered<F>
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        loop {
            match &mut this.place {
                Place::Here(inner) => {
                    let polled = poll_metered(inner.as_mut(), &this.meter, this.domain.as_ref(), cx);
                    if polled.is_ready() || !this.meter.take_slice_over() {
                        this.slices = 0;
                        return polled;
                    }
                    this.slices += 1;
                    if !this.goes_away() {
                        return Poll::Pending; // its yield wakes it
                    }
                }
                Place::Background(task) => match ready!(Pin::new(task).poll(cx)) {
                    Ok((_, Poll::Ready(output))) => {
                        this.place = Place::Over;
                        return Poll::Ready(output);
                    }
                    // It is polled here at once, so that whoever it waits for knows whom to wake.
                    Ok((inner, Poll::Pending)) => this.place = Place::Here(inner),
                    Err(error) => {
                        this.place = Place::Over;
                        match error.try_into_panic() {
                            Ok(panic) => resume_unwind(panic),
                            Err(_) => return Poll::Pending, // ended by us, who hold the threads
                        }
                    }
                },
                Place::Over => return Poll::Pending,
            }
        }
    }
}

impl<F: Future> Drop for Metered<F> {
    fn drop(&mut self) {
        if let Place::Background(task) = &self.place {
            task.abort();
        }
    }
}
