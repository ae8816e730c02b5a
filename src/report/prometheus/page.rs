//! The text exposition format, written.

use std::collections::HashSet;
use std::fmt::Write as _;

use crate::sanitize;

/// The text in the making. A metric without samples leaves nothing behind.
#[derive(Default)]
pub struct Page {
    text: String,
    name: &'static str,
    /// Of every sample, as they are written: `,fleet="a"`.
    common: String,
    head: String,
    /// The series of the metric at hand.
    seen: HashSet<String>,
}

impl Page {
    /// A page whose every sample has these labels behind its own.
    pub fn with_labels(labels: &[(String, String)]) -> Self {
        let mut page = Page::default();
        for (name, value) in labels {
            label(&mut page.common, name, value);
        }
        page
    }

    /// Begins a metric.
    pub fn gauge(&mut self, name: &'static str, help: &str) {
        self.name = name;
        self.head = format!("# HELP {name} {help}\n# TYPE {name} gauge\n");
        self.seen.clear();
    }

    /// A sample of the metric at hand. The first of two with the same labels stands: for the second the
    /// collector would refuse the whole file, and names from nodes may look alike once they are made visible.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        let mut series = String::from(self.name);
        for (name, value) in labels {
            label(&mut series, name, value);
        }
        series.push_str(&self.common);
        if series.len() > self.name.len() {
            // The first comma opens the list.
            series.replace_range(self.name.len()..=self.name.len(), "{");
            series.push('}');
        }
        if self.seen.contains(&series) {
            return;
        }
        self.text.push_str(&std::mem::take(&mut self.head));
        self.text.push_str(&series);
        self.seen.insert(series);
        // Writing to a String cannot fail.
        let _ = match value {
            value if value.is_infinite() => writeln!(self.text, " +Inf"),
            value => writeln!(self.text, " {value}"),
        };
    }

    /// Everything so far.
    pub fn text(self) -> String {
        self.text
    }
}

/// A label with a comma before it.
fn label(text: &mut String, name: &str, value: &str) {
    text.push(',');
    text.push_str(name);
    text.push_str("=\"");
    escape(text, value);
    text.push('"');
}

/// A label's value: remote text made visible, then what the format itself gives a meaning.
fn escape(text: &mut String, value: &str) {
    for c in sanitize::line(value).chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Page;

    #[test]
    fn names_that_look_alike_make_one_series() {
        let mut page = Page::default();
        page.gauge("one", "The first.");
        page.sample(&[("topic", "a\u{1b}")], 1.0);
        page.sample(&[("topic", "a\\x1b")], 2.0);
        page.sample(&[("topic", "say \"b\"")], f64::INFINITY);
        page.gauge("none", "Without samples.");
        page.gauge("two", "The second.");
        page.sample(&[], 0.5);
        page.sample(&[], 0.6);
        let expected = "# HELP one The first.\n# TYPE one gauge\none{topic=\"a\\\\x1b\"} 1\n\
                        one{topic=\"say \\\"b\\\"\"} +Inf\n# HELP two The second.\n# TYPE two gauge\ntwo 0.5\n";
        assert_eq!(page.text(), expected);
        let mut page = Page::with_labels(&[("fleet".into(), "a".into()), ("dc".into(), "b".into())]);
        page.gauge("one", "The first.");
        page.sample(&[("topic", "t")], 1.0);
        page.sample(&[], 2.0);
        let text = page.text();
        assert!(
            text.ends_with("one{topic=\"t\",fleet=\"a\",dc=\"b\"} 1\none{fleet=\"a\",dc=\"b\"} 2\n"),
            "{text}"
        );
    }
}
