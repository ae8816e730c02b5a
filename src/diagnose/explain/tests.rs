use super::*;
use crate::diagnose::code::Code;

#[test]
fn every_code_has_a_whole_text() {
    for text in all() {
        let word = text.code.word();
        assert_eq!(super::text(text.code).code, text.code, "{word}");
        assert!(!text.summary.is_empty() && text.summary.len() <= 80, "{word}: {}", text.summary);
        assert!(
            text.meaning.len() > 40 && text.rule.ends_with('.') && text.versions.ends_with('.'),
            "{word}"
        );
        assert!(!text.confirm.is_empty() && !text.act.is_empty() && !text.never.is_empty(), "{word}");
        assert!(!text.rule.contains("  ") && !text.meaning.contains("  "), "{word}");
    }
    assert_eq!(all().len(), Code::ALL.len());
}

#[test]
fn the_rules_numbers_are_the_thresholds() {
    let limits = crate::round::Thresholds::default();
    let rule = text(Code::DiskFull).rule;
    assert!(rule.contains(&format!("{:.0} %", limits.disk_full)), "{rule}");
    let rule = text(Code::CleanerDead).rule;
    assert!(rule.contains("90 %") && rule.contains("50 %") && rule.contains("24 h"), "{rule}");
}

#[test]
fn the_list_fits_a_terminal() {
    let page = list(80);
    assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
    assert!(Code::ALL.iter().all(|code| page.contains(code.word())));
    for text in all() {
        let page = super::page(&text, 80);
        let commands = text.confirm.join("\n");
        let long = page.lines().filter(|line| line.chars().count() > 80);
        // Only a command may be longer: a folded one could not be copied.
        assert!(long.into_iter().all(|line| commands.contains(line.trim())), "{page}");
    }
}

#[test]
fn the_document_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/findings.md");
    let current = markdown(&all());
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == current,
        "docs/findings.md is not what `roundsman explain --format markdown` prints: write it anew"
    );
}

#[test]
fn programs_get_every_field() {
    let value: serde_json::Value = serde_json::from_str(&json(&all())).unwrap();
    let codes = value["codes"].as_array().unwrap();
    assert_eq!(codes.len(), Code::ALL.len());
    assert!(codes.iter().all(|code| code["do_not"].is_array() && code["rule"].is_string()));
}
