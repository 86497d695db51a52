//! What the engine asks of the call.

use crate::model::{Cause, Failure, Prompt};

/// The call, as the engine sees it: the host in a guest, a script in tests.
pub trait Phone {
    /// Enters a node: the trace's step.
    fn step(&mut self, id: &str, name: &str);
    /// Something that whoever runs the flow should know.
    fn warn(&mut self, text: &str);
    /// Answers the caller; answered already: nothing.
    fn answer(&mut self) -> Result<(), Fault>;
    /// Plays to the end. `language` is the flow's.
    fn play(&mut self, prompts: &[Prompt], language: &str) -> Result<(), Fault>;
    /// Takes digits; a digit stops the prompts. Fewer than `ask.min` are no entry and come as they are.
    fn collect(&mut self, ask: &Ask<'_>) -> Result<String, Fault>;
    /// Calls the target and lets the two talk until one of them hangs up.
    fn connect(&mut self, target: Target<'_>, timeout_s: u32) -> Result<TalkEnd, NotConnected>;
    /// Ends the caller's leg.
    fn hang_up(&mut self, cause: Cause) -> Result<(), Fault>;
}

/// Digits that are wanted. A first digit that does not come, or a next one, ends it with what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask<'a> {
    /// Played first.
    pub prompts: Vec<&'a Prompt>,
    /// The flow's language.
    pub language: &'a str,
    /// Fewer are no entry.
    pub min: u32,
    /// So many end the entry.
    pub max: u32,
    /// Digits that end the entry.
    pub terminators: &'a str,
    /// Time for the first digit.
    pub timeout_ms: u32,
    /// Time between two.
    pub digit_timeout_ms: u32,
}

/// Whom to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// A user, by name.
    User(&'a str),
    /// A number of the domain.
    Number(&'a str),
}

/// How a talk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TalkEnd {
    /// The caller hung up; so did we on the other side.
    Caller,
    /// The callee hung up, or was lost; the caller is still there.
    Callee,
}

/// Why something on the caller's leg did not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The caller hung up.
    Gone,
    /// It could not be played: said in words. The leg is as good as before.
    Media(String),
    /// Anything else: said in words.
    Broken(String),
}

/// Why two did not talk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotConnected {
    /// The caller hung up meanwhile.
    CallerGone,
    /// Nobody took the call; with words for the log where there are any.
    Failed(Failure, Option<String>),
}
