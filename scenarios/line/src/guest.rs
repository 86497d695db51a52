//! A call of the line: the host says who calls and what the hours are, and takes the caller where the rules say.

use std::time::Duration;

use hunt::Plan;
use hunt::host::{Found, Group as Hunt};
use onward::{Failure, Next};
use tandem_sdk::schedule;
use tandem_sdk::{Cause, Dial, DialFailure, Leg, Target, config, dial, log, trace};

use crate::table::{Group, Prompt, Reason, Table, To};
use crate::{Call, State, decide};

tandem_sdk::scenario!(handle);

/// One call. An error is a configuration that cannot be read, or the fall-back that it wants.
fn handle(caller: Leg) -> Result<(), String> {
    let table = Table::parse(&config::document())?;
    trace::step("line", "Look at the rules");
    let (called, from) = (caller.local().user, number_of(&caller));
    let decision = decide(&table, &Call::new(&called, &from), &mut hours);
    for look in &decision.looked {
        trace::step(&format!("rule-{}", look.index + 1), &look.to_string());
    }
    let rule = decision.rule.map_or(0, |index| index + 1);
    if rule == 0 {
        trace::step("otherwise", "No rule fits");
    }
    match decision.before {
        Some(Prompt::Say(text)) => {
            onward::say(&caller, &tandem_sdk::Prompt::say(text, table.language.as_str()));
        }
        Some(Prompt::File(name)) => onward::say(&caller, &tandem_sdk::Prompt::file(name)),
        None => (),
    }
    let way = Way {
        caller: &caller,
        table: &table,
        rule,
    };
    way.go(decision.to)
}

/// Who calls, as far as the caller shows it: not where the request asks for privacy of the identity (RFC 3323 §4.2,
/// RFC 3325 §9.3).
fn number_of(caller: &Leg) -> String {
    let hides = |value: &String| {
        let mut wishes = value.split([';', ',']).map(str::trim);
        wishes.any(|wish| wish.eq_ignore_ascii_case("id") || wish.eq_ignore_ascii_case("user"))
    };
    if caller.header("Privacy").iter().any(hides) {
        return String::new();
    }
    caller.peer().user
}

fn hours(name: &str) -> Option<State> {
    match schedule::look_up(name) {
        Ok(status) => Some(match status.state {
            schedule::State::Open => State::Open,
            schedule::State::Closed => State::Closed,
            schedule::State::Holiday(day) => State::Holiday(day),
        }),
        Err(error) => {
            log::warn(&format!("{name}: {}", String::from(error)));
            None
        }
    }
}

/// A caller on the way to somebody.
struct Way<'a> {
    caller: &'a Leg,
    table: &'a Table,
    /// The rule that decided, from 1; 0: none did.
    rule: usize,
}

/// What came of ringing.
enum Rang {
    Answered(Leg),
    CallerGone,
    Nobody(DialFailure),
}

impl Way<'_> {
    /// Takes the caller there, and where nobody answers, to what comes behind it.
    fn go(&self, to: &To) -> Result<(), String> {
        let mut to = to;
        for behind in 0.. {
            let (rang, otherwise) = match to {
                To::User(alone) => {
                    let rang = self.ring(Target::user(&alone.user), &alone.user, alone.ring_s);
                    (rang, &alone.otherwise)
                }
                To::Number(dialled) => {
                    let rang = self.ring(Target::number(&dialled.number), &dialled.number, dialled.ring_s);
                    (rang, &dialled.otherwise)
                }
                To::Group(group) => (self.hunt(group, behind), &group.otherwise),
                To::Voicemail(mailbox) => return self.take_message(&mailbox.of),
                To::Scenario(elsewhere) => {
                    return onward::go(self.caller, &Next::Transfer(elsewhere.number.clone()), None);
                }
                To::HangUp(reason) => return self.end(cause(*reason)),
                To::FallBack => return onward::go(self.caller, &Next::FallBack, None),
            };
            let failure = match rang {
                Rang::Answered(callee) => {
                    trace::step("talk", "The two talk");
                    return onward::talk(self.caller, &callee);
                }
                Rang::CallerGone => return Ok(()),
                Rang::Nobody(failure) => Failure::from(failure),
            };
            trace::step("failed", failure.name);
            if let Some(problem) = &failure.problem {
                log::warn(problem);
            }
            match otherwise {
                Some(next) => to = next,
                None => return self.end(failure.cause),
            }
        }
        Ok(())
    }

    fn ring(&self, target: Target, name: &str, ring_s: u32) -> Rang {
        trace::step("ring", &format!("Ring {name}"));
        let how = Dial {
            timeout: Duration::from_secs(ring_s.into()),
            ..Dial::default()
        };
        match dial(self.caller, &[target], &how) {
            Ok(callee) => Rang::Answered(callee),
            Err(DialFailure::CallerGone) => Rang::CallerGone,
            Err(failure) => Rang::Nobody(failure),
        }
    }

    /// Rings a group. Turns are kept by the line, the rule and how many destinations it lies `behind`.
    fn hunt(&self, group: &Group, behind: usize) -> Rang {
        // Without this a caller whose first members are away would hear nothing for a moment. Who is gone will be noticed
        // by the dial.
        let _ = self.caller.ring();
        let together = u32::try_from(group.members.len()).unwrap_or(u32::MAX);
        let plan = Plan {
            members: &group.members,
            strategy: group.strategy,
            ring_s: group.ring_s,
            member_ring_s: None,
            whole_s: group.ring_s.saturating_mul(together),
            rounds: 1,
        };
        let hunt = Hunt {
            caller: self.caller,
            key: format!("line/{}/{}/{behind}", config::entry_point(), self.rule),
            target: |member| Target::number(member),
            rings: |names| trace::step("ring", &format!("Ring {names}")),
        };
        match hunt.ring(&plan) {
            Found::Callee(callee) => Rang::Answered(callee),
            Found::CallerGone => Rang::CallerGone,
            Found::Nobody(failure) => Rang::Nobody(failure),
        }
    }

    fn take_message(&self, of: &str) -> Result<(), String> {
        // Where there is no such box, the caller is told so under the name that was set.
        let name = mailbox::box_of(of)?.unwrap_or_else(|| of.to_owned());
        let settings = mailbox::Settings::in_language(&self.table.language);
        mailbox::leave(self.caller, &name, &settings)
    }

    fn end(&self, cause: Cause) -> Result<(), String> {
        trace::step("end", "End the call");
        Ok(self.caller.hang_up(cause)?)
    }
}

fn cause(reason: Reason) -> Cause {
    match reason {
        Reason::Normal => Cause::Normal,
        Reason::Busy => Cause::Busy,
        Reason::Declined => Cause::Declined,
        Reason::NotFound => Cause::NotFound,
        Reason::Forbidden => Cause::Forbidden,
        Reason::Unavailable => Cause::Unavailable,
        Reason::Congested => Cause::Congested,
    }
}
