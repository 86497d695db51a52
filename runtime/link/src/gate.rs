//! A gate's end: listens, keeps what is not acknowledged, serves one call logic at a time.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tandem_bus::link::held::Encoded;
use tandem_bus::link::{
    Bounds, Decoder, Expired, FromGate, FromLogic, Held, Lane, LogicHello, Refused, Role, encode,
};
use tandem_sip::Moment;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::{ReadHalf, WriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tracing::{info, warn};

use crate::socket::{self, SocketFile};
use crate::stream::{self, End, FULL_PAUSE, STOP_TIME};

/// Connections that have not said their hello, at once.
const GREETINGS_MAX: usize = 4;
/// Written at once, in bytes.
const WRITE_BYTES: usize = 256 * 1024;
/// How often it is looked for what has waited too long.
const EXPIRY_TICK: Duration = Duration::from_millis(50);
const NO_SHARDS: u32 = u32::MAX;

/// How a gate's end is set up.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// What the gate is; call logic that looks for another goes away.
    pub role: Role,
    /// The process's clock.
    pub clock: fn() -> Moment,
}

/// What comes to a gate.
#[derive(Debug)]
#[expect(missing_docs, reason = "a variant\'s sentence speaks of its fields")]
pub enum Event<D, U> {
    /// Call logic with so many shards is there; what it has not taken yet is on its way to it.
    Connected { shards: u16 },
    /// It said this.
    Down(D),
    /// It is gone.
    Lost,
    /// An item found no call logic for too long.
    Expired(Expired<U>),
}

type Deliver<D, U> = dyn Fn(Event<D, U>) -> Result<(), Event<D, U>> + Send + Sync;

/// What those who push share with the task.
struct Shared<U> {
    held: Mutex<Held<U>>,
    /// There is something to send.
    woken: Notify,
    shards: AtomicU32,
    clock: fn() -> Moment,
}

impl<U> Shared<U> {
    /// The lock is held for as long as it takes to move pointers, never over an await or a system call.
    fn held(&self) -> MutexGuard<'_, Held<U>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the writer when the first thing to send has come.
    fn change<T>(&self, change: impl FnOnce(&mut Held<U>) -> T) -> T {
        let (result, first) = {
            let mut held = self.held();
            let had = held.has_to_send();
            (change(&mut held), !had && held.has_to_send())
        };
        if first {
            self.woken.notify_one();
        }
        result
    }
}

/// A gate's end of the link. Items of type `U` go up, `D` come down. Dropping it closes the socket.
pub struct Server<U, D> {
    shared: Arc<Shared<U>>,
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
    down: std::marker::PhantomData<fn() -> D>,
}

impl<U, D> fmt::Debug for Server<U, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.shared.held();
        f.debug_struct("Server")
            .field("instance", &held.instance())
            .field("held", &held.len())
            .finish_non_exhaustive()
    }
}

