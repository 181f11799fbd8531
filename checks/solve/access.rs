//! From permissions to answers: who may do what, which layer refused, and what to change there.
//!
//! An identity's own policies are the simulator's to judge. Keys and buckets have policies of their
//! own, which may refuse what the identity allows and allow what it lacks; the two are put together
//! here as AWS does within an account (IAM user guide, "Policy evaluation logic").

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use super::{
    policy::opinion::{self as policy, Known, Opinion, Request, Ruling},
    simulation::{self, Denial, ask},
};
use crate::model::{
    facts::{Facts, Unknown},
    ids::Arn,
    scope::Scope,
    text::Text,
    verdict::{Answer, Evidence, Fix, Recovery, Verdict, observed},
};

/// What somebody needs to be allowed.
#[derive(Clone, Copy)]
pub struct Access<'a> {
    /// A user or role.
    pub principal: &'a Arn,
    pub actions: &'a [&'a str],
    /// An ARN, or `*`.
    pub resource: &'a str,
    /// What to attach to an identity that lacks it.
    pub grant: Grant<'a>,
    pub recovery: Recovery,
}

#[derive(Clone, Copy)]
pub enum Grant<'a> {
    /// A managed policy of AWS's, by name.
    Managed(&'static str),
    /// An inline policy with all that this purpose takes, so that putting it twice does no harm.
    Inline { purpose: &'static str, actions: &'a [&'a str], resource: &'a str },
}

/// An inline policy replaces another of its name, so the name tells purpose and object apart.
fn policy_name(purpose: &str, resource: &str) -> String {
    let object = resource.splitn(6, ':').nth(5).unwrap_or_default();
    let plain = |it: char| if it.is_ascii_alphanumeric() { it } else { '-' };
    let raw: String = format!("{purpose}-{object}").chars().map(plain).collect();
    let words: Vec<&str> = raw.split('-').filter(|it| !it.is_empty()).collect();
    words.join("-").chars().take(128).collect()
}

impl Access<'_> {
    /// Are all actions allowed, as far as the principal's own policies, boundary and organization go?
    ///
    /// # Errors
    /// [`Unknown`] when none is known to be denied and some could not be judged.
    pub fn judge(&self, facts: &Facts, scope: &Scope) -> Answer {
        let mut denials: Vec<(Denial, Vec<&str>)> = Vec::new();
        let mut unknown: Option<Unknown> = None;
        for action in self.actions.iter().copied() {
            match ask(facts, scope, self.principal, action, self.resource) {
                Ok(Ok(())) => {}
                Ok(Err(denial)) => match denials.iter_mut().find(|it| it.0 == denial) {
                    Some((_, actions)) => actions.push(action),
                    None => denials.push((denial, Vec::from([action]))),
                },
                Err(more) => {
                    unknown = Some(match unknown {
                        Some(so_far) => so_far.and(more),
                        None => more,
                    });
                }
            }
        }
        let failures = denials.iter().map(|(denial, actions)| {
            let lacks = format!("has no {}{} ({})", actions.join(", "), self.on(), denial.phrase());
            (observed(self.principal.name(), lacks), self.fix(facts, scope, denial, actions))
        });
        let failure = failures.reduce(|a, b| (a.0.and(b.0), a.1.and(b.1)));
        match (failure, unknown) {
            (Some((evidence, fix)), _) => Ok(Verdict::Fail(evidence, fix)),
            (None, Some(unknown)) => Err(unknown),
            (None, None) => Ok(Verdict::Pass(self.allowed())),
        }
    }

    fn allowed(&self) -> Evidence {
        observed(self.principal.name(), format!("may {}{}", self.actions.join(", "), self.on()))
    }

    /// The resource for a sentence: what the purpose takes rather than one example of it.
    fn on(&self) -> String {
        match self.grant {
            _ if self.resource == "*" => String::new(),
            Grant::Inline { resource, .. } => format!(" on {resource}"),
            Grant::Managed(_) => format!(" on {}", self.resource),
        }
    }

    /// What to change so that `denial` of `actions` goes away, in the layer that denied.
    fn fix(&self, facts: &Facts, scope: &Scope, denial: &Denial, actions: &[&str]) -> Fix {
        let (name, listed) = (self.principal.name(), actions.join(", "));
        match (denial.layer, denial.explicit) {
            (simulation::Layer::Organization, _) => Fix::new(
                format!(
                    "have the organization's administrators allow {listed} for this account in its service control policies"
                ),
                self.recovery,
            ),
            (simulation::Layer::Boundary, _) => {
                let boundary = self.boundary(facts);
                let shown = boundary.as_ref().map_or("<boundary-arn>", Arn::as_str);
                Fix::new(
                    format!("let the permissions boundary of {name} ({shown}) allow {listed}"),
                    self.recovery,
                )
                .aws(scope, ["iam", "get-policy", "--policy-arn", shown])
                .aws(
                    scope,
                    [
                        "iam",
                        "create-policy-version",
                        "--policy-arn",
                        shown,
                        "--policy-document",
                        "file://<boundary.json>",
                        "--set-as-default",
                    ],
                )
            }
            (simulation::Layer::Identity, true) => {
                let policies = if denial.policies.is_empty() {
                    format!("the policies of {name}")
                } else {
                    denial.policies.join(", ")
                };
                let fix = Fix::new(
                    format!("remove {name} from the reach of the Deny on {listed} in {policies}"),
                    self.recovery,
                );
                let (kind, flag) = self.kind();
                fix.aws(scope, ["iam", &format!("list-{kind}-policies"), flag, name])
                    .aws(scope, ["iam", &format!("list-attached-{kind}-policies"), flag, name])
            }
            (simulation::Layer::Identity, false) => self.attach(scope, actions),
        }
    }

    fn attach(&self, scope: &Scope, actions: &[&str]) -> Fix {
        let name = self.principal.name();
        let (kind, flag) = self.kind();
        let (actions, resource) = match self.grant {
            Grant::Managed(_) => (actions, self.resource),
            Grant::Inline { actions, resource, .. } => (actions, resource),
        };
        let listed = actions.join(", ");
        if name.starts_with("AWSReservedSSO_") {
            return Fix::new(
                format!(
                    "allow {listed} on {resource} in the permission set that {name} is made from, in IAM Identity Center"
                ),
                self.recovery,
            );
        }
        match self.grant {
            Grant::Managed(policy) => {
                let arn = format!("arn:{}:iam::aws:policy/{policy}", self.principal.partition());
                let words =
                    ["iam", &format!("attach-{kind}-policy"), flag, name, "--policy-arn", &arn];
                Fix::new(format!("attach {policy} to {name}"), self.recovery).aws(scope, words)
            }
            Grant::Inline { purpose, .. } => {
                let words = [
                    "iam",
                    &format!("put-{kind}-policy"),
                    flag,
                    name,
                    "--policy-name",
                    &policy_name(purpose, resource),
                    "--policy-document",
                    &statement(actions, resource),
                ];
                Fix::new(format!("allow {name} {listed} on {resource}"), self.recovery)
                    .aws(scope, words)
            }
        }
    }

    fn kind(&self) -> (&'static str, &'static str) {
        if self.principal.resource().starts_with("user/") {
            ("user", "--user-name")
        } else {
            ("role", "--role-name")
        }
    }

    fn boundary(&self, facts: &Facts) -> Option<Arn> {
        if !self.principal.resource().starts_with("role/") {
            return None;
        }
        let name = self.principal.name().parse().ok()?;
        facts.role(&name).optional().ok()??.boundary.clone()
    }
}

