//! `tandem scenario logs`: what scenarios logged, from the data directory or by the HTTP API of a server.

use std::time::Duration;

use clap::Args;
use reqwest::{Method, Response};
use serde_json::Value;
use tandem_store::{DomainScope, LogFilter, LogKind, LogLevel, LogLine, LogPage, Store};

use super::super::api::{Api, STREAM_WITHIN, Server, in_full};
use super::super::{Context, DomainArg, Failure};
use super::short;
use crate::output;

/// Between two looks into the data directory.
const LOOK: Duration = Duration::from_millis(300);
/// Before a server that is away is asked again.
const AGAIN: Duration = Duration::from_secs(1);
/// How often in a row, before it is given up.
const TRIES: u32 = 30;
/// Lines that are asked for at once.
const PAGE: u32 = 500;
/// Bytes of one event of a stream: a line's text is 8 KiB at most.
const EVENT_BYTES_MAX: usize = 1 << 20;

/// Show what scenarios logged, and how those ended that failed
///
/// With a token (--token, or the variable TANDEM_TOKEN; its scope is calls:read) by the HTTP API of --server. Without one, or
/// with --domain, out of the data directory of this machine.
#[derive(Debug, Args)]
pub struct Logs {
    #[command(flatten)]
    wanted: Wanted,
    /// So many of the newest lines
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000))]
    last: u32,
    /// Go on with what comes, until Ctrl-C
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, Clone, Default, Args)]
pub struct Wanted {
    /// Of this scenario
    #[arg(long, value_name = "NAME")]
    pub module: Option<String>,
    /// Of this call
    #[arg(long, value_name = "ID")]
    pub call: Option<String>,
    /// Of what this number started, or this path (web:/crm) or event (event:call-ended)
    #[arg(long, value_name = "NUMBER")]
    pub number: Option<String>,
    /// Of this level and above: debug, info, warn, error
    #[arg(long, value_parser = level)]
    pub level: Option<LogLevel>,
}

fn level(text: &str) -> Result<LogLevel, String> {
    LogLevel::named(text).ok_or_else(|| "there are debug, info, warn, error".to_owned())
}

impl Wanted {
    fn filter(&self) -> LogFilter {
        LogFilter {
            run: self.call.clone(),
            scenario: self.module.clone(),
            entry_point: self.number.clone(),
            level: self.level,
        }
    }
}

impl Logs {
    pub(super) async fn run(&self, context: &Context, domain: &DomainArg) -> Result<(), Failure> {
        if domain.domain.is_none() && self.server.token().is_some() {
            let api = self.server.client()?;
            if self.follow {
                let reading = follow(&api, &self.wanted, self.last, |said| show(context, &said));
                return until_ctrl_c(reading).await;
            }
            return shown(context, &page(&api, &self.wanted, self.last).await?.lines);
        }
        let store = context.store().await?;
        let scope = domain.scope(&store).await?;
        let done = until_ctrl_c(self.here(context, &store, &scope)).await;
        store.close().await;
        done
    }

    /// Out of the data directory.
    async fn here(&self, context: &Context, store: &Store, scope: &DomainScope) -> Result<(), Failure> {
        let filter = self.wanted.filter();
        let mut page = store.newest_log(scope, &filter, self.last.max(1)).await?;
        if self.last == 0 {
            page.lines.clear();
        }
        shown(context, &page.lines)?;
        if !self.follow {
            return Ok(());
        }
        loop {
            tokio::time::sleep(LOOK).await;
            page = store.log_after(scope, &filter, page.next, PAGE).await?;
            if page.lost > 0 {
                show(context, &Said::Note(lost(page.lost)))?;
            }
            shown(context, &page.lines)?;
        }
    }
}

fn shown(context: &Context, lines: &[LogLine]) -> Result<(), Failure> {
    for line in lines {
        show(context, &Said::Line(Box::new(line.clone())))?;
    }
    Ok(())
}

