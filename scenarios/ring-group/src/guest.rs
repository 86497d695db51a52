//! A call of the group.

use hunt::host::{Found, Group};
use onward::{go, talk};
use tandem_sdk::{Leg, Target, config, trace};

use crate::Settings;

tandem_sdk::scenario!(handle);

/// One call of the group. An error is a configuration that cannot be read, or the fall-back that it wants.
fn handle(caller: Leg) -> Result<(), String> {
    let (settings, words): (Settings, _) = onward::Settings::parse(&config::document())?;
    // Without this a caller whose first members are away would hear nothing for a moment. Who is gone will be noticed
    // by the dial.
    let _ = caller.ring();
    let name = match settings.name.as_str() {
        "" => config::entry_point(),
        name => name.to_owned(),
    };
    let group = Group {
        caller: &caller,
        key: format!("ring-group/{name}"),
        target: |member| Target::number(member),
        rings: |names| trace::step("ring", &format!("Ring {names}")),
    };
    match group.ring(&settings.plan()) {
        Found::CallerGone => Ok(()),
        Found::Callee(callee) => {
            trace::step("talk", "The two talk");
            talk(&caller, &callee)
        }
        Found::Nobody(_) => {
            trace::step("nobody", "Nobody answers");
            go(&caller, &settings.otherwise, words.prompt("nobody", &[]).as_ref())
        }
    }
}
