//! Looking around: every item has a time limit of its own, and what does not answer in time is unseen.
//!
//! Items run on threads, since a file system of the network or a program can hang for ever. A thread that is
//! late is left behind; it ends with the process.

mod agent;
mod clock;
mod contact;
mod http;
mod machine;
mod metadata;
mod names;
mod process;
mod proxy;
mod tls;
mod users;

use std::{
    str::FromStr,
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use ssm_doctor_analysis::node::agent_log;
use ssm_doctor_facts::{
    agent_log::AgentLog,
    ids::Region,
    probe::{Probe, Source, Unseen},
    time::Timestamp,
};

use crate::log_files;
use clock::seconds;

/// What to look at, where that differs from the defaults.
#[derive(Clone, Debug)]
pub struct Options {
    pub region: Option<String>,
    /// Users to look for by name.
    pub users: Vec<String>,
    /// Services that are elsewhere.
    pub services: Vec<Override>,
    /// Host and port of the instance metadata service.
    pub metadata: Option<String>,
    /// For everything together.
    pub within: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            region: None,
            users: Vec::new(),
            services: Vec::new(),
            metadata: None,
            within: Duration::from_secs(12),
        }
    }
}

/// `ssm=localhost:8443`: a service, and where to ask for it.
#[derive(Clone, Debug)]
pub struct Override {
    pub service: String,
    pub host: String,
    pub port: u16,
}

impl FromStr for Override {
    type Err = String;
    fn from_str(raw: &str) -> Result<Self, String> {
        let wrong = || format!("`{raw}` is not NAME=HOST:PORT");
        let (service, place) = raw.split_once('=').ok_or_else(wrong)?;
        let (host, port) = place.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().map_err(|_| wrong())?;
        Ok(Self { service: service.into(), host: host.into(), port })
    }
}

/// The services that an agent speaks to.
const SERVICES: [&str; 3] = ["ssm", "ssmmessages", "ec2messages"];

/// Of the time for everything, what is for the machine itself; the rest is for the services.
const MACHINE_SHARE: u32 = 3;

/// What this node sees.
#[must_use]
pub fn look(options: &Options) -> Probe {
    let begin = Instant::now();
    let machine = begin + options.within / MACHINE_SHARE;
    let end = begin + options.within;
    let mut probe = Probe::new(Source::Doctor, seconds().and_then(Timestamp::from_second));
    probe.root = rustix::process::geteuid().is_root();
    probe.container = machine::in_container();

    let place = options.metadata.clone();
    let metadata = item("metadata", move || metadata::look(place.as_deref()));
    let agent = item("agent", agent::look);
    let disks = item("disks", machine::disks);
    let limits = item("limits", machine::limits);
    let memory = item("memory", machine::memory);
    let names = options.users.clone();
    let users = item("users", move || users::look(&names));
    let log = item("log", log);

    // With the passwords of proxies, which the output does not have.
    let mut variables = Vec::new();
    probe.metadata = metadata.wait(machine, &mut probe.unseen);
    probe.disks = disks.wait(machine, &mut probe.unseen).unwrap_or_default();
    probe.memory = memory.wait(machine, &mut probe.unseen).flatten();
    if let Some(agent::Found { agent, configuration, proxies, unseen }) =
        agent.wait(machine, &mut probe.unseen)
    {
        (probe.agent, probe.configuration) = (Some(agent), configuration);
        probe.proxies = proxies.iter().map(proxy::Variable::setting).collect();
        variables = proxies;
        probe.unseen.extend(unseen);
    }
    if let Some((users, unseen)) = users.wait(machine, &mut probe.unseen) {
        probe.users = users;
        probe.unseen.extend(unseen);
    }

    probe.name_servers = names::servers();
    probe.region = region(options, &probe);
    services(options, &mut probe, &variables, end);

    if let Some((limits, unseen)) = limits.wait(end, &mut probe.unseen) {
        probe.limits = limits;
        probe.unseen.extend(unseen);
    }
    match log.wait(end, &mut probe.unseen) {
        Some(Ok(log)) => probe.log = log,
        Some(Err(unseen)) => probe.unseen.push(unseen),
        None => {}
    }
    probe
}

