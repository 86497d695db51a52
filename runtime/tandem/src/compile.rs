//! Modules are looked at and compiled in a process of their own: `tandem compile-module`, this same binary.
//!
//! A file decides how much time and memory its compilation takes. In a process with limits the worst that it can do is
//! to meet one of them: calls go on, and whoever sent it hears which limit that was. What comes out is a [`Verdict`],
//! and compiled code in the cache on disk, from which the call logic loads it.
//!
//! The process reads one line of JSON, an [`Order`], then the module; it writes the verdict as JSON.

use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tandem_host_api::{Code, Engine, EngineConfig, Grants, Limits, Module, Verdict};
use tandem_web::{Allowed, Compile};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::config::Config;
use crate::limits;
use crate::process::child::ending;

/// How long a compilation may take for each second of CPU time that it may use, since others compute too.
const WALL_PER_CPU: u32 = 4;
/// Bytes that are read of what the process says: a verdict is bounded, and of complaints the first ones tell enough.
const SAID_MAX: u64 = 1 << 20;

/// The hidden command that does it.
pub const COMMAND: &str = "compile-module";

/// What the process is told.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    /// Where compiled code goes; none: nowhere.
    pub cache_dir: Option<PathBuf>,
    /// As the server's engine has it: code of another engine would not be found.
    pub memory_max_bytes: usize,
    /// Largest module.
    pub module_bytes_max: usize,
    /// What the module may import.
    pub grants: Grants,
    /// What its instance must fit into.
    pub limits: Limits,
    /// Whether it is started once.
    pub start: bool,
    /// Bytes that the process may allocate.
    pub allocate_max_bytes: u64,
    /// Seconds of CPU time that it may use.
    pub cpu_s: u64,
}

/// Why there is no verdict: nothing that the module did.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// No process, or no talking to it.
    #[error("the compiler's process: {0}")]
    Process(#[from] io::Error),
    /// What it said is no verdict.
    #[error("the compiler's process said what is no verdict: {0}")]
    NoVerdict(String),
}

/// Compiles modules: of those that are uploaded one at a time, and one at a time of those that calls wait for. A clone is
/// another handle on the same one.
#[derive(Debug, Clone)]
pub struct Compiler {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    for_uploads: Semaphore,
    /// Apart, so that no upload delays a call.
    for_calls: Semaphore,
    cache_dir: Option<PathBuf>,
    memory_max_bytes: usize,
    limits: Limits,
    allocate_max_bytes: u64,
    cpu: Duration,
}

impl Compiler {
    /// Compiles for the engine of a server with this configuration, into its cache.
    pub fn new(config: &Config, cache_dir: Option<PathBuf>) -> Self {
        let shared = Shared {
            for_uploads: Semaphore::new(1),
            for_calls: Semaphore::new(1),
            cache_dir,
            memory_max_bytes: config.scenario.memory.0 as usize,
            limits: limits::call_default(config),
            allocate_max_bytes: config.scenario.compile_memory.0,
            cpu: config.scenario.compile_cpu,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Looks at a file in every way. A good one's code is in the cache then.
    pub async fn validate(&self, file: &[u8], allowed: Allowed) -> Result<Verdict, CompileError> {
        let _place = place(&self.shared.for_uploads).await;
        self.run(file, allowed, true).await
    }

    /// Gives `engine` a module that was taken in earlier, compiling it where its code is no longer in the cache.
    /// The error is for people.
    pub async fn load(&self, engine: &Engine, bytes: Vec<u8>) -> Result<Module, String> {
        let bytes: Arc<[u8]> = bytes.into();
        if let Some(module) = load_compiled(engine, &bytes).await? {
            return Ok(module);
        }
        let _place = place(&self.shared.for_calls).await;
        // Another call may have had it compiled while this one waited.
        if let Some(module) = load_compiled(engine, &bytes).await? {
            return Ok(module);
        }
        let verdict = self.run(&bytes, Allowed::default(), false).await;
        let verdict = verdict.map_err(|error| error.to_string())?;
        if !verdict.is_good() {
            return Err(in_words(&verdict));
        }
        if let Some(module) = load_compiled(engine, &bytes).await? {
            return Ok(module);
        }
        // The disk is full, say. The module was compiled just now, so it can be compiled here as well.
        tracing::warn!(hash = %verdict.hash, "compiled code cannot be kept: it is made again by the server");
        let engine = engine.clone();
        on_blocking_thread(move || engine.load(&bytes)).await
    }

    async fn run(&self, file: &[u8], allowed: Allowed, start: bool) -> Result<Verdict, CompileError> {
        let shared = &self.shared;
        let max = EngineConfig::default().module_bytes_max;
        if file.len() > max {
            // Its size alone refuses it: no process need see it.
            let mut verdict = Verdict::new(file);
            let detail = format!("it has over {max} bytes, which is the most that is allowed");
            verdict.add(Code::TooLarge, detail);
            return Ok(verdict);
        }
        let order = Order {
            cache_dir: shared.cache_dir.clone(),
            memory_max_bytes: shared.memory_max_bytes,
            module_bytes_max: max,
            grants: allowed.grants,
            limits: limits::of_module(
                &limits::of_call(&shared.limits, &allowed.of_domain),
                &allowed.of_scenario,
            ),
            start,
            allocate_max_bytes: shared.allocate_max_bytes,
            cpu_s: shared.cpu.as_secs().max(1),
        };
        let wall = shared.cpu * WALL_PER_CPU;
        match tokio::time::timeout(wall, in_process(&order, file)).await {
            Ok(Ok(Ran::Said(verdict))) => Ok(verdict),
            Ok(Ok(Ran::Died(how))) => Ok(died(file, &how)),
            Ok(Err(error)) => Err(error),
            Err(_) => Ok(died(file, &format!("it took longer than {} s", wall.as_secs()))),
        }
    }
}

impl Compile for Compiler {
    fn compile(
        &self,
        component: bytes::Bytes,
        allowed: Allowed,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Verdict, String>> + Send + '_>> {
        Box::pin(async move {
            let verdict = self.validate(&component, allowed).await;
            verdict.map_err(|error| error.to_string())
        })
    }
}

/// `None` never comes: nobody closes the semaphore.
async fn place(places: &Semaphore) -> Option<SemaphorePermit<'_>> {
    places.acquire().await.ok()
}

/// All that is wrong, a line each.
pub fn in_words(verdict: &Verdict) -> String {
    let mut lines: Vec<String> = verdict.problems.iter().map(ToString::to_string).collect();
    if verdict.problems_untold > 0 {
        lines.push(format!("and {} more problems", verdict.problems_untold));
    }
    lines.join("\n")
}

async fn load_compiled(engine: &Engine, bytes: &Arc<[u8]>) -> Result<Option<Module>, String> {
    let (engine, bytes) = (engine.clone(), Arc::clone(bytes));
    on_blocking_thread(move || engine.load_compiled(&bytes)).await
}

async fn on_blocking_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, tandem_host_api::LoadError> + Send + 'static,
) -> Result<T, String> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| error.to_string())?
        .map_err(|error| error.to_string())
}

