//! A gate's process: sockets on one side, the link to the call logic on the other, and the handing over of both.
//!
//! [`Post`] holds the two ends and lets each reach the other; [`run`] starts them, follows orders, and gives them to a
//! successor. The call logic notices of that only that its connection was lost for a moment.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tandem_bus::link::{Bounds, Held, Lane, Role as LinkRole};
use tandem_link::gate::{Config as LinkConfig, Event, Server};
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::orders::{self, FromChild, Order, Orders};
use super::packets;
use super::role::Role;
use super::run_dir::RunDir;
use crate::config::Config;
use crate::drive::clock;

/// How often figures go to the call logic.
const NOTES_EVERY: Duration = Duration::from_secs(2);
/// A note right after a connection is tried so often, so far apart: it is refused until the connection is set up.
const FIRST_NOTE: (u32, Duration) = (200, Duration::from_millis(5));

/// What a gate does apart from its link: the sockets.
pub trait Sockets: Sized + Send + Sync + 'static {
    /// What goes up.
    type Up: Serialize + DeserializeOwned + Send + 'static;
    /// What comes down.
    type Down: DeserializeOwned + Send + 'static;
    /// What a successor needs besides the open files.
    type State: Serialize + DeserializeOwned + Send;
    /// Why there are no sockets.
    type Error: std::error::Error + Send + Sync + 'static;
    /// Which gate it is.
    const ROLE: Role;
    /// The same for the link.
    const LINK_ROLE: LinkRole;

    /// Opens them. What they bring goes to `post`. Call inside a tokio runtime.
    fn open(config: &Config, data: &Path, post: Arc<Post<Self>>) -> Result<Self, Self::Error>;
    /// Goes on with those of another process.
    fn adopt(
        config: &Config,
        data: &Path,
        post: Arc<Post<Self>>,
        state: Self::State,
        files: Vec<OwnedFd>,
    ) -> Result<Self, Self::Error>;
    /// Lets go of them without closing them; nothing is received, sent or told after that.
    fn hand_over(self) -> impl Future<Output = Result<(Self::State, Vec<OwnedFd>), Self::Error>> + Send;
    /// Carries out what the call logic wants; gives back what finds no room.
    #[allow(clippy::result_large_err)] // It is what was handed in.
    fn take_down(&self, down: Self::Down) -> Result<(), Self::Down>;
    /// The call logic is there, or is not.
    fn set_attended(&self, attended: bool);
    /// An item found no call logic for too long.
    fn take_expired(&self, item: Self::Up);
    /// What is told on each connection, and every [`NOTES_EVERY`].
    fn notes(&self) -> Vec<Self::Up>;
    /// Sends what is queued and closes them.
    fn stop(self) -> impl Future<Output = ()> + Send;
}

/// Where sockets and link meet. Either may be missing for a moment: at the start, and while both are handed over.
pub struct Post<S: Sockets> {
    sockets: RwLock<Option<S>>,
    link: RwLock<Option<Server<S::Up, S::Down>>>,
    connected: Notify,
}

