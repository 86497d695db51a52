//! Modules that a test brings along: guests of `tests/guests/`, offered under a number.

use std::path::{Path, PathBuf};
use tandem_kit::failure::Doing;
use tandem_kit::folder::Folder;
use tandem_kit::tandem::Tandem;
use tandem_kit::{Failure, Result};

/// Path of a guest's text, for example of "loop".
pub fn source(guest: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("guests/{guest}.wat"))
}

/// Makes a domain with these users; their passwords.
///
/// # Errors
/// When a command is refused.
pub fn add_domain(tandem: &Tandem, domain: &str, users: &[&str]) -> Result<Vec<String>> {
    run(tandem, &["domain", "add", domain])?;
    let add = |user: &&str| {
        let added = tandem.json(&["user", "add", user, "--domain", domain])?;
        added
            .get("password")
            .and_then(serde_json::Value::as_str)
            .map(str::to_owned)
            .doing("the new user's password")
    };
    users.iter().map(add).collect()
}

/// Stores a guest as a scenario of the domain and lets `number` lead to it, with `more` options such as `--fallback`;
/// its hash.
///
/// # Errors
/// When a command is refused.
pub fn offer(tandem: &Tandem, domain: &str, guest: &str, number: &str, more: &[&str]) -> Result<String> {
    let text = std::fs::read_to_string(source(guest)).doing("reading the guest")?;
    let hash = upload(tandem, domain, guest, &text)?;
    let number = ["number", "add", number, "--scenario", guest, "--domain", domain];
    run(tandem, &[&number, more].concat())?;
    Ok(hash)
}

/// Stores a guest's text as the newest version of the scenario `name`; its hash.
///
/// # Errors
/// When the command is refused.
pub fn upload(tandem: &Tandem, domain: &str, name: &str, text: &str) -> Result<String> {
    let folder = Folder::new("module")?;
    let bytes = wat::parse_str(text).doing("assembling the module")?;
    let file = folder.write("module.wasm", bytes)?;
    let file = file.to_str().doing("the module's path")?;
    let added = tandem.json(&["scenario", "add", file, "--name", name, "--domain", domain])?;
    added
        .get("hash")
        .and_then(serde_json::Value::as_str)
        .map(str::to_owned)
        .doing("the module's hash")
}

/// As [`offer`], for a guest in Rust, which `make scenarios` has built, and with `settings` as its configuration.
///
/// # Errors
/// When a command is refused.
pub fn offer_built(tandem: &Tandem, domain: &str, guest: &str, entry: &str, settings: &str) -> Result<()> {
    offer_file(tandem, domain, guest, guest, entry, settings)
}

/// As [`offer_built`], for a guest in any language, such as `ts/web`, which `make guests` has built; the scenario is
/// called `name`.
///
/// # Errors
/// When a command is refused.
pub fn offer_file(
    tandem: &Tandem,
    domain: &str,
    guest: &str,
    name: &str,
    entry: &str,
    settings: &str,
) -> Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("guests/dist/{guest}.wasm"));
    let file = file.to_str().doing("the module's path")?;
    run(
        tandem,
        &["scenario", "add", file, "--name", name, "--domain", domain],
    )?;
    let folder = Folder::new("settings")?;
    let settings = folder.write("settings.json", settings)?;
    let settings = settings.to_str().doing("the settings' path")?;
    let number = ["number", "add", entry, "--scenario", name, "--domain", domain];
    run(tandem, &[&number[..], &["--settings", settings]].concat())
}

/// Lets each call of a scenario compute for 300 ms. What is honest beside it keeps its limit: a busy machine may hold
/// it up for longer than that.
///
/// # Errors
/// When the command is refused.
pub fn limit_cpu(tandem: &Tandem, domain: &str, scenario: &str) -> Result<()> {
    let limits = [
        "scenario",
        "limits",
        scenario,
        "--call-cpu",
        "300ms",
        "--domain",
        domain,
    ];
    run(tandem, &limits)
}

fn run(tandem: &Tandem, command: &[&str]) -> Result<()> {
    let output = tandem.cli(command)?;
    match output.code {
        Some(0) => Ok(()),
        _ => Err(Failure::new(format!("tandem {command:?}: {output:?}"))),
    }
}
