//! `tandem voicemail`

use clap::{Subcommand, ValueEnum};
use serde_json::json;
use tandem_store::{Keep, VoicemailState};

use super::domain::{keep, kept};
use super::{Context, Failure};
use crate::config::duration_text;
use crate::output::{self, Table};

/// Voicemail of a domain: each user has a box, others are made here.
#[derive(Debug, Subcommand)]
pub enum Voicemail {
    /// List the boxes with how many messages they have
    Boxes {
        /// The domain
        domain: String,
    },
    /// Make a box, or say how long one, also a user's, keeps messages that are not saved
    Box {
        /// The domain
        domain: String,
        /// The box's name, or a user's
        name: String,
        /// A time such as 30d, or `never` for no removal
        #[arg(long, value_name = "TIME", default_value = "never", value_parser = keep)]
        keep: Keep,
    },
    /// Remove a box that has no messages
    RemoveBox {
        /// The domain
        domain: String,
        /// The box's name
        name: String,
    },
    /// List the messages of a box, newest first
    List {
        /// The domain
        domain: String,
        /// The box's name, or a user's
        name: String,
        /// Only these
        #[arg(long)]
        state: Option<State>,
        /// After so many of the newest
        #[arg(long, default_value_t = 0, value_name = "N")]
        offset: u32,
        /// So many at most, 1 to 100
        #[arg(long, default_value_t = 100, value_name = "N")]
        limit: u32,
    },
    /// Delete a message with its recording
    Delete {
        /// The domain
        domain: String,
        /// The box's name, or a user's
        name: String,
        /// The message's number, as `list` shows it
        id: u64,
    },
}

/// What became of a message.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum State {
    /// Nobody has listened to it.
    New,
    /// Somebody has.
    Heard,
    /// Kept until it is deleted.
    Saved,
}

impl From<State> for VoicemailState {
    fn from(state: State) -> Self {
        match state {
            State::New => Self::New,
            State::Heard => Self::Heard,
            State::Saved => Self::Saved,
        }
    }
}

impl Voicemail {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let store = context.store().await?;
        let (Self::Boxes { domain }
        | Self::Box { domain, .. }
        | Self::RemoveBox { domain, .. }
        | Self::List { domain, .. }
        | Self::Delete { domain, .. }) = self;
        let scope = store.domain_scope(domain).await?;
        match self {
            Self::Boxes { .. } => {
                let boxes = store.voicemail_boxes(&scope).await?;
                output::print(context.json, &boxes, || {
                    let columns = ["BOX", "OF", "NEW", "HEARD", "SAVED", "KEEPS"];
                    let mut table = Table::new(columns, "no boxes");
                    for one in &boxes {
                        let of = if one.of_user { "user" } else { "domain" };
                        table.row([
                            one.name.clone(),
                            of.to_owned(),
                            one.messages.new.to_string(),
                            one.messages.heard.to_string(),
                            one.messages.saved.to_string(),
                            kept(one.keep_s.map(std::time::Duration::from_secs)),
                        ]);
                    }
                    table
                })?;
            }
            Self::Box { name, keep, .. } => {
                store.set_voicemail_box(&scope, name, *keep).await?;
                let time = match keep {
                    Keep::ForEver => None,
                    Keep::For(time) => Some(*time),
                };
                let line = format!("the box {name} keeps messages {}", kept(time));
                let seconds = time.map(|time| time.as_secs());
                output::say(context.json, &json!({ "name": name, "keep_s": seconds }), &line)?;
            }
            Self::RemoveBox { name, .. } => {
                store.remove_voicemail_box(&scope, name).await?;
                let line = format!("box {name} removed");
                output::say(context.json, &json!({ "removed": name }), &line)?;
            }
            Self::List {
                name,
                state,
                offset,
                limit,
                ..
            } => {
                let state = state.map(VoicemailState::from);
                let messages = store.list_voicemail(&scope, name, state, *offset, *limit).await?;
                output::print(context.json, &messages, || {
                    let columns = ["ID", "STATE", "FROM", "NAME", "STORED", "LENGTH", "RECORDING"];
                    let mut table = Table::new(columns, "no messages");
                    for message in &messages {
                        let length = std::time::Duration::from_millis(message.duration_ms);
                        table.row([
                            message.id.to_string(),
                            message.state.as_str().to_owned(),
                            message.caller.clone(),
                            message.caller_name.clone(),
                            message.stored_at.to_string(),
                            duration_text(length),
                            message.recording.clone(),
                        ]);
                    }
                    table
                })?;
            }
            Self::Delete { name, id, .. } => {
                if !store.delete_voicemail(&scope, name, *id).await? {
                    return Err(Failure::NotFound(format!("no message {id} in the box {name}")));
                }
                let line = format!("message {id} deleted");
                output::say(context.json, &json!({ "removed": id }), &line)?;
            }
        }
        store.close().await;
        Ok(())
    }
}
