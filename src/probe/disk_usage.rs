//! `disk_usage`: what lies under some paths, one row per path however many files.
//!
//! `find` lists, awk adds up, both on the node: a row crosses the wire, not the files. Three dialects
//! in turn, each tried only when the one before listed nothing: GNU `-printf`, `stat -c` with `du`
//! (BusyBox), `ls -lndisk` (POSIX). Allocated bytes are `du`'s: directories count, hard links once.

mod suspects;

use std::collections::HashMap;
use std::sync::Arc;

use crate::kafka::replica_dir;
use crate::round::{Coverage, CoverageStatus, DiskUsage, Evidence, PathUsage, Replica};
use crate::shell::answer::{Answer, lines, raw_lines};
use crate::shell::script::{glob_parent, quote_glob};

/// Adds up rows `links|device.inode|blocks of 512|bytes|mtime|type|path`, a path and what is below it
/// being consecutive. Shorter ones say what matters of a file alone: `blocks|bytes` of an index, which has
/// no name of interest, and `bytes|mtime|path` where `du` has said `KiB<TAB>path` of the whole before.
/// `X` says that rows are missing.
///
/// For each log dir it reads the cleaner's and the high watermarks' checkpoint first: how many bytes lie
/// below the first dirty offset can only be told here, where the segments are. A checkpoint that is not
/// there or makes no sense counts as one without entries; the facts say what is wrong with it.
///
/// Base offsets are compared as strings of 20 digits, offsets being padded to that (mawk's numbers end at
/// 2^53); `%.0f` since mawk clamps `%d` to 32 bits. What ends a name is looked at by its last letter: most
/// files are indexes, and a regular expression a file would cost as much as all else. Exit status 9 means
/// that nothing was listed.
const ADD_UP: &str = r#"BEGIN{FS="|";N="00000000000000000000"}
function load(f,t,l,w,i){i=0;while((getline l<f)>0)if(++i>2&&split(l,w," ")==3&&w[3]~/^[0-9]+$/)t[D w[1]"-"w[2]]=substr(N,length(w[3])+1)w[3];close(f)}
function cut(o){if(o=="-")return o;sub(/^0+/,"",o);return o==""?0:o}
function row(){if(h!=""){printf "R %.0f %s %.0f %s %s %s %.0f %s %s %.0f %.0f %s %s %s\n",a*512,q~/^[A-Za-z0-9._-]+-[0-9]+$/?"-":sprintf("%.0f",z),l,s,cut(lo),cut(hi),m,c,x,v,k,e,((h in W)&&W[h]""<hi"")?"h":"-",q;if(++n%64==0)fflush()}}
function open_row(i){row();h=p;H=h"/";L=length(H);q=h;sub(/^.*\//,"",q);i=substr(h,1,length(h)-length(q));if(i!=D){D=i;split("",F);split("",W);load(D"cleaner-offset-checkpoint",F);load(D"replication-offset-checkpoint",W);print "D "D}
a=z=l=s=m=c=x=v=k=0;lo=hi=e="-";f=(h in F)?F[h]:""}
NF==2{a+=$1;z+=$2;next}
NF==1{if($0=="X")X=1;else if($0~/^[0-9]+\t/){i=index($0,"\t");U[substr($0,i+1)]=substr($0,1,i-1)*2};next}
NF==3{p=$3;if(h==""||substr(p,1,L)!=H){open_row();if(h in U)a=U[h];else X=1;next};y=$1;w=$2}
NF>3{if(NF<7)next;p=$7;for(i=8;i<=NF;i++)p=p"|"$i;if(h==""||substr(p,1,L)!=H)open_row();if($6!~/^(f|regular)/){a+=$3;next};if($1>1){if($2 in seen)next;seen[$2]=1};a+=$3;z+=y=$4;w=$5}
{t=substr(p,length(p))}
t=="g"{b=substr(p,L+1);if(b~/^[0-9]+\.log$/){l+=y;s++;b=substr(b,1,length(b)-4);if(lo=="-"||b""<lo"")lo=b;if(hi=="-"||b"">hi""){hi=b;v=y};if(f!=""&&b""<f"")k+=y;if(w+0>m)m=w+0};next}
t=="d"&&/\.cleaned$/||t=="p"&&/\.swap$/{c++;next}
t=="d"&&/\.deleted$/{x++;next}
t=="t"&&substr(p,L+1)=="leader-epoch-checkpoint"{e=int(w/86400)}
END{row();if(h=="")exit 9;if(!X)print "E"}"#;

/// What `find` does with each entry, in the three dialects. They stand inside single quotes.
///
/// Two of three files are indexes, of which only the size matters.
const GNU: &str =
    r#"-name "*index" -type f -links 1 -printf "%b|%s\n" -o -printf "%n|%D.%i|%b|%s|%T@|%y|%p\n""#;
const STAT: &str = r#"-exec stat -c "%h|%d.%i|%b|%s|%Y|%F|%n" {} +"#;
const LS: &str = "-exec ls -lndisk {} +";

/// The second dialect where there is a `du`: it adds up blocks itself, and only files whose names end as those
/// of interest do are looked at one by one. BusyBox's `find` with its `stat` would look at each file twice,
/// and its awk, slow as it is, read three times as many rows.
///
/// `r` picks the paths that it is for: readable directories named as replicas are, below a path
/// without glob characters.
/// `t` does a hundred of them, `q` all, and leaves the others to `find`.
const QUICK: &str = r##"r() { case ${1%/*} in *[]?*[\\]*) return 1;; esac;n=${1##*/};case $n in *[!A-Za-z0-9._-]*|-*) return 1;; *-*) ;; *) return 1;; esac;case ${n##*-} in ''|*[!0-9]*) return 1;; esac;[ -d "$1" ]&&[ -r "$1" ]&&[ -x "$1" ];};
t() { set -f;IFS=$N;du -skH $a;set +f;set -- $b;unset IFS;if [ $# -gt 4000 ];then printf '%s\n' "$@"|sed 's/./\\&/g'|xargs stat -c '%s|%Y|%n' 2>/dev/null;else stat -c '%s|%Y|%n' "$@" 2>/dev/null;fi;[ $? -lt 126 ]||echo X;i=0 a= b=;};
q() { command -v du >/dev/null 2>&1||{ x "$S" "$@";return;};N='
';i=0 a= b=;for d do r "$d"||continue;a=$a$N$d b=$b$N$d$N$d/'*[dgpt]';i=$((i+1));[ $i -lt 100 ]||t;done;[ $i = 0 ]||t;for d do shift;r "$d"||set -- "$@" "$d";done;[ $# = 0 ]||x "$S" "$@";};"##;

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
    script.push_str(&format!("S='{STAT}';{QUICK}"));
    script.push_str(&format!("[ $# = 0 ]||x '{GNU}' \"$@\"|s||q \"$@\"|s||l \"$@\"|s"));
    script
}

/// Reads the script's answer for `paths`, and the follow-up's where there was one.
pub fn parse(paths: &[String], answers: &[Answer], limit_seconds: u64) -> (Evidence, Vec<Coverage>) {
    let nothing = Answer::default();
    let answer = answers.first().unwrap_or(&nothing);
    let read = rows(paths, answer);
    let mut usage = read.usage;
    let denied: Vec<String> = lines(&answer.stderr)
        .filter(|line| line.contains("ermission denied") || line.contains("Input/output error"))
        .map(|line| line.trim_start_matches("find: ").to_owned())
        .collect();
    let cut = answer.why_cut(limit_seconds);
    let mut coverage: Vec<Coverage> = paths
        .iter()
        .zip(read.coverage)
        .map(|(path, seen)| {
            let Some(mut seen) = seen else {
                let why = cut.clone().unwrap_or_else(|| "the node's shell did not answer".to_owned());
                return Coverage::none(path, why);
            };
            if seen.status == CoverageStatus::Complete {
                if let Some(why) = &cut {
                    seen = Coverage::partial(path, why.clone());
                } else if read.unreadable > 0 {
                    seen = Coverage::partial(
                        path,
                        format!("{} rows of the answer could not be read", read.unreadable),
                    );
                } else if !read.whole && seen.reason.is_none() {
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
    if let Some(second) = answers.get(1) {
        let asked = suspects::choose(&usage, &read.marks);
        coverage.extend(suspects::parse(&mut usage, &asked, second, limit_seconds));
    }
    (Evidence::DiskUsage(usage), coverage)
}

/// The script that reads the small files of suspicious replicas; `None` where there are no replicas.
pub fn follow_up(paths: &[String], first: &Answer) -> Option<String> {
    // What was cut short has used up its time: another look would take as long.
    if !first.whole() {
        return None;
    }
    let read = rows(paths, first);
    let asked = suspects::choose(&read.usage, &read.marks);
    suspects::script(&read.usage, &asked)
}

/// What the rows of an answer say.
struct Read {
    usage: DiskUsage,
    /// One for each replica.
    marks: Vec<Mark>,
    coverage: Vec<Option<Coverage>>,
    /// The last row says that no row before it is missing.
    whole: bool,
    unreadable: u32,
}

/// What of a replica decides whether its small files are read, and is of no further interest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Mark {
    /// The day, counted from 1970, on which its `leader-epoch-checkpoint` was last written.
    epoch_day: Option<u32>,
    /// Its high watermark lies below its active segment.
    watermark_below: bool,
}

fn rows(paths: &[String], answer: &Answer) -> Read {
    let mut read = Read {
        usage: DiskUsage::default(),
        marks: Vec::new(),
        coverage: vec![None; paths.len()],
        whole: false,
        unreadable: 0,
    };
    let mut topics: HashMap<String, Arc<str>> = HashMap::new();
    let count = memchr::memchr_iter(b'\n', &answer.stdout).count();
    read.usage.replicas.reserve(count);
    read.marks.reserve(count);
    let mut dir: Option<Dir> = None;
    for line in raw_lines(&answer.stdout) {
        match line.first() {
            Some(b'D') => {
                let path = String::from_utf8_lossy(line.get(2..).unwrap_or_default()).into_owned();
                dir = Some(Dir { path, log_dir: None });
            }
            Some(b'R') => {
                read.unreadable += u32::from(row(line, dir.as_mut(), &mut read, &mut topics).is_none());
            }
            Some(b'E') => read.whole = true,
            Some(b'P' | b'N') => path_row(&String::from_utf8_lossy(line), paths, &mut read.coverage),
            _ => {}
        }
    }
    read
}

/// The directory that the rows that follow are about.
struct Dir {
    /// With its last slash; empty where the paths were relative.
    path: String,
    /// Its place in [`DiskUsage::log_dirs`], once it is known to hold a replica.
    log_dir: Option<u32>,
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

/// `R allocated apparent log segments lo hi mtime cleaned deleted active clean epoch-day watermark name`.
fn row(
    line: &[u8],
    dir: Option<&mut Dir>,
    read: &mut Read,
    topics: &mut HashMap<String, Arc<str>>,
) -> Option<()> {
    let text = std::str::from_utf8(line).ok()?;
    let dir = dir?;
    let mut words = text.splitn(15, ' ').skip(1);
    let allocated_bytes = words.next()?.parse().ok()?;
    let apparent = words.next()?;
    let log_bytes = words.next()?.parse().ok()?;
    let segments = words.next()?.parse().ok()?;
    let mut optional = || words.next()?.parse::<u64>().map_or(Some(None), |number| Some(Some(number)));
    let (first_base, last_base, mtime) = (optional()?, optional()?, optional()?);
    let cleaned_files = words.next()?.parse().ok()?;
    let deleted_files = words.next()?.parse().ok()?;
    let active_bytes = words.next()?.parse().ok()?;
    let clean_bytes = words.next()?.parse().ok()?;
    let epoch_day = words.next()?.parse().ok();
    let watermark_below = words.next()? == "h";
    let name = words.next()?;
    let usage = &mut read.usage;
    let Some(parsed) = replica_dir::parse(name) else {
        let path = format!("{}{name}", dir.path);
        let apparent_bytes = apparent.parse().ok()?;
        usage.others.push(PathUsage { path, allocated_bytes, apparent_bytes });
        return Some(());
    };
    let log_dir = match dir.log_dir {
        Some(at) => at,
        None => {
            let path = match dir.path.trim_end_matches('/') {
                "" if dir.path.is_empty() => ".",
                "" => "/",
                path => path,
            };
            let known = usage.log_dirs.iter().position(|known| known == path);
            let at = known.unwrap_or_else(|| {
                usage.log_dirs.push(path.to_owned());
                usage.log_dirs.len() - 1
            });
            *dir.log_dir.insert(u32::try_from(at).ok()?)
        }
    };
    // The shell sorts its globs, so the row before is nearly always of the same topic.
    let before = usage.replicas.last().map(|replica| &replica.topic);
    let topic = match before.filter(|topic| &***topic == parsed.topic).or_else(|| topics.get(parsed.topic)) {
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
        log_dir,
        allocated_bytes,
        log_bytes,
        segments,
        first_base,
        last_base,
        newest_mtime: mtime.and_then(|mtime| i64::try_from(mtime).ok()).filter(|mtime| *mtime > 0),
        cleaned_files,
        deleted_files,
        active_bytes,
        clean_bytes,
        rounded_by: 0,
    });
    read.marks.push(Mark { epoch_day, watermark_below });
    Some(())
}
