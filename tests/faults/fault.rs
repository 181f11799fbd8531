//! What can go wrong with an answer.

use serde_json::{Value, json};

use super::replay::{Question, Reply};

/// A token of a page that the server never gives.
pub const PAGE: &str = "a-page-of-the-fault";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In the service's own error shape.
    Denied,
    Throttled,
    /// Two times, then never again.
    ThrottledTwice,
    /// HTTP 500, with AWS's error.
    Broken,
    /// A load balancer's page.
    Html,
    /// The HTTP client gives up before the SDK does.
    Hang,
    Reset,
    /// The body ends behind an item of a list, which the EC2 protocol cannot tell from a complete answer.
    Truncated,
    /// The body ends behind any element.
    TruncatedInside,
    Garbage,
    /// The first page of a list is empty, and the next one has everything.
    EmptyPage,
    /// The field at this part of the answer, in quarters, is not there.
    MissingField(usize),
    /// Every page has the same token.
    RepeatedToken,
    /// From this call on, every call.
    Expired,
}

impl Kind {
    /// Those that end by themselves first: they use up no retries.
    pub const ALL: [Self; 16] = [
        Self::ThrottledTwice,
        Self::EmptyPage,
        Self::RepeatedToken,
        Self::Denied,
        Self::Throttled,
        Self::Broken,
        Self::Html,
        Self::Hang,
        Self::Reset,
        Self::Truncated,
        Self::TruncatedInside,
        Self::Garbage,
        Self::MissingField(0),
        Self::MissingField(1),
        Self::MissingField(2),
        Self::Expired,
    ];

    /// Whether everything is seen all the same.
    pub fn is_overcome(self) -> bool {
        matches!(self, Self::ThrottledTwice | Self::EmptyPage | Self::RepeatedToken)
    }

    /// Whether the doctor can tell such an answer from a right one. A field that is missing says that there is no such
    /// thing: an instance without `iamInstanceProfile` has no profile.
    pub fn is_visible(self) -> bool {
        !matches!(self, Self::MissingField(_))
    }
}

/// Which answers are spoiled.
#[derive(Clone, Debug)]
pub enum Aim {
    Question(Question),
    /// Every question of a call.
    Call(String),
    /// From this question on.
    From(usize),
}

#[derive(Clone, Debug)]
pub struct Fault {
    pub kind: Kind,
    pub aim: Aim,
}

/// What becomes of an answer.
pub enum Spoiled {
    Not,
    Reply(Reply),
    /// Two pages.
    Page(Reply, Reply),
    Reset,
    Hang,
}

impl Fault {
    /// `at`: how many other questions were asked first.
    pub fn concerns(&self, question: &Question, at: usize) -> bool {
        match &self.aim {
            Aim::Question(aim) => aim == question,
            Aim::Call(call) => *call == question.call,
            Aim::From(first) => at >= *first,
        }
    }

    /// `before`: how often the same was asked before.
    pub fn spoil(&self, call: &str, reply: &Reply, before: u32) -> Spoiled {
        let error = |at| Spoiled::Reply(error(protocol(call), call, ERRORS[at]));
        match self.kind {
            Kind::Denied => error(0),
            Kind::Throttled => error(1),
            Kind::ThrottledTwice if before < 2 => error(1),
            Kind::ThrottledTwice => Spoiled::Not,
            Kind::Broken => error(2),
            Kind::Expired => error(3),
            Kind::Html => {
                Spoiled::Reply(page(502, "<html><body><h1>502 Bad Gateway</h1></body></html>"))
            }
            Kind::Garbage => {
                Spoiled::Reply(Reply { body: b"\x00\xff{<garbage".to_vec(), ..reply.clone() })
            }
            Kind::Hang => Spoiled::Hang,
            Kind::Reset => Spoiled::Reset,
            _ if reply.status != 200 => Spoiled::Not,
            Kind::Truncated => changed(reply, |text| cut(text, &["</item>", "</member>"])),
            Kind::TruncatedInside => changed(reply, |text| cut(text, &[">"])),
            Kind::MissingField(part) => changed(reply, |text| without_field(text, part)),
            Kind::EmptyPage => match changed(reply, |text| with_token(text, true)) {
                Spoiled::Reply(first) => Spoiled::Page(first, reply.clone()),
                other => other,
            },
            Kind::RepeatedToken => match changed(reply, |text| with_token(text, false)) {
                Spoiled::Reply(page) => Spoiled::Page(page.clone(), page),
                other => other,
            },
        }
    }
}

