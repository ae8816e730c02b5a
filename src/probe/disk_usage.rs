//! `disk_usage`: what lies under some paths, one row per path however many files.
//!
//! `find` lists, awk adds up, both on the node: a row crosses the wire, not the files. Three dialects
//! in turn, each tried only when the one before listed nothing: GNU `-printf`, `stat -c` (BusyBox),
//! `ls -lndisk` (POSIX). Allocated bytes are `du`'s: directories count, hard links once.

use std::collections::HashMap;
use std::sync::Arc;

use crate::kafka::replica_dir;
use crate::round::{Coverage, CoverageStatus, DiskUsage, Evidence, PathUsage, Replica};
use crate::shell::answer::{Answer, lines};
use crate::shell::script::{glob_parent, quote_glob};

/// Adds up rows `links|device.inode|blocks of 512|bytes|mtime|type|path`, a path and what is below it
/// being consecutive. Base offsets are compared as strings (mawk's numbers end at 2^53, and a name is
/// 20 digits); `%.0f` since mawk clamps `%d` to 32 bits. Exit status 9 means that nothing was listed.
const ADD_UP: &str = r#"BEGIN{FS="|"}
function row(){if(h!=""){printf "R %.0f %.0f %.0f %.0f %s %s %.0f %.0f %s\n",a*512,z,l,s,lo,hi,m,c,h;if(++n%64==0)fflush()}}
NF<7{next}
{p=$7;for(i=8;i<=NF;i++)p=p"|"$i}
h==""||index(p,h"/")!=1{row();h=p;a=z=l=s=m=c=0;lo=hi="-"}
$6~/^(f|regular)/{if($1>1){if($2 in seen)next;seen[$2]=1}z+=$4
b=substr(p,length(h)+2)
if(b~/^[0-9]+\.log$/){l+=$4;s++;sub(/\.log$/,"",b);if(lo=="-"||b""<lo"")lo=b;if(hi=="-"||b"">hi"")hi=b;if($5+0>m)m=$5+0}else if(b~/\.(cleaned|swap)$/)c++}
{a+=$3}
END{row();if(h=="")exit 9;print "E"}"#;

/// What `find` does with each entry, in the three dialects. They stand inside single quotes.
const GNU: &str = r#"-printf "%n|%D.%i|%b|%s|%T@|%y|%p\n""#;
const STAT: &str = r#"-exec stat -c "%h|%d.%i|%b|%s|%Y|%F|%n" {} +"#;
const LS: &str = "-exec ls -lndisk {} +";

/// Turns POSIX `ls -lndisk` into the rows that [`ADD_UP`] reads: inode, KiB, mode, links, uid, gid,
/// bytes, three words of date, path. A name of two lines makes a row that is none.
const FROM_LS: &str = r#"$1~/^[0-9]+$/&&$3~/^[-a-z]/&&NF>10{p=$0;for(i=0;i<10;i++)sub(/^ *[^ ]+ +/,"",p);print $4"|"$1"|"$2*2"|"$7"|0|"(substr($3,1,1)=="-"?"f":"d")"|"p}"#;

/// More directories than this are handed to `find` through xargs: an argument list has an end.
const XARGS_ABOVE: usize = 8000;

/// The script for `paths`.
pub fn script(paths: &[String]) -> String {
    let mut script = String::from("e() { [ -e \"$1\" ]||[ -L \"$1\" ];};set --;");
    for (index, path) in paths.iter().enumerate() {
        let words = quote_glob(path);
        let parent = quote_glob(glob_parent(path));
        script.push_str(&format!(
            "if e {words};then c=$#;set -- \"$@\" {words};echo \"P {index} $(($#-c))\";\
             else d() {{ if [ ! -d \"$1\" ];then echo \"N {index} missing\";\
             elif [ -r \"$1\" ]&&[ -x \"$1\" ];then echo \"N {index} nomatch\";else echo \"N {index} unreadable\";fi;}};\
             d {parent};fi;"
        ));
    }
    let add_up = ADD_UP.replace("}\n", "};").replace('\n', ";");
    script.push_str(&format!("s() {{ awk '{add_up}';}};"));
    script.push_str(&format!(
        "x() {{ y=$1;shift;if [ $# -gt {XARGS_ABOVE} ];then printf '%s\\n' \"$@\"|sed 's/./\\\\&/g'|\
         xargs sh -c \"find -H \\\"\\$@\\\" $y\" sh;else eval \"find -H \\\"\\$@\\\" $y\";fi;}};"
    ));
    script.push_str(&format!("l() {{ x '{LS}' \"$@\"|awk '{FROM_LS}';}};"));
    script.push_str(&format!("[ $# = 0 ]||x '{GNU}' \"$@\"|s||x '{STAT}' \"$@\"|s||l \"$@\"|s"));
    script
}

