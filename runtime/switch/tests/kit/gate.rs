//! A media gate: it gives ports, ends plays when their length has passed, and tells what it has.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tandem_bus::media::{
    Agreed, Command, EndpointId, Event, Existing, PlayEnd, PlayId, Prompt, RecordEnd, RecordId, RecordRule,
    Refusal, RtpPosition, SendId, Statistics,
};
use tandem_sip::Moment;

use super::{ms, secs};

/// An endpoint.
#[derive(Debug, Clone)]
pub struct Endpoint {
    local: SocketAddr,
    position: RtpPosition,
    /// What was agreed.
    pub agreed: Option<Agreed>,
    /// The last playback, and when it ends by itself while it is under way.
    pub play: Option<(PlayId, Playing)>,
    send: Option<SendId>,
    /// The other side of its pair.
    pub joined: Option<EndpointId>,
    record: Option<RecordId>,
    recording: Option<(RecordRule, Moment)>,
}

/// Whether a playback is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Playing {
    /// It ends then.
    Until(Moment),
    /// It repeats.
    On,
    /// It has ended.
    Over,
}

/// The fake media gate.
#[derive(Debug, Default)]
pub struct Gate {
    /// All commands so far.
    pub commands: Vec<Command>,
    /// Refuses to open from now on.
    pub refuses: Option<Refusal>,
    /// Nothing reaches it.
    pub is_dead: bool,
    /// What it has.
    pub open: BTreeMap<EndpointId, Endpoint>,
    pub(super) next_port: u16,
    /// Files of recordings, by name, and when each was begun: they outlive a gate.
    pub files: BTreeMap<String, Moment>,
}

impl Gate {
    /// Does what it is told.
    pub fn handle(&mut self, command: &Command, now: Moment) -> Vec<Event> {
        if self.is_dead {
            return Vec::new();
        }
        self.commands.push(command.clone());
        match command {
            Command::Open { endpoint, .. } => {
                self.next_port = self.next_port.wrapping_add(2);
                let port = 20_000_u16.wrapping_add(self.next_port);
                let local = SocketAddr::from(([127, 0, 0, 1], port));
                self.open(*endpoint, local, position(now))
            }
            Command::Restore {
                endpoint,
                local,
                position,
                ..
            } => {
                self.next_port = self.next_port.max(local.port().saturating_sub(20_000));
                self.open(*endpoint, *local, *position)
            }
            Command::Report { shard } => vec![Event::Reported {
                shard: *shard,
                endpoints: self.open.iter().map(|(id, it)| it.tell(*id)).collect(),
            }],
            Command::Agree { endpoint, agreed } => {
                self.at(*endpoint, |it| it.agreed = Some(agreed.clone()));
                Vec::new()
            }
            Command::Play {
                endpoint,
                play,
                prompts,
                repeat,
                from_ms,
            } => self.play(*endpoint, *play, prompts, *repeat, *from_ms, now),
            Command::Stop { endpoint, play } => {
                let under_way = self
                    .open
                    .get(endpoint)
                    .is_some_and(|it| it.play.is_some_and(|(id, _)| id == *play));
                if under_way {
                    self.stop(*endpoint)
                } else {
                    Vec::new()
                }
            }
            Command::SendDigits { endpoint, send, .. } => {
                let known = self.open.get(endpoint).is_none_or(|it| it.send == Some(*send));
                self.at(*endpoint, |it| it.send = Some(*send));
                let sent = Event::DigitsSent {
                    endpoint: *endpoint,
                    send: *send,
                    sent: true,
                };
                if known { Vec::new() } else { vec![sent] }
            }
            Command::Join { a, b } => {
                let events = [self.stop(*a), self.stop(*b)].concat();
                self.at(*a, |it| it.joined = Some(*b));
                self.at(*b, |it| it.joined = Some(*a));
                events
            }
            Command::Part { a, b } => {
                self.at(*a, |it| it.joined = None);
                self.at(*b, |it| it.joined = None);
                Vec::new()
            }
            Command::Close { endpoint } => {
                let mut events = self.stop(*endpoint);
                events.extend(self.end_record(*endpoint, None, now));
                if self.open.remove(endpoint).is_some() {
                    let statistics = Statistics {
                        sent: 50,
                        received: 49,
                        lost: 1,
                        ..Statistics::default()
                    };
                    events.push(Event::Closed {
                        endpoint: *endpoint,
                        statistics,
                    });
                }
                events
            }
            Command::Record {
                endpoint,
                record,
                rule,
            } => {
                let known = self
                    .open
                    .get(endpoint)
                    .is_none_or(|it| it.record >= Some(*record));
                if !known {
                    let began = *self.files.entry(rule.name.clone()).or_insert(now);
                    let recording = (rule.clone(), began);
                    self.at(*endpoint, |it| {
                        it.record = Some(*record);
                        it.recording = Some(recording);
                    });
                }
                Vec::new()
            }
            Command::PauseRecord { .. } => Vec::new(),
            Command::EndRecord { endpoint, record } => self.end_record(*endpoint, Some(*record), now),
        }
    }

