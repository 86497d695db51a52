//! Answers HTTP requests: a greeting, a counter, an echo, a mail, messages of voicemail, and ways to go wrong.

use tandem_sdk::mail::Mail;
use tandem_sdk::originate::{self, Originate};
use tandem_sdk::{
    Target, WebRequest, WebResponse, clock, config, key_value, log, send_message, timers, voicemail,
};

tandem_sdk::web_scenario!(handle);

/// Chooses by the path.
pub fn handle(request: WebRequest) -> Result<WebResponse, String> {
    match request.path.as_str() {
        "/hello" => Ok(hello(&request)),
        "/count" => count(&request),
        "/kv" => Ok(kept(&request)),
        "/echo" => Ok(echo(&request)),
        "/large" => Ok(large(&request)),
        "/mail" => Ok(mail(&request)),
        "/messages" => Ok(messages(&request)),
        "/call" => Ok(call(&request)),
        "/set" => set(&request),
        "/timer" => Ok(timer(&request)),
        "/text" => Ok(text(&request)),
        "/nap" => {
            clock::sleep(std::time::Duration::from_secs(45));
            Ok(WebResponse::empty(204))
        }
        "/odd" => Ok(WebResponse::text(99, "no such status")),
        "/error" => Err("the customer's file is gone".to_owned()),
        "/panic" => panic!("no page has this number"),
        "/spin" => loop {
            std::hint::black_box(0);
        },
        _ => Ok(WebResponse::text(404, "there is no such page")),
    }
}

fn hello(request: &WebRequest) -> WebResponse {
    log::info(&format!("greeted {}", request.query));
    WebResponse::html(200, format!("<p>Hello from {}</p>", config::domain()))
}

fn count(request: &WebRequest) -> Result<WebResponse, String> {
    if request.method != "POST" {
        return Ok(WebResponse::text(405, "only POST counts").with_header("allow", "POST"));
    }
    let count = key_value::increment("web/count", 1).map_err(|error| format!("{error:?}"))?;
    Ok(WebResponse::json(200, format!("{{\"count\":{count}}}")))
}

fn kept(request: &WebRequest) -> WebResponse {
    match key_value::get(&request.query) {
        Ok(Some(value)) => WebResponse::empty(200).with_body(value),
        Ok(None) => WebResponse::text(404, "nothing is kept under this key"),
        Err(error) => WebResponse::text(503, format!("{error:?}")),
    }
}

/// Mails the address that is the query.
fn mail(request: &WebRequest) -> WebResponse {
    match Mail::to(&request.query).subject("From the web").send() {
        Ok(id) => WebResponse::text(200, id),
        Err(error) => WebResponse::text(503, format!("{error:?}")),
    }
}

/// How many new messages are in the box that is the query.
fn messages(request: &WebRequest) -> WebResponse {
    match voicemail::count(&request.query) {
        Ok(counts) => WebResponse::text(200, counts.new.to_string()),
        Err(error) => WebResponse::text(503, format!("{error:?}")),
    }
}

/// `/set?KEY`: keeps the body.
fn set(request: &WebRequest) -> Result<WebResponse, String> {
    key_value::set(&request.query, &request.body).map_err(|error| format!("{error:?}"))?;
    Ok(WebResponse::empty(204))
}

/// `/call?USER&ENTRY-POINT&DATA`: the call's id, or why there is none.
fn call(request: &WebRequest) -> WebResponse {
    let mut words = request.query.splitn(3, '&');
    let mut word = || words.next().unwrap_or_default().replace('+', " ");
    let (user, entry_point, data) = (word(), word(), word());
    let how = Originate {
        ring: std::time::Duration::from_secs(8),
        ..Originate::default()
    };
    match originate::call(&Target::number(user), &entry_point, &data, &how) {
        Ok(call) => WebResponse::text(200, call),
        Err(failure) => WebResponse::text(409, String::from(failure)),
    }
}

/// `/text?USER&WORDS`: what became of it.
fn text(request: &WebRequest) -> WebResponse {
    let (user, words) = request.query.split_once('&').unwrap_or_default();
    let sent = send_message(user, &words.replace('+', " "), None);
    WebResponse::text(if sent.is_ok() { 200 } else { 409 }, format!("{sent:?}"))
}

/// `/timer?NAME&AFTER-MS&DATA` sets a timer, `/timer?NAME` cancels it.
fn timer(request: &WebRequest) -> WebResponse {
    let mut words = request.query.splitn(3, '&');
    let name = words.next().unwrap_or_default();
    let done = match (words.next(), words.next()) {
        (Some(after_ms), data) => {
            let after = std::time::Duration::from_millis(after_ms.parse().unwrap_or_default());
            timers::set(name, after, data.unwrap_or_default()).map(|()| "set".to_owned())
        }
        (None, _) => timers::cancel(name).map(|waited| waited.to_string()),
    };
    match done {
        Ok(done) => WebResponse::text(200, done),
        Err(error) => WebResponse::text(409, String::from(error)),
    }
}

/// `/large?BYTES`
fn large(request: &WebRequest) -> WebResponse {
    let bytes = request.query.parse().unwrap_or_default();
    WebResponse::empty(200).with_body(vec![b'x'; bytes])
}

fn echo(request: &WebRequest) -> WebResponse {
    let headers: Vec<String> = request
        .headers
        .iter()
        .map(|header| format!("{}: {}", header.name, header.value))
        .collect();
    let kind = request.header("Content-Type").unwrap_or("none").to_owned();
    WebResponse::empty(200)
        .with_header("content-type", "application/octet-stream")
        .with_header("x-kind", &kind)
        .with_header("x-headers", &headers.join("|"))
        .with_header("set-cookie", "session=stolen")
        .with_header("content-length", "1")
        .with_body(request.body.clone())
}
