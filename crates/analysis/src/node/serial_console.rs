//! What a machine says of itself on its serial console, which can be read without touching it.
//!
//! The agent writes there that it runs, and since 3.3.2958.0 why it got no credentials; the kernel
//! writes what killed it. All of it comes from the machine, so it is evidence and never a verdict: it
//! was written while booting, may have been repaired since, and its absence says nothing. Source:
//! amazon-ssm-agent `agent/startup/startup_unix.go`; messages as pasted in public reports.

use alloc::{format, string::String, vec::Vec};
use core::net::IpAddr;

use ssm_doctor_facts::{ec2::Console, ssm::AgentVersion, time::Timestamp};

/// What a line of the console means, the more telling first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// The agent got no credentials, or could not report with them.
    NoCredentials(Trouble),
    Panic,
    /// The machine stopped booting and waits for somebody at the console.
    Emergency,
    DiskFull,
    ReadOnly,
    OutOfMemory,
    /// The init system could not start the agent.
    AgentFails,
    /// The clock was far off, or the system doubts it.
    ClockWrong,
    /// A program found no network. Where IPv6 is off that is normal.
    NetworkUnreachable,
    /// A stage of cloud-init failed, or it found no data source.
    CloudInitFails,
    /// The agent started with credentials in hand.
    AgentRuns(String),
}

/// Why, as far as the agent's words tell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// No role of its own that works, and Default Host Management is off.
    NoRole,
    /// It dialled this address and nobody answered.
    NoAnswer(IpAddr),
    NoAddress,
    Certificate,
    /// The certificate is outside its dates, by the machine's clock.
    Dates,
    Denied(Denial),
    /// Default Host Management once knew the machine, and its keys are lost.
    KeysLost,
    Metadata,
    Clock,
    Other,
}

/// A refusal as AWS words it: what, and which kind of policy, where it says so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Denial {
    pub action: String,
    /// The kind of policy that refuses, where AWS says it.
    pub policy: Option<PolicyKind>,
    /// By a Deny, not for want of an Allow.
    pub explicit: bool,
}

/// The kinds of policy that AWS names in a refusal. Source: IAM User Guide, "Troubleshoot access denied
/// error messages".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PolicyKind {
    Identity,
    Boundary,
    Session,
    Scp,
    Rcp,
    Endpoint,
    Resource,
}

/// A sign, when it was written as far as the line tells, and the line.
pub struct Seen<'a> {
    pub sign: Sign,
    pub at: Option<Timestamp>,
    pub line: &'a str,
}

impl Seen<'_> {
    /// May it hold although the agent has reported since? What the kernel killed has given its memory back, unless it
    /// was the agent that it killed.
    #[must_use]
    pub fn lasts(&self) -> bool {
        match self.sign {
            Sign::DiskFull | Sign::ReadOnly => true,
            Sign::OutOfMemory => AGENT.iter().any(|name| {
                let killed = [format!("({name}"), format!("task={name}")];
                killed.iter().any(|words| self.line.contains(words.as_str()))
            }),
            _ => false,
        }
    }
}

/// The agent's programs. The kernel keeps 15 characters of a name.
const AGENT: [&str; 4] =
    ["amazon-ssm-agen", "ssm-agent-worke", "ssm-session-wor", "ssm-document-wo"];

/// Of a process that reached the limit of its container, while the machine has memory. Source: Linux
/// `mm/oom_kill.c`.
const OF_A_CONTAINER: &str = "CONSTRAINT_MEMCG";

const CREDENTIALS: &str = "SSM Agent unable to acquire credentials";
const HIBERNATES: &str = "Entering SSM Agent hibernate";
const RUNS: &str = "Amazon SSM Agent v";

/// Since this version the agent's worker, which writes that it runs, is only started with credentials in
/// hand. Source: amazon-ssm-agent `core/app/agent.go`.
const WAITS_FOR_CREDENTIALS: AgentVersion = AgentVersion([3, 2, 0, 0]);

/// No more lines than this are kept, and of each no more characters than that.
const MOST_LINES: usize = 40;
const MOST_CHARACTERS: usize = 1_000;
/// An error runs over some lines; one that never ends is not read to the end of the output.
const MOST_CONTINUED: usize = 12;

