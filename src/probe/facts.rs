//! The facts of every visit: who and when the node is, and the small files at the top of its log dirs.
//!
//! One process on the node, and one more per log dir for a time: awk prints the clock and the files. What the
//! shell knows by itself (names from /proc, access tests) costs none.
//!
//! The four checkpoint files name the same partitions in no order. They are joined there, a row a partition
//! under its topic's name: some 30 bytes instead of 35 for each of the files.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::kafka::{log_clock, meta_properties};
use crate::round::{Access, Checkpoint, Clock, Coverage, Facts, LogDir};
use crate::shell::answer::Answer;
use crate::shell::script::quote;

const FILES: [&str; 5] = [
    "meta.properties",
    "replication-offset-checkpoint",
    "recovery-point-offset-checkpoint",
    "log-start-offset-checkpoint",
    "cleaner-offset-checkpoint",
];

/// Reads triples of log dir, file and path (indices first). For a log dir `I dir`; then `=line` of its
/// identity, `X file line kind text` for what is not as Kafka writes it (kafka.server.checkpoints
/// .OffsetCheckpointFile: `0`, the number of entries, `topic partition offset` a line), and its offsets:
/// `T topic`, `partition high-watermark recovery-point log-start first-dirty`. Lines that make sense count
/// even where others don't. `E` at the end.
const READ: &str = r#"function put(t,q,n,k,s){for(t in T){print "T "t;n=split(T[t],Q," ");for(k=1;k<=n;k++){q=t SUBSEP Q[k];s=Q[k];for(j=1;j<5;j++)s=s" "((j,q) in V?V[j,q]:"-");print s}}split("",T);split("",V);split("",K)};
function bad(kind){if(!x){x=1;print "X "j" "n" "kind" "substr(l,1,80)}};
BEGIN{I="";for(a=1;a<ARGC;a+=3){i=ARGV[a];f=ARGV[a+2];if(i!=I){put();I=i;print "I "i}j=ARGV[a+1];
if(j==0){while((getline l<f)>0)if(l~/^[ \t]*(version|broker\.id|node\.id|cluster\.id|directory\.id)[ \t]*[=:]/)print "="substr(l,1,200);close(f);continue}
n=c=e=x=0;w="";while((getline l<f)>0){n++;
if(n==1){if(l!~/^0[ \t\r]*$/){bad("version");break}}
else if(n==2){if(l!~/^[0-9]+[ \t\r]*$/){bad("count");break}w=l+0}
else{sub(/\r$/,"",l);m=split(l,p," ");if(m==0)continue;e++;if(m==3&&p[2]~/^[0-9]+$/&&p[3]~/^[0-9]+$/){c++;t=p[1];o=t SUBSEP p[2];if(!(o in K)){K[o]=1;T[t]=T[t]" "p[2]}V[j,o]=p[3]}else bad("entry")}}
close(f);l=(w"")" "e;if(n==0)bad("unreadable");else if(n==1)bad("count");else if(!x&&w!=e)bad("torn");
if(e>c)print "B "j" "e-c}put();print "E"}"#;

/// `Z name`: the zone that a process there would take. `TZ` stands above the machine's; `/etc/timezone` may be
/// stale, so it counts where it is the same file as `/etc/localtime`, which a shell tells by itself. Else
/// `/etc/localtime` is asked where it leads to, at the price of a process.
const ZONE: &str = r#"if [ -n "${TZ+x}" ];then z=${TZ:-UTC};else z=;{ read -r z </etc/timezone;} 2>/dev/null;if [ -z "$z" ]||! [ /etc/localtime -ef "/usr/share/zoneinfo/$z" ] 2>/dev/null;then l=$(readlink /etc/localtime 2>/dev/null);case $l in *zoneinfo/*) z=$l;; esac;fi;fi;[ ${#z} -gt 128 ]||echo "Z $z";"#;

/// `J 1` where a process of Kafka runs, `J 0` where none does; nothing where processes are hidden (hidepid).
const PROCESS: &str = r#"P=$ROUNDSMAN_ROOT/proc;[ -r "$P/1/stat" ]&&{ J=0;(cd "$P"&&grep -q -E 'kafka\.Kafk[a]|SupportedKafk[a]|kafka-nativ[e]' [0-9]*/cmdline) 2>/dev/null&&J=1;echo "J $J";};"#;

