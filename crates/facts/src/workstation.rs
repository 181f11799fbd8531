//! What is seen from the machine that the doctor runs on.
//!
//! A vantage of its own: nothing here tells what holds inside the VPC or on the node, and nothing
//! there tells what holds here. None of it takes an IAM action. Secrets are not kept: of a profile
//! only how it gets its credentials, of a proxy only its host.

use alloc::{format, string::String, vec::Vec};
use core::{fmt, net::IpAddr};

use serde::{Deserialize, Serialize};

use crate::{ids::Region, ssm::AgentVersion, text::words, time::Timestamp};

/// The key of facts about the machine as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Machine {
    Here,
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this machine")
    }
}

/// A program that starts sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Program {
    #[serde(rename = "session-manager-plugin")]
    Plugin,
    #[serde(rename = "aws")]
    Cli,
}

impl Program {
    /// As it is called on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plugin => "session-manager-plugin",
            Self::Cli => "aws",
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A host name, asked for on tcp/443.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(with = "String"))]
pub struct Host(String);

impl Host {
    /// `ssmmessages.eu-west-1.amazonaws.com`: what the AWS CLI and the plugin call.
    #[must_use]
    pub fn of(service: &str, region: &Region) -> Self {
        Self(region.service_host(service))
    }

    /// `ssm.eu-west-1.api.aws`: what the AWS CLI calls once dual-stack endpoints are turned on.
    #[must_use]
    pub fn dual_stack(service: &str, region: &Region) -> Self {
        Self(region.dual_stack_host(service))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Do sessions run over a WebSocket to it?
    #[must_use]
    pub fn carries_sessions(&self) -> bool {
        self.0.starts_with("ssmmessages.")
    }

    /// Is it of the kind that [`dual_stack`](Self::dual_stack) makes?
    #[must_use]
    pub fn is_dual_stack(&self) -> bool {
        self.0.split('.').nth(2) == Some("api")
    }
}

impl TryFrom<String> for Host {
    type Error = String;
    fn try_from(raw: String) -> Result<Self, String> {
        let label =
            |it: &str| !it.is_empty() && it.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if raw.split('.').all(label) {
            Ok(Self(raw))
        } else {
            Err(format!("{raw:?} is not a host name"))
        }
    }
}

impl From<Host> for String {
    fn from(host: Host) -> Self {
        host.0
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What programs started here find around them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Surroundings {
    /// Is one of standard input, output and error a terminal?
    pub terminal: bool,
    /// The host that replaces AWS's own endpoints (`AWS_ENDPOINT_URL…`, `endpoint_url`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_override: Option<String>,
    /// The setting that turns on dual-stack endpoints, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dual_stack: Option<String>,
    /// Do the AWS tools go to FIPS endpoints, which have names of their own?
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub fips: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proxies: Vec<Proxy>,
    /// Where the plugin makes its socket; none where it does without (Windows).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sockets: Option<Sockets>,
}

/// A proxy of the environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Proxy {
    pub variable: String,
    /// Host and port, if the variable has them.
    pub host: String,
}

/// Room for Unix sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sockets {
    /// Bytes of the folder's path: `TMPDIR`, else `/tmp`.
    pub folder: u16,
    /// Bytes that the system allows a socket's whole path.
    pub most: u16,
}

/// A program of the `PATH`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Installed {
    pub path: String,
    /// What it answers to `--version`; none if it did not answer in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Why it cannot be run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

impl Installed {
    /// The plugin's version: four numbers. `1.2.764.0`
    #[must_use]
    pub fn plugin_version(&self) -> Option<AgentVersion> {
        AgentVersion::parse(self.version.as_deref()?.trim())
    }

    /// The CLI's version: the three numbers of `aws-cli/2.31.0 Python/3.13.7 …`.
    #[must_use]
    pub fn cli_version(&self) -> Option<[u32; 3]> {
        let version = self.version.as_deref()?.trim().strip_prefix("aws-cli/")?;
        let mut parts = version.split_whitespace().next()?.split('.').map(|it| {
            // A preview ends in letters: 2.0.0dev0.
            let digits = it.find(|c: char| !c.is_ascii_digit()).unwrap_or(it.len());
            it.get(..digits)?.parse().ok()
        });
        Some([parts.next()??, parts.next()??, parts.next()??])
    }
}

/// How the AWS tools get their credentials here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Login {
    /// Was the profile named by `--profile`? Only then does the AWS CLI name it to the plugin.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub by_flag: bool,
    /// Does the environment hold access keys?
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub environment_keys: bool,
    /// The profile in use, then the one whose credentials it assumes its role with, and so on.
    pub profiles: Vec<Profile>,
    /// When the credentials of this run end; none for those that do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// The single sign-on token that was saved for the profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_on: Option<SignOn>,
}

