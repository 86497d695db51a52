//! The command line: a file per command.

mod account;
mod activation;
mod api;
mod archive;
mod call;
mod check;
mod compile_module;
mod component;
mod config;
mod contacts;
mod domain;
mod gc;
mod grants;
mod http;
mod limits;
mod number;
mod push;
mod replay;
mod scenario;
mod schedule;
mod serve;
mod server;
mod sign;
mod test_flow;
mod timer;
mod token;
mod trust;
mod usage;
mod user;
mod voicemail;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tandem_store::{DomainScope, Options, Store, StoreError};

use crate::config::ConfigErrors;
use crate::process::gate::GateProcessError;
use crate::process::media_gate::MediaError;
use crate::process::single::SingleError;
use crate::process::supervisor::SuperviseError;
use crate::serve::ServeError;

const EXIT_CODES: &str = "Exit codes:
  0  done
  1  failed: the system, the database, a module or a test of one
  2  the command line, the configuration or a value is wrong
  3  no such domain, user, number, scenario or call
  4  a replay left the record
  5  it exists already, or something still uses it";

/// A PBX whose calls are decided by WASM scenarios.
#[derive(Debug, Parser)]
#[command(name = "tandem", version, after_help = EXIT_CODES)]
struct Cli {
    /// The data directory
    #[arg(long, global = true, default_value = "data", value_name = "DIR")]
    data: PathBuf,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(serve::Serve),
    /// Show the processes of the running server
    Status,
    /// Replace the running server by the binary on disk, process by process; calls go on
    Upgrade,
    /// Let the running server take no new calls
    Drain(server::Drain),
    /// Show the configuration
    #[command(subcommand)]
    Config(config::Config),
    /// Check that a server could run here
    Check(ConfigArgs),
    /// Domains: the tenants
    #[command(subcommand)]
    Domain(domain::Domain),
    Usage(usage::Usage),
    /// Users of a domain
    User(user::User),
    /// Numbers of a domain, and the scenarios that they start
    Number(number::Number),
    /// Scenarios: WASM modules of a domain
    Scenario(scenario::Scenario),
    /// Calls that ended
    Call(call::Call),
    /// Run scenarios of past calls again: one call's, or of many calls against another version
    Replay(replay::TopLevel),
    /// Accounts of people who administer, a domain's or the system's
    Account(account::Account),
    /// Tokens that open a domain's HTTP API
    Token(token::Token),
    /// Secrets of a domain, which its scenarios send and never see
    #[command(subcommand)]
    Secret(http::Secret),
    /// Opening hours and holidays of a domain
    #[command(subcommand)]
    Schedule(schedule::Schedule),
    /// The address book of a domain
    #[command(subcommand)]
    Contacts(contacts::Contacts),
    /// Voicemail boxes of a domain, and what is in them
    #[command(subcommand)]
    Voicemail(voicemail::Voicemail),
    /// Timers of a domain that wait: what its scenarios have set to be started later
    #[command(subcommand)]
    Timer(timer::Timer),
    /// Compile a module from the standard input; only the program itself starts this
    #[command(name = crate::compile::COMMAND, hide = true)]
    CompileModule,
    /// Play a call through a flow from the standard input; only the program itself starts this
    #[command(name = crate::flows::COMMAND, hide = true)]
    TestFlow,
}

/// Where the configuration comes from.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// A TOML file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set one key, over the file; `tandem config show --default` lists them
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl ConfigArgs {
    fn load(&self) -> Result<crate::config::Config, ConfigErrors> {
        Ok(crate::config::load(self.config.as_deref(), &self.set)?.config)
    }
}

/// Which domain a command is about.
#[derive(Debug, Args)]
pub struct DomainArg {
    /// The domain; needed where there are several
    #[arg(long, global = true, value_name = "NAME")]
    domain: Option<String>,
}

impl DomainArg {
    async fn scope(&self, store: &Store) -> Result<DomainScope, Failure> {
        if let Some(name) = &self.domain {
            return Ok(store.domain_scope(name).await?);
        }
        match store.domains().await?.as_slice() {
            [only] => Ok(store.domain_scope(&only.name).await?),
            [] => Err(Failure::NotFound(
                "there is no domain yet: `tandem domain add NAME`".to_owned(),
            )),
            several => {
                let names: Vec<&str> = several.iter().map(|domain| domain.name.as_str()).collect();
                Err(Failure::Usage(format!(
                    "there are several domains, choose with --domain: {}",
                    names.join(", ")
                )))
            }
        }
    }
}

