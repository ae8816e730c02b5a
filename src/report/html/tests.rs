use super::*;
use crate::report::fixture::{healthy, hostile, incident, unseen};

#[test]
fn the_incident_reads_from_verdict_to_coverage() {
    let page = html(&incident().report());
    let order = [
        "<header class=\"verdict CRITICAL\">",
        "id=\"f1\"",
        "Brokers of",
        "class=\"heat\"",
        "Timeline",
        "Coverage",
        "How it was run",
    ];
    let places: Vec<Option<usize>> = order.iter().map(|mark| page.find(mark)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}");
    assert!(page.contains("6,572,461"));
    assert!(page.contains("href=\"https://issues.apache.org/jira/browse/KAFKA-4497\""));
    assert_eq!(page.matches("\" title=\"").count(), 36);
}

#[test]
fn nothing_is_loaded_and_nothing_runs() {
    for case in [incident(), healthy(), hostile(), unseen()] {
        let page = html(&case.report());
        let policy = format!("style-src 'sha256-{}'", *STYLE_HASH);
        assert!(page.contains(&policy) && page.contains("default-src 'none'"));
        // The policy's hash is of what stands between the tags, byte for byte.
        let style = page.split("<style>").nth(1).and_then(|rest| rest.split("</style>").next());
        assert_eq!(style, Some(STYLE));
        for word in ["<script", " style=", "http-equiv=\"refresh\"", "<img", "<link", "@import", "url("] {
            assert!(!page.contains(word), "{word}");
        }
        for link in page.split("href=\"").skip(1) {
            assert!(
                link.starts_with('#') || link.starts_with("https://issues.apache.org/"),
                "{}",
                &link[..40]
            );
        }
    }
}

#[test]
fn a_nodes_text_stays_text() {
    let page = html(&hostile().report());
    assert!(!page.contains('\x1b') && !page.contains('\u{202e}'));
    assert!(!page.contains("javascript:alert"));
    let tags = page.matches('<').count();
    let mut case = hostile();
    for finding in &mut case.findings {
        finding.title = "<script>alert(1)</script><b onmouseover=x>\"'".into();
    }
    assert_eq!(html(&case.report()).matches('<').count(), tags, "no text opens a tag");
}

#[test]
fn what_was_not_seen_is_said() {
    let page = html(&unseen().report());
    assert!(page.contains("Not seen:") && !page.contains("All that was asked for was seen"));
    assert!(html(&healthy().report()).contains("All that was asked for was seen"));
}
