//! What one scenario may import and reach, where its administrator gives it less than the domain's scenarios have.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use utoipa::ToSchema;

use crate::engine::Write;
use crate::grants::checked_names;
use crate::http_hosts::HTTP_HOSTS_MOST;
use crate::{DomainScope, HostPattern, Store, StoreError};

/// What a scenario may import and reach. It is never more than what its domain's scenarios may.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModuleGrants {
    /// Interfaces by their names without package and version; none: those of the domain.
    pub interfaces: Option<Vec<String>>,
    /// Hosts that it may send HTTP requests to, of those that the domain may; none: all of those.
    #[schema(value_type = Option<Vec<String>>)]
    pub http_hosts: Option<Vec<HostPattern>>,
}

impl Store {
    /// Lets one scenario import these interfaces only, by their names without package and version; none: those that the
    /// domain's scenarios may. A version that imports another one is started by no number from now on; calls in progress
    /// are refused what they ask of it. Whether a name is an interface's is not looked at.
    /// Errors: [`StoreError::NotFound`] (no such scenario); [`StoreError::Invalid`] (a name that the domain's scenarios are
    /// not given); [`StoreError::TooMany`].
    pub async fn set_module_interfaces(
        &self,
        scope: &DomainScope,
        module: &str,
        names: Option<&[String]>,
    ) -> Result<ModuleGrants, StoreError> {
        checked_names(names.unwrap_or_default(), "grants of one scenario")?;
        let mut write = self.write().await?;
        if let (Some(names), Some(given)) = (names, self.grants(scope).await?)
            && let Some(more) = names.iter().find(|name| !given.contains(name))
        {
            return Err(StoreError::invalid(
                "grant",
                format!(
                    "the domain's scenarios are not given `{more}`: they may import {}",
                    given.join(", ")
                ),
            ));
        }
        place(&mut write, scope, module).await?;
        sqlx::query("UPDATE module_grants SET interfaces = $3 WHERE domain_id = $1 AND module = $2")
            .bind(scope.id())
            .bind(module)
            .bind(names.map(|names| names.join(" ")))
            .execute(&mut *write)
            .await?;
        self.commit_directory(write).await?;
        self.module_grants_of(scope, module).await
    }

    /// Lets one scenario send HTTP requests to these hosts only, of those that the domain may reach; none: to all of
    /// those. Errors: [`StoreError::NotFound`] (no such scenario); [`StoreError::TooMany`].
    pub async fn set_module_http_hosts(
        &self,
        scope: &DomainScope,
        module: &str,
        hosts: Option<&[HostPattern]>,
    ) -> Result<ModuleGrants, StoreError> {
        if hosts.is_some_and(|hosts| hosts.len() > HTTP_HOSTS_MOST) {
            return Err(StoreError::TooMany {
                what: "HTTP hosts of one scenario",
                most: HTTP_HOSTS_MOST,
            });
        }
        let words = |hosts: &[HostPattern]| {
            hosts
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        };
        let mut write = self.write().await?;
        place(&mut write, scope, module).await?;
        sqlx::query("UPDATE module_grants SET http_hosts = $3 WHERE domain_id = $1 AND module = $2")
            .bind(scope.id())
            .bind(module)
            .bind(hosts.map(words))
            .execute(&mut *write)
            .await?;
        self.commit_directory(write).await?;
        self.module_grants_of(scope, module).await
    }

    /// What the domain's scenarios may, by their names; of those that may less than the domain's others.
    pub async fn module_grants(
        &self,
        scope: &DomainScope,
    ) -> Result<BTreeMap<String, ModuleGrants>, StoreError> {
        let rows = sqlx::query(
            "SELECT module, interfaces, http_hosts FROM module_grants \
             WHERE domain_id = $1 AND (interfaces IS NOT NULL OR http_hosts IS NOT NULL)",
        )
        .bind(scope.id())
        .fetch_all(self.read())
        .await?;
        rows.iter()
            .map(|row| Ok((row.try_get("module")?, grants_of(row)?)))
            .collect()
    }

