//! `tandem domain limits` and `tandem scenario limits`

use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value, json};
use tandem_store::{DomainLimits as Own, DomainScope, Limit, Store};

use super::{ConfigArgs, Context, Failure};
use crate::config::{ByteSize, Config, duration_text, parse_duration};
use crate::limits::in_force;
use crate::output::{self, Table};

/// Show or set what a domain's scenarios may use; `default` gives a limit back to the server
///
/// A scenario that meets a limit on CPU time, wall time or memory ends there, and its call goes to the number's
/// fall-back. What meets a rate of host calls, the key-value store's bounds, or those of mails and voicemail is told an
/// error; where the function has none, the scenario ends too. A scenario that finds no place is not started. Calls in progress keep the limits that they began with, but for the
/// domain's. What is not set is shown as the configuration has it that `--config` names.
#[derive(Debug, Args)]
pub struct DomainLimits {
    /// The domain's name
    name: String,
    /// Bytes of its key-value pairs, keys and values, such as 16MiB
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    kv_bytes: Option<Setting>,
    /// Its key-value pairs
    #[arg(long, value_name = "N", value_parser = number)]
    kv_keys: Option<Setting>,
    /// Scenarios that run at the same time
    #[arg(long, value_name = "N", value_parser = number)]
    instances: Option<Setting>,
    /// Time in which all its scenarios may compute in a second, such as 500ms; 1s is a whole core. Five times as much at
    /// once
    #[arg(long, value_name = "TIME", value_parser = time)]
    cpu_per_second: Option<Setting>,
    /// Host calls per second of all its scenarios; twice as many at once
    #[arg(long, value_name = "N", value_parser = number)]
    host_calls_per_second: Option<Setting>,
    /// Mails per minute of all its scenarios; as many at once
    #[arg(long, value_name = "N", value_parser = number)]
    mails_per_minute: Option<Setting>,
    /// Messages of one voicemail box
    #[arg(long, value_name = "N", value_parser = number)]
    voicemail_messages: Option<Setting>,
    /// Bytes of the recordings of its voicemail, such as 100MiB
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    voicemail_bytes: Option<Setting>,
    #[command(flatten)]
    call: CallLimits,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Limits of one call.
#[derive(Debug, Args)]
struct CallLimits {
    /// Time in which one call's scenario may compute
    #[arg(long = "call-cpu", value_name = "TIME", value_parser = time)]
    cpu: Option<Setting>,
    /// Memory of one call's scenario
    #[arg(long = "call-memory", value_name = "BYTES", value_parser = bytes)]
    memory: Option<Setting>,
    /// Host calls per second of one call's scenario; twenty times as many at once
    #[arg(id = "call_host_calls_per_second", long = "call-host-calls-per-second", value_name = "N", value_parser = number)]
    host_calls_per_second: Option<Setting>,
    /// Time that one call's scenario may spend between two host calls
    #[arg(long = "call-wall", value_name = "TIME", value_parser = time)]
    wall: Option<Setting>,
}

impl CallLimits {
    fn wanted(&self) -> [(Limit, Option<Setting>); 4] {
        [
            (Limit::CallCpuMs, self.cpu),
            (Limit::CallMemoryBytes, self.memory),
            (Limit::CallHostCallsPerSecond, self.host_calls_per_second),
            (Limit::CallWallMs, self.wall),
        ]
    }
}

fn changes(wanted: impl IntoIterator<Item = (Limit, Option<Setting>)>) -> Vec<(Limit, Option<u64>)> {
    let set = wanted.into_iter().filter_map(|(limit, setting)| match setting? {
        Setting::Default => Some((limit, None)),
        Setting::To(value) => Some((limit, Some(value))),
    });
    set.collect()
}

/// Show or set what one scenario may use; `default` leaves a limit to the domain
///
/// Where the domain may use less, that counts. Key-value pairs are those that the scenario wrote last.
#[derive(Debug, Args)]
pub(super) struct ScenarioLimits {
    /// The scenario's name
    name: String,
    /// Bytes of its key-value pairs, keys and values, such as 1MiB
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    kv_bytes: Option<Setting>,
    /// Its key-value pairs
    #[arg(long, value_name = "N", value_parser = number)]
    kv_keys: Option<Setting>,
    #[command(flatten)]
    call: CallLimits,
    #[command(flatten)]
    config: ConfigArgs,
}

impl ScenarioLimits {
    pub(super) async fn run(
        &self,
        context: &Context,
        store: &Store,
        scope: &DomainScope,
    ) -> Result<(), Failure> {
        let pairs = [(Limit::KvBytes, self.kv_bytes), (Limit::KvKeys, self.kv_keys)];
        let changes = changes(pairs.into_iter().chain(self.call.wanted()));
        let own = store.set_module_limits(scope, &self.name, &changes).await?;
        let of_domain = store.domain(scope).await?.limits;
        let server = self.config.load()?;
        let of_module = Limit::ALL.into_iter().filter(|limit| limit.is_of_module());
        let in_force = |limit| {
            let most = in_force(&server, &of_domain, limit);
            own.get(limit).map_or(most, |own| own.min(most))
        };
        let json: Map<_, _> = of_module
            .clone()
            .map(|limit| {
                let shown = json!({ "value": in_force(limit), "own": own.get(limit).is_some() });
                (limit.as_str().to_owned(), shown)
            })
            .collect();
        output::print(context.json, &Value::Object(json), || {
            let mut table = Table::new(["LIMIT", "VALUE"], "");
            for limit in of_module {
                let (name, text) = words(limit, in_force(limit));
                let own = own.get(limit).map_or(" (the domain's)", |_| "");
                table.row([name.to_owned(), format!("{text}{own}")]);
            }
            table
        })?;
        Ok(())
    }
}

/// What a limit is set to.
#[derive(Debug, Clone, Copy)]
enum Setting {
    Default,
    To(u64),
}

impl DomainLimits {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let wanted = [
            (Limit::KvBytes, self.kv_bytes),
            (Limit::KvKeys, self.kv_keys),
            (Limit::Instances, self.instances),
            (Limit::CpuMsPerSecond, self.cpu_per_second),
            (Limit::HostCallsPerSecond, self.host_calls_per_second),
            (Limit::MailsPerMinute, self.mails_per_minute),
            (Limit::VoicemailMessages, self.voicemail_messages),
            (Limit::VoicemailBytes, self.voicemail_bytes),
        ];
        let changes = changes(wanted.into_iter().chain(self.call.wanted()));
        let config = self.config.load()?;
        let store = context.store().await?;
        let scope = store.domain_scope(&self.name).await?;
        let own = if changes.is_empty() {
            store.domain(&scope).await?.limits
        } else {
            store.set_limits(&scope, &changes).await?
        };
        output::print(context.json, &as_json(&config, &own), || {
            let mut table = Table::new(["LIMIT", "VALUE"], "");
            for row in rows(&config, &own) {
                table.row(row);
            }
            table
        })?;
        store.close().await;
        Ok(())
    }
}

