//! Findings: what is wrong, on what evidence, what to do next. Pure.

pub mod finding;
