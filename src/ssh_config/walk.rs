//! One host's way through the stanzas: which apply, and what they say.

use super::document::{Condition, Criterion, Directive, Document, Kind, Place, Test};
use super::keyword::{COUNT, Keyword};
use super::text::{is_like, list_takes};

/// Whom a configuration is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Who<'a> {
    /// As ssh would be given it.
    pub host: &'a str,
    /// The login name, where it is settled already.
    pub user: Option<&'a str>,
    /// The address, where it is settled already.
    pub hostname: Option<&'a str>,
    /// Who runs this.
    pub local_user: &'a str,
}

/// How far a walk can be trusted without ssh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// Every stanza either applies or does not.
    None,
    /// Some stanza may apply; if so, then to every host with the same stanzas.
    Shared,
    /// What applies can differ between hosts with the same stanzas.
    Own,
}

/// A command of `Match exec` that ssh runs to know whether a stanza applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub text: String,
    pub place: Place,
}

/// What a configuration says about one host.
#[derive(Debug)]
pub struct Walk<'d> {
    pub doubt: Doubt,
    /// The sections that apply or may, and say something that counts; with [`Doubt::None`] without those
    /// that say only what is followed here. `true` beside one that the second reading alone takes in: a `HostName` there
    /// comes too late.
    pub signature: Vec<(usize, bool)>,
    /// Whether anything that applies or may has a say.
    pub is_relevant: bool,
    /// Commands that ssh runs for this host.
    pub commands: Vec<Command>,
    /// What only ssh can judge, in the reader's words.
    pub unknown: Vec<(String, Place)>,
    /// The name or address to connect to.
    pub hostname: String,
    first: [Option<&'d Directive>; COUNT],
    lists: Vec<&'d Directive>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Applies {
    Yes,
    No,
    Maybe,
}

impl Applies {
    fn and(self, other: Applies) -> Applies {
        match (self, other) {
            (Applies::No, _) | (_, Applies::No) => Applies::No,
            (Applies::Yes, Applies::Yes) => Applies::Yes,
            _ => Applies::Maybe,
        }
    }
}

impl From<bool> for Applies {
    fn from(yes: bool) -> Self {
        if yes { Applies::Yes } else { Applies::No }
    }
}

impl<'d> Walk<'d> {
    /// The values of a keyword and where they stand; empty if nothing was said.
    pub fn values(&self, keyword: Keyword) -> (Vec<String>, Option<Place>) {
        if !keyword.accumulates() {
            let first = self.first.get(keyword as usize).copied().flatten();
            return match first {
                Some(directive) => (directive.values.clone(), Some(directive.place.clone())),
                None => (Vec::new(), None),
            };
        }
        let mut values: Vec<String> = Vec::new();
        let mut place = None;
        for directive in self.lists.iter().filter(|directive| directive.keyword == keyword) {
            for value in &directive.values {
                if !values.contains(value) {
                    values.push(value.clone());
                }
            }
            place.get_or_insert_with(|| directive.place.clone());
        }
        (values, place)
    }
}

/// A walk under way.
struct Walker<'a, 'd> {
    document: &'d Document,
    who: &'a Who<'a>,
    /// The name that `Host` compares; the resolved one in the second reading.
    host: String,
    second: bool,
    known: Vec<Option<Applies>>,
    /// What a stanza that may apply would set.
    unsure: [bool; COUNT],
    seen: Vec<(usize, bool)>,
    walk: Walk<'d>,
}

impl Document {
    /// Goes through the stanzas for one host.
    pub fn walk<'d>(&'d self, who: &Who<'_>) -> Walk<'d> {
        let mut walker = Walker {
            document: self,
            who,
            host: who.host.to_owned(),
            second: false,
            known: Vec::new(),
            unsure: [false; COUNT],
            seen: Vec::new(),
            walk: Walk {
                doubt: Doubt::None,
                signature: Vec::new(),
                is_relevant: false,
                commands: Vec::new(),
                unknown: Vec::new(),
                hostname: String::new(),
                first: [None; COUNT],
                lists: Vec::new(),
            },
        };
        walker.read();
        walker.walk.hostname = walker.hostname().to_lowercase();
        if self.asks_twice {
            if walker.unsure(Keyword::HostName) {
                walker.doubt(Doubt::Own);
            }
            walker.host = walker.walk.hostname.clone();
            walker.second = true;
            walker.read();
        }
        walker.finish()
    }
}