/// Each limit by its name: its value, and whether it is the domain's own.
pub(super) fn as_json(config: &Config, own: &Own) -> Value {
    let one = |limit: Limit| {
        let value = in_force(config, own, limit);
        let shown = json!({ "value": value, "own": own.get(limit).is_some() });
        (limit.as_str().to_owned(), shown)
    };
    Value::Object(Limit::ALL.into_iter().map(one).collect::<Map<_, _>>())
}

/// A row for each limit: in words, with its unit.
pub(super) fn rows(config: &Config, own: &Own) -> impl Iterator<Item = [String; 2]> {
    Limit::ALL.into_iter().map(|limit| {
        let value = in_force(config, own, limit);
        let (name, text) = words(limit, value);
        let own = if own.get(limit).is_some() {
            ""
        } else {
            " (default)"
        };
        [name.to_owned(), format!("{text}{own}")]
    })
}

/// A limit and its value in words, with its unit.
fn words(limit: Limit, value: u64) -> (&'static str, String) {
    let ms = || duration_text(Duration::from_millis(value));
    match limit {
        Limit::KvBytes => ("key-value bytes", ByteSize(value).to_string()),
        Limit::KvKeys => ("key-value keys", value.to_string()),
        Limit::Instances => ("scenarios at once", value.to_string()),
        Limit::CpuMsPerSecond => ("CPU per second", ms()),
        Limit::HostCallsPerSecond => ("host calls per second", value.to_string()),
        Limit::CallCpuMs => ("CPU of a call", ms()),
        Limit::CallMemoryBytes => ("memory of a call", ByteSize(value).to_string()),
        Limit::CallHostCallsPerSecond => ("host calls per second of a call", value.to_string()),
        Limit::CallWallMs => ("wall time of a call between host calls", ms()),
        Limit::MailsPerMinute => ("mails per minute", value.to_string()),
        Limit::VoicemailMessages => ("messages of a voicemail box", value.to_string()),
        Limit::VoicemailBytes => ("voicemail bytes", ByteSize(value).to_string()),
    }
}

fn setting(text: &str, read: impl Fn(&str) -> Option<u64>, expected: &str) -> Result<Setting, String> {
    if text == "default" {
        return Ok(Setting::Default);
    }
    read(text)
        .map(Setting::To)
        .ok_or_else(|| format!("expected {expected}, or default"))
}

fn bytes(text: &str) -> Result<Setting, String> {
    let read = |text: &str| text.parse().ok().map(|ByteSize(bytes)| bytes);
    setting(text, read, "a size with its unit such as 16MiB")
}

fn number(text: &str) -> Result<Setting, String> {
    setting(text, |text| text.parse().ok(), "a whole number")
}

fn time(text: &str) -> Result<Setting, String> {
    let read = |text: &str| u64::try_from(parse_duration(text)?.as_millis()).ok();
    setting(text, read, "a time with its unit such as 500ms")
}
