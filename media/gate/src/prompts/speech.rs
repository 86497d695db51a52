//! Text to speech behind a trait; espeak-ng as a program of its own.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use thiserror::Error;

/// Longest text spoken, in bytes.
pub const TEXT_MAX: usize = 4_096;

/// Speaks text. Called on the gate's prompt threads, which may wait for it.
pub trait Speech: Send + Sync {
    /// A WAV file of `text` in `language`, a tag such as `en` or `de-AT`.
    ///
    /// # Errors
    /// [`SpeechError`]: the words of it end up in the playback's end.
    fn speak(&self, text: &str, language: &str) -> Result<Vec<u8>, SpeechError>;
}

/// Why a text was not spoken.
#[derive(Debug, Error)]
pub enum SpeechError {
    /// Not a language tag.
    #[error("{0:?} is no language tag")]
    Language(String),
    /// The program could not be run.
    #[error("{program} cannot be run: {error}")]
    Program {
        /// Which.
        program: String,
        /// The system's words.
        error: std::io::Error,
    },
    /// It took too long and was ended.
    #[error("speaking took longer than {0:?}")]
    Slow(Duration),
    /// It gave more than any text of that length can need.
    #[error("speaking gave more than {0} bytes")]
    Long(usize),
    /// It said no, in its own words.
    #[error("speaking failed: {0}")]
    Refused(String),
}

/// espeak-ng (GPL, hence run and not linked): text by its standard input, a WAV file from its standard output.
#[derive(Debug, Clone)]
pub struct Espeak {
    /// The program.
    pub program: PathBuf,
    /// Longest time for one text.
    pub time_max: Duration,
    /// Longest output in bytes.
    pub bytes_max: usize,
}

impl Default for Espeak {
    /// `espeak-ng` from the path, 15 s, 32 MiB (12 minutes).
    fn default() -> Self {
        Espeak {
            program: PathBuf::from("espeak-ng"),
            time_max: Duration::from_secs(15),
            bytes_max: 32 << 20,
        }
    }
}

fn is_tag(language: &str) -> bool {
    (2..=32).contains(&language.len())
        && language.starts_with(|c: char| c.is_ascii_alphabetic())
        && language.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

impl Speech for Espeak {
    fn speak(&self, text: &str, language: &str) -> Result<Vec<u8>, SpeechError> {
        if !is_tag(language) {
            return Err(SpeechError::Language(language.chars().take(32).collect()));
        }
        let failed = |error| SpeechError::Program {
            program: self.program.display().to_string(),
            error,
        };
        let mut child = Command::new(&self.program)
            .args([
                "--stdout",
                "--stdin",
                "-b",
                "1",
                "-v",
                &language.to_ascii_lowercase(),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (said, hears) = channel();
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        // The pipes are served by a thread of their own, so that a program that hangs can be ended from here.
        let (text, most) = (text.to_owned(), self.bytes_max as u64 + 1);
        let pipes = std::thread::Builder::new()
            .name("speech-pipes".into())
            .spawn(move || {
                let mut wav = Vec::new();
                let mut complaint = Vec::new();
                let served = stdin
                    .map_or(Ok(()), |mut stdin| stdin.write_all(text.as_bytes()))
                    .and_then(|()| stdout.map_or(Ok(0), |out| out.take(most).read_to_end(&mut wav)))
                    .and_then(|_| stderr.map_or(Ok(0), |err| err.take(1_024).read_to_end(&mut complaint)));
                // The other end has gone when the time was up.
                let _ = said.send(served.map(|_| (wav, complaint)));
            });
        let heard = match pipes {
            Ok(_) => hears.recv_timeout(self.time_max),
            Err(error) => Ok(Err(error)),
        };
        // Whatever came of it, the program ends here; one that has ended already does not mind.
        let exit = match &heard {
            Ok(Ok((wav, _))) if wav.len() <= self.bytes_max => child.wait(),
            _ => child.kill().and_then(|()| child.wait()),
        };
        let (wav, complaint) = match heard {
            Ok(served) => served.map_err(failed)?,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                return Err(SpeechError::Slow(self.time_max));
            }
        };
        if wav.len() > self.bytes_max {
            return Err(SpeechError::Long(self.bytes_max));
        }
        if !exit.map_err(failed)?.success() || wav.is_empty() {
            let words = String::from_utf8_lossy(&complaint);
            return Err(SpeechError::Refused(
                words.lines().next().unwrap_or("no reason given").to_owned(),
            ));
        }
        Ok(wav)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(script: &str) -> (tempfile::TempDir, Espeak) {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("speak");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        // A child that another test has just forked may hold it open for writing still.
        while let Err(error) = std::process::Command::new(&path)
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .map(|mut child| child.kill().and_then(|()| child.wait()))
        {
            assert_eq!(error.kind(), std::io::ErrorKind::ExecutableFileBusy, "{error}");
            std::thread::sleep(Duration::from_millis(5));
        }
        let espeak = Espeak {
            program: path,
            time_max: Duration::from_mins(1),
            bytes_max: 1_000,
        };
        (dir, espeak)
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let (_dir, mut espeak) = program("exec sleep 60");
        espeak.time_max = Duration::from_millis(300);
        assert!(matches!(espeak.speak("hello", "en"), Err(SpeechError::Slow(_))));
    }

    #[test]
    fn too_much_output_is_cut() {
        let (_dir, espeak) = program("exec cat /dev/zero");
        assert!(matches!(
            espeak.speak("hello", "en"),
            Err(SpeechError::Long(1_000))
        ));
    }

    #[test]
    fn its_own_words_are_kept() {
        let (_dir, espeak) = program("cat >/dev/null; echo 'no such voice' >&2; exit 3");
        let error = espeak.speak("hello", "xx").unwrap_err();
        assert_eq!(error.to_string(), "speaking failed: no such voice");
    }

    #[test]
    fn languages_are_no_options_and_no_paths() {
        let espeak = Espeak {
            program: "/nonexistent/espeak".into(),
            ..Espeak::default()
        };
        for bad in ["", "-f", "--path", "../voice", "e n", "en;ls", "x"] {
            assert!(
                matches!(espeak.speak("hello", bad), Err(SpeechError::Language(_))),
                "{bad:?}"
            );
        }
        assert!(matches!(
            espeak.speak("hello", "en-GB"),
            Err(SpeechError::Program { .. })
        ));
    }
}
