//! Opening, closing, writing: all that is SQLite's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection, Row, Sqlite, Transaction};

use crate::StoreError;
use crate::migrations::Steps;

/// The database's file within the data directory.
pub const DATABASE_FILE: &str = "tandem.db";

/// The modules' folder within the data directory.
pub const MODULES_DIRECTORY: &str = "modules";

/// SQLite's default page size, which we keep.
const PAGE_BYTES: u64 = 4096;

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Connections that read at the same time, at least 1. There is one that writes: SQLite has one writer, and a
    /// queue before it is fair where its lock is not.
    pub readers: u32,
    /// How long a write waits for another process to finish its own.
    pub busy_timeout: Duration,
    /// The database file grows no further than this; beyond it writes fail with [`StoreError::DiskFull`].
    pub max_bytes: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            readers: 4,
            busy_timeout: Duration::from_secs(5),
            max_bytes: None,
        }
    }
}

/// The database and the modules' files. Cheap to clone; all clones are one store.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    read: SqlitePool,
    /// One connection.
    write: SqlitePool,
    directory: PathBuf,
    /// See [`Store::directory_epoch`].
    epoch: AtomicU64,
}

/// A transaction that holds the write lock from its beginning.
pub(crate) type Write = Transaction<'static, Sqlite>;

impl Store {
    /// Opens the store in `directory`, making both where they are missing, and brings its schema up to date.
    ///
    /// New directories get mode 0700, new databases 0600: they hold what a password's holder could be impersonated
    /// with. Several processes may open the same store.
    ///
    /// Errors: [`StoreError::ReadOnly`], [`StoreError::DiskFull`], [`StoreError::Corrupt`] (not a database),
    /// [`StoreError::Schema`] (a newer release's), [`StoreError::Busy`], [`StoreError::Io`].
    pub async fn open(directory: impl AsRef<Path>, options: Options) -> Result<Self, StoreError> {
        let directory = directory.as_ref().to_owned();
        let prepared = directory.clone();
        // Two processes that meet an empty directory must not both create the tables: the second waits here.
        let migration_lock = blocking(move || prepare(&prepared)).await?;

        let file = directory.join(DATABASE_FILE);
        let mut connect = SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // Each transaction says so for itself, too: see `Store::write`.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(options.busy_timeout)
            // A burst of writes must not leave a huge log behind.
            .pragma("journal_size_limit", "67108864")
            .thread_name(|number| format!("store-{number}"));
        if let Some(bytes) = options.max_bytes {
            connect = connect.pragma("max_page_count", (bytes / PAGE_BYTES).max(1).to_string());
        }

        let pool = |connections: u32| {
            SqlitePoolOptions::new()
                .max_connections(connections.max(1))
                .acquire_timeout(options.busy_timeout.saturating_mul(2).max(Duration::from_secs(1)))
        };
        let write = pool(1)
            // A full disk makes SQLite end the transaction by itself. The ROLLBACK that follows then fails, and the
            // connection believes for ever after that it is in a transaction: let it go, the next one is sound.
            .after_release(|connection, _| {
                Box::pin(async move {
                    // Behind the ROLLBACK in the connection's queue.
                    connection.ping().await?;
                    Ok(!connection.is_in_transaction())
                })
            })
            .connect_with(connect.clone())
            .await
            .map_err(|error| StoreError::from(error).at(&file))?;
        let migrated = async { Migrator::new(Steps).await?.run(&write).await };
        if let Err(error) = migrated.await {
            write.close().await;
            return Err(on_migration(error).at(&file));
        }
        drop(migration_lock);
        if let Err(error) = crate::kv::forget_old(&write).await {
            // It is housekeeping: a full disk, say, is no reason not to read.
            tracing::warn!(%error, "old results of key-value requests are kept on");
        }
        let read = pool(options.readers)
            .connect_with(connect)
            .await
            .map_err(|error| StoreError::from(error).at(&file))?;

        let store = Self {
            inner: Arc::new(Inner {
                read,
                write,
                directory,
                epoch: AtomicU64::new(0),
            }),
        };
        tracing::debug!(directory = %store.directory().display(), "store opened");
        Ok(store)
    }

