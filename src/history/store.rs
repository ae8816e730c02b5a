//! Rounds in a SQLite file: what `history list` shows as columns, the round itself packed.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, TransactionBehavior, params};

use super::trend::{self, Size};
use crate::diagnose::Verdict;
use crate::diagnose::finding::Finding;
use crate::round::{Round, SCHEMA, Stopped};

/// How long to wait for another roundsman that is writing.
const BUSY: Duration = Duration::from_secs(5);

/// Rounds of a line that no bound of age drops.
const ALWAYS: usize = 10;

/// What packing costs: a round of 10,000 replicas takes 270 KB and 30 ms; with 3 it would be 380 KB and 6 ms, and
/// what comes after 9 takes much longer for little.
const LEVEL: i32 = 9;

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
    /// The form of the tables, which is an older one where nothing may be changed.
    form: i64,
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
    #[error("{path}: the history can't be {doing}: {source}")]
    Io { path: PathBuf, doing: &'static str, source: io::Error },
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
            return Err(HistoryError::Newer { path: path.to_owned(), found: form });
        }
        // Somebody is just about to make the tables, or has been stopped before.
        if form == 0 {
            return empty();
        }
        Ok(Store { connection, path: path.to_owned(), form })
    }

    /// The columns of an entry, as this form of the tables has them.
    fn columns(&self) -> String {
        let given = if self.form < 2 { "''" } else { "given" };
        format!("{COLUMNS}, {given}")
    }

    /// The form of the tables.
    pub(super) fn form(&self) -> i64 {
        self.form
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
        let packed = pack(round).map_err(|source| HistoryError::Io {
            path: self.path.clone(),
            doing: "written",
            source,
        })?;
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
                    stopped(round.stopped),
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
            let columns = self.columns();
            let mut query = self
                .connection
                .prepare(&format!("SELECT {columns} FROM round ORDER BY started DESC, id DESC LIMIT ?"))?;
            let rows = query.query_map([i64::try_from(most).unwrap_or(i64::MAX)], entry)?;
            rows.collect()
        };
        read().map_err(|error| trouble(&self.path, "read", error))
    }

    /// The newest rounds of a line first, at most `most` of them.
    ///
    /// # Errors
    /// A damaged file.
    pub fn list_line(&self, line: &Line, most: usize) -> Result<Vec<Entry>, HistoryError> {
        let read = || -> rusqlite::Result<Vec<Entry>> {
            let mut query = self.connection.prepare(&format!(
                "SELECT {} FROM round WHERE {} ORDER BY started DESC, id DESC LIMIT ?5",
                self.columns(),
                self.of_line()
            ))?;
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            let rows =
                query.query_map(params![line.asked, line.inventory, line.limit, line.given, most], entry)?;
            rows.collect()
        };
        read().map_err(|error| trouble(&self.path, "read", error))
    }

    /// What picks a line's rounds: the first four parameters.
    fn of_line(&self) -> String {
        let given = if self.form < 2 { "''" } else { "given" };
        format!("playbook = ?1 AND inventory = ?2 AND host_limit IS ?3 AND {given} = ?4")
    }

    /// The kept round that `name` means: an id, the beginning of one, `last`, or `last~2` for the second before.
    /// The last ones are those of `line`; without it, of the line of the newest round of all.
    ///
    /// # Errors
    /// No such round, several of them, a damaged file.
    pub fn find(&self, name: &str, line: Option<&Line>) -> Result<Entry, HistoryError> {
        let nothing = || HistoryError::NoRound { path: self.path.clone(), id: name.to_owned() };
        if let Some(back) = name.strip_prefix("last") {
            let back: usize = match back.strip_prefix('~') {
                None if back.is_empty() => 0,
                Some(number) => number.parse().map_err(|_| nothing())?,
                None => return Err(nothing()),
            };
            let newest = match line {
                Some(line) => line.clone(),
                None => self.list(1)?.pop().ok_or_else(nothing)?.line,
            };
            return self
                .list_line(&newest, back.saturating_add(1))?
                .into_iter()
                .nth(back)
                .ok_or_else(nothing);
        }
        let read = || -> rusqlite::Result<Vec<Entry>> {
            let mut query = self.connection.prepare(&format!(
                "SELECT {} FROM round WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT 5",
                self.columns()
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

    /// The newest round of a line that began before `before` and came to its end. One that its own deadline ended
    /// serves where there is no other, as on a fleet that never answers in time; one that somebody stopped saw
    /// whatever it happened to see, and never does.
    ///
    /// # Errors
    /// A damaged file.
    pub fn before(&self, line: &Line, before: Timestamp) -> Result<Option<Entry>, HistoryError> {
        // A bare 0 would be the number of a column.
        let ended = if self.form < 2 { "coalesce(NULL, 0)" } else { "stopped" };
        self.connection
            .query_row(
                &format!(
                    "SELECT {} FROM round WHERE {} AND started < ?5 AND {ended} <> 1 \
                     ORDER BY {ended}, started DESC, id DESC LIMIT 1",
                    self.columns(),
                    self.of_line(),
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
        unpack(&self.packed(id)?).map_err(|message| HistoryError::Unpack {
            path: self.path.clone(),
            id: id.to_owned(),
            message,
        })
    }

    fn packed(&self, id: &str) -> Result<Vec<u8>, HistoryError> {
        let data: Option<Vec<u8>> = self
            .connection
            .query_row("SELECT data FROM round WHERE id = ?", [id], |row| row.get(0))
            .optional()
            .map_err(|error| trouble(&self.path, "read", error))?;
        data.ok_or_else(|| HistoryError::NoRound { path: self.path.clone(), id: id.to_owned() })
    }

    /// Drops rounds that began before `before`, but never the newest `keep` of each line; gives how many went.
    ///
    /// # Errors
    /// A full disk, a damaged or locked file.
    pub fn prune(&mut self, before: Timestamp, keep: usize) -> Result<usize, HistoryError> {
        let gone = self.run(
            "DELETE FROM round WHERE started < ?1 AND id IN (SELECT id FROM (SELECT id, row_number() OVER \
             (PARTITION BY playbook, inventory, host_limit, given ORDER BY started DESC, id DESC) AS turn \
             FROM round) WHERE turn > ?2)",
            params![before.as_millisecond(), i64::try_from(keep).unwrap_or(i64::MAX)],
        )?;
        if gone > 0 {
            // The rounds are gone; where there is no room to write the rest anew, later rounds fill the gaps.
            let _ = self.connection.execute_batch("VACUUM");
        }
        Ok(gone)
    }

    /// Drops a line's rounds beyond the newest `most`, and those that began before `before` but for the newest
    /// 10; gives how many went. What they took is used again, not given back.
    ///
    /// # Errors
    /// A full disk, a damaged or locked file.
    pub fn bound(&mut self, line: &Line, most: usize, before: Timestamp) -> Result<usize, HistoryError> {
        let of_line = self.of_line();
        let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.run(
            &format!(
                "DELETE FROM round WHERE {of_line} AND ((started < ?5 AND id NOT IN \
                 (SELECT id FROM round WHERE {of_line} ORDER BY started DESC, id DESC LIMIT ?6)) OR id NOT IN \
                 (SELECT id FROM round WHERE {of_line} ORDER BY started DESC, id DESC LIMIT ?7))"
            ),
            params![
                line.asked,
                line.inventory,
                line.limit,
                line.given,
                before.as_millisecond(),
                number(ALWAYS),
                number(most),
            ],
        )
    }

    /// A kept round's replicas of one topic, or of one of its partitions, without the rest of the round.
    ///
    /// # Errors
    /// As [`Store::load`].
    pub fn sizes(&self, id: &str, topic: &str, partition: Option<u32>) -> Result<Vec<Size>, HistoryError> {
        let data = self.packed(id)?;
        trend::sizes(&data, LARGEST, topic, partition).map_err(|message| HistoryError::Unpack {
            path: self.path.clone(),
            id: id.to_owned(),
            message,
        })
    }
}

/// How a round ended, as the history has it: 0 came to its end, 1 somebody stopped it, 2 its own deadline.
fn stopped(stopped: Option<Stopped>) -> i64 {
    match stopped {
        None => 0,
        Some(Stopped::Interrupted | Stopped::Terminated) => 1,
        Some(Stopped::Deadline) => 2,
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
            Prepare::Newer(found) => HistoryError::Newer { path: path.to_owned(), found },
            Prepare::Sqlite(error) if read_only(&error) => trouble(path, "written", error),
            Prepare::Sqlite(error) => trouble(path, "opened", error),
        }
    }
}

impl HistoryError {
    /// Somebody else has it; later it may be free.
    pub fn is_locked(&self) -> bool {
        let HistoryError::Sqlite { source, .. } = self else { return false };
        matches!(source.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }
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
    findings, hosts, reached, length(data)";

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
        assert_eq!(store.find("last", None).unwrap().id, "20260102T000000Z-bc");
        assert_eq!(store.find("last~2", None).unwrap().id, "20260101T000000Z-aa");
        assert_eq!(store.find("20260101", None).unwrap().id, "20260101T000000Z-aa");
        assert!(matches!(store.find("20260102", None), Err(HistoryError::Several { .. })));
        assert!(matches!(store.find("last~3", None), Err(HistoryError::NoRound { .. })));
        assert!(matches!(store.find("lastly", None), Err(HistoryError::NoRound { .. })));
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
    fn last_counts_within_a_line() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(&dir.path().join("h")).unwrap();
        kept(&mut store, "aa", 1000);
        let other = Round {
            id: "bb".into(),
            started: Timestamp::from_second(2000).unwrap(),
            ..store.load("aa").unwrap()
        };
        store.keep(&other, &line("stage.yml"), verdict(), &[]).unwrap();
        kept(&mut store, "cc", 3000);
        assert_eq!(store.find("last~1", None).unwrap().id, "aa");
        assert_eq!(store.find("last", Some(&line("stage.yml"))).unwrap().id, "bb");
        assert!(store.find("last~1", Some(&line("stage.yml"))).is_err());
    }

    #[test]
    fn each_line_keeps_its_newest() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(&dir.path().join("h")).unwrap();
        let rare = kept(&mut store, "rare", 10);
        store.keep(&rare, &line("stage.yml"), verdict(), &[]).unwrap();
        for number in 0..20 {
            kept(&mut store, &format!("r{number:02}"), 1000 + number);
        }
        let end = Timestamp::from_second(10_000).unwrap();
        assert_eq!(store.bound(&line("prod.yml"), 15, Timestamp::UNIX_EPOCH).unwrap(), 5);
        assert_eq!(store.bound(&line("prod.yml"), 15, end).unwrap(), 15 - ALWAYS);
        assert_eq!(store.prune(end, 2).unwrap(), ALWAYS - 2);
        let left: Vec<String> = store.list(10).unwrap().into_iter().map(|entry| entry.id).collect();
        assert_eq!(left, ["r19", "r18", "rare"]);
    }

    #[test]
    fn a_round_that_its_deadline_ended_serves_where_there_is_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(&dir.path().join("h")).unwrap();
        let whole = kept(&mut store, "aa", 1000);
        let mut stopped = |id: &str, second, how| {
            let started = Timestamp::from_second(second).unwrap();
            let round = Round { id: id.into(), started, stopped: Some(how), ..whole.clone() };
            store.keep(&round, &line("prod.yml"), verdict(), &[]).unwrap();
        };
        stopped("bb", 2000, Stopped::Deadline);
        stopped("cc", 3000, Stopped::Deadline);
        stopped("dd", 4000, Stopped::Interrupted);
        let end = Timestamp::from_second(10_000).unwrap();
        let before = |store: &Store| store.before(&line("prod.yml"), end).unwrap().unwrap().id;
        assert_eq!(before(&store), "aa");
        store.run("DELETE FROM round WHERE id = 'aa'", []).unwrap();
        assert_eq!(before(&store), "cc");
    }

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