    /// What one scenario may.
    pub async fn module_grants_of(
        &self,
        scope: &DomainScope,
        module: &str,
    ) -> Result<ModuleGrants, StoreError> {
        let row = sqlx::query(
            "SELECT interfaces, http_hosts FROM module_grants WHERE domain_id = $1 AND module = $2",
        )
        .bind(scope.id())
        .bind(module)
        .fetch_optional(self.read())
        .await?;
        row.as_ref()
            .map_or_else(|| Ok(ModuleGrants::default()), grants_of)
    }

    /// The versions of a scenario of which it is not known what they import, by their hashes.
    pub async fn unsurveyed(&self, scope: &DomainScope, module: &str) -> Result<Vec<String>, StoreError> {
        let rows =
            sqlx::query("SELECT hash FROM modules WHERE domain_id = $1 AND name = $2 AND imports IS NULL")
                .bind(scope.id())
                .bind(module)
                .fetch_all(self.read())
                .await?;
        rows.iter().map(|row| Ok(row.try_get("hash")?)).collect()
    }

    /// Notes what the component of this hash imports, by the names without package and version.
    pub async fn note_imports(
        &self,
        scope: &DomainScope,
        hash: &str,
        imports: &[String],
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        sqlx::query("UPDATE modules SET imports = $3 WHERE domain_id = $1 AND hash = $2")
            .bind(scope.id())
            .bind(hash)
            .bind(imports.join(" "))
            .execute(&mut *write)
            .await?;
        Ok(write.commit().await?)
    }
}

/// Makes a row for a scenario that is there. Errors: [`StoreError::NotFound`].
async fn place(write: &mut Write, scope: &DomainScope, module: &str) -> Result<(), StoreError> {
    let known = sqlx::query("SELECT 1 FROM modules WHERE domain_id = $1 AND name = $2 LIMIT 1")
        .bind(scope.id())
        .bind(module)
        .fetch_optional(&mut **write)
        .await?;
    if known.is_none() {
        return Err(StoreError::not_found("scenario", module));
    }
    sqlx::query("INSERT INTO module_grants (domain_id, module) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(scope.id())
        .bind(module)
        .execute(&mut **write)
        .await?;
    Ok(())
}

/// Refuses to let calls start a version that imports what its scenario is not granted. Errors: [`StoreError::Invalid`].
pub(crate) async fn demand_granted(
    write: &mut Write,
    scope: &DomainScope,
    module: &str,
    hash: &str,
) -> Result<(), StoreError> {
    let row = sqlx::query(
        "SELECT g.interfaces, m.imports FROM module_grants g \
         JOIN modules m ON m.domain_id = g.domain_id AND m.name = g.module \
         WHERE g.domain_id = $1 AND g.module = $2 AND m.hash = $3 AND g.interfaces IS NOT NULL",
    )
    .bind(scope.id())
    .bind(module)
    .bind(hash)
    .fetch_optional(&mut **write)
    .await?;
    let Some(row) = row else { return Ok(()) };
    let (granted, imports): (String, Option<String>) = (row.try_get("interfaces")?, row.try_get("imports")?);
    let version = hash.get(..12).unwrap_or(hash);
    let refused =
        |why: String| StoreError::invalid("scenario", format!("version {version} of {module} {why}"));
    let Some(imports) = imports else {
        return Err(refused(
            "was never looked at for what it imports: set the scenario's grants once more".to_owned(),
        ));
    };
    let denied: Vec<&str> = imports
        .split_whitespace()
        .filter(|name| !granted.split_whitespace().any(|given| given == *name))
        .collect();
    if denied.is_empty() {
        return Ok(());
    }
    Err(refused(format!(
        "imports {}, which the scenario is not granted",
        denied.join(", ")
    )))
}

pub(crate) fn grants_of(row: &SqliteRow) -> Result<ModuleGrants, StoreError> {
    let words = |column: &str| -> Result<Option<Vec<String>>, StoreError> {
        let words: Option<String> = row.try_get(column)?;
        Ok(words.map(|words| words.split_whitespace().map(str::to_owned).collect()))
    };
    let pattern = |text: &String| {
        text.parse().map_err(|error| StoreError::Corrupt {
            what: format!("column http_hosts: {error}"),
        })
    };
    let hosts = words("http_hosts")?;
    Ok(ModuleGrants {
        interfaces: words("interfaces")?,
        http_hosts: hosts
            .map(|hosts| hosts.iter().map(pattern).collect())
            .transpose()?,
    })
}
