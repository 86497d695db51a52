//! Makes components out of core modules and keeps `dist/`.

use std::path::Path;

use wit_component::ComponentEncoder;

use crate::metadata::{Guest, Kind};
use crate::{Built, Error};

/// Writes `dist/NAME.wasm`. A component that imports what its world does not have is refused here, by name.
pub fn pack(guest: &Guest, module: &Path, dist: &Path) -> Result<(), Error> {
    let bytes = std::fs::read(module).map_err(Error::io(module.display().to_string()))?;
    let packed = match guest.kind {
        Kind::Module => bytes,
        Kind::Component => component(&bytes).map_err(|why| Error::Component {
            guest: guest.name.clone(),
            why,
        })?,
    };
    replace(&dist.join(format!("{}.wasm", guest.name)), &packed)
}

/// Writes a component aside and renames it: who reads meanwhile sees the old one or the new one.
/// Errors: [`Error::Io`].
pub fn replace(file: &Path, component: &[u8]) -> Result<(), Error> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let aside = file.with_file_name(format!(".{name}.{}.new", std::process::id()));
    std::fs::write(&aside, component).map_err(Error::io(aside.display().to_string()))?;
    std::fs::rename(&aside, file).map_err(Error::io(file.display().to_string()))
}

fn component(module: &[u8]) -> Result<Vec<u8>, String> {
    let encoder = ComponentEncoder::default();
    let encoded = encoder
        .validate(true)
        .module(module)
        .and_then(|mut encoder| encoder.encode());
    encoded.map_err(|error| format!("{error:#}"))
}

/// What is known of a guest in `dist/`.
pub fn built(dist: &Path, name: &str, up_to_date: bool) -> Result<Built, Error> {
    let file = dist.join(format!("{name}.wasm"));
    let bytes = std::fs::read(&file).map_err(Error::io(file.display().to_string()))?;
    Ok(Built {
        name: name.to_owned(),
        bytes: bytes.len(),
        hash: blake3::hash(&bytes).to_string(),
        file,
        up_to_date,
    })
}

/// Removes components of guests that are no more.
pub fn remove_others(dist: &Path, guests: &[Guest]) -> Result<(), Error> {
    for entry in std::fs::read_dir(dist)
        .map_err(Error::io(dist.display().to_string()))?
        .flatten()
    {
        let path = entry.path();
        let stem = path.file_stem().unwrap_or_default();
        if path.extension().is_some_and(|kind| kind == "wasm")
            && !guests.iter().any(|guest| *guest.name == *stem)
        {
            std::fs::remove_file(&path).map_err(Error::io(path.display().to_string()))?;
        }
    }
    Ok(())
}
