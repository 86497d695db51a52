//! Voicemail: boxes of users and of the domain, messages in them, and the files of their sound.
//!
//! A message's sound is a recording that the media gate made, `recordings/DOMAIN/NAME.wav` in the data directory. It goes
//! before its row does: what fails between the two leaves a message that can be deleted again, and never a file that
//! nobody knows.

use std::fs::File;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use utoipa::ToSchema;

use crate::domains::now;
use crate::engine::{Write, blocking};
use crate::error::at_most;
use crate::retention::{Keep, PURGE_MOST, checked_keep};
use crate::{DomainScope, Store, StoreError, rows};

/// Most boxes of one domain besides those of its users.
pub const BOXES_MOST: usize = 1_000;
/// Most messages that one listing gives.
pub const MESSAGES_PAGE_MOST: u32 = 100;
/// Longest name of a box, in bytes.
const NAME_MOST: usize = 64;
/// Longest name of a recording, in bytes.
const RECORDING_MOST: usize = 128;
const BOX: &str = "voicemail box";

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum VoicemailState {
    /// Nobody has listened to it.
    New,
    /// Somebody has.
    Heard,
    /// Kept until it is deleted.
    Saved,
}

impl VoicemailState {
    /// All of them; their place is their number in the table.
    pub const ALL: [Self; 3] = [Self::New, Self::Heard, Self::Saved];

    /// As it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Heard => "heard",
            Self::Saved => "saved",
        }
    }

    fn number(self) -> i64 {
        match self {
            Self::New => 0,
            Self::Heard => 1,
            Self::Saved => 2,
        }
    }
}

/// A message to store.
#[derive(Debug, Clone, Copy)]
pub struct NewVoicemail<'a> {
    /// The recording's name, as the media gate gave it.
    pub recording: &'a str,
    /// Who left it: user part, host, display name. Cut at 1,024 bytes each.
    pub caller: [&'a str; 3],
    /// Its length.
    pub duration: Duration,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Voicemail {
    /// Its number in the domain, never used again.
    pub id: u64,
    /// The box that it is in.
    #[serde(rename = "box")]
    pub box_name: String,
    /// The name of its recording.
    pub recording: String,
    /// User part of who left it.
    pub caller: String,
    /// Host part.
    pub caller_host: String,
    /// Display name; may be empty.
    pub caller_name: String,
    /// When it was stored.
    pub stored_at: Timestamp,
    /// Its length in milliseconds.
    pub duration_ms: u64,
    /// The bytes of its recording.
    pub bytes: u64,
    /// What became of it.
    pub state: VoicemailState,
}

/// How much voicemail there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoicemailCap {
    /// Messages of one box.
    pub messages: u64,
    /// Bytes of all recordings of the domain's messages.
    pub bytes: u64,
}

/// How many messages there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VoicemailCounts {
    /// New ones.
    pub new: u64,
    /// Heard ones.
    pub heard: u64,
    /// Saved ones.
    pub saved: u64,
}

/// A box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VoicemailBox {
    /// A user's name, or its own.
    pub name: String,
    /// It is a user's.
    pub of_user: bool,
    /// How long it keeps what is not saved, in seconds; none: for ever.
    pub keep_s: Option<u64>,
    /// Its messages.
    pub messages: VoicemailCounts,
}

impl Store {
    /// Makes a box, or says of one, also of a user's, how long it keeps what is not saved.
    /// Errors: [`StoreError::Invalid`], [`StoreError::TooLarge`], [`StoreError::TooMany`].
    pub async fn set_voicemail_box(
        &self,
        scope: &DomainScope,
        name: &str,
        keep: Keep,
    ) -> Result<(), StoreError> {
        checked_new_box(name, keep)?;
        let seconds = match keep {
            Keep::For(time) => Some(time.as_secs() as i64),
            Keep::ForEver => None,
        };
        let mut write = self.write().await?;
        let row = sqlx::query(
            "SELECT COUNT(*) AS present FROM voicemail_boxes WHERE domain_id = $1 AND name <> $2",
        )
        .bind(scope.id())
        .bind(name)
        .fetch_one(&mut *write)
        .await?;
        if rows::count(&row, "present")? >= BOXES_MOST as u64 {
            return Err(StoreError::TooMany {
                what: "voicemail boxes in one domain",
                most: BOXES_MOST,
            });
        }
        sqlx::query(
            "INSERT INTO voicemail_boxes (domain_id, name, keep_s, created_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (domain_id, name) DO UPDATE SET keep_s = excluded.keep_s",
        )
        .bind(scope.id())
        .bind(name)
        .bind(seconds)
        .bind(now().as_microsecond())
        .execute(&mut *write)
        .await
        .map_err(|error| StoreError::on_insert(error, BOX, name))?;
        Ok(write.commit().await?)
    }

