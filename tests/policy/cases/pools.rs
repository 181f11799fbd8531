//! The actions, patterns, keys and values that cases are made of.
//!
//! The pools are small, so that patterns, values and principals meet often: a statement that nothing ever
//! matches tests nothing.

use super::{ACCOUNT, INSTANCE, OTHER_ACCOUNT, ROLE, USER};

/// An action, its resource, and the patterns and keys that policies use for it.
pub struct Target {
    pub action: &'static str,
    pub resource: &'static str,
    pub owner: &'static str,
    /// Patterns that match, or nearly match.
    pub patterns: &'static [&'static str],
    /// Whether the resource can have a policy.
    pub has_policy: bool,
    pub keys: &'static [&'static str],
}

pub const TARGETS: &[Target] = &[
    Target {
        action: "ssm:StartSession",
        resource: "arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc123def4567890",
        owner: ACCOUNT,
        patterns: &[
            "arn:aws:ec2:*:*:instance/*",
            "arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc123def4567890",
            "arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc*",
            "arn:aws:ec2:eu-west-?:*:instance/i-???????????????????",
            "arn:aws:ec2:us-east-1:*:instance/*",
            "arn:aws:ec2:eu-west-1:444455556666:instance/*",
            "arn:aws:ec2:*:*:instance/${aws:PrincipalTag/node}",
            "arn:aws:ec2:*:*:instance/${aws:PrincipalTag/node, 'i-0abc123def4567890'}",
            "arn:aws:ec2",
            "arn:aws:ec2:*",
            "arn:aws:ssm:*",
        ],
        has_policy: false,
        keys: &["ssm:resourceTag/env", "aws:ResourceTag/env", "ssm:SessionDocumentAccessCheck"],
    },
    Target {
        action: "ssm:StartSession",
        resource: "arn:aws:ssm:eu-west-1:111122223333:document/SSM-SessionManagerRunShell",
        owner: ACCOUNT,
        patterns: &[
            "arn:aws:ssm:*:*:document/*",
            "arn:aws:ssm:*:111122223333:document/SSM-SessionManagerRunShell",
            "arn:aws:ssm:*:*:document/AWS-StartSSHSession",
            "arn:aws:ssm:*:*:document/SSM-*Shell",
            "arn:aws:ssm:*:*:document/ssm-sessionmanagerrunshell",
        ],
        has_policy: false,
        keys: &["ssm:SessionDocumentAccessCheck", "aws:ResourceTag/env"],
    },
    Target {
        action: "ssm:TerminateSession",
        resource: "arn:aws:ssm:eu-west-1:111122223333:session/ana-0123456789abcdef0",
        owner: ACCOUNT,
        patterns: &[
            "arn:aws:ssm:*:*:session/${aws:username}-*",
            "arn:aws:ssm:*:*:session/${aws:userid}-*",
            "arn:aws:ssm:*:*:session/${aws:PrincipalTag/team, 'ana'}-*",
            "arn:aws:ssm:*:*:session/ana-*",
            "arn:aws:ssm:*:*:session/${*}",
        ],
        has_policy: false,
        keys: &["ssm:resourceTag/env", "aws:ResourceTag/env"],
    },
    Target {
        action: "ssmmessages:OpenDataChannel",
        resource: "*",
        owner: ACCOUNT,
        patterns: &["arn:aws:ssmmessages:*:*:*", "arn:aws:ssm:*:*:session/*"],
        has_policy: false,
        keys: &[],
    },
    Target {
        action: "logs:DescribeLogGroups",
        resource: "*",
        owner: ACCOUNT,
        patterns: &["arn:aws:logs:*:*:log-group:*"],
        has_policy: false,
        keys: &[],
    },
    Target {
        action: "logs:PutLogEvents",
        resource: "arn:aws:logs:eu-west-1:111122223333:log-group:/ssm/shell:log-stream:ana-1",
        owner: ACCOUNT,
        patterns: &[
            "arn:aws:logs:*:*:log-group:*",
            "arn:aws:logs:*:*:log-group:/ssm/*:log-stream:*",
            "arn:aws:logs:*:*:log-group:/ssm/shell:*",
            "arn:aws:logs:*:*:log-group:/ssm/shell",
            "arn:aws:logs:*:*:log-group:/other:*",
        ],
        has_policy: false,
        keys: &["aws:ResourceTag/env"],
    },
    Target {
        action: "s3:PutObject",
        resource: "arn:aws:s3:::logs/sessions/ana/1.log",
        owner: ACCOUNT,
        patterns: S3,
        has_policy: true,
        keys: &["s3:x-amz-acl"],
    },
    Target {
        action: "s3:PutObject",
        resource: "arn:aws:s3:::logs/sessions/ana/1.log",
        owner: OTHER_ACCOUNT,
        patterns: S3,
        has_policy: true,
        keys: &["s3:x-amz-acl"],
    },
    Target {
        action: "kms:Decrypt",
        resource: "arn:aws:kms:eu-west-1:111122223333:key/k-1",
        owner: ACCOUNT,
        patterns: KMS,
        has_policy: true,
        keys: &["kms:ViaService", "kms:EncryptionContext:aws:ssm:TargetId"],
    },
    Target {
        action: "kms:GenerateDataKey",
        resource: "arn:aws:kms:eu-west-1:444455556666:key/k-1",
        owner: OTHER_ACCOUNT,
        patterns: KMS,
        has_policy: true,
        keys: &["kms:ViaService", "kms:CallerAccount"],
    },
    Target {
        action: "sts:AssumeRole",
        resource: "arn:aws:iam::111122223333:role/app/Target",
        owner: ACCOUNT,
        patterns: &["arn:aws:iam::*:role/*", "arn:aws:iam::111122223333:role/app/Target"],
        has_policy: true,
        keys: &["sts:ExternalId"],
    },
    Target {
        action: "sqs:SendMessage",
        resource: "arn:aws:sqs:eu-west-1:111122223333:queue",
        owner: ACCOUNT,
        patterns: &["arn:aws:sqs:*:*:queue", "arn:aws:sqs:*:*:${aws:PrincipalTag/team}-queue"],
        has_policy: true,
        keys: &[],
    },
];

