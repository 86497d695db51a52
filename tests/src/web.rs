//! An HTTP client that we did not write: Python's.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use tandem_kit::Result;
use tandem_kit::failure::Doing as _;

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

impl Answer {
    /// All values of a header, in order.
    pub fn header(&self, name: &str) -> Vec<&str> {
        let found = self.headers.iter().filter(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str()).collect()
    }
}

const CLIENT: &str = "
import http.client, json, sys
address, method, path, headers = sys.argv[1:]
body = sys.stdin.buffer.read()
connection = http.client.HTTPConnection(address, timeout=60)
connection.request(method, path, body=body or None, headers=dict(json.loads(headers)))
answer = connection.getresponse()
told = [[name.lower(), value] for name, value in answer.getheaders()]
print(json.dumps([answer.status, told, answer.read().decode('utf-8', 'replace')]))
";

/// Sends one request on a connection of its own.
///
/// # Errors
/// When there is no answer.
pub fn request(
    server: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl AsRef<[u8]>,
) -> Result<Answer> {
    let headers = serde_json::to_string(headers).doing("headers as JSON")?;
    let mut client = Command::new("python3")
        .args(["-c", CLIENT, &server.to_string(), method, path, &headers])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .doing("running python3")?;
    // It reads all of it before it sends; dropped, the pipe is at its end.
    let mut input = client.stdin.take().doing("the client's input")?;
    input.write_all(body.as_ref()).doing("giving the body")?;
    drop(input);
    let output = client.wait_with_output().doing("waiting for python3")?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let parsed: (u16, Vec<(String, String)>, String) =
        serde_json::from_str(&told).doing(&format!("{method} {path}: {errors}"))?;
    Ok(Answer {
        status: parsed.0,
        headers: parsed.1,
        body: parsed.2,
    })
}

/// As [`request`], without headers and body.
///
/// # Errors
/// When there is no answer.
pub fn get(server: SocketAddr, path: &str) -> Result<Answer> {
    request(server, "GET", path, &[], "")
}

/// A request that is sent beside others.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, …
    pub method: String,
    /// With what is before it: `/api/v1/users`.
    pub path: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// Empty: none.
    pub body: String,
}

const CLIENT_OF_MANY: &str = "
import http.client, json, sys
address, told, connection = sys.argv[1], [], None

def ask(connection, method, path, headers, body):
    connection.request(method, path, body=body.encode() or None, headers=dict(headers))
    return connection.getresponse()

for request in json.load(sys.stdin):
    kept, connection = connection, connection or http.client.HTTPConnection(address, timeout=60)
    try:
        answer = ask(connection, *request)
    except ConnectionError:
        if not kept:
            raise
        # A server may close a connection that it kept: RFC 9112, 9.3.1.
        connection = http.client.HTTPConnection(address, timeout=60)
        answer = ask(connection, *request)
    endless = answer.getheader('content-type') == 'text/event-stream'
    told.append([answer.status, '' if endless else answer.read().decode('utf-8', 'replace')])
    if endless or answer.will_close:
        connection.close()
        connection = None
print(json.dumps(told))
";

/// Sends many requests, one after the other, and gives the status and the body of each. Of a stream that has no end, the
/// body is empty.
///
/// # Errors
/// When one of them has no answer.
pub fn request_all(server: SocketAddr, requests: &[Request]) -> Result<Vec<(u16, String)>> {
    let asked: Vec<_> = requests
        .iter()
        .map(|of| (&of.method, &of.path, &of.headers, &of.body))
        .collect();
    let asked = serde_json::to_vec(&asked).doing("requests as JSON")?;
    let mut client = Command::new("python3")
        .args(["-c", CLIENT_OF_MANY, &server.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .doing("running python3")?;
    let mut input = client.stdin.take().doing("the client's input")?;
    input.write_all(&asked).doing("giving the requests")?;
    drop(input);
    let output = client.wait_with_output().doing("waiting for python3")?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).doing(&errors)
}
