//! Everything that keeps a file from being a scenario, found in one go and said at once.
//!
//! A file's way: its size and first bytes → `survey` (names and sizes, read without compiling) → compiled and linked,
//! with traps in place of what does not exist (`stand_ins`) → started once under the limits of a call. Each step adds
//! to the list; only what makes the next step senseless ends it. The handler is never called.
//!
//! Compiling takes time and memory that the file decides on: a server does this in a process of its own.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use wasmtime::component::{Component, InstancePre};

use crate::door::{Answers, Door, Reply, Switch};
use crate::earlier;
use crate::engine::{Engine, Runtime};
use crate::grants::{Grants, LiveGrants, short};
use crate::journal::{Journal, JournalHeader, Past, monotonic_clock};
use crate::limits::Limits;
use crate::meter::{Meter, poll_metered};
use crate::modules::{self, INTERFACES, LoadError, Preamble, handlers};
use crate::op::{Op, OpIndex, Outcome};
use crate::quota::{DomainLimits, DomainQuota};
use crate::run::{self, End};
use crate::sections;
use crate::survey::{self, Survey};
use crate::world::{Handler, World};

/// Problems of one file that are told one by one.
const PROBLEMS_MAX: usize = 64;
/// Longest text of one problem in characters: it may repeat what the file says.
const DETAIL_CHARS_MAX: usize = 1_000;
/// Least time in which a module may start: its process stands back behind calls, and others use the machine.
const START_CPU_MIN: Duration = Duration::from_millis(200);
/// Longest name of a file's own that is repeated, in bytes; nearest names are sought for no longer one.
const NAME_BYTES_MAX: usize = 120;

/// What is asked of a file besides being a scenario.
#[derive(Debug, Clone)]
pub struct Rules {
    /// What it may import.
    pub grants: Grants,
    /// What a call's scenario may use: an instance must fit, and be there within half of the CPU time, or 200 ms.
    pub limits: Limits,
    /// Whether one instance is made.
    pub start: bool,
}

impl Default for Rules {
    /// Everything is granted, limits are the usual ones, it is started.
    fn default() -> Self {
        Self {
            grants: Grants::all(),
            limits: Limits::default(),
            start: true,
        }
    }
}

/// What is wrong. The words of programs: their spelling does not change between releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// Larger than a module may be.
    TooLarge,
    /// Not WASM at all.
    NotWasm,
    /// A core module: the component step of the build is missing.
    NotComponent,
    /// Cut, damaged, or made with features that are off here.
    Malformed,
    /// Imports what does not exist.
    UnknownImport,
    /// Imports WASI, of which scenarios have none.
    WasiImport,
    /// Imports what the domain's scenarios are not given.
    ImportNotGranted,
    /// Exports nothing that a scenario exports.
    NoHandler,
    /// Exports the handler of a world that this server does not have.
    UnknownWorld,
    /// Imports or exports an interface in another shape than ours.
    WrongShape,
    /// Consists of too many core instances.
    TooManyInstances,
    /// Has too many linear memories.
    TooManyMemories,
    /// Has too many tables.
    TooManyTables,
    /// Takes more memory than a call's scenario may, before it has done anything.
    MemoryAtStart,
    /// The same of table elements.
    TablesAtStart,
    /// Computes for too long before it can be called.
    StartTooLong,
    /// Traps before it can be called.
    StartTraps,
    /// The compiler ran out of what it may use.
    CompileLimit,
    /// Brings settings that are no JSON, too long, or there twice.
    BadSettings,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// For programs.
    pub code: Code,
    /// For people: what was found, and where it helps, what to do. At most 1,000 characters; what is cut ends with `…`.
    pub detail: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

