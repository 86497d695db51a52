//! Mails of scenarios, by the administrator's mail server (RFC 5321): how many, from whom, with which recordings.
//!
//! A connection for each mail: they are few, and none is left open to a server that is being replaced.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use tandem_host_api::op::{Mail, MailError};
use tandem_store::{Limit, Store, StoreError};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::config::{self, MailTls};
use crate::limits;

/// Mails under way at the same time, of one domain and of all: each may hold its recordings twice.
const AT_ONCE_OF_DOMAIN: usize = 4;
const AT_ONCE: usize = 8;
/// Bytes of the recordings of one mail.
const ATTACHED_BYTES_MAX: u64 = 16 << 20;
/// Longest reply of a mail server that is told on.
const REPLY_CHARS_MAX: usize = 500;

/// What sends mails; a clone is cheap.
#[derive(Clone)]
pub struct Mailer {
    store: Store,
    config: Arc<config::Mail>,
    tls: Result<Tls, String>,
    recordings: Arc<Path>,
    all: Arc<Semaphore>,
    domains: Arc<Mutex<HashMap<String, Domain>>>,
}

/// What a domain has sent of late.
struct Domain {
    places: Arc<Semaphore>,
    /// Mails that may still be sent now, and as of when.
    left: f64,
    since: Instant,
}

impl Mailer {
    /// Reads the system's certificates, where a mail server with TLS is set. `recordings`: where the media gate keeps them.
    pub fn new(store: Store, config: config::Mail, recordings: Arc<Path>) -> Self {
        let tls = tls(&config);
        if let Err(error) = &tls {
            tracing::error!(%error, "no mail can be sent");
        }
        Self {
            store,
            tls,
            config: Arc::new(config),
            recordings,
            all: Arc::new(Semaphore::new(AT_ONCE)),
            domains: Arc::default(),
        }
    }

    /// Sends a mail of a domain's scenario and gives its Message-ID. `key` tells it from all others, and its repetition
    /// as one.
    pub async fn send(&self, domain: &str, mail: Mail, key: &str) -> Result<String, MailError> {
        let until = Instant::now() + self.config.timeout;
        let sent = timeout_at(until, self.sent(domain, mail, key)).await;
        let sent = sent.unwrap_or_else(|_| {
            let time = config::duration_text(self.config.timeout);
            // It may have taken the mail and not said so.
            Err(MailError::Unavailable(format!(
                "the mail server did not answer within {time}"
            )))
        });
        match &sent {
            Ok(id) => tracing::info!(%domain, %id, "mail sent"),
            Err(MailError::Unavailable(why)) => tracing::warn!(%domain, %why, "a mail cannot be sent"),
            Err(error) => tracing::info!(%domain, ?error, "a mail was not sent"),
        }
        sent
    }

    async fn sent(&self, name: &str, mail: Mail, key: &str) -> Result<String, MailError> {
        if self.config.server.is_empty() {
            return Err(MailError::Unavailable("no mail server is set".to_owned()));
        }
        let found = self.store.find_domain(name).await.map_err(|e| store_error(&e))?;
        let (scope, domain) = found.ok_or_else(|| MailError::Unavailable("the domain is gone".to_owned()))?;
        let sender = domain.mail_sender.as_deref().unwrap_or(&self.config.sender);
        let sender: Mailbox = match sender {
            "" => return Err(MailError::Unavailable("the domain has no sender".to_owned())),
            sender => sender
                .parse()
                .map_err(|error| MailError::Unavailable(format!("the sender {sender}: {error}")))?,
        };
        let per_minute = domain.limits.get(Limit::MailsPerMinute);
        let places = self.place(scope.name(), per_minute.unwrap_or(limits::MAILS_PER_MINUTE))?;
        // Waited for: whoever sends more at once is slower.
        let _own = places.acquire_owned().await;
        let _all = self.all.acquire().await;
        let attached = self.attachments(scope.name(), &mail.attachments).await?;
        let id = message_id(scope.name(), key);
        let hello = sender.email.domain().to_owned();
        let message_id = id.clone();
        // Encoding takes a while where recordings go along.
        let made = tokio::task::spawn_blocking(move || message(sender, mail, attached, message_id));
        let message = made
            .await
            .map_err(|_| MailError::Unavailable("the server is stopping".to_owned()))??;
        let transport = self.transport(hello).await?;
        match transport.send(message).await {
            Ok(_) => Ok(id),
            Err(error) if error.is_permanent() => Err(MailError::Refused(words(&error))),
            Err(error) => Err(MailError::Unavailable(words(&error))),
        }
    }

    /// Counts a mail; gives what its domain may have under way.
    fn place(&self, domain: &str, per_minute: u64) -> Result<Arc<Semaphore>, MailError> {
        let now = Instant::now();
        let most = per_minute as f64;
        let mut domains = self.domains.lock().unwrap_or_else(PoisonError::into_inner);
        let domain = domains.entry(domain.to_owned()).or_insert_with(|| Domain {
            places: Arc::new(Semaphore::new(AT_ONCE_OF_DOMAIN)),
            left: most,
            since: now,
        });
        let earned = now.duration_since(domain.since).as_secs_f64() / 60.0 * most;
        domain.left = (domain.left + earned).min(most);
        domain.since = now;
        if domain.left < 1.0 {
            let limit = format!("the domain sends {per_minute} mails a minute at most");
            return Err(MailError::Limit(limit));
        }
        domain.left -= 1.0;
        Ok(Arc::clone(&domain.places))
    }

