//! Takes messages for a box, and plays them to whom they are for.
//!
//! What a number does is its activation's to say ([`settings`]): it takes messages for one box, or for the box that the
//! dialled number names, or lets its caller listen. Leaving is `mailbox`, which `entry` uses too; listening is
//! [`listen`]. Steps, in the call's trace: `greet` → `record` → `review` → `store`, and `code` → `listen` → `message`.
//!
//! Not here: lamps on phones that tell of new messages.

mod listen;
mod settings;

use tandem_sdk::{Cause, Leg, config, find_user};

use settings::{Settings, Use};

tandem_sdk::scenario!(handle);

/// One call, from the dialled number to its end.
///
/// An error is a configuration that cannot be read, or a refusal of the host that no caller can bring about.
pub fn handle(caller: Leg) -> Result<(), String> {
    let settings = Settings::parse(&config::document())?;
    match settings.used() {
        Use::LeaveFor(name) => mailbox::leave(&caller, name, &settings.messages),
        Use::LeaveBehind(prefix) => match box_of(&caller.local().user, prefix) {
            Some(name) => mailbox::leave(&caller, &name, &settings.messages),
            None => Ok(caller.hang_up(Cause::NotFound)?),
        },
        Use::Listen(Some(name)) => listen::listen(&caller, name, &settings),
        Use::Listen(None) => listen::listen(&caller, &caller.peer().user, &settings),
    }
}

/// The box of a number behind the prefix: that of the user whom it leads to, else one of this name.
fn box_of(dialled: &str, prefix: &str) -> Option<String> {
    let number = dialled.strip_prefix(prefix).filter(|rest| !rest.is_empty())?;
    Some(find_user(number).map_or_else(|| number.to_owned(), |user| user.name))
}
