//! `tandem scenario build`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::language::{self, LANGUAGES};
use super::{Context, Failure, short};
use crate::output;

/// Build a project into its dist/.
#[derive(Debug, Args)]
pub struct Build {
    /// The project's folder
    #[arg(default_value = ".", value_name = "DIR")]
    dir: PathBuf,
}

impl Build {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let Some(language) = language::of_project(&self.dir) else {
            let markers: Vec<&str> = LANGUAGES.iter().map(|language| language.marker).collect();
            return Err(Failure::NotFound(format!(
                "{} is no project of a scenario: there is no {}",
                self.dir.display(),
                markers.join(", ")
            )));
        };
        let built = (language.build)(&self.dir)?;
        let shown = json!({
            "file": built.file,
            "hash": built.hash,
            "size_bytes": built.bytes,
            "up_to_date": built.up_to_date,
        });
        let line = format!(
            "{}  {} bytes  {}{}",
            built.file.display(),
            built.bytes,
            short(&built.hash),
            if built.up_to_date { "  up to date" } else { "" }
        );
        Ok(output::say(context.json, &shown, &line)?)
    }
}
