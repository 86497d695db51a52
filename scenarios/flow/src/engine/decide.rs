//! Nodes that decide and reckon.

use super::{Engine, Go, on_or_out};
use crate::check::SECRET;
use crate::glob;
use crate::model::{Assigned, Condition, Http, Method, Set, Value};
use crate::phone::{Header, Request};
use crate::text;

impl<'a> Engine<'a> {
    /// What the variable holds; empty: it was never set.
    fn variable(&mut self, name: &str) -> String {
        if let Some(value) = self.variables.get(name) {
            return value.clone();
        }
        let part = match name {
            "date" | "time" | "year" | "month" | "day" | "weekday" | "hour" | "minute" => self.phone.now(),
            _ => return String::new(),
        };
        match name {
            "date" => format!("{:04}-{:02}-{:02}", part.year, part.month, part.day),
            "time" => format!("{:02}:{:02}", part.hour, part.minute),
            "year" => part.year.to_string(),
            "month" => part.month.to_string(),
            "day" => part.day.to_string(),
            "weekday" => part.weekday.to_string(),
            "hour" => part.hour.to_string(),
            _ => part.minute.to_string(),
        }
    }

    pub(super) fn value(&mut self, value: &Value) -> String {
        match value {
            Value::Fixed(text) => text.clone(),
            Value::Variable(name) => self.variable(name),
        }
    }

    /// A text with what its variables hold.
    pub(super) fn text(&mut self, words: &str) -> String {
        text::fill(words, |name| self.variable(name))
    }

    /// Whether it is so.
    pub(super) fn holds(&mut self, condition: &Condition) -> bool {
        match condition {
            Condition::Equals(left, right) => self.value(left) == self.value(right),
            Condition::Matches(value, pattern) => glob::matches(pattern, &self.value(value)),
            Condition::Less(left, right) => is_less(&self.value(left), &self.value(right)),
            // Better a phone that rings at night than callers who are sent away.
            Condition::Open(name) => self.phone.is_open(name).unwrap_or_else(|why| {
                self.phone.warn(&format!("{name}: {why}"));
                true
            }),
            Condition::All(parts) => parts.iter().all(|part| self.holds(part)),
            Condition::Any(parts) => parts.iter().any(|part| self.holds(part)),
            Condition::Not(part) => !self.holds(part),
        }
    }

    pub(super) fn set(&mut self, set: &Set) {
        let value = match &set.value {
            Assigned::Fixed(text) => text.clone(),
            Assigned::Variable(name) => self.variable(name),
            Assigned::Text(words) => self.text(words),
        };
        self.variables.insert(set.variable.clone(), text::cut(value));
    }

    pub(super) fn http(&mut self, http: &'a Http) -> Go<'a> {
        // The caller hears that it rings while the service is asked.
        if !self.answered && !self.rang {
            self.phone.ring();
            self.rang = true;
        }
        let request = self.request(http);
        let taken = self.phone.fetch(&request).and_then(|body| taken(http, &body));
        match taken {
            Ok(values) => {
                self.variables.extend(values);
                on_or_out(http.next.as_ref())
            }
            Err(why) => {
                self.phone.warn(&why);
                on_or_out(http.default.as_ref())
            }
        }
    }

    fn request(&mut self, http: &Http) -> Request {
        let post = (http.method == Method::Post).then(|| {
            let body = if http.sends_json() {
                text::fill_json(&http.body, |name| self.variable(name))
            } else if http.sends_form() {
                uncut(&http.body, |name| text::percent(&self.variable(name)))
            } else {
                uncut(&http.body, |name| self.variable(name))
            };
            (http.content_type().to_owned(), body)
        });
        let headers = http
            .headers
            .iter()
            .filter(|(name, _)| post.is_none() || !name.eq_ignore_ascii_case("content-type"))
            .map(|(name, value)| self.header(name, value))
            .collect();
        Request {
            url: uncut(&http.url, |name| text::percent(&self.variable(name))),
            headers,
            post,
            timeout_s: http.timeout_s,
        }
    }

    fn header(&mut self, name: &str, value: &str) -> Header {
        let mut secret = None;
        let value = uncut(value, |name| match name.strip_prefix(SECRET) {
            Some(name) => {
                secret = Some(name.to_owned());
                String::new()
            }
            None => self.variable(name),
        });
        Header {
            name: name.to_owned(),
            value,
            secret,
        }
    }
}

/// A text of which nothing is cut: half a request is none. The host refuses what is too long.
fn uncut(words: &str, mut of: impl FnMut(&str) -> String) -> String {
    text::pieces(words)
        .map(|piece| match piece {
            text::Piece::Text(words) => words.to_owned(),
            text::Piece::Variable(name) => of(name),
        })
        .collect()
}

/// What the variables take of an answer.
fn taken(http: &Http, body: &[u8]) -> Result<Vec<(String, String)>, String> {
    if http.into.is_empty() {
        return Ok(Vec::new());
    }
    let answer: serde_json::Value =
        serde_json::from_slice(body).map_err(|error| format!("the service's answer is no JSON: {error}"))?;
    let fields = http.into.iter().map(|(variable, pointer)| {
        let value = match answer.pointer(pointer) {
            None | Some(serde_json::Value::Null) => String::new(),
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        (variable.clone(), text::cut(value))
    });
    Ok(fields.collect())
}

fn is_less(left: &str, right: &str) -> bool {
    match (left.trim().parse::<f64>(), right.trim().parse::<f64>()) {
        (Ok(left), Ok(right)) => left < right,
        _ => left < right,
    }
}
