//! E-mail by the administrator's mail server, from the domain's own sender.
//!
//! ```no_run
//! # use tandem_sdk::{mail::{Mail, MailError}, recording::Recorded};
//! # fn tell(message: &Recorded) -> Result<(), MailError> {
//! Mail::to("ann@example.com")
//!     .subject("A message for you")
//!     .text("It is attached.")
//!     .attach(&message.recording.name)
//!     .send()?;
//! # Ok(())
//! # }
//! ```

use crate::bindings::tandem::pbx::mail as raw;
pub use crate::bindings::tandem::pbx::mail::MailError;

/// A mail that is being written.
#[derive(Debug, Clone)]
#[must_use = "a mail does nothing until it is sent"]
pub struct Mail(raw::Message);

impl Mail {
    /// To one address such as `ann@example.com`, without a name.
    pub fn to(address: &str) -> Self {
        Self(raw::Message {
            to: vec![address.to_owned()],
            subject: String::new(),
            text: String::new(),
            html: None,
            attachments: Vec::new(),
        })
    }

    /// To this one too; 16 at most.
    pub fn and_to(mut self, address: &str) -> Self {
        self.0.to.push(address.to_owned());
        self
    }

    /// One line, at most 256 bytes.
    pub fn subject(mut self, subject: &str) -> Self {
        subject.clone_into(&mut self.0.subject);
        self
    }

    /// At most 64 KiB.
    pub fn text(mut self, text: &str) -> Self {
        text.clone_into(&mut self.0.text);
        self
    }

    /// The same for readers that show HTML, at most 128 KiB.
    pub fn html(mut self, html: &str) -> Self {
        self.0.html = Some(html.to_owned());
        self
    }

    /// Sends a recording of the domain along, by its name, as a WAV file; 4 at most, of 16 MiB together.
    pub fn attach(mut self, recording: &str) -> Self {
        self.0.attachments.push(recording.to_owned());
        self
    }

    /// Sends it, and gives its Message-ID once the mail server has taken it. After a crash it may be sent again, with the
    /// same Message-ID.
    pub fn send(self) -> Result<String, MailError> {
        raw::send(&self.0)
    }
}

/// For `?` in a scenario: the text of its error.
impl From<MailError> for String {
    fn from(error: MailError) -> Self {
        match error {
            MailError::NotFound(name) => format!("mail: there is no recording {name}"),
            MailError::Refused(why) => format!("mail: refused: {why}"),
            MailError::Unavailable(why) => format!("mail: unavailable: {why}"),
            MailError::BadArgument(why) => format!("mail: bad argument: {why}"),
            MailError::Limit(why) => format!("mail: limit: {why}"),
        }
    }
}
