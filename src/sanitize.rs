//! The one door for remote text on its way to a terminal or a page.
//!
//! Whatever a node sends (log lines, paths, banners, host names) may hold bytes that move a cursor,
//! rewrite a title, reverse the reading order or hide. Here they become visible escapes such as
//! `\x1b` and `\u{202e}`; text without them is borrowed, not copied. A backslash stays as it is: the
//! escapes are for a reader's eyes, not for parsing back (JSON reports keep the text unchanged).

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

/// What becomes of line ends and tabs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// The text stays on one line: `\n` and `\t` are shown as escapes.
    Line,
    /// Line feeds and tabs are kept. A carriage return never is: it overwrites what stands before it.
    Block,
}

/// `text` on one line with everything unprintable made visible.
pub fn line(text: &str) -> Cow<'_, str> {
    sanitize(text, Layout::Line)
}

/// `text` with its lines and tabs kept and everything else unprintable made visible.
pub fn block(text: &str) -> Cow<'_, str> {
    sanitize(text, Layout::Block)
}

/// `text` with everything unprintable made visible; borrowed when there is nothing to do.
pub fn sanitize(text: &str, layout: Layout) -> Cow<'_, str> {
    let harmful = |c: char| is_unprintable(c) && !(layout == Layout::Block && matches!(c, '\n' | '\t'));
    let Some(first) = text.find(harmful) else { return Cow::Borrowed(text) };
    let mut safe = String::with_capacity(text.len() + 16);
    safe.push_str(&text[..first]);
    for c in text[first..].chars() {
        if harmful(c) { escape(&mut safe, c) } else { safe.push(c) }
    }
    Cow::Owned(safe)
}

/// `text` in ASCII: our own typography spelled out, everything else as an escape.
pub fn ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if c.is_ascii() => plain.push(c),
            '\u{2010}'..='\u{2015}' | '−' => plain.push('-'),
            '‘' | '’' => plain.push('\''),
            '“' | '”' => plain.push('"'),
            '…' => plain.push_str("..."),
            '→' => plain.push_str("->"),
            '←' => plain.push_str("<-"),
            '×' => plain.push('x'),
            '·' | '•' => plain.push('*'),
            '≥' => plain.push_str(">="),
            '≤' => plain.push_str("<="),
            '±' => plain.push_str("+-"),
            '\u{a0}' | '\u{2009}' | '\u{202f}' => plain.push(' '),
            c => escape(&mut plain, c),
        }
    }
    Cow::Owned(plain)
}

/// Columns that `text` takes on a terminal; sanitised text is assumed.
pub fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// `text` in at most `columns` columns, its cut end marked with `…`.
pub fn truncate_width(text: &str, columns: usize) -> Cow<'_, str> {
    truncate_with(text, columns, "…")
}

/// `text` in at most `columns` columns, its cut end marked with `mark` where that fits.
pub fn truncate_with<'a>(text: &'a str, columns: usize, mark: &str) -> Cow<'a, str> {
    let within = |room: usize| {
        // Combining marks take no column; without a bound on their number a "short" line could be endless.
        let mut marks_left = room.saturating_mul(2);
        let mut used = 0;
        for (at, c) in text.char_indices() {
            let wide = c.width().unwrap_or(0);
            if wide == 0 {
                if marks_left == 0 {
                    return at;
                }
                marks_left -= 1;
            }
            if used + wide > room {
                return at;
            }
            used += wide;
        }
        text.len()
    };
    if within(columns) == text.len() {
        return Cow::Borrowed(text);
    }
    let mark = if width(mark) <= columns { mark } else { "" };
    let end = within(columns - width(mark));
    Cow::Owned(format!("{}{mark}", &text[..end]))
}

