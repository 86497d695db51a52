//! Reading the file and the `--set` arguments, with the place of each error.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{Config, Key, SECTIONS};

/// A file longer than this is refused: it is not a configuration.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// A key within so many edits of the wrong one is suggested.
const EDITS_MAX: usize = 3;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A line of a file, counted from 1.
    File(PathBuf, usize),
    /// An argument of the command line.
    Set(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Set(text) => write!(f, "--set {text}"),
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is missing or cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// The file is too long.
    #[error("{}: longer than {FILE_BYTES_MAX} bytes", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// Not TOML.
    #[error("{at}: {why}")]
    Syntax {
        /// Where.
        at: Origin,
        /// The parser's words.
        why: String,
    },
    /// No such key.
    #[error("{at}: unknown key `{key}`{}", suggestion.map(|s| format!(", did you mean `{s}`?")).unwrap_or_default())]
    UnknownKey {
        /// Where.
        at: Origin,
        /// The key as written.
        key: String,
        /// The known key that is nearest.
        suggestion: Option<&'static str>,
    },
    /// The value is not of the key's type.
    #[error("{at}: `{key}` is {found}, expected {shape}")]
    WrongType {
        /// Where.
        at: Origin,
        /// The key.
        key: &'static str,
        /// What was found.
        found: String,
        /// What is accepted.
        shape: &'static str,
    },
    /// The value does not fit with others or is outside its range.
    #[error("{}`{key}` {why}", at.as_ref().map(|at| format!("{at}: ")).unwrap_or_default())]
    WrongValue {
        /// Where it was set; none for a default that does not fit with what was set.
        at: Option<Origin>,
        /// The key.
        key: &'static str,
        /// What must hold.
        why: String,
    },
    /// Not `key=value`.
    #[error("--set {text}: expected key=value")]
    NotAPair {
        /// The argument.
        text: String,
    },
}

/// Everything that is wrong, a line each.
#[derive(Debug, thiserror::Error)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// A configuration and where its values came from.
#[derive(Debug, Default)]
pub struct Loaded {
    /// What holds.
    pub config: Config,
    /// Keys that were set, by path.
    pub origins: BTreeMap<&'static str, Origin>,
}

