//! Where to look when the agent is silent and AWS shows no reason.
//!
//! No API shows what is inside the machine, so nothing here is a verdict: the symptom says what is
//! likeliest, and what happens to be visible (the serial console, a profile attached a moment ago, the
//! same machine under another id) puts one thing first. Only asked once the agent is silent.

use alloc::{format, string::ToString, vec::Vec};

use crate::answer::{Evidence, Fix, Recovery, observed, seen};
use crate::case::Case;
use crate::{
    network::{hop::Reachable, path},
    node::{
        metrics::shortages,
        outcome::{Investigation, ProbeAdvice, Statement, Step, Symptom, WayIn},
        serial_console::{self, Sign, Trouble},
    },
    permissions::agent_identity,
};
use ssm_doctor_facts::{
    ec2::{Console, Instance, InstanceState},
    ids::{InstanceId, NodeId, VpcId},
    limit::Limit,
    lookup::{Facts, Gap, Need, Ourselves, Unknown},
    ssm::{AgentVersion, ManagedNode, SettingId},
    time::Timestamp,
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

/// Agents before this one do not know tokens at all. Source:
/// <https://github.com/aws/amazon-ssm-agent/issues/277>, by a maintainer.
const TOKENS_SINCE: AgentVersion = AgentVersion([2, 3, 814, 0]);

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

/// `evidence` with what is visible beside it, and where to look, the likeliest first.
///
/// # Errors
/// [`Unknown`] only while something has not been asked.
pub fn explore(
    silence: Silence,
    case: &Case,
    evidence: Evidence,
) -> Result<(Evidence, Fix), Unknown> {
    let mut trail = Trail::new(evidence);
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
            if let Silence::Lost(_) = silence {
                ran_short(&mut trail, id, case);
            }
            if let Some(vpc) = instance.and_then(|it| it.vpc.as_ref()) {
                other_ways_in(&mut trail, vpc, case);
            }
        }
        (Some(id), Silence::NotConnected(_)) if up => {
            ran_short(&mut trail, id, case);
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
        asks_for_tokens(&mut trail, silence, instance);
    }
    if instance.is_some() && up {
        undecided(&mut trail, silence, case);
    }
    let by_agent = match silence {
        Silence::NeverRegistered => None,
        Silence::Lost(node) | Silence::NotConnected(node) => node.platform.as_deref(),
    };
    let windows = instance.is_some_and(|row| row.windows) || by_agent == Some("Windows");
    if up && !case.scope.probe {
        trail.what.probe = Some(ProbeAdvice { target: case.scope.target.clone(), windows });
    }
    let symptom = match (case.scope.target.instance(), silence) {
        (Some(_), Silence::NeverRegistered) if instance.is_some_and(|row| row.windows) => {
            Symptom::NeverRegisteredOnWindows
        }
        (_, Silence::NeverRegistered) => Symptom::NeverRegistered,
        (Some(_), Silence::Lost(_)) => Symptom::InstanceLost,
        (None, Silence::Lost(_)) => Symptom::HybridNodeLost,
        (_, Silence::NotConnected(_)) => Symptom::NotConnected,
    };
    Ok(trail.end(symptom))
}

/// What no call could tell of the way to the service that the agent is not heard at. It is outside the
/// machine, and sooner looked at than what is inside, unless the machine itself says what ails it.
fn undecided(trail: &mut Trail, silence: Silence, case: &Case) {
    let service = match silence {
        Silence::NeverRegistered | Silence::Lost(_) => "ssm",
        Silence::NotConnected(_) => "ssmmessages",
    };
    let path = path::path(case, service);
    if path.reachable() != Reachable::Unknown {
        return;
    }
    let hops = path.hops.iter().filter_map(|it| it.answer.as_ref().err());
    // What a call was refused for is for that call to show.
    let limits = |unknown: &Unknown| unknown.gaps().map(as_limit).collect::<Option<Vec<Limit>>>();
    let limits: Vec<_> = hops.chain(&path.unfollowed).filter_map(limits).collect();
    if !limits.is_empty() {
        trail.what.undecided = Some((service, limits));
    }
}

