//! Prompts for the HTTP API: WAV files in `DATA/prompts/DOMAIN`, where the media gate plays them from.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use tandem_gate::{Espeak, RECORDING_PREFIX, SPEECH_TEXT_MAX, Speech as _, SpeechError};
use tandem_web::{Prompt, PromptRefused, Prompts};

/// Most prompts of a domain that are kept by HTTP.
const PROMPTS_MAX: usize = 1_000;
/// Most bytes of a domain's prompts.
const BYTES_MAX: u64 = 1 << 30;
/// Most files of a folder that are looked at: somebody may have laid more there.
const FILES_MAX: usize = 10_000;
/// Bytes of a file that are read for its length.
const HEAD_BYTES: u64 = 4 << 10;
/// Longest file that is read: what is put here has at most 20 MiB.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// The prompts of a data directory.
pub struct PromptFiles {
    folder: PathBuf,
    speech: Espeak,
    /// Tells files apart that are being written.
    writes: AtomicU64,
}

impl PromptFiles {
    /// Those in `data`; `program` speaks.
    pub fn new(data: &Path, program: &str) -> Self {
        Self {
            folder: data.join("prompts"),
            speech: Espeak {
                program: program.into(),
                ..Espeak::default()
            },
            writes: AtomicU64::new(0),
        }
    }

    fn path(&self, domain: &str, name: &str) -> Result<PathBuf, PromptRefused> {
        // The gate looks for those among what was recorded.
        if name.starts_with(RECORDING_PREFIX) {
            let words =
                format!("a prompt's name does not begin with `{RECORDING_PREFIX}`: recordings' names do");
            return Err(PromptRefused::Name(words));
        }
        tandem_gate::prompt_path(&self.folder, domain, name)
            .map_err(|error| PromptRefused::Name(error.to_string()))
    }

    /// Refuses what would be beyond the domain's bounds; `path` is what it replaces.
    fn fits(&self, domain: &str, path: &Path, bytes: u64) -> Result<(), PromptRefused> {
        let others = self.list(domain)?;
        let own = name_of(path);
        let others = others.iter().filter(|prompt| Some(&prompt.name) != own.as_ref());
        let (number, sum) = others.fold((0, 0), |(number, sum), prompt| (number + 1, sum + prompt.bytes));
        if number >= PROMPTS_MAX {
            let words = format!("the domain has {PROMPTS_MAX} prompts, and no more are kept");
            return Err(PromptRefused::Full(words));
        }
        if sum + bytes > BYTES_MAX {
            let words = format!(
                "the domain's prompts would take more than {} MiB",
                BYTES_MAX >> 20
            );
            return Err(PromptRefused::Full(words));
        }
        Ok(())
    }
}

impl Prompts for PromptFiles {
    fn list(&self, domain: &str) -> Result<Vec<Prompt>, PromptRefused> {
        let files = match fs::read_dir(self.folder.join(domain)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut prompts = Vec::new();
        for file in files.take(FILES_MAX) {
            // One that is taken away meanwhile, or that no scenario can name, is none.
            if let Some(prompt) = prompt(&file?.path())? {
                prompts.push(prompt);
            }
        }
        prompts.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(prompts)
    }

    fn find(&self, domain: &str, name: &str) -> Result<Option<Prompt>, PromptRefused> {
        Ok(prompt(&self.path(domain, name)?)?)
    }

    fn read(&self, domain: &str, name: &str) -> Result<Vec<u8>, PromptRefused> {
        let file = File::open(self.path(domain, name)?)?;
        let mut wav = Vec::new();
        file.take(FILE_BYTES_MAX).read_to_end(&mut wav)?;
        Ok(wav)
    }

    fn put(&self, domain: &str, name: &str, sound: &[u8]) -> Result<Prompt, PromptRefused> {
        let path = self.path(domain, name)?;
        self.fits(domain, &path, sound.len() as u64)?;
        let folder = self.folder.join(domain);
        fs::create_dir_all(&folder)?;
        // Hidden, so that nobody plays it; a call that reads meanwhile has the whole of the old one.
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        let new = folder.join(format!(".{number}.new"));
        let written = write(&new, sound).and_then(|()| fs::rename(&new, &path));
        if let Err(error) = written {
            let _ = fs::remove_file(&new); // what a full disk has of it is of no use
            return Err(error.into());
        }
        prompt(&path)?.ok_or_else(|| PromptRefused::Failed(format!("{} is gone again", path.display())))
    }

    fn remove(&self, domain: &str, name: &str) -> Result<(), PromptRefused> {
        match fs::remove_file(self.path(domain, name)?) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn sound(&self, file: &[u8]) -> Result<Vec<u8>, PromptRefused> {
        tandem_gate::prompt_sound(file).map_err(PromptRefused::Sound)
    }

    fn speak(&self, text: &str, voice: &str) -> Result<Vec<u8>, PromptRefused> {
        if text.trim().is_empty() || text.len() > SPEECH_TEXT_MAX {
            let words = format!("a text has 1 to {SPEECH_TEXT_MAX} bytes, not only spaces");
            return Err(PromptRefused::Text(words));
        }
        let wav = self.speech.speak(text, voice).map_err(|error| match error {
            SpeechError::Language(_) => PromptRefused::Voice(error.to_string()),
            // It takes every text: what it does not know is the voice.
            SpeechError::Refused(_) => PromptRefused::Voice(format!("{voice}: {error}")),
            SpeechError::Long(_) | SpeechError::Slow(_) => PromptRefused::Text(error.to_string()),
            SpeechError::Program { .. } => PromptRefused::Failed(error.to_string()),
        })?;
        self.sound(&wav)
    }
}

fn write(path: &Path, sound: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(sound)?;
    file.sync_all()
}

/// What scenarios call the file: without `.wav`; whole where it ends otherwise, such as in `.WAV`. None: nothing can.
fn name_of(path: &Path) -> Option<String> {
    let file = path.file_name().and_then(OsStr::to_str)?;
    let name = file.strip_suffix(".wav").unwrap_or(file);
    let found = tandem_gate::prompt_path(Path::new(""), "domain", name).ok()?;
    (found.file_name() == path.file_name()).then(|| name.to_owned())
}

fn prompt(path: &Path) -> io::Result<Option<Prompt>> {
    let Some(name) = name_of(path) else {
        return Ok(None);
    };
    let read = || -> io::Result<Option<Prompt>> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Ok(None);
        }
        let mut head = Vec::new();
        file.take(HEAD_BYTES).read_to_end(&mut head)?;
        let length = tandem_gate::prompt_length_by_head(&head, metadata.len());
        Ok(Some(Prompt {
            name,
            duration_ms: length.map(|length| length.as_millis() as u64),
            bytes: metadata.len(),
            changed_at: Timestamp::try_from(metadata.modified()?).map_err(io::Error::other)?,
        }))
    };
    match read() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> (tempfile::TempDir, PromptFiles) {
        let data = tempfile::tempdir().unwrap();
        let files = PromptFiles::new(data.path(), "/nonexistent/espeak");
        (data, files)
    }

