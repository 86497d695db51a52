//! From the document to rows and files: all of it or nothing.

use std::fs;
use std::path::Path;

use serde_json::value::RawValue;

use super::check::{canary_of, new_user};
use super::{Archive, ArchivedNumber, ArchivedVersion, Component, Components};
use crate::activations::{note_new, put_canary, remember_previous};
use crate::domains::{self, now};
use crate::engine::{Write, blocking};
use crate::history::{NewEntry, note};
use crate::{
    By, Domain, DomainScope, EntryPoint, Event, Fallback, NewDomain, PublicKey, Store, StoreError, contacts,
    rows, users,
};

impl Store {
    /// Makes a domain of an archive, under the archive's name or another one: all of it or nothing. The components are
    /// moved out of their files where the store has not the same already. Errors: [`StoreError::Exists`] (the domain);
    /// [`StoreError::Invalid`] (the first of [`Archive::problems`], or a version whose component is not at hand);
    /// [`StoreError::DiskFull`], [`StoreError::ReadOnly`].
    pub async fn write_archive(
        &self,
        archive: &Archive,
        name: Option<&str>,
        components: &Components,
    ) -> Result<Domain, StoreError> {
        if let Some(problem) = archive.problems(components).first() {
            return Err(StoreError::invalid("archive", problem.to_string()));
        }
        let written = self.write_all(archive, name, components).await;
        if written.is_err() {
            // The rows were never there. What cannot be removed now, garbage collection finds.
            let hashes = archive.scenarios.iter().map(|version| version.hash.clone());
            if let Err(error) = self.remove_unused_files(hashes.collect()).await {
                tracing::warn!(%error, "components of a domain that was not made are kept");
            }
        }
        written
    }

    async fn write_all(
        &self,
        archive: &Archive,
        name: Option<&str>,
        components: &Components,
    ) -> Result<Domain, StoreError> {
        let new = NewDomain {
            name: name.unwrap_or(&archive.domain.name).to_owned(),
            realm: Some(archive.domain.realm.clone()),
            time_zone: archive.domain.time_zone.clone(),
            language: archive.domain.language.clone(),
        };
        let mut write = self.write().await?;
        let (scope, _) = domains::insert(&mut write, &new).await?;
        let domain = settings(&mut write, &scope, archive).await?;
        people(&mut write, &scope, archive).await?;
        for version in &archive.scenarios {
            let component = components.get(&version.hash).ok_or_else(|| {
                let why = format!("the component of {} {} is not there", version.name, version.hash);
                StoreError::invalid("scenario", why)
            })?;
            insert_version(&mut write, &scope, version, component).await?;
            let (from, to) = (component.file.clone(), self.module_path(&version.hash));
            let hash = version.hash.clone();
            blocking(move || place(&from, &to, &hash)).await?;
        }
        for entry in &archive.numbers {
            insert_number(&mut write, &scope, entry).await?;
        }
        documents(&mut write, &scope, archive).await?;
        of_scenarios(&mut write, &scope, archive).await?;
        self.commit_directory(write).await?;
        Ok(domain)
    }
}

/// All of the domain's own row.
async fn settings(write: &mut Write, scope: &DomainScope, archive: &Archive) -> Result<Domain, StoreError> {
    let domain = &archive.domain;
    let seconds = |time: Option<std::time::Duration>| time.map(|time| rows::signed(time.as_secs()));
    let row = sqlx::query(
        "UPDATE domains SET keep_journals_s = $2, keep_calls_s = $3, limits = $4, mail_sender = $5, blocked = $6, \
         grants = $7, signed_only = $8 WHERE id = $1 RETURNING name, realm, time_zone, language, created_at, keep_journals_s, \
         keep_calls_s, limits, mail_sender, blocked",
    )
    .bind(scope.id())
    .bind(seconds(domain.keep.journals))
    .bind(seconds(domain.keep.calls))
    .bind(domain.limits.to_column())
    .bind(domain.mail_sender.as_deref().unwrap_or_default())
    .bind(i64::from(domain.blocked))
    .bind(domain.grants.as_ref().map(|grants| grants.join(" ")))
    .bind(i64::from(domain.signed_only))
    .fetch_one(&mut **write)
    .await?;
    domains::domain_of(&row)
}

