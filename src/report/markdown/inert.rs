//! Text that Markdown, HTML and a ticket system's own links take no notice of.
//!
//! There is one means: the code span, for whatever is not plainly a word. Nothing in a code span is
//! markup, a mention, an issue reference or a link.

use crate::sanitize;

/// Columns of the longest code span and the longest line of a fence.
const LONGEST: usize = 300;
const LONGEST_LINE: usize = 1000;

/// `text` as a code span.
pub fn code(text: &str) -> String {
    let safe = sanitize::line(text);
    span(&sanitize::truncate_width(&safe, LONGEST))
}

/// `text` as a code span in a cell of a table: a bar would end the cell even there.
pub fn cell(text: &str) -> String {
    let safe = sanitize::line(text);
    span(&sanitize::truncate_width(&safe, LONGEST)).replace('|', "\\x7c")
}

/// A sentence: its words as they are, all else in code spans; what stands in backticks is one span.
pub fn prose(text: &str) -> String {
    let safe = sanitize::line(text);
    let pieces: Vec<&str> = safe.split('`').collect();
    // An odd backtick belongs to no pair: then none of them mean anything.
    let paired = pieces.len() % 2 == 1;
    let mut out = String::new();
    if paired {
        for (at, piece) in pieces.into_iter().enumerate() {
            if at % 2 == 1 {
                // Two spans that touch would be read as one.
                if out.ends_with('`') {
                    out.push(' ');
                }
                out.push_str(&code(piece));
            } else {
                words(&mut out, piece);
            }
        }
    } else {
        words(&mut out, &safe);
    }
    out.trim().to_owned()
}

/// [`prose`] in a cell of a table.
pub fn prose_cell(text: &str) -> String {
    prose(text).replace('|', "\\x7c")
}

/// Lines in a code fence that none of them can end.
pub fn fence(lines: &[String]) -> String {
    let safe: Vec<String> = lines
        .iter()
        .map(|line| sanitize::truncate_width(&sanitize::line(line), LONGEST_LINE).into_owned())
        .collect();
    let longest = safe.iter().map(|line| longest_run(line)).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", safe.join("\n"))
}

/// A link where it is plainly one, else a code span.
pub fn link(url: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/.-_?=#%".contains(c);
    match url.strip_prefix("https://") {
        Some(rest) if !rest.is_empty() && rest.len() < LONGEST && rest.chars().all(plain) => {
            format!("<{url}>")
        }
        _ => code(url),
    }
}

fn span(text: &str) -> String {
    let text = if text.trim().is_empty() { "(empty)" } else { text };
    let fence = "`".repeat(longest_run(text) + 1);
    // A space on either side keeps a backtick at the end apart from the fence; Markdown drops it again.
    let space = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// The words of a piece of a sentence, neighbours that are none of them sharing a span.
fn words(out: &mut String, piece: &str) {
    if piece.starts_with(' ') && !out.is_empty() {
        out.push(' ');
    }
    let mut runs: Vec<(bool, Vec<&str>)> = Vec::new();
    for word in piece.split(' ').filter(|word| !word.is_empty()) {
        let begins = out.is_empty() && runs.is_empty();
        let plain = is_word(word) && !(begins && begins_list(word));
        match runs.last_mut() {
            Some((kind, run)) if *kind == plain => run.push(word),
            _ => runs.push((plain, vec![word])),
        }
    }
    let runs: Vec<String> = runs
        .into_iter()
        .map(|(plain, run)| {
            let run = run.join(" ");
            if plain {
                return run;
            }
            // The sentence's own punctuation stays outside.
            let core = run.trim_end_matches([',', '.', ';', ':']);
            if core.is_empty() { code(&run) } else { format!("{}{}", code(core), &run[core.len()..]) }
        })
        .collect();
    if out.ends_with('`') && runs.first().is_some_and(|run| run.starts_with('`')) {
        out.push(' ');
    }
    out.push_str(&runs.join(" "));
    if piece.ends_with(' ') && !runs.is_empty() {
        out.push(' ');
    }
}

/// Whether nothing in `word` could be markup, a mention, a reference or a link.
fn is_word(word: &str) -> bool {
    let harmless = |c: char| c.is_alphanumeric() || ".,;:()'\"%+-/=?’“”–—→×…≥≤".contains(c);
    word.len() < 100
        && word.chars().all(harmless)
        && !word.chars().all(|c| "-+=".contains(c))
        && !word.to_ascii_lowercase().contains("www.")
        && !word.contains("](")
        && colons_are_plain(word)
}

/// "1." or "2)" at the start of a line would begin a list.
fn begins_list(word: &str) -> bool {
    word.strip_suffix(['.', ')']).is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()))
}

