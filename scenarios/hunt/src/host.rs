//! The hunt's office is the host.

use std::time::Duration;

use tandem_sdk::key_value::{self, KvError};
use tandem_sdk::{Dial, DialFailure, Leg, Target, clock, dial, find_user, log, random};

use crate::{Office, Plan, Rang, Strategy, hunt};

/// What came of a hunt.
#[derive(Debug)]
pub enum Found {
    /// Somebody answered: the leg.
    Callee(Leg),
    /// Nobody did: of all failures the one that says most.
    Nobody(DialFailure),
    /// The caller hung up.
    CallerGone,
}

/// A group that calls can be made to.
pub struct Group<'a> {
    /// On whose behalf.
    pub caller: &'a Leg,
    /// Under which key turns and times are kept, such as `ring-group/600`.
    pub key: String,
    /// What a member is: a user's name, or a number that leads to one.
    pub target: fn(&str) -> Target,
    /// Is told who rings now.
    pub rings: fn(&str),
}

impl Group<'_> {
    /// Rings the group.
    pub fn ring(&self, plan: &Plan<'_>) -> Found {
        let mut office = Host {
            group: self,
            callee: None,
            failure: DialFailure::Unreachable,
        };
        match hunt(plan, &mut office) {
            Rang::CallerGone => Found::CallerGone,
            Rang::Nobody => Found::Nobody(office.failure),
            Rang::Answered => match office.callee.take() {
                Some((member, callee)) => {
                    if plan.strategy == Strategy::LeastRecent {
                        office.remember(&member);
                    }
                    Found::Callee(callee)
                }
                None => Found::Nobody(office.failure),
            },
        }
    }
}

struct Host<'a> {
    group: &'a Group<'a>,
    /// Who answered, and the leg.
    callee: Option<(String, Leg)>,
    /// The failure so far that says most.
    failure: DialFailure,
}

impl Office for Host<'_> {
    fn now_ms(&mut self) -> u64 {
        u64::try_from(clock::since_epoch().as_millis()).unwrap_or(u64::MAX)
    }

    fn chance(&mut self) -> u64 {
        random::next()
    }

    fn turn(&mut self) -> u64 {
        match key_value::increment(&format!("{}/turn", self.group.key), 1) {
            // The first call is number 1, and begins with the first member.
            Ok(turn) => u64::try_from(turn - 1).unwrap_or_default(),
            Err(error) => unknown("whose turn it is", &error),
        }
    }

    fn answered_ms(&mut self, member: &str) -> u64 {
        match key_value::get(&self.answered(member)) {
            Ok(Some(text)) => String::from_utf8_lossy(&text).parse().unwrap_or_default(),
            Ok(None) => 0,
            Err(error) => unknown("who answered when", &error),
        }
    }

    fn is_registered(&mut self, member: &str) -> bool {
        if let Some(user) = find_user(member) {
            return user.registered;
        }
        log::warn(&format!("the member {member} leads to no user"));
        false
    }

    fn ring(&mut self, members: &[&str], time_s: u32) -> Rang {
        let names = members.join(", ");
        (self.group.rings)(&names);
        let targets: Vec<_> = members.iter().map(|member| (self.group.target)(member)).collect();
        let how = Dial {
            timeout: Duration::from_secs(time_s.into()),
            ..Dial::default()
        };
        match dial(self.group.caller, &targets, &how) {
            Ok(callee) => {
                self.callee = Some((names, callee));
                Rang::Answered
            }
            Err(DialFailure::CallerGone) => Rang::CallerGone,
            Err(failure) => {
                self.note(&names, failure);
                Rang::Nobody
            }
        }
    }
}

impl Host<'_> {
    fn answered(&self, member: &str) -> String {
        format!("{}/answered/{member}", self.group.key)
    }

    /// Keeps that the member has taken a call now.
    fn remember(&mut self, member: &str) {
        let now_ms = self.now_ms().to_string();
        if let Err(error) = key_value::set(&self.answered(member), now_ms.as_bytes()) {
            unknown("who answered when", &error);
        }
    }

    fn note(&mut self, names: &str, failure: DialFailure) {
        if is_trouble(&failure) {
            log::warn(&format!("{names}: {}", String::from(failure.clone())));
        }
        if weight(&failure) > weight(&self.failure) {
            self.failure = failure;
        }
    }
}

/// Whether whoever runs the group should know of it.
fn is_trouble(failure: &DialFailure) -> bool {
    matches!(
        failure,
        DialFailure::Rejected(_)
            | DialFailure::Media(_)
            | DialFailure::BadArgument(_)
            | DialFailure::Limit(_)
    )
}

/// A phone that rang says more than one that is busy, and that more than one that is not there.
fn weight(failure: &DialFailure) -> u8 {
    match failure {
        DialFailure::NoAnswer => 4,
        DialFailure::Busy => 3,
        DialFailure::Declined => 2,
        DialFailure::Rejected(_)
        | DialFailure::Media(_)
        | DialFailure::BadArgument(_)
        | DialFailure::Limit(_) => 1,
        DialFailure::NotFound(_) | DialFailure::Unreachable | DialFailure::CallerGone => 0,
    }
}

/// The order is then the one of the settings: a call is worth more than its order.
fn unknown(what: &str, error: &KvError) -> u64 {
    log::warn(&format!("it is not known {what}: {error:?}"));
    0
}
