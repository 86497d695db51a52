//! In: all that is wrong with an archive whose files lie ready, then a domain made of it.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Bytes;
use serde::Deserialize;
use tandem_host_api::WORLD;
use tandem_host_api::numbers::{significant, tail};
use tandem_host_api::schedule::Schedule;
use tandem_store::archive::{Archive, Component, Components, FORMAT};
use tandem_store::{Domain, Limit, StoreError};

use super::staging::Staging;
use super::unpack::{Files, Unpacked, staged_component};
use super::{ArchiveError, DOCUMENT, Problems, Tools, blocking};
use crate::{Allowed, PromptRefused, Prompts};

/// An archive with nothing wrong, of which a domain can be made.
#[derive(Debug)]
pub struct Import {
    staging: Staging,
    archive: Archive,
    name: String,
    components: Components,
    prompts: BTreeMap<String, PathBuf>,
}

impl Unpacked {
    /// Looks at all of it; components are compiled as any upload. The domain gets this name; none: the one that it had.
    /// Errors: [`ArchiveError::Refused`] with every problem; [`ArchiveError::Store`] with [`StoreError::Exists`] where
    /// there is a domain of the name; [`ArchiveError::Compiler`].
    pub async fn check(self, tools: Tools<'_>, name: Option<&str>) -> Result<Import, ArchiveError> {
        let Self { staging, files } = self;
        match checked(tools, staging.path(), files, name).await {
            Ok(checked) => {
                let (archive, name, components, prompts) = checked;
                Ok(Import {
                    staging,
                    archive,
                    name,
                    components,
                    prompts,
                })
            }
            Err(error) => {
                staging.remove().await;
                Err(error)
            }
        }
    }
}

type Checked = (Archive, String, Components, BTreeMap<String, PathBuf>);

async fn checked(
    tools: Tools<'_>,
    folder: &Path,
    files: Files,
    name: Option<&str>,
) -> Result<Checked, ArchiveError> {
    let mut problems = files.problems;
    let mut archive = match document(files.document.as_deref()) {
        Ok(archive) => archive,
        Err(words) => {
            problems.add(DOCUMENT, words);
            return Err(ArchiveError::Refused(problems));
        }
    };
    let name = name.unwrap_or(&archive.domain.name).to_ascii_lowercase();
    if tools.store.find_domain(&name).await?.is_some() {
        let what = "domain";
        return Err(StoreError::Exists { what, name }.into());
    }
    for number in archive
        .contacts
        .iter_mut()
        .flat_map(|contact| &mut contact.numbers)
    {
        tail(&significant(&number.number)).clone_into(&mut number.tail);
    }
    matched(&archive, &files.components, &mut problems);
    let components = compiled(tools, folder, &archive, &mut problems).await?;
    for problem in archive.problems(&components) {
        problems.add(problem.at, problem.detail);
    }
    for entry in &archive.numbers {
        if let Some(Err(words)) = tools.stock.map(|stock| stock.check_number(&entry.number)) {
            problems.add(format!("number {}", entry.number), words);
        }
    }
    for schedule in &archive.schedules {
        if let Err(error) = serde_json::from_str::<Schedule>(schedule.document.get()) {
            problems.add(format!("schedule {}", schedule.name), error.to_string());
        }
    }
    named(tools, &name, &files.prompts, &mut problems).await?;
    if problems.number() > 0 {
        return Err(ArchiveError::Refused(problems));
    }
    Ok((archive, name, components, files.prompts))
}

/// The document; the error is in words.
fn document(text: Option<&[u8]>) -> Result<Archive, String> {
    /// What documents of all forms have.
    #[derive(Deserialize)]
    struct Form {
        format: u32,
    }
    let text = text.ok_or("it is not there")?;
    let form: Form = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if form.format != FORMAT {
        return Err(format!(
            "its format is {}, and this release reads {FORMAT} only",
            form.format
        ));
    }
    let mut text = serde_json::Deserializer::from_slice(text);
    serde_path_to_error::deserialize(&mut text).map_err(|error| error.to_string())
}

/// Tells which components are named and not there, and which are there and not named.
fn matched(archive: &Archive, there: &BTreeMap<(String, String), u64>, problems: &mut Problems) {
    let mut named = HashSet::new();
    for version in &archive.scenarios {
        let key = (version.name.clone(), version.hash.clone());
        if !there.contains_key(&key) {
            problems.add(path(&key), format!("{DOCUMENT} names it, and it is not there"));
        }
        named.insert(key);
    }
    for key in there.keys().filter(|key| !named.contains(*key)) {
        problems.add(path(key), format!("{DOCUMENT} does not name it"));
    }
}

fn path((name, hash): &(String, String)) -> String {
    format!("scenarios/{name}/{hash}.wasm")
}

