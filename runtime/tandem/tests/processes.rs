//! A server's processes: kept running, replaced, stopped. Run as a whole on directories and ports of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_tandem");
const ROLES: [&str; 3] = ["sip-gate", "call-logic", "media-gate"];
/// Long enough for a loaded machine: a test ends as soon as what it waits for has come.
const SOON: Duration = Duration::from_mins(1);

/// A server on a directory of its own.
struct Server {
    process: Child,
    folder: tempfile::TempDir,
    sip: SocketAddr,
}

/// How one is started.
struct Setup {
    folder: tempfile::TempDir,
    binary: PathBuf,
    sip: SocketAddr,
    sets: Vec<String>,
}

impl Setup {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sip = free_port();
        let sets = [
            format!("sip.tcp={sip}"),
            "web.listen=127.0.0.1:0".to_owned(),
            "call.stop_deadline=1s".to_owned(),
        ];
        fs::write(config(folder.path()), format!("[sip]\nudp = [\"{sip}\"]\n")).unwrap();
        Self {
            folder,
            binary: BINARY.into(),
            sip,
            sets: sets.into(),
        }
    }

    fn set(mut self, set: &str) -> Self {
        self.sets.push(set.to_owned());
        self
    }

    fn spawn(self) -> Server {
        let Self {
            folder,
            binary,
            sip,
            sets,
        } = self;
        let process = spawn(&binary, folder.path(), &sets);
        Server { process, folder, sip }
    }

    /// And waits until all of it is up.
    fn start(self) -> Server {
        let mut server = self.spawn();
        server.wait_up();
        server
    }
}

fn config(folder: &Path) -> PathBuf {
    folder.join("tandem.toml")
}

fn spawn(binary: &Path, folder: &Path, sets: &[String]) -> Child {
    let mut command = Command::new(binary);
    command.arg("serve").arg("--data").arg(folder.join("data"));
    command.arg("--config").arg(config(folder));
    for set in sets {
        command.args(["--set", set]);
    }
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .unwrap();
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    command.spawn().unwrap()
}

/// A port that is free for UDP and TCP.
fn free_port() -> SocketAddr {
    loop {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = tcp.local_addr().unwrap();
        if UdpSocket::bind(address).is_ok() {
            return address;
        }
    }
}

fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(began.elapsed() < SOON, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn runs(pid: u32) -> bool {
    // One that has ended and waits for its parent to look is gone to us.
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn signal(pid: u32, name: &str) {
    let status = Command::new("kill")
        .args([&format!("-{name}"), &pid.to_string()])
        .status();
    assert!(status.unwrap().success(), "kill -{name} {pid}");
}

impl Server {
    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    fn cli(&self, line: &str) -> Output {
        cli(&self.data(), line)
    }

    fn ok(&self, line: &str) -> String {
        let output = self.cli(line);
        let text = String::from_utf8(output.stdout).unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{line}: {text}{error}\n{}", self.log());
        text
    }

    fn status(&self) -> Option<Value> {
        let output = self.cli("status --json");
        serde_json::from_slice(&output.stdout).ok()
    }

    fn wait_up(&mut self) {
        until("the whole server", || {
            if let Some(status) = self.process.try_wait().unwrap() {
                panic!("ended: {status}\n{}", self.log());
            }
            let status = self.status()?;
            let processes = status["processes"].as_array()?.clone();
            processes
                .iter()
                .all(|process| process["state"] == "up")
                .then_some(())
        });
    }

    fn restarts(&self, role: &str) -> u64 {
        let status = self.status().unwrap();
        let processes = status["processes"].as_array().unwrap();
        let process = processes.iter().find(|process| process["name"] == role);
        process.unwrap()["restarts"].as_u64().unwrap()
    }

    fn pid(&self, role: &str) -> Option<u32> {
        let text = fs::read_to_string(self.data().join("run").join(format!("{role}.pid"))).ok()?;
        assert!(text.ends_with('\n'), "{text:?}");
        text.trim().parse().ok()
    }

    fn pids(&self) -> Vec<u32> {
        ROLES.map(|role| self.pid(role).unwrap()).into()
    }

    fn ended(&mut self) -> ExitStatus {
        until("its end", || self.process.try_wait().unwrap())
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.sip).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its children notice by themselves.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}

fn cli(data: &Path, line: &str) -> Output {
    let mut command = Command::new(BINARY);
    command.arg("--data").arg(data).args(line.split(' '));
    command.output().unwrap()
}

/// Asks for what the server can do: any answer shows that the message went to the call logic and back.
fn ask_options(stream: &mut TcpStream, number: u32) {
    let message = format!(
        "OPTIONS sip:demo.local SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK-{number}\r\n\
         From: <sip:a@demo.local>;tag={number}\r\nTo: <sip:demo.local>\r\nCall-ID: options-{number}\r\n\
         CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    );
    stream.write_all(message.as_bytes()).unwrap();
    // An answer before it may come again: call logic that was restarted repeats what the peer may have missed.
    while !answer_to(stream).contains(&format!("\r\nCall-ID: options-{number}\r\n")) {}
}

fn answer_to(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        let got = stream.read(&mut byte).unwrap();
        assert_eq!(got, 1, "closed after {:?}", String::from_utf8_lossy(&answer));
        answer.push(byte[0]);
    }
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("SIP/2.0 "), "{answer}");
    answer
}

#[test]
fn a_killed_child_is_started_again() {
    let server = Setup::new().start();
    for role in ROLES {
        let pid = server.pid(role).unwrap();
        signal(pid, "KILL");
        let new = until("another process", || server.pid(role).filter(|new| *new != pid));
        assert!(runs(new), "{role}");
        assert_eq!(server.restarts(role), 1, "{role}");
    }
    let log = server.log();
    assert!(log.contains("signal 9 (SIGKILL)"), "{log}");
    assert_eq!(log.matches(" serving ").count(), 1, "announced once: {log}");
    until("all of it to be up", || {
        let processes = server.status()?["processes"].as_array()?.clone();
        processes
            .iter()
            .all(|process| process["state"] == "up")
            .then_some(())
    });
    ask_options(&mut server.connect(), 1);
}

#[test]
fn one_that_keeps_dying_is_tried_again_later_and_later() {
    let server = Setup::new().start();
    let mut last = 0;
    // One that was up for 250 ms had worked and dies for the first time again: a busy machine takes more than nine.
    let log = until("a pause of 400 ms", || {
        if let Some(pid) = server.pid("media-gate").filter(|pid| *pid != last) {
            signal(pid, "KILL");
            last = pid;
        }
        Some(server.log()).filter(|log| log.contains("again_in_ms=400"))
    });
    for pause in ["again_in_ms=100", "again_in_ms=200"] {
        assert!(log.contains(pause), "{log}");
    }
    assert!(log.contains("role=media-gate"), "{log}");
    assert_eq!(server.restarts("sip-gate"), 0);
    until("it to be up again", || {
        server.pid("media-gate").filter(|pid| *pid != last)
    });
}

#[test]
fn a_stop_leaves_nothing_behind() {
    let mut server = Setup::new().start();
    let pids = server.pids();
    signal(server.process.id(), "TERM");
    assert_eq!(server.ended().code(), Some(0), "{}", server.log());
    assert!(pids.iter().all(|pid| !runs(*pid)));
    let left: Vec<_> = fs::read_dir(server.data().join("run"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["lock"]);
    let log = server.log();
    for bad in ["does not end", "a process is gone"] {
        assert!(!log.contains(bad), "{log}");
    }
}

/// A terminal's ^C and systemd's SIGTERM reach all processes; gates must outlive the call logic's last words.
#[test]
fn signals_to_children_do_not_disturb_a_stop() {
    let mut server = Setup::new().start();
    let pids = server.pids();
    for pid in &pids {
        signal(*pid, "INT");
        signal(*pid, "TERM");
    }
    assert_eq!(server.pids(), pids);
    ask_options(&mut server.connect(), 1);
    signal(server.process.id(), "INT");
    assert_eq!(server.ended().code(), Some(0), "{}", server.log());
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let server = Setup::new().start();
    for processes in ["true", "false"] {
        let sets = [
            "web.listen=127.0.0.1:0".to_owned(),
            format!("server.processes={processes}"),
        ];
        let second = Command::new(BINARY)
            .arg("--data")
            .arg(server.data())
            .args(["serve", "--set", &sets[0], "--set", &sets[1]])
            .output()
            .unwrap();
        assert_eq!(second.status.code(), Some(1));
        let told = String::from_utf8(second.stderr).unwrap();
        assert!(told.contains("a server runs on"), "{told}");
        assert!(told.contains(&server.process.id().to_string()), "{told}");
    }
    ask_options(&mut server.connect(), 1);
}

#[test]
fn children_end_with_their_supervisor_and_the_next_server_starts() {
    let mut server = Setup::new().start();
    let pids = server.pids();
    signal(server.process.id(), "KILL");
    let killed = Instant::now();
    server.ended();
    until("the children's end", || {
        pids.iter().all(|pid| !runs(*pid)).then_some(())
    });
    println!("children gone after {:?}", killed.elapsed());
    // Pid files, sockets and the lock's file are still there.
    assert!(server.data().join("run/control.sock").exists());
    assert!(server.pid("sip-gate").is_some());
    let sets = [
        format!("sip.tcp={}", server.sip),
        "web.listen=127.0.0.1:0".to_owned(),
    ];
    server.process = spawn(Path::new(BINARY), server.folder.path(), &sets);
    server.wait_up();
    ask_options(&mut server.connect(), 1);
}

#[test]
fn commands_say_so_where_no_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["status", "upgrade", "drain", "drain --off"] {
        let output = cli(folder.path(), command);
        assert_eq!(output.status.code(), Some(1), "{command}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.starts_with("tandem: no server runs on "), "{told}");
    }
}

#[test]
fn a_taken_port_ends_the_first_start_with_its_reason() {
    for processes in ["true", "false"] {
        let setup = Setup::new().set(&format!("server.processes={processes}"));
        let _taken = UdpSocket::bind(setup.sip).unwrap();
        let mut server = setup.spawn();
        assert_eq!(server.ended().code(), Some(1));
        let log = server.log();
        let told = format!(
            "tandem: cannot listen on {} (UDP): Address already in use",
            server.sip
        );
        assert_eq!(log.matches(&told).count(), 1, "{log}");
        assert!(!log.contains("started again"), "{log}");
    }
    let setup = Setup::new();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let web = format!("web.listen={}", taken.local_addr().unwrap());
    let mut server = setup.set(&web).spawn();
    assert_eq!(server.ended().code(), Some(1));
    assert!(server.log().contains("in use"), "{}", server.log());
}

#[test]
fn wrong_configuration_is_told_as_ever() {
    let setup = Setup::new().set("sip.upd=1");
    let mut server = setup.spawn();
    assert_eq!(server.ended().code(), Some(2));
    assert!(
        server.log().contains("did you mean `sip.udp`?"),
        "{}",
        server.log()
    );
}

#[test]
fn one_process_does_it_all_where_it_is_told_to() {
    let mut server = Setup::new().set("server.processes=false").start();
    ask_options(&mut server.connect(), 1);
    assert!(ROLES.iter().all(|role| server.pid(role).is_none()));
    assert_eq!(server.pid("serve"), Some(server.process.id()));
    let refused = server.cli("upgrade");
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("one process"));
    server.ok("drain");
    assert_eq!(server.status().unwrap()["draining"], true);
    signal(server.process.id(), "TERM");
    assert_eq!(server.ended().code(), Some(0));
}

#[test]
fn an_upgrade_replaces_every_process_and_keeps_connections() {
    let server = Setup::new().start();
    let mut stream = server.connect();
    ask_options(&mut stream, 1);
    let before = server.pids();
    let told = server.ok("upgrade");
    for role in ROLES {
        assert!(told.contains(&format!("{role}: ")), "{told}");
    }
    println!("{told}");
    let after = server.pids();
    assert!(
        before.iter().zip(&after).all(|(before, after)| before != after),
        "{before:?} {after:?}"
    );
    ask_options(&mut stream, 2);
    until("the old processes' end", || {
        before.iter().all(|pid| !runs(*pid)).then_some(())
    });
    // Again, by signal; and what took over can hand over.
    signal(server.process.id(), "HUP");
    until("all of it to be replaced", || {
        let now = ROLES.map(|role| server.pid(role));
        let new = |(now, after): (&Option<u32>, &u32)| now.is_some_and(|now| now != *after);
        now.iter().zip(&after).all(new).then_some(())
    });
    ask_options(&mut stream, 3);
    for role in ROLES {
        assert_eq!(server.restarts(role), 0, "an upgrade is no death");
    }
    let log = server.log();
    assert!(!log.contains("ERROR"), "{log}");
    assert_eq!(log.matches(" serving ").count(), 1, "announced once: {log}");
}

/// Copies a program by a process of its own: a file that is open for writing
/// here is inherited by what another test's thread forks at that moment, and
/// cannot be run until that child has executed its own.
fn copied(from: &Path, to: &Path) {
    let copied = Command::new("cp").args([from, to]).status().unwrap();
    assert!(copied.success());
}

/// A copy of the binary that can be replaced, and a server that runs it.
fn from_copy() -> (Server, PathBuf) {
    let mut setup = Setup::new();
    let copy = setup.folder.path().join("tandem");
    copied(Path::new(BINARY), &copy);
    setup.binary.clone_from(&copy);
    (setup.start(), copy)
}

fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(&new, path).unwrap();
}

