//! Walks a flow from node to node.
//!
//! It decides and remembers (variables, the menus passed, how often each was repeated, the flows that run others); what
//! reaches the caller goes through [`Phone`]. It waits for nothing by itself and always ends: see [`Limits`]. `talk` has
//! the nodes that speak with the caller, `connect` those that connect it with others, `decide` those that decide and reckon.

mod connect;
mod decide;
mod talk;

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::model::{Action, Cause, Flow, FlowName, Menu, Node, NodeId};
use crate::phone::{Fault, Phone};

/// What ends a flow that would not end by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Nodes entered in one call.
    pub steps: u32,
    /// Nodes entered in a row without a digit from the caller, a message or a talk.
    pub steps_without_input: u32,
    /// Flows that run each other, one within the other.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 1_000,
            steps_without_input: 100,
            depth: 8,
        }
    }
}

/// Why a flow was broken off; a caller who hangs up is no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// More nodes than [`Limits::steps`]; at the node of this id.
    TooManySteps(NodeId),
    /// More nodes than [`Limits::steps_without_input`]: the flow goes in circles; at the node of this id.
    Circle(NodeId),
    /// More flows within each other than [`Limits::depth`]; at the node of this id.
    TooDeep(NodeId),
    /// A node or flow that the document does not have: it was not validated.
    NoNode(NodeId),
    /// The host refused what the node of this id wanted: said in words.
    Refused(NodeId, String),
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooManySteps(node) => write!(f, "node {node:?}: the call has taken too many steps"),
            Self::Circle(node) => write!(
                f,
                "node {node:?}: the flow goes in circles without waiting for the caller"
            ),
            Self::TooDeep(node) => write!(f, "node {node:?}: too many flows run each other"),
            Self::NoNode(node) => write!(f, "there is no node {node:?}"),
            Self::Refused(node, why) => write!(f, "node {node:?}: {why}"),
        }
    }
}

impl std::error::Error for Broken {}

/// Runs a flow to the end of the call. `caller` and `dialled` become the variables of these names.
pub fn run(
    flow: &Flow,
    phone: &mut dyn Phone,
    caller: &str,
    dialled: &str,
    limits: Limits,
) -> Result<(), Broken> {
    let variables = [("caller", caller), ("dialled", dialled)];
    Engine {
        flow,
        phone,
        limits,
        frame: Frame::new(None, &flow.language, &flow.start, &flow.nodes, None),
        outer: Vec::new(),
        variables: variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        answered: false,
        rang: false,
        menus: Vec::new(),
        collect_tries: 0,
        steps: 0,
        dry: 0,
    }
    .run()
}

struct Engine<'a> {
    flow: &'a Flow,
    phone: &'a mut dyn Phone,
    limits: Limits,
    /// The flow whose nodes are walked.
    frame: Frame<'a>,
    /// Those that wait for it to end, the outermost first.
    outer: Vec<Frame<'a>>,
    variables: BTreeMap<String, String>,
    /// Whether the caller was answered: asking again would do nothing, but be one more line in the journal.
    answered: bool,
    /// Whether the caller was told that it goes on.
    rang: bool,
    /// The menus on the way here, each once: what `go_back` goes back through.
    menus: Vec<Visit<'a>>,
    /// How often the collection at hand was repeated.
    collect_tries: u32,
    steps: u32,
    /// Steps since the caller did something.
    dry: u32,
}

/// A flow of the document that is under way.
struct Frame<'a> {
    /// `None`: the document's own.
    name: Option<&'a str>,
    language: &'a str,
    start: &'a str,
    nodes: BTreeMap<&'a str, &'a Node>,
    /// Where the flow around it goes on after it.
    next: Option<&'a NodeId>,
}

impl<'a> Frame<'a> {
    fn new(
        name: Option<&'a str>,
        language: &'a str,
        start: &'a str,
        nodes: &'a [Node],
        next: Option<&'a NodeId>,
    ) -> Self {
        Self {
            name,
            language,
            start,
            nodes: nodes.iter().map(|node| (node.id.as_str(), node)).collect(),
            next,
        }
    }

    /// A node's name in the trace.
    fn label(&self, id: &'a str) -> Cow<'a, str> {
        match self.name {
            Some(name) => Cow::Owned(format!("{name}/{id}")),
            None => Cow::Borrowed(id),
        }
    }
}

/// A menu that the caller came through.
struct Visit<'a> {
    /// How many flows waited around its own.
    depth: usize,
    node: &'a str,
    menu: &'a Menu,
    /// How often it was repeated since it was entered.
    tries: u32,
}

/// Where the call goes on.
enum Go<'a> {
    /// Enters a node afresh.
    To(&'a str),
    /// Enters the same menu or collection once more, which counts.
    Again(&'a str),
    /// Runs another flow, and then goes on.
    Into(&'a FlowName, Option<&'a NodeId>),
    /// No way leads on: the flow around this one goes on, or the call ends, for this cause.
    Out(Cause),
    /// Ends the call, for this cause.
    End(Cause),
    /// The caller is gone.
    Gone,
}

/// What a node could not do: the engine's inner errors.
enum Stop {
    Gone,
    Broken(String),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Gone => Self::Gone,
            Fault::Media(why) | Fault::Broken(why) => Self::Broken(why),
        }
    }
}

