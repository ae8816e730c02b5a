//! A headless Chromium, spoken to by the DevTools protocol over a pipe: JSON objects that end with a NUL.
//! (<https://chromedevtools.github.io/devtools-protocol/>)

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};

/// Longer than any page here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The axe-core that `scripts/setup` puts there.
const AXE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/axe.min.js");

/// A browser with one page.
pub struct Browser {
    process: Child,
    orders: ChildStdin,
    answers: Receiver<Value>,
    next: u64,
    session: String,
    events: VecDeque<Value>,
    _profile: tempfile::TempDir,
}

impl Browser {
    pub fn start() -> Browser {
        let profile = tempfile::tempdir().expect("a directory for the profile");
        // The protocol goes over the descriptors 3 and 4. As root Chromium has no sandbox to offer; it opens nothing
        // but our own files. The kernel ends it should this process be killed.
        let script = "exec setpriv --pdeathsig KILL -- chromium --headless=new --remote-debugging-pipe --no-sandbox \
            --disable-gpu --disable-dev-shm-usage --no-first-run --disable-extensions --disable-background-networking \
            --hide-scrollbars --user-data-dir=\"$1\" about:blank 3<&0 4>&1 0</dev/null 1>/dev/null 2>\"$1/stderr\"";
        let there =
            Command::new("chromium").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(there.is_ok(), "chromium is not there: scripts/setup installs it");
        let mut process = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(profile.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let orders = process.stdin.take().expect("its input");
        let mut from = BufReader::new(process.stdout.take().expect("its output"));
        let (send, answers) = channel();
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            while from.read_until(0, &mut bytes).is_ok_and(|length| length > 0) {
                bytes.pop();
                if let Ok(value) = serde_json::from_slice(&bytes)
                    && send.send(value).is_err()
                {
                    return;
                }
                bytes.clear();
            }
        });
        let mut browser = Browser {
            process,
            orders,
            answers,
            next: 0,
            session: String::new(),
            events: VecDeque::new(),
            _profile: profile,
        };
        let target = browser.ask("Target.createTarget", json!({"url": "about:blank"}));
        let attached =
            browser.ask("Target.attachToTarget", json!({"targetId": target["targetId"], "flatten": true}));
        browser.session = attached["sessionId"].as_str().expect("a session").to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.ask(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// What the browser has for an order; fails on an error.
    #[track_caller]
    pub fn ask(&mut self, method: &str, parameters: Value) -> Value {
        self.next += 1;
        let mut order = json!({"id": self.next, "method": method, "params": parameters});
        if !self.session.is_empty() {
            order["sessionId"] = json!(self.session);
        }
        self.orders.write_all(format!("{order}\0").as_bytes()).expect("Chromium listens");
        loop {
            let answer = self.hear(method);
            if answer["id"] == self.next {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
            self.events.push_back(answer);
        }
    }

    #[track_caller]
    fn hear(&mut self, what: &str) -> Value {
        match self.answers.recv_timeout(PATIENCE) {
            Ok(answer) => answer,
            Err(error) => {
                let said = fs::read_to_string(self._profile.path().join("stderr")).unwrap_or_default();
                panic!("Chromium has no answer to {what}: {error}\n{said}")
            }
        }
    }

    /// Shows a page at a size of the window, in a scheme of colours, on a medium.
    pub fn show(&mut self, page: &Path, width: u32, scheme: &str, medium: &str) {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.ask("Emulation.setDeviceMetricsOverride", size);
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.ask("Emulation.setEmulatedMedia", json!({"media": medium, "features": features}));
        self.events.clear();
        self.ask("Page.navigate", json!({"url": format!("file://{}", page.display())}));
        let loaded = |event: &Value| event["method"] == "Page.loadEventFired";
        while !self.events.iter().any(loaded) {
            let event = self.hear("Page.navigate");
            self.events.push_back(event);
        }
    }

    /// What an expression, or the promise that it makes, comes to in the page.
    #[track_caller]
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let result = self.ask("Runtime.evaluate", parameters);
        assert!(result["exceptionDetails"].is_null(), "{}", result["exceptionDetails"]);
        result["result"]["value"].clone()
    }

    /// What went wrong since the page was asked for, and every address that was fetched but the page's own.
    pub fn complaints(&mut self) -> Vec<String> {
        // Whatever the page has to say was said before this is answered.
        self.evaluate("new Promise(done => setTimeout(done, 100))");
        let told = self.events.iter().filter_map(|event| {
            let what = &event["params"];
            match event["method"].as_str()? {
                "Runtime.consoleAPICalled" => Some(format!("console: {}", what["args"])),
                "Runtime.exceptionThrown" => Some(format!("exception: {}", what["exceptionDetails"])),
                "Log.entryAdded" => Some(format!("log: {}", what["entry"]["text"])),
                "Page.javascriptDialogOpening" => Some(format!("dialog: {}", what["message"])),
                "Network.requestWillBeSent" if what["type"] != "Document" => {
                    Some(format!("fetched: {}", what["request"]["url"]))
                }
                _ => None,
            }
        });
        told.collect()
    }

    /// What axe-core finds against WCAG 2.1 AA and good practice, a line each.
    pub fn accessibility(&mut self) -> Vec<String> {
        let axe = fs::read_to_string(AXE).unwrap_or_else(|error| {
            panic!("axe-core is not there ({error}): scripts/setup fetches it to {AXE}")
        });
        self.evaluate(&format!("{axe};0"));
        let found = self.evaluate(
            "axe.run(document, {resultTypes: ['violations']}).then(result => result.violations.flatMap(one => \
             one.nodes.slice(0, 3).map(node => `${one.id}: ${node.html.slice(0, 160)}: ${node.failureSummary}`)))",
        );
        let lines = found.as_array().expect("violations").iter();
        lines.filter_map(|line| line.as_str().map(str::to_owned)).collect()
    }

    /// Pictures of the page from its top, `NAME-1.png` and so on, for a person to look at.
    pub fn pictures(&mut self, dir: &Path, name: &str) {
        let size = self.ask("Page.getLayoutMetrics", json!({}))["cssContentSize"].clone();
        let height = size["height"].as_f64().unwrap_or(900.0);
        for piece in 0..4 {
            let top = f64::from(piece) * 1600.0;
            if top >= height {
                break;
            }
            let clip = json!({"x": 0, "y": top, "width": size["width"], "height": (height - top).min(1600.0), "scale": 1});
            let picture =
                self.ask("Page.captureScreenshot", json!({"captureBeyondViewport": true, "clip": clip}));
            let picture = picture["data"].as_str().expect("a picture");
            let bytes = base64::engine::general_purpose::STANDARD.decode(picture).expect("base64");
            fs::write(dir.join(format!("{name}-{}.png", piece + 1)), bytes).expect("a picture is written");
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
