use crate::diagnose::finding::Finding;
use crate::kafka::event::Uncertain;
use crate::kafka::event::Weight;
use crate::report::fixture::{Case, healthy, hostile, incident, unseen};
use crate::report::table::table;
use crate::report::{Filter, Format, Report, Style, render};
use crate::sanitize;

fn drawn(case: &Case, width: usize, colour: bool, unicode: bool) -> String {
    table(&case.report(), &Style { width, colour, unicode })
}

/// The text of a coloured report without its colours.
fn uncoloured(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("\x1b[") {
        plain.push_str(&rest[..start]);
        let end = rest[start..].find('m').expect("a colour ends in m");
        assert!(rest[start + 2..start + end].chars().all(|c| c.is_ascii_digit() || c == ';'));
        rest = &rest[start + end + 1..];
    }
    plain + rest
}

#[test]
fn the_incident_at_80_columns_in_ascii() {
    insta::assert_snapshot!("incident_80", drawn(&incident(), 80, false, false));
}

#[test]
fn the_incident_at_120_columns() {
    insta::assert_snapshot!("incident_120", drawn(&incident(), 120, false, true));
}

#[test]
fn the_incident_at_200_columns() {
    insta::assert_snapshot!("incident_200", drawn(&incident(), 200, false, true));
}

#[test]
fn a_healthy_fleet_is_one_screen() {
    let text = drawn(&healthy(), 80, false, false);
    assert!(text.lines().count() <= 24);
    insta::assert_snapshot!("healthy_80", text);
}

#[test]
fn half_a_fleet_unseen() {
    insta::assert_snapshot!("unseen_80", drawn(&unseen(), 80, false, false));
}

#[test]
fn hostile_nodes() {
    insta::assert_snapshot!("hostile_80", drawn(&hostile(), 80, false, false));
}

#[test]
fn the_first_screen_is_enough_to_act_on() {
    let text = drawn(&incident(), 80, false, false);
    let screen: Vec<&str> = text.lines().take(24).collect();
    let screen = screen.join("\n");
    assert!(screen.starts_with("CRITICAL  5 critical, 1 warning, 1 notice"));
    for words in ["6,572,461 offsets", "! Do not stop, restart or clean", "cleaner of 10.200.8.176 is dead"] {
        assert!(screen.contains(words), "{words} in\n{screen}");
    }
}

#[test]
fn the_first_screen_counts_what_it_has_no_room_for() {
    let mut case = incident();
    let many: Vec<Finding> = (0..40).map(|_| case.findings[5].clone()).collect();
    case.findings.extend(many);
    let text = drawn(&case, 80, false, false);
    let more = text.lines().position(|line| line.contains("more findings below")).expect("a count");
    assert!(more < 24, "on line {more}");
    assert!(text.lines().take(24).any(|line| line.contains("40 warning, 1 notice")), "{text}");
}

#[test]
fn no_line_is_wider_than_asked_and_nothing_acts_on_the_terminal() {
    for case in [incident(), healthy(), unseen(), hostile()] {
        for width in [0, 40, 57, 80, 100, 120, 200, 1000] {
            for unicode in [false, true] {
                let text = drawn(&case, width, false, unicode);
                for line in text.lines() {
                    assert!(sanitize::width(line) <= width.max(40), "{width}: {line}");
                    assert!(!line.chars().any(sanitize::is_unprintable), "{line:?}");
                    assert_eq!(line.trim_end(), line, "no blanks at the end");
                }
                assert!(unicode || text.is_ascii());
            }
        }
    }
}

#[test]
fn colour_changes_no_letter() {
    for case in [incident(), healthy(), unseen(), hostile()] {
        let coloured = drawn(&case, 100, true, true);
        assert!(coloured.contains("\x1b["));
        let lines = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
        assert_eq!(lines(&uncoloured(&coloured)), lines(&drawn(&case, 100, false, true)));
    }
}

#[test]
fn a_narrow_page_loses_no_number() {
    let text = drawn(&incident(), 40, false, false);
    for number in ["3,734,742", "3,179,215", "555,527", "180881591", "44.3 GiB", "23.6"] {
        assert!(text.contains(number), "{number} in\n{text}");
    }
}

