//! One HTTP/1.1 request on a connection that is open, and the head of its answer.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream, ToSocketAddrs as _},
    time::Duration,
};

use ssm_doctor_facts::probe::Reply;

/// So many bytes of the head of an answer are read.
const LONGEST_HEAD: usize = 16 << 10;
/// So many bytes of a body are read. Those of the metadata service are short.
const LONGEST_BODY: u64 = 64 << 10;
const MOST_HEADERS: usize = 64;

pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    /// What came with the head of the body.
    begin: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|it| it.0.eq_ignore_ascii_case(name)).map(|it| it.1.as_str())
    }

    pub fn has_header_that_begins(&self, name: &str) -> bool {
        self.headers.iter().any(|it| it.0.to_ascii_lowercase().starts_with(name))
    }

    /// The body, up to its length or the end of the connection.
    pub fn body(self, stream: &mut impl Read) -> io::Result<String> {
        let length = self.header("content-length").and_then(|it| it.trim().parse::<u64>().ok());
        let rest = length.unwrap_or(LONGEST_BODY).min(LONGEST_BODY);
        let mut body = self.begin;
        let rest = rest.saturating_sub(u64::try_from(body.len()).unwrap_or(u64::MAX));
        stream.take(rest).read_to_end(&mut body)?;
        String::from_utf8(body).map_err(io::Error::other)
    }
}

/// Sends a request without a body, and reads the head of its answer.
pub fn send(
    stream: &mut (impl Read + Write),
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
) -> io::Result<Answer> {
    let mut request = format!("{method} {target} HTTP/1.1\r\n");
    for (name, value) in headers {
        request.extend([name, ": ", value, "\r\n"]);
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    let mut bytes = Vec::new();
    let mut chunk = [0; 2048];
    loop {
        let read = uninterrupted(|| stream.read(&mut chunk))?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(chunk.get(..read).unwrap_or_default());
        if let Some(answer) = parse(&bytes)? {
            return Ok(answer);
        }
        if bytes.len() > LONGEST_HEAD {
            return Err(io::Error::other("the head of the answer is too long"));
        }
    }
}

/// None while the head is not complete.
fn parse(bytes: &[u8]) -> io::Result<Option<Answer>> {
    let mut room = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut room);
    let status = response.parse(bytes).map_err(|_| io::Error::other("the answer is not HTTP"))?;
    let httparse::Status::Complete(length) = status else { return Ok(None) };
    let text = |raw: &[u8]| String::from_utf8_lossy(raw).into_owned();
    Ok(Some(Answer {
        status: response.code.unwrap_or_default(),
        headers: response.headers.iter().map(|it| (it.name.to_owned(), text(it.value))).collect(),
        begin: bytes.get(length..).unwrap_or_default().to_vec(),
    }))
}

/// A connection with limits of time for opening it, and for each read and write.
pub fn connect(address: SocketAddr, within: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, within)?;
    stream.set_read_timeout(Some(within))?;
    stream.set_write_timeout(Some(within))?;
    Ok(stream)
}

/// Does something again that was interrupted.
///
/// A read with a limit of time fails when the process was stopped and goes on, even if no signal has a handler. So
/// does one on a machine that is paused. Source: signal(7), "Interruption of system calls and library functions by
/// stop signals".
pub fn uninterrupted<T>(mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match act() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// The addresses of a host, by the system's own lookup.
pub fn addresses(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok((host.trim_matches(['[', ']']), port).to_socket_addrs()?.collect())
}

/// An error as what came back.
pub fn reply(error: &io::Error) -> Reply {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Reply::Silent,
        io::ErrorKind::ConnectionRefused => Reply::Refused,
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => Reply::NoRoute,
        _ => Reply::Failed(in_words(error)),
    }
}

pub fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "closed before an answer".into(),
        io::ErrorKind::ConnectionReset => "reset".into(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => "no answer in time".into(),
        _ => error.to_string(),
    }
}
