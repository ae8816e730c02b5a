//! Shell globs as Python's fnmatch has them.

/// A glob, ready to match.
pub(crate) struct Glob(Vec<Part>);

enum Part {
    One(char),
    Any,
    Many,
    Set { negated: bool, ranges: Vec<(char, char)> },
}

impl Glob {
    /// Every text is a glob: a `[` that is never closed stands for itself.
    pub(crate) fn new(pattern: &str) -> Self {
        let chars: Vec<char> = pattern.chars().collect();
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(c) = chars.get(at) {
            at += 1;
            parts.push(match c {
                '*' => Part::Many,
                '?' => Part::Any,
                '[' => match set(&chars[at..]) {
                    Some((set, length)) => {
                        at += length;
                        set
                    }
                    None => Part::One('['),
                },
                c => Part::One(*c),
            });
        }
        Glob(parts)
    }

    /// Does the whole text match? Linear in text times stars.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut part, mut at) = (0, 0);
        // The last `*` and how much of the text it has taken so far.
        let mut star: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.0.get(part) {
                Some(Part::Many) => {
                    star = Some((part, at));
                    part += 1;
                }
                Some(one) if one.takes(text[at]) => {
                    part += 1;
                    at += 1;
                }
                _ => {
                    let Some((star_part, taken)) = star else { return false };
                    star = Some((star_part, taken + 1));
                    (part, at) = (star_part + 1, taken + 1);
                }
            }
        }
        self.0[part..].iter().all(|part| matches!(part, Part::Many))
    }
}

impl Part {
    fn takes(&self, c: char) -> bool {
        match self {
            Part::One(one) => *one == c,
            Part::Any | Part::Many => true,
            Part::Set { negated, ranges } => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *negated
            }
        }
    }
}

/// The set that `chars`, what follows a `[`, begins with, and its length with the `]`.
fn set(chars: &[char]) -> Option<(Part, usize)> {
    let negated = chars.first() == Some(&'!');
    let begin = usize::from(negated);
    // A `]` that comes first belongs to the set.
    let end = chars.iter().enumerate().skip(begin + 1).find(|(_, c)| **c == ']').map(|(at, _)| at)?;
    let mut ranges = Vec::new();
    let mut inner = &chars[begin..end];
    while let Some((first, rest)) = inner.split_first() {
        inner = match rest {
            ['-', last, rest @ ..] => {
                ranges.push((*first, *last));
                rest
            }
            _ => {
                ranges.push((*first, *first));
                rest
            }
        };
    }
    Some((Part::Set { negated, ranges }, end + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Glob;

    #[test]
    fn globs_match_as_fnmatch_does() {
        for (glob, text, expected) in [
            ("web*", "web12", true),
            ("*.dc1", "k01.dc1", true),
            ("*a*b*c", "xxaxxbxxbc", true),
            ("k?1", "k01", true),
            ("k[0-2]", "k1", true),
            ("k[!0-2]", "k1", false),
            ("k[]x]", "k]", true),
            ("k[x", "k[x", true),
            ("k[z-a]", "k", false),
            ("web", "web1", false),
            ("", "", true),
        ] {
            assert_eq!(Glob::new(glob).matches(text), expected, "{glob} {text}");
        }
    }

    proptest! {
        #[test]
        fn no_glob_panics(glob in "[ab*?!\\[\\]-]{0,12}", text in "[ab\\]-]{0,8}") {
            Glob::new(&glob).matches(&text);
        }
    }
}
