//! One TCP connection: frames in, messages out.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tandem_sip::{Flow, Frame, FramingError, Message, StreamFramer};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout, timeout_at};

use crate::counters::add;
use crate::intake::{Intake, Shared};
use crate::{Limits, SendError};

/// Read at once; a connection that is idle holds no buffer of this size.
const READ_BYTES: usize = 16 * 1024;
/// Between two tries to hand on a message while the call logic is full.
pub(crate) const FULL_PAUSE: Duration = Duration::from_millis(10);

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum End {
    #[error("closed by the peer")]
    Closed,
    #[error("nothing came for {0:?}")]
    Idle(Duration),
    #[error("a message was not complete within {0:?}")]
    Slow(Duration),
    #[error("the peer took no byte for {0:?}")]
    Stuck(Duration),
    #[error("a message was longer than {0} bytes")]
    TooLong(usize),
    #[error(transparent)]
    Framing(#[from] FramingError),
    #[error(transparent)]
    System(#[from] io::Error),
    #[error("we are stopping")]
    Stopping,
}

impl End {
    /// Whether we ended it because of what the peer did or failed to do.
    pub fn is_cut(&self) -> bool {
        matches!(
            self,
            Self::Idle(_) | Self::Slow(_) | Self::Stuck(_) | Self::TooLong(_) | Self::Framing(_)
        )
    }
}

/// The sending end that others hold.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    queue: mpsc::Sender<Bytes>,
    bytes: Arc<AtomicUsize>,
    bytes_max: usize,
}

impl Outbox {
    pub fn new(limits: &Limits) -> (Self, mpsc::Receiver<Bytes>) {
        let (queue, receiver) = mpsc::channel(limits.send_queue_max.max(1));
        (
            Self {
                queue,
                bytes: Arc::default(),
                bytes_max: limits.send_queue_bytes_max,
            },
            receiver,
        )
    }

    /// Queues without waiting.
    pub fn send(&self, message: Bytes) -> Result<(), SendError> {
        let length = message.len();
        if self.bytes.fetch_add(length, Ordering::Relaxed) + length > self.bytes_max {
            self.bytes.fetch_sub(length, Ordering::Relaxed);
            return Err(SendError::Full);
        }
        self.queue.try_send(message).map_err(|error| {
            self.bytes.fetch_sub(length, Ordering::Relaxed);
            match error {
                mpsc::error::TrySendError::Full(_) => SendError::Full,
                mpsc::error::TrySendError::Closed(_) => SendError::Gone,
            }
        })
    }
}

/// Runs a connection to its end; `stop` turning true lets it send what is queued, then closes it.
pub(crate) async fn drive(
    stream: TcpStream,
    flow: Flow,
    limits: &Limits,
    shared: &Shared,
    (outbox, queue): (Outbox, mpsc::Receiver<Bytes>),
    mut stop: watch::Receiver<bool>,
) -> End {
    // Small messages that wait for nobody: a 180 must not linger for the 200.
    if let Err(error) = stream.set_nodelay(true) {
        return error.into();
    }
    let (read, write) = stream.into_split();
    let writer = Writer {
        write,
        queue,
        outbox: &outbox,
        send_time: limits.send_time,
        shared,
    };
    let mut reader = Reader {
        read,
        framer: StreamFramer::new(),
        intake: Intake::new(shared.clone(), 1),
        outbox: &outbox,
        limits,
        shared,
        flow,
        heard: false,
        due: Instant::now() + limits.message_time,
    };
    tokio::select! {
        end = reader.run() => end,
        end = writer.run(async { let _ = stop.wait_for(|stop| *stop).await; }) => end,
    }
}

struct Writer<'a> {
    write: OwnedWriteHalf,
    queue: mpsc::Receiver<Bytes>,
    outbox: &'a Outbox,
    send_time: Duration,
    shared: &'a Shared,
}

