//! A component's file, as commands read it, and what they say of one that is refused.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use tandem_host_api::{EngineConfig, Verdict};

use super::Failure;
use crate::compile::in_words;

/// Reads a file, and of one that is too large just enough to tell that it is.
pub fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let max = EngineConfig::default().module_bytes_max as u64;
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|open| open.take(max + 1).read_to_end(&mut bytes))
        .map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?;
    Ok(bytes)
}

/// All that is wrong with it.
pub fn refused(file: &Path, verdict: &Verdict) -> Failure {
    Failure::Failed(format!(
        "{} is no scenario that can run here:\n{}",
        file.display(),
        in_words(verdict)
    ))
}
