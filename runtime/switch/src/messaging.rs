//! A short text on its way to a user's devices (MESSAGE outside a dialog, RFC 3428), whoever sends it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tandem_host_api::op::{Address, Delivery, MessageFailure, Target};
use tandem_sip::registrar::Binding;
use tandem_sip::{Message, Method, Name, ParseError, Transport};

use crate::context::{ClientUse, Context};
use crate::errand::way_to;
use crate::perform::caller_id;
use crate::shard::{Answer, Located, Question};
use crate::sip_text;

/// Devices that one message goes to, at most.
const DEVICES_MAX: usize = 16;
/// Longest request by a transport without congestion control (RFC 3428 §8).
const UDP_BYTES_MAX: usize = 1_300;
/// Room for the Via that the transaction layer adds.
const VIA_BYTES: usize = 120;

/// What became of a message.
pub type Sent = Result<Delivery, MessageFailure>;

/// A message under way.
#[derive(Debug, Serialize, Deserialize)]
pub struct Messaging {
    user: String,
    text: String,
    sender: Option<Address>,
    /// The user's devices are asked for.
    question: Option<u64>,
    /// Devices that it was sent to, and those that have not answered.
    devices: u32,
    open: u32,
    accepted: u32,
    refused: Option<(u16, String)>,
}

impl Messaging {
    /// A message whose user's devices are asked for.
    pub fn begin(user: String, text: String, sender: Option<Address>, cx: &mut Context<'_>) -> Self {
        let it = Self {
            user,
            text,
            sender,
            question: Some(cx.new_question()),
            devices: 0,
            open: 0,
            accepted: 0,
            refused: None,
        };
        if let Some((number, question)) = it.question(&cx.domain) {
            cx.ask(number, question);
        }
        it
    }

    /// The question under way.
    pub fn question(&self, domain: &Arc<str>) -> Option<(u64, Question)> {
        let question = Question::Locate {
            domain: domain.clone(),
            target: Target::User(self.user.clone()),
        };
        self.question.map(|number| (number, question))
    }

    /// The directory told the user's devices: the text goes to them, from `own` unless a sender was given. Some: it is over.
    pub fn located(
        &mut self,
        question: u64,
        answer: Answer,
        own: &Address,
        cx: &mut Context<'_>,
    ) -> Option<Sent> {
        self.question.take_if(|asked| *asked == question)?;
        let bindings = match answer {
            Answer::Located(Some(Located { bindings, .. })) => bindings,
            Answer::Located(None) => return Some(Err(MessageFailure::NotFound(self.user.clone()))),
            _ => return Some(Err(MessageFailure::Unavailable)),
        };
        let from = caller_id(self.sender.clone(), own, &cx.domain);
        let mut requests = Vec::new();
        for binding in bindings.iter().take(DEVICES_MAX) {
            let Some(flow) = way_to(binding) else { continue };
            let request = match self.request(&from, binding, cx) {
                Ok(request) => request,
                Err(error) => {
                    tracing::warn!(user = self.user, %error, "a MESSAGE could not be written");
                    continue;
                }
            };
            let bytes = request.as_bytes().len() + VIA_BYTES;
            if flow.transport == Transport::Udp && bytes > UDP_BYTES_MAX {
                let over = bytes - UDP_BYTES_MAX;
                let words =
                    format!("the text is {over} bytes too long for a request of {UDP_BYTES_MAX} bytes");
                return Some(Err(MessageFailure::BadArgument(words)));
            }
            requests.push((request, flow));
        }
        self.devices = requests.len() as u32;
        self.open = self.devices;
        if requests.is_empty() {
            return Some(Err(MessageFailure::NoDevice));
        }
        for (request, flow) in requests {
            cx.request(request, flow, ClientUse::Message);
        }
        None
    }

    /// A device answered; none: it did not. Some: it was the last.
    pub fn answered(&mut self, response: Option<&Message>) -> Option<Sent> {
        match response.map(|response| (response.status().unwrap_or_default(), response)) {
            Some((100..=199, _)) => return None,
            Some((200..=299, _)) => self.accepted += 1,
            Some((status, response)) if self.refused.as_ref().is_none_or(|(most, _)| *most < status) => {
                let reason = String::from_utf8_lossy(response.reason()).into_owned();
                self.refused = Some((status, reason));
            }
            Some(_) | None => (),
        }
        self.open = self.open.saturating_sub(1);
        if self.open > 0 {
            return None;
        }
        Some(match (self.accepted, self.refused.take()) {
            (0, Some((status, reason))) => Err(MessageFailure::Refused(status, reason)),
            (0, None) => Err(MessageFailure::TimedOut),
            (accepted, _) => Ok(Delivery {
                accepted,
                devices: self.devices,
            }),
        })
    }

    fn request(
        &self,
        from: &Address,
        binding: &Binding,
        cx: &mut Context<'_>,
    ) -> Result<Message, ParseError> {
        let to = format!("<sip:{}@{}>", sip_text::escape_user(&self.user), cx.domain);
        let (tag, call_id) = (cx.new_tag(), cx.new_call_id());
        Message::request(Method::Message, &binding.contact_uri)
            .header(Name::From, format!("{};tag={tag}", sip_text::name_addr(from)))
            .header(Name::To, to)
            .header(Name::CallId, call_id)
            .header(Name::CSeq, "1 MESSAGE")
            .header(Name::MaxForwards, "70")
            .body("text/plain;charset=UTF-8", self.text.clone())
            .build()
    }
}
