//! Plays: what to look at on which hosts, and what to expect.

pub mod ere;
pub mod template;
pub mod units;
