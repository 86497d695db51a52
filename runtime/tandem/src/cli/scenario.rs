//! `tandem scenario`

mod build;
mod dev;
mod interpreted;
mod language;
mod logs;
mod new;
mod test;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use tandem_host_api::{Engine, EngineConfig, Verdict, WORLD};
use tandem_store::{DomainScope, NewVersion, Signature, Store};
use tandem_web::Allowed;

use super::gc::Gc;
use super::grants::ScenarioGrants;
use super::limits::ScenarioLimits;
use super::number::short;
use super::push::Push;
use super::{ConfigArgs, Context, DomainArg, Failure, component, sign};
use crate::compile::Compiler;
use crate::output::{self, Table};

/// Scenarios: WASM modules of a domain.
#[derive(Debug, Args)]
pub struct Scenario {
    #[command(flatten)]
    domain: DomainArg,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Begin a project for a scenario of your own
    New(new::New),
    /// Build a project into its dist/
    Build(build::Build),
    /// Play a project's test scripts in virtual time
    Test(test::Test),
    /// Store a component as the newest version of a scenario
    Add {
        /// The component's file
        file: PathBuf,
        /// The scenario's name
        #[arg(long)]
        name: String,
        /// What there is to say of this version
        #[arg(long, default_value = "", value_name = "TEXT")]
        note: String,
        /// Its signature, as `tandem scenario sign` writes it
        #[arg(long, value_name = "FILE")]
        signature: Option<PathBuf>,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Give a component to a running server by its HTTP API
    Push(Push),
    Logs(logs::Logs),
    Dev(dev::Dev),
    /// List all versions of all scenarios
    List,
    /// Remove a scenario
    Remove {
        /// Its name
        name: String,
        /// Only this version, by its hash or the first six digits of it or more
        #[arg(long, value_name = "HASH")]
        version: Option<String>,
    },
    /// Show or set what a scenario may use
    Limits(ScenarioLimits),
    Grants(ScenarioGrants),
    /// Say whether a file is a scenario that could run here, and all that is wrong with it
    Validate {
        /// The component's file
        file: PathBuf,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Remove versions that nothing refers to, and files that no version has; of all domains, unless one is named
    Gc(Gc),
    /// Make a key that signs scenarios; its public half is printed
    Keygen {
        /// The key's file, which must not exist yet
        file: PathBuf,
    },
    /// Sign a component; the signature lies beside it then, with .sig at the end of the name
    Sign {
        /// The component's file
        file: PathBuf,
        /// The key's file
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
}

impl Scenario {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        match &self.action {
            Action::New(new) => return new.run(context),
            Action::Build(build) => return build.run(context),
            Action::Test(test) => return test.run(context),
            Action::Validate { file, config } => return validate(context, file, config).await,
            Action::Push(push) => return push.run(context).await,
            Action::Dev(dev) => return dev.run(context).await,
            Action::Logs(logs) => return logs.run(context, &self.domain).await,
            Action::Keygen { file } => return sign::keygen(context, file),
            Action::Sign { file, key } => return sign::sign(context, file, key),
            Action::Add { .. } | Action::List | Action::Remove { .. } => (),
            Action::Limits(_) | Action::Grants(_) | Action::Gc(_) => (),
        }
        let store = context.store().await?;
        if let Action::Gc(gc) = &self.action {
            let freed = gc.run(context, &store, self.domain.domain.as_deref()).await;
            store.close().await;
            return freed;
        }
        let scope = self.domain.scope(&store).await?;
        self.action.on_store(context, &store, &scope).await?;
        store.close().await;
        Ok(())
    }
}

impl Action {
    async fn on_store(&self, context: &Context, store: &Store, scope: &DomainScope) -> Result<(), Failure> {
        match self {
            Self::Add {
                file,
                name,
                note,
                signature,
                config,
            } => {
                let bytes = component::read(file)?;
                let signature = signature.as_deref().map(sign::read_signature).transpose()?;
                let verdict = look_at(context, store, (scope, name), &bytes, config).await?;
                if !verdict.is_good() {
                    return Err(component::refused(file, &verdict));
                }
                let module = put(store, scope, name, note, signature.as_ref(), &bytes, &verdict).await?;
                let line = format!("scenario {name} has version {}", module.hash);
                output::say(context.json, &module, &line)?;
            }
            Self::List => list(context, store, scope).await?,
            Self::Limits(limits) => limits.run(context, store, scope).await?,
            Self::Grants(grants) => grants.run(context, store, scope).await?,
            Self::Remove { name, version } => {
                store.delete_module(scope, name, version.as_deref()).await?;
                output::say(
                    context.json,
                    &json!({ "removed": name }),
                    &format!("scenario {name} removed"),
                )?;
            }
            Self::Validate { .. }
            | Self::Push(_)
            | Self::Logs(_)
            | Self::Dev(_)
            | Self::Gc(_)
            | Self::Keygen { .. }
            | Self::Sign { .. }
            | Self::New(_)
            | Self::Build(_)
            | Self::Test(_) => (),
        }
        Ok(())
    }
}

/// As the server would, under the same limits, and into its cache.
async fn look_at(
    context: &Context,
    store: &Store,
    (scope, name): (&DomainScope, &str),
    bytes: &[u8],
    args: &ConfigArgs,
) -> Result<Verdict, Failure> {
    let allowed = Allowed::of(store, scope, name).await?;
    let config = args.load()?;
    let compiler = Compiler::new(&config, Some(context.data.join("compiled")));
    let verdict = compiler.validate(bytes, allowed).await;
    verdict.map_err(|error| Failure::Failed(error.to_string()))
}

async fn put(
    store: &Store,
    scope: &DomainScope,
    name: &str,
    note: &str,
    signature: Option<&Signature>,
    component: &[u8],
    verdict: &Verdict,
) -> Result<tandem_store::Module, Failure> {
    let new = NewVersion {
        name,
        world: verdict.world.as_deref().unwrap_or(WORLD),
        component,
        note,
        signature,
        imports: Some(&verdict.imports),
        settings: verdict.settings.as_deref(),
        from_flow: false,
    };
    Ok(store.put_version(scope, &new).await?)
}

async fn validate(context: &Context, file: &std::path::Path, args: &ConfigArgs) -> Result<(), Failure> {
    let config = args.load()?;
    let bytes = component::read(file)?;
    let verdict = Compiler::new(&config, None)
        .validate(&bytes, Allowed::default())
        .await;
    let verdict = verdict.map_err(|error| Failure::Failed(error.to_string()))?;
    if context.json {
        output::say(true, &verdict, "")?;
    }
    if !verdict.is_good() {
        return Err(component::refused(file, &verdict));
    }
    if !context.json {
        let world = verdict.world.as_deref().unwrap_or(WORLD);
        let line = format!(
            "{} is a scenario: {world}, {}",
            file.display(),
            short(&verdict.hash)
        );
        output::say(false, &(), &line)?;
    }
    Ok(())
}

async fn list(context: &Context, store: &Store, scope: &DomainScope) -> Result<(), Failure> {
    let modules = store.modules(scope).await?;
    output::print(context.json, &modules, || {
        let columns = ["NAME", "VERSION", "WORLD", "SIZE", "UPLOADED", "SIGNED", "NOTE"];
        let mut table = Table::new(columns, "no scenarios");
        for module in &modules {
            let (version, size) = (short(&module.hash), format!("{} B", module.size_bytes));
            let signed = if module.signed_by.is_some() { "yes" } else { "" };
            let module = module.clone();
            table.row([
                module.name,
                version,
                module.world,
                size,
                module.uploaded_at.to_string(),
                signed.to_owned(),
                module.note,
            ]);
        }
        table
    })?;
    Ok(())
}

/// An engine for one module at a time.
pub fn engine() -> Result<Engine, Failure> {
    engine_with(None)
}

/// As [`engine`], with compiled code kept in this directory, if that can be used.
pub fn engine_with(cache_dir: Option<std::path::PathBuf>) -> Result<Engine, Failure> {
    let config = EngineConfig {
        cache_dir: cache_dir.filter(|dir| dir.is_dir()),
        instances_max: 4,
        modules_max: 4,
        ..EngineConfig::default()
    };
    Engine::new(config).map_err(|error| Failure::Failed(error.to_string()))
}