/// A policy document of one Allow.
fn statement(actions: &[&str], resource: &str) -> String {
    serde_json::json!({
        "Version": "2012-10-17",
        "Statement": { "Effect": "Allow", "Action": actions, "Resource": resource },
    })
    .to_string()
}

/// The policy on the resource itself.
pub struct Guard<'a> {
    pub kind: GuardKind,
    /// The key's ARN or the bucket's name.
    pub id: &'a str,
    /// None where the resource has no policy.
    pub policy: Result<Option<&'a Text>, Unknown>,
    /// The resource is another account's, so that a grant there does not do without one here.
    pub foreign: bool,
    pub context: Vec<(&'a str, Known)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum GuardKind {
    /// Nobody gets in whom the key policy does not name or delegate to IAM, not even the root user.
    Key,
    /// A bucket's policy may say nothing.
    Bucket,
}

impl GuardKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key policy",
            Self::Bucket => "bucket policy",
        }
    }
}

enum Refusal {
    Identity(Denial),
    Guard,
}

impl Guard<'_> {
    /// May `access`'s one principal do its actions past this policy? The simulator's answers and
    /// every possible reading of the policy are put together; what all of them agree on is certain.
    ///
    /// # Errors
    /// [`Unknown`] when they do not agree.
    pub fn judge(&self, access: &Access, facts: &Facts, scope: &Scope) -> Answer {
        let root = access.principal.resource() == "root";
        crate::model::verdict::all_of(access.actions, "nothing to do", |action| {
            let one = Access { actions: &[*action], ..*access };
            let identity = if root {
                Ok(Ok(()))
            } else {
                ask(facts, scope, access.principal, action, access.resource)
            };
            self.judge_one(&one, action, identity, facts, scope)
        })
    }

    fn judge_one(
        &self,
        access: &Access,
        action: &str,
        identity: Result<Result<(), Denial>, Unknown>,
        facts: &Facts,
        scope: &Scope,
    ) -> Answer {
        let request = Request {
            principal: access.principal,
            action,
            resource: access.resource,
            context: self.context.clone(),
        };
        let what = format!("the {} of {}", self.kind.as_str(), self.id);
        let opinion = match &self.policy {
            Ok(Some(policy)) => policy::judge(policy, &request, &what),
            Ok(None) => Ok(Opinion::SILENT),
            Err(unknown) => Err(unknown.clone()),
        };
        let lacking = |explicit| {
            Err(Denial { layer: simulation::Layer::Identity, explicit, policies: Vec::new() })
        };
        let identities: Vec<Result<(), Denial>> = match &identity {
            Ok(known) => Vec::from([known.clone()]),
            Err(_) => Vec::from([Ok(()), lacking(false), lacking(true)]),
        };
        let rulings: Vec<Ruling> = match &opinion {
            Ok(opinion) => opinion.possible().collect(),
            Err(_) => {
                Vec::from([Ruling::Silent, Ruling::Delegates, Ruling::Grants, Ruling::Denies])
            }
        };
        let mut outcomes: Vec<Result<(), Refusal>> = identities
            .iter()
            .flat_map(|identity| rulings.iter().map(move |ruling| (identity, *ruling)))
            .map(|(identity, ruling)| self.outcome(identity, ruling))
            .collect();
        // A grant to a user, unlike one to a role, is not limited by what a boundary leaves out; whether
        // it reaches the user by name is not told apart here.
        let bounded = |it: &Denial| it.layer == simulation::Layer::Boundary && !it.explicit;
        if matches!(&identity, Ok(Err(denial)) if bounded(denial))
            && access.principal.resource().starts_with("user/")
            && rulings.contains(&Ruling::Grants)
        {
            outcomes.push(Ok(()));
        }
        let certain_ruling =
            opinion.as_ref().ok().filter(|it| it.perhaps.is_empty()).map(|it| it.certain);
        if outcomes.iter().all(Result::is_ok) {
            let evidence = access.allowed();
            return Ok(Verdict::Pass(match certain_ruling {
                Some(Ruling::Grants) => evidence.and(observed(
                    self.id,
                    format!("has a {} that names {}", self.kind.as_str(), access.principal.name()),
                )),
                Some(Ruling::Delegates) => evidence.and(observed(
                    self.id,
                    format!("has a {} that leaves it to IAM", self.kind.as_str()),
                )),
                _ => evidence,
            }));
        }
        if outcomes.iter().all(Result::is_err) {
            // With the identity known to be refused, that is the reason; else the policy is.
            let reason = match &identity {
                Ok(Err(denial)) if !matches!(certain_ruling, Some(Ruling::Denies)) => {
                    Refusal::Identity(denial.clone())
                }
                _ => Refusal::Guard,
            };
            return Ok(self.refused(access, action, &reason, certain_ruling, facts, scope));
        }
        let hangs = opinion.as_ref().ok().and_then(|it| it.perhaps.first()).map(|(_, on)| {
            Unknown::limit(format!(
                "{what} decides about {action} by {on}, which is not evaluated here"
            ))
        });
        let gaps = [identity.err(), opinion.err(), hangs].into_iter().flatten();
        Err(gaps.reduce(Unknown::and).unwrap_or_else(|| {
            Unknown::limit(format!(
                "whether the grant of {action} in {what} reaches {} past the permissions boundary",
                access.principal.name()
            ))
        }))
    }

    fn outcome(&self, identity: &Result<(), Denial>, ruling: Ruling) -> Result<(), Refusal> {
        let denied = match identity {
            _ if ruling == Ruling::Denies => return Err(Refusal::Guard),
            Ok(()) => None,
            Err(denial) => Some(denial),
        };
        match (ruling, denied) {
            // Neither an explicit Deny nor a layer above the identity is overruled by a grant.
            (_, Some(denial)) if denial.explicit || denial.layer != simulation::Layer::Identity => {
                Err(Refusal::Identity(denial.clone()))
            }
            (Ruling::Grants, Some(_)) if !self.foreign => Ok(()),
            (Ruling::Silent, None) if self.kind == GuardKind::Key || self.foreign => {
                Err(Refusal::Guard)
            }
            (_, Some(denial)) => Err(Refusal::Identity(denial.clone())),
            (_, None) => Ok(()),
        }
    }

    fn refused(
        &self,
        access: &Access,
        action: &str,
        reason: &Refusal,
        ruling: Option<Ruling>,
        facts: &Facts,
        scope: &Scope,
    ) -> Verdict {
        let name = access.principal.name();
        match reason {
            Refusal::Identity(denial) => {
                let mut evidence =
                    observed(name, format!("has no {action}{} ({})", access.on(), denial.phrase()));
                if ruling == Some(Ruling::Silent) {
                    evidence = evidence.and(self.silence(name));
                }
                let fix = access.fix(facts, scope, denial, &[action]);
                // A key that does not leave it to IAM wants its own policy changed, and that suffices.
                let by_guard = self.kind == GuardKind::Key
                    && !self.foreign
                    && ruling == Some(Ruling::Silent)
                    && !denial.explicit
                    && denial.layer == simulation::Layer::Identity;
                Verdict::Fail(
                    evidence,
                    if by_guard { self.fix(access, action, false, scope) } else { fix },
                )
            }
            Refusal::Guard => {
                let denies = ruling == Some(Ruling::Denies);
                let evidence = if denies {
                    observed(
                        self.id,
                        format!("has a {} that denies {name} {action}", self.kind.as_str()),
                    )
                } else {
                    self.silence(name)
                };
                Verdict::Fail(evidence, self.fix(access, action, denies, scope))
            }
        }
    }

    fn silence(&self, name: &str) -> Evidence {
        let and_account = if self.kind == GuardKind::Key {
            ", nor leaves it to the account's IAM policies"
        } else {
            ""
        };
        observed(
            self.id,
            format!("has a {} that does not name {name}{and_account}", self.kind.as_str()),
        )
    }

    fn fix(&self, access: &Access, action: &str, denies: bool, scope: &Scope) -> Fix {
        let policy = self.kind.as_str();
        let summary = if denies {
            format!(
                "take {} out of the reach of the Deny in the {policy} of {}",
                access.principal, self.id
            )
        } else {
            format!(
                "add to the {policy} of {} a statement that allows {} {action}",
                self.id, access.principal
            )
        };
        let fix = Fix::new(summary, access.recovery);
        match self.kind {
            GuardKind::Key => fix
                .aws(
                    scope,
                    ["kms", "get-key-policy", "--key-id", self.id, "--policy-name", "default"],
                )
                .aws(
                    scope,
                    [
                        "kms",
                        "put-key-policy",
                        "--key-id",
                        self.id,
                        "--policy-name",
                        "default",
                        "--policy",
                        "file://<key-policy.json>",
                    ],
                ),
            GuardKind::Bucket => {
                fix.aws(scope, ["s3api", "get-bucket-policy", "--bucket", self.id]).aws(
                    scope,
                    [
                        "s3api",
                        "put-bucket-policy",
                        "--bucket",
                        self.id,
                        "--policy",
                        "file://<bucket-policy.json>",
                    ],
                )
            }
        }
    }
}

