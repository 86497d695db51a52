//! Services of the scripted world: web services, opening hours, metrics, an address book, timers.

use std::time::Duration;

use tandem_host_api::numbers::{likeness, significant};
use tandem_host_api::op::{
    Contact, HeaderValue, HttpError, HttpRequest, HttpResponse, MetricError, Op, Outcome, ScheduleError,
    TimerError, TimerOp,
};

use super::{Exchange, Pending};

/// Most names of metrics, as a server has it.
const METRICS_MAX: usize = 100;
/// Most timers that wait, as a server has it.
const TIMERS_MAX: usize = 1_000;

/// What a metric is, with what it has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Metric {
    kind: &'static str,
    value: f64,
}

impl Metric {
    pub(super) fn value(self) -> f64 {
        self.value
    }
}

impl Exchange {
    /// What a service answers at once; none: it is no service's, or takes time.
    pub(super) fn answer_service(&mut self, op: &Op) -> Option<Outcome> {
        let world = &self.case.world;
        Some(match op {
            Op::LookUpSchedule { name } => {
                let now = self.wall();
                let found = world.schedules.get(name).ok_or(ScheduleError::NotFound);
                Outcome::Schedule(found.map(|schedule| schedule.status(now, &world.time_zone)))
            }
            Op::MetricCount { name, by } => self.metric(name, "counter", |value| value + *by as f64),
            Op::MetricGauge { name, value } => self.metric(name, "gauge", |_| value.value()),
            Op::MetricObserve { name, value } => self.metric(name, "distribution", |sum| sum + value.value()),
            Op::FindContact { number } => Outcome::Contact(Ok(self.find_contact(number))),
            Op::SearchContacts { text, limit } => Outcome::Contacts(Ok(self.search_contacts(text, *limit))),
            _ => return None,
        })
    }

    /// Sends a request to the first service that takes it.
    pub(super) fn begin_http(&mut self, request: &HttpRequest) {
        let method = request.method.as_str();
        let body = String::from_utf8_lossy(&request.body);
        let mut seen = format!("{method} {}", request.url);
        for header in &request.headers {
            let value = match &header.value {
                HeaderValue::Text(text) => text.clone(),
                HeaderValue::Secret { name, prefix } => format!("{prefix}<{name}>"),
            };
            seen.extend([" ", &header.name, ": ", &value]);
        }
        seen.push(' ');
        seen.push_str(&body);
        self.seen.requests.push(seen.trim_end().to_owned());

        let (after, result) = self.web_answer(method, &request.url);
        let time_out = Duration::from_millis(request.timeout_ms.into());
        let (after, result) = if after > time_out {
            (time_out, Err(HttpError::TimeOut))
        } else {
            (after, result)
        };
        let until = self.now() + after;
        self.pending = Pending::Answering {
            until,
            outcome: Outcome::Http(result),
        };
    }

    fn web_answer(&mut self, method: &str, url: &str) -> (Duration, Result<HttpResponse, HttpError>) {
        let services = &self.case.world.http;
        let takes = services.iter().position(|service| {
            let url_fits = match service.url.strip_suffix('*') {
                Some(begin) => url.starts_with(begin),
                None => url == service.url,
            };
            url_fits && service.method.as_ref().is_none_or(|own| own == method)
        });
        let found = takes.and_then(|number| {
            let times = self.requests_to.entry(number).or_default();
            let answers = &services.get(number)?.answers;
            let answer = answers.get(*times).or(answers.last())?;
            *times += 1;
            Some((answer.after, answer.result.clone()))
        });
        found.unwrap_or_else(|| {
            let words = format!("the script has no [[world.http]] for {method} {url}");
            (Duration::ZERO, Err(HttpError::NotAllowed(words)))
        })
    }

    fn metric(&mut self, name: &str, kind: &'static str, change: impl FnOnce(f64) -> f64) -> Outcome {
        let present = self.metrics.len();
        let refused = match self.metrics.get(name) {
            Some(known) if known.kind != kind => Some(format!("{name} is a {} already", known.kind)),
            None if present >= METRICS_MAX => Some(format!("the domain has {METRICS_MAX} metrics already")),
            Some(_) | None => None,
        };
        if let Some(words) = refused {
            return Outcome::Metric(Err(MetricError::Limit(words)));
        }
        let metric = self
            .metrics
            .entry(name.to_owned())
            .or_insert(Metric { kind, value: 0.0 });
        metric.value = change(metric.value);
        Outcome::Metric(Ok(()))
    }

    /// Sets or cancels a timer. Nobody rings it here: what waits at the end can be expected.
    pub(super) fn timer(&mut self, name: &str, op: &TimerOp) -> Result<bool, TimerError> {
        let waited = self.seen.timers.remove(name).is_some();
        if let TimerOp::Set { after_ms, data } = op {
            if self.seen.timers.len() >= TIMERS_MAX {
                let words = format!("more than {TIMERS_MAX} timers that wait in one domain");
                return Err(TimerError::Limit(words));
            }
            let after = format!("{after_ms} {data}").trim_end().to_owned();
            self.seen.timers.insert(name.to_owned(), after);
        }
        Ok(waited)
    }

    fn find_contact(&self, number: &str) -> Option<Contact> {
        let digits = significant(number);
        let like = |contact: &Contact| {
            let numbers = contact.numbers.iter();
            numbers
                .filter_map(|own| likeness(&significant(&own.number), &digits))
                .max()
        };
        let mut best: Option<(usize, &Contact)> = None;
        for contact in &self.case.world.contacts {
            if let Some(likeness) = like(contact)
                && best.is_none_or(|(most, _)| likeness > most)
            {
                best = Some((likeness, contact));
            }
        }
        best.map(|(_, contact)| contact.clone())
    }

    fn search_contacts(&self, text: &str, limit: u32) -> Vec<Contact> {
        let lower = text.to_lowercase();
        let has = |contact: &&Contact, word: &str| {
            let fields = [&contact.name, &contact.company, &contact.email];
            let digits = |number: &str| number.chars().filter(char::is_ascii_digit).collect::<String>();
            fields.iter().any(|field| field.to_lowercase().contains(word))
                || contact
                    .numbers
                    .iter()
                    .any(|own| digits(&own.number).contains(word))
        };
        let contacts = self.case.world.contacts.iter();
        contacts
            .filter(|contact| lower.split_whitespace().all(|word| has(contact, word)))
            .take(limit as usize)
            .cloned()
            .collect()
    }
}
