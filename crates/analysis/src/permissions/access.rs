//! From permissions to answers: what was judged, which layer refused, and what to change there.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use serde_json::{Value, json};

use crate::answer::{Answer, Evidence, Fix, Recovery, Verdict, observed};
use crate::case::Case;
use crate::{
    permissions::{
        collected,
        context::MFA,
        judge::{
            Allowed, Basis, Guard, GuardKind, Judgement, No, Question, Refused, Stratum, judge,
        },
        who::Who,
    },
    session::GuardedKey,
};
use ssm_doctor_facts::{
    ids::Arn,
    lookup::{Facts, Need, Row, Unknown},
};

/// What somebody needs to be allowed.
#[derive(Clone, Copy)]
pub struct Access<'a> {
    pub who: &'a Who,
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
    pub fn judge(&self, case: &Case) -> Answer {
        self.judge_past(None, case)
    }

    /// Are they, past the policy on the resource itself?
    ///
    /// # Errors
    /// As [`judge`](Self::judge).
    pub fn judge_past(&self, guard: Option<&Guard>, case: &Case) -> Answer {
        let mut refusals: Vec<(Refused, Vec<&str>)> = Vec::new();
        let mut allowances: Vec<(Allowed, Vec<&str>)> = Vec::new();
        let mut passed: Option<Evidence> = None;
        let mut unknown: Option<Unknown> = None;
        for action in self.actions.iter().copied() {
            let question = Question { who: self.who, action, resource: self.resource };
            match judge(question, guard, case) {
                Ok(Judgement::Allowed(allowed)) => add(&mut allowances, allowed, action),
                Ok(Judgement::Refused(refused)) => {
                    match granted(question, &refused, guard, case.facts) {
                        Some(Ok(evidence)) => join(&mut passed, evidence, Evidence::and),
                        Some(Err(more)) => join(&mut unknown, more, Unknown::and),
                        None => add(&mut refusals, refused, action),
                    }
                }
                Err(more) => join(&mut unknown, more, Unknown::and),
            }
        }
        let failures = refusals.iter().map(|(refused, actions)| {
            let evidence = self.lack(refused, actions, guard, case.facts);
            (evidence, self.fix(refused, actions, guard, case))
        });
        if let Some((evidence, fix)) = failures.reduce(|a, b| (a.0.and(b.0), a.1.and(b.1))) {
            return Ok(Verdict::Fail(evidence, fix));
        }
        if let Some(unknown) = unknown {
            return Err(unknown);
        }
        let allowances = allowances.iter().map(|(it, actions)| self.possession(it, actions, guard));
        let passed = allowances.chain(passed).reduce(Evidence::and);
        Ok(passed.map_or(Verdict::NotApplicable("nothing to do"), Verdict::Pass))
    }

    fn possession(&self, allowed: &Allowed, actions: &[&str], guard: Option<&Guard>) -> Evidence {
        let name = self.who.name();
        let by = if allowed.by.is_empty() && !matches!(allowed.basis, Basis::Policies(_)) {
            String::from(" (by IAM's simulator)")
        } else if allowed.by.is_empty() {
            String::new()
        } else {
            format!(" ({})", allowed.by.join(", "))
        };
        let mut evidence = observed(name, format!("may {}{}{by}", actions.join(", "), self.on()));
        if let (Some(place), Some(guard)) = (&allowed.by_guard, guard) {
            let how = format!("has a {} that lets it in by its {place}", guard.kind.as_str());
            evidence = evidence.and(observed(guard.id, how));
        }
        match allowed.basis.note() {
            Some(note) => evidence.and(observed(name, note)),
            None => evidence,
        }
    }

    /// The resource for a sentence: what the purpose takes rather than one example of it.
    fn on(&self) -> String {
        match self.written() {
            "*" => String::new(),
            resource => format!(" on {resource}"),
        }
    }

    /// The resource to write into a policy.
    fn written(&self) -> &str {
        match self.grant {
            Grant::Inline { resource, .. } => resource,
            // The ARN that refusals name has a star for its resource; documented is a star alone.
            Grant::Managed(_) if self.resource.contains(":ssmmessages:") => "*",
            Grant::Managed(_) => self.resource,
        }
    }

    fn lack(
        &self,
        refused: &Refused,
        actions: &[&str],
        guard: Option<&Guard>,
        facts: &Facts,
    ) -> Evidence {
        let (name, listed) = (self.who.name(), actions.join(", "));
        let (guards, own): (Vec<&No>, Vec<&No>) =
            refused.layers.iter().partition(|it| it.layer == Stratum::Guard);
        let own = own.iter().map(|it| it.phrase()).collect::<Vec<_>>().join("; ");
        let own = (!own.is_empty())
            .then(|| observed(name, format!("has no {listed}{} ({own})", self.on())));
        let guards = guards.iter().filter_map(|no| {
            let guard = guard?;
            let kind = guard.kind.as_str();
            Some(observed(
                guard.id,
                match (no.explicit, guard.kind) {
                    (true, _) => {
                        format!("has a {kind} that denies {name} {listed} in its {}", no.by.join(", "))
                    }
                    (false, GuardKind::Key) => {
                        format!("has a {kind} that does not let {name} in, nor leaves it to the account's IAM policies")
                    }
                    (false, GuardKind::Bucket) => format!("has a {kind} that does not name {name}"),
                },
            ))
        });
        let evidence = own.into_iter().chain(guards).reduce(Evidence::and);
        let evidence = evidence.unwrap_or_else(|| observed(name, format!("has no {listed}")));
        let evidence = match refused.basis.note() {
            Some(note) => evidence.and(observed(name, note)),
            None => evidence,
        };
        let evidence = evidence.wanting(refused.wanted.iter().cloned());
        let key = guard.filter(|it| it.kind == GuardKind::Key && !refused.is_final());
        let Some(key) = key.and_then(|it| it.id.parse::<Arn>().ok()) else { return evidence };
        match facts.key_grants(&key).optional() {
            Ok(_) => evidence,
            Err(unknown) if unknown.is_unasked() => evidence.hinging_on([Need::key_grants(key)]),
            Err(_) => evidence.and(observed(
                &key,
                "may have grants besides, which could not be listed (kms:ListGrants)",
            )),
        }
    }

    /// What to change, in every layer that refused.
    fn fix(&self, refused: &Refused, actions: &[&str], guard: Option<&Guard>, case: &Case) -> Fix {
        let silent = |it: &No| it.layer == Stratum::Guard && !it.explicit;
        // Within an account what a key's policy grants needs no policy beside it.
        let key_suffices = guard
            .is_some_and(|it| it.kind == GuardKind::Key && it.account == self.who.arn.account())
            && refused.layers.iter().any(silent);
        let mended =
            |it: &&No| !key_suffices || it.explicit || !matches!(it.layer, Stratum::Identity);
        let fixes = refused.layers.iter().filter(mended).map(|no| match (no.layer, guard) {
            (Stratum::Guard, Some(guard)) => self.open(guard, no, actions),
            _ => self.mend(no, actions, case),
        });
        fixes.reduce(Fix::and).unwrap_or_else(|| self.attach(actions))
    }

    /// A layer of the principal's own side.
    fn mend(&self, no: &No, actions: &[&str], case: &Case) -> Fix {
        let fix = self.mend_policy(no, actions, case);
        let parts = no.by.iter().chain(&no.nearest).chain(&no.keys);
        let by_mfa = parts.into_iter().any(|it| it.contains(MFA));
        if !by_mfa || !self.who.is_user() {
            return fix;
        }
        // What was judged is the long-term key at hand, which never carries it.
        let first = Fix::new(
            "start the session with credentials made with MFA: those that `aws sts get-session-token` gives for a code",
            self.recovery,
        )
        .aws([
                "sts",
                "get-session-token",
                "--serial-number",
                "<mfa-device-arn>",
                "--token-code",
                "<code>",
            ],
        );
        first.or(fix.summary()).and(fix)
    }

    fn mend_policy(&self, no: &No, actions: &[&str], case: &Case) -> Fix {
        let (name, listed) = (self.who.name(), actions.join(", "));
        let at = if no.by.is_empty() { String::new() } else { format!(" ({})", no.by.join(", ")) };
        match (no.layer, no.explicit) {
            (Stratum::ServiceControl | Stratum::ResourceControl, explicit) => {
                let kind = if no.layer == Stratum::ServiceControl { "service" } else { "resource" };
                let what = if explicit {
                    format!(
                        "take {listed} in this account out of the Deny of its {kind} control policies{at}"
                    )
                } else {
                    format!("allow {listed} for this account in its {kind} control policies")
                };
                Fix::new(format!("have the organization's administrators {what}"), self.recovery)
            }
            (Stratum::Boundary, explicit) => {
                let boundary = self.boundary(case.facts);
                let shown = boundary.as_ref().map_or("<boundary-arn>", Arn::as_str);
                let what = if explicit {
                    format!(
                        "take {listed} out of the Deny in the permissions boundary of {name} ({shown}){at}"
                    )
                } else {
                    let statement = statement(actions, self.written());
                    format!(
                        "let the permissions boundary of {name} ({shown}) allow {listed}: add {statement}"
                    )
                };
                Fix::new(what, self.recovery).aws(["iam", "get-policy", "--policy-arn", shown]).aws(
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
            (Stratum::Identity | Stratum::Guard | Stratum::Endpoint, true) => {
                let at = if no.by.is_empty() {
                    format!("the policies of {name}")
                } else {
                    no.by.join(", ")
                };
                let fix = Fix::new(
                    format!("remove {name} from the reach of the Deny on {listed} in {at}"),
                    self.recovery,
                );
                let (kind, flag) = self.kind();
                fix.aws(["iam", &format!("list-{kind}-policies"), flag, name]).aws([
                    "iam",
                    &format!("list-attached-{kind}-policies"),
                    flag,
                    name,
                ])
            }
            (Stratum::Identity | Stratum::Guard | Stratum::Endpoint, false) => {
                let mut fix = self.attach(actions);
                if let (Some(nearest), false) = (&no.nearest, no.keys.is_empty()) {
                    fix = fix.or(&format!("make its condition hold: {nearest}"));
                }
                fix
            }
        }
    }

    /// The policy on the resource.
    fn open(&self, guard: &Guard, no: &No, actions: &[&str]) -> Fix {
        let (policy, id, listed) = (guard.kind.as_str(), guard.id, actions.join(", "));
        let summary = if no.explicit {
            format!(
                "take {} out of the reach of the Deny in the {policy} of {id} ({})",
                self.who.arn,
                no.by.join(", ")
            )
        } else {
            let mut statement = allowing(actions, self.resource);
            if guard.kind == GuardKind::Key {
                // In a key policy this is the key itself.
                set(&mut statement, "Resource", json!("*"));
            }
            set(&mut statement, "Principal", json!({ "AWS": self.who.arn }));
            format!(
                "add to the {policy} of {id} a statement that allows {} {listed}: {statement}",
                self.who.arn
            )
        };
        let fix = Fix::new(summary, self.recovery);
        match guard.kind {
            GuardKind::Key => fix
                .aws(["kms", "get-key-policy", "--key-id", id, "--policy-name", "default"])
                .aws([
                    "kms",
                    "put-key-policy",
                    "--key-id",
                    id,
                    "--policy-name",
                    "default",
                    "--policy",
                    "file://<key-policy.json>",
                ]),
            GuardKind::Bucket => fix.aws(["s3api", "get-bucket-policy", "--bucket", id]).aws([
                "s3api",
                "put-bucket-policy",
                "--bucket",
                id,
                "--policy",
                "file://<bucket-policy.json>",
            ]),
        }
    }

    fn attach(&self, actions: &[&str]) -> Fix {
        let name = self.who.name();
        let (kind, flag) = self.kind();
        let resource = self.written();
        let actions = match self.grant {
            Grant::Managed(_) => actions,
            Grant::Inline { actions, .. } => actions,
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
                let arn = format!("arn:{}:iam::aws:policy/{policy}", self.who.arn.partition());
                let words =
                    ["iam", &format!("attach-{kind}-policy"), flag, name, "--policy-arn", &arn];
                Fix::new(format!("attach {policy} to {name}"), self.recovery).aws(words)
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
                    &document(actions, resource),
                ];
                Fix::new(format!("allow {name} {listed} on {resource}"), self.recovery).aws(words)
            }
        }
    }

    fn kind(&self) -> (&'static str, &'static str) {
        if self.who.is_user() { ("user", "--user-name") } else { ("role", "--role-name") }
    }

    fn boundary(&self, facts: &Facts) -> Option<Arn> {
        let policies = collected::attached(facts, self.who).ok();
        if let Some(Row::Present(arn)) = policies.map(|it| &it.boundary) {
            return Some(arn.clone());
        }
        let name = self.who.name().parse().ok().filter(|_| self.who.is_role())?;
        facts.role(&name).optional().ok()??.boundary.clone()
    }
}