    /// Waits for what is under way, then closes the files. Later use gives [`StoreError::Closed`].
    pub async fn close(&self) {
        self.inner.read.close().await;
        // Last, so that the log is folded into the database as the last connection goes.
        self.inner.write.close().await;
    }

    /// The data directory.
    pub fn directory(&self) -> &Path {
        &self.inner.directory
    }

    /// Asks the database something trivial: for a health check.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(self.read()).await?;
        Ok(())
    }

    /// Reads the whole database and checks its structure and its references; takes seconds for a big one.
    /// Errors: [`StoreError::Corrupt`] with the first finding.
    pub async fn check(&self) -> Result<(), StoreError> {
        let row = sqlx::query("PRAGMA quick_check(1)")
            .fetch_one(self.read())
            .await?;
        let found: String = row.try_get(0)?;
        if found != "ok" {
            return Err(StoreError::Corrupt { what: found });
        }
        if let Some(row) = sqlx::query("PRAGMA foreign_key_check")
            .fetch_optional(self.read())
            .await?
        {
            let table: String = row.try_get(0)?;
            return Err(StoreError::Corrupt {
                what: format!("a row of {table} refers to one that is not there"),
            });
        }
        Ok(())
    }

    /// Changes with each change to domains, users or entry points that was made through a clone of this store:
    /// a cache sees them without a query. For changes by other processes see [`Store::directory_revision`].
    pub fn directory_epoch(&self) -> u64 {
        self.inner.epoch.load(Ordering::Acquire)
    }

    /// Grows with each change to domains, users or entry points, by whichever process. One query of one row.
    pub async fn directory_revision(&self) -> Result<i64, StoreError> {
        let row = sqlx::query("SELECT revision FROM directory_revision WHERE id = 1")
            .fetch_one(self.read())
            .await?;
        Ok(row.try_get(0)?)
    }

    pub(crate) fn read(&self) -> &SqlitePool {
        &self.inner.read
    }

    /// Begins to write what a commit keeps even if the power fails: configuration, and call records, which are money.
    /// The commit waits for the disk.
    ///
    /// IMMEDIATE: a transaction that reads first and writes later could otherwise fail midway.
    pub(crate) async fn write(&self) -> Result<Write, StoreError> {
        Ok(self
            .inner
            .write
            .begin_with("PRAGMA synchronous = FULL; BEGIN IMMEDIATE")
            .await?)
    }

    /// Begins to write what a commit keeps if this process dies; if the power fails, the last of it may be gone, back
    /// to a state that was. The commit waits for nothing: scenarios write while callers listen.
    pub(crate) async fn write_relaxed(&self) -> Result<Write, StoreError> {
        Ok(self
            .inner
            .write
            .begin_with("PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE")
            .await?)
    }

    /// Commits a change that the directory's caches must see.
    pub(crate) async fn commit_directory(&self, mut write: Write) -> Result<(), StoreError> {
        sqlx::query("UPDATE directory_revision SET revision = revision + 1 WHERE id = 1")
            .execute(&mut *write)
            .await?;
        write.commit().await?;
        self.inner.epoch.fetch_add(1, Ordering::Release);
        Ok(())
    }
}

/// Runs file operations where they may block.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        // The runtime is shutting down; `work` does not panic.
        Err(_) => Err(StoreError::Closed),
    }
}

/// Makes the directory and an empty database of the right modes; gives the lock under which to migrate.
fn prepare(directory: &Path) -> Result<fs::File, StoreError> {
    let modules = directory.join(MODULES_DIRECTORY);
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    let mut open = fs::OpenOptions::new();
    open.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        builder.mode(0o700);
        open.mode(0o600);
    }
    builder
        .create(&modules)
        .map_err(|error| StoreError::on_file(error, &modules))?;
    let lock_path = directory.join("tandem.lock");
    let lock = open
        .open(&lock_path)
        .map_err(|error| StoreError::on_file(error, &lock_path))?;
    lock.lock()
        .map_err(|error| StoreError::on_file(error, &lock_path))?;
    // SQLite gives its log the mode of the database: it is enough to make that one.
    let database = directory.join(DATABASE_FILE);
    open.open(&database)
        .map_err(|error| StoreError::on_file(error, &database))?;
    Ok(lock)
}

fn on_migration(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        other => StoreError::Schema {
            why: other.to_string(),
        },
    }
}
