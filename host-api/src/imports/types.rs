//! `types`: shapes that several interfaces share.

use tandem_bindings::tandem::pbx::types::{self as wit};

use crate::door::Door;
use crate::op::{Address, Cause, ProgressTone, Prompt};

impl wit::Host for Door {}

pub(super) fn address_to_wit(address: Address) -> wit::Address {
    wit::Address {
        user: address.user,
        host: address.host,
        display_name: address.display_name,
    }
}

pub(super) fn address(address: wit::Address) -> Address {
    Address {
        user: address.user,
        host: address.host,
        display_name: address.display_name,
    }
}

pub(super) fn cause(cause: wit::Cause) -> Cause {
    match cause {
        wit::Cause::Normal => Cause::Normal,
        wit::Cause::Busy => Cause::Busy,
        wit::Cause::Declined => Cause::Declined,
        wit::Cause::NotFound => Cause::NotFound,
        wit::Cause::Forbidden => Cause::Forbidden,
        wit::Cause::Unavailable => Cause::Unavailable,
        wit::Cause::Congested => Cause::Congested,
        wit::Cause::Status(status) => Cause::Status(status),
    }
}

pub(super) fn prompts(prompts: Vec<wit::Prompt>) -> Vec<Prompt> {
    prompts.into_iter().map(prompt).collect()
}

fn prompt(prompt: wit::Prompt) -> Prompt {
    match prompt {
        wit::Prompt::File(name) => Prompt::File(name),
        wit::Prompt::Progress(wit::ProgressTone { tone, duration_ms }) => Prompt::Progress {
            tone: progress_tone(tone),
            duration_ms,
        },
        wit::Prompt::Tone(wit::PureTone {
            first_hz,
            second_hz,
            duration_ms,
        }) => Prompt::Tone {
            first_hz,
            second_hz,
            duration_ms,
        },
        wit::Prompt::Silence(duration_ms) => Prompt::Silence(duration_ms),
        wit::Prompt::Speech(wit::Speech { text, language }) => Prompt::Speech { text, language },
    }
}

fn progress_tone(tone: wit::CallProgressTone) -> ProgressTone {
    match tone {
        wit::CallProgressTone::Dial => ProgressTone::Dial,
        wit::CallProgressTone::Ringback => ProgressTone::Ringback,
        wit::CallProgressTone::Busy => ProgressTone::Busy,
        wit::CallProgressTone::Congestion => ProgressTone::Congestion,
        wit::CallProgressTone::SpecialInformation => ProgressTone::SpecialInformation,
    }
}
