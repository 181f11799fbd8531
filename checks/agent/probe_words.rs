//! What a probe saw on the node, in words: each as a clause after "saw that".

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::net::IpAddr;

use ssm_doctor_analysis::node::probe::{Fault, Unclear, Works};
use ssm_doctor_facts::{
    probe::{LimitKind, NameOutcome, Reply, Trust, Unit},
    special_addresses::AddressKind,
    time::span,
};

/// What is wrong.
pub(crate) fn fault(fault: &Fault) -> String {
    match fault {
        Fault::DiskFull { path, free } => {
            format!("the file system of {path} is full ({})", bytes(*free))
        }
        Fault::NoInodes { path } => format!("the file system of {path} has no inodes left"),
        Fault::ReadOnly { path } => format!("the file system of {path} is read-only"),
        Fault::ClockWrong { ahead, host } => {
            format!("the clock of the node is {} {host}", offset(*ahead))
        }
        Fault::NameFails { name, server, answer } => {
            let who = match server {
                Some(server) => format!("the DNS server {server}"),
                None => "the system's own lookup".into(),
            };
            format!("the node cannot resolve {name}: {who} {}", answered(answer))
        }
        Fault::ServiceSilent { host, address } => {
            format!("{host}{} does not answer: packets are dropped", at(address.as_ref()))
        }
        Fault::ServiceRefused { host, address } => format!(
            "the connection to {host}{} is refused: a firewall rejects it, or the address is wrong",
            at(address.as_ref())
        ),
        Fault::NoRoute { host } => format!("the node has no route to {host}"),
        Fault::Cut { host, how } => format!("the connection to {host} is cut off ({how})"),
        Fault::Untrusted { host, issuer, trust } => match trust {
            Trust::WrongName => format!(
                "the certificate for {host} is for another host (issued by {issuer}): a web filter intercepts the connection, or the name leads elsewhere"
            ),
            Trust::Other(how) => {
                format!("the certificate for {host}, issued by {issuer}, is not valid ({how})")
            }
            _ => format!(
                "the certificate for {host} is issued by {issuer}, which the node does not trust: TLS inspection"
            ),
        },
        Fault::TlsFails { host, how } => format!("TLS with {host} fails ({how})"),
        Fault::NotAws { host, status } => format!(
            "{host} is answered with HTTP {status} and without a request id of AWS: something answers in AWS's place"
        ),
        Fault::ProxyUnreachable { proxy, how } => {
            format!("the proxy {proxy} cannot be reached ({how})")
        }
        Fault::ProxyRefuses { proxy, host, status } => {
            format!("the proxy {proxy} refuses {host} (HTTP {status})")
        }
        Fault::ProxyTakesMetadata { from } => format!(
            "{from} sets a proxy for HTTP, and no_proxy has no 169.254.169.254, so the agent asks the proxy for the metadata"
        ),
        Fault::UpgradeFails { host, reply } => {
            format!("the upgrade to a WebSocket with {host} fails ({})", replied(reply))
        }
        Fault::MetadataSilent => {
            "the instance metadata service does not answer: packets are dropped".into()
        }
        Fault::HopLimit { container } => {
            let place = if *container { ", and the probe ran in a container" } else { "" };
            format!(
                "the instance metadata service answers, and its answer with a token does not arrive: the hop limit is too low{place}"
            )
        }
        Fault::MetadataRefused { no_route: true } => {
            "the node has no route to the instance metadata service".into()
        }
        Fault::MetadataRefused { no_route: false } => {
            "the instance metadata service cannot be reached: the connection is refused".into()
        }
        Fault::MetadataOff => {
            "the instance metadata service refuses requests (HTTP 403): it is disabled".into()
        }
        Fault::MetadataStatus { status } => {
            format!("the instance metadata service gives no token (HTTP {status})")
        }
        Fault::MetadataFails { how } => format!("the instance metadata service fails ({how})"),
        Fault::ConfigurationBroken { path, how } => {
            format!("{path} is not valid JSON ({how}), so the agent stops at once")
        }
        Fault::LimitReached { kind, used, most } => {
            format!("{} are used up ({used} of {most})", limit(kind))
        }
        Fault::NotInstalled => "the agent is not installed".into(),
        Fault::ProgramMissing { name } => format!("the agent's program {name} is missing"),
        Fault::NotRunning { unit: Some(Unit { name, state, enabled, result }) } => {
            let notes: Vec<&str> = [enabled.as_str(), result.as_str()]
                .into_iter()
                .filter(|note| !note.is_empty() && *note != "success")
                .collect();
            let notes =
                if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
            format!("the agent does not run: its unit {name} is {state}{notes}")
        }
        Fault::NotRunning { unit: None } => "no process of the agent runs".into(),
        Fault::OtherRegistration { id } => format!(
            "the agent has a registration as hybrid node {id}, which goes before the id that was asked about"
        ),
        Fault::CredentialsExpired { role, at } => {
            format!("the credentials of {role} in the metadata service expired at {at}")
        }
        Fault::UserMissing { name } => format!("there is no user {name}"),
        Fault::UserIsRoot { name } => {
            format!("{name} has the uid or gid 0, which the agent refuses for sessions")
        }
        Fault::ShellMissing { name, shell } => {
            format!("the shell {shell} of {name} does not exist")
        }
    }
}

