//! The gate's side: what is kept until the call logic has committed it.

use std::collections::{BTreeMap, VecDeque};
use std::marker::PhantomData;
use std::time::Duration;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tandem_sip::Moment;

use super::frame::{self, LENGTH, LinkError};
use super::{Cursor, FromGate, GateHello, Lane, Role};

/// What a gate keeps at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Items of one lane. What begins something new gets three quarters of it, so that what is under way has room.
    pub items_per_lane: usize,
    /// Bytes of all lanes; three quarters likewise.
    pub bytes: usize,
    /// Time without call logic after which what begins something new is dropped: its sender repeats it or has given up.
    pub new_for: Duration,
    /// Time without call logic after which anything is dropped.
    pub any_for: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            items_per_lane: 10_000,
            bytes: 64 << 20,
            new_for: Duration::from_secs(1),
            any_for: Duration::from_mins(1),
        }
    }
}

/// Why an item was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The call logic is away or behind. Tell the sender to come again.
    #[error("the call logic does not keep up: {items} items and {bytes} bytes wait")]
    Full {
        /// Items of the lane.
        items: usize,
        /// Bytes of all lanes.
        bytes: usize,
    },
    /// It does not fit a frame.
    #[error(transparent)]
    Frame(#[from] LinkError),
}

/// An item that waited too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired<U> {
    /// Its lane.
    pub lane: Lane,
    /// The item.
    pub item: U,
    /// It was sent before the call logic went away, which may have taken it: an answer such as 503 could contradict
    /// what the call logic goes on with.
    pub was_sent: bool,
}

/// An item in its frame, without a number yet: what costs time is done before anything is locked.
#[derive(Debug)]
pub struct Encoded<U> {
    /// [`HEADROOM`] free bytes, then the item.
    bytes: Vec<u8>,
    item: PhantomData<fn() -> U>,
}

/// The longest beginning of an item's frame: length, variant, lane, number.
const HEADROOM: usize = LENGTH + 1 + 3 + 10;
/// [`FromGate::Item`] as postcard counts variants.
const ITEM: u8 = 0;

impl<U: Serialize> Encoded<U> {
    /// Writes an item.
    pub fn new(item: &U) -> Result<Self, LinkError> {
        let bytes = postcard::to_extend(item, vec![0; HEADROOM]).map_err(|error| LinkError::Unwritable {
            problem: error.to_string(),
        })?;
        frame::checked(bytes.len())?;
        Ok(Self {
            bytes,
            item: PhantomData,
        })
    }
}

