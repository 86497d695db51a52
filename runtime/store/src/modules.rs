//! Scenario modules: a row per version, a file per content.
//!
//! A file is written before its row is committed and removed after the last row of its hash is gone, both under the
//! write lock: a row always has its file. A crash in between leaves a file without a row, which the next upload of
//! that content takes over.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use utoipa::ToSchema;

use crate::domains::now;
use crate::engine::{MODULES_DIRECTORY, Write, blocking};
use crate::error::at_most;
use crate::signatures::{self, Signature};
use crate::versions::version;
use crate::{DomainScope, Store, StoreError, flows, rows};

/// Largest module, in bytes; an interpreted language's component is 12 to 18 MB.
pub const MODULE_MOST: usize = 64 << 20;
/// Longest settings that a version brings, in bytes.
pub const SETTINGS_MOST: usize = 256 << 10;
/// Longest note on a version, in bytes.
pub const NOTE_MOST: usize = 1_024;
/// Longest module name and world, in bytes.
const NAME_MOST: usize = 128;

/// One version of a scenario module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Module {
    /// What its versions are called together.
    pub name: String,
    /// BLAKE3 of the component: 64 lower-case hexadecimal digits.
    pub hash: String,
    /// The WIT world it implements: `call-scenario`.
    pub world: String,
    /// Its length.
    pub size_bytes: u64,
    /// When this version was last uploaded.
    pub uploaded_at: Timestamp,
    /// What its author says of it; may be empty.
    pub note: String,
    /// The public key whose signature it came with; none: it came with none.
    pub signed_by: Option<String>,
    /// Whether it was published from the flow of its name.
    #[serde(default)]
    #[schema(required = true)]
    pub from_flow: bool,
}

/// A version to store.
#[derive(Debug, Clone, Copy)]
pub struct NewVersion<'a> {
    /// The module's name: 1 to 128 letters, digits, `-`, `_` and `.`.
    pub name: &'a str,
    /// The world that it implements.
    pub world: &'a str,
    /// The component. Whether the bytes are one is not looked at.
    pub component: &'a [u8],
    /// Up to 1,024 bytes.
    pub note: &'a str,
    /// By a key of the domain; needed where the domain takes signed modules only.
    pub signature: Option<&'a Signature>,
    /// The interfaces that it imports, by their names without package and version; none: nobody has looked.
    pub imports: Option<&'a [String]>,
    /// What it tells its scenario where the activation says nothing: JSON text of up to 256 KiB; none: nothing.
    pub settings: Option<&'a str>,
    /// Whether it is published from the flow of its name. Flows and uploads do not share a name.
    pub from_flow: bool,
}

impl Store {
    /// As [`Self::put_version`], without note and signature.
    pub async fn put_module(
        &self,
        scope: &DomainScope,
        name: &str,
        world: &str,
        component: &[u8],
    ) -> Result<Module, StoreError> {
        self.put_version(
            scope,
            &NewVersion {
                name,
                world,
                component,
                note: "",
                signature: None,
                imports: None,
                settings: None,
                from_flow: false,
            },
        )
        .await
    }

    /// Stores a component as the newest version of a module; its other versions stay. The same content again makes it
    /// the newest, with this note and signature.
    ///
    /// Errors: [`StoreError::Invalid`], [`StoreError::TooLarge`], [`StoreError::Signature`], [`StoreError::Exists`] (a
    /// flow has the name of an upload, or the other way round), [`StoreError::DiskFull`], [`StoreError::ReadOnly`].
    pub async fn put_version(&self, scope: &DomainScope, new: &NewVersion<'_>) -> Result<Module, StoreError> {
        let NewVersion {
            name,
            world,
            component,
            note,
            signature,
            imports,
            settings,
            from_flow,
        } = *new;
        at_most("module", component.len(), MODULE_MOST)?;
        check_name(name)?;
        check_note(note)?;
        at_most("world", world.len(), NAME_MOST)?;
        at_most("settings", settings.map_or(0, str::len), SETTINGS_MOST)?;
        let module = Module {
            name: name.to_owned(),
            hash: blake3::hash(component).to_hex().to_string(),
            world: world.to_owned(),
            size_bytes: component.len() as u64,
            uploaded_at: now(),
            note: note.to_owned(),
            signed_by: signature.map(|signature| signature.key.to_string()),
            from_flow,
        };

        let mut write = self.write().await?;
        signatures::demand(&mut write, scope, component, signature).await?;
        flows::own_name(&mut write, scope, name, from_flow).await?;
        sqlx::query(
            "INSERT INTO modules (domain_id, name, hash, world, size_bytes, uploaded_at, note, signed_by, imports, \
             settings, from_flow) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
             ON CONFLICT (domain_id, name, hash) DO UPDATE \
             SET world = excluded.world, uploaded_at = excluded.uploaded_at, note = excluded.note, \
             signed_by = excluded.signed_by, imports = COALESCE(excluded.imports, modules.imports), \
             settings = COALESCE(excluded.settings, modules.settings), from_flow = excluded.from_flow",
        )
        .bind(scope.id())
        .bind(name)
        .bind(&module.hash)
        .bind(world)
        .bind(rows::signed(module.size_bytes))
        .bind(module.uploaded_at.as_microsecond())
        .bind(note)
        .bind(&module.signed_by)
        .bind(imports.map(|imports| imports.join(" ")))
        .bind(settings)
        .bind(i64::from(from_flow))
        .execute(&mut *write)
        .await
        .map_err(|error| StoreError::on_insert(error, "module", name))?;
        let (path, bytes) = (self.module_path(&module.hash), component.to_vec());
        blocking(move || write_file(&path, &bytes)).await?;
        write.commit().await?;
        Ok(module)
    }

