//! Walks a flow from node to node.
//!
//! It decides and remembers (variables, the menus passed, how often each was repeated); what reaches the caller goes
//! through [`Phone`]. It waits for nothing by itself and always ends: see [`Limits`].

use std::collections::BTreeMap;

use crate::model::{Action, Cause, Collect, Failure, Flow, Menu, Node, NodeId, Prompt, Value};
use crate::phone::{Ask, Fault, NotConnected, Phone, TalkEnd, Target};

/// What ends a flow that would not end by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Nodes entered in one call.
    pub steps: u32,
    /// Nodes entered in a row without a digit from the caller or a talk.
    pub steps_without_input: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 1_000,
            steps_without_input: 100,
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
    /// A node that the flow does not have: it was not validated.
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
        nodes: flow.nodes.iter().map(|node| (node.id.as_str(), node)).collect(),
        variables: variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        answered: false,
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
    nodes: BTreeMap<&'a str, &'a Node>,
    variables: BTreeMap<String, String>,
    /// Whether the caller was answered: asking again would do nothing, but be one more line in the journal.
    answered: bool,
    /// The menus on the way here, each once: what `go_back` goes back through.
    menus: Vec<Visit<'a>>,
    /// How often the collection at hand was repeated.
    collect_tries: u32,
    steps: u32,
    /// Steps since the caller did something.
    dry: u32,
}

