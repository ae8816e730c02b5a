//! A round, its comparison and its findings, rendered. Pure.
