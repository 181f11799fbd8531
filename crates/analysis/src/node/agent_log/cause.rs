//! What an error in a log can mean, and which checks speak for each cause.

use alloc::string::String;
use core::net::IpAddr;

use ssm_doctor_facts::scope::Session;

use super::stage::Stage;
use crate::{
    node::serial_console::{Denial, PolicyKind},
    session::fits,
};

/// Why a stage failed, as far as the text shows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Somebody stopped the agent's service, and it did not start again.
    Stopped,

    // The agent's installation and its machine.
    /// `amazon-ssm-agent.json` is no valid JSON. The agent ends.
    ConfigurationBroken,
    /// A program of the agent is missing.
    ProgramMissing,
    /// Windows has not finished Sysprep.
    SysprepPending,
    DiskFull,
    ReadOnly,
    /// `no space left on device` from inotify: no watches are left. The disk has space.
    NoInotifyWatches,
    /// `too many open files` where both limits give this text.
    FilesOrInotifyInstances,
    /// `too many open files` where only the limit on file descriptors gives this text.
    FileDescriptors,
    OutOfMemory,
    /// A process of the agent did not answer another one.
    WorkerSilent,
    /// `Plugin with name Standard_Stream not found`: the session worker could not be started.
    WorkerNotStarted,

    // Identity and registration.
    /// No identity, and the agent does not log why.
    NoIdentity,
    /// The metadata service gave no answer.
    MetadataSilent,
    /// The metadata service could not be reached at all: refused, or no route.
    MetadataUnreachable,
    /// The metadata service is off, by HTTP status 403.
    MetadataOff,
    ActivationRefused,
    ActivationExpired,
    ActivationUsedUp,
    /// Systems Manager does not know the registration any more.
    RegistrationUnknown,
    Fingerprint,
    /// Default Host Management once knew the machine, and its keys are lost.
    KeysLost,

    // Credentials and answers of AWS.
    NoRole,
    /// The metadata service lists no role although there is a profile.
    EmptyProfile,
    /// EC2 may not assume the role of the profile.
    RoleUntrusted,
    /// Systems Manager may not assume the role of the hybrid node.
    HybridRoleUntrusted,
    /// Default Host Management gave no credentials; why the profile gave none is not in the text.
    NoCredentials,
    Denied(Denial),
    CredentialsExpired,
    CredentialsInvalid,
    ClockWrong,
    /// `Request is not authenticated`: credentials that are over, or a wrong clock.
    NotAuthenticated,
    Throttled,
    ServiceError,
    /// It reduced its logging, and does not say why.
    Hibernates,
    /// The control channel ended and was not opened again. The agent does not log why.
    ChannelLost,

    // The way to a service.
    Network {
        from: Side,
        /// Empty where the text names none.
        host: String,
        fault: NetworkFault,
    },

    // A session's gates.
    HandshakeTimeout,
    /// The operator's plugin got no data key.
    ClientKey(ClientKeyFault),
    /// The KMS key is disabled, gone, or of another kind.
    KeyUnusable,
    LogGroupMissing,
    LogGroupUnverified,
    LogGroupNotEncrypted,
    BucketNotEncrypted,
    BucketMissing,
    RunAsUserUnset,
    RunAsUserMissing(String),
    RunAsRoot,
    RunAsNeedsRoot,
    /// The user `ssm-user` or its shell could not be prepared.
    ShellFails,
    DestinationSilent(String),
    DestinationRefuses(String),
    DestinationForbidden(String),
    DocumentSchema,
    DocumentInvalid,
    PluginUnsupported(String),
    /// The AWS CLI or a wrapper handed text to the plugin that is no JSON.
    PluginArguments,
    /// The plugin had no terminal.
    NoTerminal,

    /// An error that no other cause describes.
    Unrecognized,
}