const S3: &[&str] = &[
    "arn:aws:s3:::logs/*",
    "arn:aws:s3:::logs/sessions/${aws:username}/*",
    "arn:aws:s3:::logs/sessions/*/*.log",
    "arn:aws:s3:::logs",
    "arn:aws:s3:::*",
    "arn:aws:s3:::logs/sessions/${aws:PrincipalTag/team, 'ana'}/?.log",
];

const KMS: &[&str] = &[
    "arn:aws:kms:*:*:key/*",
    "arn:aws:kms:*:111122223333:key/k-1",
    "arn:aws:kms:*:444455556666:key/k-?",
    "arn:aws:kms:*:*:alias/*",
];

/// The type of a key's values.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    Text,
    Number,
    Date,
    Bool,
    Ip,
    Arn,
    Binary,
}

/// A condition key, with the values that requests have and that conditions expect.
pub struct KeyPool {
    pub key: &'static str,
    pub kind: ValueType,
    pub multivalued: bool,
    pub values: &'static [&'static str],
    /// Conditions expect these too, besides `values`.
    pub patterns: &'static [&'static str],
}

const TEAMS: &[&str] = &["ops", "Ops", "dev", "ana", "a*"];
const TEAM_PATTERNS: &[&str] = &[
    "o*",
    "?ps",
    "*",
    "${aws:username}",
    "${aws:PrincipalTag/team}",
    "a${*}",
    "${aws:PrincipalTag/none, 'dev'}",
];

