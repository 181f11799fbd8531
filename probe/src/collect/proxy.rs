//! The proxy that the agent takes to a host.
//!
//! By the rules of Go's `http.ProxyFromEnvironment`, which the agent uses: `https_proxy` for HTTPS, unless
//! `no_proxy` has the host. Source: golang.org/x/net/http/httpproxy.

use std::net::IpAddr;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use percent_encoding::percent_decode_str;
use ssm_doctor_facts::probe::ProxySetting;

/// A proxy, with the credentials for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Without user and password.
    pub host: String,
    pub port: u16,
    /// `http` or `https`: the protocol of the connection to the proxy itself.
    pub scheme: String,
    /// The value of `Proxy-Authorization`. It never leaves this process but to the proxy.
    pub authorization: Option<String>,
}

/// A variable of the environment, as it was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    pub from: String,
    pub name: String,
    pub value: String,
}

impl Variable {
    /// The variable if it is about proxies. Go reads upper case first and lower case else.
    pub fn new(from: &str, name: &str, value: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        let about_proxies = matches!(name.as_str(), "https_proxy" | "http_proxy" | "no_proxy");
        let value = value.trim().trim_matches(['"', '\'']).to_owned();
        (about_proxies && !value.is_empty()).then(|| Self { from: from.into(), name, value })
    }

    /// Without user and password, for the output.
    pub fn setting(&self) -> ProxySetting {
        let value = match self.name.as_str() {
            "no_proxy" => self.value.clone(),
            _ => parse(&self.value).map_or_else(
                || "(cannot be read)".into(),
                |proxy| format!("{}:{}", proxy.host, proxy.port),
            ),
        };
        ProxySetting { from: self.from.clone(), variable: self.name.clone(), value }
    }
}

/// The proxy for a host, with its user and password; none if no variable names one, or if `no_proxy` excepts the host.
pub fn for_host(host: &str, variables: &[Variable]) -> Option<Proxy> {
    let exceptions = variables.iter().filter(|it| it.name == "no_proxy");
    if exceptions.flat_map(|it| it.value.split(',')).any(|it| excepts(it.trim(), host)) {
        return None;
    }
    parse(&variables.iter().find(|it| it.name == "https_proxy")?.value)
}

fn excepts(entry: &str, host: &str) -> bool {
    let entry = entry.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let host = host.to_ascii_lowercase();
    if entry.is_empty() {
        return false;
    }
    if entry == "*" || host.parse::<IpAddr>().is_ok() {
        return entry == "*" || entry == host;
    }
    let domain = entry.trim_start_matches("*.").trim_start_matches('.');
    let bare = !entry.starts_with('.') && !entry.starts_with('*') && host == domain;
    bare || host.strip_suffix(domain).is_some_and(|it| it.ends_with('.'))
}

fn parse(value: &str) -> Option<Proxy> {
    let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
    let rest = rest.split(['/', '?', '#']).next()?;
    let (user, place) = match rest.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, rest),
    };
    let usual = if scheme == "https" { 443 } else { 80 };
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && !port.ends_with(']') => {
            (host, port.parse().ok()?)
        }
        _ => (place, usual),
    };
    if host.is_empty() {
        return None;
    }
    let authorization = user.map(|user| {
        let plain: Vec<u8> = percent_decode_str(user).collect();
        format!("Basic {}", BASE64_STANDARD.encode(plain))
    });
    Some(Proxy { host: host.into(), port, scheme: scheme.to_ascii_lowercase(), authorization })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str, value: &str) -> Variable {
        Variable::new("test", name, value).unwrap()
    }

    #[test]
    fn a_password_stays_out_of_what_others_see() {
        let proxy = variable("HTTPS_PROXY", "http://me:hunter%402@proxy.corp:3128");
        assert_eq!(proxy.setting().value, "proxy.corp:3128");
        let found = for_host("ssm.eu-west-1.amazonaws.com", &[proxy]).unwrap();
        assert_eq!((found.host.as_str(), found.port), ("proxy.corp", 3128));
        assert_eq!(found.authorization.as_deref(), Some("Basic bWU6aHVudGVyQDI="));
    }

    #[test]
    fn exceptions_are_those_of_the_agent() {
        let host = "ssm.eu-west-1.amazonaws.com";
        let rows = [
            ("amazonaws.com", true),
            (".amazonaws.com", true),
            ("*.amazonaws.com", true),
            ("ssm.eu-west-1.amazonaws.com", true),
            ("169.254.169.254, .amazonaws.com", true),
            ("*", true),
            ("aws.com", false),
            ("169.254.169.254", false),
            (".ssm.eu-west-1.amazonaws.com", false),
        ];
        for (list, excepted) in rows {
            let variables = [variable("https_proxy", "proxy:1"), variable("no_proxy", list)];
            assert_eq!(for_host(host, &variables).is_none(), excepted, "{list}");
        }
    }
}
