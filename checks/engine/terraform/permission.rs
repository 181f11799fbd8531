//! Changes to identities, policies, keys and settings as resources.
//!
//! There is no block for what only an attribute of an existing resource says, such as the trust policy of
//! a role or the profile of an instance.

use alloc::string::String;

use ssm_doctor_facts::{
    change::{
        EndpointPolicyChange, IamChange, KmsChange, LogsChange, PolicyHolder, S3Change,
        ServiceSettingChange, SsmChange, TagChange,
    },
    ids::{KeyName, Target},
};

use super::hcl::{Block, identifier, quoted};

pub(super) fn iam(change: &IamChange) -> Option<String> {
    let of = |block: Block, holder: &PolicyHolder| block.text(holder.kind(), holder.name());
    Some(match change {
        IamChange::AttachPolicy { to, policy } => {
            let kind = alloc::format!("aws_iam_{}_policy_attachment", to.kind());
            let block = Block::resource(&kind, &identifier(policy.name()));
            of(block, to).text("policy_arn", policy.as_str()).end()
        }
        IamChange::PutInlinePolicy { of: holder, name, document } => {
            let kind = alloc::format!("aws_iam_{}_policy", holder.kind());
            let block = Block::resource(&kind, &identifier(name)).text("name", name);
            of(block, holder).text("policy", document).end()
        }
        IamChange::CreateRole { role, path, trust } => {
            let block = Block::resource("aws_iam_role", &identifier(role.as_str()))
                .text("name", role.as_str());
            let block = match path {
                Some(path) => block.text("path", path),
                None => block,
            };
            block.text("assume_role_policy", trust).end()
        }
        IamChange::CreateInstanceProfile { profile, role } => {
            Block::resource("aws_iam_instance_profile", &identifier(profile.as_str()))
                .text("name", profile.as_str())
                .text("role", role.as_str())
                .end()
        }
        IamChange::DetachPolicy { .. }
        | IamChange::DeleteInlinePolicy { .. }
        | IamChange::CreatePolicyVersion { .. }
        | IamChange::UpdateAssumeRolePolicy { .. }
        | IamChange::AddRoleToInstanceProfile { .. }
        | IamChange::TagUser { .. }
        | IamChange::TagRole { .. } => return None,
    })
}

pub(super) fn tag(change: &TagChange) -> Option<String> {
    let TagChange::TagTarget { target: Target::Instance(instance), key, value } = change else {
        return None;
    };
    let block = Block::resource("aws_ec2_tag", &identifier(key));
    Some(block.text("resource_id", instance.as_str()).text("key", key).text("value", value).end())
}

pub(super) fn endpoint_policy(change: &EndpointPolicyChange) -> String {
    let (endpoint, policy) = match change {
        EndpointPolicyChange::Put { endpoint, policy } => (endpoint, Some(policy)),
        EndpointPolicyChange::Reset { endpoint } => (endpoint, None),
    };
    let block = Block::resource("aws_vpc_endpoint_policy", &identifier(endpoint.as_str()))
        .text("vpc_endpoint_id", endpoint.as_str());
    match policy {
        Some(policy) => block.text("policy", policy).end(),
        // Without a policy, the resource gives the endpoint the default one.
        None => block.end(),
    }
}

pub(super) fn kms(change: &KmsChange) -> Option<String> {
    match change {
        KmsChange::CreateKey { policy } => Some(
            Block::resource("aws_kms_key", "ssm_doctor")
                .text("description", "Session Manager")
                .text("policy", policy)
                .end(),
        ),
        KmsChange::PutKeyPolicy { key, policy } => Some(
            Block::resource("aws_kms_key_policy", "ssm_doctor")
                .text("key_id", key)
                .text("policy", policy)
                .end(),
        ),
        KmsChange::EnableKey { .. } | KmsChange::CancelKeyDeletion { .. } => None,
    }
}

pub(super) fn s3(change: &S3Change) -> String {
    match change {
        S3Change::CreateBucket { bucket } => {
            Block::resource("aws_s3_bucket", "ssm_doctor").text("bucket", bucket.as_str()).end()
        }
        S3Change::PutBucketPolicy { bucket, policy } => {
            Block::resource("aws_s3_bucket_policy", "ssm_doctor")
                .text("bucket", bucket.as_str())
                .text("policy", policy)
                .end()
        }
        S3Change::EncryptBucket { bucket } => {
            let rule = "{\n    apply_server_side_encryption_by_default {\n      sse_algorithm = \"AES256\"\n    }\n  }";
            Block::resource("aws_s3_bucket_server_side_encryption_configuration", "ssm_doctor")
                .text("bucket", bucket.as_str())
                .nested_block("rule", rule)
                .end()
        }
    }
}

pub(super) fn logs(change: &LogsChange) -> Option<String> {
    let LogsChange::CreateLogGroup { group, key } = change else { return None };
    let block =
        Block::resource("aws_cloudwatch_log_group", "ssm_doctor").text("name", group.as_str());
    Some(match key {
        Some(key) => block.expression("kms_key_id", &arn_of(key)).end(),
        None => block.end(),
    })
}

pub(super) fn ssm(change: &SsmChange) -> Option<String> {
    let document = |name: &str, content: &str| {
        Block::resource("aws_ssm_document", "ssm_doctor")
            .text("name", name)
            .text("document_type", "Session")
            .text("document_format", "JSON")
            .text("content", content)
            .end()
    };
    match change {
        SsmChange::CreateDocument { name, content } => Some(document(name.as_str(), content)),
        // The document exists, so Terraform takes it over.
        SsmChange::UpdateDocument { name, content } => Some(alloc::format!(
            "import {{\n  to = aws_ssm_document.ssm_doctor\n  id = {}\n}}\n\n{}",
            quoted(name.as_str()),
            document(name.as_str(), content)
        )),
        SsmChange::SetDefaultDocumentVersion { .. } | SsmChange::UpdateAgent { .. } => None,
    }
}

pub(super) fn service_setting(change: &ServiceSettingChange) -> String {
    let ServiceSettingChange::Update { setting, value } = change;
    Block::resource("aws_ssm_service_setting", "ssm_doctor")
        .text("setting_id", setting)
        .text("setting_value", value)
        .end()
}

/// A log group takes the ARN of a key.
fn arn_of(key: &KeyName) -> String {
    if key.is_created() { "aws_kms_key.ssm_doctor.arn".into() } else { quoted(key.as_str()) }
}
