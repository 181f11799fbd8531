//! Every Terraform snippet that the doctor prints, and every one of the runbooks, is accepted by the real
//! Terraform and the real AWS provider: `validate` knows the arguments, and `plan` the values.
//!
//! Each snippet is a module of its own, since two may create a resource of the same name. Terraform runs once for
//! all of them: the provider's start takes seconds. Where Terraform or the provider cannot be had, the test says so
//! and passes. `TF_PLUGIN_DIR` names a folder that has the provider (a filesystem mirror of Terraform), for machines
//! that do not reach Terraform's registry.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops here"
)]

#[path = "../support/mod.rs"]
mod support;

use std::{
    collections::BTreeMap,
    env, fs,
    path::Path,
    process::{Command, Output},
};

use ssm_doctor_analysis::{answer::Verdict, case::Case};
use ssm_doctor_checks::{
    all,
    engine::{diagnosis::examine, fix},
};
use ssm_doctor_fixtures::{self as fixtures, Scenario};
use support::cases;

/// Nobody accepts these credentials, so `plan` must work without AWS.
const PROVIDER: &str = r#"
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 5.100" }
  }
}

provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "unused"
  secret_key                  = "unused"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}
"#;

#[test]
fn terraform_accepts_every_snippet() {
    let snippets = snippets();
    assert!(snippets.len() > 100, "only {} snippets", snippets.len());
    let root = tempfile::tempdir().unwrap();
    let (mut main, mut imports) = (PROVIDER.to_owned(), String::new());
    let mut without_data = main.clone();
    for (at, (text, _)) in snippets.iter().enumerate() {
        let folder = root.path().join(format!("s{at}"));
        fs::create_dir(&folder).unwrap();
        let (blocks, resources) =
            text.split("\n\n").partition::<Vec<_>, _>(|block| block.starts_with("import {"));
        fs::write(folder.join("main.tf"), resources.join("\n\n")).unwrap();
        for block in blocks {
            imports.push_str(&block.replace("to = ", &format!("to = module.s{at}.")));
            imports.push_str("\n\n");
        }
        let module = format!("module \"s{at}\" {{\n  source = \"./s{at}\"\n}}\n");
        main.push_str(&module);
        if !text.starts_with("data ") {
            without_data.push_str(&module);
        }
    }
    fs::write(root.path().join("main.tf"), &main).unwrap();
    // Terraform takes imports in the root module only.
    let imported = root.path().join("imports.tf");
    fs::write(&imported, imports.trim_end().to_owned() + "\n").unwrap();
    let plugins = env::var("TF_PLUGIN_DIR").map(|folder| format!("-plugin-dir={folder}"));
    let init: Vec<&str> =
        ["init", "-backend=false"].into_iter().chain(plugins.as_deref()).collect();
    let Some(init) = terraform(root.path(), &init) else {
        println!("skipped: there is no Terraform on this machine");
        return;
    };
    if !init.status.success() {
        let says = String::from_utf8_lossy(&init.stderr).into_owned();
        assert!(says.contains("provider"), "{says}");
        println!("skipped: the AWS provider cannot be had here: {says}");
        return;
    }
    for arguments in [&["fmt", "-check", "-diff", "-recursive"][..], &["validate"], &["plan"]] {
        let output = terraform(root.path(), arguments).unwrap();
        let mut says = String::from_utf8_lossy(&output.stderr).into_owned();
        if arguments[0] == "fmt" {
            says = String::from_utf8_lossy(&output.stdout).into_owned();
        }
        for (at, (_, place)) in snippets.iter().enumerate().rev() {
            says = says.replace(&format!("s{at}/"), &format!("{place}: "));
        }
        assert!(output.status.success(), "terraform {}:\n{says}", arguments.join(" "));
        if arguments == ["validate"] {
            // Imports and data sources read what there is, which takes AWS.
            fs::remove_file(&imported).unwrap();
            fs::write(root.path().join("main.tf"), &without_data).unwrap();
        }
    }
    println!("{} snippets", snippets.len());
}

/// Each snippet, with a place where it is printed.
fn snippets() -> Vec<(String, String)> {
    let mut found = BTreeMap::new();
    let mut add = |scenario: &Scenario, place: &str| {
        let case = Case::new(&scenario.facts, &scenario.scope);
        for (check, answer) in examine(&case) {
            let Ok(Verdict::Fail(_, fix)) = answer else { continue };
            for option in fix::options(check, &fix, &case) {
                if let Some(text) = fix::terraform(&option.changes) {
                    found
                        .entry(text + "\n")
                        .or_insert_with(|| format!("{place}, {}", check.name()));
                }
            }
        }
    };
    for scenario in fixtures::all().unwrap() {
        add(&scenario, &scenario.name);
    }
    for check in all() {
        for example in cases::examples(check) {
            add(&example.scenario, &format!("a case of {}", check.name()));
        }
    }
    for check in all() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(check.name()).join("README.md");
        let runbook = fs::read_to_string(path).unwrap();
        for block in runbook.split("```hcl\n").skip(1) {
            let block = block.split("```").next().unwrap();
            found.entry(filled_in(block)).or_insert_with(|| format!("runbook of {}", check.name()));
        }
    }
    found.into_iter().collect()
}

/// With a value in the place of each `<placeholder>`.
fn filled_in(block: &str) -> String {
    let mut parts = block.split('<');
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        let Some((name, rest)) = part.split_once('>') else {
            text = text + "<" + part;
            continue;
        };
        text.push_str(match name {
            _ if name.ends_with("cidr") => "10.9.0.0/16",
            _ if name.ends_with("ip") => "10.9.0.10",
            _ if name.ends_with("port") => "8443",
            _ => name,
        });
        text.push_str(rest);
    }
    text
}

/// None if there is no Terraform.
fn terraform(folder: &Path, arguments: &[&str]) -> Option<Output> {
    Command::new("terraform")
        .args(arguments)
        .args((arguments[0] != "fmt").then_some("-no-color"))
        .current_dir(folder)
        .env_remove("TF_CLI_CONFIG_FILE")
        .env("CHECKPOINT_DISABLE", "1")
        .env("TF_IN_AUTOMATION", "1")
        .output()
        .ok()
}