    /// The recordings of these names, which the door has found to be no paths.
    async fn attachments(&self, domain: &str, names: &[String]) -> Result<Vec<Attached>, MailError> {
        let mut total = 0;
        let mut files = Vec::with_capacity(names.len());
        for name in names {
            let file_name = format!("{name}.wav");
            let file = self.recordings.join(domain).join(&file_name);
            let unread = |error: std::io::Error| match error.kind() {
                std::io::ErrorKind::NotFound => MailError::NotFound(name.clone()),
                _ => MailError::Unavailable(format!("the recording {name} cannot be read: {error}")),
            };
            total += tokio::fs::metadata(&file).await.map_err(unread)?.len();
            if total > ATTACHED_BYTES_MAX {
                let limit = format!("recordings of more than {ATTACHED_BYTES_MAX} bytes do not go by mail");
                return Err(MailError::Limit(limit));
            }
            let bytes = tokio::fs::read(&file).await.map_err(unread)?;
            files.push(Attached { file_name, bytes });
        }
        Ok(files)
    }

    async fn transport(&self, hello: String) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailError> {
        let config = &self.config;
        let tls = self.tls.clone().map_err(MailError::Unavailable)?;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.server)
            .port(config.port as u16)
            .tls(tls)
            .timeout(Some(config.timeout.max(Duration::from_secs(1))))
            .hello_name(ClientId::Domain(hello));
        if !config.user.is_empty() {
            // Read for each mail: a new password needs no new start.
            let password = tokio::fs::read_to_string(&config.password_file).await;
            let password = password.map_err(|error| {
                tracing::error!(file = %config.password_file, %error, "mail.password_file cannot be read");
                MailError::Unavailable("the mail server's password cannot be read".to_owned())
            })?;
            let password = password.lines().next().unwrap_or_default().to_owned();
            builder = builder.credentials(Credentials::new(config.user.clone(), password));
        }
        Ok(builder.build())
    }
}

fn tls(config: &config::Mail) -> Result<Tls, String> {
    let trusting = || TlsParameters::new_rustls(config.server.clone()).map_err(|error| words(&error));
    Ok(match config.tls {
        _ if config.server.is_empty() => Tls::None,
        MailTls::Starttls => Tls::Required(trusting()?),
        MailTls::Implicit => Tls::Wrapper(trusting()?),
        MailTls::None => Tls::None,
    })
}

/// A recording that goes along.
struct Attached {
    file_name: String,
    bytes: Vec<u8>,
}

/// A mail as it goes on its way. It says that a machine wrote it, so that no machine answers (RFC 3834 §5).
fn message(sender: Mailbox, mail: Mail, attached: Vec<Attached>, id: String) -> Result<Message, MailError> {
    let mut builder = Message::builder()
        .from(sender)
        .subject(mail.subject)
        .message_id(Some(id))
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
    for address in &mail.to {
        let email = address
            .parse()
            .map_err(|error| MailError::BadArgument(format!("to: {address:?}: {error}")))?;
        builder = builder.to(Mailbox::new(None, email));
    }
    let made = match (mail.html, attached.is_empty()) {
        (None, true) => builder.singlepart(SinglePart::plain(mail.text)),
        (Some(html), true) => builder.multipart(MultiPart::alternative_plain_html(mail.text, html)),
        (html, false) => {
            let mixed = MultiPart::mixed();
            let mut mixed = match html {
                None => mixed.singlepart(SinglePart::plain(mail.text)),
                Some(html) => mixed.multipart(MultiPart::alternative_plain_html(mail.text, html)),
            };
            let kind =
                ContentType::parse("audio/wav").map_err(|error| MailError::Unavailable(error.to_string()))?;
            for Attached { file_name, bytes } in attached {
                mixed = mixed.singlepart(Attachment::new(file_name).body(bytes, kind.clone()));
            }
            builder.multipart(mixed)
        }
    };
    made.map_err(|error| MailError::BadArgument(error.to_string()))
}

/// The same for a mail that is sent again, and no other's: nobody learns the call's identifier from it.
fn message_id(domain: &str, key: &str) -> String {
    let hash = blake3::hash(format!("{domain} {key}").as_bytes()).to_hex();
    let start: String = hash.chars().take(32).collect();
    format!("<{start}@{domain}>")
}

/// What the mail server said, else the innermost cause.
fn words(error: &lettre::transport::smtp::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    let said = match error.status() {
        Some(code) => format!("{code} {innermost}"),
        None if std::ptr::addr_eq(innermost, error) => error.to_string(),
        None => innermost.to_string(),
    };
    let line = said.replace(char::is_control, " ");
    line.chars().take(REPLY_CHARS_MAX).collect()
}

fn store_error(error: &StoreError) -> MailError {
    tracing::warn!(%error, "the store does not tell what a domain may mail");
    MailError::Unavailable("the server's store does not answer".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repetition_has_the_same_identifier_and_another_mail_has_not() {
        let id = message_id("a.example", "call-7");
        assert_eq!(id, message_id("a.example", "call-7"));
        assert_ne!(id, message_id("a.example", "call-8"));
        assert_ne!(id, message_id("b.example", "call-7"));
        assert!(id.ends_with("@a.example>") && id.len() == 32 + 12, "{id}");
    }
}
