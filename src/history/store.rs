//! Rounds in a SQLite file: what `history list` shows as columns, the round itself packed.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, TransactionBehavior, params};

use crate::diagnose::Verdict;
use crate::diagnose::finding::Finding;
use crate::round::{Round, SCHEMA};

/// How long to wait for another roundsman that is writing.
const BUSY: Duration = Duration::from_secs(5);

/// What packing costs: 3 is fast, and the next steps win little on numbers.
const LEVEL: i32 = 3;

/// Bytes of an unpacked round; beyond is a mistake or an attack.
const LARGEST: u64 = 1 << 30;

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
    ALTER TABLE round ADD COLUMN base TEXT;
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
    connection: Connection,
    path: PathBuf,
}

/// Rounds that can be compared: the same questions to the same hosts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// The playbook's absolute path, or `audit` and its pattern.
    pub asked: String,
    /// The inventory's sources, files by their absolute paths, joined by a comma.
    pub inventory: String,
    pub limit: Option<String>,
    /// A digest of the extra variables, which may change every question and may be secrets.
    pub given: String,
}

/// A round without its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: String,
    pub started: Timestamp,
    pub finished: Timestamp,
    pub line: Line,
    pub version: String,
    /// The verdict's word.
    pub status: String,
    pub exit_code: u8,
    pub findings: u64,
    pub hosts: u64,
    pub reached: u64,
    /// Bytes that the round takes, packed.
    pub bytes: u64,
}

/// Why the history could not be used, for the reader.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error("{path}: the history can't be {doing}: {source}")]
    Sqlite { path: PathBuf, doing: &'static str, source: rusqlite::Error },
    #[error("{path}: the history can't be made: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error(
        "{path}: the history is of a newer roundsman (form {found}, this one knows {VERSION}); nothing was changed"
    )]
    Newer { path: PathBuf, found: i64 },
    #[error("{path}: the history is damaged: {source}; move the file away and a new one is begun")]
    Damaged { path: PathBuf, source: rusqlite::Error },
    #[error("{path}: no round `{id}` is kept; `roundsman history list` names them")]
    NoRound { path: PathBuf, id: String },
    #[error("{path}: `{id}` is the beginning of several rounds' ids: {found}")]
    Several { path: PathBuf, id: String, found: String },
    #[error("{path}: round {id} can't be unpacked: {message}")]
    Unpack { path: PathBuf, id: String, message: String },
}

impl Store {
    /// Opens the history, beginning one where there is none. The file and its directory are private.
    ///
    /// # Errors
    /// A place that can't be written, a damaged file, or one of a newer roundsman.
    pub fn open(path: &Path) -> Result<Self, HistoryError> {
        let io_error = |source| HistoryError::Io { path: path.to_owned(), source };
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
        let mut store = Store { connection, path: path.to_owned() };
        store.prepare().map_err(|error| match error {
            Prepare::Sqlite(error) => trouble(path, "opened", error),
            Prepare::Newer(found) => HistoryError::Newer { path: path.to_owned(), found },
        })?;
        Ok(store)
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

    /// Keeps a round and what came of it; one that is kept already is replaced.
    ///
    /// # Errors
    /// A full disk, a damaged or locked file.
    pub fn keep(
        &mut self,
        round: &Round,
        line: &Line,
        verdict: Verdict,
        findings: &[Finding],
    ) -> Result<(), HistoryError> {
        let packed = pack(round).map_err(|source| HistoryError::Io { path: self.path.clone(), source })?;
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let reached = round.visits.iter().filter(|visit| visit.outcome.reached()).count();
        self.connection
            .execute(
                "INSERT OR REPLACE INTO round (id, started, finished, playbook, inventory, host_limit, version, \
                 status, exit_code, findings, hosts, reached, data, given, stopped) \
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                params![
                    round.id,
                    round.started.as_millisecond(),
                    round.finished.as_millisecond(),
                    line.asked,
                    line.inventory,
                    line.limit,
                    round.version,
                    verdict.status.word(),
                    verdict.exit_code,
                    count(findings.len()),
                    count(round.visits.len()),
                    count(reached),
                    packed,
                    line.given,
                    round.stopped.is_some(),
                ],
            )
            .map_err(|error| trouble(&self.path, "written", error))?;
        Ok(())
    }

    /// The newest rounds first, at most `most` of them.
    ///
    /// # Errors
    /// A damaged file.
    pub fn list(&self, most: usize) -> Result<Vec<Entry>, HistoryError> {
        let read = || -> rusqlite::Result<Vec<Entry>> {
            let mut query = self
                .connection
                .prepare(&format!("SELECT {COLUMNS} FROM round ORDER BY started DESC, id DESC LIMIT ?"))?;
            let rows = query.query_map([i64::try_from(most).unwrap_or(i64::MAX)], entry)?;
            rows.collect()
        };
        read().map_err(|error| trouble(&self.path, "read", error))
    }

