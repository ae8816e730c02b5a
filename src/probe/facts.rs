//! The facts of every visit: who and when the node is, and the small files at the top of its log dirs.
//!
//! One process on the node: awk prints the clock and the files. What the shell knows by itself (names
//! from /proc, access tests) costs none.

use jiff::Timestamp;

use crate::kafka::{checkpoint, meta_properties};
use crate::round::{Access, Clock, Coverage, Facts, LogDir};
use crate::shell::answer::Answer;
use crate::shell::script::quote;

const FILES: [&str; 5] = [
    "meta.properties",
    "replication-offset-checkpoint",
    "recovery-point-offset-checkpoint",
    "log-start-offset-checkpoint",
    "cleaner-offset-checkpoint",
];

/// The script for `log_dirs`.
pub fn script(log_dirs: &[String]) -> String {
    let mut script = String::from(
        "{ read -r h </proc/sys/kernel/hostname&&read -r k </proc/sys/kernel/osrelease&&\
         read -r o </proc/sys/kernel/ostype;} 2>/dev/null||{ h=$(uname -n);o=$(uname -s);k=$(uname -r);};\
         echo \"H $h\";echo \"K $o $k\";u=${LOGNAME:-$USER};echo \"U ${u:-$(id -un)}\";set --;",
    );
    if !log_dirs.is_empty() {
        script.push_str("i=-1;for d in");
        for dir in log_dirs {
            script.push(' ');
            script.push_str(&quote(dir));
        }
        script.push_str(";do i=$((i+1));if [ ! -d \"$d\" ];then echo \"D $i missing\";continue;fi;\
             if [ -r \"$d\" ]&&[ -x \"$d\" ];then echo \"D $i readable\";else echo \"D $i unreadable\";continue;fi;\
             [ -e \"$d/.kafka_cleanshutdown\" ]&&echo \"S $i\";j=-1;for f in");
        for file in FILES {
            script.push(' ');
            script.push_str(file);
        }
        script.push_str(
            ";do j=$((j+1));f=$d/$f;if [ ! -e \"$f\" ];then :;elif [ ! -r \"$f\" ];then echo \"A $i $j unreadable\";\
             elif [ ! -s \"$f\" ];then echo \"A $i $j empty\";else echo \"A $i $j readable\";set -- \"$@\" \"$f\";fi;done;done;",
        );
    }
    // strftime is in mawk, gawk and BusyBox awk; an awk without it fails before it prints anything.
    script.push_str(
        "awk 'BEGIN{print \"C \" strftime(\"%s %z\")}FNR==1{print \"F\"}{print \"=\" $0}' /dev/null \"$@\" 2>/dev/null||\
         { date '+C %s %z';awk 'FNR==1{print \"F\"}{print \"=\" $0}' /dev/null \"$@\";}",
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
    // The readable files in the order in which awk prints them.
    let mut readable: Vec<(usize, usize)> = Vec::new();
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    for line in answer.stdout.split(|byte| *byte == b'\n') {
        if let (Some(b'='), Some(body)) = (line.first(), bodies.last_mut()) {
            body.extend_from_slice(&line[1..]);
            body.push(b'\n');
            continue;
        }
        let text = String::from_utf8_lossy(line);
        let (kind, rest) = text.split_at_checked(2).unwrap_or((&text, ""));
        let mut words = rest.split(' ');
        let mut number = || words.next().and_then(|word| word.parse::<usize>().ok());
        match kind {
            "H " => facts.hostname = Some(rest.to_owned()),
            "K " => facts.kernel = Some(rest.to_owned()),
            "U " => facts.user = (!rest.is_empty()).then(|| rest.to_owned()),
            "C " => facts.clock = clock(rest, answer),
            "F" => bodies.push(Vec::new()),
            "S " => {
                if let Some(dir) = number().and_then(|at| facts.log_dirs.get_mut(at)) {
                    dir.clean_shutdown = true;
                }
            }
            "D " => {
                if let Some(dir) = number().and_then(|at| facts.log_dirs.get_mut(at)) {
                    dir.access = access(words.next());
                }
            }
            "A " => {
                let (Some(at), Some(file)) = (number(), number()) else { continue };
                let Some(dir) = facts.log_dirs.get_mut(at) else { continue };
                match access(words.next()) {
                    Access::Readable => readable.push((at, file)),
                    // A starting broker creates some of them empty and fills them later.
                    Access::Empty => checkpoint_of(dir, file, Some(Vec::new())),
                    _ => {
                        let name = FILES.get(file).copied().unwrap_or("?");
                        coverage.push(Coverage::none(
                            format!("{}/{name}", dir.path),
                            "not readable by this user",
                        ));
                    }
                }
            }
            _ => {}
        }
    }
    for ((at, file), body) in readable.iter().zip(&bodies) {
        let Some(dir) = facts.log_dirs.get_mut(*at) else { continue };
        let path = format!("{}/{}", dir.path, FILES.get(*file).copied().unwrap_or("?"));
        if *file == 0 {
            let identity = meta_properties::parse(&String::from_utf8_lossy(body));
            dir.broker_id = identity.broker_id;
            dir.cluster_id = identity.cluster_id;
            continue;
        }
        match checkpoint::parse(&String::from_utf8_lossy(body)) {
            Ok(entries) => checkpoint_of(dir, *file, Some(entries)),
            Err(error) => coverage.push(Coverage::none(path, error.to_string())),
        }
    }
    let cut = answer.why_cut(limit_seconds);
    for dir in &facts.log_dirs {
        coverage.push(match (dir.access, &cut) {
            (Access::Missing, _) => Coverage::none(&dir.path, "the log dir does not exist"),
            (Access::Unreadable, _) => Coverage::none(&dir.path, "the log dir is not readable by this user"),
            (Access::Unseen, None) => Coverage::none(&dir.path, "the node's shell did not answer"),
            (Access::Unseen, Some(why)) => Coverage::none(&dir.path, why.clone()),
            (_, Some(why)) => Coverage::partial(&dir.path, why.clone()),
            (_, None) if bodies.len() < readable.len() => {
                Coverage::partial(&dir.path, "some of its checkpoint files could not be read")
            }
            _ => Coverage::complete(&dir.path),
        });
    }
    (facts, coverage)
}

fn checkpoint_of(dir: &mut LogDir, file: usize, entries: Option<Vec<crate::round::Checkpoint>>) {
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
    })
}

fn round_millis(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}
