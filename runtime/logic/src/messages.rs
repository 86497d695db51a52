//! The SIP messages of calls, kept while they live and a moment longer.
//!
//! A dialog is known by its Call-ID: an INVITE begins one, whoever sends it; what else has no dialog is not kept. When a
//! call is over its dialogs are taken together [`LINGER`] later, so that the last answers and ACKs are among them. What
//! became no call is forgotten after [`FORGOTTEN_AFTER`].
//!
//! Each message is copied once, without its credentials. Of a long dialog the first messages are kept and the last ones:
//! how it began and how it ended. All of it is in memory alone: a call that outlives its process has the messages since.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tandem_directory::records::{CallMessages, MessageWay, SipMessage};
use tandem_sip::message::Shown;
use tandem_sip::{Flow, Moment};

/// How long after a call's end its last messages are waited for.
pub const LINGER: Duration = Duration::from_secs(2);
/// A dialog that is no call's is forgotten when nothing was said in it for so long: twice a transaction's time.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(64);
/// How often such dialogs are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(16);
/// Longest text of a message, in bytes; what is longer is cut.
const TEXT_MOST: usize = 16 << 10;
/// Messages of a dialog, and of a call, that are kept: so many of the first,
const FIRST_MOST: usize = 150;
const FIRST_BYTES_MOST: usize = 192 << 10;
/// and so many of the last.
const LAST_MOST: usize = 50;
const LAST_BYTES_MOST: usize = 64 << 10;
/// Bytes of all dialogs of a shard.
const BYTES_MOST: usize = 64 << 20;
/// Dialogs of a shard.
const DIALOGS_MOST: usize = 20_000;

/// A message that was seen.
#[derive(Debug)]
struct Seen {
    at: Moment,
    way: MessageWay,
    /// The leg, once its call is over.
    leg: u32,
    flow: Flow,
    text: String,
}

/// The first messages and the last ones.
#[derive(Debug, Default)]
struct Kept {
    first: Vec<Seen>,
    first_bytes: usize,
    last: VecDeque<Seen>,
    last_bytes: usize,
    left_out: u64,
}

impl Kept {
    fn push(&mut self, seen: Seen) {
        let bytes = seen.text.len();
        let begins = self.last.is_empty() && self.left_out == 0;
        if begins && self.first.len() < FIRST_MOST && self.first_bytes + bytes <= FIRST_BYTES_MOST {
            self.first_bytes += bytes;
            self.first.push(seen);
            return;
        }
        self.last_bytes += bytes;
        self.last.push_back(seen);
        while self.last.len() > LAST_MOST || self.last_bytes > LAST_BYTES_MOST {
            let Some(gone) = self.last.pop_front() else { return };
            self.last_bytes -= gone.text.len();
            self.left_out += 1;
        }
    }

    fn bytes(&self) -> usize {
        self.first_bytes + self.last_bytes
    }

    fn into_messages(self) -> impl Iterator<Item = Seen> {
        self.first.into_iter().chain(self.last)
    }
}

#[derive(Debug)]
struct Dialog {
    kept: Kept,
    /// When something was said last.
    last: Moment,
}

/// A call that is over.
#[derive(Debug)]
struct Closing {
    due: Moment,
    domain: Arc<str>,
    call: String,
    dialogs: Vec<(u32, String)>,
}

/// The messages of a call that is over.
#[derive(Debug)]
pub struct Said {
    /// The domain's name.
    pub domain: Arc<str>,
    /// The call's identifier.
    pub call: String,
    /// What was said.
    pub messages: Arc<CallMessages>,
}

/// The dialogs of a shard.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    dialogs: HashMap<String, Dialog>,
    /// In the order in which they are due.
    closing: VecDeque<Closing>,
    bytes: usize,
    looked: Option<Moment>,
}

impl Messages {
    /// A dialog from now on, whatever its first message will be.
    pub(crate) fn open(&mut self, call_id: &str, now: Moment) {
        if self.dialogs.len() < DIALOGS_MOST && !self.dialogs.contains_key(call_id) {
            let kept = Kept::default();
            self.dialogs
                .insert(call_id.to_owned(), Dialog { kept, last: now });
        }
    }

    /// A message came or goes.
    pub(crate) fn note(&mut self, way: MessageWay, flow: Flow, bytes: &[u8], now: Moment) {
        let Some(call_id) = call_id_of(bytes) else { return };
        if bytes.starts_with(b"INVITE ") {
            self.open(call_id, now);
        }
        let Some(dialog) = self.dialogs.get_mut(call_id) else {
            return;
        };
        dialog.last = now;
        let before = dialog.kept.bytes();
        if self.bytes >= BYTES_MOST {
            dialog.kept.left_out += 1;
            return;
        }
        dialog.kept.push(Seen {
            at: now,
            way,
            leg: 0,
            flow,
            text: text_of(bytes),
        });
        self.bytes = (self.bytes + dialog.kept.bytes()).saturating_sub(before);
    }

