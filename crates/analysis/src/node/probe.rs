//! What the output of a probe means, check by check.
//!
//! The probe shows the node at one instant. It says nothing of a check whose subject it did not see. Whether
//! something newer speaks against it is for the checks to say.

mod sight;

use alloc::{string::String, vec::Vec};
use core::net::IpAddr;

use ssm_doctor_facts::{
    probe::{
        Certificate, ContactOutcome, Installed, LimitKind, Metadata, NameOutcome, Probe, Reply,
        Resolver, Role, ServiceContact, Source, Trust,
    },
    scope::Session,
    ssm::CORE,
};

pub use sight::{Fault, Sight, Unclear, What, Works};

/// AWS accepts a signature within five minutes of its time. Source: IAM User Guide, "Elements of an AWS API
/// request signature".
const CLOCK_TOLERANCE: i64 = 5 * 60;

/// In bytes. With less free space a log file and a registration do not fit.
const ROOM: u64 = 1 << 20;

/// The check of the clock.
const CLOCK: &str = "agent/clock-right";

/// The check of the certificates.
const TLS: &str = "agent/tls-trusted";

/// What the probe shows of every check that it can speak for, faults of one check first.
///
/// `target`: the node that is asked about. `run_as`: the user that the session has by the preferences.
#[must_use]
pub fn judge(probe: &Probe, target: &str, run_as: Option<&str>, session: Session) -> Vec<Sight> {
    let mut sights = Sights(Vec::new());
    disks(&mut sights, probe);
    metadata(&mut sights, probe);
    names(&mut sights, probe);
    contacts(&mut sights, probe);
    clock(&mut sights, probe);
    limits(&mut sights, probe);
    agent(&mut sights, probe, target);
    if matches!(session, Session::Shell | Session::Command)
        && let Some(name) = run_as
    {
        user(&mut sights, probe, name);
    }
    if probe.container && probe.agent.as_ref().is_none_or(|agent| agent.process.is_none()) {
        sights.forget_the_machine();
    }
    sights.0
}

/// Does the node reach every service that a session needs, up to an answer of AWS?
#[must_use]
pub fn reaches_services(probe: &Probe) -> bool {
    let reached = |service: &str| {
        probe.contacts.iter().any(|contact| {
            contact.service == service
                && matches!(contact.outcome, ContactOutcome::Answered { aws: true, .. })
                && contact.certificate.as_ref().is_some_and(|shown| shown.trust == Trust::Trusted)
        })
    };
    CORE.into_iter().all(reached)
}

/// The Region whose services the probe asked, if that is another one.
#[must_use]
pub fn other_region<'p>(probe: &'p Probe, region: &str) -> Option<&'p str> {
    probe.region.as_deref().filter(|asked| *asked != region)
}

/// The checks of the way to the services.
pub const OF_SERVICES: [&str; 5] = [
    "agent/names-resolve",
    "agent/proxy-passes",
    "agent/services-answer",
    "agent/websocket-opens",
    TLS,
];

/// The addresses to which the node's own lookup leads for a service, by the probe.
pub fn addresses<'p>(probe: &'p Probe, service: &str) -> impl Iterator<Item = IpAddr> + 'p {
    let contact = probe.contacts.iter().find(|contact| contact.service == service);
    let host = contact.map(|contact| contact.host.as_str());
    probe
        .names
        .iter()
        .filter(move |row| row.from == Resolver::System && Some(row.name.as_str()) == host)
        .filter_map(|row| match &row.answer {
            NameOutcome::Addresses(addresses) => Some(addresses),
            _ => None,
        })
        .flatten()
        .copied()
}

struct Sights(Vec<Sight>);

impl Sights {
    fn works(&mut self, check: &'static str, works: Works) {
        self.0.push(Sight { check, what: What::Works(works) });
    }

    fn fault(&mut self, check: &'static str, fault: Fault) {
        self.0.push(Sight { check, what: What::Fault(fault) });
    }

    fn unclear(&mut self, check: &'static str, unclear: Unclear) {
        self.0.push(Sight { check, what: What::Unclear(unclear) });
    }

    /// In a container without the agent, the probe sees the container in place of the node: its disks, limits, users
    /// and programs, and one hop more to the metadata service.
    fn forget_the_machine(&mut self) {
        let answers = |what: &What| {
            matches!(
                what,
                What::Works(Works::MetadataAnswers { .. } | Works::CredentialsCurrent { .. })
            )
        };
        self.0.retain(|sight| {
            OF_SERVICES.contains(&sight.check) || sight.check == CLOCK || answers(&sight.what)
        });
    }

    fn has(&self, check: &str) -> bool {
        self.0.iter().any(|sight| sight.check == check)
    }
}

