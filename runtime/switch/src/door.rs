//! What a scenario's requests meet first: what needs no call is answered here, the rest is passed on.

use jiff::{Timestamp, tz::TimeZone};
use rand::{Rng as _, rngs::StdRng};
use tandem_host_api::op::{Address, LegId, Level, LocalTime, Op, Outcome, Prompt};
use tandem_host_api::{OpIndex, Reply, Switch};
use tandem_sip::Message;
use tokio::sync::oneshot;

use crate::shard::{CallKey, Start};
use crate::sip_text;

/// What a scenario knows from the start, whatever started it.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The run's identifier, for the log: a call's.
    pub id: String,
    /// The domain's name.
    pub domain: String,
    /// The domain's time zone.
    pub time_zone: TimeZone,
    /// In which texts are spoken that name no language: the domain's.
    pub language: String,
    /// The entry point's number or pattern.
    pub entry_point: String,
    /// The activation's configuration.
    pub config: String,
}

impl Setting {
    /// Answers what needs neither a call nor anybody else; none: it does.
    pub fn answer(&self, op: &Op, rng: &mut StdRng, now: fn() -> Timestamp) -> Option<Outcome> {
        Some(match op {
            Op::ConfigDocument => Outcome::Text(self.config.clone()),
            Op::ConfigEntryPoint => Outcome::Text(self.entry_point.clone()),
            Op::ConfigDomain => Outcome::Text(self.domain.clone()),
            Op::OriginateData => Outcome::OptionalText(None),
            Op::NowMs => Outcome::Number(now().as_millisecond().max(0) as u64),
            Op::LocalTime => Outcome::LocalTime(local_time(now(), &self.time_zone)),
            Op::Random => Outcome::Number(rng.random()),
            Op::Log { level, text } => {
                let (domain, run) = (&self.domain, &self.id);
                match level {
                    Level::Debug => tracing::debug!(target: "scenario", %domain, call = %run, "{text}"),
                    Level::Info => tracing::info!(target: "scenario", %domain, call = %run, "{text}"),
                    Level::Warn => tracing::warn!(target: "scenario", %domain, call = %run, "{text}"),
                    Level::Error => tracing::error!(target: "scenario", %domain, call = %run, "{text}"),
                }
                Outcome::Done
            }
            Op::Step { id, name } => {
                tracing::debug!(target: "scenario", domain = %self.domain, call = %self.id, step = %id, "{name}");
                Outcome::Done
            }
            _ => return None,
        })
    }
}

/// What a call's scenario knows from the start.
#[derive(Debug)]
pub struct Facts {
    /// What every scenario knows.
    pub setting: Setting,
    /// The INVITE.
    pub request: Message,
    /// Who calls.
    pub caller: Address,
    /// What was dialled.
    pub dialled: Address,
    /// What the call was originated with.
    pub data: Option<String>,
}

impl Facts {
    /// From what the shard starts a scenario with.
    pub fn new(start: Start, time_zone: TimeZone, language: String) -> Self {
        let setting = Setting {
            id: start.id,
            domain: start.domain.to_string(),
            time_zone,
            language,
            entry_point: start.entry.number.clone(),
            config: start.entry.config.clone(),
        };
        Self {
            setting,
            request: start.request,
            caller: start.caller,
            dialled: start.dialled,
            data: start.data,
        }
    }
}

/// A request on its way to the call.
#[derive(Debug)]
pub struct Passed {
    /// The call.
    pub call: CallKey,
    /// The request's number in the call.
    pub index: OpIndex,
    /// It may have been asked before a restart.
    pub again: bool,
    /// What is asked.
    pub op: Op,
    /// Where the outcome goes; dropped: the call is over.
    pub reply: oneshot::Sender<Outcome>,
}

/// The switch's side of the host API, one for each running scenario.
pub struct Door<P> {
    call: CallKey,
    facts: Facts,
    rng: StdRng,
    now: fn() -> Timestamp,
    pass: P,
}

impl<P: FnMut(Passed) + Send + 'static> Door<P> {
    /// `pass` hands a request to the shard; `now` is the world's clock.
    pub fn new(call: CallKey, facts: Facts, rng: StdRng, now: fn() -> Timestamp, pass: P) -> Self {
        Self {
            call,
            facts,
            rng,
            now,
            pass,
        }
    }

    fn answer(&mut self, op: &Op) -> Option<Outcome> {
        let facts = &self.facts;
        Some(match op {
            Op::Peer { leg: LegId(0) } => Outcome::Address(facts.caller.clone()),
            Op::Local { leg: LegId(0) } => Outcome::Address(facts.dialled.clone()),
            Op::Header { leg: LegId(0), name } => {
                Outcome::Lines(sip_text::header_values(&facts.request, name))
            }
            Op::OriginateData => Outcome::OptionalText(facts.data.clone()),
            op => return facts.setting.answer(op, &mut self.rng, self.now),
        })
    }

    fn reply(&mut self, index: OpIndex, op: &Op, again: bool) -> Reply {
        if let Some(outcome) = self.answer(op) {
            return Reply::Now(outcome);
        }
        let (reply, outcome) = oneshot::channel();
        (self.pass)(Passed {
            call: self.call,
            index,
            again,
            op: spoken_in(op.clone(), &self.facts.setting.language),
            reply,
        });
        Reply::Later(outcome)
    }
}

impl<P: FnMut(Passed) + Send + 'static> Switch for Door<P> {
    fn perform(&mut self, index: OpIndex, op: &Op) -> Reply {
        self.reply(index, op, false)
    }

    fn resume(&mut self, index: OpIndex, op: &Op) -> Reply {
        self.reply(index, op, true)
    }
}

/// The request, with a language for each text that names none. The journal has it as it was asked.
fn spoken_in(mut op: Op, language: &str) -> Op {
    let prompts = match &mut op {
        Op::Play { prompts, .. } => prompts.as_mut_slice(),
        Op::Collect { rule, .. } => rule.prompts.as_mut_slice(),
        _ => &mut [],
    };
    for prompt in prompts {
        if let Prompt::Speech { language: named, .. } = prompt
            && named.is_empty()
        {
            language.clone_into(named);
        }
    }
    op
}

fn local_time(now: Timestamp, zone: &TimeZone) -> LocalTime {
    let local = now.to_zoned(zone.clone());
    LocalTime {
        year: local.year(),
        month: local.month().unsigned_abs(),
        day: local.day().unsigned_abs(),
        weekday: local.weekday().to_monday_one_offset().unsigned_abs(),
        hour: local.hour().unsigned_abs(),
        minute: local.minute().unsigned_abs(),
        second: local.second().unsigned_abs(),
        utc_offset_s: local.offset().seconds(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_time_is_that_of_the_domain() {
        let zone = TimeZone::get("Europe/Moscow").unwrap();
        let t = local_time("2026-11-21T23:30:05Z".parse().unwrap(), &zone);
        assert_eq!((t.year, t.month, t.day, t.weekday, t.hour), (2026, 11, 22, 7, 2));
        assert_eq!((t.minute, t.second, t.utc_offset_s), (30, 5, 3 * 3600));
    }
}
