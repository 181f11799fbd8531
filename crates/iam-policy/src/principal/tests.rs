//! Which principal elements cover which principals.

use serde_json::json;
use ssm_doctor_facts::ids::Arn;

use Truth::{No, Unknown, Yes};

use super::*;

const ROOT: &str = "arn:aws:iam::111122223333:root";
const USER: &str = "arn:aws:iam::111122223333:user/ops/ana";
const ROLE: &str = "arn:aws:iam::111122223333:role/app/AppRole";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/AppRole/i-1";

#[derive(Clone, Copy, Debug)]
enum Requester {
    Root,
    User,
    Session,
    /// A session of unknown name.
    UnnamedSession,
    Service,
    Anonymous,
}

fn as_principal<T>(requester: Requester, evaluate: impl Fn(Principal) -> T) -> T {
    let [root, user, role] = [ROOT, USER, ROLE].map(|arn| arn.parse::<Arn>().unwrap());
    evaluate(match requester {
        Requester::Root => Principal::Root(&root),
        Requester::User => Principal::User(&user),
        Requester::Session => Principal::RoleSession { role: &role, name: Some("i-1") },
        Requester::UnnamedSession => Principal::RoleSession { role: &role, name: None },
        Requester::Service => Principal::Service(&["ec2.amazonaws.com"]),
        Requester::Anonymous => Principal::Anonymous,
    })
}

/// Whether an element covers the requester: by account, by role, directly.
fn found(requester: Requester, element: &Value, effect: Effect) -> [Truth; 3] {
    let entries =
        ElementEntries::Only(PrincipalEntry::parse(element, PolicyType::ResourceBased).unwrap());
    let coverage =
        as_principal(requester, |principal| coverage(&entries, Some(effect), principal, No));
    [coverage.account, coverage.role, coverage.direct]
}

#[test]
fn principals() {
    let aws = |name: &str| json!({ "AWS": name });
    let none = [No, No, No];
    let (account, role, direct) = ([Yes, No, No], [No, Yes, No], [No, No, Yes]);
    let rows = [
        (Requester::Root, aws(ROOT), account),
        (Requester::User, aws(ROOT), account),
        (Requester::User, aws("111122223333"), account),
        (Requester::User, aws("444455556666"), none),
        (Requester::User, aws("arn:aws-cn:iam::111122223333:root"), none),
        (Requester::User, aws(USER), direct),
        (Requester::User, aws("arn:aws:iam::111122223333:user/ana"), none),
        (Requester::User, json!({ "AWS": [ROOT, USER] }), [Yes, No, Yes]),
        (Requester::Session, aws(ROLE), role),
        (Requester::Session, aws("arn:aws:iam::111122223333:role/AppRole"), none),
        (Requester::Session, aws(SESSION), direct),
        (Requester::Session, aws("arn:aws:sts::111122223333:assumed-role/AppRole/i-2"), none),
        (Requester::UnnamedSession, aws(SESSION), [No, No, Unknown]),
        (Requester::UnnamedSession, aws("arn:aws:sts::111122223333:assumed-role/Other/i-1"), none),
        // The id of a deleted role.
        (Requester::Session, aws("AROAEXAMPLE"), none),
        (Requester::Session, json!("*"), direct),
        (Requester::Session, aws("*"), direct),
        (Requester::Session, json!({ "Service": "ec2.amazonaws.com" }), none),
        (Requester::Session, json!({ "Federated": "cognito-identity.amazonaws.com" }), none),
        (Requester::Session, json!({ "CanonicalUser": "79a5" }), [Unknown, No, No]),
        (
            Requester::Service,
            json!({ "Service": ["ssm.amazonaws.com", "ec2.amazonaws.com"] }),
            direct,
        ),
        (Requester::Service, json!({ "Service": "ssm.amazonaws.com" }), none),
        (Requester::Service, aws(ROOT), none),
        (Requester::Service, json!("*"), [No, No, Unknown]),
        (Requester::Anonymous, json!("*"), direct),
        (Requester::Anonymous, aws(ROOT), none),
        (Requester::Anonymous, json!({ "CanonicalUser": "79a5" }), none),
    ];
    for (requester, element, expected) in rows {
        assert_eq!(found(requester, &element, Effect::Allow), expected, "{requester:?} {element}");
    }
    assert_eq!(found(Requester::Service, &json!("*"), Effect::Deny), direct);
}