/// The lines that mean something, the last ones if there are many. An error that runs over several
/// lines becomes one.
#[must_use]
pub fn excerpt(output: &str) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    let mut lines = output.lines().peekable();
    while let Some(line) = lines.next() {
        if sign(line).is_none() && !is_boot(line) {
            continue;
        }
        let mut whole = String::from(line);
        if line.contains("<error>") {
            for _ in 0..MOST_CONTINUED {
                if whole.contains("</error>") {
                    break;
                }
                let Some(next) = lines.next_if(|it| sign(it).is_none()) else { break };
                whole.push(' ');
                whole.push_str(next.trim());
            }
        }
        let plain = whole.chars().filter(|it| !it.is_control()).take(MOST_CHARACTERS).collect();
        if kept.last() != Some(&plain) {
            kept.push(plain);
        }
    }
    kept.split_off(kept.len().saturating_sub(MOST_LINES))
}

/// The signs, each once and as last seen, the more telling first, without those written before
/// `since`.
#[must_use]
pub fn signs(console: &Console, since: Option<Timestamp>) -> Vec<Seen<'_>> {
    let mut found: Vec<Seen> = Vec::new();
    for line in &console.lines {
        let Some(sign) = sign(line) else { continue };
        let at = stamp(line);
        // Of a line without a time it is known only that the output was added to no later.
        let latest = at.or(console.at);
        if since.zip(latest).is_some_and(|(since, at)| at < since) {
            continue;
        }
        found.retain(|it| it.sign != sign);
        found.push(Seen { sign, at, line });
    }
    // An agent that started after it had failed has got over it, if it waits for credentials to start.
    let over = |it: &Seen| matches!(&it.sign, Sign::AgentRuns(it) if had_credentials(it));
    if let Some(ran) = found.iter().rposition(over) {
        let mut place = 0..;
        found.retain(|it| {
            place.next().is_some_and(|it| it >= ran) || !matches!(it.sign, Sign::NoCredentials(_))
        });
    }
    found.sort_by(|a, b| a.sign.cmp(&b.sign));
    found
}

/// The signs of the last boot that still count: nothing shows that the fault is over. Of each kind the last one, without
/// those written before `since`.
#[must_use]
pub fn lasting(console: &Console, since: Option<Timestamp>) -> Vec<Seen<'_>> {
    let of_last_boot = of_last_boot(console, since).into_iter();
    of_last_boot.filter(Seen::lasts).collect()
}

/// Why the system fails EC2's status check, if it says so itself in its last boot and since `since`.
#[must_use]
pub fn system_fault(console: &Console, since: Option<Timestamp>) -> Option<Seen<'_>> {
    of_last_boot(console, since).into_iter().find(|seen| seen.sign.stops_system())
}

fn of_last_boot(console: &Console, since: Option<Timestamp>) -> Vec<Seen<'_>> {
    let boot = console.lines.iter().rposition(|line| is_boot(line));
    let own = |seen: &Seen| {
        let place = console.lines.iter().rposition(|line| line == seen.line);
        boot.is_none_or(|boot| place.is_some_and(|place| place > boot))
    };
    signs(console, since).into_iter().filter(own).collect()
}

/// The kernel's first line. The output can hold several boots.
fn is_boot(line: &str) -> bool {
    line.contains("Linux version ")
}

fn sign(line: &str) -> Option<Sign> {
    let has = |words: &str| line.contains(words);
    Some(if has(CREDENTIALS) || has(HIBERNATES) {
        Sign::NoCredentials(trouble(line))
    } else if has("Kernel panic") && !has("end Kernel panic") {
        // The closing line repeats the reason at most.
        Sign::Panic
    } else if has("emergency mode") || has("Entering emergency") || has("emergency shell") {
        Sign::Emergency
    } else if has("No space left on device") || has("no space left on device") {
        Sign::DiskFull
    } else if has("Remounting filesystem read-only") {
        Sign::ReadOnly
    } else if has("Out of memory: Kill") || has("oom-kill:") && !has(OF_A_CONTAINER) {
        Sign::OutOfMemory
    } else if has("Failed to start") && has("amazon-ssm-agent") {
        Sign::AgentFails
    } else if has("System clock wrong by") || has("advancing clock") {
        // Source: chrony `reference.c`; systemd `src/core/main.c`.
        Sign::ClockWrong
    } else if has("FAILED] Failed to start") && (has("cloud-") || has("cloud user"))
        || has("No instance datasource found")
    {
        Sign::CloudInitFails
    } else if has("Network is unreachable") {
        Sign::NetworkUnreachable
    } else if let Some((_, rest)) = line.split_once(RUNS) {
        let (version, rest) = rest.split_once(' ')?;
        rest.starts_with("is running").then(|| Sign::AgentRuns(version.into()))?
    } else {
        return None;
    })
}

