//! The WASM engine as this host configures it, its clock tick and its modules.
//!
//! Two wasmtime engines: one for calls (pooled slots, copy-on-write images, guard pages), and one for replays that want
//! to hash linear memory, whose memories are plain allocations that the host can read; it is made when first asked for.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tandem_bindings::CallScenario;
use wasmtime::component::{Component, HasSelf, InstancePre, Linker};
use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::background::Background;
use crate::code_cache::{self, CodeCache};
use crate::door::Door;
use crate::function_cache::FunctionCache;
use crate::modules::{LoadError, Module, ModuleTable};
use crate::replay::HostMemories;
use crate::stand_ins;
use crate::world::Handler;

/// How an [`Engine`] is set up.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Where compiled code is kept between runs; none: nowhere. The directory is made with mode 0700 and must belong
    /// to this process's user alone.
    pub cache_dir: Option<PathBuf>,
    /// Bytes of compiled code kept there; the oldest files go first. Compiled functions, from which components that have
    /// much in common are made faster, may take a quarter as much beside them.
    pub cache_bytes_max: u64,
    /// Scenarios running at the same time, of all domains.
    pub instances_max: u32,
    /// Bytes that one linear memory can have; a call's own limit is [`Limits::memory_bytes`](crate::Limits).
    pub memory_max_bytes: usize,
    /// Bytes of a module as it is uploaded.
    pub module_bytes_max: usize,
    /// Modules held ready at the same time.
    pub modules_max: usize,
    /// Length of the slices in which scenarios compute.
    pub tick: Duration,
    /// Threads for scenarios that compute for many slices on end, of low priority. 0: such scenarios stay where they
    /// are.
    pub background_threads: usize,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            cache_dir: None,
            cache_bytes_max: 1 << 30,
            instances_max: 2_000,
            memory_max_bytes: 256 << 20,
            module_bytes_max: 32 << 20,
            modules_max: 256,
            tick: Duration::from_millis(1),
            background_threads: 0,
        }
    }
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A setting that cannot work on this machine.
    #[error("the WASM engine cannot be set up: {0}")]
    Setup(String),
    /// The directory for compiled code cannot be trusted or used.
    #[error("the cache directory {path}: {reason}")]
    CacheDir {
        /// Which directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No thread for the tick, or for what computes for long.
    #[error("the engine's threads cannot be started: {0}")]
    Threads(std::io::Error),
}

/// Compiles modules, keeps them ready and runs them. A clone is another handle on the same engine.
#[derive(Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) config: EngineConfig,
    pub(crate) calls: Runtime,
    /// Made by the first replay that hashes memory.
    replays: OnceLock<Result<Runtime, String>>,
    pub(crate) modules: Mutex<ModuleTable>,
    /// Held while a module is compiled: each is compiled once, and one at a time (JavaScript takes 400 MB to compile).
    pub(crate) compiling: Mutex<()>,
    background: Option<Arc<Background>>,
}

/// A wasmtime engine with our imports linked and its compiled code.
pub(crate) struct Runtime {
    pub(crate) engine: wasmtime::Engine,
    linker: Linker<Door>,
    cache: Option<Cache>,
}

/// Code on disk: of whole components, and of their functions.
struct Cache {
    code: CodeCache,
    functions: Arc<FunctionCache>,
}

impl Engine {
    /// Sets the engine up and starts its tick on a thread of its own, which ends with the last handle.
    pub fn new(config: EngineConfig) -> Result<Self, EngineError> {
        let mut wasm = deterministic_config();
        wasm.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(&config)))
            .memory_init_cow(true);
        let calls = Runtime::new(wasm, &config)?;
        start_tick(&calls.engine, config.tick).map_err(EngineError::Threads)?;
        let background = match config.background_threads {
            0 => None,
            threads => Some(Arc::new(Background::new(threads).map_err(EngineError::Threads)?)),
        };
        let modules = Mutex::new(ModuleTable::new(config.modules_max));
        let shared = Shared {
            config,
            calls,
            replays: OnceLock::new(),
            modules,
            compiling: Mutex::new(()),
            background,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    pub(crate) fn background(&self) -> Option<Arc<Background>> {
        self.shared.background.clone()
    }

    /// A module by its hash, where it is held ready.
    pub fn cached(&self, hash: &str) -> Option<Module> {
        self.shared
            .modules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .find(hash)
    }

    /// The engine whose memories the host can read.
    pub(crate) fn replay_runtime(&self) -> Result<&Runtime, String> {
        let made = self.shared.replays.get_or_init(|| {
            let mut wasm = deterministic_config();
            // No guard pages and no reservation: memories are then plain allocations. Copy-on-write images need
            // memories of wasmtime's own making.
            wasm.allocation_strategy(InstanceAllocationStrategy::OnDemand)
                .with_host_memory(Arc::new(HostMemories))
                .memory_init_cow(false)
                .memory_reservation(0)
                .memory_reservation_for_growth(0)
                .memory_guard_size(0)
                .guard_before_linear_memory(false)
                .memory_may_move(true);
            let runtime = Runtime::new(wasm, &self.shared.config).map_err(|error| error.to_string())?;
            start_tick(&runtime.engine, self.shared.config.tick).map_err(|error| error.to_string())?;
            Ok(runtime)
        });
        made.as_ref().map_err(Clone::clone)
    }
}

