//! An inbound line: an ordered table of rules, of which the first that fits says where a call goes.
//!
//! The activation's configuration is the table. Its way: [`Table::parse`] reads it (`table`) and checks it
//! ([`check`]) → [`decide()`] looks at one rule after another and says of each why it fits, or why not → the guest
//! (`guest`) takes the caller there. The server's tester asks the same [`decide()`] about a call that nobody makes.
//! Each rule that was looked at is a step of the call's trace: `line`, then `rule-1`, `rule-2` and so on, then
//! `otherwise` where none fits.
//!
//! Not here: which number leads to which line, which is the domain's (`pattern`), and menus (`flow`).

mod check;
mod decide;
#[cfg(target_arch = "wasm32")]
mod guest;
mod table;

pub use check::Problem;
pub use decide::{Call, Decision, Fact, Look, State, decide};
pub use table::{Alone, Dialled, Elsewhere, Group, Mailbox, Prompt, Reason, Rule, Table, To, When};