/// Whether a terminal or a page would act on `c`, or show nothing for it.
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Soft hyphen, grapheme joiner, Hangul fillers, Mongolian separators: drawn as nothing.
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{3164}' | '\u{ffa0}'
            // Bidirectional controls.
            | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Zero width, line and paragraph separators, invisible operators, deprecated controls.
            | '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2065}'
            | '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            // Variation selectors and tags carry hidden text.
            | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
}

fn escape(out: &mut String, c: char) {
    // Writing to a String cannot fail.
    let _ = match c {
        '\n' => write!(out, "\\n"),
        '\r' => write!(out, "\\r"),
        '\t' => write!(out, "\\t"),
        c if u32::from(c) <= 0xff && c.is_control() => write!(out, "\\x{:02x}", u32::from(c)),
        c => write!(out, "\\u{{{:x}}}", u32::from(c)),
    };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn clean_text_is_borrowed() {
        for clean in ["", "completeProduct-13", "Größe 4 µ, 日本語, \\x1b typed by hand"] {
            assert!(matches!(line(clean), Cow::Borrowed(same) if same == clean));
        }
        assert!(matches!(block("a\tb\nc"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_acts_on_a_terminal_is_shown() {
        assert_eq!(line("a\x1b[31mred\x1b]0;title\x07"), "a\\x1b[31mred\\x1b]0;title\\x07");
        assert_eq!(line("OK\rCRITICAL"), "OK\\rCRITICAL");
        assert_eq!(line("one\ntwo\tthree\0\x7f"), "one\\ntwo\\tthree\\x00\\x7f");
        assert_eq!(line("c1 \u{9b}31m"), "c1 \\x9b31m");
        assert_eq!(line("gpj.\u{202e}exe\u{2066}"), "gpj.\\u{202e}exe\\u{2066}");
        assert_eq!(line("\u{feff}a\u{200b}b\u{e0041}"), "\\u{feff}a\\u{200b}b\\u{e0041}");
        assert_eq!(line("two\u{2028}lines"), "two\\u{2028}lines");
    }

    #[test]
    fn a_block_keeps_lines_and_tabs_but_no_carriage_return() {
        assert_eq!(block("4.1G\t/a\r\n\x1b[2J"), "4.1G\t/a\\r\n\\x1b[2J");
    }

    #[test]
    fn ascii_spells_our_typography_out() {
        assert_eq!(ascii("1.30–1.33 → 12 × …"), "1.30-1.33 -> 12 x ...");
        assert_eq!(ascii("é\u{9b}"), "\\u{e9}\\x9b");
    }

    #[test]
    fn truncation_counts_columns_not_bytes() {
        assert_eq!(truncate_width("short", 5), "short");
        assert_eq!(truncate_width("longer", 5), "long…");
        assert_eq!(truncate_width("日本語", 5), "日本…");
        assert_eq!(truncate_width("日本語", 4), "日…");
        assert_eq!(truncate_width("ab", 0), "");
        assert_eq!(truncate_with("longer", 5, "..."), "lo...");
        assert_eq!(truncate_with("longer", 2, "..."), "lo");
    }

    #[test]
    fn stacked_marks_cannot_make_a_short_line_endless() {
        let zalgo = format!("a{}", "\u{301}".repeat(10_000));
        assert!(truncate_width(&zalgo, 10).chars().count() < 40);
    }

    proptest! {
        #[test]
        fn nothing_unprintable_comes_through(text in any::<String>()) {
            let safe = line(&text);
            prop_assert!(!safe.chars().any(is_unprintable));
            prop_assert!(matches!(line(&safe), Cow::Borrowed(_)), "a second pass changes nothing");
            let safe = block(&text);
            prop_assert!(!safe.chars().any(|c| is_unprintable(c) && c != '\n' && c != '\t'));
            prop_assert!(ascii(&text).is_ascii());
        }

        #[test]
        fn truncation_keeps_to_the_width(text in any::<String>(), columns in 0usize..40) {
            let safe = line(&text);
            prop_assert!(width(&truncate_width(&safe, columns)) <= columns);
        }
    }
}