/// Lays the file and then the `--set` arguments over the defaults. Collects every error rather than stop at the
/// first.
pub fn load(file: Option<&Path>, sets: &[String]) -> Result<Loaded, ConfigErrors> {
    let mut loaded = Loaded::default();
    let mut errors = Vec::new();
    if let Some(path) = file {
        match read(path) {
            Ok(text) => loaded.take_file(path, &text, &mut errors),
            Err(error) => errors.push(error),
        }
    }
    for set in sets {
        loaded.take_set(set, &mut errors);
    }
    if errors.is_empty() {
        for (key, why) in loaded.config.check() {
            errors.push(ConfigError::WrongValue {
                at: loaded.origins.get(key).cloned(),
                key,
                why,
            });
        }
    }
    if errors.is_empty() {
        Ok(loaded)
    } else {
        Err(ConfigErrors(errors))
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let failed = |source| ConfigError::Read {
        path: path.to_owned(),
        source,
    };
    if std::fs::metadata(path).map_err(failed)?.len() > FILE_BYTES_MAX {
        return Err(ConfigError::TooLong {
            path: path.to_owned(),
        });
    }
    std::fs::read_to_string(path).map_err(failed)
}

impl Loaded {
    fn take_file(&mut self, path: &Path, text: &str, errors: &mut Vec<ConfigError>) {
        let at = |offset: usize| Origin::File(path.to_owned(), line_of(text, offset));
        let table = match DeTable::parse(text) {
            Ok(table) => table,
            Err(error) => {
                let offset = error.span().map_or(0, |span| span.start);
                errors.push(ConfigError::Syntax {
                    at: at(offset),
                    why: error.message().to_owned(),
                });
                return;
            }
        };
        for (section, value) in table.get_ref() {
            let Some(keys) = value.get_ref().as_table() else {
                errors.push(unknown(at(section.span().start), section.get_ref()));
                continue;
            };
            if !SECTIONS
                .iter()
                .any(|known| known.name == section.get_ref().as_ref())
                && keys.is_empty()
            {
                errors.push(unknown(at(section.span().start), section.get_ref()));
            }
            for (key, value) in keys {
                let path = format!("{}.{}", section.get_ref(), key.get_ref());
                self.take(&path, value, at(key.span().start), errors);
            }
        }
    }

    fn take_set(&mut self, text: &str, errors: &mut Vec<ConfigError>) {
        let Some((key, value)) = text.split_once('=') else {
            errors.push(ConfigError::NotAPair {
                text: text.to_owned(),
            });
            return;
        };
        let at = Origin::Set(text.to_owned());
        // A shell eats quotes: what is not TOML by itself is taken as a text.
        let parsed = DeValue::parse(value.trim())
            .ok()
            .filter(|parsed| !parsed.get_ref().is_datetime());
        let plain = || Spanned::new(0..value.len(), DeValue::String(value.trim().into()));
        self.take(key.trim(), &parsed.unwrap_or_else(plain), at, errors);
    }

    fn take(&mut self, path: &str, value: &Spanned<DeValue<'_>>, at: Origin, errors: &mut Vec<ConfigError>) {
        let Some(key) = keys().find(|key| key.path == path) else {
            errors.push(unknown(at, path));
            return;
        };
        if (key.set)(&mut self.config, value.get_ref()) {
            self.origins.insert(key.path, at);
        } else {
            let found = describe(value.get_ref());
            errors.push(ConfigError::WrongType {
                at,
                key: key.path,
                found,
                shape: key.shape,
            });
        }
    }
}

fn keys() -> impl Iterator<Item = &'static Key> {
    SECTIONS.iter().flat_map(|section| section.keys)
}

fn unknown(at: Origin, key: &str) -> ConfigError {
    // Someone who leaves out the section means its key: `listen` is near `web.listen`.
    let distance = |known: &'static str| {
        let last = known.rsplit('.').next().unwrap_or(known);
        strsim::damerau_levenshtein(key, known).min(strsim::damerau_levenshtein(key, last))
    };
    let nearest = keys().map(|known| (distance(known.path), known.path)).min();
    let suggestion = nearest
        .filter(|(edits, _)| *edits <= EDITS_MAX)
        .map(|(_, path)| path);
    ConfigError::UnknownKey {
        at,
        key: key.to_owned(),
        suggestion,
    }
}

/// The line that holds the byte at `offset`, from 1.
fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

