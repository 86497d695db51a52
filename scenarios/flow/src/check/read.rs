//! From JSON to a flow.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::report::Path;
use crate::model::{Flow, Node, SubFlow, VERSION};
use crate::problem::{Problem, Severity, What};

/// What was read.
pub(super) struct Read {
    /// The flow, without the nodes that cannot be read.
    pub flow: Option<Flow>,
    /// What cannot be read.
    pub problems: Vec<Problem>,
    /// Whether all of it was.
    pub is_whole: bool,
}

/// A flow whose nodes are not read yet, so that each can be refused by itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outer<'a> {
    version: u32,
    name: String,
    #[serde(default)]
    language: String,
    start: String,
    #[serde(borrow)]
    nodes: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    flows: BTreeMap<String, OuterSub<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OuterSub<'a> {
    #[serde(default)]
    language: String,
    start: String,
    #[serde(borrow)]
    nodes: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct OnlyVersion {
    version: u64,
}

#[derive(Deserialize)]
struct OnlyId {
    id: String,
}

/// Reads a document. One that is sound is read once, as a call waits for it; only where something is wrong, it is read
/// again, node by node.
pub(super) fn read(document: &str) -> Read {
    match serde_json::from_str::<Flow>(document) {
        Ok(flow) if flow.version == VERSION => Read {
            flow: Some(flow),
            problems: Vec::new(),
            is_whole: true,
        },
        _ => by_node(document),
    }
}

fn by_node(document: &str) -> Read {
    // The version first: a later format's other keys should not be what is complained about.
    if let Ok(OnlyVersion { version }) = serde_json::from_str(document)
        && version != u64::from(VERSION)
    {
        return refused(What::Version(version));
    }
    let outer: Outer<'_> = match serde_json::from_str(document) {
        Ok(outer) => outer,
        Err(error) => return refused(What::Malformed(error.to_string())),
    };
    let mut problems = Vec::new();
    let root = Path::root();
    let nodes = read_nodes(&outer.nodes, None, &root, &mut problems);
    let inside = root.unshown("flows");
    let flows = outer
        .flows
        .into_iter()
        .map(|(name, sub)| {
            let nodes = read_nodes(&sub.nodes, Some(&name), &inside.unshown(&name), &mut problems);
            let flow = SubFlow {
                language: sub.language,
                start: sub.start,
                nodes,
            };
            (name, flow)
        })
        .collect();
    let flow = Flow {
        version: outer.version,
        name: outer.name,
        language: outer.language,
        start: outer.start,
        nodes,
        flows,
    };
    Read {
        is_whole: problems.is_empty(),
        flow: Some(flow),
        problems,
    }
}

fn refused(what: What) -> Read {
    Read {
        flow: None,
        problems: vec![Problem {
            flow: None,
            node: None,
            path: String::new(),
            pointer: String::new(),
            severity: Severity::Error,
            what,
        }],
        is_whole: false,
    }
}

fn read_nodes(
    nodes: &[&RawValue],
    flow: Option<&String>,
    root: &Path<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<Node> {
    let list = root.key("nodes");
    let mut read = Vec::with_capacity(nodes.len());
    for (index, raw) in nodes.iter().enumerate() {
        match serde_json::from_str::<Node>(raw.get()) {
            Ok(node) => read.push(node),
            Err(error) => {
                let at = list.index(index);
                problems.push(Problem {
                    flow: flow.cloned(),
                    node: serde_json::from_str::<OnlyId>(raw.get()).ok().map(|node| node.id),
                    path: at.words(),
                    pointer: at.pointer(),
                    severity: Severity::Error,
                    what: What::Malformed(error.to_string()),
                });
            }
        }
    }
    read
}
