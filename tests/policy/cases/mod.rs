//! Random cases for the comparison: requests with all policies that apply to them.

mod hidden;
mod pools;
mod random;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use ssm_doctor_facts::text::Text;

pub use hidden::{Hidden, HiddenLayer};
pub use random::Random;

pub const ACCOUNT: &str = "111122223333";
pub const OTHER_ACCOUNT: &str = "444455556666";
const INSTANCE: &str = "i-0abc123def4567890";

/// One request with all its policies; everything is known.
#[derive(Clone, Debug)]
pub struct Case {
    pub requester: Requester,
    pub action: &'static str,
    pub resource: &'static str,
    /// The account that owns the resource.
    pub owner: &'static str,
    /// Every key that the request has.
    pub context: BTreeMap<String, ContextValue>,
    pub identity: Vec<Text>,
    pub boundary: Option<Text>,
    pub session: Option<Text>,
    pub scps: Vec<Vec<Text>>,
    pub rcps: Vec<Vec<Text>>,
    pub resource_policy: Option<Text>,
    pub endpoint: Option<Text>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requester {
    Root,
    User,
    /// A role's session, by its name.
    Session(&'static str),
    Ec2Service,
    Anonymous,
}

impl Requester {
    /// The name that the independent evaluator uses.
    pub fn name(self) -> String {
        match self {
            Self::Root => format!("arn:aws:iam::{ACCOUNT}:root"),
            Self::User => USER.into(),
            Self::Session(name) => format!("arn:aws:sts::{ACCOUNT}:assumed-role/AppRole/{name}"),
            Self::Ec2Service => EC2[0].into(),
            Self::Anonymous => "anonymous".into(),
        }
    }
}

pub const USER: &str = "arn:aws:iam::111122223333:user/ops/ana";
pub const ROLE: &str = "arn:aws:iam::111122223333:role/app/AppRole";
pub const EC2: [&str; 1] = ["ec2.amazonaws.com"];
const SESSIONS: [&str; 2] = [INSTANCE, "ana"];

#[derive(Clone, Debug, PartialEq)]
pub enum ContextValue {
    Single(String),
    Multiple(Vec<String>),
}

impl Case {
    /// Whether the resource always has a policy: KMS keys and roles do.
    fn always_has_policy(&self) -> bool {
        self.action.starts_with("kms:") || self.action.starts_with("sts:")
    }

    /// All cases with one part less.
    pub fn simpler(&self) -> Vec<Self> {
        let mut found = Vec::new();
        let mut without = |change: &dyn Fn(&mut Self)| {
            let mut less = self.clone();
            change(&mut less);
            found.push(less);
        };
        without(&|case| case.boundary = None);
        without(&|case| case.session = None);
        without(&|case| case.endpoint = None);
        if !self.always_has_policy() {
            without(&|case| case.resource_policy = None);
        }
        without(&|case| case.scps.clear());
        without(&|case| case.rcps.clear());
        for key in self.context.keys() {
            without(&|case| drop(case.context.remove(key)));
        }
        for at in 0..self.identity.len() {
            without(&|case| drop(case.identity.remove(at)));
        }
        let count = self.clone().policies().len();
        for at in 0..count {
            for statement in 0..3 {
                without(&|case| {
                    if let Value::Array(statements) = &mut case.policies()[at]["Statement"]
                        && statements.len() > 1
                        && statement < statements.len()
                    {
                        statements.remove(statement);
                    }
                });
                for element in ["Sid", "Condition"] {
                    without(&|case| {
                        let policy = &mut case.policies()[at]["Statement"];
                        let one = match policy {
                            Value::Array(statements) => statements.get_mut(statement),
                            single => Some(single),
                        };
                        one.and_then(Value::as_object_mut)
                            .map(|statement| statement.remove(element));
                    });
                }
            }
        }
        found.retain(|case| format!("{case:?}") != format!("{self:?}"));
        found
    }

    /// The case where only Deny statements of one layer can deny.
    pub fn only(&self, layer: &str) -> Self {
        let all = |principal, resource| everything("Allow", principal, resource);
        let also = |policy: &Option<Text>, mut all: Text| {
            let mut policy = policy.clone()?;
            let one = document(&mut all)["Statement"].take();
            statements(document(&mut policy)).push(one);
            Some(policy)
        };
        let levels = |levels: &[Vec<Text>], all: Text| {
            let level =
                |policies: &Vec<Text>| policies.iter().cloned().chain([all.clone()]).collect();
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

    /// All its policies.
    pub fn policies(&mut self) -> Vec<&mut Value> {
        let one =
            [&mut self.boundary, &mut self.session, &mut self.resource_policy, &mut self.endpoint];
        let levels = self.scps.iter_mut().chain(&mut self.rcps).flatten();
        let texts = self.identity.iter_mut().chain(one.into_iter().flatten()).chain(levels);
        texts.map(document).collect()
    }
}

pub fn document(text: &mut Text) -> &mut Value {
    let Text::Json(document) = text else { panic!("every policy of a case is JSON") };
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

/// A policy about every action, with the elements that its type requires.
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
        writeln!(f, "{:?} {} {} of {}", self.requester, self.action, self.resource, self.owner)?;
        writeln!(f, "  context {:?}", self.context)?;
        let one = |policy: &Option<Text>| policy.iter().cloned().collect::<Vec<_>>();
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
