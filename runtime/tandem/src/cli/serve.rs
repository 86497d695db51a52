//! `tandem serve`

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use tandem_journal::Durability;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use super::{ConfigArgs, Context, Failure};
use crate::config::Config;
use crate::process::child::Arguments;
use crate::process::gate;
use crate::process::media_gate::MediaSockets;
use crate::process::orders::Orders;
use crate::process::role::Role;
use crate::process::sip_gate::SipSockets;
use crate::process::{files, single, supervisor};
use crate::serve::{self, How};
use crate::telemetry;

/// Run the server until SIGTERM or SIGINT. Calls in progress then go on for `call.stop_deadline`; a second SIGINT
/// ends them at once. SIGHUP is `tandem upgrade`.
#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    config: ConfigArgs,
    /// Be one process of a server; only the server itself starts these
    #[arg(long, hide = true)]
    role: Option<Role>,
    /// Replaces an earlier process of its role
    #[arg(long, hide = true, requires = "role")]
    again: bool,
    /// Takes over from a process that still runs
    #[arg(long, hide = true, requires = "role")]
    successor: bool,
}

impl Serve {
    pub(super) fn run(&self, context: &Context) -> Result<ExitCode, Failure> {
        let config = self.config.load()?;
        let data = context.data.as_path();
        let name = match self.role {
            Some(role) => Some(role.as_str()),
            None => config.server.processes.then_some("serve"),
        };
        telemetry::start(&config.log, name);
        files::raise_limit();
        let mut threads = match self.role {
            None if config.server.processes => Builder::new_current_thread(),
            // It has threads of its own for what takes time.
            Some(Role::MediaGate) => Builder::new_current_thread(),
            None | Some(Role::SipGate | Role::CallLogic) => Builder::new_multi_thread(),
        };
        let runtime = threads.enable_all().build()?;
        runtime.block_on(async {
            match self.role {
                Some(role) => self.child(config, data, role).await,
                None if config.server.processes => {
                    let deadline = config.call.stop_deadline;
                    let arguments = self.arguments(&config, data);
                    Ok(supervisor::supervise(data, arguments, deadline).await?)
                }
                None => Ok(single::serve(config, data).await?),
            }
        })
    }

    async fn child(&self, config: Config, data: &Path, role: Role) -> Result<ExitCode, Failure> {
        // A terminal's ^C and systemd's SIGTERM reach every process. Only the supervisor heeds them: it tells the
        // others in their order.
        let _heard = [
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ];
        // Otherwise it would have the name of the file descriptor that it was started from.
        let _ = std::fs::write("/proc/self/comm", role.short_name());
        let (again, successor) = (self.again, self.successor);
        Ok(match role {
            Role::SipGate => gate::run::<SipSockets>(&config, data, successor, again).await?,
            Role::MediaGate => gate::run::<MediaSockets>(&config, data, successor, again).await?,
            Role::CallLogic => {
                let orders = Orders::from_supervisor(again)?;
                serve::serve(config, data, orders, How::Processes).await?
            }
        })
    }

    /// What this process was called with, for its children.
    fn arguments(&self, config: &Config, data: &Path) -> Arguments {
        let mut common: Vec<OsString> = vec!["--data".into(), data.into()];
        if let Some(file) = &self.config.config {
            common.extend(["--config".into(), file.into()]);
        }
        for set in &self.config.set {
            common.extend(["--set".into(), set.into()]);
        }
        let calls_kept = config.journal.durability.0 != Durability::Off;
        Arguments { common, calls_kept }
    }
}
