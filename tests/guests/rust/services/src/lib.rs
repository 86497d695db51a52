//! Asks the services that its settings say, one after another, and logs what each answers in a line that begins with its
//! number.

use serde::Deserialize;
use serde_json::Value;
use tandem_sdk::http::{self, Method, Request};
use tandem_sdk::mail::Mail;
use tandem_sdk::recording::{self, Recording};
use tandem_sdk::voicemail::{self, State};
use tandem_sdk::{Address, Leg, config, contacts, log, metrics, schedule};

tandem_sdk::scenario!(handle);

#[derive(Deserialize)]
struct Settings {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Step {
    Http {
        method: String,
        url: String,
        #[serde(default)]
        body: String,
        #[serde(default)]
        bearer: Option<String>,
        #[serde(default)]
        headers: Vec<(String, String)>,
        #[serde(default)]
        timeout_ms: Option<u32>,
        #[serde(default)]
        retries: u32,
    },
    PostJson {
        url: String,
        value: Value,
        bearer: Option<String>,
    },
    Schedule(String),
    Count(String, u64),
    Gauge(String, f64),
    Observe(String, f64),
    Find(String),
    Search(String, u32),
    Mail {
        to: Vec<String>,
        subject: String,
        #[serde(default)]
        text: String,
        #[serde(default)]
        html: Option<String>,
        #[serde(default)]
        attach: Vec<String>,
    },
    /// The box, the recording.
    Store(String, String),
    /// The box, the state, how many.
    List(String, Option<String>, u32, u32),
    /// The box, which of its list, the state.
    Mark(String, usize, String),
    /// The box, which of its list.
    Delete(String, usize),
    Boxed(String),
    DeleteRecording(String),
}

/// Answers nothing: the caller is refused when all is done.
pub fn handle(_caller: Leg) -> Result<(), String> {
    let settings: Settings = serde_json::from_str(&config::document()).map_err(|e| e.to_string())?;
    for (number, step) in settings.steps.into_iter().enumerate() {
        log::info(&format!("{number}: {}", ask(step)));
    }
    Ok(())
}

fn state(name: &str) -> State {
    match name {
        "new" => State::New,
        "heard" => State::Heard,
        _ => State::Saved,
    }
}

fn id_of(name: &str, place: usize) -> u64 {
    let listed = voicemail::list(name, None, 0, 100).unwrap_or_default();
    listed.get(place).map_or(0, |message| message.id)
}

fn ask(step: Step) -> String {
    match step {
        Step::Http {
            method,
            url,
            body,
            bearer,
            headers,
            timeout_ms,
            retries,
        } => {
            let method = match method.as_str() {
                "get" => Method::Get,
                "head" => Method::Head,
                "put" => Method::Put,
                "patch" => Method::Patch,
                "delete" => Method::Delete,
                _ => Method::Post,
            };
            let mut request = Request::new(method, &url).retries(retries);
            if !body.is_empty() {
                request = request.body("text/plain", body);
            }
            for (name, value) in &headers {
                request = request.header(name, value);
            }
            if let Some(secret) = &bearer {
                request = request.bearer(secret);
            }
            if let Some(timeout_ms) = timeout_ms {
                request = request.timeout_ms(timeout_ms);
            }
            match request.send() {
                Ok(response) => {
                    let text = response.text().unwrap_or("no text");
                    format!(
                        "{} {} bytes {}",
                        response.status(),
                        response.body().len(),
                        start(text)
                    )
                }
                Err(error) => format!("{error:?}"),
            }
        }
        Step::PostJson { url, value, bearer } => {
            match http::post_json::<Value>(&url, &value, bearer.as_deref()) {
                Ok(value) => value.to_string(),
                Err(error) => format!("{error:?}"),
            }
        }
        Step::Schedule(name) => match schedule::look_up(&name) {
            Ok(status) => format!("{:?} until {:?}", status.state, status.until_ms),
            Err(error) => error.into(),
        },
        Step::Count(name, by) => format!("{:?}", metrics::count(&name, by)),
        Step::Gauge(name, value) => format!("{:?}", metrics::gauge(&name, value)),
        Step::Observe(name, value) => format!("{:?}", metrics::observe(&name, value)),
        Step::Find(number) => match contacts::find_by_number(&number) {
            Ok(found) => found.map_or("nobody".to_owned(), |contact| {
                format!(
                    "{}, {} of {}",
                    contact.name, contact.numbers[0].label, contact.company
                )
            }),
            Err(error) => format!("{error:?}"),
        },
        Step::Mail {
            to,
            subject,
            text,
            html,
            attach,
        } => {
            let mut mail = Mail::to(&to[0]).subject(&subject).text(&text);
            for more in &to[1..] {
                mail = mail.and_to(more);
            }
            if let Some(html) = &html {
                mail = mail.html(html);
            }
            for name in &attach {
                mail = mail.attach(name);
            }
            format!("{:?}", mail.send())
        }
        Step::Store(name, recording) => {
            let recording = Recording {
                name: recording,
                duration_ms: 2_000,
                bytes: 0,
            };
            let caller = Address {
                user: "302".into(),
                host: "demo.local".into(),
                display_name: "Bob".into(),
            };
            match voicemail::store(&name, &recording, &caller) {
                Ok(message) => format!(
                    "stored {:?} {} {}",
                    message.state, message.recording, message.caller.user
                ),
                Err(error) => format!("{error:?}"),
            }
        }
        Step::List(name, wanted, offset, limit) => {
            match voicemail::list(&name, wanted.as_deref().map(state), offset, limit) {
                Ok(messages) => {
                    let said =
                        |message: voicemail::Message| format!("{:?} {}", message.state, message.recording);
                    format!(
                        "listed {}",
                        messages.into_iter().map(said).collect::<Vec<_>>().join(", ")
                    )
                }
                Err(error) => format!("{error:?}"),
            }
        }
        Step::Mark(name, place, wanted) => {
            format!(
                "{:?}",
                voicemail::mark(&name, id_of(&name, place), state(&wanted))
            )
        }
        Step::Delete(name, place) => format!("{:?}", voicemail::delete(&name, id_of(&name, place))),
        Step::Boxed(name) => format!("{:?}", voicemail::count(&name)),
        Step::DeleteRecording(name) => format!("{:?}", recording::delete(&name)),
        Step::Search(text, limit) => match contacts::search(&text, limit) {
            Ok(found) => {
                let names: Vec<String> = found.into_iter().map(|contact| contact.name).collect();
                names.join(", ")
            }
            Err(error) => format!("{error:?}"),
        },
    }
}

fn start(text: &str) -> String {
    text.chars().take(200).collect()
}
