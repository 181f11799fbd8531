//! Where to look when the agent is silent and AWS shows no reason.
//!
//! What is inside the machine no API tells, so nothing here is a verdict: the symptom says what is
//! likeliest, and what happens to be visible (the serial console, a profile attached a moment ago, the
//! same machine under another id) puts one thing first. Only asked once the agent is silent.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use crate::answer::{Evidence, Fix, Recovery, observed};
use crate::case::Case;
use crate::{
    dns::name,
    network::{hop::Reachable, path},
    node::console::{self, Sign, Trouble},
    permissions::credentials,
};
use ssm_doctor_facts::{
    ec2::{Console, Instance, InstanceState},
    ids::{InstanceId, NodeId, VpcId},
    lookup::{Facts, Gap, Need, Ourselves, Unknown},
    scope::{Scope, Session},
    ssm::{AgentVersion, ManagedNode, SettingId},
    time::{Timestamp, span},
};

/// How long nobody is blamed for a machine that does not appear. AWS's guide says five minutes after
/// boot; an agent whose first try failed makes the next one after another five, and ever later from there.
/// The rest is a margin of ours. Source: amazon-ssm-agent
/// `core/app/credentialrefresher/credentialrefresher_deps.go`.
pub const GRACE: i64 = 15 * 60;

/// How long an agent that was refused may sleep before it asks for credentials again: hibernation
/// doubles up to an hour. Source: amazon-ssm-agent `agent/hibernation`.
const BACKOFF: i64 = 60 * 60;

/// Since this version the agent speaks to the metadata service with tokens (version 2) only. Since which one
/// it can is not documented. Source: the agent's release notes.
const TOKENS_ONLY: AgentVersion = AgentVersion([3, 2, 1041, 0]);

/// On Windows, agents before this one are reported to stay in hibernation. Source:
/// <https://github.com/aws/amazon-ssm-agent/issues/165>, where it is likely and not proven.
const WAKES_ON_WINDOWS: AgentVersion = AgentVersion([2, 3, 697, 0]);

