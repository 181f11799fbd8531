//! Edits of policies.

use super::*;
use ssm_doctor_iam_policy::{
    AccessDecision, AttachedPolicy, PolicyDocument, PolicyLayer, PolicyLayers, PolicyType,
    Principal, Request, RequestContext, RequestResource, ResourceOwner, evaluate,
};

const INSTANCE: &str = "arn:aws:ec2:eu-west-1:111122223333:instance/i-1";

fn edit(statement: &Value, actions: &[&str], resource: &str) -> (Value, bool) {
    let document = Text::Json(json!({ "Version": "2012-10-17", "Statement": [statement] }));
    let exemption = Exemption { actions, resource, principal: None };
    let edited = exempting(&document, &[(1, exemption)]).unwrap();
    (edited.document["Statement"].clone(), edited.widens)
}

#[test]
fn a_listed_action_is_denied_on_everything_else_still() {
    let deny = json!({ "Effect": "Deny", "Action": ["ssm:StartSession", "ssm:SendCommand"], "Resource": "*" });
    let (left, widens) = edit(&deny, &["ssm:StartSession"], INSTANCE);
    assert!(!widens);
    assert_eq!(
        left,
        json!([
            { "Effect": "Deny", "Action": ["ssm:SendCommand"], "Resource": "*" },
            { "Effect": "Deny", "Action": ["ssm:StartSession"], "NotResource": [INSTANCE] },
        ])
    );
}

#[test]
fn every_action_stays_denied_but_one_on_one_resource() {
    let deny = json!({ "Effect": "Deny", "Action": "*", "Resource": "*" });
    let (left, widens) = edit(&deny, &["ssm:StartSession"], INSTANCE);
    assert!(!widens);
    assert_eq!(
        left,
        json!([
            { "Effect": "Deny", "Action": "*", "NotResource": [INSTANCE] },
            { "Effect": "Deny", "NotAction": ["ssm:StartSession"], "Resource": INSTANCE },
        ])
    );
}

#[test]
fn the_name_of_a_statement_stays_unique() {
    let deny = json!({ "Sid": "NoShells", "Effect": "Deny", "Action": ["ssm:StartSession", "ssm:SendCommand"], "Resource": "*" });
    let (left, _) = edit(&deny, &["ssm:StartSession"], INSTANCE);
    assert_eq!(left[0]["Sid"], "NoShells");
    assert_eq!(left[1].get("Sid"), None);
}

#[test]
fn a_pattern_of_actions_exempts_more_and_says_so() {
    let deny = json!({ "Effect": "Deny", "Action": "ssm:*", "Resource": "*" });
    let (left, widens) = edit(&deny, &["ssm:StartSession"], INSTANCE);
    assert!(widens);
    assert_eq!(left, json!([{ "Effect": "Deny", "Action": "ssm:*", "NotResource": [INSTANCE] }]));
}