impl<'d> Walker<'_, 'd> {
    fn read(&mut self) {
        self.known = vec![None; self.document.conditions.len()];
        let mut sections = self.document.roaming.clone();
        if let Some(own) = self.document.by_name.get(&self.host) {
            sections.extend(own);
            sections.sort_unstable();
        }
        for at in sections {
            let Some(section) = self.document.sections.get(at) else { continue };
            match self.applies(section.condition) {
                Applies::No => {}
                Applies::Yes => {
                    self.see(at, &section.directives);
                    section.directives.iter().for_each(|directive| self.take(directive));
                }
                Applies::Maybe => {
                    self.see(at, &section.directives);
                    for directive in &section.directives {
                        if let Some(unsure) = self.unsure.get_mut(directive.keyword as usize) {
                            *unsure = true;
                        }
                    }
                }
            }
        }
    }

    fn see(&mut self, at: usize, directives: &[Directive]) {
        if !directives.is_empty() {
            self.walk.is_relevant = true;
            if !self.seen.iter().any(|(seen, _)| *seen == at) {
                self.seen.push((at, self.second));
            }
        }
    }

    fn take(&mut self, directive: &'d Directive) {
        if directive.values.is_empty() {
            return;
        }
        if directive.keyword.accumulates() {
            self.walk.lists.push(directive);
            return;
        }
        // The jump and the command exclude each other: whichever comes first.
        let is_set = |keyword: Keyword| self.walk.first.get(keyword as usize).is_some_and(Option::is_some);
        if matches!(directive.keyword, Keyword::ProxyJump | Keyword::ProxyCommand)
            && (is_set(Keyword::ProxyJump) || is_set(Keyword::ProxyCommand))
        {
            return;
        }
        // The second reading begins with the name that the first one found.
        if directive.keyword == Keyword::HostName && (self.second || self.who.hostname.is_some()) {
            return;
        }
        if let Some(first) = self.walk.first.get_mut(directive.keyword as usize) {
            first.get_or_insert(directive);
        }
    }

    fn unsure(&self, keyword: Keyword) -> bool {
        self.unsure.get(keyword as usize).copied().unwrap_or(false)
    }

    fn doubt(&mut self, doubt: Doubt) {
        self.walk.doubt = self.walk.doubt.max(doubt);
    }

    fn hostname(&self) -> String {
        if self.second {
            return self.host.clone();
        }
        if let Some(hostname) = self.who.hostname {
            return expand_host(hostname, self.who.host);
        }
        match self.walk.values(Keyword::HostName).0.first() {
            Some(name) => expand_host(name, self.who.host),
            None => self.who.host.to_owned(),
        }
    }

    fn user(&self) -> String {
        match self.who.user {
            Some(user) => user.to_owned(),
            None => {
                let (values, _) = self.walk.values(Keyword::User);
                values.into_iter().next().unwrap_or_else(|| self.who.local_user.to_owned())
            }
        }
    }

    fn applies(&mut self, at: usize) -> Applies {
        if let Some(Some(known)) = self.known.get(at) {
            return *known;
        }
        let document = self.document;
        let Some(condition) = document.conditions.get(at) else { return Applies::No };
        // Conditions are numbered as they stand, a parent before what it holds.
        let outer = match condition.parent {
            Some(parent) if parent < at => self.applies(parent),
            _ => Applies::Yes,
        };
        let own = match &condition.kind {
            Kind::Always => Applies::Yes,
            Kind::Host(patterns) => self.host_line(patterns).into(),
            Kind::Match(criteria) => self.match_line(criteria, condition),
            Kind::Unreadable if outer == Applies::No => Applies::No,
            Kind::Unreadable => {
                self.doubt(Doubt::Own);
                self.walk.is_relevant = true;
                self.walk
                    .unknown
                    .push(("Include with a token or variable".to_owned(), condition.place.clone()));
                Applies::Maybe
            }
        };
        let applies = outer.and(own);
        if let Some(known) = self.known.get_mut(at) {
            *known = Some(applies);
        }
        applies
    }

    fn host_line(&self, patterns: &[(bool, String)]) -> bool {
        let mut taken = false;
        for (negated, pattern) in patterns {
            if is_like(&self.host, pattern) {
                if *negated {
                    return false;
                }
                taken = true;
            }
        }
        taken
    }

    fn match_line(&mut self, criteria: &[Criterion], condition: &Condition) -> Applies {
        let mut result = Applies::Yes;
        for criterion in criteria {
            let applies = match &criterion.test {
                Test::All => Applies::Yes,
                Test::Final | Test::Canonical => self.second.into(),
                Test::Host(list) => self.known_by(Keyword::HostName, |walker| {
                    list_takes(&walker.hostname().to_lowercase(), list)
                }),
                Test::OriginalHost(list) => list_takes(&self.who.host.to_lowercase(), list).into(),
                Test::User(list) if self.who.user.is_some() => list_takes(&self.user(), list).into(),
                Test::User(list) => self.known_by(Keyword::User, |walker| list_takes(&walker.user(), list)),
                Test::LocalUser(list) => list_takes(self.who.local_user, list).into(),
                // Once a line cannot apply any more ssh runs no command for it.
                _ if result == Applies::No => Applies::No,
                Test::Exec(command) => {
                    let host_dependent = has_token(command, |token| !"diLlu%".contains(token));
                    self.doubt(if host_dependent { Doubt::Own } else { Doubt::Shared });
                    let place = condition.place.clone();
                    self.walk.commands.push(Command { text: command.clone(), place: place.clone() });
                    self.walk.unknown.push(("Match exec".to_owned(), place));
                    Applies::Maybe
                }
                Test::Foreign(name) => {
                    self.doubt(Doubt::Shared);
                    self.walk.unknown.push((format!("Match {name}"), condition.place.clone()));
                    Applies::Maybe
                }
            };
            let applies = match (criterion.negated, applies) {
                (true, Applies::Yes) => Applies::No,
                (true, Applies::No) => Applies::Yes,
                (_, applies) => applies,
            };
            result = result.and(applies);
        }
        result
    }

    /// Judges by a value, unless a stanza that may apply would have set it.
    fn known_by(&mut self, keyword: Keyword, judge: impl Fn(&Self) -> bool) -> Applies {
        let settled = self.walk.first.get(keyword as usize).is_some_and(Option::is_some);
        if self.unsure(keyword) && !settled {
            self.doubt(Doubt::Own);
            return Applies::Maybe;
        }
        judge(self).into()
    }

    fn finish(mut self) -> Walk<'d> {
        let says_yes =
            |value: &String| matches!(value.to_ascii_lowercase().as_str(), "yes" | "true" | "always");
        let canonical = self.walk.values(Keyword::CanonicalizeHostname).0;
        if canonical.first().is_some_and(says_yes) || self.unsure(Keyword::CanonicalizeHostname) {
            // The name to connect to then comes from the resolver.
            self.doubt(Doubt::Own);
            if let (_, Some(place)) = self.walk.values(Keyword::CanonicalizeHostname) {
                self.walk.unknown.push(("CanonicalizeHostname".to_owned(), place));
            }
        }
        let document = self.document;
        let directives =
            |(at, _): &(usize, bool)| document.sections.get(*at).map(|section| section.directives.as_slice());
        self.seen.sort_unstable();
        if self.walk.doubt == Doubt::Shared {
            let expanded = self.seen.iter().filter_map(directives).flatten().any(|directive| {
                directive.keyword.is_expanded_by_ssh()
                    && directive.values.iter().any(|value| value.contains('%'))
            });
            if expanded {
                self.doubt(Doubt::Own);
            }
        }
        let certain = self.walk.doubt == Doubt::None;
        // A jump that stands first takes a command, which is not followed here, out of what ssh says.
        let commands = self.seen.iter().filter_map(directives).flatten();
        let commands = commands.into_iter().any(|directive| directive.keyword == Keyword::ProxyCommand);
        let tells = |directive: &Directive| {
            !directive.keyword.is_followed() || commands && directive.keyword == Keyword::ProxyJump
        };
        self.walk.signature = std::mem::take(&mut self.seen)
            .into_iter()
            .filter(|at| !certain || directives(at).is_some_and(|all| all.iter().any(tells)))
            .collect();
        self.walk
    }
}