fn disks(sights: &mut Sights, probe: &Probe) {
    const CHECK: &str = "agent/disk-writable";
    for disk in &probe.disks {
        let path = disk.path.clone();
        if disk.read_only {
            sights.fault(CHECK, Fault::ReadOnly { path });
        } else if disk.free < ROOM && disk.size > 0 {
            sights.fault(CHECK, Fault::DiskFull { path, free: disk.free });
        } else if disk.free_inodes == Some(0) {
            sights.fault(CHECK, Fault::NoInodes { path });
        }
    }
    if !sights.has(CHECK)
        && let Some(disk) = probe.disks.iter().min_by_key(|disk| disk.free)
    {
        sights.works(CHECK, Works::DisksHaveRoom { least: disk.free, path: disk.path.clone() });
    }
}

fn metadata(sights: &mut Sights, probe: &Probe) {
    const CHECK: &str = "agent/metadata-reachable";
    const CREDENTIALS: &str = "agent/credentials-current";
    let Some(metadata) = &probe.metadata else { return };
    // A hybrid node has no such service, and needs none.
    if hybrid_id(probe).is_some() {
        return;
    }
    if let Some(instance) = &metadata.instance {
        sights.works(CHECK, Works::MetadataAnswers { instance: instance.clone() });
    } else if let Some(fault) = metadata_fault(metadata, probe) {
        sights.fault(CHECK, fault);
        if let Some(setting) = takes_metadata(probe) {
            sights.fault(CHECK, Fault::ProxyTakesMetadata { from: setting });
        }
    }
    if let Some(Role::Named { name, expires_at: Some(expires_at), .. }) = &metadata.role
        && let Some(at) = probe.at
    {
        let (role, expires_at) = (name.clone(), *expires_at);
        if expires_at < at {
            sights.fault(CREDENTIALS, Fault::CredentialsExpired { role, at: expires_at });
        } else {
            sights.works(CREDENTIALS, Works::CredentialsCurrent { role, expires_at });
        }
    }
}

fn metadata_fault(metadata: &Metadata, probe: &Probe) -> Option<Fault> {
    let answers_otherwise = matches!(metadata.without_token, Some(Reply::Status(_)));
    Some(match &metadata.token {
        Reply::Silent if answers_otherwise => Fault::HopLimit { container: probe.container },
        Reply::Silent => Fault::MetadataSilent,
        Reply::Refused => Fault::MetadataRefused { no_route: false },
        Reply::NoRoute => Fault::MetadataRefused { no_route: true },
        Reply::Status(403) => Fault::MetadataOff,
        // A token came, and the id did not.
        Reply::Status(200) => return None,
        Reply::Status(status) => Fault::MetadataStatus { status: *status },
        Reply::Failed(how) => Fault::MetadataFails { how: how.clone() },
    })
}

/// Where a proxy is set for HTTP without an exception for the metadata service.
fn takes_metadata(probe: &Probe) -> Option<String> {
    let proxy = probe.proxies.iter().find(|setting| setting.variable == "http_proxy")?;
    let is_metadata = |entry: &str| matches!(entry.trim(), "169.254.169.254" | "*");
    let excepted = probe
        .proxies
        .iter()
        .any(|setting| setting.variable == "no_proxy" && setting.value.split(',').any(is_metadata));
    (!excepted).then(|| proxy.from.clone())
}

fn names(sights: &mut Sights, probe: &Probe) {
    const CHECK: &str = "agent/names-resolve";
    let mut found: Vec<IpAddr> = Vec::new();
    let mut asked = false;
    for contact in needed(probe) {
        // The proxy resolves the name.
        if contact.proxy.is_some() {
            continue;
        }
        let answers = || probe.names.iter().filter(|row| row.name == contact.host);
        let Some(system) = answers().find(|row| row.from == Resolver::System) else { continue };
        asked = true;
        if let NameOutcome::Addresses(addresses) = &system.answer {
            for address in addresses {
                if !found.contains(address) {
                    found.push(*address);
                }
            }
            continue;
        }
        let mut of_servers = answers().filter_map(|row| match &row.from {
            Resolver::Server(server) => Some((server.clone(), &row.answer)),
            _ => None,
        });
        // The first one that answers decides; silence counts only if all are silent.
        let decides = |(_, answer): &(String, &NameOutcome)| {
            matches!(
                answer,
                NameOutcome::NoSuchName | NameOutcome::NoAddress | NameOutcome::Error(_)
            )
        };
        let server = of_servers.clone().find(decides).or_else(|| of_servers.next());
        let name = contact.host.clone();
        let (server, answer) = match server {
            Some((server, answer)) if !matches!(answer, NameOutcome::Addresses(_)) => {
                (Some(server), answer.clone())
            }
            _ => (None, system.answer.clone()),
        };
        sights.fault(CHECK, Fault::NameFails { name, server, answer });
    }
    if asked && !sights.has(CHECK) {
        sights.works(CHECK, Works::NamesResolve { addresses: found });
    }
}

