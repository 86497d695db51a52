//! baresip's remote control: its `ctrl_tcp` module speaks JSON in netstrings over TCP.
//!
//! Commands are answered by token; everything else that arrives is an [`Event`] with the moment of its arrival.

use crate::failure::{Doing, Failure, Result};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const COMMAND_WITHIN: Duration = Duration::from_secs(10);

/// What happened at a phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A registration was accepted.
    Registered,
    /// A registration was refused; status and reason are in [`Event::param`].
    RegisterFailed,
    /// The binding was removed.
    Unregistered,
    /// Somebody calls.
    Incoming,
    /// The called side rings (180).
    Ringing,
    /// The called side sends early media (183).
    Progress,
    /// The call is answered.
    Established,
    /// The call is over; why is in [`Event::param`].
    Closed,
    /// A telephone-event began; the key is in [`Event::param`] (RFC 4733).
    KeyDown,
    /// A telephone-event ended.
    KeyUp,
    /// Anything else, under baresip's own name.
    Other(String),
}

impl EventKind {
    fn of(name: &str) -> Self {
        match name {
            "REGISTER_OK" => Self::Registered,
            "REGISTER_FAIL" => Self::RegisterFailed,
            "UNREGISTERING" => Self::Unregistered,
            "CALL_INCOMING" => Self::Incoming,
            "CALL_RINGING" => Self::Ringing,
            "CALL_PROGRESS" => Self::Progress,
            "CALL_ESTABLISHED" => Self::Established,
            "CALL_CLOSED" => Self::Closed,
            "CALL_DTMF_START" => Self::KeyDown,
            "CALL_DTMF_END" => Self::KeyUp,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// One event of a phone.
#[derive(Clone, Debug)]
pub struct Event {
    /// When the kit saw it: a few milliseconds after it happened.
    pub at: Instant,
    /// What happened.
    pub kind: EventKind,
    /// The SIP Call-ID, empty outside calls.
    pub call_id: String,
    /// The other party's URI, empty outside calls.
    pub peer: String,
    /// Details: a reason, a key, a status line.
    pub param: String,
}

#[derive(Default)]
struct Inbox {
    events: Vec<(Event, bool)>,
    answers: Vec<Value>,
    closed: bool,
}

/// A connection to one baresip.
pub struct Control {
    stream: TcpStream,
    inbox: Arc<Mutex<Inbox>>,
    next_token: Mutex<u64>,
}

impl Control {
    /// Connects and starts to collect events.
    ///
    /// # Errors
    /// When nobody listens at `addr`.
    pub fn connect(addr: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(addr).doing("connecting to baresip's control port")?;
        stream.set_nodelay(true).doing("setting TCP_NODELAY")?;
        let inbox = Arc::new(Mutex::new(Inbox::default()));
        let (reading, filled) = (
            stream.try_clone().doing("sharing the connection")?,
            Arc::clone(&inbox),
        );
        // It ends when the connection closes, which Drop does.
        std::thread::spawn(move || read_all(reading, &filled));
        Ok(Self {
            stream,
            inbox,
            next_token: Mutex::new(0),
        })
    }

    /// Runs one of baresip's long commands ("dial", "accept", ...) and gives its text answer.
    ///
    /// # Errors
    /// When baresip refuses the command or does not answer within 10 s.
    pub fn command(&self, command: &str, params: &str) -> Result<String> {
        let token = {
            let mut next = self.next_token.lock().unwrap_or_else(PoisonError::into_inner);
            *next += 1;
            next.to_string()
        };
        let text = json!({ "command": command, "params": params, "token": token }).to_string();
        (&self.stream)
            .write_all(format!("{}:{text},", text.len()).as_bytes())
            .doing("writing a command")?;
        let answer = crate::wait::until(COMMAND_WITHIN, &format!("the answer to {command}"), || {
            let mut inbox = lock(&self.inbox);
            let place = inbox
                .answers
                .iter()
                .position(|answer| answer.get("token").and_then(Value::as_str) == Some(&token))?;
            Some(inbox.answers.swap_remove(place))
        })?;
        let data = answer
            .get("data")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        if answer.get("ok") == Some(&Value::Bool(true)) {
            Ok(data)
        } else {
            Err(Failure::new(format!("{command} {params}: {data}")))
        }
    }

    /// The first event of this kind that no earlier wait has taken; waits for it if it has not come yet. Events of
    /// other kinds stay for their own waits.
    ///
    /// # Errors
    /// After `within`; what did happen is listed.
    pub fn wait_for(&self, kind: &EventKind, within: Duration) -> Result<Event> {
        let found = crate::wait::until(within, "an event", || {
            let mut inbox = lock(&self.inbox);
            let (event, taken) = inbox
                .events
                .iter_mut()
                .find(|(event, taken)| !taken && event.kind == *kind)?;
            *taken = true;
            Some(event.clone())
        });
        found.map_err(|_| {
            let seen: Vec<_> = self
                .events()
                .into_iter()
                .map(|e| format!("{:?} {}", e.kind, e.param))
                .collect();
            Failure::new(format!(
                "waited {within:?} in vain for {kind:?}; there were {seen:?}"
            ))
        })
    }

    /// All events so far, taken or not.
    pub fn events(&self) -> Vec<Event> {
        lock(&self.inbox)
            .events
            .iter()
            .map(|(event, _)| event.clone())
            .collect()
    }

    /// Whether baresip has closed the connection.
    pub fn is_closed(&self) -> bool {
        lock(&self.inbox).closed
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // Ends the reading thread; it fails only when the peer has closed already.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

fn lock(inbox: &Mutex<Inbox>) -> MutexGuard<'_, Inbox> {
    inbox.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read_all(mut stream: TcpStream, inbox: &Mutex<Inbox>) {
    let mut buffer = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut chunk) {
        let at = Instant::now();
        buffer.extend_from_slice(chunk.get(..count).unwrap_or_default());
        while let Some((value, used)) = netstring(&buffer) {
            buffer.drain(..used);
            file(value, at, &mut lock(inbox));
        }
    }
    lock(inbox).closed = true;
}

/// The first whole netstring of the buffer, parsed, and how many bytes it took.
fn netstring(buffer: &[u8]) -> Option<(Value, usize)> {
    let colon = buffer.iter().position(|&byte| byte == b':')?;
    let length: usize = std::str::from_utf8(buffer.get(..colon)?).ok()?.parse().ok()?;
    let body = buffer.get(colon + 1..colon + 1 + length)?;
    buffer.get(colon + 1 + length)?;
    Some((
        serde_json::from_slice(body).unwrap_or_default(),
        colon + length + 2,
    ))
}

fn file(value: Value, at: Instant, inbox: &mut Inbox) {
    if value.get("response") == Some(&Value::Bool(true)) {
        inbox.answers.push(value);
        return;
    }
    let text = |key: &str| {
        value
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let event = Event {
        at,
        kind: EventKind::of(&text("type")),
        call_id: text("id"),
        peer: text("peeruri"),
        param: text("param"),
    };
    inbox.events.push((event, false));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn netstrings_are_taken_whole() {
        let whole = br#"12:{"type":"X"},9:{"half"#;
        let (value, used) = netstring(whole).unwrap();
        assert_eq!((value["type"].as_str(), used), (Some("X"), 16));
        assert!(netstring(&whole[used..]).is_none());
        assert!(netstring(b"").is_none());
    }
}
