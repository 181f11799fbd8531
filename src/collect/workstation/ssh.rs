//! What the SSH configuration says of a target, as ssh would read it: the first value counts.
//!
//! `Match` lines may run programs, so they are not looked into; where one could decide, that is said.
//! Source: `ssh_config(5)`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use ssm_doctor_facts::{
    ids::Target,
    lookup::{Absent, Row, Why},
    workstation::SshEntry,
};

use wildmatch::WildMatch;

use super::environment::{home, shown};
use crate::collect::text::printable;

/// Files that include each other end here.
const DEEPEST: usize = 16;

/// Absent if nothing is said of how to get to the target.
pub fn read(target: &Target) -> Row<SshEntry> {
    let mut lines = Vec::new();
    for (file, folder) in files() {
        if let Err(error) = gather(&file, &folder, &[], DEEPEST, &mut lines) {
            let detail = format!("{}: {}", shown(&file), error.kind());
            return Row::Unknown { unknown: Why::Unreadable, detail };
        }
    }
    entry(&lines, &target.to_string()).map_or(Row::Absent(Absent::Absent), Row::Present)
}

/// The user's file and the system's, each with the folder that its includes are relative to.
fn files() -> impl Iterator<Item = (PathBuf, PathBuf)> {
    let user = home().map(|it| it.join(".ssh"));
    let system = if cfg!(windows) {
        std::env::var_os("PROGRAMDATA").map(|it| PathBuf::from(it).join("ssh"))
    } else {
        Some("/etc/ssh".into())
    };
    let user = user.map(|it| (it.join("config"), it));
    user.into_iter().chain(system.map(|it| (it.join("ssh_config"), it)))
}

/// What a section is for.
#[derive(Clone, Debug, PartialEq)]
enum Section {
    Host(String),
    Match(String),
}

impl Section {
    /// Does it apply to what was typed? None where it is not looked into.
    fn applies(&self, typed: &str) -> Option<bool> {
        match self {
            Self::Match(what) if what.eq_ignore_ascii_case("all") => Some(true),
            Self::Match(_) => None,
            Self::Host(patterns) => {
                let mut found = false;
                for pattern in patterns.split_whitespace() {
                    match pattern.strip_prefix('!') {
                        Some(pattern) if like(pattern, typed) => return Some(false),
                        Some(_) => {}
                        None => found |= like(pattern, typed),
                    }
                }
                Some(found)
            }
        }
    }

    fn shown(&self) -> String {
        printable(&match self {
            Self::Host(patterns) => format!("Host {patterns}"),
            Self::Match(what) => format!("Match {what}"),
        })
    }
}

/// A setting, and the sections that it stands in: more than one where files are included.
#[derive(Debug)]
struct Line {
    file: String,
    within: Vec<Section>,
    setting: String,
    value: String,
}

/// The lines of a file that is there, and of those that it includes.
fn gather(
    file: &Path,
    folder: &Path,
    around: &[Section],
    deeper: usize,
    lines: &mut Vec<Line>,
) -> io::Result<()> {
    let text = match fs::read(file) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let mut within = around.to_vec();
    for line in text.lines() {
        let Some((setting, value)) = split(line) else { continue };
        let section = match setting.as_str() {
            "host" => Some(Section::Host(value.replace('"', ""))),
            "match" => Some(Section::Match(value.clone())),
            _ => None,
        };
        if let Some(section) = section {
            within = [around, &[section]].concat();
        } else if setting == "include" {
            for pattern in value.replace('"', "").split_whitespace() {
                let Some(deeper) = deeper.checked_sub(1) else { continue };
                for file in included(pattern, folder) {
                    // ssh, too, passes over what it may not read there.
                    let _ = gather(&file, folder, &within, deeper, lines);
                }
            }
        } else {
            lines.push(Line { file: shown(file), within: within.clone(), setting, value });
        }
    }
    Ok(())
}

