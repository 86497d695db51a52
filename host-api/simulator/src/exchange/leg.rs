//! One side of a call: its state, what is played on it, who is there.

use std::collections::VecDeque;
use std::time::Duration;

use tandem_host_api::op::{Address, LegError};

use super::party::Party;
use super::sound::Playing;
use crate::case::Then;

/// Digits kept for a later collection; the oldest go first.
const DIGITS_MAX: usize = 64;

/// Where a leg stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The caller waits for an answer; `early`: and hears us already.
    Incoming { early: bool },
    /// A device was dialled and has not answered.
    Outgoing,
    /// Answered.
    Up,
    /// Of another call: it can be bridged and hung up.
    Elsewhere,
    /// Over.
    Over,
}

/// Which side began it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Caller,
    Callee,
}

/// How a leg ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    pub at: Duration,
    pub by: By,
    /// The status that says why; 200 for a BYE.
    pub status: u16,
    pub cause: String,
}

/// Who ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Peer,
    Scenario,
}

/// Something that a peer heard.
#[derive(Debug, Clone)]
pub struct Heard {
    /// Its text, or what it was.
    pub what: String,
    /// When it began.
    pub began: Duration,
    /// How far it has come.
    pub end: HeardEnd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeardEnd {
    /// It plays.
    Playing,
    /// To its end.
    Whole,
    /// It was stopped.
    Cut,
}

/// A leg.
#[derive(Debug)]
pub struct Leg {
    pub role: Role,
    pub peer: Address,
    pub local: Address,
    pub state: State,
    /// Whether the caller was told that it rings.
    pub ringing: bool,
    pub answered: bool,
    pub ending: Option<Ending>,
    pub playing: Option<Playing>,
    pub heard: Vec<Heard>,
    pub digits: VecDeque<char>,
    /// Collections on it that ended because the time ran out.
    pub timeouts: usize,
    /// When each of its bridges began.
    pub bridges: Vec<Duration>,
    /// What the dialled device does, and when.
    pub reaction: Option<(Duration, Then)>,
    pub party: Party,
}

impl Leg {
    pub fn incoming(peer: Address, local: Address) -> Self {
        Self::new(Role::Caller, State::Incoming { early: false }, peer, local)
    }

    pub fn outgoing(peer: Address, local: Address) -> Self {
        Self::new(Role::Callee, State::Outgoing, peer, local)
    }

    /// A leg of another call.
    pub fn elsewhere(peer: Address, local: Address) -> Self {
        Self {
            answered: true,
            ..Self::new(Role::Callee, State::Elsewhere, peer, local)
        }
    }

    fn new(role: Role, state: State, peer: Address, local: Address) -> Self {
        Self {
            role,
            peer,
            local,
            state,
            ringing: false,
            answered: false,
            ending: None,
            playing: None,
            heard: Vec::new(),
            digits: VecDeque::new(),
            timeouts: 0,
            bridges: Vec::new(),
            reaction: None,
            party: Party::default(),
        }
    }

    pub fn is_over(&self) -> bool {
        self.state == State::Over
    }

    pub fn is_up(&self) -> bool {
        matches!(self.state, State::Up | State::Elsewhere)
    }

    /// Whether something can be played to the peer.
    pub fn is_audible(&self) -> bool {
        matches!(self.state, State::Up | State::Incoming { early: true })
    }

    /// Whether the domain's music plays.
    pub fn is_held(&self) -> bool {
        self.playing.as_ref().is_some_and(Playing::is_music)
    }

    /// Tells the caller that it rings.
    pub fn ring(&mut self) -> Result<(), LegError> {
        match (self.state, self.role) {
            (State::Incoming { .. }, _) => {
                self.ringing = true;
                Ok(())
            }
            (State::Up, Role::Caller) => Ok(()),
            (State::Over, _) => Err(LegError::Gone),
            (State::Outgoing | State::Elsewhere, _) | (State::Up, Role::Callee) => Err(LegError::WrongState(
                "a leg that was dialled cannot be told to ring".into(),
            )),
        }
    }

    /// Answers, or opens early media.
    pub fn open(&mut self, answer: bool) -> Result<(), LegError> {
        match (self.state, self.role) {
            (State::Over, _) => Err(LegError::Gone),
            (_, Role::Callee) => Err(LegError::WrongState("only a calling leg can be answered".into())),
            (State::Up | State::Outgoing | State::Elsewhere, Role::Caller) => Ok(()),
            (State::Incoming { .. }, Role::Caller) => {
                self.state = if answer {
                    State::Up
                } else {
                    State::Incoming { early: true }
                };
                self.answered |= answer;
                Ok(())
            }
        }
    }

    /// Keeps a digit that nobody collects.
    pub fn keep_digit(&mut self, digit: char) {
        if self.digits.len() == DIGITS_MAX {
            self.digits.pop_front();
        }
        self.digits.push_back(digit);
    }

    /// When the prompt under way has been played.
    pub fn sound_ends_at(&self) -> Option<Duration> {
        self.playing.as_ref().and_then(Playing::ends_at)
    }

    /// When the dialled device does something.
    pub fn reacts_at(&self) -> Option<Duration> {
        let (at, _) = self.reaction.filter(|_| self.state == State::Outgoing)?;
        Some(at)
    }

    /// When the party acts; a party that waits for something acts as soon as it is there.
    pub fn acts_at(&mut self, now: Duration) -> Option<Duration> {
        let there = match self.role {
            Role::Caller => !self.is_over(),
            Role::Callee => self.is_up(),
        };
        if !there {
            return None;
        }
        let mut party = std::mem::take(&mut self.party);
        let at = party.acts_at(self, now);
        self.party = party;
        at
    }
}
