//! Hundreds of callers that listen: each walks through a ring of menu steps and knows by the tone where it is.
//!
//! SIPp makes more calls, but it cannot hear. Here each call has its own RTP port, on which it measures how its packets
//! come, recognises the tone of the step that it is in, and presses the key that leads on. What it hears that was not
//! due is written down ([`CallReport::wrong`]). One thread serves all calls; 2,000 of them hear 100,000 packets a second.
//!
//! Its SIP is its own (INVITE with MD5 digest, ACK, BYE, repetitions; OPTIONS, re-INVITE and BYE are answered), over UDP
//! from one port. The sequence: [`message`] and [`digest`] → [`dialog`]; [`ear`] and [`voice`]; [`walk`]; the driver here.

mod dialog;
mod digest;
mod ear;
mod message;
mod voice;
mod walk;

pub use dialog::{Account, Ending};
pub use walk::Steps;

use crate::failure::{Doing, Failure, Result};
use dialog::Dialog;
use ear::{Ear, Tones};
use message::Message;
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use std::collections::{HashMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use voice::Voice;
use walk::Walk;

/// Keys and keep-alives go out in this rhythm.
const ROUND: Duration = Duration::from_millis(20);
/// A listener that was away for longer than this was held up.
const HELD_UP: Duration = Duration::from_millis(25);
/// So many stretches in which the listener was held up are remembered.
const STRETCHES_MOST: usize = 64;
/// The SIP socket; RTP sockets have the numbers of their calls.
const SIP: Token = Token(usize::MAX);

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where the server takes SIP over UDP.
    pub server: SocketAddr,
    /// Who calls what: a number that leads to the flow of `steps`.
    pub account: Account,
    /// The ring of steps that the number leads through.
    pub steps: Steps,
    /// How many calls at once.
    pub calls: usize,
    /// New calls per second.
    pub per_second: u32,
    /// The shortest and the longest time in a step before its key is pressed. `None`: no key is ever pressed.
    pub dwell: Option<(Duration, Duration)>,
    /// Each call says a packet of silence so often, which keeps it known as alive. A phone says it every 20 ms.
    pub silence_every: Duration,
    /// Of the dwelling times.
    pub seed: u64,
}

/// How all calls are doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Answered so far.
    pub answered: usize,
    /// Of them, those that have heard the first step.
    pub walking: usize,
    /// Ended, however.
    pub ended: usize,
    /// Steps reached, all together.
    pub reached: u64,
    /// Steps that were wrong, all together.
    pub wrong: usize,
    /// Packets heard, all together.
    pub packets: u64,
}

/// What became of one call.
#[derive(Clone, Debug)]
pub struct CallReport {
    /// How it ended: [`Ending::HungUp`] is as it should be. `None`: it has not.
    pub ending: Option<Ending>,
    /// From the INVITE to the first of 180, 183 and 200 (post-dial delay). `None`: none came.
    pub setup: Option<Duration>,
    /// It heard something within its last two seconds.
    pub heard_to_the_end: bool,
    /// Steps reached, the first included.
    pub reached: u64,
    /// What was heard that was not due, in words.
    pub wrong: Vec<String>,
    /// From each key to the tone of the next step.
    pub waits: Vec<Duration>,
    /// Packets heard.
    pub packets: u64,
    /// Packets missing by their numbers.
    pub packets_lost: u64,
    /// The longest time between two packets in which there should have been sound; where the listener itself was held
    /// up, that is taken off.
    pub longest_gap: Duration,
}

impl CallReport {
    /// Whether the call lived until we hung up.
    pub fn survived(&self) -> bool {
        self.ending == Some(Ending::HungUp) && self.heard_to_the_end
    }
}

/// Calls at work. Dropping it abandons them.
pub struct Fleet {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Vec<CallReport>>>,
    calls: usize,
}

#[derive(Default)]
struct Shared {
    hang_up: AtomicBool,
    abandon: AtomicBool,
    snapshot: Mutex<Snapshot>,
}

impl Fleet {
    /// Begins to call.
    ///
    /// # Errors
    /// When there are not enough ports or file descriptors.
    pub fn start(plan: Plan) -> Result<Self> {
        let calls = plan.calls;
        let mut driver = Driver::new(plan)?;
        let shared = Arc::clone(&driver.shared);
        let thread = std::thread::spawn(move || {
            driver.drive();
            driver.reports()
        });
        Ok(Self {
            shared,
            thread: Some(thread),
            calls,
        })
    }

