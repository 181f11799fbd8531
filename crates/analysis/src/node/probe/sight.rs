//! What a probe shows: what works, what is wrong, and what it could not decide.

use alloc::{string::String, vec::Vec};
use core::net::IpAddr;

use ssm_doctor_facts::{
    probe::{LimitKind, NameOutcome, Reply, Trust, Unit},
    time::Timestamp,
};

/// One thing that the probe shows of a check's subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// The name of the check.
    pub check: &'static str,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Works(Works),
    Fault(Fault),
    /// The probe looked, and cannot tell; so nobody has seen that it works.
    Unclear(Unclear),
}

/// What is in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Works {
    DisksHaveRoom {
        least: u64,
        path: String,
    },
    ClockRight {
        ahead: i64,
    },
    NamesResolve {
        addresses: Vec<IpAddr>,
    },
    ServicesAnswer {
        by_proxy: Option<String>,
    },
    /// The services answer, seen up to TCP only.
    PortsOpen,
    CertificatesTrusted {
        issuer: String,
    },
    ProxyPasses {
        proxy: String,
    },
    NoProxy,
    WebSocketAnswered {
        status: u16,
    },
    MetadataAnswers {
        instance: String,
    },
    ConfigurationReads {
        path: String,
    },
    LimitsSuffice {
        seen: Vec<LimitKind>,
    },
    ProgramsThere {
        version: Option<String>,
    },
    AgentRuns {
        pid: Option<u32>,
    },
    RegistrationFits {
        id: String,
    },
    CredentialsCurrent {
        role: String,
        expires_at: Timestamp,
    },
    UserUsable {
        name: String,
    },
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    DiskFull {
        path: String,
        free: u64,
    },
    NoInodes {
        path: String,
    },
    ReadOnly {
        path: String,
    },
    ClockWrong {
        ahead: i64,
        host: String,
    },
    NameFails {
        name: String,
        server: Option<String>,
        answer: NameOutcome,
    },
    ServiceSilent {
        host: String,
        address: Option<IpAddr>,
    },
    ServiceRefused {
        host: String,
        address: Option<IpAddr>,
    },
    NoRoute {
        host: String,
    },
    Cut {
        host: String,
        how: String,
    },
    Untrusted {
        host: String,
        issuer: String,
        trust: Trust,
    },
    TlsFails {
        host: String,
        how: String,
    },
    NotAws {
        host: String,
        status: u16,
    },
    ProxyUnreachable {
        proxy: String,
        how: String,
    },
    ProxyRefuses {
        proxy: String,
        host: String,
        status: u16,
    },
    /// The metadata service does not answer, and the proxy settings do not except its address.
    ProxyTakesMetadata {
        from: String,
    },
    UpgradeFails {
        host: String,
        reply: Reply,
    },
    MetadataSilent,
    /// Only the answer with the token does not arrive.
    HopLimit {
        container: bool,
    },
    MetadataRefused {
        no_route: bool,
    },
    MetadataOff,
    MetadataStatus {
        status: u16,
    },
    MetadataFails {
        how: String,
    },
    ConfigurationBroken {
        path: String,
        how: String,
    },
    LimitReached {
        kind: LimitKind,
        used: u64,
        most: u64,
    },
    NotInstalled,
    ProgramMissing {
        name: String,
    },
    NotRunning {
        unit: Option<Unit>,
    },
    OtherRegistration {
        id: String,
    },
    CredentialsExpired {
        role: String,
        at: Timestamp,
    },
    UserMissing {
        name: String,
    },
    UserIsRoot {
        name: String,
    },
    ShellMissing {
        name: String,
        shell: String,
    },
}

/// What the probe could not decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unclear {
    /// By the node's clock the certificate is not valid, and no server says the time.
    ClockOrCertificate {
        host: String,
    },
    NoRoots,
    /// Directories of users such as LDAP list nobody: only a question for the name tells.
    UserNotAskedFor {
        name: String,
    },
}
