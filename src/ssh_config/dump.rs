//! What `ssh -G` prints: a keyword and its value a line, defaults included.

use super::keyword::{COUNT, Keyword};

/// The lines that count, by keyword.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dump(Vec<Vec<String>>);

impl Dump {
    /// Reads the output; lines of keywords that don't count are passed over.
    pub fn parse(text: &str) -> Dump {
        let mut values = vec![Vec::new(); COUNT];
        for line in text.lines() {
            let Some((name, value)) = line.split_once(' ') else { continue };
            let Some(keyword) = Keyword::named(name) else { continue };
            let Some(list) = values.get_mut(keyword as usize) else { continue };
            match keyword {
                // Printed with spaces between them, whatever the names hold.
                Keyword::UserKnownHostsFile | Keyword::GlobalKnownHostsFile => {
                    list.extend(value.split_whitespace().map(str::to_owned));
                }
                _ => list.push(value.trim_end().to_owned()),
            }
        }
        Dump(values)
    }

    /// The values of a keyword; empty if there is none.
    pub fn values(&self, keyword: Keyword) -> &[String] {
        self.0.get(keyword as usize).map_or(&[], Vec::as_slice)
    }

    /// The first value.
    pub(super) fn first(&self, keyword: Keyword) -> Option<&str> {
        self.values(keyword).first().map(String::as_str)
    }

    /// Only what differs from `defaults`: what somebody wrote down.
    pub fn beyond(&self, defaults: &Dump) -> Dump {
        let values = Keyword::all().map(|keyword| match self.values(keyword) == defaults.values(keyword) {
            true => Vec::new(),
            false => self.values(keyword).to_vec(),
        });
        Dump(values.collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DEFAULTS: &str = "host x\nuser me\nhostname x\nport 22\nciphers a,b\nidentityfile ~/.ssh/id_rsa\n\
        userknownhostsfile /h/known_hosts /h/known_hosts2\n";

    #[test]
    fn only_what_differs_from_the_defaults_is_a_wish() {
        let text = "host y\nuser me\nhostname 10.0.0.1\nport 22\nciphers a,b\nidentityfile /k 1\nidentityfile /k2\n\
            userknownhostsfile /h/known_hosts /h/known_hosts2\nproxycommand nc %h %p\nsendenv X\n";
        let wish = Dump::parse(text).beyond(&Dump::parse(DEFAULTS));
        assert_eq!(wish.values(Keyword::IdentityFile), ["/k 1", "/k2"]);
        assert_eq!(wish.values(Keyword::ProxyCommand), ["nc %h %p"]);
        assert_eq!(wish.values(Keyword::HostName), ["10.0.0.1"]);
        for same in [Keyword::User, Keyword::Port, Keyword::Ciphers, Keyword::UserKnownHostsFile] {
            assert!(wish.values(same).is_empty(), "{same:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(lines in proptest::collection::vec(
            (0..COUNT, "[!-~]{1,8}( [!-~]{1,8})?"), 0..12))
        {
            let keywords: Vec<Keyword> = Keyword::all().collect();
            let text: String = lines
                .iter()
                .map(|(at, value)| format!("{} {value}\n", keywords[*at].name().to_lowercase()))
                .collect();
            let dump = Dump::parse(&text);
            for keyword in Keyword::all() {
                let files = matches!(keyword, Keyword::UserKnownHostsFile | Keyword::GlobalKnownHostsFile);
                let expected: Vec<String> = lines
                    .iter()
                    .filter(|(at, _)| keywords[*at] == keyword)
                    .flat_map(|(_, value)| match files {
                        true => value.split(' ').map(str::to_owned).collect(),
                        false => vec![value.clone()],
                    })
                    .collect();
                prop_assert_eq!(dump.values(keyword), expected.as_slice());
            }
            prop_assert!(dump.beyond(&dump).0.iter().all(Vec::is_empty));
        }

        #[test]
        fn no_text_makes_it_panic(text in "(?s).{0,200}") {
            let dump = Dump::parse(&text);
            let _ = dump.beyond(&Dump::parse(DEFAULTS));
        }
    }
}