/// Where a connection starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Node,
    /// The machine with the Session Manager plugin.
    Operator,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NetworkFault {
    NoSuchHost,
    /// The DNS server did not answer, or answered with an error.
    ResolverFails,
    /// The line ends before it says why the name was not resolved.
    LookupFails,
    NoAnswer(Option<IpAddr>),
    Refused(Option<IpAddr>),
    NoRoute,
    /// The connection was cut while it was used.
    Reset,
    UntrustedAuthority,
    /// The certificate names these hosts instead.
    WrongName(String),
    CertificateDates,
    TlsFails,
    ProxyNameUnknown,
    ProxySilent,
    /// The proxy refuses, with this status text.
    ProxyRefuses(String),
    /// An answer that is no answer of AWS: HTML instead of JSON.
    NotAws,
    /// The upgrade to a WebSocket was refused with this status.
    UpgradeRefused(String),
    /// `send request failed` without the reason.
    Unspecified,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientKeyFault {
    Denied(Denial),
    NoCredentials,
    Other,
}

/// Checks that speak for the causes of a network fault whose reason is not in the text.
const NETWORK: &[&str] =
    &["agent/services-answer", "agent/names-resolve", "agent/tls-trusted", "agent/proxy-passes"];

impl Cause {
    /// The checks that this cause fails, the likeliest first. The text cannot distinguish them if there are
    /// several.
    #[must_use]
    #[allow(clippy::match_same_arms, reason = "one line per cause")]
    pub fn checks(&self, stage: Stage) -> &'static [&'static str] {
        match self {
            Self::Stopped => &["agent/runs"],
            Self::ConfigurationBroken => &["agent/configuration-valid"],
            Self::ProgramMissing => &["agent/installation-complete"],
            Self::SysprepPending => &["agent/installation-complete"],
            Self::DiskFull | Self::ReadOnly => &["agent/disk-writable"],
            Self::NoInotifyWatches
            | Self::FilesOrInotifyInstances
            | Self::FileDescriptors
            | Self::OutOfMemory => &["agent/limits-suffice"],
            Self::WorkerSilent => &["agent/limits-suffice", "agent/installation-complete"],
            Self::WorkerNotStarted => {
                &["agent/limits-suffice", "agent/installation-complete", "agent/disk-writable"]
            }
            Self::NoIdentity => &["agent/metadata-reachable", "agent/registration-valid"],
            Self::MetadataSilent | Self::MetadataUnreachable => &["agent/metadata-reachable"],
            Self::MetadataOff => &["target/metadata-service-enabled"],
            Self::ActivationRefused
            | Self::ActivationExpired
            | Self::ActivationUsedUp
            | Self::RegistrationUnknown
            | Self::Fingerprint
            | Self::KeysLost => &["agent/registration-valid"],
            Self::NoRole => &["identity/profile-attached"],
            Self::EmptyProfile => &["identity/profile-contains-role"],
            Self::RoleUntrusted => &["identity/role-trusts-ec2"],
            Self::HybridRoleUntrusted => &["hybrid/role-trusts-ssm"],
            Self::NoCredentials => &["identity/profile-attached", "identity/role-may-register"],
            Self::Denied(denial) => denied(denial, stage),
            Self::CredentialsExpired | Self::CredentialsInvalid => &["agent/credentials-current"],
            Self::ClockWrong => &["agent/clock-right"],
            Self::NotAuthenticated => &["agent/credentials-current", "agent/clock-right"],
            Self::Throttled | Self::ServiceError => &["agent/service-works"],
            Self::Hibernates => &[
                "identity/role-may-register",
                "identity/profile-attached",
                "agent/services-answer",
                "agent/names-resolve",
                "agent/tls-trusted",
            ],
            Self::ChannelLost => &[
                "agent/services-answer",
                "agent/names-resolve",
                "agent/tls-trusted",
                "agent/websocket-opens",
            ],
            Self::Network { from, host, fault } => network(*from, host, fault, stage),
            Self::HandshakeTimeout => {
                &["client/reaches-kms", "agent/services-answer", "client/plugin-version-supported"]
            }
            Self::ClientKey(ClientKeyFault::Denied(_)) => &["operator/may-generate-session-key"],
            Self::ClientKey(ClientKeyFault::NoCredentials) => {
                &["client/plugin-can-get-credentials"]
            }
            Self::ClientKey(ClientKeyFault::Other) => {
                &["client/reaches-kms", "preferences/session-key-usable"]
            }
            Self::KeyUnusable => &["preferences/session-key-usable"],
            Self::LogGroupMissing => &["preferences/session-log-group-exists"],
            Self::LogGroupUnverified => &[
                "preferences/role-may-check-log-group",
                "preferences/session-log-group-exists",
                "preferences/log-services-reachable",
            ],
            Self::LogGroupNotEncrypted => &[
                "preferences/role-may-check-log-group",
                "preferences/session-log-group-encrypted",
                "preferences/session-log-group-exists",
            ],
            Self::BucketNotEncrypted => &["preferences/session-bucket-encrypted"],
            Self::BucketMissing => &["preferences/session-bucket-exists"],
            Self::RunAsUserUnset => &["preferences/runas-user-set"],
            Self::RunAsRoot => &["preferences/runas-user-set"],
            Self::RunAsUserMissing(_) | Self::RunAsNeedsRoot | Self::ShellFails => {
                &["agent/session-user-usable"]
            }
            Self::DestinationSilent(_) | Self::DestinationRefuses(_) => {
                &["agent/destination-answers"]
            }
            Self::DestinationForbidden(_) => &["agent/destination-answers"],
            Self::DocumentSchema | Self::DocumentInvalid => &["agent/document-supported"],
            Self::PluginUnsupported(_) => &["agent/version-supports-session"],
            Self::PluginArguments => &["client/cli-supports-session"],
            Self::NoTerminal => &["client/has-terminal"],
            Self::Unrecognized => match stage {
                Stage::Identity | Stage::Credentials | Stage::Registration => &["agent/registered"],
                Stage::Health => &["agent/ping-online"],
                Stage::ControlChannel => &["agent/session-channel-connected"],
                Stage::DataChannel | Stage::SessionWorker | Stage::SessionGates => {
                    &["agent/last-session-started"]
                }
            },
        }
    }

    /// Does the session start all the same, without something that was promised with it?
    #[must_use]
    pub fn only_degrades(&self, stage: Stage) -> bool {
        if stage != Stage::SessionGates {
            return false;
        }
        match self {
            Self::LogGroupUnverified | Self::LogGroupMissing | Self::BucketMissing => true,
            Self::Network { host, .. } => host.starts_with("logs.") || host.contains("s3"),
            Self::Denied(denial) => {
                denial.action.starts_with("logs:")
                    || denial.action.starts_with("s3:Put")
                    || denial.action == "kms:GenerateDataKey"
            }
            _ => false,
        }
    }

    /// Does it stop sessions of this kind? A port session needs no encryption, no logs and no user of the node, and
    /// other sessions need no port. Source: amazon-ssm-agent `agent/session/plugins/sessionplugin`,
    /// `agent/session/plugins/port`, `agent/session/shell`.
    #[must_use]
    pub fn concerns(&self, session: Session) -> bool {
        let is_port = fits("Port", session);
        match self {
            Self::DestinationSilent(_)
            | Self::DestinationRefuses(_)
            | Self::DestinationForbidden(_) => is_port,
            Self::ClientKey(_)
            | Self::KeyUnusable
            | Self::LogGroupMissing
            | Self::LogGroupUnverified
            | Self::LogGroupNotEncrypted
            | Self::BucketNotEncrypted
            | Self::BucketMissing
            | Self::RunAsUserUnset
            | Self::RunAsUserMissing(_)
            | Self::RunAsRoot
            | Self::RunAsNeedsRoot
            | Self::ShellFails => !is_port,
            Self::Denied(denial) => {
                !is_port || !["kms:", "s3:", "logs:"].iter().any(|it| denial.action.starts_with(it))
            }
            Self::PluginUnsupported(kind) => {
                fits(kind, session) || !Session::ALL.into_iter().any(|other| fits(kind, other))
            }
            _ => true,
        }
    }

    /// Is it a fault of an operator's machine or permissions? The plugin reports such a fault to the agent, which logs it.
    #[must_use]
    pub fn is_of_operator(&self) -> bool {
        matches!(
            self,
            Self::ClientKey(_)
                | Self::Network { from: Side::Operator, .. }
                | Self::PluginArguments
                | Self::NoTerminal
        )
    }

    /// Is it a limit or a fault of the machine, which stops whatever needs it?
    #[must_use]
    pub fn is_limit(&self) -> bool {
        matches!(
            self,
            Self::DiskFull
                | Self::ReadOnly
                | Self::NoInotifyWatches
                | Self::FilesOrInotifyInstances
                | Self::FileDescriptors
                | Self::OutOfMemory
        )
    }

    /// Is the reason in the text, so that this cause replaces one whose reason is not?
    #[must_use]
    pub fn is_specific(&self, stage: Stage) -> bool {
        *self != Self::Unrecognized && self.checks(stage).len() == 1
    }
}