/// Users, their numbers, boxes, and the address book.
async fn people(write: &mut Write, scope: &DomainScope, archive: &Archive) -> Result<(), StoreError> {
    let created_at = now();
    for user in &archive.users {
        users::insert_user(write, scope, &new_user(user), created_at).await?;
        for number in &user.numbers {
            users::insert_number(write, scope, number, &user.name).await?;
        }
    }
    for own in &archive.voicemail_boxes {
        sqlx::query(
            "INSERT INTO voicemail_boxes (domain_id, name, keep_s, created_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(scope.id())
        .bind(&own.name)
        .bind(own.keep_s.map(rows::signed))
        .bind(created_at.as_microsecond())
        .execute(&mut **write)
        .await
        .map_err(|error| StoreError::on_insert(error, "voicemail box", &own.name))?;
    }
    for (id, contact) in (1..).zip(&archive.contacts) {
        contacts::insert(write, scope, id, contact).await?;
    }
    Ok(())
}

async fn insert_version(
    write: &mut Write,
    scope: &DomainScope,
    version: &ArchivedVersion,
    component: &Component,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO modules (domain_id, name, hash, world, size_bytes, uploaded_at, note, signed_by, imports, settings, \
         from_flow) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(scope.id())
    .bind(&version.name)
    .bind(&version.hash)
    .bind(&component.world)
    .bind(rows::signed(component.size_bytes))
    .bind(version.uploaded_at.as_microsecond())
    .bind(&version.note)
    .bind(&version.signed_by)
    .bind(component.imports.join(" "))
    .bind(&component.settings)
    .bind(i64::from(version.from_flow))
    .execute(&mut **write)
    .await
    .map_err(|error| StoreError::on_insert(error, "scenario version", &version.hash))?;
    Ok(())
}

/// An entry point with its versions, and the first entries of its history.
async fn insert_number(
    write: &mut Write,
    scope: &DomainScope,
    entry: &ArchivedNumber,
) -> Result<(), StoreError> {
    let made = EntryPoint {
        number: entry.number.clone(),
        title: entry.title.clone(),
        module: entry.scenario.clone(),
        hash: entry.version.clone(),
        config: entry.settings.get().to_owned(),
        fallback_cause: entry.fallback_cause.clone(),
        created_at: now(),
    };
    sqlx::query(
        "INSERT INTO entry_points (domain_id, number, title, module, hash, config, fallback_cause, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(scope.id())
    .bind(&made.number)
    .bind(&made.title)
    .bind(&made.module)
    .bind(&made.hash)
    .bind(&made.config)
    .bind(&made.fallback_cause)
    .bind(made.created_at.as_microsecond())
    .execute(&mut **write)
    .await
    .map_err(|error| StoreError::on_insert(error, "entry point", &made.number))?;
    if let Some(fallback) = &entry.fallback {
        let fallback = Fallback {
            module: fallback.scenario.clone(),
            hash: fallback.version.clone(),
            config: fallback.settings.get().to_owned(),
        };
        insert_fallback(write, scope, &made.number, &fallback).await?;
    }
    if let Some(previous) = &entry.previous {
        let left = EntryPoint {
            hash: previous.clone(),
            ..made.clone()
        };
        remember_previous(write, scope, &left).await?;
    }
    note_new(write, scope, &made).await?;
    let Some(canary) = entry.canary.as_ref().map(canary_of) else {
        return Ok(());
    };
    put_canary(write, scope, &made.number, &made.module, &canary).await?;
    let begun = NewEntry {
        what: Event::CanaryBegun,
        hash: &canary.hash,
        active_hash: &made.hash,
        share_percent: Some(canary.share_percent),
        by: By::Hand,
        why: None,
    };
    note(write, scope, &made.number, &begun).await
}

async fn insert_fallback(
    write: &mut Write,
    scope: &DomainScope,
    number: &str,
    fallback: &Fallback,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO fallbacks (domain_id, number, module, hash, config) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(scope.id())
    .bind(number)
    .bind(&fallback.module)
    .bind(&fallback.hash)
    .bind(&fallback.config)
    .execute(&mut **write)
    .await?;
    Ok(())
}

/// Schedules and flows.
async fn documents(write: &mut Write, scope: &DomainScope, archive: &Archive) -> Result<(), StoreError> {
    let text = |document: &RawValue| document.get().to_owned();
    for schedule in &archive.schedules {
        sqlx::query("INSERT INTO schedules (domain_id, name, document, changed_at) VALUES ($1, $2, $3, $4)")
            .bind(scope.id())
            .bind(&schedule.name)
            .bind(text(&schedule.document))
            .bind(now().as_microsecond())
            .execute(&mut **write)
            .await
            .map_err(|error| StoreError::on_insert(error, "schedule", &schedule.name))?;
    }
    for flow in &archive.flows {
        sqlx::query(
            "INSERT INTO flows (domain_id, name, title, document, problems, changed_at, changed_by) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(scope.id())
        .bind(&flow.name)
        .bind(rows::outside_text(&flow.title))
        .bind(text(&flow.document))
        .bind(rows::signed(flow.problems))
        .bind(flow.changed_at.as_microsecond())
        .bind(rows::outside_text(&flow.changed_by))
        .execute(&mut **write)
        .await
        .map_err(|error| StoreError::on_insert(error, "flow", &flow.name))?;
    }
    Ok(())
}

/// What scenarios may: signed by whom, reaching what.
async fn of_scenarios(write: &mut Write, scope: &DomainScope, archive: &Archive) -> Result<(), StoreError> {
    let created_at = now().as_microsecond();
    for key in &archive.signing_keys {
        let public: PublicKey = key.public_key.parse()?;
        sqlx::query(
            "INSERT INTO signing_keys (domain_id, name, public_key, created_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(scope.id())
        .bind(&key.name)
        .bind(public.to_string())
        .bind(created_at)
        .execute(&mut **write)
        .await
        .map_err(|error| StoreError::on_insert(error, "signing key", &key.name))?;
    }
    for host in &archive.http_hosts {
        let pattern = host.pattern.to_string();
        sqlx::query(
            "INSERT INTO http_hosts (domain_id, pattern, private, created_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(scope.id())
        .bind(&pattern)
        .bind(i64::from(host.private))
        .bind(created_at)
        .execute(&mut **write)
        .await
        .map_err(|error| StoreError::on_insert(error, "HTTP host", &pattern))?;
    }
    for (scenario, limits) in &archive.scenario_limits {
        sqlx::query("INSERT INTO module_limits (domain_id, module, limits) VALUES ($1, $2, $3)")
            .bind(scope.id())
            .bind(scenario)
            .bind(limits.to_column())
            .execute(&mut **write)
            .await?;
    }
    for (scenario, grants) in &archive.scenario_grants {
        let hosts = grants.http_hosts.as_ref().map(|hosts| {
            let words: Vec<String> = hosts.iter().map(ToString::to_string).collect();
            words.join(" ")
        });
        sqlx::query(
            "INSERT INTO module_grants (domain_id, module, interfaces, http_hosts) VALUES ($1, $2, $3, $4)",
        )
        .bind(scope.id())
        .bind(scenario)
        .bind(grants.interfaces.as_ref().map(|names| names.join(" ")))
        .bind(hosts)
        .execute(&mut **write)
        .await?;
    }
    Ok(())
}

/// Moves a component to its place. What is there whole already stays: another domain runs it. The write lock is held, so
/// nobody removes it meanwhile.
fn place(from: &Path, to: &Path, hash: &str) -> Result<(), StoreError> {
    if let Ok(there) = fs::read(to)
        && blake3::hash(&there).to_hex().as_str() == hash
    {
        return Ok(());
    }
    let moved = || {
        fs::rename(from, to)?;
        match to.parent() {
            // The new name itself is on disk only with its directory.
            Some(directory) => fs::File::open(directory)?.sync_all(),
            None => Ok(()),
        }
    };
    moved().map_err(|error| StoreError::on_file(error, to))
}
