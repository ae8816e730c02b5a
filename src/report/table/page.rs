//! Lines for a terminal: ink, width, wrapping. Every text on its way to the page comes through here,
//! and no line leaves it that is wider than the page.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

use crate::diagnose::finding::Severity;
use crate::report::{Status, Style};
use crate::sanitize;

/// Narrower than this, no table is left to read; lines are laid out for this width at least.
pub const MIN_WIDTH: usize = 40;

/// Lines of prose, and rules, are no longer than this on a wider page: longer ones are hard to read.
const PROSE: usize = 120;

/// What a piece of text is, as far as its looks go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ink {
    #[default]
    Plain,
    Bold,
    Dim,
    Good,
    Notice,
    Warning,
    Unknown,
    Critical,
}

impl Ink {
    /// The ink of a severity.
    pub fn of(severity: Severity) -> Ink {
        match severity {
            Severity::Critical => Ink::Critical,
            Severity::Unknown => Ink::Unknown,
            Severity::Warning => Ink::Warning,
            Severity::Notice => Ink::Notice,
        }
    }

    /// The ink of a verdict.
    pub fn of_status(status: Status) -> Ink {
        match status {
            Status::Ok => Ink::Good,
            Status::Warning => Ink::Warning,
            Status::Critical => Ink::Critical,
            Status::Unknown => Ink::Unknown,
        }
    }

    /// The terminal's sequence; `None` for plain text.
    pub fn sequence(self) -> Option<&'static str> {
        match self {
            Ink::Plain => None,
            Ink::Bold => Some("\x1b[1m"),
            Ink::Dim => Some("\x1b[2m"),
            Ink::Good => Some("\x1b[1;32m"),
            Ink::Notice => Some("\x1b[36m"),
            Ink::Warning => Some("\x1b[1;33m"),
            Ink::Unknown => Some("\x1b[1;35m"),
            Ink::Critical => Some("\x1b[1;31m"),
        }
    }
}

/// The report as it grows.
pub struct Page {
    /// Columns for tables and log lines.
    pub width: usize,
    /// Columns for sentences and rules.
    pub prose: usize,
    pub colour: bool,
    pub unicode: bool,
    out: String,
}

impl Page {
    pub fn new(style: &Style) -> Self {
        let width = style.width.max(MIN_WIDTH);
        Page {
            width,
            prose: width.min(PROSE),
            colour: style.colour,
            unicode: style.unicode,
            out: String::new(),
        }
    }

    pub fn finish(self) -> String {
        self.out
    }

    /// Lines so far.
    pub fn lines(&self) -> usize {
        self.out.matches('\n').count()
    }

    /// `text` as it may stand here: harmless, and in ASCII where nothing else is wanted.
    pub fn text(&self, text: &str) -> String {
        let safe = sanitize::line(text);
        if self.unicode { safe.into_owned() } else { sanitize::ascii(&safe).into_owned() }
    }

    /// `text`, safe already, in at most `columns` columns.
    pub fn cut(&self, text: &str, columns: usize) -> String {
        sanitize::truncate_with(text, columns, self.ellipsis()).into_owned()
    }

    pub fn ellipsis(&self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }

    pub fn blank(&mut self) {
        self.out.push('\n');
    }

    /// One line of pieces; what is beyond the width is cut.
    pub fn line(&mut self, pieces: &[(Ink, &str)]) {
        let mut room = self.width;
        let last = pieces.iter().rposition(|(_, text)| !text.trim_end().is_empty());
        for (at, (ink, text)) in pieces.iter().enumerate() {
            let safe = self.text(text);
            let safe = if Some(at) == last { safe.trim_end() } else { safe.as_str() };
            if last.is_none_or(|last| at > last) {
                break;
            }
            let cut = self.cut(safe, room);
            room -= sanitize::width(&cut).min(room);
            self.paint(*ink, &cut);
        }
        self.out.push('\n');
    }

