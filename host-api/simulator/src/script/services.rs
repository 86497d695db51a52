//! What a script says of services: opening hours, an address book, web services, mail, voicemail.

use std::collections::BTreeMap;
use std::time::Duration;

use tandem_host_api::op::{
    Address, Contact, ContactNumber, HttpError, HttpResponse, MailError, VoicemailState,
};
use tandem_host_api::schedule::Schedule;

use super::shape;
use super::words::Time;
use crate::case::{MailAnswer, Message, Service, WebAnswer};

/// The file's, and the case's own over them.
pub(super) fn schedules(all: &shape::World, own: &shape::World) -> BTreeMap<String, Schedule> {
    let both = all.schedules.iter().chain(&own.schedules);
    both.map(|(name, schedule)| (name.clone(), schedule.clone()))
        .collect()
}

/// The case's with the file's, by name.
pub(super) fn contacts(all: &shape::World, own: &shape::World) -> Vec<Contact> {
    let both = own.contacts.iter().chain(&all.contacts);
    let mut contacts: Vec<Contact> = both.map(contact).collect();
    contacts.sort_by(|one, other| one.name.cmp(&other.name));
    contacts
}

fn contact(shape: &shape::Contact) -> Contact {
    let number = |(label, number): (&String, &String)| ContactNumber {
        label: label.clone(),
        number: number.clone(),
    };
    Contact {
        name: shape.name.clone(),
        company: shape.company.clone(),
        email: shape.email.clone(),
        note: shape.note.clone(),
        numbers: shape.numbers.iter().map(number).collect(),
    }
}

/// The case's, or the file's.
pub(super) fn mail(all: &shape::World, own: &shape::World) -> Result<MailAnswer, String> {
    let Some(shape) = own.mail.as_ref().or(all.mail.as_ref()) else {
        return Ok(MailAnswer::default());
    };
    let error = shape.error.as_ref().map(|word| {
        let scripted = "the script says so".to_owned();
        Ok(match word.as_str() {
            "refused" => MailError::Refused(scripted),
            "unavailable" => MailError::Unavailable(scripted),
            "limit" => MailError::Limit(scripted),
            _ => {
                return Err(format!(
                    "mail: {word:?} is no error: there are refused, unavailable, limit"
                ));
            }
        })
    });
    Ok(MailAnswer {
        after: shape.after.map_or(Duration::ZERO, |Time(time)| time),
        error: error.transpose()?,
    })
}

/// The file's boxes, and the case's over them.
pub(super) fn boxes(all: &shape::World, own: &shape::World, domain: &str) -> BTreeMap<String, Vec<Message>> {
    let message = |shape: &shape::Message| Message {
        caller: Address {
            user: shape.caller.clone(),
            host: domain.to_owned(),
            display_name: shape.caller_name.clone(),
        },
        length: shape.length.0,
        state: match shape.state {
            shape::MessageState::New => VoicemailState::New,
            shape::MessageState::Heard => VoicemailState::Heard,
            shape::MessageState::Saved => VoicemailState::Saved,
        },
    };
    let both = all.voicemail.iter().chain(&own.voicemail);
    both.map(|(name, messages)| (name.clone(), messages.iter().map(message).collect()))
        .collect()
}

/// The case's before the file's: the first that takes a request answers it.
pub(super) fn http(all: &shape::World, own: &shape::World) -> Result<Vec<Service>, String> {
    own.http.iter().chain(&all.http).map(service).collect()
}

fn service(shape: &shape::Service) -> Result<Service, String> {
    let answers = shape.answer.0.iter().map(answer).collect::<Result<Vec<_>, _>>();
    let answers = answers.map_err(|reason| format!("http {:?}: {reason}", shape.url))?;
    if answers.is_empty() {
        return Err(format!("http {:?}: there is no answer", shape.url));
    }
    Ok(Service {
        method: shape.method.as_ref().map(|method| method.to_ascii_uppercase()),
        url: shape.url.clone(),
        answers,
    })
}

fn answer(shape: &shape::WebAnswer) -> Result<WebAnswer, String> {
    let after = shape.after.map_or(Duration::ZERO, |Time(time)| time);
    if let Some(word) = &shape.error {
        if shape.status.is_some() || shape.body.is_some() || shape.json.is_some() || !shape.headers.is_empty()
        {
            return Err("an error has no response".to_owned());
        }
        let result = Err(error(word)?);
        return Ok(WebAnswer { after, result });
    }
    let status = shape.status.unwrap_or(200);
    if !(200..=599).contains(&status) {
        return Err(format!("no service answers with {status}"));
    }
    let mut headers: Vec<(String, String)> = shape
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
        .collect();
    let body = match (&shape.body, &shape.json) {
        (Some(_), Some(_)) => return Err("body and json are both given".to_owned()),
        (Some(text), None) => text.clone().into_bytes(),
        (None, Some(value)) => {
            if !headers.iter().any(|(name, _)| name == "content-type") {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
            }
            serde_json::to_vec(value).map_err(|error| format!("json: {error}"))?
        }
        (None, None) => Vec::new(),
    };
    let result = Ok(HttpResponse {
        status,
        headers,
        body,
    });
    Ok(WebAnswer { after, result })
}

/// The words of `http-error`.
fn error(word: &str) -> Result<HttpError, String> {
    let scripted = || "the script says so".to_owned();
    Ok(match word {
        "not-allowed" => HttpError::NotAllowed(scripted()),
        "private-address" => HttpError::PrivateAddress,
        "time-out" => HttpError::TimeOut,
        "too-large" => HttpError::TooLarge(scripted()),
        "connect" => HttpError::Connect(scripted()),
        "tls" => HttpError::Tls(scripted()),
        "limit" => HttpError::Limit(scripted()),
        _ => {
            return Err(format!(
                "{word:?} is no error: there are not-allowed, private-address, time-out, too-large, connect, tls, limit"
            ));
        }
    })
}
