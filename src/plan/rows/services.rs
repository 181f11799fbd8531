//! Keys, buckets and log groups: what sessions are encrypted with and logged to.

use serde_json::Value;
use ssm_doctor_facts::{
    cloudwatch_logs::LogGroup,
    iam::Key,
    ids::{Arn, BucketName, KeyName, LogGroupName},
    lookup::{Absent, Row},
    s3::{Bucket, BucketEncryption},
    text::Text,
};

use super::row::{Rows, partition, unknown};
use crate::plan::world::{Home, Known, Resource, World};

const KEY: [&str; 1] = ["aws_kms_key"];
const BUCKET: [&str; 1] = ["aws_s3_bucket"];

pub(super) fn add(rows: &mut Rows, world: &World, home: &Home) {
    for resource in world.of(home, &KEY) {
        key(rows, world, home, resource);
    }
    for resource in world.of(home, &BUCKET) {
        bucket(rows, world, home, resource);
    }
    for resource in world.of(home, &["aws_cloudwatch_log_group"]) {
        let Ok(name) = resource.id.parse::<LogGroupName>() else { continue };
        let row = match world.refers_to_one(resource, "kms_key_id", &KEY) {
            Known::Unknown(why, address) => unknown(why, &address),
            key => Row::Present(LogGroup { key: key.value() }),
        };
        rows.facts.log_groups.insert(name, row);
    }
}

/// Under its ARN, its id and its aliases: the preferences may name it by any of them.
fn key(rows: &mut Rows, world: &World, home: &Home, resource: &Resource) {
    let arn = resource.known("arn").unwrap_or_else(|| {
        format!("arn:{}:kms:{}:{}:key/{}", partition(home), home.region, home.account, resource.id)
    });
    let Ok(arn) = arn.parse::<Arn>() else { return };
    let of_its_own = world
        .of(home, &["aws_kms_key_policy"])
        .find(|policy| world.refers_to(policy, "key_id", &KEY, &resource.id));
    let policy = match of_its_own.unwrap_or(resource).text("policy") {
        Known::Value(text) => Row::Present(Text::parse(&text)),
        Known::Unknown(why, address) => unknown(why, &address),
        // Source: KMS developer guide, "Default key policy".
        Known::None => Row::Present(Text::Json(serde_json::json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "AWS": format!("arn:{}:iam::{}:root", partition(home), home.account) },
                "Action": "kms:*",
                "Resource": "*",
            }],
        }))),
    };
    let row = Key {
        state: if resource.flag("is_enabled", true) { "Enabled" } else { "Disabled" }.into(),
        usage: resource.known("key_usage").unwrap_or_else(|| "ENCRYPT_DECRYPT".into()),
        manager: Some("CUSTOMER".into()),
        spec: Some(
            resource
                .known("customer_master_key_spec")
                .unwrap_or_else(|| "SYMMETRIC_DEFAULT".into()),
        ),
        policy,
        arn: arn.clone(),
    };
    let mut names = vec![arn.to_string(), resource.id.clone()];
    names.extend(resource.known("key_id"));
    for alias in world.of(home, &["aws_kms_alias"]) {
        let of = world.refers_to_one(alias, "target_key_id", &KEY).value();
        if of.as_deref() == Some(resource.id.as_str()) || of == resource.known("key_id") {
            names.extend(alias.known("name"));
        }
    }
    for name in names {
        if let Ok(name) = name.parse::<KeyName>() {
            rows.facts.keys.insert(name, Row::Present(row.clone()));
        }
    }
    rows.facts.key_grants.insert(arn, Row::Present(Vec::new()));
}

fn bucket(rows: &mut Rows, world: &World, home: &Home, resource: &Resource) {
    let Ok(name) = resource.id.parse::<BucketName>() else { return };
    let is_of = |other: &&Resource| world.refers_to(other, "bucket", &BUCKET, &resource.id);
    let rule = world
        .of(home, &["aws_s3_bucket_server_side_encryption_configuration"])
        .find(is_of)
        .and_then(|other| {
            other.items("rule").first()?.get("apply_server_side_encryption_by_default")?.get(0)
        });
    let text = |name: &str| rule?.get(name).and_then(Value::as_str).map(str::to_owned);
    // S3 encrypts every new bucket. Source: S3 user guide, "Setting default server-side encryption".
    let encryption = BucketEncryption {
        algorithm: text("sse_algorithm").unwrap_or_else(|| "AES256".into()),
        key: text("kms_master_key_id").and_then(|key| key.parse().ok()),
    };
    rows.facts
        .buckets
        .insert(name.clone(), Row::Present(Bucket { region: None, encryption: vec![encryption] }));
    let of_its_own = world.of(home, &["aws_s3_bucket_policy"]).find(is_of);
    let policy = match of_its_own.unwrap_or(resource).text("policy") {
        Known::Value(text) => Row::Present(Text::parse(&text)),
        Known::None => Row::Absent(Absent::Absent),
        Known::Unknown(why, address) => unknown(why, &address),
    };
    rows.facts.bucket_policies.insert(name, policy);
}
