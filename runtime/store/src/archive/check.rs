//! What is wrong with a document that came from outside: all of it, so that it is put right at once.

use std::collections::HashSet;
use std::hash::Hash;

use super::{
    Archive, ArchiveProblem, ArchivedCanary, ArchivedDomain, ArchivedNumber, ArchivedUser, ArchivedVersion,
    Components, FORMAT, VERSIONS_MOST,
};
use crate::contacts::CONTACTS_MOST;
use crate::domains::{checked_host, checked_language, checked_realm, checked_sender, checked_time_zone, now};
use crate::entry_points::{ENTRY_POINTS_MOST, checked_cause, checked_config, checked_number, checked_title};
use crate::error::at_most;
use crate::flows::{DOCUMENT_MOST as FLOW_MOST, FLOWS_MOST};
use crate::grants::checked_names;
use crate::http_hosts::HTTP_HOSTS_MOST;
use crate::modules::{check_name, check_note};
use crate::retention::checked_keep;
use crate::schedules::SCHEDULES_MOST;
use crate::signatures::{KEYS_MOST, checked_key_name};
use crate::voicemail::{BOXES_MOST, checked_new_box};
use crate::worlds::{fits, no_canary_but_of_calls};
use crate::{Canary, Credentials, Keep, NewUser, PublicKey, StoreError, contacts, numbers, schedules};

/// Problems that are told of one document.
pub const PROBLEMS_MOST: usize = 200;

impl Archive {
    /// All that keeps a domain from being made of it, at most 200; `components` are those that are at hand. What else is
    /// wrong with a component, or missing, is not looked at.
    pub fn problems(&self, components: &Components) -> Vec<ArchiveProblem> {
        let mut found = Found::default();
        if self.format != FORMAT {
            let words = format!("it is {}, and this release reads {FORMAT} only", self.format);
            found.words("format", words);
        }
        found.domain(&self.domain);
        found.users(&self.users);
        found.versions(self);
        found.numbers(self, components);
        found.rest(self);
        found.of_scenarios(self);
        found.0
    }
}

/// What was found so far.
#[derive(Default)]
struct Found(Vec<ArchiveProblem>);

impl Found {
    fn words(&mut self, at: impl Into<String>, detail: impl Into<String>) {
        if self.0.len() < PROBLEMS_MOST {
            self.0.push(ArchiveProblem {
                at: at.into(),
                detail: detail.into(),
            });
        }
    }

    fn is_good<T>(&mut self, at: &str, checked: Result<T, StoreError>) {
        if let Err(error) = checked {
            self.words(at, error.to_string());
        }
    }

    /// Tells what is there twice.
    fn once<T: Hash + Eq>(&mut self, seen: &mut HashSet<T>, key: T, at: &str) {
        if !seen.insert(key) {
            self.words(at, "it is there twice");
        }
    }

    fn at_most(&mut self, what: &str, number: usize, most: usize) {
        if number > most {
            self.words(
                what,
                format!("there are {number}, and a domain has at most {most}"),
            );
        }
    }

    fn domain(&mut self, domain: &ArchivedDomain) {
        const AT: &str = "domain";
        self.is_good(AT, checked_host(&domain.name));
        self.is_good(AT, checked_realm(&domain.realm));
        self.is_good(AT, checked_time_zone(&domain.time_zone));
        self.is_good(AT, checked_language(&domain.language));
        for (what, time) in [
            ("time to keep journals", domain.keep.journals),
            ("time to keep call records", domain.keep.calls),
        ] {
            self.is_good(AT, checked_keep(what, time.map(Keep::For)));
        }
        self.is_good(AT, domain.limits.checked());
        self.is_good(
            AT,
            checked_sender(domain.mail_sender.as_deref().unwrap_or_default()),
        );
        self.is_good(
            AT,
            checked_names(
                domain.grants.as_deref().unwrap_or_default(),
                "grants in one domain",
            ),
        );
    }

