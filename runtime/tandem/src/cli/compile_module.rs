//! `tandem compile-module`: the other side of [`crate::compile`].

use std::io::{self, BufRead as _, Read as _, Write as _};

use rustix::process::{Resource, Rlimit, nice, setrlimit};
use tandem_host_api::{Engine, EngineConfig, Rules};

use super::Failure;
use crate::compile::Order;

/// Longest order.
const ORDER_BYTES_MAX: u64 = 64 << 10;
/// How much less than calls this matters.
const NICE: i32 = 10;

/// Reads an order and a module from the standard input, under the order's limits from then on, and writes a verdict.
pub async fn run() -> Result<(), Failure> {
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    input
        .by_ref()
        .take(ORDER_BYTES_MAX)
        .read_until(b'\n', &mut line)?;
    let order: Order = serde_json::from_slice(&line)
        .map_err(|error| Failure::Usage(format!("only the server itself starts this: {error}")))?;
    limit(&order)?;
    let mut file = Vec::new();
    input
        .take(order.module_bytes_max as u64 + 1)
        .read_to_end(&mut file)?;

    let config = EngineConfig {
        cache_dir: order.cache_dir,
        instances_max: 1,
        modules_max: 1,
        memory_max_bytes: order.memory_max_bytes,
        module_bytes_max: order.module_bytes_max,
        ..EngineConfig::default()
    };
    let engine = engine(&config)?;
    let rules = Rules {
        grants: order.grants,
        limits: order.limits,
        start: order.start,
    };
    let verdict = engine.validate(&file, &rules).await;
    io::stdout().write_all(&serde_json::to_vec(&verdict)?)?;
    Ok(())
}

/// With the cache, if this user may write there.
fn engine(config: &EngineConfig) -> Result<Engine, Failure> {
    match Engine::new(config.clone()) {
        Ok(engine) => Ok(engine),
        Err(tandem_host_api::EngineError::CacheDir { path, reason }) => {
            eprintln!("compiled code is not kept in {}: {reason}", path.display());
            let nowhere = EngineConfig {
                cache_dir: None,
                ..config.clone()
            };
            Engine::new(nowhere).map_err(|error| Failure::Failed(error.to_string()))
        }
        Err(error) => Err(Failure::Failed(error.to_string())),
    }
}

/// Takes the limits upon itself. What is only reserved, as the pool of instances is, does not count as allocated.
fn limit(order: &Order) -> io::Result<()> {
    let exactly = |limit| Rlimit {
        current: Some(limit),
        maximum: Some(limit),
    };
    setrlimit(Resource::Data, exactly(order.allocate_max_bytes))?;
    // No core files: they would hold the module.
    setrlimit(Resource::Core, exactly(0))?;
    // SIGXCPU at the limit, so that it is known for what it is.
    let cpu = Rlimit {
        current: Some(order.cpu_s),
        maximum: Some(order.cpu_s + 1),
    };
    setrlimit(Resource::Cpu, cpu)?;
    let _ = nice(NICE); // calls come first; where this is not allowed, they share
    Ok(())
}
