//! `ssm-doctor plan`: plans that Terraform made of `fixtures/plans/`, facts of an account with them, and bad input.

use std::fs;

use serde_json::{Value, json};

use super::{ROOT, Ran, Run, facts, folder, formats, json as parsed, misfits, path, run, schema};

fn plan_file(name: &str) -> String {
    format!("{ROOT}/fixtures/plans/{name}/plan.json")
}

fn judged(name: &str, args: &[&str]) -> Ran {
    let file = plan_file(name);
    run(&[&["plan", &file], args].concat())
}

/// What is said of each plan of `fixtures/plans/`: the exit status; each target with its verdicts before and after, what
/// the plan does, and the first cause; what changed it.
const PLANS: &str = include_str!("plans.txt");

fn plans() -> impl Iterator<Item = &'static str> {
    PLANS
        .lines()
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| Some(line.split_once(':')?.0))
}

#[test]
fn plans_are_judged() {
    let mut found = String::new();
    for name in plans() {
        let ran = judged(name, &["--format", "json"]);
        assert_eq!(ran.err, "", "{name}");
        found.extend([name, ": exit status ", &ran.code.to_string(), "\n"]);
        let document = parsed(&ran.out);
        found.extend(document["targets"].as_array().unwrap().iter().map(shown));
        for (format, _) in formats::listed().iter().filter(|it| it.0 != "json") {
            let other = judged(name, &["--format", format]);
            assert_eq!(other.code, ran.code, "{name} as {format}");
            for text in [&other.out, &ran.out] {
                assert!(
                    !text.contains("hunter2") && !text.contains("do-not-print"),
                    "{name} as {format}"
                );
                assert!(!text.contains("$unknown"), "{name} as {format}");
            }
        }
    }
    assert_eq!(found, PLANS);
}

/// A target as in `plans.txt`.
fn shown(target: &Value) -> String {
    let text = |key: &str| target[key].as_str().unwrap_or("-");
    let (before, after) = (text("before"), text("after"));
    let mut lines = format!("  {}: {before} to {after}, {}", text("address"), text("result"));
    if let Some(cause) = target["causes"][0].as_str() {
        lines.extend([", ", cause]);
    }
    lines.push('\n');
    for address in target["changed_by"].as_array().unwrap() {
        lines.extend(["    ", address.as_str().unwrap(), "\n"]);
    }
    lines
}

#[test]
fn the_document_has_its_schema() {
    let schema = schema("plan-v1.json");
    for name in plans() {
        let document = parsed(&judged(name, &["--format", "json"]).out);
        assert_eq!(misfits(&schema, &document), [""; 0], "{name}");
    }
}

