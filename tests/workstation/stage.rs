//! Scenes on a stage: network and mount namespaces in which `stage.py` sets up what a scene lists.
//!
//! Servers, names and file systems are real, and nothing of the machine's own network is seen or touched. Namespaces
//! are Linux's; they take root, or a system that lets users have them.

#[path = "certificates.rs"]
mod certificates;

use std::{
    error::Error,
    io::Write as _,
    path::Path,
    process::{Command, ExitCode, Stdio},
};

use libtest_mimic::{Arguments, Failed, Trial};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Secrets that the stage gives to programs and servers. None may be in what is printed or saved.
pub const SECRETS: [&str; 4] = ["SCENESECRET", "AKIDSCENE", "hunter2", "METADATATOKEN"];

/// The role of a program that examines the machine it runs on.
pub const NODE: &str = "probe";

#[derive(Deserialize)]
pub struct Scene<Expect> {
    name: String,
    pub expect: Expect,
    /// For `stage.py`, whose first lines list the keys.
    #[serde(flatten)]
    pub stage: Map<String, Value>,
}

/// Plays each scene of a JSON document as a test. `role` is the key by which the stage knows `program`; `judge` gets
/// what `stage.py` printed.
pub fn run<Expect: DeserializeOwned + Send + 'static>(
    scenes: &str,
    (role, program): (&'static str, &'static str),
    judge: fn(&Scene<Expect>, &Value) -> Outcome<()>,
) -> ExitCode {
    let mut args = Arguments::from_args();
    if role == NODE {
        // A probe sees every process of this machine, so also the agent of a scene that is played at the same time.
        args.test_threads = Some(1);
    }
    if !cfg!(target_os = "linux") {
        println!("networks of their own are made on Linux only");
        return ExitCode::SUCCESS;
    }
    let scenes: Vec<Scene<Expect>> = serde_json::from_str(scenes).unwrap();
    // What the servers show, and what a scene's program trusts. The folder goes when the last scene has ended.
    let certificates = certificates::made().unwrap();
    let trials = scenes.into_iter().map(|mut scene| {
        scene.stage.insert(role.into(), json!(program));
        scene.stage.insert("certificates".into(), json!(certificates.path()));
        Trial::test(scene.name.clone(), move || {
            staged(&scene.stage).and_then(|seen| judge(&scene, &seen)).map_err(Failed::from)
        })
    });
    libtest_mimic::run(&args, trials.collect()).exit_code()
}

/// Runs the program of a scene on its stage.
fn staged(stage: &Map<String, Value>) -> Outcome<Value> {
    // Of the package at hand, or of the workspace around it.
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let script =
        packages.map(|folder| folder.join("tests/workstation/stage.py")).find(|it| it.exists());
    let mut child = Command::new("unshare")
        .args(["--map-root-user", "--net", "--mount", "python3", "-B"])
        .arg(script.ok_or("there is no stage.py")?)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let scene = serde_json::to_vec(stage)?;
    child.stdin.take().ok_or("no stdin")?.write_all(&scene)?;
    let done = child.wait_with_output()?;
    let told = String::from_utf8_lossy(&done.stderr);
    if !done.status.success() {
        return Err(format!(
            "the stage did not come up; it takes root or user namespaces, dnsmasq, ip and nft, and for nodes \
             overlayfs: {told}"
        )
        .into());
    }
    Ok(serde_json::from_slice(&done.stdout)?)
}

/// The header of a request that carries a credential.
pub fn secret_header(request: &Value) -> Option<String> {
    let headers = request["headers"].as_object().into_iter().flatten();
    headers.map(|(name, _)| name.to_lowercase()).find(|name| {
        name.contains("authorization") || name.contains("token") || name.contains("cookie")
    })
}
