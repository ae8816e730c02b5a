//! The text that goes to the remote shell: the constant that starts it, and the orders it then takes.
//!
//! The exec string must mean the same in every login shell, so it holds no `!`, backslash, newline
//! or single quote beyond its own pair. What is fixed stands in it, since a shell reads its standard
//! input byte by byte, at a system call each; the orders come there, a line at a time. The shell then
//! only ever waits in `read`: scripts run in the background, and end-of-file means that we are gone.

/// Seconds between heartbeats.
pub const HEARTBEAT_SECONDS: u32 = 5;

/// Seconds without a heartbeat after which the node ends everything by itself: three are missed.
pub const WATCHDOG_SECONDS: u32 = 3 * HEARTBEAT_SECONDS;

/// Orders longer than this are read by one `head -c` instead of byte by byte: a process costs about as
/// much as 5,000 to 10,000 system calls (1 to 1.7 ms against 0.15 to 0.3 µs).
const READ_AT_ONCE: usize = 8000;

/// What every shell of ours runs.
///
/// - `rm_z` ends everything. Where the shell leads its process group (OpenSSH makes each exec a session
///   leader; under `sudo` the leader is `$1`) the whole group goes; elsewhere the group may hold the
///   transport, so the tree below the shell is walked. A group that bears the number of a living process
///   is that process's own, which can be seen without /proc.
/// - `rm_r ID SCRIPT` runs a script, fenced on both streams. The inner parentheses keep a script's
///   `exit` and traps to itself.
pub(super) fn guard() -> &'static str {
    concat!(
        "LC_ALL=C;export LC_ALL;rm_w=;rm_p=;",
        "if kill -0 -$$ 2>/dev/null||kill -0 -${1:-x} 2>/dev/null;",
        "then rm_a=leads;rm_z() { kill -9 0;};",
        "else rm_a=walks;rm_z() { rm_k \"$rm_p $rm_w\";kill -9 $$;};fi;",
        "rm_e() { echo;echo \"$rm_t - $1 $2\";{ echo;echo \"$rm_t - $1 $2\";} >&2;};",
        "rm_r() { echo \"$rm_t + $1\";echo \"$rm_t + $1\" >&2;(eval \"$2\");rm_e $1 $?;};",
        "while IFS= read -r rm_l;do eval \"$rm_l\";done;rm_z",
    )
}

/// What makes the shell lead a process group where the server did not (Dropbear): it is replaced by one in a
/// session of its own, if the node has `setsid`. Else a process whose parent has ended could not be found.
/// `$0` is the whole text, so that it can be handed on.
fn lead() -> &'static str {
    "kill -0 -$$ 2>/dev/null||[ $1 ]||{ command -v setsid >/dev/null&&exec setsid /bin/sh -c \"$0\" \"$0\" x;};"
}

/// The exec string. Nice 19 is also the lowest best-effort I/O priority on Linux (a process that
/// set none has `(nice + 20) / 5`), so `ionice` would cost a process and change nothing.
pub fn boot() -> String {
    format!("exec nice -n 19 {}", plain())
}

/// The exec string for a node without `nice`.
pub fn boot_plainly() -> String {
    format!("exec {}", plain())
}

fn plain() -> String {
    format!("/bin/sh -c 'eval \"$0\"' '{}{}'", lead(), guard())
}

/// The first order: arms the watchdog (`rm_b`), which ends everything when it is not rearmed in time,
/// and says hello: `TOKEN ! leads`, or `TOKEN ! walks` where the shell needs the [`walker`].
pub fn setup(token: &str) -> String {
    // Its exclamation marks are why this is not part of the exec string: csh would expand them.
    format!(
        "rm_t={token};rm_b() {{ [ -n \"$rm_w\" ] && kill $rm_w;\
         (sleep {WATCHDOG_SECONDS}& rm_c=$!;trap \"kill -9 $rm_c;exit\" 15;wait $rm_c;rm_z)& rm_w=$!;\
         }} </dev/null >/dev/null 2>&1;rm_b;echo \"$rm_t ! $rm_a\"\n"
    )
}

