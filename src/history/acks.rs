//! The acknowledgements that the history holds.

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::ack::{Ack, Measure};
use super::{HistoryError, Store};
use crate::diagnose::finding::Severity;

/// Where they stand, for the reader.
const SOURCE: &str = "the history";

impl Store {
    /// Keeps an acknowledgement; an earlier one of the same finding is replaced.
    ///
    /// # Errors
    /// A full disk, a damaged or locked file.
    pub fn acknowledge(&mut self, ack: &Ack, now: Timestamp) -> Result<(), HistoryError> {
        let number = |number: Option<u64>| number.map(|number| i64::try_from(number).unwrap_or(i64::MAX));
        let known: Option<Vec<&str>> =
            ack.measure.known.as_ref().map(|known| known.iter().map(String::as_str).collect());
        let known = known.map(|known| known.join(" "));
        self.run(
            "INSERT OR REPLACE INTO ack (finding, reason, until, severity, lost, items, made_by, made, title, \
             last_seen, known) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                ack.finding,
                ack.reason,
                ack.until.map(Timestamp::as_millisecond),
                ack.measure.severity.map(Severity::word),
                number(ack.measure.lost),
                number(ack.measure.items),
                ack.by,
                ack.made.unwrap_or(now).as_millisecond(),
                ack.title,
                ack.measure.last_seen.map(Timestamp::as_millisecond),
                known,
            ],
        )
        .map(|_| ())
    }

    /// Drops one; `false` if there is none of that finding.
    ///
    /// # Errors
    /// As [`Store::acknowledge`].
    pub fn drop_ack(&mut self, finding: &str) -> Result<bool, HistoryError> {
        Ok(self.run("DELETE FROM ack WHERE finding = ?", params![finding])? > 0)
    }

    /// All, the oldest first, those included whose date has passed.
    ///
    /// # Errors
    /// A damaged file.
    pub fn acks(&self) -> Result<Vec<Ack>, HistoryError> {
        let (kept, known) = match self.form {
            ..2 => return Ok(Vec::new()),
            2 => ("NULL", "NULL"),
            _ => ("last_seen", "known"),
        };
        let sql = format!(
            "SELECT finding, reason, until, severity, lost, items, made_by, made, title, {kept}, {known} FROM ack \
             ORDER BY made, finding"
        );
        self.rows(&sql, [], ack)
    }
}

fn ack(row: &Row<'_>) -> rusqlite::Result<Ack> {
    let moment = |millis: i64| Timestamp::from_millisecond(millis).ok();
    let number = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
    let severity: Option<String> = row.get(3)?;
    let known: Option<String> = row.get(10)?;
    Ok(Ack {
        finding: row.get(0)?,
        reason: row.get(1)?,
        until: row.get::<_, Option<i64>>(2)?.and_then(moment),
        measure: Measure {
            severity: severity.as_deref().and_then(Severity::named),
            lost: number(row.get(4)?),
            items: number(row.get(5)?),
            last_seen: row.get::<_, Option<i64>>(9)?.and_then(moment),
            known: known.map(|known| known.split_whitespace().map(str::to_owned).collect()),
        },
        by: row.get(6)?,
        made: moment(row.get(7)?),
        title: row.get(8)?,
        source: SOURCE.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgements_are_kept_replaced_and_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(&dir.path().join("h")).unwrap();
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let ack = Ack {
            finding: "00ff".into(),
            reason: "known".into(),
            until: Some(now),
            measure: Measure {
                severity: Some(Severity::Critical),
                lost: Some(7),
                items: None,
                last_seen: Some(now),
                known: Some(["00000001".to_owned(), "0000000a".to_owned()].into()),
            },
            by: Some("ops".into()),
            made: Some(now),
            title: None,
            source: SOURCE.into(),
        };
        store.acknowledge(&ack, now).unwrap();
        let longer = Ack { until: None, ..ack.clone() };
        store.acknowledge(&longer, now).unwrap();
        assert_eq!(store.acks().unwrap(), [longer]);
        assert!(store.drop_ack("00ff").unwrap());
        assert!(!store.drop_ack("00ff").unwrap());
        assert_eq!(store.acks().unwrap(), []);
    }
}
