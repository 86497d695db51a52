//! A leg's media endpoint: opened, agreed on, played on, closed.

use std::net::SocketAddr;

use tandem_bus::media::{Agreed, Command, PlayId, Prompt, RtpPosition, SendId, Statistics};

use super::{By, Leg, Media, Playing, Signalling};
use crate::context::{ClientUse, Context};
use crate::sdp;
use crate::sip_text;

/// Digits kept for a later collection; the oldest go first.
const DIGITS_MAX: usize = 64;
/// Length of a sent digit and of the gap after it, in milliseconds.
const DIGIT_MS: u16 = 100;

impl Leg {
    /// Whether something can be played to the peer.
    pub fn is_audible(&self) -> bool {
        matches!(self.media, Media::Agreed(..)) && !self.is_over()
    }

    /// Asks the gate for ports, once.
    pub fn open_media(&mut self, cx: &mut Context<'_>) {
        if self.media == Media::None {
            self.media = Media::Opening;
            self.open_again(cx);
        }
    }

    /// The gate gave ports. A planned INVITE leaves.
    pub fn handle_opened(&mut self, local: SocketAddr, position: RtpPosition, cx: &mut Context<'_>) {
        self.position = Some(position);
        if self.media != Media::Opening {
            return;
        }
        self.media = Media::Open(local);
        if let Signalling::Planned { target } = &self.signalling {
            let body = sdp::offer(local, self.origin, target.codec);
            match sip_text::invite(target, self, &body, cx) {
                Ok(request) => {
                    self.note_call_id(&request);
                    let sent = cx.request(request, self.way.flow, ClientUse::Invite(self.id));
                    self.signalling = Signalling::Outgoing {
                        client: sent,
                        cancelled: false,
                    };
                }
                Err(error) => self.end(By::System, 500, &error.to_string(), cx),
            }
        }
    }

    /// Asks the gate for ports once more, where it has not given them yet.
    pub fn open_again(&self, cx: &mut Context<'_>) {
        if self.media == Media::Opening {
            cx.media(Command::Open {
                endpoint: self.endpoint,
                domain: cx.domain.to_string(),
            });
        }
    }

    pub(super) fn agree(&mut self, local: SocketAddr, agreed: Agreed, cx: &mut Context<'_>) {
        if self.media != Media::Agreed(local, agreed.clone()) {
            self.codec_used = Some(agreed.codec);
            cx.media(Command::Agree {
                endpoint: self.endpoint,
                agreed: agreed.clone(),
            });
            self.media = Media::Agreed(local, agreed);
        }
    }

    pub(super) fn close_media(&mut self, cx: &mut Context<'_>) {
        match self.media {
            Media::None => self.media = Media::Closed(Some(Statistics::default())),
            Media::Closed(_) | Media::Elsewhere => (),
            Media::Opening | Media::Open(_) | Media::Agreed(..) => {
                cx.media(Command::Close {
                    endpoint: self.endpoint,
                });
                self.media = Media::Closed(None);
            }
        }
    }

    /// Plays prompts in place of what is played now.
    pub fn play(&mut self, prompts: Vec<Prompt>, repeat: bool, cx: &mut Context<'_>) -> PlayId {
        let play = cx.new_play();
        self.play = Some(Playing {
            play,
            prompts,
            repeat,
            began: cx.now,
        });
        self.play_on(0, cx);
        play
    }

    /// Plays the domain's music until something else is played or it is stopped.
    pub fn hold(&mut self, cx: &mut Context<'_>) {
        if !self.is_held() {
            self.play(vec![Prompt::Music], true, cx);
        }
    }

    /// Whether the domain's music plays.
    pub fn is_held(&self) -> bool {
        self.play
            .as_ref()
            .is_some_and(|playing| playing.prompts == [Prompt::Music])
    }

    /// Tells the gate again what is played, without its first `from_ms` milliseconds.
    pub fn play_on(&self, from_ms: u64, cx: &mut Context<'_>) {
        if let Some(playing) = &self.play {
            cx.media(Command::Play {
                endpoint: self.endpoint,
                play: playing.play,
                prompts: playing.prompts.clone(),
                repeat: playing.repeat,
                from_ms,
            });
        }
    }

    /// Has another gate go on with the endpoint that one before it had.
    pub fn restore_media(&self, cx: &mut Context<'_>) {
        let (Media::Open(local) | Media::Agreed(local, _)) = &self.media else {
            return;
        };
        let endpoint = self.endpoint;
        let Some(position) = self.position else { return };
        cx.media(Command::Restore {
            endpoint,
            domain: cx.domain.to_string(),
            local: *local,
            position,
            heard: self.heard,
        });
        if let Media::Agreed(_, agreed) = &self.media {
            cx.media(Command::Agree {
                endpoint,
                agreed: agreed.clone(),
            });
        }
        if let Some(playing) = &self.play {
            self.play_on((cx.now - playing.began).as_millis() as u64, cx);
        }
    }

    /// Stops what is played now.
    pub fn stop_play(&mut self, cx: &mut Context<'_>) {
        if let Some(Playing { play, .. }) = self.play.take() {
            cx.media(Command::Stop {
                endpoint: self.endpoint,
                play,
            });
        }
    }

    /// Sends digits to the peer.
    pub fn send_digits(&self, send: SendId, digits: String, cx: &mut Context<'_>) {
        cx.media(Command::SendDigits {
            endpoint: self.endpoint,
            send,
            digits,
            tone_ms: DIGIT_MS,
            gap_ms: DIGIT_MS,
        });
    }

    /// Keeps a digit that nobody collects.
    pub fn keep_digit(&mut self, digit: char) {
        if self.digits.len() == DIGITS_MAX {
            self.digits.pop_front();
        }
        self.digits.push_back(digit);
    }
}
