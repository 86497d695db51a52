//! What a script says of a start that is no call: a request, or an event.

use tandem_host_api::{Event, WebRequest};

use super::shape;
use crate::case::{Act, Response, Start, World};

/// What starts a case's scenario.
pub(super) fn start(
    request: Option<shape::Request>,
    event: Option<shape::Event>,
    world: &World,
    acts: &[Act],
    expect: &shape::Expect,
) -> Result<Start, String> {
    let start = match (request, event) {
        (Some(_), Some(_)) => return Err("a request and an event are both given".to_owned()),
        (Some(request), None) => {
            Start::Request(self::request(request).map_err(|reason| format!("request: {reason}"))?)
        }
        (None, Some(event)) => Start::Event(self::event(event, world)?),
        (None, None) => Start::Call,
    };
    if !matches!(start, Start::Call) && !acts.is_empty() {
        return Err("only a call has acts".to_owned());
    }
    if !matches!(start, Start::Request(_)) && expect.response.is_some() {
        return Err("only a request has a response".to_owned());
    }
    Ok(start)
}

fn request(shape: shape::Request) -> Result<WebRequest, String> {
    if !shape.path.starts_with('/') {
        return Err(format!("the path {:?} does not begin with /", shape.path));
    }
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, values) in shape.headers {
        let name = name.to_ascii_lowercase();
        headers.extend(values.0.into_iter().map(|value| (name.clone(), value)));
    }
    let (body, json) = match (shape.body, shape.json) {
        (Some(_), Some(_)) => return Err("body and json are both given".to_owned()),
        (Some(text), None) => (text.into_bytes(), false),
        (None, Some(value)) => {
            let body = serde_json::to_vec(&value).map_err(|error| format!("json: {error}"))?;
            (body, true)
        }
        (None, None) => (Vec::new(), false),
    };
    if json && !headers.iter().any(|(name, _)| name == "content-type") {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    let default = if body.is_empty() { "GET" } else { "POST" };
    Ok(WebRequest {
        method: shape
            .method
            .map_or_else(|| default.to_owned(), |method| method.to_ascii_uppercase()),
        path: shape.path,
        query: shape.query,
        headers,
        body,
        peer: shape.peer.unwrap_or_else(|| "192.0.2.1".to_owned()),
    })
}

fn event(shape: shape::Event, world: &World) -> Result<Event, String> {
    Ok(Event {
        id: shape.id.unwrap_or_else(|| format!("{}/1", shape.kind)),
        kind: shape.kind,
        at_ms: world.start.as_millisecond().max(0) as u64,
        data: serde_json::to_string(&shape.data).map_err(|error| format!("event: data: {error}"))?,
    })
}

/// What should be answered.
pub(super) fn response(shape: shape::Response) -> Result<Response, String> {
    if shape.body.is_some() && shape.json.is_some() {
        return Err("response: body and json are both given".to_owned());
    }
    let json = shape.json.map(serde_json::to_value).transpose();
    Ok(Response {
        status: shape.status,
        headers: shape
            .headers
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect(),
        body: shape.body,
        json: json.map_err(|error| format!("response: json: {error}"))?,
        contains: shape.contains,
    })
}
