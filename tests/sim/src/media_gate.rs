//! A model of the media gate that keeps the contract of `tandem_bus::media`: ports, agreements, playbacks that take
//! time, pairs. Sound is events: which piece of which playback begins at whose ear.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tandem_bus::media::{
    Agreed, Command, EndpointId, Event, Existing, PlayEnd, PlayId, Prompt, RecordEnd, RecordId, Refusal,
    RtpPosition, SendId, Statistics,
};
use tandem_sip::Moment;

use crate::clock::ms;

/// One run of the gate.
#[derive(Debug, Default)]
pub struct MediaGate {
    endpoints: BTreeMap<EndpointId, Endpoint>,
    events: Vec<Event>,
    heard: Vec<Heard>,
}

/// A piece of a playback reaches a peer.
#[derive(Debug)]
pub struct Heard {
    /// Where the sound goes.
    pub to: SocketAddr,
    /// The playback.
    pub play: PlayId,
    /// The piece.
    pub prompt: Prompt,
    /// Not from the middle, as another gate goes on with it.
    pub from_its_start: bool,
}

#[derive(Debug)]
struct Endpoint {
    local: SocketAddr,
    position: RtpPosition,
    agreed: Option<Agreed>,
    last_play: Option<PlayId>,
    playing: Option<Playing>,
    send: Option<SendId>,
    joined: Option<EndpointId>,
    record: Option<RecordId>,
    /// Since when it is recorded.
    recording: Option<Moment>,
}

#[derive(Debug)]
struct Playing {
    play: PlayId,
    prompts: Vec<Prompt>,
    repeat: bool,
    /// When it would have begun, had nothing been left out.
    began: Moment,
    /// The next piece to be heard, and when.
    next: usize,
    next_at: Moment,
}

/// How long a piece sounds.
pub fn length(prompt: &Prompt) -> Duration {
    match prompt {
        Prompt::Silence(for_ms)
        | Prompt::Tone {
            duration_ms: for_ms, ..
        }
        | Prompt::Progress {
            duration_ms: for_ms, ..
        } => ms((*for_ms).into()),
        Prompt::File(_) | Prompt::Music => ms(1_500),
        Prompt::Speech { text, .. } => ms(500 + 30 * text.len() as u64),
    }
}

const PORT_FIRST: u16 = 20_000;

impl MediaGate {
    /// Carries out one command; drain [`Self::events`] and [`Self::heard`].
    pub fn handle(&mut self, command: Command, now: Moment) {
        match command {
            Command::Open { endpoint, .. } => {
                let local = self.free_port();
                let position = RtpPosition {
                    ssrc: endpoint.0 as u32,
                    sequence: 1,
                    timestamp: 160,
                    at_us: now.unix_micros(),
                };
                self.open(endpoint, local, position);
            }
            Command::Restore {
                endpoint,
                local,
                position,
                ..
            } => {
                let taken = self
                    .endpoints
                    .iter()
                    .any(|(id, it)| *id != endpoint && it.local == local);
                if taken {
                    let why = Refusal::System("address in use".into());
                    self.events.push(Event::Refused { endpoint, why });
                } else {
                    self.open(endpoint, local, position);
                }
            }
            Command::Report { shard } => {
                let endpoints = self
                    .endpoints
                    .iter()
                    .filter(|(id, _)| id.shard() == shard)
                    .map(|(id, it)| it.tell(*id))
                    .collect();
                self.events.push(Event::Reported { shard, endpoints });
            }
            Command::Agree { endpoint, agreed } => self.agree(endpoint, agreed),
            Command::Play {
                endpoint,
                play,
                prompts,
                repeat,
                from_ms,
            } => self.play(endpoint, play, prompts, repeat, from_ms, now),
            Command::Stop { endpoint, play } => {
                let under_way = |it: &Endpoint| it.playing.as_ref().is_some_and(|it| it.play == play);
                if self.endpoints.get(&endpoint).is_some_and(under_way) {
                    self.stop(endpoint, PlayEnd::Stopped, now);
                }
            }
            Command::SendDigits { endpoint, send, .. } => {
                if let Some(it) = self.endpoints.get_mut(&endpoint)
                    && it.send.is_none_or(|last| send > last)
                {
                    it.send = Some(send);
                    self.events.push(Event::DigitsSent {
                        endpoint,
                        send,
                        sent: true,
                    });
                }
            }
            Command::Join { a, b } => self.join(a, b, now),
            Command::Part { a, b } => {
                for (one, other) in [(a, b), (b, a)] {
                    if let Some(it) = self.endpoints.get_mut(&one) {
                        it.joined.take_if(|joined| *joined == other);
                    }
                }
            }
            Command::Close { endpoint } => self.close(endpoint, now),
            Command::Record { endpoint, record, .. } => {
                if let Some(it) = self
                    .endpoints
                    .get_mut(&endpoint)
                    .filter(|it| it.record < Some(record))
                {
                    it.record = Some(record);
                    it.recording = Some(now);
                }
            }
            Command::PauseRecord { .. } => (),
            Command::EndRecord { endpoint, record } => self.end_record(endpoint, Some(record), now),
        }
    }