enum Ran {
    Said(Verdict),
    Died(String),
}

fn died(file: &[u8], how: &str) -> Verdict {
    let mut verdict = Verdict::new(file);
    verdict.add(Code::CompileLimit, format!("the compiler was stopped: {how}"));
    verdict
}

/// Runs the process to its end. Dropping this kills it.
async fn in_process(order: &Order, file: &[u8]) -> Result<Ran, CompileError> {
    // The binary that this process runs, whatever lies at its path by now.
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0("tandem")
        .arg(COMMAND)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn()?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let mut line = serde_json::to_vec(order).map_err(io::Error::other)?;
    line.push(b'\n');
    let tell = async {
        if let Some(mut stdin) = stdin {
            // One that died meanwhile takes no more; how it died is what counts.
            let _ = stdin.write_all(&line).await;
            let _ = stdin.write_all(file).await;
        }
    };
    let ((), said, complaints, status) = tokio::join!(tell, all_of(stdout), all_of(stderr), child.wait());
    let (status, complaints) = (status?, String::from_utf8_lossy(&complaints).into_owned());
    if !status.success() {
        return Ok(Ran::Died(cause(status, &complaints, order)));
    }
    for line in complaints.lines() {
        tracing::warn!("compiler: {line}");
    }
    let verdict =
        serde_json::from_slice(&said).map_err(|error| CompileError::NoVerdict(error.to_string()))?;
    Ok(Ran::Said(verdict))
}

/// What a pipe says, the first [`SAID_MAX`] bytes; the rest is read and forgotten, so that nobody waits for us.
async fn all_of(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut said = Vec::new();
    if let Some(mut pipe) = pipe {
        // A pipe of a process that dies just ends.
        let _ = (&mut pipe).take(SAID_MAX).read_to_end(&mut said).await;
        let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    }
    said
}

/// Which limit ended it, in words.
fn cause(status: ExitStatus, complaints: &str, order: &Order) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    const SIGABRT: i32 = 6;
    const SIGXCPU: i32 = 24;
    match status.signal() {
        Some(SIGXCPU) => format!("it used more than {} s of CPU time", order.cpu_s),
        Some(SIGABRT) if complaints.contains("memory allocation of") => {
            format!(
                "it needed more than {} MiB of memory",
                order.allocate_max_bytes >> 20
            )
        }
        Some(SIGABRT) if complaints.contains("overflowed its stack") => {
            "it needed more stack than there is: the component is nested too deeply".to_owned()
        }
        _ => {
            let last = complaints
                .lines()
                .rfind(|line| !line.trim().is_empty())
                .unwrap_or_default();
            format!("it ended with {}: {}", ending(status), last.trim())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn the_limit_that_was_met_is_named() {
        let order = Order {
            cache_dir: None,
            memory_max_bytes: 0,
            module_bytes_max: 0,
            grants: Grants::all(),
            limits: Limits::default(),
            start: true,
            allocate_max_bytes: 512 << 20,
            cpu_s: 60,
        };
        let of = |raw, complaints| cause(ExitStatus::from_raw(raw), complaints, &order);
        assert_eq!(of(24, ""), "it used more than 60 s of CPU time");
        assert_eq!(
            of(6, "memory allocation of 99 bytes failed\n"),
            "it needed more than 512 MiB of memory"
        );
        let deep = of(6, "thread 'main' has overflowed its stack\nfatal runtime error");
        assert!(deep.contains("nested too deeply"), "{deep}");
        assert_eq!(of(9, ""), "it ended with signal 9 (SIGKILL): ");
        assert_eq!(of(101 << 8, "one\ntwo\n\n"), "it ended with exit code 101: two");
    }
}
