//! Tandem itself as a process: `serve` on an empty data directory with ports of its own, and its command line.
//!
//! The binary is `$CARGO_BIN` if set, else `tandem` in the target directory of the running test.

pub use crate::demo::{Demo, User};
use crate::failure::{Doing, Failure, Result};
use crate::folder::Folder;
use crate::process::{self, Process};
use crate::roles::{Processes, Role};
use serde_json::Value;
use std::fmt::Display;
use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

/// A first start writes the database and compiles the stock scenarios.
const START_WITHIN: Duration = Duration::from_mins(1);
const STARTS: usize = 3;
/// A process that was killed is back, also on a busy machine.
const RESTART_WITHIN: Duration = Duration::from_secs(30);

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
    environment: Vec<(String, String)>,
    media_ports: Option<u16>,
    data: Option<PathBuf>,
    shell: Option<String>,
}

impl Builder {
    /// Adds `--set key=value`; given later, it wins over the kit's own settings.
    pub fn set(mut self, key: &str, value: impl Display) -> Self {
        self.settings.push((key.to_owned(), value.to_string()));
        self
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, name: &str, value: impl Display) -> Self {
        self.environment.push((name.to_owned(), value.to_string()));
        self
    }

    /// Number of media ports; 200 if not said. A leg takes two.
    pub fn media_ports(mut self, count: u16) -> Self {
        self.media_ports = Some(count);
        self
    }

    /// Has a shell do this first, such as `ulimit -n 256`; the server then takes its place.
    pub fn after_shell(mut self, command: &str) -> Self {
        self.shell = Some(command.to_owned());
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
        if self.data.is_none() {
            share_compiled_code(&binary, &data)?;
        }
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
        let given = self
            .settings
            .iter()
            .map(|(key, value)| (key.as_str(), value.clone()));
        let settings = own
            .into_iter()
            .chain(given)
            .map(|(key, value)| format!("{key}={value}"));
        let start = Start {
            settings: settings.collect(),
            environment: self.environment.clone(),
            shell: self.shell.clone(),
            log: folder.path().join("tandem.log"),
            binary,
            data,
            web,
        };
        let process = start.run()?;
        Ok(Tandem {
            demo: Demo::read(&start.data.join("demo.json"))?,
            processes: Processes::new(&start.data, &start.binary, process.id()),
            process,
            start,
            sip,
            folder,
        })
    }
}

/// Lets all servers of the tests have one folder of compiled code: a component is compiled once, not for each of them.
fn share_compiled_code(binary: &Path, data: &Path) -> Result<()> {
    let private = |folder: &Path| {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.doing("making a folder of a server")
    };
    let shared = binary.with_file_name("tests-compiled");
    private(&shared)?;
    private(data)?;
    let link = data.join("compiled");
    match symlink(shared, link) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error).doing("linking compiled code"),
        _ => Ok(()),
    }
}

/// What a server is started with, the first time and again: addresses and ports are fixed in the settings.
struct Start {
    binary: PathBuf,
    data: PathBuf,
    settings: Vec<String>,
    environment: Vec<(String, String)>,
    shell: Option<String>,
    web: SocketAddr,
    log: PathBuf,
}

impl Start {
    /// Starts it and waits until it is healthy.
    fn run(&self) -> Result<Process> {
        let mut process = self.launch()?;
        let healthy = crate::wait::until(START_WITHIN, "/healthz", || {
            if process.ended().is_some() {
                return Some(false);
            }
            matches!(crate::http::get(self.web, "/healthz"), Ok((200, _))).then_some(true)
        });
        if matches!(healthy, Ok(true)) {
            return Ok(process);
        }
        // What it may have started before it failed.
        let _ = Processes::new(&self.data, &self.binary, process.id()).kill_all();
        Err(Failure::new(format!(
            "tandem is not healthy; {}",
            process.last_words()
        )))
    }

    fn launch(&self) -> Result<Process> {
        let mut command = match &self.shell {
            Some(first) => {
                let mut shell = Command::new("sh");
                let script = format!(r#"{first}; exec "$0" "$@""#);
                shell.arg("-c").arg(script).arg(&self.binary);
                shell
            }
            None => Command::new(&self.binary),
        };
        command.arg("serve").arg("--data").arg(&self.data);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        for setting in &self.settings {
            command.arg("--set").arg(setting);
        }
        Process::start("tandem", command, &self.log)
    }
}

/// A running server. Dropping it kills all its processes; its folder is kept when the test panics.
pub struct Tandem {
    process: Process,
    processes: Processes,
    start: Start,
    sip: SocketAddr,
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
        self.start.web
    }

    /// The demo domain that the first start made.
    pub fn demo(&self) -> &Demo {
        &self.demo
    }

    /// Its data directory.
    pub fn data(&self) -> &Path {
        &self.start.data
    }

    /// Its folder: data directory and log.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The process id of the supervisor.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The process id of a role.
    ///
    /// # Errors
    /// When it does not run, or the server runs as one process.
    pub fn pid_of(&self, role: Role) -> Result<u32> {
        self.processes.pid_of(role)
    }