fn denied(denial: &Denial, stage: Stage) -> &'static [&'static str] {
    let endpoint = denial.policy == Some(PolicyKind::Endpoint);
    match denial.action.as_str() {
        "ssm:RequestManagedInstanceRoleToken" if endpoint => &["endpoint/policy-allows-role-token"],
        "kms:Decrypt"
        | "s3:GetEncryptionConfiguration"
        | "s3:GetBucketEncryption"
        | "logs:DescribeLogGroups"
            if endpoint =>
        {
            &["endpoint/policy-allows-gates"]
        }
        "s3:PutObject"
        | "s3:PutObjectAcl"
        | "logs:PutLogEvents"
        | "logs:CreateLogStream"
        | "logs:DescribeLogStreams"
            if endpoint =>
        {
            &["endpoint/policy-allows-logs"]
        }
        "ssmmessages:CreateDataChannel" | "ssmmessages:OpenDataChannel" if endpoint => {
            &["endpoint/policy-allows-data-channel"]
        }
        _ if endpoint => &["endpoint/policy-allows-agent"],
        "ssmmessages:CreateControlChannel" | "ssmmessages:OpenControlChannel" => {
            &["identity/role-may-open-channels"]
        }
        "ssmmessages:CreateDataChannel" | "ssmmessages:OpenDataChannel" => {
            &["identity/role-may-open-data-channel"]
        }
        "kms:Decrypt" => &["preferences/role-may-decrypt-session-key"],
        "kms:GenerateDataKey" => &["preferences/role-may-use-bucket-key"],
        "s3:GetEncryptionConfiguration" | "s3:GetBucketEncryption" | "s3:ListBucket" => {
            &["preferences/role-may-check-bucket"]
        }
        "s3:PutObject" | "s3:PutObjectAcl" => &["preferences/role-may-write-bucket"],
        "logs:DescribeLogGroups" => &["preferences/role-may-check-log-group"],
        "logs:PutLogEvents" | "logs:CreateLogStream" | "logs:DescribeLogStreams" => {
            &["preferences/role-may-write-log-group"]
        }
        _ => match stage {
            Stage::ControlChannel => &["identity/role-may-open-channels"],
            Stage::DataChannel => &["identity/role-may-open-data-channel"],
            _ => &["identity/role-may-register"],
        },
    }
}