impl<U> Encoded<U> {
    /// The whole frame: the beginning is written right before the item.
    fn number(mut self, lane: Lane, number: u64) -> Result<Bytes, LinkError> {
        let mut head = [0; HEADROOM];
        let unwritable = |problem: postcard::Error| LinkError::Unwritable {
            problem: problem.to_string(),
        };
        let head = postcard::to_slice(&(ITEM, lane, number), &mut head).map_err(unwritable)?;
        let begin = HEADROOM - LENGTH - head.len();
        let length = (self.bytes.len() - begin - LENGTH) as u32;
        let whole = length.to_le_bytes().into_iter().chain(head.iter().copied());
        for (place, byte) in self.bytes.iter_mut().skip(begin).zip(whole) {
            *place = byte;
        }
        Ok(Bytes::from(self.bytes).slice(begin..))
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Item {
    number: u64,
    frame: Bytes,
    begins: bool,
    since: Moment,
    was_sent: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Queue {
    /// The last number given.
    last: u64,
    items: VecDeque<Item>,
}

/// The items of a gate that are not acknowledged, per lane in their order.
///
/// Serialisable: a successor of the same instance goes on with it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Held<U> {
    instance: u64,
    bounds: Bounds,
    lanes: BTreeMap<Lane, Queue>,
    bytes: usize,
    /// Since when no call logic is connected; none: one is.
    alone_since: Option<Moment>,
    /// Frames for the connection, in their order.
    #[serde(skip)]
    outgoing: VecDeque<Bytes>,
    item: PhantomData<fn() -> U>,
}

impl<U> Held<U> {
    /// Nothing yet. `instance`: drawn at random at the gate's start.
    pub fn new(instance: u64, bounds: Bounds) -> Self {
        Self {
            instance,
            bounds,
            lanes: BTreeMap::new(),
            bytes: 0,
            alone_since: Some(Moment::default()),
            outgoing: VecDeque::new(),
            item: PhantomData,
        }
    }

    /// Which run of the gate this is.
    pub fn instance(&self) -> u64 {
        self.instance
    }

    /// Items that are not acknowledged, in all lanes.
    pub fn len(&self) -> usize {
        self.lanes.values().map(|queue| queue.items.len()).sum()
    }

    /// Whether everything is acknowledged.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes an item and gives its number. `begins`: it begins something new, such as an INVITE without a To tag.
    pub fn push(&mut self, lane: Lane, item: Encoded<U>, begins: bool, now: Moment) -> Result<u64, Refused> {
        let share = |most: usize| if begins { most / 4 * 3 } else { most };
        let queue = self.lanes.entry(lane).or_default();
        let length = item.bytes.len();
        if queue.items.len() >= share(self.bounds.items_per_lane)
            || self.bytes + length > share(self.bounds.bytes)
        {
            return Err(Refused::Full {
                items: queue.items.len(),
                bytes: self.bytes,
            });
        }
        let number = queue.last + 1;
        let frame = item.number(lane, number)?;
        queue.last = number;
        self.bytes += frame.len();
        let was_sent = self.alone_since.is_none();
        if was_sent {
            self.outgoing.push_back(frame.clone());
        }
        queue.items.push_back(Item {
            number,
            frame,
            begins,
            since: now,
            was_sent,
        });
        Ok(number)
    }

    /// What to say to the call logic.
    pub fn hello(&self, role: Role) -> GateHello {
        let first = |queue: &Queue| queue.items.front().map_or(queue.last + 1, |item| item.number);
        GateHello {
            role,
            instance: self.instance,
            held: self
                .lanes
                .iter()
                .map(|(lane, queue)| (*lane, first(queue)))
                .collect(),
        }
    }

    /// The call logic is there and has committed so much: forgets that, and sends everything else again.
    pub fn connected(&mut self, cursors: &[(Lane, Cursor)]) {
        for (lane, cursor) in cursors {
            self.acknowledge(*lane, *cursor);
        }
        self.alone_since = None;
        self.outgoing.clear();
        for item in self.lanes.values_mut().flat_map(|queue| &mut queue.items) {
            item.was_sent = true;
            self.outgoing.push_back(item.frame.clone());
        }
    }

    /// The call logic is gone.
    pub fn disconnected(&mut self, now: Moment) {
        self.outgoing.clear();
        self.alone_since = Some(now);
    }

    /// Whether [`Self::to_send`] has something to give.
    pub fn has_to_send(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Whole frames to be written to the connection in this order.
    pub fn to_send(&mut self) -> VecDeque<Bytes> {
        std::mem::take(&mut self.outgoing)
    }

    /// Sends a frame of [`FromGate::Note`] that nobody keeps; false: nobody is there to take it.
    pub fn note(&mut self, frame: Bytes) -> bool {
        let taken = self.alone_since.is_none() && self.outgoing.len() < self.bounds.items_per_lane;
        if taken {
            self.outgoing.push_back(frame);
        }
        taken
    }

    /// The call logic has committed a lane up to here. A cursor of another instance is void.
    pub fn acknowledge(&mut self, lane: Lane, cursor: Cursor) {
        if cursor.instance != self.instance {
            return;
        }
        let queue = self.lanes.entry(lane).or_default();
        while queue
            .items
            .front()
            .is_some_and(|item| item.number <= cursor.number)
        {
            let item = queue.items.pop_front();
            self.bytes -= item.map_or(0, |item| item.frame.len());
        }
        // What comes next must be new to the call logic, whatever happened to our own count.
        queue.last = queue.last.max(cursor.number);
    }
}

impl<U: DeserializeOwned> Held<U> {
    /// Drops what has waited too long without call logic, and gives it to the caller. Call it a few times a second.
    pub fn expire(&mut self, now: Moment) -> Vec<Expired<U>> {
        let Some(alone_since) = self.alone_since else {
            return Vec::new();
        };
        let Bounds { new_for, any_for, .. } = self.bounds;
        let mut expired = Vec::new();
        for (lane, queue) in &mut self.lanes {
            queue.items.retain(|item| {
                let most = if item.begins { new_for } else { any_for };
                if now - item.since.max(alone_since) <= most {
                    return true;
                }
                self.bytes -= item.frame.len();
                let bytes = item.frame.get(LENGTH..).unwrap_or_default();
                // Our own writing is readable.
                if let Ok(FromGate::Item { item: back, .. }) = frame::decode(bytes) {
                    expired.push(Expired {
                        lane: *lane,
                        item: back,
                        was_sent: item.was_sent,
                    });
                }
                false
            });
        }
        expired
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LANE: Lane = Lane(300);

    fn at(ms: u64) -> Moment {
        Moment::from_unix_micros(ms * 1_000)
    }

    fn push(held: &mut Held<String>, text: &str, begins: bool, ms: u64) -> Result<u64, Refused> {
        let item = Encoded::new(&text.to_owned()).unwrap();
        held.push(LANE, item, begins, at(ms))
    }

    fn sent(held: &mut Held<String>) -> Vec<(u64, String)> {
        let frames: Vec<Bytes> = held.to_send().into();
        frames
            .iter()
            .map(|bytes| match frame::decode(&bytes[LENGTH..]).unwrap() {
                FromGate::Item { number, item, .. } => (number, item),
                FromGate::Note(note) => (0, note),
            })
            .collect()
    }

    #[test]
    fn a_numbered_frame_is_what_the_codec_writes() {
        for (lane, number) in [(Lane(0), 1), (Lane(200), 1 << 40), (Lane::REGISTRAR, u64::MAX)] {
            let item = "x".repeat(500);
            let mut frame = Vec::new();
            frame::encode(
                &FromGate::Item {
                    lane,
                    number,
                    item: &item,
                },
                &mut frame,
            )
            .unwrap();
            assert_eq!(Encoded::new(&item).unwrap().number(lane, number).unwrap(), frame);
        }
    }

    #[test]
    fn what_is_not_acknowledged_is_sent_again_in_its_order() {
        let mut held = Held::new(1, Bounds::default());
        for text in ["a", "b", "c"] {
            push(&mut held, text, false, 0).unwrap();
        }
        assert!(!held.has_to_send());
        held.connected(&[]);
        assert_eq!(sent(&mut held).len(), 3);
        push(&mut held, "d", false, 0).unwrap();
        assert_eq!(sent(&mut held), [(4, "d".to_owned())]);
        held.acknowledge(
            LANE,
            Cursor {
                instance: 1,
                number: 2,
            },
        );
        held.disconnected(at(0));
        assert_eq!(held.hello(Role::SipGate).held, [(LANE, 3)]);
        push(&mut held, "e", false, 0).unwrap();

        // By way of a successor.
        let bytes = postcard::to_allocvec(&held).unwrap();
        let mut held: Held<String> = postcard::from_bytes(&bytes).unwrap();
        held.connected(&[(
            LANE,
            Cursor {
                instance: 1,
                number: 3,
            },
        )]);
        assert_eq!(sent(&mut held), [(4, "d".to_owned()), (5, "e".to_owned())]);
        held.acknowledge(
            LANE,
            Cursor {
                instance: 2,
                number: 9,
            },
        );
        assert_eq!(held.len(), 2);
        held.acknowledge(
            LANE,
            Cursor {
                instance: 1,
                number: 5,
            },
        );
        assert!(held.is_empty());
        assert_eq!(held.bytes, 0);
    }

    #[test]
    fn new_work_waits_a_second_for_call_logic_and_the_rest_a_minute() {
        let mut held = Held::new(1, Bounds::default());
        held.connected(&[]);
        push(&mut held, "sent INVITE", true, 0).unwrap();
        push(&mut held, "sent BYE", false, 0).unwrap();
        assert!(held.expire(at(50_000)).is_empty()); // while connected nothing is dropped
        held.disconnected(at(50_000));
        push(&mut held, "INVITE", true, 50_500).unwrap();
        push(&mut held, "BYE", false, 50_500).unwrap();
        let expired = |item: &str, was_sent| Expired {
            lane: LANE,
            item: item.to_owned(),
            was_sent,
        };
        assert!(held.expire(at(51_000)).is_empty());
        assert_eq!(held.expire(at(51_001)), [expired("sent INVITE", true)]);
        assert_eq!(held.expire(at(51_501)), [expired("INVITE", false)]);
        assert_eq!(held.expire(at(110_001)), [expired("sent BYE", true)]);
        held.connected(&[]);
        assert_eq!(sent(&mut held), [(4, "BYE".to_owned())]);
    }

    #[test]
    fn lanes_and_bytes_are_bounded_and_what_is_under_way_has_the_last_quarter() {
        let mut held = Held::new(
            1,
            Bounds {
                items_per_lane: 4,
                bytes: 4_000,
                ..Bounds::default()
            },
        );
        for _ in 0..3 {
            push(&mut held, "new", true, 0).unwrap();
        }
        assert!(matches!(
            push(&mut held, "new", true, 0),
            Err(Refused::Full { items: 3, .. })
        ));
        push(&mut held, "old", false, 0).unwrap();
        assert!(matches!(
            push(&mut held, "old", false, 0),
            Err(Refused::Full { items: 4, .. })
        ));
        held.acknowledge(
            LANE,
            Cursor {
                instance: 1,
                number: 4,
            },
        );
        let long = "x".repeat(3_500);
        assert!(matches!(
            push(&mut held, &long, true, 0),
            Err(Refused::Full { items: 0, bytes: 0 })
        ));
        assert_eq!(push(&mut held, &long, false, 0), Ok(5));
        assert!(matches!(
            push(&mut held, &long, false, 0),
            Err(Refused::Full { .. })
        ));
    }

    /// A lane never counts below what the call logic has committed: it would be refused as taken.
    #[test]
    fn a_cursor_that_is_ahead_moves_the_count_on() {
        let mut held = Held::new(1, Bounds::default());
        held.connected(&[(
            LANE,
            Cursor {
                instance: 1,
                number: 7,
            },
        )]);
        assert_eq!(push(&mut held, "a", false, 0), Ok(8));
    }
}
