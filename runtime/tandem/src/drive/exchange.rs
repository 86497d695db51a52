//! The way from one call to another: what a shard is asked by those who are not it.

use std::sync::Arc;

use tandem_host_api::op::{Address, Delivery, MessageFailure};
use tandem_switch::call::{Origination, Picked, Picker};
use tandem_switch::{CallKey, Inquiry, Told, shard_of};
use tokio::sync::{mpsc, oneshot, watch};

use super::shard::ToShard;

type Ports = Arc<[mpsc::UnboundedSender<ToShard>]>;

/// The shards, once they have started; a clone is cheap.
#[derive(Clone)]
pub struct Exchange(watch::Receiver<Option<Ports>>);

/// Says where the shards are.
pub struct Connect(watch::Sender<Option<Ports>>);

/// An exchange whose shards are started later: they need its answers.
pub fn exchange() -> (Connect, Exchange) {
    let (connect, ports) = watch::channel(None);
    (Connect(connect), Exchange(ports))
}

impl Connect {
    /// The shards have started, in the order of their numbers.
    pub fn connect(&self, ports: impl IntoIterator<Item = mpsc::UnboundedSender<ToShard>>) {
        self.0.send_replace(Some(ports.into_iter().collect()));
    }
}

impl Exchange {
    /// None: we are leaving.
    async fn ports(&self) -> Option<Ports> {
        let mut ports = self.0.clone();
        let found = ports.wait_for(Option::is_some).await.ok()?;
        found.clone()
    }

    async fn ask(ports: &Ports, shard: u64, inquiry: Inquiry) -> Option<Told> {
        let (reply, told) = oneshot::channel();
        let port = ports.get(shard as usize)?;
        port.send(ToShard::Inquire(inquiry, reply)).ok()?;
        told.await.ok()
    }

    /// Begins a call on the shard that its identifier leads to; again under the same identifier it is begun once. An error
    /// says why not; none: we are leaving, and whether it was begun shows at the next start.
    pub async fn originate(&self, it: Origination) -> Option<Result<(), String>> {
        let ports = self.ports().await?;
        let shard = shard_of(&it.id, ports.len() as u64);
        match Self::ask(&ports, shard, Inquiry::Originate(Box::new(it))).await? {
            Told::Refused(why) => Some(Err(why)),
            Told::Begun | Told::PickedUp(_) | Told::LetGo | Told::Messaged(_) => Some(Ok(())),
        }
    }

    /// Sends a text by the shard that the run's name leads to. None: we are leaving, and what became of it is not known.
    pub async fn message(
        &self,
        run: &str,
        domain: &Arc<str>,
        (user, text): (String, String),
        sender: Option<Address>,
    ) -> Option<Result<Delivery, MessageFailure>> {
        let ports = self.ports().await?;
        let inquiry = Inquiry::Message {
            domain: domain.clone(),
            user,
            text,
            sender,
        };
        match Self::ask(&ports, shard_of(run, ports.len() as u64), inquiry).await? {
            Told::Messaged(sent) => Some(sent),
            Told::Begun | Told::Refused(_) | Told::PickedUp(_) | Told::LetGo => None,
        }
    }

    /// Asks one shard after another for a call that rings at one of these users: of two who want it one is first.
    pub async fn pick_up(&self, domain: &Arc<str>, users: &[String], picker: &Picker) -> Option<Box<Picked>> {
        let ports = self.ports().await?;
        for shard in 0..ports.len() as u64 {
            let inquiry = Inquiry::PickUp {
                domain: domain.clone(),
                users: users.to_vec(),
                picker: Box::new(picker.clone()),
            };
            if let Some(Told::PickedUp(Some(picked))) = Self::ask(&ports, shard, inquiry).await {
                return Some(picked);
            }
        }
        None
    }

    /// Returns when a call no longer holds on to the call `by`, or is no more. None: we are leaving.
    pub async fn let_go(&self, shard: u64, call: CallKey, id: String, by: String) -> Option<()> {
        let ports = self.ports().await?;
        if ports.get(shard as usize).is_none() {
            return Some(()); // calls live on among as many shards only: there is no such call
        }
        Self::ask(&ports, shard, Inquiry::LetGo { call, id, by }).await?;
        Some(())
    }
}
