//! `tandem scenario new`

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::language::{self, FILES, Language};
use super::{Context, Failure};
use crate::output;

/// Begin a project for a scenario of your own.
#[derive(Debug, Args)]
pub struct New {
    /// Its name: small letters, digits and hyphens
    name: String,
    /// The language to write it in
    #[arg(long, default_value = "rust", value_name = "LANGUAGE")]
    lang: String,
    /// What starts it
    #[arg(long, value_enum, default_value_t = Starts::Call)]
    world: Starts,
    /// Where to put it; by default a new folder of that name
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// What starts a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Starts {
    /// A call
    Call,
    /// A request over HTTP
    Web,
    /// Something that has happened
    Event,
}

impl Starts {
    /// As `--world` has it, and the end of a template's name.
    fn word(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Web => "web",
            Self::Event => "event",
        }
    }
}

impl New {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let language = language::named(&self.lang)?;
        check_name(&self.name)?;
        let project = self.dir.clone().unwrap_or_else(|| PathBuf::from(&self.name));
        if project
            .read_dir()
            .is_ok_and(|mut entries| entries.next().is_some())
            || project.is_file()
        {
            return Err(Failure::Exists(format!("{} is there already", project.display())));
        }
        for (path, content) in files(language, self.world, &self.name)? {
            write(&project.join(path), &content)?;
        }
        let shown = json!({
            "name": self.name,
            "language": language.name,
            "world": format!("{}-scenario", self.world.word()),
            "dir": project,
        });
        let dir = project.display();
        let line = format!(
            "{dir} is a scenario in {}. Next:\n  tandem scenario build {dir}\n  tandem scenario test {dir}",
            language.name
        );
        Ok(output::say(context.json, &shown, &line)?)
    }
}

/// A name that every language's tools take, and that needs no quoting anywhere.
fn check_name(name: &str) -> Result<(), Failure> {
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    let fits = name
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if begins && fits && name.len() <= 64 && !name.ends_with('-') {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "{name:?} is no name of a project: up to 64 small letters, digits and hyphens, beginning with a letter"
    )))
}

/// The files of a new project: paths within it, and contents.
fn files(language: &Language, world: Starts, name: &str) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let template = format!("templates/{}/", language.name);
    let over = format!("templates/{}-{}/", language.name, world.word());
    let is_over = |within: &str| {
        FILES
            .iter()
            .any(|(path, _)| path.strip_prefix(&over) == Some(within))
    };
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for (path, bytes) in FILES {
        let base = path
            .strip_prefix(&template)
            .filter(|within| world == Starts::Call || !(within.starts_with("tests/") || is_over(within)));
        if let Some(within) = base.or_else(|| path.strip_prefix(&over)) {
            let content = match std::str::from_utf8(bytes) {
                Ok(text) => text
                    .replace("{{name}}", name)
                    .replace("{{world}}", &format!("{}-scenario", world.word()))
                    .into_bytes(),
                Err(_) => bytes.to_vec(),
            };
            files.push((within.to_owned(), content));
        } else if language.sdk.iter().any(|folder| {
            path.strip_prefix(folder)
                .is_some_and(|rest| rest.starts_with('/'))
        }) {
            let adapted = match (language.adapt, std::str::from_utf8(bytes)) {
                (Some(adapt), Ok(text)) => adapt(path, text)
                    .map_err(|error| Failure::Failed(format!("the SDK's {path}: {error}")))?,
                _ => None,
            };
            files.push((
                format!("sdk/{path}"),
                adapted.map_or(bytes.to_vec(), String::into_bytes),
            ));
        }
    }
    let more = language.more.iter();
    files.extend(more.map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
    Ok(files)
}

fn write(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let told = |error: std::io::Error| Failure::Failed(format!("{}: {error}", path.display()));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(told)?;
    }
    std::fs::write(path, content).map_err(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_tool_takes_are_refused() {
        for bad in ["", "Hello", "1st", "a b", "a/b", "../a", "a-", "ä"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
        assert!(check_name("night-menu-2").is_ok());
    }

    #[test]
    fn no_placeholder_is_left_in_a_project() {
        for language in language::LANGUAGES {
            for world in [Starts::Call, Starts::Web, Starts::Event] {
                let files = files(language, world, "hello").unwrap();
                for (path, content) in &files {
                    let text = String::from_utf8_lossy(content);
                    assert!(
                        !text.contains("{{name}}") && !text.contains("{{world}}"),
                        "{path}"
                    );
                }
                let mut paths: Vec<&String> = files.iter().map(|(path, _)| path).collect();
                paths.sort();
                paths.dedup();
                assert_eq!(paths.len(), files.len(), "{} {world:?}", language.name);
            }
        }
    }
}