fn network(from: Side, host: &str, fault: &NetworkFault, stage: Stage) -> &'static [&'static str] {
    use NetworkFault::{
        CertificateDates, LookupFails, NoAnswer, NoRoute, NoSuchHost, NotAws, ProxyNameUnknown,
        ProxyRefuses, ProxySilent, Refused, Reset, ResolverFails, TlsFails, Unspecified,
        UntrustedAuthority, UpgradeRefused, WrongName,
    };
    if from == Side::Operator {
        return if host.starts_with("kms") {
            &["client/reaches-kms"]
        } else if matches!(fault, NoSuchHost | ResolverFails | LookupFails) {
            &["client/service-names-resolve"]
        } else {
            &["client/reaches-services"]
        };
    }
    match fault {
        NoSuchHost | ResolverFails | LookupFails => &["agent/names-resolve"],
        NoAnswer(_) | Refused(_) | NoRoute | Reset => &["agent/services-answer"],
        UntrustedAuthority | WrongName(_) | TlsFails | NotAws => &["agent/tls-trusted"],
        CertificateDates => &["agent/clock-right", "agent/tls-trusted"],
        ProxyNameUnknown | ProxySilent | ProxyRefuses(_) => &["agent/proxy-passes"],
        UpgradeRefused(status) if status.starts_with("403") || status.is_empty() => match stage {
            Stage::DataChannel => &["identity/role-may-open-data-channel", "agent/websocket-opens"],
            _ => &["identity/role-may-open-channels", "agent/websocket-opens"],
        },
        UpgradeRefused(_) => &["agent/websocket-opens"],
        Unspecified => NETWORK,
    }
}
