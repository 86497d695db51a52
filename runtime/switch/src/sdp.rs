//! Session descriptions (RFC 8866) and the offer/answer model (RFC 3264), for one audio stream of G.711.
//!
//! [`read`] understands a peer's description, [`offer`] and [`answer`] write ours, [`Audio::agree`] gives what the
//! media gate must know. Not here: sockets, or who offers when (`leg`).

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use sdp_types::Session;
use serde::{Deserialize, Serialize};
use tandem_bus::media::{Agreed, Codec};

/// Payload type of telephone-event in our offers.
const TELEPHONE_EVENT: u8 = 101;
/// A description has at most so many streams; more are refused.
const STREAMS_MAX: usize = 16;

/// Why a description cannot be used; each is a 488 (RFC 3261 §21.4.26) but for [`SdpError::Malformed`], a 400, and
/// [`SdpError::Type`], a 415.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// Not a session description.
    #[error("malformed session description: {0}")]
    Malformed(String),
    /// The body is something else.
    #[error("the body is no session description but {0}")]
    Type(String),
    /// No audio stream over RTP/AVP with a port.
    #[error("no audio stream over RTP/AVP")]
    NoAudio,
    /// None of the codecs is ours.
    #[error("no common codec: only PCMA and PCMU are spoken here")]
    NoCodec,
    /// The connection line is missing or names no IP address.
    #[error("connection address is missing or not an IP address")]
    NoAddress,
}

impl SdpError {
    /// The status and Warning code (RFC 3261 §20.43) that refuse the offer.
    pub fn status(&self) -> (u16, u16) {
        match self {
            Self::Malformed(_) => (400, 399),
            Self::Type(_) => (415, 399),
            Self::NoAudio => (488, 304),
            Self::NoCodec => (488, 305),
            Self::NoAddress => (488, 300),
        }
    }
}

/// A stream that is not ours to take: it is answered with port 0 (RFC 3264 §6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Refused {
    media: String,
    proto: String,
    fmt: String,
}

/// The audio stream of a peer's description.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audio {
    /// Where the peer receives; port and address may be unusable while it holds the call.
    pub remote: SocketAddr,
    /// The peer's codecs that are ours too, in the peer's order, with its payload types; never empty.
    pub codecs: Vec<(Codec, u8)>,
    /// The peer's payload type of telephone-event at 8 kHz.
    pub telephone_event: Option<u8>,
    /// Packet time the peer wants, in milliseconds.
    pub ptime_ms: u8,
    /// The peer sends.
    pub sends: bool,
    /// The peer receives.
    pub receives: bool,
    /// Place of the audio stream among all streams, and the others.
    place: usize,
    others: Vec<Refused>,
}

/// Reads a peer's offer or answer.
pub fn read(body: &[u8]) -> Result<Audio, SdpError> {
    let session = Session::parse(body).map_err(|e| SdpError::Malformed(e.to_string()))?;
    if session.medias.len() > STREAMS_MAX {
        return Err(SdpError::Malformed(format!("more than {STREAMS_MAX} streams")));
    }
    let place = session
        .medias
        .iter()
        .position(|m| m.media == "audio" && m.port != 0 && matches!(m.proto.as_str(), "RTP/AVP" | "RTP/AVPF"))
        .ok_or(SdpError::NoAudio)?;
    let media = session.medias.get(place).ok_or(SdpError::NoAudio)?;
    let address = media
        .connections
        .first()
        .or(session.connection.as_ref())
        .and_then(|c| c.connection_address.split('/').next())
        .and_then(|a| a.parse::<IpAddr>().ok())
        .ok_or(SdpError::NoAddress)?;
    let (codecs, telephone_event) = payloads(media);
    if codecs.is_empty() {
        return Err(SdpError::NoCodec);
    }
    let (sends, receives) = direction(&session, media);
    let ptime_ms = media
        .get_first_attribute_value("ptime")
        .flatten()
        .and_then(|v| v.trim().parse::<u8>().ok())
        .filter(|ms| (10..=60).contains(ms) && ms % 10 == 0)
        .unwrap_or(20);
    let others = session
        .medias
        .iter()
        .enumerate()
        .filter(|(i, _)| *i != place)
        .map(|(_, m)| Refused {
            media: m.media.clone(),
            proto: m.proto.clone(),
            fmt: m.fmt.clone(),
        })
        .collect();
    Ok(Audio {
        remote: SocketAddr::new(address, media.port),
        codecs,
        telephone_event,
        ptime_ms,
        sends,
        // An unspecified address is the hold of RFC 2543: the peer hears nothing.
        receives: receives && !address.is_unspecified(),
        place,
        others,
    })
}