fn as_limit(gap: &Gap) -> Option<Limit> {
    match gap {
        Gap::Limit(limit) => Some(limit.clone()),
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
    let console = case.facts.console(id).hint();
    let association = case.facts.profile_association(id).hint();
    let nodes = case.facts.hybrid_nodes(&Ourselves::Us).hint();
    let setting = case.facts.service_setting(&SettingId::DefaultHostManagementRole).hint();
    let unseen = [
        console.as_ref().err(),
        association.as_ref().err(),
        nodes.as_ref().err(),
        setting.as_ref().err(),
    ];
    if let Some(unknown) = unseen.into_iter().flatten().cloned().reduce(Unknown::and) {
        return Err(unknown);
    }
    let (console, association, nodes, setting) = (console?, association?, nodes?, setting?);
    // Whether the instance has other credentials was not seen: what it lacks is no fault, and first to
    // be looked at.
    if agent_identity::host_management(case.facts).is_err()
        && let Ok(Some(problem)) = seen(agent_identity::profile_problem(case))?
    {
        trail.add(observed(id, Statement::LacksCredentials { problem: problem.clone() }));
        trail.what.steps.push(Step::GiveCredentials { problem });
    }
    let started = instance.and_then(|it| it.launched_at).map(|it| it.until(case.scope.at));
    if let Some(age) = started.filter(|it| (0..GRACE).contains(it)) {
        trail.add(observed(id, Statement::Started { seconds_ago: age }));
        trail.what.steps.push(Step::WaitAfterStart);
    }
    let at =
        association.and_then(|it| it.at).filter(|_| instance.is_none_or(|it| it.profile.is_some()));
    if let Some(console) = console {
        on_console(trail, id, console, silence, instance, at);
    }
    let age = at.map(|it| it.until(case.scope.at));
    if let Some(age) = age.filter(|it| (0..BACKOFF).contains(it)) {
        trail.add(observed(id, Statement::ProfileAttached { seconds_ago: age }));
        trail.what.steps.push(Step::RestartOrWait { seconds: BACKOFF });
    }
    let bare = instance.is_some_and(|it| it.profile.is_none());
    let serves = setting.filter(|it| bare && it.role().is_some());
    trail.what.registers = serves.is_some();
    let age = serves.and_then(|it| it.changed_at);
    let age = age.map(|it| it.until(case.scope.at)).filter(|it| (0..BACKOFF).contains(it));
    if let Some(age) = age {
        trail.add(observed(
            &case.scope.region,
            Statement::HostManagementChanged { seconds_ago: age },
        ));
        trail.what.steps.push(Step::RestartAfterHostManagement);
    }
    for node in nodes.into_iter().flatten() {
        let Some(ip) = &node.ip else { continue };
        let same = |it: &Instance| {
            it.interfaces.iter().any(|it| it.private_ip.is_some_and(|it| it.to_string() == *ip))
        };
        if instance.is_some_and(same) {
            registered_as_hybrid_node(trail, id, &node.id);
        }
    }
    Ok(())
}

/// What was found so far.
struct Trail {
    evidence: Evidence,
    what: Investigation,
    /// The agent's version, by the console.
    version: Option<AgentVersion>,
}

impl Trail {
    fn new(evidence: Evidence) -> Self {
        Self { evidence, what: Investigation::default(), version: None }
    }

    fn add(&mut self, more: Evidence) {
        self.evidence = self.evidence.clone().and(more);
    }

    /// Something that is worth a look, and that nothing depends on.
    fn want(&mut self, need: Need) {
        self.evidence = self.evidence.clone().wanting([need]);
    }

    fn end(mut self, symptom: Symptom) -> (Evidence, Fix) {
        self.what.symptom = symptom;
        self.what.explained = self.evidence.tells();
        let recovery = match symptom {
            Symptom::NotConnected => Recovery::Channel,
            _ => Recovery::Agent,
        };
        (self.evidence, Fix::of(self.what, recovery))
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
            if trail.what.agent_started || !AGENTLESS.iter().any(|it| lower.contains(it)) {
                return;
            }
            let (image, name) = (image.clone(), name.clone());
            trail.add(observed(id, Statement::ImageWithoutAgent { image, name }));
            trail.what.steps.push(Step::InstallAgent);
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
                let endpoint = endpoint.id.clone();
                trail.what.ways_in.push(WayIn::InstanceConnect { endpoint });
            }
        }
        Err(unknown) if unknown.is_unasked() => trail.want(Need::connect_endpoints(vpc.clone())),
        Err(_) => {}
    }
    match case.facts.serial_console(&case.scope.region).optional() {
        Ok(Some(console)) if console.enabled => {
            trail.what.ways_in.push(WayIn::SerialConsole);
        }
        Err(unknown) if unknown.is_unasked() => {
            trail.want(Need::serial_console(case.scope.region.clone()));
        }
        _ => {}
    }
}

