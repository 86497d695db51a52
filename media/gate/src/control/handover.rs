//! A gate's last act, and its successor's first.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use tandem_bus::media::{EndpointId, PlayId};
use tandem_media::Endpoint;

use super::{Control, Message, Open, convert};
use crate::cell::lock;
use crate::handover::{EndpointState, HandOver, HandedEndpoint, UnderWay};
use crate::playback::Playback;
use crate::ports::Sockets;
use crate::worker::Worker;

/// So long packets may wait in their sockets for prompts that must be fetched again: less than a frame. What is slower
/// than that leaves a gap in its own playback, not in everyone's call.
const PROMPTS_WAIT: Duration = Duration::from_millis(10);

impl Control {
    /// Stops moving packets and gives all endpoints away as they are. Commands that came too late are given along.
    pub(super) fn hand_over(mut self, inbox: &Receiver<Message>) -> HandOver {
        Worker::stop_all(std::mem::take(&mut self.workers));
        self.settle_recordings();
        let (now, taken_us) = (Instant::now(), convert::wall_us());
        // Pairs hold each other: they are taken apart first, not in the endpoints' own eyes.
        let joined: HashMap<EndpointId, EndpointId> = self
            .endpoints
            .iter()
            .filter_map(|(id, open)| Some((*id, open.cell.lock().peer.take()?.0.id)))
            .collect();
        let mut endpoints = Vec::with_capacity(self.endpoints.len());
        for (id, open) in self.endpoints.drain() {
            let local = open.cell.local;
            let Some(cell) = Arc::into_inner(open.cell) else {
                tracing::error!(endpoint = id.0, "an endpoint is in use and cannot be handed over");
                continue;
            };
            let (state, rtp, rtcp) = cell.into_parts();
            let playing = state.endpoint.playing();
            let playback = open.playback.zip(playing).and_then(|(playback, (play, heard))| {
                (playback.play == PlayId(play)).then_some(UnderWay {
                    prompts: playback.prompts,
                    repeat: playback.repeat,
                    heard,
                })
            });
            let state = EndpointState {
                endpoint: id,
                domain: open.domain,
                local,
                agreed: open.agreed,
                play: open.play,
                send: open.send,
                playback,
                joined: joined.get(&id).copied(),
                record: open.record,
                recording: open.recording,
                stream: state.endpoint.snapshot(now),
                taken_us,
            };
            endpoints.push(HandedEndpoint { state, rtp, rtcp });
        }
        let late = inbox.try_iter().filter_map(|message| match message {
            Message::Command(command) => Some(command),
            Message::Fetched(..) | Message::Roused | Message::HandOver(_) | Message::Stop => None,
        });
        HandOver {
            endpoints,
            commands: late.collect(),
        }
    }

    /// Goes on with the endpoints of a gate before this one. Their packets wait in the sockets until the end of this.
    pub(crate) fn adopt(&mut self, handed: Vec<HandedEndpoint>, inbox: &Receiver<Message>) {
        let mut joined = Vec::new();
        let mut playing = Vec::new();
        let now = Instant::now();
        for HandedEndpoint { state, rtp, rtcp } in handed {
            let id = state.endpoint;
            if let Err(error) = rtp
                .set_nonblocking(true)
                .and_then(|()| rtcp.set_nonblocking(true))
            {
                tracing::error!(endpoint = id.0, %error, "an endpoint cannot be adopted");
                continue;
            }
            let taken = now.checked_sub(convert::since_us(state.taken_us)).unwrap_or(now);
            joined.extend(
                state
                    .joined
                    .zip(state.stream.pair())
                    .map(|(peer, pair)| (id, peer, pair)),
            );
            let agreed = state.agreed.as_ref().map(convert::agreement);
            let mut made = Endpoint::resume(self.settings, state.stream, agreed, taken);
            let playback = made.playing().and_then(|(play, _)| {
                let Some(UnderWay {
                    prompts,
                    repeat,
                    heard,
                }) = state.playback
                else {
                    made.stop(play);
                    return None;
                };
                made.begin_at(play, heard);
                playing.push(id);
                Some(Playback::new(PlayId(play), prompts, repeat, heard))
            });
            let tape = state.record.map(|record| (id, record)).zip(state.recording);
            let recording = self.adopt_recording(tape, &state.domain, &mut made);
            let port = state.local.port();
            lock(&self.shared.ports).claim(port);
            let open = Open {
                cell: self.make_cell(id, state.local, Sockets { port, rtp, rtcp }, made),
                domain: state.domain,
                agreed: state.agreed,
                playback,
                play: state.play,
                send: state.send,
                record: state.record,
                recording,
            };
            if let Some(worker) = self.workers.get_mut(open.cell.worker) {
                worker.load += 1;
            }
            self.endpoints.insert(id, open);
        }
        self.adopt_pairs(&joined);
        for id in playing {
            self.feed(id);
        }
        self.await_prompts(inbox);
        for open in self.endpoints.values() {
            if let Some(worker) = self.workers.get(open.cell.worker) {
                worker.hand(Arc::clone(&open.cell));
            }
        }
    }

    fn adopt_pairs(&mut self, joined: &[(EndpointId, EndpointId, u64)]) {
        for (id, peer, pair) in joined {
            self.next_pair = self.next_pair.max(pair.saturating_add(1));
            let (Some(open), Some(other)) = (self.endpoints.get(id), self.endpoints.get(peer)) else {
                // The other side was lost on the way.
                self.with(*id, |state| state.endpoint.part());
                continue;
            };
            open.cell.lock().peer = Some((Arc::clone(&other.cell), *pair));
        }
    }

    fn await_prompts(&mut self, inbox: &Receiver<Message>) {
        let until = Instant::now() + PROMPTS_WAIT;
        while !self.awaited.is_empty() {
            match inbox.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Message::Fetched(request, fetched)) => self.fetched(&request, &fetched),
                // Nobody has this gate yet who could send anything else.
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }
}
