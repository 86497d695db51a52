//! What supervisor and child say to each other, and the child's end of it.
//!
//! A child's standard input is a socket to its supervisor ([`super::packets`]). Its closing says that the supervisor
//! is gone, however it went: the child then ends at once, so that nothing keeps ports which the next server needs.
//! That needs nothing of the system but what sockets do anyway, unlike a death signal, which is bound to a thread.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::packets;

/// To a child. Unknown ones are ignored: the supervisor may be of another release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToChild {
    /// Stop in good order. The call logic lets calls go on until its deadline.
    Stop,
    /// The deadline is now.
    Hurry,
    /// The call logic: commit what is under way and exit; calls live on in the log.
    Finish,
    /// The call logic: take new calls no more, or again.
    Drain(bool),
    /// A gate: give the sockets to a successor, through the socket that comes along.
    HandOver,
    /// A gate that was started as a successor: take over, through the socket that comes along.
    Adopt,
}

/// From a child.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FromChild {
    /// It does its work.
    Ready {
        /// Its release.
        version: String,
    },
    /// A successor: all is prepared, the sockets may come.
    Waiting,
    /// A gate: nobody took the sockets; it goes on itself.
    KeptOn {
        /// Why, in words.
        why: String,
    },
}

/// What a role is told to do.
#[derive(Debug)]
pub enum Order {
    /// Graceful stop: no new calls, those in progress go on until `call.stop_deadline`.
    Stop,
    /// Hang up now; only after [`Self::Stop`].
    Hurry,
    /// Planned death of the call logic: finish the commit under way and exit with 0; calls live on in the log.
    Finish,
    /// The call logic takes new calls no more (true) or again.
    Drain(bool),
    /// A gate gives its sockets away through this one.
    HandOver(OwnedFd),
}

/// The orders of one process, and the way back.
pub struct Orders {
    inbox: mpsc::UnboundedReceiver<Order>,
    up: Up,
    again: bool,
}

/// The way back.
enum Up {
    /// To the supervisor.
    Supervisor(Arc<OwnedFd>),
    /// To this process itself: whether it is up is all that it wants to know.
    Within(Arc<AtomicBool>),
}

impl Orders {
    /// Of a child: takes the standard input. `again`: it is not the first of its role under this supervisor.
    pub fn from_supervisor(again: bool) -> io::Result<Self> {
        let (orders, inbox) = mpsc::unbounded_channel();
        let socket = Arc::new(io::stdin().as_fd().try_clone_to_owned()?);
        let up = Up::Supervisor(socket.clone());
        // A thread of its own: it must notice the supervisor's end whatever else this process is busy with.
        std::thread::Builder::new()
            .name("orders".into())
            .spawn(move || listen(&socket, &orders))?;
        Ok(Self { inbox, up, again })
    }

    /// Of a server that is one process: orders come through `inbox`; `up` turns true when it is up.
    pub fn from_within(inbox: mpsc::UnboundedReceiver<Order>, up: Arc<AtomicBool>) -> Self {
        Self {
            inbox,
            up: Up::Within(up),
            again: false,
        }
    }

    /// The next order; pending for ever where none can come any more.
    pub async fn next(&mut self) -> Order {
        match self.inbox.recv().await {
            Some(order) => order,
            None => std::future::pending().await,
        }
    }

    /// Whether this process replaces an earlier one of its role: what was announced is not announced again.
    pub fn again(&self) -> bool {
        self.again
    }

    /// Tells the supervisor that this process does its work.
    pub fn ready(&self) {
        self.say(&FromChild::Ready {
            version: env!("CARGO_PKG_VERSION").to_owned(),
        });
    }

    /// Tells the supervisor. Failing means that it is gone, and this process about to be.
    pub fn say(&self, what: &FromChild) {
        match &self.up {
            Up::Within(up) => up.store(matches!(what, FromChild::Ready { .. }), Ordering::Relaxed),
            Up::Supervisor(socket) => {
                if let Ok(bytes) = serde_json::to_vec(what) {
                    let _ = packets::send(socket.as_fd(), &bytes, &[]);
                }
            }
        }
    }
}

/// Waits for [`ToChild::Adopt`]: the first order of a successor. Call before [`Orders::from_supervisor`].
pub fn adopted_through() -> io::Result<OwnedFd> {
    let stdin = io::stdin();
    loop {
        let Some((bytes, files)) = packets::receive(stdin.as_fd())? else {
            std::process::exit(1); // the supervisor is gone
        };
        let order = serde_json::from_slice::<ToChild>(&bytes);
        if let (Ok(ToChild::Adopt), Some(socket)) = (order, files.into_iter().next()) {
            return Ok(socket);
        }
    }
}

fn listen(socket: &OwnedFd, orders: &mpsc::UnboundedSender<Order>) {
    loop {
        match packets::receive(socket) {
            Ok(Some((bytes, files))) => {
                let Ok(order) = serde_json::from_slice::<ToChild>(&bytes) else {
                    tracing::warn!(order = %String::from_utf8_lossy(&bytes), "an order of another release: ignored");
                    continue;
                };
                let order = match (order, files.into_iter().next()) {
                    (ToChild::Stop, _) => Order::Stop,
                    (ToChild::Hurry, _) => Order::Hurry,
                    (ToChild::Finish, _) => Order::Finish,
                    (ToChild::Drain(on), _) => Order::Drain(on),
                    (ToChild::HandOver, Some(socket)) => Order::HandOver(socket),
                    (ToChild::HandOver | ToChild::Adopt, _) => continue,
                };
                drop(orders.send(order)); // a role that is ending takes no more orders
            }
            // The supervisor is gone, or something else is the standard input: there is nobody to work for.
            Ok(None) | Err(_) => std::process::exit(1),
        }
    }
}