fn add<'a, T: PartialEq>(groups: &mut Vec<(T, Vec<&'a str>)>, one: T, action: &'a str) {
    match groups.iter_mut().find(|it| it.0 == one) {
        Some((_, actions)) => actions.push(action),
        None => groups.push((one, Vec::from([action]))),
    }
}

fn join<T>(so_far: &mut Option<T>, more: T, both: impl FnOnce(T, T) -> T) {
    *so_far = Some(match so_far.take() {
        Some(so_far) => both(so_far, more),
        None => more,
    });
}

/// May it use a key, past the key's policy? The purpose names what to attach where it lacks that.
///
/// # Errors
/// As [`Access::judge`].
pub fn may_use_key(
    who: &Who,
    action: &str,
    purpose: &'static str,
    key: GuardedKey,
    case: &Case,
) -> Answer {
    let (resource, actions) = (key.arn.as_str(), [action]);
    let access = Access {
        who,
        actions: &actions,
        resource,
        grant: Grant::Inline { purpose, actions: &actions, resource },
        recovery: Recovery::NextSession,
    };
    let guard = Guard {
        kind: GuardKind::Key,
        id: resource,
        policy: key.policy.map(Some),
        account: key.arn.account(),
        context: key.context,
    };
    access.judge_past(Some(&guard), case)
}

