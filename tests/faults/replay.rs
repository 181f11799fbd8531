//! What stands between the SDK and the server: it remembers answers, and spoils chosen ones.
//!
//! A request goes to the server once. Later runs get the answer that is remembered, so that a run takes no process, no
//! socket and no time of the server.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::{self, Write as _},
    io::{self, Read as _, Write as _},
    net::TcpStream,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
            SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;

use super::fault::{Fault, PAGE, Spoiled};

/// What is asked, without who asks and when.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Question {
    /// `ec2:DescribeVpcs`; of services that name no operation, `route53:GET /2013-04-01/hostedzone`.
    pub call: String,
    path: String,
    body: Vec<u8>,
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.call, self.path, String::from_utf8_lossy(&self.body))
    }
}

impl Question {
    fn of(request: &HttpRequest) -> Self {
        let body = request.body().bytes().unwrap_or_default().to_vec();
        let signed = request.headers().get("authorization").unwrap_or_default();
        let service = signed.split('/').nth(3).unwrap_or_default();
        let uri = request.uri();
        let path = uri.find("//").and_then(|at| uri[at + 2..].find('/').map(|end| at + 2 + end));
        let path = path.map_or("/", |at| &uri[at..]).to_owned();
        let target = request.headers().get("x-amz-target");
        let text = String::from_utf8_lossy(&body);
        let named = text.split('&').find_map(|pair| pair.strip_prefix("Action="));
        let operation = match (target.and_then(|target| target.rsplit('.').next()), named) {
            (Some(operation), _) | (None, Some(operation)) => operation.to_owned(),
            (None, None) => by_path(service, request.method(), &path),
        };
        Self { call: format!("{service}:{operation}"), path, body }
    }

    /// Does it ask for the page after a spoiled one?
    fn asks_for(&self, token: &str) -> bool {
        self.path.contains(token) || String::from_utf8_lossy(&self.body).contains(token)
    }
}

/// The permission behind a call that only its path names.
fn by_path(service: &str, method: &str, path: &str) -> String {
    let has = |part: &str| path.contains(part);
    let operation = match service {
        "s3" if has("policy") => "GetBucketPolicy",
        "s3" if has("encryption") => "GetEncryptionConfiguration",
        "route53" if has("hostedzonesbyvpc") => "ListHostedZonesByVPC",
        "route53" if has("rrset") => "ListResourceRecordSets",
        "route53" if has("hostedzone/") => "GetHostedZone",
        "route53profiles" if has("profileassociations") => "ListProfileAssociations",
        "route53profiles" if has("profileresourceassociations") => {
            "ListProfileResourceAssociations"
        }
        _ => return format!("{method} {path}"),
    };
    operation.to_owned()
}

/// An answer of the server.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    fn response(self) -> Result<HttpResponse, ConnectorError> {
        let status = StatusCode::try_from(self.status).map_err(|error| failed(&error))?;
        let mut response = HttpResponse::new(status, SdkBody::from(self.body));
        for (name, value) in self.headers {
            if !name.eq_ignore_ascii_case("content-length") {
                response.headers_mut().try_insert(name, value).map_err(|error| failed(&error))?;
            }
        }
        Ok(response)
    }
}

fn failed(error: &dyn fmt::Display) -> ConnectorError {
    ConnectorError::io(io::Error::other(error.to_string()).into())
}

/// The server's answers so far.
pub struct Recording {
    port: u16,
    answers: Mutex<HashMap<Question, Reply>>,
}

impl Recording {
    pub fn of(port: u16) -> Arc<Self> {
        Arc::new(Self { port, answers: Mutex::default() })
    }

    fn answer(&self, question: &Question, request: &HttpRequest) -> io::Result<Reply> {
        if let Some(known) = locked(&self.answers).get(question) {
            return Ok(known.clone());
        }
        let reply = self.ask(question, request)?;
        locked(&self.answers).insert(question.clone(), reply.clone());
        Ok(reply)
    }

    fn ask(&self, question: &Question, request: &HttpRequest) -> io::Result<Reply> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut head = format!("{} {} HTTP/1.1\r\n", request.method(), question.path);
        let _ = write!(head, "Host: 127.0.0.1:{}\r\nConnection: close\r\n", self.port);
        let own = ["host", "connection", "content-length"];
        for (name, value) in request.headers().iter().filter(|header| !own.contains(&header.0)) {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let _ = write!(head, "Content-Length: {}\r\n\r\n", question.body.len());
        stream.write_all(head.as_bytes())?;
        stream.write_all(&question.body)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let wrong = || io::Error::other("no HTTP");
        let end = answer.windows(4).position(|it| it == b"\r\n\r\n").ok_or_else(wrong)?;
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
        Ok(Reply {
            status: status.ok_or_else(wrong)?,
            headers: headers.collect(),
            body: answer[end + 4..].to_vec(),
        })
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The HTTP client of one run.
#[derive(Clone)]
pub struct ReplayClient(Arc<Inner>);

struct Inner {
    recording: Arc<Recording>,
    fault: Option<Fault>,
    /// How often each question was asked, in the order of the first time.
    asked: Mutex<(BTreeMap<Question, u32>, Vec<Question>)>,
    /// Of a list whose first page was spoiled: the rest of it.
    rest: Mutex<Option<Reply>>,
}

impl fmt::Debug for ReplayClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplayClient")
    }
}

impl ReplayClient {
    pub fn new(recording: &Arc<Recording>, fault: Option<Fault>) -> Self {
        let recording = Arc::clone(recording);
        Self(Arc::new(Inner { recording, fault, asked: Mutex::default(), rest: Mutex::default() }))
    }

    /// What was asked, each question once.
    pub fn questions(&self) -> Vec<Question> {
        locked(&self.0.asked).1.clone()
    }

    /// How often the most frequent question was asked.
    pub fn most(&self) -> u32 {
        locked(&self.0.asked).0.values().copied().max().unwrap_or_default()
    }

    /// Was a question asked that the fault concerns?
    pub fn met(&self) -> bool {
        let Some(fault) = &self.0.fault else { return false };
        let questions = self.questions();
        questions.iter().enumerate().any(|(at, question)| fault.concerns(question, at))
    }

    fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let Inner { recording, fault, asked, rest } = &*self.0;
        let question = Question::of(request);
        let (before, at) = {
            let (counts, order) = &mut *locked(asked);
            let count = counts.entry(question.clone()).or_default();
            if *count == 0 {
                order.push(question.clone());
            }
            *count += 1;
            let at = order.iter().position(|known| *known == question).unwrap_or_default();
            (*count - 1, at)
        };
        if question.asks_for(PAGE)
            && let Some(rest) = locked(rest).clone()
        {
            return rest.response();
        }
        let reply = recording.answer(&question, request).map_err(|error| failed(&error))?;
        let Some(fault) = fault.as_ref().filter(|fault| fault.concerns(&question, at)) else {
            return reply.response();
        };
        match fault.spoil(&question.call, &reply, before) {
            Spoiled::Not => reply.response(),
            Spoiled::Reply(spoiled) => spoiled.response(),
            Spoiled::Page(first, then) => {
                *locked(rest) = Some(then);
                first.response()
            }
            Spoiled::Reset => Err(failed(&"connection reset by peer")),
            Spoiled::Hang => {
                let late = io::Error::new(io::ErrorKind::TimedOut, "no answer within 10 seconds");
                Err(ConnectorError::timeout(late.into()))
            }
        }
    }
}

impl HttpConnector for ReplayClient {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(self.answer(&request))
    }
}

impl HttpClient for ReplayClient {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
