//! What each source says of a service's name: the hosts file, and every name server for itself.
//!
//! The system's own lookup, which the contact uses, does not tell a name that does not exist from a server that
//! does not answer. The servers do.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::{IpAddr, SocketAddr, TcpStream, UdpSocket},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant, SystemTime},
};

use simple_dns::{
    CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, TYPE, rdata::RData,
};
use ssm_doctor_facts::probe::{NameAnswer, NameOutcome, Resolver};

use super::http;

/// As many as the system's own lookup uses. Source: resolv.conf(5).
const MOST_SERVERS: usize = 3;
/// A question is put twice, since UDP loses packets.
const WITHIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];
const PORT: u16 = 53;
/// No further server is asked after so long.
const LONGEST: Duration = Duration::from_millis(3500);

/// The name servers of `/etc/resolv.conf`.
pub fn servers() -> Vec<String> {
    let text = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let servers = text.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        (words.next() == Some("nameserver")).then(|| words.next()).flatten()
    });
    servers.take(MOST_SERVERS).map(str::to_owned).collect()
}

/// What `/etc/hosts` says of a name; none if it says nothing.
pub fn in_hosts(name: &str) -> Option<NameAnswer> {
    let text = fs::read_to_string("/etc/hosts").unwrap_or_default();
    let addresses: Vec<IpAddr> = text
        .lines()
        .filter_map(|line| {
            let mut words = line.split('#').next()?.split_ascii_whitespace();
            let address = words.next()?.parse().ok()?;
            words.any(|it| it.eq_ignore_ascii_case(name)).then_some(address)
        })
        .collect();
    let answer = NameOutcome::Addresses(addresses);
    let found = answer != NameOutcome::Addresses(Vec::new());
    found.then(|| NameAnswer { name: name.to_owned(), from: Resolver::Hosts, answer })
}

/// What the agent gets for a name: from the hosts file, else from the first server that decides.
///
/// The agent's own resolver is Go's. That of a static program differs: musl's takes a name for absent if a server
/// says so of one kind of addresses only. So it is asked last. Source: Go `net/dnsclient_unix.go`.
pub fn as_the_agent(name: &str) -> NameAnswer {
    let answer = in_hosts(name).map_or_else(|| by_servers(name), |it| it.answer);
    NameAnswer { name: name.to_owned(), from: Resolver::System, answer }
}

fn by_servers(name: &str) -> NameOutcome {
    if let Ok(ip) = name.trim_matches(['[', ']']).parse() {
        return NameOutcome::Addresses(vec![ip]);
    }
    let mut last = NameOutcome::Unreachable("there is no name server".into());
    let begin = Instant::now();
    for server in servers() {
        if begin.elapsed() > LONGEST {
            break;
        }
        last = ask(&server, name).answer;
        if matches!(
            last,
            NameOutcome::Addresses(_) | NameOutcome::NoSuchName | NameOutcome::NoAddress
        ) {
            break;
        }
    }
    last
}

/// What one server says of a name, for both kinds of addresses.
pub fn ask(server: &str, name: &str) -> NameAnswer {
    let answer = match server.split('%').next().unwrap_or_default().parse::<IpAddr>() {
        Ok(ip) => both(SocketAddr::new(ip, PORT), name),
        Err(_) => NameOutcome::Unreachable("its address cannot be read".into()),
    };
    NameAnswer { name: name.to_owned(), from: Resolver::Server(server.to_owned()), answer }
}

fn both(server: SocketAddr, name: &str) -> NameOutcome {
    let four = question(server, name, TYPE::A);
    // One that is silent is silent for the other kind too.
    if !matches!(four, NameOutcome::Addresses(_) | NameOutcome::NoAddress) {
        return four;
    }
    match (four, question(server, name, TYPE::AAAA)) {
        (NameOutcome::Addresses(mut four), NameOutcome::Addresses(six)) => {
            four.extend(six);
            NameOutcome::Addresses(four)
        }
        (found @ NameOutcome::Addresses(_), _) | (_, found @ NameOutcome::Addresses(_)) => found,
        (other, _) => other,
    }
}

fn question(server: SocketAddr, name: &str, kind: TYPE) -> NameOutcome {
    let mut last = NameOutcome::Silent;
    for within in WITHIN {
        match exchange(server, name, kind, within) {
            Ok(answer) => return answer,
            Err(error) => {
                last = match error.kind() {
                    io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => NameOutcome::Silent,
                    io::ErrorKind::ConnectionRefused => {
                        return NameOutcome::Unreachable("refused".into());
                    }
                    _ => NameOutcome::Unreachable(http::in_words(&error)),
                }
            }
        }
    }
    last
}

fn exchange(
    server: SocketAddr,
    name: &str,
    kind: TYPE,
    within: Duration,
) -> io::Result<NameOutcome> {
    let mut query = Packet::new_query(id());
    query.set_flags(PacketFlag::RECURSION_DESIRED);
    let asked = Name::new(name).map_err(io::Error::other)?;
    let class = QCLASS::CLASS(CLASS::IN);
    query.questions.push(Question::new(asked, QTYPE::TYPE(kind), class, false));
    let bytes = query.build_bytes_vec().map_err(io::Error::other)?;

    let any: SocketAddr =
        if server.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = UdpSocket::bind(any)?;
    socket.set_read_timeout(Some(within))?;
    // Connected, so that only this server's packets arrive, and its refusal does.
    socket.connect(server)?;
    socket.send(&bytes)?;
    let mut room = [0; 4096];
    loop {
        let length = http::uninterrupted(|| socket.recv(&mut room))?;
        let Ok(answer) = Packet::parse(room.get(..length).unwrap_or_default()) else {
            continue;
        };
        if answer.id() != query.id() {
            continue;
        }
        if answer.has_flags(PacketFlag::TRUNCATION) {
            return by_tcp(server, &bytes, within);
        }
        return Ok(outcome(&answer));
    }
}

fn by_tcp(server: SocketAddr, query: &[u8], within: Duration) -> io::Result<NameOutcome> {
    let mut stream: TcpStream = http::connect(server, within)?;
    let length = u16::try_from(query.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), query].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut bytes)?;
    Packet::parse(&bytes).map(|it| outcome(&it)).map_err(io::Error::other)
}

fn outcome(answer: &Packet) -> NameOutcome {
    match answer.rcode() {
        RCODE::NoError => {}
        RCODE::NameError => return NameOutcome::NoSuchName,
        RCODE::ServerFailure => return NameOutcome::Error("SERVFAIL".into()),
        RCODE::Refused => return NameOutcome::Error("REFUSED".into()),
        other => return NameOutcome::Error(format!("{other:?}")),
    }
    let addresses: Vec<IpAddr> = answer
        .answers
        .iter()
        .filter_map(|it| match &it.rdata {
            RData::A(it) => Some(IpAddr::V4(it.address.into())),
            RData::AAAA(it) => Some(IpAddr::V6(it.address.into())),
            _ => None,
        })
        .collect();
    if addresses.is_empty() { NameOutcome::NoAddress } else { NameOutcome::Addresses(addresses) }
}

/// Different for each question of a run. Nothing rests on an answer, so it need not be hard to guess.
fn id() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let begin = u16::try_from(time.subsec_micros() & 0x7fff).unwrap_or_default();
    begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed))
}
