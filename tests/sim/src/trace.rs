//! What happened, a line an event: virtual time, who, what. Its hash tells whether two runs were the same.

use std::fmt;
use std::hash::Hasher as _;

use tandem_sip::{Message, Moment};
use twox_hash::XxHash3_64;

use crate::clock::{self, BEGIN};

/// The trace of a run.
pub struct Trace {
    hash: XxHash3_64,
    /// Lines are kept only where somebody will read them.
    lines: Option<Vec<String>>,
    /// What must never be, and was.
    pub violations: Vec<String>,
}

impl Trace {
    /// Nothing has happened. `keeps`: the lines will be read.
    pub fn new(keeps: bool) -> Self {
        Self {
            hash: XxHash3_64::with_seed(0),
            lines: keeps.then(Vec::new),
            violations: Vec::new(),
        }
    }

    /// One event.
    pub fn say(&mut self, who: &str, what: fmt::Arguments<'_>) {
        let since = clock::now() - BEGIN;
        let line = format!("{:>12.6} {who:<12} {what}", since.as_secs_f64());
        self.hash.write(line.as_bytes());
        if let Some(lines) = &mut self.lines {
            lines.push(line);
        }
    }

    /// Bytes that crossed a border: they count, nobody reads them.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.hash.write(bytes);
    }

    /// An invariant does not hold.
    pub fn violation(&mut self, what: fmt::Arguments<'_>) {
        let since = clock::now() - BEGIN;
        self.violations
            .push(format!("{:.6}: {what}", since.as_secs_f64()));
        self.say("VIOLATION", what);
    }

    /// The hash so far, and the lines.
    pub fn finish(self) -> (u64, Vec<String>, Vec<String>) {
        (
            self.hash.finish(),
            self.lines.unwrap_or_default(),
            self.violations,
        )
    }
}

/// A message in short: `INVITE 2 → sip:…`, `200 INVITE 2`.
pub struct Short<'a>(pub &'a Message);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.0;
        let (method, seq) = message
            .cseq()
            .map_or(("?", 0), |cseq| (cseq.method_str(), cseq.seq));
        let call = message.call_id().unwrap_or("?");
        let call = call.get(..8).unwrap_or(call);
        match message.status() {
            Some(status) => write!(f, "{status} {method} {seq} [{call}]"),
            None => write!(f, "{} {seq} [{call}]", message.method_str()),
        }
    }
}

/// A moment as the trace writes it.
pub fn at(moment: Moment) -> f64 {
    (moment - BEGIN).as_secs_f64()
}
