//! Counts for metrics, added to by every thread.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a gate has done since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Endpoints open now.
    pub endpoints: u64,
    /// Endpoints opened in all.
    pub opened: u64,
    /// Endpoints refused.
    pub refused: u64,
    /// RTP packets sent.
    pub sent: u64,
    /// RTP packets taken from peers, those of closed endpoints.
    pub received: u64,
    /// Datagrams dropped on endpoints since closed: not RTP, wrong source, unknown payload type.
    pub dropped: u64,
    /// Packets lost on their way to us, on endpoints since closed.
    pub lost: u64,
    /// Datagrams taken from sockets, whatever was in them.
    pub datagrams: u64,
    /// Packets that the system would not send.
    pub unsent: u64,
    /// Ticks that came more than 20 ms late.
    pub late_ticks: u64,
    /// Prompts that could not be fetched.
    pub prompts_failed: u64,
}

macro_rules! counters {
    ($($name:ident),*) => {
        #[derive(Debug, Default)]
        pub(crate) struct Counters { $(pub(crate) $name: AtomicU64),* }
        impl Counters {
            pub(crate) fn read(&self) -> Counted {
                Counted { $($name: self.$name.load(Ordering::Relaxed)),* }
            }
        }
    };
}
counters!(
    endpoints,
    opened,
    refused,
    sent,
    received,
    dropped,
    lost,
    datagrams,
    unsent,
    late_ticks,
    prompts_failed
);

pub(crate) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}
