//! Random cases: requests, their contexts and their policies.
//!
//! The same seed gives the same cases.

use std::collections::BTreeMap;

use proptest::{
    prelude::RngExt,
    test_runner::{RngAlgorithm, TestRng},
};
use serde_json::{Map, Value, json};
use ssm_doctor_facts::text::Text;

use super::{
    ACCOUNT, Case, ContextValue, OTHER_ACCOUNT, ROLE, Requester, SESSIONS, USER,
    pools::{KEY_POOLS, KeyPool, TARGETS, Target, ValueType},
};

pub struct Random(pub(super) TestRng);

impl Random {
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

    /// A random index; None if there is nothing to pick from.
    pub fn index(&mut self, of: usize) -> Option<usize> {
        (of > 0).then(|| self.0.random_range(0..of))
    }

    pub(super) fn pick_some(&mut self, most: usize, from: &[&'static str]) -> Vec<&'static str> {
        let count = self.0.random_range(1..=most);
        (0..count).map(|_| *self.pick(from)).collect()
    }

    pub fn case(&mut self) -> Case {
        let target = self.pick(TARGETS);
        let unusual = self.chance(0.15);
        let requester = match target.action {
            _ if self.chance(0.05) => Requester::Root,
            "s3:PutObject" if unusual => Requester::Anonymous,
            "sts:AssumeRole" if unusual => Requester::Ec2Service,
            _ if self.chance(0.4) => Requester::User,
            _ => Requester::Session(self.pick::<&str>(&SESSIONS)),
        };
        let mut case = Case {
            requester,
            action: target.action,
            resource: target.resource,
            owner: target.owner,
            context: self.context(requester),
            identity: Vec::new(),
            boundary: None,
            session: None,
            scps: Vec::new(),
            rcps: Vec::new(),
            resource_policy: None,
            endpoint: None,
        };
        if matches!(requester, Requester::User | Requester::Session(_)) {
            case.identity = (0..2).map(|_| self.policy(target, Identity)).collect();
            case.boundary = self.chance(0.25).then(|| self.policy(target, Limit));
        }
        if matches!(requester, Requester::Session(_)) && self.chance(0.2) {
            case.session = Some(self.policy(target, Limit));
        }
        if !matches!(requester, Requester::Ec2Service | Requester::Anonymous) && self.chance(0.25) {
            case.scps = (0..2).map(|_| self.level(target)).collect();
        }
        if self.chance(0.2) {
            case.rcps = (0..2).map(|_| self.rcp(target)).collect();
        }
        let always =
            matches!(case.action, "kms:Decrypt" | "kms:GenerateDataKey" | "sts:AssumeRole");
        if target.has_policy && (always || self.chance(0.9)) {
            case.resource_policy = Some(self.policy(target, Resource));
        }
        if self.chance(0.2) {
            case.endpoint = Some(self.policy(target, Endpoint));
        }
        case
    }
}

/// What a policy is for: this decides how often it allows, and whether it has principals.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Identity,
    /// A boundary or a session policy.
    Limit,
    Resource,
    Endpoint,
    Control,
}
use Purpose::{Control, Endpoint, Identity, Limit, Resource};

impl Random {
    fn context(&mut self, requester: Requester) -> BTreeMap<String, ContextValue> {
        let mut context: BTreeMap<String, ContextValue> = BTreeMap::new();
        for pool in KEY_POOLS.iter().filter(|pool| !pool.values.is_empty()) {
            if !self.chance(0.6) {
                continue;
            }
            context.insert(pool.key.into(), self.value(pool));
        }
        let (kind, arn) = match requester {
            Requester::Root => ("Account", requester.name()),
            Requester::User => ("User", USER.into()),
            Requester::Session(_) => ("AssumedRole", ROLE.into()),
            Requester::Ec2Service | Requester::Anonymous => {
                context.retain(|key, _| !key.starts_with("aws:Principal"));
                let service = if requester == Requester::Ec2Service { "true" } else { "false" };
                context.insert(
                    "aws:PrincipalIsAWSService".into(),
                    ContextValue::Single(service.into()),
                );
                return context;
            }
        };
        let mut set =
            |key: &str, value: &str| context.insert(key.into(), ContextValue::Single(value.into()));
        set("aws:PrincipalType", kind);
        set("aws:PrincipalArn", &arn);
        set("aws:PrincipalAccount", ACCOUNT);
        set("aws:PrincipalIsAWSService", "false");
        match requester {
            Requester::User => {
                set("aws:username", "ana");
                set("aws:userid", "AIDAEXAMPLE");
            }
            Requester::Session(name) => drop(set("aws:userid", &format!("AROAEXAMPLE:{name}"))),
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

    fn policy(&mut self, target: &Target, purpose: Purpose) -> Text {
        let count = self.0.random_range(1..=3);
        let statements: Vec<Map<String, Value>> = (0..count)
            .map(|_| {
                let denies = if purpose == Control { 0.5 } else { 0.2 };
                let effect = if self.chance(denies) { "Deny" } else { "Allow" };
                self.statement(target, purpose, effect)
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

    fn statement(&mut self, target: &Target, purpose: Purpose, effect: &str) -> Map<String, Value> {
        let mut statement = Map::new();
        let wide = matches!(purpose, Limit | Endpoint) && effect == "Allow" && self.chance(0.5);
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
        let trust = purpose == Resource && target.action == "sts:AssumeRole";
        if !trust {
            let (name, resources) =
                if wide { ("Resource", json!("*")) } else { self.resources(target) };
            statement.insert(name.into(), resources);
        }
        if matches!(purpose, Resource | Endpoint) {
            let (name, principals) = self.principals(effect, purpose);
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

    /// The values as a list. A single value may be without its list.
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
            let listed = self.pick_some(2, target.patterns);
            return ("NotResource", self.listed(&listed));
        }
        if self.chance(0.35) {
            return ("Resource", "*".into());
        }
        if self.chance(0.3) && target.resource != "*" {
            return ("Resource", target.resource.into());
        }
        let listed = self.pick_some(2, target.patterns);
        ("Resource", self.listed(&listed))
    }

    fn principals(&mut self, effect: &str, purpose: Purpose) -> (&'static str, Value) {
        if purpose == Endpoint && self.chance(0.5) {
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
            OTHER_ACCOUNT,
            "arn:aws:iam::111122223333:role/Other",
            "arn:aws:iam::111122223333:user/ops/ben",
        ];
        if effect == "Deny" && purpose == Resource && self.chance(0.2) {
            let lists =
                [vec![ROLE, root, session], vec![USER, ACCOUNT], vec![USER], vec![OTHER_ACCOUNT]];
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
                let listed = self.pick_some(2, &aws);
                json!({ "AWS": self.listed(&listed) })
            }
        };
        ("Principal", principals)
    }

    fn condition(&mut self, target: &Target) -> (String, String, Value) {
        let usable: Vec<&KeyPool> = KEY_POOLS
            .iter()
            .filter(|pool| {
                pool.key.starts_with("aws:") && pool.key != "aws:ResourceTag/env"
                    || target.keys.contains(&pool.key)
            })
            .collect();
        let pool = *self.pick(&usable);
        let key = if self.chance(0.15) { pool.key.to_uppercase() } else { pool.key.to_owned() };
        if self.chance(0.1) {
            let expected = *self.pick(&["true", "false"]);
            let expected =
                if self.chance(0.5) { json!(expected) } else { json!(expected == "true") };
            return ("Null".into(), key, expected);
        }
        let base = *self.pick(match pool.kind {
            ValueType::Text => &TEXT_OPERATORS[..],
            ValueType::Number => &NUMBER_OPERATORS,
            ValueType::Date => &DATE_OPERATORS,
            ValueType::Bool => &["Bool"],
            ValueType::Ip => &["IpAddress", "NotIpAddress"],
            ValueType::Arn => &["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
            ValueType::Binary => &["BinaryEquals"],
        });
        let mut operator = String::from(base);
        if pool.multivalued && self.chance(0.9) || self.chance(0.08) {
            operator = format!("{}:{operator}", self.pick(&["ForAllValues", "ForAnyValue"]));
        }
        if self.chance(0.2) {
            operator.push_str("IfExists");
        }
        let expected = [pool.values, pool.patterns].concat();
        let expected = self.pick_some(2, &expected);
        let unquoted = |text: &&str| match pool.kind {
            ValueType::Number => text.parse::<f64>().map(Value::from).unwrap_or_default(),
            ValueType::Bool => json!(text.eq_ignore_ascii_case("true")),
            _ => json!(text),
        };
        let values = if self.chance(0.2) {
            let values: Vec<Value> = expected.iter().map(unquoted).collect();
            self.listed(&values)
        } else {
            self.listed(&expected)
        };
        (operator, key, values)
    }

    fn value(&mut self, pool: &KeyPool) -> ContextValue {
        if pool.multivalued {
            let mut values = self.pick_some(2, pool.values);
            values.dedup();
            return ContextValue::Multiple(values.into_iter().map(Into::into).collect());
        }
        ContextValue::Single((*self.pick(pool.values)).into())
    }
}

const TEXT_OPERATORS: [&str; 6] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
];
const NUMBER_OPERATORS: [&str; 6] = [
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
];
const DATE_OPERATORS: [&str; 6] = [
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
];
