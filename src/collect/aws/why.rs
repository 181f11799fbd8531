//! What an SDK error means: the one place where errors become reasons not to know.
//!
//! Told apart by variant and error code, never by message: messages are for people, and change.
//! The codes of one meaning differ by protocol (EC2's own, query XML, JSON), hence the lists. What
//! "not found" means differs by call, so each call brings its own list of those.

use std::{
    error::Error,
    fmt::{self, Debug},
    str::FromStr,
};

use aws_smithy_runtime_api::client::{
    interceptors::InterceptorError,
    orchestrator::HttpResponse,
    result::{ConnectorError, SdkError},
};
use aws_smithy_types::{DateTime, error::metadata::ProvideErrorMetadata};
use ssm_doctor_facts::{
    ids::AccountId,
    lookup::{Absent, Row, Why},
    time::Timestamp,
};

use crate::collect::text::printable;

/// Why a question stays open, and AWS's words for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub why: Why,
    pub detail: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.why.phrase(), self.detail)
    }
}

/// `None` where AWS said that there is no such thing.
pub type Outcome<T> = Result<Option<T>, Failure>;

const DENIED: [&str; 4] =
    ["UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "AuthorizationError"];

/// Source: `aws_runtime::retries::classifiers::THROTTLING_ERRORS`.
const THROTTLED: [&str; 14] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "RequestThrottled",
    "SlowDown",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
];

const LATE: [&str; 2] = ["RequestTimeout", "RequestTimeoutException"];

/// The credentials themselves are at fault, not what they may do.
const REJECTED: [&str; 11] = [
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// Answers to a wrong signature quote the request, the session token included.
const QUOTE_THE_REQUEST: [&str; 3] =
    ["IncompleteSignature", "InvalidSignatureException", "SignatureDoesNotMatch"];

pub fn failure<E>(error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let (why, detail) = match error {
        SdkError::TimeoutError(_) => (Why::TimedOut, String::new()),
        SdkError::DispatchFailure(it) if it.is_timeout() => (Why::TimedOut, cause(error)),
        SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => {
            (Why::Unreachable, cause(error))
        }
        SdkError::ResponseError(_) if is_in_chain(error, "ThroughputBelowMinimum") => {
            (Why::TimedOut, cause(error))
        }
        SdkError::ResponseError(it) => (Why::Unreadable, at_status(it.raw(), error)),
        SdkError::ServiceError(it) => match it.err().code() {
            Some(code) => (meaning(code), worded(code, it.err().message())),
            // A proxy's page, or XML that does not parse.
            None => (Why::Unreadable, at_status(it.raw(), error)),
        },
        _ => (Why::Unreadable, cause(error)),
    };
    Failure { why, detail: printable(&detail) }
}

fn at_status(raw: &HttpResponse, error: &(dyn Error + 'static)) -> String {
    let status = raw.status();
    if status.is_success() {
        format!("HTTP {}: {}", status.as_u16(), cause(error))
    } else {
        format!("HTTP {} without an error of AWS", status.as_u16())
    }
}

/// What is below the SDK's own summary of an error, such as "dispatch failure".
pub fn cause(error: &(dyn Error + 'static)) -> String {
    error.source().map_or_else(|| error.to_string(), chain)
}

fn meaning(code: &str) -> Why {
    if DENIED.contains(&code) {
        Why::Denied
    } else if THROTTLED.contains(&code) {
        Why::Throttled
    } else if LATE.contains(&code) {
        Why::TimedOut
    } else {
        Why::Refused
    }
}

/// Does AWS reject the credentials, whatever is asked with them?
pub fn rejects_credentials(code: &str) -> bool {
    REJECTED.contains(&code)
}

fn worded(code: &str, message: Option<&str>) -> String {
    // An encoded authorization message is several hundred characters that only AWS can read.
    let message = message.unwrap_or_default();
    let message = message.split("Encoded authorization failure message").next().unwrap_or_default();
    let message = message.trim();
    if message.is_empty() || message == code || QUOTE_THE_REQUEST.contains(&code) {
        code.into()
    } else {
        format!("{code}: {message}")
    }
}

/// An error with its sources, outermost first, without the wrappers that only say where it passed.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    for it in sources(error) {
        if it.is::<InterceptorError>() || it.is::<ConnectorError>() {
            continue;
        }
        let part = it.to_string();
        // Many wrappers repeat their source.
        if parts.last().is_none_or(|last| !last.ends_with(&part)) {
            parts.push(part);
        }
    }
    parts.join(": ")
}

/// Is there an error of this enum variant among the sources? By name: for enums in crates that
/// are none of ours to depend on.
pub fn is_in_chain(error: &(dyn Error + 'static), variant: &str) -> bool {
    sources(error).any(|it| format!("{it:?}").starts_with(variant))
}

fn sources<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&it| it.source())
}

/// Belongs to the account that shares the VPC, and is not shown to ours.
pub fn hidden_by(owner: &AccountId) -> Failure {
    Failure { why: Why::HiddenByOwner, detail: format!("account {owner}") }
}