impl<S: Sockets> Post<S> {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            sockets: RwLock::new(None),
            link: RwLock::new(None),
            connected: Notify::new(),
        })
    }

    /// Shards of the call logic; none while there was none yet.
    pub fn shards(&self) -> Option<u16> {
        self.link
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()?
            .shards()
    }

    /// Takes an item for the call logic; false: there is no room. `begins`: it begins something new.
    pub fn push(&self, lane: Lane, item: &S::Up, begins: bool) -> bool {
        let link = self.link.read().unwrap_or_else(PoisonError::into_inner);
        link.as_ref()
            .is_some_and(|link| link.push(lane, item, begins).is_ok())
    }

    #[allow(clippy::result_large_err)] // It is what was handed in.
    fn take(&self, event: Event<S::Down, S::Up>) -> Result<(), Event<S::Down, S::Up>> {
        let sockets = self.sockets.read().unwrap_or_else(PoisonError::into_inner);
        let Some(sockets) = sockets.as_ref() else {
            return Err(event); // they are being handed over
        };
        match event {
            Event::Down(down) => return sockets.take_down(down).map_err(Event::Down),
            Event::Connected { .. } => {
                sockets.set_attended(true);
                self.connected.notify_one();
            }
            Event::Lost => sockets.set_attended(false),
            Event::Expired(expired) => {
                // What was sent may have been taken: an answer of ours could contradict the call logic's.
                if !expired.was_sent {
                    sockets.take_expired(expired.item);
                }
            }
        }
        Ok(())
    }

    /// Tells the call logic what it does not need to keep.
    async fn drive_notes(&self) {
        loop {
            let tries = tokio::select! {
                () = self.connected.notified() => FIRST_NOTE.0,
                () = tokio::time::sleep(NOTES_EVERY) => 1,
            };
            for _ in 0..tries {
                if self.tell_notes() {
                    break;
                }
                tokio::time::sleep(FIRST_NOTE.1).await;
            }
        }
    }

    fn tell_notes(&self) -> bool {
        let notes = match &*self.sockets.read().unwrap_or_else(PoisonError::into_inner) {
            Some(sockets) => sockets.notes(),
            None => return false,
        };
        let link = self.link.read().unwrap_or_else(PoisonError::into_inner);
        let Some(link) = link.as_ref() else {
            return false;
        };
        notes.iter().all(|note| link.note(note))
    }

    fn set_sockets(&self, sockets: Option<S>) -> Option<S> {
        std::mem::replace(
            &mut *self.sockets.write().unwrap_or_else(PoisonError::into_inner),
            sockets,
        )
    }

    fn set_link(&self, link: Option<Server<S::Up, S::Down>>) -> Option<Server<S::Up, S::Down>> {
        std::mem::replace(
            &mut *self.link.write().unwrap_or_else(PoisonError::into_inner),
            link,
        )
    }
}

/// Why a gate does not start.
#[derive(Debug, thiserror::Error)]
pub enum GateProcessError<E: std::error::Error> {
    /// Its sockets.
    #[error(transparent)]
    Sockets(E),
    /// Its link, or its orders.
    #[error("the system refuses: {0}")]
    System(#[from] io::Error),
    /// What the one before gave.
    #[error("what was handed over cannot be read: {0}")]
    State(#[from] postcard::Error),
}

/// Runs a gate as a process of its own until it is told to stop or has handed over. `successor`: it begins with what
/// another process hands over. Call inside a tokio runtime.
pub async fn run<S: Sockets>(
    config: &Config,
    data: &Path,
    successor: bool,
    again: bool,
) -> Result<ExitCode, GateProcessError<S::Error>> {
    let post = Post::<S>::new();
    let process = Process {
        config,
        data,
        post: post.clone(),
    };
    let mut orders = if successor {
        let giver = tokio::task::spawn_blocking(orders::adopted_through);
        let giver = giver.await.map_err(io::Error::other)??;
        let orders = Orders::from_supervisor(again)?;
        orders.say(&FromChild::Waiting);
        process.take_over(giver).await?;
        orders
    } else {
        let orders = Orders::from_supervisor(again)?;
        let instance = StdRng::from_os_rng().random();
        let sockets = S::open(config, data, post.clone()).map_err(GateProcessError::Sockets)?;
        post.set_sockets(Some(sockets));
        process.start_link(Held::new(instance, Bounds::default()))?;
        orders
    };
    orders.ready();
    let notes = post.clone();
    tokio::spawn(async move { notes.drive_notes().await });
    loop {
        match orders.next().await {
            Order::Stop | Order::Hurry | Order::Finish => break,
            Order::Drain(_) => (), // it takes what comes; the call logic refuses
            Order::HandOver(taker) => match process.hand_over(taker).await {
                Ok(()) => std::process::exit(0), // at once: whatever is still open here belongs to the successor
                Err(why) => {
                    tracing::error!(why, "nobody took over: going on");
                    orders.say(&FromChild::KeptOn { why });
                }
            },
        }
    }
    if let Some(sockets) = post.set_sockets(None) {
        sockets.stop().await;
    }
    if let Some(link) = post.set_link(None) {
        drop(link.stop().await);
    }
    Ok(ExitCode::SUCCESS)
}

struct Process<'a, S: Sockets> {
    config: &'a Config,
    data: &'a Path,
    post: Arc<Post<S>>,
}

impl<S: Sockets> Process<'_, S> {
    fn start_link(&self, held: Held<S::Up>) -> io::Result<()> {
        let config = LinkConfig {
            role: S::LINK_ROLE,
            clock: clock::now,
        };
        let post = self.post.clone();
        let path = RunDir::of(self.data).socket(S::ROLE);
        let link = Server::start(&Handle::current(), &path, config, held, move |event| {
            post.take(event)
        })?;
        self.post.set_link(Some(link));
        Ok(())
    }

