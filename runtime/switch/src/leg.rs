//! One peer's side of a call: its SIP dialog and its media endpoint.
//!
//! A leg does what its call tells it and tells the call what happened by [`Happened`]. Not here: what follows from
//! it for the other legs or the scenario (`call`), or how digits make an entry (`collect`).

use std::collections::VecDeque;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use tandem_bus::media::{Agreed, Codec, EndpointId, RtpPosition};
use tandem_host_api::op::{Address, LegId};
use tandem_sip::dialog::UacInvite;
use tandem_sip::transactions::ServerId;
use tandem_sip::{Flow, Message, Moment};

use crate::context::{Context, Way};
use crate::sdp::{self, Audio, Origin};

mod answering;
mod calling;
mod requests;
mod sound;
mod state;

pub use state::{By, Ending, Happened, Link, Media, Planned, Playing, Role, Signalling};

/// The part of an endpoint's number that its shard counts.
const ENDPOINT_MASK: u64 = (1 << 48) - 1;

/// A leg of a call.
#[derive(Debug, Serialize, Deserialize)]
pub struct Leg {
    /// Its number in the call.
    pub id: LegId,
    /// Which side began it.
    pub role: Role,
    /// The peer.
    pub peer: Address,
    /// What our INVITE's 200s mean.
    answers: UacInvite,
    /// What was dialled (caller), or who calls (callee).
    pub local: Address,
    /// The domain's user behind the peer.
    pub user: Option<String>,
    /// Where its messages go.
    pub way: Way,
    /// The INVITE that began a caller's leg, until its final response. It is written down with the call's origin.
    #[serde(skip)]
    pub invite: Option<Message>,
    /// The dialog.
    pub signalling: Signalling,
    /// The endpoint's number.
    pub endpoint: EndpointId,
    /// The endpoint's state.
    pub media: Media,
    /// Where its outgoing stream last stood, as far as the gate has told.
    pub position: Option<RtpPosition>,
    /// The peer's true source of RTP, where the gate has heard it.
    pub heard: Option<SocketAddr>,
    /// The peer's description, where it has sent one that holds.
    pub audio: Option<Audio>,
    /// The codec that was agreed last.
    pub codec_used: Option<Codec>,
    /// Our description's identity.
    pub origin: Origin,
    /// Our tag of the dialog.
    pub tag: String,
    /// The playback under way.
    pub play: Option<Playing>,
    /// Digits nobody has asked for yet.
    pub digits: VecDeque<char>,
    /// Rings, as far as the other side was told.
    pub ringing: bool,
    /// When it began.
    pub started: Moment,
    /// When it was answered.
    pub answered: Option<Moment>,
    /// How it ended.
    pub ending: Option<Ending>,
    /// When our 200 is due again.
    repeat_at: Option<Moment>,
    /// Our 200 made an offer: the ACK brings the answer.
    offered: bool,
    /// The Call-ID of its messages; none: there was no INVITE yet. It is found again in the dialog.
    #[serde(skip)]
    pub call_id: Option<String>,
}

impl Leg {
    /// A leg that an INVITE began; `audio` is its offer, if it made one.
    pub fn incoming(
        server: ServerId,
        request: Message,
        flow: Flow,
        audio: Option<Audio>,
        (peer, local): (Address, Address),
        cx: &mut Context<'_>,
    ) -> Self {
        let user = Some(peer.user.clone());
        let mut leg = Self::new(LegId(0), Role::Caller, (peer, local), flow, cx);
        leg.signalling = Signalling::Incoming { server, early: false };
        leg.note_call_id(&request);
        leg.invite = Some(request);
        leg.audio = audio;
        leg.user = user;
        leg
    }

    /// A leg to a binding of `user`; the INVITE leaves once media is open ([`Self::handle_opened`]).
    pub fn outgoing(id: LegId, user: &str, planned: Planned, flow: Flow, cx: &mut Context<'_>) -> Self {
        let peer = Address {
            user: user.into(),
            host: cx.domain.to_string(),
            display_name: String::new(),
        };
        let mut leg = Self::new(id, Role::Callee, (peer, planned.from.clone()), flow, cx);
        leg.user = Some(user.into());
        leg.signalling = Signalling::Planned {
            target: Box::new(planned),
        };
        leg.open_media(cx);
        leg
    }

