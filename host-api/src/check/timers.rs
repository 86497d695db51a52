//! The ranges of `timers`.

use super::at_most;
use crate::op::TimerOp;

const NAME_BYTES_MAX: usize = 64;
const DATA_BYTES_MAX: usize = 16 << 10;
/// 400 days.
const AFTER_MS_MAX: u64 = 400 * 86_400_000;

pub(super) fn check(name: &str, op: &TimerOp) -> Result<(), String> {
    at_most("the name", name.len(), NAME_BYTES_MAX, "bytes")?;
    let (chosen, rest) = name.split_once('/').unwrap_or((name, ""));
    let letters = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
    if chosen.is_empty() || !chosen.bytes().all(letters) {
        return Err(format!(
            "{name:?} is no timer's name: a-z, 0-9, - _ and ., then a / and more, if need be"
        ));
    }
    if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!(
            "{name:?} has more behind its / than printable ASCII without spaces"
        ));
    }
    let TimerOp::Set { after_ms, data } = op else {
        return Ok(());
    };
    if *after_ms > AFTER_MS_MAX {
        return Err(format!("after-ms is {after_ms}, more than 400 days"));
    }
    at_most("data", data.len(), DATA_BYTES_MAX, "bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_data_and_times_are_bounded() {
        for good in ["reminder", "reminder/4711", "a.b-c_9/Ann/#1", &"x".repeat(64)] {
            assert_eq!(check(good, &TimerOp::Cancel), Ok(()), "{good}");
        }
        for bad in ["", "/1", "Reminder", "a b", "a/b c", "a/\u{e9}", &"x".repeat(65)] {
            assert!(check(bad, &TimerOp::Cancel).is_err(), "{bad}");
        }
        let set = |after_ms, data| check("a", &TimerOp::Set { after_ms, data });
        assert_eq!(set(0, String::new()), Ok(()));
        assert_eq!(set(AFTER_MS_MAX, "x".repeat(16_384)), Ok(()));
        assert!(
            set(AFTER_MS_MAX + 1, String::new())
                .unwrap_err()
                .contains("400 days")
        );
        assert!(set(1, "x".repeat(16_385)).unwrap_err().contains("16385 bytes"));
    }
}