    #[test]
    fn a_prompt_is_put_listed_read_and_removed() {
        let (data, files) = files();
        assert_eq!(files.list("a.org").unwrap(), []);
        assert_eq!(files.find("a.org", "hello").unwrap(), None);
        let mut sound = silence(8_000);
        let put = files.put("a.org", "hello", &sound).unwrap();
        assert_eq!((put.name.as_str(), put.duration_ms), ("hello", Some(1_000)));
        sound.truncate(44 + 8_000);
        files.put("a.org", "hello.wav", &sound).unwrap();
        let listed = files.list("a.org").unwrap();
        assert_eq!((listed.len(), listed[0].bytes), (1, 8_044), "{listed:?}");
        assert_eq!(files.read("a.org", "hello").unwrap(), sound);
        assert_eq!(files.list("b.org").unwrap(), []);
        assert!(data.path().join("prompts/a.org/hello.wav").is_file());
        files.remove("a.org", "hello").unwrap();
        assert_eq!(
            fs::read_dir(data.path().join("prompts/a.org")).unwrap().count(),
            0
        );
    }

    #[test]
    fn what_lies_there_besides_is_listed_where_scenarios_can_play_it() {
        let (data, files) = files();
        let folder = data.path().join("prompts/a.org");
        fs::create_dir_all(folder.join("folder.wav")).unwrap();
        for name in [".hidden.wav", "notes.txt", "Loud.WAV", "plain.wav"] {
            fs::write(folder.join(name), "no sound").unwrap();
        }
        let listed = files.list("a.org").unwrap();
        let names: Vec<_> = listed.iter().map(|prompt| prompt.name.as_str()).collect();
        assert_eq!(names, ["Loud.WAV", "plain"]);
        assert_eq!(listed[0].duration_ms, None);
    }

    #[test]
    fn names_stay_within_the_domain_and_are_no_recordings() {
        let (_data, files) = files();
        for name in ["", "..", "../b.org/hello", "a/b", ".hidden", "recording-1"] {
            let put = files.put("a.org", name, b"");
            assert!(matches!(put, Err(PromptRefused::Name(_))), "{name}: {put:?}");
        }
    }

    #[test]
    fn a_voice_that_is_not_there_is_told() {
        let (_data, files) = files();
        assert!(matches!(files.speak("hello", "-f"), Err(PromptRefused::Voice(_))));
        assert!(matches!(files.speak(" ", "en"), Err(PromptRefused::Text(_))));
        assert!(matches!(
            files.speak("hello", "en"),
            Err(PromptRefused::Failed(_))
        ));
    }

    /// Silence, as it is kept.
    fn silence(samples: usize) -> Vec<u8> {
        let mut wav =
            b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data".to_vec();
        wav.extend((samples as u32 * 2).to_le_bytes());
        wav.resize(wav.len() + samples * 2, 0);
        wav
    }
}
