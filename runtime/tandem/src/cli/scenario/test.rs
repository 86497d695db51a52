//! `tandem scenario test`

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::json;
use tandem_host_api::{Engine, Module};
use tandem_simulator::{Played, Script, script, snapshot};

use super::{Context, Failure, engine, language};
use crate::output;

/// How many folders above a script its project is looked for.
const ABOVE_MAX: usize = 4;

/// Play a project's test scripts in virtual time.
#[derive(Debug, Args)]
pub struct Test {
    /// Projects, whose tests/*.toml are played, or single scripts
    #[arg(default_value = ".", value_name = "DIR|SCRIPT")]
    paths: Vec<PathBuf>,
    /// Write the traces to the snapshots beside the scripts instead of comparing them
    #[arg(long)]
    update: bool,
    /// Show what happens in each call
    #[arg(long)]
    trace: bool,
}

/// A script that was played.
struct Report {
    script: PathBuf,
    component: PathBuf,
    cases: Vec<(String, Played)>,
    snapshot: Snapshot,
}

/// How the traces compare to the file beside the script.
enum Snapshot {
    /// There is no such file.
    None,
    Same,
    Written(PathBuf),
    Differs(Vec<String>),
}

impl Test {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut scripts = Vec::new();
        for path in &self.paths {
            scripts.extend(scripts_of(path)?);
        }
        // All are read before the first is played: a mistake is better told at once.
        let loaded: Vec<(PathBuf, Script)> = scripts
            .into_iter()
            .map(|path| match script::load(&path) {
                Ok(script) => Ok((path, script)),
                Err(error) => Err(Failure::Usage(error.to_string())),
            })
            .collect::<Result<_, _>>()?;
        let mut scenarios = Scenarios::new()?;
        let mut reports = Vec::new();
        for (path, script) in loaded {
            reports.push(self.play(path, script, &mut scenarios)?);
        }
        if context.json {
            let shown: Vec<_> = reports.iter().map(Report::json).collect();
            output::say(true, &shown, "")?;
        } else {
            let text: String = reports.iter().map(|report| report.text(self.trace)).collect();
            output::write(&text)?;
        }
        verdict(context, &reports)
    }

    fn play(&self, path: PathBuf, script: Script, scenarios: &mut Scenarios) -> Result<Report, Failure> {
        let component = component_of(&path, &script)?;
        let module = scenarios.load(&component)?;
        let mut cases = Vec::new();
        for case in script.cases {
            let case = Arc::new(case);
            let played = tandem_simulator::play(&scenarios.engine, &module, &case);
            cases.push((case.name.clone(), played));
        }
        let file = path.with_extension("trace");
        let now = snapshot::text(cases.iter().map(|(name, played)| (name.as_str(), played)));
        let told = |error: std::io::Error| Failure::Failed(format!("{}: {error}", file.display()));
        let snapshot = if self.update {
            std::fs::write(&file, now).map_err(told)?;
            Snapshot::Written(file)
        } else if file.is_file() {
            let before = std::fs::read_to_string(&file).map_err(told)?;
            snapshot::difference(&before, &now).map_or(Snapshot::Same, Snapshot::Differs)
        } else {
            Snapshot::None
        };
        Ok(Report {
            script: path,
            component,
            cases,
            snapshot,
        })
    }
}

/// The scripts that an argument stands for.
fn scripts_of(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let folder = path.join("tests");
    let entries = folder
        .read_dir()
        .map_err(|_| Failure::NotFound(format!("{} has no folder tests with scripts", path.display())))?;
    let mut scripts: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "toml"))
        .collect();
    scripts.sort();
    if scripts.is_empty() {
        return Err(Failure::NotFound(format!(
            "there is no script (*.toml) in {}",
            folder.display()
        )));
    }
    Ok(scripts)
}

/// The component that a script tests: the one that it names, else the only one in its project's `dist`.
fn component_of(script: &Path, read: &Script) -> Result<PathBuf, Failure> {
    let folder = script.parent().unwrap_or(Path::new("."));
    if let Some(named) = &read.scenario {
        return Ok(folder.join(named));
    }
    let whole = std::path::absolute(script)?;
    let project = whole
        .ancestors()
        .skip(1)
        .take(ABOVE_MAX)
        .find(|folder| language::of_project(folder).is_some());
    let Some(project) = project else {
        return Err(Failure::Usage(format!(
            "{}: say which component it tests: scenario = \"…\"; it lies in no project",
            script.display()
        )));
    };
    let dist = project.join("dist");
    let entries = dist.read_dir().into_iter().flatten().flatten();
    let mut components: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "wasm"))
        .collect();
    match (components.pop(), components.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) => Err(Failure::NotFound(format!(
            "there is no component in {}: run `tandem scenario build {}` first",
            dist.display(),
            project.display()
        ))),
        (Some(_), false) => Err(Failure::Usage(format!(
            "{}: say which component it tests: scenario = \"…\"; there are several in {}",
            script.display(),
            dist.display()
        ))),
    }
}

