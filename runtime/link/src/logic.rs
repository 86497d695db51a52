//! The call logic's end: connects, and again for ever; takes each item once; acknowledges what is committed.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tandem_bus::link::{
    Cursor, Decoder, FromGate, FromLogic, GateHello, Lane, LinkError, Role, Taken, encode,
};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::{ReadHalf, WriteHalf};
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::{debug, info, warn};

use crate::stream::{self, End, FULL_PAUSE, STOP_TIME};

/// Between two tries to connect: at first, and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));
/// Bytes that may wait for a gate that does not read.
const OUTGOING_BYTES_MAX: usize = 16 << 20;
/// A buffer that has grown beyond this is given back.
const OUTGOING_BYTES_KEPT: usize = 256 * 1024;

/// How the call logic's end is set up.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Which gate should be there.
    pub role: Role,
    /// Number of shards; told to the gate.
    pub shards: u16,
}

/// What comes to the call logic.
#[derive(Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "a variant\'s sentence speaks of its fields")]
pub enum Event<U> {
    /// A gate is there. For the lanes in `fresh` it is another than the one that they knew: what they had in that one
    /// is gone, and they should commit [`Cursor`] `{instance, number: 0}`.
    Connected { instance: u64, fresh: Vec<Lane> },
    /// The connection is lost; what was sent last may be too.
    Lost,
    /// An item, once and in its lane's order. `cursor` is to be committed with what follows from it.
    Up { lane: Lane, cursor: Cursor, item: U },
    /// What the gate does not keep.
    Note(U),
}

/// Why something was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No gate is there. It is told what is missing when it has come back.
    #[error("no gate is connected")]
    Lost,
    /// The gate does not read what waits for it already.
    #[error("{bytes} bytes wait for the gate")]
    Full {
        /// So many wait.
        bytes: usize,
    },
    /// It does not fit a frame.
    #[error(transparent)]
    Frame(#[from] LinkError),
}

/// What those who send share with the task.
struct Shared {
    state: Mutex<State>,
    /// There is something to write.
    woken: Notify,
}

struct State {
    taken: Taken,
    connected: bool,
    /// Whole frames.
    outgoing: Vec<u8>,
    /// The last commit of each lane that the gate does not know of.
    commits: BTreeMap<Lane, Cursor>,
}

impl Shared {
    /// The lock is never held over an await or a system call.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that waits goes out in one write. When told to stop, or to finish, until nothing waits.
    async fn write(
        &self,
        stream: &mut WriteHalf<'_>,
        stop: &mut watch::Receiver<bool>,
        finish: &Notify,
    ) -> End {
        let mut buffer = Vec::new();
        let mut stopping = false;
        loop {
            if let Err(error) = self.fill(&mut buffer) {
                return error.into();
            }
            if !buffer.is_empty() {
                if let Err(error) = stream.write_all(&buffer).await {
                    return error.into();
                }
            } else if stopping {
                return End::Stopping;
            } else {
                tokio::select! {
                    () = self.woken.notified() => (),
                    _ = stop.wait_for(|stop| *stop) => stopping = true,
                    () = finish.notified() => stopping = true,
                }
            }
        }
    }

    /// Gives the buffer that was written for the one that has filled up meanwhile.
    fn fill(&self, buffer: &mut Vec<u8>) -> Result<(), LinkError> {
        buffer.clear();
        buffer.shrink_to(OUTGOING_BYTES_KEPT);
        let commits = {
            let mut state = self.state();
            std::mem::swap(&mut state.outgoing, buffer);
            std::mem::take(&mut state.commits)
        };
        for (lane, cursor) in commits {
            encode(&FromLogic::<()>::Acknowledge { lane, cursor }, buffer)?;
        }
        Ok(())
    }
}

