//! The SQLite file: opened to be written or only to be looked at, its forms, its questions.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Row, TransactionBehavior};

use super::error::{HistoryError, trouble};

/// How long to wait for another roundsman that is writing.
const BUSY: Duration = Duration::from_secs(5);

/// What makes each form of the tables of the one before; `user_version` counts them.
const FORMS: [&str; 3] = [
    "
    CREATE TABLE round (
        id TEXT PRIMARY KEY,
        started INTEGER NOT NULL,
        finished INTEGER NOT NULL,
        playbook TEXT,
        inventory TEXT NOT NULL,
        host_limit TEXT,
        version TEXT NOT NULL,
        status TEXT NOT NULL,
        exit_code INTEGER NOT NULL,
        findings INTEGER NOT NULL,
        hosts INTEGER NOT NULL,
        reached INTEGER NOT NULL,
        data BLOB NOT NULL
    ) STRICT;
    CREATE INDEX round_line ON round (playbook, inventory, host_limit, started);
    ",
    "
    ALTER TABLE round ADD COLUMN given TEXT NOT NULL DEFAULT '';
    ALTER TABLE round ADD COLUMN stopped INTEGER NOT NULL DEFAULT 0;
    DROP INDEX round_line;
    CREATE INDEX round_line ON round (playbook, inventory, host_limit, given, started);
    CREATE TABLE ack (
        finding TEXT PRIMARY KEY,
        reason TEXT NOT NULL,
        until INTEGER,
        severity TEXT,
        lost INTEGER,
        items INTEGER,
        made_by TEXT,
        made INTEGER NOT NULL,
        title TEXT
    ) STRICT;
    ",
    "
    ALTER TABLE ack ADD COLUMN last_seen INTEGER;
    ALTER TABLE ack ADD COLUMN known TEXT;
    ",
];

/// The form of the tables that this roundsman reads and writes.
const VERSION: i64 = FORMS.len() as i64;

/// The rounds kept so far.
pub struct Store {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    /// The form of the tables, which is an older one where nothing may be changed.
    pub(super) form: i64,
}

impl Store {
    /// Opens the history, beginning one where there is none. The file and its directory are private.
    ///
    /// # Errors
    /// A place that can't be written, a damaged file, or one of a newer roundsman.
    pub fn open(path: &Path) -> Result<Self, HistoryError> {
        let doing = if path.exists() { "written" } else { "made" };
        let io_error = |source| HistoryError::Io { path: path.to_owned(), doing, source };
        if let Some(parent) = path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(io_error)?;
        }
        // SQLite would make the file with the umask's rights.
        fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(io_error)?;
        let connection = Connection::open(path).map_err(|error| trouble(path, "opened", error))?;
        let mut store = Store { connection, path: path.to_owned(), form: VERSION };
        store.prepare().map_err(|error| error.told(path))?;
        Ok(store)
    }

    /// Opens a history only to look at it: nothing is made or changed. One that is not there is empty.
    ///
    /// # Errors
    /// A file that can't be read, a damaged one, or one of a newer roundsman.
    pub fn open_to_look(path: &Path) -> Result<Self, HistoryError> {
        let form = |connection: &Connection| -> rusqlite::Result<i64> {
            connection.busy_timeout(BUSY)?;
            connection.query_row("PRAGMA user_version", [], |row| row.get(0))
        };
        let told = |error| trouble(path, "read", error);
        let empty = || {
            let connection = Connection::open_in_memory().map_err(told)?;
            let mut store = Store { connection, path: path.to_owned(), form: VERSION };
            store.prepare().map_err(|error| error.told(path))?;
            Ok(store)
        };
        if !path.exists() {
            return empty();
        }
        let look = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = Connection::open_with_flags(path, look);
        let opened = open.and_then(|connection| Ok((form(&connection)?, connection)));
        let (form, connection) = match opened {
            // A write-ahead log wants its index beside it. Where nothing may be written nobody else writes either,
            // and a log that was left is not passed over.
            Err(error) if read_only(&error) && !pending(path) => {
                Connection::open_with_flags(immutable(path), look | OpenFlags::SQLITE_OPEN_URI)
                    .and_then(|connection| Ok((form(&connection)?, connection)))
                    .map_err(told)?
            }
            opened => opened.map_err(told)?,
        };
        if form > VERSION {
            return Err(HistoryError::Newer { path: path.to_owned(), found: form, known: VERSION });
        }
        // Somebody is just about to make the tables, or has been stopped before.
        if form == 0 {
            return empty();
        }
        Ok(Store { connection, path: path.to_owned(), form })
    }

    fn prepare(&mut self) -> Result<(), Prepare> {
        self.connection.busy_timeout(BUSY)?;
        let version: i64 = self.connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version > VERSION {
            return Err(Prepare::Newer(version));
        }
        self.connection.pragma_update(None, "journal_mode", "WAL")?;
        self.connection.pragma_update(None, "synchronous", "NORMAL")?;
        if version < VERSION {
            let change = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            // Another roundsman may have been here between the question and the lock.
            let version: i64 = change.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            for form in FORMS.iter().skip(usize::try_from(version).unwrap_or(0)) {
                change.execute_batch(form)?;
            }
            change.pragma_update(None, "user_version", VERSION)?;
            change.commit()?;
        }
        Ok(())
    }

    /// Runs a statement; gives how many rows it touched.
    pub(super) fn run(&mut self, sql: &str, values: impl rusqlite::Params) -> Result<usize, HistoryError> {
        self.connection.execute(sql, values).map_err(|error| trouble(&self.path, "written", error))
    }

    /// All rows of a question.
    pub(super) fn rows<T>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, HistoryError> {
        let rows = || -> rusqlite::Result<Vec<T>> {
            self.connection.prepare(sql)?.query_map(values, read)?.collect()
        };
        rows().map_err(|error| trouble(&self.path, "read", error))
    }
}

