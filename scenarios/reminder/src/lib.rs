//! Tells whoever answers of an appointment, and takes the answer: 1 confirms, 2 cancels.
//!
//! The call was originated by `reminder-watch`; its data is the key under which the appointment is kept, as JSON:
//! `{"at_ms": 1795863600000, "user": "301", "text": "…", "state": "called"}`. The state becomes `confirmed`, `cancelled`
//! or, without an answer, `heard`. Steps: `tell` → `confirmed`, `cancelled` or `heard`.

use serde_json::{Map, Value};
use tandem_sdk::{Cause, Collect, Leg, LegError, Prompt, config, key_value, originate, trace};

tandem_sdk::scenario!(handle);

struct Phrases {
    language: &'static str,
    ask: &'static str,
    confirmed: &'static str,
    cancelled: &'static str,
}

const ENGLISH: Phrases = Phrases {
    language: "en",
    ask: "Press 1 to confirm, or 2 to cancel.",
    confirmed: "Thank you, your appointment is confirmed.",
    cancelled: "Your appointment is cancelled.",
};

const RUSSIAN: Phrases = Phrases {
    language: "ru",
    ask: "Нажмите 1, чтобы подтвердить, или 2, чтобы отменить.",
    confirmed: "Спасибо, ваша запись подтверждена.",
    cancelled: "Ваша запись отменена.",
};

/// How often the question is asked.
const TIMES: usize = 3;

/// One call.
pub fn handle(caller: Leg) -> Result<(), String> {
    let Some(key) = originate::data() else {
        // Somebody dialled the number: there is nothing to tell.
        caller.hang_up(Cause::NotFound)?;
        return Ok(());
    };
    let phrases = phrases(&config::document())?;
    let appointment = key_value::get(&key)?.ok_or_else(|| format!("there is no appointment {key}"))?;
    let mut appointment: Map<String, Value> =
        serde_json::from_slice(&appointment).map_err(|error| format!("{key}: {error}"))?;
    let text = appointment
        .get("text")
        .and_then(Value::as_str)
        .unwrap_or_default();

    trace::step("tell", "Tell the appointment");
    let (state, last) = match ask(&caller, &phrases, text) {
        Ok(Some('1')) => ("confirmed", Some(phrases.confirmed)),
        Ok(Some(_)) => ("cancelled", Some(phrases.cancelled)),
        Ok(None) | Err(LegError::Gone) => ("heard", None),
        Err(error) => return Err(error.into()),
    };
    trace::step(state, "Keep the answer");
    appointment.insert("state".to_owned(), state.into());
    key_value::set(&key, Value::Object(appointment).to_string().as_bytes())?;
    if let Some(words) = last {
        match caller.play(&[Prompt::say(words, phrases.language)]) {
            Ok(_) | Err(LegError::Gone) => (),
            Err(error) => return Err(error.into()),
        }
    }
    caller.hang_up(Cause::Normal)?;
    Ok(())
}

fn phrases(document: &str) -> Result<Phrases, String> {
    let settings: Value =
        serde_json::from_str(document).map_err(|error| format!("reminder settings: {error}"))?;
    match settings.get("language").and_then(Value::as_str).unwrap_or("en") {
        "en" => Ok(ENGLISH),
        "ru" => Ok(RUSSIAN),
        other => Err(format!("reminder settings: language is {other:?}, not en or ru")),
    }
}

/// The key that was pressed, 1 or 2; none: neither.
fn ask(caller: &Leg, phrases: &Phrases, text: &str) -> Result<Option<char>, LegError> {
    for _ in 0..TIMES {
        let collected = caller.collect(&Collect {
            prompts: vec![
                Prompt::say(text, phrases.language),
                Prompt::say(phrases.ask, phrases.language),
            ],
            ..Collect::default()
        })?;
        if let Some(key @ ('1' | '2')) = collected.digits.chars().next() {
            return Ok(Some(key));
        }
    }
    Ok(None)
}
