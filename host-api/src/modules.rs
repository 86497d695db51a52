//! Modules: checked, compiled once, linked, held ready by the hash of their bytes.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError};

use wasmtime::component::Component;

use crate::engine::Engine;
use crate::world::{Handler, World};

/// The interfaces that every world imports; everything else is refused by name.
pub(crate) const INTERFACES: [&str; 27] = [
    "tandem:pbx/types@0.2.0",
    "tandem:pbx/leg@0.2.0",
    "tandem:pbx/dial@0.2.0",
    "tandem:pbx/bridge@0.2.0",
    "tandem:pbx/directory@0.2.0",
    "tandem:pbx/config@0.2.0",
    "tandem:pbx/key-value@0.2.0",
    "tandem:pbx/clock@0.2.0",
    "tandem:pbx/random@0.2.0",
    "tandem:pbx/log@0.2.0",
    "tandem:pbx/trace@0.2.0",
    "tandem:pbx/recording@0.2.0",
    "tandem:pbx/hold@0.2.0",
    "tandem:pbx/checkpoint@0.2.0",
    "tandem:pbx/transfer@0.2.0",
    "tandem:pbx/message@0.2.0",
    "tandem:pbx/http@0.2.0",
    "tandem:pbx/schedule@0.2.0",
    "tandem:pbx/metrics@0.2.0",
    "tandem:pbx/contacts@0.2.0",
    "tandem:pbx/mail@0.2.0",
    "tandem:pbx/voicemail@0.2.0",
    "tandem:pbx/originate@0.2.0",
    "tandem:pbx/pickup@0.2.0",
    "tandem:pbx/timers@0.2.0",
    "tandem:pbx/deadline@0.2.0",
    "tandem:pbx/leg-events@0.2.0",
];

/// Why bytes cannot be run as a scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Larger than [`EngineConfig::module_bytes_max`](crate::EngineConfig).
    #[error("the module has {bytes} bytes, at most {max} are allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// Not WASM at all.
    #[error("this is no WASM component: it does not begin with \\0asm")]
    NotWasm,
    /// A core module: the component step of the build is missing.
    #[error(
        "this is a core WASM module, not a component: build it with `wit-component` or your SDK's build command"
    )]
    NotComponent,
    /// Not valid, or made with features that are off here.
    #[error("the component is not valid: {0}")]
    Invalid(String),
    /// Asks for what is not given.
    #[error("the component imports what is not given to scenarios: {}", .0.join(", "))]
    ImportsRefused(Vec<String>),
    /// Exports no handler.
    #[error("the component does not export {}; it exports {}", handlers(), listed(.0))]
    NoHandler(Vec<String>),
    /// Imports or exports an interface in another shape than ours.
    #[error("the component does not fit {world}: {why}")]
    Interface {
        /// The world that it should be of.
        world: &'static str,
        /// In words.
        why: String,
    },
}

/// The handlers, one of which a component must export, in words.
pub(crate) fn handlers() -> String {
    let [call, web, event] = World::ALL.map(World::handler);
    format!("{call}, {web} or {event}")
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}

/// A module that is ready to run. A clone is another handle on it; it stays usable after the engine has forgotten it.
#[derive(Clone)]
pub struct Module {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    hash: String,
    /// Kept for replays that hash memory: they have compiled code of their own.
    bytes: Box<[u8]>,
    pub(crate) handler: Handler,
    for_replays: OnceLock<Handler>,
}

impl Module {
    /// BLAKE3 of the module's bytes, in hexadecimal.
    pub fn hash(&self) -> &str {
        &self.shared.hash
    }

    /// The world that it is of.
    pub fn world(&self) -> World {
        self.shared.handler.world()
    }

    /// Size of the module's bytes.
    pub fn len_bytes(&self) -> usize {
        self.shared.bytes.len()
    }

