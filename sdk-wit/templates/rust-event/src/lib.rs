//! Counts what happens, by kind, and logs it.

use tandem_sdk::{Event, key_value, log};

tandem_sdk::event_scenario!(handle);

fn handle(event: Event) -> Result<(), String> {
    let count = key_value::increment(&format!("events/{}", event.kind), 1)?;
    log::info(&format!("{} {count}: {}", event.kind, event.data));
    Ok(())
}