/// A value for an error message: its type, and short values themselves.
fn describe(value: &DeValue<'_>) -> String {
    const SHOWN_MAX: usize = 60;
    match value {
        DeValue::String(text) if text.chars().count() <= SHOWN_MAX => format!("{text:?}"),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Boolean(value) => value.to_string(),
        other => format!("a {}", other.type_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn file(text: &str) -> Result<Loaded, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("t.toml");
        std::fs::write(&path, text).unwrap();
        let prefix = format!("{}/", directory.path().display());
        load(Some(&path), &[]).map_err(|e| e.to_string().replace(&prefix, ""))
    }

    fn set(sets: &[&str]) -> Result<Loaded, String> {
        let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
        load(None, &sets).map_err(|e| e.to_string())
    }

    #[test]
    fn defaults_pass_their_own_check() {
        assert_eq!(load(None, &[]).unwrap().config, Config::default());
    }

    #[test]
    fn file_then_set_then_effective() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("t.toml");
        std::fs::write(
            &path,
            "[web]\nlisten = \"127.0.0.1:1\"\n[call]\nstop_deadline = \"5s\"\n",
        )
        .unwrap();
        let loaded = load(Some(&path), &["web.listen=127.0.0.1:2".into()]).unwrap();
        assert_eq!(loaded.config.web.listen.port(), 2);
        assert_eq!(loaded.config.call.stop_deadline, Duration::from_secs(5));
        assert_eq!(
            loaded.origins["web.listen"],
            Origin::Set("web.listen=127.0.0.1:2".into())
        );
        assert_eq!(loaded.origins["call.stop_deadline"], Origin::File(path, 4));
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line_and_a_suggestion() {
        let error = file("# a comment\n[sip]\nudp = []\nupd = []\n").unwrap_err();
        assert_eq!(error, "t.toml:4: unknown key `sip.upd`, did you mean `sip.udp`?");
        let error = file("\n\nlisten = \"x\"\n").unwrap_err();
        assert_eq!(
            error,
            "t.toml:3: unknown key `listen`, did you mean `web.listen`?"
        );
        let error = file("[frobnication]\nquux = 1\n").unwrap_err();
        assert_eq!(error, "t.toml:2: unknown key `frobnication.quux`");
        assert_eq!(
            file("[frobnication]\n").unwrap_err(),
            "t.toml:1: unknown key `frobnication`"
        );
    }

    #[test]
    fn a_wrong_type_is_refused_with_its_line() {
        let error = file("[sip]\nudp = [\"127.0.0.1\"]\n").unwrap_err();
        assert!(
            error.starts_with("t.toml:2: `sip.udp` is a array, expected a list of addresses")
                || error.starts_with("t.toml:2: `sip.udp` is an array, expected a list of addresses"),
            "{error}"
        );
        let error = file("[call]\n\nstop_deadline = 30\n").unwrap_err();
        assert!(
            error.starts_with("t.toml:3: `call.stop_deadline` is 30, expected a time with its unit"),
            "{error}"
        );
        let error = file("[limits]\ncalls = -1\n").unwrap_err();
        assert!(
            error.starts_with("t.toml:2: `limits.calls` is -1, expected a whole number"),
            "{error}"
        );
    }

    #[test]
    fn every_error_is_told_at_once() {
        let error = file("[sip]\nupd = 1\n[log]\nlevel = \"loud\"\n").unwrap_err();
        assert_eq!(error.lines().count(), 2, "{error}");
    }

    #[test]
    fn broken_toml_is_refused_with_its_line() {
        let error = file("[sip]\nudp = [\n\n[media]\n").unwrap_err();
        assert!(error.starts_with("t.toml:"), "{error}");
        let error = file("[sip]\nudp = []\nudp = []\n").unwrap_err();
        assert!(error.starts_with("t.toml:3: "), "{error}");
    }

    #[test]
    fn values_that_do_not_fit_together_are_refused() {
        let error = set(&["sip.udp=", "sip.tcp="]).unwrap_err();
        assert_eq!(
            error,
            "--set sip.udp=: `sip.udp` both sip.udp and sip.tcp are empty: no phone could reach this server"
        );
        assert!(
            set(&["media.address=0.0.0.0"])
                .unwrap_err()
                .contains("media.announce")
        );
        assert!(set(&["media.address=0.0.0.0", "media.announce=192.0.2.1"]).is_ok());
        assert!(
            set(&["media.ports=30001-30003"])
                .unwrap_err()
                .contains("four ports")
        );
    }

    #[test]
    fn set_takes_lists_and_bare_texts() {
        let loaded = set(&[
            "sip.udp=127.0.0.1:1,[::1]:2",
            "log.json=true",
            "media.ports=4000-4999",
        ])
        .unwrap();
        assert_eq!(loaded.config.sip.udp.len(), 2);
        assert!(loaded.config.log.json);
        assert_eq!(loaded.config.media.ports.low, 4_000);
        assert_eq!(
            set(&["nonsense"]).unwrap_err(),
            "--set nonsense: expected key=value"
        );
    }

    #[test]
    fn a_missing_file_is_told() {
        let error = load(Some(Path::new("/nowhere/t.toml")), &[])
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("/nowhere/t.toml: "), "{error}");
    }
}
