//! `fleet` over saved facts: nodes are counted and grouped, in every format, whatever their facts hold.

use std::fs;

use serde_json::{Value, json as value};
use tempfile::TempDir;

use super::{
    BROKEN, Run, TARGET, document, folder, json,
    judge::{lines, split},
    path, run, scenarios, schema,
};

/// A Region: `broken` instances behind one closed endpoint, a stopped one, one that nothing is known of, and three that
/// work, in another Region.
fn fleet(folder: &TempDir, broken: usize) -> String {
    let (shared, own) = split(&document(folder, BROKEN, |_| {}));
    let id = |at: usize| format!("i-{at:017x}");
    let named = |own: &Value, at: usize| own.to_string().replace(TARGET, &id(at));
    let mut lines = vec![shared.to_string()];
    lines.extend((0..broken).map(|at| named(&own, at)));
    let mut stopped = own.clone();
    stopped["facts"]["instances"][TARGET]["state"] = value!("stopped");
    lines.push(named(&stopped, 100));
    let mut unseen = own.clone();
    unseen["facts"] = value!({});
    lines.push(named(&unseen, 101));
    let good = document(folder, "private-nat", |it| {
        it["facts"]["instances"][TARGET]["name"] = value!("=HYPERLINK(\"https://evil.example\")");
    });
    lines.extend((200..203).map(|at| named(&good, at)));
    lines.join("\n") + "\n"
}

fn saved(folder: &TempDir, text: &str) -> String {
    let file = path(folder, "fleet.ndjson");
    fs::write(&file, text).unwrap();
    file
}

#[test]
fn nodes_are_counted_and_grouped_by_what_to_change() {
    let folder = folder();
    let file = saved(&folder, &fleet(&folder, 20));
    let ran = run(&["fleet", "--facts", &file, "--format", "json"]);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    let fleet = json(&ran.out);
    assert!(schema("fleet-v1.json").is_valid(&fleet));
    let summary = &fleet["summary"];
    let counts =
        ["nodes", "stopped", "unknown", "session_can_start", "session_blocked", "session_unknown"]
            .map(|name| summary[name].as_u64().unwrap());
    assert_eq!(counts, [25, 1, 1, 3, 20, 1]);
    let group = &fleet["groups"][0];
    assert_eq!(group["check"], "network/endpoint-accepts-https");
    assert_eq!((group["nodes"].as_array().unwrap().len(), &group["changes"]), (20, &value!(1)));
    assert!(group["commands"][0].as_str().unwrap().starts_with("aws ec2 "), "{group}");
    // The change that heals twenty nodes comes before those that heal fewer.
    let order: Vec<_> =
        fleet["groups"].as_array().unwrap().iter().map(|it| it["heals"].as_u64()).collect();
    assert!(order.is_sorted_by(|one, other| one >= other), "{order:?}");
    let stopped = fleet["nodes"].as_array().unwrap().iter().find(|it| it["status"] == "stopped");
    assert_eq!(stopped.unwrap()["causes"], value!([]));
}

#[test]
fn every_format_says_the_same() {
    let folder = folder();
    let file = saved(&folder, &fleet(&folder, 8));
    let [data, csv, markdown, html] =
        ["fleet.json", "fleet.csv", "fleet.md", "fleet.html"].map(|name| path(&folder, name));
    let args = ["--output", &data, "--output", &csv, "--output", &markdown, "--output", &html];
    let table = run(&[&["fleet", "--facts", &file][..], &args].concat());
    assert_eq!((table.code, table.err.as_str()), (1, ""));
    let [data, csv, markdown, html] =
        [data, csv, markdown, html].map(|it| fs::read_to_string(it).unwrap());
    let data = json(&data);
    for text in [&table.out, &markdown, &html] {
        for part in [
            "13 nodes: ",
            "1 stopped",
            "network/endpoint-accepts-https",
            "aws ec2 authorize-security",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains('\u{1b}'));
    }
    let rows: Vec<_> = csv.split_terminator("\r\n").skip(1).collect();
    assert_eq!(rows.len(), 13);
    for row in &rows {
        // Quotes within a cell are doubled, so these are the ends of cells only.
        let cells: Vec<_> = row[1..row.len() - 1].split("\",\"").collect();
        assert_eq!(cells.len(), 15, "{row}");
        assert!(!cells.iter().any(|cell| cell.starts_with(['=', '+', '-', '@'])), "{row}");
    }
    assert!(
        rows.iter().any(|row| row.contains("\"'=HYPERLINK(\"\"https://evil.example\"\")\"")),
        "{csv}"
    );
    assert!(!html.contains("<script") && html.contains("=HYPERLINK(&#34;"), "{html}");
    let lines = run(&["fleet", "--facts", &file, "--format", "ndjson"]);
    let lines: Vec<Value> = lines.out.lines().map(json).collect();
    let all = |key: &str| lines.iter().filter_map(|it| it.get(key).cloned()).collect::<Vec<_>>();
    assert_eq!(value!(all("node")), data["nodes"]);
    assert_eq!(value!(all("group")), data["groups"]);
    assert_eq!(all("summary"), [data["summary"].clone()]);
}

