//! The texts as pages: for a terminal, for a document, for programs.

use std::fmt::Write;

use super::{Text, all};

/// Every code on a line: word and summary, folded to a width in columns.
pub fn list(width: usize) -> String {
    let texts = all();
    let column = texts.iter().map(|text| text.code.word().len()).max().unwrap_or(0) + 2;
    let mut page = String::new();
    for text in texts {
        let lines = wrap(text.summary, width.saturating_sub(column).max(20));
        for (at, line) in lines.iter().enumerate() {
            let word = if at == 0 { text.code.word() } else { "" };
            line_of(&mut page, &format!("{word:column$}{line}"));
        }
    }
    page
}

/// One code in full, folded to a width in columns. Commands stay whole.
pub fn page(text: &Text, width: usize) -> String {
    let mut page = String::new();
    line_of(&mut page, &format!("{}: {}", text.code.word(), text.summary));
    let mut section = |head: &str, lines: Vec<String>| {
        page.push('\n');
        line_of(&mut page, head);
        for line in lines {
            line_of(&mut page, &format!("  {line}"));
        }
    };
    let inner = width.saturating_sub(2).max(20);
    section("Severity", wrap(text.severity, inner));
    section("Meaning", wrap(text.meaning, inner));
    section("Rule", wrap(&text.rule, inner));
    section("Versions", wrap(text.versions, inner));
    section("See for yourself", text.confirm.iter().map(|command| (*command).to_owned()).collect());
    section("Do", points(text.act, inner));
    let never: Vec<String> = text.never.iter().map(|never| plain(never)).collect();
    section("Do not", points(&never, inner));
    page
}

fn points<T: AsRef<str>>(points: &[T], width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for point in points {
        for (at, line) in wrap(point.as_ref(), width.saturating_sub(2).max(20)).into_iter().enumerate() {
            lines.push(format!("{} {line}", if at == 0 { "-" } else { " " }));
        }
    }
    lines
}

fn line_of(page: &mut String, line: &str) {
    page.push_str(line.trim_end());
    page.push('\n');
}

/// Words in lines of at most `width` columns; a longer word has a line of its own. The texts are ASCII but
/// for an ellipsis or two.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// All codes as one document: `docs/findings.md`.
pub fn markdown(texts: &[Text]) -> String {
    let mut page = String::from(
        "# Findings\n\nWhat each code means, when it fires, and what to do. `roundsman explain CODE` shows the same; \
         this page is\n`roundsman explain --format markdown`. Thresholds are the defaults; a playbook's \
         [`expect`](playbooks.md#expectations)\nsets others. In commands the words in capitals stand for \
         your own: `LOG_DIR` is one of Kafka's `log.dirs`, `LOGS`\nthe directory that log4j writes to.\n\n\
         | code | |\n|---|---|\n",
    );
    // Writing to a string cannot fail.
    for text in texts {
        let _ = writeln!(page, "| [`{0}`](#{0}) | {1} |", text.code.word(), text.summary);
    }
    for text in texts {
        let _ = write!(page, "\n{}", section(text));
    }
    page
}

fn section(text: &Text) -> String {
    let mut page = format!("## {}\n\n**{}.** {}\n", text.code.word(), text.summary, text.meaning);
    let _ = write!(page, "\n- **Severity:** {}\n- **Rule:** {}\n", text.severity, text.rule);
    let _ = writeln!(page, "- **Versions:** {}", text.versions);
    let _ = write!(page, "\n```sh\n{}\n```\n\nDo:\n\n", text.confirm.join("\n"));
    for act in text.act {
        let _ = writeln!(page, "- {act}");
    }
    page.push_str("\nDo not:\n\n");
    for never in text.never {
        let _ = writeln!(page, "- {}", plain(never));
    }
    page
}

/// A warning under a heading that says `Do not` already.
fn plain(never: &str) -> String {
    let Some(rest) = never.strip_prefix("Do not ") else { return never.to_owned() };
    let mut letters = rest.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The texts for programs: `roundsman.explain/1`.
pub fn json(texts: &[Text]) -> String {
    let page = serde_json::json!({ "schema": "roundsman.explain/1", "codes": texts });
    format!("{page:#}\n")
}
