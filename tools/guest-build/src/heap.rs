//! Takes the free memory out of use that lies between what a build leaves behind.
//!
//! What a call allocates would lie there, a little in each of many pages, and each of these would be copied for it. With
//! nothing free but what comes after all that, it lies side by side. The allocator is wasi-libc's, dlmalloc 2.8.6, and
//! its state is found by its bins: each is a list without an end, and two are always empty.

use crate::image::Memory;

/// Where the parts of `struct malloc_state` are, where a word has 32 bits: which bins and trees have something, the chunk
/// that small ones are cut from, the bins, and the roots of the trees.
const BIN_MAP: u32 = 0;
const TREE_MAP: u32 = 4;
const VICTIM_BYTES: u32 = 8;
const VICTIM: u32 = 20;
const BINS: u32 = 40;
const ROOTS: u32 = BINS + (32 + 1) * 8;

/// Where the parts of a free chunk are: its size with flags, the next and the last one in its bin, and the smaller and
/// the larger ones in its tree. A chunk begins with the size of the one before it, if that is free.
const HEAD: u32 = 4;
const NEXT: u32 = 8;
const LAST: u32 = 12;
const CHILDREN: [u32; 2] = [16, 20];

/// Flags in a head: the chunk before it is in use; it is itself.
const BEFORE_IN_USE: u32 = 1;
const IN_USE: u32 = 2;
const FLAGS: u32 = 7;

/// No build leaves more free chunks behind: whoever finds more goes round in a circle.
const CHUNKS_MOST: usize = 1 << 20;

/// Takes all free memory out of use but the last chunk, which grows, and says how many bytes that was; 0: there is no
/// such allocator. The error says for people what about it cannot be; then the component is as it was.
pub(crate) fn retire(component: &mut [u8]) -> Result<u32, String> {
    let memory = Memory::of(component)?;
    let heap = Heap(&|address| memory.word(component, address));
    let states = memory.words(component).filter_map(|(at, word)| {
        let state = at.checked_sub(NEXT + BINS)?;
        (word == state + BINS && heap.is_state(state)).then_some(state)
    });
    let Some(state) = { states }.next() else {
        return Ok(0);
    };
    let mut changes = heap.emptied(state);
    let mut bytes = 0;
    for chunk in heap.free(state)? {
        let (size, after) = heap.size_and_next(chunk)?;
        bytes += size;
        changes.push((chunk + HEAD, heap.word(chunk, HEAD) | IN_USE));
        changes.push((after + HEAD, heap.word(after, HEAD) | BEFORE_IN_USE));
    }
    memory.change(component, &changes)?;
    Ok(bytes)
}

/// The words of a memory.
struct Heap<'a>(&'a dyn Fn(u32) -> u32);

impl Heap<'_> {
    fn word(&self, at: u32, part: u32) -> u32 {
        self.0(at.wrapping_add(part))
    }

    fn is_state(&self, state: u32) -> bool {
        let mut filled = self.filled(state, BIN_MAP, bins);
        self.word(state, BIN_MAP).trailing_zeros() >= 2
            && bins(state).take(2).all(|bin| self.word(bin, NEXT) == bin)
            && filled.all(|bin| {
                let (next, last) = (self.word(bin, NEXT), self.word(bin, LAST));
                next != bin && self.word(next, LAST) == bin && self.word(last, NEXT) == bin
            })
    }

    /// Those of the bins or roots that the map says are not empty; the others may be anything.
    fn filled<I: Iterator<Item = u32>>(
        &self,
        state: u32,
        map: u32,
        all: impl Fn(u32) -> I,
    ) -> impl Iterator<Item = u32> {
        let map = self.word(state, map);
        let indexed = all(state).zip(0..);
        indexed.filter_map(move |(one, index)| (map >> index & 1 == 1).then_some(one))
    }

    /// All free chunks but the last.
    fn free(&self, state: u32) -> Result<Vec<u32>, String> {
        let mut free = Vec::new();
        if self.word(state, VICTIM_BYTES) > 0 {
            free.push(self.word(state, VICTIM));
        }
        for bin in self.filled(state, BIN_MAP, bins) {
            self.others_of(bin, &mut free)?;
        }
        let mut nodes: Vec<u32> = self
            .filled(state, TREE_MAP, roots)
            .map(|root| self.word(root, 0))
            .collect();
        while let Some(node) = nodes.pop() {
            if node == 0 {
                continue;
            }
            free.push(node);
            self.others_of(node, &mut free)?; // of the same size
            nodes.extend(CHILDREN.map(|child| self.word(node, child)));
        }
        Ok(free)
    }

    /// The others in a list without an end.
    fn others_of(&self, one: u32, others: &mut Vec<u32>) -> Result<(), String> {
        let mut at = self.word(one, NEXT);
        while at != one {
            others.push(at);
            at = self.word(at, NEXT);
            bounded(others)?;
        }
        bounded(others)
    }

    /// How many bytes a free chunk has, and the chunk behind it.
    fn size_and_next(&self, chunk: u32) -> Result<(u32, u32), String> {
        let head = self.word(chunk, HEAD);
        let size = head & !FLAGS;
        let after = chunk.wrapping_add(size);
        let free = head & FLAGS == BEFORE_IN_USE
            && self.word(after, 0) == size
            && self.word(after, HEAD) & (IN_USE | BEFORE_IN_USE) == IN_USE;
        if free {
            Ok((size, after))
        } else {
            Err(format!(
                "there is no free chunk at {chunk:#x}: its head is {head:#x}"
            ))
        }
    }

    /// What makes the state one of an allocator that has nothing but its last chunk.
    fn emptied(&self, state: u32) -> Vec<(u32, u32)> {
        let words = [BIN_MAP, TREE_MAP, VICTIM_BYTES, VICTIM].map(|part| state + part);
        let changed = words.into_iter().filter(|at| self.word(*at, 0) != 0);
        changed.map(|at| (at, 0)).collect()
    }
}

