//! Many calls at a time, by SIPp, with real digits and real sound.

use crate::modules;
use std::time::Duration;
use tandem_kit::failure::Doing;
use tandem_kit::rtp::{MediaPeer, Press};
use tandem_kit::sipp::{Caller, Running, Sipp, SippResult, scenario};
use tandem_kit::tandem::Tandem;
use tandem_kit::{Failure, Result, ports};

/// A second domain's name.
pub const OTHER_DOMAIN: &str = "loops.local";
/// Its user.
pub const OTHER_USER: &str = "901";
/// The number of its module that loops without end.
pub const LOOPING_NUMBER: &str = "666";

/// What became of a load: of the callers, of the one who answers, and of their sound.
#[derive(Debug)]
pub struct Outcome {
    /// The calling side.
    pub callers: SippResult,
    /// The answering side.
    pub answerers: SippResult,
    /// In how many calls the digit was pressed.
    pub presses: usize,
    /// How many calls were heard: at least half a second of sound at the caller.
    pub heard: usize,
    /// How many calls the answering side heard, through the bridge: at least half a second of sound.
    pub answered_heard: usize,
}

/// A user of the demo domain, dialling `number`.
///
/// # Errors
/// When there is no such user.
pub fn caller(tandem: &Tandem, user: &str, number: &str) -> Result<Caller> {
    let demo = tandem.demo();
    let user = demo.user(user)?;
    Ok(Caller {
        user: user.name.clone(),
        password: user.password.clone(),
        domain: demo.domain.clone(),
        number: number.to_owned(),
    })
}

/// SIPp, registered as a demo user, answers this many calls at once.
///
/// # Errors
/// When the registration fails.
pub fn answering(
    tandem: &Tandem,
    user: &str,
    calls: u64,
    media: &MediaPeer,
    within: Duration,
) -> Result<Running> {
    // Both run on one port: calls come back on the flow of the registration.
    let port = ports::free()?;
    let register = Sipp::new(scenario("register"))
        .remote(tandem.sip())
        .local_port(port);
    let registered = register.callers([caller(tandem, user, "")?]).run()?;
    if registered.successful != 1 {
        return Err(Failure::new(format!("{user} did not register: {registered:?}")));
    }
    let uas = Sipp::new(scenario("uas"))
        .local_port(port)
        .calls(calls)
        .key("rtp_port", media.port());
    uas.within(within).start()
}

/// 301 calls the menu `calls` times at `rate` per second; in each call, 1 is pressed after a second of greeting, 302
/// answers at once, and the caller hangs up after four seconds.
///
/// # Errors
/// When a peer cannot be started or does not end.
pub fn menu_calls(tandem: &Tandem, calls: u64, rate: u64) -> Result<Outcome> {
    menu_calls_of(tandem, calls, rate, Duration::from_secs(4))
}

/// As [`menu_calls`], but for the length of each call.
///
/// # Errors
/// When a peer cannot be started or does not end.
pub fn menu_calls_of(tandem: &Tandem, calls: u64, rate: u64, length: Duration) -> Result<Outcome> {
    let within = Duration::from_secs(60 + calls / rate);
    let press = Press {
        key: '1',
        after: Duration::from_secs(1),
    };
    let (caller_media, callee_media) = (MediaPeer::start(Some(press))?, MediaPeer::start(None)?);
    let answerers = answering(tandem, "302", calls, &callee_media, within)?;
    let callers = Sipp::new(scenario("menu_call"))
        .remote(tandem.sip())
        .callers([caller(tandem, "301", &tandem.demo().menu)?])
        .key("rtp_port", caller_media.port())
        .calls(calls)
        .rate(rate)
        .hold(length)
        .within(within)
        .run()?;
    Ok(Outcome {
        callers,
        answerers: answerers.finish()?,
        presses: caller_media.presses(),
        heard: caller_media.streams_with(25),
        answered_heard: callee_media.streams_with(25),
    })
}

/// One caller hears the menu's greeting, and presses nothing.
///
/// # Errors
/// When a peer cannot be started, or nothing is heard.
pub fn one_is_greeted(tandem: &Tandem) -> Result<()> {
    let media = MediaPeer::start(None)?;
    let done = Sipp::new(scenario("menu_call"))
        .remote(tandem.sip())
        .callers([caller(tandem, "301", &tandem.demo().menu)?])
        .key("rtp_port", media.port())
        .hold(Duration::from_secs(8))
        .run()?;
    match (done.successful, media.streams_with(25)) {
        (1, 1) => Ok(()),
        _ => Err(Failure::new(format!("nobody was greeted: {done:?}"))),
    }
}

/// Makes the second domain, whose number leads to a module that never ends; its user's password.
///
/// # Errors
/// When a command is refused.
pub fn add_looping_domain(tandem: &Tandem) -> Result<String> {
    let password = modules::add_domain(tandem, OTHER_DOMAIN, &[OTHER_USER])?
        .pop()
        .doing("the new user's password")?;
    modules::offer(tandem, OTHER_DOMAIN, "loop", LOOPING_NUMBER, &[])?;
    Ok(password)
}

/// Calls to the looping module, in the background.
///
/// # Errors
/// When SIPp cannot be started.
pub fn looping_calls(tandem: &Tandem, password: &str, calls: u64, rate: u64) -> Result<Running> {
    let caller = Caller {
        user: OTHER_USER.to_owned(),
        password: password.to_owned(),
        domain: OTHER_DOMAIN.to_owned(),
        number: LOOPING_NUMBER.to_owned(),
    };
    let sipp = Sipp::new(scenario("menu_call"))
        .remote(tandem.sip())
        .callers([caller])
        .calls(calls)
        .rate(rate);
    sipp.within(Duration::from_secs(90 + calls / rate)).start()
}
