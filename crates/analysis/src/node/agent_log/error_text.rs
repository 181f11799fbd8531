//! From the words of an error to its cause.
//!
//! One message reports several attempts, one inside the other: an error of the AWS SDK for Go contains that of
//! Go's HTTP client, which contains that of the network. So what is more particular is looked for first. Source:
//! the samples measured with real agents, `crypto/x509` and `net` of Go.

use alloc::string::{String, ToString};

use super::{
    cause::{Cause, ClientKeyFault, NetworkFault, Side},
    stage::Stage,
};
use crate::node::serial_console::{Denial, denial, dialled};

/// No more of a name is kept than this: names are part of what lines are counted by.
const LONGEST_NAME: usize = 120;

/// The cause that an error names. `stage` decides where the words alone do not.
#[must_use]
pub fn cause(text: &str, stage: Stage, from: Side) -> Cause {
    machine(text, stage)
        .or_else(|| metadata(text))
        .or_else(|| network(text, from))
        .or_else(|| answer(text, stage))
        .or_else(|| unspecified(text, from))
        .unwrap_or(Cause::Unrecognized)
}

/// Limits of the machine itself.
fn machine(text: &str, stage: Stage) -> Option<Cause> {
    let has = |words: &str| text.contains(words);
    let watcher = has("watcher") || has("inotify") || has("ipc channel") || has("create channel");
    Some(if has("no space left on device") {
        if watcher { Cause::NoInotifyWatches } else { Cause::DiskFull }
    } else if has("There is not enough space on the disk") {
        // Windows, which has no inotify.
        Cause::DiskFull
    } else if has("read-only file system") || has("media is write protected") {
        Cause::ReadOnly
    } else if has("too many open files") {
        // Only these come from the limit on file descriptors for certain.
        let certain = ["open /dev/null:", "fork/exec ", "socket: too many", "accept"];
        if !watcher && certain.iter().any(|it| has(it)) {
            Cause::FileDescriptors
        } else {
            Cause::FilesOrInotifyInstances
        }
    } else if has("cannot allocate memory") || has("resource temporarily unavailable") {
        Cause::OutOfMemory
    } else if has("fork/exec ") && (has("no such file or directory") || has("permission denied")) {
        Cause::ProgramMissing
    } else if has("ipc messaging received timeout signal") || has("document worker timed out") {
        Cause::WorkerSilent
    } else if stage == Stage::Identity && has("app config could not be loaded") {
        Cause::ConfigurationBroken
    } else {
        return None;
    })
}

/// A limit of the machine, if the error is one.
#[must_use]
pub fn limit(text: &str) -> Option<Cause> {
    machine(text, Stage::SessionGates).filter(Cause::is_limit)
}

/// The metadata service, of which a profile without a role is an answer as well.
fn metadata(text: &str) -> Option<Cause> {
    let has = |words: &str| text.contains(words);
    let asked = has("169.254.169.254") || has("fd00:ec2::254") || has("EC2MetadataError");
    let silent = || {
        ["Client.Timeout", "i/o timeout", "context deadline exceeded", "connection timed out"]
            .iter()
            .any(|it| has(it))
    };
    let unreachable = || {
        [
            "connection refused",
            "network is unreachable",
            "no route to host",
            "connectex",
            "host is down",
        ]
        .iter()
        .any(|it| has(it))
    };
    if has("EmptyEC2RoleList") {
        return Some(Cause::EmptyProfile);
    }
    if has("AssumeRoleUnauthorizedAccess") {
        return Some(Cause::RoleUntrusted);
    }
    // A profile is asked for at the same address, so that a refusal by AWS in the same line comes first.
    if !asked || has("not authorized to perform") {
        return (has("EC2RoleRequestError") && has("no EC2 instance role found"))
            .then_some(Cause::NoRole);
    }
    Some(if unreachable() {
        Cause::MetadataUnreachable
    } else if silent() {
        Cause::MetadataSilent
    } else if has("EC2RoleRequestError") {
        Cause::NoRole
    } else if has("403") {
        Cause::MetadataOff
    } else if has("failed to get IMDSv2 token") {
        Cause::MetadataSilent
    } else {
        return None;
    })
}

