//! `meta.properties`, a log dir's identity.
//!
//! Written by kafka.server.BrokerMetadataCheckpoint (version 0: `broker.id`, from 2.4 `cluster.id`) and
//! org.apache.kafka.metadata.properties.MetaProperties (version 1, KRaft: `node.id`, `cluster.id`, from
//! 3.7 `directory.id`). A cluster migrated to KRaft may keep version 0.

/// What is known from the file; version 0 promises no field at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetaProperties {
    pub version: Option<u32>,
    /// `node.id`, else `broker.id`.
    pub broker_id: Option<i64>,
    pub cluster_id: Option<String>,
    /// Different in every log dir of a broker.
    pub directory_id: Option<String>,
}

/// Reads the file as Java properties; lines that say nothing of these keys are passed over.
pub fn parse(text: &str) -> MetaProperties {
    let mut read = MetaProperties::default();
    let mut broker_id = None;
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with(['#', '!']) {
            continue;
        }
        let Some((key, value)) = line.split_once(['=', ':']) else { continue };
        let value = value.trim();
        match key.trim() {
            "version" => read.version = value.parse().ok(),
            "node.id" => read.broker_id = value.parse().ok(),
            "broker.id" => broker_id = value.parse().ok(),
            // Properties escape `=` and `:` in values; an id of base64url has neither.
            "cluster.id" if !value.is_empty() => read.cluster_id = Some(value.replace('\\', "")),
            "directory.id" if !value.is_empty() => read.directory_id = Some(value.replace('\\', "")),
            _ => {}
        }
    }
    read.broker_id = read.broker_id.or(broker_id);
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_shapes() {
        let old = parse("#\n#Mon Apr 03 08:00:12 CEST 2017\nversion=0\nbroker.id=180881591\n");
        assert_eq!((old.version, old.broker_id, old.cluster_id), (Some(0), Some(180881591), None));
        let zk = parse("version=0\nbroker.id=2\ncluster.id=MkU3OEVBNTcwNTJENDM2Qk\n");
        assert_eq!((zk.broker_id, zk.cluster_id.as_deref()), (Some(2), Some("MkU3OEVBNTcwNTJENDM2Qk")));
        let kraft = parse("node.id=1\ndirectory.id=9C90VfJN_Xqkth-JtRYN5g\nversion=1\ncluster.id=abc\n");
        assert_eq!((kraft.version, kraft.broker_id), (Some(1), Some(1)));
        assert_eq!(kraft.directory_id.as_deref(), Some("9C90VfJN_Xqkth-JtRYN5g"));
    }

    #[test]
    fn what_is_not_there_is_not_known() {
        assert_eq!(parse(""), MetaProperties::default());
        assert_eq!(parse("broker.id=\ncluster.id=\n#node.id=4\n"), MetaProperties::default());
    }
}