    /// A call is over; these were its dialogs, each with its leg.
    pub(crate) fn close(&mut self, domain: Arc<str>, call: String, dialogs: Vec<(u32, String)>, now: Moment) {
        self.closing.push_back(Closing {
            due: now + LINGER,
            domain,
            call,
            dialogs,
        });
    }

    /// When [`Self::poll`] gives something.
    pub(crate) fn deadline(&self) -> Option<Moment> {
        self.closing.front().map(|closing| closing.due)
    }

    /// What was said in the next call that is due; `all`: whether it is due or not.
    pub(crate) fn poll(&mut self, now: Moment, all: bool) -> Option<Said> {
        loop {
            let closing = self.closing.pop_front_if(|closing| all || closing.due <= now)?;
            let (mut seen, mut left_out) = (Vec::new(), 0);
            for (leg, call_id) in closing.dialogs {
                let Some(dialog) = self.dialogs.remove(&call_id) else {
                    continue;
                };
                self.bytes = self.bytes.saturating_sub(dialog.kept.bytes());
                left_out += dialog.kept.left_out;
                seen.extend(dialog.kept.into_messages().map(|seen| Seen { leg, ..seen }));
            }
            if seen.is_empty() {
                continue;
            }
            // Each dialog is in its order, and stays so.
            seen.sort_by_key(|seen| seen.at);
            let mut kept = Kept::default();
            for one in seen {
                kept.push(one);
            }
            left_out += kept.left_out;
            let items = kept.into_messages().map(SipMessage::from).collect();
            return Some(Said {
                domain: closing.domain,
                call: closing.call,
                messages: Arc::new(CallMessages { items, left_out }),
            });
        }
    }

    /// Forgets, from time to time, dialogs that are no call's. `calls`: those that are.
    pub(crate) fn forget<'a, I: Iterator<Item = &'a str>>(&mut self, calls: impl FnOnce() -> I, now: Moment) {
        let due = self.looked.is_none_or(|looked| now >= looked + LOOK_EVERY);
        if !due || self.dialogs.is_empty() {
            return;
        }
        self.looked = Some(now);
        let calls: HashSet<&str> = calls().collect();
        let closing: HashSet<&str> = self
            .closing
            .iter()
            .flat_map(|closing| &closing.dialogs)
            .map(|(_, call_id)| call_id.as_str())
            .collect();
        let bytes = &mut self.bytes;
        self.dialogs.retain(|call_id, dialog| {
            let stays = now < dialog.last + FORGOTTEN_AFTER
                || calls.contains(call_id.as_str())
                || closing.contains(call_id.as_str());
            if !stays {
                *bytes = bytes.saturating_sub(dialog.kept.bytes());
            }
            stays
        });
    }
}

impl From<Seen> for SipMessage {
    fn from(seen: Seen) -> Self {
        Self {
            at_us: i64::try_from(seen.at.unix_micros()).unwrap_or(i64::MAX),
            way: seen.way,
            leg: seen.leg,
            local: seen.flow.local.to_string(),
            remote: seen.flow.remote.to_string(),
            transport: seen.flow.transport.as_str().to_owned(),
            text: seen.text,
        }
    }
}

/// The value of a message's Call-ID (RFC 3261 §20.8), of one that was validated or is ours.
fn call_id_of(bytes: &[u8]) -> Option<&str> {
    let lines = bytes.split(|byte| *byte == b'\n').skip(1);
    let head = lines.take_while(|line| !matches!(line, [] | [b'\r']));
    for line in head {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else {
            continue;
        };
        let name = name.trim_ascii_end();
        if name.eq_ignore_ascii_case(b"call-id") || name.eq_ignore_ascii_case(b"i") {
            return std::str::from_utf8(value.trim_ascii()).ok();
        }
    }
    None
}

/// The message as it is kept.
fn text_of(bytes: &[u8]) -> String {
    let Some(start) = bytes.get(..TEXT_MOST).filter(|_| bytes.len() > TEXT_MOST) else {
        return shown(bytes, bytes.len());
    };
    // A line that is cut would not be known for what it holds.
    let whole = start
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    let start = start.get(..whole).unwrap_or_default();
    let mut text = shown(start, start.len() + 40);
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "({} more bytes were not kept)\r\n",
        bytes.len() - start.len()
    );
    text
}

