//! The machine under the agent: disks, limits, memory.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use rustix::fs::{StatVfsMountFlags, statvfs};
use ssm_doctor_facts::probe::{Disk, Limit, LimitKind, Memory, Unseen};

use super::process;

/// Where the agent writes, whatever session it opens.
const WRITTEN: [&str; 2] = ["/var/lib/amazon/ssm", "/var/log/amazon/ssm"];

/// The file systems that the agent writes to.
pub fn disks() -> Vec<Disk> {
    let mut known = Vec::new();
    let mut disks = Vec::new();
    for path in WRITTEN {
        let Some(place) = Path::new(path).ancestors().find(|it| it.exists()) else { continue };
        let Ok(device) = fs::metadata(place).map(|it| it.dev()) else { continue };
        let Ok(seen) = statvfs(place) else { continue };
        if known.contains(&device) {
            continue;
        }
        known.push(device);
        disks.push(Disk {
            path: path.into(),
            // The agent is root, for which the reserved blocks are.
            free: seen.f_bfree.saturating_mul(seen.f_frsize),
            size: seen.f_blocks.saturating_mul(seen.f_frsize),
            free_inodes: (seen.f_files > 0).then_some(seen.f_ffree),
            read_only: seen.f_flag.contains(StatVfsMountFlags::RDONLY),
        });
    }
    disks
}

/// Is this a container? No way is certain; these are those of Docker, Podman and Kubernetes.
pub fn in_container() -> bool {
    let group = fs::read_to_string("/proc/1/cgroup").unwrap_or_default();
    Path::new("/.dockerenv").exists()
        || Path::new("/run/.containerenv").exists()
        || ["docker", "kubepods", "containerd"].iter().any(|it| group.contains(it))
}

/// What runs out, and how much of it is used.
pub fn limits() -> (Vec<Limit>, Vec<Unseen>) {
    let mut limits = Vec::new();
    let mut add = |kind, used: Option<u64>, most: Option<u64>| {
        if let Some(most) = most {
            limits.push(Limit { kind, used, most });
        }
    };
    let root = rustix::process::geteuid().is_root();
    // Only root sees the descriptors of the agent, which runs as root.
    let used = root.then(descriptors);
    add(
        LimitKind::InotifyInstances,
        used.as_ref().map(|it| it.inotify_instances),
        number("/proc/sys/fs/inotify/max_user_instances"),
    );
    add(
        LimitKind::InotifyWatches,
        used.as_ref().map(|it| it.inotify_watches),
        number("/proc/sys/fs/inotify/max_user_watches"),
    );
    if let Some(process) = process::of_agent().0 {
        let most = fs::read_to_string(format!("/proc/{}/limits", process.pid)).ok();
        let most =
            most.as_deref().and_then(|it| it.lines().find(|it| it.starts_with("Max open files")));
        let most = most.and_then(|it| it.split_ascii_whitespace().nth(3)?.parse().ok());
        let files = fs::read_dir(format!("/proc/{}/fd", process.pid)).ok();
        let files = files.and_then(|it| u64::try_from(it.count()).ok());
        add(LimitKind::AgentFiles, files, most);
    }
    let system = fs::read_to_string("/proc/sys/fs/file-nr").unwrap_or_default();
    let mut system = system.split_ascii_whitespace().map(|it| it.parse::<u64>().ok());
    if let (Some(used), Some(_), Some(most)) = (system.next(), system.next(), system.next()) {
        add(LimitKind::SystemFiles, used, most);
    }
    let tasks = number("/proc/sys/kernel/pid_max").min(number("/proc/sys/kernel/threads-max"));
    let running = fs::read_to_string("/proc/loadavg")
        .ok()
        .and_then(|it| it.split_ascii_whitespace().nth(3)?.split_once('/')?.1.parse::<u64>().ok());
    add(LimitKind::Tasks, running, tasks);
    let unseen = (!root).then(|| Unseen {
        item: "limits/inotify".into(),
        why: "how many inotify instances and watches root uses shows to root only".into(),
        root_sees: true,
    });
    (limits, unseen.into_iter().collect())
}

fn number(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Descriptors of root's processes.
#[derive(Default)]
struct Descriptors {
    inotify_instances: u64,
    inotify_watches: u64,
}

fn descriptors() -> Descriptors {
    let mut found = Descriptors::default();
    for process in process::folders() {
        if !fs::metadata(&process).is_ok_and(|it| it.uid() == 0) {
            continue;
        }
        for descriptor in fs::read_dir(process.join("fd")).into_iter().flatten().flatten() {
            let target = fs::read_link(descriptor.path()).unwrap_or_default();
            if !target.as_os_str().as_encoded_bytes().ends_with(b"inotify") {
                continue;
            }
            found.inotify_instances += 1;
            let about = process.join("fdinfo").join(descriptor.file_name());
            let about = fs::read_to_string(about).unwrap_or_default();
            let watches = about.lines().filter(|it| it.starts_with("inotify ")).count();
            found.inotify_watches += u64::try_from(watches).unwrap_or_default();
        }
    }
    found
}

pub fn memory() -> Option<Memory> {
    let about = fs::read_to_string("/proc/meminfo").ok()?;
    let value = |name: &str| {
        let line = about.lines().find_map(|it| it.strip_prefix(name))?;
        let kib: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
        Some(kib << 10)
    };
    let events = fs::read_to_string("/proc/vmstat").unwrap_or_default();
    let killed = events.lines().find_map(|it| it.strip_prefix("oom_kill "));
    Some(Memory {
        total: value("MemTotal:")?,
        available: value("MemAvailable:")?,
        killed: killed.and_then(|it| it.trim().parse().ok()),
    })
}