/// The codecs of ours among a stream's payload types, and the one of telephone-event.
fn payloads(media: &sdp_types::Media) -> (Vec<(Codec, u8)>, Option<u8>) {
    let mut codecs = Vec::new();
    let mut telephone_event = None;
    for payload_type in media
        .fmt
        .split_ascii_whitespace()
        .take(64)
        .filter_map(|f| f.parse::<u8>().ok())
    {
        let named = media.get_attribute_values("rtpmap").flatten().find_map(|map| {
            let (number, encoding) = map.trim().split_once(' ')?;
            (number.parse() == Ok(payload_type)).then(|| encoding.trim().to_ascii_uppercase())
        });
        match (named.as_deref(), payload_type) {
            (Some("PCMA/8000" | "PCMA/8000/1"), _) | (None, 8) => codecs.push((Codec::Pcma, payload_type)),
            (Some("PCMU/8000" | "PCMU/8000/1"), _) | (None, 0) => codecs.push((Codec::Pcmu, payload_type)),
            (Some("TELEPHONE-EVENT/8000"), _) => {
                telephone_event.get_or_insert(payload_type);
            }
            _ => {}
        }
    }
    (codecs, telephone_event)
}

/// Whether the peer sends and receives (RFC 8866 §6.7).
fn direction(session: &Session, media: &sdp_types::Media) -> (bool, bool) {
    let attribute = |name: &str| media.has_attribute(name);
    let any_on_media = ["sendrecv", "sendonly", "recvonly", "inactive"]
        .iter()
        .any(|name| media.has_attribute(name));
    let has = |name: &str| {
        if any_on_media {
            attribute(name)
        } else {
            session.has_attribute(name)
        }
    };
    if has("inactive") {
        (false, false)
    } else if has("sendonly") {
        (true, false)
    } else if has("recvonly") {
        (false, true)
    } else {
        (true, true)
    }
}

impl Audio {
    /// What the gate must know once the peer's description and ours are exchanged. `codec`: the one chosen, of
    /// [`Self::codecs`]; the first where it is not among them.
    pub fn agree(&self, codec: Option<Codec>) -> Option<Agreed> {
        let (codec, payload_type) = self
            .codecs
            .iter()
            .copied()
            .find(|(c, _)| Some(*c) == codec)
            .or(self.codecs.first().copied())?;
        Some(Agreed {
            remote: self.remote,
            codec,
            payload_type,
            telephone_event: self.telephone_event,
            telephone_event_received: self.telephone_event,
            ptime_ms: self.ptime_ms,
            sends: self.receives,
            receives: self.sends,
        })
    }
}

/// The identity of our description: RFC 8866 §5.2 wants one session id a leg and a version that grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Session id.
    pub session: u64,
    /// Session version.
    pub version: u64,
}

fn head(local: SocketAddr, origin: Origin) -> String {
    let family = if local.is_ipv4() { "IP4" } else { "IP6" };
    let (Origin { session, version }, ip) = (origin, local.ip());
    format!("v=0\r\no=tandem {session} {version} IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n")
}

fn write_audio(
    out: &mut String,
    port: u16,
    codecs: &[(Codec, u8)],
    event: Option<u8>,
    ptime_ms: u8,
    direction: &str,
) {
    // Writing to a String cannot fail.
    let _ = write!(out, "m=audio {port} RTP/AVP");
    for (_, payload_type) in codecs {
        let _ = write!(out, " {payload_type}");
    }
    if let Some(event) = event {
        let _ = write!(out, " {event}");
    }
    out.push_str("\r\n");
    for (codec, payload_type) in codecs {
        let name = match codec {
            Codec::Pcma => "PCMA",
            Codec::Pcmu => "PCMU",
        };
        let _ = write!(out, "a=rtpmap:{payload_type} {name}/8000\r\n");
    }
    if let Some(event) = event {
        let _ = write!(
            out,
            "a=rtpmap:{event} telephone-event/8000\r\na=fmtp:{event} 0-15\r\n"
        );
    }
    let _ = write!(out, "a=ptime:{ptime_ms}\r\na={direction}\r\n");
}

/// Our offer: both codecs, `first` before the other one, so that a bridge need not decode.
pub fn offer(local: SocketAddr, origin: Origin, first: Option<Codec>) -> String {
    let codecs = match first {
        Some(Codec::Pcmu) => [(Codec::Pcmu, 0), (Codec::Pcma, 8)],
        _ => [(Codec::Pcma, 8), (Codec::Pcmu, 0)],
    };
    let mut out = head(local, origin);
    write_audio(
        &mut out,
        local.port(),
        &codecs,
        Some(TELEPHONE_EVENT),
        20,
        "sendrecv",
    );
    out
}

