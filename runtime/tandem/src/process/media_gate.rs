//! The media gate: RTP sockets and their threads, no calls.

use std::net::UdpSocket;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tandem_bus::link::{Lane, Role as LinkRole};
use tandem_bus::media::{Command, Event, Up};
use tandem_gate::{EndpointState, Espeak, Gate, GateConfig, GateError, HandOver, HandedEndpoint, SendError};

use super::gate::{Post, Sockets};
use super::role::Role;
use crate::config::Config;

/// Why there is no media gate.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// Ports or threads.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The one before is of a release whose endpoints this one does not know.
    #[error("the endpoints handed over are of version {theirs}, this release knows {ours}")]
    Version {
        /// The other one's.
        theirs: u8,
        /// This one's.
        ours: u8,
    },
    /// What was handed over cannot be read.
    #[error("the endpoints handed over cannot be read: {0}")]
    State(#[from] postcard::Error),
    /// Endpoints without their sockets.
    #[error("sockets are missing in what was handed over")]
    Sockets,
}

/// The endpoints of a gate, for its successor; their sockets come along, RTP and RTCP of each in their order.
#[derive(Debug, Serialize, Deserialize)]
pub struct MediaState {
    /// [`EndpointState::VERSION`] of who wrote it.
    version: u8,
    /// Endpoints, and commands that were not carried out.
    bytes: Vec<u8>,
}

/// The sockets of a media gate.
pub struct MediaSockets {
    gate: Gate,
}

impl Sockets for MediaSockets {
    type Up = Up;
    type Down = Command;
    type State = MediaState;
    type Error = MediaError;
    const ROLE: Role = Role::MediaGate;
    const LINK_ROLE: LinkRole = LinkRole::MediaGate;

    fn open(config: &Config, data: &Path, post: Arc<Post<Self>>) -> Result<Self, MediaError> {
        let gate = start(config, data, events_to(post))?;
        Ok(Self { gate })
    }

    fn adopt(
        config: &Config,
        data: &Path,
        post: Arc<Post<Self>>,
        state: MediaState,
        files: Vec<OwnedFd>,
    ) -> Result<Self, MediaError> {
        if state.version != EndpointState::VERSION {
            return Err(MediaError::Version {
                theirs: state.version,
                ours: EndpointState::VERSION,
            });
        }
        let (states, commands): (Vec<EndpointState>, Vec<Command>) = postcard::from_bytes(&state.bytes)?;
        let mut sockets = files.into_iter().map(UdpSocket::from);
        let mut handed = Vec::with_capacity(states.len());
        for state in states {
            let (Some(rtp), Some(rtcp)) = (sockets.next(), sockets.next()) else {
                return Err(MediaError::Sockets);
            };
            handed.push(HandedEndpoint { state, rtp, rtcp });
        }
        let gate = Gate::adopt(gate_config(config, data), speech(config), events_to(post), handed)?;
        gate.attended(false); // until the call logic has found its way here
        for command in commands {
            if let Err(error) = gate.send(command) {
                tracing::warn!(%error, "a command is lost"); // the call logic finds out what is missing
            }
        }
        Ok(Self { gate })
    }

    async fn hand_over(self) -> Result<(MediaState, Vec<OwnedFd>), MediaError> {
        let gate = self.gate;
        let handed = tokio::task::spawn_blocking(move || gate.hand_over()).await;
        let HandOver { endpoints, commands } = handed.map_err(|_| MediaError::Sockets)?;
        let mut states = Vec::with_capacity(endpoints.len());
        let mut files = Vec::with_capacity(endpoints.len() * 2);
        for HandedEndpoint { state, rtp, rtcp } in endpoints {
            states.push(state);
            files.extend([OwnedFd::from(rtp), OwnedFd::from(rtcp)]);
        }
        let state = MediaState {
            version: EndpointState::VERSION,
            bytes: postcard::to_stdvec(&(states, commands))?,
        };
        Ok((state, files))
    }

    fn take_down(&self, command: Command) -> Result<(), Command> {
        match self.gate.send(command.clone()) {
            Ok(()) => Ok(()),
            Err(SendError::Full) => Err(command),
            Err(error @ SendError::Stopped) => {
                tracing::error!(%error, ?command, "not carried out");
                Ok(())
            }
        }
    }

    fn set_attended(&self, attended: bool) {
        self.gate.attended(attended);
    }

    fn take_expired(&self, item: Up) {
        // The call logic asks what exists when it is back.
        tracing::warn!(?item, "the call logic was away for too long");
    }

    fn notes(&self) -> Vec<Up> {
        let endpoints = self.gate.counted().endpoints;
        vec![Up::Counted { endpoints }]
    }

    async fn stop(self) {
        let stopped = tokio::task::spawn_blocking(move || self.gate.stop());
        drop(stopped.await);
    }
}

/// Hands the gate's events to the lane of the endpoint's shard.
fn events_to(post: Arc<Post<MediaSockets>>) -> impl Fn(Event) + Send + Sync + 'static {
    move |event| {
        let lane = Lane(event.shard());
        if !post.push(lane, &Up::Event(event.clone()), false) {
            tracing::error!(?event, "the call logic was away for too long: dropped");
        }
    }
}

/// Starts a media gate in this process.
pub fn start(
    config: &Config,
    data: &Path,
    on_event: impl Fn(Event) + Send + Sync + 'static,
) -> Result<Gate, GateError> {
    Gate::start_with_speech(gate_config(config, data), speech(config), on_event)
}

fn speech(config: &Config) -> Arc<Espeak> {
    Arc::new(Espeak {
        program: config.media.speech.clone().into(),
        ..Espeak::default()
    })
}

fn gate_config(config: &Config, data: &Path) -> GateConfig {
    GateConfig {
        address: config.media.address,
        announced: config.media.announce,
        ports: config.media.ports.low..=config.media.ports.high,
        threads: media_threads(config),
        prompts_dir: data.join("prompts"),
        recordings_dir: data.join("recordings"),
        recordings_max: config.media.recordings_max.0,
        cache_dir: data.join("speech"),
        max_endpoints: config.limits.calls as usize * 4,
        ..GateConfig::default()
    }
}

fn media_threads(config: &Config) -> usize {
    match config.media.threads {
        0 => std::thread::available_parallelism().map_or(1, |cores| usize::from(cores).div_ceil(2)),
        set => set as usize,
    }
}
