//! Words of a host's line, as Python's `shlex.split(line, comments=True)` has them: a `#` begins a
//! comment even within a word.

/// A word and the byte of the line where it begins.
#[derive(Debug, PartialEq)]
pub(super) struct Word {
    pub text: String,
    pub at: usize,
}

/// The words; the error is the byte where what never ends begins, and what it is.
pub(super) fn split(line: &str) -> Result<Vec<Word>, (usize, &'static str)> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '#' => break,
            _ => {
                let text = &mut word.get_or_insert(Word { text: String::new(), at }).text;
                match c {
                    '\\' => match chars.next() {
                        Some((_, escaped)) => text.push(escaped),
                        None => return Err((at, "nothing follows the backslash")),
                    },
                    '\'' | '"' => loop {
                        match chars.next() {
                            None => return Err((at, "the quote is never closed")),
                            Some((_, end)) if end == c => break,
                            Some((backslash, '\\')) if c == '"' => match chars.next() {
                                Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                                Some((_, other)) => text.extend(['\\', other]),
                                None => return Err((backslash, "the quote is never closed")),
                            },
                            Some((_, inside)) => text.push(inside),
                        }
                    },
                    other => text.push(other),
                }
            }
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::split;

    fn words(line: &str) -> Vec<String> {
        split(line).expect("splits").into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn quotes_escapes_and_comments() {
        assert_eq!(words("a b='c d' e=\"f\\\"\\g\" h\\ i"), ["a", "b=c d", "e=f\"\\g", "h i"]);
        assert_eq!(words("a b#c d"), ["a", "b"]);
        assert_eq!(words("a '' \"#\""), ["a", "", "#"]);
        assert_eq!(split("a 'b"), Err((2, "the quote is never closed")));
        assert_eq!(split("a b\\"), Err((3, "nothing follows the backslash")));
    }

    proptest! {
        #[test]
        fn no_line_panics(line in "[ab \\\\'\"#\tä]{0,20}") {
            let _ = split(&line);
        }
    }
}
