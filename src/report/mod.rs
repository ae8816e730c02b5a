//! A round, its comparison and its findings, rendered. Pure: the same report in the same style gives
//! the same bytes, "now" being the end of the round.

use std::path::Path;
use std::str::FromStr;

use crate::compare::{Cluster, Comparison};
use crate::diagnose::finding::{Finding, Severity};
use crate::history::Since;
use crate::round::Round;

pub mod csv;
mod digest;
#[cfg(test)]
pub(crate) mod fixture;
pub mod fold;
pub mod html;
pub mod json;
pub mod markdown;
mod measure;
pub mod nagios;
pub mod ndjson;
pub mod prometheus;
mod quiet;
pub mod table;

pub use crate::diagnose::{Status, Verdict};
pub use digest::timeline::Filter;
pub use measure::bytes;
pub use prometheus::Metrics;
pub use quiet::quiet;

/// Everything that a format renders.
pub struct Report<'a> {
    pub round: &'a Round,
    pub comparison: &'a Comparison<'a>,
    /// Worst first.
    pub findings: &'a [Finding],
    pub verdict: Verdict,
    /// What changed since an earlier round; `None` without one.
    pub since: Option<&'a Since>,
    /// What the timelines for people are limited to; files for programs hold every event.
    pub timeline: Filter,
    /// What becomes metrics.
    pub metrics: Metrics,
}

/// What the reader's terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Columns.
    pub width: usize,
    pub colour: bool,
    /// `false`: ASCII alone.
    pub unicode: bool,
}

/// How many findings there are of each severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub critical: usize,
    pub unknown: usize,
    pub warning: usize,
    pub notice: usize,
    /// Of whatever severity; they are in none of the other numbers.
    pub acknowledged: usize,
}

impl Counts {
    /// The counts of some findings.
    pub fn of(findings: &[Finding]) -> Self {
        let (known, open): (Vec<&Finding>, Vec<&Finding>) =
            findings.iter().partition(|finding| finding.acknowledged.is_some());
        let of = |severity| open.iter().filter(|finding| finding.severity == severity).count();
        Counts {
            critical: of(Severity::Critical),
            unknown: of(Severity::Unknown),
            warning: of(Severity::Warning),
            notice: of(Severity::Notice),
            acknowledged: known.len(),
        }
    }
}

impl Cluster {
    /// The inventory's name of the broker at `index`.
    pub(crate) fn host(&self, index: usize) -> Option<&str> {
        self.brokers.get(index).map(|broker| broker.host.as_str())
    }
}

/// A severity's word.
pub fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "CRITICAL",
        Severity::Unknown => "UNKNOWN",
        Severity::Warning => "WARNING",
        Severity::Notice => "NOTICE",
    }
}

/// A format that a report can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a terminal.
    Table,
    /// For a ticket.
    Markdown,
    /// For a browser: one page that needs nothing else.
    Html,
    /// For programs: `docs/report.schema.json`.
    Json,
    /// Events and findings, a JSON object a line, for log shippers.
    Ndjson,
    /// Metrics for node_exporter's textfile collector.
    Prometheus,
    /// A monitoring plugin's output.
    Nagios,
    /// The replica table.
    Csv,
}

impl Format {
    /// All formats, with the name that the command line knows each by.
    pub const ALL: [(&'static str, Format); 8] = [
        ("table", Format::Table),
        ("markdown", Format::Markdown),
        ("html", Format::Html),
        ("json", Format::Json),
        ("ndjson", Format::Ndjson),
        ("prometheus", Format::Prometheus),
        ("nagios", Format::Nagios),
        ("csv", Format::Csv),
    ];

    /// The format that a file's extension asks for.
    pub fn of_path(path: &Path) -> Option<Format> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "txt" | "text" | "log" => Some(Format::Table),
            "md" | "markdown" => Some(Format::Markdown),
            "html" | "htm" => Some(Format::Html),
            "json" => Some(Format::Json),
            "ndjson" | "jsonl" => Some(Format::Ndjson),
            "prom" => Some(Format::Prometheus),
            "csv" => Some(Format::Csv),
            _ => None,
        }
    }
}

impl FromStr for Format {
    type Err = String;

    /// By name; `md` and `text` are understood too.
    fn from_str(name: &str) -> Result<Self, String> {
        let long = match name {
            "md" => "markdown",
            "text" | "txt" => "table",
            "prom" => "prometheus",
            name => name,
        };
        match Format::ALL.iter().find(|(known, _)| *known == long) {
            Some((_, format)) => Ok(*format),
            None => {
                let known: Vec<&str> = Format::ALL.iter().map(|(known, _)| *known).collect();
                Err(format!("no format `{name}`; there are: {}", known.join(", ")))
            }
        }
    }
}

/// The report in a format, ending in a line feed. The style is the terminal's; the other formats take
/// no notice of it.
pub fn render(report: &Report, format: Format, style: &Style) -> String {
    match format {
        Format::Table => table::table(report, style),
        Format::Markdown => markdown::markdown(report),
        Format::Html => html::html(report),
        Format::Json => json::json(report),
        Format::Ndjson => ndjson::ndjson(report),
        Format::Prometheus => prometheus::prometheus(report),
        Format::Nagios => nagios::nagios(report),
        Format::Csv => csv::csv(report),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_known_by_name_and_by_extension() {
        assert_eq!("markdown".parse(), Ok(Format::Markdown));
        assert_eq!("md".parse(), Ok(Format::Markdown));
        assert_eq!(
            "jsn".parse::<Format>(),
            Err("no format `jsn`; there are: table, markdown, html, json, ndjson, prometheus, nagios, csv"
                .to_owned())
        );
        assert_eq!(Format::of_path(Path::new("/tmp/a.b.JSON")), Some(Format::Json));
        assert_eq!(Format::of_path(Path::new("report.md")), Some(Format::Markdown));
        assert_eq!(Format::of_path(Path::new("report")), None);
        assert_eq!(Format::of_path(Path::new("a.xls")), None);
    }

    #[test]
    fn the_same_report_gives_the_same_bytes() {
        let style = Style { width: 100, colour: true, unicode: true };
        for (_, format) in Format::ALL {
            let [one, other] =
                [fixture::incident(), fixture::incident()].map(|case| render(&case.report(), format, &style));
            assert_eq!(one, other);
            assert!(one.ends_with('\n') && !one.ends_with("\n\n"));
        }
    }
}