    /// The module for the engine whose memories can be hashed, compiled when first asked for.
    pub(crate) fn for_replays(&self, engine: &Engine) -> Result<&Handler, String> {
        if let Some(ready) = self.shared.for_replays.get() {
            return Ok(ready);
        }
        let runtime = engine.replay_runtime()?;
        let _one_at_a_time = engine
            .shared
            .compiling
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let made = runtime
            .prepare(&self.shared.hash, &self.shared.bytes)
            .map_err(|error| error.to_string())?;
        Ok(self.shared.for_replays.get_or_init(|| made))
    }
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Module")
            .field("hash", &self.shared.hash)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Checks a module, compiles it (once: the second time it is held ready, or its code is on disk) and links it.
    /// Takes from 0.1 ms to seconds, so call it where blocking is allowed.
    pub fn load(&self, bytes: &[u8]) -> Result<Module, LoadError> {
        let max = self.shared.config.module_bytes_max;
        if bytes.len() > max {
            return Err(LoadError::TooLarge {
                bytes: bytes.len(),
                max,
            });
        }
        match preamble(bytes) {
            Preamble::Component => (),
            Preamble::Core => return Err(LoadError::NotComponent),
            Preamble::Other => return Err(LoadError::NotWasm),
        }
        let hash = blake3::hash(bytes).to_hex().to_string();
        if let Some(module) = self.cached(&hash) {
            return Ok(module);
        }
        let _one_at_a_time = self
            .shared
            .compiling
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have compiled it while we waited.
        if let Some(module) = self.cached(&hash) {
            return Ok(module);
        }
        let handler = self.shared.calls.prepare(&hash, bytes)?;
        Ok(self.hold(hash, bytes, handler))
    }

    /// As [`Self::load`], for a module whose compiled code is there already; none: it must be compiled first.
    /// Takes milliseconds at most.
    pub fn load_compiled(&self, bytes: &[u8]) -> Result<Option<Module>, LoadError> {
        let hash = blake3::hash(bytes).to_hex().to_string();
        if let Some(module) = self.cached(&hash) {
            return Ok(Some(module));
        }
        match self.shared.calls.prepare_compiled(&hash)? {
            Some(handler) => Ok(Some(self.hold(hash, bytes, handler))),
            None => Ok(None),
        }
    }

    /// Makes a module and holds it ready.
    fn hold(&self, hash: String, bytes: &[u8], handler: Handler) -> Module {
        let shared = Shared {
            hash,
            bytes: bytes.into(),
            handler,
            for_replays: OnceLock::new(),
        };
        let module = Module {
            shared: Arc::new(shared),
        };
        self.shared
            .modules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .keep(&module);
        module
    }
}

/// What the first bytes of a file say that it is.
pub(crate) enum Preamble {
    Component,
    Core,
    Other,
}

pub(crate) fn preamble(bytes: &[u8]) -> Preamble {
    // The magic number, a version, and in the upper half of the second word 1 for components.
    match bytes.first_chunk::<8>() {
        Some([0, b'a', b's', b'm', _, _, 1, 0]) => Preamble::Component,
        Some([0, b'a', b's', b'm', ..]) => Preamble::Core,
        Some(_) | None => Preamble::Other,
    }
}

/// Refuses imports that are not ours and a missing handler, each by name; tells the world.
pub(crate) fn check_interface(engine: &wasmtime::Engine, component: &Component) -> Result<World, LoadError> {
    let found = component.component_type();
    let refused: Vec<String> = found
        .imports(engine)
        .map(|(name, _)| name.to_owned())
        .filter(|name| !INTERFACES.contains(&name.as_str()))
        .collect();
    if !refused.is_empty() {
        return Err(LoadError::ImportsRefused(refused));
    }
    let exports: Vec<String> = found.exports(engine).map(|(name, _)| name.to_owned()).collect();
    World::of_exports(exports.iter().map(String::as_str)).ok_or(LoadError::NoHandler(exports))
}

/// The modules held ready; the one that was used longest ago goes first.
pub(crate) struct ModuleTable {
    max: usize,
    uses: u64,
    modules: HashMap<String, (u64, Module)>,
}

impl ModuleTable {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            max: max.max(1),
            uses: 0,
            modules: HashMap::new(),
        }
    }

    pub(crate) fn find(&mut self, hash: &str) -> Option<Module> {
        let (used, module) = self.modules.get_mut(hash)?;
        self.uses += 1;
        *used = self.uses;
        Some(module.clone())
    }

    fn keep(&mut self, module: &Module) {
        if self.modules.len() >= self.max
            && let Some(oldest) = self
                .modules
                .iter()
                .min_by_key(|(_, (used, _))| *used)
                .map(|(hash, _)| hash.clone())
        {
            self.modules.remove(&oldest);
        }
        self.uses += 1;
        self.modules
            .insert(module.hash().to_owned(), (self.uses, module.clone()));
    }
}