/// What there is to say about a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// BLAKE3 of its bytes, in hexadecimal.
    pub hash: String,
    /// Its size.
    pub size_bytes: u64,
    /// The world that it was found to be for; none: of none that we know.
    pub world: Option<String>,
    /// The interfaces that it imports, by their names without package and version, but for `types`.
    #[serde(default)]
    pub imports: Vec<String>,
    /// The settings that it brings, as JSON text; none: it brings none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<String>,
    /// Whether its compiled code is in the cache now.
    pub compiled: bool,
    /// What is wrong with it, in the order of its finding; at most 64. Nothing: it can run here.
    pub problems: Vec<Problem>,
    /// How many more problems there are than are told.
    pub problems_untold: u64,
}

impl Verdict {
    /// Of bytes that nobody has looked at yet.
    pub fn new(bytes: &[u8]) -> Self {
        Self {
            hash: blake3::hash(bytes).to_hex().to_string(),
            size_bytes: bytes.len() as u64,
            world: None,
            imports: Vec::new(),
            settings: None,
            compiled: false,
            problems: Vec::new(),
            problems_untold: 0,
        }
    }

    /// Adds a problem, or counts it where there are enough.
    pub fn add(&mut self, code: Code, detail: impl Into<String>) {
        if self.problems.len() < PROBLEMS_MAX {
            let mut detail = detail.into();
            if let Some((cut, _)) = detail.char_indices().nth(DETAIL_CHARS_MAX) {
                detail.truncate(cut);
                detail.push('…');
            }
            self.problems.push(Problem { code, detail });
        } else {
            self.problems_untold += 1;
        }
    }

    /// Adds a problem of a kind that is not among them yet: what the survey has counted need not be said again.
    fn add_new(&mut self, code: Code, detail: impl Into<String>) {
        if !self.problems.iter().any(|problem| problem.code == code) {
            self.add(code, detail);
        }
    }

    /// Whether it can run here.
    pub fn is_good(&self) -> bool {
        self.problems.is_empty()
    }
}

impl Engine {
    /// Looks at a file in every way; a good one's compiled code is then in the cache. Takes up to seconds and hundreds
    /// of megabytes, which the file decides on.
    pub async fn validate(&self, bytes: &[u8], rules: &Rules) -> Verdict {
        let mut verdict = Verdict::new(bytes);
        let max = self.shared.config.module_bytes_max;
        if bytes.len() > max {
            verdict.add(
                Code::TooLarge,
                format!("it has {} bytes, at most {max} are allowed", bytes.len()),
            );
            return verdict;
        }
        match modules::preamble(bytes) {
            Preamble::Component => (),
            Preamble::Core => {
                verdict.add(Code::NotComponent, LoadError::NotComponent.to_string());
                return verdict;
            }
            Preamble::Other => {
                verdict.add(Code::NotWasm, not_wasm(bytes));
                return verdict;
            }
        }
        let (renamed, earlier) = earlier::current(bytes);
        let survey = survey::survey(&renamed);
        judge(&mut verdict, &survey, rules);
        match sections::settings(bytes) {
            Ok(settings) => verdict.settings = settings,
            Err(detail) => verdict.add(Code::BadSettings, detail),
        }
        if let (Some(world), Some(version)) = (&mut verdict.world, earlier) {
            *world = world.replace(earlier::CURRENT, version);
        }
        if verdict
            .problems
            .iter()
            .any(|problem| problem.code == Code::Malformed)
        {
            return verdict; // it cannot be compiled
        }
        self.try_out(&mut verdict, bytes, rules).await;
        verdict
    }

    /// Compiles, links and starts it.
    async fn try_out(&self, verdict: &mut Verdict, bytes: &[u8], rules: &Rules) {
        let runtime = &self.shared.calls;
        let component = match runtime.compile(&verdict.hash, bytes) {
            Ok(component) => component,
            Err(error) => {
                let error = error.to_string();
                return verdict.add_new(code_of_limit(&error).unwrap_or(Code::Malformed), error);
            }
        };
        let linked = match runtime.link_imports(&component) {
            Ok(start) => Some(start),
            Err(_) => link_leniently(runtime, &component, verdict),
        };
        let Some(start) = linked else {
            return; // what does not fit is said; more can be known once it does
        };
        if let Some(world) = verdict.world.as_deref().and_then(World::named)
            && let Err(error) = Handler::new(world, start.clone())
        {
            verdict.add(Code::WrongShape, error.to_string());
        }
        if rules.start
            && let Some((code, detail)) = start_once(&start, &rules.limits).await
        {
            verdict.add_new(code, detail);
        }
        if verdict.is_good() {
            verdict.compiled = runtime.keep(&verdict.hash, &component);
        }
    }
}

