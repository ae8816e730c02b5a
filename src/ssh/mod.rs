//! One host over SSH: dial, authenticate, trust, open the one channel.
