//! The Terraform of the built-in scenarios, applied to the API server with the real Terraform and the real AWS
//! provider: the doctor says of the account what it says of the scenario.
//!
//! The provider takes half a minute for each account, so the trials are ignored unless they are asked for:
//! `cargo test --test aws -- --ignored terraform/`. `TF_PLUGIN_DIR` names a folder that has the provider (a filesystem
//! mirror of Terraform), for machines that do not reach Terraform's registry.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path, process::Command};

use serde_json::Value;
use ssm_doctor_facts::{
    lookup::Row,
    ssm::{Connection, Ping},
};
use ssm_doctor_fixtures::{self as fixtures, Scenario};

use super::{
    bench::{Bench, run, run_json},
    list, on_loopback,
    packages::Outcome,
    text,
};

/// The image that the server knows.
const IMAGE: &str = "ami-0a1b2c3d4e5f60718";

/// Scenarios that have a configuration, and what shows of an instance in it.
pub fn scenarios() -> Outcome<Vec<Scenario>> {
    let all = fixtures::all()?.into_iter();
    Ok(all
        .filter(|scenario| configuration(scenario).is_ok_and(|text| builds(&text, scenario)))
        .collect())
}

fn configuration(scenario: &Scenario) -> Outcome<String> {
    let (folder, _) = parts(scenario);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/scenarios");
    Ok(fs::read_to_string(root.join(folder).join("main.tf"))?)
}

/// Folder and story; the healthy account has no story.
fn parts(scenario: &Scenario) -> (&str, &str) {
    scenario.name.split_once('/').unwrap_or((&scenario.name, ""))
}

/// Stories that the server cannot show.
const LEFT_OUT: [(&str, &str); 2] = [
    ("private-nat/names-not-allowed", "the API server makes no rules of DNS Firewall"),
    ("private-nat/nat-gateway-deleted", "Terraform takes the route along with the gateway"),
];

/// Does the configuration make an instance, and this story of it?
fn builds(configuration: &str, scenario: &Scenario) -> bool {
    let (_, story) = parts(scenario);
    configuration.contains("resource \"aws_instance\"")
        && !LEFT_OUT.iter().any(|(name, _)| *name == scenario.name)
        && (story.is_empty() || configuration.contains(&format!("\"{story}\"")))
}

pub fn examine(bench: &Bench, account: u64, scenario: &Scenario) -> Outcome<()> {
    let configuration = configuration(scenario)?;
    let region = configuration
        .lines()
        .find_map(|line| line.trim().strip_prefix("region = \"")?.strip_suffix('"'))
        .ok_or("the configuration names no Region")?;
    let empty = bench.build(account, &format!("empty@{region}"), &[])?;
    apply(bench, &configuration, scenario, &empty["administrator_env"])?;
    let world = bench.build(account, &format!("terraformed@{region}"), &breaks(scenario))?;

    let home = tempfile::tempdir()?;
    let mut doctor = Command::new(env!("CARGO_BIN_EXE_ssm-doctor"));
    doctor.args([text(&world["target"]), "--no-client", "--format", "json", "--region", region]);
    on_loopback(&mut doctor, home.path(), bench.port, &world["operator_env"]);
    let (_, report) = run_json(doctor)?;

    let mut demo = Command::new(env!("CARGO_BIN_EXE_ssm-doctor"));
    demo.args(["demo", &scenario.name, "--format", "json"]);
    let (_, known) = run_json(demo)?;
    let [found, expected] = [&report, &known]
        .map(|report| (text(&report["verdict"]), list(&report["causes"]).first().map(text)));
    if found == expected {
        Ok(())
    } else {
        Err(format!("{found:?}, and not {expected:?}\n{report}").into())
    }
}

/// The breaks of `worlds.py` by which node and operator are as in the scenario.
fn breaks(scenario: &Scenario) -> Vec<String> {
    let target = &scenario.scope.target;
    let silence = match (scenario.facts.nodes.get(target), scenario.facts.connections.get(target)) {
        (Some(Row::Present(node)), _) if node.ping == Ping::ConnectionLost => "connection-lost",
        (Some(Row::Present(_)), Some(Row::Present(Connection::NotConnected))) => {
            "online-not-connected"
        }
        (Some(Row::Absent(_)), _) => "unregistered",
        _ => return vec!["operator-uses-keys".to_owned()],
    };
    vec!["operator-uses-keys".to_owned(), silence.to_owned()]
}

/// Terraform's `apply` of a story, to the server.
fn apply(
    bench: &Bench,
    configuration: &str,
    scenario: &Scenario,
    administrator: &Value,
) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("main.tf"), configuration)?;
    let services: BTreeSet<&str> = configuration
        .lines()
        .filter_map(|line| line.strip_prefix("resource \"aws_"))
        .map(service)
        .chain(["sts"])
        .collect();
    let mut endpoints = String::new();
    for service in services {
        let _ = writeln!(endpoints, "    {service} = \"http://127.0.0.1:{}\"", bench.port);
    }
    // Terraform merges a file of this name into the configuration.
    let provider = format!(
        "provider \"aws\" {{\n  skip_credentials_validation = true\n  skip_requesting_account_id = true\n  \
         skip_metadata_api_check = true\n  endpoints {{\n{endpoints}  }}\n}}\n"
    );
    fs::write(folder.path().join("provider_override.tf"), provider)?;
    let plugins = std::env::var("TF_PLUGIN_DIR").map(|folder| format!("-plugin-dir={folder}"));
    let init: Vec<&str> = ["init"].into_iter().chain(plugins.as_deref()).collect();
    for arguments in [&init[..], &["apply", "-auto-approve"]] {
        let mut terraform = Command::new("terraform");
        terraform.args(arguments).arg("-no-color").current_dir(folder.path());
        terraform.env_remove("TF_CLI_CONFIG_FILE").env("CHECKPOINT_DISABLE", "1");
        terraform.env("TF_VAR_ami", IMAGE).env("TF_VAR_story", parts(scenario).1);
        for (key, value) in administrator.as_object().into_iter().flatten() {
            terraform.env(key, text(value));
        }
        let (exit, stdout, stderr) = run(terraform)?;
        if exit != Some(0) {
            return Err(format!("terraform {}: {stderr}\n{stdout}", arguments.join(" ")).into());
        }
    }
    Ok(())
}

/// The service of a resource type without its `aws_`, as the provider's `endpoints` block names it.
fn service(resource: &str) -> &'static str {
    const PREFIXES: [(&str, &str); 7] = [
        ("iam_", "iam"),
        ("ssm_", "ssm"),
        ("kms_", "kms"),
        ("s3_", "s3"),
        ("cloudwatch_log_", "logs"),
        ("route53_resolver_", "route53resolver"),
        ("route53_", "route53"),
    ];
    PREFIXES.iter().find(|(prefix, _)| resource.starts_with(prefix)).map_or("ec2", |found| found.1)
}
