//! From rows to the document, in one transaction: nobody's change comes between two of its parts.

use std::collections::{BTreeMap, HashMap};

use serde_json::value::RawValue;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite, Transaction};

use super::{
    Archive, ArchivedBox, ArchivedCanary, ArchivedDomain, ArchivedFallback, ArchivedFlow, ArchivedHost,
    ArchivedKey, ArchivedNumber, ArchivedSchedule, ArchivedUser, ArchivedVersion, DOCUMENT_MOST, FORMAT,
    LEFT_OUT, VERSIONS_MOST,
};
use crate::domains::{domain_of, now};
use crate::{
    Activation, Contact, ContactNumber, DomainLimits, DomainScope, ModuleGrants, Store, StoreError,
    activations, module_grants, rows,
};

/// All reads of one archive see the same moment.
type Snapshot = Transaction<'static, Sqlite>;

impl Store {
    /// All of a domain that an archive has, as it is now. `made_by` is the program that writes it. Errors:
    /// [`StoreError::NotFound`] when the domain was deleted meanwhile; [`StoreError::TooLarge`] (its settings, flows and
    /// schedules), [`StoreError::TooMany`] (its versions).
    pub async fn read_archive(&self, scope: &DomainScope, made_by: &str) -> Result<Archive, StoreError> {
        let mut read = self.read().begin().await?;
        let read = &mut read;
        bearable(read, scope).await?;
        Ok(Archive {
            format: FORMAT,
            made_by: made_by.to_owned(),
            made_at: now(),
            left_out: LEFT_OUT.map(str::to_owned).to_vec(),
            domain: domain(read, scope).await?,
            users: users(read, scope).await?,
            scenarios: versions(read, scope).await?,
            numbers: numbers(read, scope).await?,
            schedules: schedules(read, scope).await?,
            flows: flows(read, scope).await?,
            contacts: contacts(read, scope).await?,
            voicemail_boxes: boxes(read, scope).await?,
            signing_keys: keys(read, scope).await?,
            http_hosts: hosts(read, scope).await?,
            scenario_limits: limits(read, scope).await?,
            scenario_grants: grants(read, scope).await?,
        })
    }
}

/// Refuses what would take too much memory before it is read.
async fn bearable(read: &mut Snapshot, scope: &DomainScope) -> Result<(), StoreError> {
    let row = sqlx::query(
        "SELECT COALESCE((SELECT SUM(LENGTH(config)) FROM entry_points WHERE domain_id = $1), 0) \
         + COALESCE((SELECT SUM(LENGTH(config)) FROM fallbacks WHERE domain_id = $1), 0) \
         + COALESCE((SELECT SUM(LENGTH(document)) FROM flows WHERE domain_id = $1), 0) \
         + COALESCE((SELECT SUM(LENGTH(document)) FROM schedules WHERE domain_id = $1), 0) AS letters",
    )
    .bind(scope.id())
    .fetch_one(&mut **read)
    .await?;
    let letters = rows::count(&row, "letters")? as usize;
    crate::error::at_most("settings, flows and schedules", letters, DOCUMENT_MOST)
}

async fn all(
    read: &mut Snapshot,
    scope: &DomainScope,
    query: &'static str,
) -> Result<Vec<SqliteRow>, StoreError> {
    Ok(sqlx::query(query).bind(scope.id()).fetch_all(&mut **read).await?)
}

async fn domain(read: &mut Snapshot, scope: &DomainScope) -> Result<ArchivedDomain, StoreError> {
    let row = sqlx::query(
        "SELECT name, realm, time_zone, language, created_at, keep_journals_s, keep_calls_s, limits, mail_sender, blocked, grants, \
         signed_only FROM domains WHERE id = $1",
    )
    .bind(scope.id())
    .fetch_optional(&mut **read)
    .await?;
    let row = row.ok_or_else(|| StoreError::not_found("domain", scope.name()))?;
    let domain = domain_of(&row)?;
    let grants: Option<String> = row.try_get("grants")?;
    Ok(ArchivedDomain {
        name: domain.name,
        realm: domain.realm,
        time_zone: domain.time_zone,
        language: domain.language,
        keep: domain.keep,
        limits: domain.limits,
        mail_sender: domain.mail_sender,
        blocked: domain.blocked,
        grants: grants.map(|words| words.split_whitespace().map(str::to_owned).collect()),
        signed_only: row.try_get::<i64, _>("signed_only")? != 0,
    })
}