    /// The kept round that `name` means: an id, the beginning of one, `last`, or `last~2` for the second before.
    ///
    /// # Errors
    /// No such round, several of them, a damaged file.
    pub fn find(&self, name: &str) -> Result<Entry, HistoryError> {
        let nothing = || HistoryError::NoRound { path: self.path.clone(), id: name.to_owned() };
        if let Some(back) = name.strip_prefix("last") {
            let back: usize = match back.strip_prefix('~') {
                None if back.is_empty() => 0,
                Some(number) => number.parse().map_err(|_| nothing())?,
                None => return Err(nothing()),
            };
            return self.list(back.saturating_add(1))?.into_iter().nth(back).ok_or_else(nothing);
        }
        let read = || -> rusqlite::Result<Vec<Entry>> {
            let mut query = self.connection.prepare(&format!(
                "SELECT {COLUMNS} FROM round WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT 5"
            ))?;
            let rows = query.query_map([name], entry)?;
            rows.collect()
        };
        let found = read().map_err(|error| trouble(&self.path, "read", error))?;
        if let Some(exact) = found.iter().find(|entry| entry.id == name) {
            return Ok(exact.clone());
        }
        match found.as_slice() {
            [] => Err(nothing()),
            [only] => Ok(only.clone()),
            several => Err(HistoryError::Several {
                path: self.path.clone(),
                id: name.to_owned(),
                found: several.iter().map(|entry| entry.id.as_str()).collect::<Vec<_>>().join(", "),
            }),
        }
    }

    /// The newest round of a line that began before `before` and came to its end: one that was stopped saw
    /// less than it was to see.
    ///
    /// # Errors
    /// A damaged file.
    pub fn before(&self, line: &Line, before: Timestamp) -> Result<Option<Entry>, HistoryError> {
        self.connection
            .query_row(
                &format!(
                    "SELECT {COLUMNS} FROM round WHERE playbook = ? AND inventory = ? AND host_limit IS ? \
                     AND given = ? AND started < ? AND NOT stopped ORDER BY started DESC LIMIT 1"
                ),
                params![line.asked, line.inventory, line.limit, line.given, before.as_millisecond()],
                entry,
            )
            .optional()
            .map_err(|error| trouble(&self.path, "read", error))
    }

    /// Runs a statement; gives how many rows it touched.
    pub(super) fn run(&mut self, sql: &str, values: impl rusqlite::Params) -> Result<usize, HistoryError> {
        self.connection.execute(sql, values).map_err(|error| trouble(&self.path, "written", error))
    }

    /// All rows of a question.
    pub(super) fn rows<T>(
        &self,
        sql: &str,
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, HistoryError> {
        let rows =
            || -> rusqlite::Result<Vec<T>> { self.connection.prepare(sql)?.query_map([], read)?.collect() };
        rows().map_err(|error| trouble(&self.path, "read", error))
    }

    /// A kept round with all its evidence.
    ///
    /// # Errors
    /// No such round, a damaged one, or one of a form that this roundsman does not read.
    pub fn load(&self, id: &str) -> Result<Round, HistoryError> {
        let data: Option<Vec<u8>> = self
            .connection
            .query_row("SELECT data FROM round WHERE id = ?", [id], |row| row.get(0))
            .optional()
            .map_err(|error| trouble(&self.path, "read", error))?;
        let Some(data) = data else {
            return Err(HistoryError::NoRound { path: self.path.clone(), id: id.to_owned() });
        };
        unpack(&data).map_err(|message| HistoryError::Unpack {
            path: self.path.clone(),
            id: id.to_owned(),
            message,
        })
    }

    /// Drops rounds that began before `before`, but never the newest `keep`; gives how many went.
    ///
    /// # Errors
    /// A full disk, a damaged or locked file.
    pub fn prune(&mut self, before: Timestamp, keep: usize) -> Result<usize, HistoryError> {
        let change = || -> rusqlite::Result<usize> {
            let gone = self.connection.execute(
                "DELETE FROM round WHERE started < ?1 AND id NOT IN \
                 (SELECT id FROM round ORDER BY started DESC, id DESC LIMIT ?2)",
                params![before.as_millisecond(), i64::try_from(keep).unwrap_or(i64::MAX)],
            )?;
            if gone > 0 {
                self.connection.execute_batch("VACUUM")?;
            }
            Ok(gone)
        };
        change().map_err(|error| trouble(&self.path, "written", error))
    }
}

enum Prepare {
    Sqlite(rusqlite::Error),
    Newer(i64),
}

impl From<rusqlite::Error> for Prepare {
    fn from(error: rusqlite::Error) -> Self {
        Prepare::Sqlite(error)
    }
}

fn trouble(path: &Path, doing: &'static str, source: rusqlite::Error) -> HistoryError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => HistoryError::Damaged { path, source },
        _ => HistoryError::Sqlite { path, doing, source },
    }
}

