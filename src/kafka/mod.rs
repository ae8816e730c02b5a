//! What Kafka's files and messages mean. Pure.

pub mod event;