/// One message tells of several attempts, so what is more particular is looked for first: the metadata
/// service is dialled like any other address, and a refused profile is followed by a refused fallback.
fn trouble(line: &str) -> Trouble {
    let has = |words: &str| line.contains(words);
    if has("failed to get IMDSv2 token") || METADATA.iter().any(|it| has(it)) {
        Trouble::Metadata
    } else if let Some(denial) = denial(line) {
        Trouble::Denied(denial)
    } else if let Some(address) = dialled(line)
        && (has("timeout") || has("refused") || has("unreachable") || has("no route"))
    {
        Trouble::NoAnswer(address)
    } else if has("no such host") || has("dial tcp: lookup ") {
        Trouble::NoAddress
    } else if has("certificate has expired or is not yet valid") {
        Trouble::Dates
    } else if has("x509:") {
        Trouble::Certificate
    } else if has("Signature expired") || has("Signature not yet current") || has("RequestExpired")
    {
        Trouble::Clock
    } else if has("instance management role is not configured") {
        Trouble::NoRole
    } else if has("not yet registered with Systems Manager") {
        Trouble::KeysLost
    } else if has("AccessDenied") {
        let action = "ssm:UpdateInstanceInformation".into();
        Trouble::Denied(Denial { action, policy: None, explicit: false })
    } else {
        Trouble::Other
    }
}

/// Where the metadata service answers.
const METADATA: [&str; 2] = ["169.254.169.254", "fd00:ec2::254"];

/// What comes before the action in a refusal by AWS. Source: IAM User Guide, "Troubleshoot access denied error
/// messages".
pub(crate) const REFUSED: &str = "not authorized to perform: ";

/// The first refusal in a line.
pub(crate) fn denial(line: &str) -> Option<Denial> {
    let (_, rest) = line.split_once(REFUSED)?;
    // Only this refusal's own words: another may follow.
    denial_after(rest.split(REFUSED).next()?)
}

/// A refusal, of which `rest` follows [`REFUSED`]: `ssm:X on resource: Y because no identity-based policy allows the
/// ssm:X action`, or `… with an explicit deny in a service control policy`.
pub(crate) fn denial_after(rest: &str) -> Option<Denial> {
    let action = rest.split(|it: char| it.is_whitespace() || it == '<').next()?;
    let action = action.trim_end_matches(['.', ',', ';', '"', '\'']);
    let action = String::from(Some(action).filter(|it| is_action(it))?);
    let policy = PolicyKind::ALL.into_iter().find(|it| rest.contains(it.as_str()));
    Some(Denial { action, policy, explicit: rest.contains("explicit deny") })
}

/// Is it an action, such as `ssm:StartSession`? A text that was cut or joined has another word in that place.
fn is_action(word: &str) -> bool {
    let is_service = |word: &str| {
        !word.is_empty() && word.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-')
    };
    let is_name =
        |word: &str| !word.is_empty() && word.bytes().all(|it| it.is_ascii_alphanumeric());
    word.split_once(':').is_some_and(|(service, name)| is_service(service) && is_name(name))
}

/// `dial tcp 10.0.41.71:443: i/o timeout`
pub(crate) fn dialled(line: &str) -> Option<IpAddr> {
    let (_, rest) = line.rsplit_once("dial tcp ")?;
    let word = rest.split(' ').next()?.trim_end_matches(':');
    let (address, _) = word.rsplit_once(':')?;
    address.trim_matches(['[', ']']).parse().ok()
}

/// `2026/04/22 20:27:12Z: …`, as the agent begins its lines.
fn stamp(line: &str) -> Option<Timestamp> {
    let end = line.find("Z: ")?;
    let start = end.checked_sub("2026/04/22 20:27:12".len())?;
    let raw = line.get(start..end)?;
    let (day, time) = raw.split_once(' ')?;
    format!("{}T{time}Z", day.replace('/', "-")).try_into().ok()
}

