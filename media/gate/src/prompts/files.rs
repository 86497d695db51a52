//! Where prompt files lie, and the wall between domains.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Longest file read: an hour of 8 kHz PCM, four minutes of 48 kHz stereo.
const FILE_MAX: u64 = 64 << 20;
/// Files remembered as unchanged.
pub(crate) const STAMPS_MAX: usize = 4_096;

/// The domain's music for those who wait, among its prompts.
pub(crate) const MUSIC: &str = "music-on-hold";
/// Names of recordings begin so; they are looked for among the domain's recordings first.
pub const RECORDING: &str = "recording-";

/// A name that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// Not one step of a path.
    #[error("{0:?} is no prompt name: letters, digits, spaces, '.', '_' and '-', not beginning with '.'")]
    Prompt(String),
    /// One that no folder has.
    #[error("{0:?} is no domain name")]
    Domain(String),
}

/// One step of a path and no more: neither `..` nor a separator nor a hidden file.
fn is_plain(name: &str, extra: &[char]) -> bool {
    (1..=128).contains(&name.len())
        && !name.starts_with('.')
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || ".-_".contains(c) || extra.contains(&c))
}

/// `prompts_dir/DOMAIN/NAME`, with `.wav` where the name has no ending of that kind.
///
/// # Errors
/// Which of the names leads nowhere.
pub fn path(prompts_dir: &Path, domain: &str, name: &str) -> Result<PathBuf, NameError> {
    if !is_plain(domain, &[]) {
        return Err(NameError::Domain(domain.chars().take(128).collect()));
    }
    if !is_plain(name, &[' ']) {
        return Err(NameError::Prompt(name.chars().take(128).collect()));
    }
    let mut file = name.to_owned();
    if !Path::new(name)
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("wav"))
    {
        file.push_str(".wav");
    }
    Ok(prompts_dir.join(domain).join(file))
}

/// The whole file, if it is a regular one of bearable length.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = std::fs::File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(FILE_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_MAX {
        return Err(io::Error::other(format!("longer than {FILE_MAX} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_within_their_domain() {
        let dir = Path::new("/p");
        assert_eq!(
            path(dir, "demo.example", "welcome"),
            Ok(PathBuf::from("/p/demo.example/welcome.wav"))
        );
        assert_eq!(
            path(dir, "demo", "Begrüßung 2.WAV"),
            Ok(PathBuf::from("/p/demo/Begrüßung 2.WAV"))
        );
        for bad in [
            "",
            "..",
            "../x",
            "a/b",
            "/etc/passwd",
            ".hidden",
            "a\\b",
            "a\0b",
            "a\nb",
            &"x".repeat(129),
        ] {
            assert!(path(dir, "demo", bad).is_err(), "{bad:?}");
            assert!(path(dir, bad, "welcome").is_err(), "{bad:?}");
        }
    }
}
