//! The examples of the book (docs/scenarios), as one scenario that uses every interface.

mod recipes;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tandem_sdk::http::{Method, Request};
use tandem_sdk::key_value::KvError;
use tandem_sdk::leg_events::{self, BridgeUntilEnd, LegEvent};
use tandem_sdk::mail::Mail;
use tandem_sdk::originate;
use tandem_sdk::recording::{self, Record, Side};
use tandem_sdk::voicemail;
use tandem_sdk::{
    CallProgressTone, Cause, Collect, Dial, DialFailure, Leg, LegError, Prompt, Strategy, Target,
    TransferFailure, TransferTarget,
};
use tandem_sdk::{PickUpFailure, pick_up};
use tandem_sdk::{
    bridge, checkpoint, clock, config, contacts, deadline, dial, find_user, hold, http, key_value, log,
    metrics, random, resume, schedule, send_message, timers, trace, transfer,
};

#[derive(Deserialize)]
#[serde(default)]
struct Settings {
    greeting: String,
    /// Extensions that take turns.
    agents: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            greeting: "Good day.".into(),
            agents: Vec::new(),
        }
    }
}

fn settings() -> Result<Settings, String> {
    let set = serde_json::from_str(&config::document()).map_err(|error| error.to_string())?;
    log::debug(&format!("{} of {}", config::entry_point(), config::domain()));
    Ok(set)
}

fn who_calls(caller: &Leg) -> String {
    let peer = caller.peer();
    let agents = caller.header("User-Agent");
    let agent = agents.first().map_or("a phone", String::as_str);
    log::info(&format!(
        "{} calls {} with {agent}",
        peer.user,
        caller.local().user
    ));
    peer.user
}

fn greet(caller: &Leg, text: &str) -> Result<(), LegError> {
    let ms = Duration::from_millis;
    caller.ring()?;
    caller.early_media()?;
    caller.play(&[Prompt::Progress(CallProgressTone::Ringback, ms(1_000))])?;
    caller.answer()?;
    caller.play(&[
        Prompt::silence(ms(200)),
        Prompt::tone(880, ms(100)),
        Prompt::Tone {
            first_hz: 697,
            second_hz: 1_209,
            time: ms(100),
        },
        Prompt::file("chime.wav"),
        Prompt::say(text, "en"),
    ])?;
    Ok(())
}

fn is_open() -> bool {
    schedule::is_open("office").unwrap_or_else(|_| {
        // The administrator set no hours: ours.
        let now = clock::local();
        now.weekday <= 5 && (9..17).contains(&now.hour)
    })
}

fn name_of(user: &str) -> Result<String, String> {
    let known = match contacts::find_by_number(user)? {
        Some(contact) => Some(contact),
        None => contacts::search(user, 1)?.into_iter().next(),
    };
    Ok(known.map_or(user.to_owned(), |contact| contact.name))
}

#[derive(Serialize)]
struct Call<'a> {
    caller: &'a str,
}

fn tell_crm(caller: &str) -> Result<String, http::JsonError> {
    let answer: serde_json::Value = Request::new(Method::Post, "https://crm.example.com/calls")
        .header("Accept", "application/json")
        .json(&Call { caller })?
        .bearer("crm-token")
        .timeout_ms(2_000)
        .retries(1)
        .send()?
        .json()?;
    Ok(answer.to_string())
}

fn count_of(user: &str) -> Result<i64, String> {
    let key = format!("calls/{user}");
    match key_value::increment(&key, 1) {
        Ok(count) => Ok(count),
        Err(KvError::NotANumber) => {
            key_value::set(&key, b"1")?;
            Ok(1)
        }
        Err(other) => Err(format!("{other:?}")),
    }
}

fn last_agent(caller: &str) -> Result<Option<String>, KvError> {
    let key = format!("last/{caller}");
    let agent = key_value::get(&key)?.and_then(|name| String::from_utf8(name).ok());
    if let Some(agent) = &agent
        && !find_user(agent).is_some_and(|user| user.registered)
    {
        key_value::delete(&key)?;
        return Ok(None);
    }
    log::debug(&format!(
        "{} callers are known",
        key_value::keys("last/", "", 1_000)?.len()
    ));
    Ok(agent)
}

fn extension(caller: &Leg) -> Result<Option<String>, LegError> {
    let entry = caller.collect(&Collect {
        prompts: vec![Prompt::say("Enter an extension, then press the hash key.", "")],
        min: 3,
        max: 6,
        terminators: "#".into(),
        first_digit_timeout: Duration::from_secs(10),
        ..Collect::default()
    })?;
    Ok(entry.complete.then_some(entry.digits))
}

