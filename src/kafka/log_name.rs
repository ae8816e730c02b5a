//! The names of log files: what a log is called before log4j or logrotate gives it another name.

/// What compressors add to a name.
const COMPRESSED: [&str; 4] = [".gz", ".bz2", ".xz", ".zst"];

/// The name that a log has before it is rotated: `server.log` of `server.log.2026-10-31.gz`.
pub fn of(path: &str) -> &str {
    let mut name = COMPRESSED.iter().find_map(|end| path.strip_suffix(end)).unwrap_or(path);
    while let Some((front, end)) = name.rsplit_once(['.', '-'])
        && end.bytes().all(|byte| byte.is_ascii_digit())
        && !end.is_empty()
        && !front.ends_with('/')
    {
        name = front;
    }
    name
}

/// The same of a path that may be no log's: a directory `orders-0` is not `orders`.
pub fn of_any(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    if name.contains(".log") { of(path) } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_before_rotation() {
        for path in [
            "/l/server.log",
            "/l/server.log.1",
            "/l/server.log.12.gz",
            "/l/server.log.2026-10-31-09",
            "/l/server.log-20261031.gz",
        ] {
            assert_eq!(of(path), "/l/server.log", "{path}");
        }
        assert_eq!(of("/l/1"), "/l/1");
        assert_eq!(of("/l/2026-10"), "/l/2026");
    }

    #[test]
    fn a_rotated_file_is_no_other_file() {
        assert_eq!(of_any("/l/server.log.2017-04-04-07"), "/l/server.log");
        assert_eq!(of_any("/l/server.log.1.gz"), "/l/server.log");
        assert_eq!(of_any("/l/server.log.old"), "/l/server.log.old");
        assert_eq!(of_any("/d/t-0/00000000000000000000.log"), "/d/t-0/00000000000000000000.log");
        assert_eq!(of_any("/x.log/orders-0"), "/x.log/orders-0");
        assert_eq!(of_any("/data"), "/data");
    }
}