/// Tells which imports do not fit. Where all do that exist, links the component with traps in the place of the others,
/// which were told.
fn link_leniently(
    runtime: &Runtime,
    component: &Component,
    verdict: &mut Verdict,
) -> Option<InstancePre<Door>> {
    let misfits = runtime.misfits(component);
    for misfit in &misfits {
        verdict.add(Code::WrongShape, misfit.to_string());
    }
    if !misfits.is_empty() {
        return None;
    }
    match runtime.link_leniently(component) {
        Ok(start) => Some(start),
        Err(error) => {
            if verdict.is_good() {
                verdict.add(Code::WrongShape, error.to_string());
            }
            None
        }
    }
}

/// The interfaces that a component imports, by their names without package and version, but for `types`. It is read and
/// not checked: of what is no component nothing is said.
pub fn imports(bytes: &[u8]) -> Vec<String> {
    let (renamed, _) = earlier::current(bytes);
    granted_imports(&survey::imports(&renamed))
}

/// Those of a file's imports that need a grant.
fn granted_imports(names: &[String]) -> Vec<String> {
    let ours = names.iter().filter(|name| INTERFACES.contains(&name.as_str()));
    let named = ours.map(|name| short(name)).filter(|name| *name != "types");
    named.map(str::to_owned).collect()
}

/// What the names and sizes in a file say.
fn judge(verdict: &mut Verdict, survey: &Survey, rules: &Rules) {
    verdict.imports = granted_imports(&survey.imports.first);
    for name in &survey.imports.first {
        if let Some((code, detail)) = judge_import(name, &rules.grants) {
            verdict.add(code, detail);
        }
    }
    if survey.imports.more > 0 {
        let detail = format!("it has {} further imports", survey.imports.more);
        verdict.add(Code::UnknownImport, detail);
    }
    judge_exports(verdict, survey);
    let limits = &rules.limits;
    let mut at_most = |code, has: u64, max: u64, what: &str| {
        if has > max {
            verdict.add(code, format!("it has {has} {what}, at most {max} are allowed"));
        }
    };
    at_most(
        Code::TooManyInstances,
        survey.core_instances,
        limits.core_instances.into(),
        "core instances",
    );
    let sizes = &survey.sizes;
    at_most(
        Code::TooManyMemories,
        sizes.memories,
        limits.memories.into(),
        "linear memories",
    );
    at_most(Code::TooManyTables, sizes.tables, limits.tables.into(), "tables");
    at_most(
        Code::MemoryAtStart,
        sizes.memory_bytes,
        limits.memory_bytes,
        "bytes of memory at its start",
    );
    at_most(
        Code::TablesAtStart,
        sizes.table_elements,
        limits.table_elements,
        "table elements at its start",
    );
    if let Some(broken) = &survey.broken {
        verdict.add(Code::Malformed, format!("the component is not valid: {broken}"));
    }
}

fn judge_import(name: &str, grants: &Grants) -> Option<(Code, String)> {
    let is = shown(name);
    if INTERFACES.contains(&name) {
        return (!grants.allow(name)).then(|| {
            let detail = format!("it imports `{is}`, which this domain's scenarios are not given");
            (Code::ImportNotGranted, detail)
        });
    }
    if name.starts_with("wasi:") {
        let detail = format!(
            "it imports `{is}`: scenarios have no WASI; build it without (componentize-js: disableFeatures, \
             componentize-py: --stub-wasi)"
        );
        return Some((Code::WasiImport, detail));
    }
    let other = INTERFACES
        .iter()
        .find(|known| name.starts_with("tandem:") && short(known) == short(name));
    let near = match other {
        Some(known) => format!("in this version; there is `{known}`"),
        None => format!("here{}", nearest(name, INTERFACES.iter().copied())),
    };
    Some((
        Code::UnknownImport,
        format!("it imports `{is}`, which does not exist {near}"),
    ))
}

