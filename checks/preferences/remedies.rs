//! How to change a session document, and where sessions are logged to.
//!
//! A document is saved as a whole, so a fix holds all of it. A new version is not the default by itself.

use alloc::{format, string::ToString, vec::Vec};

use serde_json::{Value, json};

use crate::engine::permission::{
    InlinePolicy, allowing, allowing_principal, edit, policy_document, policy_name, set,
};
use crate::identity_remedies::caller;
use ssm_doctor_analysis::{
    answer::FixOption,
    case::Case,
    permissions::{agent_identity::agent_role, identity::AgentRole, operator},
    session::Preferences,
};
use ssm_doctor_facts::{
    change::{Change, KmsChange, LogsChange, Risk, SsmChange},
    iam::Key,
    ids::{Arn, DocumentName, KeyName, LogGroupName},
    lookup::Unknown,
};

/// The document with other inputs: a value, or none for an input that is to go.
pub(crate) fn with_inputs(
    option: FixOption,
    case: &Case,
    name: &DocumentName,
    inputs: &[(&str, Option<Value>)],
) -> FixOption {
    edited(option, case, name, |content| {
        let content = content.as_object_mut()?;
        let current = content.entry("inputs").or_insert_with(|| json!({}));
        if !current.is_object() {
            *current = json!({});
        }
        let current = current.as_object_mut()?;
        for (input, value) in inputs {
            match value {
                Some(value) => {
                    current.insert((*input).into(), value.clone());
                }
                None => {
                    current.remove(*input);
                }
            }
        }
        Some(())
    })
}

/// The document after an edit, as a change.
pub(crate) fn edited(
    option: FixOption,
    case: &Case,
    name: &DocumentName,
    edit: impl FnOnce(&mut Value) -> Option<()>,
) -> FixOption {
    if name.as_str().starts_with("arn:") {
        return option.after(format!("ask the account that owns {name} to do it"));
    }
    let found = case.facts.document(name).optional();
    let Some(content) = found.ok().flatten().and_then(|document| document.content.json()) else {
        return option.after(format!("write the whole content of {name} anew: it cannot be read"));
    };
    let mut content = content.clone();
    if edit(&mut content).is_none() {
        return option.after(format!("correct {name} by hand"));
    }
    let name = name.clone();
    option.with(SsmChange::UpdateDocument { name, content: content.to_string() })
}

/// A session document that asks for nothing. Source: Systems Manager user guide, "Session document schema".
pub(crate) fn plain_document(name: &DocumentName) -> SsmChange {
    let content = json!({
        "schemaVersion": "1.0",
        "description": "Session Manager",
        "sessionType": "Standard_Stream",
        "inputs": {},
    });
    SsmChange::CreateDocument { name: name.clone(), content: content.to_string() }
}

/// The document without some inputs, which gives up what they ask for.
pub(crate) fn giving_up(
    what: &str,
    case: &Case,
    name: &DocumentName,
    inputs: &[(&str, Option<Value>)],
) -> FixOption {
    let option = FixOption::new(format!("{what} in {name} (this gives up a control)"))
        .risking(Risk::WidensAccess);
    with_inputs(option, case, name, inputs)
}

/// Creates a key that this session's operator and agent may use, and names it in the document.
pub(crate) fn use_new_key(case: &Case, name: &DocumentName) -> Option<FixOption> {
    let mut statements = Vec::from([delegation(case)?]);
    if let Ok(Some(role)) = agent_role(case) {
        statements.push(granting(&role.arn, "kms:Decrypt"));
    }
    if let Ok(identity) = operator::identity(case) {
        statements.push(granting(&identity.arn, "kms:GenerateDataKey"));
    }
    let key = KeyName::created();
    let option = FixOption::new(format!(
        "create a KMS key in {} that the operator and the agent may use, and name it in {name}",
        case.scope.region
    ))
    .after("note that the agents and operators of other sessions in this Region need the key, too")
    .with(KmsChange::CreateKey { policy: policy_document(&statements) });
    Some(with_inputs(option, case, name, &[("kmsKeyId", Some(json!(key.to_string())))]))
}

/// The account's IAM policies decide, too. Source: KMS developer guide, "Default key policy".
fn delegation(case: &Case) -> Option<Value> {
    let caller = caller(case)?;
    let root = format!("arn:{}:iam::{}:root", caller.arn.partition(), caller.account);
    Some(allowing_principal(&json!({ "AWS": root }), &["kms:*"], "*"))
}

fn granting(to: &Arn, action: &str) -> Value {
    allowing_principal(&json!({ "AWS": to }), &[action], "*")
}

