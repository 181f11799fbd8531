//! The users that a session can have: root, `ssm-user`, and those that log in.

use std::{fs, io, path::Path};

use ssm_doctor_facts::probe::{Account, Unseen, Users};

use super::process::program;

/// People's accounts begin here. Source: login.defs(5), `UID_MIN`.
const FIRST_OF_PEOPLE: u32 = 1000;
const MOST: usize = 200;
/// What the agent writes so that `ssm-user` may use sudo. Source: amazon-ssm-agent
/// `agent/session/utility/utility_unix.go`.
const SUDOERS: &str = "/etc/sudoers.d/ssm-agent-users";

pub fn look(names: &[String]) -> (Option<Users>, Vec<Unseen>) {
    let mut unseen = Vec::new();
    let Ok(text) = fs::read_to_string("/etc/passwd") else { return (None, unseen) };
    let wanted = |account: &Account| {
        account.uid == 0
            || account.uid >= FIRST_OF_PEOPLE
            || account.name == "ssm-user"
            || names.contains(&account.name)
    };
    let mut accounts: Vec<Account> =
        text.lines().filter_map(account).filter(wanted).take(MOST).collect();
    let mut missing = Vec::new();
    for name in names {
        if accounts.iter().any(|it| it.name == *name) {
            continue;
        }
        // Directories such as LDAP have users that no file lists. The agent asks in the same way.
        match program("getent", &["passwd", name]) {
            Some((true, line)) => accounts.extend(account(line.trim())),
            Some((false, _)) => missing.push(name.clone()),
            None => {
                let why = format!("getent gave no answer for {name}");
                unseen.push(Unseen { item: "users".into(), why, root_sees: false });
            }
        }
    }
    let sudoers = match fs::metadata(SUDOERS) {
        Ok(_) => Some(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(false),
        Err(error) => {
            let root_sees = error.kind() == io::ErrorKind::PermissionDenied;
            let why = format!("{SUDOERS}: {error}");
            unseen.push(Unseen { item: "users/sudoers".into(), why, root_sees });
            None
        }
    };
    (Some(Users { accounts, missing, sudoers }), unseen)
}

/// A line of passwd(5).
fn account(line: &str) -> Option<Account> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, uid, gid, _, _, shell] = fields.as_slice() else { return None };
    let shell = if shell.is_empty() { "/bin/sh" } else { shell };
    Some(Account {
        name: (*name).to_owned(),
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        shell: shell.to_owned(),
        shell_exists: Path::new(shell).exists(),
    })
}
