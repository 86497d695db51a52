//! Answers what scenarios ask of services: HTTP, schedules, metrics, contacts, mail, voicemail, calls, timers.

use std::sync::Arc;

use jiff::tz::TimeZone;
use tandem_directory::Directory;
use tandem_host_api::numbers::{likeness, significant, tail};
use tandem_host_api::op::{
    Address, Contact, ContactNumber, ContactsError, Delivery, MessageFailure, MetricError, Op, Outcome,
    ScheduleError, ScheduleStatus,
};
use tandem_host_api::schedule::Schedule;
use tandem_store::{Once, Store, StoreError, Writer};
use tandem_web::ScenarioMetrics;

use super::http::Http;
use super::mail::Mailer;
use super::originate::Originator;
use super::{timers, voicemail};

/// Where answers come from; a clone is cheap.
#[derive(Clone)]
pub struct Services {
    /// Domains.
    pub directory: Directory,
    /// Schedules, contacts.
    pub store: Store,
    /// Sends HTTP requests.
    pub http: Http,
    /// Sends mails.
    pub mail: Mailer,
    /// What scenarios count.
    pub metrics: ScenarioMetrics,
    /// Begins calls.
    pub originator: Originator,
}

impl Services {
    /// Answers a request of the domain's scenario; none: it is no service's. `call` and `index` say which request it is, so that one
    /// that is made again is known as the same.
    pub async fn answer(
        &self,
        (domain, scenario): (&str, &str),
        op: Op,
        (call, index): &(String, u64),
    ) -> Option<Outcome> {
        Some(match op {
            Op::HttpSend { request } => {
                let key = format!("{call}-{index}");
                Outcome::Http(self.http.send((domain, scenario), &request, &key).await)
            }
            op @ Op::Originate { .. } => {
                let once = (call.clone(), *index);
                Outcome::Originated(self.originator.originate(domain, op, &once).await)
            }
            Op::LookUpSchedule { name } => Outcome::Schedule(self.schedule(domain, &name).await),
            Op::MetricCount { name, by } => metric(self.metrics.count(domain, &name, by)),
            Op::MetricGauge { name, value } => metric(self.metrics.set(domain, &name, value.value())),
            Op::MetricObserve { name, value } => metric(self.metrics.observe(domain, &name, value.value())),
            Op::FindContact { number } => {
                let found = self.find_contact(domain, &number).await;
                Outcome::Contact(found.map_err(|error| contacts_error(&error)))
            }
            Op::SearchContacts { text, limit } => {
                let found = self.search_contacts(domain, &text, limit).await;
                Outcome::Contacts(found.map_err(|error| contacts_error(&error)))
            }
            Op::SendMail { mail } => {
                let key = format!("{call}-{index}");
                Outcome::Mailed(self.mail.send(domain, mail, &key).await)
            }
            Op::Voicemail { name, op } => {
                Outcome::Voicemail(voicemail::answer(&self.store, domain, &name, op).await)
            }
            Op::SendMessage { user, text, sender } => {
                let once = (call.as_str(), *index);
                Outcome::Messaged(self.message(domain, (user, text), sender, once).await)
            }
            Op::Timer { name, op } => {
                let once = (call.clone(), *index);
                Outcome::Timer(timers::answer(&self.store, domain, &name, op, &once).await)
            }
            _ => return None,
        })
    }

