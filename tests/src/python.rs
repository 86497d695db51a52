//! The Python that has the tests' peers: `requirements.txt`.

use std::path::{Path, PathBuf};
use std::process::Command;

use tandem_kit::failure::Doing as _;
use tandem_kit::{Failure, Result};

/// A program of its, such as `python`; they are installed if need be.
///
/// # Errors
/// When they cannot be installed.
pub fn program(name: &str) -> Result<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/test-python.sh");
    let output = Command::new(script).output().doing("running test-python.sh")?;
    if !output.status.success() {
        return Err(Failure::new(format!("test-python.sh: {output:?}")));
    }
    let place = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(Path::new(place.trim()).join("bin").join(name))
}