/// `%h` in a `HostName`.
fn expand_host(name: &str, host: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut chars = name.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' => match chars.next() {
                Some('h') => text.push_str(host),
                Some('%') => text.push('%'),
                Some(other) => text.extend(['%', other]),
                None => text.push('%'),
            },
            c => text.push(c),
        }
    }
    text
}

fn has_token(text: &str, is_meant: impl Fn(char) -> bool) -> bool {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '%' && chars.next().is_some_and(&is_meant) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(host: &str) -> Who<'_> {
        Who { host, user: None, hostname: None, local_user: "me" }
    }

    fn value(walk: &Walk<'_>, keyword: Keyword) -> String {
        walk.values(keyword).0.join("|")
    }

    #[test]
    fn the_first_value_wins_and_keys_add_up() {
        let document = Document::of_text(
            "Port 1\nHost a\n Port 2\n User x\n IdentityFile k1\nHost *\n User y\n IdentityFile k2\n IdentityFile k1\n",
        );
        let walk = document.walk(&who("a"));
        assert_eq!(value(&walk, Keyword::Port), "1");
        assert_eq!(value(&walk, Keyword::User), "x");
        assert_eq!(value(&walk, Keyword::IdentityFile), "k1|k2");
        assert_eq!(walk.values(Keyword::User).1.map(|place| place.line), Some(4));
        assert_eq!(value(&document.walk(&who("b")), Keyword::User), "y");
        assert_eq!(walk.doubt, Doubt::None);
        assert!(walk.signature.is_empty(), "nothing here that we don't follow");
    }

    #[test]
    fn hosts_differ_by_what_we_do_not_follow() {
        let document = Document::of_text(
            "Host a\n HostName 10.0.0.1\nHost b\n HostName 10.0.0.2\nHost c\n Ciphers aes128-ctr\nHost *\n HashKnownHosts yes\n",
        );
        let signature = |host| document.walk(&who(host)).signature;
        assert_eq!(signature("a"), signature("b"));
        assert_ne!(signature("a"), signature("c"));
        assert_eq!(document.walk(&who("b")).hostname, "10.0.0.2");
    }

    #[test]
    fn match_sees_what_was_set_before() {
        let document = Document::of_text(
            "Match host a\n User no\nHost a\n HostName %h.dc1\nMatch host *.dc1\n Port 7\n\
             Match originalhost a user me\n User ops\nMatch user ops !localuser you\n IdentityFile k\n",
        );
        let walk = document.walk(&who("a"));
        assert_eq!(walk.hostname, "a.dc1");
        assert_eq!(value(&walk, Keyword::User), "no", "the first line saw the name as given");
        assert_eq!(value(&walk, Keyword::Port), "7");
        assert_eq!(value(&walk, Keyword::IdentityFile), "");
    }

    #[test]
    fn names_that_only_the_second_reading_has_alike_are_no_group() {
        let document =
            Document::of_text("Match exec true\n Port 9\nHost foo\n HostName big.example\nMatch final all\n");
        let signature = |host| document.walk(&who(host)).signature;
        // `Host` compares letters as they are; the second reading has the name in small ones.
        assert_ne!(signature("Foo"), signature("foo"));
    }

    #[test]
    fn a_jump_that_stands_before_a_command_makes_another_group() {
        let document =
            Document::of_text("Host a*\n ProxyJump b1\nMatch localuser me\n ProxyCommand nc %h %p\n");
        let signature = |host| document.walk(&who(host)).signature;
        assert_ne!(signature("a1"), signature("b1"));
        // Jumps alone are followed here, each host's own.
        let document = Document::of_text("Host a\n ProxyJump x\nHost b\n ProxyJump y\nHost *\n Ciphers c\n");
        let signature = |host| document.walk(&who(host)).signature;
        assert_eq!(signature("a"), signature("b"));
    }

    #[test]
    fn final_reads_again_under_the_new_name() {
        let document = Document::of_text(
            "Host b\n HostName x.dc1\nHost *.dc1\n User dc\nMatch final host x.*\n Port 9\nMatch final all\n HashKnownHosts yes\n",
        );
        let walk = document.walk(&who("b"));
        assert_eq!(walk.doubt, Doubt::None);
        assert_eq!(value(&walk, Keyword::User), "dc");
        assert_eq!(value(&walk, Keyword::Port), "9");
        assert_eq!(value(&walk, Keyword::HashKnownHosts), "yes");
    }

    #[test]
    fn a_command_leaves_doubt_only_where_it_is_reached() {
        let document = Document::of_text(
            "Match host a exec \"true\"\n User x\nMatch host b exec \"test %h = b\"\n User y\nHost *\n Port 2\n",
        );
        let (a, b, c) = (document.walk(&who("a")), document.walk(&who("b")), document.walk(&who("c")));
        assert_eq!((a.doubt, b.doubt, c.doubt), (Doubt::Shared, Doubt::Own, Doubt::None));
        assert_eq!(a.commands.first().map(|command| command.text.as_str()), Some("true"));
        assert!(c.commands.is_empty());
    }

    #[test]
    fn what_follows_a_doubtful_value_is_doubtful_too() {
        let document = Document::of_text("Match exec true\n HostName x\nMatch host x\n Port 2\n");
        assert_eq!(document.walk(&who("a")).doubt, Doubt::Own);
    }
}