/// Components that were loaded, by their files.
struct Scenarios {
    engine: Engine,
    modules: BTreeMap<PathBuf, Module>,
}

impl Scenarios {
    fn new() -> Result<Self, Failure> {
        Ok(Self {
            engine: engine()?,
            modules: BTreeMap::new(),
        })
    }

    fn load(&mut self, file: &Path) -> Result<Module, Failure> {
        if let Some(module) = self.modules.get(file) {
            return Ok(module.clone());
        }
        let told = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let bytes = std::fs::read(file).map_err(|error| Failure::NotFound(told(&error)))?;
        let module = self
            .engine
            .load(&bytes)
            .map_err(|error| Failure::Failed(told(&error)))?;
        self.modules.insert(file.to_owned(), module.clone());
        Ok(module)
    }
}

impl Report {
    fn text(&self, trace: bool) -> String {
        let mut text = format!("{}\n", self.script.display());
        let width = self
            .cases
            .iter()
            .map(|(name, _)| name.chars().count())
            .max()
            .unwrap_or(0);
        for (name, played) in &self.cases {
            let verdict = if played.failures.is_empty() {
                "ok  "
            } else {
                "FAIL"
            };
            let (seconds, calls) = (played.lasted.as_secs_f64(), played.host_calls);
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "  {verdict}  {name:<width$}  {seconds:>8.3} s  {calls:>4} host calls"
            );
            for failure in &played.failures {
                let _ = writeln!(text, "        {}", plain(failure));
            }
            // Of a call that went wrong one wants to see how.
            if trace || !played.failures.is_empty() {
                for line in &played.trace {
                    let _ = writeln!(text, "          {line}");
                }
            }
        }
        match &self.snapshot {
            Snapshot::None | Snapshot::Same => (),
            Snapshot::Written(file) => {
                let _ = writeln!(text, "  written: {}", file.display());
            }
            Snapshot::Differs(lines) => {
                text.push_str(
                    "  FAIL  the traces differ from the snapshot (--update takes them as they are)\n",
                );
                for line in lines {
                    let _ = writeln!(text, "        {}", plain(line));
                }
            }
        }
        text
    }

    fn json(&self) -> serde_json::Value {
        let cases: Vec<_> = self
            .cases
            .iter()
            .map(|(name, played)| {
                json!({
                    "name": name,
                    "passed": played.failures.is_empty(),
                    "failures": played.failures,
                    "lasted_ms": played.lasted.as_millis() as u64,
                    "host_calls": played.host_calls,
                    "trace": played.trace,
                })
            })
            .collect();
        let (snapshot, difference) = match &self.snapshot {
            Snapshot::None => ("none", None),
            Snapshot::Same => ("same", None),
            Snapshot::Written(_) => ("written", None),
            Snapshot::Differs(lines) => ("differs", Some(lines)),
        };
        json!({
            "script": self.script,
            "component": self.component,
            "cases": cases,
            "snapshot": snapshot,
            "difference": difference,
        })
    }
}

/// What scenarios say must not move the terminal's cursor.
fn plain(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// The last line, and whether all went well.
fn verdict(context: &Context, reports: &[Report]) -> Result<(), Failure> {
    let cases = || reports.iter().flat_map(|report| &report.cases);
    let failed = cases().filter(|(_, played)| !played.failures.is_empty()).count();
    let differ = reports
        .iter()
        .filter(|report| matches!(report.snapshot, Snapshot::Differs(_)))
        .count();
    let all = cases().count();
    match (failed, differ) {
        (0, 0) if context.json => Ok(()),
        (0, 0) => Ok(output::write(&format!("{all} of {all} cases passed\n"))?),
        (0, _) => Err(Failure::Failed(format!(
            "{all} cases passed, but {differ} snapshots differ"
        ))),
        (_, 0) => Err(Failure::Failed(format!("{failed} of {all} cases failed"))),
        (_, _) => Err(Failure::Failed(format!(
            "{failed} of {all} cases failed, and {differ} snapshots differ"
        ))),
    }
}