/// A machine that is busy or full. The hypervisor measures it even if nothing on it reports.
fn ran_short(trail: &mut Trail, id: &InstanceId, case: &Case) {
    match case.facts.metrics(id).optional() {
        Ok(Some(metrics)) => {
            for (of, at) in shortages(metrics, case.scope.at) {
                trail.add(observed(id, Statement::WasShort { of: of.clone(), at }));
                trail.what.steps.push(Step::Relieve(of));
            }
        }
        Err(unknown) if unknown.is_unasked() => trail.want(Need::metrics(id.clone())),
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
    for seen in serial_console::signs(console, since) {
        let over = reported.zip(seen.at.or(console.at)).is_some_and(|(reported, at)| at < reported);
        // Whatever it was that took the memory, the agent may lack it since.
        if over && !seen.lasts() && seen.sign != Sign::OutOfMemory {
            continue;
        }
        let subject = format!("console output of {id}");
        trail.add(observed(&subject, Statement::on_console(&seen, console)));
        if let Sign::AgentRuns(version) = &seen.sign {
            trail.version = AgentVersion::parse(version);
        }
        trail.what.agent_started |=
            matches!(seen.sign, Sign::AgentRuns(_) | Sign::NoCredentials(_));
        // It had no role then.
        let over = seen.sign == Sign::NoCredentials(Trouble::NoRole)
            && profile_since.zip(seen.at.or(console.at)).is_some_and(|(since, at)| at < since);
        if over {
            continue;
        }
        if seen.sign.explains() {
            trail.evidence = trail.evidence.clone().telling();
        }
        if seen.sign.is_fault() {
            trail.what.steps.push(Step::Repair(seen.sign));
        }
    }
}

/// A bug that was reported of agents of old, where the node's version says that it may have it.
fn stays_asleep(trail: &mut Trail, node: &ManagedNode) {
    if node.platform.as_deref() != Some("Windows") {
        return;
    }
    let Some(version) = node.version().ok().filter(|it| *it < WAKES_ON_WINDOWS) else { return };
    let wakes_since = WAKES_ON_WINDOWS;
    trail.add(observed("the agent", Statement::StaysInHibernation { version, wakes_since }));
    trail.what.steps.push(Step::RestartAndUpdate);
}

/// Tokens asked of an agent that may not know them.
fn asks_for_tokens(trail: &mut Trail, silence: Silence, instance: &Instance) {
    let version = match silence {
        Silence::NeverRegistered => trail.version,
        Silence::Lost(node) => trail.version.or(node.version().ok()),
        // It has its identity.
        Silence::NotConnected(_) => return,
    };
    if !instance.metadata.tokens_required {
        return;
    }
    if let Some(version) = version.filter(|version| *version < TOKENS_SINCE) {
        let since = TOKENS_SINCE;
        trail.add(observed("the agent", Statement::PredatesTokens { version, since }).telling());
        trail.what.steps.insert(0, Step::UpdateForTokens { since });
        return;
    }
    trail.what.may_not_use_tokens = version.is_none_or(|version| version < TOKENS_ONLY);
}

/// A hybrid registration on an instance wins over the instance's own identity.
fn registered_as_hybrid_node(trail: &mut Trail, id: &InstanceId, node: &NodeId) {
    trail.add(observed(node, Statement::HasAddressOf { instance: id.clone() }));
    trail.what.steps.push(Step::UseOrClearHybridNode { node: node.clone() });
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
        let (name, since) = (name.into(), other.registered_at);
        trail.add(observed(&other.id, Statement::HasSameName { name, since }));
        trail.what.steps.push(Step::UseOtherNode { node: other.id.clone() });
    }
    Ok(())
}

/// What registering anew would meet.
fn activation(trail: &mut Trail, node: &ManagedNode, facts: &Facts) -> Result<(), Unknown> {
    let Some(id) = &node.activation else { return Ok(()) };
    let Some(found) = facts.activation(id).hint()? else { return Ok(()) };
    let spent = found.limit.zip(found.count).is_some_and(|(limit, count)| count >= limit);
    if found.expired || spent {
        let over = Statement::ActivationOver { expired: found.expired };
        trail.add(observed(&format!("activation {id}"), over));
    }
    Ok(())
}