    /// How all calls are doing, not more than a few rounds ago.
    pub fn now(&self) -> Snapshot {
        *self
            .shared
            .snapshot
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until all calls are answered and have heard the first step.
    ///
    /// # Errors
    /// When they have not within `within`, or one has ended.
    pub fn wait_walking(&self, within: Duration) -> Result<()> {
        let reached = crate::wait::until(within, "all calls to hear the first step", || {
            let now = self.now();
            (now.walking == self.calls || now.ended > 0).then_some(now)
        });
        match reached {
            Ok(now) if now.ended == 0 => Ok(()),
            _ => Err(Failure::new(format!(
                "not all of {} calls are up: {:?}",
                self.calls,
                self.now()
            ))),
        }
    }

    /// Hangs up all calls, waits for their ends, tells what became of each.
    ///
    /// # Errors
    /// When the thread panicked.
    pub fn hang_up(mut self) -> Result<Vec<CallReport>> {
        self.shared.hang_up.store(true, Ordering::Relaxed);
        let thread = self.thread.take().doing("looking for the calls' thread")?;
        thread
            .join()
            .map_err(|_| Failure::new("the calls' thread panicked"))
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.shared.abandon.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It panics only with the test, which then has its own message.
            let _ = thread.join();
        }
    }
}

struct Call {
    dialog: Dialog,
    rtp: UdpSocket,
    ear: Ear,
    voice: Voice,
    walk: Walk,
    hung_up: Option<Instant>,
}

struct Driver {
    plan: Plan,
    account: Arc<Account>,
    tones: Arc<Tones>,
    shared: Arc<Shared>,
    poll: Poll,
    sip: UdpSocket,
    sip_addr: SocketAddr,
    calls: Vec<Call>,
    by_id: HashMap<String, usize>,
    began: Instant,
    random: u64,
    stretches: VecDeque<(Instant, Instant)>,
}

impl Driver {
    fn new(plan: Plan) -> Result<Self> {
        let poll = Poll::new().doing("making a poll")?;
        let mut sip = bind()?;
        let sip_addr = sip.local_addr().doing("asking for the SIP port")?;
        poll.registry()
            .register(&mut sip, SIP, Interest::READABLE)
            .doing("registering the SIP socket")?;
        let mut tones = plan.steps.tones_hz.clone();
        tones.push(plan.steps.wrong_hz);
        Ok(Self {
            account: Arc::new(plan.account.clone()),
            tones: Arc::new(Tones::new(&tones)),
            shared: Arc::default(),
            poll,
            sip,
            sip_addr,
            calls: Vec::new(),
            by_id: HashMap::new(),
            began: Instant::now(),
            // Zero would stay zero.
            random: plan.seed | 1 << 63,
            stretches: VecDeque::new(),
            plan,
        })
    }

    fn drive(&mut self) {
        let mut events = Events::with_capacity(1_024);
        let mut next_round = Instant::now();
        let mut awake = Instant::now();
        while !self.is_over() {
            let wait = next_round.saturating_duration_since(Instant::now());
            // A signal may interrupt it; the next turn goes on.
            let _ = self.poll.poll(&mut events, Some(wait));
            self.note_held_up(awake);
            awake = Instant::now();
            for event in &events {
                match event.token() {
                    SIP => self.receive_sip(),
                    Token(call) => self.receive_rtp(call),
                }
            }
            let now = Instant::now();
            if now >= next_round {
                next_round = (next_round + ROUND).max(now);
                self.round(now);
            }
        }
    }

    fn is_over(&self) -> bool {
        let all_ended = self.calls.len() == self.plan.calls
            && self.calls.iter().all(|call| call.dialog.ending().is_some());
        self.shared.abandon.load(Ordering::Relaxed)
            || (all_ended && self.shared.hang_up.load(Ordering::Relaxed))
    }

    /// Between two turns there is at most a round: what is longer, this thread did not get the processor.
    fn note_held_up(&mut self, awake: Instant) {
        let now = Instant::now();
        if now - awake > HELD_UP {
            self.stretches.truncate(STRETCHES_MOST - 1);
            self.stretches.push_front((awake, now));
        }
    }

    fn receive_sip(&mut self) {
        let mut datagram = [0; 4_096];
        while let Ok(length) = self.sip.recv(&mut datagram) {
            let Some(message) = datagram.get(..length).and_then(Message::parse) else {
                continue;
            };
            let id = message
                .header("Call-ID")
                .and_then(|id| self.by_id.get(id).copied());
            let Some(call) = id.and_then(|id| self.calls.get_mut(id)) else {
                continue;
            };
            call.dialog.handle(&message, Instant::now());
            send(&self.sip, &mut call.dialog, self.plan.server);
        }
    }

    fn receive_rtp(&mut self, id: usize) {
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        let mut packet = [0; 2_048];
        while let Ok(length) = call.rtp.recv(&mut packet) {
            let now = Instant::now();
            let packet = packet.get(..length).unwrap_or_default();
            let stretches = &self.stretches;
            let held_up = |from, to| overlap(stretches, from, to);
            if let Some(tone) = call.ear.hear(packet, now, held_up) {
                let random = &mut self.random;
                let dwell = || self.plan.dwell.map(|(least, most)| between(random, least, most));
                call.walk.hear(tone, dwell, now);
            }
        }
    }

