//! Reads a flow and names everything that is wrong with it at once.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::model::{Action, Cause, Flow, Node, Prompt, VERSION, Value};
use crate::problem::{Problem, What};

/// The most nodes in a flow.
pub const NODES: usize = 1_000;

/// Variables that are there from the beginning.
pub const GIVEN: [&str; 2] = ["caller", "dialled"];

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
}

#[derive(Deserialize)]
struct OnlyVersion {
    version: u64,
}

#[derive(Deserialize)]
struct OnlyId {
    id: String,
}

impl Flow {
    /// Reads a flow from JSON and checks it. The problems come in the order of the nodes.
    pub fn parse(document: &str) -> Result<Self, Vec<Problem>> {
        let whole = |what| {
            vec![Problem {
                node: None,
                path: String::new(),
                what,
            }]
        };
        let malformed = |error: serde_json::Error| whole(What::Malformed(error.to_string()));
        // The version first: a later format's other keys should not be what is complained about.
        if let Ok(OnlyVersion { version }) = serde_json::from_str(document)
            && version != u64::from(VERSION)
        {
            return Err(whole(What::Version(version)));
        }
        let outer: Outer<'_> = serde_json::from_str(document).map_err(malformed)?;
        let mut problems = Vec::new();
        let mut nodes = Vec::with_capacity(outer.nodes.len());
        for (index, raw) in outer.nodes.iter().enumerate() {
            match serde_json::from_str::<Node>(raw.get()) {
                Ok(node) => nodes.push(node),
                Err(error) => problems.push(Problem {
                    node: serde_json::from_str::<OnlyId>(raw.get()).ok().map(|node| node.id),
                    path: format!("nodes.{index}"),
                    what: What::Malformed(error.to_string()),
                }),
            }
        }
        let whole_flow = problems.is_empty();
        let Outer {
            version,
            name,
            language,
            start,
            ..
        } = outer;
        let flow = Self {
            version,
            name,
            language,
            start,
            nodes,
        };
        // Where a node could not be read, the ways through it are unknown: what is said of the others still holds.
        problems.extend(flow.problems().into_iter().filter(|problem| {
            whole_flow
                || !matches!(
                    problem.what,
                    What::UnknownNode(_) | What::Unreachable | What::UnknownVariable(_)
                )
        }));
        if problems.is_empty() {
            Ok(flow)
        } else {
            Err(problems)
        }
    }

    /// Everything that is wrong; empty: the flow can be run.
    pub fn problems(&self) -> Vec<Problem> {
        let mut check = Check {
            node: None,
            problems: Vec::new(),
        };
        let ids: BTreeMap<&str, &Node> = self.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
        let mut variables: BTreeSet<&str> = GIVEN.into();
        variables.extend(self.nodes.iter().filter_map(|node| match &node.action {
            Action::Collect(collect) => Some(collect.into.as_str()),
            _ => None,
        }));

        if self.version != VERSION {
            check.add("version", What::Version(u64::from(self.version)));
        }
        check.count("nodes", self.nodes.len(), 1, NODES, "nodes");
        if !ids.contains_key(self.start.as_str()) {
            check.add("start", What::UnknownNode(self.start.clone()));
        }
        let reached = self.reached(&ids);
        let mut seen = BTreeSet::new();
        for node in &self.nodes {
            check.node = Some(node.id.clone());
            check.count("id", node.id.len(), 1, 64, "bytes");
            check.count("name", node.name.len(), 1, 256, "bytes");
            if !seen.insert(node.id.as_str()) {
                check.add("id", What::DuplicateId);
            }
            if !reached.contains(node.id.as_str()) {
                check.add("", What::Unreachable);
            }
            for (path, target) in node.action.targets() {
                if !ids.contains_key(target.as_str()) {
                    check.add(&path, What::UnknownNode(target.clone()));
                }
            }
            check.action(&node.action, &variables);
        }
        check.problems
    }

    /// The ids that some way from the start leads to. `go_back` and `repeat` lead to menus that were passed.
    fn reached<'a>(&'a self, ids: &BTreeMap<&'a str, &'a Node>) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        let mut next = vec![self.start.as_str()];
        while let Some(id) = next.pop() {
            if let Some(node) = ids.get(id).filter(|_| reached.insert(id)) {
                next.extend(
                    node.action
                        .targets()
                        .into_iter()
                        .map(|(_, target)| target.as_str()),
                );
            }
        }
        reached
    }
}

/// Collects problems of the node at hand.
struct Check {
    node: Option<String>,
    problems: Vec<Problem>,
}

impl Check {
    fn add(&mut self, path: &str, what: What) {
        self.problems.push(Problem {
            node: self.node.clone(),
            path: path.to_owned(),
            what,
        });
    }

