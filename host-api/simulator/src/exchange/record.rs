//! Who ended a call, and why: the words that its record would have (`runtime/switch/src/record.rs`).

use super::leg::{By, Leg, Role};
use crate::case::EndedBy;

/// Who ended the call. Where the scenario ended the caller's leg because a callee had hung up, or with the status by
/// which a callee had refused, it was that callee.
pub fn ended_by(legs: &[Leg]) -> Option<EndedBy> {
    let caller = legs.first()?;
    let ending = caller.ending.as_ref()?;
    if ending.by == By::Peer {
        return Some(EndedBy::Caller);
    }
    let callees = legs.iter().filter(|leg| leg.role == Role::Callee);
    let last = callees
        .filter_map(|leg| leg.ending.as_ref().map(|ending| (leg, ending)))
        .max_by_key(|(_, ending)| ending.at);
    Some(match last {
        Some((leg, last))
            if last.by == By::Peer
                && (leg.answered || (!caller.answered && last.status == ending.status)) =>
        {
            EndedBy::Callee
        }
        Some(_) | None => EndedBy::Scenario,
    })
}

/// Why the call ended, in the caller's view, and the status behind it; `failed`: the scenario did.
pub fn cause(legs: &[Leg], failed: bool) -> Option<(&'static str, u16)> {
    let caller = legs.first()?;
    let status = caller.ending.as_ref()?.status;
    let word = match status {
        _ if failed => "scenario-failed",
        200 => "normal",
        403 => "forbidden",
        404 | 604 => "not-found",
        408 if caller.answered => "lost",
        408 => "no-answer",
        480 => "unavailable",
        486 | 600 => "busy",
        487 => "cancelled",
        415 | 488 | 606 => "not-acceptable",
        503 => "congested",
        603 => "declined",
        400..=499 | 600..=699 => "rejected",
        _ => "failed",
    };
    Some((word, status))
}
