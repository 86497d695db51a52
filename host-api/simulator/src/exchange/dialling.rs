//! One `dial`: who rings, who answers, and the reason when nobody does. The rules are those of
//! `runtime/switch/src/dialling.rs`, with one device a user.

use std::collections::BTreeMap;
use std::time::Duration;

use tandem_host_api::Input;
use tandem_host_api::op::{
    Address, DialFailure, DialOptions, LegId, Outcome, Strategy, Target, TransferFailure, TransferTarget,
    Waiting,
};

use super::leg::{By, Leg, State};
use super::party::Party;
use super::{Exchange, Pending};
use crate::case::{Act, Reaction, Then, User, World};

/// Legs of one call.
const LEGS_MAX: usize = 256;

/// Where one target stands.
#[derive(Debug)]
enum Attempt {
    /// Its turn has not come.
    Waiting(Target),
    /// Its device was called.
    Calling(LegId),
    /// Nobody answered.
    Failed,
}

/// A dial under way.
#[derive(Debug)]
pub struct Dialling {
    caller: LegId,
    from: Address,
    options: DialOptions,
    attempts: Vec<Attempt>,
    /// The reason that says most so far.
    failure: Option<DialFailure>,
    until: Duration,
    rings: bool,
}

impl Dialling {
    /// When the time of this turn is over.
    pub fn deadline(&self) -> Duration {
        self.until
    }

    fn note(&mut self, failure: DialFailure) {
        if self
            .failure
            .as_ref()
            .is_none_or(|best| failure.weight() > best.weight())
        {
            self.failure = Some(failure);
        }
    }

    fn called(&mut self, place: usize, leg: LegId) {
        if let Some(attempt) = self.attempts.get_mut(place) {
            *attempt = Attempt::Calling(leg);
        }
    }

    fn is_calling(&self) -> bool {
        self.attempts
            .iter()
            .any(|attempt| matches!(attempt, Attempt::Calling(_)))
    }
}

/// The user that a target leads to.
pub fn find<'a>(world: &'a World, number: &str) -> Option<(&'a String, &'a crate::case::User)> {
    let by_name = world.users.get_key_value(number);
    by_name.or_else(|| {
        world
            .users
            .iter()
            .find(|(_, user)| user.numbers.iter().any(|n| n == number))
    })
}

/// What a user does this time. Who says nothing of it lets it ring.
fn reaction(dialled: &mut BTreeMap<String, usize>, name: &str, user: &User) -> Reaction {
    let times = dialled.entry(name.to_owned()).or_default();
    let reaction = user.dialled.get(*times).or(user.dialled.last()).cloned();
    *times += 1;
    reaction.unwrap_or(Reaction {
        after: Duration::ZERO,
        then: Then::Ring,
        acts: Vec::new(),
    })
}

impl Exchange {
    /// Begins a dial.
    pub(super) fn dial(&mut self, caller: LegId, targets: &[Target], options: &DialOptions) {
        for Target::User(name) | Target::Number(name) in targets {
            self.seen.dialled.push(name.clone());
        }
        let Some(leg) = self.leg(caller).filter(|leg| !leg.is_over()) else {
            return self.done(Outcome::Dialled(Err(DialFailure::CallerGone)));
        };
        let shown = options.caller_id.clone().unwrap_or_else(|| leg.peer.clone());
        let dialling = Dialling {
            caller,
            from: Address {
                host: self.case.world.domain.clone(),
                ..shown
            },
            options: options.clone(),
            attempts: targets.iter().cloned().map(Attempt::Waiting).collect(),
            failure: None,
            until: self.now() + Duration::from_millis(options.timeout_ms.into()),
            rings: false,
        };
        self.pending = Pending::Dialling(Box::new(dialling));
        self.dialling_next();
    }

    fn dialling(&mut self) -> Option<&mut Dialling> {
        match &mut self.pending {
            Pending::Dialling(dialling) => Some(dialling),
            _ => None,
        }
    }