fn shown(bytes: &[u8], capacity: usize) -> String {
    let mut text = String::with_capacity(capacity);
    let _ = write!(text, "{}", Shown(bytes)); // writing to a String cannot fail
    text
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tandem_sip::Transport;

    use super::*;

    fn flow() -> Flow {
        Flow {
            transport: Transport::Udp,
            local: SocketAddr::from(([192, 0, 2, 1], 5060)),
            remote: SocketAddr::from(([192, 0, 2, 9], 5062)),
            connection: 0,
        }
    }

    fn at(ms: u64) -> Moment {
        Moment::from_unix_micros(1_795_219_200_000_000) + Duration::from_millis(ms)
    }

    fn message(start: &str, call_id: &str, more: &str) -> Vec<u8> {
        format!("{start}\r\nVia: SIP/2.0/UDP a\r\ni : {call_id}\r\n{more}\r\n").into_bytes()
    }

    fn note(messages: &mut Messages, start: &str, call_id: &str, ms: u64) {
        let more = "Authorization: Digest response=\"17\"\r\n";
        messages.note(MessageWay::In, flow(), &message(start, call_id, more), at(ms));
    }

    #[test]
    fn the_dialogs_of_a_call_come_together_in_their_order_with_what_came_after_its_end() {
        let mut messages = Messages::default();
        note(&mut messages, "INVITE sip:300@a SIP/2.0", "one", 0);
        note(&mut messages, "INVITE sip:301@a SIP/2.0", "two", 1);
        note(&mut messages, "SIP/2.0 200 OK", "two", 2);
        note(&mut messages, "BYE sip:300@a SIP/2.0", "one", 3);
        note(&mut messages, "OPTIONS sip:300@a SIP/2.0", "another", 3);
        let dialogs = vec![(0, "one".to_owned()), (1, "two".to_owned())];
        messages.close("a".into(), "0001".to_owned(), dialogs, at(4));
        note(&mut messages, "SIP/2.0 200 OK", "one", 1_000);

        assert!(messages.poll(at(2_003), false).is_none());
        assert_eq!(messages.deadline(), Some(at(2_004)));
        let said = messages.poll(at(2_004), false).unwrap();
        assert_eq!((&*said.domain, said.call.as_str()), ("a", "0001"));
        let items = &said.messages.items;
        let told: Vec<_> = items
            .iter()
            .map(|item| (item.leg, item.text.split(' ').next().unwrap()))
            .collect();
        assert_eq!(
            told,
            [
                (0, "INVITE"),
                (1, "INVITE"),
                (1, "SIP/2.0"),
                (0, "BYE"),
                (0, "SIP/2.0")
            ]
        );
        assert_eq!(
            (items[0].local.as_str(), items[0].at_us),
            ("192.0.2.1:5060", 1_795_219_200_000_000)
        );
        assert!(
            items
                .iter()
                .all(|item| item.text.contains("Authorization: (left out)"))
        );
        assert!(messages.dialogs.is_empty() && messages.bytes == 0);
    }

    #[test]
    fn a_long_dialog_keeps_how_it_began_and_how_it_ended() {
        let mut messages = Messages::default();
        note(&mut messages, "INVITE sip:300@a SIP/2.0", "one", 0);
        for ms in 1..1_000 {
            note(&mut messages, &format!("INFO sip:{ms}@a SIP/2.0"), "one", ms);
        }
        note(&mut messages, "BYE sip:300@a SIP/2.0", "one", 1_000);
        messages.close(
            "a".into(),
            "0001".to_owned(),
            vec![(0, "one".to_owned())],
            at(1_000),
        );
        let said = messages.poll(at(0), true).unwrap();
        let items = &said.messages.items;
        assert_eq!(
            (items.len(), said.messages.left_out),
            (FIRST_MOST + LAST_MOST, 801)
        );
        assert!(items[0].text.starts_with("INVITE "));
        assert!(items[FIRST_MOST - 1].text.starts_with("INFO sip:149@"));
        assert!(items[FIRST_MOST].text.starts_with("INFO sip:951@"));
        assert!(items.last().unwrap().text.starts_with("BYE "));
    }

    #[test]
    fn bytes_are_bounded_whatever_is_sent() {
        let mut messages = Messages::default();
        let body = "x".repeat(60_000);
        for ms in 0..5_000 {
            let bytes = message(
                "INVITE sip:300@a SIP/2.0",
                &format!("id-{}", ms % 300),
                &format!("\r\nab\r\n{body}"),
            );
            messages.note(MessageWay::In, flow(), &bytes, at(ms));
        }
        assert!(messages.bytes <= BYTES_MOST + TEXT_MOST, "{}", messages.bytes);
        let sum: usize = messages.dialogs.values().map(|dialog| dialog.kept.bytes()).sum();
        assert_eq!(sum, messages.bytes);
        let first = &messages.dialogs["id-0"].kept.first[0].text;
        assert!(
            first.ends_with("more bytes were not kept)\r\n"),
            "{}",
            first.len()
        );
        for dialog in messages.dialogs.values() {
            assert!(dialog.kept.bytes() <= FIRST_BYTES_MOST + LAST_BYTES_MOST);
        }
    }

    #[test]
    fn what_becomes_no_call_is_forgotten() {
        let mut messages = Messages::default();
        note(&mut messages, "INVITE sip:300@a SIP/2.0", "call", 0);
        note(&mut messages, "INVITE sip:300@a SIP/2.0", "stray", 0);
        messages.forget(|| ["call"].into_iter(), at(1_000));
        assert_eq!(messages.dialogs.len(), 2);
        messages.forget(|| ["call"].into_iter(), at(64_000));
        assert_eq!(messages.dialogs.keys().collect::<Vec<_>>(), ["call"]);
        assert_eq!(messages.bytes, messages.dialogs["call"].kept.bytes());
    }
}