/// An answer that is not what the API documents.
pub fn unreadable(detail: impl AsRef<str>) -> Failure {
    Failure { why: Why::Unreadable, detail: printable(detail.as_ref()) }
}

/// A field that the API documents as always there.
pub fn field<T>(name: &str, value: Option<T>) -> Result<T, Failure> {
    value.ok_or_else(|| unreadable(format!("an answer without `{name}`")))
}

/// A field's text as a value of its type.
pub fn read<T: FromStr<Err: ToString>>(name: &str, raw: &str) -> Result<T, Failure> {
    raw.parse().map_err(|it: T::Err| unreadable(format!("`{name}`: {}", it.to_string())))
}

/// A field that must be there, as a value of its type.
pub fn named<T: FromStr<Err: ToString>>(name: &str, raw: Option<&str>) -> Result<T, Failure> {
    read(name, field(name, raw)?)
}

/// A field that may be there; an empty text counts as none.
pub fn maybe<T: FromStr<Err: ToString>>(
    name: &str,
    raw: Option<&str>,
) -> Result<Option<T>, Failure> {
    raw.filter(|it| !it.is_empty()).map(|it| read(name, it)).transpose()
}

pub fn timestamp(at: Option<&DateTime>) -> Option<Timestamp> {
    Timestamp::from_second(at?.secs())
}

pub fn row<T>(outcome: Outcome<T>) -> Row<T> {
    match outcome {
        Ok(Some(row)) => Row::Present(row),
        Ok(None) => Row::Absent(Absent::Absent),
        Err(Failure { why, detail }) => Row::Unknown { unknown: why, detail },
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::operation::describe_vpcs::DescribeVpcsError;
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::{body::SdkBody, error::ErrorMetadata};

    use super::*;

    fn http(status: u16) -> HttpResponse {
        HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::empty())
    }

    fn service(code: Option<&str>, message: &str) -> SdkError<DescribeVpcsError, HttpResponse> {
        let mut meta = ErrorMetadata::builder().message(message);
        if let Some(code) = code {
            meta = meta.code(code);
        }
        SdkError::service_error(DescribeVpcsError::generic(meta.build()), http(400))
    }

    #[test]
    fn codes_have_meanings() {
        let rows = [
            ("UnauthorizedOperation", Why::Denied),
            ("AccessDenied", Why::Denied),
            ("AccessDeniedException", Why::Denied),
            ("RequestLimitExceeded", Why::Throttled),
            ("Throttling", Why::Throttled),
            ("SlowDown", Why::Throttled),
            ("RequestTimeout", Why::TimedOut),
            ("ExpiredToken", Why::Refused),
            ("InternalError", Why::Refused),
            ("SomethingNew", Why::Refused),
        ];
        for (code, why) in rows {
            let found = failure(&service(Some(code), "because"));
            assert_eq!(found, Failure { why, detail: format!("{code}: because") });
        }
    }

    #[test]
    fn variants_have_meanings() {
        type Failed = SdkError<DescribeVpcsError, HttpResponse>;
        let io = || Box::new(std::io::Error::other("dns error"));
        let rows: [(Failed, Why, &str); 7] = [
            (Failed::timeout_error("late"), Why::TimedOut, ""),
            (Failed::dispatch_failure(ConnectorError::timeout(io())), Why::TimedOut, "dns error"),
            (Failed::dispatch_failure(ConnectorError::io(io())), Why::Unreachable, "dns error"),
            (
                Failed::dispatch_failure(ConnectorError::other(io(), None)),
                Why::Unreachable,
                "dns error",
            ),
            (Failed::construction_failure(io()), Why::Unreachable, "dns error"),
            (Failed::response_error(io(), http(200)), Why::Unreadable, "HTTP 200: dns error"),
            (service(None, ""), Why::Unreadable, "HTTP 400 without an error of AWS"),
        ];
        for (error, why, detail) in rows {
            let found = failure(&error);
            assert_eq!((found.why, found.detail.as_str()), (why, detail));
        }
    }

    #[test]
    fn details_are_fit_for_a_terminal() {
        let long = format!("a\u{1b}[31m\nb\t{}", "x".repeat(400));
        let found = failure(&service(Some("AccessDenied"), &long)).detail;
        assert!(found.starts_with("AccessDenied: a[31m b xxx"), "{found}");
        assert_eq!(found.chars().count(), 301);

        let encoded = "You may not. Encoded authorization failure message: aGVsbG8";
        let found = failure(&service(Some("UnauthorizedOperation"), encoded)).detail;
        assert_eq!(found, "UnauthorizedOperation: You may not.");
    }

    #[test]
    fn a_quoted_request_is_not_shown() {
        let quoted = "The canonical request was 'x-amz-security-token:FwoGZXIvYXdzEBE'";
        for code in QUOTE_THE_REQUEST {
            assert_eq!(failure(&service(Some(code), quoted)).detail, code);
            assert!(rejects_credentials(code));
        }
    }
}