#[test]
fn exceptions() {
    // Whether a Deny with NotPrincipal applies.
    let rows = [
        (Requester::User, json!([USER, ROOT]), No),
        (Requester::User, json!([USER]), Unknown),
        (Requester::User, json!([ROOT]), Unknown),
        (Requester::User, json!(["444455556666"]), Yes),
        (Requester::Session, json!([ROLE, ROOT]), No),
        (Requester::Session, json!([SESSION, ROLE, ROOT]), No),
        (Requester::Session, json!([SESSION, ROLE]), Unknown),
        (Requester::Session, json!([USER]), Yes),
        (Requester::UnnamedSession, json!([SESSION, ROOT]), Unknown),
        (Requester::Root, json!([ROOT]), No),
        (Requester::Root, json!([USER]), Yes),
        (Requester::Service, json!([ROOT]), Yes),
        (Requester::Anonymous, json!([ROOT]), Yes),
    ];
    for (requester, names, expected) in rows {
        let element = json!({ "AWS": names });
        let entries = ElementEntries::AllExcept(
            PrincipalEntry::parse(&element, PolicyType::ResourceBased).unwrap(),
        );
        let denied = |has_boundary| {
            let deny = Some(Effect::Deny);
            as_principal(requester, |principal| coverage(&entries, deny, principal, has_boundary))
                .any()
        };
        assert_eq!(denied(No), expected, "{requester:?} {names}");
        // "regardless of the values specified in the NotPrincipal element".
        let with_boundary = if matches!(requester, Requester::Service | Requester::Anonymous) {
            expected
        } else {
            Yes
        };
        assert_eq!(denied(Yes), with_boundary, "{requester:?} {names} with a boundary");
    }
    let element = json!({ "Service": "ec2.amazonaws.com" });
    let entries = ElementEntries::AllExcept(
        PrincipalEntry::parse(&element, PolicyType::ResourceBased).unwrap(),
    );
    let denied = as_principal(Requester::Service, |principal| {
        coverage(&entries, Some(Effect::Deny), principal, No)
    })
    .any();
    assert_eq!(denied, No);
}

#[test]
fn names_at_a_gateway_endpoint() {
    // AWS PrivateLink guide, "Principals for gateway endpoints": an account's id or root is its root user alone.
    let rows = [
        (Requester::Session, json!("*"), Effect::Allow, Yes),
        (Requester::Session, json!({ "AWS": "*" }), Effect::Allow, Yes),
        (Requester::Session, json!({ "AWS": ROOT }), Effect::Allow, No),
        (Requester::User, json!({ "AWS": "111122223333" }), Effect::Allow, No),
        (Requester::Root, json!({ "AWS": ROOT }), Effect::Allow, Yes),
        // What these do is not documented.
        (Requester::Session, json!({ "AWS": ROLE }), Effect::Allow, Unknown),
        (Requester::User, json!({ "AWS": USER }), Effect::Allow, Unknown),
        (Requester::Session, json!({ "AWS": ROOT }), Effect::Deny, Unknown),
        (Requester::Session, json!({ "AWS": USER }), Effect::Allow, No),
    ];
    for (requester, element, effect, expected) in rows {
        let entries = PrincipalEntry::parse(&element, PolicyType::GatewayEndpoint).unwrap();
        let entries = ElementEntries::Only(entries);
        let found = as_principal(requester, |principal| {
            coverage(&entries, Some(effect), principal, No).any()
        });
        assert_eq!(found, expected, "{requester:?} {element} {effect:?}");
    }
}
