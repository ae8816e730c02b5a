//! The round's metrics where they are used: promtool, node_exporter, Prometheus, the alert rules and the dashboard.

mod binary;
mod rounds;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use binary::{AUDIT, Desk, PATIENCE, Running, roundsman, run, serve_incident, until};
use serde_json::Value;

const CONTRIB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/contrib");

/// A program of the monitoring system's packages; `scripts/setup` installs them.
fn tool(name: &str) -> Command {
    let there = Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(there.is_ok(), "{name} is not there: scripts/setup installs it");
    Command::new(name)
}

#[track_caller]
fn promtool(args: &[&str], stdin: &str) {
    let mut child = tool("promtool")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    child.stdin.take().expect("its input").write_all(stdin.as_bytes()).expect("promtool reads");
    let output = child.wait_with_output().expect("promtool ends");
    let said =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "promtool {args:?}: {said}");
    // `check metrics` has warnings that are no errors.
    assert!(args[1] != "metrics" || said.trim().is_empty(), "{said}");
}

#[test]
fn promtool_has_nothing_to_say_about_the_metrics() {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/rounds/incident.json");
    for more in [&[][..], &["--metrics-series", "50"], &["--metrics-label", "fleet=a \"b\" \\c"]] {
        let ran = run(["report", "--from", fixture, "--format", "prometheus"].iter().chain(more));
        assert!(
            ran.stdout.contains("roundsman_replica_dirty_ratio{") || more.contains(&"50"),
            "{}",
            ran.stdout
        );
        promtool(&["check", "metrics"], &ran.stdout);
    }
    run(["report", "--from", fixture, "--metrics-label", "topic=a"]).exits(64).complains("topic");
    run(["report", "--from", fixture, "--metrics-label", "7=a"]).exits(64).complains("7");
}

#[test]
fn every_metric_stands_in_the_documentation() {
    let documentation = include_str!("../docs/metrics.md");
    let mut known = std::collections::BTreeSet::new();
    for row in documentation.lines().filter(|line| line.starts_with("| `roundsman_")) {
        let mut whole = "";
        for name in row.split('|').nth(1).unwrap_or_default().split('`').filter(|word| word.contains('_')) {
            if name.starts_with("roundsman_") {
                whole = name;
                known.insert(name.to_owned());
            } else {
                // `_replicas` behind `roundsman_broker_log_bytes`: the first two words stay.
                let stem: Vec<&str> = whole.splitn(3, '_').collect();
                known.insert(format!("{}_{}{name}", stem[0], stem[1]));
            }
        }
    }
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/rounds/incident.json");
    let desk = Desk::new();
    let before = serde_json::to_string(&rounds::before_the_incident()).expect("a round is JSON");
    let before = desk.file("before.json", &before);
    let text = run(["report", "--from", fixture, "--baseline", &before, "--format", "prometheus"]).stdout;
    promtool(&["check", "metrics"], &text);
    let told: std::collections::BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" gauge").map(str::to_owned))
        .collect();
    let unknown: Vec<&String> = told.difference(&known).collect();
    assert!(unknown.is_empty(), "not in docs/metrics.md: {unknown:?}");
    // A report alone has no last round to compare with.
    let gone: Vec<&String> =
        known.difference(&told).filter(|name| *name != "roundsman_findings_changed").collect();
    assert!(gone.is_empty(), "no metric any more: {gone:?}");
}

#[test]
fn the_alerts_fire_when_they_should_and_the_incident_is_known_before_the_upgrade() {
    promtool(&["check", "rules", &format!("{CONTRIB}/prometheus/roundsman.rules.yml")], "");
    promtool(&["test", "rules", &format!("{CONTRIB}/prometheus/roundsman.rules.test.yml")], "");
}

#[test]
fn the_file_is_readable_by_node_exporter_whatever_the_umask_and_never_half_there() {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/rounds/incident.json");
    let desk = Desk::new();
    let (metrics, private) = (desk.path("roundsman.prom"), desk.path("report.json"));
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            "umask 077; exec \"$@\"",
            "sh",
            env!("CARGO_BIN_EXE_roundsman"),
            "report",
            "--from",
            fixture,
        ])
        .args(["-o", &metrics.display().to_string(), "-o", &private.display().to_string()])
        .env("ROUNDSMAN_NO_HISTORY", "1");
    Running::start(command).end().exits(2);
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&metrics), mode(&private)), (0o644, 0o600));
    // A reader sees a whole file at any time, and nothing that ends in .prom beside it.
    let whole = fs::read(&metrics).expect("the metrics");
    let mut again =
        Running::start(roundsman(["report", "--from", fixture, "-o", &metrics.display().to_string()]));
    while !again.is_over() {
        assert!(fs::read(&metrics).expect("the metrics") == whole);
        let names = fs::read_dir(desk.dir()).expect("the directory").flatten();
        let proms = names.filter(|entry| entry.path().extension().is_some_and(|ending| ending == "prom"));
        assert_eq!(proms.count(), 1);
    }
    again.end().exits(2);
    assert_eq!(fs::read_dir(desk.dir()).expect("the directory").count(), 2, "nothing is left beside them");
}