impl<U, D> Server<U, D>
where
    U: Serialize + DeserializeOwned + Send + 'static,
    D: DeserializeOwned + Send + 'static,
{
    /// Listens on `path`, a file for its owner only, in place of a stale one; tasks run on `handle`.
    ///
    /// `deliver` is called from there and must not wait. What it gives back is given again a little later; until then
    /// nothing more is read, so that the call logic's queue fills up in its turn.
    pub fn start(
        handle: &Handle,
        path: &Path,
        config: Config,
        held: Held<U>,
        deliver: impl Fn(Event<D, U>) -> Result<(), Event<D, U>> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let _inside = handle.enter();
        let (listener, file) = socket::listen(path)?;
        let shared = Arc::new(Shared {
            held: Mutex::new(held),
            woken: Notify::new(),
            shards: AtomicU32::new(NO_SHARDS),
            clock: config.clock,
        });
        // Whoever handed over has stopped just now: what it held gets its full time.
        shared.held().disconnected((config.clock)());
        let (stop, stopped) = watch::channel(false);
        let driver = Driver {
            shared: Arc::clone(&shared),
            deliver: Box::new(deliver),
            stop: stopped,
        };
        let newcomers = Newcomers {
            listener,
            greetings: JoinSet::new(),
            role: config.role,
            _file: file,
        };
        let task = Mutex::new(Some(handle.spawn(driver.serve(newcomers))));
        Ok(Self {
            shared,
            stop,
            task,
            down: std::marker::PhantomData,
        })
    }

    /// Takes an item for the call logic and gives its number; from any thread, without waiting. `begins`: it begins
    /// something new, which is not worth keeping for long.
    pub fn push(&self, lane: Lane, item: &U, begins: bool) -> Result<u64, Refused> {
        let item = Encoded::new(item)?;
        let now = (self.shared.clock)();
        self.shared.change(|held| held.push(lane, item, begins, now))
    }

    /// Sends what nobody keeps; false: no call logic is there, or it is behind.
    pub fn note(&self, item: &U) -> bool {
        let mut frame = Vec::new();
        if let Err(error) = encode(&FromGate::Note(item), &mut frame) {
            warn!(%error, "a note is not sent");
            return false;
        }
        self.shared.change(|held| held.note(Bytes::from(frame)))
    }

    /// Shards of the call logic that is there, or was last; none: there was none yet.
    pub fn shards(&self) -> Option<u16> {
        u16::try_from(self.shared.shards.load(Ordering::Relaxed)).ok()
    }

    /// Items that are not acknowledged.
    pub fn held(&self) -> usize {
        self.shared.held().len()
    }

    /// Takes what the call logic has said, and closes the socket. What is pushed from here on is held.
    pub async fn disconnect(&self) {
        self.stop.send_replace(true);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            drop(task.await); // it ends, or has panicked and ended
        }
    }

    /// Disconnects and gives what is held, for a successor of the same instance. What is pushed afterwards is lost.
    pub async fn stop(&self) -> Held<U> {
        self.disconnect().await;
        let mut held = self.shared.held();
        let instance = held.instance();
        std::mem::replace(&mut *held, Held::new(instance, Bounds::default()))
    }
}

/// A connection that has said its hello.
struct Greeted {
    stream: UnixStream,
    decoder: Decoder,
    hello: LogicHello,
}

/// The listener, and connections that have not said their hello.
struct Newcomers {
    listener: UnixListener,
    greetings: JoinSet<Result<Greeted, End>>,
    role: Role,
    _file: SocketFile,
}

impl Newcomers {
    /// The next call logic that speaks our protocol. May be dropped and called again.
    async fn next<U>(&mut self, shared: &Shared<U>) -> Greeted {
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if self.greetings.len() < GREETINGS_MAX => match accepted {
                    Ok((stream, _)) => {
                        let hello = shared.held().hello(self.role);
                        self.greetings.spawn(greet(stream, hello));
                    }
                    Err(error) => {
                        // Out of file descriptors, mostly: accepting again at once would only spin.
                        warn!(%error, "cannot accept the call logic");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
                Some(done) = self.greetings.join_next() => match done {
                    Ok(Ok(greeted)) => return greeted,
                    Ok(Err(end)) => warn!(%end, "a connection is refused"),
                    Err(error) => warn!(%error, "a connection is lost"),
                },
            }
        }
    }
}

async fn greet(mut stream: UnixStream, ours: tandem_bus::link::GateHello) -> Result<Greeted, End> {
    let mut decoder = Decoder::new();
    let hello = stream::greet(&mut stream, &mut decoder, &ours).await?;
    Ok(Greeted {
        stream,
        decoder,
        hello,
    })
}

struct Driver<U, D> {
    shared: Arc<Shared<U>>,
    deliver: Box<Deliver<D, U>>,
    stop: watch::Receiver<bool>,
}