#[test]
fn odd_rows_beyond_forty_are_counted() {
    let mut case = incident();
    let topic = &mut case.comparison.clusters[0].topics[0];
    let odd = topic.partitions[1].clone();
    topic.partitions.extend((36..100).map(|number| {
        let mut more = odd.clone();
        more.partition = number;
        more
    }));
    let text = drawn(&case, 80, false, false);
    assert!(text.contains("48 more odd partitions"), "{text}");
    assert!(text.contains("88 odd of 100"));
}

#[test]
fn a_shared_domain_is_said_once() {
    let mut case = incident();
    for (at, broker) in case.comparison.clusters[0].brokers.iter_mut().enumerate() {
        broker.host = format!("queue-{at}.dc1.example.net");
    }
    let text = drawn(&case, 80, false, false);
    assert_eq!(text.matches("Names are without .dc1.example.net.").count(), 1, "{text}");
    assert!(text.contains("  queue-0 / queue-2"));
}

#[test]
fn many_brokers_are_named_in_words() {
    let mut case = incident();
    let cluster = &mut case.comparison.clusters[0];
    let broker = cluster.brokers[0].clone();
    for number in 3..30 {
        let host = format!("10.200.8.{number}");
        cluster.brokers.push(crate::compare::Broker { host, ..broker.clone() });
    }
    for (at, partition) in cluster.topics[0].partitions.iter_mut().enumerate() {
        for replica in partition.replicas.iter_mut().filter(|replica| replica.broker == 0) {
            replica.broker = at % 27 + 3;
        }
    }
    let text = drawn(&case, 80, false, false);
    assert!(text.contains("replicas, larger first"), "{text}");
    assert!(text.contains(".4 1.80 GiB, .183 78.0 MiB"), "{text}");
}

/// The incident as its reader limited it: critical alone, one broker's clock off.
fn doubtful() -> Case {
    let mut case = incident();
    for event in &mut case.comparison.events {
        if event.host.ends_with("176") {
            event.uncertain = Some(Uncertain::Clock { ahead_s: -900 });
        }
    }
    case
}

#[test]
fn a_timeline_of_one_topic_says_so_and_marks_what_is_uncertain() {
    let case = doubtful();
    let filter = Filter { topic: Some("complete*".into()), severity: Some(Weight::Critical) };
    let report = Report { timeline: filter, ..case.report() };
    let style = Style { width: 100, colour: false, unicode: true };
    let text = table(&report, &style);
    let from = text.find("Timeline").expect("a timeline");
    let end = text[from..].find("\n\n").map_or(text.len(), |end| from + end);
    insta::assert_snapshot!("timeline_limited", &text[from..end]);
    for (format, mark) in [(Format::Markdown, "| ~2017-"), (Format::Html, "<td class=\"n\">~2017-")] {
        let other = render(&report, format, &style);
        assert!(other.contains("topics like") && other.contains("what is critical"), "{format:?}");
        assert!(other.contains("was up to 900 s off") && other.contains(mark), "{format:?}");
        assert!(!other.contains("broker started"), "{format:?}");
    }
    let all = render(&report, Format::Json, &style);
    assert_eq!(all.matches("\"class\": \"fetch_reset\"").count(), 12);
    assert!(all.contains("\"uncertain\": \"the node's clock was 900 s behind"));
}

#[test]
fn a_filter_that_leaves_nothing_is_not_silent() {
    let case = incident();
    let filter = Filter { topic: None, severity: Some(Weight::Critical) };
    let mut none = case.comparison.clone();
    none.events.retain(|event| event.class.severity() < Weight::Critical);
    let report = Report { timeline: filter, comparison: &none, ..case.report() };
    let style = Style { width: 100, colour: false, unicode: true };
    for format in [Format::Table, Format::Markdown, Format::Html] {
        assert!(render(&report, format, &style).contains("Nothing is left of it."), "{format:?}");
    }
}
