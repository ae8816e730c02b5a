//! Lines of ssh_config into keywords and words, by the rules of OpenSSH's `misc.c` (9.2).

/// What separates a keyword from its value.
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// One line that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line<'t> {
    /// From 1.
    pub number: usize,
    /// As written.
    pub keyword: &'t str,
    /// What follows the keyword and at most one `=`.
    pub rest: &'t str,
}

/// The lines of a file without comments and empty ones.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.split('\n').enumerate().filter_map(|(at, line)| {
        let line = line.trim_end_matches([' ', '\t', '\r', '\u{c}']).trim_start_matches(SPACE);
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let end = line.find(|c| SPACE.contains(&c) || c == '=').unwrap_or(line.len());
        let (keyword, rest) = line.split_at(end);
        let rest = rest.trim_start_matches(SPACE);
        let rest = rest.strip_prefix('=').unwrap_or(rest).trim_start_matches(SPACE);
        Some(Line { number: at + 1, keyword, rest })
    })
}

/// Words with quotes and escapes undone, up to a comment; `None` if a quote is left open.
pub(super) fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
        match chars.peek() {
            None | Some('#') => return Some(words),
            Some(_) => {}
        }
        let mut word = String::new();
        let mut quote = None;
        while let Some(c) = chars.next() {
            match c {
                '\\' => {
                    let escaped = chars.next_if(|next| {
                        matches!(next, '\'' | '"' | '\\') || (quote.is_none() && *next == ' ')
                    });
                    word.push(escaped.unwrap_or('\\'));
                }
                ' ' | '\t' if quote.is_none() => break,
                '"' | '\'' if quote.is_none() => quote = Some(c),
                c if quote == Some(c) => quote = None,
                c => word.push(c),
            }
        }
        if quote.is_some() {
            return None;
        }
        words.push(word);
    }
}

/// The words of a `Match` line, which has rules of its own: `=` separates too, only double quotes quote,
/// and a closing quote ends the word. `None` if a quote is left open.
pub(super) fn match_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let Some(end) = rest.find(|c| SPACE.contains(&c) || c == '"' || c == '=') else {
            words.push(rest.to_owned());
            break;
        };
        let (before, from) = rest.split_at(end);
        if let Some(quoted) = from.strip_prefix('"') {
            let (inside, after) = quoted.split_once('"')?;
            words.push(format!("{before}{inside}"));
            rest = after.trim_start_matches(SPACE);
            continue;
        }
        words.push(before.to_owned());
        let after = match from.strip_prefix('=') {
            Some(after) => after.trim_start_matches(SPACE),
            None => {
                let after = from.trim_start_matches(SPACE);
                after.strip_prefix('=').unwrap_or(after).trim_start_matches(SPACE)
            }
        };
        rest = after;
    }
    if let Some(comment) = words.iter().position(|word| word.starts_with('#')) {
        words.truncate(comment);
    }
    Some(words)
}

/// Whether `text` is what `pattern` says: `*` is any text, `?` any one character; case counts.
pub(super) fn is_like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (&[u8], &[u8]) = (text.as_bytes(), pattern.as_bytes());
    let (mut at, mut in_pattern) = (0, 0);
    // The last `*` and how far the text had come there: on a mismatch it takes one character more.
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(at) {
        match pattern.get(in_pattern) {
            Some(b'*') => {
                star = Some((in_pattern, at));
                in_pattern += 1;
            }
            Some(wanted) if wanted == byte || *wanted == b'?' => {
                at += 1;
                in_pattern += 1;
            }
            _ => {
                let Some((star_at, taken)) = star else { return false };
                star = Some((star_at, taken + 1));
                (in_pattern, at) = (star_at + 1, taken + 1);
            }
        }
    }
    pattern.get(in_pattern..).is_some_and(|left| left.iter().all(|byte| *byte == b'*'))
}

/// Whether a list of patterns with commas takes `text`: one must, and none with `!` may.
pub(super) fn list_takes(text: &str, patterns: &str) -> bool {
    let mut taken = false;
    for pattern in patterns.split(',') {
        match pattern.strip_prefix('!') {
            Some(not) if is_like(text, not) => return false,
            Some(_) => {}
            None => taken |= is_like(text, pattern),
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_lose_comments_and_one_equals_sign() {
        let text = "# c\n\n  Port = 22 \t\r\nHost=a b\nUser\nProxyCommand ==x";
        let seen: Vec<_> = lines(text).map(|line| (line.number, line.keyword, line.rest)).collect();
        assert_eq!(seen, [(3, "Port", "22"), (4, "Host", "a b"), (5, "User", ""), (6, "ProxyCommand", "=x")]);
    }

    #[test]
    fn words_are_unquoted_as_openssh_does() {
        let read = |text| words(text).map(|words| words.join("|"));
        assert_eq!(read(r#"a "b c" 'd "e' f\ g h\\i # j"#).as_deref(), Some(r#"a|b c|d "e|f g|h\i"#));
        assert_eq!(read("a#b #c").as_deref(), Some("a#b"));
        assert_eq!(read(r"C:\x").as_deref(), Some(r"C:\x"));
        assert_eq!(read(r#""open"#), None);
        assert_eq!(read("  "), Some(String::new()));
    }

    #[test]
    fn match_lines_have_their_own_words() {
        let read = |text| match_words(text).map(|words| words.join("|"));
        assert_eq!(
            read(r#"host=a,b exec "test -f /x" user u # c"#).as_deref(),
            Some("host|a,b|exec|test -f /x|user|u")
        );
        assert_eq!(read(r#"exec "open"#), None);
    }

    #[test]
    fn patterns_and_lists() {
        for (text, pattern, expected) in [
            ("kafka-1", "kafka-*", true),
            ("kafka-1", "kafka-?", true),
            ("kafka-12", "kafka-?", false),
            ("a.b.c", "*.c", true),
            ("abcbc", "*bc", true),
            ("Foo", "foo", false),
            ("", "*", true),
            ("a", "", false),
        ] {
            assert_eq!(is_like(text, pattern), expected, "{text} {pattern}");
        }
        assert!(list_takes("a1", "b*,a*"));
        assert!(!list_takes("a1", "a*,!a1"));
        assert!(!list_takes("b", "!a"));
    }
}
