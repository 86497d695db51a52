//! What the engine asks of the call.

use std::borrow::Cow;

use crate::model::{Cause, Failure, Prompt, Strategy};

/// A prompt whose variables are filled in.
pub type Spoken<'a> = Cow<'a, Prompt>;

/// The call, as the engine sees it: the host in a guest, a script in tests.
pub trait Phone {
    /// Enters a node: the trace's step. A node of a flow that another one runs has its name before its id: `sales/menu`.
    fn step(&mut self, id: &str, name: &str);
    /// Something that whoever runs the flow should know.
    fn warn(&mut self, text: &str);
    /// Tells the caller, who is not answered, that it goes on: something may take seconds.
    fn ring(&mut self);
    /// Answers the caller; answered already: nothing.
    fn answer(&mut self) -> Result<(), Fault>;
    /// Plays to the end. `language` is the flow's.
    fn play(&mut self, prompts: &[Spoken<'_>], language: &str) -> Result<(), Fault>;
    /// Takes digits; a digit stops the prompts. Fewer than `ask.min` are no entry and come as they are.
    fn collect(&mut self, ask: &Ask<'_>) -> Result<String, Fault>;
    /// Calls the target and lets the two talk until one of them hangs up.
    fn connect(&mut self, target: Target<'_>, timeout_s: u32) -> Result<TalkEnd, NotConnected>;
    /// Calls the users of a group, and lets the one who answers and the caller talk.
    fn hunt(&mut self, group: &Group<'_>) -> Result<TalkEnd, NotConnected>;
    /// Asks the phone of the answered caller to call `number`, and ends with the outcome of that call.
    fn transfer(&mut self, number: &str) -> Result<(), Fault>;
    /// Answers, greets, with nothing with the box's own words, and takes a message.
    fn take_message(&mut self, of: &str, greeting: &[Spoken<'_>], language: &str) -> Result<Message, Fault>;
    /// The time in the domain's time zone.
    fn now(&mut self) -> Now;
    /// Whether these opening hours are open now; the error says in words why that is not known.
    fn is_open(&mut self, schedule: &str) -> Result<bool, String>;
    /// Asks a web service: the body of an answer of 200 to 299, or in words why there is none.
    fn fetch(&mut self, request: &Request) -> Result<Vec<u8>, String>;
    /// Ends the caller's leg.
    fn hang_up(&mut self, cause: Cause) -> Result<(), Fault>;
}

/// Digits that are wanted. A first digit that does not come, or a next one, ends it with what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask<'a> {
    /// Played first.
    pub prompts: Vec<Spoken<'a>>,
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

/// Several to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group<'a> {
    /// Their names.
    pub users: &'a [String],
    /// In which order.
    pub strategy: Strategy,
    /// How long each rings, with [`Strategy::All`] the whole group.
    pub timeout_s: u32,
    /// Under what turns are kept, within the entry point: the node.
    pub key: &'a str,
}

/// A request to a web service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The URL.
    pub url: String,
    /// The headers.
    pub headers: Vec<Header>,
    /// What is posted: its type and the body; none: it is a GET.
    pub post: Option<(String, String)>,
    /// For all of it.
    pub timeout_s: u32,
}

/// A header of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value, or what stands before the secret.
    pub value: String,
    /// The name of the secret that follows.
    pub secret: Option<String>,
}

/// The time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The year.
    pub year: i16,
    /// 1 to 12
    pub month: u8,
    /// 1 to 31
    pub day: u8,
    /// 1 (Monday) to 7 (Sunday)
    pub weekday: u8,
    /// 0 to 23
    pub hour: u8,
    /// 0 to 59
    pub minute: u8,
}

/// What came of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// The caller left one, or did not want to; the caller is still there.
    Taken,
    /// There is no such box. The caller was not answered for it.
    NoBox,
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
