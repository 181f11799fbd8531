//! Does a service answer? The connection is opened as the agent opens it: directly, or through its proxy with
//! CONNECT; then TLS, HTTP, and for sessions the upgrade to a WebSocket.
//!
//! Requests carry no credentials and no token. AWS answers them with a refusal, which shows that the path works.

use std::{
    io,
    net::{SocketAddr, TcpStream},
    sync::mpsc,
    thread,
    time::Duration,
};

use ssm_doctor_facts::probe::{
    ContactOutcome, NameAnswer, NameOutcome, Reply, ServiceContact, Trust,
};

use super::{
    clock::seconds,
    http::{self, in_words},
    names,
    proxy::Proxy,
    tls,
};

/// For opening a connection, and for each answer. A lost SYN is sent again after one second and after three.
const WITHIN: Duration = Duration::from_millis(3500);
/// For the system's own lookup, which waits longer for servers that are silent.
const LOOKUP: Duration = Duration::from_secs(3);
/// So many of a name's addresses are tried, at once.
const ADDRESSES: usize = 4;
/// 16 bytes, which need not be random, because no WebSocket opens.
const WEBSOCKET_KEY: &str = "c3NtLWRvY3Rvci1wcm9iZQ==";
const USER_AGENT: &str = concat!("ssm-doctor-probe/", env!("CARGO_PKG_VERSION"));

#[derive(Clone)]
pub struct Target {
    pub service: String,
    pub host: String,
    pub port: u16,
    pub proxy: Option<Proxy>,
}

/// The contact, and what the hosts file and the system's own lookup say of the name.
pub struct Found {
    pub contact: ServiceContact,
    pub names: Vec<NameAnswer>,
}

pub fn look(target: &Target) -> Found {
    let mut system = names::as_the_agent(&target.host);
    if !matches!(system.answer, NameOutcome::Addresses(_) | NameOutcome::Silent)
        && let Ok(found) = look_up(&target.host, target.port)
        && !found.is_empty()
    {
        system.answer = NameOutcome::Addresses(found.iter().map(SocketAddr::ip).collect());
    }
    let addresses: Vec<SocketAddr> = match &system.answer {
        NameOutcome::Addresses(found) => {
            found.iter().map(|ip| SocketAddr::new(*ip, target.port)).collect()
        }
        _ => Vec::new(),
    };
    let names = names::in_hosts(&target.host).into_iter().chain([system]).collect();
    let contact = match &target.proxy {
        Some(_) => attempt(target, None),
        None => direct(target, addresses),
    };
    Found { contact, names }
}

/// The addresses of a host, unless that takes too long.
fn look_up(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let (sender, answer) = mpsc::channel();
    let host = host.to_owned();
    // Nobody waits any more for one that is late.
    thread::spawn(move || sender.send(http::addresses(&host, port)));
    answer.recv_timeout(LOOKUP).unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// One reachable address is enough, since the agent tries them in turn.
fn direct(target: &Target, mut addresses: Vec<SocketAddr>) -> ServiceContact {
    addresses.truncate(ADDRESSES);
    let attempts: Vec<_> = addresses
        .into_iter()
        .map(|address| {
            let target = target.clone();
            thread::spawn(move || attempt(&target, Some(address)))
        })
        .collect();
    let mut done: Vec<_> = attempts.into_iter().filter_map(|it| it.join().ok()).collect();
    // Where none answers, the first one says why.
    let best = done.iter().position(|it| matches!(it.outcome, ContactOutcome::Answered { .. }));
    if done.is_empty() {
        return empty(target, ContactOutcome::NoAddress);
    }
    done.swap_remove(best.unwrap_or_default())
}

fn empty(target: &Target, outcome: ContactOutcome) -> ServiceContact {
    ServiceContact {
        service: target.service.clone(),
        host: target.host.clone(),
        address: None,
        proxy: target.proxy.as_ref().map(|it| format!("{}:{}", it.host, it.port)),
        outcome,
        certificate: None,
        clock_ahead: None,
        upgrade: None,
    }
}

fn attempt(target: &Target, address: Option<SocketAddr>) -> ServiceContact {
    let mut contact = empty(target, ContactOutcome::Silent);
    contact.address = address.map(|it| it.ip());
    let mut stream = match open(target, address) {
        Ok(stream) => stream,
        Err(outcome) => {
            contact.outcome = outcome;
            return contact;
        }
    };
    let headers =
        [("Host", target.host.as_str()), ("User-Agent", USER_AGENT), ("Connection", "close")];
    let answer = http::send(&mut stream, "GET", "/", &headers);
    let local = seconds();
    let date = answer.as_ref().ok().and_then(|it| it.header("date")).and_then(parse_date);
    contact.certificate = tls::certificate(&target.host, &stream, date);
    let valid = contact.certificate.as_ref().is_some_and(|it| {
        matches!(it.trust, Trust::Trusted | Trust::WrongTime { valid_by_server: true })
    });
    contact.clock_ahead = date.zip(local).filter(|_| valid).map(|(date, local)| local - date);
    contact.outcome = match answer {
        Ok(answer) => {
            let html = answer.header("content-type").is_some_and(|it| it.contains("text/html"));
            // Not every answer of AWS has the id; a page for people never is one of AWS's APIs.
            let aws = answer.has_header_that_begins("x-amz") || !html;
            ContactOutcome::Answered { status: answer.status, aws }
        }
        Err(error) => by_error(&error),
    };
    if target.service == "ssmmessages" && matches!(contact.outcome, ContactOutcome::Answered { .. })
    {
        contact.upgrade = Some(upgrade(target, address));
    }
    contact
}

/// A connection with TLS.
fn open(target: &Target, address: Option<SocketAddr>) -> Result<tls::Stream, ContactOutcome> {
    let stream = match (&target.proxy, address) {
        (Some(proxy), _) => tunnel(target, proxy)?,
        (None, Some(address)) => http::connect(address, WITHIN).map_err(|it| by_error(&it))?,
        (None, None) => return Err(ContactOutcome::NoAddress),
    };
    tls::open(&target.host, stream).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
            ContactOutcome::Cut(format!("{} in the TLS handshake", in_words(&error)))
        }
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
            ContactOutcome::TlsFailed("no answer to the TLS handshake".into())
        }
        _ => ContactOutcome::TlsFailed(in_words(&error)),
    })
}

