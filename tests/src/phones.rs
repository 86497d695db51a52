//! Phones of the demo domain's users, each with a tone of its own.

use crate::listening::SILENCE_DBFS;
use std::time::Duration;
use tandem_kit::baresip::{Baresip, Builder, Transport};
use tandem_kit::ctrl::EventKind;
use tandem_kit::tandem::Tandem;
use tandem_kit::{Failure, Result, tone, wait};

/// For everything that should happen at once but may wait for a busy machine.
pub const SOON: Duration = Duration::from_secs(10);

/// The tone of a demo user: no two are multiples of each other, and none is one of ringback or busy tone.
pub fn tone_hz(user: &str) -> f64 {
    match user {
        "301" => 523.0,
        "302" => 697.0,
        _ => 941.0,
    }
}

/// The phone of a demo user, not started yet.
///
/// # Errors
/// When the demo domain has no such user.
pub fn phone(tandem: &Tandem, user: &str) -> Result<Builder> {
    let demo = tandem.demo();
    let user = demo.user(user)?;
    Ok(Baresip::builder(&user.name, &demo.domain, &user.password, tandem.sip()).tone_hz(tone_hz(&user.name)))
}

/// The phone of a demo user, registered.
///
/// # Errors
/// When the registration fails.
pub fn registered(tandem: &Tandem, user: &str, transport: Transport) -> Result<Baresip> {
    let phone = phone(tandem, user)?.transport(transport).start()?;
    phone.wait_registered(SOON)?;
    Ok(phone)
}

/// Dials and gives the status that refuses the call, as "486 Busy Here".
///
/// # Errors
/// When the call is answered, or not refused within `within`.
pub fn refusal(phone: &Baresip, target: &str, within: Duration) -> Result<String> {
    phone.dial(target)?;
    let closed = phone.wait_for(&EventKind::Closed, within)?;
    match phone.wait_for(&EventKind::Established, Duration::ZERO) {
        Ok(_) => Err(Failure::new(format!("{target} answered, then {}", closed.param))),
        Err(_) => Ok(closed.param),
    }
}

/// A whole short call to the demo menu, which is answered, heard to speak, and hung up.
///
/// # Errors
/// When one of these does not happen.
pub fn menu_greets(tandem: &Tandem, phone: &Baresip) -> Result<()> {
    let before = phone.recordings();
    phone.dial(&tandem.demo().menu)?;
    phone.wait_for(&EventKind::Established, SOON)?;
    wait::until(SOON, "the menu's voice", || {
        let heard = (phone.recordings() > before).then(|| phone.received().ok())??;
        let levels = tone::levels(&heard, Duration::from_millis(20));
        let loud = levels.iter().filter(|level| **level > SILENCE_DBFS).count();
        (loud >= 25).then_some(())
    })?;
    phone.hangup()?;
    phone.wait_for(&EventKind::Closed, SOON)?;
    Ok(())
}