/// The contacts with the services that every session needs.
fn needed(probe: &Probe) -> impl Iterator<Item = &ServiceContact> {
    probe.contacts.iter().filter(|contact| CORE.contains(&contact.service.as_str()))
}

fn contacts(sights: &mut Sights, probe: &Probe) {
    const ANSWER: &str = "agent/services-answer";
    const PROXY: &str = "agent/proxy-passes";
    const UPGRADE: &str = "agent/websocket-opens";
    for contact in needed(probe) {
        let (host, address) = (contact.host.clone(), contact.address);
        // A fault of a proxy comes with the proxy's host.
        let proxy = contact.proxy.clone().unwrap_or_default();
        match &contact.outcome {
            ContactOutcome::NoAddress
            | ContactOutcome::Connected
            | ContactOutcome::Answered { aws: true, .. } => {}
            ContactOutcome::Silent => sights.fault(ANSWER, Fault::ServiceSilent { host, address }),
            ContactOutcome::Refused => {
                sights.fault(ANSWER, Fault::ServiceRefused { host, address });
            }
            ContactOutcome::NoRoute => sights.fault(ANSWER, Fault::NoRoute { host }),
            ContactOutcome::Cut(how) => {
                sights.fault(ANSWER, Fault::Cut { host, how: how.clone() });
            }
            ContactOutcome::ProxyUnreachable(how) => {
                sights.fault(PROXY, Fault::ProxyUnreachable { proxy, how: how.clone() });
            }
            ContactOutcome::ProxyRefuses(status) => {
                sights.fault(PROXY, Fault::ProxyRefuses { proxy, host, status: *status });
            }
            ContactOutcome::TlsFailed(how) => {
                sights.fault(TLS, Fault::TlsFails { host, how: how.clone() });
            }
            ContactOutcome::Answered { status, .. } => {
                sights.fault(TLS, Fault::NotAws { host, status: *status });
            }
        }
        if let Some(certificate) = &contact.certificate {
            trust(sights, contact, certificate);
        }
        match (&contact.upgrade, &contact.outcome) {
            // Answered in some way, so WebSockets pass: without a signature AWS refuses the upgrade itself.
            (Some(Reply::Status(status)), ContactOutcome::Answered { .. })
                if *status < 500 && *status != 407 =>
            {
                sights.works(UPGRADE, Works::WebSocketAnswered { status: *status });
            }
            (Some(reply), ContactOutcome::Answered { .. }) => {
                let host = contact.host.clone();
                sights.fault(UPGRADE, Fault::UpgradeFails { host, reply: reply.clone() });
            }
            _ => {}
        }
    }
    let all = |holds: fn(&ContactOutcome) -> bool| {
        CORE.iter().all(|service| {
            let mut of_service =
                needed(probe).filter(|contact| contact.service == *service).peekable();
            of_service.peek().is_some() && of_service.all(|contact| holds(&contact.outcome))
        })
    };
    let answered = all(|outcome| matches!(outcome, ContactOutcome::Answered { .. }));
    let connected = all(|outcome| {
        matches!(outcome, ContactOutcome::Answered { .. } | ContactOutcome::Connected)
    });
    let proxy = needed(probe).find_map(|contact| contact.proxy.clone());
    if answered {
        sights.works(ANSWER, Works::ServicesAnswer { by_proxy: proxy.clone() });
    } else if connected {
        sights.works(ANSWER, Works::PortsOpen);
    }
    if answered && !sights.has(TLS) {
        // Whoever answers over TLS has shown a certificate.
        let certificate = needed(probe).find_map(|contact| contact.certificate.as_ref());
        let issuer = certificate.map(|shown| shown.issuer.clone()).unwrap_or_default();
        sights.works(TLS, Works::CertificatesTrusted { issuer });
    }
    if connected && !sights.has(PROXY) {
        sights.works(PROXY, proxy.map_or(Works::NoProxy, |proxy| Works::ProxyPasses { proxy }));
    }
}

fn trust(sights: &mut Sights, contact: &ServiceContact, certificate: &Certificate) {
    let (host, issuer) = (contact.host.clone(), certificate.issuer.clone());
    match &certificate.trust {
        // Where the certificate is valid at the server's time, the node's clock is wrong: agent/clock-right says so.
        Trust::Trusted | Trust::WrongTime { valid_by_server: true } => {}
        Trust::WrongTime { valid_by_server: false } => {
            sights.unclear(TLS, Unclear::ClockOrCertificate { host });
        }
        Trust::NoRoots => sights.unclear(TLS, Unclear::NoRoots),
        trust => sights.fault(TLS, Fault::Untrusted { host, issuer, trust: trust.clone() }),
    }
}

