//! `tandem scenario keygen` and `sign`: what makes signatures. Neither needs a server.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;
use tandem_store::{Signature, SigningKey};

use super::{Context, Failure, component};
use crate::output;

/// Longest file of a key or a signature.
const TEXT_BYTES_MAX: u64 = 1_024;

/// Makes a key's file, mode 0600.
pub fn keygen(context: &Context, file: &Path) -> Result<(), Failure> {
    let key = SigningKey::new(StdRng::from_os_rng().random())?;
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut open| {
            open.write_all(format!("{}\n", key.to_text()).as_bytes())?;
            open.sync_all()
        });
    written.map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?;
    let public = key.public().to_string();
    Ok(output::say(
        context.json,
        &json!({ "public_key": public }),
        &public,
    )?)
}

/// Writes the signature of `file` beside it.
pub fn sign(context: &Context, file: &Path, key: &Path) -> Result<(), Failure> {
    let unreadable = |error: std::io::Error| Failure::Usage(format!("{}: {error}", key.display()));
    let mode = fs::metadata(key).map_err(unreadable)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        let why = format!("others may read it (mode {mode:o}); it must have mode 600");
        return Err(Failure::Usage(format!("{}: {why}", key.display())));
    }
    let key: SigningKey = read(key)?.parse()?;
    let signature = key.sign(&component::read(file)?);
    let mut beside = file.as_os_str().to_owned();
    beside.push(".sig");
    let beside = PathBuf::from(beside);
    fs::write(&beside, format!("{signature}\n"))
        .map_err(|error| Failure::Usage(format!("{}: {error}", beside.display())))?;
    let shown = json!({ "signature": signature.to_string(), "file": beside });
    Ok(output::say(
        context.json,
        &shown,
        &format!("signed: {}", beside.display()),
    )?)
}

/// What [`sign`] wrote.
pub fn read_signature(file: &Path) -> Result<Signature, Failure> {
    Ok(read(file)?.parse()?)
}

fn read(file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    File::open(file)
        .and_then(|open| open.take(TEXT_BYTES_MAX).read_to_string(&mut text))
        .map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?;
    Ok(text)
}