    /// All versions of all modules of the domain, by name, newest first.
    pub async fn modules(&self, scope: &DomainScope) -> Result<Vec<Module>, StoreError> {
        sqlx::query(
            "SELECT name, hash, world, size_bytes, uploaded_at, note, signed_by, from_flow FROM modules WHERE domain_id = $1 \
             ORDER BY name, uploaded_at DESC, hash",
        )
        .bind(scope.id())
        .fetch_all(self.read())
        .await?
        .iter()
        .map(module_of)
        .collect()
    }

    /// The newest version of a module; none: there is no module of this name.
    pub async fn module(&self, scope: &DomainScope, name: &str) -> Result<Option<Module>, StoreError> {
        sqlx::query(
            "SELECT name, hash, world, size_bytes, uploaded_at, note, signed_by, from_flow FROM modules \
             WHERE domain_id = $1 AND name = $2 ORDER BY uploaded_at DESC, hash LIMIT 1",
        )
        .bind(scope.id())
        .bind(name)
        .fetch_optional(self.read())
        .await?
        .as_ref()
        .map(module_of)
        .transpose()
    }

    /// The component of this hash, if a module of the domain has it. Errors: [`StoreError::NotFound`];
    /// [`StoreError::Corrupt`] when the file is gone or its content is not that of its name.
    pub async fn module_bytes(&self, scope: &DomainScope, hash: &str) -> Result<Vec<u8>, StoreError> {
        let row = sqlx::query("SELECT hash FROM modules WHERE domain_id = $1 AND hash = $2 LIMIT 1")
            .bind(scope.id())
            .bind(hash)
            .fetch_optional(self.read())
            .await?;
        // The path is made from what the database has, never from what was asked.
        let hash: String = row
            .ok_or_else(|| StoreError::not_found("module with hash", hash))?
            .try_get("hash")?;
        let path = self.module_path(&hash);
        blocking(move || {
            let bytes = fs::read(&path).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => StoreError::Corrupt {
                    what: format!("{} is gone", path.display()),
                },
                _ => StoreError::on_file(error, &path),
            })?;
            if blake3::hash(&bytes).to_hex().as_str() != hash {
                return Err(StoreError::Corrupt {
                    what: format!("{} has another content", path.display()),
                });
            }
            Ok(bytes)
        })
        .await
    }

    /// Deletes one version of a module, named by its hash or six digits or more of its beginning, or, without `hash`, all
    /// of them. Errors: [`StoreError::NotFound`]; [`StoreError::Invalid`] (the version); [`StoreError::InUse`] while an
    /// entry point uses one of them, tries it, or could return to it.
    pub async fn delete_module(
        &self,
        scope: &DomainScope,
        name: &str,
        hash: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let hash = match hash {
            Some(wanted) => Some(version(&mut write, scope, name, Some(wanted)).await?),
            None => None,
        };
        if let Some(by) = users(&mut write, scope, name, hash.as_deref()).await? {
            return Err(StoreError::InUse {
                what: "module",
                name: name.to_owned(),
                by,
            });
        }
        let deleted = sqlx::query(
            "DELETE FROM modules WHERE domain_id = $1 AND name = $2 AND ($3 IS NULL OR hash = $3) RETURNING hash",
        )
        .bind(scope.id())
        .bind(name)
        .bind(&hash)
        .fetch_all(&mut *write)
        .await?;
        if deleted.is_empty() {
            return Err(StoreError::not_found("module", name));
        }
        let hashes = deleted
            .iter()
            .map(|row| row.try_get("hash"))
            .collect::<Result<_, _>>()?;
        write.commit().await?;
        self.remove_unused_files(hashes).await
    }

    /// The hashes of all of the domain's modules.
    pub(crate) async fn module_hashes(&self, scope: &DomainScope) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query("SELECT DISTINCT hash FROM modules WHERE domain_id = $1")
            .bind(scope.id())
            .fetch_all(self.read())
            .await?;
        rows.iter().map(|row| Ok(row.try_get("hash")?)).collect()
    }

    /// Removes the files of those hashes that no domain has any more. Only after the rows' end is committed: a file
    /// too many does no harm, a row without its file would.
    pub(crate) async fn remove_unused_files(&self, hashes: Vec<String>) -> Result<(), StoreError> {
        if hashes.is_empty() {
            return Ok(());
        }
        // Held, though nothing is written: an upload of the same content must not come between look and removal.
        let mut write = self.write().await?;
        for hash in hashes {
            let row = sqlx::query("SELECT COUNT(*) AS uses FROM modules WHERE hash = $1")
                .bind(&hash)
                .fetch_one(&mut *write)
                .await?;
            if rows::count(&row, "uses")? == 0 {
                let path = self.module_path(&hash);
                blocking(move || match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        Err(StoreError::on_file(error, &path))
                    }
                    _ => Ok(()),
                })
                .await?;
            }
        }
        Ok(write.rollback().await?)
    }

    pub(crate) fn module_path(&self, hash: &str) -> PathBuf {
        self.directory()
            .join(MODULES_DIRECTORY)
            .join(format!("{hash}.wasm"))
    }
}

