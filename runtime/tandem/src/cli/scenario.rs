//! `tandem scenario`

mod build;
mod language;
mod new;
mod test;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;
use tandem_host_api::{Engine, EngineConfig, Module, WORLD};

use super::number::short;
use super::{Context, DomainArg, Failure};
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
    },
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
    /// Say whether a file is a scenario that could run here
    Validate {
        /// The component's file
        file: PathBuf,
    },
}

impl Scenario {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        match &self.action {
            Action::New(new) => return new.run(context),
            Action::Build(build) => return build.run(context),
            Action::Test(test) => return test.run(context),
            Action::Validate { .. } | Action::Add { .. } | Action::List | Action::Remove { .. } => (),
        }
        if let Action::Validate { file } = &self.action {
            let (module, _) = load(file)?;
            let shown = json!({ "hash": module.hash(), "size_bytes": module.len_bytes(), "world": WORLD });
            let line = format!(
                "{} is a scenario: {WORLD}, {}",
                file.display(),
                short(module.hash())
            );
            return Ok(output::say(context.json, &shown, &line)?);
        }
        let store = context.store().await?;
        let scope = self.domain.scope(&store).await?;
        match &self.action {
            Action::Add { file, name } => {
                let (_, bytes) = load(file)?;
                let module = store.put_module(&scope, name, WORLD, &bytes).await?;
                let line = format!("scenario {name} has version {}", module.hash);
                output::say(context.json, &module, &line)?;
            }
            Action::List => {
                let modules = store.modules(&scope).await?;
                output::print(context.json, &modules, || {
                    let mut table =
                        Table::new(["NAME", "VERSION", "WORLD", "SIZE", "UPLOADED"], "no scenarios");
                    for module in &modules {
                        let (version, size) = (short(&module.hash), format!("{} B", module.size_bytes));
                        let module = module.clone();
                        table.row([
                            module.name,
                            version,
                            module.world,
                            size,
                            module.uploaded_at.to_string(),
                        ]);
                    }
                    table
                })?;
            }
            Action::Remove { name, version } => {
                store.delete_module(&scope, name, version.as_deref()).await?;
                output::say(
                    context.json,
                    &json!({ "removed": name }),
                    &format!("scenario {name} removed"),
                )?;
            }
            Action::Validate { .. } | Action::New(_) | Action::Build(_) | Action::Test(_) => (),
        }
        store.close().await;
        Ok(())
    }
}

/// Reads and compiles a component as the server would.
fn load(file: &Path) -> Result<(Module, Vec<u8>), Failure> {
    let bytes =
        std::fs::read(file).map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?;
    let module = engine()?
        .load(&bytes)
        .map_err(|error| Failure::Failed(format!("{}: {error}", file.display())))?;
    Ok((module, bytes))
}

/// An engine for one module at a time.
pub fn engine() -> Result<Engine, Failure> {
    let config = EngineConfig {
        instances_max: 4,
        modules_max: 4,
        ..EngineConfig::default()
    };
    Engine::new(config).map_err(|error| Failure::Failed(error.to_string()))
}