#[test]
fn every_alert_says_what_to_read() {
    let text = fs::read_to_string(format!("{CONTRIB}/prometheus/roundsman.rules.yml")).expect("the rules");
    let alerts = text.matches("- alert: ").count();
    for part in ["          summary: ", "          description: ", "          severity: "] {
        assert_eq!(text.matches(part).count(), alerts, "{part}");
    }
    let pages: Vec<&str> = text.lines().filter_map(|line| line.trim().strip_prefix("runbook: ")).collect();
    assert_eq!(pages.len(), alerts);
    for page in pages.into_iter().filter(|page| !page.contains("{{")) {
        match page.strip_prefix("contrib/runbooks/").and_then(|page| page.strip_suffix(".md")) {
            // There is a page for every code that can be critical.
            Some(code) => drop(run(["explain", code]).exits(0)),
            None => assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(page).exists(), "{page}"),
        }
    }
}

/// A server of ours, ended with the test however it ends.
struct Server(Child);

impl Server {
    fn start(command: &Command, log: &Path) -> Server {
        // The kernel ends it should this process be killed.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(command.get_program())
            .args(command.get_args())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(log).expect("a log"))
            .spawn()
            .expect("setpriv is of util-linux: scripts/setup installs it");
        Server(child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that nobody listened on a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// The body of what a server of this machine answers; `None`: it does not.
fn get(port: u16, path: &str, parameters: &[(&str, &str)]) -> Option<String> {
    let coded = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
    let query: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{name}={}", coded(value))).collect();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    // HTTP/1.0: the answer ends with the connection, and is in one piece.
    write!(stream, "GET {path}?{} HTTP/1.0\r\nHost: localhost\r\n\r\n", query.join("&")).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer.split_once("\r\n\r\n")?.1.to_owned())
}

/// What Prometheus' API has for a question; fails on one that it does not understand.
fn ask(port: u16, path: &str, parameters: &[(&str, &str)]) -> Option<Value> {
    let answer: Value = serde_json::from_str(&get(port, path, parameters)?).ok()?;
    assert_eq!(answer["status"], "success", "{parameters:?}: {answer}");
    Some(answer["data"].clone())
}

/// A panel's title and a query of it; a variable's name, its query and the label that it takes.
type Queries = (Vec<(String, String)>, Vec<(String, String, String)>);

/// Every query of the dashboard, by the panel's title, and the variables'.
fn queries() -> Queries {
    let text = fs::read_to_string(format!("{CONTRIB}/grafana/roundsman.json")).expect("the dashboard");
    let dashboard: Value = serde_json::from_str(&text).expect("the dashboard is JSON");
    let variables: Vec<&Value> =
        dashboard["templating"]["list"].as_array().expect("variables").iter().collect();
    let names: Vec<&str> = variables.iter().filter_map(|one| one["name"].as_str()).collect();
    let filled = |text: &str| {
        let filled = names.iter().fold(text.to_owned(), |text, name| text.replace(&format!("${name}"), ".+"));
        assert!(!filled.contains('$'), "{filled}");
        filled
    };
    let mut panels = Vec::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        let title = panel["title"].as_str().expect("a title");
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        let targets = panel["targets"].as_array().expect("queries");
        assert!(!targets.is_empty(), "{title}");
        panels.extend(
            targets.iter().map(|one| (title.to_owned(), filled(one["expr"].as_str().expect("a query")))),
        );
    }
    let mut of_variables = Vec::new();
    for variable in variables.iter().filter(|one| one["type"] == "query") {
        let query = filled(variable["definition"].as_str().expect("a query"));
        let inside = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
        let (series, label) =
            inside.and_then(|inside| inside.rsplit_once(", ")).expect("label_values(series, label)");
        of_variables.push((
            variable["name"].as_str().expect("a name").to_owned(),
            series.into(),
            label.into(),
        ));
    }
    (panels, of_variables)
}