async fn users(read: &mut Snapshot, scope: &DomainScope) -> Result<Vec<ArchivedUser>, StoreError> {
    let mut numbers: HashMap<String, Vec<String>> = HashMap::new();
    let query = "SELECT number, user_name FROM user_numbers WHERE domain_id = $1 ORDER BY number";
    for row in all(read, scope, query).await? {
        let user = numbers.entry(row.try_get("user_name")?).or_default();
        user.push(row.try_get("number")?);
    }
    let query =
        "SELECT name, display_name, ha1_md5, ha1_sha256 FROM users WHERE domain_id = $1 ORDER BY name";
    let user = |row: &SqliteRow| {
        let name: String = row.try_get("name")?;
        Ok(ArchivedUser {
            numbers: numbers.remove(&name).unwrap_or_default(),
            name,
            display_name: row.try_get("display_name")?,
            ha1_md5: row.try_get("ha1_md5")?,
            ha1_sha256: row.try_get("ha1_sha256")?,
        })
    };
    all(read, scope, query).await?.iter().map(user).collect()
}

/// Those that entry points start, try, fall back to or could return to, and the newest of each name.
async fn versions(read: &mut Snapshot, scope: &DomainScope) -> Result<Vec<ArchivedVersion>, StoreError> {
    let found = all(
        read,
        scope,
        "SELECT m.name, m.hash, m.uploaded_at, m.note, m.signed_by, m.from_flow FROM modules m WHERE m.domain_id = $1 \
         AND (EXISTS (SELECT 1 FROM entry_points u WHERE u.domain_id = $1 AND u.module = m.name AND u.hash = m.hash) \
         OR EXISTS (SELECT 1 FROM canaries u WHERE u.domain_id = $1 AND u.module = m.name AND u.hash = m.hash) \
         OR EXISTS (SELECT 1 FROM previous_versions u WHERE u.domain_id = $1 AND u.module = m.name AND u.hash = m.hash) \
         OR EXISTS (SELECT 1 FROM fallbacks u WHERE u.domain_id = $1 AND u.module = m.name AND u.hash = m.hash) \
         OR NOT EXISTS (SELECT 1 FROM modules n WHERE n.domain_id = $1 AND n.name = m.name \
         AND (n.uploaded_at > m.uploaded_at OR (n.uploaded_at = m.uploaded_at AND n.hash < m.hash)))) \
         ORDER BY m.name, m.uploaded_at DESC, m.hash",
    )
    .await?;
    if found.len() > VERSIONS_MOST {
        return Err(StoreError::TooMany {
            what: "scenario versions in one archive",
            most: VERSIONS_MOST,
        });
    }
    let version = |row: &SqliteRow| {
        Ok(ArchivedVersion {
            name: row.try_get("name")?,
            hash: row.try_get("hash")?,
            uploaded_at: rows::time(row, "uploaded_at")?,
            note: row.try_get("note")?,
            signed_by: row.try_get("signed_by")?,
            from_flow: row.try_get::<i64, _>("from_flow")? != 0,
        })
    };
    found.iter().map(version).collect()
}

async fn numbers(read: &mut Snapshot, scope: &DomainScope) -> Result<Vec<ArchivedNumber>, StoreError> {
    let number = |activation: Activation| {
        let entry = activation.entry_point;
        let fallback = activation.fallback.map(|fallback| {
            Ok::<_, StoreError>(ArchivedFallback {
                scenario: fallback.module,
                version: fallback.hash,
                settings: json(fallback.config)?,
            })
        });
        Ok(ArchivedNumber {
            number: entry.number,
            title: entry.title,
            scenario: entry.module,
            version: entry.hash,
            settings: json(entry.config)?,
            fallback_cause: entry.fallback_cause,
            fallback: fallback.transpose()?,
            previous: activation.previous,
            canary: activation.canary.map(|canary| ArchivedCanary {
                version: canary.hash,
                share_percent: canary.share_percent,
                window: canary.window,
                margin: canary.margin,
                fewest: canary.fewest,
                promote_after: canary.promote_after,
            }),
        })
    };
    activations::all(read, scope)
        .await?
        .into_iter()
        .map(number)
        .collect()
}

async fn schedules(read: &mut Snapshot, scope: &DomainScope) -> Result<Vec<ArchivedSchedule>, StoreError> {
    let schedule = |row: &SqliteRow| {
        Ok(ArchivedSchedule {
            name: row.try_get("name")?,
            document: json(row.try_get("document")?)?,
        })
    };
    let query = "SELECT name, document FROM schedules WHERE domain_id = $1 ORDER BY name";
    all(read, scope, query).await?.iter().map(schedule).collect()
}

