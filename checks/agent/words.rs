//! A node that does not respond, in words: what its console says, and where to look.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use crate::engine::permission::limit_words::{profile_problem, profile_remedy};
use ssm_doctor_analysis::{
    answer::FixOption,
    case::Case,
    node::{
        Investigation, ProbeAdvice, Statement, Step, Symptom, WayIn,
        metrics::Shortage,
        serial_console::{Denial, PolicyKind, Sign, Trouble, had_credentials},
    },
};
use ssm_doctor_facts::{
    change::SsmChange, limit::Limit, scope::Session, special_addresses::AddressKind, ssm::Ping,
    time::span,
};

use crate::engine::limit_words;

/// A clause whose subject is the observation's.
pub(crate) fn statement(statement: &Statement) -> String {
    match statement {
        Statement::LacksCredentials { problem } => {
            let lacks = profile_problem(problem);
            format!("has {lacks}, and whether Default Host Management is on was not seen")
        }
        Statement::Started { seconds_ago } => format!("was started {} ago", span(*seconds_ago)),
        Statement::ProfileAttached { seconds_ago } => {
            format!("was given its instance profile {} ago", span(*seconds_ago))
        }
        Statement::ImageWithoutAgent { image, name } => {
            format!("was made from {image} ({name}); images of that kind come without the agent")
        }
        Statement::HostManagementChanged { seconds_ago } => {
            format!("had the setting of Default Host Management changed {} ago", span(*seconds_ago))
        }
        Statement::OnConsole { sign, written_at, read_at, line } => {
            let at = match (written_at, read_at) {
                (Some(at), _) => format!(" (at {at})"),
                (None, Some(at)) => format!(" (at {at} or before)"),
                (None, None) => String::new(),
            };
            format!("{}{at}: {}", phrase(sign), quoted(line))
        }
        Statement::WasShort { of, at } => format!("{}, by CloudWatch at {at}", short(of)),
        Statement::StaysInHibernation { version, wakes_since } => format!(
            "was version {version}; before {wakes_since} it is reported to stay in hibernation on Windows"
        ),
        Statement::PredatesTokens { version, since } => format!(
            "was version {version}, and only {since} and newer can use a metadata service that asks for tokens (HttpTokens=required)"
        ),
        Statement::HasAddressOf { instance } => format!(
            "is a hybrid node with the private address of {instance}: perhaps the same machine, registered by an activation"
        ),
        Statement::HasSameName { name, since } => {
            let since = since.map_or(String::new(), |at| format!(", since {at}"));
            format!(
                "reports and calls itself {name} too{since}: perhaps the same machine, registered again, or a clone"
            )
        }
        Statement::ActivationOver { expired } => {
            let why = if *expired { "has expired" } else { "is used up" };
            format!(
                "{why}, which does not matter to a registered node: only registering it anew takes another one"
            )
        }
    }
}

/// As much of a line as is read: how it begins, and the end, where errors come to the point.
fn quoted(line: &str) -> String {
    const HEAD: usize = 70;
    const TAIL: usize = 170;
    let line = line.trim();
    let count = line.chars().count();
    if count <= HEAD + TAIL {
        return format!("`{line}`");
    }
    let head: String = line.chars().take(HEAD).collect();
    let tail: String = line.chars().skip(count - TAIL).collect();
    format!("`{head}…{tail}`")
}

/// A clause of which the console is the subject.
fn phrase(sign: &Sign) -> String {
    match sign {
        Sign::NoCredentials(trouble) => {
            format!("says that the agent got no credentials: {}", cause(trouble))
        }
        Sign::Panic => "shows a kernel panic".into(),
        Sign::Emergency => "shows that the machine stopped booting (emergency mode)".into(),
        Sign::DiskFull => "says `No space left on device`".into(),
        Sign::ReadOnly => "says that a file system was remounted read-only".into(),
        Sign::OutOfMemory => "says that the kernel ran out of memory and killed a process".into(),
        Sign::AgentFails => "says that the agent's service failed to start".into(),
        Sign::ClockWrong => "says that the clock of the machine is wrong".into(),
        Sign::NetworkUnreachable => "says that a program found no network".into(),
        Sign::CloudInitFails => "says that cloud-init failed".into(),
        Sign::AgentRuns(version) if had_credentials(version) => {
            format!("says that agent {version} started, so it had credentials then")
        }
        Sign::AgentRuns(version) => format!("says that agent {version} started"),
    }
}

