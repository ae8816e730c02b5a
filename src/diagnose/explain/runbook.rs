//! The texts as runbook pages: what whoever is called at night reads, in the order in which it is needed.

use std::fmt::Write;

use super::Text;

impl Text {
    /// Whether the code is ever the reason to wake somebody.
    pub fn can_be_critical(&self) -> bool {
        self.severity.contains("critical")
    }
}

/// The pages one after the other, as Markdown: what not to do stands first.
pub fn runbook(texts: &[Text]) -> String {
    texts.iter().map(section).collect::<Vec<_>>().join("\n")
}

fn section(text: &Text) -> String {
    let word = text.code.word();
    let mut page = format!("# {word}\n\n{}.\n\n**Severity:** {}.\n", text.summary, text.severity);
    // Writing to a string cannot fail.
    let mut list = |head: &str, points: &[&str]| {
        let _ = write!(page, "\n## {head}\n\n");
        for (at, point) in points.iter().enumerate() {
            let _ = writeln!(page, "{}. {point}", at + 1);
        }
    };
    list("First: do not", text.never);
    list("Then", text.act);
    let _ = write!(
        page,
        "\n## See for yourself\n\nWords in capitals stand for your own: `LOG_DIR` is one of Kafka's `log.dirs`, \
         `LOGS` the directory that log4j\nwrites to.\n\n```sh\n{}\n```\n",
        text.confirm.join("\n")
    );
    let _ = write!(
        page,
        "\n## What it means\n\n{}\n\n## When it fires\n\n{}\n\n**Versions.** {}\n",
        text.meaning, text.rule, text.versions
    );
    let _ = write!(
        page,
        "\n## When it is over\n\nLook again: `roundsman run playbooks/kafka-audit.yml -i INVENTORY`. The finding is \
         gone, or says that it ended and when.\nA node that was not seen proves nothing: the report then says UNKNOWN.\n"
    );
    page
}
