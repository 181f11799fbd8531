//! Random requests, the policies that have a say in them, and what of both is hidden.
//!
//! Drawn from small pools, so that patterns, values and principals meet often enough to matter: a
//! statement that nothing ever matches tests nothing.

use std::collections::BTreeMap;

use proptest::{
    prelude::RngExt,
    test_runner::{RngAlgorithm, TestRng},
};
use serde_json::{Map, Value, json};
use ssm_doctor_facts::text::Text;

pub const ACCOUNT: &str = "111122223333";
pub const OTHER: &str = "444455556666";
const INSTANCE: &str = "i-0abc123def4567890";

/// One request and everything that has a say in it, all of it known.
#[derive(Clone, Debug)]
pub struct Case {
    pub who: Who,
    pub action: &'static str,
    pub resource: &'static str,
    /// Whose the resource is.
    pub owner: &'static str,
    /// Every key that the request has.
    pub context: BTreeMap<String, Key>,
    pub identity: Vec<Text>,
    pub boundary: Option<Text>,
    pub session: Option<Text>,
    pub scps: Vec<Vec<Text>>,
    pub rcps: Vec<Vec<Text>>,
    pub resource_policy: Option<Text>,
    pub endpoint: Option<Text>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Root,
    User,
    /// A role, and the name of its session.
    Session(&'static str),
    Ec2,
    Anonymous,
}

impl Who {
    /// What the evaluator calls it.
    pub fn name(self) -> String {
        match self {
            Self::Root => format!("arn:aws:iam::{ACCOUNT}:root"),
            Self::User => USER.into(),
            Self::Session(name) => format!("arn:aws:sts::{ACCOUNT}:assumed-role/AppRole/{name}"),
            Self::Ec2 => EC2[0].into(),
            Self::Anonymous => "anonymous".into(),
        }
    }
}

pub const USER: &str = "arn:aws:iam::111122223333:user/ops/ana";
pub const ROLE: &str = "arn:aws:iam::111122223333:role/app/AppRole";
pub const EC2: [&str; 1] = ["ec2.amazonaws.com"];
const SESSIONS: [&str; 2] = [INSTANCE, "ana"];

#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    One(String),
    Many(Vec<String>),
}

/// What is not known of a case.
#[derive(Clone, Debug, Default)]
pub struct Hidden {
    /// Keys of which nothing is known, and those of which a beginning of so many bytes is.
    pub keys: BTreeMap<String, Option<usize>>,
    pub layers: Vec<Hide>,
    pub session_name: bool,
    pub owner: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hide {
    Identity,
    Boundary,
    Session,
    ServiceControl,
    ResourceControl,
    Resource,
    Endpoint,
}

impl Hide {
    const ALL: [Self; 7] = [
        Self::Identity,
        Self::Boundary,
        Self::Session,
        Self::ServiceControl,
        Self::ResourceControl,
        Self::Resource,
        Self::Endpoint,
    ];
}

/// What kind of policy an action's resource has, and what may be asked of it.
struct Target {
    action: &'static str,
    resource: &'static str,
    owner: &'static str,
    /// Patterns that match, or nearly.
    patterns: &'static [&'static str],
    /// Has the resource a policy of its own?
    guarded: bool,
    keys: &'static [&'static str],
}