/// Why the agent got no credentials.
fn cause(trouble: &Trouble) -> String {
    match trouble {
        Trouble::NoRole => {
            "no instance profile that works, and Default Host Management is off".into()
        }
        Trouble::NoAnswer(address) => {
            let kind = if AddressKind::of(address) == AddressKind::Public {
                "a public address, so it takes the way to the internet"
            } else {
                "a private address, so it goes to an interface endpoint or a proxy"
            };
            format!("it dialled {address} ({kind}) and got no answer")
        }
        Trouble::NoAddress => "the resolver gave no address for the service".into(),
        Trouble::Certificate => "it does not trust the certificate it was shown".into(),
        Trouble::Dates => {
            "by its clock the certificate it was shown has expired or is not valid yet".into()
        }
        Trouble::Denied(denial) => denied(denial),
        Trouble::KeysLost => "its registration keys for Default Host Management are lost".into(),
        Trouble::Metadata => "the instance metadata service did not answer it".into(),
        Trouble::Clock => "its clock is wrong, by its signatures".into(),
        Trouble::Other => "for an unrecognized reason".into(),
    }
}

fn denied(denial: &Denial) -> String {
    let action = &denial.action;
    match (denial.policy, denial.explicit) {
        (Some(kind), true) => {
            format!("{action} was denied, explicitly in {}", kind.with_article())
        }
        (Some(kind), false) => format!("{action} was denied: no {} allows it", kind.as_str()),
        (None, true) => format!("{action} was denied explicitly"),
        (None, false) => format!("{action} was denied"),
    }
}

/// A clause of which the instance is the subject.
fn short(of: &Shortage) -> String {
    match of {
        Shortage::Disk { path } => format!("had no room left on the disk at {path}"),
        Shortage::Memory { percent } => format!("used {percent} % of its memory"),
        Shortage::Cpu { percent } => format!("used {percent} % of its CPU for 15 minutes or more"),
        Shortage::Credits => "had no CPU credits left, and so ran at its baseline".into(),
    }
}

/// What to do about a shortage. That it silenced the agent is likely and not proven.
fn relieve(of: &Shortage) -> String {
    match of {
        Shortage::Disk { .. } => repair(&Sign::DiskFull),
        Shortage::Memory { .. } => repair(&Sign::OutOfMemory),
        Shortage::Cpu { .. } => "find what uses up the CPU, or choose a larger instance type; a reboot frees it for a while".into(),
        Shortage::Credits => {
            "let the instance use more than its CPU credits (`aws ec2 modify-instance-credit-specification`, at a price), or choose a larger instance type".into()
        }
    }
}

/// What to do about a sign on the console.
pub(crate) fn repair(sign: &Sign) -> String {
    match sign {
        Sign::NoCredentials(trouble) => provide_credentials(trouble),
        Sign::Panic => "repair the system on another machine, or restore it from a snapshot".into(),
        Sign::Emergency => {
            "repair what stops it from booting (a volume in /etc/fstab, mostly) by the serial console".into()
        }
        Sign::DiskFull => "make room on the disk, or enlarge the volume, and reboot".into(),
        Sign::ReadOnly => "look at the volume, repair its file system, and reboot".into(),
        Sign::OutOfMemory => "reboot, and give the machine more memory".into(),
        Sign::ClockWrong => {
            "set the clock: let chrony or Windows Time use 169.254.169.123, and restart the agent"
                .into()
        }
        Sign::NetworkUnreachable => {
            "look at the network configuration of the system: interface, address and default route"
                .into()
        }
        Sign::CloudInitFails => "read /var/log/cloud-init.log, and repair what it names".into(),
        Sign::AgentFails | Sign::AgentRuns(_) => {
            "look why its service fails (`journalctl -u amazon-ssm-agent`, or of the snap), or install the agent anew".into()
        }
    }
}

fn provide_credentials(trouble: &Trouble) -> String {
    match trouble {
        Trouble::NoRole => "give the instance a profile, or turn on Default Host Management".into(),
        Trouble::NoAnswer(address) if AddressKind::of(address) == AddressKind::Public => {
            format!("see what lies on the way from the instance to {address} on tcp/443: NAT, firewall, network ACL, the host's own firewall")
        }
        Trouble::NoAnswer(address) => {
            format!("see whether {address} accepts tcp/443 from the instance: its security group, network ACLs, and who has that address")
        }
        Trouble::NoAddress => "repair the resolver that the machine uses".into(),
        Trouble::Certificate => {
            "exempt Systems Manager from TLS inspection, or install the inspecting authority's certificate on the machine".into()
        }
        Trouble::Dates => {
            "set the machine's clock; if it is right, renew the certificate of what answers in the service's place".into()
        }
        Trouble::Denied(denial) => allow(denial),
        Trouble::KeysLost => "give the instance a profile, or replace it".into(),
        Trouble::Metadata => {
            "let the machine reach 169.254.169.254: routes, host firewall, and `no_proxy` of the agent".into()
        }
        Trouble::Clock => "set the machine's clock".into(),
        Trouble::Other => "read the whole message on the console".into(),
    }
}