    /// Removes a box that is empty; of a user's, what was set for it.
    /// Errors: [`StoreError::NotFound`], [`StoreError::InUse`] where it has messages.
    pub async fn remove_voicemail_box(&self, scope: &DomainScope, name: &str) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let row = sqlx::query("SELECT COUNT(*) AS present FROM voicemail WHERE domain_id = $1 AND box = $2")
            .bind(scope.id())
            .bind(name)
            .fetch_one(&mut *write)
            .await?;
        let present = rows::count(&row, "present")?;
        let user = sqlx::query("SELECT 1 FROM users WHERE domain_id = $1 AND name = $2")
            .bind(scope.id())
            .bind(name)
            .fetch_optional(&mut *write)
            .await?;
        if present > 0 && user.is_none() {
            return Err(StoreError::InUse {
                what: BOX,
                name: name.to_owned(),
                by: format!("{present} messages"),
            });
        }
        let deleted = sqlx::query("DELETE FROM voicemail_boxes WHERE domain_id = $1 AND name = $2")
            .bind(scope.id())
            .bind(name)
            .execute(&mut *write)
            .await?;
        if deleted.rows_affected() == 0 {
            return Err(StoreError::not_found(BOX, name));
        }
        Ok(write.commit().await?)
    }

    /// All boxes by name: those that were made, and every user's.
    pub async fn voicemail_boxes(&self, scope: &DomainScope) -> Result<Vec<VoicemailBox>, StoreError> {
        let rows = sqlx::query(
            "SELECT names.name, MAX(names.of_user) AS of_user, MAX(names.keep_s) AS keep_s, \
             (SELECT COUNT(*) FROM voicemail v WHERE v.domain_id = $1 AND v.box = names.name AND v.state = 0) AS new_ones, \
             (SELECT COUNT(*) FROM voicemail v WHERE v.domain_id = $1 AND v.box = names.name AND v.state = 1) AS heard, \
             (SELECT COUNT(*) FROM voicemail v WHERE v.domain_id = $1 AND v.box = names.name AND v.state = 2) AS saved \
             FROM (SELECT name, 1 AS of_user, NULL AS keep_s FROM users WHERE domain_id = $1 \
             UNION ALL SELECT name, 0 AS of_user, keep_s FROM voicemail_boxes WHERE domain_id = $1) AS names \
             GROUP BY names.name ORDER BY names.name",
        )
        .bind(scope.id())
        .fetch_all(self.read())
        .await?;
        rows.iter()
            .map(|row| {
                let keep_s: Option<i64> = row.try_get("keep_s")?;
                Ok(VoicemailBox {
                    name: row.try_get("name")?,
                    of_user: row.try_get::<i64, _>("of_user")? != 0,
                    keep_s: keep_s.and_then(|seconds| u64::try_from(seconds).ok()),
                    messages: counts_of(row)?,
                })
            })
            .collect()
    }

    /// Puts a recording into a box. One that is in it already is the message that it was.
    /// Errors: [`StoreError::NotFound`] (`voicemail box` or `recording`), [`StoreError::Invalid`] where it is another
    /// box's, [`StoreError::TooMany`] and [`StoreError::VoicemailFull`] beyond `cap`.
    pub async fn store_voicemail(
        &self,
        scope: &DomainScope,
        box_name: &str,
        new: NewVoicemail<'_>,
        cap: VoicemailCap,
    ) -> Result<Voicemail, StoreError> {
        let NewVoicemail {
            recording,
            caller: [user, host, name],
            duration,
        } = new;
        let file = self.recording_file(scope, recording)?;
        let bytes = blocking(move || match std::fs::metadata(&file) {
            Ok(found) => Ok(Some(found.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::on_file(error, &file)),
        })
        .await?;
        let mut write = self.write().await?;
        checked_box(&mut write, scope, box_name).await?;
        if let Some(present) = by_recording(&mut write, scope, recording).await? {
            if present.box_name == box_name {
                return Ok(present);
            }
            return Err(StoreError::invalid(
                "recording",
                format!("{recording} is a message of the box {}", present.box_name),
            ));
        }
        let bytes = bytes.ok_or_else(|| StoreError::not_found("recording", recording))?;
        check_cap(&mut write, scope, box_name, bytes, cap).await?;
        let stored_at = now();
        let row = sqlx::query(
            "INSERT INTO voicemail (domain_id, id, box, recording, caller_user, caller_host, caller_name, \
             stored_at, duration_ms, bytes, state) \
             SELECT $1, CASE WHEN COALESCE(MAX(id), 0) >= $2 THEN MAX(id) + 1 ELSE $2 END, $3, $4, $5, $6, $7, \
             $2, $8, $9, 0 FROM voicemail WHERE domain_id = $1 RETURNING *",
        )
        .bind(scope.id())
        .bind(stored_at.as_microsecond())
        .bind(box_name)
        .bind(recording)
        .bind(rows::outside_text(user))
        .bind(rows::outside_text(host))
        .bind(rows::outside_text(name))
        .bind(rows::signed(
            u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        ))
        .bind(rows::signed(bytes))
        .fetch_one(&mut *write)
        .await
        .map_err(|error| StoreError::on_insert(error, "recording", recording))?;
        let stored = message_of(&row)?;
        write.commit().await?;
        Ok(stored)
    }

    /// Messages of a box, newest first, after the first `offset` of them, at most `limit` (1 to
    /// [`MESSAGES_PAGE_MOST`]). Errors: [`StoreError::NotFound`], [`StoreError::Invalid`].
    pub async fn list_voicemail(
        &self,
        scope: &DomainScope,
        box_name: &str,
        state: Option<VoicemailState>,
        offset: u32,
        limit: u32,
    ) -> Result<Vec<Voicemail>, StoreError> {
        if !(1..=MESSAGES_PAGE_MOST).contains(&limit) {
            return Err(StoreError::invalid(
                "limit",
                format!("it is 1 to {MESSAGES_PAGE_MOST}"),
            ));
        }
        self.known_box(scope, box_name).await?;
        let rows = sqlx::query(
            "SELECT * FROM voicemail WHERE domain_id = $1 AND box = $2 AND ($3 IS NULL OR state = $3) \
             ORDER BY id DESC LIMIT $4 OFFSET $5",
        )
        .bind(scope.id())
        .bind(box_name)
        .bind(state.map(VoicemailState::number))
        .bind(i64::from(limit))
        .bind(i64::from(offset))
        .fetch_all(self.read())
        .await?;
        rows.iter().map(message_of).collect()
    }

    /// How many messages a box has. Errors: [`StoreError::NotFound`].
    pub async fn count_voicemail(
        &self,
        scope: &DomainScope,
        box_name: &str,
    ) -> Result<VoicemailCounts, StoreError> {
        self.known_box(scope, box_name).await?;
        let row = sqlx::query(
            "SELECT COUNT(CASE WHEN state = 0 THEN 1 END) AS new_ones, \
             COUNT(CASE WHEN state = 1 THEN 1 END) AS heard, COUNT(CASE WHEN state = 2 THEN 1 END) AS saved \
             FROM voicemail WHERE domain_id = $1 AND box = $2",
        )
        .bind(scope.id())
        .bind(box_name)
        .fetch_one(self.read())
        .await?;
        counts_of(&row)
    }

    /// Gives a message another state. Errors: [`StoreError::NotFound`] (`voicemail box` or `message`).
    pub async fn mark_voicemail(
        &self,
        scope: &DomainScope,
        box_name: &str,
        id: u64,
        state: VoicemailState,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        checked_box(&mut write, scope, box_name).await?;
        let marked =
            sqlx::query("UPDATE voicemail SET state = $4 WHERE domain_id = $1 AND box = $2 AND id = $3")
                .bind(scope.id())
                .bind(box_name)
                .bind(rows::signed(id))
                .bind(state.number())
                .execute(&mut *write)
                .await?;
        if marked.rows_affected() == 0 {
            return Err(StoreError::not_found("message", &id.to_string()));
        }
        Ok(write.commit().await?)
    }

    /// Opens the recording of a message, with its bytes; none: there is no such message, or its recording is gone.
    /// Errors: [`StoreError::NotFound`] for the box, those of the file.
    pub async fn open_voicemail(
        &self,
        scope: &DomainScope,
        box_name: &str,
        id: u64,
    ) -> Result<Option<(File, u64)>, StoreError> {
        let Some(message) = self.voicemail(scope, box_name, id).await? else {
            return Ok(None);
        };
        let file = self.recording_file(scope, &message.recording)?;
        blocking(move || {
            let opened = File::open(&file).and_then(|open| {
                let bytes = open.metadata()?.len();
                Ok((open, bytes))
            });
            match opened {
                Ok(opened) => Ok(Some(opened)),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) => Err(StoreError::on_file(error, &file)),
            }
        })
        .await
    }

    async fn voicemail(
        &self,
        scope: &DomainScope,
        box_name: &str,
        id: u64,
    ) -> Result<Option<Voicemail>, StoreError> {
        self.known_box(scope, box_name).await?;
        sqlx::query("SELECT * FROM voicemail WHERE domain_id = $1 AND box = $2 AND id = $3")
            .bind(scope.id())
            .bind(box_name)
            .bind(rows::signed(id))
            .fetch_optional(self.read())
            .await?
            .as_ref()
            .map(message_of)
            .transpose()
    }

    /// Deletes a message with its recording; true: there was one. Errors: [`StoreError::NotFound`] for the box, those of
    /// the file.
    pub async fn delete_voicemail(
        &self,
        scope: &DomainScope,
        box_name: &str,
        id: u64,
    ) -> Result<bool, StoreError> {
        match self.voicemail(scope, box_name, id).await? {
            Some(message) => self.remove_message(scope, &message).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// The box whose message a recording is; none: it is nobody's.
    pub async fn voicemail_box_of(
        &self,
        scope: &DomainScope,
        recording: &str,
    ) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT box FROM voicemail WHERE domain_id = $1 AND recording = $2")
            .bind(scope.id())
            .bind(recording)
            .fetch_optional(self.read())
            .await?;
        row.map(|row| Ok(row.try_get("box")?)).transpose()
    }

    /// Removes messages that are not saved and older at `at` than their box keeps them, and those of boxes that are gone:
    /// at most [`PURGE_MOST`], oldest first. Gives how many.
    pub async fn purge_voicemail(&self, scope: &DomainScope, at: Timestamp) -> Result<u64, StoreError> {
        let second = SignedDuration::from_secs(1).as_micros() as i64;
        let rows = sqlx::query(
            "SELECT v.* FROM voicemail v \
             LEFT JOIN voicemail_boxes b ON b.domain_id = v.domain_id AND b.name = v.box \
             LEFT JOIN users u ON u.domain_id = v.domain_id AND u.name = v.box \
             WHERE v.domain_id = $1 AND ((b.name IS NULL AND u.name IS NULL) \
             OR (v.state <> 2 AND b.keep_s IS NOT NULL AND v.stored_at < $2 - b.keep_s * $3)) \
             ORDER BY v.id LIMIT $4",
        )
        .bind(scope.id())
        .bind(at.as_microsecond())
        .bind(second)
        .bind(i64::from(PURGE_MOST))
        .fetch_all(self.read())
        .await?;
        let mut removed = 0;
        for row in &rows {
            let message = message_of(row)?;
            match self.remove_message(scope, &message).await {
                Ok(()) => removed += 1,
                // One file that cannot be removed keeps no other.
                Err(error) => {
                    tracing::warn!(domain = scope.name(), id = message.id, %error, "an old message stays");
                }
            }
        }
        Ok(removed)
    }

    async fn remove_message(&self, scope: &DomainScope, message: &Voicemail) -> Result<(), StoreError> {
        let file = self.recording_file(scope, &message.recording)?;
        blocking(move || match std::fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(StoreError::on_file(error, &file)),
            _ => Ok(()),
        })
        .await?;
        let mut write = self.write().await?;
        sqlx::query("DELETE FROM voicemail WHERE domain_id = $1 AND id = $2")
            .bind(scope.id())
            .bind(rows::signed(message.id))
            .execute(&mut *write)
            .await?;
        Ok(write.commit().await?)
    }

    async fn known_box(&self, scope: &DomainScope, name: &str) -> Result<(), StoreError> {
        let row = sqlx::query(BOX_EXISTS)
            .bind(scope.id())
            .bind(name)
            .fetch_optional(self.read())
            .await?;
        row.map(drop).ok_or_else(|| StoreError::not_found(BOX, name))
    }

    /// A name is no path: nothing in it can leave the domain's folder.
    fn recording_file(&self, scope: &DomainScope, name: &str) -> Result<PathBuf, StoreError> {
        at_most("recording's name", name.len(), RECORDING_MOST)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if name.is_empty() || !name.bytes().all(plain) {
            return Err(StoreError::invalid(
                "recording",
                format!("{name:?} is no recording's name"),
            ));
        }
        let folder = self.directory().join("recordings").join(scope.name());
        Ok(folder.join(format!("{name}.wav")))
    }
}

