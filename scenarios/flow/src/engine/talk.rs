//! Nodes that speak with the caller.

use std::borrow::Cow;

use super::{Engine, Go, Stop, Visit, on_or_out};
use crate::model::{Collect, Menu, NodeId, Prompt, Speech};
use crate::phone::{Ask, Fault, Spoken};
use crate::text;

impl<'a> Engine<'a> {
    pub(super) fn menu(&mut self, id: &'a str, menu: &'a Menu, again: bool) -> Result<Go<'a>, Stop> {
        // A menu that the caller has been in before is returned to: what came after it is forgotten.
        let depth = self.outer.len();
        let mut visits = self.menus.iter();
        let known = visits.position(|visit| visit.depth == depth && visit.node == id);
        match known {
            Some(at) => self.menus.truncate(at + 1),
            None => self.menus.push(Visit {
                depth,
                node: id,
                menu,
                tries: 0,
            }),
        }
        if let Some(visit) = self.menus.last_mut().filter(|_| !again) {
            visit.tries = 0;
        }
        let greeting = menu.greeting.iter().filter(|_| known.is_none());
        let prompts = self.filled(greeting.chain(&menu.prompts));
        let digits = self.ask(Ask {
            prompts,
            language: self.frame.language,
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
    pub(super) fn retry(&mut self, otherwise: Option<&'a NodeId>) -> Go<'a> {
        let Some(visit) = self.menus.last_mut() else {
            return Go::To(self.frame.start);
        };
        let depth = visit.depth;
        let go = if visit.tries < visit.menu.retries {
            visit.tries += 1;
            Go::Again(visit.node)
        } else {
            on_or_out(otherwise.or(visit.menu.default.as_ref()))
        };
        self.unwind(depth);
        go
    }

    pub(super) fn go_back(&mut self, chosen: bool) -> Go<'a> {
        // Chosen in a menu, "back" means out of that menu; after any other node, back to the menu that led there.
        if chosen && self.menus.len() > 1 {
            self.menus.pop();
        }
        match self.menus.last() {
            Some(visit) => {
                let (depth, node) = (visit.depth, visit.node);
                self.unwind(depth);
                Go::To(node)
            }
            None => Go::To(self.frame.start),
        }
    }

    pub(super) fn collect(&mut self, id: &'a str, collect: &'a Collect, again: bool) -> Result<Go<'a>, Stop> {
        if !again {
            self.collect_tries = 0;
        }
        let prompts = self.filled(&collect.prompts);
        let digits = self.ask(Ask {
            prompts,
            language: self.frame.language,
            min: collect.min,
            max: collect.max,
            terminators: &collect.terminators,
            timeout_ms: collect.timeout_ms,
            digit_timeout_ms: collect.digit_timeout_ms,
        })?;
        if digits.len() >= collect.min as usize {
            self.variables.insert(collect.into.clone(), digits);
            return Ok(on_or_out(collect.next.as_ref()));
        }
        if self.collect_tries >= collect.retries {
            return Ok(on_or_out(collect.default.as_ref()));
        }
        self.collect_tries += 1;
        self.play(&collect.invalid_prompts)?;
        Ok(Go::Again(id))
    }

    pub(super) fn answer(&mut self) -> Result<(), Stop> {
        if !self.answered {
            self.phone.answer()?;
            self.answered = true;
        }
        Ok(())
    }

    /// The prompts with what the variables hold; a text of which nothing is left is left out.
    pub(super) fn filled(&mut self, prompts: impl IntoIterator<Item = &'a Prompt>) -> Vec<Spoken<'a>> {
        let mut filled = Vec::new();
        for prompt in prompts {
            let own = match prompt {
                Prompt::Say(words) if has_variables(words) => Prompt::Say(self.text(words)),
                Prompt::Speech(speech) if has_variables(&speech.text) => Prompt::Speech(Speech {
                    text: self.text(&speech.text),
                    language: speech.language.clone(),
                }),
                _ => {
                    filled.push(Cow::Borrowed(prompt));
                    continue;
                }
            };
            let (Prompt::Say(words) | Prompt::Speech(Speech { text: words, .. })) = &own else {
                continue;
            };
            if !words.trim().is_empty() {
                filled.push(Cow::Owned(own));
            }
        }
        filled
    }

    /// Plays; the caller is answered first. What cannot be played is logged and left out: a flow with a missing
    /// recording still takes its caller where he wants to go.
    pub(super) fn play(&mut self, prompts: &'a [Prompt]) -> Result<(), Stop> {
        let prompts = self.filled(prompts);
        if prompts.is_empty() {
            return Ok(());
        }
        self.answer()?;
        match self.phone.play(&prompts, self.frame.language) {
            Err(Fault::Media(why)) => {
                self.phone.warn(&format!("not played: {why}"));
                Ok(())
            }
            other => Ok(other?),
        }
    }

    /// Takes digits; the caller is answered first. Without its prompts, where they cannot be played.
    fn ask(&mut self, ask: Ask<'_>) -> Result<String, Stop> {
        self.answer()?;
        let digits = match self.phone.collect(&ask) {
            Err(Fault::Media(why)) if !ask.prompts.is_empty() => {
                self.phone.warn(&format!("not played: {why}"));
                self.phone.collect(&Ask {
                    prompts: Vec::new(),
                    ..ask
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

fn has_variables(words: &str) -> bool {
    text::variables(words).next().is_some()
}