    /// Calls every target, or the next one that can be called; ends the dial when none is left.
    fn dialling_next(&mut self) {
        loop {
            let now = self.now();
            let Some(dialling) = self.dialling() else { return };
            if dialling.options.strategy == Strategy::InTurn && dialling.is_calling() {
                break;
            }
            let waiting = dialling
                .attempts
                .iter()
                .position(|attempt| matches!(attempt, Attempt::Waiting(_)));
            let Some(place) = waiting else { break };
            dialling.until = now + Duration::from_millis(dialling.options.timeout_ms.into());
            let Some(attempt) = dialling.attempts.get_mut(place) else {
                return;
            };
            let Attempt::Waiting(target) = std::mem::replace(attempt, Attempt::Failed) else {
                return;
            };
            let called = self.call_device(&target);
            let Some(dialling) = self.dialling() else { return };
            match called {
                Ok(leg) => dialling.called(place, leg),
                Err(failure) => dialling.note(failure),
            }
        }
        let Some(dialling) = self.dialling() else { return };
        if !dialling.is_calling() {
            let failure = dialling.failure.take().unwrap_or(DialFailure::Unreachable);
            self.dialling_over(Err(failure));
            return;
        }
        self.dialling_rings();
    }

    /// Calls the device of a target.
    fn call_device(&mut self, target: &Target) -> Result<LegId, DialFailure> {
        let world = &self.case.world;
        let found = match target {
            Target::User(name) => world.users.get_key_value(name),
            Target::Number(number) => find(world, number),
        };
        let Some((name, user)) = found else {
            return Err(DialFailure::NotFound("no such user".into()));
        };
        if !user.registered {
            return Err(DialFailure::Unreachable);
        }
        if self.legs.len() >= LEGS_MAX {
            return Err(DialFailure::Limit(format!("a call has at most {LEGS_MAX} legs")));
        }
        let reaction = reaction(&mut self.dialled, name, user);
        let peer = Address {
            user: name.clone(),
            host: world.domain.clone(),
            display_name: String::new(),
        };
        let now = self.now();
        let from = self
            .dialling()
            .map(|dialling| dialling.from.clone())
            .unwrap_or_default();
        let mut leg = Leg::outgoing(peer, from);
        leg.party = Party::new(reaction.acts, now);
        leg.reaction = Some((now + reaction.after, reaction.then)).filter(|(_, then)| *then != Then::Ring);
        leg.ringing = !matches!(reaction.then, Then::Refuse(_));
        let id = LegId(self.legs.len() as u32);
        let rings = leg.ringing;
        self.legs.push(leg);
        if rings {
            self.journal.input(Input::LegRinging { leg: id });
        }
        Ok(id)
    }

    /// A leg that stands for who calls in another call.
    pub(super) fn add_elsewhere(&mut self, from: &str, called: &str, acts: Vec<Act>) -> LegId {
        let address = |user: &str| Address {
            user: user.to_owned(),
            host: self.case.world.domain.clone(),
            display_name: String::new(),
        };
        let mut leg = Leg::elsewhere(address(from), address(called));
        leg.party = Party::new(acts, self.now());
        let id = LegId(self.legs.len() as u32);
        self.legs.push(leg);
        id
    }

    /// How long a phone that was asked to call somebody else is at it, and what it tells then. None: nothing.
    pub(super) fn transferred(
        &mut self,
        target: &TransferTarget,
    ) -> (Option<Duration>, Result<(), TransferFailure>) {
        let TransferTarget::Number(number) = target else {
            // Beyond the test's world everybody answers.
            return (Some(Duration::ZERO), Ok(()));
        };
        let failed = |status, reason: &str| Err(TransferFailure::Failed(status, reason.to_owned()));
        let Some((name, user)) = find(&self.case.world, number) else {
            return (Some(Duration::ZERO), failed(404, "Not Found"));
        };
        if !user.registered {
            return (Some(Duration::ZERO), failed(480, "Temporarily Unavailable"));
        }
        let Reaction { after, then, .. } = reaction(&mut self.dialled, name, user);
        match then {
            Then::Answer => (Some(after), Ok(())),
            Then::Decline => (Some(after), failed(603, "Decline")),
            Then::Refuse(status) => (Some(after), failed(status, "")),
            Then::Ring => (None, Ok(())),
        }
    }

