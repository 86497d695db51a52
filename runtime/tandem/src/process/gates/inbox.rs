//! A lane's way from a gate to the role that takes it: in order, bounded where peers can make it grow.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tandem_bus::link::Cursor;
use tokio::sync::mpsc;

/// What one gate tells one lane, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromGate<T> {
    /// The gate is there.
    Connected {
        /// Which run of the gate.
        instance: u64,
        /// Whatever this lane had in an earlier run is gone: commit [`Cursor`] `{instance, number: 0}`. Not fresh: it
        /// is the run that the lane knew, but what was sent to it around the loss may be lost.
        fresh: bool,
    },
    /// The gate is gone, or the connection to it is.
    Lost,
    /// An item, once. Commit the cursor with what follows from it, then acknowledge it.
    Item {
        /// How far the lane has come with it.
        cursor: Cursor,
        /// The item.
        item: T,
    },
}

/// The receiving end of a lane.
#[derive(Debug)]
pub struct Inbox<T> {
    receiver: mpsc::UnboundedReceiver<FromGate<T>>,
    /// Items in the channel, which the sending end bounds.
    waiting: Arc<AtomicUsize>,
}

/// The sending end of a lane.
#[derive(Debug)]
pub(super) struct Port<T> {
    sender: mpsc::UnboundedSender<FromGate<T>>,
    waiting: Arc<AtomicUsize>,
    most: usize,
}

/// A lane in which `most` items may wait.
pub(super) fn lane<T>(most: usize) -> (Port<T>, Inbox<T>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let port = Port {
        sender,
        waiting: waiting.clone(),
        most,
    };
    (port, Inbox { receiver, waiting })
}

impl<T> Port<T> {
    /// Takes an item, or gives it back when there is no room.
    pub fn offer(&self, cursor: Cursor, item: T) -> Result<(), T> {
        if self.waiting.load(Ordering::Relaxed) >= self.most {
            return Err(item);
        }
        self.push(cursor, item);
        Ok(())
    }

    /// Takes an item whose number something else bounds: connections, or what the lane itself has asked for.
    pub fn push(&self, cursor: Cursor, item: T) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.tell(FromGate::Item { cursor, item });
    }

    /// News of the gate itself.
    pub fn tell(&self, news: FromGate<T>) {
        let _ = self.sender.send(news); // a lane that is gone needs no news
    }
}

impl<T> Inbox<T> {
    /// Waits for what comes and moves up to `most` of it to the end of `into`; the number. 0: nothing comes any more.
    /// May be dropped and called again.
    pub async fn recv_many(&mut self, into: &mut Vec<FromGate<T>>, most: usize) -> usize {
        let begin = into.len();
        let got = self.receiver.recv_many(into, most).await;
        let items = into.iter().skip(begin);
        let items = items.filter(|news| matches!(news, FromGate::Item { .. })).count();
        self.waiting.fetch_sub(items, Ordering::Relaxed);
        got
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURSOR: Cursor = Cursor {
        instance: 1,
        number: 1,
    };

    #[tokio::test]
    async fn a_full_lane_gives_back_and_takes_again() {
        let (port, mut inbox) = lane(2);
        port.tell(FromGate::Lost); // news take no room
        assert_eq!(port.offer(CURSOR, 'a'), Ok(()));
        assert_eq!(port.offer(CURSOR, 'b'), Ok(()));
        assert_eq!(port.offer(CURSOR, 'c'), Err('c'));
        port.push(CURSOR, 'd');
        let mut got = Vec::new();
        assert_eq!(inbox.recv_many(&mut got, 2).await, 2);
        assert_eq!(port.offer(CURSOR, 'c'), Err('c'));
        assert_eq!(inbox.recv_many(&mut got, 9).await, 2);
        assert_eq!(port.offer(CURSOR, 'c'), Ok(()));
        let items = got.iter().filter_map(|news| match news {
            FromGate::Item { item, .. } => Some(*item),
            _ => None,
        });
        assert_eq!(items.collect::<String>(), "abd");
        assert_eq!(got.first(), Some(&FromGate::Lost));
    }
}
