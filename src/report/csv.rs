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

/// A field that is text: quoted where the format wants it, and never a formula to a spreadsheet.
fn field(text: &str) -> String {
    let text = sanitize::line(text);
    let formula = text.starts_with(['=', '+', '-', '@']);
    if formula || text.contains(['"', ',']) {
        format!("\"{}{}\"", if formula { "'" } else { "" }, text.replace('"', "\"\""))
    } else {
        text.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::incident;

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
    }
}