async fn flows(read: &mut Snapshot, scope: &DomainScope) -> Result<Vec<ArchivedFlow>, StoreError> {
    let flow = |row: &SqliteRow| {
        Ok(ArchivedFlow {
            name: row.try_get("name")?,
            title: row.try_get("title")?,
            problems: rows::count(row, "problems")?,
            changed_at: rows::time(row, "changed_at")?,
            changed_by: row.try_get("changed_by")?,
            document: json(row.try_get("document")?)?,
        })
    };
    let query = "SELECT name, title, problems, changed_at, changed_by, document FROM flows WHERE domain_id = $1 \
                 ORDER BY name";
    all(read, scope, query).await?.iter().map(flow).collect()
}

async fn contacts(read: &mut Snapshot, scope: &DomainScope) -> Result<Vec<Contact>, StoreError> {
    let mut numbers: HashMap<i64, Vec<ContactNumber>> = HashMap::new();
    let query = "SELECT contact_id, label, number, tail FROM contact_numbers WHERE domain_id = $1 \
                 ORDER BY contact_id, position";
    for row in all(read, scope, query).await? {
        let contact = numbers.entry(row.try_get("contact_id")?).or_default();
        contact.push(ContactNumber {
            label: row.try_get("label")?,
            number: row.try_get("number")?,
            tail: row.try_get("tail")?,
        });
    }
    let contact = |row: &SqliteRow| {
        Ok(Contact {
            name: row.try_get("name")?,
            company: row.try_get("company")?,
            email: row.try_get("email")?,
            note: row.try_get("note")?,
            numbers: numbers.remove(&row.try_get::<i64, _>("id")?).unwrap_or_default(),
        })
    };
    let query =
        "SELECT id, name, company, email, note FROM contacts WHERE domain_id = $1 ORDER BY name, company";
    all(read, scope, query).await?.iter().map(contact).collect()
}

async fn boxes(read: &mut Snapshot, scope: &DomainScope) -> Result<Vec<ArchivedBox>, StoreError> {
    let own = |row: &SqliteRow| {
        let keep_s: Option<i64> = row.try_get("keep_s")?;
        Ok(ArchivedBox {
            name: row.try_get("name")?,
            keep_s: keep_s.and_then(|seconds| u64::try_from(seconds).ok()),
        })
    };
    let query = "SELECT name, keep_s FROM voicemail_boxes WHERE domain_id = $1 ORDER BY name";
    all(read, scope, query).await?.iter().map(own).collect()
}

async fn keys(read: &mut Snapshot, scope: &DomainScope) -> Result<Vec<ArchivedKey>, StoreError> {
    let key = |row: &SqliteRow| {
        Ok(ArchivedKey {
            name: row.try_get("name")?,
            public_key: row.try_get("public_key")?,
        })
    };
    let query = "SELECT name, public_key FROM signing_keys WHERE domain_id = $1 ORDER BY name";
    all(read, scope, query).await?.iter().map(key).collect()
}

async fn hosts(read: &mut Snapshot, scope: &DomainScope) -> Result<Vec<ArchivedHost>, StoreError> {
    let host = |row: &SqliteRow| {
        let pattern: String = row.try_get("pattern")?;
        Ok(ArchivedHost {
            pattern: pattern.parse().map_err(|error| corrupt("pattern", &error))?,
            private: row.try_get::<i64, _>("private")? != 0,
        })
    };
    let query = "SELECT pattern, private FROM http_hosts WHERE domain_id = $1 ORDER BY pattern";
    all(read, scope, query).await?.iter().map(host).collect()
}

async fn limits(
    read: &mut Snapshot,
    scope: &DomainScope,
) -> Result<BTreeMap<String, DomainLimits>, StoreError> {
    let query = "SELECT module, limits FROM module_limits WHERE domain_id = $1 AND limits <> ''";
    let of_scenario = |row: &SqliteRow| {
        let limits = DomainLimits::from_column(row.try_get("limits")?);
        Ok((row.try_get("module")?, limits))
    };
    all(read, scope, query).await?.iter().map(of_scenario).collect()
}

async fn grants(
    read: &mut Snapshot,
    scope: &DomainScope,
) -> Result<BTreeMap<String, ModuleGrants>, StoreError> {
    let query = "SELECT module, interfaces, http_hosts FROM module_grants \
                 WHERE domain_id = $1 AND (interfaces IS NOT NULL OR http_hosts IS NOT NULL)";
    let of_scenario = |row: &SqliteRow| Ok((row.try_get("module")?, module_grants::grants_of(row)?));
    all(read, scope, query).await?.iter().map(of_scenario).collect()
}

/// JSON text as it was written.
fn json(text: String) -> Result<Box<RawValue>, StoreError> {
    RawValue::from_string(text).map_err(|error| corrupt("of JSON text", &error))
}

fn corrupt(column: &str, error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Corrupt {
        what: format!("column {column}: {error}"),
    }
}