    /// Sends a text once: one that is asked for again under the same name is not sent again, if it was delivered before.
    async fn message(
        &self,
        domain: &str,
        text: (String, String),
        sender: Option<Address>,
        (call, index): (&str, u64),
    ) -> Result<Delivery, MessageFailure> {
        let unavailable = |error: StoreError| {
            tracing::warn!(%domain, %error, "a message is not sent");
            MessageFailure::Unavailable
        };
        let scope = self.store.domain_scope(domain).await.map_err(unavailable)?;
        let once = Once {
            call,
            op_index: index as u32,
            writer: Writer::default(), // no pair is written
        };
        if let Some(known) = self.store.done_once(&scope, once).await.map_err(unavailable)? {
            return Ok(Delivery {
                accepted: ((known >> 16) & 0xffff) as u32,
                devices: (known & 0xffff) as u32,
            });
        }
        let exchange = &self.originator.exchange;
        let sent = exchange.message(call, &Arc::from(domain), text, sender).await;
        let delivery = sent.ok_or(MessageFailure::Unavailable)??;
        let counts = (i64::from(delivery.accepted) << 16) | i64::from(delivery.devices);
        if let Err(error) = self.store.note_done(&scope, once, counts).await {
            tracing::warn!(%domain, %error, "a message may be sent again after a crash");
        }
        Ok(delivery)
    }

    async fn schedule(&self, domain: &str, name: &str) -> Result<ScheduleStatus, ScheduleError> {
        let unavailable = |error: &dyn std::fmt::Display| {
            tracing::warn!(%domain, schedule = %name, %error, "a schedule cannot be read");
            ScheduleError::Unavailable
        };
        let found = self.directory.domain(domain).await.map_err(|e| unavailable(&e))?;
        let zone = found.ok_or(ScheduleError::NotFound)?.time_zone.clone();
        let zone = TimeZone::get(&zone).map_err(|e| unavailable(&e))?;
        let scope = self
            .store
            .domain_scope(domain)
            .await
            .map_err(|e| unavailable(&e))?;
        let text = self
            .store
            .schedule(&scope, name)
            .await
            .map_err(|e| unavailable(&e))?;
        let text = text.ok_or(ScheduleError::NotFound)?;
        let schedule: Schedule = serde_json::from_str(&text).map_err(|e| unavailable(&e))?;
        Ok(schedule.status(jiff::Timestamp::now(), &zone))
    }

    async fn find_contact(&self, domain: &str, number: &str) -> Result<Option<Contact>, StoreError> {
        let digits = significant(number);
        if digits.is_empty() {
            return Ok(None);
        }
        let scope = self.store.domain_scope(domain).await?;
        let found = self.store.contacts_by_tail(&scope, tail(&digits)).await?;
        Ok(closest(found, &digits).map(of_store))
    }

    async fn search_contacts(
        &self,
        domain: &str,
        text: &str,
        limit: u32,
    ) -> Result<Vec<Contact>, StoreError> {
        let scope = self.store.domain_scope(domain).await?;
        let found = self.store.search_contacts(&scope, text, 0, limit).await?;
        Ok(found.into_iter().map(of_store).collect())
    }
}

/// Of contacts by name, the one with the number that is most like this one; of several, the first.
pub fn closest(found: Vec<tandem_store::Contact>, digits: &str) -> Option<tandem_store::Contact> {
    let like = |contact: &tandem_store::Contact| {
        let numbers = contact.numbers.iter();
        numbers
            .filter_map(|own| likeness(&significant(&own.number), digits))
            .max()
    };
    let mut best = None;
    for contact in found {
        let Some(likeness) = like(&contact) else { continue };
        if best.as_ref().is_none_or(|(most, _)| likeness > *most) {
            best = Some((likeness, contact));
        }
    }
    best.map(|(_, contact)| contact)
}

fn of_store(contact: tandem_store::Contact) -> Contact {
    let number = |number: tandem_store::ContactNumber| ContactNumber {
        label: number.label,
        number: number.number,
    };
    Contact {
        name: contact.name,
        company: contact.company,
        email: contact.email,
        note: contact.note,
        numbers: contact.numbers.into_iter().map(number).collect(),
    }
}

fn metric(result: Result<(), tandem_web::MetricRefused>) -> Outcome {
    Outcome::Metric(result.map_err(|refused| MetricError::Limit(refused.to_string())))
}

fn contacts_error(error: &StoreError) -> ContactsError {
    tracing::warn!(%error, "the address book cannot be read");
    ContactsError::Unavailable
}
