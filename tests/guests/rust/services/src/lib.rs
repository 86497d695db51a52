//! Asks the services that its settings say, one after another, and logs what each answers in a line that begins with its
//! number.

use serde::Deserialize;
use serde_json::Value;
use tandem_sdk::http::{self, Method, Request};
use tandem_sdk::{Leg, config, contacts, log, metrics, schedule};

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
}

/// Answers nothing: the caller is refused when all is done.
pub fn handle(_caller: Leg) -> Result<(), String> {
    let settings: Settings = serde_json::from_str(&config::document()).map_err(|e| e.to_string())?;
    for (number, step) in settings.steps.into_iter().enumerate() {
        log::info(&format!("{number}: {}", ask(step)));
    }
    Ok(())
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
