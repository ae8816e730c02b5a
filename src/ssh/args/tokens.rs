//! Tokens in file names and commands: `%h`, `%r`, `~` and their kin.

use sha1::{Digest, Sha1};

/// What tokens stand for, on the way to one host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// The local user's home, for `~` and `%d`.
    pub home: String,
    /// The local user, for `%u`.
    pub local_user: String,
    /// The local user's number, for `%i`.
    pub uid: u32,
    /// This machine's name, for `%l`, and up to the first dot for `%L`.
    pub local_host: String,
    /// The name as ssh was given it, for `%n`.
    pub name: String,
    /// The name or address to connect to, for `%h`.
    pub host: String,
    /// The remote port, for `%p`.
    pub port: u16,
    /// The remote user, for `%r`.
    pub user: String,
    /// `HostKeyAlias`, for `%k`; the name where there is none.
    pub alias: Option<String>,
    /// `ProxyJump` as written, for `%j`.
    pub jump: String,
}

impl Tokens {
    /// `text` with a leading `~/`, ssh's tokens and `${NAME}` replaced; what is unknown stays as it is.
    pub fn expand_file(&self, text: &str) -> String {
        let text = match text.strip_prefix("~/") {
            // A percent sign of the home itself is no token.
            Some(below) => format!("{}/{below}", self.home.replace('%', "%%")),
            None => text.to_owned(),
        };
        variables(&self.expand(&text), |name| std::env::var(name).ok())
    }

    /// `text` with ssh's tokens replaced.
    pub fn expand(&self, text: &str) -> String {
        let mut expanded = String::with_capacity(text.len());
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                expanded.push(c);
                continue;
            }
            match chars.next() {
                Some('%') => expanded.push('%'),
                Some('C') => expanded.push_str(&self.hash()),
                Some('d') => expanded.push_str(&self.home),
                Some('h') => expanded.push_str(&self.host),
                Some('i') => expanded.push_str(&self.uid.to_string()),
                Some('j') => expanded.push_str(&self.jump),
                Some('k') => expanded.push_str(self.alias.as_deref().unwrap_or(&self.name)),
                Some('L') => expanded.push_str(self.local_host.split('.').next().unwrap_or("")),
                Some('l') => expanded.push_str(&self.local_host),
                Some('n') => expanded.push_str(&self.name),
                Some('p') => expanded.push_str(&self.port.to_string()),
                Some('r') => expanded.push_str(&self.user),
                Some('u') => expanded.push_str(&self.local_user),
                Some(other) => expanded.extend(['%', other]),
                None => expanded.push('%'),
            }
        }
        expanded
    }

    fn hash(&self) -> String {
        let text = format!("{}{}{}{}{}", self.local_host, self.host, self.port, self.user, self.jump);
        Sha1::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// `text` with each `${NAME}` that `lookup` knows replaced.
fn variables(text: &str, lookup: impl Fn(&str) -> Option<String>) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        expanded.push_str(before);
        match after.split_once('}').and_then(|(name, after)| Some((lookup(name)?, after))) {
            Some((value, after)) => {
                expanded.push_str(&value);
                rest = after;
            }
            None => {
                expanded.push_str("${");
                rest = after;
            }
        }
    }
    expanded + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_expand_where_ssh_expands_them() {
        let tokens = Tokens {
            home: "/home/me".into(),
            local_user: "me".into(),
            uid: 7,
            local_host: "desk.example.com".into(),
            name: "n1".into(),
            host: "node1".into(),
            port: 2222,
            user: "ops".into(),
            alias: None,
            jump: String::new(),
        };
        assert_eq!(tokens.expand_file("~/.ssh/%r@%h:%p"), "/home/me/.ssh/ops@node1:2222");
        assert_eq!(
            tokens.expand("%d/%u/%%/%x/%i/%L/%l/%n/%k/%"),
            "/home/me/me/%/%x/7/desk/desk.example.com/n1/n1/%"
        );
        assert_eq!(tokens.expand_file("/a/~/b"), "/a/~/b");
        // `printf %s desk.example.comnode12222ops | sha1sum`
        assert_eq!(tokens.expand("%C"), "2cdee5e627c536358adbbfb6c1366763c540f46e");
        let aliased = Tokens { alias: Some("x".into()), ..tokens };
        assert_eq!(aliased.expand("%k"), "x");
    }

    #[test]
    fn variables_expand_where_they_are_set() {
        let lookup = |name: &str| (name == "A").then(|| "1".to_owned());
        assert_eq!(variables("${A}-${B}-${A", lookup), "1-${B}-${A");
        assert_eq!(variables("$A {A}", lookup), "$A {A}");
    }
}
