//! Where log4j writes and how a line looks, from the lines of its configuration that name files and layouts:
//! log4j 1 properties, log4j 2 properties, XML and YAML.

/// What a configuration says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Log4j {
    /// Files, each once, in the configuration's order.
    pub files: Vec<String>,
    pub layout: Option<String>,
}

/// Reads the lines; `logs_dir` stands for `kafka.logs.dir`. A file whose name holds another variable is left out.
pub(super) fn read<'a>(lines: impl Iterator<Item = &'a str>, logs_dir: Option<&str>) -> Log4j {
    let mut read = Log4j::default();
    for line in lines {
        for key in ["fileName", ".File", ".file", "file"] {
            let Some(value) = value_of(line, key) else { continue };
            if let Some(file) = resolve(value, logs_dir).filter(|file| file.starts_with('/'))
                && !read.files.contains(&file)
            {
                read.files.push(file);
            }
            break;
        }
        // Of several layouts that of the first appender with one: Kafka's own files give all the same.
        if read.layout.is_none()
            && let Some(value) = ["ConversionPattern", "pattern", "Pattern", "value"]
                .into_iter()
                .find_map(|key| value_of(line, key))
                .filter(|value| value.contains("%m"))
        {
            read.layout = Some(value.to_owned());
        }
    }
    read
}

/// The value after `key`, `key` standing at the end of a word: `a.b.File=x`, `fileName="x"`, `fileName: "x"`.
fn value_of<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let mut from = 0;
    while let Some(at) = line.get(from..)?.find(key) {
        let start = from + at;
        let rest = line.get(start + key.len()..)?;
        from = start + key.len();
        let before = line.get(..start)?.chars().next_back();
        if !key.starts_with('.') && before.is_some_and(|before| before.is_ascii_alphanumeric()) {
            continue;
        }
        let rest = rest.trim_start_matches(['"', '\'']).trim_start();
        let Some(rest) = rest.strip_prefix(['=', ':']) else { continue };
        let rest = rest.trim();
        return Some(match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => rest.get(1..)?.split(quote).next()?,
            _ => rest,
        });
    }
    None
}

/// `${kafka.logs.dir}`, `${sys:kafka.logs.dir}` and those with a default filled in; `None` where another is left.
fn resolve(value: &str, logs_dir: Option<&str>) -> Option<String> {
    let mut out = String::new();
    let mut rest = value;
    while let Some(at) = rest.find("${") {
        out.push_str(rest.get(..at)?);
        let end = rest.get(at..)?.find('}')? + at;
        let name = rest.get(at + 2..end)?;
        let name = name.strip_prefix("sys:").unwrap_or(name);
        let (name, default) = name.split_once(":-").map_or((name, None), |(name, value)| (name, Some(value)));
        out.push_str(match name {
            "kafka.logs.dir" => logs_dir.or(default)?,
            _ => default?,
        });
        rest = rest.get(end + 1..)?;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn four_ways_to_name_a_file() {
        for (line, file) in [
            ("log4j.appender.kafkaAppender.File=${kafka.logs.dir}/server.log", Some("/logs/server.log")),
            ("appender.kafka.fileName = ${sys:kafka.logs.dir}/server.log", Some("/logs/server.log")),
            (
                "  <RollingFile name=\"a\" fileName=\"${sys:kafka.logs.dir}/server.log\" filePattern=\"x\">",
                Some("/logs/server.log"),
            ),
            ("        fileName: \"${sys:kafka.logs.dir}/server.log\"", Some("/logs/server.log")),
            ("log4j.appender.a.file=/var/log/kafka/server.log", Some("/var/log/kafka/server.log")),
            ("appender.a.fileName=${sys:kafka.logs.dir:-/x}/${env:NAME}.log", None),
            ("log4j.appender.a.File=log-cleaner.log", None),
            ("log4j.appender.a.MaxFileSize=10MB", None),
        ] {
            let read = read([line].into_iter(), Some("/logs"));
            assert_eq!(read.files.first().map(String::as_str), file, "{line}");
        }
    }

    #[test]
    fn the_layout_is_found() {
        for line in [
            "log4j.appender.stdout.layout.ConversionPattern=[%d] %p %m (%c)%n",
            "        value: \"[%d] %p %m (%c)%n\"",
            "<PatternLayout pattern=\"[%d] %p %m (%c)%n\"/>",
        ] {
            assert_eq!(read([line].into_iter(), None).layout.as_deref(), Some("[%d] %p %m (%c)%n"), "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_read_without_harm(line in "(fileName|File|pattern|[${}:=\"' a-zä/%m-]){0,20}") {
            let _ = read([line.as_str()].into_iter(), Some("/logs"));
        }
    }
}
