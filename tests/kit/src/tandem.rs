//! Tandem itself as a process: `serve` on an empty data directory with ports of its own, and its command line.
//!
//! The binary is `$CARGO_BIN` if set, else `tandem` in the target directory of the running test.

use crate::failure::{Doing, Failure, Result};
use crate::folder::Folder;
use crate::process::Process;
use serde_json::Value;
use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

/// A first start writes the database and compiles the stock scenarios.
const START_WITHIN: Duration = Duration::from_mins(1);
const STARTS: usize = 3;

/// Path of the binary under test.
///
/// # Errors
/// When it has not been built.
pub fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("CARGO_BIN") {
        return Ok(PathBuf::from(path));
    }
    // A test runs as target/debug/deps/NAME-HASH.
    let test = std::env::current_exe().doing("asking for the test's own path")?;
    let beside = test
        .ancestors()
        .skip(1)
        .take(3)
        .map(|folder| folder.join("tandem"))
        .find(|path| path.is_file());
    beside.ok_or_else(|| {
        Failure::new(
            "no `tandem` in the target directory: run `cargo build -p tandem`, or set CARGO_BIN to its path",
        )
    })
}

/// How `tandem serve` is to run.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    settings: Vec<(String, String)>,
    media_ports: Option<u16>,
    data: Option<PathBuf>,
}

impl Builder {
    /// Adds `--set key=value`; given later, it wins over the kit's own settings.
    pub fn set(mut self, key: &str, value: impl Display) -> Self {
        self.settings.push((key.to_owned(), value.to_string()));
        self
    }

    /// Number of media ports; 200 if not said. A leg takes two.
    pub fn media_ports(mut self, count: u16) -> Self {
        self.media_ports = Some(count);
        self
    }

    /// Data directory; one of its own, gone with it, if not said.
    pub fn data(mut self, folder: &Path) -> Self {
        self.data = Some(folder.to_owned());
        self
    }

    /// Starts it and waits for `/healthz`.
    ///
    /// # Errors
    /// When the binary is missing, ends, or is not healthy within a minute; the end of its log is quoted.
    pub fn start(self) -> Result<Tandem> {
        let mut last = Failure::new("tandem was not started");
        // A free port may be taken by somebody else before it is bound.
        for _ in 0..STARTS {
            match self.try_start() {
                Ok(tandem) => return Ok(tandem),
                Err(failure) if failure.to_string().contains("in use") => last = failure,
                Err(failure) => return Err(failure),
            }
        }
        Err(last)
    }

    fn try_start(&self) -> Result<Tandem> {
        let binary = binary()?;
        let folder = Folder::new("server")?;
        let data = self.data.clone().unwrap_or_else(|| folder.path().join("data"));
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let sip = local(crate::ports::free()?);
        let web = local(crate::ports::free()?);
        let media = crate::ports::media_block(self.media_ports.unwrap_or(200))?;
        let own = [
            ("sip.udp", sip.to_string()),
            ("sip.tcp", sip.to_string()),
            ("web.listen", web.to_string()),
            ("media.address", "127.0.0.1".to_owned()),
            ("media.ports", format!("{}-{}", media.start(), media.end())),
        ];
        let mut command = Command::new(&binary);
        command.arg("serve").arg("--data").arg(&data);
        let given = self
            .settings
            .iter()
            .map(|(key, value)| (key.as_str(), value.clone()));
        for (key, value) in own.into_iter().chain(given) {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        let mut process = Process::start("tandem", command, &folder.path().join("tandem.log"))?;
        let healthy = crate::wait::until(START_WITHIN, "/healthz", || {
            if process.ended().is_some() {
                return Some(false);
            }
            matches!(crate::http::get(web, "/healthz"), Ok((200, _))).then_some(true)
        });
        if !matches!(healthy, Ok(true)) {
            return Err(Failure::new(format!(
                "tandem is not healthy; {}",
                process.last_words()
            )));
        }
        let demo = Demo::read(&data.join("demo.json"))?;
        Ok(Tandem {
            process,
            binary,
            data,
            sip,
            web,
            demo,
            folder,
        })
    }
}

/// A running server. Dropping it kills it; its folder is kept when the test panics.
pub struct Tandem {
    process: Process,
    binary: PathBuf,
    data: PathBuf,
    sip: SocketAddr,
    web: SocketAddr,
    demo: Demo,
    folder: Folder,
}

impl Tandem {
    /// A server with its own data directory and ports.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// SIP address, for UDP and for TCP.
    pub fn sip(&self) -> SocketAddr {
        self.sip
    }

    /// Web address.
    pub fn web(&self) -> SocketAddr {
        self.web
    }

    /// The demo domain that the first start made.
    pub fn demo(&self) -> &Demo {
        &self.demo
    }

    /// Its data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Its folder: data directory and log.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Resident memory in bytes.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn resident_bytes(&self) -> Result<u64> {
        self.process.resident_bytes()
    }