    /// Kills a process with SIGKILL and gives the id that it had; the supervisor starts another.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&self, role: Role) -> Result<u32> {
        self.processes.kill(role)
    }

    /// Waits until another process than `old` has the role; its id. It may still be about to take over.
    ///
    /// # Errors
    /// When none has within half a minute; the end of the log is quoted.
    pub fn wait_for_restart(&self, role: Role, old: u32) -> Result<u32> {
        self.processes
            .wait_for_restart(role, old, RESTART_WITHIN)
            .map_err(|failure| Failure::new(format!("{failure}; {}", self.process.last_words())))
    }

    /// Kills all processes with SIGKILL, at once.
    ///
    /// # Errors
    /// When one goes on running.
    pub fn kill_all(&mut self) -> Result<()> {
        self.processes.kill_all()?;
        // Nothing is left of it, not even a zombie.
        self.process.wait(RESTART_WITHIN).map(drop)
    }

    /// After [`Self::kill_all`]: starts it again, on the same data and the same ports, without waiting for it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn launch_again(&mut self) -> Result<()> {
        self.process = self.start.launch()?;
        self.processes = Processes::new(&self.start.data, &self.start.binary, self.process.id());
        Ok(())
    }

    /// [`Self::launch_again`], then waits until it is healthy.
    ///
    /// # Errors
    /// When it ends, or is not healthy within a minute.
    pub fn start_again(&mut self) -> Result<()> {
        self.launch_again()?;
        self.wait_healthy()
    }

    /// Waits until `/healthz` says that all is well. What runs then is what [`Self::assert_alive`] expects.
    ///
    /// # Errors
    /// When it does not within a minute; the end of the log is quoted.
    pub fn wait_healthy(&mut self) -> Result<()> {
        let healthy = crate::wait::until(START_WITHIN, "/healthz", || {
            matches!(crate::http::get(self.start.web, "/healthz"), Ok((200, _))).then_some(())
        });
        self.processes.accept();
        healthy.map_err(|failure| Failure::new(format!("{failure}; {}", self.process.last_words())))
    }

    /// Runs `tandem upgrade`: the processes are replaced one by one while calls go on.
    ///
    /// # Errors
    /// When it says that it failed.
    pub fn upgrade(&self) -> Result<()> {
        let output = self.cli(&["upgrade"])?;
        self.processes.accept();
        match output.code {
            Some(0) => Ok(()),
            _ => Err(Failure::new(format!(
                "tandem upgrade: {output:?}; {}",
                self.process.last_words()
            ))),
        }
    }

    /// Resident memory in bytes, all processes together.
    ///
    /// # Errors
    /// When one is gone.
    pub fn resident_bytes(&self) -> Result<u64> {
        self.processes
            .running()
            .into_values()
            .map(process::resident_bytes)
            .sum()
    }

    /// CPU time used so far, all processes that run now together.
    ///
    /// # Errors
    /// When one is gone.
    pub fn cpu_time(&self) -> Result<Duration> {
        self.processes
            .running()
            .into_values()
            .map(process::cpu_time)
            .sum()
    }

    /// The peers' ports of the TCP connections that the SIP port has now, in order.
    ///
    /// # Errors
    /// When the system has no /proc/net/tcp.
    pub fn sip_connections(&self) -> Result<Vec<u16>> {
        let table = std::fs::read_to_string("/proc/net/tcp").doing("reading /proc/net/tcp")?;
        let mut ports: Vec<u16> = table
            .lines()
            .filter_map(|line| established_at(line, self.sip.port()))
            .collect();
        ports.sort_unstable();
        Ok(ports)
    }

    /// Fails with the end of its log if it, or one of its processes, has ended by itself.
    ///
    /// # Errors
    /// When one has ended, even if another has taken its place.
    pub fn assert_alive(&mut self) -> Result<()> {
        if let Some(status) = self.process.ended() {
            return Err(Failure::new(format!(
                "tandem ended with {status}; {}",
                self.process.last_words()
            )));
        }
        self.processes
            .assert_unchanged()
            .map_err(|failure| Failure::new(format!("{failure}; {}", self.process.last_words())))
    }

    /// The value of a metric without labels, or the sum over its labels, from `/metrics`.
    ///
    /// # Errors
    /// When the page cannot be read or has no such metric.
    pub fn metric(&self, name: &str) -> Result<f64> {
        let (_, page) = crate::http::get(self.start.web, "/metrics")?;
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
        let mut command = Command::new(&self.start.binary);
        let output = command
            .args(arguments)
            .arg("--data")
            .arg(&self.start.data)
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

impl Drop for Tandem {
    fn drop(&mut self) {
        // The supervisor's end ends the others too. A test must leave none behind even where that does not work.
        let _ = self.processes.kill_all();
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

/// The remote port of a line of /proc/net/tcp, if it is an established connection of this local port.
fn established_at(line: &str, local_port: u16) -> Option<u16> {
    let mut fields = line.split_whitespace().skip(1);
    let port = |address: &str| u16::from_str_radix(address.rsplit(':').next()?, 16).ok();
    let (local, remote, state) = (fields.next()?, fields.next()?, fields.next()?);
    (port(local)? == local_port && state == "01").then(|| port(remote))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn established_connections_are_read_from_the_systems_table() {
        let line = "   3: 0100007F:13C4 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0";
        assert_eq!(established_at(line, 5060), Some(50_000));
        assert_eq!(established_at(line, 5061), None);
        assert_eq!(
            established_at(&line.replace(" 01 ", " 06 "), 5060),
            None,
            "TIME_WAIT"
        );
        assert_eq!(established_at("  sl  local_address rem_address   st", 5060), None);
    }
}
