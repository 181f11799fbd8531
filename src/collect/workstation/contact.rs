//! Does a host answer on tcp/443? By the way that the AWS CLI and the plugin take: directly, or by a
//! proxy's CONNECT; then TLS with the system's trusted certificates, then HTTP.
//!
//! Requests carry no credentials and no token. An upgrade to a WebSocket without a token opens no
//! session; AWS answers it somehow, and that it does is all that is learnt.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, LazyLock},
    time::Duration,
};

use hyper::{
    Method, Request, StatusCode, header,
    rt::{Read, Write},
};
use hyper_util::{client::proxy::matcher::Intercept, rt::TokioIo};
use rustls::{CertificateError, ClientConfig, RootCertStore, pki_types::ServerName};
use ssm_doctor_facts::workstation::{Contact, Host, Outcome, Stage};
use tokio::{
    net::{TcpStream, lookup_host},
    task::JoinSet,
    time::{Instant, timeout_at},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::environment::host_of;
use crate::collect::text::printable;

/// In seconds, for a whole attempt. A lost SYN is sent again after one second and after three.
const WITHIN: u16 = 5;

/// So many of a name's addresses are tried at once.
const ADDRESSES: usize = 4;

/// What a WebSocket client opens with: 16 bytes, which need not be random where nothing comes of it.
const KEY: &str = "c3NtLWRvY3Rvci1wcm9iZQ==";

const AGENT: &str = concat!("ssm-doctor/", env!("CARGO_PKG_VERSION"));

pub enum Way<'a> {
    /// To one of these addresses.
    Direct(&'a [IpAddr]),
    Proxy(&'a Intercept),
}

/// None if the system has no certificates that it trusts. They are read once: that takes as long as some calls.
pub fn connector() -> Option<TlsConnector> {
    static CONNECTOR: LazyLock<Option<TlsConnector>> = LazyLock::new(new_connector);
    CONNECTOR.clone()
}

fn new_connector() -> Option<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return None;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = config.ok()?.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some(TlsConnector::from(Arc::new(config)))
}

pub async fn try_out(host: &Host, way: Way<'_>, tls: &TlsConnector) -> Contact {
    let proxy = match &way {
        Way::Proxy(proxy) => Some(host_of(&proxy.uri().to_string())),
        Way::Direct(_) => None,
    };
    let untried = |why: &str| Contact {
        proxy: proxy.clone(),
        from: None,
        to: None,
        outcome: Outcome::Untried { why: why.into() },
    };
    match &way {
        Way::Direct([]) => return untried("its name has no address that is known here"),
        Way::Proxy(proxy) if proxy.uri().scheme_str() != Some("http") => {
            let scheme = proxy.uri().scheme_str().unwrap_or_default();
            return untried(&format!("it would go by a {scheme} proxy"));
        }
        _ => {}
    }
    let plain = Attempt { host, way: &way, tls, upgrade: false };
    if !host.carries_sessions() {
        let Tried { ends, answer } = plain.run().await;
        let outcome =
            answer.map_or_else(|it| it, |status| Outcome::Answered { status, upgrade: None });
        return Contact { proxy, from: ends.map(|it| it.0), to: ends.map(|it| it.1), outcome };
    }
    let upgrade = Attempt { upgrade: true, ..plain };
    let (plain, upgrade) = tokio::join!(plain.run(), upgrade.run());
    let outcome = match (plain.answer, upgrade.answer) {
        (Ok(status), Ok(upgrade)) => Outcome::Answered { status, upgrade: Some(upgrade) },
        (Ok(status), Err(broken)) => Outcome::NoUpgrade { status, how: in_words(&broken) },
        (Err(outcome), _) => outcome,
    };
    let ends = plain.ends.or(upgrade.ends);
    Contact { proxy, from: ends.map(|it| it.0), to: ends.map(|it| it.1), outcome }
}

/// Of an upgrade that a plain request's answer stands beside.
fn in_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Silent { seconds, .. } => format!("silence for {seconds} seconds"),
        Outcome::Closed { how, .. } | Outcome::TlsFailed { how } => how.clone(),
        Outcome::ProxyRefused { status } => format!("the proxy answers CONNECT with HTTP {status}"),
        _ => "another certificate".into(),
    }
}

#[derive(Clone, Copy)]
struct Attempt<'a> {
    host: &'a Host,
    way: &'a Way<'a>,
    tls: &'a TlsConnector,
    upgrade: bool,
}

struct Tried {
    /// Our own address and the host's, of a direct connection.
    ends: Option<(IpAddr, IpAddr)>,
    answer: Result<u16, Outcome>,
}

