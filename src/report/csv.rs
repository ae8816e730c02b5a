//! The replica table for a spreadsheet: RFC 4180, one row per replica. Not seen is an empty field.

use std::fmt::Write as _;

use super::Report;
use crate::sanitize;

const HEADER: &str = "cluster,topic,partition,broker,broker_id,kind,log_bytes,allocated_bytes,segments,\
    log_start,high_watermark,recovery_point,first_dirty,last_base,newest_mtime\r\n";

/// The table, in the order of the comparison.
pub fn csv(report: &Report) -> String {
    let mut table = HEADER.to_owned();
    for cluster in &report.comparison.clusters {
        let name = field(&cluster.name);
        for topic in &cluster.topics {
            let topic_name = field(&topic.name);
            for partition in &topic.partitions {
                for replica in &partition.replicas {
                    let broker = cluster.brokers.get(replica.broker);
                    let host = broker.map(|broker| field(&broker.host)).unwrap_or_default();
                    let id = number(broker.and_then(|broker| broker.id));
                    let time = replica
                        .newest_mtime
                        .and_then(|at| jiff::Timestamp::from_second(at).ok())
                        .map(|at| at.to_string());
                    // Writing to a String cannot fail.
                    let _ = write!(
                        table,
                        "{name},{topic_name},{},{host},{id},{},{},{},{},{},{},{},{},{},{}\r\n",
                        partition.partition,
                        replica.kind.word(),
                        number(replica.known_log_bytes()),
                        number(replica.known_allocated_bytes()),
                        number(replica.known_segments()),
                        number(replica.log_start),
                        number(replica.high_watermark),
                        number(replica.recovery_point),
                        number(replica.first_dirty),
                        number(replica.last_base),
                        time.unwrap_or_default(),
                    );
                }
            }
        }
    }
    table
}

fn number<N: ToString>(number: Option<N>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

/// A field that is text: quoted where the format wants it, and never a formula to a spreadsheet. A semicolon
/// ends a field where the comma is the decimal sign, so that a formula behind one would begin a field too.
fn field(text: &str) -> String {
    let text = sanitize::line(text);
    let text = text.replace(';', "\\x3b");
    let formula = text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    if formula || text.contains(['"', ',']) {
        format!("\"{}{}\"", if formula { "'" } else { "" }, text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{hostile, incident};

    #[test]
    fn a_row_for_each_replica() {
        let case = incident();
        let table = csv(&case.report());
        assert_eq!(table.lines().count(), 1 + 72);
        let columns = table.lines().next().map(|header| header.split(',').count());
        assert!(table.lines().all(|row| Some(row.split(',').count()) == columns));
        assert!(table.contains("completeProduct,1,10.200.8.183,180881591,current,"), "{table}");
    }

    #[test]
    fn a_field_is_neither_torn_nor_a_formula() {
        assert_eq!(field("a,b \"c\""), "\"a,b \"\"c\"\"\"");
        assert_eq!(field("=cmd|' /C calc'!A0"), "\"'=cmd|' /C calc'!A0\"");
        assert_eq!(field("two\nlines"), "two\\nlines");
        assert_eq!(field("plain-1"), "plain-1");
        assert_eq!(field("a;=1+1"), "a\\x3b=1+1");
        assert_eq!(field(" =1+1"), "\"' =1+1\"");
        assert_eq!(field("\t=1+1"), "\\t=1+1");
    }

    /// RFC 4180, read back.
    fn rows(table: &str) -> Vec<Vec<String>> {
        let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
        let mut letters = table.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '"' if quoted && letters.peek() == Some(&'"') => field.extend(letters.next()),
                '"' => quoted = !quoted,
                ',' if !quoted => row.push(std::mem::take(&mut field)),
                '\r' if !quoted => {}
                '\n' if !quoted => {
                    row.push(std::mem::take(&mut field));
                    rows.push(std::mem::take(&mut row));
                }
                letter => field.push(letter),
            }
        }
        rows
    }

    #[test]
    fn hostile_names_keep_to_their_fields() {
        let mut case = hostile();
        case.comparison.clusters[0].name = "=HYPERLINK(\"http://x\",\"y\")\r\n@a;+b".into();
        let table = csv(&case.report());
        let rows = rows(&table);
        assert_eq!(rows.len(), 1 + 72);
        for row in &rows {
            assert_eq!(row.len(), rows[0].len());
            for field in row {
                assert!(
                    !field.starts_with(['=', '+', '@', '\t', '\r']) && !field.contains(['\n', '\x1b']),
                    "{field}"
                );
            }
        }
    }
}
