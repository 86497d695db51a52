//! `tandem status`, `tandem upgrade`, `tandem drain`: what is asked of a running server.

use clap::Args;
use serde_json::json;

use super::{Context, Failure};
use crate::output::{self, Table};
use crate::process::control::{self, ProcessStatus, Reply, Request};
use crate::process::run_dir::RunDir;

/// Take no new calls; calls in progress go on. It lasts until `tandem drain --off` or the server's next start.
#[derive(Debug, Args)]
pub struct Drain {
    /// Take new calls again
    #[arg(long)]
    off: bool,
}

impl Drain {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let on = !self.off;
        ask(context, Request::Drain { on }, |_| Ok(())).await?;
        let line = if on {
            "New calls are refused; those in progress go on."
        } else {
            "New calls are taken."
        };
        Ok(output::say(context.json, &json!({ "draining": on }), line)?)
    }
}

/// `tandem status`
pub(super) async fn status(context: &Context) -> Result<(), Failure> {
    ask(context, Request::Status, |reply| {
        if let Reply::Status { processes, draining } = &reply {
            output::print(context.json, &reply, || table(processes))?;
            if *draining && !context.json {
                output::write("New calls are refused: `tandem drain --off` ends that.\n")?;
            }
        }
        Ok(())
    })
    .await
}

/// `tandem upgrade`: tells each process as it is replaced.
pub(super) async fn upgrade(context: &Context) -> Result<(), Failure> {
    ask(context, Request::Upgrade, |reply| {
        if let Reply::Replaced {
            role,
            from_pid,
            from_version,
            pid,
            version,
            away_ms,
        } = &reply
        {
            let line = format!(
                "{role}: {from_version} (process {from_pid}) → {version} (process {pid}), away for {away_ms} ms"
            );
            output::say(context.json, &reply, &line)?;
        }
        Ok(())
    })
    .await
}

fn table(processes: &[ProcessStatus]) -> Table {
    let mut table = Table::new(["PROCESS", "STATE", "PID", "VERSION", "UP", "RESTARTS"], "");
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    for process in processes {
        table.row([
            process.name.clone(),
            process.state.clone(),
            or_dash(process.pid.map(|pid| pid.to_string())),
            or_dash(process.version.clone()),
            or_dash(process.pid.map(|_| up(process.up_ms))),
            process.restarts.to_string(),
        ]);
    }
    table
}

/// Two units at most: `3d 4h`, `12m 5s`, `4.2s`.
fn up(ms: u64) -> String {
    let s = ms / 1000;
    match s {
        0..60 => format!("{s}.{}s", ms % 1000 / 100),
        60..3_600 => format!("{}m {}s", s / 60, s % 60),
        3_600..86_400 => format!("{}h {}m", s / 3_600, s / 60 % 60),
        _ => format!("{}d {}h", s / 86_400, s / 3_600 % 24),
    }
}

async fn ask(
    context: &Context,
    request: Request,
    mut each: impl FnMut(Reply) -> Result<(), std::io::Error>,
) -> Result<(), Failure> {
    let control = RunDir::of(&context.data).control();
    let mut failed = None;
    let last = control::ask(&control, &context.data, request, |reply| {
        if let Err(error) = each(reply) {
            failed.get_or_insert(error);
        }
    });
    let last = last.await.map_err(|error| Failure::Failed(error.to_string()))?;
    if let Reply::Refused { why } = last {
        return Err(Failure::Failed(why));
    }
    failed.map_or(Ok(()), |error| Err(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_two_units() {
        let shown = [4_250, 725_000, 3_600_000, 273_600_000].map(up);
        assert_eq!(shown, ["4.2s", "12m 5s", "1h 0m", "3d 4h"]);
    }
}
