//! Kafka's own files and names: log records, checkpoints, meta.properties, replica directories.
#![no_main]

use libfuzzer_sys::fuzz_target;
use roundsman::kafka::event::Level;
use roundsman::kafka::{catalogue, checkpoint, harmless, meta_properties, record, replica_dir};

fuzz_target!(|text: &str| {
    let _ = (checkpoint::parse(text), meta_properties::parse(text));
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for line in &lines {
        if let Some(header) = record::header(line) {
            assert!(record::is_header(line));
            let _ = record::timestamp(header.time, Some(7200));
            let _ = (record::local_millis(header.time), record::origin(&header));
        }
        let _ = (replica_dir::parse(line), harmless::why(line, lines.last(), Level::Error), record::unfold(line));
    }
    if let Some((first, rest)) = lines.split_first() {
        let _ = catalogue::classify(first, rest, Level::Error);
    }
});
