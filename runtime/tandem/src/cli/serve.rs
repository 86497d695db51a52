//! `tandem serve`

use std::process::ExitCode;

use clap::Args;

use super::{ConfigArgs, Context, Failure};
use crate::{config, serve, telemetry};

/// Run the server until SIGTERM or SIGINT. Calls in progress then go on for `call.stop_deadline`; a second SIGINT
/// ends them at once.
#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    config: ConfigArgs,
}

impl Serve {
    pub(super) async fn run(&self, context: &Context) -> Result<ExitCode, Failure> {
        let loaded = config::load(self.config.config.as_deref(), &self.config.set)?;
        telemetry::start(&loaded.config.log);
        Ok(serve::serve(loaded.config, &context.data).await?)
    }
}
