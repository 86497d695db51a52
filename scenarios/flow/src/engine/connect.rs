//! Nodes that connect the caller with others.

use std::collections::BTreeMap;

use super::{Engine, Go, Stop, on_or_out};
use crate::model::{self, Cause, DialNumber, DialUser, Failure, NodeId, Value, Voicemail};
use crate::phone::{self, Fault, Message, NotConnected, TalkEnd, Target};

/// What follows a call.
struct Ways<'a> {
    next: Option<&'a NodeId>,
    on: &'a BTreeMap<Failure, NodeId>,
    default: Option<&'a NodeId>,
}

impl<'a> Engine<'a> {
    pub(super) fn dial_user(&mut self, dial: &'a DialUser) -> Go<'a> {
        let talk = self.phone.connect(Target::User(&dial.user), dial.timeout_s);
        self.after(
            talk,
            &Ways {
                next: dial.next.as_ref(),
                on: &dial.on,
                default: dial.default.as_ref(),
            },
        )
    }

    pub(super) fn dial_number(&mut self, dial: &'a DialNumber) -> Go<'a> {
        let number = self.value(&dial.number);
        // A variable that this way through the flow never set leads to nobody.
        let talk = if number.is_empty() {
            let why = "the number is empty".to_owned();
            Err(NotConnected::Failed(Failure::NotFound, Some(why)))
        } else {
            self.phone.connect(Target::Number(&number), dial.timeout_s)
        };
        self.after(
            talk,
            &Ways {
                next: dial.next.as_ref(),
                on: &dial.on,
                default: dial.default.as_ref(),
            },
        )
    }

    pub(super) fn group(&mut self, group: &'a model::Group, key: &str) -> Go<'a> {
        let talk = self.phone.hunt(&phone::Group {
            users: &group.users,
            strategy: group.strategy,
            timeout_s: group.timeout_s,
            key,
        });
        self.after(
            talk,
            &Ways {
                next: group.next.as_ref(),
                on: &group.on,
                default: group.default.as_ref(),
            },
        )
    }

    /// Where the call goes on after a talk, or after a call that nobody took.
    fn after(&mut self, talk: Result<TalkEnd, NotConnected>, ways: &Ways<'a>) -> Go<'a> {
        match talk {
            Ok(TalkEnd::Caller) | Err(NotConnected::CallerGone) => Go::Gone,
            Ok(TalkEnd::Callee) => {
                self.dry = 0;
                self.answered = true; // A bridge answers.
                on_or_out(ways.next)
            }
            Err(NotConnected::Failed(failure, words)) => {
                if let Some(words) = words {
                    self.phone.warn(&words);
                }
                ways.on
                    .get(&failure)
                    .or(ways.default)
                    .map_or(Go::Out(failure.cause()), |node| Go::To(node))
            }
        }
    }

    pub(super) fn transfer(
        &mut self,
        number: &'a Value,
        default: Option<&'a NodeId>,
    ) -> Result<Go<'a>, Stop> {
        let number = self.value(number);
        let why = if number.is_empty() {
            "the number is empty".to_owned()
        } else {
            self.answer()?;
            match self.phone.transfer(&number) {
                Ok(()) => return Ok(Go::End(Cause::Normal)),
                Err(Fault::Gone) => return Ok(Go::Gone),
                Err(Fault::Media(why) | Fault::Broken(why)) => why,
            }
        };
        self.phone.warn(&why);
        Ok(default.map_or(Go::Out(Cause::Unavailable), |node| Go::To(node)))
    }

    pub(super) fn voicemail(&mut self, voicemail: &'a Voicemail) -> Result<Go<'a>, Stop> {
        let of = self.value(&voicemail.of);
        let greeting = self.filled(&voicemail.greeting);
        let taken = self.phone.take_message(&of, &greeting, self.frame.language)?;
        match taken {
            Message::Taken => {
                self.answered = true;
                self.dry = 0;
                Ok(on_or_out(voicemail.next.as_ref()))
            }
            Message::NoBox => {
                self.phone.warn(&format!("there is no box {of:?}"));
                let next = voicemail.next.as_ref();
                Ok(next.map_or(Go::Out(Cause::NotFound), |node| Go::To(node)))
            }
        }
    }
}