/// Reads the script's answer for `paths`.
pub fn parse(paths: &[String], answer: &Answer, limit_seconds: u64) -> (Evidence, Vec<Coverage>) {
    let mut usage = DiskUsage::default();
    let mut coverage: Vec<Option<Coverage>> = vec![None; paths.len()];
    let mut topics: HashMap<String, Arc<str>> = HashMap::new();
    // The last row says that no row before it is missing.
    let mut whole = false;
    let mut unreadable_rows = 0;
    usage.replicas.reserve(memchr::memchr_iter(b'\n', &answer.stdout).count());
    let mut rest = answer.stdout.as_slice();
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        match line.first() {
            Some(b'R') => {
                unreadable_rows += u32::from(!row(line, &mut usage, &mut topics));
            }
            Some(b'E') => whole = true,
            Some(b'P' | b'N') => path_row(&String::from_utf8_lossy(line), paths, &mut coverage),
            _ => {}
        }
    }
    let denied: Vec<String> = lines(&answer.stderr)
        .filter(|line| line.contains("ermission denied") || line.contains("Input/output error"))
        .map(|line| line.trim_start_matches("find: ").to_owned())
        .collect();
    let cut = answer.why_cut(limit_seconds);
    let coverage = paths
        .iter()
        .zip(coverage)
        .map(|(path, seen)| {
            let Some(mut seen) = seen else {
                let why = cut.clone().unwrap_or_else(|| "the node's shell did not answer".to_owned());
                return Coverage::none(path, why);
            };
            if seen.status == CoverageStatus::Complete {
                if let Some(why) = &cut {
                    seen = Coverage::partial(path, why.clone());
                } else if unreadable_rows > 0 {
                    seen = Coverage::partial(
                        path,
                        format!("{unreadable_rows} rows of the answer could not be read"),
                    );
                } else if !whole && seen.reason.is_none() {
                    let said =
                        lines(&answer.stderr).last().map(|line| format!(": {line}")).unwrap_or_default();
                    seen = Coverage::none(path, format!("no way to list it works on this node{said}"));
                } else if let Some(first) = denied.iter().find(|line| line.contains(literal(path))) {
                    seen = Coverage::partial(path, first.clone());
                    seen.missing = Some(format!("{} places could not be read", denied.len()));
                }
            }
            seen
        })
        .collect();
    (Evidence::DiskUsage(usage), coverage)
}

/// The part of a pattern before its first glob character.
fn literal(pattern: &str) -> &str {
    pattern.split(['*', '?', '[']).next().unwrap_or(pattern)
}

fn path_row(line: &str, paths: &[String], coverage: &mut [Option<Coverage>]) {
    let mut words = line.split(' ');
    let kind = words.next();
    let Some(index) = words.next().and_then(|word| word.parse::<usize>().ok()) else { return };
    let Some(slot) = coverage.get_mut(index) else { return };
    let path = &paths[index];
    *slot = Some(match (kind, words.next()) {
        (Some("P"), _) => Coverage::complete(path),
        (_, Some("missing")) => Coverage::none(path, format!("{} does not exist", glob_parent(path))),
        (_, Some("unreadable")) => Coverage::none(path, format!("{} is not readable", glob_parent(path))),
        // Nothing there is an answer: a broker without a replica of the topic.
        (_, Some("nomatch")) => {
            Coverage { reason: Some("nothing matches".to_owned()), ..Coverage::complete(path) }
        }
        _ => return,
    });
}

/// `R allocated apparent log segments lo hi mtime cleaned path`.
fn row(line: &[u8], usage: &mut DiskUsage, topics: &mut HashMap<String, Arc<str>>) -> bool {
    let Ok(text) = std::str::from_utf8(line) else {
        return false;
    };
    let mut words = text.splitn(10, ' ').skip(1);
    let mut number = || words.next().and_then(|word| word.parse::<u64>().ok());
    let (Some(allocated), Some(apparent), Some(log_bytes), Some(segments)) =
        (number(), number(), number(), number())
    else {
        return false;
    };
    let first_base = words.next().and_then(|word| word.parse::<u64>().ok());
    let last_base = words.next().and_then(|word| word.parse::<u64>().ok());
    let mtime = words.next().and_then(|word| word.parse::<i64>().ok());
    let cleaned = words.next().and_then(|word| word.parse::<u32>().ok());
    let (Some(mtime), Some(cleaned), Some(path)) = (mtime, cleaned, words.next()) else { return false };
    let (dir, name) = path.rsplit_once('/').unwrap_or((".", path));
    match replica_dir::parse(name) {
        Some(parsed) => {
            let log_dir = match usage.log_dirs.iter().rposition(|known| known == dir) {
                Some(at) => at,
                None => {
                    usage.log_dirs.push(dir.to_owned());
                    usage.log_dirs.len() - 1
                }
            };
            // The shell sorts its globs, so the row before is nearly always of the same topic.
            let before = usage.replicas.last().map(|replica| &replica.topic);
            let topic =
                match before.filter(|topic| &***topic == parsed.topic).or_else(|| topics.get(parsed.topic)) {
                    Some(topic) => topic.clone(),
                    None => {
                        let topic: Arc<str> = parsed.topic.into();
                        topics.insert(parsed.topic.to_owned(), topic.clone());
                        topic
                    }
                };
            usage.replicas.push(Replica {
                topic,
                partition: parsed.partition,
                kind: parsed.kind,
                log_dir: log_dir as u32,
                allocated_bytes: allocated,
                log_bytes,
                segments: u32::try_from(segments).unwrap_or(u32::MAX),
                first_base,
                last_base,
                newest_mtime: (mtime > 0).then_some(mtime),
                cleaned_files: cleaned,
                ..Replica::default()
            });
        }
        None => usage.others.push(PathUsage {
            path: path.to_owned(),
            allocated_bytes: allocated,
            apparent_bytes: apparent,
        }),
    }
    true
}