impl<U: DeserializeOwned, D: DeserializeOwned> Driver<U, D> {
    async fn serve(self, mut newcomers: Newcomers) {
        let mut current = None;
        loop {
            let Some(greeted) = current.take() else {
                current = Some(tokio::select! {
                    greeted = newcomers.next(&self.shared) => greeted,
                    never = self.wait_alone() => match never {},
                    () = self.told_to_stop() => return,
                });
                continue;
            };
            let end;
            (end, current) = self.follow(greeted, &mut newcomers).await;
            info!(%end, "the call logic is gone");
            self.shared.held().disconnected((self.shared.clock)());
            tokio::select! {
                () = self.hand(Event::Lost) => (),
                () = self.told_to_stop() => return,
            }
        }
    }

    async fn told_to_stop(&self) {
        // An error: the server is dropped.
        let _ = self.stop.clone().wait_for(|stop| *stop).await;
    }

    /// Drops what waits too long.
    async fn wait_alone(&self) -> Infallible {
        loop {
            tokio::time::sleep(EXPIRY_TICK).await;
            let expired = self.shared.held().expire((self.shared.clock)());
            for item in expired {
                self.hand(Event::Expired(item)).await;
            }
        }
    }

    /// One connection, to its end or to the next that takes its place.
    async fn follow(&self, mut greeted: Greeted, newcomers: &mut Newcomers) -> (End, Option<Greeted>) {
        let LogicHello { shards, cursors } = &greeted.hello;
        self.shared.shards.store(u32::from(*shards), Ordering::Relaxed);
        info!(shards, "the call logic is there");
        tokio::select! {
            () = self.hand(Event::Connected { shards: *shards }) => (),
            () = self.told_to_stop() => return (End::Stopping, None),
        }
        self.shared.held().connected(cursors);
        let (mut read, mut write) = greeted.stream.split();
        let mut reading = std::pin::pin!(self.read(&mut read, &mut greeted.decoder));
        tokio::select! {
            end = &mut reading => return (end, None),
            end = self.write(&mut write) => return (end, None),
            next = newcomers.next(&self.shared) => return (End::Replaced, Some(next)),
            () = self.told_to_stop() => (),
        }
        // The call logic hears that nothing more comes, sends what it has queued, and closes. Nobody repeats that.
        let last_words = async {
            // An error: it is gone already.
            let _ = write.shutdown().await;
            reading.await
        };
        let end = timeout(STOP_TIME, last_words).await;
        (end.unwrap_or(End::Stopping), None)
    }

    async fn read(&self, stream: &mut ReadHalf<'_>, decoder: &mut Decoder) -> End {
        loop {
            match decoder.poll_frame() {
                Ok(Some(FromLogic::Acknowledge { lane, cursor })) => {
                    self.shared.held().acknowledge(lane, cursor);
                }
                Ok(Some(FromLogic::Down(down))) => self.hand(Event::Down(down)).await,
                Ok(None) => {
                    if let Err(end) = stream::read(stream, decoder).await {
                        return end;
                    }
                }
                Err(error) => return error.into(),
            }
        }
    }

    /// Everything that waits goes out in one write.
    async fn write(&self, stream: &mut WriteHalf<'_>) -> End {
        let mut buffer = Vec::new();
        loop {
            let mut frames = self.shared.held().to_send();
            if frames.is_empty() {
                self.shared.woken.notified().await;
                continue;
            }
            while !frames.is_empty() {
                fill(&mut buffer, &mut frames);
                if let Err(error) = stream.write_all(&buffer).await {
                    return error.into();
                }
            }
            buffer.shrink_to(WRITE_BYTES);
        }
    }

    async fn hand(&self, mut event: Event<D, U>) {
        while let Err(back) = (self.deliver)(event) {
            event = back;
            tokio::time::sleep(FULL_PAUSE).await;
        }
    }
}

/// The next frames, one at least.
fn fill(buffer: &mut Vec<u8>, frames: &mut VecDeque<Bytes>) {
    buffer.clear();
    while let Some(frame) = frames.front() {
        if !buffer.is_empty() && buffer.len() + frame.len() > WRITE_BYTES {
            break;
        }
        buffer.extend_from_slice(frame);
        frames.pop_front();
    }
}