const COLUMNS: &str = "id, started, finished, playbook, inventory, host_limit, version, status, exit_code, \
    findings, hosts, reached, length(data), given";

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let moment = |at: usize| -> rusqlite::Result<Timestamp> {
        let millis: i64 = row.get(at)?;
        Timestamp::from_millisecond(millis).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Integer, Box::new(error))
        })
    };
    let number = |at: usize| -> rusqlite::Result<u64> {
        let number: i64 = row.get(at)?;
        Ok(u64::try_from(number).unwrap_or(0))
    };
    Ok(Entry {
        id: row.get(0)?,
        started: moment(1)?,
        finished: moment(2)?,
        line: Line {
            asked: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
            inventory: row.get(4)?,
            limit: row.get(5)?,
            given: row.get(13)?,
        },
        version: row.get(6)?,
        status: row.get(7)?,
        exit_code: row.get(8)?,
        findings: number(9)?,
        hosts: number(10)?,
        reached: number(11)?,
        bytes: number(12)?,
    })
}

fn pack(round: &Round) -> io::Result<Vec<u8>> {
    let mut packer = zstd::Encoder::new(Vec::new(), LEVEL)?;
    serde_json::to_writer(io::BufWriter::new(&mut packer), round)?;
    packer.finish()
}

fn unpack(data: &[u8]) -> Result<Round, String> {
    let mut json = Vec::new();
    zstd::Decoder::new(data)
        .and_then(|unpacker| unpacker.take(LARGEST).read_to_end(&mut json))
        .map_err(|error| error.to_string())?;
    let round: Round = serde_json::from_slice(&json).map_err(|error| error.to_string())?;
    match round.schema == SCHEMA {
        true => Ok(round),
        false => Err(format!("it is of the form {}, this roundsman reads {SCHEMA}", round.schema)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::rounds;
    use crate::diagnose::Status;

    fn verdict() -> Verdict {
        Verdict { status: Status::Ok, exit_code: 0 }
    }

    fn line(inventory: &str) -> Line {
        Line { asked: "/p/kafka-audit.yml".into(), inventory: inventory.into(), ..Line::default() }
    }

    fn kept(store: &mut Store, id: &str, second: i64) -> Round {
        let mut round = rounds::round(vec![
            rounds::host("a").disk(vec![rounds::replica("t", 0, 5 << 30)]),
            rounds::host("b").disk(vec![rounds::replica("t", 0, 4 << 30)]),
        ]);
        round.id = id.into();
        round.started = Timestamp::from_second(second).unwrap();
        store.keep(&round, &line("prod.yml"), verdict(), &[]).unwrap();
        round
    }

    #[test]
    fn a_kept_round_comes_back_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state/history.sqlite");
        let round = kept(&mut Store::open(&path).unwrap(), "20260101T000000Z-aa", 1000);
        let store = Store::open(&path).unwrap();
        assert_eq!(store.load(&round.id).unwrap(), round);
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn rounds_are_found_by_name_and_line() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(&dir.path().join("h")).unwrap();
        kept(&mut store, "20260101T000000Z-aa", 1000);
        kept(&mut store, "20260102T000000Z-bb", 2000);
        kept(&mut store, "20260102T000000Z-bc", 3000);
        assert_eq!(store.find("last").unwrap().id, "20260102T000000Z-bc");
        assert_eq!(store.find("last~2").unwrap().id, "20260101T000000Z-aa");
        assert_eq!(store.find("20260101").unwrap().id, "20260101T000000Z-aa");
        assert!(matches!(store.find("20260102"), Err(HistoryError::Several { .. })));
        assert!(matches!(store.find("last~3"), Err(HistoryError::NoRound { .. })));
        assert!(matches!(store.find("lastly"), Err(HistoryError::NoRound { .. })));
        let line = line("prod.yml");
        let before = |second| store.before(&line, Timestamp::from_second(second).unwrap()).unwrap();
        assert_eq!(before(3000).map(|entry| entry.id).as_deref(), Some("20260102T000000Z-bb"));
        assert_eq!(before(1000), None);
        let other = Line { inventory: "stage.yml".into(), ..line.clone() };
        assert_eq!(store.before(&other, Timestamp::from_second(9000).unwrap()).unwrap(), None);
    }

    #[test]
    fn pruning_keeps_the_newest() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(&dir.path().join("h")).unwrap();
        for number in 0..5 {
            kept(&mut store, &format!("r{number}"), number * 1000);
        }
        let end = Timestamp::from_second(10_000).unwrap();
        assert_eq!(store.prune(Timestamp::from_second(2000).unwrap(), 1).unwrap(), 2);
        assert_eq!(store.prune(end, 2).unwrap(), 1);
        let left: Vec<String> = store.list(10).unwrap().into_iter().map(|entry| entry.id).collect();
        assert_eq!(left, ["r4", "r3"]);
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