#[test]
fn a_binary_that_does_not_run_replaces_nothing() {
    let (server, copy) = from_copy();
    let before = server.pids();
    for broken in ["no program\n", "#!/bin/sh\nexit 7\n"] {
        replace(&copy, broken);
        let output = server.cli("upgrade");
        assert_eq!(output.status.code(), Some(1));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("does not run"), "{told}");
        assert_eq!(server.pids(), before);
    }
    fs::remove_file(&copy).unwrap();
    assert_eq!(server.cli("upgrade").status.code(), Some(1));
    // A child that dies now comes back as the release that runs.
    signal(before[2], "KILL");
    until("another process", || {
        server.pid("media-gate").filter(|pid| *pid != before[2])
    });
    ask_options(&mut server.connect(), 1);
}

#[test]
fn where_a_new_process_fails_the_one_before_goes_on() {
    let (server, copy) = from_copy();
    let mut stream = server.connect();
    let before = server.pids();
    // Call logic that cannot start: the release before is started again.
    replace(
        &copy,
        "#!/bin/sh\ncase \"$*\" in *--version*) exit 0;; *) exit 3;; esac\n",
    );
    let output = server.cli("upgrade");
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("call-logic: "), "{told}");
    assert!(told.contains("the one before runs again"), "{told}");
    ask_options(&mut stream, 1);
    // A gate's successor that cannot start: the gate never lets go.
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *--version*) exit 0;; *--successor*) exit 3;; *) exec {BINARY} \"$@\";; esac\n"
    );
    replace(&copy, &script);
    let output = server.cli("upgrade");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("sip-gate: its successor ended: exit code 3; the one before goes on"),
        "{told}"
    );
    assert_eq!(server.pid("sip-gate"), Some(before[0]));
    ask_options(&mut stream, 2);
}