/// Nodes that are alike are judged once: with an id, an address and times of their own they get what each of them gets
/// alone.
#[test]
fn alike_nodes_get_what_each_gets_alone() {
    let folder = folder();
    for scenario in scenarios() {
        let document = document(&folder, scenario, |_| {});
        let target = document["scope"]["target"].as_str().unwrap().to_owned();
        let instance = &document["facts"]["instances"][&target];
        let private_ip = instance["interfaces"][0]["private_ip"].as_str().map(str::to_owned);
        let (shared, own) = split(&document);
        let other = |document: &Value, at: usize| {
            let mut text = document.to_string();
            let id = if target.starts_with("mi-") { "mi" } else { "i" };
            text = text.replace(&target, &format!("{id}-{at:017x}"));
            text = text.replace("T02:58:10Z", &format!("T02:57:{at:02}Z"));
            text = text.replace("\"ip-10-0-11-23.", &format!("\"ip-{at}."));
            if let Some(ip) = &private_ip {
                let net = ip.rsplit_once('.').unwrap().0;
                text = text.replace(&format!("\"{ip}\""), &format!("\"{net}.{}\"", 30 + at));
            }
            if at == 2 {
                text = text.replace("2026-11-20T08:", "2026-11-19T08:");
            }
            json(&text)
        };
        let alone = lines((0..3).map(|at| other(&document, at)));
        let together = std::iter::once(shared.clone()).chain((0..3).map(|at| other(&own, at)));
        let together = lines(together);
        let judged = |text: &str| {
            let file = saved(&folder, text);
            let ran = run(&["fleet", "--facts", &file, "--format", "json", "--jobs", "1"]);
            json(&ran.out)
        };
        // A list of the account's nodes names one of the three, and reports quote it.
        let is_listed = shared.to_string().contains(&target);
        for options in [&["--session", "shell"][..], &[]].into_iter().filter(|_| !is_listed) {
            let report = |text: &str| {
                let ran = Run::new(&[&["judge", "--jobs", "2"], options].concat()).fed(text);
                assert_eq!(ran.err, "", "{scenario}");
                ran.out
            };
            let (alone, together) = (report(&alone), report(&together));
            assert!(alone == together && alone.lines().count() == 3, "{scenario}");
        }
        let (alone, together) = (judged(&alone), judged(&together));
        for part in ["nodes", "groups", "summary"] {
            assert_eq!(alone[part], together[part], "{scenario}");
        }
    }
}

#[test]
fn filters_choose_nodes() {
    let folder = folder();
    let file = saved(&folder, &fleet(&folder, 4));
    let rows: &[(&[&str], u64)] = &[
        (&[], 9),
        (&["--state", "stopped"], 1),
        (&["--state", "running", "--state", "stopped"], 8),
        (&["--vpc", "vpc-none"], 0),
        (
            &[
                "--tag",
                "Environment=production",
                "--state",
                "running",
                "--region",
                "ap-northeast-1",
            ],
            4,
        ),
        (&["--platform", "windows"], 0),
        (&["--region", "all"], 9),
    ];
    for (args, nodes) in rows {
        let ran = run(&[&["fleet", "--facts", &file, "--format", "json"], *args].concat());
        assert_eq!(json(&ran.out)["summary"]["nodes"], value!(nodes), "{args:?}");
        assert_eq!(ran.code == 2, *nodes == 0, "nothing was checked: {args:?} {}", ran.err);
    }
    // One instance that was not seen may be managed or not.
    let count = |answer| {
        let ran = run(&["fleet", "--facts", &file, "--format", "json", "--managed", answer]);
        json(&ran.out)["summary"]["nodes"].as_u64().unwrap()
    };
    assert_eq!(count("yes") + count("no"), 10);
}

#[test]
fn a_bad_line_is_an_error_and_the_rest_is_grouped() {
    let folder = folder();
    let text = format!("{{\n{}", fleet(&folder, 2));
    for format in ["json", "ndjson"] {
        let ran = Run::new(&["fleet", "--facts", "-", "--format", format]).fed(&text);
        assert_eq!(ran.code, 2);
        assert!(
            ran.err.contains("1 of 8 lines could not be judged; the first is line 1"),
            "{}",
            ran.err
        );
        assert!(ran.out.contains("it is damaged"), "{}", ran.out);
        assert!(ran.out.contains("network/endpoint-accepts-https"), "{}", ran.out);
    }
    let none = Run::new(&["fleet", "--facts", "-"]).fed("");
    assert_eq!(none.code, 2);
    let missing = run(&["fleet", "--facts", "/nonexistent/facts.ndjson"]);
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("cannot read `/nonexistent/facts.ndjson`"), "{}", missing.err);
}
