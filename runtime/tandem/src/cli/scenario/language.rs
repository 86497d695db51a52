//! The languages that scenarios are written in: a row each.
//!
//! A language has a template in `sdk-wit/templates/NAME`, whose files are copied with `{{name}}` replaced by the project's
//! name and `{{world}}` by its world; one in `sdk-wit/templates/NAME-WORLD` for each other world, whose sources and tests
//! take the place of those; folders of `sdk-wit` that are copied into the project's `sdk/`; and a way to build.

use std::path::{Path, PathBuf};

use guest_build::Lock;

use super::{Failure, interpreted};

/// One of them.
pub struct Language {
    /// As `--lang` has it, and the template's folder.
    pub name: &'static str,
    /// The file by which a project of the language is known.
    pub marker: &'static str,
    /// What of `sdk-wit` goes into the project's `sdk/`: the contract, and the SDK.
    pub sdk: &'static [&'static str],
    /// Files beyond the template's: a path within the project, and the content.
    pub more: &'static [(&'static str, &'static str)],
    /// What files of the SDK look like within a project, where they are not the same.
    pub adapt: Option<Adapt>,
    /// Builds a project into `dist/NAME.wasm`, which it gives.
    pub build: fn(project: &Path) -> Result<Component, Failure>,
}

/// From a file's path within `sdk-wit` and its text, what a project gets; none: the same.
pub type Adapt = fn(path: &str, text: &str) -> Result<Option<String>, String>;

/// What a build made.
pub struct Component {
    /// The file.
    pub file: PathBuf,
    /// BLAKE3 of its bytes, in hexadecimal.
    pub hash: String,
    /// Its size.
    pub bytes: usize,
    /// Whether it was there already.
    pub up_to_date: bool,
}

/// All of them.
pub const LANGUAGES: &[Language] = &[
    Language {
        name: "rust",
        marker: "Cargo.toml",
        sdk: &["rust", "wit"],
        // The versions with which the stock scenarios are built and tested.
        more: &[("Cargo.lock", include_str!("../../../../../scenarios/Cargo.lock"))],
        adapt: Some(leave_workspace),
        build: build_rust,
    },
    Language {
        name: "ts",
        marker: "package.json",
        sdk: &["typescript", "wit"],
        more: &[],
        adapt: None,
        build: interpreted::build_typescript,
    },
    Language {
        name: "py",
        marker: "pyproject.toml",
        sdk: &["python", "wit"],
        more: &[],
        adapt: None,
        build: interpreted::build_python,
    },
];

/// The files of `sdk-wit`, by their paths within it.
pub const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/sdk.rs"));

/// The language of that name.
pub fn named(name: &str) -> Result<&'static Language, Failure> {
    LANGUAGES
        .iter()
        .find(|language| language.name == name)
        .ok_or_else(|| {
            let names: Vec<&str> = LANGUAGES.iter().map(|language| language.name).collect();
            Failure::Usage(format!(
                "{name:?} is no language of scenarios: choose {}",
                names.join(", ")
            ))
        })
}

/// The language of a project, by what lies in its folder.
pub fn of_project(project: &Path) -> Option<&'static Language> {
    LANGUAGES
        .iter()
        .find(|language| project.join(language.marker).is_file())
}

/// In our sources the SDK is a member of the stock scenarios' workspace and has its lints; in a project it is neither.
fn leave_workspace(path: &str, text: &str) -> Result<Option<String>, String> {
    if path != "rust/Cargo.toml" {
        return Ok(None);
    }
    let mut manifest: toml::Table = toml::from_str(text).map_err(|error| error.to_string())?;
    manifest.remove("lints");
    if let Some(package) = manifest.get_mut("package").and_then(toml::Value::as_table_mut) {
        package.remove("workspace");
    }
    toml::to_string(&manifest)
        .map(Some)
        .map_err(|error| error.to_string())
}

fn build_rust(project: &Path) -> Result<Component, Failure> {
    let built =
        guest_build::build(project, Lock::Open).map_err(|error| Failure::Failed(error.to_string()))?;
    match <[_; 1]>::try_from(built) {
        Ok([guest]) => Ok(Component {
            file: guest.file,
            hash: guest.hash,
            bytes: guest.bytes,
            up_to_date: guest.up_to_date,
        }),
        Err(several) => Err(Failure::Usage(format!(
            "{} has {} scenarios; a project has one",
            project.display(),
            several.len()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_has_a_template_and_its_sdk() {
        for language in LANGUAGES {
            let has = |folder: String| FILES.iter().any(|(path, _)| path.starts_with(&folder));
            assert!(
                has(format!("templates/{}/{}", language.name, language.marker)),
                "{}",
                language.name
            );
            for world in ["web", "event"] {
                let folder = format!("templates/{}-{world}/tests/", language.name);
                assert!(has(folder), "{} {world}", language.name);
            }
            for folder in language.sdk {
                assert!(has(format!("{folder}/")), "{folder}");
            }
        }
    }

    #[test]
    fn the_sdk_in_a_project_belongs_to_no_other_workspace() {
        let (path, text) = FILES.iter().find(|(path, _)| *path == "rust/Cargo.toml").unwrap();
        let adapted = leave_workspace(path, std::str::from_utf8(text).unwrap())
            .unwrap()
            .unwrap();
        let manifest: toml::Table = toml::from_str(&adapted).unwrap();
        assert!(manifest["package"].get("workspace").is_none() && manifest.get("lints").is_none());
        assert!(manifest["dependencies"].get("wit-bindgen").is_some());
    }
}
