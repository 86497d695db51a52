//! `directory`: the domain's users.

use tandem_bindings::tandem::pbx::directory as wit;
use wasmtime::Result;

use super::misfit;
use crate::door::Door;
use crate::op::{Op, Outcome, User};

impl wit::Host for Door {
    async fn find_user(&mut self, number: String) -> Result<Option<wit::User>> {
        match self.ask(Op::FindUser { number }).await? {
            Outcome::User(user) => Ok(user.map(user_to_wit)),
            other => misfit(&other),
        }
    }
}

fn user_to_wit(user: User) -> wit::User {
    wit::User {
        name: user.name,
        display_name: user.display_name,
        registered: user.registered,
    }
}
