//! The compiler for guests.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::Error;

/// In the program, so that scenarios can be built where there is no checkout.
const SCRIPT: &str = include_str!("../../../scripts/guest-toolchain.sh");

/// `TANDEM_GUEST_RUSTC` where it is set; else what `scripts/guest-toolchain.sh` finds or makes, which can take minutes
/// the first time and says so itself.
pub fn rustc() -> Result<PathBuf, Error> {
    if let Some(named) = std::env::var_os("TANDEM_GUEST_RUSTC").filter(|value| !value.is_empty()) {
        return Ok(named.into());
    }
    let output = Command::new("bash")
        .args(["-c", SCRIPT, "guest-toolchain.sh"])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::Missing {
                program: "bash",
                advice: "install it by the means of your system, or name a compiler in TANDEM_GUEST_RUSTC",
            },
            _ => Error::io("bash")(error),
        })?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .rev()
        .find_map(|line| line.strip_prefix("RUSTC="))
        .filter(|_| output.status.success())
        .map(PathBuf::from)
        .ok_or_else(|| {
            Error::Toolchain(format!(
                "what was tried is above ({}); `rustup target add wasm32-unknown-unknown` is the usual way",
                output.status
            ))
        })
}
