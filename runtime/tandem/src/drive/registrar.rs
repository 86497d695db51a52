//! Drives the registrar role on a thread of its own and answers who is registered where.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use tandem_sip::registrar::Binding;
use tandem_sip::{Flow, Message};
use tandem_switch::Answer;
use tandem_switch::registration::{Input, Output, Registration};
use tandem_transport::Transport;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep_until;

use super::answers::Answers;
use super::sip_log::Shown;

const BATCH_MAX: usize = 64;

/// What reaches the registrar.
enum ToRegistrar {
    Lookup {
        domain: String,
        user: String,
        reply: oneshot::Sender<Vec<Binding>>,
    },
    FlowClosed(Flow),
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
    sip: mpsc::Sender<(Flow, Message)>,
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

    /// Hands over a REGISTER; false: too many wait already.
    pub fn handle(&self, flow: Flow, message: Message) -> bool {
        self.sip.try_send((flow, message)).is_ok()
    }

    /// A connection is gone.
    pub fn handle_closed(&self, flow: Flow) {
        drop(self.inbox.send(ToRegistrar::FlowClosed(flow))); // a registrar that is gone needs no news
    }

    /// Ends the registrar's thread.
    pub fn stop(&self) {
        drop(self.inbox.send(ToRegistrar::Stop)); // gone already
    }
}

/// The receiving end of [`Registrations`], until the registrar starts.
pub struct Mailbox {
    sip: mpsc::Receiver<(Flow, Message)>,
    inbox: mpsc::UnboundedReceiver<ToRegistrar>,
    back: mpsc::UnboundedSender<ToRegistrar>,
    counters: Arc<RegistrarCounters>,
}

/// The way to a registrar that is started later: it needs the answers, and they need the way to it.
pub fn mailbox(queue: usize) -> (Registrations, Mailbox) {
    let (sip, sip_in) = mpsc::channel(queue);
    let (inbox, inbox_in) = mpsc::unbounded_channel();
    let counters = Arc::new(RegistrarCounters::default());
    let mailbox = Mailbox {
        sip: sip_in,
        inbox: inbox_in,
        back: inbox.clone(),
        counters: counters.clone(),
    };
    (Registrations { sip, inbox, counters }, mailbox)
}

/// Starts the registrar's thread.
pub fn start(
    registration: Registration,
    mailbox: Mailbox,
    transport: Transport,
    answers: Answers,
    asking: tokio::runtime::Handle,
) -> std::io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let driver = Driver {
        registration,
        transport,
        answers,
        asking,
        back: mailbox.back,
        counters: mailbox.counters,
    };
    std::thread::Builder::new()
        .name("registrar".into())
        .spawn(move || runtime.block_on(driver.run(mailbox.sip, mailbox.inbox)))
}

struct Driver {
    registration: Registration,
    transport: Transport,
    answers: Answers,
    asking: tokio::runtime::Handle,
    back: mpsc::UnboundedSender<ToRegistrar>,
    counters: Arc<RegistrarCounters>,
}

impl Driver {
    async fn run(
        mut self,
        mut sip: mpsc::Receiver<(Flow, Message)>,
        mut inbox: mpsc::UnboundedReceiver<ToRegistrar>,
    ) {
        let mut deadline: Option<Instant> = None;
        let mut messages = Vec::with_capacity(BATCH_MAX);
        loop {
            let due = async {
                match deadline {
                    Some(at) => sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                asked = inbox.recv() => match asked {
                    None | Some(ToRegistrar::Stop) => return,
                    Some(asked) => self.handle_asked(asked),
                },
                got = sip.recv_many(&mut messages, BATCH_MAX) => if got == 0 { return },
                () = due => self.registration.handle(Input::Timeout, Instant::now()),
            }
            for (flow, message) in messages.drain(..) {
                self.registration
                    .handle(Input::Sip { flow, message }, Instant::now());
            }
            deadline = self.drain();
            self.counters
                .bindings
                .store(self.registration.bindings() as u64, Ordering::Relaxed);
            self.counters
                .refused
                .store(self.registration.refused(), Ordering::Relaxed);
        }
    }

    fn handle_asked(&mut self, asked: ToRegistrar) {
        let now = Instant::now();
        match asked {
            ToRegistrar::Lookup { domain, user, reply } => {
                // One who has gone away meanwhile needs no answer.
                drop(reply.send(self.registration.lookup(&domain, &user, now)));
            }
            ToRegistrar::FlowClosed(flow) => self.registration.handle(Input::FlowClosed { flow }, now),
            ToRegistrar::Answered(number, answer) => {
                self.registration.handle(Input::Answered { number, answer }, now);
            }
            ToRegistrar::Stop => (),
        }
    }

    fn drain(&mut self) -> Option<Instant> {
        loop {
            match self.registration.poll_output() {
                Output::Wait(at) => return at,
                Output::Send { flow, bytes } => {
                    tracing::debug!(target: "sip", remote = %flow.remote, message = %Shown(&bytes), "sent");
                    if let Err(error) = self.transport.send(flow, bytes) {
                        tracing::debug!(remote = %flow.remote, %error, "not sent");
                    }
                }
                Output::Ask { number, question } => {
                    let (answers, back) = (self.answers.clone(), self.back.clone());
                    self.asking.spawn(async move {
                        let answer = answers.answer(question).await;
                        drop(back.send(ToRegistrar::Answered(number, answer))); // gone: nobody to tell
                    });
                }
            }
        }
    }
}