/// Ctrl-C is a good end of what goes on.
async fn until_ctrl_c(reading: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::select! {
        done = reading => done,
        stopped = tokio::signal::ctrl_c() => Ok(stopped?),
    }
}

/// What a log says.
pub enum Said {
    /// A line of a scenario.
    Line(Box<LogLine>),
    /// Something to know of the reading.
    Note(String),
}

fn lost(lines: u64) -> String {
    format!("{lines} lines were gone before they could be read")
}

/// A line each for people; for programs an object each.
pub fn show(context: &Context, said: &Said) -> Result<(), Failure> {
    match said {
        Said::Line(line) if context.json => output::write(&format!("{}\n", serde_json::to_string(line)?))?,
        Said::Line(line) => output::write(&text(line))?,
        Said::Note(note) => eprintln!("tandem: {note}"),
    }
    Ok(())
}

/// `2026-11-28T20:41:12.345Z  ERROR  200  hello 1a2b3c4d5e6f  CALL  text`; further lines of the text are indented.
pub fn text(line: &LogLine) -> String {
    let said = &line.said;
    let source = match said.kind {
        LogKind::Log | LogKind::End => format!(
            "{}  {} {}  {}  ",
            plain(&said.entry_point),
            plain(&said.scenario),
            short(&said.scenario_hash),
            plain(&said.run)
        ),
        LogKind::Dropped => String::new(),
    };
    let mut lines = said.text.lines();
    let mut text = format!(
        "{:.3}  {:<5}  {source}{}\n",
        said.at,
        said.level.as_str().to_uppercase(),
        plain(lines.next().unwrap_or_default())
    );
    for more in lines {
        text.push_str("    ");
        text.push_str(&plain(more));
        text.push('\n');
    }
    text
}