    fn end_record(&mut self, endpoint: EndpointId, record: Option<RecordId>, now: Moment) {
        let Some(it) = self.endpoints.get_mut(&endpoint) else {
            return;
        };
        let Some(id) = it.record.filter(|id| record.is_none_or(|record| record == *id)) else {
            return;
        };
        if let Some(began) = it.recording.take() {
            let duration_ms = (now - began).as_millis() as u64;
            self.events.push(Event::RecordEnded {
                endpoint,
                record: id,
                end: RecordEnd::Finished,
                duration_ms,
                bytes: 44 + duration_ms * 16,
            });
        }
    }

    /// A peer's telephone-event arrives at a port.
    pub fn handle_digit(&mut self, at: SocketAddr, digit: char) {
        let found = self.endpoints.iter().find(|(_, it)| it.local == at);
        let Some((endpoint, it)) = found else { return };
        if !it.agreed.as_ref().is_some_and(|agreed| agreed.receives) {
            return;
        }
        // A pair's digits pass through and are told all the same.
        self.events.push(Event::Digit {
            endpoint: *endpoint,
            digit,
        });
    }

    /// Lets time pass: pieces begin, playbacks end.
    pub fn handle_timeout(&mut self, now: Moment) {
        let due: Vec<EndpointId> = self
            .endpoints
            .iter()
            .filter(|(_, it)| it.playing.as_ref().is_some_and(|playing| playing.next_at <= now))
            .map(|(id, _)| *id)
            .collect();
        for endpoint in due {
            self.go_on(endpoint, now);
        }
    }

    /// When [`Self::handle_timeout`] is due.
    pub fn deadline(&self) -> Option<Moment> {
        let next = |it: &Endpoint| it.playing.as_ref().map(|playing| playing.next_at);
        self.endpoints.values().filter_map(next).min()
    }

    /// For the call logic.
    pub fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Events that were only looked at.
    pub fn give_back(&mut self, events: Vec<Event>) {
        self.events.splice(0..0, events);
    }

    /// For the peers.
    pub fn heard(&mut self) -> Vec<Heard> {
        std::mem::take(&mut self.heard)
    }

    /// Endpoints whose ports are taken.
    pub fn endpoints(&self) -> Vec<EndpointId> {
        self.endpoints.keys().copied().collect()
    }

    /// To whom an endpoint's sound goes.
    pub fn peer(&self, endpoint: EndpointId) -> Option<SocketAddr> {
        Some(self.endpoints.get(&endpoint)?.agreed.as_ref()?.remote)
    }

    /// Whether sound of the phone that sends from `from` reaches the one at `to` through a pair.
    pub fn carries(&self, from: SocketAddr, to: SocketAddr) -> bool {
        let of = |peer: SocketAddr| {
            self.endpoints
                .values()
                .filter(move |it| it.agreed.as_ref().is_some_and(|agreed| agreed.remote == peer))
        };
        of(from)
            .filter(|it| it.agreed.as_ref().is_some_and(|agreed| agreed.receives))
            .filter_map(|it| self.endpoints.get(&it.joined?))
            .any(|other| {
                other
                    .agreed
                    .as_ref()
                    .is_some_and(|agreed| agreed.sends && agreed.remote == to)
            })
    }

    fn free_port(&self) -> SocketAddr {
        let taken = |port: u16| self.endpoints.values().any(|it| it.local.port() == port);
        let port = (PORT_FIRST..)
            .step_by(2)
            .find(|port| !taken(*port))
            .unwrap_or(PORT_FIRST);
        SocketAddr::from(([10, 0, 0, 1], port))
    }

    fn open(&mut self, endpoint: EndpointId, local: SocketAddr, position: RtpPosition) {
        let it = self.endpoints.entry(endpoint).or_insert(Endpoint {
            local,
            position,
            agreed: None,
            last_play: None,
            playing: None,
            send: None,
            joined: None,
            record: None,
            recording: None,
        });
        self.events.push(Event::Opened {
            endpoint,
            local: it.local,
            position: it.position,
        });
    }

    fn agree(&mut self, endpoint: EndpointId, agreed: Agreed) {
        let Some(it) = self.endpoints.get_mut(&endpoint) else {
            return;
        };
        let remote = agreed.remote;
        let known = it.agreed.as_ref().is_some_and(|before| before.remote == remote);
        it.agreed = Some(agreed);
        if !known {
            // A phone sends from where it receives.
            self.events.push(Event::Heard { endpoint, remote });
        }
    }