/// The script for `log_dirs`.
pub fn script(log_dirs: &[String]) -> String {
    let mut script = String::from(
        "{ read -r h </proc/sys/kernel/hostname&&read -r k </proc/sys/kernel/osrelease&&\
         read -r o </proc/sys/kernel/ostype;} 2>/dev/null||{ h=$(uname -n);o=$(uname -s);k=$(uname -r);};\
         echo \"H $h\";echo \"K $o $k\";u=${LOGNAME:-$USER};echo \"U ${u:-$(id -un)}\";set --;",
    );
    script.push_str(ZONE);
    if !log_dirs.is_empty() {
        script.push_str(PROCESS);
        script.push_str("i=-1;for d in");
        for dir in log_dirs {
            script.push(' ');
            script.push_str(&quote(dir));
        }
        script.push_str(";do i=$((i+1));if [ ! -d \"$d\" ];then echo \"D $i missing\";continue;fi;\
             if [ -r \"$d\" ]&&[ -x \"$d\" ];then echo \"D $i readable\";else echo \"D $i unreadable\";continue;fi;\
             [ -e \"$d/.kafka_cleanshutdown\" ]&&echo \"S $i\";[ -d \"$d/__cluster_metadata-0\" ]&&echo \"Q $i\";j=-1;for f in");
        for file in FILES {
            script.push(' ');
            script.push_str(file);
        }
        script.push_str(
            ";do j=$((j+1));f=$d/$f;if [ ! -e \"$f\" ];then :;elif [ ! -r \"$f\" ];then echo \"A $i $j unreadable\";\
             elif [ ! -s \"$f\" ];then echo \"A $i $j empty\";else echo \"A $i $j readable\";set -- \"$@\" $i $j \"$f\";fi;\
             [ $j = 4 ]&&[ -e \"$f\" ]&&stat -c \"W $i %Y\" \"$f\" 2>/dev/null;done;done;",
        );
    }
    script.push_str(&format!("p='{}';", READ.replace('\n', "")));
    // strftime is in mawk, gawk and BusyBox awk; an awk without it fails before it prints anything.
    script.push_str(
        "awk 'BEGIN{print \"C \" strftime(\"%s %z\")}'\"$p\" \"$@\" 2>/dev/null||\
         { date '+C %s %z';awk \"$p\" \"$@\";}",
    );
    script
}

