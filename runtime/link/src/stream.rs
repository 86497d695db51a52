//! What both ends do with a connection.

use std::io;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tandem_bus::link::frame::encode_hello;
use tandem_bus::link::{Decoder, LinkError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// A hello that has not come by then does not come.
const HELLO_TIME: Duration = Duration::from_secs(5);
/// Between two tries to hand something on that found no room.
pub(crate) const FULL_PAUSE: Duration = Duration::from_millis(5);
/// How long the last words may take when a side ends.
pub(crate) const STOP_TIME: Duration = Duration::from_secs(3);
/// Read at once.
const READ_BYTES: usize = 64 * 1024;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum End {
    #[error("closed by the other side")]
    Closed,
    #[error("the other side said no hello within {HELLO_TIME:?}")]
    Silent,
    #[error("a newer connection has taken its place")]
    Replaced,
    #[error("we are stopping")]
    Stopping,
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    System(#[from] io::Error),
}

/// Says ours and hears theirs.
pub(crate) async fn greet<Ours: Serialize, Theirs: DeserializeOwned>(
    stream: &mut UnixStream,
    decoder: &mut Decoder,
    ours: &Ours,
) -> Result<Theirs, End> {
    let both = async {
        let mut hello = Vec::new();
        encode_hello(ours, &mut hello)?;
        stream.write_all(&hello).await?;
        loop {
            if let Some(theirs) = decoder.poll_hello()? {
                return Ok(theirs);
            }
            read(stream, decoder).await?;
        }
    };
    timeout(HELLO_TIME, both).await.unwrap_or(Err(End::Silent))
}

/// Reads what is there.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin), decoder: &mut Decoder) -> Result<(), End> {
    let buffer = decoder.buffer();
    buffer.reserve(READ_BYTES);
    match stream.read_buf(buffer).await? {
        0 => Err(End::Closed),
        _ => Ok(()),
    }
}