/// Our answer to `audio`, with the codec that was agreed; other streams are refused in their place.
pub fn answer(local: SocketAddr, origin: Origin, audio: &Audio, agreed: &Agreed) -> String {
    let mut out = head(local, origin);
    let direction = match (agreed.sends, agreed.receives) {
        (true, true) => "sendrecv",
        (true, false) => "sendonly",
        (false, true) => "recvonly",
        (false, false) => "inactive",
    };
    let write_ours = |out: &mut String| {
        let codec = [(agreed.codec, agreed.payload_type)];
        write_audio(
            out,
            local.port(),
            &codec,
            agreed.telephone_event,
            agreed.ptime_ms,
            direction,
        );
    };
    for (i, other) in audio.others.iter().enumerate() {
        if i == audio.place {
            write_ours(&mut out);
        }
        let _ = write!(out, "m={} 0 {} {}\r\n", other.media, other.proto, other.fmt);
    }
    if audio.place >= audio.others.len() {
        write_ours(&mut out);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &[u8] = b"v=0\r\no=a 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 9 0 8 97\r\na=rtpmap:9 G722/8000\r\na=rtpmap:97 telephone-event/8000\r\na=ptime:20\r\n\
        m=video 4002 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n";
    const OURS: Origin = Origin {
        session: 7,
        version: 1,
    };

    fn local() -> SocketAddr {
        "127.0.0.1:20000".parse().unwrap()
    }

    #[test]
    fn answer_takes_the_peers_first_common_codec_and_refuses_other_streams_in_place() {
        let audio = read(OFFER).unwrap();
        assert_eq!(audio.codecs, [(Codec::Pcmu, 0), (Codec::Pcma, 8)]);
        let agreed = audio.agree(None).unwrap();
        assert_eq!((agreed.codec, agreed.telephone_event), (Codec::Pcmu, Some(97)));
        let text = answer(local(), OURS, &audio, &agreed);
        let back = read(text.as_bytes()).unwrap();
        assert_eq!(back.remote, local());
        assert!(text.contains("m=audio 20000 RTP/AVP 0 97\r\n"), "{text}");
        assert!(text.ends_with("m=video 0 RTP/AVP 99\r\n"), "{text}");
    }

    #[test]
    fn video_before_audio_keeps_its_place_in_the_answer() {
        let text = std::str::from_utf8(OFFER).unwrap();
        let (top, media) = text.split_at(text.find("m=audio").unwrap());
        let (audio, video) = media.split_at(media.find("m=video").unwrap());
        let swapped = read(format!("{top}{video}{audio}").as_bytes()).unwrap();
        let answered = answer(local(), OURS, &swapped, &swapped.agree(None).unwrap());
        assert!(
            answered.find("m=video 0").unwrap() < answered.find("m=audio 20000").unwrap(),
            "{answered}"
        );
    }

    #[test]
    fn hold_is_answered_with_the_mirrored_direction() {
        let text = String::from_utf8(OFFER.to_vec())
            .unwrap()
            .replace("a=ptime:20", "a=sendonly");
        let audio = read(text.as_bytes()).unwrap();
        let agreed = audio.agree(None).unwrap();
        assert!(!agreed.sends && agreed.receives);
        assert!(answer(local(), OURS, &audio, &agreed).contains("a=recvonly"));
        let old_hold = String::from_utf8(OFFER.to_vec())
            .unwrap()
            .replace("c=IN IP4 192.0.2.1", "c=IN IP4 0.0.0.0");
        assert!(!read(old_hold.as_bytes()).unwrap().agree(None).unwrap().sends);
    }

    #[test]
    fn each_unusable_offer_has_its_own_error() {
        let with = |from: &str, to: &str| {
            read(std::str::from_utf8(OFFER).unwrap().replace(from, to).as_bytes()).unwrap_err()
        };
        assert_eq!(with("9 0 8 97", "9 97"), SdpError::NoCodec);
        assert_eq!(with("m=audio 4000", "m=audio 0"), SdpError::NoAudio);
        assert_eq!(
            with("c=IN IP4 192.0.2.1", "c=IN IP4 phone.example"),
            SdpError::NoAddress
        );
        assert!(matches!(read(b"hello"), Err(SdpError::Malformed(_))));
    }

    #[test]
    fn our_offer_puts_the_callers_codec_first() {
        let audio = read(offer(local(), OURS, Some(Codec::Pcmu)).as_bytes()).unwrap();
        assert_eq!(audio.codecs[0].0, Codec::Pcmu);
        assert_eq!(audio.telephone_event, Some(TELEPHONE_EVENT));
    }
}
