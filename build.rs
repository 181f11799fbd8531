//! Facts of the build, for `ssm-doctor --version`.

use std::{env, process::Command};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=SSM_DOCTOR_COMMIT");
    let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let said = |program: &str, args: &[&str]| {
        let done = Command::new(program).args(args).output().ok()?;
        let text = String::from_utf8(done.stdout).ok()?;
        Some(text.trim().to_owned()).filter(|text| done.status.success() && !text.is_empty())
    };
    // A release sets the commit; a build of a checkout asks git once, since a test build that ran again
    // after every commit would cost more than it says.
    let commit =
        set("SSM_DOCTOR_COMMIT").or_else(|| said("git", &["rev-parse", "--short=12", "HEAD"]));
    let rustc = set("RUSTC").and_then(|rustc| said(&rustc, &["--version"]));
    let live = if env::var_os("CARGO_FEATURE_LIVE").is_some() { "yes" } else { "no" };
    let facts = [
        ("SSM_DOCTOR_COMMIT", commit),
        ("SSM_DOCTOR_TARGET", set("TARGET")),
        ("SSM_DOCTOR_RUSTC", rustc),
        ("SSM_DOCTOR_LIVE", Some(live.to_owned())),
    ];
    for (name, value) in facts {
        println!("cargo:rustc-env={name}={}", value.as_deref().unwrap_or("unknown"));
    }
}
