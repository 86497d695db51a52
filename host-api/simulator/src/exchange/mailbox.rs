//! Mail and voicemail of the scripted world.

use std::time::Duration;

use tandem_host_api::op::{
    Mail, MailError, Outcome, VoicemailCounts, VoicemailError, VoicemailMessage, VoicemailOp, VoicemailState,
    VoicemailValue,
};

use super::{Exchange, Pending};

/// Most messages of one box, as a server has it where nothing is set.
const MESSAGES_MAX: usize = 100;

/// A message in a box.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) box_name: String,
    pub(super) message: VoicemailMessage,
}

impl Kept {
    /// As scripts have it: `new 302`.
    pub(super) fn said(&self) -> String {
        format!("{} {}", state(self.message.state), self.message.caller.user)
    }
}

fn state(state: VoicemailState) -> &'static str {
    match state {
        VoicemailState::New => "new",
        VoicemailState::Heard => "heard",
        VoicemailState::Saved => "saved",
    }
}

impl Exchange {
    /// Sends a mail, or fails as the script says.
    pub(super) fn begin_mail(&mut self, mail: &Mail) {
        let is_missing = |name: &&String| !self.recordings.contains_key(*name);
        let missing = mail.attachments.iter().find(is_missing).cloned();
        let scripted = &self.case.world.mail;
        let result = match (missing, &scripted.error) {
            (Some(name), _) => Err(MailError::NotFound(name)),
            (None, Some(error)) => Err(error.clone()),
            (None, None) => {
                let mut seen = format!("{}: {}: {}", mail.to.join(", "), mail.subject, mail.text);
                for name in &mail.attachments {
                    seen.extend([" [", name, "]"]);
                }
                self.seen.mails.push(seen);
                let id = format!("<mail-{}@{}>", self.seen.mails.len(), self.case.world.domain);
                Ok(id)
            }
        };
        let until = self.now() + scripted.after;
        self.pending = Pending::Answering {
            until,
            outcome: Outcome::Mailed(result),
        };
    }

    /// What a box answers.
    pub(super) fn voicemail(&mut self, name: &str, op: &VoicemailOp) -> Outcome {
        Outcome::Voicemail(self.in_box(name, op))
    }

    fn in_box(&mut self, name: &str, op: &VoicemailOp) -> Result<VoicemailValue, VoicemailError> {
        let world = &self.case.world;
        if !world.users.contains_key(name) && !world.boxes.contains_key(name) {
            return Err(VoicemailError::NoBox);
        }
        match op {
            VoicemailOp::Store {
                recording,
                caller,
                duration_ms,
            } => {
                let stored = self.kept.iter().find(|kept| kept.message.recording == *recording);
                if let Some(stored) = stored {
                    return if stored.box_name == name {
                        Ok(VoicemailValue::Stored(Box::new(stored.message.clone())))
                    } else {
                        let words = format!("{recording} is a message of the box {}", stored.box_name);
                        Err(VoicemailError::BadArgument(words))
                    };
                }
                if !self.recordings.contains_key(recording) {
                    return Err(VoicemailError::NotFound);
                }
                if self.kept.iter().filter(|kept| kept.box_name == name).count() >= MESSAGES_MAX {
                    let words = format!("more than {MESSAGES_MAX} messages in the voicemail box");
                    return Err(VoicemailError::Full(words));
                }
                let message = VoicemailMessage {
                    id: self.kept.iter().map(|kept| kept.message.id).max().unwrap_or(0) + 1,
                    recording: recording.clone(),
                    caller: caller.clone(),
                    stored_ms: self.wall().as_millisecond().max(0) as u64,
                    duration_ms: *duration_ms,
                    state: VoicemailState::New,
                };
                self.kept.push(Kept {
                    box_name: name.to_owned(),
                    message: message.clone(),
                });
                Ok(VoicemailValue::Stored(Box::new(message)))
            }
            VoicemailOp::List { state, offset, limit } => {
                let listed = self.kept.iter().rev().filter(|kept| kept.box_name == name);
                let listed = listed
                    .map(|kept| &kept.message)
                    .filter(|message| state.is_none_or(|state| message.state == state))
                    .skip(*offset as usize)
                    .take(*limit as usize);
                Ok(VoicemailValue::Listed(listed.cloned().collect()))
            }
            VoicemailOp::Mark { id, state } => {
                let kept = self.kept.iter_mut();
                let message = kept
                    .filter(|kept| kept.box_name == name)
                    .map(|kept| &mut kept.message)
                    .find(|message| message.id == *id);
                message.ok_or(VoicemailError::NotFound)?.state = *state;
                Ok(VoicemailValue::Done)
            }
            VoicemailOp::Delete { id } => {
                let place = self
                    .kept
                    .iter()
                    .position(|kept| kept.box_name == name && kept.message.id == *id);
                if let Some(place) = place {
                    let gone = self.kept.remove(place);
                    self.recordings.remove(&gone.message.recording);
                }
                Ok(VoicemailValue::Done)
            }
            VoicemailOp::Count => {
                let count = |state| {
                    let of = |kept: &&Kept| kept.box_name == name && kept.message.state == state;
                    self.kept.iter().filter(of).count() as u32
                };
                Ok(VoicemailValue::Counted(VoicemailCounts {
                    new: count(VoicemailState::New),
                    heard: count(VoicemailState::Heard),
                    saved: count(VoicemailState::Saved),
                }))
            }
        }
    }

    /// What boxes have at the beginning: each message's recording can be played.
    pub(super) fn fill_boxes(&mut self) {
        let case = std::sync::Arc::clone(&self.case);
        for (name, messages) in &case.world.boxes {
            // Scripts say the newest first.
            for (later, given) in messages.iter().enumerate().rev() {
                let id = self.kept.len() as u64 + 1;
                let recording = format!("recording-kept-{id}");
                self.recordings.insert(recording.clone(), given.length);
                let stored = case.world.start.as_millisecond().max(0) as u64;
                let ago = Duration::from_hours(later as u64 + 1);
                self.kept.push(Kept {
                    box_name: name.clone(),
                    message: VoicemailMessage {
                        id,
                        recording,
                        caller: given.caller.clone(),
                        stored_ms: stored.saturating_sub(ago.as_millis() as u64),
                        duration_ms: given.length.as_millis() as u64,
                        state: given.state,
                    },
                });
            }
        }
    }
}
