//! Scripts on a disk, with what lies beside them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Beside, Script, ScriptError};

/// Largest script, and largest file of settings.
const BYTES_MAX: u64 = 1 << 20;
/// Chunks of a WAV file that are looked at before its sound is found.
const CHUNKS_MAX: usize = 64;

/// Why there is no script.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("{}: {reason}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// In words.
        reason: String,
    },
    /// It is no script.
    #[error("{}:{}: {}", path.display(), error.line, error.reason)]
    Script {
        /// Which.
        path: PathBuf,
        /// What is wrong, and where.
        error: ScriptError,
    },
}

/// Reads a script. `settings_file` is looked for beside it; WAV files that lie there have the length that they say.
pub fn load(path: &Path) -> Result<Script, LoadError> {
    let file = |reason| LoadError::File {
        path: path.to_owned(),
        reason,
    };
    let text = read(path).map_err(file)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let read_beside = |name: &str| read(&folder.join(name)).map_err(|reason| format!("{name}: {reason}"));
    let beside = Beside {
        waves: waves(folder),
        read: Some(&read_beside),
    };
    Script::parse(&text, &beside).map_err(|error| LoadError::Script {
        path: path.to_owned(),
        error,
    })
}

fn read(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(|error| error.to_string())?;
    if text.len() as u64 > BYTES_MAX {
        return Err(format!("it has more than {BYTES_MAX} bytes"));
    }
    Ok(text)
}

/// The lengths of the WAV files of a folder. What cannot be read is left out: a prompt of that name then fails, as it
/// does on a server.
pub fn waves(folder: &Path) -> BTreeMap<String, Duration> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let Ok(entries) = std::fs::read_dir(folder) else {
        return BTreeMap::new();
    };
    let named = entries.flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let is_wave = Path::new(&name).extension()?.eq_ignore_ascii_case("wav");
        Some((name, length(&entry.path()).filter(|_| is_wave)?))
    });
    named.collect()
}

/// How long a WAV file plays: bytes of its sound by bytes per second.
fn length(path: &Path) -> Option<Duration> {
    let mut file = File::open(path).ok()?;
    let mut head = [0; 12];
    file.read_exact(&mut head).ok()?;
    if !head.starts_with(b"RIFF") || !head.ends_with(b"WAVE") {
        return None;
    }
    let mut bytes_per_s = None;
    for _ in 0..CHUNKS_MAX {
        let mut chunk = [0; 8];
        file.read_exact(&mut chunk).ok()?;
        let size = u32::from_le_bytes(*chunk.last_chunk()?);
        let mut passed = 0;
        match chunk.first_chunk::<4>()? {
            b"fmt " => {
                let mut format = [0; 12];
                file.read_exact(&mut format).ok()?;
                passed = format.len() as i64;
                bytes_per_s = Some(u32::from_le_bytes(*format.last_chunk()?)).filter(|rate| *rate > 0);
            }
            b"data" => {
                let ms = u64::from(size) * 1_000 / u64::from(bytes_per_s?);
                return Some(Duration::from_millis(ms));
            }
            _ => (),
        }
        // Chunks begin at even places.
        let rest = i64::from(size) + i64::from(size % 2) - passed;
        file.seek(SeekFrom::Current(rest)).ok()?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(bytes_per_s: u32, sound: u32) -> Vec<u8> {
        let mut wave = b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0fmt \x10\0\0\0\x01\0\x01\0".to_vec();
        wave.extend(8_000_u32.to_le_bytes());
        wave.extend(bytes_per_s.to_le_bytes());
        wave.extend([2, 0, 16, 0]);
        wave.extend(b"data");
        wave.extend(sound.to_le_bytes());
        wave
    }

    #[test]
    fn a_wave_beside_the_script_has_its_own_length_and_another_file_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        write("greeting.wav", &wave(16_000, 40_000));
        write("silent.wav", &wave(0, 40_000));
        write("short.wav", b"RIFF");
        write("text.txt", &wave(16_000, 40_000));
        let found = waves(folder.path());
        assert_eq!(
            found,
            [("greeting.wav".to_owned(), Duration::from_millis(2_500))].into()
        );
    }

    #[test]
    fn a_mistake_is_told_with_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("menu.toml");
        std::fs::write(&path, "[[case]]\nname = 'a'\nworld.settings_file = 'gone.json'\n").unwrap();
        let error = load(&path).unwrap_err().to_string();
        assert!(error.contains("menu.toml:3: gone.json: No such file"), "{error}");
    }
}