    /// A leg of another call: what stands for it here. `endpoint` is that call's.
    pub fn elsewhere(
        id: LegId,
        parties: (Address, Address),
        endpoint: EndpointId,
        link: Link,
        cx: &mut Context<'_>,
    ) -> Self {
        let user = Some(parties.0.user.clone());
        // Nothing is sent to it.
        let nobody = SocketAddr::from(([0, 0, 0, 0], 0));
        let nowhere = Flow {
            transport: tandem_sip::Transport::Udp,
            local: nobody,
            remote: nobody,
            connection: 0,
        };
        let mut leg = Self::new(id, Role::Callee, parties, nowhere, cx);
        cx.endpoints.remove(&leg.endpoint);
        leg.endpoint = endpoint;
        leg.user = user;
        leg.media = Media::Elsewhere;
        leg.signalling = Signalling::Elsewhere { link: Box::new(link) };
        leg.answered = Some(cx.now);
        leg
    }

    /// The link that it stands for, while it is one of another call.
    pub fn link(&self) -> Option<&Link> {
        match &self.signalling {
            Signalling::Elsewhere { link } => Some(link),
            _ => None,
        }
    }

    fn new(
        id: LegId,
        role: Role,
        (peer, local): (Address, Address),
        flow: Flow,
        cx: &mut Context<'_>,
    ) -> Self {
        Self {
            id,
            role,
            peer,
            answers: UacInvite::new(),
            local,
            user: None,
            way: Way::open(flow),
            invite: None,
            signalling: Signalling::Ended,
            endpoint: cx.new_endpoint(id),
            media: Media::None,
            position: None,
            heard: None,
            audio: None,
            codec_used: None,
            origin: Origin {
                session: u64::from(cx.random_u32()),
                version: 1,
            },
            tag: cx.new_tag(),
            play: None,
            digits: VecDeque::new(),
            ringing: false,
            started: cx.now,
            answered: None,
            ending: None,
            repeat_at: None,
            offered: false,
            call_id: None,
        }
    }

    /// The INVITE that its dialog begins with.
    pub fn note_call_id(&mut self, invite: &Message) {
        if self.call_id.is_none() {
            self.call_id = invite.call_id().ok().map(str::to_owned);
        }
    }

    /// It was read back: its Call-ID is that of its dialog.
    pub fn find_call_id(&mut self) {
        if let Signalling::Up { dialog, .. } | Signalling::Leaving { dialog, .. } = &self.signalling {
            self.call_id = Some(dialog.call_id.clone());
        }
    }

    /// Whether the leg is over.
    pub fn is_over(&self) -> bool {
        matches!(self.signalling, Signalling::Ended | Signalling::Leaving { .. })
    }

    /// Whether the leg is over, but its BYE still waits for an ACK.
    pub fn is_leaving(&self) -> bool {
        matches!(self.signalling, Signalling::Leaving { .. })
    }

    /// Whether it was answered and is still up.
    pub fn is_up(&self) -> bool {
        matches!(
            self.signalling,
            Signalling::Up { .. } | Signalling::Elsewhere { .. }
        )
    }

    /// Whether it can be bridged now.
    pub fn can_be_joined(&self) -> bool {
        self.is_audible() || self.link().is_some()
    }

    /// The codec in use.
    pub fn codec(&self) -> Option<Codec> {
        match &self.media {
            Media::Agreed(_, agreed) => Some(agreed.codec),
            _ => None,
        }
    }

    /// The leg is over without a further message.
    pub fn end(&mut self, by: By, status: u16, cause: &str, cx: &mut Context<'_>) {
        if let Signalling::Up { dialog, .. } | Signalling::Leaving { dialog, .. } = &self.signalling {
            cx.dialogs.remove(&dialog.key());
        }
        self.note_ending(by, status, cause, cx.now);
        self.signalling = Signalling::Ended;
        self.invite = None;
        self.play = None;
        self.close_media(cx);
    }

    /// Whether what was read back can have been written: numbers that grow have room to.
    pub fn is_sound(&self) -> bool {
        let dialog = match &self.signalling {
            Signalling::Up { dialog, .. } | Signalling::Leaving { dialog, .. } => dialog.local_seq < 1 << 31,
            _ => true,
        };
        dialog && self.origin.version < 1 << 62 && (self.endpoint.0 & ENDPOINT_MASK) < 1 << 47
    }

    fn note_ending(&mut self, by: By, status: u16, cause: &str, at: Moment) {
        self.ending.get_or_insert_with(|| Ending {
            at,
            by,
            status,
            cause: cause.into(),
        });
    }
}

/// A peer's description and what it means for the gate, with `keep` as the codec where it allows that; none where it
/// cannot be used.
fn understand(body: &[u8], keep: Option<Codec>) -> Option<(Audio, Agreed)> {
    let audio = sdp::read(body).ok()?;
    let agreed = audio.agree(keep)?;
    Some((audio, agreed))
}