impl Writer<'_> {
    async fn run(mut self, stop: impl Future<Output = ()>) -> End {
        tokio::pin!(stop);
        loop {
            let message = tokio::select! {
                biased;
                message = self.queue.recv() => message,
                () = &mut stop => {
                    // Nothing more is taken; what is queued still goes out.
                    self.queue.close();
                    None
                }
            };
            let message = match message {
                Some(message) => message,
                None => match self.queue.try_recv() {
                    Ok(message) => message,
                    Err(_) => break,
                },
            };
            if let Err(end) = self.write(&message).await {
                return end;
            }
        }
        match timeout(self.send_time, self.write.shutdown()).await {
            Ok(_) | Err(_) => End::Stopping,
        }
    }

    /// Writes one message; the time starts anew with each piece that the peer takes.
    async fn write(&mut self, message: &Bytes) -> Result<(), End> {
        let mut left: &[u8] = message;
        while !left.is_empty() {
            let written = timeout(self.send_time, self.write.write(left))
                .await
                .map_err(|_| End::Stuck(self.send_time))??;
            if written == 0 {
                return Err(End::Closed);
            }
            left = left.get(written..).unwrap_or_default();
        }
        self.outbox.bytes.fetch_sub(message.len(), Ordering::Relaxed);
        if message.as_ref() != b"\r\n" {
            add(&self.shared.counters.tcp_sent);
            self.shared.counters.outbound.count(message);
        }
        Ok(())
    }
}

struct Reader<'a> {
    read: OwnedReadHalf,
    framer: StreamFramer,
    intake: Intake,
    outbox: &'a Outbox,
    limits: &'a Limits,
    shared: &'a Shared,
    flow: Flow,
    /// A whole message or keep-alive has come.
    heard: bool,
    /// When the peer is cut off: a message is not whole, or nothing came.
    due: Instant,
}

impl Reader<'_> {
    async fn run(&mut self) -> End {
        loop {
            if let Err(end) = self.step().await {
                return end;
            }
        }
    }

    async fn step(&mut self) -> Result<(), End> {
        if timeout_at(self.due, self.read.readable())
            .await
            .map_err(|_| self.overdue())?
            .is_err()
        {
            return Err(End::Closed);
        }
        let was_pending = self.framer.pending() > 0;
        let mut took = false;
        match self.read_some() {
            Ok(0) => return Err(End::Closed),
            Ok(_) => (),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        loop {
            match self.framer.next() {
                Ok(Some(Frame::Message(message))) => self.take(message).await?,
                Ok(Some(Frame::Ping)) => {
                    add(&self.shared.counters.keep_alives);
                    // A peer that reads nothing gets no pong either.
                    let _ = self.outbox.send(Bytes::from_static(b"\r\n"));
                }
                Ok(None) => break,
                // The framer gives a fatal error for ever.
                Err(error) if error.is_fatal() => {
                    add(&self.shared.counters.malformed);
                    return Err(error.into());
                }
                Err(error) => self.intake.take_malformed(self.flow, &error),
            }
            took = true;
        }
        if self.framer.pending() > self.limits.message_bytes_max {
            return Err(End::TooLong(self.limits.message_bytes_max));
        }
        self.heard |= took;
        let now = Instant::now();
        if self.framer.pending() == 0 {
            // Single line ends, pongs of the peer, come here too.
            self.due = now
                + if self.heard {
                    self.limits.connection_idle
                } else {
                    self.limits.message_time
                };
        } else if took || !was_pending {
            // The time of a message runs from its first byte; further bytes of it give no more.
            self.due = now + self.limits.message_time;
        }
        Ok(())
    }

    /// Reads what is there. The buffer is on the stack for this call only, so that a connection at rest holds none.
    fn read_some(&mut self) -> io::Result<usize> {
        let mut buffer = [0; READ_BYTES];
        let length = self.read.try_read(&mut buffer)?;
        self.framer.push(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }

    async fn take(&mut self, message: Message) -> Result<(), End> {
        add(&self.shared.counters.tcp_received);
        if message.as_bytes().len() > self.limits.message_bytes_max {
            return Err(End::TooLong(self.limits.message_bytes_max));
        }
        let outbox = self.outbox;
        let mut back = self.intake.take_message(self.flow, message, |reply| {
            // A peer that does not read its answers has its queue full, and is cut off by the writer.
            let _ = outbox.send(reply);
        });
        // Not reading on is how a stream's sender learns to be slower.
        while let Some(message) = back {
            tokio::time::sleep(FULL_PAUSE).await;
            back = self.intake.take_again(self.flow, message);
        }
        Ok(())
    }

    fn overdue(&self) -> End {
        if self.heard && self.framer.pending() == 0 {
            End::Idle(self.limits.connection_idle)
        } else {
            End::Slow(self.limits.message_time)
        }
    }
}
