//! The scripts that pack a release, run on the binary under test.
#![cfg(unix)]

use std::{
    env, fmt::Write as _, fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command,
};

use super::{BROKEN, ROOT, folder, json, packages};

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn script(name: &str, args: &[&str], target: &Path) {
    let script = Path::new(ROOT).join("packaging").join(name);
    let mut command = Command::new(script);
    let done = command.args(args).env("CARGO_TARGET_DIR", target).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn an_archive_has_what_a_package_installs_and_the_action_installs_it() {
    let folder = folder();
    let system = if cfg!(target_os = "macos") { "apple-darwin" } else { "unknown-linux-gnu" };
    let target = format!("{}-{system}", env::consts::ARCH);
    let built = folder.path().join("target").join(&target).join("dist");
    fs::create_dir_all(&built).unwrap();
    // To pack the binary itself, which has no optimization and no size limit, takes a minute.
    let doctor = built.join("ssm-doctor");
    let program = format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_ssm-doctor"));
    fs::write(&doctor, program).unwrap();
    fs::set_permissions(&doctor, fs::Permissions::from_mode(0o755)).unwrap();
    let releases = folder.path().join("releases");
    let out = releases.join(format!("v{VERSION}"));
    script("pack.sh", &[&target, out.to_str().unwrap()], &folder.path().join("target"));
    let name = format!("ssm-doctor-{VERSION}-{target}");
    let archive = fs::File::open(out.join(format!("{name}.tar.gz"))).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    let files: Vec<String> = archive
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect();
    for file in [
        "ssm-doctor",
        "ssm-doctor.1",
        "README.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "completions/ssm-doctor.bash",
        "completions/ssm-doctor.powershell",
    ] {
        assert!(files.contains(&format!("{name}/{file}")), "{file}: {files:?}");
    }
    // As the release workflow does.
    let sums = "(sha256sum -- * || shasum -a 256 -- *) > ../sums && mv ../sums SHA256SUMS";
    assert!(Command::new("sh").args(["-c", sums]).current_dir(&out).status().unwrap().success());
    let path = folder.path().join("path");
    let done = Command::new("bash")
        .arg(Path::new(ROOT).join("ci/install.sh"))
        .env("SSM_DOCTOR_VERSION", VERSION)
        .env("SSM_DOCTOR_RELEASES", format!("file://{}", releases.display()))
        .env("RUNNER_TEMP", folder.path())
        .env("GITHUB_PATH", &path)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let installed = fs::read_to_string(path).unwrap();
    assert!(Path::new(installed.trim_end()).join("ssm-doctor").is_file(), "{installed}");
}

#[test]
fn manifests_have_the_version_and_the_checksums() {
    let folder = folder();
    let targets = [
        "x86_64-unknown-linux-gnu.tar.gz",
        "aarch64-unknown-linux-gnu.tar.gz",
        "aarch64-apple-darwin.tar.gz",
        "x86_64-apple-darwin.tar.gz",
        "x86_64-pc-windows-msvc.zip",
    ];
    let mut sums = String::new();
    for (at, target) in targets.iter().enumerate() {
        let _ = writeln!(sums, "{at:064x}  ssm-doctor-1.2.3-{target}");
    }
    fs::write(folder.path().join("SHA256SUMS"), sums).unwrap();
    script("manifests.sh", &["1.2.3", folder.path().to_str().unwrap()], folder.path());
    let formula = fs::read_to_string(folder.path().join("ssm-doctor.rb")).unwrap();
    let manifest = fs::read_to_string(folder.path().join("ssm-doctor.json")).unwrap();
    for text in [&formula, &manifest] {
        assert!(!text.contains('@') && text.contains("1.2.3"), "{text}");
    }
    for (at, target) in targets.iter().enumerate().take(4) {
        let url = format!("ssm-doctor-1.2.3-{target}\"\n      sha256 \"{at:064x}\"");
        assert!(formula.contains(&url), "{url}: {formula}");
    }
    let windows = &json(&manifest)["architecture"]["64bit"];
    assert_eq!(windows["hash"], format!("{:064x}", 4));
    assert!(
        windows["url"]
            .as_str()
            .unwrap()
            .ends_with("/v1.2.3/ssm-doctor-1.2.3-x86_64-pc-windows-msvc.zip")
    );
}

#[test]
fn the_linters_accept_the_workflow_the_action_and_the_dockerfile() {
    let requirements = Path::new(ROOT).join("tests/cli/linters.txt");
    let store = packages::store().unwrap();
    let programs = packages::python_packages(&store, "linters", &requirements).unwrap();
    let lint = |program: &str, args: &[&str]| {
        let done =
            Command::new(programs.join(program)).args(args).current_dir(ROOT).output().unwrap();
        let said = [done.stdout, done.stderr].concat();
        assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&said));
    };
    lint("zizmor", &["--offline", "--persona", "pedantic", ".github/workflows", "action.yml"]);
    lint("hadolint", &["Dockerfile"]);
}

#[test]
#[ignore = "takes a container engine, a registry, and half an hour"]
fn the_image_runs_as_a_user_without_rights() {
    let docker = |args: &[&str]| {
        let done = Command::new("docker").args(args).current_dir(ROOT).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        (done.status.code(), String::from_utf8_lossy(&done.stdout).into_owned(), said)
    };
    let (code, _, said) = docker(&["build", "--quiet", "--tag", "ssm-doctor-test", "."]);
    assert_eq!(code, Some(0), "{said}");
    let (_, user, _) = docker(&["inspect", "--format", "{{.Config.User}}", "ssm-doctor-test"]);
    assert_eq!(user.trim(), "65532");
    let run =
        ["run", "--rm", "--read-only", "--network", "none", "ssm-doctor-test", "demo", BROKEN];
    let (code, out, said) = docker(&run);
    assert_eq!(code, Some(1), "{said}");
    assert!(out.contains("[network/endpoint-accepts-https]"), "{out}");
}
