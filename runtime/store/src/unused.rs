//! Versions and files that nothing refers to: what garbage collection may take.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::PathBuf;

use sqlx::Row;

use crate::engine::{MODULES_DIRECTORY, blocking};
use crate::{DomainScope, Module, Store, StoreError};

/// What is spared besides the versions of entry points.
#[derive(Debug, Clone, Copy)]
pub struct Spare {
    /// The newest versions of each name.
    pub newest: usize,
    /// Versions whose calls can still be replayed.
    pub journals: bool,
}

/// A file that was found, and its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// Where.
    pub path: PathBuf,
    /// How much it takes.
    pub bytes: u64,
}

impl Store {
    /// Versions of the domain that no entry point starts, tries, falls back to or could return to, and that `spare` does not spare.
    /// Calls in progress are not the store's to know.
    pub async fn unused_versions(
        &self,
        scope: &DomainScope,
        spare: Spare,
    ) -> Result<Vec<Module>, StoreError> {
        let mut used: HashSet<String> = self
            .activations(scope)
            .await?
            .into_iter()
            .flat_map(|it| {
                let tried = it.canary.map(|canary| canary.hash);
                let fallback = it.fallback.map(|fallback| fallback.hash);
                [Some(it.entry_point.hash), it.previous, tried, fallback]
            })
            .flatten()
            .collect();
        if spare.journals {
            let rows = sqlx::query(
                "SELECT c.scenario_hash AS hash FROM calls c \
                 JOIN journals j ON j.domain_id = c.domain_id AND j.call_id = c.id \
                 WHERE c.domain_id = $1 AND c.scenario_hash IS NOT NULL \
                 UNION SELECT c.fallback_hash FROM calls c \
                 JOIN journals j ON j.domain_id = c.domain_id AND j.call_id = c.id \
                 WHERE c.domain_id = $1 AND c.fallback_hash IS NOT NULL",
            )
            .bind(scope.id())
            .fetch_all(self.read())
            .await?;
            for row in rows {
                used.insert(row.try_get("hash")?);
            }
        }
        let mut seen: HashMap<String, usize> = HashMap::new();
        let mut modules = self.modules(scope).await?; // of each name the newest first
        modules.retain(|module| {
            let newer = seen.entry(module.name.clone()).or_default();
            *newer += 1;
            *newer > spare.newest && !used.contains(&module.hash)
        });
        Ok(modules)
    }

    /// The hashes of all domains' modules: whose files and compiled code are wanted.
    pub async fn all_module_hashes(&self) -> Result<HashSet<String>, StoreError> {
        let rows = sqlx::query("SELECT DISTINCT hash FROM modules")
            .fetch_all(self.read())
            .await?;
        rows.iter().map(|row| Ok(row.try_get("hash")?)).collect()
    }

    /// Files of the modules' folder that no module has: a crash left them. With `remove` they are gone then.
    /// Errors: those of the files.
    pub async fn stray_module_files(&self, remove: bool) -> Result<Vec<Stray>, StoreError> {
        // Held, though nothing is written: an upload writes its file before its row, under this lock.
        let mut write = self.write().await?;
        let rows = sqlx::query("SELECT DISTINCT hash FROM modules")
            .fetch_all(&mut *write)
            .await?;
        let wanted: HashSet<String> = rows
            .iter()
            .map(|row| Ok(format!("{}.wasm", row.try_get::<String, _>("hash")?)))
            .collect::<Result<_, StoreError>>()?;
        let folder = self.directory().join(MODULES_DIRECTORY);
        let found = blocking(move || {
            let mut found = Vec::new();
            let listing = fs::read_dir(&folder).map_err(|error| StoreError::on_file(error, &folder))?;
            for entry in listing.flatten() {
                let (path, name) = (entry.path(), entry.file_name());
                let ours = path.extension().is_some_and(|end| end == "wasm" || end == "tmp");
                if !ours || name.to_str().is_some_and(|name| wanted.contains(name)) {
                    continue;
                }
                let bytes = entry.metadata().map_or(0, |found| found.len());
                if remove {
                    fs::remove_file(&path).map_err(|error| StoreError::on_file(error, &path))?;
                }
                found.push(Stray { path, bytes });
            }
            Ok(found)
        })
        .await?;
        write.rollback().await?;
        Ok(found)
    }
}