    /// Fails with the end of its log if it has ended.
    ///
    /// # Errors
    /// When it has ended.
    pub fn assert_alive(&mut self) -> Result<()> {
        match self.process.ended() {
            None => Ok(()),
            Some(status) => Err(Failure::new(format!(
                "tandem ended with {status}; {}",
                self.process.last_words()
            ))),
        }
    }

    /// The value of a metric without labels, or the sum over its labels, from `/metrics`.
    ///
    /// # Errors
    /// When the page cannot be read or has no such metric.
    pub fn metric(&self, name: &str) -> Result<f64> {
        let (_, page) = crate::http::get(self.web, "/metrics")?;
        let values: Vec<f64> = page
            .lines()
            .filter(|line| {
                line.strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with([' ', '{']))
            })
            .filter_map(|line| line.rsplit(' ').next()?.parse().ok())
            .collect();
        if values.is_empty() {
            return Err(Failure::new(format!("no metric {name} in:\n{page}")));
        }
        Ok(values.iter().sum())
    }

    /// Runs `tandem ARGUMENTS --data DIR`.
    ///
    /// # Errors
    /// When it cannot be started. A refusal is no error here: see [`Output::code`].
    pub fn cli(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new(&self.binary);
        let output = command
            .args(arguments)
            .arg("--data")
            .arg(&self.data)
            .output()
            .doing("running tandem")?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Output {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        })
    }

    /// Runs `tandem ARGUMENTS --data DIR --json` and parses what it prints.
    ///
    /// # Errors
    /// When it exits with another code than 0 or prints no JSON.
    pub fn json(&self, arguments: &[&str]) -> Result<Value> {
        let output = self.cli(&[arguments, &["--json"]].concat())?;
        if output.code != Some(0) {
            return Err(Failure::new(format!("tandem {arguments:?}: {output:?}")));
        }
        serde_json::from_str(&output.stdout)
            .doing(&format!("parsing the output of {arguments:?}: {}", output.stdout))
    }

    /// Sends SIGTERM: the order to stop, which calls in progress may outlive for a while.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn terminate(&self) -> Result<()> {
        self.process.terminate()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it still runs after `within`.
    pub fn wait_end(&mut self, within: Duration) -> Result<ExitStatus> {
        self.process.wait(within)
    }

    /// Sends SIGTERM and waits for the graceful end.
    ///
    /// # Errors
    /// When it still runs after `within`.
    pub fn stop(mut self, within: Duration) -> Result<ExitStatus> {
        self.terminate()?;
        self.wait_end(within)
    }
}

/// What a command printed and how it exited.
#[derive(Clone, Debug)]
pub struct Output {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// `DIR/demo.json`: whom to register and what to dial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demo {
    /// SIP domain.
    pub domain: String,
    /// UDP address as the file says it.
    pub sip_udp: String,
    /// Number of the menu.
    pub menu: String,
    /// Users 301, 302 and 303 with passwords.
    pub users: Vec<User>,
}

/// A user of the demo domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Name, which is the extension too.
    pub name: String,
    /// Password.
    pub password: String,
}

impl Demo {
    /// Reads the file.
    ///
    /// # Errors
    /// When it is missing or a field is.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).doing(&format!("reading {}", path.display()))?;
        let json: Value = serde_json::from_str(&text).doing("parsing demo.json")?;
        let field = |value: &Value, name: &str| {
            value
                .get(name)
                .and_then(Value::as_str)
                .map(str::to_owned)
                .doing(&format!("looking for {name:?} in demo.json"))
        };
        let users = json
            .get("users")
            .and_then(Value::as_array)
            .doing("looking for users in demo.json")?;
        Ok(Self {
            domain: field(&json, "domain")?,
            sip_udp: field(&json, "sip_udp")?,
            menu: field(&json, "menu")?,
            users: users
                .iter()
                .map(|user| {
                    Ok(User {
                        name: field(user, "name")?,
                        password: field(user, "password")?,
                    })
                })
                .collect::<Result<_>>()?,
        })
    }

    /// The user of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn user(&self, name: &str) -> Result<&User> {
        self.users
            .iter()
            .find(|user| user.name == name)
            .doing(&format!("looking for user {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demo_json_is_read_whole_or_refused() {
        let folder = Folder::new("demo").unwrap();
        let text = r#"{"domain":"demo.local","sip_udp":"127.0.0.1:5060","menu":"100","users":[{"name":"301","password":"x"}]}"#;
        let demo = Demo::read(&folder.write("demo.json", text).unwrap()).unwrap();
        assert_eq!(
            (demo.menu.as_str(), demo.user("301").unwrap().password.as_str()),
            ("100", "x")
        );
        assert!(demo.user("999").is_err());
        let short = folder.write("short.json", r#"{"domain":"demo.local"}"#).unwrap();
        assert!(Demo::read(&short).unwrap_err().to_string().contains("users"));
    }
}