/// A colon at the end of a word or between digits; anywhere else it makes `:emoji:` and `scheme://`.
fn colons_are_plain(word: &str) -> bool {
    let bytes = word.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    word.match_indices(':')
        .all(|(at, _)| (at > 0 && at + 1 == word.len()) || (digit(at.checked_sub(1)) && digit(Some(at + 1))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_stay_and_all_else_is_code() {
        assert_eq!(
            prose("The log cleaner of 10.200.8.177 is dead."),
            "The log cleaner of 10.200.8.177 is dead."
        );
        assert_eq!(prose("ask @everyone <b>now</b> at 12:16:36"), "ask `@everyone <b>now</b>` at 12:16:36");
        assert_eq!(prose("set a_b=c, see #12"), "set `a_b=c`, see `#12`");
        assert_eq!(prose("run `roundsman check q_n` to see"), "run `roundsman check q_n` to see");
        assert_eq!(prose("see https://evil.example :bomb:"), "see `https://evil.example :bomb`:");
        assert_eq!(prose("an odd ` one"), "an odd `` ` `` one");
        assert_eq!(prose("1. - x"), "`1. -` x");
        assert_eq!(prose("15 % of 1, 35) and 2."), "15 % of 1, 35) and 2.");
    }

    #[test]
    fn a_span_is_longer_than_what_is_in_it() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(code("`a"), "`` `a ``");
        assert_eq!(code(""), "`(empty)`");
        assert_eq!(cell("a|b\\|c"), "`a\\x7cb\\\\x7cc`");
    }

    #[test]
    fn only_what_is_plainly_a_link_is_one() {
        assert_eq!(link("https://issues.apache.org/x-1"), "<https://issues.apache.org/x-1>");
        assert_eq!(link("javascript:alert(1)"), "`javascript:alert(1)`");
        assert_eq!(link("https://a> <b"), "`https://a> <b`");
    }

    #[test]
    fn nothing_ends_a_fence() {
        let lines = ["```".to_owned(), "````text\n`````".to_owned()];
        assert_eq!(fence(&lines), "``````text\n```\n````text\\n`````\n``````\n");
    }

    proptest! {
        #[test]
        fn markup_stands_in_code_only(text in "[a-z`@<>|*_# \\[\\]()!&~:./-]{0,60}") {
            let mut rest = prose(&text);
            // Take the spans out as Markdown does: a run of backticks up to the next run of that length.
            while let Some(start) = rest.find('`') {
                let run: String = rest[start..].chars().take_while(|c| *c == '`').collect();
                let body = &rest[start + run.len()..];
                let mut at = 0;
                let end = loop {
                    let Some(next) = body[at..].find('`') else { break None };
                    let length = body[at + next..].chars().take_while(|c| *c == '`').count();
                    if length == run.len() {
                        break Some(at + next);
                    }
                    at += next + length;
                };
                let end = end.expect("every span is closed");
                rest = format!("{} {}", &rest[..start], &body[end + run.len()..]);
            }
            prop_assert!(!rest.contains(['@', '<', '>', '|', '*', '_', '#', '[', ']', '!', '&', '~']), "{rest}");
            prop_assert!(!prose_cell(&text).contains('|'));
        }
    }
}
