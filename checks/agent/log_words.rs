//! What an agent's log says, in words: each cause as a sentence about the fault.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use ssm_doctor_analysis::node::{
    agent_log::{Cause, ClientKeyFault, NetworkFault, Side, Stage},
    serial_console::Denial,
};
use ssm_doctor_facts::{agent_log::AgentLog, special_addresses::AddressKind};

/// The fault in one clause, without a check's name.
#[must_use]
#[allow(clippy::match_same_arms, reason = "one line per cause")]
pub fn title(cause: &Cause, stage: Stage) -> String {
    match cause {
        Cause::Stopped => "the agent was stopped and did not start again".into(),
        Cause::ConfigurationBroken => {
            "the agent's configuration file amazon-ssm-agent.json is not valid JSON, so the agent stops at once".into()
        }
        Cause::ProgramMissing => {
            "the agent's installation is incomplete: one of its programs (worker binaries) is missing".into()
        }
        Cause::SysprepPending => "Windows has not finished Sysprep, and the agent waits for it".into(),
        Cause::DiskFull => "the disk of the node is full".into(),
        Cause::ReadOnly => "a file system of the node is read-only".into(),
        Cause::NoInotifyWatches => {
            "no inotify watches are left (fs.inotify.max_user_watches); `no space left on device` is not about the disk here".into()
        }
        Cause::FilesOrInotifyInstances => {
            "the agent's file descriptors (nofile) or inotify instances (fs.inotify.max_user_instances) are used up; the text is the same for both".into()
        }
        Cause::FileDescriptors => "the agent's file descriptors (nofile) are used up".into(),
        Cause::OutOfMemory => "the node has no memory or processes left for the agent".into(),
        Cause::WorkerSilent => {
            "a worker process of the agent did not answer: it was killed, could not start, or inotify is used up".into()
        }
        Cause::WorkerNotStarted => {
            "the session worker could not be started: inotify or file descriptors are used up, the disk is full, or ssm-session-worker is missing".into()
        }
        Cause::NoIdentity => {
            "the agent found no identity: the instance metadata service cannot be used, or the node is not registered as a hybrid node; the log does not show which".into()
        }
        Cause::MetadataSilent => {
            "the instance metadata service (169.254.169.254) does not answer the agent: packets are dropped, or the hop limit is too low (or the machine is no EC2 instance and not registered)".into()
        }
        Cause::MetadataUnreachable => {
            "the node cannot reach the instance metadata service (169.254.169.254): a firewall refuses, or the route is missing".into()
        }
        Cause::MetadataOff => "the instance metadata service refuses the agent: it is disabled".into(),
        Cause::ActivationRefused => {
            "Systems Manager refused the activation: its code or id is wrong, or it belongs to another Region or account".into()
        }
        Cause::ActivationExpired => "the activation has expired".into(),
        Cause::ActivationUsedUp => "the activation has reached its registration limit".into(),
        Cause::RegistrationUnknown => {
            "Systems Manager no longer knows this hybrid registration: the node was deregistered, or a left-over registration on an EC2 instance hides the instance's own identity".into()
        }
        Cause::Fingerprint => {
            "the machine does not match the fingerprint of its registration: its hardware or machine id changed, or its disk is a clone".into()
        }
        Cause::KeysLost => {
            "the registration keys of Default Host Management are missing on the instance".into()
        }
        Cause::NoRole => {
            "the instance has no instance profile with a role, and no role by Default Host Management, which is off, or the agent is older than 3.2.582.0".into()
        }
        Cause::EmptyProfile => "the instance profile holds no role".into(),
        Cause::RoleUntrusted => "EC2 may not assume the role in the instance profile: its trust policy is wrong".into(),
        Cause::HybridRoleUntrusted => {
            "Systems Manager cannot assume the role of the hybrid node: the role was deleted, or its trust policy is wrong".into()
        }
        Cause::NoCredentials => {
            "Default Host Management is off for the account, and the instance profile gave no working credentials; these lines do not show whether it is missing or was refused".into()
        }
        Cause::Denied(denial) => format!("AWS denied {}", denied(denial)),
        Cause::CredentialsExpired => "the credentials that the agent uses have expired".into(),
        Cause::CredentialsInvalid => "AWS does not accept the credentials or signature of the agent".into(),
        Cause::ClockWrong => "the clock of the node is wrong: AWS refuses the time of its signatures".into(),
        Cause::NotAuthenticated => {
            "AWS did not authenticate the agent: its credentials have expired or are invalid, or its clock is wrong".into()
        }
        Cause::Throttled => "AWS throttles the agent's calls".into(),
        Cause::ServiceError => {
            "AWS answered with an error of its own (HTTP 5xx): this is no misconfiguration of the node".into()
        }
        Cause::Hibernates => "the agent hibernates because it cannot report; these lines do not show why".into(),
        Cause::ChannelLost => {
            "the control channel ended and was not opened again; the agent does not log why".into()
        }
        Cause::Network { from, host, fault } => network(*from, host, fault, stage),
        Cause::HandshakeTimeout => {
            "the KMS handshake timed out: the operator or the node cannot reach the kms endpoint, or the plugin is too old; the message about the plugin version is misleading".into()
        }
        Cause::ClientKey(fault) => match fault {
            ClientKeyFault::Denied(denial) => {
                format!("the operator got no data key: AWS denied {}", denied(denial))
            }
            ClientKeyFault::NoCredentials => {
                "the operator's Session Manager plugin has no usable credentials for AWS KMS".into()
            }
            ClientKeyFault::Other => "the operator's plugin got no data key from AWS KMS".into(),
        },
        Cause::KeyUnusable => "the KMS key for session encryption cannot be used: it is disabled, deleted or of the wrong kind".into(),
        Cause::LogGroupMissing => "the CloudWatch log group for session logs does not exist".into(),
        Cause::LogGroupUnverified => {
            "the agent could not verify the CloudWatch log group: it does not exist, or the role may not see it; sessions are not logged".into()
        }
        Cause::LogGroupNotEncrypted => {
            "the session stops because the CloudWatch log group is not encrypted, does not exist, or could not be seen".into()
        }
        Cause::BucketNotEncrypted => "the S3 bucket for session logs lacks the encryption that the preferences require".into(),
        Cause::BucketMissing => "the S3 bucket for session logs does not exist".into(),
        Cause::RunAsUserUnset => {
            "Run As is on, and no user is set: neither a default user nor the tag SSMSessionRunAs".into()
        }
        Cause::RunAsUserMissing(user) => format!("the Run As user {user} does not exist on the node"),
        Cause::RunAsRoot => "Run As names root or another user with uid or gid 0, which the agent refuses".into(),
        Cause::RunAsNeedsRoot => "the agent does not run as root, which Run As needs".into(),
        Cause::ShellFails => "the user or the shell of the session cannot be used on the node".into(),
        Cause::DestinationSilent(address) => {
            format!("the node cannot reach the port to forward: {address} does not answer")
        }
        Cause::DestinationRefuses(address) => {
            format!("nothing listens on the port to forward: {address} refuses the connection")
        }
        Cause::DestinationForbidden(address) => {
            format!("the agent forbids port forwarding to {address}")
        }
        Cause::DocumentSchema => {
            "the schema version of the session document is not supported by this agent".into()
        }
        Cause::DocumentInvalid => "the agent cannot use the session document: its contents or parameters are invalid".into(),
        Cause::PluginUnsupported(kind) => {
            format!("the agent does not support sessions of the type {kind}: it is too old, or the document names a wrong type")
        }
        Cause::PluginArguments => {
            "the Session Manager plugin got arguments that are not valid JSON: a wrapper quotes them wrongly".into()
        }
        Cause::NoTerminal => "the Session Manager plugin had no terminal to read from".into(),
        Cause::Unrecognized => format!("the stage {} failed for a reason that is not recognized", words(stage)),
    }
}