impl Sign {
    /// Does the system not answer because of it?
    #[must_use]
    pub fn stops_system(&self) -> bool {
        matches!(
            self,
            Self::Panic | Self::Emergency | Self::DiskFull | Self::ReadOnly | Self::OutOfMemory
        )
    }

    /// Is it other than good news?
    #[must_use]
    pub fn is_fault(&self) -> bool {
        !matches!(self, Self::AgentRuns(_))
    }

    /// Does it say what keeps the agent away, and that it is not the way to AWS?
    #[must_use]
    pub fn explains(&self) -> bool {
        match self {
            Self::NoCredentials(trouble) => match trouble {
                // AWS answered, or nobody was asked.
                Trouble::NoRole
                | Trouble::Denied(_)
                | Trouble::KeysLost
                | Trouble::Metadata
                | Trouble::Dates
                | Trouble::Clock => true,
                Trouble::NoAnswer(_)
                | Trouble::NoAddress
                | Trouble::Certificate
                | Trouble::Other => false,
            },
            Self::AgentRuns(_)
            | Self::ClockWrong
            | Self::NetworkUnreachable
            | Self::CloudInitFails => false,
            _ => true,
        }
    }
}

/// Did an agent of this version have credentials when it said that it runs?
#[must_use]
pub fn had_credentials(version: &str) -> bool {
    AgentVersion::parse(version).is_some_and(|it| it >= WAITS_FOR_CREDENTIALS)
}

impl PolicyKind {
    const ALL: [Self; 7] = [
        Self::Identity,
        Self::Boundary,
        Self::Session,
        Self::Scp,
        Self::Rcp,
        Self::Endpoint,
        Self::Resource,
    ];