fn read_only(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen))
}

/// Whether a write-ahead log lies beside the file with something in it.
fn pending(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    fs::metadata(log).is_ok_and(|meta| meta.len() > 0)
}

/// The file as a URI that says that nothing about it will change (<https://www.sqlite.org/uri.html>).
fn immutable(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(*byte))
            }
            byte => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    uri.push_str("?immutable=1");
    uri
}

enum Prepare {
    Sqlite(rusqlite::Error),
    Newer(i64),
}

impl Prepare {
    fn told(self, path: &Path) -> HistoryError {
        match self {
            Prepare::Newer(found) => HistoryError::Newer { path: path.to_owned(), found, known: VERSION },
            Prepare::Sqlite(error) if read_only(&error) => trouble(path, "written", error),
            Prepare::Sqlite(error) => trouble(path, "opened", error),
        }
    }
}

impl From<rusqlite::Error> for Prepare {
    fn from(error: rusqlite::Error) -> Self {
        Prepare::Sqlite(error)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn who_only_looks_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("below/h");
        assert_eq!(Store::open_to_look(&path).unwrap().list(9).unwrap(), []);
        assert!(!dir.path().join("below").exists());
        let begun = dir.path().join("begun");
        fs::write(&begun, b"").unwrap();
        assert_eq!(Store::open_to_look(&begun).unwrap().list(9).unwrap(), []);
        let older = dir.path().join("older");
        let connection = Connection::open(&older).unwrap();
        connection.execute_batch(FORMS[0]).unwrap();
        connection
            .execute_batch(
                "INSERT INTO round VALUES ('aa', 1, 2, 'p', 'i', NULL, '0', 'OK', 0, 0, 2, 2, x'00'); \
                 PRAGMA user_version = 1",
            )
            .unwrap();
        let store = Store::open_to_look(&older).unwrap();
        let entry = store.find("last", None).unwrap();
        assert_eq!((entry.id.as_str(), entry.line.given.as_str()), ("aa", ""));
        assert_eq!(store.before(&entry.line, Timestamp::now()).unwrap().unwrap().id, "aa");
        assert_eq!(store.acks().unwrap(), []);
        let form: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!(form, 1);
        assert_eq!(immutable(Path::new("/a b/h?#%")), "file:/a%20b/h%3f%23%25?immutable=1");
    }

    #[test]
    fn a_damaged_or_newer_file_is_said_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("h");
        fs::write(&path, b"this is no database, only text that is long enough to be read as one").unwrap();
        assert!(matches!(Store::open(&path), Err(HistoryError::Damaged { .. })));
        let newer = dir.path().join("newer");
        Store::open(&newer).unwrap().connection.pragma_update(None, "user_version", VERSION + 1).unwrap();
        assert!(
            matches!(Store::open(&newer), Err(HistoryError::Newer { found, .. }) if found == VERSION + 1)
        );
    }
}
