//! A web service of Python's standard library, and what it was asked.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tandem_kit::folder::Folder;
use tandem_kit::process::Process;
use tandem_kit::{ports, wait};

const LONG: Duration = Duration::from_mins(1);

/// A web service of Python's standard library.
pub struct WebService {
    folder: Folder,
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    _process: Process,
}

impl WebService {
    /// Starts it and waits until it listens.
    pub fn start() -> Self {
        let folder = Folder::new("web-service").unwrap();
        let port = ports::free().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/services/web_service.py");
        let mut command = Command::new("python3");
        let log = folder.path().join("requests");
        command.arg(script).arg(port.to_string()).arg(&log);
        let process = Process::start("web service", command, &folder.path().join("log")).unwrap();
        wait::until(LONG, "the web service", || {
            TcpStream::connect(("127.0.0.1", port)).ok()
        })
        .unwrap();
        Self {
            folder,
            port,
            _process: process,
        }
    }

    /// A URL of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Its host and port.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What it was asked with this path, in order.
    pub fn seen(&self, path: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("requests")).unwrap_or_default();
        let all = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        all.filter(|request| request["path"] == path).collect()
    }
}
