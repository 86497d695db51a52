//! Short texts that a call's scenario sends.

use tandem_host_api::op::{Address, Outcome};
use tandem_sip::Message;

use super::{Call, Pending};
use crate::context::Context;
use crate::messaging::Messaging;
use crate::shard::Answer;

impl Call {
    /// `message.send`
    pub(crate) fn send_message(
        &mut self,
        user: String,
        text: String,
        sender: Option<Address>,
        cx: &mut Context<'_>,
    ) {
        let messaging = Messaging::begin(user, text, sender, cx);
        self.core.pending = Pending::Messaging(Box::new(messaging));
    }

    /// The directory told the user's devices.
    pub(super) fn message_located(&mut self, question: u64, answer: Answer, cx: &mut Context<'_>) {
        if let Pending::Messaging(it) = &mut self.core.pending
            && let Some(sent) = it.located(question, answer, &self.origin.dialled, cx)
        {
            self.done(Outcome::Messaged(sent), cx);
        }
    }

    /// A device answered; none: it did not.
    pub(super) fn message_answered(&mut self, response: Option<&Message>, cx: &mut Context<'_>) {
        if let Pending::Messaging(it) = &mut self.core.pending
            && let Some(sent) = it.answered(response)
        {
            self.done(Outcome::Messaged(sent), cx);
        }
    }
}