const TARGETS: &[Target] = &[
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
        guarded: false,
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
        guarded: false,
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
        guarded: false,
        keys: &["ssm:resourceTag/env", "aws:ResourceTag/env"],
    },
    Target {
        action: "ssmmessages:OpenDataChannel",
        resource: "*",
        owner: ACCOUNT,
        patterns: &["arn:aws:ssmmessages:*:*:*", "arn:aws:ssm:*:*:session/*"],
        guarded: false,
        keys: &[],
    },
    Target {
        action: "logs:DescribeLogGroups",
        resource: "*",
        owner: ACCOUNT,
        patterns: &["arn:aws:logs:*:*:log-group:*"],
        guarded: false,
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
        guarded: false,
        keys: &["aws:ResourceTag/env"],
    },
    Target {
        action: "s3:PutObject",
        resource: "arn:aws:s3:::logs/sessions/ana/1.log",
        owner: ACCOUNT,
        patterns: S3,
        guarded: true,
        keys: &["s3:x-amz-acl"],
    },
    Target {
        action: "s3:PutObject",
        resource: "arn:aws:s3:::logs/sessions/ana/1.log",
        owner: OTHER,
        patterns: S3,
        guarded: true,
        keys: &["s3:x-amz-acl"],
    },
    Target {
        action: "kms:Decrypt",
        resource: "arn:aws:kms:eu-west-1:111122223333:key/k-1",
        owner: ACCOUNT,
        patterns: KMS,
        guarded: true,
        keys: &["kms:ViaService", "kms:EncryptionContext:aws:ssm:TargetId"],
    },
    Target {
        action: "kms:GenerateDataKey",
        resource: "arn:aws:kms:eu-west-1:444455556666:key/k-1",
        owner: OTHER,
        patterns: KMS,
        guarded: true,
        keys: &["kms:ViaService", "kms:CallerAccount"],
    },
    Target {
        action: "sts:AssumeRole",
        resource: "arn:aws:iam::111122223333:role/app/Target",
        owner: ACCOUNT,
        patterns: &["arn:aws:iam::*:role/*", "arn:aws:iam::111122223333:role/app/Target"],
        guarded: true,
        keys: &["sts:ExternalId"],
    },
    Target {
        action: "sqs:SendMessage",
        resource: "arn:aws:sqs:eu-west-1:111122223333:queue",
        owner: ACCOUNT,
        patterns: &["arn:aws:sqs:*:*:queue", "arn:aws:sqs:*:*:${aws:PrincipalTag/team}-queue"],
        guarded: true,
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

/// How a key's values are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Text,
    Number,
    Date,
    Bool,
    Ip,
    Arn,
    Binary,
}

struct Pool {
    key: &'static str,
    kind: Type,
    many: bool,
    values: &'static [&'static str],
    /// Beyond the values themselves.
    wanted: &'static [&'static str],
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