/// A profile of the shared configuration files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Profile {
    pub name: String,
    /// What its section sets; empty if there is no such section, or nothing of it is about credentials.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<Means>,
}

words! {
    /// A setting by which a profile gets credentials.
    Means {
        Keys = "aws_access_key_id",
        Role = "role_arn",
        Mfa = "mfa_serial",
        Process = "credential_process",
        SignOn = "sso",
        Login = "login_session",
        WebIdentity = "web_identity_token_file",
        Machine = "credential_source",
    }
}

/// A saved token of IAM Identity Center.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SignOn {
    pub ends_at: Timestamp,
    /// Does a refresh token lie beside it?
    pub renewable: bool,
}

/// What a name resolves to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Addresses {
    /// In order of their value.
    pub addresses: Vec<IpAddr>,
    /// The DNS server of `--resolver`; none if the system was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}

/// How a connection to a host's tcp/443 went, without credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Contact {
    /// The proxy it went by: host and port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Our own address of the connection, and the host's; none by a proxy, or without a connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<IpAddr>,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Outcome {
    /// HTTP statuses: of a plain request, and of one to upgrade to a WebSocket where sessions need it.
    Answered {
        status: u16,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        upgrade: Option<u16>,
    },
    /// A plain request is answered, and the same with an upgrade to a WebSocket is not.
    NoUpgrade { status: u16, how: String },
    /// Turned away: by whom or what, in words. `connection refused`
    Closed { at: Stage, how: String },
    /// No answer within so many seconds.
    Silent { at: Stage, seconds: u16 },
    /// The certificate comes from nobody whom this system trusts.
    Untrusted,
    /// The certificate is trusted and not valid for this host and time, or TLS failed otherwise.
    TlsFailed { how: String },
    /// The proxy answered CONNECT with this HTTP status.
    ProxyRefused { status: u16 },
    /// There was nowhere to connect to, or no way that the doctor can go.
    Untried { why: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Stage {
    Tcp,
    Proxy,
    Tls,
    Http,
}

impl Stage {
    /// What did or did not happen: `no … within 4 seconds`.
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Tcp => "TCP connection",
            Self::Proxy => "answer of the proxy",
            Self::Tls => "TLS handshake",
            Self::Http => "HTTP answer",
        }
    }
}

/// What `~/.ssh/config` says of the target, as `ssh` would read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SshEntry {
    /// What one types after `ssh` for it to apply: the target's id, or an alias.
    pub typed: String,
    /// The file and the `Host` line that decide.
    pub place: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_command: Option<String>,
    /// In force only where it stands before a `ProxyCommand`; then there is no such command here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_jump: Option<String>,
    /// `Match` lines and unreadable includes that stand before, and may say otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub perhaps: Vec<String>,
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn versions_as_programs_print_them() {
        let told = |version: &str| Installed {
            path: "x".into(),
            version: Some(version.into()),
            trouble: None,
        };
        let plugin = |it: &str| told(it).plugin_version().map(|it| it.to_string());
        assert_eq!(plugin("1.2.764.0\n").as_deref(), Some("1.2.764.0"));
        assert_eq!(plugin("1.2.764"), None);
        let rows = [
            ("aws-cli/2.31.0 Python/3.13.7 Linux/6.1 exe/x86_64", Some([2, 31, 0])),
            ("aws-cli/1.16.12 Python/2.7.15 Darwin/17 botocore/1.12.2\n", Some([1, 16, 12])),
            ("aws-cli/2.0.0dev0 Python/3.7.5", Some([2, 0, 0])),
            ("aws-cli/2.31", None),
            ("usage: aws [options]", None),
        ];
        for (told_by, expected) in rows {
            assert_eq!(told(told_by).cli_version(), expected, "{told_by}");
        }
    }

    #[test]
    fn hosts_are_names() {
        let region = "eu-west-1".parse().unwrap();
        assert_eq!(Host::of("ssm", &region).as_str(), "ssm.eu-west-1.amazonaws.com");
        assert!(Host::dual_stack("ssm", &region).is_dual_stack());
        assert!(Host::try_from("a b".to_string()).is_err());
        assert!(Host::try_from("a..b".to_string()).is_err());
    }
}
