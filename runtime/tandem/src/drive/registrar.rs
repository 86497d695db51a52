//! Drives the registrar role on a thread of its own and answers who is registered where.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use tandem_bus::link::{Cursor, Lane};
use tandem_journal::Files;
use tandem_logic::{Kept, RegistrarEffect};
use tandem_sip::Moment;
use tandem_sip::registrar::{Binding, Reach};
use tandem_switch::Answer;
use tandem_switch::registration::{BindingChange, Input};
use tandem_web::{Device, Live, RegistrationChange, ShowRegistrations};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep_until;

use super::answers::Answers;
use super::clock;
use super::happened;
use super::journals::Watch;
use crate::process::gates::{FromGate, GateKind, Gates, Inbox, SipItem};
use tandem_sip::message::Shown;

const BATCH_MAX: usize = 64;

/// What reaches the registrar.
enum ToRegistrar {
    Count {
        domain: Option<String>,
        reply: oneshot::Sender<u64>,
    },
    CountByDomain(oneshot::Sender<HashMap<String, usize>>),
    CountEach {
        domain: String,
        users: Vec<String>,
        reply: oneshot::Sender<Vec<u64>>,
    },
    Lookup {
        domain: String,
        user: String,
        reply: oneshot::Sender<Vec<Binding>>,
    },
    Answered(u64, Answer),
    Stop,
}

/// What the registrar counts.
#[derive(Debug, Default)]
pub struct RegistrarCounters {
    /// Bindings now.
    pub bindings: AtomicU64,
    /// REGISTERs refused for their credentials.
    pub refused: AtomicU64,
}

/// The way to the registrar; a clone is cheap.
#[derive(Clone)]
pub struct Registrations {
    inbox: mpsc::UnboundedSender<ToRegistrar>,
    /// What it counts.
    pub counters: Arc<RegistrarCounters>,
}

impl Registrations {
    /// The devices of a user, the most wanted first; none when the registrar is gone.
    pub async fn lookup(&self, domain: &str, user: &str) -> Vec<Binding> {
        let (reply, found) = oneshot::channel();
        let asked = ToRegistrar::Lookup {
            domain: domain.to_owned(),
            user: user.to_owned(),
            reply,
        };
        if self.inbox.send(asked).is_err() {
            return Vec::new();
        }
        found.await.unwrap_or_default()
    }

    /// Bindings of a domain's users, or of all; 0 when the registrar is gone.
    pub async fn count(&self, domain: Option<String>) -> u64 {
        let (reply, found) = oneshot::channel();
        if self.inbox.send(ToRegistrar::Count { domain, reply }).is_err() {
            return 0;
        }
        found.await.unwrap_or_default()
    }

    /// Bindings of each domain that has some; none when the registrar is gone.
    pub async fn count_by_domain(&self) -> HashMap<String, usize> {
        let (reply, found) = oneshot::channel();
        if self.inbox.send(ToRegistrar::CountByDomain(reply)).is_err() {
            return HashMap::new();
        }
        found.await.unwrap_or_default()
    }

    /// Bindings of each of a domain's `users`; none when the registrar is gone.
    pub async fn count_each(&self, domain: String, users: Vec<String>) -> Vec<u64> {
        let (reply, found) = oneshot::channel();
        let asked = ToRegistrar::CountEach { domain, users, reply };
        if self.inbox.send(asked).is_err() {
            return Vec::new();
        }
        found.await.unwrap_or_default()
    }

    /// Ends the registrar's thread.
    pub fn stop(&self) {
        drop(self.inbox.send(ToRegistrar::Stop)); // gone already
    }
}