/// Refuses what cannot be a box's name, or how long it keeps messages.
pub(crate) fn checked_new_box(name: &str, keep: Keep) -> Result<(), StoreError> {
    at_most(BOX, name.len(), NAME_MOST)?;
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte);
    if name.is_empty() || !name.bytes().all(letters) {
        return Err(StoreError::invalid(
            BOX,
            "its name is 1 to 64 letters, digits, `-`, `_`, `.` and `+`",
        ));
    }
    checked_keep("time to keep messages", Some(keep))
}

const BOX_EXISTS: &str = "SELECT 1 FROM users WHERE domain_id = $1 AND name = $2 \
     UNION ALL SELECT 1 FROM voicemail_boxes WHERE domain_id = $1 AND name = $2 LIMIT 1";

async fn checked_box(write: &mut Write, scope: &DomainScope, name: &str) -> Result<(), StoreError> {
    let row = sqlx::query(BOX_EXISTS)
        .bind(scope.id())
        .bind(name)
        .fetch_optional(&mut **write)
        .await?;
    row.map(drop).ok_or_else(|| StoreError::not_found(BOX, name))
}

async fn by_recording(
    write: &mut Write,
    scope: &DomainScope,
    recording: &str,
) -> Result<Option<Voicemail>, StoreError> {
    let row = sqlx::query("SELECT * FROM voicemail WHERE domain_id = $1 AND recording = $2")
        .bind(scope.id())
        .bind(recording)
        .fetch_optional(&mut **write)
        .await?;
    row.as_ref().map(message_of).transpose()
}