    fn range(&mut self, path: &str, is: u32, least: u32, most: u32) {
        if !(least..=most).contains(&is) {
            self.add(
                path,
                What::Range {
                    is: is.into(),
                    least: least.into(),
                    most: most.into(),
                },
            );
        }
    }

    fn count(&mut self, path: &str, is: usize, least: usize, most: usize, of: &'static str) {
        if !(least..=most).contains(&is) {
            self.add(path, What::Count { is, least, most, of });
        }
    }

    fn action(&mut self, action: &Action, variables: &BTreeSet<&str>) {
        match action {
            Action::Say(say) => self.prompts("say.prompts", &say.prompts, 1),
            Action::Menu(menu) => {
                self.prompts("menu.greeting", &menu.greeting, 0);
                self.prompts("menu.prompts", &menu.prompts, 0);
                // The host plays up to 64 at once, and these two come together.
                self.count(
                    "menu.prompts",
                    menu.greeting.len() + menu.prompts.len(),
                    0,
                    64,
                    "prompts with the greeting",
                );
                self.prompts("menu.timeout_prompts", &menu.timeout_prompts, 0);
                self.prompts("menu.invalid_prompts", &menu.invalid_prompts, 0);
                self.count("menu.choices", menu.choices.len(), 1, 16, "choices");
                for digit in menu
                    .choices
                    .keys()
                    .filter(|digit| digit.len() != 1 || !are_digits(digit))
                {
                    self.add(&format!("menu.choices.{digit}"), What::BadDigit(digit.clone()));
                }
                self.range("menu.timeout_ms", menu.timeout_ms, 1, 600_000);
                self.range("menu.retries", menu.retries, 0, 10);
            }
            Action::Collect(collect) => {
                self.prompts("collect.prompts", &collect.prompts, 0);
                self.prompts("collect.invalid_prompts", &collect.invalid_prompts, 0);
                self.count("collect.into", collect.into.len(), 1, 64, "bytes");
                self.range("collect.min", collect.min, 1, 64);
                self.range("collect.max", collect.max, collect.min.clamp(1, 64), 64);
                if !are_digits(&collect.terminators) {
                    self.add("collect.terminators", What::BadDigit(collect.terminators.clone()));
                }
                self.range("collect.timeout_ms", collect.timeout_ms, 1, 600_000);
                self.range("collect.digit_timeout_ms", collect.digit_timeout_ms, 1, 600_000);
                self.range("collect.retries", collect.retries, 0, 10);
            }
            Action::DialUser(dial) => {
                self.count("dial_user.user", dial.user.len(), 1, 256, "bytes");
                self.range("dial_user.timeout_s", dial.timeout_s, 1, 600);
            }
            Action::DialNumber(dial) => {
                match &dial.number {
                    Value::Fixed(number) => {
                        self.count("dial_number.number.fixed", number.len(), 1, 256, "bytes");
                    }
                    Value::Variable(name) if !variables.contains(name.as_str()) => {
                        self.add("dial_number.number.variable", What::UnknownVariable(name.clone()));
                    }
                    Value::Variable(_) => (),
                }
                self.range("dial_number.timeout_s", dial.timeout_s, 1, 600);
            }
            Action::HangUp(end) => {
                if let Cause::Status(status) = end.cause {
                    self.range("hang_up.cause.status", status.into(), 400, 699);
                }
            }
            Action::GoBack(_) | Action::Repeat(_) | Action::Goto(_) => (),
        }
    }

    fn prompts(&mut self, path: &str, prompts: &[Prompt], least: usize) {
        self.count(path, prompts.len(), least, 64, "prompts");
        for (index, prompt) in prompts.iter().enumerate() {
            let at = |key: &str| format!("{path}.{index}.{key}");
            match prompt {
                Prompt::Say(text) => self.count(&at("say"), text.chars().count(), 1, 4_096, "characters"),
                Prompt::Speech(speech) => {
                    self.count(
                        &at("speech.text"),
                        speech.text.chars().count(),
                        1,
                        4_096,
                        "characters",
                    );
                }
                Prompt::File(name) => self.count(&at("file"), name.len(), 1, 256, "bytes"),
                Prompt::SilenceMs(time_ms) => self.range(&at("silence_ms"), *time_ms, 1, 600_000),
                Prompt::Tone(tone) => {
                    self.range(&at("tone.hz"), tone.hz.into(), 20, 3_800);
                    if let Some(hz) = tone.second_hz {
                        self.range(&at("tone.second_hz"), hz.into(), 20, 3_800);
                    }
                    self.range(&at("tone.duration_ms"), tone.duration_ms, 1, 600_000);
                }
            }
        }
    }
}

fn are_digits(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'*' | b'#' | b'A'..=b'D'))
}