fn bounded(free: &[u32]) -> Result<(), String> {
    if free.len() > CHUNKS_MOST {
        return Err("its free chunks have no end".to_owned());
    }
    Ok(())
}

/// The lists of small chunks: each as if it were a chunk itself.
fn bins(state: u32) -> impl Iterator<Item = u32> {
    (0..32).map(move |index| state + BINS + 8 * index)
}

fn roots(state: u32) -> impl Iterator<Item = u32> {
    (0..32).map(move |index| state + ROOTS + 4 * index)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: u32 = 0x100;
    const BIN: u32 = STATE + BINS + 8 * 4;
    const SMALL: [u32; 2] = [0x400, 0x440];
    const TREE: [u32; 3] = [0x600, 0x800, 0xa00];
    const CUT: u32 = 0x500;

    /// A heap with two free chunks of 32 bytes in a bin, three of 256 in a tree, one of which has the root's size, and
    /// one of 64 that small ones are cut from. What comes after each is in use.
    fn heap() -> Vec<u32> {
        let mut words = vec![0; 0x400];
        let mut set = |at: u32, values: &[u32]| {
            let at = at as usize / 4;
            words[at..at + values.len()].copy_from_slice(values);
        };
        set(STATE, &[1 << 4, 1 << 3, 64]);
        set(STATE + VICTIM, &[CUT, 0x8000]);
        for bin in bins(STATE) {
            set(bin + NEXT, &[bin, bin]);
        }
        set(BIN + NEXT, &[SMALL[0], SMALL[1]]);
        set(SMALL[0], &[0, 33, SMALL[1], BIN]);
        set(SMALL[1], &[0, 33, BIN, SMALL[0]]);
        set(STATE + ROOTS + 4 * 3, &[TREE[0]]);
        set(TREE[0], &[0, 257, TREE[1], TREE[1], 0, TREE[2]]);
        set(TREE[1], &[0, 257, TREE[0], TREE[0]]);
        set(TREE[2], &[0, 257, TREE[2], TREE[2]]);
        set(CUT, &[0, 65]);
        for (size, chunks) in [(32, &SMALL[..]), (256, &TREE), (64, &[CUT])] {
            for chunk in chunks {
                set(chunk + size, &[size, 16 | IN_USE]);
            }
        }
        words
    }

    fn component(words: &[u32]) -> Vec<u8> {
        let bytes: String = words
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .map(|byte| format!("\\{byte:02x}"))
            .collect();
        // It begins where a word does not, as data may.
        let text = format!(
            r#"(component (core module (memory 1) (data (i32.const 2) "{}")))"#,
            &bytes[6..]
        );
        wat::parse_str(text).unwrap()
    }

    fn words(component: &[u8]) -> Vec<u32> {
        let memory = Memory::of(component).unwrap();
        (0..0x400)
            .map(|index| memory.word(component, 4 * index))
            .collect()
    }

    #[test]
    fn all_free_chunks_are_in_use_afterwards_and_nothing_else_changes() {
        let mut settled = component(&heap());
        assert_eq!(retire(&mut settled), Ok(2 * 32 + 3 * 256 + 64));
        let mut expected = heap();
        for part in [BIN_MAP, TREE_MAP, VICTIM_BYTES, VICTIM] {
            expected[(STATE + part) as usize / 4] = 0;
        }
        for (size, chunks) in [(32, &SMALL[..]), (256, &TREE), (64, &[CUT])] {
            for chunk in chunks {
                expected[(chunk + HEAD) as usize / 4] |= IN_USE;
                expected[(chunk + size + HEAD) as usize / 4] |= BEFORE_IN_USE;
            }
        }
        assert_eq!(words(&settled), expected);
        assert_eq!(retire(&mut settled), Ok(0), "once is enough");
    }

    #[test]
    fn component_is_left_as_it_is_where_its_heap_is_another() {
        let mut none = component(&[7; 0x400]);
        assert_eq!(retire(&mut none), Ok(0));
        let wrong = |at: u32, word: u32| {
            let mut words = heap();
            words[at as usize / 4] = word;
            let before = component(&words);
            let mut after = before.clone();
            let why = retire(&mut after).unwrap_err();
            assert_eq!(after, before);
            why
        };
        let why = wrong(SMALL[1] + HEAD, 35);
        assert!(why.contains("no free chunk at 0x440"), "{why}");
        let why = wrong(TREE[2] + 256, 255);
        assert!(why.contains("no free chunk at 0xa00"), "{why}");
        let why = wrong(TREE[1] + NEXT, TREE[1]);
        assert!(why.contains("have no end"), "{why}");
        let why = wrong(TREE[2] + CHILDREN[0], TREE[0]);
        assert!(why.contains("have no end"), "{why}");
    }
}
