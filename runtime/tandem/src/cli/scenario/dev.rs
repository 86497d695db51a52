//! `tandem scenario dev`: builds, pushes and activates a project whenever one of its files changes, and shows its log.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::Args;
use serde_json::{Value, json};

use super::super::api::{Api, Server};
use super::super::push;
use super::super::{Context, Failure};
use super::language::{self, Component};
use super::logs::{self, Wanted};
use super::short;
use crate::output;

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_millis(300);
/// Files that are looked at; what a project has beyond is not watched.
const FILES_MAX: usize = 20_000;
/// Folders that builds write to, and those of others.
const NOT_WATCHED: [&str; 6] = [
    "dist",
    "target",
    "node_modules",
    "packages",
    "__pycache__",
    ".git",
];

/// Build, push and activate a project whenever one of its files changes, and show its log, until Ctrl-C
///
/// The token has the scopes scenarios:read, scenarios:write and calls:read. What does not build is told, and what is active
/// stays active.
#[derive(Debug, Args)]
pub struct Dev {
    /// The project's folder
    #[arg(default_value = ".", value_name = "DIR")]
    dir: PathBuf,
    /// The scenario's name on the server [default: the project's]
    #[arg(long)]
    name: Option<String>,
    /// A number for tests, which starts each version from then on; or a path (web:/crm) or an event
    #[arg(long, value_name = "NUMBER")]
    number: Option<String>,
    #[command(flatten)]
    server: Server,
}

/// What the server has of the project.
struct Active {
    name: String,
    hash: String,
}

impl Dev {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let api = self.server.client()?;
        if language::of_project(&self.dir).is_none() {
            return Err(Failure::NotFound(format!(
                "{} is no project of a scenario",
                self.dir.display()
            )));
        }
        let mut active = None;
        let ended = tokio::select! {
            ended = self.watch(context, &api, &mut active) => ended,
            stopped = tokio::signal::ctrl_c() => Ok(stopped?),
        };
        let (line, shown) = self.left(active.as_ref());
        say(context, "ended", &line, &shown)?;
        ended
    }

    /// Never ends well: it goes on until it is dropped.
    async fn watch(&self, context: &Context, api: &Api, active: &mut Option<Active>) -> Result<(), Failure> {
        let mut seen = None;
        let mut log: Option<tokio::task::JoinHandle<Result<(), Failure>>> = None;
        loop {
            let now = settled(&self.dir, seen.as_ref()).await;
            seen = Some(now);
            match self.bring(context, api, active.as_ref()).await {
                Ok(Some(brought)) => {
                    if log.is_none() {
                        log = Some(self.show_log(context, api, &brought.name));
                    }
                    *active = Some(brought);
                }
                Ok(None) => say(context, "same", "nothing is different", &json!({}))?,
                Err(failure) => say(context, "failed", &failure.to_string(), &json!({}))?,
            }
            if log.as_ref().is_some_and(tokio::task::JoinHandle::is_finished)
                && let Some(ended) = log.take()
                && let Ok(Err(failure)) = ended.await
            {
                say(context, "log", &format!("the log: {failure}"), &json!({}))?;
            }
        }
    }

    /// Builds the project, and gives it to the server; none: the server has it.
    async fn bring(
        &self,
        context: &Context,
        api: &Api,
        active: Option<&Active>,
    ) -> Result<Option<Active>, Failure> {
        say(context, "building", "building", &json!({}))?;
        let component = self.build().await?;
        if active.is_some_and(|active| active.hash == component.hash) {
            return Ok(None);
        }
        let stem = component.file.file_stem().and_then(|stem| stem.to_str());
        let name = self
            .name
            .clone()
            .or_else(|| stem.map(str::to_owned))
            .unwrap_or_default();
        let version = push::upload(api, &component.file, &name, "dev", None).await?;
        let hash = version.get("hash").and_then(Value::as_str).unwrap_or_default();
        let mut line = format!("{name} has version {}", short(hash));
        if let Some(number) = &self.number {
            push::activate(api, number, &name, hash).await?;
            line = format!("{line}, and {number} starts it");
        }
        let shown = json!({ "scenario": name, "version": hash, "number": self.number });
        say(context, "active", &line, &shown)?;
        Ok(Some(Active {
            name,
            hash: hash.to_owned(),
        }))
    }

    async fn build(&self) -> Result<Component, Failure> {
        let Some(language) = language::of_project(&self.dir) else {
            return Err(Failure::NotFound("the project is gone".to_owned()));
        };
        let (build, dir) = (language.build, self.dir.clone());
        let built = tokio::task::spawn_blocking(move || build(&dir)).await;
        built.map_err(|error| Failure::Failed(error.to_string()))?
    }

    /// Shows what comes, beside everything else.
    fn show_log(
        &self,
        context: &Context,
        api: &Api,
        name: &str,
    ) -> tokio::task::JoinHandle<Result<(), Failure>> {
        // A number's log has all its versions in it, and no other number's.
        let wanted = Wanted {
            number: self.number.clone(),
            module: self.number.is_none().then(|| name.to_owned()),
            ..Wanted::default()
        };
        let (api, context) = (api.clone(), context.clone());
        tokio::spawn(async move { logs::follow(&api, &wanted, 0, |said| logs::show(&context, &said)).await })
    }

    /// What stays on the server.
    fn left(&self, active: Option<&Active>) -> (String, Value) {
        let Some(Active { name, hash }) = active else {
            return ("the server was given nothing".to_owned(), json!({}));
        };
        let line = match &self.number {
            Some(number) => format!("{number} goes on starting {name} {}", short(hash)),
            None => format!("{name} {} is on the server; no number was changed", short(hash)),
        };
        let shown = json!({ "scenario": name, "version": hash, "number": self.number });
        (line, shown)
    }
}

fn say(context: &Context, what: &str, line: &str, shown: &Value) -> Result<(), Failure> {
    if context.json {
        return Ok(output::write(&format!(
            "{}\n",
            json!({ "dev": what, "said": line, "of": shown })
        ))?);
    }
    Ok(output::write(&format!(
        "dev: {}\n",
        line.replace('\n', "\ndev: ")
    ))?)
}

/// A project's files, with their sizes and times.
type Files = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// Waits until the files are other ones than before, and stay so for a moment.
async fn settled(dir: &Path, before: Option<&Files>) -> Files {
    let mut last = None;
    loop {
        let now = files(dir);
        if before != Some(&now) && last.as_ref() == Some(&now) {
            return now;
        }
        last = Some(now);
        tokio::time::sleep(LOOK).await;
    }
}

/// What lies in a project, but for what builds write. What cannot be read is not there.
fn files(dir: &Path) -> Files {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = folder.read_dir() else { continue };
        for entry in entries.flatten() {
            if found.len() >= FILES_MAX {
                break;
            }
            let name = entry.file_name();
            if NOT_WATCHED.iter().any(|not| name == *not) {
                continue;
            }
            // Of a link what it is, not where it leads: a circle would have no end.
            let Ok(about) = entry.metadata() else { continue };
            if about.is_dir() {
                folders.push(entry.path());
            } else {
                found.push((entry.path(), about.len(), about.modified().ok()));
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_build_writes_is_no_change() {
        let place = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = place.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("src/main.ts", "one");
        let before = files(place.path());
        assert_eq!(before.len(), 1);
        write("dist/desk.wasm", "x");
        write("node_modules/x/index.js", "x");
        assert_eq!(files(place.path()), before);
        write("src/main.ts", "other");
        assert_ne!(files(place.path()), before);
    }
}