    fn users(&mut self, users: &[ArchivedUser]) {
        let (mut names, mut taken) = (HashSet::new(), HashSet::new());
        for user in users {
            let at = format!("user {}", user.name);
            self.once(&mut names, &user.name, &at);
            self.is_good(&at, new_user(user).checked());
            for number in &user.numbers {
                self.is_good(&at, numbers::checked_number(number));
                if !taken.insert(number) {
                    self.words(&at, format!("the number {number} is given twice"));
                }
            }
        }
    }

    fn versions(&mut self, archive: &Archive) {
        self.at_most("scenarios", archive.scenarios.len(), VERSIONS_MOST);
        let flows: HashSet<&String> = archive.flows.iter().map(|flow| &flow.name).collect();
        let mut seen = HashSet::new();
        for version in &archive.scenarios {
            let at = named(version);
            self.once(&mut seen, (&version.name, &version.hash), &at);
            self.is_good(&at, check_name(&version.name));
            self.is_good(&at, check_note(&version.note));
            if !is_hash(&version.hash) {
                self.words(
                    &at,
                    "its version is 64 lower-case hexadecimal digits, a BLAKE3 hash",
                );
            }
            if let Some(key) = &version.signed_by {
                self.is_good(&at, key.parse::<PublicKey>());
            }
            if !version.from_flow && flows.contains(&version.name) {
                self.words(&at, "a flow has its name, and it was not published from a flow");
            }
        }
    }

    fn numbers(&mut self, archive: &Archive, components: &Components) {
        self.at_most("numbers", archive.numbers.len(), ENTRY_POINTS_MOST);
        let there: HashSet<(&str, &str)> = archive
            .scenarios
            .iter()
            .map(|version| (version.name.as_str(), version.hash.as_str()))
            .collect();
        let mut seen = HashSet::new();
        for entry in &archive.numbers {
            let at = format!("number {}", entry.number);
            self.once(&mut seen, &entry.number, &at);
            self.is_good(&at, checked_number(&entry.number));
            self.is_good(&at, checked_title(&entry.title));
            self.is_good(&at, checked_config(entry.settings.get()));
            self.is_good(&at, checked_cause(&entry.fallback_cause));
            for (scenario, version) in versions_of(entry) {
                if !there.contains(&(scenario, version)) {
                    self.words(
                        &at,
                        format!("there is no version {} of {scenario}", short(version)),
                    );
                } else if let Some(component) = components.get(version) {
                    self.is_good(&at, fits(&entry.number, scenario, &component.world));
                }
            }
            if let Some(fallback) = &entry.fallback {
                self.is_good(&at, checked_config(fallback.settings.get()));
            }
            if let Some(canary) = &entry.canary {
                self.is_good(&at, no_canary_but_of_calls(&entry.number));
                self.is_good(&at, canary_of(canary).checked());
                if canary.version == entry.version {
                    self.words(&at, "its canary is the version that it starts");
                }
            }
        }
    }

    fn rest(&mut self, archive: &Archive) {
        let mut seen = HashSet::new();
        self.at_most("schedules", archive.schedules.len(), SCHEDULES_MOST);
        for schedule in &archive.schedules {
            let at = format!("schedule {}", schedule.name);
            self.once(&mut seen, &schedule.name, &at);
            self.is_good(&at, schedules::checked(&schedule.name, schedule.document.get()));
        }
        seen.clear();
        self.at_most("flows", archive.flows.len(), FLOWS_MOST);
        for flow in &archive.flows {
            let at = format!("flow {}", flow.name);
            self.once(&mut seen, &flow.name, &at);
            self.is_good(&at, check_name(&flow.name));
            self.is_good(&at, at_most("flow", flow.document.get().len(), FLOW_MOST));
        }
        seen.clear();
        self.at_most("voicemail boxes", archive.voicemail_boxes.len(), BOXES_MOST);
        for own in &archive.voicemail_boxes {
            let at = format!("voicemail box {}", own.name);
            self.once(&mut seen, &own.name, &at);
            self.is_good(&at, checked_new_box(&own.name, own.keep()));
        }
        self.contacts(archive);
        self.keys_and_hosts(archive);
    }

