//! What `check` asks a node: who am I there, what can I read, which tools are there.

use crate::round::Access;
use crate::shell::answer::Answer;
use crate::shell::script::{quote, quote_glob};

/// Tools that some probe uses, and what is lost without each.
pub const TOOLS: [(&str, &str); 10] = [
    ("find", "disk_usage"),
    ("awk", "disk_usage, checkpoints"),
    ("grep", "log_grep"),
    ("gzip", "log_grep of .gz files"),
    ("df", "disk_free"),
    ("sleep", "the watchdog"),
    ("nice", "low priority"),
    ("stat", "disk_usage where find has no -printf"),
    ("ps", "stopping probes where there is no /proc"),
    ("sudo", "become"),
];

/// What a node lets us do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    pub user: Option<String>,
    pub hostname: Option<String>,
    /// Each path that was asked about, with what can be done with it.
    pub paths: Vec<(String, Access)>,
    /// Of [`TOOLS`].
    pub missing_tools: Vec<&'static str>,
    /// The script ran to its end.
    pub whole: bool,
}

/// The script for log dirs and log files.
pub fn script(paths: &[String]) -> String {
    let mut script = String::from(
        "echo \"U $(id -un 2>/dev/null||echo $LOGNAME)\";echo \"H $(uname -n)\";\
         p() { i=$1;shift;if [ ! -e \"$1\" ];then echo \"P $i missing\";return;fi;for f do \
         if [ ! -r \"$f\" ]||{ [ -d \"$f\" ]&&[ ! -x \"$f\" ];};then echo \"P $i unreadable\";return;fi;done;\
         echo \"P $i readable\";};",
    );
    for (index, path) in paths.iter().enumerate() {
        script.push_str(&format!("p {index} {};", quote_glob(path)));
    }
    script.push_str("for t in");
    for (tool, _) in TOOLS {
        script.push_str(&format!(" {}", quote(tool)));
    }
    script.push_str(";do command -v $t >/dev/null 2>&1||echo \"T $t\";done;echo E");
    script
}

/// Reads the answer.
pub fn parse(paths: &[String], answer: &Answer) -> Seen {
    let mut seen = Seen { paths: paths.iter().map(|path| (path.clone(), Access::Unseen)).collect(), ..Seen::default() };
    for line in answer.lines() {
        let (kind, rest) = line.split_at_checked(2).unwrap_or((&line, ""));
        match kind {
            "U " => seen.user = Some(rest.to_owned()),
            "H " => seen.hostname = Some(rest.to_owned()),
            "T " => seen.missing_tools.extend(TOOLS.iter().map(|(tool, _)| *tool).filter(|tool| *tool == rest)),
            "P " => {
                let Some((index, how)) = rest.split_once(' ') else { continue };
                let Some(path) = index.parse::<usize>().ok().and_then(|at| seen.paths.get_mut(at)) else { continue };
                path.1 = match how {
                    "readable" => Access::Readable,
                    "missing" => Access::Missing,
                    _ => Access::Unreadable,
                };
            }
            "E" => seen.whole = true,
            _ => {}
        }
    }
    seen
}
