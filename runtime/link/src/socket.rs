//! The socket's file.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// The file of a listener; removed when dropped, unless a successor has put its own in its place.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    inode: u64,
}

/// Listens on `path`, in place of whatever lies there. Call inside a tokio runtime.
///
/// The file appears under its name only when it is ready, for its owner alone: nobody ever meets a socket that is
/// open to others, or none at all while one takes over from another.
pub(crate) fn listen(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => (),
    }
    let listener = StdListener::bind(&new)?;
    listener.set_nonblocking(true)?;
    fs::set_permissions(&new, Permissions::from_mode(0o600))?;
    let inode = fs::symlink_metadata(&new)?.ino();
    fs::rename(&new, path)?;
    let file = SocketFile {
        path: path.to_owned(),
        inode,
    };
    Ok((UnixListener::from_std(listener)?, file))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|now| now.ino() == self.inode) {
            // One that stays behind is replaced by the next listener.
            let _ = fs::remove_file(&self.path);
        }
    }
}