/// What the log as a whole cannot show. Each text continues "the log".
#[must_use]
pub fn limits(log: &AgentLog) -> Vec<String> {
    let mut limits = Vec::new();
    if !log.other_nodes.is_empty() {
        let others = log.other_nodes.join(", ");
        let own = log.instance.as_deref().unwrap_or("one node");
        limits.push(format!(
            "has files of several nodes: only those of {own} were judged, and not those of {others}"
        ));
    }
    if log.is_cut_off {
        limits.push("is cut off: a compressed file or an archive ends before its end, so newer lines may be missing".into());
    }
    if let Some(at) = log.clock_set_back_to {
        limits.push(format!(
            "goes back in time to {at}: the clock of the node was set back, or files were joined in the wrong order; the order of the lines decides, and lines before that count as written at {at} at the latest"
        ));
    }
    limits
}

/// A stage in words.
#[must_use]
pub fn words(stage: Stage) -> String {
    stage.as_str().replace('-', " ")
}

fn denied(denial: &Denial) -> String {
    let action = &denial.action;
    match (denial.policy, denial.explicit) {
        (Some(policy), true) => format!("{action}, with an explicit deny in a {}", policy.as_str()),
        (Some(policy), false) => format!("{action}: no {} allows it", policy.as_str()),
        (None, true) => format!("{action}, with an explicit deny"),
        (None, false) => {
            let of_resource = match action.split(':').next() {
                Some("kms") => "the key's policy, ",
                Some("s3") => "the bucket's policy, ",
                _ => "",
            };
            format!(
                "{action}: {of_resource}the role's policies, a service control policy or an endpoint policy does not allow it"
            )
        }
    }
}