/// Does a grant of the key let it in, where policies do not? Grants need no policy beside them.
/// Sessions are hardly ever given keys that way, so grants that were not seen hold nothing up; the
/// evidence says so.
fn granted(
    question: Question,
    refused: &Refused,
    guard: Option<&Guard>,
    facts: &Facts,
) -> Option<Result<Evidence, Unknown>> {
    let guard = guard.filter(|it| it.kind == GuardKind::Key && !refused.is_final())?;
    let key = guard.id.parse().ok()?;
    let who = &question.who.arn;
    let operation = question.action.split_once(':').map_or("", |it| it.1);
    let sessions =
        format!("arn:{}:sts::{}:assumed-role/{}/", who.partition(), who.account(), who.name());
    let grants = facts.key_grants(&key).optional().ok()??;
    let fitting = grants.iter().filter(|it| it.operations.iter().any(|it| it == operation));
    let mut perhaps = None;
    for grant in fitting {
        let id = &grant.id;
        if grant.grantee == who.as_str() && !grant.constrained {
            let how = format!("has a grant ({id}) that lets {} {operation}", who.name());
            return Some(Ok(observed(guard.id, how)));
        }
        if grant.grantee == who.as_str() || grant.grantee.starts_with(&sessions) {
            perhaps = Some(Err(Unknown::limit(format!(
                "whether grant {id} of {} lets {} {operation} depends on its constraints or on the session",
                guard.id,
                who.name()
            ))));
        }
    }
    perhaps
}