#[test]
fn every_other_action_stays_denied_where_the_resource_is_any() {
    let condition = json!({ "StringNotEquals": { "aws:SourceVpc": "vpc-1" } });
    let deny = json!({ "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition });
    let actions = ["ssmmessages:OpenDataChannel"];
    let rest = json!({
        "Effect": "Deny", "NotAction": actions, "Resource": "*", "Condition": condition,
    });
    assert_eq!(edit(&deny, &actions, "*"), (json!([rest]), false));
}

#[test]
fn patterns_that_do_not_cover_the_action_stay() {
    let deny = json!({ "Effect": "Deny", "Action": ["s3:*", "ssmmessages:*"], "Resource": "*" });
    let rest = json!({ "Effect": "Deny", "Action": ["s3:*"], "Resource": "*" });
    assert_eq!(edit(&deny, &["ssmmessages:OpenDataChannel"], "*"), (json!([rest]), true));
}

#[test]
fn a_principal_that_is_exempted_from_one_action_stays_denied_every_other() {
    let role: Arn = "arn:aws:iam::111122223333:role/Agent".parse().unwrap();
    let bucket = "arn:aws:s3:::logs";
    let deny = json!({ "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": bucket });
    let document = Text::Json(json!({ "Statement": deny }));
    let actions = ["s3:PutObject"];
    let exemption = Exemption { actions: &actions, resource: bucket, principal: Some(&role) };
    let edited = exempting(&document, &[(1, exemption)]).unwrap();
    assert!(!edited.widens);
    assert_eq!(
        edited.document["Statement"],
        json!([
            {
                "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": bucket,
                "Condition": { "ArnNotEquals": { "aws:PrincipalArn": [role.as_str()] } },
            },
            {
                "Effect": "Deny", "Principal": "*", "NotAction": actions, "Resource": bucket,
                "Condition": { "ArnEquals": { "aws:PrincipalArn": role.as_str() } },
            },
        ])
    );
}

#[test]
fn a_statement_that_covered_nothing_else_goes() {
    let deny =
        json!({ "Effect": "Deny", "Action": "ssmmessages:OpenDataChannel", "Resource": "*" });
    assert_eq!(edit(&deny, &["ssmmessages:OpenDataChannel"], "*"), (json!([]), false));
}

#[test]
fn no_edit_names_a_principal_that_was_deleted() {
    let (role, root) = ("arn:aws:iam::111122223333:role/Agent", "111122223333");
    let (deleted, another) = ("AROAJ2UCCR6DPCEXAMPLE", "AIDAJQABLZS4A3QDU576Q");
    let statement = |effect: &str, element: &str, principal: Value| {
        let mut statement = json!({ "Effect": effect, "Action": "kms:Decrypt", "Resource": "*" });
        statement[element] = principal;
        statement
    };
    let document = Text::Json(json!({ "Statement": [
        statement("Allow", "Principal", json!({ "AWS": deleted })),
        statement("Allow", "Principal", json!({ "AWS": [another, root] })),
        statement("Allow", "Principal", json!({ "AWS": deleted, "Service": "logs.amazonaws.com" })),
        statement("Deny", "NotPrincipal", json!({ "AWS": [deleted] })),
        statement("Allow", "Principal", json!("*")),
    ] }));
    assert_eq!(deleted_principals(&document), [deleted, another]);
    let added = statement("Allow", "Principal", json!({ "AWS": role }));
    let edited = with_statements(Some(&document), core::slice::from_ref(&added)).unwrap();
    assert_eq!(
        edited["Statement"],
        json!([
            statement("Allow", "Principal", json!({ "AWS": [root] })),
            statement("Allow", "Principal", json!({ "Service": "logs.amazonaws.com" })),
            statement("Deny", "Principal", json!("*")),
            statement("Allow", "Principal", json!("*")),
            added,
        ])
    );
}

#[test]
fn a_principal_is_exempted_once() {
    let role: Arn = "arn:aws:iam::111122223333:role/Agent".parse().unwrap();
    let deny = json!({
        "Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*",
        "Condition": { "ArnNotEquals": { "aws:PrincipalArn": role.as_str() } },
    });
    let document = Text::Json(json!({ "Statement": deny }));
    let exemption = Exemption { actions: &["kms:Decrypt"], resource: "*", principal: Some(&role) };
    let edited = exempting(&document, &[(1, exemption)]).unwrap();
    let condition = &edited.document["Statement"][0]["Condition"];
    assert_eq!(*condition, json!({ "ArnNotEquals": { "aws:PrincipalArn": [role.as_str()] } }));
}

#[test]
fn sparing_services_says_whether_a_deny_covers_less_than_before() {
    let trust = |spared: Option<&str>| {
        let mut deny = json!({ "Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole" });
        if let Some(spared) = spared {
            deny["Condition"] = json!({ "BoolIfExists": { "aws:PrincipalIsAWSService": spared } });
        }
        Text::Json(json!({ "Statement": [deny] }))
    };
    for (before, widens) in [(None, true), (Some("true"), true), (Some("false"), false)] {
        let edited = sparing_services(&trust(before), "sts:AssumeRole").unwrap();
        assert_eq!(edited.widens, widens, "{before:?}");
        assert_eq!(Text::Json(edited.document), trust(Some("false")), "{before:?}");
    }
}

#[test]
fn a_principal_is_exempted_by_a_condition_beside_the_others() {
    let deny = json!({
        "Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*",
        "Condition": { "Bool": { "aws:SecureTransport": "true" } },
    });
    let document = Text::Json(json!({ "Statement": deny }));
    let role: Arn = "arn:aws:iam::111122223333:role/Agent".parse().unwrap();
    let exemption = Exemption { actions: &["kms:Decrypt"], resource: "*", principal: Some(&role) };
    let edited = exempting(&document, &[(1, exemption)]).unwrap();
    assert!(!edited.widens);
    assert_eq!(
        edited.document["Statement"][0]["Condition"],
        json!({
            "Bool": { "aws:SecureTransport": "true" },
            "ArnNotEquals": { "aws:PrincipalArn": [role.as_str()] },
        })
    );
}

#[test]
fn only_a_deny_of_the_actions_is_edited() {
    let deny = json!({ "Effect": "Deny", "Action": "ssm:StartSession", "Resource": "*" });
    let document = Text::Json(json!({ "Statement": [
        deny,
        { "Effect": "Allow", "Action": "ssm:StartSession", "Resource": "*" },
        { "Effect": "Deny", "Action": "s3:Put*", "Resource": "*" },
        { "Effect": "Deny", "NotAction": "ssm:*", "Resource": "*" },
        { "Effect": "Deny", "Action": "ssm:*", "Resource": "arn:aws:ssm:*:*:parameter/*" },
    ] }));
    let exemption =
        Exemption { actions: &["ssm:StartSession"], resource: INSTANCE, principal: None };
    assert!(exempting(&document, &[(1, exemption)]).is_some());
    for number in [0, 2, 3, 4, 5, 6] {
        assert_eq!(exempting(&document, &[(1, exemption), (number, exemption)]), None, "{number}");
    }
}

#[test]
fn of_several_actions_a_statement_is_edited_for_those_that_it_denies() {
    let deny = json!({ "Effect": "Deny", "Action": "ssm:StartSession", "Resource": "*" });
    let (left, _) = edit(&deny, &["ssm:StartSession", "ssm:TerminateSession"], INSTANCE);
    let rest =
        json!({ "Effect": "Deny", "Action": ["ssm:StartSession"], "NotResource": [INSTANCE] });
    assert_eq!(left, json!([rest]));
}

#[test]
fn statements_are_counted_as_they_were() {
    let deny = |action: &str| json!({ "Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*" });
    let of_deleted = json!({ "Effect": "Allow", "Principal": { "AWS": "AROAJ2UCCR6DPCEXAMPLE" }, "Action": "s3:*", "Resource": "*" });
    let (put, get, both) = (deny("s3:PutObject"), deny("s3:GetObject"), deny("s3:*"));
    let document = Text::Json(json!({ "Statement": [of_deleted, put, get, both] }));
    let exemption = |actions| Exemption { actions, resource: "*", principal: None };
    let each = [(2, exemption(&["s3:PutObject"])), (3, exemption(&["s3:GetObject"]))];
    let edited = exempting(&document, &each).unwrap();
    assert_eq!(edited.document["Statement"], json!([both]));
}

/// The decision on a request of a user who has this policy and may do everything else.
fn is_allowed(document: &Text, user: &Arn, action: &str, resource: &str) -> bool {
    let everything =
        Text::Json(json!({ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } }));
    let attached = [document, &everything].map(|document| AttachedPolicy {
        id: String::from("policy"),
        attached_to: String::from("user"),
        document: Ok(PolicyDocument::parse(document, PolicyType::IdentityBased)),
    });
    let layers = PolicyLayers {
        identity: PolicyLayer::Policies(attached.into()),
        ..PolicyLayers::default()
    };
    let principal = Principal::User(user);
    let request = Request {
        principal,
        action,
        resource: RequestResource::Exact(resource),
        owner: ResourceOwner::SameAccount,
        context: &RequestContext::for_principal(&principal),
    };
    match evaluate(&request, &layers) {
        AccessDecision::Allowed(_) => true,
        AccessDecision::Denied(_) => false,
        AccessDecision::Undecided(undecided) => panic!("{undecided:?}"),
    }
}

/// Every statement that these elements make.
fn statements_of_every_kind() -> Vec<Value> {
    let (start, send) = ("ssm:StartSession", "ssm:SendCommand");
    let actions = [
        json!(start),
        json!([send, "ssm:startsession"]),
        json!([send, "ssm:Start*", "s3:*"]),
        json!("ssm:*"),
        json!("*"),
        json!("s3:GetObject"),
    ];
    let resources = [
        json!("*"),
        json!(INSTANCE),
        json!([OTHER, INSTANCE]),
        json!("arn:aws:ec2:*:*:instance/*"),
        json!([OTHER, "arn:aws:s3:::*"]),
    ];
    let conditions = [None, Some(json!({ "ArnNotEquals": { "aws:PrincipalArn": BOB } }))];
    let mut all = Vec::new();
    for effect in ["Deny", "Allow"] {
        for (element, action) in
            ["Action", "NotAction"].into_iter().flat_map(|it| actions.iter().map(move |a| (it, a)))
        {
            for (on, resource) in ["Resource", "NotResource"]
                .into_iter()
                .flat_map(|it| resources.iter().map(move |resource| (it, resource)))
            {
                for condition in &conditions {
                    let mut statement = json!({ "Effect": effect, element: action, on: resource });
                    if let Some(condition) = condition {
                        statement["Condition"] = condition.clone();
                    }
                    all.push(statement);
                }
            }
        }
    }
    all
}

const OTHER: &str = "arn:aws:ec2:eu-west-1:111122223333:instance/i-2";
const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
const BOB: &str = "arn:aws:iam::111122223333:user/bob";

/// What an exemption is for is allowed afterwards. Nothing else changes, unless the edit says that it widens access; and
/// nothing that was allowed is denied.
#[test]
fn an_exemption_changes_no_other_request() {
    const START: &str = "ssm:StartSession";
    const ACTIONS: [&str; 4] = [START, "ssm:SendCommand", "ssm:TerminateSession", "s3:GetObject"];
    let [alice, bob]: [Arn; 2] = [ALICE, BOB].map(|arn| arn.parse().unwrap());
    let resources = [INSTANCE, OTHER, "arn:aws:s3:::logs/1"];
    let (mut edits, mut exact) = (0, 0);
    for statement in statements_of_every_kind() {
        let document = Text::Json(json!({ "Statement": [statement] }));
        for actions in [&[START][..], &[START, "ssm:TerminateSession"]] {
            for (resource, principal) in [(INSTANCE, None), ("*", None), (INSTANCE, Some(&alice))] {
                let exemption = Exemption { actions, resource, principal };
                let edited = exempting(&document, &[(1, exemption)]);
                let after = edited.as_ref().map(|it| Text::Json(it.document.clone()));
                edits += usize::from(edited.is_some());
                exact += usize::from(edited.as_ref().is_some_and(|edited| !edited.widens));
                for (user, action, on) in [&alice, &bob].into_iter().flat_map(|user| {
                    ACTIONS.into_iter().flat_map(move |action| {
                        resources.into_iter().map(move |on| (user, action, on))
                    })
                }) {
                    let is_meant = actions.contains(&action)
                        && principal.map_or(resource == "*" || resource == on, |it| it == user);
                    let before = is_allowed(&document, user, action, on);
                    let place = alloc::format!("{statement} {exemption:?} {action} {on} {user}");
                    let (Some(after), Some(edited)) = (&after, &edited) else {
                        assert!(before || !is_meant || statement["Effect"] == "Allow", "{place}");
                        continue;
                    };
                    let now = is_allowed(after, user, action, on);
                    let place = alloc::format!("{place}: {}", edited.document);
                    assert!(now || !before, "newly denied: {place}");
                    assert!(now || !is_meant, "denied still: {place}");
                    assert!(now == before || is_meant || edited.widens, "widened: {place}");
                    let other = principal.is_some_and(|principal| principal != user);
                    assert!(now == before || !other, "of another: {place}");
                }
            }
        }
    }
    assert!(edits > 100 && exact > 100, "{edits} edits, {exact} of them exact");
}