impl Attempt<'_> {
    async fn run(self) -> Tried {
        let until = Instant::now() + Duration::from_secs(WITHIN.into());
        let mut ends = None;
        let answer = match self.way {
            Way::Direct(addresses) => match in_time(until, Stage::Tcp, connect(addresses)).await {
                Ok(stream) => {
                    let local = stream.local_addr().map(|it| it.ip());
                    ends = local.ok().zip(stream.peer_addr().ok().map(|it| it.ip()));
                    self.over(stream, until).await
                }
                Err(outcome) => Err(outcome),
            },
            Way::Proxy(proxy) => {
                match in_time(until, Stage::Proxy, tunnel(proxy, self.host)).await {
                    Ok(Ok(stream)) => self.over(stream, until).await,
                    Ok(Err(status)) => Err(Outcome::ProxyRefused { status: status.as_u16() }),
                    Err(outcome) => Err(outcome),
                }
            }
        };
        Tried { ends, answer }
    }

    /// TLS and one request. The status of the answer.
    async fn over<S>(&self, stream: S, until: Instant) -> Result<u16, Outcome>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let stream = in_time(until, Stage::Tls, self.secured(stream)).await??;
        let mut request = Request::get("/").header(header::HOST, self.host.as_str());
        if self.upgrade {
            request = request
                .header(header::CONNECTION, "Upgrade")
                .header(header::UPGRADE, "websocket")
                .header(header::SEC_WEBSOCKET_VERSION, "13")
                .header(header::SEC_WEBSOCKET_KEY, KEY);
        }
        let answer = in_time(until, Stage::Http, send(TokioIo::new(stream), request)).await?;
        Ok(answer.status().as_u16())
    }

    async fn secured<S>(&self, stream: S) -> io::Result<Result<TlsStream<S>, Outcome>>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        let name = ServerName::try_from(self.host.to_string()).map_err(io::Error::other)?;
        match self.tls.connect(name, stream).await {
            Ok(stream) => Ok(Ok(stream)),
            Err(error) => match error.get_ref().and_then(|it| it.downcast_ref::<rustls::Error>()) {
                Some(of_tls) => Ok(Err(tls_failure(of_tls))),
                None => Err(error),
            },
        }
    }
}

fn tls_failure(error: &rustls::Error) -> Outcome {
    let how = match error {
        rustls::Error::InvalidCertificate(it) => match it {
            CertificateError::UnknownIssuer => return Outcome::Untrusted,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "certificate expired".into()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "certificate not valid yet".into()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "certificate of another host".into()
            }
            other => format!("certificate: {other}"),
        },
        other => other.to_string(),
    };
    Outcome::TlsFailed { how: printable(&how) }
}

/// What `work` comes to at this stage, unless the time is up.
async fn in_time<T>(
    until: Instant,
    at: Stage,
    work: impl Future<Output = io::Result<T>>,
) -> Result<T, Outcome> {
    match timeout_at(until, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Outcome::Closed { at, how: reason(&error) }),
        Err(_) => Err(Outcome::Silent { at, seconds: WITHIN }),
    }
}

/// The kind where it says enough; a system's own text differs from one to the next.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::Other | io::ErrorKind::InvalidData => printable(&error.to_string()),
        io::ErrorKind::UnexpectedEof => "the connection was closed".into(),
        kind => kind.to_string(),
    }
}

/// The first of several connections that comes about.
async fn connect(addresses: &[IpAddr]) -> io::Result<TcpStream> {
    let mut attempts = JoinSet::new();
    for ip in addresses.iter().take(ADDRESSES) {
        attempts.spawn(TcpStream::connect(SocketAddr::new(*ip, 443)));
    }
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    while let Some(done) = attempts.join_next().await {
        match done {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failure = error,
            Err(broken) => failure = broken.into(),
        }
    }
    Err(failure)
}

/// A connection to the host by a proxy's CONNECT, or the status with which the proxy refuses.
///
/// What its URL has of user and password is for the proxy, and goes there.
async fn tunnel(
    proxy: &Intercept,
    host: &Host,
) -> io::Result<Result<TokioIo<hyper::upgrade::Upgraded>, StatusCode>> {
    let name = proxy.uri().host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = proxy.uri().port_u16().unwrap_or(80);
    let mut addresses = lookup_host((name, port)).await?;
    let address = addresses.next().ok_or(io::ErrorKind::NotFound)?;
    let stream = TcpStream::connect(address).await?;
    let target = format!("{host}:443");
    let mut request =
        Request::builder().method(Method::CONNECT).uri(&target).header(header::HOST, &target);
    if let Some(user) = proxy.basic_auth() {
        request = request.header(header::PROXY_AUTHORIZATION, user);
    }
    let answer = send(TokioIo::new(stream), request).await?;
    if !answer.status().is_success() {
        return Ok(Err(answer.status()));
    }
    let upgraded = hyper::upgrade::on(answer).await.map_err(io::Error::other)?;
    Ok(Ok(TokioIo::new(upgraded)))
}

/// One request without a body on a fresh connection.
async fn send<I>(
    io: I,
    request: hyper::http::request::Builder,
) -> io::Result<hyper::Response<hyper::body::Incoming>>
where
    I: Read + Write + Unpin + Send + 'static,
{
    let request =
        request.header(header::USER_AGENT, AGENT).body(String::new()).map_err(io::Error::other)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(io).await.map_err(io::Error::other)?;
    // It ends with the last of its ends, the answer or the upgraded stream.
    tokio::spawn(connection.with_upgrades());
    sender.send_request(request).await.map_err(|error| {
        if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
            io::ErrorKind::UnexpectedEof.into()
        } else {
            io::Error::other(error)
        }
    })
}