/// The successor has the sockets already, and then cannot go on: its predecessor takes them back.
#[test]
fn sockets_come_back_from_a_successor_that_fails() {
    let server = Setup::new().start();
    let mut stream = server.connect();
    ask_options(&mut stream, 1);
    let before = server.pids();
    let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addresses = format!(
        "[sip]\nudp = [\"{}\", \"{}\"]\n",
        server.sip,
        taken.local_addr().unwrap()
    );
    fs::write(config(server.folder.path()), addresses).unwrap();
    let output = server.cli("upgrade");
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("sip-gate: its successor ended"), "{told}");
    assert!(told.contains("the one before goes on"), "{told}");
    assert_eq!(server.pid("sip-gate"), Some(before[0]));
    assert_eq!(server.pid("media-gate"), Some(before[2]));
    ask_options(&mut stream, 2);
    ask_options(&mut server.connect(), 3);
    // And once that is mended, it works.
    drop(taken);
    server.ok("upgrade");
    ask_options(&mut stream, 4);
}

#[test]
fn drain_is_told_and_ended() {
    let server = Setup::new().start();
    assert!(server.ok("drain").contains("New calls are refused"));
    assert!(server.ok("status").contains("New calls are refused"));
    assert!(server.ok("drain --off").contains("New calls are taken"));
    assert!(!server.ok("status").contains("refused"));
}