/// Why a command failed; each has its exit code.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// 1
    #[error("{0}")]
    Failed(String),
    /// 2
    #[error("{0}")]
    Usage(String),
    /// 2
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// 3
    #[error("{0}")]
    NotFound(String),
    /// 4
    #[error("{0}")]
    Diverged(String),
    /// 5
    #[error("{0}")]
    Exists(String),
    /// 1, 2, 3 or 5
    #[error(transparent)]
    Store(#[from] StoreError),
    /// 1
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// 1
    #[error(transparent)]
    Supervise(#[from] SuperviseError),
    /// 1
    #[error(transparent)]
    Single(#[from] SingleError),
    /// 1
    #[error(transparent)]
    SipGate(#[from] GateProcessError<tandem_transport::TransportError>),
    /// 1
    #[error(transparent)]
    MediaGate(#[from] GateProcessError<MediaError>),
    /// 1
    #[error(transparent)]
    System(#[from] std::io::Error),
    /// 1
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Config(_) => 2,
            Self::NotFound(_) | Self::Store(StoreError::NotFound { .. }) => 3,
            Self::Diverged(_) => 4,
            Self::Exists(_) | Self::Store(StoreError::Exists { .. } | StoreError::InUse { .. }) => 5,
            Self::Store(StoreError::Invalid { .. } | StoreError::TooLarge { .. }) => 2,
            Self::Failed(_)
            | Self::Store(_)
            | Self::Serve(_)
            | Self::Supervise(_)
            | Self::Single(_)
            | Self::SipGate(_)
            | Self::MediaGate(_)
            | Self::System(_)
            | Self::Json(_) => 1,
        }
    }
}

/// What all commands know.
#[derive(Clone)]
pub struct Context {
    /// The data directory.
    pub data: PathBuf,
    /// Print JSON.
    pub json: bool,
}

impl Context {
    /// Opens the store of an existing data directory. Only commands that begin something make a new one.
    async fn store(&self) -> Result<Store, Failure> {
        if !self.data.is_dir() {
            return Err(Failure::NotFound(format!(
                "no data directory {}",
                self.data.display()
            )));
        }
        self.new_store().await
    }

    async fn new_store(&self) -> Result<Store, Failure> {
        Ok(Store::open(
            &self.data,
            Options {
                readers: 1,
                ..Options::default()
            },
        )
        .await?)
    }
}

/// Runs the command of this process's arguments.
pub fn run() -> ExitCode {
    let Cli { data, json, command } = Cli::parse();
    let context = Context { data, json };
    match start(&context, command) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("tandem: {}", failure.to_string().replace('\n', "\ntandem: "));
            ExitCode::from(failure.code())
        }
    }
}

fn start(context: &Context, command: Command) -> Result<ExitCode, Failure> {
    if let Command::Serve(serve) = command {
        return serve.run(context); // what it needs depends on its role
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match command {
            Command::Serve(_) => (),
            Command::Status => server::status(context).await?,
            Command::Upgrade => server::upgrade(context).await?,
            Command::Drain(drain) => drain.run(context).await?,
            Command::Config(config) => config.run()?,
            Command::Check(args) => return check::run(context, &args).await,
            Command::Domain(domain) => domain.run(context).await?,
            Command::Usage(usage) => usage.run(context).await?,
            Command::User(user) => user.run(context).await?,
            Command::Number(number) => number.run(context).await?,
            Command::Scenario(scenario) => scenario.run(context).await?,
            Command::Call(call) => call.run(context).await?,
            Command::Replay(replay) => replay.run(context).await?,
            Command::Account(account) => account.run(context).await?,
            Command::Token(token) => token.run(context).await?,
            Command::Secret(secret) => secret.run(context).await?,
            Command::Schedule(schedule) => schedule.run(context).await?,
            Command::Contacts(contacts) => contacts.run(context).await?,
            Command::Voicemail(voicemail) => voicemail.run(context).await?,
            Command::Timer(timer) => timer.run(context).await?,
            Command::CompileModule => compile_module::run().await?,
            Command::TestFlow => test_flow::run(context)?,
        }
        Ok(ExitCode::SUCCESS)
    })
}
