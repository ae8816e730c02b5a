//! What is told of a connection attempt while it runs, for `-v`.

use std::sync::Arc;

/// One line about one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    pub detail: Detail,
    /// The inventory's name, or `jump host NAME`.
    pub host: String,
    /// One line; may hold remote text, so it is to be sanitised before it is shown.
    pub text: String,
}

/// How closely one must look to want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Every attempt and how it ended.
    Attempt = 1,
    /// Every step of it.
    Step,
    /// Algorithms, keys, the server's version.
    Protocol,
}

/// Who hears of it.
pub type Listener = Arc<dyn Fn(Trace) + Send + Sync>;