/// `Keyword value` or `Keyword=value`, the keyword in lower case. None for comments and empty lines.
fn split(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let end = line.find(|it: char| it.is_whitespace() || it == '=')?;
    let (setting, value) = line.split_at_checked(end)?;
    let value = value.trim_start();
    let value = value.strip_prefix('=').unwrap_or(value).trim();
    Some((setting.to_ascii_lowercase(), value.into()))
}

/// The files that an `Include` names, in order; wildcards in the last part of the path only.
fn included(pattern: &str, folder: &Path) -> Vec<PathBuf> {
    let path = match (pattern.strip_prefix("~/"), home()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => folder.join(pattern),
    };
    let (Some(parent), Some(name)) = (path.parent(), path.file_name().and_then(|it| it.to_str()))
    else {
        return Vec::new();
    };
    if !name.contains(['*', '?']) {
        return vec![path];
    }
    let Ok(found) = fs::read_dir(parent) else { return Vec::new() };
    let names = found.filter_map(|it| it.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> =
        names.filter(|it| !it.starts_with('.') && like(name, it)).collect();
    names.sort();
    names.into_iter().map(|it| parent.join(it)).collect()
}

/// `*` and `?`, as in a `Host` line.
fn like(pattern: &str, text: &str) -> bool {
    WildMatch::new(pattern).matches(text)
}

/// By the target's id, or by an alias whose `HostName` it is.
fn entry(lines: &[Line], id: &str) -> Option<SshEntry> {
    let aliases = lines.iter().filter(|it| it.setting == "hostname" && it.value == id);
    let aliases = aliases.filter_map(|it| match it.within.last()? {
        Section::Host(patterns) => {
            patterns.split_whitespace().find(|it| !it.contains(['*', '?', '!']))
        }
        Section::Match(_) => None,
    });
    std::iter::once(id).chain(aliases).find_map(|typed| of(lines, typed))
}

fn of(lines: &[Line], typed: &str) -> Option<SshEntry> {
    let mut entry = SshEntry {
        typed: printable(typed),
        place: String::new(),
        host_name: None,
        proxy_command: None,
        proxy_jump: None,
        perhaps: Vec::new(),
    };
    for line in lines {
        let decided = entry.proxy_command.is_some() || entry.proxy_jump.is_some();
        let is_way = match line.setting.as_str() {
            "hostname" if entry.host_name.is_none() => false,
            "proxycommand" | "proxyjump" if !decided => true,
            _ => continue,
        };
        let applies: Vec<_> = line.within.iter().map(|it| (it, it.applies(typed))).collect();
        if applies.iter().any(|it| it.1 == Some(false)) {
            continue;
        }
        if let Some((section, _)) = applies.iter().find(|it| it.1.is_none()) {
            let section = section.shown();
            if !entry.perhaps.contains(&section) {
                entry.perhaps.push(section);
            }
            continue;
        }
        let value = printable(&line.value);
        match line.setting.as_str() {
            "hostname" => entry.host_name = Some(value),
            "proxycommand" => entry.proxy_command = Some(value),
            _ => entry.proxy_jump = Some(value),
        }
        if is_way {
            let section = line.within.last().map(|it| format!(", {}", it.shown()));
            entry.place = format!("{}{}", line.file, section.unwrap_or_default());
        }
    }
    let said =
        entry.proxy_command.is_some() || entry.proxy_jump.is_some() || !entry.perhaps.is_empty();
    if entry.place.is_empty() {
        entry.place = "~/.ssh/config".into();
    }
    said.then_some(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)], id: &str) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let mut lines = Vec::new();
        gather(&folder.path().join("config"), folder.path(), &[], DEEPEST, &mut lines).unwrap();
        entry(&lines, id).map(|it| {
            let parts = [Some(it.typed), it.host_name, it.proxy_command, it.proxy_jump];
            let parts: Vec<_> = parts.into_iter().flatten().chain(it.perhaps).collect();
            parts.join(" | ")
        })
    }

    #[test]
    fn the_first_value_that_applies_counts() {
        type Row = (&'static [(&'static str, &'static str)], Option<&'static str>);
        let rows: [Row; 16] = [
            (&[], None),
            (
                &[("config", "Host i-* mi-*\n  ProxyCommand sh -c \"aws %h\"\n")],
                Some("i-1 | sh -c \"aws %h\""),
            ),
            (&[("config", "host=i-*\nproxycommand = a b\n")], Some("i-1 | a b")),
            (&[("config", "Host web\n ProxyCommand a\n")], None),
            (
                &[("config", "Host i-* !i-1\n ProxyCommand a\nHost *\n ProxyCommand b\n")],
                Some("i-1 | b"),
            ),
            (
                &[("config", "Host i-?\n ProxyCommand a\nHost i-1\n ProxyCommand b\n")],
                Some("i-1 | a"),
            ),
            (
                &[("config", "ProxyCommand a # not a comment\n# ProxyCommand b\n")],
                Some("i-1 | a # not a comment"),
            ),
            (&[("config", "Host i-*\n ProxyJump hop\n ProxyCommand a\n")], Some("i-1 | hop")),
            (&[("config", "Host web\n HostName i-1\n ProxyCommand a\n")], Some("web | i-1 | a")),
            (
                &[("config", "Host web\n HostName i-1\nHost i-*\n ProxyCommand a\n")],
                Some("i-1 | a"),
            ),
            (
                &[("config", "Match exec \"true\"\n ProxyCommand a\nHost i-*\n ProxyCommand b\n")],
                Some("i-1 | b | Match exec \"true\""),
            ),
            (
                &[("config", "Host i-*\n ProxyCommand b\nMatch exec \"true\"\n ProxyCommand a\n")],
                Some("i-1 | b"),
            ),
            (&[("config", "Match all\n ProxyCommand a\n")], Some("i-1 | a")),
            (&[("config", "Match host x\n User a\n")], None),
            (
                &[
                    ("config", "Include more/*.conf missing\nHost i-*\n ProxyCommand b\n"),
                    ("more/1.conf", "Host i-*\n ProxyCommand a\n"),
                    ("more/2.txt", "x y\n"),
                ],
                Some("i-1 | a"),
            ),
            // Within a section an included file counts only where the section applies.
            (
                &[
                    ("config", "Host web\n Include more\nHost i-*\n ProxyCommand b\n"),
                    ("more", "ProxyCommand a\n"),
                ],
                Some("i-1 | b"),
            ),
        ];
        for (files, expected) in rows {
            assert_eq!(found(files, "i-1").as_deref(), expected, "{files:?}");
        }
    }

    #[test]
    fn files_that_include_themselves_end() {
        let files = [("config", "Include config\nHost i-*\n ProxyCommand a\n")];
        assert_eq!(found(&files, "i-1").as_deref(), Some("i-1 | a"));
    }

    /// What OpenSSH itself makes of a file, where it is there to be asked.
    #[cfg(unix)]
    #[test]
    fn openssh_agrees() {
        use std::process::Command;
        let texts = [
            "Host i-* mi-*\n  ProxyCommand sh -c \"aws %h 'portNumber=%p'\"\n",
            "Host i-* !i-1\n ProxyCommand a\nHost *\n ProxyCommand b\n",
            "Host i-?\n ProxyCommand a\nHost i-1\n ProxyCommand b\n",
            "Host i-*\n ProxyJump hop\n ProxyCommand a\n",
            "Host web\n ProxyCommand a\n",
            "Match all\n ProxyCommand=a\n",
        ];
        for text in texts {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("config");
            fs::write(&file, text).unwrap();
            let Ok(told) = Command::new("ssh").arg("-F").arg(&file).args(["-G", "i-1"]).output()
            else {
                return;
            };
            let told = String::from_utf8(told.stdout).unwrap();
            let value =
                |name: &str| told.lines().find_map(|it| it.strip_prefix(name)).map(str::to_owned);
            let theirs = value("proxycommand ").or_else(|| value("proxyjump "));
            let ours = found(&[("config", text)], "i-1")
                .map(|it| it.split_once(" | ").unwrap().1.to_owned());
            assert_eq!(ours, theirs, "{text}");
        }
    }
}