/// Ends the task with its last holder.
struct Owner {
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// The call logic's end of the link; what it says is of type `D`. A clone is the same end.
pub struct Client<D> {
    shared: Arc<Shared>,
    owner: Arc<Owner>,
    down: PhantomData<fn(&D)>,
}

impl<D> Clone for Client<D> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            owner: Arc::clone(&self.owner),
            down: PhantomData,
        }
    }
}

impl<D> fmt::Debug for Client<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.state();
        f.debug_struct("Client")
            .field("connected", &state.connected)
            .field("outgoing", &state.outgoing.len())
            .finish_non_exhaustive()
    }
}

impl<D: Serialize> Client<D> {
    /// Connects to the gate at `path`, for as long as any clone lives; the task runs on `handle`. `taken` knows every
    /// lane of this process.
    ///
    /// `deliver` is called from that task and must not wait. What it gives back is given again a little later; until
    /// then nothing more is read, for any lane.
    pub fn start<U: DeserializeOwned + Send + 'static>(
        handle: &Handle,
        path: &Path,
        config: Config,
        taken: Taken,
        deliver: impl Fn(Event<U>) -> Result<(), Event<U>> + Send + Sync + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                taken,
                connected: false,
                outgoing: Vec::new(),
                commits: BTreeMap::new(),
            }),
            woken: Notify::new(),
        });
        let (stop, stopped) = watch::channel(false);
        let driver = Driver {
            shared: Arc::clone(&shared),
            path: path.to_owned(),
            config,
            deliver: Box::new(deliver),
            waiting: None,
        };
        let task = Mutex::new(Some(handle.spawn(driver.run(stopped))));
        Self {
            shared,
            owner: Arc::new(Owner { stop, task }),
            down: PhantomData,
        }
    }

    /// Queues for the gate, without waiting; from any thread. What waits is lost with the connection.
    pub fn send(&self, down: &D) -> Result<(), SendError> {
        let first = {
            let mut state = self.shared.state();
            if !state.connected {
                return Err(SendError::Lost);
            }
            let bytes = state.outgoing.len();
            if bytes >= OUTGOING_BYTES_MAX {
                return Err(SendError::Full { bytes });
            }
            encode(&FromLogic::Down(down), &mut state.outgoing)?;
            bytes == 0
        };
        if first {
            self.shared.woken.notify_one();
        }
        Ok(())
    }

    /// Lets the gate forget what this lane has committed. What another instance counted is ignored.
    pub fn acknowledge(&self, lane: Lane, cursor: Cursor) {
        let first = {
            let mut state = self.shared.state();
            if !state.taken.commit(lane, cursor) {
                return;
            }
            let first = state.commits.is_empty();
            state.commits.insert(lane, cursor);
            first
        };
        if first {
            self.shared.woken.notify_one();
        }
    }

    /// Whether a gate is there.
    pub fn is_connected(&self) -> bool {
        self.shared.state().connected
    }

    /// Sends what is queued and disconnects.
    pub async fn stop(self) {
        self.owner.stop.send_replace(true);
        let task = self
            .owner
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(task) = task {
            drop(task.await); // it ends, or has panicked and ended
        }
    }
}

type Deliver<U> = dyn Fn(Event<U>) -> Result<(), Event<U>> + Send + Sync;

struct Driver<U> {
    shared: Arc<Shared>,
    path: PathBuf,
    config: Config,
    deliver: Box<Deliver<U>>,
    /// Taken from the gate, but it found no room yet. It must outlive the connection: nobody sends it again.
    waiting: Option<Event<U>>,
}

impl<U: DeserializeOwned> Driver<U> {
    async fn run(mut self, stop: watch::Receiver<bool>) {
        let shared = Arc::clone(&self.shared);
        let mut stopping = stop.clone();
        let patience = async {
            // An error: the last holder is gone.
            let _ = stopping.wait_for(|stop| *stop).await;
            if shared.state().connected {
                tokio::time::sleep(STOP_TIME).await;
            }
        };
        tokio::select! {
            () = self.follow_until(stop) => (),
            () = patience => (),
        }
    }