#[test]
fn every_panel_shows_the_demos_round_and_its_alerts_fire() {
    let desk = Desk::new();
    let demo = serve_incident();
    let inventory = demo.inventory_path().display().to_string();
    let textfiles = desk.path("textfiles");
    fs::create_dir(&textfiles).expect("a directory");
    let metrics = textfiles.join("roundsman.prom").display().to_string();
    run(["run", AUDIT, "-i", &inventory, "-o", &metrics]).exits(2);
    drop(demo);

    let (exporter_port, port) = (free_port(), free_port());
    let mut command = tool("prometheus-node-exporter");
    command
        .args(["--collector.disable-defaults", "--collector.textfile"])
        .arg(format!("--collector.textfile.directory={}", textfiles.display()))
        .arg(format!("--web.listen-address=127.0.0.1:{exporter_port}"));
    let exporter_log = desk.path("node_exporter.log");
    let _exporter = Server::start(&command, &exporter_log);

    let config = desk.file(
        "prometheus.yml",
        &format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
             rule_files: ['{CONTRIB}/prometheus/roundsman.rules.yml']\n\
             scrape_configs:\n  - job_name: node\n    static_configs: [{{targets: ['127.0.0.1:{exporter_port}']}}]\n"
        ),
    );
    let mut command = tool("prometheus");
    command
        .arg(format!("--config.file={config}"))
        .arg(format!("--storage.tsdb.path={}", desk.path("tsdb").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"));
    let prometheus_log = desk.path("prometheus.log");
    let _prometheus = Server::start(&command, &prometheus_log);

    let logs =
        || [&exporter_log, &prometheus_log].map(|log| fs::read_to_string(log).unwrap_or_default()).join("\n");
    let scraped = || {
        let data = ask(port, "/api/v1/query", &[("query", "count_over_time(roundsman_info[1m]) >= 3")]);
        data.is_some_and(|data| data["result"].as_array().is_some_and(|found| !found.is_empty()))
    };
    let began = std::time::Instant::now();
    while !scraped() {
        assert!(began.elapsed() < PATIENCE, "Prometheus has no round:\n{}", logs());
        std::thread::sleep(Duration::from_millis(100));
    }
    // The collector took the file, and nothing in it was refused.
    let value = |query: &str| -> Vec<f64> {
        let data = ask(port, "/api/v1/query", &[("query", query)]).expect("Prometheus answers");
        let results = data["result"].as_array().expect("a vector").iter();
        results.filter_map(|one| one["value"][1].as_str()?.parse().ok()).collect()
    };
    assert_eq!(value("node_textfile_scrape_error"), [0.0]);
    assert_eq!(value("roundsman_offsets_lost"), [6_572_461.0]);

    let (panels, variables) = queries();
    assert!(panels.len() >= 15);
    for (title, query) in &panels {
        let found = value(query);
        assert!(!found.is_empty(), "nothing for the panel \"{title}\": {query}");
        assert!(found.iter().all(|number| !number.is_nan()), "{title}: {query}: {found:?}");
    }
    let of_panel = |title: &str| value(&panels.iter().find(|(one, _)| one == title).expect("the panel").1);
    assert_eq!(of_panel("Last round"), [2.0]);
    assert_eq!(of_panel("Offsets lost"), [6_572_461.0]);
    assert_eq!(of_panel("Dead log cleaners"), [2.0]);
    assert_eq!(of_panel("Hosts reached"), [1.0]);
    for (name, series, label) in variables {
        let path = format!("/api/v1/label/{label}/values");
        let data = ask(port, &path, &[("match[]", &series)]).expect("Prometheus answers");
        assert!(!data.as_array().expect("values").is_empty(), "nothing for the variable {name}: {series}");
    }

    let firing = || -> Vec<(String, String)> {
        let alerts = ask(port, "/api/v1/alerts", &[]).expect("Prometheus answers");
        let alerts = alerts["alerts"].as_array().expect("alerts").clone();
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let firing = alerts.iter().filter(|alert| alert["state"] == "firing");
        firing.map(|one| (word(&one["labels"]["alertname"]), word(&one["labels"]["broker"]))).collect()
    };
    let due = [
        ("KafkaLogCleanerDead", "10.200.8.177"),
        ("KafkaLogCleanerDead", "10.200.8.183"),
        ("KafkaCriticalFinding", "10.200.8.177"),
        ("KafkaReplicasDiverge", ""),
        ("KafkaOffsetsLost", ""),
    ];
    let is_due =
        |(name, broker): &(&str, &str)| firing().contains(&((*name).to_owned(), (*broker).to_owned()));
    until("the alerts of the incident fire", PATIENCE, || due.iter().all(is_due));
    let wrong = |(name, _): &&(String, String)| name.starts_with("Roundsman");
    assert_eq!(firing().iter().find(wrong), None, "the round is fresh and whole");
}
