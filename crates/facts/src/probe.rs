//! What the node itself saw: the output of `ssm-doctor probe`, or of `ssm-cli get-diagnostics`.
//!
//! Nothing here tells what AWS's settings are, or what the operator's machine sees. No secret is kept: of credentials
//! only their role and expiry, of a proxy only its host. What could not be seen is not in a field but in
//! [`Probe::unseen`], with the reason.

use alloc::{collections::BTreeMap, string::String, vec::Vec};
use core::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{agent_log::AgentLog, time::Timestamp};

/// A struct or an enum of the probe's document.
macro_rules! rows {
    ($($(#[$doc:meta])* $visibility:vis $kind:ident $name:ident { $($body:tt)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "snake_case")]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        $visibility $kind $name { $($body)* }
    )*};
}

rows! {
    /// What one run of a probe saw.
    pub struct Probe {
        pub source: Source,
        /// By the node's own clock. `ssm-cli` prints no time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub at: Option<Timestamp>,
        /// Did it run as root?
        #[serde(default)]
        pub root: bool,
        /// Did it run in a container? Then the metadata service may be one hop further away.
        #[serde(default)]
        pub container: bool,
        /// The Region whose services were asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub region: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub metadata: Option<Metadata>,
        /// The name servers of `/etc/resolv.conf`, in its order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub name_servers: Vec<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub names: Vec<NameAnswer>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub contacts: Vec<ServiceContact>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub proxies: Vec<ProxySetting>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub disks: Vec<Disk>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub limits: Vec<Limit>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub memory: Option<Memory>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub agent: Option<Agent>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub configuration: Option<Configuration>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub users: Option<Users>,
        /// The agent's log, as the probe read it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub log: Option<AgentLog>,
        /// What could not be seen, and why.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub unseen: Vec<Unseen>,
    }

    pub enum Source {
        /// `ssm-doctor probe`.
        Doctor,
        /// `ssm-cli get-diagnostics --output json`. It tries TCP only.
        SsmCli,
    }

    pub struct Unseen {
        pub item: String,
        pub why: String,
        /// Would root see it?
        #[serde(default)]
        pub root_sees: bool,
    }

    /// The instance metadata service, asked as the agent asks it: a token first (`IMDSv2`).
    pub struct Metadata {
        /// The answer to the request for a token.
        pub token: Reply,
        /// The answer to a request without a token, asked only if there was no token.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub without_token: Option<Reply>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub instance: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub region: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub role: Option<Role>,
    }

    /// The role whose credentials the metadata service hands out.
    pub enum Role {
        /// The service lists no role.
        None,
        Named {
            name: String,
            /// `Success`, or why the service has no credentials for the role.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            code: Option<String>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            expires_at: Option<Timestamp>,
        },
    }

    pub enum Reply {
        Status(u16),
        /// Nothing came back in time.
        Silent,
        /// The connection was refused.
        Refused,
        /// The node has no route there.
        NoRoute,
        Failed(String),
    }

    /// What one source says of a service's name.
    pub struct NameAnswer {
        pub name: String,
        pub from: Resolver,
        pub answer: NameOutcome,
    }

    pub enum Resolver {
        /// `/etc/hosts`.
        Hosts,
        /// A server of `/etc/resolv.conf`, by address.
        Server(String),
        /// The system's own lookup, which programs use.
        System,
    }

    pub enum NameOutcome {
        Addresses(Vec<IpAddr>),
        /// The name does not exist (NXDOMAIN).
        NoSuchName,
        /// The name exists and has no address.
        NoAddress,
        /// The server answers with an error, such as SERVFAIL or REFUSED.
        Error(String),
        Silent,
        Unreachable(String),
    }

    /// One attempt to use a service, as the agent would: by its proxy if it has one.
    pub struct ServiceContact {
        /// `ssm`, `ssmmessages` or `ec2messages`.
        pub service: String,
        pub host: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub address: Option<IpAddr>,
        /// The proxy's host, if the way leads by a proxy.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub proxy: Option<String>,
        pub outcome: ContactOutcome,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub certificate: Option<Certificate>,
        /// How far the node's clock is ahead of the `Date` header, in seconds. Only where the certificate is
        /// trusted, or would be at the header's time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub clock_ahead: Option<i64>,
        /// The answer to an upgrade to a WebSocket, of `ssmmessages` only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub upgrade: Option<Reply>,
    }

    pub enum ContactOutcome {
        /// The name has no address.
        NoAddress,
        Silent,
        Refused,
        NoRoute,
        /// Connected, and then cut off.
        Cut(String),
        /// The name of the proxy has no address, or the proxy cannot be reached.
        ProxyUnreachable(String),
        /// The proxy answers CONNECT with this status.
        ProxyRefuses(u16),
        TlsFailed(String),
        /// TCP was opened; more was not tried.
        Connected,
        Answered {
            status: u16,
            /// The answer has the request id that AWS's services send.
            aws: bool,
        },
    }

    /// The certificate that was shown for the host.
    pub struct Certificate {
        pub issuer: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub names: Vec<String>,
        pub trust: Trust,
    }

    /// By the certificates that the node's system trusts, which are also the agent's.
    pub enum Trust {
        Trusted,
        UnknownIssuer,
        WrongName,
        /// Expired or not valid yet, by the node's clock.
        WrongTime {
            /// Is it valid at the time of the server's `Date` header?
            valid_by_server: bool,
        },
        /// The system has no trusted certificates that can be read.
        NoRoots,
        Other(String),
    }

    /// A variable that makes the agent use a proxy, or keeps it from it.
    pub struct ProxySetting {
        /// Where it is set: the process, or a unit or its file.
        pub from: String,
        /// `https_proxy`, `http_proxy` or `no_proxy`, in lower case.
        pub variable: String,
        /// Host and port, without user and password; of `no_proxy` the list.
        pub value: String,
    }

    pub struct Disk {
        /// A path that the agent writes to.
        pub path: String,
        /// In bytes, for root.
        pub free: u64,
        pub size: u64,
        /// None where the file system has no fixed number of inodes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub free_inodes: Option<u64>,
        #[serde(default)]
        pub read_only: bool,
    }

    /// Something that runs out.
    pub struct Limit {
        pub kind: LimitKind,
        /// None where it was not seen; root sees more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub used: Option<u64>,
        pub most: u64,
    }

    pub enum LimitKind {
        /// `fs.inotify.max_user_instances`, of root.
        InotifyInstances,
        /// `fs.inotify.max_user_watches`, of root.
        InotifyWatches,
        /// `nofile` of the agent's process.
        AgentFiles,
        /// `fs.file-max`.
        SystemFiles,
        /// `kernel.pid_max` and `kernel.threads-max`, the lower one.
        Tasks,
    }

    /// In bytes.
    pub struct Memory {
        pub total: u64,
        pub available: u64,
        /// How many processes the kernel killed for want of memory since the start.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub killed: Option<u64>,
    }

    /// The agent as the node has it.
    pub struct Agent {
        pub installed: Installed,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub version: Option<String>,
        /// Programs that belong to the agent and are missing.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub missing: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub unit: Option<Unit>,
        /// None: no process of the agent was seen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub process: Option<Process>,
        /// Whether the list of processes was complete.
        #[serde(default)]
        pub processes_seen: bool,
        /// The hybrid registration on disk.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub registration: Option<Registration>,
        /// `EC2` or `SSM`: where the agent last got its credentials.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub credential_source: Option<String>,
    }

    pub enum Installed {
        No,
        Package(String),
        Snap,
    }

    /// As systemd describes it.
    pub struct Unit {
        pub name: String,
        /// `active`, `inactive`, `failed`…
        pub state: String,
        /// `enabled`, `disabled`, `masked`…
        #[serde(default, skip_serializing_if = "String::is_empty")]
        pub enabled: String,
        /// Of the last end: `success`, `exit-code`, `oom-kill`…
        #[serde(default, skip_serializing_if = "String::is_empty")]
        pub result: String,
    }

    pub struct Process {
        pub pid: u32,
        /// The user id that the process runs as.
        pub uid: u32,
        /// Does `ssm-agent-worker` run too? It starts once the agent has credentials.
        pub worker: bool,
    }

    pub struct Registration {
        /// `mi-…`
        pub id: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        pub region: String,
    }

    /// `amazon-ssm-agent.json`
    pub struct Configuration {
        pub path: String,
        /// What is wrong with it as JSON.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub broken: Option<String>,
        /// Hosts by service (`ssm`, `ssmmessages`…) that the agent uses in place of the Region's own.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub endpoints: BTreeMap<String, String>,
        /// Other settings that differ from the defaults and matter to a session.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub settings: BTreeMap<String, String>,
        /// `minlevel` of `seelog.xml`, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub log_level: Option<String>,
    }

    /// The users that a session can have.
    pub struct Users {
        /// Root, `ssm-user`, and those of `/etc/passwd` that log in.
        pub accounts: Vec<Account>,
        /// Names that were asked for by name and that the system does not know.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub missing: Vec<String>,
        /// Does `/etc/sudoers.d/ssm-agent-users` exist? None where it was not seen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub sudoers: Option<bool>,
    }

    pub struct Account {
        pub name: String,
        pub uid: u32,
        pub gid: u32,
        pub shell: String,
        /// Is the shell a file that exists?
        pub shell_exists: bool,
    }
}

impl Probe {
    /// A probe that has seen nothing yet.
    #[must_use]
    pub fn new(source: Source, at: Option<Timestamp>) -> Self {
        Self {
            source,
            at,
            root: false,
            container: false,
            region: None,
            metadata: None,
            name_servers: Vec::new(),
            names: Vec::new(),
            contacts: Vec::new(),
            proxies: Vec::new(),
            disks: Vec::new(),
            limits: Vec::new(),
            memory: None,
            agent: None,
            configuration: None,
            users: None,
            log: None,
            unseen: Vec::new(),
        }
    }

    /// The ids of the node that ran the probe: that of its hybrid registration, which the agent prefers, and the
    /// instance's own.
    #[must_use]
    pub fn ids(&self) -> Vec<&str> {
        let hybrid = self.agent.as_ref().and_then(|agent| agent.registration.as_ref());
        let instance = self.metadata.as_ref().and_then(|metadata| metadata.instance.as_deref());
        hybrid.map(|registration| registration.id.as_str()).into_iter().chain(instance).collect()
    }
}