/// A file, and what is said of it.
#[test]
fn bad_input_is_named() {
    let folder = folder();
    let whole = fs::read_to_string(plan_file("endpoints")).unwrap();
    let saved = fs::read_to_string(facts(&folder, "private-endpoints", |_| {})).unwrap();
    let edited = |edit: fn(&mut Value)| {
        let mut plan = parsed(&whole);
        edit(&mut plan);
        plan.to_string()
    };
    let half = whole.get(..whole.len() / 2).unwrap().to_owned();
    let state = json!({ "version": 4, "terraform_version": "1.11.4", "serial": 3, "lineage": "x", "resources": [] });
    let shown_state =
        json!({ "format_version": "1.0", "terraform_version": "1.11.4", "values": {} });
    let log = "{\"@level\":\"info\",\"@message\":\"Terraform 1.11.4\"}\n{\"@level\":\"info\"}\n";
    let rows: Vec<(&str, Vec<u8>, &str, &str)> = vec![
        ("binary", b"PK\x03\x04zip".to_vec(), "is a binary plan", "terraform show -json"),
        ("utf16", b"\xff\xfe{\x00".to_vec(), "not UTF-8 text from byte 0", "UTF-16"),
        ("empty", Vec::new(), "ends in the middle", "cut off"),
        ("half", half.into_bytes(), "ends in the middle (line", "cut off"),
        ("state", state.to_string().into_bytes(), "is a state file", "terraform show -json"),
        (
            "shown-state",
            shown_state.to_string().into_bytes(),
            "is a state, as",
            "terraform plan -out",
        ),
        (
            "log",
            log.as_bytes().to_vec(),
            "the log of `terraform plan -json`",
            "terraform show -json",
        ),
        ("facts", saved.into_bytes(), "is a file of facts", "terraform show -json"),
        (
            "other",
            b"{\"Resources\":{}}".to_vec(),
            "the JSON of another tool",
            "terraform show -json",
        ),
        ("list", b"[1]".to_vec(), "JSON, but not an object", "terraform show -json"),
        (
            "version",
            edited(|plan| plan["format_version"] = json!("2.0")).into_bytes(),
            "has format version `2.0`",
            "newer ssm-doctor",
        ),
        (
            "field",
            edited(|plan| plan["resource_changes"][0]["change"]["actions"] = json!("create"))
                .into_bytes(),
            "wrong value at `resource_changes[0].change.actions`",
            "terraform show -json",
        ),
        (
            "errored",
            edited(|plan| plan["errored"] = json!(true)).into_bytes(),
            "is incomplete",
            "plan again",
        ),
    ];
    for (name, bytes, says, help) in rows {
        let file = path(&folder, &format!("{name}.json"));
        fs::write(&file, bytes).unwrap();
        let ran = run(&["plan", &file]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{name}: {}", ran.err);
        assert!(
            ran.err.contains(says) && ran.err.contains(help) && ran.err.contains(name),
            "{name}: {}",
            ran.err
        );
    }
    let ran = run(&["plan", "/nonexistent.json"]);
    assert!(
        ran.code == 2 && ran.err.contains("cannot read the plan `/nonexistent.json`"),
        "{}",
        ran.err
    );
    let ran = judged("endpoints", &["aws_instance.nosuch"]);
    assert!(ran.code == 2 && ran.err.contains("module.node.aws_instance.this"), "{}", ran.err);
    let ran = judged("endpoints", &["--assume-agent", "new"]);
    assert!(ran.code == 2 && ran.err.contains("3.3.987.0"), "{}", ran.err);
}

#[test]
fn a_plan_is_read_from_standard_input_and_an_old_format_is_read() {
    let whole = fs::read_to_string(plan_file("endpoints")).unwrap();
    assert_eq!(Run::new(&["plan", "-"]).fed(&whole).code, 0);
    let old = whole.replacen("\"format_version\": \"1.2\"", "\"format_version\": \"0.1\"", 1);
    assert!(old != whole);
    assert_eq!(Run::new(&["plan", "-"]).fed(&old).code, 0);
}

#[test]
fn an_agent_that_is_not_assumed_is_not_known() {
    let ran = judged("endpoints", &["--assume-agent", "none"]);
    assert_eq!(ran.code, 3, "{}", ran.out);
    let ran = judged("endpoints", &["--assume-agent", "2.0.0.0"]);
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(ran.out.contains("2.0.0.0"), "{}", ran.out);
}

#[test]
fn a_report_goes_to_a_file() {
    let folder = folder();
    let file = path(&folder, "comment.md");
    let ran = judged("endpoint-without-https", &["--format", "markdown", "--output", &file]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{}", ran.err);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("## ✗ Session Manager: 1 instance"), "{text}");
    assert!(
        text.contains("```hcl\n") && text.contains("= aws_security_group.endpoints.id\n"),
        "{text}"
    );
    // The name's ending chooses the format, and the table is printed beside it.
    let sarif = path(&folder, "plan.sarif");
    let ran = judged("endpoint-without-https", &["--output", &sarif]);
    assert_eq!(ran.out, judged("endpoint-without-https", &[]).out);
    assert!(parsed(&fs::read_to_string(sarif).unwrap())["runs"].is_array());
    let ran = judged("endpoint-without-https", &["--output", &file, "--output", &file]);
    assert!(ran.code == 2 && ran.err.contains("is named twice"), "{}", ran.err);
}

/// What each format is for reads it, and it says the same as the exit code.
#[test]
fn every_format_of_every_plan_can_be_read() {
    for name in plans() {
        let print = |format| judged(name, &["--format", format]).out;
        let code = judged(name, &[]).code;
        formats::html(&Value::Null, &print("html"));
        formats::sarif(&Value::Null, &print("sarif"));
        let annotations = print("github");
        let is_command = |line: &str| {
            ["error", "warning", "notice"]
                .iter()
                .any(|level| line.starts_with(&format!("::{level} ")))
        };
        assert!(annotations.lines().all(is_command), "{name}: {annotations}");
        assert_eq!(annotations.contains("::error "), code == 1, "{name}: {annotations}");
        let junit = quick_junit::Report::deserialize_from_str(&print("junit")).unwrap();
        let suite = &junit.test_suites[0];
        assert_eq!(suite.failures > 0, code == 1, "{name}");
        assert_eq!(suite.failures == 0 && suite.errors > 0, code == 3, "{name}");
    }
}

/// Pull requests show findings where the change is.
#[test]
fn findings_are_at_the_lines_that_declare_the_changes() {
    let plans = format!("{ROOT}/fixtures/plans");
    // The plan, the file, and the block that the line opens.
    let rows = [
        // What breaks is a change; what is new is wrong itself.
        ("acl-added", "acl-added/main.tf", "resource \"aws_network_acl\" \"private\" {"),
        ("endpoint-missing", "modules/node/main.tf", "resource \"aws_instance\" \"this\" {"),
        ("filters", "filters/main.tf", "resource \"aws_instance\" \"single\" {"),
    ];
    for (name, file, block) in rows {
        let text = fs::read_to_string(format!("{plans}/{file}")).unwrap();
        let line = text.lines().position(|line| line == block).unwrap() + 1;
        let plan = plan_file(name);
        let args = ["plan", &plan, "--source", name, "--format"];
        let print = |format| Run::new(&[&args[..], &[format]].concat()).inside(&plans).go().out;
        let log = parsed(&print("sarif"));
        let place = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], file, "{name}");
        assert_eq!(place["region"]["startLine"], line, "{name}");
        let annotations = print("github");
        let expected = format!("::error file={file},line={line},title=");
        assert!(annotations.starts_with(&expected), "{name}: {annotations}");
    }
    // Without the configuration, the runbook is the place.
    let log = parsed(
        &Run::new(&[
            "plan",
            &plan_file("acl-added"),
            "--source",
            "/nonexistent",
            "--format",
            "sarif",
        ])
        .go()
        .out,
    );
    let place = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "checks/network/acls-pass-https/README.md");
}

