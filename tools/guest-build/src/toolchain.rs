//! The compiler for guests.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;

/// `TANDEM_GUEST_RUSTC` where it is set; else what `scripts/guest-toolchain.sh` finds or makes, which can take minutes
/// the first time and says so itself.
pub fn rustc(root: &Path) -> Result<PathBuf, Error> {
    if let Some(named) = std::env::var_os("TANDEM_GUEST_RUSTC").filter(|value| !value.is_empty()) {
        return Ok(named.into());
    }
    let script = root.join("scripts/guest-toolchain.sh");
    let output = Command::new("bash")
        .arg(&script)
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(Error::io(script.display().to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .rev()
        .find_map(|line| line.strip_prefix("RUSTC="))
        .filter(|_| output.status.success())
        .map(PathBuf::from)
        .ok_or_else(|| Error::Toolchain(format!("{} ended with {}", script.display(), output.status)))
}
