//! `tandem domain export` and `tandem domain import`: a whole domain as one file.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::json;
use tandem_host_api::EngineConfig;
use tandem_store::{Domain, Store, StoreError};
use tandem_web::Prompts;
use tandem_web::archive::{self, ArchiveError, Tools};

use super::{ConfigArgs, Context, Failure};
use crate::compile::Compiler;
use crate::config::Config;
use crate::output;
use crate::prompts::PromptFiles;
use crate::stock::OfStore;

/// Write a domain into one file: settings, users, numbers, scenarios, prompts; not its calls, accounts, tokens and secrets.
/// Whoever has the file can register as any of its users
#[derive(Debug, Args)]
pub struct Export {
    /// The domain
    name: String,
    /// The file, which must not exist yet [default: NAME.tar.gz]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Make a domain of a file that `export` wrote, all of it or nothing. Its users' passwords stay
#[derive(Debug, Args)]
pub struct Import {
    /// The file
    file: PathBuf,
    /// What the domain is called here [default: as it was]
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    config: ConfigArgs,
}

impl Export {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let store = context.store().await?;
        let scope = store.domain_scope(&self.name).await?;
        let workshop = Workshop::new(context, &store, &Config::default());
        let export = archive::Export::begin(workshop.tools(&store), &scope).await;
        let mut export = export.map_err(failure)?;
        let file = self.out.clone();
        let file = file.unwrap_or_else(|| PathBuf::from(format!("{}.tar.gz", scope.name())));
        let open = new_file(&file)?;
        let written = write(&mut export, open).await;
        if written.is_err() {
            let _ = std::fs::remove_file(&file); // half a domain is of no use
        }
        let bytes = written?;
        let line = format!("{} is in {}", scope.name(), file.display());
        let shown = json!({ "domain": scope.name(), "file": file, "bytes": bytes });
        output::say(context.json, &shown, &line)?;
        store.close().await;
        Ok(())
    }
}

/// A file that was not there, and that nobody else can read.
fn new_file(path: &Path) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::Exists(format!("{} exists already", path.display())),
        _ => Failure::Usage(format!("{}: {error}", path.display())),
    })
}

/// Writes the archive; its length.
async fn write(export: &mut archive::Export, mut file: File) -> Result<u64, Failure> {
    let mut bytes = 0;
    while let Some(piece) = export.next().await.map_err(failure)? {
        file.write_all(&piece)?;
        bytes += piece.len() as u64;
    }
    file.sync_all()?;
    Ok(bytes)
}

impl Import {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let file = File::open(&self.file)
            .map_err(|error| Failure::Usage(format!("{}: {error}", self.file.display())))?;
        let config = self.config.load()?;
        let store = context.new_store().await?;
        if let Some(name) = &self.name
            && store.find_domain(name).await?.is_some()
        {
            let (what, name) = ("domain", name.clone());
            return Err(StoreError::Exists { what, name }.into());
        }
        let workshop = Workshop::new(context, &store, &config);
        let made = import(workshop.tools(&store), file, self.name.as_deref()).await;
        let domain = made.map_err(failure)?;
        let line = format!(
            "domain {} made; accounts, tokens and secrets are not in the file",
            domain.name
        );
        output::say(context.json, &domain, &line)?;
        store.close().await;
        Ok(())
    }
}

async fn import(tools: Tools<'_>, file: File, name: Option<&str>) -> Result<Domain, ArchiveError> {
    let unpacked = archive::unpack(tools, file).await?;
    unpacked.check(tools, name).await?.finish(tools).await
}

/// What exports and imports work with, on this machine.
struct Workshop {
    stock: OfStore,
    compiler: Compiler,
    prompts: Arc<dyn Prompts>,
}

impl Workshop {
    fn new(context: &Context, store: &Store, config: &Config) -> Self {
        Self {
            stock: OfStore(store.clone()),
            compiler: Compiler::new(config, Some(context.data.join("compiled"))),
            prompts: Arc::new(PromptFiles::new(&context.data, &config.media.speech)),
        }
    }

    fn tools<'a>(&'a self, store: &'a Store) -> Tools<'a> {
        Tools {
            store,
            compiler: &self.compiler,
            prompts: &self.prompts,
            stock: Some(&self.stock),
            component_bytes_max: EngineConfig::default().module_bytes_max,
        }
    }
}

fn failure(error: ArchiveError) -> Failure {
    match error {
        ArchiveError::Store(error) => error.into(),
        ArchiveError::File(error) => error.into(),
        ArchiveError::Refused(_) | ArchiveError::Prompts(_) | ArchiveError::Compiler(_) => {
            Failure::Failed(error.to_string())
        }
    }
}