fn network(from: Side, named: &str, fault: &NetworkFault, stage: Stage) -> String {
    let who = match from {
        Side::Node => "the node",
        Side::Operator => "the operator's machine",
    };
    let host = if named.is_empty() { "the service" } else { named };
    let address = |address: &Option<core::net::IpAddr>| match address {
        Some(address) if AddressKind::of(address) == AddressKind::Public => {
            format!(" at {address} (a public address)")
        }
        Some(address) => {
            format!(" at {address} (a private address: an interface endpoint or a proxy)")
        }
        None => String::new(),
    };
    match fault {
        NetworkFault::NoSuchHost => {
            format!("{who} cannot resolve {host}: its DNS server says that the name does not exist")
        }
        NetworkFault::ResolverFails => {
            format!("{who} cannot resolve {host}: its DNS server does not answer or fails")
        }
        NetworkFault::LookupFails => {
            format!("{who} cannot resolve {host}; the line is cut off before it says why")
        }
        NetworkFault::NoAnswer(at) => {
            format!("{who} gets no answer from {host}{}: packets are dropped", address(at))
        }
        NetworkFault::Refused(at) => {
            format!(
                "the connection of {who} to {host}{} is refused: a firewall rejects it, or the address is wrong",
                address(at)
            )
        }
        NetworkFault::NoRoute => format!("{who} has no route to {host}"),
        NetworkFault::Reset => format!("the connection of {who} to {host} is cut off"),
        NetworkFault::UntrustedAuthority => format!(
            "the certificate that {who} gets for {host} is signed by an unknown authority: TLS inspection"
        ),
        NetworkFault::WrongName(hosts) if hosts.contains("amazonaws") || hosts.contains("vpce") => {
            format!(
                "the certificate that {who} gets for {host} is for another name ({hosts}): DNS leads to another endpoint or Region"
            )
        }
        NetworkFault::WrongName(hosts) => {
            let hosts = if hosts.is_empty() { String::new() } else { format!(" ({hosts})") };
            format!(
                "the certificate that {who} gets for {host} is for another host{hosts}: a web filter intercepts the connection"
            )
        }
        NetworkFault::CertificateDates => format!(
            "the certificate that {who} gets for {host} has expired or is not valid yet: the clock is wrong, or the certificate is"
        ),
        NetworkFault::TlsFails => {
            format!("TLS between {who} and {host} fails: something intercepts the connection")
        }
        NetworkFault::ProxyNameUnknown if named.is_empty() => {
            format!("{who} cannot resolve the name of its proxy")
        }
        NetworkFault::ProxyNameUnknown => {
            format!("{who} cannot resolve the name of its proxy, {host}")
        }
        NetworkFault::ProxySilent => format!("the proxy of {who} cannot be reached"),
        NetworkFault::ProxyRefuses(status) => {
            format!("the proxy of {who} refuses {host} ({status})")
        }
        NetworkFault::NotAws => format!(
            "{host} is answered with HTML or other text instead of JSON: a web filter or a captive proxy answers in AWS's place"
        ),
        NetworkFault::UpgradeRefused(status) => {
            let status = if status.is_empty() { String::new() } else { format!(" with {status}") };
            let action =
                if stage == Stage::DataChannel { "OpenDataChannel" } else { "OpenControlChannel" };
            format!(
                "the WebSocket of the {} ({action}) is refused{status}: a proxy or middlebox breaks WebSockets, or a policy denies it",
                words(stage)
            )
        }
        NetworkFault::Unspecified => format!(
            "{who} cannot connect to {host}, and the log does not show why: network, DNS, TLS or a proxy"
        ),
    }
}

/// One of several possible causes, by its check, in a few words.
#[must_use]
pub fn possibility(check: &str) -> String {
    match check {
        "agent/services-answer" => "packets to the service are dropped or refused",
        "agent/names-resolve" => "the node's DNS does not resolve the name",
        "agent/tls-trusted" => "TLS is intercepted",
        "agent/proxy-passes" => "the proxy does not let the agent through",
        "agent/websocket-opens" => "a proxy or middlebox breaks WebSockets",
        "agent/metadata-reachable" => "the instance metadata service cannot be reached",
        "agent/registration-valid" => "the node is not registered",
        "agent/limits-suffice" => "inotify, file descriptors or memory are used up",
        "agent/installation-complete" => "a program of the agent is missing",
        "agent/disk-writable" => "the disk is full or read-only",
        "agent/clock-right" => "the clock is wrong",
        "agent/credentials-current" => "the agent's credentials are no longer valid",
        "identity/profile-attached" => "the instance has no profile with a role",
        "identity/role-may-register" => "AWS refuses the role",
        "identity/role-may-open-channels" => "AWS denies OpenControlChannel",
        "identity/role-may-open-data-channel" => "AWS denies OpenDataChannel",
        "client/reaches-kms" => "the operator's machine cannot reach AWS KMS",
        "client/plugin-version-supported" => "the Session Manager plugin is too old",
        "preferences/session-key-usable" => "the KMS key cannot be used",
        "preferences/session-log-group-encrypted" => "the log group is not encrypted",
        "preferences/session-log-group-exists" => "the log group does not exist",
        "preferences/role-may-check-log-group" => "the role may not call logs:DescribeLogGroups",
        "preferences/log-services-reachable" => "the node cannot reach CloudWatch Logs",
        other => other,
    }
    .to_string()
}
