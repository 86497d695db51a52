//! 2xx responses to our INVITE: the first makes the call, repeats get the same ACK again, and what
//! another branch of a fork answers is acknowledged and hung up (RFC 3261 §13.2.2.4).

use super::Dialog;
use crate::flow::Flow;
use crate::message::{Builder, HeaderError, Message, Method};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// More branches than this are not remembered: each further 2xx is a fork again, and gets its ACK
/// and its BYE again.
const BRANCHES_MAX: usize = 16;

/// What a 2xx means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The first: make the dialog, send the ACK, tell [`UacInvite::acked`] what went out.
    First,
    /// A repeat of one that was acknowledged: send this again with
    /// [`crate::transactions::Transactions::send_bytes`].
    Repeat {
        /// The way.
        flow: Flow,
        /// The ACK as it went out.
        ack: Bytes,
    },
    /// A repeat of one whose ACK is not out yet (its SDP answer is awaited): nothing to do.
    Pending,
    /// Another phone answered as well: [`fork_farewell`] gives its ACK and BYE.
    Fork,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Branch {
    remote_tag: String,
    ack: Option<(Flow, Bytes)>,
}

/// One INVITE of ours that may be answered. Keep it until
/// [`crate::transactions::Event::ClientDone`] (timer M): no 2xx comes to the transaction after that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UacInvite {
    branches: Vec<Branch>,
}

impl UacInvite {
    /// No answer yet.
    pub fn new() -> Self {
        UacInvite::default()
    }

    /// A 2xx came.
    pub fn handle_answer(&mut self, response: &Message) -> Result<Answer, HeaderError> {
        let tag = response.to()?.tag().unwrap_or_default().to_owned();
        if let Some(branch) = self.branches.iter().find(|branch| branch.remote_tag == tag) {
            return Ok(match &branch.ack {
                Some((flow, ack)) => Answer::Repeat {
                    flow: *flow,
                    ack: ack.clone(),
                },
                None => Answer::Pending,
            });
        }
        let first = self.branches.is_empty();
        if self.branches.len() < BRANCHES_MAX {
            self.branches.push(Branch {
                remote_tag: tag,
                ack: None,
            });
        }
        Ok(if first { Answer::First } else { Answer::Fork })
    }

    /// The ACK that went to the peer with this tag.
    pub fn acked(&mut self, remote_tag: &str, flow: Flow, ack: Bytes) {
        if let Some(branch) = self
            .branches
            .iter_mut()
            .find(|branch| branch.remote_tag == remote_tag)
        {
            branch.ack = Some((flow, ack));
        }
    }
}

/// The ACK and the BYE for a 2xx of another branch: send the ACK with `send_ack` (and tell
/// [`UacInvite::acked`]), then the BYE with `request`.
pub fn fork_farewell(
    invite: &Message,
    response: &Message,
    flow: Flow,
) -> Result<(Dialog, Builder, Builder), HeaderError> {
    let mut dialog = Dialog::uac(invite, response, flow)?;
    let ack = dialog.ack(invite.cseq()?.seq);
    let bye = dialog.request(Method::Bye);
    Ok((dialog, ack, bye))
}