fn allow(denial: &Denial) -> String {
    let action = &denial.action;
    match (denial.policy.map(place), denial.explicit) {
        (Some(place), true) => format!("take {action} out of the Deny {place}"),
        (Some(place), false) => format!("allow {action} {place}"),
        (None, _) => format!(
            "find the policy that denies {action}: the role's, its boundary's, an SCP, or an endpoint's"
        ),
    }
}

/// Where to find a policy.
fn place(policy: PolicyKind) -> &'static str {
    match policy {
        PolicyKind::Identity => "in the policies of the agent's role",
        PolicyKind::Boundary => "in the permissions boundary of the agent's role",
        PolicyKind::Session => "in the session policy of the agent's credentials",
        PolicyKind::Scp => {
            "in the service control policies of the organization, by its administrators"
        }
        PolicyKind::Rcp => {
            "in the resource control policies of the organization, by its administrators"
        }
        PolicyKind::Endpoint => {
            "in the policy of the VPC endpoint that the agent goes through (maybe another account's)"
        }
        PolicyKind::Resource => "in the resource's own policy",
    }
}

/// A longer list is not read at night. The runbook has the rest.
const MOST_STEPS: usize = 5;

/// What to do and where to look, the likeliest first.
pub(crate) fn investigation(what: &Investigation) -> FixOption {
    let mut steps: Vec<String> = what.steps.iter().map(step).collect();
    if let Some((service, limits)) = &what.undecided {
        let at = if what.explained { steps.len() } else { 0 };
        steps.insert(at, undecided(service, limits));
    }
    let never_registered = is_never_registered(what.symptom);
    // Source: amazon-ssm-agent `core/app/registrar`.
    let last = (what.registers && never_registered).then_some(
        "restart the agent: for Default Host Management it has to register itself first, and tries that again only after up to 18 to 22 hours",
    );
    let room = MOST_STEPS.saturating_sub(usize::from(last.is_some()));
    steps.truncate(room);
    let mut places = places(what.symptom);
    if what.agent_started && never_registered {
        // Whether it is installed and runs.
        places.drain(..1);
    }
    if what.may_not_use_tokens {
        places.push(
            "see whether the agent is too old for a metadata service that asks for tokens (IMDSv2)",
        );
    }
    let ways: Vec<_> = what.ways_in.iter().map(way_in).collect();
    let way_in =
        if ways.is_empty() { String::new() } else { format!(" (by {})", ways.join(", or ")) };
    for (at, place) in places.into_iter().take(room - steps.len()).enumerate() {
        let on_node = if at == 0 { format!("on the node{way_in}, ") } else { String::new() };
        steps.push(format!("{on_node}{place}"));
    }
    steps.extend(last.map(ToString::to_string));
    if let Some(advice) = &what.probe {
        // A table cuts off what is after the fifth, and this answers all of them.
        steps.insert(steps.len().min(MOST_STEPS - 1), probe(advice));
    }
    let mut option = FixOption::new(title(what.symptom));
    option.manual = steps;
    option
}

/// The two commands that settle where on the node the fault is.
fn probe(advice: &ProbeAdvice) -> String {
    let ProbeAdvice { target, windows } = advice;
    let on_node = if *windows {
        "`ssm-cli get-diagnostics --output json > probe.json`"
    } else {
        "`sudo ssm-doctor-probe > probe.json`"
    };
    format!(
        "if that is not enough, let the node say it: run {on_node} there, copy the file, and run `ssm-doctor {target} --probe probe.json`"
    )
}

/// What to try, or to find out.
fn title(symptom: Symptom) -> &'static str {
    match symptom {
        Symptom::NeverRegistered | Symptom::NeverRegisteredOnWindows => {
            "find out why the agent does not report"
        }
        Symptom::InstanceLost => "restart the agent, and find out why it stopped reporting",
        Symptom::HybridNodeLost => {
            "see that the machine is on and has a network, and restart its agent"
        }
        Symptom::NotConnected => "restart the agent, so that it opens its session channel anew",
    }
}