const POOLS: &[Pool] = &[
    Pool {
        key: "aws:PrincipalTag/team",
        kind: Type::Text,
        many: false,
        values: TEAMS,
        wanted: TEAM_PATTERNS,
    },
    Pool {
        key: "aws:PrincipalTag/node",
        kind: Type::Text,
        many: false,
        values: &[INSTANCE, "i-1"],
        wanted: &["i-*"],
    },
    Pool {
        key: "aws:ResourceTag/env",
        kind: Type::Text,
        many: false,
        values: TEAMS,
        wanted: TEAM_PATTERNS,
    },
    Pool {
        key: "ssm:resourceTag/env",
        kind: Type::Text,
        many: false,
        values: TEAMS,
        wanted: TEAM_PATTERNS,
    },
    Pool {
        key: "aws:RequestedRegion",
        kind: Type::Text,
        many: false,
        values: &["eu-west-1", "us-east-1"],
        wanted: &["eu-*", "*-1"],
    },
    Pool {
        key: "aws:SourceVpce",
        kind: Type::Text,
        many: false,
        values: &["vpce-1", "vpce-2"],
        wanted: &["vpce-*"],
    },
    Pool {
        key: "aws:UserAgent",
        kind: Type::Binary,
        many: false,
        values: &["QmluYXJ5", "c3Nt"],
        wanted: &[],
    },
    Pool {
        key: "kms:ViaService",
        kind: Type::Text,
        many: false,
        values: &["ssm.eu-west-1.amazonaws.com"],
        wanted: &["ssm.*.amazonaws.com"],
    },
    Pool {
        key: "kms:CallerAccount",
        kind: Type::Text,
        many: false,
        values: &[ACCOUNT],
        wanted: &[OTHER, "${aws:PrincipalAccount}"],
    },
    Pool {
        key: "kms:EncryptionContext:aws:ssm:TargetId",
        kind: Type::Text,
        many: false,
        values: &[INSTANCE],
        wanted: &["i-*"],
    },
    Pool {
        key: "s3:x-amz-acl",
        kind: Type::Text,
        many: false,
        values: &["bucket-owner-full-control", "private"],
        wanted: &["bucket-*"],
    },
    Pool {
        key: "sts:ExternalId",
        kind: Type::Text,
        many: false,
        values: &["x-1"],
        wanted: &["x-*"],
    },
    Pool {
        key: "aws:TagKeys",
        kind: Type::Text,
        many: true,
        values: &["team", "Team", "env"],
        wanted: &["te*", "*"],
    },
    Pool {
        key: "aws:PrincipalOrgPaths",
        kind: Type::Text,
        many: true,
        values: &["o-1/r-1/ou-1/", "o-1/r-1/ou-2/"],
        wanted: &["o-1/r-1/*", "o-2/*"],
    },
    Pool {
        key: "aws:MultiFactorAuthAge",
        kind: Type::Number,
        many: false,
        values: &["0", "300", "3600", "3600.5"],
        wanted: &["-1"],
    },
    Pool {
        key: "aws:CurrentTime",
        kind: Type::Date,
        many: false,
        values: &["2026-01-01T00:00:00Z", "2026-06-30T12:00:00Z"],
        wanted: &["2026-06-30", "2026-06-30T14:00:00+02:00", "2026-06-30T12:00:00.500Z"],
    },
    Pool {
        key: "aws:EpochTime",
        kind: Type::Date,
        many: false,
        values: &["1767225600", "1782820800"],
        wanted: &[],
    },
    Pool {
        key: "aws:TokenIssueTime",
        kind: Type::Date,
        many: false,
        values: &["2026-01-01T00:00:00Z"],
        wanted: &["2025-12-31T23:59:59Z"],
    },
    Pool {
        key: "aws:MultiFactorAuthPresent",
        kind: Type::Bool,
        many: false,
        values: &["true", "false"],
        wanted: &["True"],
    },
    Pool {
        key: "aws:SecureTransport",
        kind: Type::Bool,
        many: false,
        values: &["true", "false"],
        wanted: &[],
    },
    Pool {
        key: "ssm:SessionDocumentAccessCheck",
        kind: Type::Bool,
        many: false,
        values: &["true", "false"],
        wanted: &[],
    },
    Pool {
        key: "aws:SourceIp",
        kind: Type::Ip,
        many: false,
        values: &["203.0.113.7", "198.51.100.1", "2001:db8::1"],
        wanted: &["203.0.113.0/24", "0.0.0.0/0", "2001:db8::/32", "198.51.100.0/31"],
    },
    Pool { key: "aws:PrincipalArn", kind: Type::Arn, many: false, values: &[], wanted: ARNS },
    Pool {
        key: "aws:SourceArn",
        kind: Type::Arn,
        many: false,
        values: &[
            "arn:aws:ssm:eu-west-1:111122223333:managed-instance/mi-1",
            "arn:aws:ec2:eu-west-1:444455556666:instance/i-1",
        ],
        wanted: &[
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

pub struct Dice(TestRng);

impl Dice {
    pub fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self(TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
    }

    pub fn chance(&mut self, of: f64) -> bool {
        self.0.random_bool(of)
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.0.random_range(0..from.len())]
    }

    /// None of none.
    pub fn index(&mut self, of: usize) -> Option<usize> {
        (of > 0).then(|| self.0.random_range(0..of))
    }

    fn some(&mut self, most: usize, from: &[&'static str]) -> Vec<&'static str> {
        let count = self.0.random_range(1..=most);
        (0..count).map(|_| *self.pick(from)).collect()
    }

    pub fn case(&mut self) -> Case {
        let target = self.pick(TARGETS);
        let unusual = self.chance(0.15);
        let who = match target.action {
            _ if self.chance(0.05) => Who::Root,
            "s3:PutObject" if unusual => Who::Anonymous,
            "sts:AssumeRole" if unusual => Who::Ec2,
            _ if self.chance(0.4) => Who::User,
            _ => Who::Session(self.pick::<&str>(&SESSIONS)),
        };
        let mut case = Case {
            who,
            action: target.action,
            resource: target.resource,
            owner: target.owner,
            context: self.context(who),
            identity: Vec::new(),
            boundary: None,
            session: None,
            scps: Vec::new(),
            rcps: Vec::new(),
            resource_policy: None,
            endpoint: None,
        };
        if matches!(who, Who::User | Who::Session(_)) {
            case.identity = (0..2).map(|_| self.policy(target, Plain)).collect();
            case.boundary = self.chance(0.25).then(|| self.policy(target, Wide));
        }
        if matches!(who, Who::Session(_)) && self.chance(0.2) {
            case.session = Some(self.policy(target, Wide));
        }
        if !matches!(who, Who::Ec2 | Who::Anonymous) && self.chance(0.25) {
            case.scps = (0..2).map(|_| self.level(target)).collect();
        }
        if self.chance(0.2) {
            case.rcps = (0..2).map(|_| self.rcp(target)).collect();
        }
        let always =
            matches!(case.action, "kms:Decrypt" | "kms:GenerateDataKey" | "sts:AssumeRole");
        if target.guarded && (always || self.chance(0.9)) {
            case.resource_policy = Some(self.policy(target, Guard));
        }
        if self.chance(0.2) {
            case.endpoint = Some(self.policy(target, Endpoint));
        }
        case
    }
}

/// What a policy is made for: how often it allows, and whether it names principals.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Plain,
    Wide,
    Guard,
    Endpoint,
    Control,
}
use Use::{Control, Endpoint, Guard, Plain, Wide};

impl Dice {
    fn context(&mut self, who: Who) -> BTreeMap<String, Key> {
        let mut context: BTreeMap<String, Key> = BTreeMap::new();
        for pool in POOLS.iter().filter(|it| !it.values.is_empty()) {
            if !self.chance(0.6) {
                continue;
            }
            context.insert(pool.key.into(), self.value(pool));
        }
        let (kind, arn) = match who {
            Who::Root => ("Account", who.name()),
            Who::User => ("User", USER.into()),
            Who::Session(_) => ("AssumedRole", ROLE.into()),
            Who::Ec2 | Who::Anonymous => {
                context.retain(|key, _| !key.starts_with("aws:Principal"));
                let service = if who == Who::Ec2 { "true" } else { "false" };
                context.insert("aws:PrincipalIsAWSService".into(), Key::One(service.into()));
                return context;
            }
        };
        let mut set = |key: &str, value: &str| context.insert(key.into(), Key::One(value.into()));
        set("aws:PrincipalType", kind);
        set("aws:PrincipalArn", &arn);
        set("aws:PrincipalAccount", ACCOUNT);
        set("aws:PrincipalIsAWSService", "false");
        match who {
            Who::User => {
                set("aws:username", "ana");
                set("aws:userid", "AIDAEXAMPLE");
            }
            Who::Session(name) => drop(set("aws:userid", &format!("AROAEXAMPLE:{name}"))),
            _ => {}
        }
        context
    }

    fn level(&mut self, target: &Target) -> Vec<Text> {
        let mut policies = vec![self.policy(target, Control)];
        if self.chance(0.85) {
            let all = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
            policies.push(json!({ "Version": "2012-10-17", "Statement": all }).into());
        }
        policies
    }

    fn rcp(&mut self, target: &Target) -> Vec<Text> {
        let all = json!({ "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*" });
        let mut policies = vec![json!({ "Version": "2012-10-17", "Statement": [all] }).into()];
        if self.chance(0.6) {
            let mut deny = self.statement(target, Control, "Deny");
            let service = target.action.split(':').next().unwrap_or_default();
            let action = *self.pick(&[target.action, "s3:*", "kms:*"]);
            let action = if self.chance(0.5) { format!("{service}:*") } else { action.to_owned() };
            deny.remove("NotAction");
            deny.insert("Action".into(), action.into());
            deny.insert("Principal".into(), "*".into());
            policies.push(json!({ "Version": "2012-10-17", "Statement": [deny] }).into());
        }
        policies
    }

    fn policy(&mut self, target: &Target, made_for: Use) -> Text {
        let count = self.0.random_range(1..=3);
        let statements: Vec<Map<String, Value>> = (0..count)
            .map(|_| {
                let denies = if made_for == Control { 0.5 } else { 0.2 };
                let effect = if self.chance(denies) { "Deny" } else { "Allow" };
                self.statement(target, made_for, effect)
            })
            .collect();
        let alone = statements.len() == 1 && self.chance(0.5);
        let statements = if alone { json!(statements[0]) } else { json!(statements) };
        let document = match self.0.random_range(0..10) {
            0 => json!({ "Version": "2008-10-17", "Statement": statements }),
            1 => json!({ "Statement": statements }),
            _ => json!({ "Version": "2012-10-17", "Statement": statements }),
        };
        document.into()
    }

    fn statement(&mut self, target: &Target, made_for: Use, effect: &str) -> Map<String, Value> {
        let mut statement = Map::new();
        let wide = matches!(made_for, Wide | Endpoint) && effect == "Allow" && self.chance(0.5);
        statement.insert("Effect".into(), effect.into());
        if self.chance(0.3) {
            statement.insert("Sid".into(), "Some".into());
        }
        if wide {
            statement.insert("Action".into(), "*".into());
        } else {
            let (name, actions) = self.actions(target);
            statement.insert(name.into(), actions);
        }
        let trust = made_for == Guard && target.action == "sts:AssumeRole";
        if !trust {
            let (name, resources) =
                if wide { ("Resource", json!("*")) } else { self.resources(target) };
            statement.insert(name.into(), resources);
        }
        if matches!(made_for, Guard | Endpoint) {
            let (name, principals) = self.principals(effect, made_for);
            statement.insert(name.into(), principals);
        }
        if !wide && self.chance(0.45) {
            let mut operators = Map::new();
            for _ in 0..self.0.random_range(1..=2) {
                let (operator, key, values) = self.condition(target);
                let keys = operators.entry(operator).or_insert_with(|| json!({}));
                keys[key] = values;
            }
            statement.insert("Condition".into(), operators.into());
        }
        statement
    }

    /// One alone, or a list.
    fn listed<T: Into<Value> + Clone>(&mut self, values: &[T]) -> Value {
        match values {
            [one] if self.chance(0.5) => one.clone().into(),
            values => values.iter().cloned().map(Into::into).collect::<Vec<Value>>().into(),
        }
    }

    fn actions(&mut self, target: &Target) -> (&'static str, Value) {
        let (service, name) = target.action.split_once(':').unwrap_or_default();
        let spellings = [
            target.action.to_owned(),
            "*".into(),
            format!("{service}:*"),
            format!("{service}:{}*", &name[..3]),
            format!("{service}:?{}", &name[1..]),
            target.action.to_uppercase(),
            format!("{service}:Describe*"),
            "s3:GetObject".into(),
            "ec2:*".into(),
        ];
        if self.chance(0.12) {
            let listed: Vec<String> = (0..2).map(|_| self.pick(&spellings[2..]).clone()).collect();
            return ("NotAction", self.listed(&listed));
        }
        let most = if self.chance(0.8) { 6 } else { spellings.len() };
        let count = self.0.random_range(1..=2);
        let listed: Vec<String> =
            (0..count).map(|_| self.pick(&spellings[..most]).clone()).collect();
        ("Action", self.listed(&listed))
    }

    fn resources(&mut self, target: &Target) -> (&'static str, Value) {
        if self.chance(0.12) {
            let listed = self.some(2, target.patterns);
            return ("NotResource", self.listed(&listed));
        }
        if self.chance(0.35) {
            return ("Resource", "*".into());
        }
        if self.chance(0.3) && target.resource != "*" {
            return ("Resource", target.resource.into());
        }
        let listed = self.some(2, target.patterns);
        ("Resource", self.listed(&listed))
    }

    fn principals(&mut self, effect: &str, made_for: Use) -> (&'static str, Value) {
        if made_for == Endpoint && self.chance(0.5) {
            return ("Principal", "*".into());
        }
        let session = "arn:aws:sts::111122223333:assumed-role/AppRole/i-0abc123def4567890";
        let root = "arn:aws:iam::111122223333:root";
        let aws = [
            ACCOUNT,
            root,
            USER,
            ROLE,
            session,
            OTHER,
            "arn:aws:iam::111122223333:role/Other",
            "arn:aws:iam::111122223333:user/ops/ben",
        ];
        if effect == "Deny" && made_for == Guard && self.chance(0.2) {
            let lists = [vec![ROLE, root, session], vec![USER, ACCOUNT], vec![USER], vec![OTHER]];
            let list = self.pick(&lists).clone();
            return ("NotPrincipal", json!({ "AWS": list }));
        }
        let principals = match self.0.random_range(0..10) {
            0..=2 => json!("*"),
            3 => json!({ "AWS": "*" }),
            4 => json!({ "Service": ["ec2.amazonaws.com", "ssm.amazonaws.com"] }),
            5 => json!({ "Service": "ssm.amazonaws.com", "AWS": self.pick(&aws) }),
            6 => json!({ "Federated": "arn:aws:iam::111122223333:saml-provider/idp" }),
            _ => {
                let listed = self.some(2, &aws);
                json!({ "AWS": self.listed(&listed) })
            }
        };
        ("Principal", principals)
    }

    fn condition(&mut self, target: &Target) -> (String, String, Value) {
        let usable: Vec<&Pool> = POOLS
            .iter()
            .filter(|it| {
                it.key.starts_with("aws:") && it.key != "aws:ResourceTag/env"
                    || target.keys.contains(&it.key)
            })
            .collect();
        let pool = *self.pick(&usable);
        let key = if self.chance(0.15) { pool.key.to_uppercase() } else { pool.key.to_owned() };
        if self.chance(0.1) {
            let wanted = *self.pick(&["true", "false"]);
            let wanted = if self.chance(0.5) { json!(wanted) } else { json!(wanted == "true") };
            return ("Null".into(), key, wanted);
        }
        let base = *self.pick(match pool.kind {
            Type::Text => &TEXT[..],
            Type::Number => &NUMBER,
            Type::Date => &DATE,
            Type::Bool => &["Bool"],
            Type::Ip => &["IpAddress", "NotIpAddress"],
            Type::Arn => &["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
            Type::Binary => &["BinaryEquals"],
        });
        let mut operator = String::from(base);
        if pool.many && self.chance(0.9) || self.chance(0.08) {
            operator = format!("{}:{operator}", self.pick(&["ForAllValues", "ForAnyValue"]));
        }
        if self.chance(0.2) {
            operator.push_str("IfExists");
        }
        let wanted = [pool.values, pool.wanted].concat();
        let wanted = self.some(2, &wanted);
        let unquoted = |text: &&str| match pool.kind {
            Type::Number => text.parse::<f64>().map(Value::from).unwrap_or_default(),
            Type::Bool => json!(text.eq_ignore_ascii_case("true")),
            _ => json!(text),
        };
        let values = if self.chance(0.2) {
            let values: Vec<Value> = wanted.iter().map(unquoted).collect();
            self.listed(&values)
        } else {
            self.listed(&wanted)
        };
        (operator, key, values)
    }

    /// Hides some of a case.
    pub fn hide(&mut self, case: &Case) -> Hidden {
        let mut hidden = Hidden::default();
        let often = *self.pick(&[0.1, 0.3, 0.6]);
        // A key that the request lacks can be hidden too.
        let absent = POOLS.iter().map(|it| it.key).filter(|it| !case.context.contains_key(*it));
        let keys: Vec<String> =
            case.context.keys().cloned().chain(absent.map(Into::into)).collect();
        for key in keys {
            if key == "aws:PrincipalType" || !self.chance(often) {
                continue;
            }
            let known = match case.context.get(&key) {
                Some(Key::One(value)) if self.chance(0.3) => {
                    Some(self.0.random_range(0..=value.len()))
                }
                _ => None,
            };
            hidden.keys.insert(key, known);
        }
        hidden.layers = Hide::ALL.into_iter().filter(|_| self.chance(0.08)).collect();
        hidden.session_name = matches!(case.who, Who::Session(_)) && self.chance(0.2);
        hidden.owner = self.chance(0.05);
        hidden
    }
}

const TEXT: [&str; 6] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
];
const NUMBER: [&str; 6] = [
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
];
const DATE: [&str; 6] = [
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
];

impl Dice {
    /// Some way in which what is hidden could turn out.
    pub fn fill(&mut self, case: &Case, hidden: &Hidden) -> Case {
        let mut full = case.clone();
        for (key, start) in &hidden.keys {
            let one = match (start, case.context.get(key)) {
                (Some(at), Some(Key::One(value))) => {
                    let possible = possible(key, &value[..*at]);
                    Some(Key::One(self.pick(&[possible, vec![value.clone()]].concat()).clone()))
                }
                _ if self.chance(0.3) => None,
                _ if self.chance(0.3) => case.context.get(key).cloned(),
                _ if POOLS.iter().any(|it| it.many && it.key == *key) => {
                    let values = possible(key, "");
                    let count = self.0.random_range(1..=2);
                    Some(Key::Many((0..count).map(|_| self.pick(&values).clone()).collect()))
                }
                _ => Some(Key::One(self.pick(&possible(key, "")).clone())),
            };
            full.context.remove(key);
            full.context.extend(one.map(|it| (key.clone(), it)));
        }
        let trust = case.action == "sts:AssumeRole";
        for layer in &hidden.layers {
            let kind = self.0.random_range(0..4);
            if kind == 3 {
                continue;
            }
            let principal =
                matches!(layer, Hide::Resource | Hide::Endpoint | Hide::ResourceControl);
            let resource = !(trust && *layer == Hide::Resource);
            let policy = match kind {
                0 => None,
                1 => Some(everything("Allow", principal, resource)),
                _ => Some(everything("Deny", principal, resource)),
            };
            let levels: Vec<Vec<Text>> = policy.iter().map(|it| vec![it.clone()]).collect();
            match layer {
                Hide::Identity => full.identity = policy.into_iter().collect(),
                Hide::Boundary => full.boundary = policy,
                Hide::Session => full.session = policy,
                Hide::ServiceControl => full.scps = levels,
                Hide::ResourceControl => full.rcps = levels,
                Hide::Resource => full.resource_policy = policy.or(full.resource_policy),
                Hide::Endpoint => full.endpoint = policy,
            }
        }
        if hidden.session_name {
            full.who = Who::Session(self.pick::<&str>(&SESSIONS));
        }
        if hidden.owner {
            full.owner = self.pick::<&str>(&[ACCOUNT, OTHER]);
        }
        full
    }

    fn value(&mut self, pool: &Pool) -> Key {
        if pool.many {
            let mut values = self.some(2, pool.values);
            values.dedup();
            return Key::Many(values.into_iter().map(Into::into).collect());
        }
        Key::One((*self.pick(pool.values)).into())
    }
}

/// Values that a key may have, among them any that a policy asks for and some that none does.
fn possible(key: &str, start: &str) -> Vec<String> {
    let pool = POOLS.iter().find(|it| it.key == key);
    let kind = pool.map_or(Type::Text, |it| it.kind);
    let more: &[&str] = match kind {
        Type::Text | Type::Binary => &["ana", "ANA", "operations", "i-2", "Aps", "x-2", "o-3/"],
        Type::Number => &["-2", "301", "1000000", "3599.75"],
        Type::Date => &["2020-01-01T00:00:00Z", "2026-03-01T00:00:00Z", "2030-01-01T00:00:00Z"],
        Type::Bool => &["true", "false"],
        Type::Ip => &["203.0.113.8", "8.8.8.8", "2001:db9::1"],
        Type::Arn => &[USER, ROLE, "arn:aws:iam::444455556666:user/x"],
    };
    let known = pool.into_iter().flat_map(|it| it.values.iter().chain(it.wanted)).chain(more);
    let plain = |it: &str| !it.contains(['*', '?', '$']) && (kind != Type::Ip || !it.contains('/'));
    let mut values: Vec<String> =
        known.filter(|it| it.starts_with(start) && plain(it)).map(|it| (*it).into()).collect();
    if matches!(kind, Type::Text | Type::Binary) {
        values.push(format!("{start}zz"));
    }
    values
}

impl Case {
    /// Keys and roles always have a policy.
    fn is_guarded(&self) -> bool {
        self.action.starts_with("kms:") || self.action.starts_with("sts:")
    }

    /// The same with one thing less, in every way.
    pub fn simpler(&self) -> Vec<Self> {
        let mut found = Vec::new();
        let mut without = |change: &dyn Fn(&mut Self)| {
            let mut less = self.clone();
            change(&mut less);
            found.push(less);
        };
        without(&|it| it.boundary = None);
        without(&|it| it.session = None);
        without(&|it| it.endpoint = None);
        if !self.is_guarded() {
            without(&|it| it.resource_policy = None);
        }
        without(&|it| it.scps.clear());
        without(&|it| it.rcps.clear());
        for key in self.context.keys() {
            without(&|it| drop(it.context.remove(key)));
        }
        for at in 0..self.identity.len() {
            without(&|it| drop(it.identity.remove(at)));
        }
        let count = self.clone().policies().len();
        for at in 0..count {
            for statement in 0..3 {
                without(&|it| {
                    if let Value::Array(statements) = &mut it.policies()[at]["Statement"]
                        && statements.len() > 1
                        && statement < statements.len()
                    {
                        statements.remove(statement);
                    }
                });
                for element in ["Sid", "Condition"] {
                    without(&|it| {
                        let policy = &mut it.policies()[at]["Statement"];
                        let one = match policy {
                            Value::Array(statements) => statements.get_mut(statement),
                            alone => Some(alone),
                        };
                        one.and_then(Value::as_object_mut).map(|it| it.remove(element));
                    });
                }
            }
        }
        found.retain(|it| format!("{it:?}") != format!("{self:?}"));
        found
    }

    /// The same where nothing but the Denies of one layer can deny.
    pub fn only(&self, layer: &str) -> Self {
        let all = |principal, resource| everything("Allow", principal, resource);
        let also = |policy: &Option<Text>, mut all: Text| {
            let mut policy = policy.clone()?;
            let one = document(&mut all)["Statement"].take();
            statements(document(&mut policy)).push(one);
            Some(policy)
        };
        let levels = |levels: &[Vec<Text>], all: Text| {
            let level = |it: &Vec<Text>| it.iter().cloned().chain([all.clone()]).collect();
            levels.iter().map(level).collect::<Vec<Vec<Text>>>()
        };
        let trust = self.action == "sts:AssumeRole";
        let mut only = Self {
            identity: vec![all(false, true)],
            boundary: None,
            session: None,
            scps: Vec::new(),
            rcps: Vec::new(),
            resource_policy: self.resource_policy.as_ref().map(|_| all(true, !trust)),
            endpoint: None,
            ..self.clone()
        };
        match layer {
            "identity" => only.identity.extend(self.identity.clone()),
            "boundary" => only.boundary = also(&self.boundary, all(false, true)),
            "session" => only.session = also(&self.session, all(false, true)),
            "service-control" => only.scps = levels(&self.scps, all(false, true)),
            "resource-control" => only.rcps = levels(&self.rcps, all(true, true)),
            "resource" => {
                only.resource_policy = also(&self.resource_policy, all(true, !trust));
            }
            _ => only.endpoint = also(&self.endpoint, all(true, true)),
        }
        only
    }

    /// Every policy in it.
    pub fn policies(&mut self) -> Vec<&mut Value> {
        let one =
            [&mut self.boundary, &mut self.session, &mut self.resource_policy, &mut self.endpoint];
        let levels = self.scps.iter_mut().chain(&mut self.rcps).flatten();
        let texts = self.identity.iter_mut().chain(one.into_iter().flatten()).chain(levels);
        texts.map(document).collect()
    }
}

pub fn document(text: &mut Text) -> &mut Value {
    let Text::Json(document) = text else { panic!("not made here") };
    document
}

/// A policy's statements, as a list.
pub fn statements(policy: &mut Value) -> &mut Vec<Value> {
    let statements = &mut policy["Statement"];
    if !statements.is_array() {
        *statements = json!([statements.take()]);
    }
    statements.as_array_mut().unwrap()
}

/// A policy about everything, with the elements that its place wants.
fn everything(effect: &str, principal: bool, resource: bool) -> Text {
    let mut statement = json!({ "Effect": effect, "Action": "*" });
    if principal {
        statement["Principal"] = "*".into();
    }
    if resource {
        statement["Resource"] = "*".into();
    }
    json!({ "Version": "2012-10-17", "Statement": statement }).into()
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{:?} {} {} of {}", self.who, self.action, self.resource, self.owner)?;
        writeln!(f, "  context {:?}", self.context)?;
        let one = |it: &Option<Text>| it.iter().cloned().collect::<Vec<_>>();
        let layers = [
            ("identity", self.identity.clone()),
            ("boundary", one(&self.boundary)),
            ("session", one(&self.session)),
            ("scps", self.scps.concat()),
            ("rcps", self.rcps.concat()),
            ("resource", one(&self.resource_policy)),
            ("endpoint", one(&self.endpoint)),
        ];
        for (name, policies) in layers {
            for policy in policies {
                writeln!(f, "  {name} {}", Value::from(policy))?;
            }
        }
        Ok(())
    }
}