impl<'a> Engine<'a> {
    fn run(mut self) -> Result<(), Broken> {
        let mut go = Go::To(&self.flow.start);
        let mut at: Cow<'a, str> = Cow::Borrowed(&self.flow.start);
        // Whether the node before was a menu, left by a choice.
        let mut chosen = false;
        loop {
            let (id, again) = match go {
                Go::To(id) => (id, false),
                Go::Again(id) => (id, true),
                Go::Into(name, next) => {
                    go = self.enter(name, next, &at)?;
                    continue;
                }
                Go::Out(cause) => {
                    go = self.leave(cause);
                    continue;
                }
                Go::End(cause) => {
                    return match self.phone.hang_up(cause) {
                        Ok(()) | Err(Fault::Gone) => Ok(()),
                        Err(Fault::Media(why) | Fault::Broken(why)) => {
                            Err(Broken::Refused(at.into_owned(), why))
                        }
                    };
                }
                Go::Gone => return Ok(()),
            };
            at = self.frame.label(id);
            let Some(node) = self.frame.nodes.get(id).copied() else {
                return Err(Broken::NoNode(at.into_owned()));
            };
            self.count(&at)?;
            self.phone.step(&at, &node.name);
            go = match self.act(node, &at, again, chosen) {
                Ok(go) => go,
                Err(Stop::Gone) => return Ok(()),
                Err(Stop::Broken(why)) => return Err(Broken::Refused(at.into_owned(), why)),
            };
            chosen = matches!((&node.action, &go), (Action::Menu(_), Go::To(_)));
        }
    }

    fn count(&mut self, at: &str) -> Result<(), Broken> {
        self.steps += 1;
        self.dry += 1;
        if self.dry > self.limits.steps_without_input {
            return Err(Broken::Circle(at.to_owned()));
        }
        if self.steps > self.limits.steps {
            return Err(Broken::TooManySteps(at.to_owned()));
        }
        Ok(())
    }

    fn enter(&mut self, name: &'a FlowName, next: Option<&'a NodeId>, at: &str) -> Result<Go<'a>, Broken> {
        let flow = self
            .flow
            .flows
            .get(name)
            .ok_or_else(|| Broken::NoNode(name.clone()))?;
        if self.outer.len() >= self.limits.depth {
            return Err(Broken::TooDeep(at.to_owned()));
        }
        let language = match flow.language.as_str() {
            "" => self.frame.language,
            own => own,
        };
        let inner = Frame::new(Some(name), language, &flow.start, &flow.nodes, next);
        self.outer.push(std::mem::replace(&mut self.frame, inner));
        Ok(Go::To(&flow.start))
    }

    fn leave(&mut self, cause: Cause) -> Go<'a> {
        let next = self.frame.next;
        match self.outer.len().checked_sub(1) {
            Some(depth) => {
                self.unwind(depth);
                next.map_or(Go::Out(cause), |node| Go::To(node))
            }
            None => Go::End(cause),
        }
    }

    /// Leaves all flows that are deeper, and forgets their menus.
    fn unwind(&mut self, depth: usize) {
        while self.outer.len() > depth
            && let Some(frame) = self.outer.pop()
        {
            self.frame = frame;
        }
        self.menus.retain(|visit| visit.depth <= depth);
    }

    fn act(&mut self, node: &'a Node, at: &str, again: bool, chosen: bool) -> Result<Go<'a>, Stop> {
        match &node.action {
            Action::Say(say) => {
                self.play(&say.prompts)?;
                Ok(on_or_out(say.next.as_ref()))
            }
            Action::Menu(menu) => self.menu(&node.id, menu, again),
            Action::Collect(collect) => self.collect(&node.id, collect, again),
            Action::DialUser(dial) => Ok(self.dial_user(dial)),
            Action::DialNumber(dial) => Ok(self.dial_number(dial)),
            Action::Group(group) => Ok(self.group(group, at)),
            Action::Transfer(transfer) => self.transfer(&transfer.number, transfer.default.as_ref()),
            Action::Voicemail(voicemail) => self.voicemail(voicemail),
            Action::If(fork) => {
                let way = if self.holds(&fork.when) {
                    &fork.then
                } else {
                    &fork.otherwise
                };
                Ok(Go::To(way))
            }
            Action::Set(set) => {
                self.set(set);
                Ok(on_or_out(set.next.as_ref()))
            }
            Action::Http(http) => Ok(self.http(http)),
            Action::Flow(run) => Ok(Go::Into(&run.name, run.next.as_ref())),
            // The caller's phone calls there: so it is served as any call of that number.
            Action::Scenario(elsewhere) => self.transfer(&elsewhere.number, None),
            Action::HangUp(end) => Ok(Go::End(end.cause)),
            Action::GoBack(_) => Ok(self.go_back(chosen)),
            Action::Repeat(_) => Ok(self.retry(None)),
            Action::Goto(goto) => Ok(Go::To(&goto.node)),
        }
    }
}

fn on_or_out(next: Option<&NodeId>) -> Go<'_> {
    next.map_or(Go::Out(Cause::Normal), |node| Go::To(node))
}