fn judge_exports(verdict: &mut Verdict, survey: &Survey) {
    let exports = &survey.exports.first;
    if let Some(world) = World::of_exports(exports.iter().map(String::as_str)) {
        verdict.world = Some(world.name().to_owned());
        return;
    }
    if survey.broken.is_some() && exports.is_empty() {
        return; // they come last in a file, and this one is cut before them
    }
    if let Some(ours) = exports.iter().find(|name| name.starts_with("tandem:")) {
        let detail = format!(
            "it exports `{}`, which is of no world of this server; a scenario exports {}",
            shown(ours),
            handlers()
        );
        return verdict.add(Code::UnknownWorld, detail);
    }
    const NAMED: usize = 8;
    let named: Vec<String> = exports
        .iter()
        .take(NAMED)
        .map(|name| format!("`{}`", shown(name)))
        .collect();
    let more = exports.len().saturating_sub(NAMED) as u64 + survey.exports.more;
    let exported = match (named.is_empty(), more) {
        (true, _) => "nothing".to_owned(),
        (false, 0) => named.join(", "),
        (false, more) => format!("{} and {more} more", named.join(", ")),
    };
    let detail = format!("it does not export {}; it exports {exported}", handlers());
    verdict.add(Code::NoHandler, detail);
}

/// A name of a file's own, cut and without what moves a terminal's cursor.
pub(crate) fn shown(name: &str) -> String {
    let mut shown: String = name.escape_debug().take(NAME_BYTES_MAX).collect();
    if name.len() > NAME_BYTES_MAX {
        shown.push('…');
    }
    shown
}

/// `; did you mean …?`, where something is near enough.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    if name.len() > NAME_BYTES_MAX {
        return String::new();
    }
    let near = known
        .map(|known| (strsim::damerau_levenshtein(name, known), known))
        .min()
        .filter(|(distance, known)| *distance * 3 <= known.len());
    near.map_or_else(String::new, |(_, known)| format!("; did you mean `{known}`?"))
}

/// What its first bytes tell that it is instead.
fn not_wasm(bytes: &[u8]) -> String {
    let is = match bytes {
        [] => "the file is empty",
        [b'P', b'K', 3, 4, ..] => "this is a ZIP archive: unpack it",
        [0x1f, 0x8b, ..] => "this is gzip: unpack it",
        [0x7f, b'E', b'L', b'F', ..] => "this is a program for Linux: build it for wasm32",
        [b'(', ..] | [b';', b';', ..] => "this is WAT text: make it binary",
        _ => "this is no WASM component",
    };
    format!("{is} (it does not begin with \\0asm)")
}

/// wasmtime tells by words alone that a component does not fit its pool or a call's limits; tests hold them.
fn code_of_limit(message: &str) -> Option<Code> {
    const WORDS: [(&str, Code); 12] = [
        ("defined memories count", Code::TooManyMemories),
        ("defined tables count", Code::TooManyTables),
        ("core module instances", Code::TooManyInstances),
        ("instance count too high", Code::TooManyInstances),
        ("Wasm linear memories", Code::TooManyMemories),
        ("memory count too high", Code::TooManyMemories),
        ("tables, which exceeds", Code::TooManyTables),
        ("table count too high", Code::TooManyTables),
        ("Cannot allocate memory", Code::CompileLimit),
        ("out of memory", Code::CompileLimit),
        ("memory index", Code::MemoryAtStart),
        ("table index", Code::TablesAtStart),
    ];
    let found = WORDS.iter().find(|(words, _)| message.contains(words));
    found.map(|(_, code)| *code)
}

