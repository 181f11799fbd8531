//! Commands in user data that install, remove, start or stop the agent.
//!
//! User data is a shell script, a PowerShell script, a cloud-config document, or several of them in one MIME document.
//! A command line looks alike in all of them, so lines are read one by one. What only writes a file (a here-document,
//! `echo`) is no command, and what a condition precedes may not run. The agent's service starts again when its process
//! is killed, so `pkill` does not count.

use alloc::{string::String, vec::Vec};

use ssm_doctor_facts::user_data::{AgentCommand, AgentEffect, UserData};

/// The name of the service, of the package, and of the process: Linux's, and Windows's.
const NAMES: [&str; 2] = ["amazon-ssm-agent", "amazonssmagent"];

/// What stands before a command without changing it.
const PREFIXES: [&str; 4] = ["sudo", "-e", "exec", "nohup"];

/// What is read of user data: the commands that concern the agent.
#[must_use]
pub fn read(text: &str) -> UserData {
    let mut commands = Vec::new();
    let mut place = Place::default();
    for (line, number) in text.lines().zip(1..) {
        if place.is_text(line) {
            continue;
        }
        let line = line.trim();
        place.enter(line);
        for (at, command) in commands_of(line).into_iter().enumerate() {
            let conditional = place.depth > 0 || (at > 0 && line.contains(['&', '|']));
            let effects = effects(&command).into_iter();
            commands.extend(effects.map(|does| AgentCommand { line: number, does, conditional }));
        }
        place.leave(line);
    }
    UserData { commands }
}

/// What a fault leaves of the agent, and the command that did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaves {
    Removed,
    Stopped,
    /// It runs until the next start of the machine.
    Disabled,
}

/// The state in which the commands leave the agent; None if it runs. Of each kind of state the last command counts.
#[must_use]
pub fn outcome(user_data: &UserData) -> Option<(Leaves, &AgentCommand)> {
    let last = |good: &[AgentEffect], bad: AgentEffect| {
        let mut commands = user_data.commands.iter().rev();
        let last = commands.find(|command| command.does == bad || good.contains(&command.does));
        last.filter(|command| command.does == bad)
    };
    let removed = last(&[AgentEffect::Installs], AgentEffect::Removes);
    let stopped = last(&[AgentEffect::Starts, AgentEffect::Installs], AgentEffect::Stops);
    let disabled = last(&[AgentEffect::Enables, AgentEffect::Installs], AgentEffect::Disables);
    let states =
        [(Leaves::Removed, removed), (Leaves::Stopped, stopped), (Leaves::Disabled, disabled)];
    states.into_iter().find_map(|(leaves, command)| Some((leaves, command?)))
}

/// Where a line stands.
#[derive(Default)]
struct Place {
    /// How many conditions, loops and functions are open.
    depth: u32,
    /// The word that ends the here-document.
    text_until: Option<String>,
    /// In the files of a cloud-config document.
    in_files: bool,
}

impl Place {
    /// Does the line say nothing that is run: text of a file, or a comment?
    fn is_text(&mut self, line: &str) -> bool {
        if let Some(end) = &self.text_until {
            if line.trim() == end {
                self.text_until = None;
            }
            return true;
        }
        if line.starts_with(|first: char| first.is_alphabetic()) {
            self.in_files = line.starts_with("write_files:");
        }
        self.in_files || line.trim_start().starts_with('#')
    }

    fn enter(&mut self, line: &str) {
        let first = line.split([' ', '(', ';']).next().unwrap_or_default();
        let opens = ["if", "case", "for", "while", "until"].contains(&first) || line.ends_with('{');
        self.depth += u32::from(opens);
        if let Some((_, after)) = line.split_once("<<").filter(|(_, after)| !after.starts_with('<'))
        {
            let word = after.trim_start_matches(['-', '~', ' ']).split_whitespace().next();
            self.text_until = word.map(|word| word.trim_matches(['"', '\'', '\\']).into());
        }
    }

