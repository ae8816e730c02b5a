//! Transcripts, logs and the output of Kafka's tools, as somebody may have pasted them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use roundsman::intake::{Brought, Known, Text, du, join, log_dirs, log_text, round_of, topics};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let given = Text { name: "fuzz", text: &text };
    let mut brought = Brought::default();
    brought.du.extend(du::du(given, None, None).ok().map(|answers| ("du".to_owned(), answers)));
    brought.du.extend(du::du(given, Some("1"), None).ok().map(|answers| ("lone".to_owned(), answers)));
    brought.log_dirs.extend(log_dirs::log_dirs(given).ok().map(|answers| ("dirs".to_owned(), answers)));
    brought.topics = topics::topics(given).unwrap_or_default();
    if let Ok(read) = log_text::read(data, 1 << 16) {
        brought.logs.push(join::Log { of: "1".to_owned(), file: "log".to_owned(), read });
    }
    let known = vec![Known { host: "a".to_owned(), broker_id: Some(1), ..Known::default() }];
    let round = round_of(brought, known, "fuzz".to_owned(), "1970-01-01T00:00:00Z".parse().unwrap_or_default());
    let _ = roundsman::compare::compare(&round);
});
