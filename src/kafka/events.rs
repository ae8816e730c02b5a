//! The logs of a round, read into one order of events.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BTreeSet, BinaryHeap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::iter::Peekable;
use std::num::NonZero;
use std::vec::IntoIter;

use jiff::Timestamp;

use crate::kafka::event::{Event, Level};
use crate::kafka::log_clock::{self, LogClock};
use crate::kafka::{catalogue, record};
use crate::round::{Evidence, LogFile, LogRecord, Round, Visit};

/// Everything that the logs of a round say: oldest first, those without a known time last, by host,
/// file and line.
///
/// A line that two probes found counts once, and so does the copy of a line in the file that the
/// standard output goes to.
pub fn of_round(round: &Round) -> Vec<Event<'_>> {
    // Hosts have nothing to do with each other: each core reads some of them.
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let clock_of = log_clock::of_round(round);
    let clock_of = &clock_of;
    let share = round.visits.len().div_ceil(cores).max(1);
    let mut hosts: Vec<Vec<Event<'_>>> = std::thread::scope(|scope| {
        let readers: Vec<_> = round
            .visits
            .chunks(share)
            .map(|visits| {
                let read = |visit| of_visit(visit, &clock_of(visit));
                scope.spawn(move || visits.iter().map(read).collect::<Vec<_>>())
            })
            .collect();
        let read = readers.into_iter().map(|reader| match reader.join() {
            Ok(hosts) => hosts,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        read.flatten().collect()
    });
    hosts.sort_by(|one, other| {
        one.first().map(|event| &event.host).cmp(&other.first().map(|event| &event.host))
    });
    merged(hosts)
}

/// Unknown times come last.
fn when(event: &Event<'_>) -> (bool, Option<Timestamp>) {
    (event.at.is_none(), event.at)
}

/// Brings the hosts' events into one order; each host's are in order already, and so are the hosts.
///
/// An event is large, so it is moved once; a sort would move it several times.
fn merged(hosts: Vec<Vec<Event<'_>>>) -> Vec<Event<'_>> {
    let mut events = Vec::with_capacity(hosts.iter().map(Vec::len).sum());
    let mut hosts: Vec<_> = hosts.into_iter().map(|events| events.into_iter().peekable()).collect();
    let next = |(host, events): (usize, &mut Peekable<IntoIter<Event<'_>>>)| {
        events.peek().map(|event| Reverse((when(event), host)))
    };
    let mut heads: BinaryHeap<_> = hosts.iter_mut().enumerate().filter_map(next).collect();
    while let Some(mut head) = heads.peek_mut() {
        let Reverse((_, host)) = *head;
        let Some(rest) = hosts.get_mut(host) else {
            PeekMut::pop(head);
            continue;
        };
        events.extend(rest.next());
        match next((host, rest)) {
            Some(after) => *head = after,
            None => drop(PeekMut::pop(head)),
        }
    }
    events
}

/// The events of one host, each once, in their order.
fn of_visit<'a>(visit: &'a Visit, clock: &LogClock) -> Vec<Event<'a>> {
    let greps = || {
        visit.probes.iter().filter_map(|answer| match &answer.evidence {
            Evidence::LogGrep(grep) => Some(grep),
            _ => None,
        })
    };
    // Copies come last, so that what they repeat is known by then.
    let paths: BTreeSet<(bool, &str)> =
        greps().flat_map(|grep| &grep.files).map(|file| (is_copy(&file.path), file.path.as_str())).collect();
    let places: HashMap<&str, usize> = paths.iter().enumerate().map(|(at, (_, path))| (*path, at)).collect();
    let mut records: Vec<(usize, &LogFile, &LogRecord)> = Vec::new();
    for grep in greps() {
        let place = |file: &LogFile| places.get(file.path.as_str()).copied().unwrap_or_default();
        let files: Vec<(usize, &LogFile)> = grep.files.iter().map(|file| (place(file), file)).collect();
        // A record of a file that is not listed can have no place; none should exist.
        let placed = grep.records.iter().filter_map(|record| {
            let (place, file) = usize::try_from(record.file).ok().and_then(|file| files.get(file))?;
            Some((*place, *file, record))
        });
        records.extend(placed);
    }
    // Of two readings of one line the one with more of its stack trace comes first and is kept.
    records.sort_by_key(|(place, _, record)| (*place, record.line, Reverse(record.continuation.len())));
    records.dedup_by(|(place, _, record), (kept_place, _, kept)| {
        record.line == kept.line && place == kept_place && record.text == kept.text
    });
    let mut elsewhere: HashMap<u64, usize> = HashMap::new();
    let several = records.first().map(|first| first.0) != records.last().map(|last| last.0);
    let mut events = Vec::with_capacity(records.len());
    for (place, file, record) in records {
        // Records carry milliseconds: the same text in another file of the host is the same record.
        let copied = several && {
            let mut hasher = DefaultHasher::new();
            record.text.hash(&mut hasher);
            *elsewhere.entry(hasher.finish()).or_insert(place) != place
        };
        if !copied || record::header(&record.text).is_none() {
            events.push(event(visit, file, record, clock));
        }
    }
    events.sort_by(|one, other| {
        when(one)
            .cmp(&when(other))
            .then_with(|| one.file.cmp(other.file))
            .then_with(|| one.line.cmp(&other.line))
    });
    events
}

