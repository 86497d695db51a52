//! One TCP connection: frames in, messages out.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use tandem_sip::{Flow, Frame, FramingError, Message, StreamFramer};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use crate::connection::{Phase, Tcp};
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

/// Where a connection stands between two reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// What came and was not handed on: no whole message, or no room for it.
    pub unread: Bytes,
    /// What was taken for sending; the first may be the rest of a message.
    pub unsent: VecDeque<Bytes>,
    /// A whole message or keep-alive has come.
    pub heard: bool,
    /// Time left until the peer is cut off.
    pub due_in: Duration,
}

impl Standing {
    /// A peer has connected to us: it has something to say.
    pub fn accepted(limits: &Limits) -> Self {
        Self {
            unread: Bytes::new(),
            unsent: VecDeque::new(),
            heard: false,
            due_in: limits.message_time,
        }
    }

    /// We have connected to a peer: it may answer when it likes.
    pub fn made(limits: &Limits, unsent: Vec<Bytes>) -> Self {
        Self {
            unread: Bytes::new(),
            unsent: unsent.into(),
            heard: true,
            due_in: limits.connection_idle,
        }
    }
}

/// What became of a connection.
pub(crate) enum Outcome {
    Ended(End),
    HandedOver { stream: TcpStream, standing: Standing },
}

/// Runs a connection to its end. Told to close, it sends what is queued before; told to hand over, it stops where it
/// is.
pub(crate) async fn drive(
    mut stream: TcpStream,
    flow: Flow,
    tcp: &Tcp,
    (outbox, queue): (Outbox, mpsc::Receiver<Bytes>),
    standing: Standing,
) -> Outcome {
    // Small messages that wait for nobody: a 180 must not linger for the 200.
    if let Err(error) = stream.set_nodelay(true) {
        return Outcome::Ended(error.into());
    }
    let (read, write) = stream.split();
    let mut writer = Writer {
        write,
        current: Bytes::new(),
        unsent: standing.unsent,
        queue,
        outbox: &outbox,
        send_time: tcp.limits.send_time,
        shared: &tcp.shared,
    };
    let mut framer = StreamFramer::new();
    framer.push(&standing.unread);
    let mut reader = Reader {
        read,
        framer,
        refused: None,
        intake: Intake::new(tcp.shared.clone(), 1),
        outbox: &outbox,
        limits: &tcp.limits,
        shared: &tcp.shared,
        flow,
        heard: standing.heard,
        due: Instant::now() + standing.due_in,
    };
    let phase = async |wanted| {
        let mut phase = tcp.phase.clone();
        // An error: the transport is dropped, which ends this task too.
        let _ = phase.wait_for(|phase| *phase == wanted).await;
    };
    let end = tokio::select! {
        end = reader.run() => end,
        end = writer.run(phase(Phase::Closing)) => end,
        () = phase(Phase::HandingOver) => {
            let standing = stand(reader, writer).await;
            return Outcome::HandedOver { stream, standing };
        }
    };
    // Whoever still queues is told from now on; the socket's end goes out with the stream.
    writer.queue.close();
    Outcome::Ended(end)
}

/// Both halves were stopped where they waited: nothing is lost between them and the socket.
async fn stand(reader: Reader<'_>, mut writer: Writer<'_>) -> Standing {
    let mut unread = BytesMut::new();
    if let Some(message) = reader.refused {
        unread.extend_from_slice(&message);
    }
    unread.extend_from_slice(&reader.framer.into_pending());
    let mut unsent = writer.unsent;
    if !writer.current.is_empty() {
        unsent.push_front(writer.current);
    }
    unsent.extend(drain(&mut writer.queue).await);
    Standing {
        unread: unread.freeze(),
        unsent,
        heard: reader.heard,
        due_in: reader.due.saturating_duration_since(Instant::now()),
    }
}

/// Closes a queue and takes everything out of it.
pub(crate) async fn drain(queue: &mut mpsc::Receiver<Bytes>) -> Vec<Bytes> {
    queue.close();
    let mut rest = Vec::new();
    while let Some(message) = queue.recv().await {
        rest.push(message);
    }
    rest
}

struct Writer<'a> {
    write: WriteHalf<'a>,
    /// The rest of the message that is being written.
    current: Bytes,
    /// From a predecessor, or queued while the connection was being made: before the queue.
    unsent: VecDeque<Bytes>,
    queue: mpsc::Receiver<Bytes>,
    outbox: &'a Outbox,
    send_time: Duration,
    shared: &'a Shared,
}

impl Writer<'_> {
    /// May be dropped wherever it waits: what is not written is in its fields.
    async fn run(&mut self, closing: impl Future<Output = ()>) -> End {
        tokio::pin!(closing);
        while let Some(message) = self.unsent.pop_front() {
            if let Err(end) = self.write(message).await {
                return end;
            }
        }
        loop {
            let message = tokio::select! {
                biased;
                message = self.queue.recv() => message,
                () = &mut closing => {
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
            let length = message.len();
            if let Err(end) = self.write(message).await {
                return end;
            }
            self.outbox.bytes.fetch_sub(length, Ordering::Relaxed);
        }
        match timeout(self.send_time, self.write.shutdown()).await {
            Ok(_) | Err(_) => End::Stopping,
        }
    }

    /// Writes one message; the time starts anew with each piece that the peer takes.
    async fn write(&mut self, message: Bytes) -> Result<(), End> {
        self.current = message.clone();
        while !self.current.is_empty() {
            let written = timeout(self.send_time, self.write.write(&self.current))
                .await
                .map_err(|_| End::Stuck(self.send_time))??;
            if written == 0 {
                return Err(End::Closed);
            }
            self.current.advance(written);
        }
        if message.as_ref() != b"\r\n" {
            add(&self.shared.counters.tcp_sent);
            self.shared.counters.outbound.count(&message);
        }
        Ok(())
    }
}

struct Reader<'a> {
    read: ReadHalf<'a>,
    framer: StreamFramer,
    /// A whole message that finds no room, as it came.
    refused: Option<Bytes>,
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
    /// May be dropped wherever it waits: what was read is in its fields.
    async fn run(&mut self) -> End {
        // A predecessor's bytes come first; it may have found no room for whole messages.
        if self.framer.pending() > 0
            && let Err(end) = self.take_frames(true).await
        {
            return end;
        }
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
        match self.read_some() {
            Ok(0) => Err(End::Closed),
            Ok(_) => self.take_frames(was_pending).await,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes every whole message out of the framer. `was_pending`: the time of the first one runs already.
    async fn take_frames(&mut self, was_pending: bool) -> Result<(), End> {
        let mut took = false;
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
            self.heard = true;
        }
        if self.framer.pending() > self.limits.message_bytes_max {
            return Err(End::TooLong(self.limits.message_bytes_max));
        }
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
        let bytes = message.as_bytes().clone();
        let mut back = self.intake.take_message(self.flow, message, |reply| {
            // A peer that does not read its answers has its queue full, and is cut off by the writer.
            let _ = outbox.send(reply);
        });
        // Not reading on is how a stream's sender learns to be slower.
        while let Some(message) = back {
            self.refused = Some(bytes.clone());
            tokio::time::sleep(FULL_PAUSE).await;
            back = self.intake.take_again(self.flow, message);
        }
        self.refused = None;
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
