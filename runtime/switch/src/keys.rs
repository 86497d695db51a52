//! Under which keys the call logic's state is written down, and what a step changes of it.
//!
//! A value is one version byte and what `postcard` makes of a type; [`crate::written`] writes and reads it.

/// What a value is of. The numbers are those of the written form: new kinds get new ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// Numbers that are given once, and among how many shards this one was. One a log.
    Meta = 0,
    /// The part of a call that changes with each request; `id` is its [`CallKey`](crate::CallKey).
    Call = 1,
    /// A leg; `part` is its [`LegId`](tandem_host_api::op::LegId).
    Leg = 2,
    /// What began a call: written once.
    Origin = 3,
    /// The journal of a call's scenario. Written by the driver.
    Scenario = 4,
    /// A server transaction; `id` is its number.
    ServerTransaction = 5,
    /// A client transaction; `id` is its number. Its part 1 is what it is for.
    ClientTransaction = 6,
    /// What waits for the answer to a question; `id` is the question's number.
    Waiting = 7,
    /// Nonces, and the keys that made them.
    Nonce = 8,
    /// The bindings of one AOR; `id` is its hash.
    Binding = 9,
    /// How far the inputs of a lane have been taken. Written by the driver.
    Cursor = 10,
    /// A record that the store has not confirmed. Written by the driver.
    Ended = 11,
    /// The recordings of a call, where it has any.
    Tapes = 12,
    /// The scenario that takes over a call whose own fails, and whether it has; `id` is the call's.
    Fallback = 13,
    /// What a call that no caller began was originated with; `id` is the call's.
    Originated = 14,
    /// By when what a call's scenario waits for must be over; `id` is the call's.
    Deadline = 15,
}

impl Kind {
    const ALL: [Self; 16] = [
        Self::Meta,
        Self::Call,
        Self::Leg,
        Self::Origin,
        Self::Scenario,
        Self::ServerTransaction,
        Self::ClientTransaction,
        Self::Waiting,
        Self::Nonce,
        Self::Binding,
        Self::Cursor,
        Self::Ended,
        Self::Tapes,
        Self::Fallback,
        Self::Originated,
        Self::Deadline,
    ];
}

/// The name of one written value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// What it is of.
    pub kind: Kind,
    /// Which one.
    pub id: u64,
    /// Which part of it; 0 where it has none.
    pub part: u32,
}

impl Key {
    /// Bytes of a key.
    pub const LEN: usize = 13;

    /// A key.
    pub const fn new(kind: Kind, id: u64, part: u32) -> Self {
        Self { kind, id, part }
    }

    /// Kind, id and part, big endian: sorted as bytes they are sorted as keys.
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let (kind, rest) = bytes.split_at_mut(1);
        let (id, part) = rest.split_at_mut(8);
        kind.copy_from_slice(&[self.kind as u8]);
        id.copy_from_slice(&self.id.to_be_bytes());
        part.copy_from_slice(&self.part.to_be_bytes());
        bytes
    }

    /// Back from bytes; none where they are no key of a kind known here.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let (id, part) = rest.split_first_chunk::<8>()?;
        Some(Self {
            kind: *Kind::ALL.get(usize::from(*kind))?,
            id: u64::from_be_bytes(*id),
            part: u32::from_be_bytes(part.try_into().ok()?),
        })
    }
}

/// One change of what is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "a variant's sentence speaks of its fields")]
pub enum Change<'a> {
    /// The key has this value now.
    Put { key: Key, value: &'a [u8] },
    /// The key has no value any more.
    Delete { key: Key },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_and_sort_as_their_bytes_do() {
        let mut keys: Vec<_> = Kind::ALL
            .iter()
            .flat_map(|kind| {
                [
                    Key::new(*kind, 7, 0),
                    Key::new(*kind, u64::MAX, 3),
                    Key::new(*kind, 7, 256),
                ]
            })
            .collect();
        for key in &keys {
            assert_eq!(Key::from_bytes(&key.to_bytes()), Some(*key));
        }
        let mut bytes: Vec<_> = keys.iter().map(|key| key.to_bytes()).collect();
        keys.sort();
        bytes.sort_unstable();
        assert_eq!(bytes, keys.iter().map(|key| key.to_bytes()).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_no_key_is_none() {
        let whole = Key::new(Kind::Leg, 1, 2).to_bytes();
        for length in 0..whole.len() {
            assert_eq!(Key::from_bytes(&whole[..length]), None);
        }
        assert_eq!(Key::from_bytes(&[whole.as_slice(), &[0]].concat()), None);
        assert_eq!(Key::from_bytes(&[99; Key::LEN]), None);
    }
}
