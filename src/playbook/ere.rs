//! Whether a pattern is a POSIX extended regular expression, which is what every `grep -E` takes.

/// What is wrong with `pattern`, if it is not one: a construct that some `grep` would refuse or, worse,
/// read as something else.
pub fn complaint(pattern: &str) -> Option<String> {
    if pattern.is_empty() {
        return Some("the pattern is empty: it would match every line".to_owned());
    }
    if pattern.contains(['\n', '\0']) {
        return Some("a pattern is one line".to_owned());
    }
    let bytes = pattern.as_bytes();
    let mut depth = 0usize;
    // Whether a repetition may follow here: not at the beginning of a branch.
    let mut atom = false;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => {
                let Some(next) = bytes.get(at + 1) else {
                    return Some("a backslash ends the pattern".to_owned());
                };
                if let Some(instead) = perl_class(*next) {
                    return Some(format!("`\\{}` is no POSIX ERE; write `{instead}`", *next as char));
                }
                if next.is_ascii_alphanumeric() {
                    return Some(format!("`\\{}` is no POSIX ERE", *next as char));
                }
                at += 1;
                atom = true;
            }
            b'[' => {
                let Some(end) = bracket_end(bytes, at) else {
                    return Some("`[` without its `]`".to_owned());
                };
                at = end;
                atom = true;
            }
            b'(' => {
                if bytes.get(at + 1) == Some(&b'?') {
                    return Some("`(?…)` is Perl's; POSIX ERE has plain groups only".to_owned());
                }
                depth += 1;
                atom = false;
            }
            b')' => {
                let Some(less) = depth.checked_sub(1) else {
                    return Some("`)` without its `(`".to_owned());
                };
                depth = less;
                atom = true;
            }
            b'|' => atom = false,
            b'*' | b'+' | b'?' => {
                if !atom {
                    return Some(format!("`{}` has nothing before it to repeat", *byte as char));
                }
                if matches!(bytes.get(at + 1), Some(b'?' | b'+' | b'*')) {
                    return Some("two repetitions in a row are Perl's; POSIX ERE has none".to_owned());
                }
            }
            b'{' => {
                let Some(end) = bytes[at..].iter().position(|byte| *byte == b'}').map(|n| at + n) else {
                    return Some("`{` without its `}`; a literal one is `\\{`".to_owned());
                };
                if let Some(wrong) =
                    interval(&pattern[at + 1..end]).or((!atom).then_some("has nothing before it"))
                {
                    return Some(format!("`{}` {wrong}", &pattern[at..=end]));
                }
                at = end;
            }
            b'^' => atom = false,
            _ => atom = true,
        }
        at += 1;
    }
    (depth > 0).then(|| "`(` without its `)`".to_owned())
}

fn perl_class(byte: u8) -> Option<&'static str> {
    Some(match byte {
        b'd' => "[0-9]",
        b'D' => "[^0-9]",
        b'w' => "[[:alnum:]_]",
        b'W' => "[^[:alnum:]_]",
        b's' => "[[:space:]]",
        b'S' => "[^[:space:]]",
        b't' => "[[:blank:]]",
        b'b' | b'<' | b'>' => "(^|[^[:alnum:]_])",
        _ => return None,
    })
}

/// The index of the `]` that closes the bracket expression at `at`.
fn bracket_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut here = at + 1;
    if bytes.get(here) == Some(&b'^') {
        here += 1;
    }
    // A `]` that comes first is a member.
    if bytes.get(here) == Some(&b']') {
        here += 1;
    }
    loop {
        match bytes.get(here)? {
            b']' => return Some(here),
            b'[' if matches!(bytes.get(here + 1), Some(b':' | b'.' | b'=')) => {
                let mark = bytes[here + 1];
                let close = bytes[here + 2..].windows(2).position(|pair| pair == [mark, b']'])?;
                here += close + 4;
            }
            _ => here += 1,
        }
    }
}

/// What is wrong with the inside of `{…}`.
fn interval(inside: &str) -> Option<&'static str> {
    let (low, high) = inside.split_once(',').unwrap_or((inside, inside));
    let Ok(low) = low.parse::<u32>() else { return Some("is no repetition; a literal brace is `\\{`") };
    if high.is_empty() {
        return (low > 255).then_some("repeats more than 255 times");
    }
    match high.parse::<u32>() {
        Err(_) => Some("is no repetition; a literal brace is `\\{`"),
        Ok(high) if high < low => Some("repeats fewer times than it begins with"),
        Ok(high) if high > 255 => Some("repeats more than 255 times"),
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::complaint;
    use proptest::prelude::*;

    #[test]
    fn what_grep_takes() {
        for good in [
            "ERROR|WARN",
            "^\\[20[0-9]{2}-",
            "[][:digit:]x]+",
            "a{2,}",
            "(a|b)*c?",
            "\\(x\\)",
            "x\\{",
            "[]a]",
            "out of range",
        ] {
            assert_eq!(complaint(good), None, "{good}");
        }
    }

    #[test]
    fn what_it_does_not() {
        for bad in [
            "", "\\d+", "(?:a)", "a*?", "(a", "a)", "[a", "*a", "a|*b", "x{2,1}", "x{", "a\\", "\\bERROR",
            "{2}",
        ] {
            assert!(complaint(bad).is_some(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_pattern_makes_it_panic(pattern in "\\PC{0,40}") {
            complaint(&pattern);
        }

        #[test]
        fn no_pattern_of_its_own_characters_makes_it_panic(pattern in "[\\[\\](){}|*+?^$\\\\:.a1,-]{0,30}") {
            complaint(&pattern);
        }
    }
}
