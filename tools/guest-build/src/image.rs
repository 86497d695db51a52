//! The memory that a finished component begins with, as its data say.

use std::ops::Range;

use wasmparser::{DataKind, Operator, Parser, Payload};

use crate::merge::words;

/// What the data of a component put into its memory, by address.
pub(crate) struct Memory {
    /// In their order: the first address, and where the bytes are in the component.
    pub(crate) data: Vec<(u32, Range<usize>)>,
}

impl Memory {
    pub(crate) fn of(component: &[u8]) -> Result<Self, String> {
        let mut data = Vec::new();
        for payload in Parser::new(0).parse_all(component) {
            let Payload::DataSection(section) = payload.map_err(words)? else {
                continue;
            };
            for segment in section {
                let segment = segment.map_err(words)?;
                let DataKind::Active { offset_expr, .. } = &segment.kind else {
                    continue;
                };
                // One whose place is known only when it is instantiated is none of a finished image.
                if let Ok(Operator::I32Const { value }) = offset_expr.get_operators_reader().read() {
                    let end = segment.range.end;
                    data.push((value.cast_unsigned(), end - segment.data.len()..end));
                }
            }
        }
        data.sort_unstable_by_key(|(first, _)| *first);
        let overlap = |two: &[(u32, Range<usize>)]| matches!(two, [(first, bytes), (next, _)] if *next - first < bytes.len() as u32);
        if data.windows(2).any(overlap) {
            return Err("its data overlap".to_owned());
        }
        Ok(Self { data })
    }

    /// The segment that has the address, and how far in.
    pub(crate) fn at(&self, address: u32) -> Option<(&Range<usize>, usize)> {
        let next = self.data.partition_point(|(first, _)| *first <= address);
        let (first, bytes) = self.data.get(next.checked_sub(1)?)?;
        let within = (address - first) as usize;
        (within < bytes.len()).then_some((bytes, within))
    }

    /// Where the word is in the component; none: not all of it is written there.
    pub(crate) fn place(&self, address: u32) -> Option<Range<usize>> {
        let (bytes, within) = self.at(address)?;
        let begin = bytes.start + within;
        (within + 4 <= bytes.len()).then_some(begin..begin + 4)
    }

    /// The word; what is not written is zero.
    pub(crate) fn word(&self, component: &[u8], address: u32) -> u32 {
        let byte = |index| {
            let (bytes, within) = self.at(address.checked_add(index)?)?;
            component.get(bytes.start + within).copied()
        };
        u32::from_le_bytes([0, 1, 2, 3].map(|index| byte(index).unwrap_or_default()))
    }

    /// Every word that is written, with its address, where it is a multiple of four.
    pub(crate) fn words<'a>(&'a self, component: &'a [u8]) -> impl Iterator<Item = (u32, u32)> {
        self.data.iter().flat_map(|(first, range)| {
            let skipped = first.wrapping_neg() % 4;
            let bytes = component.get(range.clone()).unwrap_or_default();
            let (words, _) = bytes.get(skipped as usize..).unwrap_or_default().as_chunks();
            let addresses = (first.saturating_add(skipped)..).step_by(4);
            addresses.zip(words.iter().map(|word| u32::from_le_bytes(*word)))
        })
    }

    /// Sets the words at these addresses; where a byte that differs is not written, none, and the error says so.
    pub(crate) fn change(&self, component: &mut [u8], changes: &[(u32, u32)]) -> Result<(), String> {
        let mut bytes = Vec::new();
        for (at, word) in changes {
            for (byte, at) in word.to_le_bytes().into_iter().zip(*at..) {
                match self.at(at) {
                    Some((range, within)) => bytes.push((range.start + within, byte)),
                    None if byte == 0 => {}
                    None => return Err(format!("{at:#x} is not in the data")),
                }
            }
        }
        for (place, new) in bytes {
            if let Some(old) = component.get_mut(place) {
                *old = new;
            }
        }
        Ok(())
    }
}
