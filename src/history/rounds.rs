//! Kept rounds: what `history list` shows as columns, the round itself packed.

use std::io::{self, Read as _};

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::trend::{self, Size};
use super::{HistoryError, Store};
use crate::diagnose::Verdict;
use crate::diagnose::finding::Finding;
use crate::round::{Round, SCHEMA, Stopped};

/// Rounds of a line that no bound of age drops.
const ALWAYS: usize = 10;

/// What packing costs: a round of 10,000 replicas takes 270 KB and 30 ms; with 3 it would be 380 KB and 6 ms, and
/// what comes after 9 takes much longer for little.
const LEVEL: i32 = 9;

/// Bytes of an unpacked round; beyond is a mistake or an attack.
const LARGEST: u64 = 1 << 30;

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

impl Store {
    /// The columns of an entry, as this form of the tables has them.
    fn columns(&self) -> String {
        let given = if self.form < 2 { "''" } else { "given" };
        format!("{COLUMNS}, {given}")
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
        let reached = round.visits.iter().filter(|visit| visit.outcome.reached()).count();
        self.run(
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
                number(findings.len()),
                number(round.visits.len()),
                number(reached),
                packed,
                line.given,
                stopped(round.stopped),
            ],
        )?;
        Ok(())
    }

    /// The newest rounds first, at most `most` of them.
    ///
    /// # Errors
    /// A damaged file.
    pub fn list(&self, most: usize) -> Result<Vec<Entry>, HistoryError> {
        let columns = self.columns();
        let sql = format!("SELECT {columns} FROM round ORDER BY started DESC, id DESC LIMIT ?");
        self.rows(&sql, [number(most)], entry)
    }

    /// The newest rounds of a line first, at most `most` of them.
    ///
    /// # Errors
    /// A damaged file.
    pub fn list_line(&self, line: &Line, most: usize) -> Result<Vec<Entry>, HistoryError> {
        let (columns, of_line) = (self.columns(), self.of_line());
        let sql =
            format!("SELECT {columns} FROM round WHERE {of_line} ORDER BY started DESC, id DESC LIMIT ?5");
        self.rows(&sql, params![line.asked, line.inventory, line.limit, line.given, number(most)], entry)
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
        let columns = self.columns();
        let sql =
            format!("SELECT {columns} FROM round WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT 5");
        let found = self.rows(&sql, [name], entry)?;
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
        let (columns, of_line) = (self.columns(), self.of_line());
        let sql = format!(
            "SELECT {columns} FROM round WHERE {of_line} AND started < ?5 AND {ended} <> 1 \
             ORDER BY {ended}, started DESC, id DESC LIMIT 1"
        );
        let values = params![line.asked, line.inventory, line.limit, line.given, before.as_millisecond()];
        Ok(self.rows(&sql, values, entry)?.pop())
    }

    /// A kept round with all its evidence.
    ///
    /// # Errors
    /// No such round, a damaged one, or one of a form that this roundsman does not read.
    pub fn load(&self, id: &str) -> Result<Round, HistoryError> {
        unpack(&self.packed(id)?).map_err(|message| self.wrong(id, message))
    }

    fn packed(&self, id: &str) -> Result<Vec<u8>, HistoryError> {
        let data = self.rows("SELECT data FROM round WHERE id = ?", [id], |row| row.get(0))?.pop();
        data.ok_or_else(|| HistoryError::NoRound { path: self.path.clone(), id: id.to_owned() })
    }

    fn wrong(&self, id: &str, message: String) -> HistoryError {
        HistoryError::Unpack { path: self.path.clone(), id: id.to_owned(), message }
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
            params![before.as_millisecond(), number(keep)],
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
        trend::sizes(&data, LARGEST, topic, partition).map_err(|message| self.wrong(id, message))
    }
}

fn number(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// How a round ended, as the history has it: 0 came to its end, 1 somebody stopped it, 2 its own deadline.
fn stopped(stopped: Option<Stopped>) -> i64 {
    match stopped {
        None => 0,
        Some(Stopped::Interrupted | Stopped::Terminated) => 1,
        Some(Stopped::Deadline) => 2,
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
    use std::fs;

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
}