/// A fault on the way to a service.
#[must_use]
pub fn network(text: &str, from: Side) -> Option<Cause> {
    let has = |words: &str| text.contains(words);
    let fault = if has("proxyconnect") {
        return Some(proxy(text, from));
    } else if let Some(names) = between(text, "x509: certificate is valid for ", ", not ") {
        NetworkFault::WrongName(short(names))
    } else if has("certificate is not valid for any names")
        || has("certificate relies on legacy Common Name")
        || has("x509: cannot validate certificate")
    {
        NetworkFault::WrongName(String::new())
    } else if has("certificate has expired or is not yet valid") {
        NetworkFault::CertificateDates
    } else if has("x509:") {
        NetworkFault::UntrustedAuthority
    } else if let Some((name, rest)) = looked_up(text) {
        // Windows has words of its own: for NXDOMAIN, and for a name without addresses.
        let is_unknown = ["no such host", "No such host is known", "no data of the requested type"]
            .iter()
            .any(|words| rest.contains(words));
        let fault = if is_unknown {
            NetworkFault::NoSuchHost
        } else if name.is_empty() {
            NetworkFault::LookupFails
        } else {
            NetworkFault::ResolverFails
        };
        let host = if name.is_empty() { host(text) } else { short(name) };
        return Some(Cause::Network { from, host, fault });
    } else if has("connection refused") || has("actively refused") {
        NetworkFault::Refused(dialled(text))
    } else if has("network is unreachable") || has("no route to host") || has("unreachable network")
    {
        NetworkFault::NoRoute
    } else if has("TLS handshake timeout") {
        NetworkFault::NoAnswer(dialled(text))
    } else if has("tls: ")
        || has("server gave HTTP response to HTTPS client")
        || has("malformed HTTP response")
    {
        NetworkFault::TlsFails
    } else if has("i/o timeout")
        || has("connection timed out")
        || has("Client.Timeout")
        || has("context deadline exceeded")
        || has("did not properly respond")
        || has("handshake timeout")
    {
        NetworkFault::NoAnswer(dialled(text))
    } else if has("connection reset by peer")
        || has("forcibly closed")
        || text.ends_with(": EOF")
        || has("unexpected EOF")
        || has("broken pipe")
    {
        NetworkFault::Reset
    } else if has("invalid character '<'") || has("<!DOCTYPE html") || has("<html") {
        NetworkFault::NotAws
    } else if let Some(status) = proxy_status(text) {
        NetworkFault::ProxyRefuses(status.into())
    } else if has("bad handshake") {
        NetworkFault::UpgradeRefused(upgrade_status(text))
    } else {
        return None;
    };
    Some(Cause::Network { from, host: host(text), fault })
}

/// `lookup ssm.eu-west-1.amazonaws.com on 10.0.0.2:53: no such host`: the name, and what follows. Of a line that
/// is cut off within the name there is no name.
fn looked_up(text: &str) -> Option<(&str, &str)> {
    let (before, rest) = text.rsplit_once("lookup ")?;
    if !rest.contains([' ', ':']) {
        return before.ends_with(": ").then_some(("", rest));
    }
    let name = rest.split([' ', ':']).next()?;
    (name.contains('.') || rest.contains("no such host")).then_some((name, rest))
}

fn proxy(text: &str, from: Side) -> Cause {
    let name = looked_up(text).map(|it| it.0);
    let fault = if name.is_some() {
        NetworkFault::ProxyNameUnknown
    } else if text.contains("x509:") || text.contains("tls: ") {
        NetworkFault::ProxyRefuses("TLS".into())
    } else {
        NetworkFault::ProxySilent
    };
    let dialled = || dialled(text).map_or_else(String::new, |it| it.to_string());
    Cause::Network { from, host: name.map_or_else(dialled, short), fault }
}

/// A proxy that refuses CONNECT: Go's error is the text of the status alone, at the end.
fn proxy_status(text: &str) -> Option<&'static str> {
    const TEXTS: [&str; 7] = [
        "Proxy Authentication Required",
        "Forbidden",
        "Bad Gateway",
        "Service Unavailable",
        "Gateway Timeout",
        "Method Not Allowed",
        "Unauthorized",
    ];
    let text = text.trim_end();
    TEXTS.into_iter().find(|it| text.ends_with(*it) && text.contains(": "))
}

/// `status: 502 Bad Gateway, err: websocket: bad handshake`
fn upgrade_status(text: &str) -> String {
    between(text, "status: ", ", err: websocket: bad handshake").map_or_else(String::new, short)
}