/// The write lock is held: nobody else stores meanwhile.
async fn check_cap(
    write: &mut Write,
    scope: &DomainScope,
    box_name: &str,
    bytes: u64,
    cap: VoicemailCap,
) -> Result<(), StoreError> {
    let row = sqlx::query(
        "SELECT COUNT(CASE WHEN box = $2 THEN 1 END) AS present, COALESCE(SUM(bytes), 0) AS bytes \
         FROM voicemail WHERE domain_id = $1",
    )
    .bind(scope.id())
    .bind(box_name)
    .fetch_one(&mut **write)
    .await?;
    if rows::count(&row, "present")? >= cap.messages {
        return Err(StoreError::TooMany {
            what: "messages in the voicemail box",
            most: usize::try_from(cap.messages).unwrap_or(usize::MAX),
        });
    }
    let would_be_bytes = rows::count(&row, "bytes")?.saturating_add(bytes);
    if would_be_bytes > cap.bytes {
        return Err(StoreError::VoicemailFull {
            would_be_bytes,
            cap_bytes: cap.bytes,
        });
    }
    Ok(())
}

fn counts_of(row: &SqliteRow) -> Result<VoicemailCounts, StoreError> {
    Ok(VoicemailCounts {
        new: rows::count(row, "new_ones")?,
        heard: rows::count(row, "heard")?,
        saved: rows::count(row, "saved")?,
    })
}

fn message_of(row: &SqliteRow) -> Result<Voicemail, StoreError> {
    let number: i64 = row.try_get("state")?;
    let state = VoicemailState::ALL
        .into_iter()
        .find(|state| state.number() == number);
    Ok(Voicemail {
        id: rows::count(row, "id")?,
        box_name: row.try_get("box")?,
        recording: row.try_get("recording")?,
        caller: row.try_get("caller_user")?,
        caller_host: row.try_get("caller_host")?,
        caller_name: row.try_get("caller_name")?,
        stored_at: rows::time(row, "stored_at")?,
        duration_ms: rows::count(row, "duration_ms")?,
        bytes: rows::count(row, "bytes")?,
        state: state.ok_or_else(|| StoreError::Corrupt {
            what: format!("column state: {number}"),
        })?,
    })
}
