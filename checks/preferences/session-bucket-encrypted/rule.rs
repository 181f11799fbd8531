//! The log bucket that must be encrypted exists, and is, in a way that the agent knows.
//!
//! It knows `AES256` and `aws:kms`; the newer `aws:kms:dsse`, which is stronger, it takes for no
//! encryption at all. Source: amazon-ssm-agent `agent/s3util/s3util.go`, `agent/session/shell/shell.go`.

use serde_json::json;

use crate::preferences_remedies::{giving_up, with_inputs};
use crate::preferences_words::{BUCKET_UNSEEN, session_ends_with, session_stopped_by};
use crate::prelude::*;
use ssm_doctor_analysis::session::{self, Gate, Gates, Preferences};
use ssm_doctor_facts::{change::S3Change, lookup::Need, s3::Bucket};

pub(crate) static CHECK: Check = Check {
    module: module_path!(),
    runbook: include_str!("README.md"),
    layer: Layer::Session,
    impact: Impact::Blocks,
    depends_on: &[&super::document_readable::CHECK],
    proves: &[],
    run,
};

/// What the agent takes for encryption.
const KNOWN: [&str; 2] = ["AES256", "aws:kms"];

fn run(case: &Case) -> Answer {
    let preferences = match session::gates(case)? {
        Gates::Apply(preferences) => preferences,
        Gates::None(why) => return Ok(Verdict::NotApplicable(why)),
    };
    let Some(name) = preferences.bucket()? else {
        return Ok(Verdict::NotApplicable("sessions are not logged to S3"));
    };
    if !preferences.flag("s3EncryptionEnabled")? {
        return Ok(Verdict::NotApplicable(
            "the bucket need not be encrypted, so nothing waits for it",
        ));
    }
    let Some(bucket) = find(&name, case.facts)? else {
        return Ok(Verdict::Fail(
            missing(&name, &preferences).and(session_ends_with(BUCKET_UNSEEN)),
            make(&name, &preferences, case),
        ));
    };
    let subject = format!("bucket {name}");
    let algorithms: Vec<&str> = bucket.encryption.iter().map(|it| it.algorithm.as_str()).collect();
    if algorithms.iter().any(|it| KNOWN.contains(it)) {
        return Ok(Verdict::Pass(observed(
            &subject,
            format!("is encrypted by default with {}", algorithms.join(", ")),
        )));
    }
    let found = if algorithms.is_empty() {
        "has no default encryption".into()
    } else {
        format!(
            "is encrypted by default with {}, which the agent does not know: it knows {}",
            algorithms.join(", "),
            KNOWN.join(" and ")
        )
    };
    let evidence = observed(&subject, found)
        .and(observed(&preferences.name, "refuses sessions unless it is encrypted"))
        .and(session_stopped_by(Gate::Bucket));
    let encrypt = FixOption::new(format!("encrypt {name} by default with SSE-S3"))
        .with(S3Change::EncryptBucket { bucket: name });
    let off = giving_up(
        "stop requiring that the log bucket is encrypted,",
        case,
        &preferences.name,
        &[("s3EncryptionEnabled", Some(json!(false)))],
    );
    Ok(Verdict::Fail(evidence, Fix::options([encrypt, off], Recovery::NextSession)))
}

/// The bucket; None where nobody has one of that name, or can: an address or an ARN is no name.
pub(super) fn find<'f>(name: &BucketName, facts: &'f Facts) -> Result<Option<&'f Bucket>, Unknown> {
    if is_possible(name) { facts.bucket(name).optional() } else { Ok(None) }
}

/// Source: Amazon S3 user guide, "Bucket naming rules". Older buckets in us-east-1 were allowed more.
fn is_possible(name: &BucketName) -> bool {
    let name = name.as_str();
    let plain = |it: u8| it.is_ascii_alphanumeric() || b".-_".contains(&it);
    (3..=255).contains(&name.len()) && name.bytes().all(plain)
}

pub(super) fn missing(name: &BucketName, preferences: &Preferences) -> Evidence {
    let why = if is_possible(name) {
        "nobody has a bucket of that name"
    } else {
        "no bucket can have that name"
    };
    observed(&format!("bucket {name}"), format!("is named in {}, and {why}", preferences.name))
}

/// The bucket created, or none named.
pub(super) fn make(name: &BucketName, preferences: &Preferences, case: &Case) -> Fix {
    let create = is_possible(name).then(|| {
        FixOption::new(format!("create the bucket {name} in {}", case.scope.region))
            .with(S3Change::CreateBucket { bucket: name.clone() })
    });
    let named = meant(name).and_then(|(bucket, path)| {
        let below = preferences.text("s3KeyPrefix").ok()?;
        let prefix: Vec<&str> = [path, below.unwrap_or_default().trim_matches('/')]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        let title = format!("name the bucket {bucket} in s3BucketName of {}", preferences.name);
        let (title, prefix) = match prefix.as_slice() {
            [] => (title, None),
            parts => {
                let prefix = parts.join("/");
                (format!("{title}, and {prefix} in s3KeyPrefix"), Some(json!(prefix)))
            }
        };
        let mut inputs = Vec::from([("s3BucketName", Some(json!(bucket)))]);
        inputs.extend(prefix.map(|prefix| ("s3KeyPrefix", Some(prefix))));
        let option = FixOption::new(title).wanting([Need::bucket(bucket.parse().ok()?)]);
        Some(with_inputs(option, case, &preferences.name, &inputs))
    });
    let off = giving_up(
        "stop logging sessions to S3",
        case,
        &preferences.name,
        &[("s3BucketName", None), ("s3EncryptionEnabled", Some(json!(false)))],
    );
    Fix::options(create.into_iter().chain(named).chain([off]), Recovery::NextSession)
}

/// The bucket, and the path in it, that a text means which no bucket can have as its name: an ARN, an `s3://` address,
/// or a name with a path.
fn meant(name: &BucketName) -> Option<(&str, &str)> {
    if is_possible(name) {
        return None;
    }
    let name = name.as_str();
    let name =
        name.strip_prefix("s3://").or_else(|| Some(name.split_once(":::")?.1)).unwrap_or(name);
    let (bucket, path) = name.split_once('/').unwrap_or((name, ""));
    let is_bucket = bucket.parse::<BucketName>().is_ok_and(|bucket| is_possible(&bucket));
    is_bucket.then_some((bucket, path.trim_matches('/')))
}
