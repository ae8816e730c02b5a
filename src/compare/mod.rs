//! The same thing seen by several brokers, side by side. Pure.