/// The Region that was asked for, or the node's own.
fn region(options: &Options, probe: &Probe) -> Option<String> {
    let registration = probe.agent.as_ref().and_then(|it| it.registration.as_ref());
    let hybrid = registration.map(|it| it.region.clone()).filter(|it| !it.is_empty());
    let metadata = probe.metadata.as_ref().and_then(|it| it.region.clone());
    options.region.clone().or(hybrid).or(metadata)
}

/// Asks for each service's name, and then for the service.
fn services(options: &Options, probe: &mut Probe, variables: &[proxy::Variable], end: Instant) {
    let region = probe.region.as_deref().and_then(|it| it.parse::<Region>().ok());
    let mut pending = Vec::new();
    for service in SERVICES {
        let elsewhere = options.services.iter().find(|it| it.service == service);
        let own = probe.configuration.as_ref().and_then(|it| it.endpoints.get(service).cloned());
        let (host, port) = match (elsewhere, own, &region) {
            (Some(place), _, _) => (place.host.clone(), place.port),
            (None, Some(host), _) => (host, 443),
            (None, None, Some(region)) => (region.service_host(service), 443),
            (None, None, None) => {
                probe.unseen.push(Unseen {
                    item: format!("services/{service}"),
                    why: "no Region is known: give --region".into(),
                    root_sees: false,
                });
                continue;
            }
        };
        for server in &probe.name_servers {
            let (server, name) = (server.clone(), host.clone());
            let asked = item("names", move || names::ask(&server, &name));
            pending.push(Pending::Name(asked));
        }
        let proxy = proxy::for_host(&host, variables);
        let target = contact::Target { service: service.into(), host, port, proxy };
        let asked = item(service, move || contact::look(&target));
        pending.push(Pending::Contact(asked));
    }
    for pending in pending {
        match pending {
            Pending::Name(asked) => probe.names.extend(asked.wait(end, &mut probe.unseen)),
            Pending::Contact(asked) => {
                if let Some(contact::Found { contact, names }) = asked.wait(end, &mut probe.unseen)
                {
                    probe.contacts.push(contact);
                    probe.names.extend(names);
                }
            }
        }
    }
}

enum Pending {
    Name(Item<ssm_doctor_facts::probe::NameAnswer>),
    Contact(Item<contact::Found>),
}

/// Where the agent writes its log. Source: the agent's `packaging` and `seelog.xml.template`.
const LOG: &str = "/var/log/amazon/ssm";

/// The agent's log, as `ssm-doctor log` reads it; none if there is no folder.
fn log() -> Result<Option<AgentLog>, Unseen> {
    if !std::path::Path::new(LOG).exists() {
        return Ok(None);
    }
    match log_files::read(&[LOG.into()]) {
        Ok(scans) => Ok(Some(agent_log::merge(scans, None))),
        Err(error) => {
            let denied = error.is_denied();
            Err(Unseen { item: "log".into(), why: error.to_string(), root_sees: denied })
        }
    }
}

/// Something that is being looked at.
struct Item<T> {
    name: String,
    answer: Receiver<T>,
}

fn item<T: Send + 'static>(name: &str, look: impl FnOnce() -> T + Send + 'static) -> Item<T> {
    let (sender, answer) = mpsc::channel();
    // A thread that cannot start drops the sender, and then the item is unseen.
    let _ = thread::Builder::new().spawn(move || {
        // Nobody waits any more for one that is late.
        let _ = sender.send(look());
    });
    Item { name: name.into(), answer }
}

impl<T> Item<T> {
    fn wait(self, until: Instant, unseen: &mut Vec<Unseen>) -> Option<T> {
        match self.answer.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(answer) => Some(answer),
            Err(error) => {
                let why = match error {
                    RecvTimeoutError::Timeout => "no answer in time",
                    RecvTimeoutError::Disconnected => "it could not be looked at",
                };
                unseen.push(Unseen { item: self.name, why: why.into(), root_sees: false });
                None
            }
        }
    }
}
