//! What a node leaves out of the catalogue's matches: the middle of long runs of lines of one kind.
//!
//! A restart writes some lines for each of thousands of partitions, and a broken client an error a
//! second. Without this they would fill the byte limit and push out the one line that matters. Lines that
//! tell of lost data are never left out; what is left out is counted.

use std::collections::HashMap;

use crate::kafka::record;
use crate::round::{LogGrep, LogRecord};

/// Records of one shape that are kept from the beginning of the logs, and from their end.
const FIRST: usize = 20;
const LAST: usize = 200;

/// Shapes that are told apart; what comes after them is one shape.
const SHAPES: usize = 300;

/// Lines that pass whatever their number: each is about a partition of its own.
const PASS: &str = "out of range|fetch offset|Truncat|truncat|Non-monotonic|nclean|UNCLEAN|data loss|OnlinePartition|Selected new leader\
    |to OfflineReplica|Error due to|log dirs|serving |Shutdown broker|tarted|Kafka version|uncleanable|Corruption found|Deleting all segments|leader is -1";

/// An awk program for the numbered lines of a reading: lines that bear the fence, and those behind its `P`, pass
/// as they are, since what is not final is read again. It prints `T COUNT NUMBER:…` for each shape of which it
/// left something out, with the last line of the shape that it kept.
pub(super) fn program(fence: &str) -> String {
    format!(
        "function out(){{if(r==\"\")return;\
         if(k==\"\"){{print r}}else{{n[k]++;if(n[k]<={FIRST})print r;else b[k,(n[k]-{FIRST}-1)%{LAST}]=r}};r=\"\"}}\
         /^[0-9]+:({fence} |-- cursor: )/{{out();k=\"\";p=$2==\"P\";print;next}}\
         {{h=match($0,/20[0-9][0-9]-[01][0-9]-[0-3][0-9][ T][0-9][0-9]:[0-9][0-9]:[0-9][0-9]/);\
         if(h&&h<600){{out();t=substr($0,h+19,160)}}else if(r!=\"\"){{if(length(r)<16384)r=r\"\\n\"$0;next}}else t=$0;\
         r=$0;k=\"\";if(!p&&$0!~/{PASS}/){{gsub(/[0-9]+/,\"\",t);k=\"k\" substr(t,1,90);\
         if(!(k in n)){{if(s>={SHAPES})k=\"rest\";else s++}}}}}}\
         END{{out();for(k in n){{c=n[k]-{FIRST};if(c<=0)continue;i=0;if(c>{LAST})i=c-{LAST};for(j=i;j<c;j++)print b[k,j%{LAST}];\
         if(i>0)print \"T \" i \" \" b[k,(c-1)%{LAST}]}}}}"
    )
}

/// The same of records that several rounds brought: all that is kept of a shape is what one reading would have
/// kept. What is left out is counted where it stood. Records that are not final stay.
pub(super) fn thin(grep: &mut LogGrep) {
    let mut shapes: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, record) in grep.records.iter().enumerate() {
        let file = usize::try_from(record.file).ok().and_then(|file| grep.files.get(file));
        let last = file.and_then(|file| file.cursor.as_ref()).map_or(u64::MAX, |cursor| cursor.line);
        if record.line > last || passes(&record.text) {
            continue;
        }
        let shape = shape(&record.text);
        let known = shapes.len();
        let shape = if known < SHAPES || shapes.contains_key(&shape) { shape } else { "rest".to_owned() };
        shapes.entry(shape).or_default().push(at);
    }
    let mut out = vec![false; grep.records.len()];
    for (_, mut places) in shapes {
        if places.len() <= FIRST + LAST {
            continue;
        }
        // By their own time, as files are not in the order in which they were written.
        places.sort_by_cached_key(|at| grep.records.get(*at).and_then(time));
        let middle = places.len() - LAST;
        for at in places.get(FIRST..middle).unwrap_or_default() {
            if let Some(out) = out.get_mut(*at) {
                *out = true;
            }
        }
    }
    let mut out = out.into_iter();
    let files = &mut grep.files;
    grep.records.retain(|record| {
        let gone = out.next().unwrap_or(false);
        if gone && let Some(file) = files.get_mut(record.file as usize) {
            file.beyond = file.beyond.saturating_add(1);
        }
        !gone
    });
}

/// Milliseconds on the node's clock.
pub(super) fn time(record: &LogRecord) -> Option<i64> {
    record::local_millis(record::header(&record.text)?.time)
}

fn passes(text: &str) -> bool {
    PASS.split('|').any(|word| text.contains(word))
}

/// What is left of a line without its time and its numbers.
fn shape(text: &str) -> String {
    let rest = date(text).map_or(text, |at| text.get(at + DATE..).unwrap_or_default());
    rest.chars().take(160 - 1).filter(|c| !c.is_ascii_digit()).take(90).collect()
}

/// Bytes of `2026-11-24 02:00:00`.
const DATE: usize = 19;

/// Where a line's first date and time begin.
fn date(text: &str) -> Option<usize> {
    let digits = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_digit);
    text.as_bytes().windows(DATE).take(600).position(|it| {
        let mark = |at: usize, mark: &[u8]| it.get(at).is_some_and(|byte| mark.contains(byte));
        it.starts_with(b"20")
            && [(4, &b"-"[..]), (7, b"-"), (10, b" T"), (13, b":"), (16, b":")]
                .iter()
                .all(|(at, it)| mark(*at, it))
            && [0..4, 5..7, 8..10, 11..13, 14..16, 17..19]
                .into_iter()
                .all(|range| it.get(range).is_some_and(digits))
    })
}