/// Whether a file holds copies of what other files hold: log4j's stdout appender is the root logger's.
fn is_copy(path: &str) -> bool {
    path.contains(".out") || path.contains("journal") || path.contains("stdout")
}

fn event<'a>(visit: &'a Visit, file: &'a LogFile, record: &'a LogRecord, clock: &LogClock) -> Event<'a> {
    let header = record::header(&record.text);
    let behind = level_with(&record.continuation, &file.path);
    let behind = behind.as_ref();
    // What is wrapped is read unwrapped and shown as it came.
    let unfolded = record::unfold(&record.text).map(|lines| {
        let behind =
            behind.iter().flat_map(|line| record::unfold(line).unwrap_or_else(|| vec![line.clone()]));
        lines.into_iter().chain(behind).collect::<Vec<String>>()
    });
    let (text, continuation) = match unfolded.as_deref().and_then(<[String]>::split_first) {
        Some((text, behind)) => (text.as_str(), behind),
        // No message of Kafka speaks of its own time and level, and they need not be looked through.
        None => {
            let said = header.map_or(record.text.as_str(), |header| header.rest);
            (said, behind)
        }
    };
    let level = header.map_or(Level::Unknown, |header| header.level);
    let time = header.map_or("", |header| header.time);
    let (at, uncertain) = match clock.moment(time) {
        Some((at, uncertain)) => (Some(at), uncertain),
        None => (None, None),
    };
    Event {
        host: &visit.host,
        at,
        uncertain,
        at_raw: time,
        file: &file.path,
        line: record.line,
        level,
        class: catalogue::classify(text, continuation, level),
        text: &record.text,
        causes: causes(continuation),
        lossy: record.lossy,
        truncated: record.truncated,
    }
}

/// The lines below a header as they were written: journalctl puts them under the message, behind its own prefix.
fn level_with<'a>(continuation: &'a [String], file: &str) -> Cow<'a, [String]> {
    let indent = continuation.first().map_or(0, |first| first.len() - first.trim_start_matches(' ').len());
    if indent == 0 || !file.starts_with("journal:") {
        return Cow::Borrowed(continuation);
    }
    let prefix = " ".repeat(indent);
    continuation.iter().map(|line| line.strip_prefix(&prefix).unwrap_or(line).to_owned()).collect()
}

/// The exception's own lines among those that follow a header: neither frames (`\tat …`) nor the
/// indented lines of cleaner statistics.
fn causes(continuation: &[String]) -> Vec<String> {
    continuation
        .iter()
        .filter(|line| {
            !line.is_empty()
                && (!line.starts_with(['\t', ' ', '(']) || line.trim_start().starts_with("Caused by:"))
        })
        .map(|line| line.trim().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_journal_indents_is_read_as_it_was_written() {
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let shown = lines(&[
            "          java.io.IOException: gone",
            "          \tat a.B.c(B.java:1)",
            "          Caused by: x.Y",
        ]);
        let written = level_with(&shown, "journal:kafka.service");
        assert_eq!(causes(&written), ["java.io.IOException: gone", "Caused by: x.Y"]);
        assert!(written[1].starts_with('\t'));
        // A file's own indentation means something: it belongs to the message.
        assert_eq!(causes(&level_with(&shown, "/var/log/kafka/server.log")), ["Caused by: x.Y"]);
    }
}