fn changed(reply: &Reply, change: impl Fn(&str) -> Option<String>) -> Spoiled {
    let text = str::from_utf8(&reply.body).ok().and_then(change);
    text.map_or(Spoiled::Not, |text| Spoiled::Reply(Reply { body: text.into(), ..reply.clone() }))
}

#[derive(Clone, Copy)]
enum Protocol {
    Ec2,
    Query,
    S3,
    Json,
}

fn protocol(call: &str) -> Protocol {
    match call.split(':').next() {
        Some("ec2") => Protocol::Ec2,
        Some("iam" | "sts" | "route53") => Protocol::Query,
        Some("s3") => Protocol::S3,
        _ => Protocol::Json,
    }
}

/// Status and code of an error, by protocol: EC2, query, S3, JSON.
type Codes = [(u16, &'static str); 4];

/// Denied, throttled, broken, expired. Source: the error codes that `tests/aws/server.py` and `fault_proxy.py` send.
const ERRORS: [Codes; 4] = [
    [
        (403, "UnauthorizedOperation"),
        (403, "AccessDenied"),
        (403, "AccessDenied"),
        (400, "AccessDeniedException"),
    ],
    [
        (503, "RequestLimitExceeded"),
        (400, "Throttling"),
        (503, "SlowDown"),
        (400, "ThrottlingException"),
    ],
    [
        (500, "InternalError"),
        (500, "ServiceFailure"),
        (500, "InternalError"),
        (500, "InternalServerError"),
    ],
    [
        (400, "RequestExpired"),
        (403, "ExpiredToken"),
        (400, "ExpiredToken"),
        (400, "ExpiredTokenException"),
    ],
];

fn error(protocol: Protocol, call: &str, codes: Codes) -> Reply {
    let (status, code) = codes[protocol as usize];
    let message = format!("User: arn:aws:iam::111122223333:user/operator: {call}");
    let inner = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    match protocol {
        Protocol::Json => {
            let body = json!({ "__type": code, "message": message }).to_string();
            let kind = ("content-type".into(), "application/x-amz-json-1.1".into());
            Reply { status, headers: vec![kind], body: body.into() }
        }
        Protocol::Ec2 => page(
            status,
            &format!("<Response><Errors>{inner}</Errors><RequestID>1</RequestID></Response>"),
        ),
        Protocol::Query => {
            page(status, &format!("<ErrorResponse>{inner}<RequestId>1</RequestId></ErrorResponse>"))
        }
        Protocol::S3 => page(status, &inner),
    }
}

fn page(status: u16, text: &str) -> Reply {
    Reply { status, headers: vec![("content-type".into(), "text/xml".into())], body: text.into() }
}

/// Ends behind the first half's last such end; JSON anywhere, since it shows.
fn cut(text: &str, ends: &[&str]) -> Option<String> {
    let half = text.get(..text.len() / 2)?;
    let end = ends.iter().filter_map(|end| half.rfind(end).map(|at| at + end.len())).max();
    Some(half[..end.unwrap_or(half.len())].to_owned())
}

/// Without the field at this quarter of the answer.
fn without_field(text: &str, part: usize) -> Option<String> {
    if let Ok(mut value) = serde_json::from_str::<Value>(text) {
        let fields = count(&value);
        let mut left = (fields * (part + 1) / 4).min(fields.checked_sub(1)?);
        remove(&mut value, &mut left);
        return Some(value.to_string());
    }
    // Elements that have only text.
    let mut fields = Vec::new();
    for (at, _) in text.match_indices('<') {
        let rest = &text[at + 1..];
        let Some((name, after)) = rest.split_once('>') else { continue };
        let Some(value) = after.find('<') else { continue };
        let end = format!("</{name}>");
        if !name.contains(['/', '?', ' ']) && after[value..].starts_with(&end) {
            fields.push((at, at + 1 + name.len() + 1 + value + end.len()));
        }
    }
    let last = fields.len().checked_sub(1)?;
    let (from, to) = fields[(fields.len() * (part + 1) / 4).min(last)];
    Some(format!("{}{}", &text[..from], &text[to..]))
}

fn count(value: &Value) -> usize {
    match value {
        Value::Object(fields) => fields.values().map(|field| 1 + count(field)).sum(),
        Value::Array(items) => items.iter().map(count).sum(),
        _ => 0,
    }
}

/// Removes the field with this number, from 0 on. True once it is done.
fn remove(value: &mut Value, left: &mut usize) -> bool {
    match value {
        Value::Object(fields) => {
            for name in fields.keys().cloned().collect::<Vec<_>>() {
                if *left == 0 {
                    fields.remove(&name);
                    return true;
                }
                *left -= 1;
                if fields.get_mut(&name).is_some_and(|field| remove(field, left)) {
                    return true;
                }
            }
            false
        }
        Value::Array(items) => items.iter_mut().any(|item| remove(item, left)),
        _ => false,
    }
}

/// A page of a list with a token for the next; `empty`: without its rows. None if it is no list that has pages.
fn with_token(text: &str, empty: bool) -> Option<String> {
    if let Ok(Value::Object(mut fields)) = serde_json::from_str(text) {
        // A policy or a document has lists too, and no pages.
        let lists: Vec<String> =
            fields.iter().filter(|field| field.1.is_array()).map(|field| field.0.clone()).collect();
        let [list] = lists.as_slice() else { return None };
        if empty {
            fields.insert(list.clone(), json!([]));
        }
        let is_lower = list.starts_with(|letter: char| letter.is_ascii_lowercase());
        if fields.contains_key("Truncated") {
            fields.insert("Truncated".into(), json!(true));
            fields.insert("NextMarker".into(), json!(PAGE));
        } else {
            fields.insert(if is_lower { "nextToken" } else { "NextToken" }.into(), json!(PAGE));
        }
        return Some(Value::Object(fields).to_string());
    }
    let within = |text: &str, tag: &str| {
        let open = format!("<{tag}>");
        let from = text.find(&open)? + open.len();
        let to = text.rfind(&format!("</{tag}>"))?;
        (from <= to).then_some((from, to))
    };
    if text.contains("<IsTruncated>false</IsTruncated>") && !text.contains("<ResourceRecordSets>") {
        let marked = format!("<IsTruncated>true</IsTruncated><Marker>{PAGE}</Marker>");
        let text = text.replace("<IsTruncated>false</IsTruncated>", &marked);
        let lists = ["EvaluationResults", "AttachedPolicies", "PolicyNames", "Groups"];
        let (from, to) = lists.iter().find_map(|list| within(&text, list))?;
        return Some(if empty { format!("{}{}", &text[..from], &text[to..]) } else { text });
    }
    // EC2: the first list is the answer's own.
    let at = text.find("Set>")?;
    let name = &text[text[..at].rfind('<')? + 1..at + 3];
    let (from, to) = within(text, name)?;
    let (rows, rest) = (&text[from..to], &text[to..]);
    let end = format!("</{name}>");
    let rest = rest.strip_prefix(&end)?;
    let rows = if empty { "" } else { rows };
    Some(format!("{}{rows}{end}<nextToken>{PAGE}</nextToken>{rest}", &text[..from]))
}