    fn play(
        &mut self,
        endpoint: EndpointId,
        play: PlayId,
        prompts: Vec<Prompt>,
        repeat: bool,
        from_ms: u64,
        now: Moment,
    ) {
        let Some(it) = self.endpoints.get(&endpoint) else {
            return;
        };
        if it.last_play.is_some_and(|last| play <= last) {
            return;
        }
        self.stop(endpoint, PlayEnd::Stopped, now);
        let whole: Duration = prompts.iter().map(length).sum();
        let began = now - ms(from_ms);
        let mut playing = Playing {
            play,
            prompts,
            repeat: repeat && !whole.is_zero(),
            began,
            next: 0,
            next_at: began,
        };
        // What is left out: whole rounds, then whole pieces; of the next one its end is heard.
        while playing.repeat && playing.next_at + whole <= now {
            playing.next_at += whole;
        }
        let mut cut = None;
        while let Some(prompt) = playing.prompts.get(playing.next)
            && playing.next_at < now
        {
            cut = Some(prompt.clone()).filter(|_| playing.next_at + length(prompt) > now);
            playing.next_at += length(prompt);
            playing.next += 1;
        }
        if let Some(prompt) = cut
            && let Some(to) = self.ear(endpoint)
        {
            self.heard.push(Heard {
                to,
                play,
                prompt,
                from_its_start: false,
            });
        }
        if let Some(it) = self.endpoints.get_mut(&endpoint) {
            it.last_play = Some(play);
            it.playing = Some(playing);
        }
        self.go_on(endpoint, now);
    }

    /// Pieces that are due begin; after the last one the playback ends.
    fn go_on(&mut self, endpoint: EndpointId, now: Moment) {
        loop {
            let to = self.ear(endpoint);
            let Some(playing) = self
                .endpoints
                .get_mut(&endpoint)
                .and_then(|it| it.playing.as_mut())
            else {
                return;
            };
            if playing.next_at > now {
                return;
            }
            if let Some(prompt) = playing.prompts.get(playing.next).cloned() {
                playing.next += 1;
                playing.next_at += length(&prompt);
                if let Some(to) = to {
                    self.heard.push(Heard {
                        to,
                        play: playing.play,
                        prompt,
                        from_its_start: true,
                    });
                }
            } else if playing.repeat {
                playing.next = 0;
            } else {
                return self.stop(endpoint, PlayEnd::Finished, now);
            }
        }
    }

    /// Where sound on an endpoint is heard.
    fn ear(&self, endpoint: EndpointId) -> Option<SocketAddr> {
        let agreed = self.endpoints.get(&endpoint)?.agreed.as_ref()?;
        agreed.sends.then_some(agreed.remote)
    }

    fn stop(&mut self, endpoint: EndpointId, end: PlayEnd, now: Moment) {
        let Some(playing) = self.endpoints.get_mut(&endpoint).and_then(|it| it.playing.take()) else {
            return;
        };
        self.events.push(Event::PlayEnded {
            endpoint,
            play: playing.play,
            end,
            played_ms: (now - playing.began).as_millis() as u64,
        });
    }

    fn join(&mut self, a: EndpointId, b: EndpointId, now: Moment) {
        let free = |id: &EndpointId, other: EndpointId| {
            self.endpoints
                .get(id)
                .is_some_and(|it| it.joined.is_none_or(|joined| joined == other))
        };
        if !free(&a, b) || !free(&b, a) {
            return;
        }
        if self.endpoints.get(&a).is_some_and(|it| it.joined == Some(b)) {
            return;
        }
        for (one, other) in [(a, b), (b, a)] {
            self.stop(one, PlayEnd::Stopped, now);
            if let Some(it) = self.endpoints.get_mut(&one) {
                it.joined = Some(other);
            }
        }
    }

    fn close(&mut self, endpoint: EndpointId, now: Moment) {
        self.stop(endpoint, PlayEnd::Stopped, now);
        self.end_record(endpoint, None, now);
        let Some(it) = self.endpoints.remove(&endpoint) else {
            return;
        };
        if let Some(other) = it.joined.and_then(|other| self.endpoints.get_mut(&other)) {
            other.joined = None;
        }
        self.events.push(Event::Closed {
            endpoint,
            statistics: Statistics {
                sent: 50,
                received: 50,
                ..Statistics::default()
            },
        });
    }
}

impl Endpoint {
    fn tell(&self, endpoint: EndpointId) -> Existing {
        Existing {
            endpoint,
            local: self.local,
            position: self.position,
            agreed: self.agreed.clone(),
            play: self.last_play,
            playing: self.playing.is_some(),
            send: self.send,
            joined: self.joined,
            record: self.record,
            recording: self.recording.is_some(),
        }
    }
}
