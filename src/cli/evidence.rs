//! Evidence that somebody brought.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What somebody brought.
#[derive(Debug, Clone, Default, Args)]
pub struct Evidence {
    /// What `du` printed on the brokers.
    ///
    /// Run by ansible, clush or pdsh; HOST=FILE where it names no host; - is standard input. May be given again.
    #[arg(long, value_name = "FILE", help_heading = "Evidence from elsewhere")]
    pub du_transcript: Vec<String>,
    /// A broker's log, or a directory of them.
    ///
    /// Or what grep left of one; the broker by name, address or id.
    #[arg(long, value_name = "HOST=FILE", help_heading = "Evidence from elsewhere")]
    pub log: Vec<String>,
    /// The output of `kafka-log-dirs.sh --describe`.
    #[arg(long, value_name = "FILE", help_heading = "Evidence from elsewhere")]
    pub kafka_log_dirs: Vec<PathBuf>,
    /// The output of `kafka-topics.sh --describe`.
    #[arg(long, value_name = "FILE", help_heading = "Evidence from elsewhere")]
    pub kafka_topics: Vec<PathBuf>,
    /// The zone of the lines of --log where no node was asked for it: Z, +02:00.
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true, help_heading = "Evidence from elsewhere")]
    pub log_zone: Option<String>,
    /// What sizes without a unit count in --du-transcript [default: k].
    ///
    /// k: KiB, of `du` and `du -k`; m: MiB, of `du -m`; b: bytes, of `du -b`; blocks: 512 bytes, of a POSIX `du`.
    #[arg(long, value_name = "UNIT", hide_possible_values = true, help_heading = "Evidence from elsewhere")]
    pub du_unit: Option<DuUnit>,
}

/// What plain numbers of `du` count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DuUnit {
    /// KiB: `du`, `du -k`.
    K,
    /// MiB: `du -m`.
    M,
    /// Bytes: `du -b`.
    B,
    /// 512 bytes: POSIX and BSD `du`.
    Blocks,
}