impl Runtime {
    fn new(mut wasm: Config, config: &EngineConfig) -> Result<Self, EngineError> {
        let setup = |error: wasmtime::Error| EngineError::Setup(format!("{error:#}"));
        let functions = match &config.cache_dir {
            Some(dir) => {
                code_cache::make_dir(dir)?;
                let functions = Arc::new(FunctionCache::new(dir, config.cache_bytes_max / 4));
                wasm.enable_incremental_compilation(functions.clone())
                    .map_err(setup)?;
                Some((dir, functions))
            }
            None => None,
        };
        let engine = wasmtime::Engine::new(&wasm).map_err(setup)?;
        let mut linker = Linker::new(&engine);
        CallScenario::add_to_linker::<_, HasSelf<Door>>(&mut linker, |door| door).map_err(setup)?;
        let cache = functions.map(|(dir, functions)| Cache {
            code: CodeCache::new(dir, &engine, config.cache_bytes_max),
            functions,
        });
        Ok(Self {
            engine,
            linker,
            cache,
        })
    }

    /// The component, compiled now or earlier, with our imports linked.
    pub(crate) fn prepare(&self, hash: &str, bytes: &[u8]) -> Result<Handler, LoadError> {
        if let Some(component) = self.find(hash) {
            return self.link(&component);
        }
        let component = self.compile_now(bytes)?;
        self.keep(hash, &component);
        self.link(&component)
    }

    /// As [`Self::prepare`], where the compiled code is on disk; none: it is not.
    pub(crate) fn prepare_compiled(&self, hash: &str) -> Result<Option<Handler>, LoadError> {
        self.find(hash).map(|component| self.link(&component)).transpose()
    }

    /// The component, out of the cache or compiled now; it is not kept.
    pub(crate) fn compile(&self, hash: &str, bytes: &[u8]) -> Result<Component, LoadError> {
        match self.find(hash) {
            Some(component) => Ok(component),
            None => self.compile_now(bytes),
        }
    }

    /// Keeps the compiled code of a component; says whether it is there now.
    pub(crate) fn keep(&self, hash: &str, component: &Component) -> bool {
        self.cache
            .as_ref()
            .is_some_and(|cache| cache.code.keep(hash, component))
    }

    fn find(&self, hash: &str) -> Option<Component> {
        self.cache.as_ref()?.code.find(&self.engine, hash)
    }

    fn compile_now(&self, bytes: &[u8]) -> Result<Component, LoadError> {
        let (bytes, _) = crate::earlier::current(bytes);
        let made = Component::from_binary(&self.engine, &bytes);
        if let Some(cache) = &self.cache {
            cache.functions.write();
        }
        made.map_err(|error| LoadError::Invalid(format!("{error:#}")))
    }

    /// Links our imports to the component.
    pub(crate) fn link(&self, component: &Component) -> Result<Handler, LoadError> {
        let world = crate::modules::check_interface(&self.engine, component)?;
        Handler::new(world, self.link_imports(component)?)
    }

    /// Links our imports, and leaves the handler aside.
    pub(crate) fn link_imports(&self, component: &Component) -> Result<InstancePre<Door>, LoadError> {
        let linked = self.linker.instantiate_pre(component);
        linked.map_err(|error| does_not_link(&error))
    }

    /// Each import that [`Self::link_imports`] would refuse, by the interface.
    pub(crate) fn misfits(&self, component: &Component) -> Vec<LoadError> {
        let found = stand_ins::misfits(&self.linker, component);
        found.into_iter().map(does_not_fit).collect()
    }

    /// Links our imports, and traps in place of those that do not exist, so that the component can be started anyway.
    pub(crate) fn link_leniently(&self, component: &Component) -> Result<InstancePre<Door>, LoadError> {
        stand_ins::link(&self.linker, component).map_err(|error| does_not_link(&error))
    }
}

fn does_not_link(error: &wasmtime::Error) -> LoadError {
    does_not_fit(format!("{error:#}"))
}

/// The imports of all worlds are the same, so any of them is named.
fn does_not_fit(why: String) -> LoadError {
    LoadError::Interface {
        world: crate::WORLD,
        why,
    }
}

/// What both engines share: nothing that differs between two machines or two runs is allowed.
fn deterministic_config() -> Config {
    let mut wasm = Config::new();
    wasm.epoch_interruption(true)
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .wasm_component_model(true)
        .max_wasm_stack(512 << 10)
        .async_stack_size(1 << 20);
    wasm
}

fn pool(config: &EngineConfig) -> PoolingAllocationConfig {
    let instances = config.instances_max.max(1);
    let mut pool = PoolingAllocationConfig::default();
    // A Rust guest has one memory, two or three core instances and as many tables; a Python guest that is linked when it
    // is instantiated has 38 core instances, one that was linked before has two tables in one module. Slots are address
    // space until they are used, so they are given freely.
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(8).max(64))
        .total_memories(instances.saturating_add(instances / 4).max(8))
        .total_tables(instances.saturating_mul(4).max(64))
        .total_stacks(instances)
        .max_core_instances_per_component(64)
        .max_memories_per_component(8)
        .max_tables_per_module(2)
        .max_tables_per_component(64)
        .table_elements(100_000)
        .max_core_instance_size(4 << 20)
        .max_component_instance_size(4 << 20)
        .max_memory_size(config.memory_max_bytes)
        // A slot that is given back keeps what a guest had touched and is wiped in place: the kernel tells which pages that
        // is (PAGEMAP_SCAN), and the next call pays no page faults. Twice as fast as giving them back. A Python guest
        // touches half a megabyte.
        .linear_memory_keep_resident(1 << 20)
        .table_keep_resident(16 << 10)
        .pagemap_scan(wasmtime::Enabled::Auto);
    pool
}

/// Advances the engine's epoch for as long as the engine lives.
fn start_tick(engine: &wasmtime::Engine, tick: Duration) -> std::io::Result<()> {
    let engine = engine.weak();
    std::thread::Builder::new()
        .name("tandem-wasm-tick".to_owned())
        .spawn(move || {
            loop {
                std::thread::sleep(tick);
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => return,
                }
            }
        })?;
    Ok(())
}
