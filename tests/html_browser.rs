//! The HTML report as a browser shows it. Pictures are left in `target/tmp`, to be looked at.

mod binary;
mod browser;
mod rounds;

use std::fs;
use std::path::{Path, PathBuf};

use binary::{Desk, run};
use browser::Browser;
use roundsman::round::Round;
use serde_json::Value;

const WIDTHS: [u32; 2] = [390, 1440];
const SCHEMES: [&str; 2] = ["light", "dark"];

/// The report of a round as a page.
fn page(desk: &Desk, name: &str, round: &Value) -> PathBuf {
    let file = desk.file(&format!("{name}.json"), &round.to_string());
    let page = desk.path(&format!("{name}.html"));
    let ran = run(["report", "--from", &file, "-o", &page.display().to_string()]);
    assert!(page.exists(), "{}", ran.stderr);
    page
}

fn json(round: &Round) -> Value {
    serde_json::to_value(round).expect("a round is JSON")
}

fn rounds() -> [(&'static str, Value); 5] {
    [
        ("incident", json(&rounds::incident())),
        ("healthy", json(&rounds::healthy())),
        ("half_missing", json(&rounds::half_missing())),
        ("ten_thousand", json(&rounds::ten_thousand())),
        ("hostile", hostile()),
    ]
}

/// The incident, with everything that a node or an inventory names turned into an attempt.
fn hostile() -> Value {
    let attempts = [
        ("completeProduct", "<img/src=x/onerror=window.pwned=1>"),
        ("10.200.8.176", "\"onfocus=window.pwned=2/autofocus/x=\""),
        ("10.200.8.177", "'><script>window.pwned=3</script>"),
        ("10.200.8.183", "</style><style>*{display:none}</style>"),
        ("playbooks/kafka-audit.yml", "</title><script>window.pwned=4</script>"),
        ("queue", "javascript:window.pwned=5"),
        ("/services/log/kafka", "/\u{202e}gol/\u{2066}<svg/onload=window.pwned=6>/&lt;b&gt;"),
        (
            "kafka.server.ReplicaFetcherThread",
            "<a href=javascript:window.pwned=7>{{7*7}}</a>\u{200b}\u{1b}[31m",
        ),
        ("issues.apache.org", "javascript:window.pwned=8//"),
    ];
    fn put(value: &mut Value, attempts: &[(&str, &str)]) {
        match value {
            Value::String(text) => {
                *text = attempts.iter().fold(text.clone(), |text, (from, to)| text.replace(from, to));
            }
            Value::Array(values) => values.iter_mut().for_each(|value| put(value, attempts)),
            Value::Object(fields) => fields.values_mut().for_each(|value| put(value, attempts)),
            _ => {}
        }
    }
    let mut round = json(&rounds::incident());
    put(&mut round, &attempts);
    // The first words of a line decide what it is; the visits must still be of one cluster.
    round
}

const OPEN_ALL: &str = "document.querySelectorAll('details').forEach(one => one.open = true)";

/// Elements that reach beyond the window and that nothing around them scrolls or cuts.
const OVERFLOW: &str = "(() => { \
    const wide = document.documentElement.scrollWidth; \
    if (wide <= window.innerWidth) return []; \
    return [`${wide} of ${window.innerWidth}`, ...[...document.querySelectorAll('body *')] \
        .filter(one => one.getBoundingClientRect().right > window.innerWidth + 1 && !one.closest('.wide')) \
        .slice(0, 5).map(one => one.outerHTML.slice(0, 200))]; })()";

#[test]
fn no_error_no_overflow_and_nothing_against_accessibility() {
    let desk = Desk::new();
    let mut browser = Browser::start();
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut wrong: Vec<String> = Vec::new();
    for (name, round) in rounds() {
        let page = page(&desk, name, &round);
        for (width, scheme) in WIDTHS.iter().flat_map(|width| SCHEMES.map(|scheme| (*width, scheme))) {
            let place = format!("{name} at {width} px, {scheme}");
            browser.show(&page, width, scheme, "screen");
            browser.pictures(pictures, &format!("report-{name}-{width}-{scheme}"));
            let mut note = |what: &str, said: Vec<String>| {
                wrong.extend(said.into_iter().map(|said| format!("{place}{what}: {said}")));
            };
            let overflow = |browser: &mut Browser| -> Vec<String> {
                let found = browser.evaluate(OVERFLOW);
                found.as_array().expect("a list").iter().map(ToString::to_string).collect()
            };
            note(", overflow", overflow(&mut browser));
            note("", browser.complaints());
            note("", browser.accessibility());
            browser.evaluate(OPEN_ALL);
            note(", everything open, overflow", overflow(&mut browser));
            // The map of ten thousand marks is tried once: axe looks at each of them.
            if name != "ten_thousand" || (width, scheme) == (1440, "dark") {
                note(", everything open", browser.accessibility());
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_put_into_names_and_lines_stays_text() {
    let desk = Desk::new();
    let page = page(&desk, "hostile", &hostile());
    let mut browser = Browser::start();
    browser.show(&page, 1440, "light", "screen");
    browser.evaluate(OPEN_ALL);
    let everywhere = "document.querySelectorAll('[tabindex], a, summary').forEach(one => { \
        one.focus(); one.dispatchEvent(new MouseEvent('mouseover', {bubbles: true})); })";
    browser.evaluate(everywhere);
    assert_eq!(browser.complaints(), Vec::<String>::new());
    assert_eq!(browser.evaluate("typeof window.pwned"), "undefined");
    let foreign = "[...document.querySelectorAll('script, img, svg, iframe, object, embed, link, base, form, input')].length \
        + [...document.querySelectorAll('style')].length - 1 \
        + [...document.querySelectorAll('*')].flatMap(one => [...one.attributes]) \
            .filter(one => one.name.startsWith('on') || one.name == 'style' || one.name == 'autofocus').length \
        + [...document.querySelectorAll('[href]')].filter(one => !/^(#|https:\\/\\/issues.apache.org\\/)/.test(one.getAttribute('href'))).length";
    assert_eq!(browser.evaluate(foreign), 0);
    // It is all there to be read, as text.
    let text = browser.evaluate("document.body.innerText");
    let text = text.as_str().expect("text");
    for attempt in [
        "<img/src=x/onerror=window.pwned=1>",
        "\"onfocus=window.pwned=2/autofocus/x=\"",
        "'><script>window.pwned=3</script>",
        "</style><style>*{display:none}</style>",
        "</title><script>window.pwned=4</script>",
        "javascript:window.pwned=5",
        "<svg/onload=window.pwned=6>/&lt;b&gt;",
        "{{7*7}}",
        "\\u{202e}",
    ] {
        assert!(text.contains(attempt), "{attempt}");
    }
    assert!(!text.contains(['\u{202e}', '\u{2066}', '\u{200b}', '\u{1b}']));
    // What would be said if something did run: the policy stops it, and the browser tells.
    browser.evaluate(
        "const script = document.createElement('script'); script.textContent = 'window.pwned = 9'; \
         document.body.append(script); const image = new Image(); image.src = 'http://127.0.0.1:9/x'; \
         document.body.append(image); document.body.setAttribute('style', 'color: red'); 0",
    );
    assert!(browser.complaints().len() >= 3, "{:?}", browser.complaints());
    assert_eq!(browser.evaluate("typeof window.pwned"), "undefined");
}

#[test]
fn numbers_show_on_hover_and_focus() {
    let desk = Desk::new();
    let page = page(&desk, "incident", &json(&rounds::incident()));
    let mut browser = Browser::start();
    for width in WIDTHS {
        browser.show(&page, width, "light", "screen");
        // The last cell of the last row, where there is least room.
        let shown = browser.evaluate(
            "(() => { const cells = document.querySelectorAll('.heat [data-d]'); const cell = cells[cells.length - 1]; \
             cell.scrollIntoView(); cell.focus(); const after = getComputedStyle(cell, '::after'); \
             return {content: after.content, display: after.display, visible: after.visibility, \
                     left: parseFloat(after.left), width: parseFloat(after.width), bottom: parseFloat(after.bottom), \
                     position: after.position, detail: cell.dataset.d}; })()",
        );
        assert!(shown["content"].as_str().is_some_and(|text| text.contains("segments")), "{shown}");
        assert_eq!((&shown["position"], &shown["visible"]), (&"fixed".into(), &"visible".into()), "{shown}");
        let number = |name: &str| shown[name].as_f64().expect("a number");
        assert!(number("left") >= 0.0 && number("left") + number("width") <= f64::from(width), "{shown}");
        assert!(number("bottom") >= 0.0, "{shown}");
        let place = "document.activeElement.getBoundingClientRect().toJSON()";
        let cell = browser.evaluate(place);
        let point = |name: &str| cell[name].as_f64().expect("a place") + 4.0;
        let event = serde_json::json!({"type": "mouseMoved", "x": point("x"), "y": point("y")});
        browser.evaluate("document.activeElement.blur()");
        let content = "(() => { const cells = document.querySelectorAll('.heat [data-d]'); \
            return getComputedStyle(cells[cells.length - 1], '::after').content; })()";
        assert_eq!(browser.evaluate(content), "none");
        browser.ask("Input.dispatchMouseEvent", event);
        assert_ne!(browser.evaluate(content), "none", "under the pointer");
    }
}

#[test]
fn on_paper_everything_is_open_dark_on_light_and_within_the_sheet() {
    let desk = Desk::new();
    let page = page(&desk, "incident", &json(&rounds::incident()));
    let mut browser = Browser::start();
    // A4 less the margins, for a reader who lives in the dark.
    browser.show(&page, 718, "dark", "print");
    assert_eq!(browser.evaluate(OVERFLOW), Value::Array(Vec::new()));
    let cut = "[...document.querySelectorAll('.wide')].filter(one => one.scrollWidth > one.clientWidth + 1) \
        .map(one => one.getAttribute('aria-label'))";
    assert_eq!(
        browser.evaluate(cut),
        Value::Array(Vec::new()),
        "a table that is cut at the edge of the sheet"
    );
    let hidden = "[...document.querySelectorAll('details > :not(summary)')].filter(one => !one.checkVisibility()).length";
    assert_eq!(browser.evaluate(hidden), 0, "what is folded cannot be unfolded on paper");
    let colours = browser.evaluate(
        "[...document.querySelectorAll('body, .card, .verdict, pre, dt, td')].map(one => { \
            const style = getComputedStyle(one); return [style.color, style.backgroundColor]; })",
    );
    let light = |colour: &str| -> f64 {
        let numbers: Vec<f64> = colour
            .split(|c: char| !c.is_ascii_digit() && c != '.')
            .filter_map(|number| number.parse().ok())
            .collect();
        // Nothing behind is paper.
        if numbers.get(3) == Some(&0.0) { 255.0 } else { numbers[..3].iter().sum::<f64>() / 3.0 }
    };
    for pair in colours.as_array().expect("colours") {
        let [ink, ground] = [0, 1].map(|at| light(pair[at].as_str().expect("a colour")));
        assert!(ink < 140.0 && ground > 190.0, "{pair}");
    }
    let printed = browser.ask("Page.printToPDF", serde_json::json!({"printBackground": true}));
    fs::write(
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("report-incident.pdf.base64"),
        printed["data"].to_string(),
    )
    .expect("the sheets are written");
    assert!(printed["data"].as_str().is_some_and(|data| data.len() > 20_000));
}
