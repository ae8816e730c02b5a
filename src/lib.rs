//! roundsman makes the rounds of Kafka brokers over SSH.
//!
//! Data goes one way. A [`plan`] is resolved once from inventory, playbook and options; the
//! [`fleet`] visits every host of it, each over one [`ssh`] connection and one remote [`shell`] in
//! which the [`probe`]s run; what they bring back is a [`round`]. From there on all is pure:
//! [`compare`] lays replicas side by side, [`diagnose`] says what is wrong, [`report`] renders it.

pub mod ansible;
pub mod cli;
pub mod commands;
pub mod compare;
pub mod demo;
pub mod diagnose;
pub mod error;
pub mod fleet;
mod hash;
pub mod history;
pub mod intake;
pub mod inventory;
pub mod kafka;
pub mod plan;
pub mod playbook;
pub mod probe;
pub mod progress;
pub mod prompt;
pub mod report;
pub mod round;
pub mod sanitize;
pub mod shell;
pub mod ssh;
pub mod ssh_config;
pub mod vault;
mod words;
pub mod yaml;
