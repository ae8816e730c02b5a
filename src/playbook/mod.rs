//! Plays: what to look at on which hosts, and what to expect.