    async fn follow_until(&mut self, mut stop: watch::Receiver<bool>) {
        let mut pause = RETRY.0;
        let mut told = String::new();
        loop {
            match self.connect().await {
                Ok((stream, decoder, hello)) => {
                    pause = RETRY.0;
                    told.clear();
                    match self.follow(stream, decoder, &hello, &mut stop).await {
                        End::Stopping => return,
                        end => warn!(%end, gate = %self.config.role, "the gate is lost"),
                    }
                }
                Err(end) => {
                    // A gate that is away is told once, not 50 times a second.
                    let problem = end.to_string();
                    if problem == told {
                        debug!(%end, gate = %self.config.role, "no gate");
                    } else {
                        warn!(%end, gate = %self.config.role, path = %self.path.display(), "no gate");
                        told = problem;
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 3 / 2).min(RETRY.1);
                }
            }
        }
    }

    async fn connect(&mut self) -> Result<(UnixStream, Decoder, GateHello), End> {
        let mut stream = UnixStream::connect(&self.path).await?;
        let ours = {
            let mut state = self.shared.state();
            state.commits.clear(); // the hello says them
            state.taken.hello(self.config.shards)
        };
        let mut decoder = Decoder::new();
        let hello: GateHello = stream::greet(&mut stream, &mut decoder, &ours).await?;
        if hello.role != self.config.role {
            return Err(LinkError::Role {
                theirs: hello.role,
                expected: self.config.role,
            }
            .into());
        }
        Ok((stream, decoder, hello))
    }

    async fn follow(
        &mut self,
        mut stream: UnixStream,
        mut decoder: Decoder,
        hello: &GateHello,
        stop: &mut watch::Receiver<bool>,
    ) -> End {
        let fresh = {
            let mut state = self.shared.state();
            state.connected = true;
            state.taken.greet(hello)
        };
        info!(gate = %self.config.role, instance = hello.instance, fresh = fresh.len(), "the gate is there");
        self.hand(Event::Connected {
            instance: hello.instance,
            fresh,
        })
        .await;
        let shared = Arc::clone(&self.shared);
        let (mut read, mut write) = stream.split();
        let finish = Notify::new();
        let mut writing = std::pin::pin!(shared.write(&mut write, stop, &finish));
        let end = tokio::select! {
            end = self.read(&mut read, &mut decoder) => end,
            end = &mut writing => end,
        };
        shared.state().connected = false;
        if matches!(end, End::Closed) {
            // A gate that hands over still listens to what was sent before anyone here could know.
            finish.notify_one();
            drop(timeout(STOP_TIME, writing).await);
        }
        shared.state().outgoing.clear();
        self.flush().await;
        self.hand(Event::Lost).await;
        end
    }

    async fn read(&mut self, stream: &mut ReadHalf<'_>, decoder: &mut Decoder) -> End {
        loop {
            match decoder.poll_frame() {
                Ok(Some(FromGate::Item { lane, number, item })) => {
                    let cursor = self.shared.state().taken.take(lane, number);
                    if let Some(cursor) = cursor {
                        self.hand(Event::Up { lane, cursor, item }).await;
                    }
                }
                Ok(Some(FromGate::Note(item))) => self.hand(Event::Note(item)).await,
                Ok(None) => {
                    if let Err(end) = stream::read(stream, decoder).await {
                        return end;
                    }
                }
                Err(error) => return error.into(),
            }
        }
    }

    async fn hand(&mut self, event: Event<U>) {
        self.waiting = Some(event);
        self.flush().await;
    }

    /// May be dropped and called again.
    async fn flush(&mut self) {
        while let Some(event) = self.waiting.take() {
            if let Err(back) = (self.deliver)(event) {
                self.waiting = Some(back);
                tokio::time::sleep(FULL_PAUSE).await;
            }
        }
    }
}
