//! Makes the objects immortal that a Python component begins each call with (PEP 683).
//!
//! CPython counts who refers to an object in its first word, so a call that only reads an object writes to it, and has a
//! copy made of its page. Words above a bound are not counted in. `tandem_scenario/_image.py` notes where the objects
//! are, in the memory that the build leaves behind as the component's data; here their first words are set, and nothing
//! else of the component changes.

use std::ops::Range;

use crate::image::Memory;

/// What the note begins with.
const RECORD: &[u8] = b"tandem-scenario: these objects are immortal\0";
/// What CPython 3.14 gives an object that it makes immortal, where a word has 32 bits (`_Py_IMMORTAL_INITIAL_REFCNT`).
const IMMORTAL: u32 = 5 << 28;
/// From here on an object is immortal (`_Py_IMMORTAL_MINIMUM_REFCNT`).
const IMMORTAL_LEAST: u32 = 1 << 30;
/// No object is referred to more often by those that a build leaves behind, and no address in use is lower: a free
/// object has one where its count was.
const COUNT_MOST: u32 = 1 << 17;

/// Makes the objects immortal that the component's note names, and says how many these were; 0: it has no such note. The
/// error says for people what about it cannot be; then the component is as it was.
pub(crate) fn immortalise(component: &mut [u8]) -> Result<usize, String> {
    let memory = Memory::of(component)?;
    let Some(objects) = objects(&memory, component) else {
        return Ok(0);
    };
    let mut known = objects.clone();
    known.sort_unstable();
    let mut counts = Vec::with_capacity(objects.len());
    for object in objects {
        let (count, class) = (
            memory.word(component, object),
            memory.word(component, object.wrapping_add(4)),
        );
        if count >= IMMORTAL_LEAST {
            continue;
        }
        if count == 0 || count > COUNT_MOST || known.binary_search(&class).is_err() {
            return Err(format!(
                "there is no object at {object:#x}: its count is {count}, its type at {class:#x}"
            ));
        }
        // One whose zeros are not written out stays as it is: it is counted as ever.
        counts.extend(memory.place(object));
    }
    for place in &counts {
        if let Some(count) = component.get_mut(place.clone()) {
            count.copy_from_slice(&IMMORTAL.to_le_bytes());
        }
    }
    Ok(counts.len())
}

/// The addresses in the note.
fn objects(memory: &Memory, component: &[u8]) -> Option<Vec<u32>> {
    let bytes = |(_, range): &(u32, Range<usize>)| component.get(range.clone());
    let notes = memory.data.iter().filter_map(|data| Some((data.0, bytes(data)?)));
    notes
        .flat_map(|(first, bytes)| {
            let starts = memchr::memmem::find_iter(bytes, RECORD);
            starts.map(move |at| first + (at + RECORD.len()) as u32)
        })
        .find_map(|at| {
            let [begin, count, sum] = [0, 4, 8].map(|index| memory.word(component, at.wrapping_add(index)));
            // The words of the source stand in the memory too, and nothing like this after them.
            let whole = count > 0 && begin.checked_add(count) == Some(sum) && memory.at(begin).is_some();
            let end = begin.checked_add(count.checked_mul(4)?).filter(|_| whole)?;
            Some(
                (begin..end)
                    .step_by(4)
                    .map(|at| memory.word(component, at))
                    .collect(),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A memory with an object at 16, its type at 32, which is of its own type, and the note of both.
    fn component(count: u32) -> Vec<u8> {
        let mut note = RECORD.to_vec();
        note.extend(b"not a note");
        note.extend(RECORD);
        note.extend([200_u32, 2, 202].iter().flat_map(|word| word.to_le_bytes()));
        let data = |first: u32, bytes: &[u8]| {
            let bytes: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
            format!(r#"(data (i32.const {first}) "{bytes}")"#)
        };
        let words = |words: &[u32]| {
            words
                .iter()
                .flat_map(|word| word.to_le_bytes())
                .collect::<Vec<_>>()
        };
        let text = format!(
            "(component (core module (memory 1) {} {} {} {}))",
            data(16, &words(&[count, 32, 7])),
            data(32, &words(&[3, 32])),
            // Zeros at the end are not written out.
            data(200, &[16, 0, 0, 0, 32]),
            data(300, &note),
        );
        wat::parse_str(text).unwrap()
    }

    #[test]
    fn counts_of_the_objects_in_the_note_are_set_and_nothing_else() {
        let before = component(2);
        let mut after = before.clone();
        assert_eq!(immortalise(&mut after), Ok(2));
        assert_eq!(before.len(), after.len());
        let memory = Memory::of(&after).unwrap();
        let words = |bytes: &[u8]| [16, 20, 24, 32, 36].map(|address| memory.word(bytes, address));
        assert_eq!(words(&before), [2, 32, 7, 3, 32]);
        assert_eq!(words(&after), [IMMORTAL, 32, 7, IMMORTAL, 32]);
        let changed = before.iter().zip(&after).filter(|(was, is)| was != is).count();
        assert_eq!(changed, 4, "the lowest and the highest byte of each count");
        assert_eq!(immortalise(&mut after), Ok(0), "once is enough");
    }

    #[test]
    fn component_is_left_as_it_is_where_the_note_is_wrong_or_missing() {
        let mut freed = component(0x0043_ecfc);
        let before = freed.clone();
        let why = immortalise(&mut freed).unwrap_err();
        assert!(why.contains("no object at 0x10"), "{why}");
        assert_eq!(freed, before);
        let mut plain =
            wat::parse_str("(component (core module (memory 1) (data (i32.const 8) \"x\")))").unwrap();
        assert_eq!(immortalise(&mut plain), Ok(0));
        let two =
            r#"(component (core module (memory 1) (data (i32.const 8) "xy") (data (i32.const 9) "z")))"#;
        assert_eq!(
            immortalise(&mut wat::parse_str(two).unwrap()),
            Err("its data overlap".to_owned())
        );
        assert!(immortalise(&mut before[..before.len() / 2].to_vec()).is_err());
    }
}