fn step(step: &Step) -> String {
    match step {
        Step::GiveCredentials { problem } => {
            let how = profile_remedy(problem);
            format!("{how} (unless Default Host Management is on)")
        }
        Step::UpdateForTokens { since } => format!(
            "make tokens optional (`aws ec2 modify-instance-metadata-options --http-tokens optional`) until the agent is updated to {since} or newer"
        ),
        Step::WaitAfterStart => "give it some minutes after the start (--wait)".into(),
        Step::RestartOrWait { seconds } => format!(
            "restart the agent, or wait: one that had no credentials before asks again at growing intervals of up to {}",
            span(*seconds)
        ),
        Step::RestartAfterHostManagement => {
            "restart the agent: one that was refused before asks again after 25 to 30 minutes"
                .into()
        }
        Step::InstallAgent => {
            "install the agent, by user data or in an image of your own (unless that was done)"
                .into()
        }
        Step::Relieve(shortage) => relieve(shortage),
        Step::Repair(sign) => format!("{} (unless that was done since)", repair(sign)),
        Step::RestartAndUpdate => {
            "restart the agent, and update it so that it wakes by itself".into()
        }
        Step::UseOrClearHybridNode { node } => format!(
            "see whether {node} is this machine: then use that id, or clear the registration on it (amazon-ssm-agent -register -clear) and restart the agent"
        ),
        Step::UseOtherNode { node } => {
            format!("see whether {node} is the machine meant, and use that id")
        }
    }
}

/// What could not be decided of the way to a service, of each hop in its own order.
fn undecided(service: &str, limits: &[Vec<Limit>]) -> String {
    const MOST: usize = 3;
    let mut clauses: Vec<String> = Vec::new();
    for of_hop in limits {
        let mut of_hop: Vec<_> = of_hop.iter().map(limit_words::limit).collect();
        of_hop.sort();
        for clause in of_hop {
            if !clauses.contains(&clause) {
                clauses.push(clause);
            }
        }
    }
    clauses.truncate(MOST);
    format!("see what could not be decided of the way to {service}: {}", clauses.join("; "))
}

fn way_in(way: &WayIn) -> String {
    match way {
        WayIn::InstanceConnect { endpoint } => {
            format!("the EC2 Instance Connect endpoint {endpoint}")
        }
        WayIn::SerialConsole => "the serial console, which the account may use".into(),
    }
}

fn is_never_registered(symptom: Symptom) -> bool {
    matches!(symptom, Symptom::NeverRegistered | Symptom::NeverRegisteredOnWindows)
}

/// Where to look on the node, the likeliest first.
fn places(symptom: Symptom) -> Vec<&'static str> {
    match symptom {
        Symptom::NeverRegisteredOnWindows => vec![
            "see whether the agent is installed and its service runs (it waits for sysprep to complete)",
            "compare the routes with those of a new instance: 169.254.169.254 must be on the local link",
            "check the proxy settings (WinHTTP, and the service's own) and the host firewall",
            "see whether the resolver answers for the ssm endpoint",
            "see whether the clock is right and the disk has room",
        ],
        Symptom::NeverRegistered => vec![
            "see whether the agent is installed and running (not every image has it; snap and package each have their own service)",
            "check its proxy settings (`no_proxy` must hold 169.254.169.254) and the host firewall",
            "see whether the system has an address, routes, and a resolver that answers for the ssm endpoint",
            "see whether the clock is right and the disk has room",
            "look for a hybrid registration or credentials that the image brought along",
        ],
        Symptom::InstanceLost => vec![
            "see whether the agent still runs, and whether memory and disk have room",
            "see whether the clock is right",
            "see whether the system has an address and routes, with 169.254.169.254 on the local link",
            "see whether the host firewall, the proxy, the resolver or the agent's version changed (a snap updates itself)",
            "look for credentials in root's ~/.aws or in the agent's environment: the agent uses them instead of its role's",
        ],
        Symptom::HybridNodeLost => vec![
            "see whether tcp/443 to ssm and ssmmessages gets out: proxy, firewall, resolver",
            "see whether the clock is right and the disk has room",
            "search its log for MachineFingerprintDoesNotMatch: another machine id or hardware, or a clone of its disk with the same registration",
            "see whether it was registered again under another id",
        ],
        Symptom::NotConnected => vec![
            "see whether a proxy or TLS inspection stops WebSockets to ssmmessages",
            "see whether the host firewall and the resolver let ssmmessages through",
            "see whether the clock is right",
            "see whether the disk has room, and the limits on open files and inotify are not reached",
        ],
    }
}

