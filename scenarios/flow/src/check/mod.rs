//! Reads a flow and names everything that is wrong with it at once.
//!
//! [`Flow::parse`] is for a call: it finds what hinders. [`check`] is for people who draw: it warns too, and compares with
//! what the domain has. `read` reads, node by node where something is malformed; `settings` checks each node, `graph` the
//! ways between them.

mod graph;
mod read;
mod report;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Action, Flow, GIVEN, Node, NodeId, VERSION};
use crate::problem::{Problem, What};
use read::Read;
use report::{Path, Report};

pub(crate) use settings::SECRET;

/// The most nodes in a flow.
pub const NODES: usize = 1_000;

/// The most flows in a document beside its own.
pub const FLOWS: usize = 100;

/// The most problems that are told.
pub const PROBLEMS: usize = 200;

/// What the domain has; nothing is said of what is not known.
#[derive(Clone, Copy, Default)]
pub struct Known<'a> {
    /// The flow's own name in the domain.
    pub name: Option<&'a str>,
    /// The names of its WAV files, with or without `.wav`.
    pub prompts: Option<&'a BTreeSet<String>>,
    /// The names of its users.
    pub users: Option<&'a BTreeSet<String>>,
    /// Whether a number of it leads somewhere. A user's name need not.
    pub numbers: Option<&'a dyn Fn(&str) -> bool>,
    /// The names of its opening hours.
    pub schedules: Option<&'a BTreeSet<String>>,
    /// The names of its flows. Those of the document itself are known anyway; what the others set is not looked at.
    pub flows: Option<&'a BTreeSet<String>>,
}

impl std::fmt::Debug for Known<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Known")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Everything that is wrong with a flow, and what looks wrong: at most [`PROBLEMS`], in the order of the nodes.
/// Where none is an error, the flow can be run, provided that the document has the flows that it runs.
pub fn check(document: &str, known: &Known<'_>) -> Vec<Problem> {
    let Read {
        flow,
        problems,
        is_whole,
    } = read::read(document);
    let mut report = Report::new(problems, true, is_whole);
    if let Some(flow) = &flow {
        look(flow, known, &mut report);
    }
    report.end()
}

impl Flow {
    /// Reads a flow from JSON and checks it. The problems, all of them errors, come in the order of the nodes.
    pub fn parse(document: &str) -> Result<Self, Vec<Problem>> {
        let Read {
            flow,
            problems,
            is_whole,
        } = read::read(document);
        let nothing = Known::default();
        let mut report = Report::new(problems, false, is_whole);
        if let Some(flow) = &flow {
            look(flow, &nothing, &mut report);
        }
        let problems = report.end();
        match flow {
            Some(flow) if problems.is_empty() => Ok(flow),
            _ => Err(problems),
        }
    }

    /// Every error; empty: the flow can be run.
    pub fn problems(&self) -> Vec<Problem> {
        let nothing = Known::default();
        let mut report = Report::new(Vec::new(), false, true);
        look(self, &nothing, &mut report);
        report.end()
    }
}

/// A flow of the document: its own, or one beside it.
#[derive(Clone, Copy)]
struct Part<'a> {
    name: Option<&'a str>,
    start: &'a NodeId,
    nodes: &'a [Node],
}

impl<'a> Part<'a> {
    fn all(flow: &'a Flow) -> impl Iterator<Item = Self> {
        let own = Self {
            name: None,
            start: &flow.start,
            nodes: &flow.nodes,
        };
        let others = flow.flows.iter().map(|(name, part)| Self {
            name: Some(name),
            start: &part.start,
            nodes: &part.nodes,
        });
        std::iter::once(own).chain(others)
    }
}

/// What holds for the whole document.
struct Whole<'a> {
    known: &'a Known<'a>,
    /// Every variable that there may be.
    variables: BTreeSet<&'a str>,
    /// Whether flows that are not in the document may set others.
    is_open: bool,
    /// Which flow of the document runs which.
    runs: BTreeMap<Option<&'a str>, BTreeSet<&'a str>>,
}