    /// A device rings: the caller is told, once.
    fn dialling_rings(&mut self) {
        let rings = self
            .legs
            .iter()
            .any(|leg| leg.ringing && leg.state == State::Outgoing);
        let Some(dialling) = self.dialling() else { return };
        if !rings || std::mem::replace(&mut dialling.rings, true) {
            return;
        }
        let (caller, tone) = (dialling.caller, dialling.options.ringback);
        let Some(leg) = self.leg(caller) else { return };
        if !leg.is_audible() {
            // A leg that can neither ring nor hear is left as it is.
            drop(leg.ring());
        } else if tone {
            self.play_ringback(caller);
        }
    }

    /// A dialled device does what it does.
    pub(super) fn react(&mut self, id: LegId) {
        let now = self.now();
        let Some(leg) = self.leg(id) else { return };
        match leg.reaction.take().map(|(_, then)| then) {
            Some(Then::Answer) => {
                leg.state = State::Up;
                leg.answered = true;
                leg.party.begin(now);
                self.journal.input(Input::LegAnswered { leg: id });
                if self.dialling().is_some() {
                    self.dialling_over(Ok(id));
                }
            }
            Some(Then::Decline) => self.refuse(id, 603),
            Some(Then::Refuse(status)) => self.refuse(id, status),
            Some(Then::Ring) | None => (),
        }
    }

    fn refuse(&mut self, id: LegId, status: u16) {
        self.end_leg(id, By::Peer, status, reason(status));
        self.after_end(id);
    }

    /// A leg ended while dialling: a device that refused, or the caller.
    pub(super) fn dialling_leg_ended(&mut self, id: LegId) {
        let ending = self.leg(id).and_then(|leg| leg.ending.clone());
        let Some(dialling) = self.dialling() else { return };
        if dialling.caller == id {
            return self.dialling_over(Err(DialFailure::CallerGone));
        }
        let ours = dialling
            .attempts
            .iter_mut()
            .find(|attempt| matches!(attempt, Attempt::Calling(leg) if *leg == id));
        let Some(attempt) = ours else { return };
        *attempt = Attempt::Failed;
        if let Some(ending) = ending {
            dialling.note(DialFailure::of_status(ending.status, &ending.cause));
        }
        self.dialling_next();
    }

    /// The time of a turn is over: its devices are cancelled.
    pub(super) fn dialling_timeout(&mut self) {
        let Some(dialling) = self.dialling() else { return };
        dialling.note(DialFailure::NoAnswer);
        let mut ringing = Vec::new();
        for attempt in &mut dialling.attempts {
            if let Attempt::Calling(leg) = *attempt {
                ringing.push(leg);
                *attempt = Attempt::Failed;
            }
        }
        for id in ringing {
            self.hang_up(id, 480, "did not answer in time");
        }
        self.dialling_next();
    }

    /// The scenario's deadline is over.
    pub(super) fn dialling_past_deadline(&mut self) {
        if let Outcome::Dialled(failed) = Waiting::Dial.past_deadline() {
            self.dialling_over(failed);
        }
    }

    /// Ends the dial; every other device stops ringing.
    fn dialling_over(&mut self, result: Result<LegId, DialFailure>) {
        let Pending::Dialling(dialling) = std::mem::replace(&mut self.pending, Pending::Nothing) else {
            return;
        };
        let words = if result.is_ok() {
            "answered elsewhere"
        } else {
            "no longer wanted"
        };
        for attempt in &dialling.attempts {
            if let Attempt::Calling(id) = attempt
                && result.as_ref().ok() != Some(id)
            {
                self.hang_up(*id, 487, words);
            }
        }
        if dialling.rings {
            self.stop_sound(dialling.caller);
        }
        self.done(Outcome::Dialled(result));
    }
}

/// The reason phrase of a status, as phones say it.
fn reason(status: u16) -> &'static str {
    match status {
        408 => "Request Timeout",
        415 => "Unsupported Media Type",
        480 => "Temporarily Unavailable",
        486 => "Busy Here",
        488 => "Not Acceptable Here",
        503 => "Service Unavailable",
        600 => "Busy Everywhere",
        603 => "Decline",
        _ => "Refused",
    }
}