/// What is in order.
pub(crate) fn works(works: &Works) -> String {
    match works {
        Works::DisksHaveRoom { least, path } => {
            format!(
                "the agent's file systems have room and can be written (least at {path}: {})",
                bytes(*least)
            )
        }
        Works::ClockRight { ahead } => {
            format!("the clock of the node is right (within {} of the services)", span(ahead.abs()))
        }
        Works::NamesResolve { addresses } => {
            format!("the names of the services resolve to {}", list(addresses))
        }
        Works::ServicesAnswer { by_proxy: Some(proxy) } => {
            format!("ssm and ssmmessages answer by the proxy {proxy}")
        }
        Works::ServicesAnswer { by_proxy: None } => "ssm and ssmmessages answer".into(),
        Works::PortsOpen => "tcp/443 of ssm and ssmmessages can be opened".into(),
        Works::CertificatesTrusted { issuer } => {
            format!("the node trusts the certificates of the services (issued by {issuer})")
        }
        Works::ProxyPasses { proxy } => format!("the proxy {proxy} lets the services through"),
        Works::NoProxy => "the services are reached without a proxy".into(),
        Works::WebSocketAnswered { status } => format!(
            "the upgrade to a WebSocket reaches ssmmessages (HTTP {status}: AWS refuses it without a signature)"
        ),
        Works::MetadataAnswers { instance } => {
            format!("the instance metadata service answers (IMDSv2, {instance})")
        }
        Works::ConfigurationReads { path } => format!("{path} is absent or valid JSON"),
        Works::LimitsSuffice { seen } => {
            let names: Vec<_> = seen.iter().map(limit).collect();
            format!("these are not used up: {}", names.join(", "))
        }
        Works::ProgramsThere { version: Some(version) } => {
            format!("all programs of the agent are there (version {version})")
        }
        Works::ProgramsThere { version: None } => "all programs of the agent are there".into(),
        Works::AgentRuns { pid: Some(pid) } => format!("the agent runs (process {pid})"),
        Works::AgentRuns { pid: None } => "the agent's service is active".into(),
        Works::RegistrationFits { id } => format!("the agent is registered as {id}"),
        Works::CredentialsCurrent { role, expires_at } => format!(
            "the metadata service has credentials of {role} that are valid until {expires_at}"
        ),
        Works::UserUsable { name } => format!("the user {name} and its shell exist"),
    }
}

/// What could not be decided.
pub(crate) fn unclear(unclear: &Unclear) -> String {
    match unclear {
        Unclear::ClockOrCertificate { host } => format!(
            "the certificate for {host} is not valid at the time of the node's clock, and could not see whether the clock or the certificate is wrong"
        ),
        Unclear::UserNotAskedFor { name } => {
            format!(
                "/etc/passwd does not list {name}, and did not look elsewhere (run it with --user {name})"
            )
        }
        Unclear::NoRoots => {
            "the node has no list of trusted certificates that it could read".into()
        }
    }
}

fn limit(kind: &LimitKind) -> &'static str {
    match kind {
        LimitKind::InotifyInstances => "inotify instances (fs.inotify.max_user_instances)",
        LimitKind::InotifyWatches => "inotify watches (fs.inotify.max_user_watches)",
        LimitKind::AgentFiles => "the agent's file descriptors (nofile)",
        LimitKind::SystemFiles => "file descriptors of the system (fs.file-max)",
        LimitKind::Tasks => "processes and threads (kernel.pid_max, kernel.threads-max)",
    }
}

fn answered(answer: &NameOutcome) -> String {
    match answer {
        NameOutcome::Addresses(addresses) => format!("answers {}", list(addresses)),
        NameOutcome::NoSuchName => "says that the name does not exist".into(),
        NameOutcome::NoAddress => "has no address for it".into(),
        NameOutcome::Error(code) => format!("answers with an error ({code})"),
        NameOutcome::Silent => "does not answer".into(),
        NameOutcome::Unreachable(how) => format!("cannot be reached ({how})"),
    }
}

fn replied(reply: &Reply) -> String {
    match reply {
        Reply::Status(status) => format!("HTTP {status}"),
        Reply::Silent => "no answer".into(),
        Reply::Refused => "refused".into(),
        Reply::NoRoute => "no route".into(),
        Reply::Failed(how) => how.clone(),
    }
}

fn at(address: Option<&IpAddr>) -> String {
    match address {
        Some(address) if AddressKind::of(address) == AddressKind::Public => {
            format!(" at {address} (a public address)")
        }
        Some(address) => format!(" at {address} (a private address)"),
        None => String::new(),
    }
}

fn list(addresses: &[IpAddr]) -> String {
    const MOST: usize = 4;
    let shown: Vec<_> = addresses.iter().take(MOST).map(ToString::to_string).collect();
    let rest = addresses.len().saturating_sub(MOST);
    let rest = if rest == 0 { String::new() } else { format!(" and {rest} more") };
    format!("{}{rest}", shown.join(", "))
}

fn offset(ahead: i64) -> String {
    let by = span(ahead.abs());
    if ahead > 0 { format!("{by} ahead of") } else { format!("{by} behind") }
}

fn bytes(bytes: u64) -> String {
    match bytes {
        0 => "no bytes are free".into(),
        1..1_048_576 => format!("{} KiB are free", bytes >> 10),
        1_048_576..1_073_741_824 => format!("{} MiB are free", bytes >> 20),
        _ => format!("{} GiB are free", bytes >> 30),
    }
}
