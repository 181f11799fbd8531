//! Decisions over facts, as the report words them.

use alloc::vec;

use super::*;
use ssm_doctor_analysis::permissions::identity::{CredentialSource, Side};
use ssm_doctor_facts::{
    lookup::{Gap, Unknown},
    text::Text,
};
use ssm_doctor_fixtures as fixtures;

const TARGET: &str = "arn:aws:ec2:ap-northeast-1:111122223333:instance/i-0abc123def4567890";
const START: &str = "ssm:StartSession";

/// Alice and her target, with `patch` over the facts of the first healthy world.
fn answer(patch: &Value) -> String {
    let patch = json!({ "facts": patch });
    let world = fixtures::patched("test".into(), "private-endpoints", &[patch]).unwrap();
    let facts = world.facts;
    let arn = "arn:aws:iam::111122223333:user/alice".parse().unwrap();
    let identity = Identity { arn, side: Side::Operator, session: None };
    let question = PermissionQuestion { identity: &identity, action: START, resource: TARGET };
    match decide(question, None, &Case::new(&facts, &world.scope)) {
        Ok(PermissionDecision::Allowed(allowance)) => {
            let by = listed(allowance.by.iter().map(words::statement), ", ");
            format!("{}: yes {by}", judge_of(&allowance.basis))
        }
        Ok(PermissionDecision::Denied(denied)) => {
            let phrases = listed(denied.by.iter().map(words::denial), "; ");
            format!("{}: {phrases}", judge_of(&denied.basis))
        }
        Err(unknown) => {
            let gaps = unknown.gaps().map(|gap| match gap {
                Gap::Fact { need, why, .. } => format!("{} {}", need.actions()[0], why.as_str()),
                Gap::Limit(limit) => crate::engine::words::limit(limit),
            });
            format!("? {}", listed(gaps, "; "))
        }
    }
}

fn judge_of(basis: &Basis) -> &'static str {
    match basis {
        Basis::Simulator => "AWS",
        Basis::Disputed => "AWS, disputed",
        Basis::Policies(_) => "here",
    }
}

fn simulated(it: &Value) -> Value {
    let key = format!("arn:aws:iam::111122223333:user/alice {START} {TARGET}");
    json!({ "simulations": { key: it } })
}

fn both(a: &Value, b: &Value) -> Value {
    let mut a = a.clone();
    json_patch::merge(&mut a, b);
    a
}

fn allow(resource: &str, condition: &Value) -> Value {
    json!({ "Sid": "Start", "Effect": "Allow", "Action": START, "Resource": resource, "Condition": condition })
}

/// Alice's one inline policy.
fn inline(statement: &Value) -> Value {
    json!({ "user_policies": { "alice": { "inline": { "Sessions": { "Version": "2012-10-17", "Statement": statement } } } } })
}

#[test]
fn the_simulator_names_the_layer_that_refused() {
    let rows = [
        (json!({ "decision": "allowed" }), "AWS: yes "),
        (
            json!({ "decision": "implicitDeny", "policies": [] }),
            "AWS: no statement of its policies allows it",
        ),
        (
            json!({ "decision": "explicitDeny", "policies": ["Guard"] }),
            "AWS: an explicit Deny in session-operator, Guard",
        ),
        (
            json!({ "decision": "implicitDeny", "allowed_by_boundary": false }),
            "AWS: its permissions boundary does not allow it",
        ),
        (
            json!({ "decision": "explicitDeny", "allowed_by_boundary": false, "allowed_by_organizations": false, "policies": ["session-operator"] }),
            "AWS: refused by an organization's policy (SCP)",
        ),
        // IAM says so of a boundary that denies, and of one that does not allow what another policy denies.
        (
            json!({ "decision": "explicitDeny", "allowed_by_boundary": false, "policies": ["Guard"] }),
            "AWS: an explicit Deny in Guard; its permissions boundary does not allow it",
        ),
        // A tag that the instance, and one that the user, is known not to have.
        (
            json!({ "decision": "implicitDeny", "missing_context": ["ssm:resourceTag/Team", "aws:PrincipalTag/Team"] }),
            "AWS: no statement of its policies allows it",
        ),
    ];
    for (simulation, expected) in rows {
        let expected = expected.replace("session-operator, ", "");
        let answer = answer(&simulated(&simulation));
        assert!(answer.starts_with(&expected), "{simulation}");
        let own = simulation["allowed_by_organizations"] != json!(false);
        assert!(own || answer == expected, "{answer}");
    }
}

