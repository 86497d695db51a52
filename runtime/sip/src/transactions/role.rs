//! The four machines behind one face, and the words they share with the table.

use super::client_invite::{self, ClientInvite};
use super::client_other::{self, ClientOther};
use super::server_invite::{self, ServerInvite};
use super::server_other::{self, ServerOther};
use super::timers::{Timers, Times};
use crate::moment::Moment;
use serde::{Deserialize, Serialize};

/// Response classes as the figures tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// 100–199
    Provisional,
    /// 200–299
    Success,
    /// 300–699
    Failure,
}

impl Class {
    pub(super) fn of(status: u16) -> Class {
        match status {
            0..200 => Class::Provisional,
            200..300 => Class::Success,
            _ => Class::Failure,
        }
    }
}

/// What a machine wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Send the request, or the last response, (again).
    Send,
    /// Make 100 Trying the last response and send it.
    Trying,
    /// Acknowledge the refusal at hand.
    Ack,
    /// Send a CANCEL for the request.
    Cancel,
    /// The same, with the reason that somebody else has answered (RFC 3326).
    CancelElsewhere,
    /// Pass the message at hand on.
    Deliver,
    /// Tell that no final response came.
    TimedOut,
    /// Tell that sending failed, or that the ACK never came.
    Failed,
    /// Tell the user that it has answered already.
    TooLate,
    /// The machine is in Terminated: let it go.
    Done,
}

/// One of the four machines, each input given to whom it concerns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Role {
    ClientInvite(ClientInvite),
    ClientOther(ClientOther),
    ServerInvite(ServerInvite),
    ServerOther(ServerOther),
}

impl Role {
    pub(super) fn timers(&self) -> &Timers {
        match self {
            Role::ClientInvite(machine) => &machine.timers,
            Role::ClientOther(machine) => &machine.timers,
            Role::ServerInvite(machine) => &machine.timers,
            Role::ServerOther(machine) => &machine.timers,
        }
    }

    pub(super) fn is_client(&self) -> bool {
        matches!(self, Role::ClientInvite(_) | Role::ClientOther(_))
    }

    pub(super) fn wants_resend(&self, now: Moment) -> bool {
        match self {
            Role::ClientInvite(machine) => machine.wants_resend(now),
            Role::ClientOther(machine) => machine.wants_resend(now),
            Role::ServerInvite(machine) => machine.wants_resend(now),
            Role::ServerOther(machine) => machine.wants_resend(),
        }
    }

    pub(super) fn is_sound(&self) -> bool {
        match self {
            Role::ClientInvite(machine) => machine.is_sound(),
            Role::ClientOther(machine) => machine.is_sound(),
            Role::ServerInvite(machine) => machine.is_sound(),
            Role::ServerOther(machine) => machine.is_sound(),
        }
    }

    pub(super) fn adopt(&mut self, times: Times) {
        match self {
            Role::ClientInvite(machine) => machine.adopt(times),
            Role::ClientOther(machine) => machine.adopt(times),
            Role::ServerInvite(machine) => machine.adopt(times),
            Role::ServerOther(machine) => machine.adopt(times),
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Moment, actions: &mut Vec<Action>) {
        match self {
            Role::ClientInvite(machine) => machine.handle(client_invite::Input::Timeout, now, actions),
            Role::ClientOther(machine) => machine.handle(client_other::Input::Timeout, now, actions),
            Role::ServerInvite(machine) => machine.handle(server_invite::Input::Timeout, now, actions),
            Role::ServerOther(machine) => machine.handle(server_other::Input::Timeout, now, actions),
        }
    }

    pub(super) fn handle_transport_error(&mut self, now: Moment, actions: &mut Vec<Action>) {
        match self {
            Role::ClientInvite(machine) => machine.handle(client_invite::Input::TransportError, now, actions),
            Role::ClientOther(machine) => machine.handle(client_other::Input::TransportError, now, actions),
            Role::ServerInvite(machine) => machine.handle(server_invite::Input::TransportError, now, actions),
            Role::ServerOther(machine) => machine.handle(server_other::Input::TransportError, now, actions),
        }
    }

    pub(super) fn handle_response(&mut self, class: Class, now: Moment, actions: &mut Vec<Action>) {
        match self {
            Role::ClientInvite(machine) => {
                machine.handle(client_invite::Input::Response(class), now, actions);
            }
            Role::ClientOther(machine) => machine.handle(client_other::Input::Response(class), now, actions),
            Role::ServerInvite(_) | Role::ServerOther(_) => (),
        }
    }

    pub(super) fn respond(&mut self, class: Class, now: Moment, actions: &mut Vec<Action>) {
        match self {
            Role::ServerInvite(machine) => machine.handle(server_invite::Input::Respond(class), now, actions),
            Role::ServerOther(machine) => machine.handle(server_other::Input::Respond(class), now, actions),
            Role::ClientInvite(_) | Role::ClientOther(_) => (),
        }
    }

    pub(super) fn handle_repeat(&mut self, now: Moment, actions: &mut Vec<Action>) {
        match self {
            Role::ServerInvite(machine) => machine.handle(server_invite::Input::Invite, now, actions),
            Role::ServerOther(machine) => machine.handle(server_other::Input::Request, now, actions),
            Role::ClientInvite(_) | Role::ClientOther(_) => (),
        }
    }
}
