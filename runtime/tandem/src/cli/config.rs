//! `tandem config`

use clap::Subcommand;

use super::{ConfigArgs, Failure};
use crate::config::{Loaded, load, show};
use crate::output;

/// Show the configuration.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Print every key with its documentation and value, as TOML
    Show {
        /// The defaults, whatever is set
        #[arg(long)]
        default: bool,
        #[command(flatten)]
        from: ConfigArgs,
    },
}

impl Config {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let Self::Show { default, from } = self;
        let loaded = if *default {
            Loaded::default()
        } else {
            load(from.config.as_deref(), &from.set)?
        };
        output::write(&show(&loaded))?;
        Ok(())
    }
}