#[test]
fn an_answer_that_hangs_on_a_key_is_settled_by_the_policies() {
    let none = json!({});
    let mfa = json!({ "Bool": { "aws:MultiFactorAuthPresent": "true" } });
    let address = json!({ "IpAddress": { "aws:SourceIp": "192.0.2.0/24" } });
    let denied =
        |key: &str| simulated(&json!({ "decision": "implicitDeny", "missing_context": [key] }));
    let free = json!({ "organization": { "us": "absent" } });
    let rows = [
        // Nothing collected yet: both are asked for at once.
        (
            denied("aws:SourceIp"),
            "? iam:ListAttachedUserPolicies unasked; organizations:DescribeOrganization unasked; whether alice may ssm:StartSession depends on aws:SourceIp, which is not known",
        ),
        (
            both(&denied("aws:SourceIp"), &both(&free, &inline(&allow("*", &address)))),
            "? whether alice may ssm:StartSession depends on aws:SourceIp, which is not known",
        ),
        (
            both(
                &denied("aws:MultiFactorAuthPresent"),
                &both(&free, &inline(&json!([allow("*", &mfa), allow("*", &none)]))),
            ),
            "here: yes statement 2 (Start) of Sessions",
        ),
        (
            both(
                &denied("aws:SourceIp"),
                &both(
                    &free,
                    &inline(
                        &json!([allow("arn:aws:ec2:*:*:instance/i-0*", &address), { "Effect": "Deny", "Action": "ssm:*", "Resource": "*" }]),
                    ),
                ),
            ),
            "here: an explicit Deny in statement 2 of Sessions",
        ),
        // A tag of the target that the question came too early for.
        (
            both(
                &denied("ssm:resourceTag/Environment"),
                &both(
                    &free,
                    &inline(&allow(
                        "*",
                        &json!({ "StringEquals": { "ssm:resourceTag/Environment": "production" } }),
                    )),
                ),
            ),
            "here: yes statement 1 (Start) of Sessions",
        ),
    ];
    for (patch, expected) in rows {
        assert_eq!(answer(&patch), expected, "{patch}");
    }
}

