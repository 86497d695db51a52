//! Where a node leads.

use std::collections::BTreeMap;

use super::{Action, Failure, NodeId};

/// A way from a node to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way<'a> {
    /// The action's key for it: `next`, `choices`, `on`.
    pub key: &'static str,
    /// The key inside that: the digit, or the failure.
    pub inner: Option<&'a str>,
    /// The node that it leads to. In a draft it may be empty.
    pub target: &'a NodeId,
}

/// What follows a call.
type After<'a> = (
    Option<&'a NodeId>,
    &'a BTreeMap<Failure, NodeId>,
    Option<&'a NodeId>,
);

impl Action {
    /// Its key in the data.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Say(_) => "say",
            Self::Menu(_) => "menu",
            Self::Collect(_) => "collect",
            Self::DialUser(_) => "dial_user",
            Self::DialNumber(_) => "dial_number",
            Self::Group(_) => "group",
            Self::Transfer(_) => "transfer",
            Self::Voicemail(_) => "voicemail",
            Self::If(_) => "if",
            Self::Set(_) => "set",
            Self::Http(_) => "http",
            Self::Flow(_) => "flow",
            Self::Scenario(_) => "scenario",
            Self::HangUp(_) => "hang_up",
            Self::GoBack(_) => "go_back",
            Self::Repeat(_) => "repeat",
            Self::Goto(_) => "goto",
        }
    }

    /// Calls `tell` with every way that is written out.
    pub fn ways<'a>(&'a self, tell: &mut dyn FnMut(Way<'a>)) {
        match self {
            Self::Say(say) => plain(tell, "next", say.next.as_ref()),
            Self::Menu(menu) => {
                for (digit, target) in &menu.choices {
                    tell(inner("choices", digit, target));
                }
                plain(tell, "on_timeout", menu.on_timeout.as_ref());
                plain(tell, "on_invalid", menu.on_invalid.as_ref());
                plain(tell, "default", menu.default.as_ref());
            }
            Self::Collect(collect) => {
                plain(tell, "next", collect.next.as_ref());
                plain(tell, "default", collect.default.as_ref());
            }
            Self::DialUser(dial) => after((dial.next.as_ref(), &dial.on, dial.default.as_ref()), tell),
            Self::DialNumber(dial) => after((dial.next.as_ref(), &dial.on, dial.default.as_ref()), tell),
            Self::Group(group) => after((group.next.as_ref(), &group.on, group.default.as_ref()), tell),
            Self::Transfer(transfer) => plain(tell, "default", transfer.default.as_ref()),
            Self::Voicemail(voicemail) => plain(tell, "next", voicemail.next.as_ref()),
            Self::If(fork) => {
                plain(tell, "then", Some(&fork.then));
                plain(tell, "else", Some(&fork.otherwise));
            }
            Self::Set(set) => plain(tell, "next", set.next.as_ref()),
            Self::Http(http) => {
                plain(tell, "next", http.next.as_ref());
                plain(tell, "default", http.default.as_ref());
            }
            Self::Flow(flow) => plain(tell, "next", flow.next.as_ref()),
            Self::Goto(goto) => plain(tell, "node", Some(&goto.node)),
            Self::Scenario(_) | Self::HangUp(_) | Self::GoBack(_) | Self::Repeat(_) => (),
        }
    }
}

fn plain<'a>(tell: &mut dyn FnMut(Way<'a>), key: &'static str, target: Option<&'a NodeId>) {
    if let Some(target) = target {
        tell(Way {
            key,
            inner: None,
            target,
        });
    }
}

fn inner<'a>(key: &'static str, inner: &'a str, target: &'a NodeId) -> Way<'a> {
    Way {
        key,
        inner: Some(inner),
        target,
    }
}

fn after<'a>((next, on, default): After<'a>, tell: &mut dyn FnMut(Way<'a>)) {
    for (failure, target) in on {
        tell(inner("on", failure.key(), target));
    }
    plain(tell, "next", next);
    plain(tell, "default", default);
}