    fn leave(&mut self, line: &str) {
        let last = line.rsplit([' ', ';']).next().unwrap_or_default();
        let closes = ["fi", "esac", "done", "}"].contains(&last);
        self.depth = self.depth.saturating_sub(u32::from(closes));
    }
}

/// The commands of a line as words in lower case, without what only quotes them.
fn commands_of(line: &str) -> Vec<Vec<String>> {
    let parts = line.split([';', '&', '|']);
    let words = parts.map(|part| {
        // In cloud-config a command may be a list: `- [systemctl, stop, amazon-ssm-agent]`.
        let words =
            part.split(|letter: char| letter.is_whitespace() || "[],\"'`()".contains(letter));
        let words = words.filter(|word| !word.is_empty()).map(str::to_lowercase);
        words.skip_while(|word| word == "-" || PREFIXES.contains(&&**word)).collect()
    });
    words.filter(|words: &Vec<String>| !words.is_empty()).collect()
}

/// Programs that start and stop services.
const SERVICES: &[&str] =
    &["systemctl", "service", "initctl", "snap", "net", "sc", "sc.exe", "amazon-ssm-agent"];

/// Programs that decide what starts with the machine.
const AT_START: &[&str] = &["systemctl", "snap", "chkconfig", "update-rc.d"];

/// Programs that install and remove packages.
const PACKAGES: &[&str] =
    &["yum", "dnf", "microdnf", "apt", "apt-get", "zypper", "rpm", "dpkg", "snap"];

/// Programs, words of which one has to follow (none: any will do), and what the command does to the agent that it names.
const COMMANDS: [(&[&str], &[&str], AgentEffect); 14] = {
    use AgentEffect::{Disables, Enables, Installs, Removes, Starts, Stops};
    [
        (SERVICES, &["stop"], Stops),
        (SERVICES, &["start", "restart", "reload-or-restart", "try-restart"], Starts),
        (&["stop", "stop-service"], &[], Stops),
        (&["start", "restart", "start-service", "restart-service"], &[], Starts),
        (AT_START, &["disable", "--disable", "mask", "off", "remove"], Disables),
        (AT_START, &["enable", "--enable", "unmask", "on", "defaults"], Enables),
        (&["set-service", "sc", "sc.exe"], &["disabled"], Disables),
        (&["set-service", "sc", "sc.exe"], &["automatic", "auto", "delayed-auto"], Enables),
        (
            PACKAGES,
            &["remove", "erase", "purge", "-e", "--erase", "-r", "--remove", "--purge"],
            Removes,
        ),
        (PACKAGES, &["install", "reinstall", "localinstall", "refresh"], Installs),
        (&["rpm", "dpkg"], &["-i", "-u", "-ivh", "-uvh", "--install", "--upgrade"], Installs),
        (&["uninstall-package"], &[], Removes),
        (&["amazonssmagentsetup.exe"], &["/uninstall", "-uninstall"], Removes),
        (&["amazonssmagentsetup.exe"], &["/q", "/quiet", "/install", "-q", "-quiet"], Installs),
    ]
};

/// What a command does to the agent; nothing for most.
fn effects(words: &[String]) -> Vec<AgentEffect> {
    let Some((program, arguments)) = words.split_first() else { return Vec::new() };
    let program = program.rsplit(['/', '\\']).next().unwrap_or_default();
    if !words.iter().any(|word| NAMES.iter().any(|name| word.contains(name))) {
        return Vec::new();
    }
    let has = |word: &&str| arguments.iter().any(|argument| argument == word);
    let found = COMMANDS.iter().filter(|(programs, following, _)| {
        programs.contains(&program) && (following.is_empty() || following.iter().any(has))
    });
    let mut effects: Vec<AgentEffect> = found.map(|(_, _, effect)| *effect).collect();
    if has(&"--now") {
        let at_once = effects.iter().filter_map(|effect| match effect {
            AgentEffect::Enables => Some(AgentEffect::Starts),
            AgentEffect::Disables => Some(AgentEffect::Stops),
            _ => None,
        });
        effects.extend(at_once.collect::<Vec<_>>());
    }
    effects
}