    fn round(&mut self, now: Instant) {
        let due = (now - self.began).as_secs_f64() * f64::from(self.plan.per_second);
        let hang_up = self.shared.hang_up.load(Ordering::Relaxed);
        while self.calls.len() < self.plan.calls && (self.calls.len() as f64) < due {
            // It fails only when ports run out: then fewer calls are walking than were wanted, which is waited for.
            let Ok(()) = self.add_call(now) else { break };
        }
        for call in &mut self.calls {
            if let Some(peer) = call.dialog.media().filter(|_| call.dialog.ending().is_none()) {
                if let Some(key) = call
                    .walk
                    .poll_press(now)
                    .and_then(|step| self.plan.steps.keys.get(step))
                {
                    call.voice.press(*key, now);
                }
                if let Some(packet) = call.voice.poll(now) {
                    // A port that has gone answers with an ICMP error.
                    let _ = call.rtp.send_to(&packet, peer);
                }
            }
            if hang_up && call.hung_up.is_none() {
                call.hung_up = Some(now);
                call.dialog.hang_up(now);
            }
            call.dialog.handle_timeout(now);
            send(&self.sip, &mut call.dialog, self.plan.server);
        }
        *self
            .shared
            .snapshot
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = self.snapshot();
    }

    fn add_call(&mut self, now: Instant) -> Result<()> {
        let id = self.calls.len();
        let mut rtp = bind()?;
        let port = rtp.local_addr().doing("asking for the RTP port")?.port();
        self.poll
            .registry()
            .register(&mut rtp, Token(id), Interest::READABLE)
            .doing("registering an RTP socket")?;
        let call_id = format!("fleet-{}-{}-{id}", std::process::id(), self.sip_addr.port());
        let dialog = Dialog::call(
            Arc::clone(&self.account),
            self.sip_addr,
            port,
            call_id.clone(),
            now,
        );
        self.by_id.insert(call_id, id);
        self.calls.push(Call {
            dialog,
            rtp,
            ear: Ear::new(Arc::clone(&self.tones)),
            voice: Voice::new(id as u32 + 1, self.plan.silence_every, now),
            walk: Walk::new(self.plan.steps.keys.len()),
            hung_up: None,
        });
        Ok(())
    }

    fn snapshot(&self) -> Snapshot {
        let count = |holds: &dyn Fn(&&Call) -> bool| self.calls.iter().filter(holds).count();
        Snapshot {
            answered: count(&|call| call.dialog.media().is_some()),
            walking: count(&|call| call.walk.reached > 0),
            ended: count(&|call| call.dialog.ending().is_some()),
            reached: self.calls.iter().map(|call| call.walk.reached).sum(),
            wrong: self.calls.iter().map(|call| call.walk.wrong.len()).sum(),
            packets: self.calls.iter().map(|call| call.ear.packets).sum(),
        }
    }

    fn reports(self) -> Vec<CallReport> {
        let lately = |call: &Call| {
            let end = call.hung_up.unwrap_or_else(Instant::now);
            let latest = call.ear.latest;
            latest.is_some_and(|latest| latest + Duration::from_secs(2) > end)
        };
        let report = |call: Call| CallReport {
            ending: call.dialog.ending().cloned(),
            setup: call.dialog.setup(),
            heard_to_the_end: lately(&call),
            reached: call.walk.reached,
            waits: call.walk.waits,
            wrong: call.walk.wrong,
            packets: call.ear.packets,
            packets_lost: call.ear.lost,
            longest_gap: call.ear.longest_gap,
        };
        self.calls.into_iter().map(report).collect()
    }
}

fn bind() -> Result<UdpSocket> {
    UdpSocket::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).doing("binding a socket")
}

fn send(socket: &UdpSocket, dialog: &mut Dialog, server: SocketAddr) {
    while let Some(datagram) = dialog.poll_transmit() {
        // What is not sent now is sent again by its timer.
        let _ = socket.send_to(datagram.as_bytes(), server);
    }
}

/// How much of the time from `from` to `to` lies in the stretches.
fn overlap(stretches: &VecDeque<(Instant, Instant)>, from: Instant, to: Instant) -> Duration {
    stretches
        .iter()
        .map(|(began, ended)| (*ended).min(to).saturating_duration_since((*began).max(from)))
        .sum()
}

/// xorshift64: good enough to choose, and the same everywhere.
fn between(state: &mut u64, least: Duration, most: Duration) -> Duration {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    least + (most.saturating_sub(least)).mul_f64((*state >> 11) as f64 / (1_u64 << 53) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn being_held_up_is_counted_where_it_overlaps() {
        let began = Instant::now();
        let at = |ms| began + Duration::from_millis(ms);
        let stretches = VecDeque::from([(at(100), at(200)), (at(300), at(350))]);
        let overlap = |from, to| overlap(&stretches, at(from), at(to)).as_millis();
        assert_eq!(
            (
                overlap(0, 90),
                overlap(50, 150),
                overlap(150, 320),
                overlap(0, 400)
            ),
            (0, 50, 70, 150)
        );
    }

    #[test]
    fn dwelling_times_lie_between_their_bounds_and_differ() {
        let (least, most) = (Duration::from_millis(500), Duration::from_secs(2));
        let mut state = 1 << 63;
        let times: Vec<Duration> = (0..100).map(|_| between(&mut state, least, most)).collect();
        assert!(times.iter().all(|time| (least..most).contains(time)));
        assert!(times.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(between(&mut state, least, least), least);
    }
}