impl<'a> Whole<'a> {
    fn new(flow: &'a Flow, known: &'a Known<'a>) -> Self {
        let mut whole = Self {
            known,
            variables: GIVEN.into(),
            is_open: false,
            runs: BTreeMap::new(),
        };
        for part in Part::all(flow) {
            whole.runs.entry(part.name).or_default();
            for node in part.nodes {
                match &node.action {
                    Action::Collect(collect) => _ = whole.variables.insert(&collect.into),
                    Action::Set(set) => _ = whole.variables.insert(&set.variable),
                    Action::Http(http) => whole.variables.extend(http.into.keys().map(String::as_str)),
                    Action::Flow(run) => {
                        whole.is_open |= !flow.flows.contains_key(&run.name);
                        whole.runs.entry(part.name).or_default().insert(&run.name);
                    }
                    _ => (),
                }
            }
        }
        whole
    }

    fn has_flow(&self, name: &str) -> bool {
        self.runs.contains_key(&Some(name)) || self.known.flows.is_some_and(|flows| flows.contains(name))
    }

    /// Whether the flow `name` comes back to `part`.
    fn comes_back(&self, name: &str, part: Option<&str>) -> bool {
        let part = part.or(self.known.name);
        let mut seen = BTreeSet::new();
        let mut next = vec![name];
        while let Some(name) = next.pop() {
            if Some(name) == part {
                return true;
            }
            if seen.insert(name) {
                next.extend(self.runs.get(&Some(name)).into_iter().flatten());
            }
        }
        false
    }
}

fn look<'a>(flow: &'a Flow, known: &'a Known<'a>, report: &mut Report<'a>) {
    let whole = Whole::new(flow, known);
    let root = Path::root();
    if flow.version != VERSION {
        report.error(&root.key("version"), What::Version(u64::from(flow.version)));
    }
    report.count(&root.key("flows"), flow.flows.len(), 0, FLOWS, "flows");
    for part in Part::all(flow) {
        report.flow = part.name;
        report.node = None;
        let flows = root.unshown("flows");
        let own = part.name.map(|name| flows.unshown(name));
        look_at(part, own.as_ref().unwrap_or(&root), &whole, report);
    }
}

fn look_at<'a>(part: Part<'a>, root: &Path<'_>, whole: &Whole<'a>, report: &mut Report<'a>) {
    let ids: BTreeMap<&str, usize> = part
        .nodes
        .iter()
        .enumerate()
        .map(|(index, node)| (node.id.as_str(), index))
        .collect();
    if let Some(name) = part.name {
        report.count(root, name.len(), 1, 64, "bytes of its name");
    }
    report.count(&root.key("nodes"), part.nodes.len(), 1, NODES, "nodes");
    if part.start.is_empty() {
        report.error(&root.key("start"), What::NoStart);
    } else if !ids.contains_key(part.start.as_str()) {
        report.error(&root.key("start"), What::UnknownNode(part.start.clone()));
    }
    let graph = report.warns.then(|| graph::Graph::new(part, &ids));
    let nodes = root.unshown("nodes");
    // Where all ids differ, there is no second of any.
    let are_twins = ids.len() < part.nodes.len();
    let mut seen = BTreeSet::new();
    for (index, node) in part.nodes.iter().enumerate() {
        report.node = Some(&node.id);
        let own = nodes.unshown_index(index);
        report.count(&own.key("id"), node.id.len(), 1, 64, "bytes");
        report.count(&own.key("name"), node.name.len(), 1, 256, "bytes");
        if are_twins && !seen.insert(node.id.as_str()) {
            report.error(&own.key("id"), What::DuplicateId);
        }
        if let Some(graph) = &graph {
            graph.tell(index, &own, report);
        }
        let action = own.unshown("do");
        let action = action.key(node.action.kind());
        look_at_ways(node, &action, &ids, report);
        settings::look(&node.action, part.name, &action, whole, report);
    }
}

fn look_at_ways<'a>(node: &'a Node, action: &Path<'_>, ids: &BTreeMap<&str, usize>, report: &mut Report<'a>) {
    node.action.ways(&mut |way| {
        let what = if way.target.is_empty() {
            What::LeadsNowhere
        } else if ids.contains_key(way.target.as_str()) {
            return;
        } else {
            What::UnknownNode(way.target.clone())
        };
        let outer = action.key(way.key);
        match way.inner {
            Some(inner) => report.error(&outer.key(inner), what),
            None => report.error(&outer, what),
        }
    });
}
