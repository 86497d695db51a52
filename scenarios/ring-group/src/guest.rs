//! The hunt's office is the host.

use std::time::Duration;

use onward::{Failure, go, talk};
use tandem_sdk::key_value::{self, KvError};
use tandem_sdk::{Dial, DialFailure, Leg, Target, clock, config, dial, find_user, log, random, trace};

use crate::Settings;
use crate::hunt::{Office, Rang, hunt};
use crate::order::Strategy;

tandem_sdk::scenario!(handle);

/// One call of the group. An error is a configuration that cannot be read, or the fall-back that it wants.
fn handle(caller: Leg) -> Result<(), String> {
    let (settings, words): (Settings, _) = onward::Settings::parse(&config::document())?;
    // Without this a caller whose first members are away would hear nothing for a moment. Who is gone will be noticed
    // by the dial.
    let _ = caller.ring();
    let mut office = Host {
        caller: &caller,
        name: match settings.name.as_str() {
            "" => config::entry_point(),
            name => name.to_owned(),
        },
        callee: None,
    };
    match hunt(&settings, &mut office) {
        Rang::CallerGone => Ok(()),
        Rang::Answered => {
            let Some((member, callee)) = office.callee.take() else {
                return Ok(());
            };
            if settings.strategy == Strategy::LeastRecent {
                office.remember(&member);
            }
            trace::step("talk", "The two talk");
            talk(&caller, &callee)
        }
        Rang::Nobody => {
            trace::step("nobody", "Nobody answers");
            go(&caller, &settings.otherwise, words.prompt("nobody", &[]).as_ref())
        }
    }
}

struct Host<'a> {
    caller: &'a Leg,
    /// Under which name turns and times are kept.
    name: String,
    /// Who answered, and the leg.
    callee: Option<(String, Leg)>,
}

impl Office for Host<'_> {
    fn now_ms(&mut self) -> u64 {
        u64::try_from(clock::since_epoch().as_millis()).unwrap_or(u64::MAX)
    }

    fn chance(&mut self) -> u64 {
        random::next()
    }

    fn turn(&mut self) -> u64 {
        match key_value::increment(&format!("ring-group/{}/turn", self.name), 1) {
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
        match find_user(member) {
            Some(user) => user.registered,
            None => {
                log::warn(&format!("the member {member} leads to no user"));
                false
            }
        }
    }

    fn ring(&mut self, members: &[&str], time_s: u32) -> Rang {
        let names = members.join(", ");
        trace::step("ring", &format!("Ring {names}"));
        let targets: Vec<_> = members.iter().map(|member| Target::number(*member)).collect();
        let how = Dial {
            timeout: Duration::from_secs(time_s.into()),
            ..Dial::default()
        };
        match dial(self.caller, &targets, &how) {
            Ok(callee) => {
                self.callee = Some((names, callee));
                Rang::Answered
            }
            Err(DialFailure::CallerGone) => Rang::CallerGone,
            Err(failure) => {
                let failure = Failure::from(failure);
                if let Some(problem) = failure.problem {
                    log::warn(&format!("{names}: {problem}"));
                }
                Rang::Nobody
            }
        }
    }
}

impl Host<'_> {
    fn answered(&self, member: &str) -> String {
        format!("ring-group/{}/answered/{member}", self.name)
    }

    /// Keeps that the member has taken a call now.
    fn remember(&mut self, member: &str) {
        let now_ms = self.now_ms().to_string();
        if let Err(error) = key_value::set(&self.answered(member), now_ms.as_bytes()) {
            unknown("who answered when", &error);
        }
    }
}

/// The order is then the one of the settings: a call is worth more than its order.
fn unknown(what: &str, error: &KvError) -> u64 {
    log::warn(&format!("it is not known {what}: {error:?}"));
    0
}
