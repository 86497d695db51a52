//! The worlds that a scenario can be of: what starts it, and what it answers.

use tandem_bindings::event::exports::tandem::pbx::event_handler as event;
use tandem_bindings::web::exports::tandem::pbx::web_handler as web;
use tandem_bindings::{CallScenarioPre, EventPre, WebPre};
use wasmtime::Store;
use wasmtime::component::InstancePre;

use crate::door::Door;
use crate::modules::LoadError;
use crate::op::LegId;

/// A world of the contract. All of them have the same imports; they differ in what they export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum World {
    /// Handles calls.
    Call,
    /// Answers HTTP requests.
    Web,
    /// Runs when something has happened.
    Event,
}

impl World {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Call, Self::Web, Self::Event];

    /// As a component of this version names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Call => "tandem:pbx/call-scenario@0.2.0",
            Self::Web => "tandem:pbx/web-scenario@0.2.0",
            Self::Event => "tandem:pbx/event-scenario@0.2.0",
        }
    }

    /// The interface that its components export.
    pub const fn handler(self) -> &'static str {
        match self {
            Self::Call => "tandem:pbx/call-handler@0.2.0",
            Self::Web => "tandem:pbx/web-handler@0.2.0",
            Self::Event => "tandem:pbx/event-handler@0.2.0",
        }
    }

    /// The world of this name, of whichever version.
    pub fn named(name: &str) -> Option<Self> {
        let unversioned = |name: &str| name.split('@').next().map(str::to_owned);
        Self::ALL
            .into_iter()
            .find(|world| unversioned(world.name()) == unversioned(name))
    }

    /// The world whose handler is among these exports. A component with several is of the first.
    pub(crate) fn of_exports<'a>(exports: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut found: Vec<Self> = exports
            .filter_map(|export| Self::ALL.into_iter().find(|world| world.handler() == export))
            .collect();
        found.sort_unstable_by_key(|world| *world as u8);
        found.first().copied()
    }
}

/// What came over HTTP; the fields are those of the WIT record `web-request`, documented there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct WebRequest {
    pub method: String,
    pub path: String,
    pub query: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub peer: String,
}

/// Longest body of what a web scenario answers, in bytes.
pub const WEB_RESPONSE_MAX: usize = 4 << 20;

/// What a web scenario answers; the fields are those of the WIT record `web-response`, unchecked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct WebResponse {
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What happened; the fields are those of the WIT record `event`, documented there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented in the WIT")]
pub struct Event {
    pub id: String,
    pub kind: String,
    pub at_ms: u64,
    pub data: String,
}

/// What starts a run.
#[derive(Debug)]
pub(crate) enum Trigger {
    /// An incoming call on leg 0.
    Call,
    Web(WebRequest),
    Event(Event),
}

/// A linked component whose handler was found.
#[derive(Clone)]
pub(crate) enum Handler {
    Call(CallScenarioPre<Door>),
    Web(WebPre<Door>),
    Event(EventPre<Door>),
}

impl Handler {
    /// Finds the handler of `world` in what was linked, and checks its shape.
    pub(crate) fn new(world: World, linked: InstancePre<Door>) -> Result<Self, LoadError> {
        let made = match world {
            World::Call => CallScenarioPre::new(linked).map(Self::Call),
            World::Web => WebPre::new(linked).map(Self::Web),
            World::Event => EventPre::new(linked).map(Self::Event),
        };
        made.map_err(|error| LoadError::Interface {
            world: world.name(),
            why: format!("{error:#}"),
        })
    }

    pub(crate) fn world(&self) -> World {
        match self {
            Self::Call(_) => World::Call,
            Self::Web(_) => World::Web,
            Self::Event(_) => World::Event,
        }
    }

    pub(crate) fn engine(&self) -> &wasmtime::Engine {
        match self {
            Self::Call(pre) => pre.engine(),
            Self::Web(pre) => pre.engine(),
            Self::Event(pre) => pre.engine(),
        }
    }

    /// Makes an instance and calls its handler. The outer error is a trap, the inner one the handler's own.
    pub(crate) async fn handle(
        &self,
        store: &mut Store<Door>,
        trigger: &Trigger,
    ) -> wasmtime::Result<Result<Option<WebResponse>, String>> {
        match (self, trigger) {
            (Self::Call(pre), Trigger::Call) => {
                let scenario = pre.instantiate_async(&mut *store).await?;
                instantiated(store);
                let caller = store.data_mut().hold(LegId(0))?;
                let handler = scenario.tandem_pbx_call_handler();
                let ended = handler.call_handle(store, caller).await?;
                Ok(ended.map(|()| None))
            }
            (Self::Web(pre), Trigger::Web(request)) => {
                let scenario = pre.instantiate_async(&mut *store).await?;
                instantiated(store);
                let handler = scenario.tandem_pbx_web_handler();
                let answered = handler.call_handle(store, &raw_request(request.clone())).await?;
                Ok(answered.map(|response| Some(response_of(response))))
            }
            (Self::Event(pre), Trigger::Event(event)) => {
                let scenario = pre.instantiate_async(&mut *store).await?;
                instantiated(store);
                let handler = scenario.tandem_pbx_event_handler();
                let ended = handler.call_handle(store, &raw_event(event.clone())).await?;
                Ok(ended.map(|()| None))
            }
            (handler, _) => Ok(Err(format!(
                "the module is of the world {}, which nothing of this kind starts",
                handler.world().name()
            ))),
        }
    }
}

fn instantiated(store: &mut Store<Door>) {
    if let Some(recording) = store.data_mut().recording() {
        recording.instantiated();
    }
}

fn raw_request(request: WebRequest) -> web::WebRequest {
    let headers = request.headers.into_iter();
    web::WebRequest {
        method: request.method,
        path: request.path,
        query: request.query,
        headers: headers.map(|(name, value)| web::Header { name, value }).collect(),
        body: request.body,
        peer: request.peer,
    }
}

fn response_of(response: web::WebResponse) -> WebResponse {
    let headers = response.headers.into_iter();
    WebResponse {
        status: response.status,
        headers: headers.map(|header| (header.name, header.value)).collect(),
        body: response.body,
    }
}

fn raw_event(event: Event) -> event::Event {
    event::Event {
        id: event.id,
        kind: event.kind,
        at_ms: event.at_ms,
        data: event.data,
    }
}
