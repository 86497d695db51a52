//! Prompts that are recorded by phone, for the HTTP API: the stock scenario `recorder` has the talk, its recordings lie in
//! `DATA/recordings/DOMAIN`.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tandem_gate::RECORDING_PREFIX;
use tandem_host_api::op::OriginateFailure;
use tandem_store::DomainScope;
use tandem_web::{PromptRefused, RecordAsked, RecordByPhone, RecordLanguage, RecordRefused, Ringing};

use crate::drive::originate::{Originator, Ring};
use crate::stock;

/// The scenario.
const RECORDER: &str = "recorder";
/// How long the user's devices ring.
const RING_MS: u32 = 30_000;
/// Longest file that is read; the scenario records ten minutes.
const FILE_BYTES_MAX: u64 = 32 << 20;
/// Bytes of a millisecond, and of what stands before the sound.
const BYTES_PER_MS: u128 = 16;
const HEAD_BYTES: usize = 44;
/// So much of the silence at the end stays: what ends at once sounds cut off.
const PAUSE: Duration = Duration::from_millis(200);

/// Rings by the call logic; recordings are those of a data directory.
pub struct StockRecorder {
    originator: Originator,
    recordings: PathBuf,
}

impl StockRecorder {
    /// `data` has the recordings.
    pub fn new(originator: Originator, data: &Path) -> Self {
        Self {
            originator,
            recordings: data.join("recordings"),
        }
    }

    async fn ring(&self, scope: &DomainScope, asked: &RecordAsked) -> Result<String, RecordRefused> {
        // A domain of an earlier release has no such scenario yet.
        let provided = stock::provide(&self.originator.store, scope, RECORDER).await;
        if let Err(error) = provided {
            tracing::warn!(domain = scope.name(), %error, "the scenario that records is not there");
            return Err(RecordRefused::Unavailable);
        }
        let (language, shown) = match asked.language {
            RecordLanguage::En => ("en", format!("Recording: {}", asked.prompt)),
            RecordLanguage::Ru => ("ru", format!("Запись: {}", asked.prompt)),
        };
        let ring = Ring {
            scenario: RECORDER,
            settings: format!(r#"{{"language":"{language}"}}"#),
            data: asked.key.clone(),
            user: asked.user.clone(),
            shown,
            timeout_ms: RING_MS,
        };
        self.originator
            .ring(scope, ring)
            .await
            .map_err(|failure| match failure {
                OriginateFailure::NotFound(user) => RecordRefused::User(user),
                OriginateFailure::Limit(why) | OriginateFailure::BadArgument(why) => {
                    RecordRefused::Limit(why)
                }
                OriginateFailure::NoEntryPoint(_) | OriginateFailure::Unavailable => {
                    RecordRefused::Unavailable
                }
            })
    }

    /// A name is no path, and no other file's than a recording's.
    fn path(&self, domain: &str, name: &str) -> Result<PathBuf, PromptRefused> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if !name.starts_with(RECORDING_PREFIX) || name.len() > 128 || !name.bytes().all(plain) {
            return Err(PromptRefused::Failed(format!("{name:?} is no recording's name")));
        }
        Ok(self.recordings.join(domain).join(format!("{name}.wav")))
    }
}

impl RecordByPhone for StockRecorder {
    fn ring<'a>(&'a self, scope: &'a DomainScope, asked: &'a RecordAsked) -> Ringing<'a> {
        Box::pin(self.ring(scope, asked))
    }

    fn recording(&self, domain: &str, name: &str, without: Duration) -> Result<Vec<u8>, PromptRefused> {
        let file = File::open(self.path(domain, name)?)?;
        let mut wav = Vec::new();
        file.take(FILE_BYTES_MAX).read_to_end(&mut wav)?;
        shorten(&mut wav, without);
        Ok(wav)
    }

    fn forget(&self, domain: &str, name: &str) -> Result<(), PromptRefused> {
        match fs::remove_file(self.path(domain, name)?) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// Cuts so much of the end, but for a pause. Who reads the file takes the sound that is there, whatever its head announces.
fn shorten(wav: &mut Vec<u8>, without: Duration) {
    let cut = without.saturating_sub(PAUSE).as_millis() * BYTES_PER_MS;
    let cut = usize::try_from(cut).unwrap_or(usize::MAX);
    let left = wav.len().saturating_sub(cut).max(HEAD_BYTES);
    wav.truncate(left);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_silence_at_the_end_is_cut_but_for_a_pause() {
        let cut = |ms: usize, without| {
            let mut wav = vec![0; HEAD_BYTES + ms * 16];
            shorten(&mut wav, Duration::from_millis(without));
            (wav.len() - HEAD_BYTES) / 16
        };
        assert_eq!(cut(9_000, 5_000), 4_200);
        assert_eq!(cut(9_000, 0), 9_000);
        assert_eq!(cut(1_000, 5_000), 0);
    }
}
