//! `tandem check`

use std::fs;
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use serde::Serialize;

use super::{ConfigArgs, Context, scenario};
use crate::cli::Failure;
use crate::config::Config;
use crate::output::{self, Table};
use crate::stock::STOCK;

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: String,
    ok: bool,
    /// What was found, or what to do.
    detail: String,
}

impl Finding {
    fn new(what: &str, found: Result<String, String>) -> Self {
        let ok = found.is_ok();
        let detail = found.unwrap_or_else(|problem| problem);
        Self {
            what: what.to_owned(),
            ok,
            detail,
        }
    }
}

/// Looks at everything that a start needs; exits with 1 where something is wrong, 2 where it is the configuration.
pub async fn run(context: &Context, args: &ConfigArgs) -> Result<ExitCode, Failure> {
    let config = args.load()?;
    let mut findings = vec![Finding::new(
        "configuration",
        Ok("every key is known and fits".to_owned()),
    )];
    findings.push(Finding::new("data directory", writable(&context.data)));
    findings.push(Finding::new("database", database(context).await));
    findings.push(Finding::new("speech", speech(&config.media.speech)));
    ports(&config, &mut findings);
    findings.push(Finding::new("stock scenarios", stock()));
    output::print(context.json, &findings, || {
        let mut table = Table::new(["WHAT", "OK", "DETAIL"], "");
        for finding in &findings {
            let ok = if finding.ok { "yes" } else { "NO" };
            table.row([finding.what.clone(), ok.to_owned(), finding.detail.clone()]);
        }
        table
    })?;
    let ok = findings.iter().all(|finding| finding.ok);
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn writable(data: &Path) -> Result<String, String> {
    let shown = data.display();
    if !data.exists() {
        return Ok(format!("{shown} will be made by the first start"));
    }
    let probe = data.join(format!(".check-{}", std::process::id()));
    let result = fs::write(&probe, b"x").and_then(|()| fs::remove_file(&probe));
    result
        .map(|()| format!("{shown} can be written"))
        .map_err(|error| format!("{shown}: {error}"))
}

async fn database(context: &Context) -> Result<String, String> {
    if !context.data.join(tandem_store::engine::DATABASE_FILE).exists() {
        return Ok("will be made by the first start".to_owned());
    }
    let store = context.new_store().await.map_err(|error| error.to_string())?;
    let domains = store.domains().await.map_err(|error| error.to_string());
    store.close().await;
    domains.map(|domains| format!("{} domains", domains.len()))
}

fn speech(program: &str) -> Result<String, String> {
    let ran = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output();
    match ran {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            Ok(text.lines().next().unwrap_or(program).trim().to_owned())
        }
        Ok(output) => Err(format!("{program} --version ended with {}", output.status)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(format!(
            "{program} is not installed: texts cannot be spoken (apt-get install espeak-ng)"
        )),
        Err(error) => Err(format!("{program}: {error}")),
    }
}

fn ports(config: &Config, findings: &mut Vec<Finding>) {
    let bindable = |result: io::Result<()>| {
        result
            .map(|()| "can be bound".to_owned())
            .map_err(|error| match error.kind() {
                io::ErrorKind::AddrInUse => "is in use: by a server that runs, perhaps this one".to_owned(),
                io::ErrorKind::AddrNotAvailable => "is no address of this machine".to_owned(),
                _ => error.to_string(),
            })
    };
    for address in &config.sip.udp {
        let bound = UdpSocket::bind(address).map(drop);
        findings.push(Finding::new(&format!("sip.udp {address}"), bindable(bound)));
    }
    for address in &config.sip.tcp {
        let bound = TcpListener::bind(address).map(drop);
        findings.push(Finding::new(&format!("sip.tcp {address}"), bindable(bound)));
    }
    findings.push(Finding::new("media.ports", bindable(any_free(config))));
    let web = config.web.listen;
    let bound = TcpListener::bind(web).map(drop);
    findings.push(Finding::new(&format!("web.listen {web}"), bindable(bound)));
}

/// Some ports of the range may be taken by others; one that can be bound shows that the address is right.
fn any_free(config: &Config) -> io::Result<()> {
    let mut last = Ok(());
    for port in config.media.ports.low..=config.media.ports.high {
        last = UdpSocket::bind((config.media.address, port)).map(drop);
        match &last {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => (),
            Ok(()) | Err(_) => break,
        }
    }
    last
}

fn stock() -> Result<String, String> {
    let engine = scenario::engine().map_err(|error| error.to_string())?;
    let mut loaded = Vec::new();
    for stock in &STOCK {
        let module = engine
            .load(stock.component)
            .map_err(|error| format!("{}: {error}", stock.name))?;
        loaded.push(format!("{} {}", stock.name, super::number::short(module.hash())));
    }
    Ok(loaded.join(", "))
}