    /// Goes on with what [`Self::hand_over`] gave, in this process or another.
    fn adopt(&self, bytes: &[u8], files: Vec<OwnedFd>) -> Result<(), GateProcessError<S::Error>> {
        let (held, state): (Held<S::Up>, S::State) = postcard::from_bytes(bytes)?;
        let sockets = S::adopt(self.config, self.data, self.post.clone(), state, files)
            .map_err(GateProcessError::Sockets)?;
        self.post.set_sockets(Some(sockets));
        self.start_link(held)?;
        Ok(())
    }

    /// Takes what the one before hands over; tells it so once all of it works here.
    async fn take_over(&self, giver: OwnedFd) -> Result<(), GateProcessError<S::Error>> {
        let parcel = tokio::task::spawn_blocking(move || {
            let parcel = packets::receive_parcel(&giver)?;
            Ok::<_, io::Error>((giver, parcel))
        });
        let (giver, (bytes, files)) = parcel.await.map_err(io::Error::other)??;
        let count = files.len();
        self.adopt(&bytes, files)?;
        packets::send(&giver, &[1], &[])?;
        tracing::info!(files = count, bytes = bytes.len(), "taken over");
        Ok(())
    }

    /// Gives everything to a successor. Ok: it works there; nothing may be touched here any more. Else it works here
    /// again, and why.
    async fn hand_over(&self, taker: OwnedFd) -> Result<(), String> {
        let Some(sockets) = self.post.set_sockets(None) else {
            return Err("there is nothing to hand over".to_owned());
        };
        // Sockets first: until they rest, they may push to the link.
        let (state, files) = match sockets.hand_over().await {
            Ok(given) => given,
            Err(error) => leave(&error),
        };
        let held = match self.post.set_link(None) {
            Some(link) => link.stop().await,
            None => Held::new(StdRng::from_os_rng().random(), Bounds::default()),
        };
        let bytes = match postcard::to_stdvec(&(held, state)) {
            Ok(bytes) => bytes,
            Err(error) => leave(&error),
        };
        let giving = tokio::task::spawn_blocking(move || {
            let given = give(&taker, &bytes, &files);
            (given, bytes, files)
        });
        match giving.await {
            Ok((Ok(()), ..)) => Ok(()),
            Ok((Err(why), bytes, files)) => {
                if let Err(error) = self.adopt(&bytes, files) {
                    leave(&error);
                }
                Err(why.to_string())
            }
            Err(error) => leave(&error),
        }
    }
}

/// What was let go of cannot be had back: a new process begins anew.
fn leave(error: &dyn std::error::Error) -> ! {
    tracing::error!(%error, "can neither hand over nor go on");
    std::process::exit(1)
}

/// Sends all, and waits until the other side says that it works: it, or its end, decides.
fn give(taker: &OwnedFd, bytes: &[u8], files: &[OwnedFd]) -> io::Result<()> {
    packets::send_parcel(taker.as_fd(), bytes, files)?;
    match packets::receive(taker.as_fd())? {
        Some(_) => Ok(()),
        None => Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the successor ended before it worked",
        )),
    }
}
