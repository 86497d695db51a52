//! Writes down what it is told: how often each kind came, and the last one's data. With `{"fail": true}` in its
//! configuration it fails the first time that an event is given; with `{"mail":"ADDRESS"}` it mails each.

use tandem_sdk::mail::Mail;
use tandem_sdk::{Event, config, key_value, log};

tandem_sdk::event_scenario!(handle);

/// One event.
pub fn handle(event: Event) -> Result<(), String> {
    let said = |error| format!("{error:?}");
    let given = key_value::increment(&format!("given/{}", event.id), 1).map_err(said)?;
    log::info(&format!("{} {} for the {given}. time", event.kind, event.id));
    if given == 1 && config::document().contains("true") {
        return Err("not today".to_owned());
    }
    let document = config::document();
    let address = document.strip_prefix("{\"mail\":\"");
    if let Some(address) = address.and_then(|rest| rest.strip_suffix("\"}")) {
        Mail::to(address).subject(&event.kind).text(&event.data).send()?;
    }
    key_value::set(&format!("last/{}", event.kind), event.data.as_bytes()).map_err(said)?;
    key_value::increment(&format!("count/{}", event.kind), 1).map_err(said)?;
    Ok(())
}