impl ShowRegistrations for Registrations {
    fn count(&self, domain: Option<String>) -> Pin<Box<dyn Future<Output = u64> + Send + '_>> {
        Box::pin(Registrations::count(self, domain))
    }

    fn count_each(
        &self,
        domain: String,
        users: Vec<String>,
    ) -> Pin<Box<dyn Future<Output = Vec<u64>> + Send + '_>> {
        Box::pin(Registrations::count_each(self, domain, users))
    }

    fn devices(
        &self,
        domain: String,
        user: String,
    ) -> Pin<Box<dyn Future<Output = Vec<Device>> + Send + '_>> {
        Box::pin(async move {
            let bindings = self.lookup(&domain, &user).await;
            bindings.into_iter().map(device).collect()
        })
    }
}

fn device(binding: Binding) -> Device {
    Device {
        received_from: binding.flow.remote.to_string(),
        transport: binding.flow.transport.as_str().to_owned(),
        expires_at: happened::timestamp(binding.expires_at),
        reachable: binding.reach() != Reach::Nowhere,
        contact: binding.contact_uri,
        user_agent: binding.user_agent,
    }
}

/// The receiving end of [`Registrations`], until the registrar starts.
pub struct Mailbox {
    inbox: mpsc::UnboundedReceiver<ToRegistrar>,
    back: mpsc::UnboundedSender<ToRegistrar>,
    counters: Arc<RegistrarCounters>,
}

/// The way to a registrar that is started later: it needs the answers, and they need the way to it.
pub fn mailbox() -> (Registrations, Mailbox) {
    let (inbox, inbox_in) = mpsc::unbounded_channel();
    let counters = Arc::new(RegistrarCounters::default());
    let mailbox = Mailbox {
        inbox: inbox_in,
        back: inbox.clone(),
        counters: counters.clone(),
    };
    (Registrations { inbox, counters }, mailbox)
}

/// A registrar to be driven, and what it reaches.
pub struct ToDrive {
    /// The registrar with its log.
    pub registrations: tandem_logic::Registrations<Files>,
    /// What the SIP gate tells it.
    pub sip: Inbox<SipItem>,
    /// The way to the SIP gate.
    pub gates: Gates,
    /// Who answers its questions.
    pub answers: Answers,
    /// Told of what goes on.
    pub live: Live,
    /// The runtime on which they are answered.
    pub asking: tokio::runtime::Handle,
    /// Told of a log that cannot be written.
    pub watch: Watch,
}

/// Starts the registrar's thread.
pub fn start(registrar: ToDrive, mailbox: Mailbox) -> std::io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let Mailbox {
        inbox,
        back,
        counters,
    } = mailbox;
    let driver = Driver {
        registrar,
        back,
        counters,
    };
    std::thread::Builder::new()
        .name("registrar".into())
        .spawn(move || runtime.block_on(driver.run(inbox)))
}

struct Driver {
    registrar: ToDrive,
    back: mpsc::UnboundedSender<ToRegistrar>,
    counters: Arc<RegistrarCounters>,
}

