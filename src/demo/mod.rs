//! An embedded fleet of SSH servers that hold a recorded incident.

mod exec;
mod files;
mod fleet;
mod server;
mod wire;

pub use fleet::{DemoError, Fault, Fleet, FleetBuilder, Node};

#[cfg(test)]
mod tests;