    fn contacts(&mut self, archive: &Archive) {
        self.at_most("contacts", archive.contacts.len(), CONTACTS_MOST);
        let mut seen = HashSet::new();
        for contact in &archive.contacts {
            let at = format!("contact {}", contact.name.replace(char::is_control, " "));
            self.once(&mut seen, (&contact.name, &contact.company), &at);
            self.is_good(&at, contacts::check(contact));
        }
    }

    fn keys_and_hosts(&mut self, archive: &Archive) {
        self.at_most("signing keys", archive.signing_keys.len(), KEYS_MOST);
        let (mut names, mut keys) = (HashSet::new(), HashSet::new());
        for key in &archive.signing_keys {
            let at = format!("signing key {}", key.name.replace(char::is_control, " "));
            self.once(&mut names, &key.name, &at);
            self.is_good(&at, checked_key_name(&key.name));
            match key.public_key.parse::<PublicKey>() {
                Ok(public) => self.once(&mut keys, public.to_string(), &at),
                Err(error) => self.words(&at, error.to_string()),
            }
        }
        self.at_most("HTTP hosts", archive.http_hosts.len(), HTTP_HOSTS_MOST);
        let mut seen = HashSet::new();
        for host in &archive.http_hosts {
            let pattern = host.pattern.to_string();
            let at = format!("HTTP host {pattern}");
            self.once(&mut seen, pattern, &at);
        }
    }

    fn of_scenarios(&mut self, archive: &Archive) {
        for (scenario, limits) in &archive.scenario_limits {
            let at = format!("limits of the scenario {scenario}");
            self.is_good(&at, check_name(scenario));
            self.is_good(&at, limits.checked_of_module());
        }
        for (scenario, grants) in &archive.scenario_grants {
            let at = format!("grants of the scenario {scenario}");
            self.is_good(&at, check_name(scenario));
            let names = grants.interfaces.as_deref().unwrap_or_default();
            self.is_good(&at, checked_names(names, "grants of one scenario"));
            let hosts = grants.http_hosts.as_ref().map_or(0, Vec::len);
            self.at_most(&at, hosts, HTTP_HOSTS_MOST);
        }
    }
}

/// The versions that an entry point needs, by scenario and hash.
fn versions_of(entry: &ArchivedNumber) -> impl Iterator<Item = (&str, &str)> {
    let own = [
        Some(&entry.version),
        entry.previous.as_ref(),
        entry.canary.as_ref().map(|canary| &canary.version),
    ];
    let own = own
        .into_iter()
        .flatten()
        .map(|hash| (entry.scenario.as_str(), hash.as_str()));
    let other = entry.fallback.as_ref();
    own.chain(other.map(|fallback| (fallback.scenario.as_str(), fallback.version.as_str())))
}

/// What a version is called where something is said of it.
fn named(version: &ArchivedVersion) -> String {
    format!("scenario {} {}", version.name, short(&version.hash))
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// Whether a text is a hash as files are named by it: it leads nowhere else.
pub fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

pub(super) fn new_user(user: &ArchivedUser) -> NewUser {
    NewUser {
        name: user.name.clone(),
        display_name: user.display_name.clone(),
        credentials: Credentials {
            ha1_md5: user.ha1_md5.clone(),
            ha1_sha256: user.ha1_sha256.clone(),
        },
    }
}

/// It begins now: the calls that judge it are those of this server.
pub(super) fn canary_of(canary: &ArchivedCanary) -> Canary {
    Canary {
        hash: canary.version.clone(),
        share_percent: canary.share_percent,
        window: canary.window,
        margin: canary.margin,
        fewest: canary.fewest,
        promote_after: canary.promote_after,
        began_at: now(),
    }
}