/// Reads the answer. Coverage has a row for each log dir, and one for each file in it that could not be
/// read or makes no sense; files that a broker of its version does not write are not missing.
pub fn parse(log_dirs: &[String], answer: &Answer, limit_seconds: u64) -> (Facts, Vec<Coverage>) {
    let mut facts = Facts {
        log_dirs: log_dirs.iter().map(|path| LogDir { path: path.clone(), ..LogDir::default() }).collect(),
        ..Facts::default()
    };
    let mut coverage = Vec::new();
    let mut offsets: Vec<Offsets> = log_dirs.iter().map(|_| Offsets::default()).collect();
    let mut here: Option<usize> = None;
    let mut topics = Topics::default();
    let mut whole = false;
    let mut zone_name = None;
    for line in answer.lines() {
        if line.starts_with(|first: char| first.is_ascii_digit()) {
            if let Some(dir) = here.and_then(|at| offsets.get_mut(at)) {
                dir.row(&line, topics.current.as_ref());
            }
            continue;
        }
        if let Some(text) = line.strip_prefix('=') {
            if let Some(dir) = here.and_then(|at| offsets.get_mut(at)) {
                dir.identity.push_str(text);
                dir.identity.push('\n');
            }
            continue;
        }
        let (kind, rest) = line.split_at_checked(2).unwrap_or((&line, ""));
        let mut words = rest.split(' ');
        let mut number = || words.next().and_then(|word| word.parse::<usize>().ok());
        match kind {
            "H " => facts.hostname = Some(rest.to_owned()),
            "K " => facts.kernel = Some(rest.to_owned()),
            "U " => facts.user = (!rest.is_empty()).then(|| rest.to_owned()),
            "Z " => zone_name = log_clock::zone_name(rest),
            "C " => facts.clock = clock(rest, answer),
            "J " => facts.process = Some(rest == "1"),
            "E" => whole = true,
            "I " => here = number(),
            "T " => topics.turn_to(rest),
            "X " => {
                if let Some(dir) = here.and_then(|at| offsets.get_mut(at)) {
                    dir.complain(rest);
                }
            }
            "B " => {
                let (file, count) = (number(), number());
                let dir = here.and_then(|at| offsets.get_mut(at));
                if let (Some(dir), Some(file), Some(count)) = (dir, file, count) {
                    dir.left_out.push((file, count));
                }
            }
            _ => {
                let Some(at) = number() else { continue };
                let Some(dir) = facts.log_dirs.get_mut(at) else { continue };
                match kind {
                    "S " => dir.clean_shutdown = true,
                    "Q " => dir.metadata = true,
                    "W " => dir.first_dirty_written = words.next().and_then(|time| time.parse().ok()),
                    "D " => dir.access = access(words.next()),
                    "A " => {
                        let Some(file) = number() else { continue };
                        let read = access(words.next());
                        match read {
                            // A starting broker creates some of them empty and fills them later.
                            Access::Readable | Access::Empty => {
                                if let Some(offsets) = offsets.get_mut(at) {
                                    offsets.seen.push((file, read));
                                }
                            }
                            _ => {
                                let name = FILES.get(file).copied().unwrap_or("?");
                                let path = format!("{}/{name}", dir.path);
                                coverage.push(Coverage::none(path, "not readable by this user"));
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    if let Some(clock) = &mut facts.clock {
        clock.zone_name = zone_name;
    }
    let cut = answer.why_cut(limit_seconds);
    for (dir, offsets) in facts.log_dirs.iter_mut().zip(offsets) {
        let readable = offsets.seen.iter().any(|(_, access)| *access == Access::Readable);
        if whole || !readable {
            offsets.settle(dir, &mut coverage);
        }
        coverage.push(match (dir.access, &cut) {
            (Access::Missing, _) => Coverage::none(&dir.path, "the log dir does not exist"),
            (Access::Unreadable, _) => Coverage::none(&dir.path, "the log dir is not readable by this user"),
            (Access::Unseen, None) => Coverage::none(&dir.path, "the node's shell did not answer"),
            (Access::Unseen, Some(why)) => Coverage::none(&dir.path, why.clone()),
            (_, Some(why)) => Coverage::partial(&dir.path, why.clone()),
            (_, None) if readable && !whole => {
                Coverage::partial(&dir.path, "its checkpoint files could not be read to the end")
            }
            _ => Coverage::complete(&dir.path),
        });
    }
    (facts, coverage)
}

/// Names of topics, each kept once.
#[derive(Default)]
struct Topics {
    known: HashMap<String, Arc<str>>,
    current: Option<Arc<str>>,
}

impl Topics {
    fn turn_to(&mut self, name: &str) {
        let known = match self.known.get(name) {
            Some(known) => known.clone(),
            None => {
                let new: Arc<str> = name.into();
                self.known.insert(name.to_owned(), new.clone());
                new
            }
        };
        self.current = Some(known);
    }
}

/// What was read of one log dir's files.
#[derive(Default)]
struct Offsets {
    identity: String,
    /// Files that were looked at: index into [`FILES`].
    seen: Vec<(usize, Access)>,
    /// By checkpoint, in the order of [`FILES`] without the first.
    entries: [Vec<Checkpoint>; 4],
    /// By file: what is wrong with it, and whether anything of it can be used.
    wrong: Vec<(usize, String, bool)>,
    /// By file: lines that are none.
    left_out: Vec<(usize, usize)>,
}

impl Offsets {
    /// `partition offset offset offset offset`, `-` where the file has none.
    fn row(&mut self, line: &str, topic: Option<&Arc<str>>) {
        let mut words = line.split(' ');
        let (Some(topic), Some(partition)) = (topic, words.next()) else { return };
        let partition = partition.parse::<u32>().ok().filter(|number| i32::try_from(*number).is_ok());
        for (file, (entries, word)) in (1..).zip(self.entries.iter_mut().zip(words)) {
            if word == "-" {
                continue;
            }
            // Kafka's offsets are signed: beyond that a file is damaged.
            let offset = word.parse::<u64>().ok().filter(|offset| i64::try_from(*offset).is_ok());
            match (partition, offset) {
                (Some(partition), Some(offset)) => {
                    entries.push(Checkpoint { topic: topic.clone(), partition, offset });
                }
                _ => {
                    let shown: String = format!("{topic} {line}").chars().take(80).collect();
                    self.wrong.push((
                        file,
                        format!("an entry is beyond any offset or partition: '{shown}'"),
                        true,
                    ));
                }
            }
        }
    }

    /// `file line kind text`.
    fn complain(&mut self, rest: &str) {
        let mut words = rest.splitn(4, ' ');
        let Some(file) = words.next().and_then(|file| file.parse().ok()) else { return };
        let (line, kind, text) =
            (words.next().unwrap_or("?"), words.next().unwrap_or(""), words.next().unwrap_or("").trim());
        let (what, usable) = match kind {
            "version" => (format!("line {line}: unknown version '{text}'"), false),
            "count" => (format!("line {line}: no number of entries"), false),
            "entry" => (format!("line {line}: not 'topic partition offset': '{text}'"), true),
            "torn" => {
                let (announced, found) = text.split_once(' ').unwrap_or((text, "?"));
                (format!("{announced} entries announced, {found} found"), true)
            }
            _ => ("it vanished or could not be read".to_owned(), false),
        };
        self.wrong.push((file, what, usable));
    }

    /// Gives the log dir what was read of it, and coverage what was not.
    fn settle(self, dir: &mut LogDir, coverage: &mut Vec<Coverage>) {
        let identity = meta_properties::parse(&self.identity);
        dir.broker_id = identity.broker_id;
        dir.cluster_id = identity.cluster_id;
        dir.directory_id = identity.directory_id;
        for (file, mut entries) in (1..).zip(self.entries) {
            let wrong: Vec<_> = self.wrong.iter().filter(|(of, ..)| *of == file).collect();
            let usable = wrong.iter().all(|(.., usable)| *usable);
            if let Some((_, what, _)) = wrong.first() {
                let path = format!("{}/{}", dir.path, FILES.get(file).copied().unwrap_or("?"));
                let mut row = match usable && !entries.is_empty() {
                    true => Coverage::partial(path, what.clone()),
                    false => Coverage::none(path, what.clone()),
                };
                let left_out = self.left_out.iter().find(|(of, _)| *of == file);
                row.missing = left_out.map(|(_, count)| format!("{count} lines"));
                coverage.push(row);
            }
            let seen = self.seen.iter().any(|(of, _)| *of == file);
            if seen && usable && (wrong.is_empty() || !entries.is_empty()) {
                entries.sort_unstable_by(|one, other| {
                    (&*one.topic, one.partition).cmp(&(&*other.topic, other.partition))
                });
                checkpoint_of(dir, file, Some(entries));
            }
        }
    }
}

fn checkpoint_of(dir: &mut LogDir, file: usize, entries: Option<Vec<Checkpoint>>) {
    match file {
        1 => dir.high_watermarks = entries,
        2 => dir.recovery_points = entries,
        3 => dir.log_starts = entries,
        4 => dir.first_dirty = entries,
        _ => {}
    }
}

fn access(word: Option<&str>) -> Access {
    match word {
        Some("readable") => Access::Readable,
        Some("unreadable") => Access::Unreadable,
        Some("missing") => Access::Missing,
        Some("empty") => Access::Empty,
        _ => Access::Unseen,
    }
}

/// `SECONDS +HHMM`. The node read its clock somewhere between our order and its answer.
fn clock(rest: &str, answer: &Answer) -> Option<Clock> {
    let (seconds, zone) = rest.split_once(' ')?;
    let node = seconds.parse::<f64>().ok()?;
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("-", digits) => (-1, digits),
        ("+", digits) => (1, digits),
        _ => return None,
    };
    let number = digits.get(..4)?.parse::<i32>().ok()?;
    let zone_s = sign * (number / 100 * 3600 + number % 100 * 60);
    let seconds_of = |at: Timestamp| at.as_millisecond() as f64 / 1000.0;
    let (sent, began) = (seconds_of(answer.sent?), seconds_of(answer.began?));
    // A whole second is cut off at the node: on average half of it is missing.
    Some(Clock {
        offset_s: round_millis(node + 0.5 - (sent + began) / 2.0),
        uncertainty_s: round_millis((began - sent).max(0.0) / 2.0 + 0.5),
        zone_s,
        zone_name: None,
    })
}

fn round_millis(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::round::{CoverageStatus, Ended};

    fn read(text: &str) -> (Facts, Vec<Coverage>) {
        let answer = Answer { stdout: text.into(), ended: Some(Ended::Exit(0)), ..Answer::default() };
        parse(&["/data".to_owned()], &answer, 1)
    }

    #[test]
    fn offsets_come_back_by_file() {
        let (facts, coverage) = read(
            "D 0 readable\nQ 0\nA 0 0 readable\nA 0 1 readable\nA 0 2 readable\nA 0 4 empty\nW 0 1491223676\nI 0\n\
             =node.id=4\n=directory.id=xyz\nT orders\n7 120 100 - -\n0 5 - - -\nE\n",
        );
        let dir = &facts.log_dirs[0];
        let marks = dir.high_watermarks.as_ref().unwrap();
        let marks: Vec<_> =
            marks.iter().map(|entry| (&*entry.topic, entry.partition, entry.offset)).collect();
        assert_eq!(marks, [("orders", 0, 5), ("orders", 7, 120)]);
        assert_eq!(dir.recovery_points.as_ref().map(Vec::len), Some(1));
        assert_eq!((dir.log_starts.as_ref(), dir.first_dirty.as_ref().map(Vec::len)), (None, Some(0)));
        assert_eq!((dir.broker_id, dir.directory_id.as_deref()), (Some(4), Some("xyz")));
        assert_eq!((dir.metadata, dir.first_dirty_written), (true, Some(1_491_223_676)));
        assert_eq!(coverage, [Coverage::complete("/data")]);
    }

    #[test]
    fn a_zone_has_its_name_beside_its_offset() {
        let now = Some("2017-04-03T12:00:00Z".parse().unwrap());
        let clock = |text: &str| {
            let ended = Some(Ended::Exit(0));
            let answer = Answer { stdout: text.into(), sent: now, began: now, ended, ..Answer::default() };
            parse(&[], &answer, 1).0.clock.unwrap()
        };
        let named = clock("Z /usr/share/zoneinfo/Europe/Amsterdam\nC 1491220800 +0200\nE\n");
        assert_eq!((named.zone_name.as_deref(), named.zone_s), (Some("Europe/Amsterdam"), 7200));
        let posix = clock("Z CET-1CEST,M3.5.0\nC 1491220800 +0200\nE\n");
        assert_eq!((posix.zone_name.as_deref(), posix.zone_s), (None, 7200));
    }

    #[test]
    fn a_damaged_file_is_partial_evidence_and_said_so() {
        let (facts, coverage) = read(
            "D 0 readable\nA 0 1 readable\nA 0 2 readable\nA 0 4 readable\nI 0\nX 1 4 entry t 1 -1\nB 1 2\nX 2 1 version 7\n\
             X 4 9 torn 5 4\nT t\n0 5 - - 9223372036854775808\nE\n",
        );
        let dir = &facts.log_dirs[0];
        assert_eq!(dir.high_watermarks.as_ref().map(Vec::len), Some(1));
        assert_eq!((dir.recovery_points.as_ref(), dir.first_dirty.as_ref()), (None, None));
        let rows: Vec<_> =
            coverage.iter().map(|row| (row.status, row.reason.as_deref().unwrap_or(""))).collect();
        assert_eq!(rows[0], (CoverageStatus::Partial, "line 4: not 'topic partition offset': 't 1 -1'"));
        assert_eq!(coverage[0].missing.as_deref(), Some("2 lines"));
        assert_eq!(rows[1], (CoverageStatus::None, "line 1: unknown version '7'"));
        assert_eq!(rows[2], (CoverageStatus::None, "5 entries announced, 4 found"));
    }

    #[test]
    fn an_answer_that_ends_early_claims_nothing() {
        let (facts, coverage) = read("D 0 readable\nA 0 1 readable\nI 0\nT t\n0 5 - - -\n");
        assert_eq!(facts.log_dirs[0].high_watermarks, None);
        assert_eq!(coverage[0].status, CoverageStatus::Partial);
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_harm(text in "([DAISTXBWQ] [0-9 ]{0,6}[a-z]{0,8}[0-9 -]{0,30}\n|[0-9]{1,12}[0-9 -]{0,50}\n|.{0,20}\n){0,12}") {
            let _ = read(&text);
        }
    }
}