    /// As AWS says it in a refusal.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity-based policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
            Self::Scp => "service control policy",
            Self::Rcp => "resource control policy",
            Self::Endpoint => "VPC endpoint policy",
            Self::Resource => "resource-based policy",
        }
    }

    /// The types that refusals in the text name as the reason. The text is in lower case.
    pub fn named_in(text: &str) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|kind| {
            let lacking = format!("no {} allows", kind.as_str()).to_lowercase();
            let denying = format!("deny in {}", kind.with_article()).to_lowercase();
            text.contains(&lacking) || text.contains(&denying)
        })
    }

    /// `an identity-based policy`, `a session policy`.
    #[must_use]
    pub fn with_article(self) -> String {
        let article = if self == Self::Identity { "an" } else { "a" };
        format!("{article} {}", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec};

    use super::*;

    fn at(raw: &str) -> Timestamp {
        Timestamp::try_from(raw.to_string()).unwrap()
    }

    fn one(line: &str) -> Sign {
        sign(line).unwrap()
    }

    #[test]
    fn causes_are_told_apart() {
        let agent = |inner: &str| {
            format!(
                "2026/04/22 20:27:12Z: SSM Agent unable to acquire credentials: <error>{inner}</error>"
            )
        };
        let timeout = |address: &str| {
            agent(&format!(
                "Skipping default host management fallback: retrieved credentials failed to report to ssm. Error: RequestError: send request failed caused by: Post \"https://ssm.eu-west-1.amazonaws.com/\": dial tcp {address}:443: i/o timeout"
            ))
        };
        let address = |raw: &str| Trouble::NoAnswer(raw.parse().unwrap());
        let denied = |policy, explicit| {
            let action = "ssm:UpdateInstanceInformation".into();
            Trouble::Denied(Denial { action, policy, explicit })
        };
        let rows = [
            (timeout("10.0.41.71"), address("10.0.41.71")),
            (timeout("44.216.199.76"), address("44.216.199.76")),
            (timeout("[2600:1f14::1]"), address("2600:1f14::1")),
            (agent("dial tcp: lookup ssm.eu-west-1.amazonaws.com on 10.0.0.2:53: no such host"), Trouble::NoAddress),
            (agent("dial tcp: lookup ssm.eu-west-1.amazonaws.com on 10.0.0.9:53: read udp 10.0.1.5:4711->10.0.0.9:53: i/o timeout"), Trouble::NoAddress),
            (agent("tls: failed to verify certificate: x509: certificate signed by unknown authority"), Trouble::Certificate),
            (agent("no valid credentials could be retrieved for ec2 identity. Default Host Management Err: error calling RequestManagedInstanceRoleToken: AccessDeniedException: Systems Manager's instance management role is not configured for account: 111122223333"), Trouble::NoRole),
            (agent("tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2015-01-01T00:00:00Z is before 2026-01-01T00:00:00Z"), Trouble::Dates),
            (agent("AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/App/i-0abc is not authorized to perform: ssm:UpdateInstanceInformation on resource: *"), denied(None, false)),
            (agent("AccessDeniedException: no"), denied(None, false)),
            // Refused first, and then the fallback is off: what was refused is the clue.
            (agent("not authorized to perform: ssm:UpdateInstanceInformation on resource: * because no VPC endpoint policy allows the ssm:UpdateInstanceInformation action Default Host Management Err: AccessDeniedException: Systems Manager's instance management role is not configured for account: 111122223333"), denied(Some(PolicyKind::Endpoint), false)),
            (agent("not authorized to perform: ssm:UpdateInstanceInformation on resource: * with an explicit deny in a service control policy"), denied(Some(PolicyKind::Scp), true)),
            (agent("not authorized to perform: ssm:UpdateInstanceInformation on resource: * because no identity-based policy allows it; not authorized to perform: ssm:RequestManagedInstanceRoleToken with an explicit deny in a service control policy"), denied(Some(PolicyKind::Identity), false)),
            (agent("RequestError: send request failed caused by: Get \"http://169.254.169.254/latest/meta-data/instance-id\": dial tcp 169.254.169.254:80: connect: network is unreachable"), Trouble::Metadata),
            (agent("EC2MetadataError: failed to get IMDSv2 token and fallback to IMDSv1 is disabled caused by: dial tcp 10.0.0.8:3128: i/o timeout"), Trouble::Metadata),
            (agent("dial tcp [fd00:ec2::254]:80: i/o timeout"), Trouble::Metadata),
            (agent("ec2 instance not yet registered with Systems Manager"), Trouble::KeysLost),
            (agent("EC2MetadataError: failed to get IMDSv2 token and fallback to IMDSv1 is disabled"), Trouble::Metadata),
            (agent("InvalidSignatureException: Signature expired: 20260422T202712Z is now earlier than"), Trouble::Clock),
            (agent("something new"), Trouble::Other),
            ("May 1 10:00:00 ip-10-0-1-5 amazon-ssm-agent: Entering SSM Agent hibernate - AccessDeniedException".into(), denied(None, false)),
        ];
        for (line, expected) in rows {
            assert_eq!(one(&line), Sign::NoCredentials(expected), "{line}");
        }
    }

    #[test]
    fn machines_die_in_several_ways() {
        let rows = [
            ("[    3.14] Kernel panic - not syncing: VFS: Unable to mount root fs", Sign::Panic),
            (
                "You are in emergency mode. After logging in, type \"journalctl -xb\"",
                Sign::Emergency,
            ),
            ("cloud-init[1]: OSError: [Errno 28] No space left on device", Sign::DiskFull),
            ("EXT4-fs (xvda1): Remounting filesystem read-only", Sign::ReadOnly),
            ("[ 99.1] Out of memory: Killed process 4242 (java)", Sign::OutOfMemory),
            (
                "[FAILED] Failed to start amazon-ssm-agent.service - amazon-ssm-agent.",
                Sign::AgentFails,
            ),
            (
                "[FAILED] Failed to start snap.amazon-ssm-agent.amazon-ssm-agent.service",
                Sign::AgentFails,
            ),
            (
                "2026/04/22 20:27:12Z: Amazon SSM Agent v3.3.2958.0 is running",
                Sign::AgentRuns("3.3.2958.0".into()),
            ),
            ("chronyd[512]: System clock wrong by 86400.132713 seconds", Sign::ClockWrong),
            ("systemd[1]: System time before build time, advancing clock.", Sign::ClockWrong),
            (
                "[FAILED] Failed to start cloud-final.service - Cloud-init: Final Stage.",
                Sign::CloudInitFails,
            ),
            (
                "hibinit-agent[1747]: OSError: [Errno 101] Network is unreachable",
                Sign::NetworkUnreachable,
            ),
        ];
        for (line, expected) in rows {
            assert_eq!(one(line), expected, "{line}");
        }
        for line in ["", "Amazon SSM Agent v", "Amazon SSM Agent v3.3 walks", "login:"] {
            assert_eq!(sign(line), None, "{line}");
        }
    }

    #[test]
    fn an_excerpt_keeps_what_means_something() {
        let output = "Linux version 6\r\npassword: hunter2\n\
            2026/04/22 20:27:12Z: SSM Agent unable to acquire credentials: <error>no valid credentials\n\
            \tstatus code: 400,\x1b[31m request id: 1</error>\nlogin:\n\
            No space left on device\nNo space left on device\n";
        assert_eq!(
            excerpt(output),
            vec![
                "Linux version 6",
                "2026/04/22 20:27:12Z: SSM Agent unable to acquire credentials: <error>no valid credentials status code: 400,[31m request id: 1</error>",
                "No space left on device",
            ]
        );
        // An error without an end does not swallow the output.
        let endless =
            format!("SSM Agent unable to acquire credentials: <error>{}", "\nx".repeat(99));
        assert_eq!(excerpt(&endless).len(), 1);
        assert!(excerpt(&endless)[0].len() < 100);
        let many: Vec<String> = (0..100).map(|it| format!("{it} Kernel panic")).collect();
        let kept = excerpt(&many.join("\n"));
        assert_eq!((kept.len(), kept[0].as_str()), (MOST_LINES, "60 Kernel panic"));
        assert_eq!(
            excerpt(&format!("Kernel panic{}", "!".repeat(5_000)))[0].len(),
            MOST_CHARACTERS
        );
    }

    #[test]
    fn an_earlier_boot_is_over() {
        let lasting = |lines: &[&str]| {
            let lines: Vec<String> = excerpt(&lines.join("\n"));
            let console = Console { at: Some(at("2026-04-22T20:40:00Z")), lines };
            lasting(&console, None).into_iter().map(|seen| seen.sign).collect::<Vec<_>>()
        };
        let boot = "[    0.000000] Linux version 6.1.0 (builder@host)";
        let full = "cloud-init[1]: OSError: [Errno 28] No space left on device";
        assert_eq!(lasting(&[full, boot]), vec![]);
        assert_eq!(lasting(&[boot, full]), vec![Sign::DiskFull]);
        assert_eq!(lasting(&[full, boot, full]), vec![Sign::DiskFull]);
        assert_eq!(lasting(&[boot, "Kernel panic"]), vec![]);
    }

    #[test]
    fn what_is_over_is_left_out() {
        let console = |lines: &[&str]| Console {
            at: Some(at("2026-04-22T20:40:00Z")),
            lines: lines.iter().map(ToString::to_string).collect(),
        };
        let failed =
            "2026/04/22 20:27:12Z: SSM Agent unable to acquire credentials: <error>x</error>";
        let runs = "2026/04/22 20:30:00Z: Amazon SSM Agent v3.3.2958.0 is running";
        let seen = |console: &Console, since: Option<&str>| {
            signs(console, since.map(at)).into_iter().map(|it| it.sign).collect::<Vec<_>>()
        };
        let ran = Sign::AgentRuns("3.3.2958.0".into());
        let stuck = Sign::NoCredentials(Trouble::Other);
        assert_eq!(seen(&console(&[failed, runs]), None), vec![ran.clone()]);
        assert_eq!(seen(&console(&[runs, failed]), None), vec![stuck.clone(), ran]);
        assert_eq!(
            seen(&console(&[failed, "Kernel panic"]), Some("2026-04-22T20:30:00Z")),
            vec![Sign::Panic]
        );
        assert_eq!(seen(&console(&["Kernel panic"]), Some("2026-04-22T20:50:00Z")), vec![]);
        assert_eq!(seen(&console(&[failed, failed]), Some("2026-04-22T20:27:12Z")), vec![stuck]);
        assert_eq!(signs(&console(&[failed]), None)[0].at, Some(at("2026-04-22T20:27:12Z")));
        // An agent before 3.2 starts without credentials, too.
        let hibernates = "Entering SSM Agent hibernate - ThrottlingException";
        let old = "2026/04/22 20:30:00Z: Amazon SSM Agent v3.1.1732.0 is running";
        assert_eq!(seen(&console(&[hibernates, old]), None).len(), 2);
    }
}
