//! `mail`: e-mail by the administrator's mail server.

use tandem_bindings::tandem::pbx::mail as wit;
use wasmtime::Result;

use super::misfit;
use crate::door::Door;
use crate::op::{Mail, MailError, Op, Outcome};

impl wit::Host for Door {
    async fn send(&mut self, message: wit::Message) -> Result<Result<String, wit::MailError>> {
        let mail = Mail {
            to: message.to,
            subject: message.subject,
            text: message.text,
            html: message.html,
            attachments: message.attachments,
        };
        match self.ask(Op::SendMail { mail }).await? {
            Outcome::Mailed(result) => Ok(result.map_err(error)),
            other => misfit(&other),
        }
    }
}

fn error(error: MailError) -> wit::MailError {
    match error {
        MailError::NotFound(name) => wit::MailError::NotFound(name),
        MailError::Refused(words) => wit::MailError::Refused(words),
        MailError::Unavailable(words) => wit::MailError::Unavailable(words),
        MailError::BadArgument(words) => wit::MailError::BadArgument(words),
        MailError::Limit(words) => wit::MailError::Limit(words),
    }
}
