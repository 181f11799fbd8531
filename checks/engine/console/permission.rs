//! Where the console changes identities, policies, keys and settings.

use alloc::{format, string::String};

use ssm_doctor_facts::change::{
    EndpointPolicyChange, IamChange, InstanceProfileChange, KmsChange, LogsChange, PolicyHolder,
    S3Change, ServiceSettingChange, SsmChange, TagChange,
};

pub(super) fn iam(change: &IamChange) -> String {
    let at = |holder: &PolicyHolder| {
        let list = match holder {
            PolicyHolder::Role(_) => "Roles",
            PolicyHolder::User(_) => "Users",
            PolicyHolder::Group(_) => "User groups",
        };
        format!("IAM → {list} → {} → Permissions", holder.name())
    };
    match change {
        IamChange::AttachPolicy { to, policy } => {
            format!("{} → Add permissions → Attach policies → {}", at(to), policy.name())
        }
        IamChange::DetachPolicy { from, policy } => {
            format!("{} → {} → Remove", at(from), policy.name())
        }
        IamChange::PutInlinePolicy { of, name, .. } => {
            format!("{} → Add permissions → Create inline policy → JSON → {name}", at(of))
        }
        IamChange::DeleteInlinePolicy { of, name } => format!("{} → {name} → Remove", at(of)),
        IamChange::CreatePolicyVersion { policy, .. } => {
            format!("IAM → Policies → {} → Edit → JSON", policy.name())
        }
        IamChange::CreateRole { role, .. } => {
            format!("IAM → Roles → Create role → Custom trust policy → {role}")
        }
        IamChange::UpdateAssumeRolePolicy { role, .. } => {
            format!("IAM → Roles → {role} → Trust relationships → Edit trust policy")
        }
        // The console makes a profile together with a role for EC2.
        IamChange::CreateInstanceProfile { profile, .. }
        | IamChange::AddRoleToInstanceProfile { profile, .. } => {
            format!("IAM → Roles → Create role → AWS service → EC2 → {profile}")
        }
        IamChange::TagUser { user, .. } => format!("IAM → Users → {user} → Tags → Manage tags"),
        IamChange::TagRole { role, .. } => format!("IAM → Roles → {role} → Tags → Manage tags"),
    }
}

pub(super) fn tag(change: &TagChange) -> String {
    let TagChange::TagTarget { target, .. } = change;
    match target.instance() {
        Some(id) => format!("EC2 → Instances → {id} → Tags → Manage tags"),
        None => format!("Systems Manager → Fleet Manager → {target} → Tags"),
    }
}

pub(super) fn instance_profile(change: &InstanceProfileChange) -> String {
    let (id, choice) = match change {
        InstanceProfileChange::Associate { instance, profile }
        | InstanceProfileChange::Replace { instance, profile } => (instance, profile.as_str()),
        InstanceProfileChange::Disassociate { instance } => (instance, "No IAM Role"),
    };
    format!("EC2 → Instances → {id} → Actions → Security → Modify IAM role → {choice}")
}

pub(super) fn endpoint_policy(change: &EndpointPolicyChange) -> String {
    let (endpoint, choice) = match change {
        EndpointPolicyChange::Put { endpoint, .. } => (endpoint, "Custom"),
        EndpointPolicyChange::Reset { endpoint } => (endpoint, "Full access"),
    };
    format!("VPC → Endpoints → {endpoint} → Actions → Manage policy → {choice}")
}

pub(super) fn kms(change: &KmsChange) -> String {
    const KEYS: &str = "KMS → Customer managed keys";
    match change {
        KmsChange::CreateKey { .. } => format!("{KEYS} → Create key → Symmetric"),
        KmsChange::EnableKey { key } => format!("{KEYS} → {key} → Key actions → Enable"),
        KmsChange::CancelKeyDeletion { key } => {
            format!("{KEYS} → {key} → Key actions → Cancel key deletion")
        }
        KmsChange::PutKeyPolicy { key, .. } => format!("{KEYS} → {key} → Key policy → Edit"),
    }
}

pub(super) fn s3(change: &S3Change) -> String {
    match change {
        S3Change::CreateBucket { bucket } => format!("S3 → Create bucket → {bucket}"),
        S3Change::PutBucketPolicy { bucket, .. } => {
            format!("S3 → {bucket} → Permissions → Bucket policy → Edit")
        }
        S3Change::EncryptBucket { bucket } => {
            format!("S3 → {bucket} → Properties → Default encryption → Edit → SSE-S3")
        }
    }
}

/// The console encrypts no log group that exists.
pub(super) fn logs(change: &LogsChange) -> Option<String> {
    match change {
        LogsChange::CreateLogGroup { group, .. } => {
            Some(format!("CloudWatch → Log groups → Create log group → {group}"))
        }
        LogsChange::EncryptLogGroup { .. } => None,
    }
}

pub(super) fn ssm(change: &SsmChange) -> Option<String> {
    match change {
        SsmChange::CreateDocument { name, .. } => Some(format!(
            "Systems Manager → Documents → Create document → Command or Session → {name}"
        )),
        SsmChange::UpdateDocument { name, .. } if name.as_str() == "SSM-SessionManagerRunShell" => {
            Some("Systems Manager → Session Manager → Preferences → Edit".into())
        }
        SsmChange::UpdateDocument { name, .. } => Some(format!(
            "Systems Manager → Documents → Owned by me → {name} → Actions → Create new version"
        )),
        SsmChange::SetDefaultDocumentVersion { name, version } => Some(format!(
            "Systems Manager → Documents → Owned by me → {name} → Actions → Set default version → {version}"
        )),
        SsmChange::UpdateAgent { .. } => None,
    }
}

pub(super) fn service_setting(change: &ServiceSettingChange) -> String {
    let ServiceSettingChange::Update { setting, .. } = change;
    let page = if setting.ends_with("activation-tier") {
        "Settings → Change account settings"
    } else {
        "Account management → Configure Default Host Management Configuration"
    };
    format!("Systems Manager → Fleet Manager → {page}")
}