/// What scenarios say must not move the terminal's cursor.
fn plain(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// The newest lines by HTTP.
async fn page(api: &Api, wanted: &Wanted, last: u32) -> Result<LogPage, Failure> {
    let url = address(api, wanted, &[("last", last.max(1).to_string())])?;
    let answer = api.answer(api.request(Method::GET, url)).await?;
    let mut page: LogPage = serde_json::from_value(answer)?;
    if last == 0 {
        page.lines.clear();
    }
    Ok(page)
}

fn address(api: &Api, wanted: &Wanted, more: &[(&str, String)]) -> Result<reqwest::Url, Failure> {
    let mut url = api.path(&["logs"])?;
    {
        let mut query = url.query_pairs_mut();
        let level = wanted.level.map(|level| level.as_str().to_owned());
        let asked = [
            ("call", wanted.call.clone()),
            ("scenario", wanted.module.clone()),
            ("number", wanted.number.clone()),
            ("level", level),
        ];
        for (name, value) in asked {
            if let Some(value) = value {
                query.append_pair(name, &value);
            }
        }
        for (name, value) in more {
            query.append_pair(name, value);
        }
    }
    Ok(url)
}

/// Reads the newest lines and what comes, by HTTP, until `tell` fails. A connection that ends is made again, and goes on
/// where it was: the server restarts, or ends it after its longest life.
pub async fn follow(
    api: &Api,
    wanted: &Wanted,
    last: u32,
    mut tell: impl FnMut(Said) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut seen: Option<u64> = None;
    let mut tries = 0;
    loop {
        let from = match seen {
            Some(seen) => ("after", seen.to_string()),
            None => ("last", last.to_string()),
        };
        let url = address(api, wanted, &[("follow", "true".to_owned()), from])?;
        let request = api
            .request(Method::GET, url)
            .header("accept", "text/event-stream");
        match api.stream(request).await {
            Ok(answer) => {
                if tries > 0 {
                    tell(Said::Note("the server is there again".to_owned()))?;
                }
                tries = 0;
                read(answer, &mut seen, &mut tell).await?;
                // So that a server that ends each stream at once is not asked without end.
                tokio::time::sleep(LOOK).await;
            }
            Err(failure) if tries >= TRIES || seen.is_none() && tries == 0 => return Err(failure),
            Err(failure) => {
                if tries == 0 {
                    tell(Said::Note(format!("{failure}; trying again")))?;
                }
                tries += 1;
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// Reads one stream to its end.
async fn read(
    mut answer: Response,
    seen: &mut Option<u64>,
    tell: &mut impl FnMut(Said) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut waiting: Vec<u8> = Vec::new();
    loop {
        let chunk = match tokio::time::timeout(STREAM_WITHIN, answer.chunk()).await {
            Ok(Ok(Some(chunk))) => chunk,
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(error)) => {
                tracing::debug!(error = in_full(&error), "the stream broke off");
                return Ok(());
            }
            Err(_) => {
                tracing::debug!("the stream is silent");
                return Ok(());
            }
        };
        waiting.extend_from_slice(&chunk);
        while let Some(end) = waiting.windows(2).position(|two| two == b"\n\n") {
            let rest = waiting.split_off(end + 2);
            let event = std::mem::replace(&mut waiting, rest);
            if let Some(said) = said(&String::from_utf8_lossy(&event), seen)? {
                tell(said)?;
            }
        }
        if waiting.len() > EVENT_BYTES_MAX {
            return Err(Failure::Failed(
                "the server's stream is not understood".to_owned(),
            ));
        }
    }
}

/// What one event says; none: nothing of interest.
fn said(event: &str, seen: &mut Option<u64>) -> Result<Option<Said>, Failure> {
    let field = |name: &str| {
        let mut values = event.lines().filter_map(|line| line.strip_prefix(name));
        values.next().map(str::trim_start)
    };
    // Also without data it says where the reader is.
    if let Some(line) = field("id:").and_then(|id| id.parse().ok()) {
        *seen = Some(line);
    }
    let Some(data) = field("data:") else {
        return Ok(None);
    };
    match field("event:") {
        None => {
            let line: LogLine = serde_json::from_str(data)?;
            Ok(Some(Said::Line(Box::new(line))))
        }
        Some("lost") => {
            let told: Value = serde_json::from_str(data)?;
            let lines = told.get("lines").and_then(Value::as_u64).unwrap_or(0);
            Ok(Some(Said::Note(lost(lines))))
        }
        Some("dropped") => {
            let told: Value = serde_json::from_str(data)?;
            let why = told.get("why").and_then(Value::as_str).unwrap_or_default();
            Ok(Some(Said::Note(format!("the server ended the stream: {why}"))))
        }
        Some(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_several_lines_is_indented_and_moves_no_cursor() {
        let line: LogLine = serde_json::from_str(
            r#"{"line":7,"at":"2026-11-28T20:41:12.3456Z","level":"error","kind":"log","run":"c1","entry_point":"200",
            "scenario":"hello","scenario_hash":"0123456789abcdef","text":"Error: x\u001b[2J\n  at f (src/main.ts:3:1)"}"#,
        )
        .unwrap();
        assert_eq!(
            text(&line),
            "2026-11-28T20:41:12.345Z  ERROR  200  hello 0123456789ab  c1  Error: x [2J\n      at f (src/main.ts:3:1)\n"
        );
    }

    #[test]
    fn events_of_a_stream_are_lines_or_notes() {
        let mut seen = None;
        assert!(said(":\n\n", &mut seen).unwrap().is_none());
        let lost = said("event: lost\ndata: {\"lines\":4}\n\n", &mut seen).unwrap();
        assert!(matches!(lost, Some(Said::Note(note)) if note.starts_with("4 lines")));
        assert_eq!(seen, None);
        assert!(said("id: 12\n\n", &mut seen).unwrap().is_none());
        assert_eq!(seen, Some(12));
    }
}