fn clock(sights: &mut Sights, probe: &Probe) {
    let known = needed(probe).filter_map(|contact| Some((contact.clock_ahead?, contact)));
    let Some((ahead, contact)) = known.max_by_key(|(ahead, _)| ahead.unsigned_abs()) else {
        return;
    };
    if ahead.abs() > CLOCK_TOLERANCE {
        sights.fault(CLOCK, Fault::ClockWrong { ahead, host: contact.host.clone() });
    } else {
        sights.works(CLOCK, Works::ClockRight { ahead });
    }
}

fn limits(sights: &mut Sights, probe: &Probe) {
    const CHECK: &str = "agent/limits-suffice";
    let known = || probe.limits.iter().filter_map(|limit| Some((limit, limit.used?)));
    for (limit, used) in known().filter(|(limit, used)| *used >= limit.most) {
        let (kind, most) = (limit.kind.clone(), limit.most);
        sights.fault(CHECK, Fault::LimitReached { kind, used, most });
    }
    let seen: Vec<_> = known().map(|(limit, _)| limit.kind.clone()).collect();
    // The limits of inotify are those that fail in practice; without them nothing is shown.
    if !sights.has(CHECK) && seen.contains(&LimitKind::InotifyInstances) {
        sights.works(CHECK, Works::LimitsSuffice { seen });
    }
}

fn hybrid_id(probe: &Probe) -> Option<&str> {
    let registration = probe.agent.as_ref()?.registration.as_ref()?;
    Some(registration.id.as_str())
}

fn agent(sights: &mut Sights, probe: &Probe, target: &str) {
    const PROGRAMS: &str = "agent/installation-complete";
    const RUNS: &str = "agent/runs";
    const CONFIGURATION: &str = "agent/configuration-valid";
    const REGISTRATION: &str = "agent/registration-valid";
    if let Some(found) = &probe.configuration {
        let path = found.path.clone();
        match &found.broken {
            Some(how) => {
                let how = how.clone();
                sights.fault(CONFIGURATION, Fault::ConfigurationBroken { path, how });
            }
            None => sights.works(CONFIGURATION, Works::ConfigurationReads { path }),
        }
    }
    if let Some(id) = hybrid_id(probe) {
        let id = id.into();
        if id == target {
            sights.works(REGISTRATION, Works::RegistrationFits { id });
        } else {
            sights.fault(REGISTRATION, Fault::OtherRegistration { id });
        }
    }
    let Some(agent) = &probe.agent else { return };
    if agent.installed == Installed::No {
        if agent.process.is_none() {
            sights.fault(PROGRAMS, Fault::NotInstalled);
        }
        return;
    }
    for name in &agent.missing {
        sights.fault(PROGRAMS, Fault::ProgramMissing { name: name.clone() });
    }
    if agent.missing.is_empty() && probe.source == Source::Doctor {
        sights.works(PROGRAMS, Works::ProgramsThere { version: agent.version.clone() });
    }
    match (&agent.process, &agent.unit) {
        (Some(process), _) => sights.works(RUNS, Works::AgentRuns { pid: Some(process.pid) }),
        (None, Some(unit)) if unit.state == "active" && !agent.processes_seen => {
            sights.works(RUNS, Works::AgentRuns { pid: None });
        }
        (None, None) if !agent.processes_seen => {}
        (None, unit) => sights.fault(RUNS, Fault::NotRunning { unit: unit.clone() }),
    }
}

/// The user that the session has by the preferences. Source: amazon-ssm-agent `agent/session/shell/shell_unix.go`.
fn user(sights: &mut Sights, probe: &Probe, name: &str) {
    const CHECK: &str = "agent/session-user-usable";
    let Some(users) = &probe.users else { return };
    let name = String::from(name);
    match users.accounts.iter().find(|account| account.name == name) {
        Some(account) if account.uid == 0 || account.gid == 0 => {
            sights.fault(CHECK, Fault::UserIsRoot { name });
        }
        Some(account) if !account.shell_exists => {
            let shell = account.shell.clone();
            sights.fault(CHECK, Fault::ShellMissing { name, shell });
        }
        Some(_) => sights.works(CHECK, Works::UserUsable { name }),
        None if users.missing.contains(&name) => sights.fault(CHECK, Fault::UserMissing { name }),
        None => sights.unclear(CHECK, Unclear::UserNotAskedFor { name }),
    }
}