/// A menu that the caller came through.
struct Visit<'a> {
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
        // Whether the node before was a menu, left by a choice.
        let mut chosen = false;
        loop {
            let (id, again) = match go {
                Go::To(id) => (id, false),
                Go::Again(id) => (id, true),
                Go::End(cause) => {
                    return match self.phone.hang_up(cause) {
                        Ok(()) | Err(Fault::Gone) => Ok(()),
                        Err(Fault::Media(why) | Fault::Broken(why)) => {
                            Err(Broken::Refused(self.flow.start.clone(), why))
                        }
                    };
                }
                Go::Gone => return Ok(()),
            };
            let node = *self.nodes.get(id).ok_or_else(|| Broken::NoNode(id.to_owned()))?;
            self.count(id)?;
            self.phone.step(&node.id, &node.name);
            go = match self.act(node, again, chosen) {
                Ok(go) => go,
                Err(Stop::Gone) => return Ok(()),
                Err(Stop::Broken(why)) => return Err(Broken::Refused(node.id.clone(), why)),
            };
            chosen = matches!((&node.action, &go), (Action::Menu(_), Go::To(_)));
        }
    }

    fn count(&mut self, id: &str) -> Result<(), Broken> {
        self.steps += 1;
        self.dry += 1;
        if self.dry > self.limits.steps_without_input {
            return Err(Broken::Circle(id.to_owned()));
        }
        if self.steps > self.limits.steps {
            return Err(Broken::TooManySteps(id.to_owned()));
        }
        Ok(())
    }

    fn act(&mut self, node: &'a Node, again: bool, chosen: bool) -> Result<Go<'a>, Stop> {
        match &node.action {
            Action::Say(say) => {
                self.play(&say.prompts)?;
                Ok(on_or_end(say.next.as_ref()))
            }
            Action::Menu(menu) => self.menu(&node.id, menu, again),
            Action::Collect(collect) => self.collect(&node.id, collect, again),
            Action::DialUser(dial) => {
                let talk = self.phone.connect(Target::User(&dial.user), dial.timeout_s);
                Ok(self.after(talk, dial.next.as_ref(), &dial.on, dial.default.as_ref()))
            }
            Action::DialNumber(dial) => {
                let number = match &dial.number {
                    Value::Fixed(number) => number,
                    Value::Variable(name) => self.variables.get(name).map_or("", String::as_str),
                };
                // A variable that this way through the flow never set leads to nobody.
                let talk = if number.is_empty() {
                    Err(NotConnected::Failed(
                        Failure::NotFound,
                        Some("the number is empty".into()),
                    ))
                } else {
                    self.phone.connect(Target::Number(number), dial.timeout_s)
                };
                Ok(self.after(talk, dial.next.as_ref(), &dial.on, dial.default.as_ref()))
            }
            Action::HangUp(end) => Ok(Go::End(end.cause)),
            Action::GoBack(_) => Ok(self.go_back(chosen)),
            Action::Repeat(_) => Ok(self.retry(None)),
            Action::Goto(goto) => Ok(Go::To(&goto.node)),
        }
    }

    fn menu(&mut self, id: &'a str, menu: &'a Menu, again: bool) -> Result<Go<'a>, Stop> {
        // A menu that the caller has been in before is returned to: what came after it is forgotten.
        let known = self.menus.iter().position(|visit| visit.node == id);
        match known {
            Some(at) => self.menus.truncate(at + 1),
            None => self.menus.push(Visit {
                node: id,
                menu,
                tries: 0,
            }),
        }
        if let Some(visit) = self.menus.last_mut().filter(|_| !again) {
            visit.tries = 0;
        }
        let greeting = menu.greeting.iter().filter(|_| known.is_none());
        let digits = self.ask(&Ask {
            prompts: greeting.chain(&menu.prompts).collect(),
            language: &self.flow.language,
            min: 1,
            max: 1,
            terminators: "",
            timeout_ms: menu.timeout_ms,
            digit_timeout_ms: menu.timeout_ms,
        })?;
        if let Some(target) = menu.choices.get(&digits) {
            return Ok(Go::To(target));
        }
        let (prompts, otherwise) = if digits.is_empty() {
            (&menu.timeout_prompts, &menu.on_timeout)
        } else {
            (&menu.invalid_prompts, &menu.on_invalid)
        };
        let go = self.retry(otherwise.as_ref());
        if matches!(go, Go::Again(_)) {
            self.play(prompts)?;
        }
        Ok(go)
    }

    /// The last menu once more, or where it leads when its retries are used up.
    fn retry(&mut self, otherwise: Option<&'a NodeId>) -> Go<'a> {
        match self.menus.last_mut() {
            Some(visit) if visit.tries < visit.menu.retries => {
                visit.tries += 1;
                Go::Again(visit.node)
            }
            Some(visit) => on_or_end(otherwise.or(visit.menu.default.as_ref())),
            None => Go::To(&self.flow.start),
        }
    }

    fn go_back(&mut self, chosen: bool) -> Go<'a> {
        // Chosen in a menu, "back" means out of that menu; after any other node, back to the menu that led there.
        if chosen && self.menus.len() > 1 {
            self.menus.pop();
        }
        self.menus
            .last()
            .map_or(Go::To(&self.flow.start), |visit| Go::To(visit.node))
    }

    fn collect(&mut self, id: &'a str, collect: &'a Collect, again: bool) -> Result<Go<'a>, Stop> {
        if !again {
            self.collect_tries = 0;
        }
        let digits = self.ask(&Ask {
            prompts: collect.prompts.iter().collect(),
            language: &self.flow.language,
            min: collect.min,
            max: collect.max,
            terminators: &collect.terminators,
            timeout_ms: collect.timeout_ms,
            digit_timeout_ms: collect.digit_timeout_ms,
        })?;
        if digits.len() >= collect.min as usize {
            self.variables.insert(collect.into.clone(), digits);
            return Ok(on_or_end(collect.next.as_ref()));
        }
        if self.collect_tries >= collect.retries {
            return Ok(on_or_end(collect.default.as_ref()));
        }
        self.collect_tries += 1;
        self.play(&collect.invalid_prompts)?;
        Ok(Go::Again(id))
    }

    /// Where the call goes on after a talk, or after a call that nobody took.
    fn after(
        &mut self,
        talk: Result<TalkEnd, NotConnected>,
        next: Option<&'a NodeId>,
        on: &'a BTreeMap<Failure, NodeId>,
        default: Option<&'a NodeId>,
    ) -> Go<'a> {
        match talk {
            Ok(TalkEnd::Caller) | Err(NotConnected::CallerGone) => Go::Gone,
            Ok(TalkEnd::Callee) => {
                self.dry = 0;
                self.answered = true; // A bridge answers.
                on_or_end(next)
            }
            Err(NotConnected::Failed(failure, words)) => {
                if let Some(words) = words {
                    self.phone.warn(&words);
                }
                on.get(&failure)
                    .or(default)
                    .map_or(Go::End(failure.cause()), |node| Go::To(node))
            }
        }
    }

    fn answer(&mut self) -> Result<(), Stop> {
        if !self.answered {
            self.phone.answer()?;
            self.answered = true;
        }
        Ok(())
    }

    /// Plays; the caller is answered first. What cannot be played is logged and left out: a flow with a missing
    /// recording still takes its caller where he wants to go.
    fn play(&mut self, prompts: &[Prompt]) -> Result<(), Stop> {
        if prompts.is_empty() {
            return Ok(());
        }
        self.answer()?;
        match self.phone.play(prompts, &self.flow.language) {
            Err(Fault::Media(why)) => {
                self.phone.warn(&format!("not played: {why}"));
                Ok(())
            }
            other => Ok(other?),
        }
    }

    /// Takes digits; the caller is answered first. Without its prompts, where they cannot be played.
    fn ask(&mut self, ask: &Ask<'_>) -> Result<String, Stop> {
        self.answer()?;
        let digits = match self.phone.collect(ask) {
            Err(Fault::Media(why)) if !ask.prompts.is_empty() => {
                self.phone.warn(&format!("not played: {why}"));
                self.phone.collect(&Ask {
                    prompts: Vec::new(),
                    ..*ask
                })?
            }
            other => other?,
        };
        if !digits.is_empty() {
            self.dry = 0;
        }
        Ok(digits)
    }
}

fn on_or_end(next: Option<&NodeId>) -> Go<'_> {
    next.map_or(Go::End(Cause::Normal), |node| Go::To(node))
}
