//! What to do about a start that failed, by its reason.

use crate::diagnose::finding::Finding;

/// Says it in a finding of a broker that could not start.
pub fn advise(found: &mut Finding, host: &str, reason: &str) {
    found.meaning = format!(
        "The start ended before {host} took part in the cluster: its replicas are as its last end left them, and their other holders go on without it."
    );
    found.next_steps = match without_identity(reason) {
        Some(dir) => vec![
            format!(
                "See whether the disk of {dir} is mounted: `mount; ls -la {dir}` on {host}. A log dir without meta.properties is not the one that it had. Mount the right disk, then start {host}."
            ),
            "Do not format the directory (kafka-storage.sh) while its former disk may be found: what only that disk has would be lost."
                .to_owned(),
        ],
        None if reason.contains("doesn't match stored clusterId") => vec![
            format!(
                "Compare zookeeper.connect in {host}'s server.properties, its chroot too, with the other brokers'. If it is right, ZooKeeper has lost its data, and with it all topics: restore its dataDir from a snapshot before any broker is started."
            ),
            "Do not delete meta.properties to make it start: in an empty ZooKeeper its replicas belong to no topic.".to_owned(),
        ],
        None => vec![
            format!("Mend what the reason names (settings, memory, disk), then start {host}."),
            "Do not delete anything in its log dirs to make it start.".to_owned(),
        ],
    };
}

/// The log dir that has no identity: KRaft formats its directories beforehand and starts on no other
/// (kafka.server.BrokerMetadataCheckpoint, org.apache.kafka.metadata.properties.MetaPropertiesEnsemble from 3.7).
fn without_identity(reason: &str) -> Option<&str> {
    if !reason.contains("meta.properties") {
        return None;
    }
    let named = reason.split_once("found in ").and_then(|(_, rest)| rest.split_whitespace().next());
    named.or_else(|| reason.contains("No readable").then_some("its log dirs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_without_identity_is_named() {
        for (reason, dir) in [
            // 4.1.0
            (
                "java.lang.RuntimeException: No `meta.properties` found in /services/kafka/b (have you run `kafka-storage.sh` to format the directory?)",
                Some("/services/kafka/b"),
            ),
            // 3.7 and later, where no directory has one.
            ("java.lang.RuntimeException: No readable meta.properties files found.", Some("its log dirs")),
            ("java.net.BindException: Address already in use", None),
            (
                "java.lang.RuntimeException: Invalid cluster.id in: /services/kafka/meta.properties. Expected x, but read y",
                None,
            ),
        ] {
            assert_eq!(without_identity(reason), dir, "{reason}");
        }
    }
}