    /// A line that is laid out and painted already.
    pub fn ready(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    /// A section's head: bold, ruled to the width.
    pub fn heading(&mut self, text: &str) {
        self.blank();
        let text = self.text(text);
        let text = self.cut(&text, self.prose);
        let room = self.prose.saturating_sub(sanitize::width(&text) + 1);
        let rule = if self.unicode { "─" } else { "-" }.repeat(room);
        self.line(&[(Ink::Bold, &text), (Ink::Plain, " "), (Ink::Dim, &rule)]);
    }

    /// `text` wrapped behind `lead`, its further lines indented as far as the lead is wide.
    pub fn wrapped(&mut self, lead: &[(Ink, &str)], ink: Ink, text: &str) {
        self.wrapped_to(lead, ink, text, usize::MAX);
    }

    /// [`Page::wrapped`], at most `lines` lines of it.
    pub fn wrapped_to(&mut self, lead: &[(Ink, &str)], ink: Ink, text: &str, lines: usize) {
        self.wrapped_in(self.prose, lead, ink, text, lines);
    }

    /// [`Page::wrapped_to`], over the page's whole width: for text that came in lines of its own.
    pub fn wrapped_wide(&mut self, lead: &[(Ink, &str)], ink: Ink, text: &str, lines: usize) {
        self.wrapped_in(self.width, lead, ink, text, lines);
    }

    fn wrapped_in(&mut self, width: usize, lead: &[(Ink, &str)], ink: Ink, text: &str, lines: usize) {
        let indent: usize = lead.iter().map(|(_, text)| sanitize::width(text)).sum();
        // A lead that leaves no room for words gets its own line.
        let (indent, alone) = if indent + 16 > width { (4, true) } else { (indent, false) };
        if alone {
            self.line(lead);
        }
        let rows = self.wrap(text, width - indent);
        let more = rows.len() > lines;
        for (at, row) in rows.iter().take(lines).enumerate() {
            let cut = if more && at + 1 == lines {
                let room = width - indent - sanitize::width(self.ellipsis());
                format!("{}{}", sanitize::truncate_with(row, room, ""), self.ellipsis())
            } else {
                row.clone()
            };
            let space = " ".repeat(indent);
            if at == 0 && !alone {
                let mut pieces = lead.to_vec();
                pieces.push((ink, &cut));
                self.line(&pieces);
            } else {
                self.line(&[(Ink::Plain, &space), (ink, &cut)]);
            }
        }
    }

    /// The lines that `text` takes in `columns` columns, at least one.
    pub fn wrap(&self, text: &str, columns: usize) -> Vec<String> {
        wrap(&self.text(text), columns)
    }

    fn paint(&mut self, ink: Ink, text: &str) {
        // Writing to a String cannot fail.
        let _ = match ink.sequence().filter(|_| self.colour && !text.trim().is_empty()) {
            Some(start) => write!(self.out, "{start}{text}\x1b[0m"),
            None => write!(self.out, "{text}"),
        };
    }
}

/// Words into lines of at most `columns` columns; a word that is wider is broken.
fn wrap(text: &str, columns: usize) -> Vec<String> {
    // A wide character needs two columns.
    let columns = columns.max(2);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        let wide = sanitize::width(word);
        if used > 0 && used + 1 + wide > columns {
            lines.push(std::mem::take(&mut line));
            used = 0;
        } else if !line.is_empty() {
            line.push(' ');
            used += 1;
        }
        if used + wide <= columns {
            line.push_str(word);
            used += wide;
            continue;
        }
        for c in word.chars() {
            let wide = c.width().unwrap_or(0);
            if used + wide > columns {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += wide;
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_wrapped_and_long_ones_broken() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("日本語", 5), ["日本", "語"]);
        assert_eq!(wrap("", 5), [""]);
        assert!(wrap("a  b   c", 3).iter().all(|line| line.len() <= 3));
    }

    #[test]
    fn no_line_is_wider_than_the_page() {
        let mut page = Page::new(&Style { width: 40, colour: false, unicode: true });
        page.heading(&"long ".repeat(30));
        page.wrapped(&[(Ink::Plain, &"lead ".repeat(12))], Ink::Plain, &"日".repeat(100));
        page.wrapped_to(&[(Ink::Plain, "lead ")], Ink::Plain, &"word ".repeat(100), 2);
        page.line(&[(Ink::Bold, &"x".repeat(39)), (Ink::Dim, "日本")]);
        assert!(page.finish().lines().all(|line| sanitize::width(line) <= 40));
    }
}
