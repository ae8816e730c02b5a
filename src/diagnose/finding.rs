//! What a finding is.

use jiff::Timestamp;
use serde::Serialize;

pub use crate::diagnose::code::Code;

/// A verdict on one subject.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// Stable over rounds: a hash of cluster, code and subject.
    pub id: String,
    pub code: Code,
    pub severity: Severity,
    /// One line, complete in itself.
    pub title: String,
    pub subject: Subject,
    pub basis: Basis,
    pub first_seen: Option<Timestamp>,
    pub last_seen: Option<Timestamp>,
    pub items: Vec<Item>,
    /// For `replica-truncated` and `data-lost`: offsets, summed over the items.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost_total: Option<u64>,
    pub evidence: Vec<EvidenceLine>,
    /// What it means, for somebody who does not know Kafka's inside.
    pub meaning: String,
    pub next_steps: Vec<String>,
    pub bug: Option<Bug>,
    /// How it stands to an earlier round; `None` where it was laid beside none.
    pub change: Option<Change>,
    /// Somebody knows of it and has said so: it does not set the exit status.
    pub acknowledged: Option<Acknowledged>,
}

/// How a finding stands to an earlier round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    New,
    Worse,
    Better,
    Same,
    /// It was there and is not any more.
    Gone,
    /// It is not there now, and what it rests on was not seen either.
    Unseen,
}

impl Change {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Change::New => "new",
            Change::Worse => "worse",
            Change::Better => "better",
            Change::Same => "same",
            Change::Gone => "gone",
            Change::Unseen => "unseen",
        }
    }
}

/// Who may be asked about a finding, and until when nobody else need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Acknowledged {
    pub reason: String,
    /// `None`: until it grows worse.
    pub until: Option<Timestamp>,
    /// Who said so, as the machine knew them.
    pub by: Option<String>,
    /// Where it stands: the history, or a file beside the playbook.
    pub source: String,
}

/// Worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Critical,
    Unknown,
    Warning,
    Notice,
}

impl Severity {
    /// Worst first.
    pub const ALL: [Severity; 4] =
        [Severity::Critical, Severity::Unknown, Severity::Warning, Severity::Notice];

    /// In small letters, as JSON and YAML have it.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Critical => "critical",
            Severity::Unknown => "unknown",
            Severity::Warning => "warning",
            Severity::Notice => "notice",
        }
    }

    /// The severity of a word, in whatever case.
    pub fn named(word: &str) -> Option<Self> {
        Severity::ALL.into_iter().find(|severity| severity.word().eq_ignore_ascii_case(word))
    }
}

/// What a finding is about; what does not apply is null.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Subject {
    pub cluster: Option<String>,
    pub topic: Option<String>,
    pub partition: Option<u32>,
    /// The inventory's name of the host.
    pub broker: Option<String>,
    /// Two hosts.
    pub pair: Option<[String; 2]>,
}

/// Seen, or concluded from what was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    Observed,
    Inferred,
}

/// One instance inside a finding.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Item {
    Truncation(Truncation),
    Replicas(ReplicaItem),
    Shape(ShapeItem),
    Host(HostItem),
}

impl Item {
    /// A host, a path of it, and what is the matter.
    pub(super) fn host(host: &str, path: Option<String>, reason: impl Into<String>) -> Self {
        Self::Host(HostItem { host: host.to_owned(), probe: None, path, reason: reason.into() })
    }
}

/// A follower that cut its log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Truncation {
    pub partition: u32,
    /// The host that cut.
    pub follower: String,
    /// The leader's host, when its id belongs to one that we know.
    pub leader: Option<String>,
    pub leader_id: Option<i64>,
    /// Offsets.
    pub from: u64,
    pub to: u64,
    pub lost: u64,
    pub at: Option<Timestamp>,
    pub at_raw: String,
    pub host: String,
    pub file: String,
    pub line: u64,
}

/// A partition whose replicas are not alike.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReplicaItem {
    pub partition: u32,
    /// Hosts that hold it with the bytes of its `.log` files, larger first.
    pub holders: Vec<Holder>,
    /// Hosts that should and do not, or that hold the odd one.
    pub odd: Vec<String>,
    /// Larger over smaller.
    pub ratio: Option<f64>,
    /// What makes us say so, in a few words.
    pub why: Option<String>,
}

/// One replica's numbers beside its peers'.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holder {
    pub host: String,
    pub log_bytes: u64,
    pub allocated_bytes: u64,
    pub high_watermark: Option<u64>,
}

/// Log lines of one shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShapeItem {
    pub shape: String,
    pub count: u64,
    pub hosts: Vec<String>,
}

/// A host, and what is the matter with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostItem {
    pub host: String,
    pub probe: Option<String>,
    pub path: Option<String>,
    pub reason: String,
}

/// A line or a size that a finding rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EvidenceLine {
    pub host: String,
    pub source: Source,
    pub file: Option<String>,
    pub line: Option<u64>,
    pub text: String,
    pub text_lossy: bool,
    pub truncated: bool,
}

/// What kind of thing the evidence was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    File,
    Journal,
    Transcript,
    /// What we saw ourselves: a refused connection, a deadline.
    Session,
}

/// A known bug of Kafka, named only where signature and version fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bug {
    pub id: String,
    pub fixed_in: String,
    pub url: String,
}