/// Half a minute for all of it, however often a key is pressed.
fn extension_in_time(caller: &Leg) -> Result<Option<String>, LegError> {
    deadline::set(Duration::from_secs(30));
    let entered = match extension(caller) {
        Err(LegError::Limit(_)) if deadline::passed() => Ok(None),
        entered => entered,
    };
    deadline::clear();
    entered
}

/// Who was called in vain is to be reminded in half an hour, unless somebody gets through before.
fn remind(number: &str, reached: bool) -> Result<(), timers::TimerError> {
    let name = format!("remind/{number}");
    if reached {
        timers::cancel(&name)?;
        return Ok(());
    }
    match timers::set(&name, Duration::from_secs(1_800), "call back") {
        // Nothing listens: the administrator wants no reminders.
        Err(timers::TimerError::NoEntryPoint(_)) => Ok(()),
        set => set,
    }
}

fn pick(agents: &[String]) -> Option<&String> {
    let count = agents.len().max(1) as u64;
    agents.get((random::next() % count) as usize)
}

fn reach(caller: &Leg, number: &str) -> Result<Option<Leg>, DialFailure> {
    let targets = [Target::user(number), Target::number(number)];
    let how = Dial {
        strategy: Strategy::InTurn,
        timeout: Duration::from_secs(15),
        ..Dial::default()
    };
    match dial(caller, &targets, &how) {
        Ok(callee) => Ok(Some(callee)),
        Err(DialFailure::BadArgument(why)) => Err(DialFailure::BadArgument(why)),
        Err(failure) => {
            log::warn(&String::from(failure));
            Ok(None)
        }
    }
}

fn talk(caller: &Leg, callee: &Leg) -> Result<(), LegError> {
    callee.send_digits("1,2")?;
    match bridge(caller, callee) {
        Ok(end) => log::info(&format!("the bridge ended: {end:?}")),
        // One of the two was gone before they were connected.
        Err(LegError::Gone) => (),
        Err(other) => return Err(other),
    }
    callee.hang_up(Cause::Normal)
}

/// The two talk. With `*` the caller puts the callee on hold for as long as they like: any key, or a minute, ends that.
fn talk_with_codes(caller: &Leg, callee: &Leg) -> Result<(), LegError> {
    while let BridgeUntilEnd::Digit(_) = leg_events::bridge_until(caller, callee, "*")? {
        hold(callee)?;
        match leg_events::wait(&[caller, callee], Duration::from_secs(60))? {
            LegEvent::Digit(..) | LegEvent::Timeout => (),
            LegEvent::Gone(_) => break,
        }
    }
    Ok(())
}

fn on_tape(caller: &Leg, callee: &Leg) -> Result<(), String> {
    let recorder = recording::start(caller, Side::Both, Duration::from_secs(4 * 3_600))?;
    talk(caller, callee)?;
    let recording = recorder.finish()?.recording;
    log::info(&format!("{}: {} ms", recording.name, recording.duration_ms));
    Ok(())
}

fn wait(caller: &Leg, number: &str) -> Result<bool, LegError> {
    trace::step("wait", &format!("Wait for {number}"));
    for _ in 0..3 {
        if find_user(number).is_some_and(|user| user.registered) {
            return Ok(true);
        }
        hold(caller)?;
        clock::sleep(Duration::from_secs(5));
        resume(caller)?;
    }
    Ok(false)
}

fn leave_message(caller: &Leg, agent: &str) -> Result<(), String> {
    caller.play(&[Prompt::say("Please leave a message after the tone.", "")])?;
    let rule = Record {
        length: Duration::from_secs(60),
        pause_digit: Some('*'),
        ..Record::default()
    };
    let name = recording::record(caller, &rule)?.recording.name;
    let key = format!("message/{agent}");
    let before = key_value::get(&key).ok().flatten();
    if let Some(before) = before.and_then(|name| String::from_utf8(name).ok()) {
        recording::delete(&before)?;
    }
    key_value::set(&key, name.as_bytes())?;
    caller.play(&[Prompt::say("You said:", ""), Prompt::file(name)])?;
    Ok(())
}

fn tell(agent: &str, text: &str) {
    match send_message(agent, text, None) {
        Ok(delivery) => log::info(&format!(
            "{} of {} phones took it",
            delivery.accepted, delivery.devices
        )),
        Err(failure) => log::warn(&String::from(failure)),
    }
}

fn pass_on(caller: &Leg, number: &str) -> Result<bool, LegError> {
    match transfer(caller, &TransferTarget::number(number), Duration::from_secs(30)) {
        Ok(()) => caller.hang_up(Cause::Normal).map(|()| true),
        Err(TransferFailure::Gone) => Err(LegError::Gone),
        // The phone does not do that, or nobody answered: the caller is still here.
        Err(failure) => {
            log::warn(&String::from(failure));
            Ok(false)
        }
    }
}

