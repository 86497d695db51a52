//! Texts of scenarios that no call starts. Nothing of them is written down: who sends one asks again after a restart.

use std::sync::Arc;

use tandem_host_api::op::{Address, MessageFailure};
use tandem_sip::{Message, Moment};

use super::{CallKey, Output, Shard, Told};
use crate::context::Context;
use crate::messaging::{Messaging, Sent};

/// Texts of one domain that are under way.
const PER_DOMAIN_MAX: usize = 100;

/// A text under way.
#[derive(Debug)]
pub(crate) struct Text {
    /// The inquiry that asked for it.
    inquiry: u64,
    domain: Arc<str>,
    messaging: Messaging,
}

impl Shard {
    /// Sends a text; [`Told::Messaged`] answers the inquiry.
    pub(super) fn send_text(
        &mut self,
        inquiry: u64,
        domain: Arc<str>,
        user: String,
        text: String,
        sender: Option<Address>,
        now: Moment,
    ) {
        let own = self.texts.values().filter(|text| text.domain == domain);
        if own.count() >= PER_DOMAIN_MAX {
            let words = format!("the domain has {PER_DOMAIN_MAX} messages under way");
            return self.text_over(inquiry, Err(MessageFailure::Limit(words)));
        }
        self.numbers.call += 1;
        let key = CallKey(self.numbers.call);
        let mut cx = context!(self, key, domain.clone(), now);
        let messaging = Messaging::begin(user, text, sender, &mut cx);
        if let Some((number, _)) = messaging.question(&domain) {
            self.asked.insert(number, key);
        }
        let text = Text {
            inquiry,
            domain,
            messaging,
        };
        self.texts.insert(key, text);
    }

    /// Something has come for a text; false: there is none of this number.
    pub(super) fn with_text(
        &mut self,
        key: CallKey,
        now: Moment,
        f: impl FnOnce(&mut Messaging, &Address, &mut Context<'_>) -> Option<Sent>,
    ) -> bool {
        let Some(mut text) = self.texts.remove(&key) else {
            return false;
        };
        // The domain itself: nobody has dialled a number.
        let own = Address {
            host: text.domain.to_string(),
            ..Address::default()
        };
        let mut cx = context!(self, key, text.domain.clone(), now);
        match f(&mut text.messaging, &own, &mut cx) {
            Some(sent) => self.text_over(text.inquiry, sent),
            None => drop(self.texts.insert(key, text)),
        }
        true
    }

    /// A device answered a text; none: it did not. False: there is no text of this number.
    pub(super) fn text_answered(&mut self, key: CallKey, response: Option<&Message>, now: Moment) -> bool {
        self.with_text(key, now, |messaging, _, _| messaging.answered(response))
    }

    fn text_over(&mut self, number: u64, sent: Sent) {
        let told = Told::Messaged(sent);
        self.out.push_back(Output::Told { number, told });
    }
}