#[cfg(test)]
mod tests {
    use alloc::{format, vec};

    use super::*;

    fn found(text: &str) -> Option<(Leaves, u32, bool)> {
        let user_data = read(text);
        outcome(&user_data).map(|(leaves, command)| (leaves, command.line, command.conditional))
    }

    #[test]
    fn the_last_command_counts() {
        use Leaves::{Disabled, Removed, Stopped};
        for (text, leaves) in [
            ("#!/bin/bash\nsudo systemctl stop amazon-ssm-agent", Some((Stopped, 2, false))),
            ("systemctl disable --now amazon-ssm-agent.service", Some((Stopped, 1, false))),
            ("systemctl disable amazon-ssm-agent", Some((Disabled, 1, false))),
            ("snap remove amazon-ssm-agent", Some((Removed, 1, false))),
            ("systemctl stop snap.amazon-ssm-agent.amazon-ssm-agent", Some((Stopped, 1, false))),
            ("yum -y erase amazon-ssm-agent", Some((Removed, 1, false))),
            ("/etc/init.d/amazon-ssm-agent stop", Some((Stopped, 1, false))),
            ("stop amazon-ssm-agent", Some((Stopped, 1, false))),
            (
                "<powershell>\nStop-Service -Name 'AmazonSSMAgent'\n</powershell>",
                Some((Stopped, 2, false)),
            ),
            ("Set-Service AmazonSSMAgent -StartupType Disabled", Some((Disabled, 1, false))),
            (
                "#cloud-config\nruncmd:\n  - [systemctl, mask, amazon-ssm-agent]",
                Some((Disabled, 3, false)),
            ),
            ("apt-get update && apt-get purge -y amazon-ssm-agent", Some((Removed, 1, true))),
            ("if grep -q x y; then\n  rpm -e amazon-ssm-agent\nfi", Some((Removed, 2, true))),
            ("if a; then b; fi\nrpm -e amazon-ssm-agent", Some((Removed, 2, false))),
            // The usual way to register anew, and to make it use a proxy.
            ("systemctl stop amazon-ssm-agent\nsystemctl start amazon-ssm-agent", None),
            ("snap stop amazon-ssm-agent; snap start amazon-ssm-agent", None),
            ("yum remove -y amazon-ssm-agent\nrpm -Uvh ./amazon-ssm-agent.rpm", None),
            ("yum install -y https://s3.amazonaws.com/x/amazon-ssm-agent.rpm", None),
            ("systemctl mask amazon-ssm-agent\nsystemctl unmask amazon-ssm-agent", None),
            // Nothing of this is done.
            ("# systemctl stop amazon-ssm-agent", None),
            ("echo systemctl stop amazon-ssm-agent", None),
            ("cat > stop.sh <<'EOF'\nsystemctl stop amazon-ssm-agent\nEOF", None),
            ("write_files:\n  - content: |\n      systemctl stop amazon-ssm-agent", None),
            ("systemctl stop httpd", None),
            ("pkill amazon-ssm-agent", None),
            ("", None),
        ] {
            assert_eq!(found(text), leaves, "{text}");
        }
    }

    #[test]
    fn here_documents_and_files_end() {
        let text = "cat <<EOF > f\n a\nEOF\nwrite_files:\n - path: /x\nruncmd:\n - snap remove amazon-ssm-agent";
        assert_eq!(found(text), Some((Leaves::Removed, 7, false)));
    }

    #[test]
    fn time_is_linear_in_hostile_text() {
        let text = format!("{}\nrpm -e amazon-ssm-agent", "if <<".repeat(10_000));
        assert_eq!(read(&text).commands, vec![]);
    }
}
