//! A flow with the other flows of its domain that it runs: what is published or played is whole.
//!
//! A node `{"flow": {"name": …}}` runs a flow that stands in the document under `flows`. One that is not there is the
//! domain's flow of that name, as it was saved last.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use tandem_store::DomainScope;

use super::super::Api;
use super::super::problem::ApiError;
use super::{internal, stored};

/// Flows that one runs, by themselves or by others.
const FLOWS_MAX: usize = 100;

/// What is read of a flow here; what is wrong with the rest is told elsewhere.
#[derive(Deserialize)]
struct Read<'a> {
    #[serde(default, borrow)]
    nodes: Vec<&'a RawValue>,
    #[serde(default, borrow)]
    flows: BTreeMap<String, &'a RawValue>,
}

#[derive(Deserialize)]
struct Node {
    #[serde(rename = "do")]
    action: Action,
}

#[derive(Deserialize)]
struct Action {
    flow: RunFlow,
}

#[derive(Deserialize)]
struct RunFlow {
    name: String,
}

/// What stays of a flow that another one runs.
#[derive(Deserialize)]
struct Within {
    language: Option<Box<RawValue>>,
    start: Box<RawValue>,
    nodes: Box<RawValue>,
}

/// The flow with all that it runs. It is the same text where it runs nothing that is not in it. A flow that the domain
/// does not have is left out: the check tells.
pub(super) async fn whole(api: &Api, scope: &DomainScope, flow: String) -> Result<String, ApiError> {
    let (mut wanted, has) = runs(&flow);
    wanted.retain(|name| !has.contains(name));
    let mut seen: BTreeSet<String> = has;
    let mut added: BTreeMap<String, String> = BTreeMap::new();
    while let Some(name) = wanted.pop_first() {
        if !seen.insert(name.clone()) || added.len() >= FLOWS_MAX {
            continue;
        }
        let Some(document) = stored(api, scope, &name).await? else {
            continue;
        };
        let (others, _) = runs(document.flow.get());
        wanted.extend(others);
        if let Some(within) = within(document.flow.get()) {
            added.insert(name, within);
        }
    }
    if added.is_empty() {
        return Ok(flow);
    }
    join(&flow, added).map_err(internal)
}

/// The names of the flows that it runs, also those within it, and of those within it.
fn runs(flow: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut runs, mut has) = (BTreeSet::new(), BTreeSet::new());
    let mut parts = vec![flow];
    while let Some(part) = parts.pop() {
        let Ok(Read { nodes, flows }) = serde_json::from_str::<Read<'_>>(part) else {
            continue;
        };
        let named = nodes.iter().filter_map(|node| {
            let node: Node = serde_json::from_str(node.get()).ok()?;
            Some(node.action.flow.name)
        });
        runs.extend(named);
        for (name, within) in flows {
            // Flows within flows within are none of the format's.
            if part == flow {
                parts.push(within.get());
            }
            has.insert(name);
        }
    }
    (runs, has)
}

/// What a flow is where another one runs it.
fn within(flow: &str) -> Option<String> {
    let within: Within = serde_json::from_str(flow).ok()?;
    let mut parts = BTreeMap::from([("start", within.start), ("nodes", within.nodes)]);
    parts.extend(within.language.map(|language| ("language", language)));
    serde_json::to_string(&parts).ok()
}

/// The flow with these besides the ones that are in it.
fn join(flow: &str, added: BTreeMap<String, String>) -> serde_json::Result<String> {
    let mut parts: BTreeMap<String, Box<RawValue>> = serde_json::from_str(flow)?;
    let mut flows: BTreeMap<String, Box<RawValue>> = match parts.get("flows") {
        Some(flows) => serde_json::from_str(flows.get())?,
        None => BTreeMap::new(),
    };
    for (name, within) in added {
        flows.insert(name, RawValue::from_string(within)?);
    }
    parts.insert("flows".to_owned(), to_raw_value(&flows)?);
    serde_json::to_string(&parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOW: &str = r#"{"version": 1, "start": "a", "language": "de", "nodes": [
        {"id": "a", "do": {"flow": {"name": "survey", "next": "b"}}}, {"id": "b", "do": {"hang_up": {}}}, 7],
        "flows": {"own": {"start": "c", "nodes": [{"id": "c", "do": {"flow": {"name": "night"}}}]}}}"#;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_a_flow_runs_is_found_also_in_those_within_it() {
        assert_eq!(runs(FLOW), (set(&["survey", "night"]), set(&["own"])));
        assert_eq!(runs("7"), (set(&[]), set(&[])));
    }

    #[test]
    fn what_it_runs_stands_within_it_then() {
        let added = within(FLOW).unwrap();
        let joined = join(FLOW, [("survey".to_owned(), added)].into()).unwrap();
        let joined: serde_json::Value = serde_json::from_str(&joined).unwrap();
        assert_eq!(joined["version"], 1);
        assert_eq!(joined["flows"]["survey"]["language"], "de");
        assert_eq!(joined["flows"]["survey"]["nodes"][1]["id"], "b");
        assert_eq!(joined["flows"]["survey"].get("version"), None);
        assert_eq!(joined["flows"]["own"]["start"], "c");
    }
}
