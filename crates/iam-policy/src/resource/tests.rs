//! Incomplete ARNs and variables.

use Truth::{No, Unknown, Yes};

use super::*;

const DOCUMENT: &str = "arn:aws:ssm:eu-west-1:111122223333:document/Shell";

#[test]
fn incomplete_arns() {
    // In an identity-based policy, and in a resource-based one.
    let rows = [
        ("*", Yes, Yes),
        ("arn:aws:ssm:*:*:document/*", Yes, Yes),
        ("arn:aws:ssm", Yes, Unknown),
        ("arn:aws:ssm:*", Yes, Yes),
        ("arn:aws:ssm:eu-west-1", Yes, Unknown),
        ("arn:aws:ssm:us-east-1", No, No),
        ("arn:aws:ss", No, No),
        ("arn:aws:s3:*", No, No),
        ("arn:aws:ssm:*:document/*", Unknown, Unknown),
        ("arn:aws:ssm:*:document/Other", No, No),
        ("arn:${aws:x}", Unknown, Unknown),
        ("arn:aws:ssm:*:${aws:x}:document/Shell", Unknown, Unknown),
        ("arn:aws:ssm:*:${aws:x}:document/Other", No, No),
    ];
    for (raw, in_identity, in_resource) in rows {
        for (policy_type, expected) in
            [(PolicyType::IdentityBased, in_identity), (PolicyType::ResourceBased, in_resource)]
        {
            let options = ParseOptions { policy_type, variables: true };
            let resource = ResourcePattern::parse(raw, options).unwrap();
            let found = resource.matches(RequestValue::exact(DOCUMENT), &RequestContext::default());
            assert_eq!(found, expected, "{policy_type:?} {raw}");
        }
    }
    let session = ParseOptions { policy_type: PolicyType::Session, variables: true };
    assert!(ResourcePattern::parse("arn:aws:ssm", session).is_none());
    assert!(ResourcePattern::parse("arn:aws:ssm:*:*:*", session).is_some());
    assert!(ResourcePattern::parse("document/Shell", session).is_none());
}
