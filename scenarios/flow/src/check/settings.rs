//! What each node has set: ranges, lengths, digits, names.

use std::collections::BTreeSet;

use super::Whole;
use super::report::{Path, Report};
use crate::model::{
    Action, Assigned, Cause, Collect, Condition, Failure, Group, Http, Menu, Method, NodeId, Prompt, Set,
    Value,
};
use crate::problem::What;
use crate::text;

/// The most conditions in a node, and how deep they may be nested.
const CONDITIONS: (usize, usize) = (64, 16);

/// What a value in a header begins with that is a secret of the domain.
pub(crate) const SECRET: &str = "secret.";

/// Looks at an action of the flow `part`; `at` is the path of its kind.
pub(super) fn look(
    action: &Action,
    part: Option<&str>,
    at: &Path<'_>,
    whole: &Whole<'_>,
    report: &mut Report<'_>,
) {
    let mut look = Look { whole, report };
    match action {
        Action::Say(say) => look.prompts(&at.key("prompts"), &say.prompts, 1),
        Action::Menu(menu) => look.menu(at, menu),
        Action::Collect(collect) => look.collect(at, collect),
        Action::DialUser(dial) => {
            look.user(&at.key("user"), &dial.user);
            look.ring(at, dial.timeout_s);
            look.call_ends(at, dial.default.as_ref(), dial.on.len() == Failure::ALL);
        }
        Action::DialNumber(dial) => {
            look.number(&at.key("number"), &dial.number);
            look.ring(at, dial.timeout_s);
            look.call_ends(at, dial.default.as_ref(), dial.on.len() == Failure::ALL);
        }
        Action::Group(group) => look.group(at, group),
        // It may lead out of the domain.
        Action::Transfer(transfer) => look.value(&at.key("number"), &transfer.number),
        Action::Voicemail(voicemail) => {
            look.value(&at.key("box"), &voicemail.of);
            look.prompts(&at.key("greeting"), &voicemail.greeting, 0);
        }
        Action::If(fork) => {
            let mut count = 0;
            look.condition(&at.key("when"), &fork.when, 1, &mut count);
            look.report
                .count(&at.key("when"), count, 1, CONDITIONS.0, "conditions");
        }
        Action::Set(set) => look.set(at, set),
        Action::Http(http) => look.http(at, http),
        Action::Flow(run) => look.flow(&at.key("name"), &run.name, part),
        Action::Scenario(elsewhere) => look.number(&at.key("number"), &elsewhere.number),
        Action::HangUp(end) => {
            if let Cause::Status(status) = end.cause {
                let cause = at.key("cause");
                look.report.range(&cause.key("status"), status.into(), 400, 699);
            }
        }
        Action::GoBack(_) | Action::Repeat(_) | Action::Goto(_) => (),
    }
}

struct Look<'a, 'r, 'n> {
    whole: &'a Whole<'n>,
    report: &'a mut Report<'r>,
}