/// One Allow.
pub fn allowing(actions: &[&str], resource: &str) -> Value {
    json!({ "Effect": "Allow", "Action": actions, "Resource": resource })
}

pub fn set(statement: &mut Value, element: &str, value: Value) {
    if let Some(elements) = statement.as_object_mut() {
        elements.insert(element.into(), value);
    }
}

fn statement(actions: &[&str], resource: &str) -> String {
    allowing(actions, resource).to_string()
}

/// A policy document of one Allow.
fn document(actions: &[&str], resource: &str) -> String {
    json!({ "Version": "2012-10-17", "Statement": allowing(actions, resource) }).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::permissions::{credentials::Source, who::Side};
    use ssm_doctor_facts::text::Text;
    use ssm_doctor_fixtures as fixtures;

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
        more: &Value,
    ) -> Answer {
        let world = fixtures::named("private-endpoints").unwrap();
        let mut facts = serde_json::to_value(&world.facts).unwrap();
        let action: &[&str] = match kind {
            GuardKind::Key => &["kms:Decrypt"],
            GuardKind::Bucket => &["s3:PutObject"],
        };
        let question = alloc::format!("{ROLE} {} {KEY}", action[0]);
        json_patch::merge(&mut facts, &json!({ "simulations": { question: simulation } }));
        json_patch::merge(&mut facts, more);
        let facts: Facts = serde_json::from_value(facts).unwrap();
        let who = Who {
            arn: ROLE.parse().unwrap(),
            side: Side::Agent(Source::InstanceProfile),
            session: Some("i-0abc123def4567890".into()),
        };
        let text = policy.map(|it| Text::from(json!({ "Version": "2012-10-17", "Statement": it })));
        let access = Access {
            who: &who,
            actions: action,
            resource: KEY,
            grant: Grant::Inline { purpose: "session-key", actions: action, resource: KEY },
            recovery: Recovery::NextSession,
        };
        let policy = match &text {
            Some(it) if it.json().unwrap()["Statement"].is_null() => Err(Unknown::limit("hidden")),
            it => Ok(it.as_ref()),
        };
        let account = if foreign { "444455556666" } else { "111122223333" };
        let guard = Guard { kind, id: KEY, policy, account, context: Vec::new() };
        access.judge_past(Some(&guard), &Case::new(&facts, &world.scope))
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
        let allow = |principal: &str| json!({ "Effect": "Allow", "Principal": { "AWS": principal }, "Action": "*", "Resource": "*" });
        let (delegates, grants) = (allow("111122223333"), allow(ROLE));
        let denies = json!({ "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*" });
        let perhaps = json!({ "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", "Condition": { "Bool": { "aws:x": "true" } } });
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
                let answer = judged(kind, foreign, simulation, Some(policy), &json!({}));
                assert_eq!(
                    word(&answer),
                    expected,
                    "{simulation} {policy} foreign: {foreign} {}",
                    kind.as_str()
                );
            }
        }
        let bucket = |it| word(&judged(GuardKind::Bucket, false, it, None, &json!({})));
        assert_eq!((bucket(&ok), bucket(&lacks)), ("passes", "fails"));
    }

    #[test]
    fn grants_of_a_key() {
        let delegates = json!({ "Effect": "Allow", "Principal": { "AWS": "111122223333" }, "Action": "kms:*", "Resource": "*" });
        let session = "arn:aws:sts::111122223333:assumed-role/EC2RoleforSSM/i-1";
        let grant = |grantee: &str, operation: &str, constrained: bool| json!([{ "id": "g", "grantee": grantee, "operations": [operation], "constrained": constrained }]);
        let lacks = json!({ "decision": "implicitDeny" });
        let forbidden = json!({ "decision": "explicitDeny" });
        let rows = [
            (&lacks, grant(ROLE, "Decrypt", false), "passes"),
            (&lacks, grant(ROLE, "Decrypt", true), "unknown"),
            (&lacks, grant(session, "Decrypt", false), "unknown"),
            (&lacks, grant(ROLE, "Encrypt", false), "fails"),
            (&lacks, grant("arn:aws:iam::111122223333:role/Other", "Decrypt", false), "fails"),
            (&lacks, json!([]), "fails"),
            (&lacks, json!({ "unknown": "denied" }), "fails"),
            (&forbidden, grant(ROLE, "Decrypt", false), "fails"),
        ];
        for (simulation, grants, expected) in rows {
            let more = json!({ "key_grants": { KEY: grants } });
            let answer = judged(GuardKind::Key, false, simulation, Some(&delegates), &more);
            assert_eq!(word(&answer), expected, "{simulation} {grants}");
            let said = alloc::format!("{answer:?}").contains("could not be listed");
            assert_eq!(said, grants.get("unknown").is_some(), "{answer:?}");
        }
        // Grants are looked at once a failure is there to be explained.
        let Ok(Verdict::Fail(evidence, _)) =
            judged(GuardKind::Key, false, &lacks, Some(&delegates), &json!({}))
        else {
            panic!("no failure")
        };
        assert!(evidence.hinges().contains(&Need::key_grants(KEY.parse().unwrap())));
    }
}