/// The ways to encrypt a log group, which exists or is to be created.
pub(crate) fn encrypt_group(
    group: &LogGroupName,
    exists: bool,
    preferences: &Preferences,
    case: &Case,
) -> Vec<FixOption> {
    let what = if exists { "encrypt" } else { "create" };
    let change = |key: KeyName| -> Change {
        let group = group.clone();
        if exists {
            LogsChange::EncryptLogGroup { group, key }.into()
        } else {
            LogsChange::CreateLogGroup { group, key: Some(key) }.into()
        }
    };
    let logs = of_logs(group, case);
    let mut options = Vec::new();
    if let (Ok(Some(key)), Some(logs)) = (preferences.key(case.facts), &logs)
        && let Some(admit) = admit_to_key(key, logs)
        && let Ok(name) = key.arn.to_string().parse()
    {
        let title = format!("{what} the log group {group} with the session key, {}", key.arn);
        options.push(FixOption::new(title).with(admit).with(change(name)));
    }
    if let (Some(delegation), Some(logs)) = (delegation(case), logs) {
        let title = format!(
            "create a KMS key for CloudWatch Logs, and {what} the log group {group} with it"
        );
        let policy = policy_document(&[delegation, logs]);
        options.push(
            FixOption::new(title)
                .with(KmsChange::CreateKey { policy })
                .with(change(KeyName::created())),
        );
    }
    let off = [("cloudWatchEncryptionEnabled", Some(json!(false)))];
    options.push(giving_up(
        "stop requiring that the log group is encrypted,",
        case,
        &preferences.name,
        &off,
    ));
    options
}

/// Lets `CloudWatch` Logs use a key that is there.
fn admit_to_key(key: &Key, logs: &Value) -> Option<KmsChange> {
    if key.state != "Enabled" {
        return None;
    }
    let policy = edit::with_statements(Some(key.policy().ok()?), core::slice::from_ref(logs))?;
    Some(KmsChange::PutKeyPolicy { key: key.arn.to_string(), policy: policy.to_string() })
}

/// Source: `CloudWatch` Logs user guide, "Encrypt log data in `CloudWatch` Logs using AWS KMS".
fn of_logs(group: &LogGroupName, case: &Case) -> Option<Value> {
    let caller = caller(case)?;
    let region = &case.scope.region;
    let (partition, account) = (caller.arn.partition(), &caller.account);
    let actions =
        ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"];
    let service = format!("logs.{region}.{}", region.dns_suffix());
    let mut statement = allowing_principal(&json!({ "Service": service }), &actions, "*");
    let arn = format!("arn:{partition}:logs:{region}:{account}:log-group:{group}");
    let condition = json!({ "ArnEquals": { "kms:EncryptionContext:aws:logs:arn": arn } });
    set(&mut statement, "Condition", condition);
    Some(statement)
}

/// All that logging to the log group takes.
///
/// # Errors
/// [`Unknown`] when the preferences cannot be read.
pub(crate) fn log_group_policy(
    preferences: &Preferences,
    role: &AgentRole,
    case: &Case,
) -> Result<Option<InlinePolicy>, Unknown> {
    let (partition, account) = (role.arn.partition(), role.arn.account());
    let Some(streams) = preferences.streams(partition, &case.scope.region, account)? else {
        return Ok(None);
    };
    let write = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"];
    Ok(Some(InlinePolicy {
        name: policy_name("session-logs", &streams.all),
        // This action has no resource but `*`.
        statements: Vec::from([
            allowing(&["logs:DescribeLogGroups"], "*"),
            allowing(&write, &streams.all),
        ]),
        resource: streams.all,
    }))
}

/// All that logging to the bucket takes.
///
/// # Errors
/// [`Unknown`] when the preferences cannot be read.
pub(crate) fn bucket_policy(
    preferences: &Preferences,
    role: &AgentRole,
    case: &Case,
) -> Result<Option<InlinePolicy>, Unknown> {
    let partition = role.arn.partition();
    let (Some(bucket), Some(objects)) = (preferences.bucket()?, preferences.objects(partition)?)
    else {
        return Ok(None);
    };
    let arn = format!("arn:{partition}:s3:::{bucket}");
    let mut statements = Vec::from([
        allowing(&["s3:PutObject", "s3:PutObjectAcl"], &objects.all),
        allowing(&["s3:GetEncryptionConfiguration"], &arn),
    ]);
    // With a key of one's own, S3 encrypts for the role.
    let found = case.facts.bucket(&bucket).optional().ok().flatten();
    let key = found.and_then(|found| found.encryption.iter().find_map(|rule| rule.key.as_ref()));
    if let Some(Ok(Some(key))) = key.map(|name| case.facts.key(name).optional()) {
        statements.push(allowing(&["kms:GenerateDataKey"], key.arn.as_str()));
    }
    Ok(Some(InlinePolicy {
        name: policy_name("session-logs", &arn),
        statements,
        resource: objects.all,
    }))
}

/// Where the session documents of the Region are listed.
pub(crate) fn name_existing(case: &Case) -> FixOption {
    let region = &case.scope.region;
    FixOption::new(format!("start the session with a session document that exists in {region}"))
        .after(format!(
            "choose one of `aws ssm list-documents --filters Key=DocumentType,Values=Session --region {region}`, or leave --document-name out"
        ))
}