/// Music for eight hours: each begins with an empty journal.
fn stay(caller: &Leg, hours: u8) -> Result<(), String> {
    if hours == 8 {
        return Ok(());
    }
    hold(caller)?;
    clock::sleep(Duration::from_secs(3_600));
    Err(checkpoint::renew(&[hours + 1]).into())
}

fn mail_messages(of: &str, address: &str) -> Result<(), String> {
    let waiting = voicemail::count(of)?.new;
    for message in voicemail::list(of, Some(voicemail::State::New), 0, 5)? {
        let mail = Mail::to(address)
            .subject(&format!("{waiting} messages wait"))
            .text(&format!("From {}", message.caller.user))
            .attach(&message.recording);
        match mail.send() {
            Ok(_) => voicemail::mark(of, message.id, voicemail::State::Heard)?,
            Err(error) => log::warn(&String::from(error)),
        }
    }
    Ok(())
}

fn take_over(agent: &Leg, agents: &[String]) -> Result<Option<Leg>, PickUpFailure> {
    match pick_up(agent, agents) {
        Ok(waiting) => Ok(Some(waiting)),
        Err(PickUpFailure::NothingRings) => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn ask_later(user: &str) {
    let how = originate::Originate {
        ring: Duration::from_secs(20),
        ..originate::Originate::default()
    };
    match originate::call(&Target::user(user), &config::entry_point(), "survey", &how) {
        Ok(call) => log::info(&format!("call {call} asks how it was")),
        Err(failure) => log::warn(&String::from(failure)),
    }
}

fn apologise(caller: &Leg) -> Result<(), LegError> {
    trace::step("sorry", "Nobody is there");
    caller.play(&[Prompt::say("Nobody is there. Please call again.", "")])?;
    clock::sleep(Duration::from_millis(500));
    caller.hang_up(Cause::Unavailable)
}

fn measure(set: &Settings) -> Result<(), metrics::MetricError> {
    metrics::count("callers", 1)?;
    metrics::gauge("agents", set.agents.len() as f64)?;
    metrics::observe("greeting_length", set.greeting.len() as f64)
}

tandem_sdk::scenario!(handle);

fn handle(caller: Leg) -> Result<(), String> {
    if let Some(saved) = checkpoint::load() {
        return stay(&caller, saved.state.first().copied().unwrap_or_default());
    }
    let set = settings()?;
    let user = who_calls(&caller);
    measure(&set)?;
    match tell_crm(&name_of(&user)?) {
        Ok(answer) => log::info(&format!("the CRM says {answer}")),
        Err(error) => log::warn(&error.to_string()),
    }
    mail_messages("sales", "sales@example.com")?;
    trace::step("greet", "Greet");
    let back = if count_of(&user)? > 1 {
        " Welcome back."
    } else {
        ""
    };
    greet(&caller, &format!("{}{back}", set.greeting))?;
    if originate::data().as_deref() == Some("survey") {
        caller.play(&[Prompt::say("How was it?", "")])?;
        return Ok(caller.hang_up(Cause::Normal)?);
    }
    if set.agents.contains(&user)
        && let Some(waiting) = take_over(&caller, &set.agents)?
    {
        return Ok(talk(&caller, &waiting)?);
    }

    let Some(number) = whom(&caller, &user, &set)? else {
        return Ok(apologise(&caller)?);
    };
    trace::step("dial", &format!("Call {number}"));
    let Some(callee) = reach(&caller, &number)? else {
        return Ok(apologise(&caller)?);
    };
    key_value::set(&format!("last/{user}"), number.as_bytes())?;
    remind(&number, true)?;
    trace::step("talk", "The two talk");
    talk_with_codes(&caller, &callee)?;
    on_tape(&caller, &callee)?;
    if !wait(&caller, &number)? {
        leave_message(&caller, &number)?;
        tell(&number, &format!("{user} left a message"));
        remind(&number, false)?;
    }
    ask_later(&user);
    if !pass_on(&caller, &number)? {
        stay(&caller, 0)?;
    }
    Ok(())
}

/// The agent of last time, else the extension that the caller enters, else anyone.
fn whom(caller: &Leg, user: &str, set: &Settings) -> Result<Option<String>, String> {
    if !is_open() {
        return Ok(None);
    }
    if let Some(agent) = last_agent(user)? {
        return Ok(Some(agent));
    }
    match extension_in_time(caller)? {
        Some(number) => Ok(Some(number)),
        None => Ok(pick(&set.agents).cloned()),
    }
}