/// The context of the KMS calls that agent and plugin make themselves: no service in between.
#[must_use]
pub fn kms_context(principal: &Arn, scope: &Scope) -> Vec<(&'static str, Known)> {
    Vec::from([
        ("kms:CallerAccount", Known::Exactly(principal.account().to_string())),
        ("kms:ViaService", Known::Missing),
        ("kms:EncryptionContext:aws:ssm:TargetId", Known::Exactly(scope.target.to_string())),
    ])
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::worlds;

    const ROLE: &str = "arn:aws:iam::111122223333:role/EC2RoleforSSM";
    const KEY: &str = "arn:aws:kms:ap-northeast-1:111122223333:key/k";

    fn word(answer: &Answer) -> &'static str {
        match answer {
            Ok(Verdict::Pass(_)) => "passes",
            Ok(Verdict::Fail(..)) => "fails",
            Ok(Verdict::NotApplicable(_)) => "not-applicable",
            Err(_) => "unknown",
        }
    }

    fn judged(
        kind: GuardKind,
        foreign: bool,
        simulation: &Value,
        policy: Option<&Value>,
    ) -> Answer {
        let world = worlds::all().unwrap().into_iter().next().unwrap();
        let mut facts = serde_json::to_value(&world.facts).unwrap();
        let question = alloc::format!("{ROLE} kms:Decrypt {KEY}");
        json_patch::merge(&mut facts, &json!({ "simulations": { question: simulation } }));
        let facts: Facts = serde_json::from_value(facts).unwrap();
        let principal = ROLE.parse().unwrap();
        let text = policy.map(|it| Text::from(json!({ "Statement": it })));
        let access = Access {
            principal: &principal,
            actions: &["kms:Decrypt"],
            resource: KEY,
            grant: Grant::Inline {
                purpose: "session-key",
                actions: &["kms:Decrypt"],
                resource: KEY,
            },
            recovery: Recovery::NextSession,
        };
        let policy = match &text {
            Some(it) if it.json().unwrap()["Statement"].is_null() => Err(Unknown::limit("hidden")),
            it => Ok(it.as_ref()),
        };
        let guard = Guard {
            kind,
            id: KEY,
            policy,
            foreign,
            context: kms_context(&principal, &world.scope),
        };
        guard.judge(&access, &facts, &world.scope)
    }

    #[test]
    fn policy_names() {
        let rows = [
            ("arn:aws:logs:r:1:log-group:/aws/my_logs:*", "p-log-group-aws-my-logs"),
            ("arn:aws:s3:::bucket/prefix/*", "p-bucket-prefix"),
            ("arn:aws:kms:r:1:key/k-1", "p-key-k-1"),
            ("*", "p"),
        ];
        for (resource, expected) in rows {
            assert_eq!(policy_name("p", resource), expected, "{resource}");
        }
    }

    #[test]
    fn identity_and_resource_policies_together() {
        let allow = |principal: &str| json!({ "Effect": "Allow", "Principal": { "AWS": principal }, "Action": "kms:*", "Resource": "*" });
        let (delegates, grants) = (allow("111122223333"), allow(ROLE));
        let denies =
            json!({ "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*" });
        let perhaps = json!({ "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*", "Condition": { "Bool": { "x": "y" } } });
        let silent = json!([]);
        let hidden = Value::Null;
        let ok = json!({ "decision": "allowed" });
        let lacks = json!({ "decision": "implicitDeny" });
        let forbidden = json!({ "decision": "explicitDeny" });
        let bounded = json!({ "decision": "implicitDeny", "allowed_by_boundary": false });
        let unseen = json!({ "unknown": "denied" });
        // Simulation, policy, then: key, bucket, foreign key.
        let rows = [
            (&ok, &delegates, ["passes", "passes", "passes"]),
            (&ok, &grants, ["passes", "passes", "passes"]),
            (&ok, &silent, ["fails", "passes", "fails"]),
            (&ok, &denies, ["fails", "fails", "fails"]),
            (&ok, &perhaps, ["fails", "unknown", "fails"]),
            (&ok, &hidden, ["unknown", "unknown", "unknown"]),
            (&lacks, &delegates, ["fails", "fails", "fails"]),
            (&lacks, &grants, ["passes", "passes", "fails"]),
            (&lacks, &silent, ["fails", "fails", "fails"]),
            (&lacks, &hidden, ["unknown", "unknown", "fails"]),
            (&forbidden, &grants, ["fails", "fails", "fails"]),
            (&forbidden, &hidden, ["fails", "fails", "fails"]),
            (&bounded, &grants, ["fails", "fails", "fails"]),
            (&unseen, &silent, ["fails", "unknown", "fails"]),
            (&unseen, &denies, ["fails", "fails", "fails"]),
            (&unseen, &delegates, ["unknown", "unknown", "unknown"]),
            (&unseen, &grants, ["unknown", "unknown", "unknown"]),
        ];
        for (simulation, policy, expected) in rows {
            let cases =
                [(GuardKind::Key, false), (GuardKind::Bucket, false), (GuardKind::Key, true)];
            for ((kind, foreign), expected) in cases.into_iter().zip(expected) {
                let answer = judged(kind, foreign, simulation, Some(policy));
                assert_eq!(
                    word(&answer),
                    expected,
                    "{simulation} {policy} foreign: {foreign} {}",
                    kind.as_str()
                );
            }
        }
        assert_eq!(word(&judged(GuardKind::Bucket, false, &ok, None)), "passes");
        assert_eq!(word(&judged(GuardKind::Bucket, false, &lacks, None)), "fails");
    }
}