/// The entry points that need a version of a module, or, without `hash`, any: in words, at most ten.
pub(crate) async fn users(
    write: &mut Write,
    scope: &DomainScope,
    name: &str,
    hash: Option<&str>,
) -> Result<Option<String>, StoreError> {
    let rows = sqlx::query(
        "SELECT number, '' AS use FROM entry_points WHERE domain_id = $1 AND module = $2 AND ($3 IS NULL OR hash = $3) \
         UNION ALL SELECT number, ' (canary)' FROM canaries \
         WHERE domain_id = $1 AND module = $2 AND ($3 IS NULL OR hash = $3) \
         UNION ALL SELECT number, ' (previous version)' FROM previous_versions \
         WHERE domain_id = $1 AND module = $2 AND ($3 IS NULL OR hash = $3) \
         UNION ALL SELECT number, ' (fall-back)' FROM fallbacks \
         WHERE domain_id = $1 AND module = $2 AND ($3 IS NULL OR hash = $3) \
         ORDER BY number, use LIMIT 10",
    )
    .bind(scope.id())
    .bind(name)
    .bind(hash)
    .fetch_all(&mut **write)
    .await?;
    let uses = rows
        .iter()
        .map(|row| Ok(row.try_get::<String, _>("number")? + row.try_get("use")?))
        .collect::<Result<Vec<_>, StoreError>>()?;
    Ok((!uses.is_empty()).then(|| format!("entry point {}", uses.join(", "))))
}

fn module_of(row: &SqliteRow) -> Result<Module, StoreError> {
    Ok(Module {
        name: row.try_get("name")?,
        hash: row.try_get("hash")?,
        world: row.try_get("world")?,
        size_bytes: rows::count(row, "size_bytes")?,
        uploaded_at: rows::time(row, "uploaded_at")?,
        note: row.try_get("note")?,
        signed_by: row.try_get("signed_by")?,
        from_flow: row.try_get::<i64, _>("from_flow")? != 0,
    })
}

/// Refuses what cannot be a module's name: see [`NewVersion::name`]. Errors: [`StoreError::Invalid`],
/// [`StoreError::TooLarge`].
pub fn check_name(name: &str) -> Result<(), StoreError> {
    at_most("module name", name.len(), NAME_MOST)?;
    if name.is_empty()
        || !name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    {
        return Err(StoreError::invalid(
            "module name",
            "it is 1 to 128 letters, digits, `-`, `_` and `.`",
        ));
    }
    Ok(())
}

/// Refuses what cannot be a note on a version: more than [`NOTE_MOST`], or a NUL. Errors: [`StoreError::TooLarge`],
/// [`StoreError::Invalid`].
pub fn check_note(note: &str) -> Result<(), StoreError> {
    at_most("note", note.len(), NOTE_MOST)?;
    if note.contains('\0') {
        return Err(StoreError::invalid("note", "it has no NUL"));
    }
    Ok(())
}

/// Writes all of a file or nothing of it, so that the loss of power leaves no half module under a whole one's name.
/// The write lock makes the temporary name ours alone.
fn write_file(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    if let Ok(there) = fs::read(path)
        && there == bytes
    {
        return Ok(());
    }
    let temporary = path.with_extension("tmp");
    let write = || -> io::Result<()> {
        let mut file = fs::File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        if let Some(directory) = path.parent() {
            // The new name itself is on disk only with its directory.
            fs::File::open(directory)?.sync_all()?;
        }
        Ok(())
    };
    write().map_err(|error| {
        // What was written of it takes space that is wanted; if even this fails, the next upload overwrites it.
        let _ = fs::remove_file(&temporary);
        StoreError::on_file(error, path)
    })
}
