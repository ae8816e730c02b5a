//! A secret: kept out of every message by its type.

use std::fmt;
use std::sync::Arc;

/// A password or passphrase. Neither its `Debug` nor any error shows it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(Arc<str>);

impl Secret {
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Secret(text.into())
    }

    /// The text itself, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn no_message_shows_it() {
        assert!(!format!("{:?}", Secret::new("hunter2")).contains("hunter"));
    }
}