/// The order before [`setup`] where a terminal makes one stream of two: answers' standard error is kept back
/// until their standard output is over, and stands in fences of its own, `errors`. A hangup, which a terminal
/// has and a pipe has not, ends everything as the end of input does.
pub fn one_stream(errors: &str) -> String {
    format!(
        "rm_u={errors};trap rm_z 1;\
         rm_e() {{ echo;echo \"$rm_t - $1 $2\";echo \"$rm_u + $1\";echo;echo \"$rm_u - $1 $2\";}};\
         rm_r() {{ echo \"$rm_t + $1\";{{ rm_o=$({{ (eval \"$2\") >&3 3>&-;rm_x=$?;\
         {{ echo;echo \"$rm_t - $1 $rm_x\";}} >&3;}} 2>&1|{{ head -c {ERRORS_KEPT};cat >/dev/null;}});}} 3>&1;\
         echo \"$rm_u + $1\";printf \"%s\" \"$rm_o\";echo;echo \"$rm_u - $1 0\";}}\n"
    )
}

/// Bytes of standard error that the node keeps back.
const ERRORS_KEPT: usize = 65536;

/// The line that teaches the shell to end a tree of processes: sent before the first [`stop`], and at
/// once where the shell does not lead its group. `rm_k PIDS` ends the trees below them, `rm_s ID` stops
/// what runs as answer ID and says whether any of it survived.
pub fn walker() -> &'static str {
    // Whether a process is alive is not asked with `kill -0`, which says no of another user's.
    // The tree is found by parent pids: from /proc with nothing but the shell, else from ps. A process
    // forked while it was read is caught by the second pass, since its parent is in the list.
    "rm_d() { rm_q=\" $1 \";rm_o=;while [ \"$rm_o\" != \"$rm_q\" ];do rm_o=$rm_q;\
     if [ -r /proc/self/stat ];then for rm_f in /proc/[0-9]*/stat;do \
     { read -r rm_x <$rm_f;} 2>/dev/null||continue;set -- ${rm_x##*\") \"};\
     case $1 in Z|X) continue;; esac;case $rm_q in *\" $2 \"*) rm_x=${rm_f#/proc/};rm_n ${rm_x%/stat};; esac;done;\
     else for rm_x in $(ps -A -o pid= -o ppid=|while read -r rm_x rm_y;do echo $rm_x:$rm_y;done);do \
     case $rm_q in *\" ${rm_x#*:} \"*) rm_n ${rm_x%:*};; esac;done;fi;done;};\
     rm_n() { case $rm_q in *\" $1 \"*) ;; *) rm_q=\"$rm_q$1 \";; esac;};\
     rm_k() { rm_d \"$1\";kill -9 $rm_q;} 2>/dev/null;\
     rm_y() { if [ -r /proc/self/stat ];then { read -r rm_x </proc/$1/stat;} 2>/dev/null||return 1;\
     case ${rm_x##*\") \"} in Z*|X*) return 1;; esac;\
     else kill -0 $1 2>/dev/null||ps -p $1 >/dev/null 2>&1;fi;};\
     rm_s() { rm_k $rm_p;rm_k \"$rm_q\";for rm_i in 0 1;do rm_v=stopped;\
     for rm_f in $rm_q;do rm_y $rm_f&&rm_v=stuck;done;\
     [ $rm_i$rm_v = 0stuck ]&&{ sleep 0.2||sleep 1;} 2>/dev/null;done;rm_e $1 $rm_v;}\n"
}

/// A heartbeat.
pub const HEARTBEAT: &str = "rm_b\n";

/// The order to run scripts one after another, each as the answer of its id.
///
/// Behind a `head` that reads more than it was asked for (BusyBox's does) nothing else may be sent
/// until the first answer has begun.
pub fn run<'a>(scripts: impl IntoIterator<Item = (u32, &'a str)>) -> String {
    let mut prelude = String::new();
    let mut batch = String::from("(");
    for (id, script) in scripts {
        if script.contains('\n') {
            // A line holds no newline, so one is made there: command substitution strips the last only.
            prelude.push_str(&format!("rm_n=$(echo;echo .);rm_n=${{rm_n%.}};rm_s{id}=\n"));
            for line in script.split('\n') {
                prelude.push_str(&format!("rm_s{id}=\"$rm_s{id}\"{}\"$rm_n\"\n", quote(line)));
            }
            batch.push_str(&format!("rm_r {id} \"$rm_s{id}\";"));
        } else {
            batch.push_str(&format!("rm_r {id} {};", quote(script)));
        }
    }
    let order = format!("{prelude}{batch}) </dev/null& rm_p=$!\n");
    if order.len() < READ_AT_ONCE {
        return order;
    }
    // Where `head` has no -c it reads nothing, and the loop takes the same lines by itself.
    format!("rm_h=$(head -c {}) && eval \"$rm_h\"\n{order}", order.len())
}

