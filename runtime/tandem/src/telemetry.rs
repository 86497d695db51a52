//! Where log lines go: the standard error, as text or JSON.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::Log;

/// Starts logging; times are RFC 3339 in UTC. Once per process.
pub fn start(log: &Log) {
    // Libraries below tell their own business at info; it is debug to us.
    let quiet = "sqlx=warn,hyper=warn,wasmtime=warn,cranelift_codegen=warn,regalloc2=warn,mio=warn";
    let filter = EnvFilter::new(format!("{},{quiet}", log.level));
    let lines = fmt::Subscriber::builder()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if log.json {
        lines.json().flatten_event(true).init();
    } else {
        lines
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .init();
    }
}