/// What AWS answered.
fn answer(text: &str, stage: Stage) -> Option<Cause> {
    let has = |words: &str| text.contains(words);
    if let Some(mut denial) = denial(text) {
        denial.action = short(&denial.action);
        return Some(Cause::Denied(denial));
    }
    Some(if has("instance management role is not configured") {
        Cause::NoCredentials
    } else if has("not yet registered with Systems Manager") {
        Cause::KeysLost
    } else if has("MachineFingerprintDoesNotMatch")
        || has("The hardware ID (")
        || has("more than the allowed threshold")
    {
        Cause::Fingerprint
    } else if has("InvalidInstanceId") || has("Not existing InstanceId") {
        Cause::RegistrationUnknown
    } else if has("ActivationExpired") || has("ExpiredActivation") || has("activation has expired")
    {
        Cause::ActivationExpired
    } else if has("RegistrationLimitExceeded") {
        Cause::ActivationUsedUp
    } else if has("InvalidActivation") {
        Cause::ActivationRefused
    } else if has("Unable to assume role") {
        Cause::HybridRoleUntrusted
    } else if has("Signature expired")
        || has("Signature not yet current")
        || has("RequestExpired")
        || has("RequestTimeTooSkewed")
        || has("must be within") && has("minutes of")
    {
        Cause::ClockWrong
    } else if has("ExpiredToken")
        || has("already expired")
        || has("security token") && has("expired")
    {
        Cause::CredentialsExpired
    } else if has("UnrecognizedClient")
        || has("InvalidClientTokenId")
        || has("security token included in the request is invalid")
        || has("InvalidSignatureException")
        || has("SignatureDoesNotMatch")
        || has("IncompleteSignature")
    {
        Cause::CredentialsInvalid
    } else if has("is not authenticated") {
        Cause::NotAuthenticated
    } else if has("ThrottlingException")
        || has("Rate exceeded")
        || has("due to throttling")
        || has("TooManyRequests")
        || has("RequestLimitExceeded")
        || has("429 Too Many")
    {
        Cause::Throttled
    } else if has("AccessDenied") || has("Access Denied") || has("Unauthorized request") {
        let action = refused_call(text, stage).into();
        Cause::Denied(Denial { action, policy: None, explicit: false })
    } else if has("DisabledException")
        || has("KMSInvalidStateException")
        || has("InvalidKeyUsageException")
        || has("InvalidCiphertextException")
        || has("NotFoundException") && has("data key")
    {
        Cause::KeyUnusable
    } else if has("ResourceNotFoundException") && has("log group") {
        Cause::LogGroupMissing
    } else if has("NoSuchBucket") {
        Cause::BucketMissing
    } else if has("InternalServerError")
        || has("InternalFailure")
        || has("ServiceUnavailable")
        || has("status code: 5")
        || has("UnknownOperationException")
    {
        Cause::ServiceError
    } else if has("SerializationError") {
        Cause::Network { from: Side::Node, host: host(text), fault: NetworkFault::NotAws }
    } else {
        return None;
    })
}

/// The call that was refused, where the answer does not name it.
fn refused_call(text: &str, stage: Stage) -> &'static str {
    const CALLS: [(&str, &str); 8] = [
        ("data key", "kms:Decrypt"),
        ("DescribeLogGroups", "logs:DescribeLogGroups"),
        ("PutLogEvents", "logs:PutLogEvents"),
        ("Log Stream", "logs:CreateLogStream"),
        ("LogStream", "logs:CreateLogStream"),
        ("validate encryption on Amazon S3", "s3:GetEncryptionConfiguration"),
        ("GetBucketEncryption", "s3:GetEncryptionConfiguration"),
        ("upload", "s3:PutObject"),
    ];
    match stage {
        Stage::ControlChannel => "ssmmessages:CreateControlChannel",
        Stage::DataChannel => "ssmmessages:CreateDataChannel",
        Stage::SessionGates => {
            CALLS.iter().find(|it| text.contains(it.0)).map_or("the call", |it| it.1)
        }
        _ => "ssm:UpdateInstanceInformation",
    }
}

fn unspecified(text: &str, from: Side) -> Option<Cause> {
    let unspecified = text.contains("send request failed")
        || text.contains("failed to make http client call")
        || text.contains("RequestError");
    unspecified.then(|| Cause::Network { from, host: host(text), fault: NetworkFault::Unspecified })
}

/// Why the operator's plugin got no data key. Source: session-manager-plugin `src/datachannel/streaming.go`.
#[must_use]
pub fn client_key(text: &str) -> Cause {
    const CREDENTIALS: [&str; 8] = [
        "AssumeRoleTokenProviderNotSet",
        "ProcessProvider",
        "NoCredentialProviders",
        "refresh cached SSO token",
        "InvalidGrantException",
        "ExpiredToken",
        "UnrecognizedClient",
        "SharedConfig",
    ];
    if let Some(denial) = denial(text) {
        return Cause::ClientKey(ClientKeyFault::Denied(denial));
    }
    if text.contains("AccessDenied") {
        let denial = Denial { action: "kms:GenerateDataKey".into(), policy: None, explicit: false };
        return Cause::ClientKey(ClientKeyFault::Denied(denial));
    }
    if CREDENTIALS.iter().any(|it| text.contains(it)) {
        return Cause::ClientKey(ClientKeyFault::NoCredentials);
    }
    network(text, Side::Operator).unwrap_or(Cause::ClientKey(ClientKeyFault::Other))
}

/// The last host of a URL in the text. What is cut off within the host is none.
fn host(text: &str) -> String {
    let Some((_, rest)) = text.rsplit_once("://") else { return String::new() };
    let end = rest.find(['/', '"', ' ', ':', ')', '?']);
    end.and_then(|end| rest.get(..end)).map_or_else(String::new, short)
}

pub(super) fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    text.split_once(before)?.1.split_once(after).map(|it| it.0)
}

pub(super) fn short(name: &str) -> String {
    name.chars().filter(|it| !it.is_control()).take(LONGEST_NAME).collect()
}