fn by_error(error: &io::Error) -> ContactOutcome {
    match http::reply(error) {
        Reply::Silent => ContactOutcome::Silent,
        Reply::Refused => ContactOutcome::Refused,
        Reply::NoRoute => ContactOutcome::NoRoute,
        _ => ContactOutcome::Cut(in_words(error)),
    }
}

/// A connection through a proxy, with CONNECT.
fn tunnel(target: &Target, proxy: &Proxy) -> Result<TcpStream, ContactOutcome> {
    let unreachable = |error: &io::Error| ContactOutcome::ProxyUnreachable(in_words(error));
    if proxy.scheme != "http" {
        let why = format!("a proxy by {} is not tried", proxy.scheme);
        return Err(ContactOutcome::ProxyUnreachable(why));
    }
    let addresses = http::addresses(&proxy.host, proxy.port).map_err(|it| unreachable(&it))?;
    let address = addresses.first().ok_or_else(|| unreachable(&io::ErrorKind::NotFound.into()))?;
    let mut stream = http::connect(*address, WITHIN).map_err(|it| unreachable(&it))?;
    let place = format!("{}:{}", target.host, target.port);
    let mut headers = vec![("Host", place.as_str()), ("User-Agent", USER_AGENT)];
    if let Some(authorization) = &proxy.authorization {
        headers.push(("Proxy-Authorization", authorization));
    }
    let answer =
        http::send(&mut stream, "CONNECT", &place, &headers).map_err(|it| unreachable(&it))?;
    if (200..300).contains(&answer.status) {
        Ok(stream)
    } else {
        Err(ContactOutcome::ProxyRefuses(answer.status))
    }
}

/// The upgrade that the control channel begins with, without its signature. Source: amazon-ssm-agent
/// `agent/session/controlchannel/controlchannel.go`.
fn upgrade(target: &Target, address: Option<SocketAddr>) -> Reply {
    let mut stream = match open(target, address) {
        Ok(stream) => stream,
        Err(ContactOutcome::Silent) => return Reply::Silent,
        Err(ContactOutcome::Refused) => return Reply::Refused,
        Err(ContactOutcome::NoRoute) => return Reply::NoRoute,
        Err(ContactOutcome::ProxyRefuses(status)) => return Reply::Status(status),
        Err(ContactOutcome::Cut(how) | ContactOutcome::TlsFailed(how)) => {
            return Reply::Failed(how);
        }
        Err(_) => return Reply::Failed("no connection".into()),
    };
    let headers = [
        ("Host", target.host.as_str()),
        ("User-Agent", USER_AGENT),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", WEBSOCKET_KEY),
    ];
    let path = "/v1/control-channel/ssm-doctor-probe?role=publish_subscribe&stream=input";
    match http::send(&mut stream, "GET", path, &headers) {
        Ok(answer) => Reply::Status(answer.status),
        Err(error) => http::reply(&error),
    }
}

/// Of a `Date` header, in seconds since 1970. Source: RFC 9110, 5.6.7.
fn parse_date(text: &str) -> Option<i64> {
    static PARSER: jiff::fmt::rfc2822::DateTimeParser = jiff::fmt::rfc2822::DateTimeParser::new();
    PARSER.parse_timestamp(text).ok().map(jiff::Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_a_server_is_read() {
        assert_eq!(parse_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(parse_date("yesterday"), None);
    }
}
