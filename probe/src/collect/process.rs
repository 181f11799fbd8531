//! Processes of the node: the agent's, and programs that are run to say something.

use std::{
    fs,
    io::Read as _,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use ssm_doctor_facts::probe::Process;

pub const PROGRAM: &str = "amazon-ssm-agent";
/// The programs that the agent starts.
pub const WORKERS: [&str; 3] = ["ssm-agent-worker", "ssm-document-worker", "ssm-session-worker"];

/// The agent's process, and whether all processes can be seen.
pub fn of_agent() -> (Option<Process>, bool) {
    // The kernel keeps 15 characters of a name.
    let named = |path: &Path, name: &str| {
        let comm = fs::read_to_string(path.join("comm")).unwrap_or_default();
        comm.trim() == name.get(..15).unwrap_or(name)
    };
    let mut found: Option<Process> = None;
    let mut worker = false;
    for path in folders() {
        worker |= named(&path, WORKERS[0]);
        if found.is_none() && named(&path, PROGRAM) {
            let pid = path.file_name().and_then(|it| it.to_str()?.parse().ok());
            let uid = fs::metadata(&path).map(|it| it.uid()).ok();
            found = pid.zip(uid).map(|(pid, uid)| Process { pid, uid, worker: false });
        }
    }
    if let Some(process) = &mut found {
        process.worker = worker;
    }
    // Where users see their own processes only, the first one is hidden.
    (found, fs::read_to_string("/proc/1/comm").is_ok())
}

/// The folders of all processes.
pub fn folders() -> impl Iterator<Item = PathBuf> {
    fs::read_dir("/proc").into_iter().flatten().flatten().map(|it| it.path()).filter(|path| {
        let name = path.file_name().unwrap_or_default();
        name.as_encoded_bytes().iter().all(u8::is_ascii_digit)
    })
}

/// For a program that is only to say something.
const WITHIN: Duration = Duration::from_secs(2);

/// Whether a program succeeded, and what it printed; none if it does not exist or takes too long.
pub fn program(name: &str, arguments: &[&str]) -> Option<(bool, String)> {
    let mut child = Command::new(name)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut out = child.stdout.take()?;
    let reader = thread::spawn(move || {
        let mut text = Vec::new();
        let _ = out.by_ref().take(64 << 10).read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let end = Instant::now() + WITHIN;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some((status.success(), reader.join().ok()?)),
            Ok(None) if Instant::now() < end => thread::sleep(Duration::from_millis(10)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}
