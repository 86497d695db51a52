//! `leg`: one peer's side of a call.

use tandem_bindings::LegHandle;
use tandem_bindings::tandem::pbx::leg as wit;
use tandem_bindings::tandem::pbx::types as wit_types;
use wasmtime::Result;
use wasmtime::component::Resource;

use super::misfit;
use super::types::{address_to_wit, cause, prompts};
use crate::door::Door;
use crate::op::{Address, CollectEnd, CollectRule, Collected, LegError, LegId, Op, Outcome, PlayEnd};

impl wit::Host for Door {}

impl Door {
    /// The shape that half of this interface has: a request on a leg that is done or refused.
    pub(super) async fn on_leg(
        &mut self,
        handle: &Resource<LegHandle>,
        op: impl FnOnce(LegId) -> Op,
    ) -> Result<Result<(), wit::LegError>> {
        let Some(leg) = self.leg(handle) else {
            return Ok(Err(wit::LegError::Gone));
        };
        match self.ask(op(leg)).await? {
            Outcome::Leg(done) => Ok(done.map_err(leg_error)),
            other => misfit(&other),
        }
    }

    async fn address_of(
        &mut self,
        handle: &Resource<LegHandle>,
        op: impl FnOnce(LegId) -> Op,
    ) -> Result<wit_types::Address> {
        let Some(leg) = self.leg(handle) else {
            return Ok(address_to_wit(Address::default()));
        };
        match self.ask(op(leg)).await? {
            Outcome::Address(address) => Ok(address_to_wit(address)),
            other => misfit(&other),
        }
    }
}

impl wit::HostLeg for Door {
    async fn peer(&mut self, handle: Resource<LegHandle>) -> Result<wit_types::Address> {
        self.address_of(&handle, |leg| Op::Peer { leg }).await
    }

    async fn local(&mut self, handle: Resource<LegHandle>) -> Result<wit_types::Address> {
        self.address_of(&handle, |leg| Op::Local { leg }).await
    }

    async fn header(&mut self, handle: Resource<LegHandle>, name: String) -> Result<Vec<String>> {
        let Some(leg) = self.leg(&handle) else {
            return Ok(Vec::new());
        };
        match self.ask(Op::Header { leg, name }).await? {
            Outcome::Lines(lines) => Ok(lines),
            other => misfit(&other),
        }
    }

    async fn ring(&mut self, handle: Resource<LegHandle>) -> Result<Result<(), wit::LegError>> {
        self.on_leg(&handle, |leg| Op::Ring { leg }).await
    }

    async fn early_media(&mut self, handle: Resource<LegHandle>) -> Result<Result<(), wit::LegError>> {
        self.on_leg(&handle, |leg| Op::EarlyMedia { leg }).await
    }

    async fn answer(&mut self, handle: Resource<LegHandle>) -> Result<Result<(), wit::LegError>> {
        self.on_leg(&handle, |leg| Op::Answer { leg }).await
    }

    async fn play(
        &mut self,
        handle: Resource<LegHandle>,
        list: Vec<wit_types::Prompt>,
    ) -> Result<Result<wit::PlayEnd, wit::LegError>> {
        let Some(leg) = self.leg(&handle) else {
            return Ok(Err(wit::LegError::Gone));
        };
        match self
            .ask(Op::Play {
                leg,
                prompts: prompts(list),
            })
            .await?
        {
            Outcome::Played(played) => Ok(played.map(play_end).map_err(leg_error)),
            other => misfit(&other),
        }
    }

    async fn collect(
        &mut self,
        handle: Resource<LegHandle>,
        rule: wit::CollectRule,
    ) -> Result<Result<wit::Collected, wit::LegError>> {
        let Some(leg) = self.leg(&handle) else {
            return Ok(Err(wit::LegError::Gone));
        };
        match self
            .ask(Op::Collect {
                leg,
                rule: collect_rule(rule),
            })
            .await?
        {
            Outcome::Collected(collected) => Ok(collected.map(collected_to_wit).map_err(leg_error)),
            other => misfit(&other),
        }
    }

    async fn send_digits(
        &mut self,
        handle: Resource<LegHandle>,
        digits: String,
    ) -> Result<Result<(), wit::LegError>> {
        self.on_leg(&handle, |leg| Op::SendDigits { leg, digits }).await
    }

    async fn hang_up(
        &mut self,
        handle: Resource<LegHandle>,
        why: wit_types::Cause,
    ) -> Result<Result<(), wit::LegError>> {
        self.on_leg(&handle, |leg| Op::HangUp {
            leg,
            cause: cause(why),
        })
        .await
    }

    async fn drop(&mut self, handle: Resource<LegHandle>) -> Result<()> {
        if let Some(leg) = self.release(handle) {
            self.ask(Op::DropLeg { leg }).await?;
        }
        Ok(())
    }
}

pub(super) fn leg_error(error: LegError) -> wit::LegError {
    match error {
        LegError::Gone => wit::LegError::Gone,
        LegError::WrongState(words) => wit::LegError::WrongState(words),
        LegError::BadArgument(words) => wit::LegError::BadArgument(words),
        LegError::Media(words) => wit::LegError::Media(words),
        LegError::Limit(words) => wit::LegError::Limit(words),
    }
}

fn play_end(end: PlayEnd) -> wit::PlayEnd {
    match end {
        PlayEnd::Finished => wit::PlayEnd::Finished,
        PlayEnd::Stopped => wit::PlayEnd::Stopped,
    }
}

fn collect_rule(rule: wit::CollectRule) -> CollectRule {
    CollectRule {
        prompts: prompts(rule.prompts),
        barge_in: rule.barge_in,
        min: rule.min,
        max: rule.max,
        terminators: rule.terminators,
        first_digit_timeout_ms: rule.first_digit_timeout_ms,
        inter_digit_timeout_ms: rule.inter_digit_timeout_ms,
    }
}

fn collected_to_wit(collected: Collected) -> wit::Collected {
    let end = match collected.end {
        CollectEnd::Full => wit::CollectEnd::Full,
        CollectEnd::Terminator => wit::CollectEnd::Terminator,
        CollectEnd::Timeout => wit::CollectEnd::Timeout,
    };
    wit::Collected {
        digits: collected.digits,
        complete: collected.complete,
        end,
    }
}