/// Has each component that the document names compiled. What a domain's scenarios may is asked when they are uploaded to
/// it, and these were; if they may take longer than the server says, so they do here.
async fn compiled(
    tools: Tools<'_>,
    folder: &Path,
    archive: &Archive,
    problems: &mut Problems,
) -> Result<Components, ArchiveError> {
    let (mut components, mut seen) = (Components::new(), HashSet::new());
    let allowed = Allowed {
        of_domain: archive.domain.limits.only(Limit::CallCpuMs),
        ..Allowed::default()
    };
    for version in &archive.scenarios {
        let file = staged_component(folder, &version.hash);
        if !tandem_store::archive::is_hash(&version.hash) || !seen.insert(&version.hash) {
            continue;
        }
        let read = file.clone();
        let bytes = match blocking(move || fs::read(read)).await {
            Ok(bytes) => Bytes::from(bytes),
            // It was said that it is missing, or wrong.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        let size_bytes = bytes.len() as u64;
        let verdict = tools.compiler.compile(bytes, allowed.clone()).await;
        let verdict = verdict.map_err(ArchiveError::Compiler)?;
        let at = path(&(version.name.clone(), version.hash.clone()));
        for problem in &verdict.problems {
            problems.add(&at, problem.to_string());
        }
        problems.untold += verdict.problems_untold;
        let component = Component {
            file,
            size_bytes,
            world: verdict.world.unwrap_or_else(|| WORLD.to_owned()),
            imports: verdict.imports,
            settings: verdict.settings,
        };
        components.insert(version.hash.clone(), component);
    }
    Ok(components)
}

/// Tells prompts' names that none can have.
async fn named(
    tools: Tools<'_>,
    domain: &str,
    found: &BTreeMap<String, PathBuf>,
    problems: &mut Problems,
) -> Result<(), ArchiveError> {
    let (prompts, domain) = (Arc::clone(tools.prompts), domain.to_owned());
    let names: Vec<String> = found.keys().cloned().collect();
    let wrong = blocking(move || {
        let mut wrong = Vec::new();
        for name in names {
            match prompts.find(&domain, &name) {
                Ok(_) => (),
                Err(PromptRefused::Name(words)) => wrong.push((name, words)),
                Err(error) => return Err(error),
            }
        }
        Ok(wrong)
    });
    for (name, words) in wrong.await? {
        problems.add(format!("prompts/{name}.wav"), words);
    }
    Ok(())
}

impl Import {
    /// The name that the domain gets, in lower case.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes the domain, all of it or nothing. It must not be given up between: see that it is driven to its end. Errors:
    /// [`ArchiveError::Store`], [`ArchiveError::Prompts`], [`ArchiveError::File`].
    pub async fn finish(self, tools: Tools<'_>) -> Result<Domain, ArchiveError> {
        let made = self.make(tools).await;
        self.staging.remove().await;
        made
    }

    async fn make(&self, tools: Tools<'_>) -> Result<Domain, ArchiveError> {
        // Its prompts come first: until it is there, nobody plays them.
        if tools.store.find_domain(&self.name).await?.is_some() {
            let (what, name) = ("domain", self.name.clone());
            return Err(StoreError::Exists { what, name }.into());
        }
        let (prompts, domain, files) = (Arc::clone(tools.prompts), self.name.clone(), self.prompts.clone());
        blocking(move || put(prompts.as_ref(), &domain, &files)).await?;
        let written = tools
            .store
            .write_archive(&self.archive, Some(&self.name), &self.components);
        match written.await {
            Ok(domain) => Ok(domain),
            Err(error) => {
                let (prompts, domain, files) =
                    (Arc::clone(tools.prompts), self.name.clone(), self.prompts.clone());
                let removed = blocking(move || {
                    remove(prompts.as_ref(), &domain, &files);
                    Ok::<_, io::Error>(())
                });
                removed.await?;
                Err(error.into())
            }
        }
    }
}

/// Puts all prompts to their places, or none.
fn put(prompts: &dyn Prompts, domain: &str, files: &BTreeMap<String, PathBuf>) -> Result<(), PromptRefused> {
    for (name, file) in files {
        let put = fs::read(file)
            .map_err(PromptRefused::from)
            .and_then(|sound| prompts.put(domain, name, &sound));
        if let Err(error) = put {
            remove(prompts, domain, files);
            return Err(error);
        }
    }
    Ok(())
}

fn remove(prompts: &dyn Prompts, domain: &str, files: &BTreeMap<String, PathBuf>) {
    for name in files.keys() {
        if let Err(error) = prompts.remove(domain, name) {
            tracing::warn!(domain, name, %error, "a prompt of a domain that was not made is kept");
        }
    }
}