    fn end_record(&mut self, endpoint: EndpointId, record: Option<RecordId>, now: Moment) -> Vec<Event> {
        let Some(it) = self.open.get_mut(&endpoint) else {
            return Vec::new();
        };
        let Some(id) = it.record.filter(|id| record.is_none_or(|record| record == *id)) else {
            return Vec::new();
        };
        let Some((_, began)) = it.recording.take() else {
            return Vec::new();
        };
        let duration_ms = (now - began).as_millis() as u64;
        vec![Event::RecordEnded {
            endpoint,
            record: id,
            end: RecordEnd::Finished,
            duration_ms,
            bytes: 44 + duration_ms * 16,
        }]
    }

    fn at(&mut self, endpoint: EndpointId, f: impl FnOnce(&mut Endpoint)) {
        if let Some(it) = self.open.get_mut(&endpoint) {
            f(it);
        }
    }

    fn open(&mut self, endpoint: EndpointId, local: SocketAddr, position: RtpPosition) -> Vec<Event> {
        if let Some(why) = self.refuses.clone() {
            return vec![Event::Refused { endpoint, why }];
        }
        let it = self.open.entry(endpoint).or_insert(Endpoint {
            local,
            position,
            agreed: None,
            play: None,
            send: None,
            joined: None,
            record: None,
            recording: None,
        });
        vec![Event::Opened {
            endpoint,
            local: it.local,
            position: it.position,
        }]
    }

    fn play(
        &mut self,
        endpoint: EndpointId,
        play: PlayId,
        prompts: &[Prompt],
        repeat: bool,
        from_ms: u64,
        now: Moment,
    ) -> Vec<Event> {
        let last = self.open.get(&endpoint).map(|it| it.play.map(|(id, _)| id));
        if last.is_none_or(|last| last == Some(play)) {
            return Vec::new();
        }
        let mut events = self.stop(endpoint);
        if prompts.contains(&Prompt::File("missing.wav".into())) {
            self.at(endpoint, |it| it.play = Some((play, Playing::Over)));
            events.push(ended(endpoint, play, PlayEnd::Failed("no such file".into())));
            return events;
        }
        let whole: Duration = prompts.iter().map(length).sum();
        let end = now + whole.saturating_sub(ms(from_ms));
        let playing = if repeat { Playing::On } else { Playing::Until(end) };
        self.at(endpoint, |it| it.play = Some((play, playing)));
        events
    }

    fn stop(&mut self, endpoint: EndpointId) -> Vec<Event> {
        self.end_plays(&PlayEnd::Stopped, |of, _| of == endpoint)
    }

    /// Ends what has been played to its end by now.
    pub fn finish_plays(&mut self, now: Moment) -> Vec<Event> {
        self.end_plays(
            &PlayEnd::Finished,
            |_, playing| matches!(playing, Playing::Until(end) if end <= now),
        )
    }

    fn end_plays(&mut self, end: &PlayEnd, which: impl Fn(EndpointId, Playing) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        for (endpoint, it) in &mut self.open {
            if let Some((play, playing)) = &mut it.play
                && *playing != Playing::Over
                && which(*endpoint, *playing)
            {
                *playing = Playing::Over;
                events.push(ended(*endpoint, *play, end.clone()));
            }
        }
        events
    }

    pub(super) fn deadline(&self) -> Option<Moment> {
        let end = |it: &Endpoint| match it.play {
            Some((_, Playing::Until(end))) => Some(end),
            _ => None,
        };
        self.open.values().filter_map(end).min()
    }

    /// Endpoints whose ports are taken now.
    pub fn endpoints(&self) -> Vec<EndpointId> {
        self.open.keys().copied().collect()
    }

    /// The last thing that was agreed with an endpoint: whether we send and whether we receive.
    pub fn directions(&self, endpoint: EndpointId) -> Option<(bool, bool)> {
        self.commands.iter().rev().find_map(|command| match command {
            Command::Agree { endpoint: of, agreed } if *of == endpoint => {
                Some((agreed.sends, agreed.receives))
            }
            _ => None,
        })
    }

    /// Whether such a command was given.
    pub fn was_told(&self, which: impl Fn(&Command) -> bool) -> bool {
        self.commands.iter().any(which)
    }
}

impl Endpoint {
    fn tell(&self, endpoint: EndpointId) -> Existing {
        Existing {
            endpoint,
            local: self.local,
            position: self.position,
            agreed: self.agreed.clone(),
            play: self.play.map(|(play, _)| play),
            playing: self.play.is_some_and(|(_, playing)| playing != Playing::Over),
            send: self.send,
            joined: self.joined,
            record: self.record,
            recording: self.recording.is_some(),
        }
    }
}

/// Where a stream that begins now stands.
pub fn position(now: Moment) -> RtpPosition {
    RtpPosition {
        ssrc: 7,
        sequence: 1,
        timestamp: 160,
        at_us: now.unix_micros(),
    }
}

fn ended(endpoint: EndpointId, play: PlayId, end: PlayEnd) -> Event {
    Event::PlayEnded {
        endpoint,
        play,
        end,
        played_ms: 0,
    }
}

fn length(prompt: &Prompt) -> Duration {
    match prompt {
        Prompt::Silence(ms_of)
        | Prompt::Tone {
            duration_ms: ms_of, ..
        }
        | Prompt::Progress {
            duration_ms: ms_of, ..
        } => ms((*ms_of).into()),
        Prompt::File(_) | Prompt::Speech { .. } | Prompt::Music => secs(2),
    }
}