/// What ends a session that has started, on the node, the likeliest first.
pub(crate) fn on_node(session: Session) -> &'static str {
    match session {
        Session::Shell | Session::Command => {
            "a full disk, too little memory, the limits on inotify and open files, the user and its shell, rights given a moment ago, credentials that the agent kept past their date (restart it), a proxy that breaks WebSockets"
        }
        Session::Ssh => "sshd and the key, a full disk; the ProxyCommand run by hand shows more",
        Session::Port => "what listens on the port, a full disk, the limit on open files",
        Session::RemotePort => {
            "whether it reaches the remote host, which must be no address that the agent forbids"
        }
    }
}

/// Run Command does it, also where sessions do not work. A node that is not online takes no command.
pub(crate) fn update(case: &Case) -> FixOption {
    let target = &case.scope.target;
    let online = matches!(
        case.facts.node(target).hint(),
        Ok(Some(node)) if node.ping == Ping::Online
    );
    let option = FixOption::new(format!("update the agent on {target}"));
    if online {
        option.with(SsmChange::UpdateAgent { target: target.clone() })
    } else {
        option.after(format!(
            "install the newest agent on {target} itself: the package of its operating system, or `snap refresh amazon-ssm-agent`"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_quoted_at_both_ends() {
        assert_eq!(quoted(" short "), "`short`");
        let whole = "ä".repeat(240);
        assert_eq!(quoted(&whole), format!("`{whole}`"));
        let long = format!("begin {} end", "x".repeat(300));
        let short = quoted(&long);
        assert!(short.starts_with("`begin x") && short.ends_with("x end`"), "{short}");
        assert_eq!(short.chars().count(), 243);
    }

    #[test]
    fn an_agent_that_starts_has_credentials_since_it_waits_for_them() {
        let phrase = |version: &str| phrase(&Sign::AgentRuns(version.into()));
        for version in ["3.2.0.0", "3.3.2958.0"] {
            assert!(phrase(version).ends_with("so it had credentials then"), "{version}");
        }
        for version in ["3.1.1732.0", "2.3.415.0", "custom"] {
            assert!(phrase(version).ends_with("started"), "{version}");
        }
    }

    #[test]
    fn a_refusal_names_the_policy() {
        let rows = [
            (
                Some(PolicyKind::Identity),
                false,
                "ssm:GetDocument was denied: no identity-based policy allows it",
                "allow ssm:GetDocument in the policies of the agent's role",
            ),
            (
                Some(PolicyKind::Identity),
                true,
                "ssm:GetDocument was denied, explicitly in an identity-based policy",
                "take ssm:GetDocument out of the Deny in the policies of the agent's role",
            ),
            (
                Some(PolicyKind::Boundary),
                false,
                "ssm:GetDocument was denied: no permissions boundary allows it",
                "allow ssm:GetDocument in the permissions boundary of the agent's role",
            ),
            (
                Some(PolicyKind::Session),
                false,
                "ssm:GetDocument was denied: no session policy allows it",
                "allow ssm:GetDocument in the session policy of the agent's credentials",
            ),
            (
                Some(PolicyKind::Scp),
                false,
                "ssm:GetDocument was denied: no service control policy allows it",
                "allow ssm:GetDocument in the service control policies of the organization, by its administrators",
            ),
            (
                Some(PolicyKind::Rcp),
                true,
                "ssm:GetDocument was denied, explicitly in a resource control policy",
                "take ssm:GetDocument out of the Deny in the resource control policies of the organization, by its administrators",
            ),
            (
                Some(PolicyKind::Endpoint),
                false,
                "ssm:GetDocument was denied: no VPC endpoint policy allows it",
                "allow ssm:GetDocument in the policy of the VPC endpoint that the agent goes through (maybe another account's)",
            ),
            (
                Some(PolicyKind::Resource),
                false,
                "ssm:GetDocument was denied: no resource-based policy allows it",
                "allow ssm:GetDocument in the resource's own policy",
            ),
            (
                None,
                true,
                "ssm:GetDocument was denied explicitly",
                "find the policy that denies ssm:GetDocument: the role's, its boundary's, an SCP, or an endpoint's",
            ),
            (
                None,
                false,
                "ssm:GetDocument was denied",
                "find the policy that denies ssm:GetDocument: the role's, its boundary's, an SCP, or an endpoint's",
            ),
        ];
        for (policy, explicit, phrase, remedy) in rows {
            let denial = Denial { action: "ssm:GetDocument".into(), policy, explicit };
            assert_eq!((denied(&denial), allow(&denial)), (phrase.into(), remedy.into()));
        }
    }
}
