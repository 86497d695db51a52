//! A domain as one file, a tar archive in gzip: `domain.json` ([`tandem_store::archive`]), `scenarios/NAME/HASH.wasm` and
//! `prompts/NAME.wav`, the domain's music on hold among them.
//!
//! Out: [`Export`] gives it piece by piece. In: [`unpack`] lays its files ready beside the store and looks at each,
//! [`Unpacked::check`] says all that is wrong with it, [`Import::finish`] makes a domain of it, all or nothing. What keeps
//! prompts and compiles components is handed in ([`Tools`]), so that the HTTP API and the command line do the same.

mod check;
mod export;
mod staging;
mod unpack;

use std::fmt;
use std::io;
use std::sync::Arc;

use tandem_store::archive::PROBLEMS_MOST;
use tandem_store::{ArchiveProblem, Store, StoreError};

pub use check::Import;
pub use export::Export;
pub use unpack::{Unpacked, unpack};

use crate::{Compile, PromptRefused, Prompts, Stock};

/// Longest archive, in bytes.
pub const ARCHIVE_BYTES_MAX: u64 = 2 << 30;
/// Bytes that an archive unpacks to at most.
const UNPACKED_BYTES_MAX: u64 = 2 << 30;
/// Files of an archive at most.
const FILES_MAX: usize = 10_000;
/// Longest prompt, in bytes.
const PROMPT_BYTES_MAX: u64 = 64 << 20;
const DOCUMENT: &str = "domain.json";

/// What exports and imports work with.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// Where domains are.
    pub store: &'a Store,
    /// Looks at components.
    pub compiler: &'a dyn Compile,
    /// Keeps prompts.
    pub prompts: &'a Arc<dyn Prompts>,
    /// Says what can be an entry point's name; none: the store alone does.
    pub stock: Option<&'a dyn Stock>,
    /// Bytes of a component at most.
    pub component_bytes_max: usize,
}

impl fmt::Debug for Tools<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tools")
            .field("component_bytes_max", &self.component_bytes_max)
            .finish_non_exhaustive()
    }
}

/// Why a domain is neither exported nor imported.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file is no archive of which a domain can be made: correct it.
    #[error("{}", in_words(.0))]
    Refused(Problems),
    /// The store does not take it, or has the domain already.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Prompts could not be read or kept.
    #[error(transparent)]
    Prompts(#[from] PromptRefused),
    /// Components could not be looked at.
    #[error("components cannot be compiled now: {0}")]
    Compiler(String),
    /// A file of this machine could not be read or written.
    #[error("a file cannot be read or written: {0}")]
    File(#[from] io::Error),
}

/// All that is wrong with an archive.
#[derive(Debug, Default)]
pub struct Problems {
    /// At most 200.
    pub told: Vec<ArchiveProblem>,
    /// How many more there are.
    pub untold: u64,
}

impl Problems {
    fn add(&mut self, at: impl Into<String>, detail: impl Into<String>) {
        if self.told.len() >= PROBLEMS_MOST {
            self.untold += 1;
            return;
        }
        self.told.push(ArchiveProblem {
            at: at.into(),
            detail: detail.into(),
        });
    }

    /// How many there are.
    pub fn number(&self) -> u64 {
        self.told.len() as u64 + self.untold
    }
}

fn in_words(problems: &Problems) -> String {
    let mut lines = vec!["the file is no archive of a domain that can be imported:".to_owned()];
    lines.extend(problems.told.iter().map(ToString::to_string));
    if problems.untold > 0 {
        lines.push(format!("and {} more problems", problems.untold));
    }
    lines.join("\n")
}

/// Work that may block, on a thread for it.
async fn blocking<T: Send + 'static, E: From<io::Error> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        // The runtime is shutting down; `work` does not panic.
        Err(error) => Err(io::Error::other(error).into()),
    }
}
