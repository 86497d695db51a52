//! Where log lines go: the standard error, as text or JSON.

use std::io::{self, Stderr};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::Log;

/// Starts logging; times are RFC 3339 in UTC. Once per process. `process` is told on each line where several processes
/// write to one log.
pub fn start(log: &Log, process: Option<&'static str>) {
    // Libraries below tell their own business at info; it is debug to us.
    let quiet = "sqlx=warn,hyper=warn,wasmtime=warn,cranelift_codegen=warn,regalloc2=warn,mio=warn";
    let filter = EnvFilter::new(format!("{},{quiet}", log.level));
    let json = log.json;
    let lines = fmt::Subscriber::builder()
        .with_env_filter(filter)
        .with_writer(move || Lines {
            to: io::stderr(),
            process,
            json,
        });
    if json {
        lines.json().flatten_event(true).init();
    } else {
        lines.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).init();
    }
}

/// Writes each line with its process's name, in one piece: lines of several processes must not mix.
struct Lines {
    to: Stderr,
    process: Option<&'static str>,
    json: bool,
}

impl io::Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.write_all(line)?;
        Ok(line.len())
    }

    fn write_all(&mut self, line: &[u8]) -> io::Result<()> {
        match self.process {
            Some(process) => self.to.write_all(&named(line, process, self.json)),
            None => self.to.write_all(line),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Text: the name stands behind the time. JSON: it is the first field.
fn named(line: &[u8], process: &str, json: bool) -> Vec<u8> {
    let (mark, name) = if json {
        (b'{', format!("\"process\":\"{process}\","))
    } else {
        (b' ', format!("{process} "))
    };
    let place = line
        .iter()
        .position(|byte| *byte == mark)
        .map_or(0, |place| place + 1);
    let (before, after) = line.split_at(place);
    [before, name.as_bytes(), after].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_tell_their_process() {
        let text = named(b"2026-01-01T00:00:00Z  INFO a: b\n", "sip-gate", false);
        assert_eq!(text, b"2026-01-01T00:00:00Z sip-gate  INFO a: b\n");
        let json = named(br#"{"level":"INFO"}"#, "sip-gate", true);
        assert_eq!(json, br#"{"process":"sip-gate","level":"INFO"}"#);
    }
}
