//! How far a log has been read, so that the next round reads only what is new.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The place up to which a source has been read. It is kept with the round that read it: a round that is not
/// kept moves no cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// When it was read, by the clock of the machine that roundsman ran on.
    pub read: Timestamp,
    /// Lines before the place; records of this line and before it are final.
    pub line: u64,
    pub place: Place,
}

/// A place in a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    File(FilePlace),
    /// The journal's own cursor, opaque.
    Journal(String),
}

/// A place in a file. What the file holds decides whether it is the same one; the inode only says where to look
/// first. (A device's number is nothing that POSIX tools tell.)
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePlace {
    pub inode: u64,
    /// Bytes: where the last record begins, which may still grow; of a `.gz` file its size.
    pub offset: u64,
    /// Bytes that there were.
    pub end: u64,
    /// `cksum` (POSIX) of the file's first 256 bytes.
    pub head: u32,
    /// `cksum` of the 256 bytes before the offset, or of all where they are fewer.
    pub tail: u32,
    /// The bytes are those of a `.gz` file.
    pub zipped: bool,
    /// Of a file that nobody had written to for an hour, in place of the checksums: when it was written, as `ls`
    /// tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<String>,
}
