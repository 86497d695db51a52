//! One change of one key, as bytes.

/// The longest key.
pub const KEY_BYTES_MAX: usize = 64;
/// The longest value, with all that is appended to it.
pub const VALUE_BYTES_MAX: usize = 16 << 20;

const PUT: u8 = 1;
const APPEND: u8 = 2;
const DELETE: u8 = 3;

/// One change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) change: Change<'a>,
}

/// What becomes of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change<'a> {
    /// It has this value.
    Put { value: &'a [u8] },
    /// Its value grows; the batch `follows` changed it last, 0: there was none.
    Append { follows: u64, value: &'a [u8] },
    /// It is gone.
    Delete,
}

impl<'a> Entry<'a> {
    /// Writes the entry behind `out`.
    pub(crate) fn push_to(self, out: &mut Vec<u8>) {
        let kind = match self.change {
            Change::Put { .. } => PUT,
            Change::Append { .. } => APPEND,
            Change::Delete => DELETE,
        };
        out.extend_from_slice(&[kind, self.key.len() as u8]);
        out.extend_from_slice(self.key);
        match self.change {
            Change::Put { value } => push_value(out, value),
            Change::Append { follows, value } => {
                out.extend_from_slice(&follows.to_le_bytes());
                push_value(out, value);
            }
            Change::Delete => (),
        }
    }

    /// Where `follows` lies in an `Append` that begins at `at`.
    pub(crate) fn follows_at(&self, at: usize) -> usize {
        at + 2 + self.key.len()
    }

    /// Reads one entry; gives what is behind it.
    pub(crate) fn take(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), &'static str> {
        let (&[kind, key_bytes], rest) = bytes.split_first_chunk().ok_or("it is cut")?;
        if usize::from(key_bytes) > KEY_BYTES_MAX {
            return Err("its key is too long");
        }
        let (key, rest) = rest.split_at_checked(key_bytes.into()).ok_or("its key is cut")?;
        let (change, rest) = match kind {
            PUT => {
                let (value, rest) = take_value(rest)?;
                (Change::Put { value }, rest)
            }
            APPEND => {
                let (follows, rest) = rest.split_first_chunk().ok_or("it is cut")?;
                let (value, rest) = take_value(rest)?;
                (
                    Change::Append {
                        follows: u64::from_le_bytes(*follows),
                        value,
                    },
                    rest,
                )
            }
            DELETE => (Change::Delete, rest),
            _ => return Err("it is of an unknown kind"),
        };
        Ok((Self { key, change }, rest))
    }
}

/// The entries of a record, up to the first that makes no sense.
pub(crate) fn entries(mut bytes: &[u8]) -> impl Iterator<Item = Result<Entry<'_>, &'static str>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let taken = Entry::take(bytes);
        bytes = taken.map_or(&[], |(_, rest)| rest);
        Some(taken.map(|(entry, _)| entry))
    })
}

fn push_value(out: &mut Vec<u8>, value: &[u8]) {
    let mut left = value.len() as u32;
    while left >= 0x80 {
        out.push(left as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
    out.extend_from_slice(value);
}

fn take_value(bytes: &[u8]) -> Result<(&[u8], &[u8]), &'static str> {
    let mut length = 0_usize;
    // Four bytes hold 28 bits; the longest value needs 25.
    for (position, byte) in bytes.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * position);
        if byte & 0x80 == 0 {
            if length > VALUE_BYTES_MAX {
                return Err("its value is too long");
            }
            let (_, rest) = bytes.split_at_checked(position + 1).ok_or("it is cut")?;
            return rest.split_at_checked(length).ok_or("its value is cut");
        }
    }
    Err("its value's length is cut or too long")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_as_they_were_written() {
        let long = vec![7; 300_000];
        let written = [
            Entry {
                key: b"",
                change: Change::Put { value: b"" },
            },
            Entry {
                key: &[9; KEY_BYTES_MAX],
                change: Change::Put { value: &long },
            },
            Entry {
                key: b"k",
                change: Change::Append {
                    follows: u64::MAX,
                    value: &[1; 128],
                },
            },
            Entry {
                key: b"k",
                change: Change::Delete,
            },
        ];
        let mut bytes = Vec::new();
        for entry in written {
            entry.push_to(&mut bytes);
        }
        let read: Vec<_> = entries(&bytes).map(Result::unwrap).collect();
        assert_eq!(read, written);
    }

    #[test]
    fn entry_that_claims_more_than_there_is_makes_no_sense() {
        for bytes in [
            &[1][..],
            &[1, 65],
            &[1, 2, 0],
            &[1, 0, 5, 0],
            &[1, 0, 0xff, 0xff, 0xff, 0xff, 0],
            &[2, 0, 0],
            &[4, 0],
        ] {
            assert!(entries(bytes).any(|entry| entry.is_err()), "{bytes:?}");
        }
    }
}
