//! The one remote shell of a visit: bootstrap, frames, heartbeat, how it ends.

pub mod answer;
pub mod frames;
pub mod script;
