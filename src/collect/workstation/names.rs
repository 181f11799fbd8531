//! What a name resolves to from here.
//!
//! The system's own lookup has the word, since it is what other programs get: hosts file, split DNS and
//! all. Only where it fails are DNS servers asked, for it does not tell a name that does not exist from a
//! server that does not answer. With `--resolver` that server has the word.

use std::{net::SocketAddr, time::Duration};

use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts},
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
};
use ssm_doctor_facts::{
    lookup::{Absent, Row, Why},
    workstation::{Addresses, Host},
};
use tokio::{net::lookup_host, time::timeout};

use crate::collect::text::printable;

/// For the whole lookup.
const WITHIN: Duration = Duration::from_secs(4);
/// For an answer to one question, which is put twice.
const ANSWER: Duration = Duration::from_millis(1500);

pub async fn resolve(host: &Host, server: Option<SocketAddr>) -> Row<Addresses> {
    if let Some(server) = server {
        let asked = timeout(WITHIN, ask(host, Some(server))).await;
        return asked.unwrap_or_else(|_| unknown(Why::TimedOut, ""));
    }
    let (system, servers) = tokio::join!(
        timeout(WITHIN, lookup_host((host.as_str(), 443))),
        timeout(WITHIN, ask(host, None))
    );
    match (system, servers) {
        (Ok(Ok(found)), _) => row(found.map(|it| it.ip()), None),
        (_, Ok(Row::Present(_))) => {
            unknown(Why::Refused, "DNS servers know it, and the system's own lookup does not")
        }
        (_, Ok(told)) => told,
        (_, Err(_)) => unknown(Why::TimedOut, ""),
    }
}

/// Asks a DNS server, or those that the system is set up with.
async fn ask(host: &Host, server: Option<SocketAddr>) -> Row<Addresses> {
    let mut options = ResolverOpts::default();
    let builder = match server {
        Some(server) => {
            let [udp, tcp] = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut it| {
                it.port = server.port();
                it
            });
            let server = NameServerConfig::new(server.ip(), true, vec![udp, tcp]);
            options.use_hosts_file = ResolveHosts::Never;
            let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        }
        None => match TokioResolver::builder_tokio() {
            Ok(builder) => builder,
            Err(error) => return unknown(Why::Unreadable, &error.to_string()),
        },
    };
    options.timeout = ANSWER;
    options.attempts = 1;
    options.cache_size = 0;
    let resolver = match builder.with_options(options).build() {
        Ok(resolver) => resolver,
        Err(error) => return unknown(Why::Unreadable, &error.to_string()),
    };
    match resolver.lookup_ip(format!("{host}.")).await {
        Ok(found) => row(found.iter(), server),
        Err(error) => failure(&error),
    }
}

fn failure(error: &NetError) -> Row<Addresses> {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(_)) => Row::Absent(Absent::Absent),
        NetError::Dns(DnsError::ResponseCode(code)) => {
            unknown(Why::Refused, &format!("the DNS server answers {code}"))
        }
        NetError::Timeout => unknown(Why::TimedOut, "no DNS server answered"),
        other => unknown(Why::Unreachable, &other.to_string()),
    }
}

fn row(
    found: impl Iterator<Item = std::net::IpAddr>,
    server: Option<SocketAddr>,
) -> Row<Addresses> {
    let mut addresses: Vec<_> = found.collect();
    addresses.sort();
    addresses.dedup();
    if addresses.is_empty() {
        return Row::Absent(Absent::Absent);
    }
    Row::Present(Addresses { addresses, server: server.map(|it| it.to_string()) })
}

fn unknown(why: Why, detail: &str) -> Row<Addresses> {
    Row::Unknown { unknown: why, detail: printable(detail) }
}
