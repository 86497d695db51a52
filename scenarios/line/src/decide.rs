//! Which rule decides, and why.

use std::collections::BTreeMap;
use std::fmt;

use pattern::Pattern;

use crate::table::{Prompt, Rule, Table, To, When};

/// A call, as rules look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call<'a> {
    /// The dialled number.
    pub called: &'a str,
    /// Who calls; none: the number is withheld.
    pub caller: Option<&'a str>,
}

impl<'a> Call<'a> {
    /// A call of this caller, as From has it: who is anonymous (RFC 3323 §4.1.1.3) withholds the number.
    pub fn new(called: &'a str, caller: &'a str) -> Self {
        let withheld = caller.is_empty() || caller.eq_ignore_ascii_case("anonymous");
        Self {
            called,
            caller: (!withheld).then_some(caller),
        }
    }
}

/// What opening hours say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Open.
    Open,
    /// Closed.
    Closed,
    /// Closed, for the holiday of this name.
    Holiday(String),
}

/// Where a call goes, and how that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<'a> {
    /// The rules that were looked at, in order; the last of them decides, unless `rule` is none.
    pub looked: Vec<Look<'a>>,
    /// The place of the rule that decides, from 0; none: no rule fits.
    pub rule: Option<usize>,
    /// What the caller hears first.
    pub before: Option<&'a Prompt>,
    /// Where the call goes.
    pub to: &'a To,
}

/// A rule that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look<'a> {
    /// Its place, from 0.
    pub index: usize,
    /// What people call it; may be empty.
    pub name: &'a str,
    /// What holds of the call; the last one is what does not, where the rule does not fit.
    pub facts: Vec<Fact<'a>>,
}

impl Look<'_> {
    /// Whether the rule fits the call.
    pub fn fits(&self) -> bool {
        self.facts.iter().all(Fact::holds)
    }
}

impl fmt::Display for Look<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rule {}", self.index + 1)?;
        if !self.name.is_empty() {
            write!(f, ", {}", self.name)?;
        }
        f.write_str(if self.fits() {
            " decides: "
        } else {
            " does not fit: "
        })?;
        for (at, fact) in self.facts.iter().enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            fact.fmt(f)?;
        }
        Ok(())
    }
}

/// Something that holds of a call, or does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact<'a> {
    /// The rule is switched off.
    Disabled,
    /// The rule has no conditions.
    Always,
    /// The dialled number is one of the rule's: the pattern that it is; none: it is none of them.
    Called(&'a str, Option<&'a Pattern>),
    /// The caller is one of the rule's: the pattern; none: it is none of them.
    Caller(&'a str, Option<&'a Pattern>),
    /// The caller withholds the number: whether that fits.
    Withheld(bool),
    /// The opening hours of this name are to be something, and are something; none: that is not known.
    Schedule(&'a str, When, Option<State>),
}

impl Fact<'_> {
    /// Whether it lets the rule fit.
    pub fn holds(&self) -> bool {
        match self {
            Self::Disabled => false,
            Self::Always => true,
            Self::Called(_, pattern) | Self::Caller(_, pattern) => pattern.is_some(),
            Self::Withheld(fits) => *fits,
            Self::Schedule(_, When::Open, state) => matches!(state, None | Some(State::Open)),
            Self::Schedule(_, When::Closed, state) => {
                matches!(state, Some(State::Closed | State::Holiday(_)))
            }
            Self::Schedule(_, When::Holiday, state) => matches!(state, Some(State::Holiday(_))),
        }
    }

    /// What it is about, as a word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Always => "always",
            Self::Called(..) => "called",
            Self::Caller(..) => "caller",
            Self::Withheld(_) => "withheld",
            Self::Schedule(_, _, Some(_)) => "schedule",
            Self::Schedule(_, _, None) => "schedule_unknown",
        }
    }
}

impl fmt::Display for Fact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => f.write_str("it is switched off"),
            Self::Always => f.write_str("it has no conditions"),
            Self::Called(number, Some(pattern)) => write!(f, "{number} was dialled, which is {pattern}"),
            Self::Called(number, None) => write!(f, "{number} was dialled, which is none of its numbers"),
            Self::Caller(number, Some(pattern)) => write!(f, "{number} calls, which is {pattern}"),
            Self::Caller(number, None) => write!(f, "{number} calls, which is none of its callers"),
            Self::Withheld(_) => f.write_str("the caller withholds the number"),
            Self::Schedule(name, _, Some(State::Open)) => write!(f, "{name} is open"),
            Self::Schedule(name, _, Some(State::Closed)) => write!(f, "{name} is closed"),
            Self::Schedule(name, _, Some(State::Holiday(day))) => write!(f, "{name} is closed for {day}"),
            Self::Schedule(name, _, None) => {
                write!(f, "the hours {name} cannot be looked up and count as open")
            }
        }
    }
}

/// Decides: the first rule that fits. `hours` says what opening hours are, once of each name; none: that is not known.
pub fn decide<'a>(
    table: &'a Table,
    call: &Call<'a>,
    hours: &mut dyn FnMut(&str) -> Option<State>,
) -> Decision<'a> {
    let mut known: BTreeMap<&str, Option<State>> = BTreeMap::new();
    let mut hours = |name: &'a str| known.entry(name).or_insert_with(|| hours(name)).clone();
    let mut looked = Vec::new();
    for (index, rule) in table.rules.iter().enumerate() {
        let look = Look {
            index,
            name: &rule.name,
            facts: facts(rule, call, &mut hours),
        };
        let fits = look.fits();
        looked.push(look);
        if fits {
            return Decision {
                looked,
                rule: Some(index),
                before: rule.before.as_ref(),
                to: &rule.to,
            };
        }
    }
    Decision {
        looked,
        rule: None,
        before: None,
        to: &table.otherwise,
    }
}