pub const KEY_POOLS: &[KeyPool] = &[
    KeyPool {
        key: "aws:PrincipalTag/team",
        kind: ValueType::Text,
        multivalued: false,
        values: TEAMS,
        patterns: TEAM_PATTERNS,
    },
    KeyPool {
        key: "aws:PrincipalTag/node",
        kind: ValueType::Text,
        multivalued: false,
        values: &[INSTANCE, "i-1"],
        patterns: &["i-*"],
    },
    KeyPool {
        key: "aws:ResourceTag/env",
        kind: ValueType::Text,
        multivalued: false,
        values: TEAMS,
        patterns: TEAM_PATTERNS,
    },
    KeyPool {
        key: "ssm:resourceTag/env",
        kind: ValueType::Text,
        multivalued: false,
        values: TEAMS,
        patterns: TEAM_PATTERNS,
    },
    KeyPool {
        key: "aws:RequestedRegion",
        kind: ValueType::Text,
        multivalued: false,
        values: &["eu-west-1", "us-east-1"],
        patterns: &["eu-*", "*-1"],
    },
    KeyPool {
        key: "aws:SourceVpce",
        kind: ValueType::Text,
        multivalued: false,
        values: &["vpce-1", "vpce-2"],
        patterns: &["vpce-*"],
    },
    KeyPool {
        key: "aws:UserAgent",
        kind: ValueType::Binary,
        multivalued: false,
        values: &["QmluYXJ5", "c3Nt"],
        patterns: &[],
    },
    KeyPool {
        key: "kms:ViaService",
        kind: ValueType::Text,
        multivalued: false,
        values: &["ssm.eu-west-1.amazonaws.com"],
        patterns: &["ssm.*.amazonaws.com"],
    },
    KeyPool {
        key: "kms:CallerAccount",
        kind: ValueType::Text,
        multivalued: false,
        values: &[ACCOUNT],
        patterns: &[OTHER_ACCOUNT, "${aws:PrincipalAccount}"],
    },
    KeyPool {
        key: "kms:EncryptionContext:aws:ssm:TargetId",
        kind: ValueType::Text,
        multivalued: false,
        values: &[INSTANCE],
        patterns: &["i-*"],
    },
    KeyPool {
        key: "s3:x-amz-acl",
        kind: ValueType::Text,
        multivalued: false,
        values: &["bucket-owner-full-control", "private"],
        patterns: &["bucket-*"],
    },
    KeyPool {
        key: "sts:ExternalId",
        kind: ValueType::Text,
        multivalued: false,
        values: &["x-1"],
        patterns: &["x-*"],
    },
    KeyPool {
        key: "aws:TagKeys",
        kind: ValueType::Text,
        multivalued: true,
        values: &["team", "Team", "env"],
        patterns: &["te*", "*"],
    },
    KeyPool {
        key: "aws:PrincipalOrgPaths",
        kind: ValueType::Text,
        multivalued: true,
        values: &["o-1/r-1/ou-1/", "o-1/r-1/ou-2/"],
        patterns: &["o-1/r-1/*", "o-2/*"],
    },
    KeyPool {
        key: "aws:MultiFactorAuthAge",
        kind: ValueType::Number,
        multivalued: false,
        values: &["0", "300", "3600", "3600.5"],
        patterns: &["-1"],
    },
    KeyPool {
        key: "aws:CurrentTime",
        kind: ValueType::Date,
        multivalued: false,
        values: &["2026-01-01T00:00:00Z", "2026-06-30T12:00:00Z"],
        patterns: &["2026-06-30", "2026-06-30T14:00:00+02:00", "2026-06-30T12:00:00.500Z"],
    },
    KeyPool {
        key: "aws:EpochTime",
        kind: ValueType::Date,
        multivalued: false,
        values: &["1767225600", "1782820800"],
        patterns: &[],
    },
    KeyPool {
        key: "aws:TokenIssueTime",
        kind: ValueType::Date,
        multivalued: false,
        values: &["2026-01-01T00:00:00Z"],
        patterns: &["2025-12-31T23:59:59Z"],
    },
    KeyPool {
        key: "aws:MultiFactorAuthPresent",
        kind: ValueType::Bool,
        multivalued: false,
        values: &["true", "false"],
        patterns: &["True"],
    },
    KeyPool {
        key: "aws:SecureTransport",
        kind: ValueType::Bool,
        multivalued: false,
        values: &["true", "false"],
        patterns: &[],
    },
    KeyPool {
        key: "ssm:SessionDocumentAccessCheck",
        kind: ValueType::Bool,
        multivalued: false,
        values: &["true", "false"],
        patterns: &[],
    },
    KeyPool {
        key: "aws:SourceIp",
        kind: ValueType::Ip,
        multivalued: false,
        values: &["203.0.113.7", "198.51.100.1", "2001:db8::1"],
        patterns: &["203.0.113.0/24", "0.0.0.0/0", "2001:db8::/32", "198.51.100.0/31"],
    },
    KeyPool {
        key: "aws:PrincipalArn",
        kind: ValueType::Arn,
        multivalued: false,
        values: &[],
        patterns: ARNS,
    },
    KeyPool {
        key: "aws:SourceArn",
        kind: ValueType::Arn,
        multivalued: false,
        values: &[
            "arn:aws:ssm:eu-west-1:111122223333:managed-instance/mi-1",
            "arn:aws:ec2:eu-west-1:444455556666:instance/i-1",
        ],
        patterns: &[
            "arn:aws:ssm:*:111122223333:*",
            "arn:aws:*:*:*:*",
            "arn:aws:ssm:eu-west-1:*:managed-instance/${aws:PrincipalTag/node, 'mi-1'}",
            "arn:aws:ssm:*",
        ],
    },
];

const ARNS: &[&str] = &[
    USER,
    ROLE,
    "arn:aws:iam::111122223333:role/app/*",
    "arn:aws:iam::*:user/*/${aws:username}",
    "arn:aws:iam::*:role/*",
    "arn:aws:iam::444455556666:role/*",
    "arn:aws:iam::111122223333:*",
];
