//! The database file, and connections to it that can only read.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::hooks::Authorization;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::allowed;
use crate::tool::{Answer, Cancellation, ToolError};

/// Steps of SQLite's machine between two looks at clock and cancellation: about 0.1 ms (chosen).
const STEPS_BETWEEN_LOOKS: i32 = 10_000;
/// How long a lock of a writer is waited for, at most.
const LOCK_WAIT: Duration = Duration::from_secs(2);
/// Bytes of one text, blob or row, at most: bounds what a function can make (chosen, not measured).
const VALUE_BYTES_MAX: i32 = 16 * 1024 * 1024;
/// Bytes of one statement, at most.
const SQL_BYTES_MAX: i32 = 64 * 1024;

/// What a query may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlLimits {
    /// Rows of one answer, at most.
    pub rows_max: usize,
    /// Bytes of one answer, at most.
    pub answer_bytes_max: usize,
    /// Time for one query.
    pub timeout: Duration,
}

impl Default for SqlLimits {
    /// All numbers are chosen, not measured; the bytes are half of what can travel inline.
    fn default() -> Self {
        Self {
            rows_max: 1_000,
            answer_bytes_max: 128 * 1024,
            timeout: Duration::from_secs(30),
        }
    }
}

/// Why a file can't be the database of the SQL tools.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// It can't be opened, or is no database.
    #[error("{} can't be the database of the sql tools; give a SQLite file that the worker may read", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        cause: rusqlite::Error,
    },
    /// A limit that lets nothing run.
    #[error("{0} of the sql tools is 0, which lets nothing run; give more")]
    Limit(&'static str),
}

/// A database that is only read.
#[derive(Clone, Debug)]
pub struct Database {
    path: Arc<Path>,
    limits: Arc<SqlLimits>,
}

impl Database {
    /// Opens a file once, to see that it is a database.
    ///
    /// # Errors
    /// When it can't be opened, is no database, or a limit lets nothing run.
    pub fn open(path: impl AsRef<Path>, limits: SqlLimits) -> Result<Self, SqlError> {
        let path = path.as_ref();
        if limits.rows_max == 0 {
            return Err(SqlError::Limit("rows_max"));
        }
        if limits.timeout.is_zero() {
            return Err(SqlError::Limit("timeout"));
        }
        let refuse = |cause| SqlError::Open {
            path: path.to_owned(),
            cause,
        };
        // Where the worker is started decides what a relative path means, once.
        let absolute = std::path::absolute(path)
            .map_err(|_| refuse(rusqlite::Error::InvalidPath(path.to_owned())))?;
        let connection = connect(&absolute).map_err(refuse)?;
        connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
            .map_err(refuse)?;
        Ok(Self {
            path: absolute.into(),
            limits: Arc::new(limits),
        })
    }

    pub(super) fn limits(&self) -> &SqlLimits {
        &self.limits
    }

    /// A connection for one call: it ends what runs too long or is cancelled, and does what is allowed alone.
    pub(super) fn session(&self, cancellation: &Cancellation) -> Result<Session, ToolError> {
        let refused: Arc<Mutex<Option<String>>> = Arc::default();
        let deadline = Instant::now() + self.limits.timeout;
        let mut opened = connect(&self.path);
        if let Ok(connection) = &mut opened {
            let note = Arc::clone(&refused);
            let hooked = connection
                .authorizer(Some(move |context: rusqlite::hooks::AuthContext<'_>| {
                    match allowed::refused(&context.action) {
                        None => Authorization::Allow,
                        Some(why) => {
                            note.lock()
                                .unwrap_or_else(PoisonError::into_inner)
                                .get_or_insert(why);
                            Authorization::Deny
                        }
                    }
                }))
                .and_then(|()| {
                    let cancellation = cancellation.clone();
                    let is_over = move || cancellation.is_cancelled() || Instant::now() >= deadline;
                    connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(is_over))
                });
            if let Err(error) = hooked {
                opened = Err(error);
            }
        }
        let connection = opened.map_err(|error| {
            // The path is the operator's.
            ToolError::from(Answer::error(format!(
                "The database can't be opened now: {error}"
            )))
        })?;
        Ok(Session {
            connection,
            refused,
            cancellation: cancellation.clone(),
            timeout: self.limits.timeout,
        })
    }
}

/// A connection of one call.
pub(super) struct Session {
    pub(super) connection: Connection,
    /// What the first statement that was refused wanted.
    refused: Arc<Mutex<Option<String>>>,
    cancellation: Cancellation,
    timeout: Duration,
}

impl Session {
    /// An error of SQLite's in words that a model can act on.
    pub(super) fn explain(&self, error: &rusqlite::Error) -> ToolError {
        if self.cancellation.is_cancelled() {
            return ToolError::cancelled();
        }
        let refused = self
            .refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(why) = refused {
            return ToolError::refused(why);
        }
        let text = match (error, error.sqlite_error_code()) {
            (rusqlite::Error::MultipleStatement, _) => {
                "There are several statements; give one at a time.".to_owned()
            }
            (_, Some(ErrorCode::OperationInterrupted)) => format!(
                "The query was stopped because it took more than {:?}; narrow it, for example with WHERE or LIMIT.",
                self.timeout
            ),
            (rusqlite::Error::SqlInputError { msg, offset, .. }, _) => {
                format!("SQLite doesn't take the statement: {msg} (at byte {offset})")
            }
            (error, _) => format!("SQLite says: {error}"),
        };
        Answer::error(text).into()
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(LOCK_WAIT)?;
    for (config, is_on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false),
    ] {
        connection.set_db_config(config, is_on)?;
    }
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, SQL_BYTES_MAX),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        connection.set_limit(limit, value)?;
    }
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    // A file that changes under a mapping ends the whole process.
    connection.pragma_update(None, "mmap_size", 0)?;
    Ok(connection)
}