/// What holds, up to the first that does not: hours are looked up only where all else fits.
fn facts<'a>(
    rule: &'a Rule,
    call: &Call<'a>,
    hours: &mut dyn FnMut(&'a str) -> Option<State>,
) -> Vec<Fact<'a>> {
    if !rule.enabled {
        return vec![Fact::Disabled];
    }
    let mut facts = Vec::new();
    if !rule.called.is_empty() {
        facts.push(Fact::Called(call.called, one_of(&rule.called, call.called)));
    }
    let goes_on = |facts: &[Fact<'_>]| facts.iter().all(Fact::holds);
    if goes_on(&facts) && (rule.withheld || !rule.caller.is_empty()) {
        facts.push(match call.caller {
            Some(number) => Fact::Caller(number, one_of(&rule.caller, number)),
            None => Fact::Withheld(rule.withheld),
        });
    }
    if let Some(name) = rule.schedule.as_deref().filter(|_| goes_on(&facts)) {
        facts.push(Fact::Schedule(name, rule.when, hours(name)));
    }
    if facts.is_empty() {
        facts.push(Fact::Always);
    }
    facts
}

fn one_of<'a>(patterns: &'a [Pattern], number: &str) -> Option<&'a Pattern> {
    patterns.iter().find(|pattern| pattern.matches(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = r#"{"rules": [
        {"name": "Old", "enabled": false, "to": {"hang_up": "busy"}},
        {"name": "Friends", "caller": ["+49170*", "301"], "to": {"user": {"user": "301"}}},
        {"name": "Hidden", "withheld": true, "to": {"hang_up": "declined"}},
        {"name": "Holiday", "called": ["+4930901XXX"], "schedule": "office", "when": "holiday", "to": {"voicemail": {"box": "301"}}},
        {"name": "Day", "called": ["+4930901XXX", "+49309020"], "schedule": "office", "to": {"number": {"number": "302"}}},
        {"name": "Night", "schedule": "office", "when": "closed", "to": {"scenario": {"number": "700"}}}],
        "otherwise": {"hang_up": "not_found"}}"#;

    /// The name of the rule that decides, or nothing, and why all looked at did or did not.
    fn decided(call: Call<'_>, state: Option<State>) -> (String, Vec<String>) {
        let table = Table::parse(TABLE).unwrap();
        let mut asked = 0;
        let decision = decide(&table, &call, &mut |name| {
            assert_eq!(name, "office");
            asked += 1;
            state.clone()
        });
        let name = decision.rule.map(|index| table.rules[index].name.clone());
        let why: Vec<_> = decision.looked.iter().map(ToString::to_string).collect();
        assert!(asked <= 1, "hours are looked up once");
        (name.unwrap_or_default(), why)
    }

    fn call<'a>(called: &'a str, caller: &'a str) -> Call<'a> {
        Call::new(called, caller)
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let holiday = || Some(State::Holiday("Easter".into()));
        for (called, caller, state, rule) in [
            ("+4930901100", "+491701", None, "Friends"),
            ("+4930901100", "anonymous", None, "Hidden"),
            ("+4930901100", "", Some(State::Open), "Hidden"),
            ("+4930901100", "+4930", Some(State::Open), "Day"),
            ("+49309020", "+4930", Some(State::Open), "Day"),
            ("+4930901100", "+4930", holiday(), "Holiday"),
            ("+49309020", "+4930", holiday(), "Night"),
            ("+4930901100", "+4930", Some(State::Closed), "Night"),
            ("+4930901100", "+4930", None, "Day"),
            ("+49309021", "+4930", Some(State::Open), ""),
        ] {
            let found = decided(call(called, caller), state.clone()).0;
            assert_eq!(found, rule, "{caller} dials {called}, {state:?}");
        }
    }

    #[test]
    fn each_rule_says_why() {
        let (_, why) = decided(call("+4930901100", "+4930"), Some(State::Closed));
        assert_eq!(
            why,
            [
                "Rule 1, Old does not fit: it is switched off",
                "Rule 2, Friends does not fit: +4930 calls, which is none of its callers",
                "Rule 3, Hidden does not fit: +4930 calls, which is none of its callers",
                "Rule 4, Holiday does not fit: +4930901100 was dialled, which is +4930901XXX; office is closed",
                "Rule 5, Day does not fit: +4930901100 was dialled, which is +4930901XXX; office is closed",
                "Rule 6, Night decides: office is closed",
            ]
        );
        let (_, why) = decided(call("+49309020", "+4930"), None);
        let last = why.last().unwrap();
        assert!(
            last.ends_with("which is +49309020; the hours office cannot be looked up and count as open"),
            "{last}"
        );
    }

    #[test]
    fn who_withholds_the_number_is_no_caller_of_a_pattern() {
        let text = r#"{"rules": [{"name": "Shown", "caller": ["*"], "to": "fall_back"}]}"#;
        let table = Table::parse(text).unwrap();
        let rule = |caller| decide(&table, &call("1", caller), &mut |_| None).rule;
        assert_eq!((rule("301"), rule("Anonymous")), (Some(0), None));
    }

    #[test]
    fn a_rule_without_conditions_takes_all_and_says_so() {
        let table = Table::parse(r#"{"rules": [{"to": "fall_back"}]}"#).unwrap();
        let decision = decide(&table, &call("1", "2"), &mut |_| None);
        assert_eq!(
            decision.looked[0].to_string(),
            "Rule 1 decides: it has no conditions"
        );
        assert_eq!(decision.looked[0].facts[0].code(), "always");
    }
}