/// Makes one instance under the limits of a call, with half of its CPU time, or 200 ms.
async fn start_once(start: &InstancePre<Door>, limits: &Limits) -> Option<(Code, String)> {
    let limits = Limits {
        cpu: (limits.cpu / 2).max(START_CPU_MIN),
        // It asks nothing: all that it does is to compute.
        wall: Limits::default().wall,
        ..limits.clone()
    };
    let header = JournalHeader {
        call: String::new(),
        domain: String::new(),
        entry: String::new(),
        module_hash: String::new(),
        world: crate::WORLD.to_owned(),
        began_ms: 0,
    };
    let answers = Answers::Live {
        switch: Box::new(NoCall),
        domain: DomainQuota::new(DomainLimits::default(), monotonic_clock()),
        past: Past::new(Vec::new()),
        grants: LiveGrants::default(),
    };
    let door = Door::new(answers, Journal::hash_only(header, monotonic_clock()), &limits);
    let meter = Arc::new(Meter::default());
    let mut store = run::store_of(start.engine(), door, &limits, Arc::clone(&meter), None);
    let mut started = pin!(start.instantiate_async(&mut store));
    let metered = poll_fn(|cx| poll_metered(started.as_mut(), &meter, None, cx));
    let error = metered.await.err()?;
    match run::end_of(&error) {
        End::OverBudget(limit) if limit.starts_with("CPU") || limit.starts_with("wall") => {
            Some((Code::StartTooLong, format!("its start takes too long: {limit}")))
        }
        End::OverBudget(limit) if limit.starts_with("memory") => Some((Code::MemoryAtStart, limit)),
        End::OverBudget(limit) if limit.starts_with("tables") => Some((Code::TablesAtStart, limit)),
        End::OverBudget(limit) => Some((Code::StartTraps, limit)),
        // It asked for something of a call, which is not there: what comes after that is not known.
        End::CallOver => None,
        // It called what stands in for an import that does not exist: that is said already.
        End::Trapped { message, .. } if message.contains("unknown import") => None,
        End::Trapped { message, backtrace } => {
            let place = match backtrace.first() {
                Some(function) => format!(" in {function}"),
                None => String::new(),
            };
            let code = code_of_limit(&message).unwrap_or(Code::StartTraps);
            Some((code, format!("its start traps{place}: {message}")))
        }
        End::Refused(why) | End::Diverged(why) | End::Failed(why) => Some((Code::StartTraps, why)),
        End::Returned => None,
    }
}

/// Answers a start: there is time and chance, and no call.
struct NoCall;

impl Switch for NoCall {
    fn perform(&mut self, _: OpIndex, op: &Op) -> Reply {
        match op {
            Op::Log { .. } | Op::Step { .. } => Reply::Now(Outcome::Done),
            Op::NowMs => Reply::Now(Outcome::Number(1_800_000_000_000)),
            Op::Random => Reply::Now(Outcome::Number(0x9e37_79b9_7f4a_7c15)),
            _ => {
                let (sender, receiver) = oneshot::channel();
                drop(sender); // "the call is over": the start ends here
                Reply::Later(receiver)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_file_are_cut_and_escaped() {
        assert_eq!(shown("a\u{1b}[2J"), "a\\u{1b}[2J");
        assert!(shown(&"x".repeat(100_000)).len() < 130);
        assert_eq!(nearest(&"x".repeat(100_000), INTERFACES.iter().copied()), "");
    }

    #[test]
    fn problems_beyond_the_bound_are_counted() {
        let mut verdict = Verdict::new(b"");
        for _ in 0..100 {
            verdict.add(Code::UnknownImport, "x");
        }
        assert_eq!((verdict.problems.len(), verdict.problems_untold), (64, 36));
    }

    #[test]
    fn codes_are_spelt_as_programs_know_them() {
        assert_eq!(Code::ImportNotGranted.to_string(), "import-not-granted");
        assert_eq!(Code::NotWasm.to_string(), "not-wasm");
    }
}