impl Look<'_, '_, '_> {
    fn menu(&mut self, at: &Path<'_>, menu: &Menu) {
        self.prompts(&at.key("greeting"), &menu.greeting, 0);
        self.prompts(&at.key("prompts"), &menu.prompts, 0);
        // The host plays up to 64 at once, and these two come together.
        let heard = menu.greeting.len() + menu.prompts.len();
        self.report
            .count(&at.key("prompts"), heard, 0, 64, "prompts with the greeting");
        if heard == 0 {
            self.report.warning(&at.key("prompts"), What::SilentMenu);
        }
        self.prompts(&at.key("timeout_prompts"), &menu.timeout_prompts, 0);
        self.prompts(&at.key("invalid_prompts"), &menu.invalid_prompts, 0);
        let choices = at.key("choices");
        self.report.count(&choices, menu.choices.len(), 1, 16, "choices");
        for digit in menu.choices.keys() {
            if digit.len() != 1 || !are_digits(digit) {
                self.report
                    .error(&choices.key(digit), What::BadDigit(digit.clone()));
            }
        }
        self.report
            .range(&at.key("timeout_ms"), menu.timeout_ms, 1, 600_000);
        self.report.range(&at.key("retries"), menu.retries, 0, 10);
        let covered = menu.on_timeout.is_some() && menu.on_invalid.is_some();
        self.call_ends(at, menu.default.as_ref(), covered);
    }

    fn collect(&mut self, at: &Path<'_>, collect: &Collect) {
        self.prompts(&at.key("prompts"), &collect.prompts, 0);
        self.prompts(&at.key("invalid_prompts"), &collect.invalid_prompts, 0);
        self.name(&at.key("into"), &collect.into);
        self.report.range(&at.key("min"), collect.min, 1, 64);
        self.report
            .range(&at.key("max"), collect.max, collect.min.clamp(1, 64), 64);
        if !are_digits(&collect.terminators) {
            let what = What::BadDigit(collect.terminators.clone());
            self.report.error(&at.key("terminators"), what);
        }
        self.report
            .range(&at.key("timeout_ms"), collect.timeout_ms, 1, 600_000);
        self.report
            .range(&at.key("digit_timeout_ms"), collect.digit_timeout_ms, 1, 600_000);
        self.report.range(&at.key("retries"), collect.retries, 0, 10);
        self.call_ends(at, collect.default.as_ref(), false);
    }

    fn group(&mut self, at: &Path<'_>, group: &Group) {
        let users = at.key("users");
        self.report.count(&users, group.users.len(), 1, 16, "users");
        let mut seen = BTreeSet::new();
        for (index, user) in group.users.iter().enumerate() {
            let at = users.index(index);
            self.user(&at, user);
            if !seen.insert(user) {
                self.report.warning(&at, What::DuplicateUser(user.clone()));
            }
        }
        self.ring(at, group.timeout_s);
        self.call_ends(at, group.default.as_ref(), group.on.len() == Failure::ALL);
    }

    fn set(&mut self, at: &Path<'_>, set: &Set) {
        self.name(&at.key("variable"), &set.variable);
        let value = at.key("value");
        match &set.value {
            Assigned::Fixed(text) => self.characters(&value.key("fixed"), text, 0),
            Assigned::Variable(name) => self.variable(&value.key("variable"), name),
            Assigned::Text(text) => {
                self.characters(&value.key("text"), text, 0);
                self.names_in(&value.key("text"), text);
            }
        }
    }

    fn http(&mut self, at: &Path<'_>, http: &Http) {
        let url = at.key("url");
        if !is_url(&http.url) {
            self.report.error(&url, What::BadUrl(http.url.clone()));
        }
        self.report.count(&url, http.url.len(), 1, 2_048, "bytes");
        self.names_in(&url, &http.url);
        let headers = at.key("headers");
        self.report.count(&headers, http.headers.len(), 0, 16, "headers");
        for (name, value) in &http.headers {
            self.header(&headers.key(name), name, value);
        }
        let body = at.key("body");
        self.report.count(&body, http.body.len(), 0, 65_536, "bytes");
        self.names_in(&body, &http.body);
        if self.report.warns && http.method == Method::Post && !http.body.is_empty() && http.sends_json() {
            let filled = text::fill_json(&http.body, |_| "0".to_owned());
            if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&filled) {
                self.report.warning(&body, What::BadJson(error.to_string()));
            }
        }
        self.report.range(&at.key("timeout_s"), http.timeout_s, 1, 60);
        let into = at.key("into");
        self.report.count(&into, http.into.len(), 0, 64, "variables");
        for (name, pointer) in &http.into {
            let at = into.key(name);
            self.name(&at, name);
            if !pointer.is_empty() && !pointer.starts_with('/') {
                self.report.error(&at, What::BadPointer(pointer.clone()));
            }
        }
        self.call_ends(at, http.default.as_ref(), false);
    }

    fn header(&mut self, at: &Path<'_>, name: &str, value: &str) {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if !(1..=64).contains(&name.len()) || !name.bytes().all(is_token) {
            let why = format!("{name:?} is no name of a header");
            self.report.error(at, What::BadHeader(why));
        }
        if value.len() > 4_096 || !value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            let why = "a value is printable ASCII, at most 4096 bytes".to_owned();
            self.report.error(at, What::BadHeader(why));
        }
        for variable in text::variables(value) {
            match variable.strip_prefix(SECRET) {
                None => self.variable(at, variable),
                Some(secret) if value.ends_with(&format!("{{{variable}}}")) && !secret.is_empty() => (),
                Some(_) => {
                    let why = "a secret is the end of a value".to_owned();
                    self.report.error(at, What::BadHeader(why));
                }
            }
        }
    }

    fn flow(&mut self, at: &Path<'_>, name: &str, part: Option<&str>) {
        self.report.count(at, name.len(), 1, 64, "bytes");
        if name.is_empty() {
            return;
        }
        if !self.whole.has_flow(name) {
            self.report.error(at, What::UnknownFlow(name.to_owned()));
        }
        if self.report.warns && self.whole.comes_back(name, part) {
            self.report.warning(at, What::CallsItself(name.to_owned()));
        }
    }

    fn condition(&mut self, at: &Path<'_>, condition: &Condition, depth: usize, count: &mut usize) {
        *count += 1;
        if depth > CONDITIONS.1 {
            let why = format!("it is nested deeper than {}", CONDITIONS.1);
            self.report.error(at, What::Malformed(why));
            return;
        }
        match condition {
            Condition::Equals(left, right) => self.pair(&at.key("equals"), left, right),
            Condition::Less(left, right) => self.pair(&at.key("less"), left, right),
            Condition::Matches(value, pattern) => {
                let at = at.key("matches");
                self.operand(&at.index(0), value);
                self.report.count(&at.index(1), pattern.len(), 1, 1_024, "bytes");
            }
            Condition::Open(name) => {
                let at = at.key("open");
                self.report.count(&at, name.len(), 1, 256, "bytes");
                let schedules = self.whole.known.schedules;
                self.domain_has(&at, name, schedules, What::UnknownSchedule);
            }
            Condition::All(parts) => self.conditions(&at.key("all"), parts, depth, count),
            Condition::Any(parts) => self.conditions(&at.key("any"), parts, depth, count),
            Condition::Not(part) => self.condition(&at.key("not"), part, depth + 1, count),
        }
    }

    fn conditions(&mut self, at: &Path<'_>, parts: &[Condition], depth: usize, count: &mut usize) {
        if parts.is_empty() {
            self.report.error(at, What::EmptyCondition);
        }
        for (index, part) in parts.iter().enumerate() {
            self.condition(&at.index(index), part, depth + 1, count);
        }
    }

    fn pair(&mut self, at: &Path<'_>, left: &Value, right: &Value) {
        self.operand(&at.index(0), left);
        self.operand(&at.index(1), right);
    }

    /// A value that may be empty: an answer's field that was not there is.
    fn operand(&mut self, at: &Path<'_>, value: &Value) {
        match value {
            Value::Fixed(text) => self.characters(&at.key("fixed"), text, 0),
            Value::Variable(name) => self.variable(&at.key("variable"), name),
        }
    }

    fn value(&mut self, at: &Path<'_>, value: &Value) {
        match value {
            Value::Fixed(text) => self.report.count(&at.key("fixed"), text.len(), 1, 256, "bytes"),
            Value::Variable(name) => self.variable(&at.key("variable"), name),
        }
    }

    fn number(&mut self, at: &Path<'_>, value: &Value) {
        self.value(at, value);
        if let Value::Fixed(number) = value
            && !number.is_empty()
            && let Some(leads) = self.whole.known.numbers
            && !leads(number)
            && !self.whole.known.users.is_some_and(|users| users.contains(number))
        {
            let what = What::UnknownNumber(number.clone());
            self.report.warning(&at.key("fixed"), what);
        }
    }

    fn user(&mut self, at: &Path<'_>, name: &str) {
        self.report.count(at, name.len(), 1, 256, "bytes");
        let users = self.whole.known.users;
        self.domain_has(at, name, users, What::UnknownUser);
    }

    /// A warning: it may be made later, and the flow runs all the same.
    fn domain_has(
        &mut self,
        at: &Path<'_>,
        name: &str,
        names: Option<&BTreeSet<String>>,
        what: fn(String) -> What,
    ) {
        if !name.is_empty() && names.is_some_and(|names| !names.contains(name)) {
            self.report.warning(at, what(name.to_owned()));
        }
    }

    fn ring(&mut self, at: &Path<'_>, timeout_s: u32) {
        self.report.range(&at.key("timeout_s"), timeout_s, 1, 600);
    }

    fn call_ends(&mut self, at: &Path<'_>, default: Option<&NodeId>, covered: bool) {
        if default.is_none() && !covered {
            self.report.warning(&at.key("default"), What::CallEnds);
        }
    }

    /// The name of a variable that is set.
    fn name(&mut self, at: &Path<'_>, name: &str) {
        self.report.count(at, name.len(), 1, 64, "bytes");
        if !name.is_empty() && !text::is_name(name) {
            self.report.warning(at, What::BadName(name.to_owned()));
        }
    }

    /// A variable that is read.
    fn variable(&mut self, at: &Path<'_>, name: &str) {
        if self.whole.variables.contains(name) {
            return;
        }
        let what = What::UnknownVariable(name.to_owned());
        if self.whole.is_open {
            self.report.warning(at, what);
        } else {
            self.report.error(at, what);
        }
    }

    /// Those that a text reads.
    fn names_in(&mut self, at: &Path<'_>, text: &str) {
        for name in text::variables(text) {
            self.variable(at, name);
        }
    }

    fn characters(&mut self, at: &Path<'_>, text: &str, least: usize) {
        let count = text.chars().count();
        self.report.count(at, count, least, text::MOST, "characters");
    }

    fn prompts(&mut self, at: &Path<'_>, prompts: &[Prompt], least: usize) {
        self.report.count(at, prompts.len(), least, 64, "prompts");
        for (index, prompt) in prompts.iter().enumerate() {
            self.prompt(&at.index(index), prompt);
        }
    }

    fn prompt(&mut self, at: &Path<'_>, prompt: &Prompt) {
        match prompt {
            Prompt::Say(text) => self.spoken(&at.key("say"), text),
            Prompt::Speech(speech) => {
                let at = at.key("speech");
                self.spoken(&at.key("text"), &speech.text);
            }
            Prompt::File(name) => {
                let at = at.key("file");
                self.report.count(&at, name.len(), 1, 256, "bytes");
                let has = |names: &BTreeSet<String>| {
                    names.contains(name)
                        || names.contains(&format!("{name}.wav"))
                        || name
                            .strip_suffix(".wav")
                            .is_some_and(|plain| names.contains(plain))
                };
                if !name.is_empty() && self.whole.known.prompts.is_some_and(|names| !has(names)) {
                    self.report.warning(&at, What::UnknownPrompt(name.clone()));
                }
            }
            Prompt::SilenceMs(time_ms) => self.report.range(&at.key("silence_ms"), *time_ms, 1, 600_000),
            Prompt::Tone(tone) => {
                let at = at.key("tone");
                self.report.range(&at.key("hz"), tone.hz.into(), 20, 3_800);
                if let Some(hz) = tone.second_hz {
                    self.report.range(&at.key("second_hz"), hz.into(), 20, 3_800);
                }
                self.report
                    .range(&at.key("duration_ms"), tone.duration_ms, 1, 600_000);
            }
        }
    }

    fn spoken(&mut self, at: &Path<'_>, text: &str) {
        self.characters(at, text, 1);
        self.names_in(at, text);
        if !text.is_empty() && text.trim().is_empty() {
            self.report.warning(at, What::EmptyPrompt);
        }
    }
}

fn are_digits(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'*' | b'#' | b'A'..=b'D'))
}

/// An absolute URL of http or https whose host is written out: who calls does not choose whom we ask. The host of the
/// calls looks closer when it is asked.
fn is_url(url: &str) -> bool {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        !host.is_empty()
            && !host.starts_with(':')
            && host.bytes().all(plain)
            && !url
                .chars()
                .any(|letter| letter.is_whitespace() || letter.is_control())
    })
}