impl Driver {
    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<ToRegistrar>) {
        let mut told = Vec::with_capacity(BATCH_MAX);
        let mut deadline = self.round();
        // What is due is looked at after what was said last has been said again.
        let mut begun = false;
        loop {
            let due = async {
                match deadline.filter(|_| begun) {
                    Some(at) => sleep_until(clock::instant_of(at).into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                asked = inbox.recv() => match asked {
                    None | Some(ToRegistrar::Stop) => return,
                    Some(asked) => self.handle_asked(asked),
                },
                got = self.registrar.sip.recv_many(&mut told, BATCH_MAX) => if got == 0 { return },
                () = due => self.handle(Input::Timeout),
            }
            for told in told.drain(..) {
                begun |= matches!(told, FromGate::Connected { .. });
                self.handle_told(told);
            }
            deadline = self.round();
        }
    }

    fn handle(&mut self, input: Input) {
        self.registrar.registrations.handle(input, clock::now());
    }

    fn handle_asked(&mut self, asked: ToRegistrar) {
        match asked {
            ToRegistrar::Lookup { domain, user, reply } => {
                let registration = self.registrar.registrations.registration();
                // One who has gone away meanwhile needs no answer.
                drop(reply.send(registration.lookup(&domain, &user, clock::now())));
            }
            ToRegistrar::Count { domain, reply } => {
                let registration = self.registrar.registrations.registration();
                let _ = reply.send(registration.devices(domain.as_deref()) as u64); // gone: nobody to tell
            }
            ToRegistrar::CountByDomain(reply) => {
                let registration = self.registrar.registrations.registration();
                let _ = reply.send(registration.devices_by_domain()); // gone: nobody to tell
            }
            ToRegistrar::CountEach { domain, users, reply } => {
                let (registration, now) = (self.registrar.registrations.registration(), clock::now());
                let count = |user: &String| registration.lookup(&domain, user, now).len() as u64;
                let _ = reply.send(users.iter().map(count).collect()); // gone: nobody to tell
            }
            ToRegistrar::Answered(number, answer) => self.handle(Input::Answered { number, answer }),
            ToRegistrar::Stop => (),
        }
    }

    fn handle_told(&mut self, told: FromGate<SipItem>) {
        match told {
            FromGate::Connected { instance, fresh } => {
                if fresh {
                    self.registrar.registrations.heard(Cursor { instance, number: 0 });
                }
                self.handle(Input::SipGateConnected { fresh });
            }
            FromGate::Lost => (),
            FromGate::Item { cursor, item } => {
                match item {
                    SipItem::Message { flow, message } => self.handle(Input::Sip { flow, message }),
                    SipItem::Closed { flow } => self.handle(Input::FlowClosed { flow }),
                }
                self.registrar.registrations.heard(cursor);
            }
        }
    }

    /// Commits, then carries out what may be; the next deadline.
    fn round(&mut self) -> Option<Moment> {
        match self.registrar.registrations.commit() {
            Kept::Well | Kept::Broken(None) => (),
            Kept::Mended => self.registrar.watch.mended(Lane::REGISTRAR),
            Kept::Broken(Some(why)) => self.registrar.watch.broken(Lane::REGISTRAR, &why),
        }
        while let Some(effect) = self.registrar.registrations.poll_effect() {
            self.carry_out(effect);
        }
        let registration = self.registrar.registrations.registration();
        self.counters
            .bindings
            .store(registration.bindings() as u64, Ordering::Relaxed);
        self.counters
            .refused
            .store(registration.refused(), Ordering::Relaxed);
        self.registrar.registrations.deadline()
    }

    fn carry_out(&self, effect: RegistrarEffect) {
        match effect {
            RegistrarEffect::Send { flow, bytes } => {
                tracing::debug!(target: "sip", remote = %flow.remote, message = %Shown(&bytes), "sent");
                if let Err(error) = self.registrar.gates.send_sip(flow, bytes) {
                    tracing::debug!(remote = %flow.remote, ?error, "not sent");
                }
            }
            RegistrarEffect::Ask { number, question } => {
                let (answers, back) = (self.registrar.answers.clone(), self.back.clone());
                self.registrar.asking.spawn(async move {
                    let answer = answers.answer(question).await;
                    drop(back.send(ToRegistrar::Answered(number, answer))); // gone: nobody to tell
                });
            }
            RegistrarEffect::Presence {
                domain,
                user,
                registered,
                at,
            } => {
                let directory = self.registrar.answers.directory.clone();
                self.registrar.asking.spawn(async move {
                    happened::note_user(&directory, &domain, &user, registered, at).await;
                });
            }
            RegistrarEffect::Bound {
                domain,
                user,
                contact,
                change,
            } => {
                let what = match change {
                    BindingChange::Added => RegistrationChange::Added,
                    BindingChange::Refreshed => RegistrationChange::Refreshed,
                    BindingChange::Removed => RegistrationChange::Removed,
                };
                self.registrar.live.registration(&domain, &user, &contact, what);
            }
            RegistrarEffect::Acknowledge { cursor, .. } => {
                self.registrar
                    .gates
                    .acknowledge(GateKind::Sip, Lane::REGISTRAR, cursor);
            }
        }
    }
}