/// A node that is silent, and what is known of it.
#[derive(Clone, Copy)]
pub enum Silence<'a> {
    NeverRegistered,
    /// It reported once.
    Lost(&'a ManagedNode),
    /// It reports, and holds no session channel.
    NotConnected(&'a ManagedNode),
}

/// What ends a session that has started, on the node, the likeliest first.
#[must_use]
pub fn beyond(session: Session) -> &'static str {
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

/// `evidence` with what is visible beside it, and where to look, the likeliest first.
///
/// # Errors
/// [`Unknown`] only while something has not been asked.
pub fn explore(
    silence: Silence,
    case: &Case,
    evidence: Evidence,
) -> Result<(Evidence, Fix), Unknown> {
    let mut trail = Trail {
        evidence,
        first: Vec::new(),
        last: Vec::new(),
        started: false,
        version: None,
        registers: false,
        ways: Vec::new(),
        undecided: None,
    };
    let instance = match case.scope.target.instance() {
        Some(id) => case.facts.instance(id).hint()?,
        None => None,
    };
    let up = instance.is_none_or(|it| it.state == InstanceState::Running);
    match (case.scope.target.instance(), silence) {
        (None, Silence::NotConnected(node)) => {
            namesakes(&mut trail, node, case)?;
        }
        (Some(id), Silence::NeverRegistered | Silence::Lost(_)) if up => {
            on_instance(&mut trail, id, instance, silence, case)?;
            if let (Silence::NeverRegistered, Some(instance)) = (silence, instance) {
                came_without(&mut trail, id, instance, case.facts);
            }
            if let Some(vpc) = instance.and_then(|it| it.vpc.as_ref()) {
                other_ways_in(&mut trail, vpc, case);
            }
        }
        (Some(id), Silence::NotConnected(_)) if up => {
            if let Some(console) = case.facts.console(id).hint()? {
                on_console(&mut trail, id, console, silence, instance, None);
            }
        }
        (None, Silence::Lost(node)) => {
            namesakes(&mut trail, node, case)?;
            activation(&mut trail, node, case.facts)?;
        }
        (Some(_), _) | (None, Silence::NeverRegistered) => {}
    }
    if let Silence::Lost(node) = silence {
        stays_asleep(&mut trail, node);
    }
    if let Some(instance) = instance {
        wants_tokens(&mut trail, silence, instance);
    }
    if instance.is_some() && up {
        undecided(&mut trail, silence, case);
    }
    let windows = instance.is_some_and(|it| it.windows);
    Ok(trail.end(silence, case.scope, windows))
}

/// What no call could tell of the way to the service that the agent is not heard at. It is outside the
/// machine, and sooner looked at than what is inside, unless the machine itself says what ails it.
fn undecided(trail: &mut Trail, silence: Silence, case: &Case) {
    const MOST: usize = 3;
    let service = match silence {
        Silence::NeverRegistered | Silence::Lost(_) => "ssm",
        Silence::NotConnected(_) => "ssmmessages",
    };
    let path = path::path(case, service);
    if path.reachable() != Reachable::Unknown {
        return;
    }
    let hops = path.hops.iter().filter_map(|it| it.answer.as_ref().err());
    let mut limits: Vec<&str> = Vec::new();
    for unknown in hops.chain(&path.unfollowed) {
        // What a call was refused for is for that call to tell.
        let texts: Option<Vec<&str>> = unknown.gaps().map(as_limit).collect();
        for text in texts.unwrap_or_default() {
            if !limits.contains(&text) {
                limits.push(text);
            }
        }
    }
    limits.truncate(MOST);
    if !limits.is_empty() {
        trail.undecided = Some(format!(
            "see first what could not be decided of the way to {service}: {}",
            limits.join("; ")
        ));
    }
}

fn as_limit(gap: &Gap) -> Option<&str> {
    match gap {
        Gap::Limit(limit) => Some(limit.words()),
        Gap::Fact { .. } => None,
    }
}

/// A running instance whose agent has never reported, or no longer does.
fn on_instance(
    trail: &mut Trail,
    id: &InstanceId,
    instance: Option<&Instance>,
    silence: Silence,
    case: &Case,
) -> Result<(), Unknown> {
    // All that is needed, in one go.
    let seen = (
        case.facts.console(id).hint(),
        case.facts.profile_association(id).hint(),
        case.facts.hybrid_nodes(&Ourselves::Us).hint(),
        case.facts.service_setting(&SettingId::DefaultHostManagementRole).hint(),
    );
    let (console, association, nodes, setting) = match seen {
        (Ok(console), Ok(association), Ok(nodes), Ok(setting)) => {
            (console, association, nodes, setting)
        }
        (console, association, nodes, setting) => {
            let gaps = [console.err(), association.err(), nodes.err(), setting.err()];
            let gaps = gaps.into_iter().flatten();
            return Err(gaps.reduce(Unknown::and).unwrap_or_else(|| Unknown::limit("nothing")));
        }
    };
    // Whether the instance has other credentials was not seen: what it lacks is no fault, and first to
    // be looked at.
    if credentials::host_management(case.facts).is_err()
        && let Ok(Some((has, mend))) = name::seen(case.facts, credentials::lacking(case))?
    {
        trail.add(observed(
            id,
            format!("has {has}, and whether Default Host Management is on was not seen"),
        ));
        trail.first.push(format!("{mend} (unless Default Host Management is on)"));
    }
    let started = instance.and_then(|it| it.launched_at).map(|it| it.until(case.scope.at));
    if let Some(age) = started.filter(|it| (0..GRACE).contains(it)) {
        trail.add(observed(id, format!("was started {} ago", span(age))));
        trail.first.push("give it some minutes after the start (--wait)".into());
    }
    let at =
        association.and_then(|it| it.at).filter(|_| instance.is_none_or(|it| it.profile.is_some()));
    if let Some(console) = console {
        on_console(trail, id, console, silence, instance, at);
    }
    let age = at.map(|it| it.until(case.scope.at));
    if let Some(age) = age.filter(|it| (0..BACKOFF).contains(it)) {
        trail.add(observed(id, format!("was given its instance profile {} ago", span(age))));
        trail.first.push(format!(
            "restart the agent, or wait: one that had no credentials before asks again at growing intervals of up to {}",
            span(BACKOFF)
        ));
    }
    let bare = instance.is_some_and(|it| it.profile.is_none());
    let serves = setting.filter(|it| bare && it.role().is_some());
    trail.registers = serves.is_some();
    let age = serves.and_then(|it| it.changed_at);
    let age = age.map(|it| it.until(case.scope.at)).filter(|it| (0..BACKOFF).contains(it));
    if let Some(age) = age {
        trail.add(observed(
            &case.scope.region,
            format!("had the setting of Default Host Management changed {} ago", span(age)),
        ));
        trail.first.push(
            "restart the agent: one that was refused before asks again after 25 to 30 minutes"
                .into(),
        );
    }
    for node in nodes.into_iter().flatten() {
        let Some(ip) = &node.ip else { continue };
        let same = |it: &Instance| {
            it.interfaces.iter().any(|it| it.private_ip.is_some_and(|it| it.to_string() == *ip))
        };
        if instance.is_some_and(same) {
            disguised(trail, id, &node.id);
        }
    }
    Ok(())
}

struct Trail {
    evidence: Evidence,
    /// What to do first, in this order.
    first: Vec<String>,
    /// Where else to look, after all that is likelier.
    last: Vec<&'static str>,
    /// The agent is there, and has been started.
    started: bool,
    /// Its version, by the console.
    version: Option<AgentVersion>,
    /// It has to register itself, for Default Host Management.
    registers: bool,
    /// How to get onto the machine without Session Manager.
    ways: Vec<String>,
    /// What could not be decided of the way, where it goes before all but what the machine says.
    undecided: Option<String>,
}

impl Trail {
    fn add(&mut self, more: Evidence) {
        self.evidence = self.evidence.clone().and(more);
    }

    /// Something that is worth a look, and that nothing hangs on.
    fn want(&mut self, need: Need) {
        self.evidence = self.evidence.clone().wanting([need]);
    }

    fn end(self, silence: Silence, scope: &Scope, windows: bool) -> (Evidence, Fix) {
        let (restart, mut places, recovery) = match (scope.target.instance(), silence) {
            (Some(_), Silence::NeverRegistered) if windows => (
                None,
                vec![
                    "whether the agent is installed and its service runs (it waits for sysprep to complete)",
                    "routes that the image brought along (169.254.169.254 must be on the local link)",
                    "proxy settings (WinHTTP, and the service's own) and the host firewall",
                    "the resolver, and what it says for the ssm endpoint",
                    "the clock",
                    "the disk",
                ],
                Recovery::Agent,
            ),
            (_, Silence::NeverRegistered) => (
                None,
                vec![
                    "whether the agent is installed and running (not every image has it; snap and package each have their own service)",
                    "its proxy settings (`no_proxy` must hold 169.254.169.254) and the host firewall",
                    "the system's own network (an interface that is up, with an address and routes)",
                    "the resolver, and what it says for the ssm endpoint",
                    "the clock",
                    "the disk",
                    "a hybrid registration or credentials that the image brought along",
                ],
                Recovery::Agent,
            ),
            (Some(_), Silence::Lost(_)) => (
                Some("restart the agent on the node, or reboot it"),
                vec![
                    "whether the agent still runs, and the machine has memory left",
                    "the disk",
                    "the clock",
                    "the system's own network (an interface that is up, with an address and routes, 169.254.169.254 on the local link)",
                    "the host firewall, the proxy and the resolver, if they were changed",
                    "whether the agent was updated before it fell silent (a snap updates itself), and if so another version of it",
                    "credentials in root's ~/.aws or in the agent's environment, which it would use instead of its role's",
                ],
                Recovery::Agent,
            ),
            (None, Silence::Lost(_)) => (
                Some("see that the machine is on and has a network, and restart its agent"),
                vec![
                    "the way out (tcp/443 to ssm and ssmmessages, proxy, firewall, resolver)",
                    "the clock",
                    "the disk",
                    "its log for MachineFingerprintDoesNotMatch (another machine id or hardware, or a clone of its disk with the same registration)",
                    "whether it was registered again under another id",
                ],
                Recovery::Agent,
            ),
            (_, Silence::NotConnected(_)) => (
                Some(
                    "restart the agent on the node, so that it opens the channel to ssmmessages anew",
                ),
                vec![
                    "a channel left half open when the network changed",
                    "a proxy or TLS inspection that does not pass WebSockets to ssmmessages",
                    "the host firewall and the resolver, for ssmmessages",
                    "the clock",
                    "the disk and the limits on open files and inotify",
                ],
                Recovery::Channel,
            ),
        };
        if self.started && matches!(silence, Silence::NeverRegistered) {
            // Whether it is installed and runs.
            places.drain(..1);
        }
        places.extend(self.last);
        let mut steps = self.first;
        let known = !steps.is_empty();
        steps.extend(restart.filter(|_| !known).map(ToString::to_string));
        if let Some(step) = self.undecided {
            let at = if self.evidence.tells() { steps.len() } else { 0 };
            steps.insert(at, step);
        }
        let lead = if steps.is_empty() {
            "look on the node"
        } else {
            "if that is not it, look on the node"
        };
        let ways = match self.ways.join(", or ") {
            none if none.is_empty() => none,
            ways => format!(" (by {ways})"),
        };
        steps.push(format!("{lead}{ways}, likeliest first: {}", places.join("; ")));
        if self.registers && matches!(silence, Silence::NeverRegistered) {
            // Source: amazon-ssm-agent `core/app/registrar`.
            steps.push("then restart the agent: for Default Host Management it has to register itself first, and tries that again only after up to 18 to 22 hours".into());
        }
        (self.evidence, Fix::new(steps.join("; "), recovery))
    }
}

/// How AWS's images of systems that come without the agent begin or end their names, all in lower case.
/// Source: Systems Manager user guide, "AMIs with SSM Agent preinstalled", which these are missing from.
const AGENTLESS: [&str; 11] = [
    "rhel-",
    "debian-",
    "centos",
    "rocky-",
    "almalinux",
    "fedora-",
    "arch-linux",
    "kali-",
    "freebsd",
    "-minimal-",
    "flatcar-",
];

/// The likeliest reason of all for an agent that never was.
fn came_without(trail: &mut Trail, id: &InstanceId, instance: &Instance, facts: &Facts) {
    let Some(image) = &instance.image else { return };
    match facts.image(image).optional() {
        Ok(Some(found)) => {
            let Some(name) = &found.name else { return };
            let lower = name.to_ascii_lowercase();
            if trail.started || !AGENTLESS.iter().any(|it| lower.contains(it)) {
                return;
            }
            trail.add(observed(
                id,
                format!(
                    "was made from {image} ({name}); images of that kind come without the agent"
                ),
            ));
            trail.first.push(
                "install the agent, by user data or in an image of your own (unless that was done)"
                    .into(),
            );
        }
        Err(unknown) if unknown.is_unasked() => trail.want(Need::image(image.clone())),
        _ => {}
    }
}

fn other_ways_in(trail: &mut Trail, vpc: &VpcId, case: &Case) {
    match case.facts.connect_endpoints(vpc).optional() {
        Ok(endpoints) => {
            let mut endpoints = endpoints.into_iter().flatten();
            if let Some(endpoint) = endpoints.find(|it| it.state == "create-complete") {
                trail.ways.push(format!("the EC2 Instance Connect endpoint {}", endpoint.id));
            }
        }
        Err(unknown) if unknown.is_unasked() => trail.want(Need::connect_endpoints(vpc.clone())),
        Err(_) => {}
    }
    match case.facts.serial_console(&case.scope.region).optional() {
        Ok(Some(console)) if console.enabled => {
            trail.ways.push("the serial console, which the account may use".into());
        }
        Err(unknown) if unknown.is_unasked() => {
            trail.want(Need::serial_console(case.scope.region.clone()));
        }
        _ => {}
    }
}

fn on_console(
    trail: &mut Trail,
    id: &InstanceId,
    console: &Console,
    silence: Silence,
    instance: Option<&Instance>,
    profile_since: Option<Timestamp>,
) {
    let started = instance.and_then(|it| it.launched_at);
    // What the machine wrote before is over: it has booted since, or reported.
    let (since, reported) = match silence {
        Silence::NeverRegistered => (started, None),
        Silence::Lost(node) => (started.max(node.last_ping), None),
        // An agent that reports has credentials, and may all the same lack room for its channel.
        Silence::NotConnected(node) => (started, node.last_ping),
    };
    for seen in console::signs(console, since) {
        let over = reported.zip(seen.at.or(console.at)).is_some_and(|(reported, at)| at < reported);
        if over && !seen.sign.lasts() {
            continue;
        }
        let subject = format!("console output of {id}");
        let at = match (seen.at, console.at) {
            (Some(at), _) => format!(" (at {at})"),
            (None, Some(at)) => format!(" (at {at} or before)"),
            (None, None) => String::new(),
        };
        trail.add(observed(&subject, format!("{}{at}: {}", seen.sign.phrase(), quoted(seen.line))));
        if let Sign::AgentRuns(version) = &seen.sign {
            trail.version = AgentVersion::parse(version);
        }
        trail.started |= matches!(seen.sign, Sign::AgentRuns(_) | Sign::NoCredentials(_));
        // It had no role then.
        let mended = seen.sign == Sign::NoCredentials(Trouble::NoRole)
            && profile_since.zip(seen.at.or(console.at)).is_some_and(|(since, at)| at < since);
        if mended {
            continue;
        }
        if seen.sign.explains() {
            trail.evidence = trail.evidence.clone().telling();
        }
        if let Some(cure) = seen.sign.cure() {
            trail.first.push(format!("{cure} (unless that was done since)"));
        }
    }
}

/// A bug that was reported of agents of old, where the node's version says that it may have it.
fn stays_asleep(trail: &mut Trail, node: &ManagedNode) {
    if node.platform.as_deref() != Some("Windows") {
        return;
    }
    let Some(version) = node.version().ok().filter(|it| *it < WAKES_ON_WINDOWS) else { return };
    trail.add(observed(
        "the agent",
        format!("was version {version}; before {WAKES_ON_WINDOWS} it is reported to stay in hibernation on Windows"),
    ));
    trail.first.push("restart the agent, and update it so that it wakes by itself".into());
}

/// Tokens asked of an agent that may not know them.
fn wants_tokens(trail: &mut Trail, silence: Silence, instance: &Instance) {
    let version = match silence {
        Silence::NeverRegistered => trail.version,
        Silence::Lost(node) => trail.version.or(node.version().ok()),
        // It has its identity.
        Silence::NotConnected(_) => return,
    };
    let knows = version.is_some_and(|it| it >= TOKENS_ONLY);
    if instance.metadata.tokens_required && !knows {
        trail.last.push("the agent's age: the instance's metadata service asks for tokens (IMDSv2), which one of years ago may not use");
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

/// A hybrid registration on an instance wins over the instance's own identity.
fn disguised(trail: &mut Trail, id: &InstanceId, node: &NodeId) {
    trail.add(observed(
        node,
        format!("is a hybrid node with the private address of {id}: perhaps the same machine, registered by an activation"),
    ));
    trail.first.push(format!(
        "see whether {node} is this machine: then use that id, or clear the registration on it (amazon-ssm-agent -register -clear) and restart the agent"
    ));
}

/// Machines that report under another id and call themselves the same.
fn namesakes(trail: &mut Trail, node: &ManagedNode, case: &Case) -> Result<(), Unknown> {
    let Some(name) = node.computer_name.as_deref().filter(|it| !it.is_empty()) else {
        return Ok(());
    };
    let others = case.facts.hybrid_nodes(&Ourselves::Us).hint()?.into_iter().flatten();
    for other in others {
        let same = other.computer_name.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(name));
        if !same || other.id.as_str() == case.scope.target.to_string() {
            continue;
        }
        let when = other.registered_at.map_or(String::new(), |it| format!(", since {it}"));
        trail.add(observed(
            &other.id,
            format!("reports and calls itself {name} too{when}: perhaps the same machine, registered again, or a clone"),
        ));
        trail.first.push(format!("see whether {} is the machine meant, and use that id", other.id));
    }
    Ok(())
}

/// What registering anew would meet.
fn activation(trail: &mut Trail, node: &ManagedNode, facts: &Facts) -> Result<(), Unknown> {
    let Some(id) = &node.activation else { return Ok(()) };
    let Some(found) = facts.activation(id).hint()? else { return Ok(()) };
    let spent = found.limit.zip(found.count).is_some_and(|(limit, count)| count >= limit);
    let why = match (found.expired, spent) {
        (true, _) => "has expired",
        (false, true) => "is used up",
        (false, false) => return Ok(()),
    };
    trail.add(observed(
        &format!("activation {id}"),
        format!("{why}, which does not matter to a registered node: only registering it anew takes another one"),
    ));
    Ok(())
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
}