/// A plan whose ids are those of a built-in scenario.
fn in_scenario(name: &str, ids: &[(&str, &str)]) -> String {
    let mut text = fs::read_to_string(plan_file(name)).unwrap();
    let plan = parsed(&text);
    for (address, id) in ids {
        let changes = plan["resource_changes"].as_array().unwrap();
        let change = changes.iter().find(|change| change["address"] == **address).unwrap();
        text = text.replace(change["change"]["before"]["id"].as_str().unwrap(), id);
    }
    text
}

#[test]
fn a_plan_is_a_change_to_facts() {
    let folder = folder();
    let ids = [
        ("aws_vpc.main", "vpc-0a1b2c3d"),
        ("aws_instance.web", "i-0abc123def4567890"),
        ("aws_subnet.private", "subnet-0private"),
        ("aws_subnet.public", "subnet-0public"),
        ("aws_route_table.private", "rtb-0private"),
        ("aws_route_table.public", "rtb-0public"),
        ("aws_nat_gateway.main", "nat-0gateway"),
    ];
    let file = path(&folder, "plan.json");
    fs::write(&file, in_scenario("nat-deleted", &ids)).unwrap();
    let saved = facts(&folder, "private-nat", |_| {});
    let ran = run(&["plan", &file, "--facts", &saved, "--format", "json"]);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""), "{}", ran.out);
    let document = parsed(&ran.out);
    // The same as without facts.
    let lines = format!("nat-deleted: exit status 1\n{}nat: ", shown(&document["targets"][0]));
    assert!(PLANS.contains(&lines), "{lines}");
    assert!(!ran.out.contains("has nothing but what this configuration gives it"), "{}", ran.out);

    // An instance that the plan knows nothing of.
    let other = plan_file("endpoints");
    let ran = run(&["plan", &other, "--facts", &saved, "i-0abc123def4567890"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);

    // Facts that show another way to the services: endpoints that another configuration made.
    let with_endpoints = facts(&folder, "private-nat", |facts| {
        let facts = &mut facts["facts"];
        let https = json!({ "traffic": { "tcp": [443, 443] }, "peer": { "cidr": "10.0.0.0/16" } });
        facts["security_groups"]["sg-0other"] = json!({ "ingress": [https], "egress": [] });
        facts["vpc_dns"]["vpc-0a1b2c3d"] = json!({ "support": true, "hostnames": true });
        let endpoints = ["ssm", "ssmmessages"].map(|service| {
            let interface = format!("eni-0{service}");
            facts["network_interfaces"][&interface] = json!({
                "subnet": "subnet-0private",
                "private_ips": ["10.0.11.200"],
                "security_groups": ["sg-0other"],
            });
            json!({
                "id": format!("vpce-0{service}"),
                "service": format!("com.amazonaws.eu-west-1.{service}"),
                "kind": "Interface",
                "state": "available",
                "subnets": ["subnet-0private"],
                "interfaces": [interface],
                "security_groups": ["sg-0other"],
                "private_dns": true,
            })
        });
        facts["endpoints"]["vpc-0a1b2c3d"] = json!(endpoints);
    });
    let ran = run(&["plan", &file, "--facts", &with_endpoints]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
}

/// Whoever hides from which resource an attribute comes may withhold an answer, never change it: so it is with local
/// values, whose expressions a plan does not show.
#[test]
fn what_a_plan_hides_flips_no_result() {
    const EACH: usize = 7;
    let folder = folder();
    let file = path(&folder, "plan.json");
    let (mut tried, mut flipped) = (0, Vec::new());
    for (at, name) in plans().enumerate() {
        let plan = parsed(&fs::read_to_string(plan_file(name)).unwrap());
        let results = |plan: &Value| {
            fs::write(&file, plan.to_string()).unwrap();
            let ran = run(&["plan", &file, "--format", "json"]);
            assert!([0, 1, 3].contains(&ran.code), "{name}: {}", ran.err);
            parsed(&ran.out)["targets"].as_array().unwrap().clone()
        };
        let whole = results(&plan);
        let mut places = Vec::new();
        references(
            &plan["configuration"]["root_module"],
            "/configuration/root_module",
            &mut places,
        );
        for place in places.iter().skip(at % EACH).step_by(EACH) {
            let mut less = plan.clone();
            *less.pointer_mut(place).unwrap() = json!(["local.hidden"]);
            let less = results(&less);
            tried += 1;
            // A group has an instance for each of its subnets: fewer if these are not known.
            for after in &less {
                let same = |before: &&Value| before["address"] == after["address"];
                let before: Vec<_> = whole.iter().filter(same).map(|it| &it["after"]).collect();
                let flips = after["after"] != "inconclusive" && !before.contains(&&after["after"]);
                if flips && !before.iter().any(|it| *it == "inconclusive") {
                    flipped
                        .push(format!("{name} {place}: {} {}", after["address"], after["after"]));
                }
            }
        }
    }
    assert!(tried > 100, "{tried}");
    assert!(flipped.is_empty(), "{}", flipped.join("\n"));
}

/// Where the configuration says what an attribute of a resource, or an input or output of a module, comes from.
fn references(module: &Value, at: &str, places: &mut Vec<String>) {
    fn within(value: &Value, at: &str, places: &mut Vec<String>) {
        match value {
            Value::Object(fields) if fields.contains_key("references") => {
                places.push(format!("{at}/references"));
            }
            Value::Object(fields) => {
                for (key, part) in fields {
                    within(
                        part,
                        &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")),
                        places,
                    );
                }
            }
            Value::Array(parts) => {
                for (key, part) in parts.iter().enumerate() {
                    within(part, &format!("{at}/{key}"), places);
                }
            }
            _ => {}
        }
    }
    for (key, resource) in module["resources"].as_array().into_iter().flatten().enumerate() {
        within(&resource["expressions"], &format!("{at}/resources/{key}/expressions"), places);
    }
    for (name, call) in module["module_calls"].as_object().into_iter().flatten() {
        let at = format!("{at}/module_calls/{name}");
        within(&call["expressions"], &format!("{at}/expressions"), places);
        references(&call["module"], &format!("{at}/module"), places);
    }
    for (name, output) in module["outputs"].as_object().into_iter().flatten() {
        within(&output["expression"], &format!("{at}/outputs/{name}/expression"), places);
    }
}
