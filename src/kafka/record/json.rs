//! Records as JSON: log4j2's JsonTemplateLayout and JsonLayout, ECS, logstash, and docker's json-file
//! driver, which wraps every physical line of any layout.

use serde_json::{Map, Value};

use super::Header;
use crate::kafka::event::Level;

/// Docker writes `{"log":"LINE\n","stream":"stdout","time":"…"}`.
pub(super) const DOCKER: &str = "{\"log\":\"";

/// Bytes at a line's start that a header is looked for in.
const HEAD: usize = 4096;

/// The header of a line that is a JSON object. Nothing is unescaped: times and levels have nothing to
/// escape.
pub(super) fn header(line: &str) -> Option<Header<'_>> {
    let mut end = HEAD.min(line.len());
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    // The level may stand behind a long message: then the whole line is searched.
    let head = line.get(..end)?;
    let find = |keys: &[&str]| {
        keys.iter().find_map(|key| field(head, key)).or_else(|| keys.iter().find_map(|key| field(line, key)))
    };
    let level = level(find(&["log.level", "level", "severity", "loglevel"])?)?;
    let time = find(&["@timestamp", "timestamp", "time", "timeMillis", "epochSecond", "ts"])?;
    Some(Header { time, level, rest: line })
}

fn level(word: &str) -> Option<Level> {
    let word = word.trim();
    Some(match word.to_ascii_uppercase().as_str() {
        "WARNING" => Level::Warn,
        "CRITICAL" | "SEVERE" => Level::Fatal,
        other => match super::level(other) {
            Level::Unknown => return None,
            known => known,
        },
    })
}

/// The text or number of a key, as it stands.
fn field<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let mut rest = line;
    loop {
        let at = rest.find(key)?;
        let behind = rest.get(at + key.len()..)?;
        let quoted = at > 0 && rest.as_bytes().get(at - 1) == Some(&b'"');
        rest = behind;
        let Some(value) = behind.strip_prefix('"').filter(|_| quoted) else { continue };
        let Some(value) = value.trim_start().strip_prefix(':').map(str::trim_start) else { continue };
        let found = match value.strip_prefix('"') {
            Some(text) => text.split('"').next(),
            None => {
                let end = value.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
                value.get(..end).filter(|digits| !digits.is_empty())
            }
        };
        match found {
            Some(found) if !found.is_empty() => return Some(found),
            _ => continue,
        }
    }
}

/// A JSON record as Kafka's own layout would have it: `[TIME] LEVEL MESSAGE (LOGGER)`, then the lines of
/// the stack trace. `None` where the line is no JSON.
pub(super) fn unfold(line: &str) -> Option<Vec<String>> {
    let Value::Object(fields) = serde_json::from_str(line).ok()? else { return None };
    if let (Some(Value::String(log)), true) = (fields.get("log"), fields.contains_key("stream")) {
        let text = log.trim_end_matches(['\n', '\r']);
        return Some(super::unfold(text).unwrap_or_else(|| vec![text.to_owned()]));
    }
    let header = header(line)?;
    let message = text(&fields, &["message", "msg"]).unwrap_or_default();
    let mut lines = message.lines();
    let mut first = format!("[{}] {} {}", header.time, word(header.level), lines.next().unwrap_or_default());
    if let Some(logger) = text(&fields, &["logger_name", "loggerName", "log.logger", "logger"]) {
        first.push_str(&format!(" ({logger})"));
    }
    let mut all = vec![first];
    all.extend(lines.map(str::to_owned));
    let trace = ["stack_trace", "error.stack_trace", "stackTrace", "stacktrace", "exception"];
    if let Some(trace) = text(&fields, &trace) {
        all.extend(trace.lines().map(str::to_owned));
    } else if let Some(Value::Object(inner)) =
        ["thrown", "error", "exception"].iter().find_map(|key| fields.get(*key))
    {
        let name = text(inner, &["name", "type", "exception_class"]).unwrap_or_default();
        let said = text(inner, &["message", "exception_message"]).unwrap_or_default();
        all.push(format!("{name}: {said}"));
        if let Some(trace) = text(inner, &["extendedStackTrace", "stack_trace", "stacktrace"]) {
            all.extend(trace.lines().skip(1).map(str::to_owned));
        }
    }
    Some(all)
}

/// A text by the first of its names; dots also lead into objects (ECS writes both).
fn text<'a>(fields: &'a Map<String, Value>, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| match fields.get(*name) {
        Some(Value::String(text)) => Some(text.as_str()),
        Some(_) => None,
        None => {
            let (outer, inner) = name.split_once('.')?;
            fields.get(outer)?.get(inner)?.as_str()
        }
    })
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Trace => "TRACE",
        Level::Debug => "DEBUG",
        Level::Info => "INFO",
        Level::Warn => "WARN",
        Level::Error => "ERROR",
        Level::Fatal => "FATAL",
        Level::Unknown => "UNKNOWN",
    }
}