/// The order to stop answer `id` and all that it started.
pub fn stop(id: u32) -> String {
    format!("rm_s {id}\n")
}

/// `word` as one word of a POSIX shell, whatever is in it.
pub fn quote(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=@%+,".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    // NUL cannot stand in a shell word; no path or variable that we can be given holds one.
    format!("'{}'", word.replace('\0', "").replace('\'', r"'\''"))
}

/// `pattern` as shell words in which `*`, `?` and `[…]` stay globs and nothing else does anything.
pub fn quote_glob(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut literal = String::new();
    let flush = |literal: &mut String, out: &mut String| {
        if !literal.is_empty() {
            out.push_str(&quote(literal));
            literal.clear();
        }
    };
    let mut rest = pattern;
    while let Some(next) = rest.chars().next() {
        let bracket = (next == '[').then(|| bracket_expression(rest)).flatten();
        if let Some(set) = bracket {
            flush(&mut literal, &mut out);
            out.push_str(set);
            rest = &rest[set.len()..];
            continue;
        }
        if matches!(next, '*' | '?') {
            flush(&mut literal, &mut out);
            out.push(next);
        } else {
            literal.push(next);
        }
        rest = &rest[next.len_utf8()..];
    }
    flush(&mut literal, &mut out);
    if out.is_empty() { "''".to_owned() } else { out }
}

/// The directory that a pattern's matches lie in.
pub fn glob_parent(pattern: &str) -> &str {
    let fixed = pattern.find(['*', '?', '[']).map_or(pattern, |at| &pattern[..at]);
    match fixed.rfind('/') {
        Some(0) => "/",
        Some(at) => &fixed[..at],
        None => ".",
    }
}

/// The bracket expression that `text` begins with, if it is one of plain members and ranges.
fn bracket_expression(text: &str) -> Option<&str> {
    let end = text[1..].find(']')? + 1;
    let members = &text[1..end];
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!^".contains(&byte);
    (!members.is_empty() && members.bytes().all(harmless)).then(|| &text[..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exec_string_means_the_same_in_every_login_shell() {
        for boot in [boot(), boot_plainly()] {
            assert!(!boot.contains(['!', '\\', '\n']), "{boot}");
            assert_eq!(boot.matches('\'').count(), 4, "two words in quotes: {boot}");
            // Dropbear refused commands of more than 1024 bytes until 2019.
            assert!(boot.len() < 1024, "{}", boot.len());
        }
    }

    #[test]
    fn every_order_is_one_line() {
        for line in
            [setup("rmtoken"), one_stream("rmerrors"), walker().to_owned(), run([(1, "a b")]), stop(1)]
        {
            assert_eq!(line.find('\n'), Some(line.len() - 1));
        }
    }

    #[test]
    fn quoting_survives_a_real_shell() {
        for word in ["a b", "it's", "$(id)", "`id`", "a;b|c&d", "\"", "\\", "*", "", "-n", "ä\u{7}", "!x"] {
            let script = format!("printf %s {}", quote(word));
            let out = std::process::Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&out.stdout), word, "{script}");
        }
    }

    #[test]
    fn globs_stay_globs_and_nothing_else_does() {
        assert_eq!(quote_glob("/services/kafka/complete*-[0-9]"), "/services/kafka/complete*-[0-9]");
        assert_eq!(quote_glob("/a b/$(id)*"), "'/a b/$(id)'*");
        assert_eq!(quote_glob("/x[$(id)]"), "'/x[$(id)]'");
        assert_eq!(quote_glob("~root/*"), "'~root/'*");
        assert_eq!(quote_glob(""), "''");
    }
}