#[test]
fn without_the_simulator_the_policies_are_evaluated_here() {
    let none = json!({});
    let refused = simulated(&json!({ "unknown": "denied" }));
    let free = || json!({ "organization": { "us": "absent" } });
    let member = |policies: &Value| {
        json!({
            "organization": { "us": { "id": "o-1", "management": "999900001111" } },
            "organization_policies": { "111122223333": policies },
        })
    };
    let level = |statement: &Value| {
        json!({ "levels": [{ "id": "r-1", "service": { "Full": { "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } } } },
            { "id": "111122223333", "service": { "Guardrails": { "Version": "2012-10-17", "Statement": statement } } }] })
    };
    let yes = || inline(&allow("*", &none));
    let bounded = |document: &Value| {
        json!({
            "user_policies": { "alice": { "boundary": "arn:aws:iam::111122223333:policy/Edge" } },
            "managed_policies": { "arn:aws:iam::111122223333:policy/Edge": document },
        })
    };
    let storage = json!({ "version": "v1", "document": { "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "s3:*", "Resource": "*" } } });
    let rows = [
        (vec![yes(), free()], "here: yes statement 1 (Start) of Sessions"),
        (vec![inline(&json!([])), free()], "here: no statement of its policies allows it"),
        // Nothing is allowed, whatever the organization says.
        (
            vec![inline(&json!([])), json!({ "organization": { "us": { "unknown": "denied" } } })],
            "here: no statement of its policies allows it",
        ),
        (
            vec![inline(&allow("arn:aws:ec2:*:*:instance/i-1", &none)), free()],
            "here: no statement of its policies allows it: statement 1 (Start) of Sessions is for arn:aws:ec2:*:*:instance/i-1 only",
        ),
        (
            vec![
                inline(&allow(
                    "*",
                    &json!({ "StringEquals": { "aws:ResourceTag/Environment": "test" } }),
                )),
                free(),
            ],
            "here: no statement of its policies allows it: statement 1 (Start) of Sessions asks for aws:ResourceTag/Environment test (StringEquals), and the request has production",
        ),
        (
            vec![yes(), bounded(&storage), free()],
            "here: its permissions boundary does not allow it",
        ),
        (
            vec![yes(), bounded(&json!({ "unknown": "denied" })), free()],
            "? iam:SimulatePrincipalPolicy denied; iam:GetPolicyVersion denied",
        ),
        (
            vec![
                yes(),
                json!({ "organization": { "us": { "id": "o-1", "management": "111122223333" } } }),
            ],
            "here: yes statement 1 (Start) of Sessions",
        ),
        (
            vec![yes(), json!({ "organization": { "us": { "unknown": "denied" } } })],
            "? iam:SimulatePrincipalPolicy denied; organizations:DescribeOrganization denied; the policies of alice allow ssm:StartSession (statement 1 (Start) of Sessions), and whether the organization forbids it is not visible from here",
        ),
        (
            vec![
                yes(),
                member(&level(&json!({ "Effect": "Allow", "Action": "ssm:*", "Resource": "*" }))),
            ],
            "here: yes statement 1 (Start) of Sessions",
        ),
        (
            vec![
                yes(),
                member(&level(
                    &json!([{ "Effect": "Allow", "Action": "*", "Resource": "*" }, { "Sid": "NoSsm", "Effect": "Deny", "Action": "ssm:Start*", "Resource": "*" }]),
                )),
            ],
            "here: refused by an organization's policy (SCP) in statement 2 (NoSsm) of Guardrails",
        ),
        // The account is in an organization without service control policies.
        (
            vec![yes(), member(&json!({ "levels": [{ "id": "r-1" }, { "id": "111122223333" }] }))],
            "here: yes statement 1 (Start) of Sessions",
        ),
        // What does not read as a policy is not guessed at.
        (
            vec![inline(&allow("*", &json!({ "StringMatches": { "aws:x": "y" } }))), free()],
            "? iam:SimulatePrincipalPolicy denied; whether alice may ssm:StartSession depends on Sessions statement 1 (Start): Condition operator \"StringMatches\", which is not known",
        ),
    ];
    for (parts, expected) in rows {
        let patch = parts.iter().fold(refused.clone(), |so_far, it| both(&so_far, it));
        assert_eq!(answer(&patch), expected, "{patch}");
    }
}

#[test]
fn the_policies_explain_a_refusal_of_the_simulator() {
    let lacks = simulated(&json!({ "decision": "implicitDeny" }));
    let other = inline(&allow("arn:aws:ec2:*:*:instance/i-1", &json!({})));
    assert_eq!(
        answer(&both(&lacks, &both(&other, &json!({ "organization": { "us": "absent" } })))),
        "AWS: no statement of its policies allows it: statement 1 (Start) of Sessions is for arn:aws:ec2:*:*:instance/i-1 only",
    );
    // They changed in between, or say more than is understood here.
    let yes = inline(&allow("*", &json!({})));
    assert_eq!(answer(&both(&lacks, &yes)), "AWS: no statement of its policies allows it");
    // The boundary denies, or something else does beside a boundary that does not allow.
    let free = json!({ "organization": { "us": "absent" } });
    let forbids = simulated(
        &json!({ "decision": "explicitDeny", "allowed_by_boundary": false, "policies": ["Edge"] }),
    );
    let deny = json!({ "Effect": "Deny", "Action": "ssm:*", "Resource": "*" });
    let edge = |statement: &Value| {
        let document = json!({ "Version": "2012-10-17", "Statement": statement });
        json!({
            "user_policies": { "alice": { "boundary": "arn:aws:iam::111122223333:policy/Edge" } },
            "managed_policies": { "arn:aws:iam::111122223333:policy/Edge": { "version": "v1", "document": document } },
            "organization": { "us": "absent" },
        })
    };
    let all = inline(&allow("*", &json!({})));
    assert_eq!(
        answer(&both(&forbids, &both(&all, &edge(&json!([allow("*", &json!({})), deny]))))),
        "AWS: its permissions boundary denies it in statement 2 of Edge"
    );
    assert_eq!(
        answer(&both(
            &forbids,
            &both(&inline(&json!([allow("*", &json!({})), deny])), &edge(&json!([])))
        )),
        "AWS: an explicit Deny in statement 2 of Sessions; its permissions boundary does not allow it"
    );
    // Seen as a whole they contradict it.
    assert_eq!(
        answer(&both(&lacks, &both(&yes, &free))),
        "AWS, disputed: no statement of its policies allows it"
    );
    let allowed = simulated(&json!({ "decision": "allowed" }));
    assert_eq!(answer(&both(&allowed, &inline(&json!([])))), "AWS, disputed: yes ");
}

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
    kind: ResourcePolicyKind,
    foreign: bool,
    simulation: &Value,
    policy: Option<&Value>,
    more: &Value,
) -> Answer {
    let action: &[&str] = match kind {
        ResourcePolicyKind::Key => &["kms:Decrypt"],
        ResourcePolicyKind::Bucket => &["s3:PutObject"],
    };
    let question = alloc::format!("{ROLE} {} {KEY}", action[0]);
    let patches =
        [json!({ "facts": { "simulations": { question: simulation } } }), json!({ "facts": more })];
    let world = fixtures::patched("test".into(), "private-endpoints", &patches).unwrap();
    let facts = world.facts;
    let identity = Identity {
        arn: ROLE.parse().unwrap(),
        side: Side::Agent(CredentialSource::InstanceProfile),
        session: Some("i-0abc123def4567890".into()),
    };
    let text = policy.map(|it| Text::from(json!({ "Version": "2012-10-17", "Statement": it })));
    let grant = InlinePolicy::of("session-key", action, KEY);
    let permission = Permission {
        identity: &identity,
        actions: action,
        resource: KEY,
        grant: Grant::Inline(&grant),
        recovery: Recovery::NextSession,
    };
    let policy = match &text {
        Some(it) if it.json().unwrap()["Statement"].is_null() => Err(Unknown::limit("hidden")),
        it => Ok(it.as_ref()),
    };
    let account = if foreign { "444455556666" } else { "111122223333" };
    let policy = ResourcePolicy { kind, id: KEY, policy, account, context: Vec::new() };
    permission.judge_with(Some(&policy), &Case::new(&facts, &world.scope))
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
    let conditional = json!({ "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", "Condition": { "Bool": { "aws:x": "true" } } });
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
        (&ok, &conditional, ["fails", "unknown", "fails"]),
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
        let cases = [
            (ResourcePolicyKind::Key, false),
            (ResourcePolicyKind::Bucket, false),
            (ResourcePolicyKind::Key, true),
        ];
        for ((kind, foreign), expected) in cases.into_iter().zip(expected) {
            let no_grants = json!({ "key_grants": { KEY: [] } });
            let answer = judged(kind, foreign, simulation, Some(policy), &no_grants);
            assert_eq!(
                word(&answer),
                expected,
                "{simulation} {policy} foreign: {foreign} {}",
                kind.as_str()
            );
        }
    }
    let bucket = |it| word(&judged(ResourcePolicyKind::Bucket, false, it, None, &json!({})));
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
        (&lacks, json!({ "unknown": "denied" }), "unknown"),
        (&forbidden, grant(ROLE, "Decrypt", false), "fails"),
    ];
    for (simulation, grants, expected) in rows {
        let more = json!({ "key_grants": { KEY: grants } });
        let answer = judged(ResourcePolicyKind::Key, false, simulation, Some(&delegates), &more);
        assert_eq!(word(&answer), expected, "{simulation} {grants}");
    }
    // Grants that were not seen leave the answer open.
    let unseen = judged(ResourcePolicyKind::Key, false, &lacks, Some(&delegates), &json!({}));
    assert!(unseen.unwrap_err().is_unasked());
}
