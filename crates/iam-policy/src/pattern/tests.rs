//! Wildcards, ARNs, prefixes and variables.

use MatchMode::{Arn, Equals, EqualsIgnoreCase, Like, ResourceArn};
use Truth::{No, Unknown, Yes};

use super::*;

const DOCUMENT: &str = "arn:aws:ssm:eu-west-1:111122223333:document/Shell";

fn pattern(raw: &str) -> Pattern<'_> {
    Pattern::parse(Cow::Borrowed(raw), true).unwrap()
}

#[test]
fn texts() {
    let rows = [
        (Like, "*", "", Yes),
        (Like, "a*c", "abbc", Yes),
        (Like, "a*c", "abb", No),
        (Like, "a?c", "abc", Yes),
        (Like, "a?c", "ac", No),
        (Like, "a?c", "aéc", Yes),
        (Like, "*a*b*", "xxaxxbxx", Yes),
        (Like, "*ab", "aab", Yes),
        (Like, "*aab", "aaab", Yes),
        (Like, "a*bc*d", "abxbcd", Yes),
        (Like, "a**", "a", Yes),
        (Like, "é*", "éa", Yes),
        (Like, "*é", "aé", Yes),
        (Like, "abc", "ABC", No),
        (Like, "", "", Yes),
        (Like, "", "a", No),
        (Equals, "a*", "ab", No),
        (Equals, "a*", "a*", Yes),
        (Equals, "Ab", "ab", No),
        (EqualsIgnoreCase, "Ab?", "aB?", Yes),
        (EqualsIgnoreCase, "ÄB", "äb", Yes),
        (EqualsIgnoreCase, "ab", "abc", No),
        // ARNs part by part: no star matches one of the first five colons.
        (Arn, "arn:aws:ssm:*:111122223333:document/*", DOCUMENT, Yes),
        (Arn, "arn:aws:ssm:*:*:*", DOCUMENT, Yes),
        (Arn, "arn:aws:ssm:eu-*:111122223333:document/?hell", DOCUMENT, Yes),
        (Arn, "arn:aws:ssm:us-*:*:*", DOCUMENT, No),
        (Arn, "arn:*:document/Shell", DOCUMENT, Unknown),
        (Arn, "arn:aws:ssm:*", DOCUMENT, Unknown),
        (Arn, "arn:aws:s3:*", DOCUMENT, No),
        (Arn, "*", DOCUMENT, Unknown),
        (Arn, "arn:aws:logs:*:*:log-group:*", "arn:aws:logs:r:1:log-group:g:log-stream:s", Yes),
        (Arn, "arn?aws:ssm:*:*:*", "arn:aws:ssm:a:b:c", Unknown),
        // In the Resource element the last star may match any colon.
        (ResourceArn, "arn:aws:ssm:*", DOCUMENT, Yes),
        (ResourceArn, "arn:aws:ssm:eu-west-1:*", DOCUMENT, Yes),
        (ResourceArn, "arn:aws:ssm:*:document/*", DOCUMENT, Unknown),
        (ResourceArn, "arn:aws:ssm:*:*:document/*", DOCUMENT, Yes),
        (ResourceArn, "arn:aws:ssm:*:*:document/shell", DOCUMENT, No),
        (ResourceArn, "arn:aws:ssm:*:*:*", "*", No),
    ];
    for (mode, raw, text, expected) in rows {
        let found =
            pattern(raw).matches(mode, RequestValue::exact(text), &RequestContext::default());
        assert_eq!(found, expected, "{mode:?} {raw} {text}");
    }
}

#[test]
fn prefixes() {
    let rows = [
        (Like, "a*", "ab", Yes),
        (Like, "*", "", Yes),
        (Like, "ab*", "a", Unknown),
        (Like, "abc", "ab", Unknown),
        (Like, "ac", "ab", No),
        (Like, "a*c", "ab", Unknown),
        (Like, "ab", "abc", No),
        (Equals, "abc", "ab", Unknown),
        (Equals, "ab*", "ab", Unknown),
        (Equals, "b", "ab", No),
        (Arn, "arn:aws:ssm:*:*:*", "arn:aws:ssm:r:1:doc", Yes),
        (Arn, "arn:aws:ssm:*:*:*", "arn:aws:ssm:", Unknown),
        (Arn, "arn:aws:s3:*:*:*", "arn:aws:ssm:", No),
        (ResourceArn, "arn:aws:ssm:*", "arn:aws:ssm:r", Yes),
        (ResourceArn, "arn:aws:ssm:*:*:session/ana-*", "arn:aws:ssm:r:1:session/ana-", Yes),
        (ResourceArn, "arn:aws:ssm:*:*:session/ana-*", "arn:aws:ssm:r:1:session/", Unknown),
        (ResourceArn, "arn:aws:ssm:*:*:session/ana-*", "arn:aws:ssm:r:1:session/ben-", No),
    ];
    for (mode, raw, text, expected) in rows {
        let value = RequestValue::prefix(text);
        let found = pattern(raw).matches(mode, value, &RequestContext::default());
        assert_eq!(found, expected, "{mode:?} {raw} {text}…");
    }
}

#[test]
fn variables() {
    let context = RequestContext::default()
        .with("aws:username", KeyValue::Exact("a*a".into()))
        .with("aws:userid", KeyValue::Prefix("AROA:".into()))
        .with("aws:PrincipalTag/team", KeyValue::Absent)
        .with("aws:TagKeys", KeyValue::Multiple(Vec::from(["a".into()])));
    let rows = [
        ("x/${aws:username}", "x/a*a", Yes),
        ("x/${AWS:UserName}", "x/a*a", Yes),
        // A wildcard in a variable's value is an ordinary character.
        ("x/${aws:username}", "x/aba", No),
        ("x/${aws:username}*", "x/a*abc", Yes),
        ("${aws:userid}*", "AROA:i-1", Unknown),
        ("${aws:userid}", "AIDA", No),
        ("${aws:PrincipalTag/team}", "", No),
        ("${aws:PrincipalTag/team}*", "x", No),
        ("${aws:PrincipalTag/team, 'dev'}", "dev", Yes),
        ("${ aws:PrincipalTag/team , 'dev'}", "dev", Yes),
        ("${aws:PrincipalTag/team, ''}", "", Yes),
        ("${aws:username, 'dev'}", "dev", No),
        ("a/${aws:SourceVpce}/b", "a/x/b", Unknown),
        ("a/${aws:SourceVpce}/b", "c/x/b", No),
        ("${aws:TagKeys}", "a", Unknown),
        ("a${*}${?}${$}", "a*?$", Yes),
        ("a${*}", "ab", No),
    ];
    for (raw, text, expected) in rows {
        let found = pattern(raw).matches(Like, RequestValue::exact(text), &context);
        assert_eq!(found, expected, "{raw} {text}");
    }
    for raw in ["${aws:username", "${}", "${aws:username, dev}", "${, 'a'}", "${a, 'b}"] {
        assert!(Pattern::parse(Cow::Borrowed(raw), true).is_none(), "{raw}");
    }
    // In older versions of the policy language variables are ordinary text.
    let literal = Pattern::parse(Cow::Borrowed("${aws:username"), false).unwrap();
    assert_eq!(literal.matches(Like, RequestValue::exact("${aws:username"), &context), Yes);
}

#[test]
fn actions() {
    let rows = [
        ("*", "ssm:StartSession", true),
        ("ssm:*", "ssm:StartSession", true),
        ("SSM:start*", "ssm:StartSession", true),
        ("ssm:?tartSession", "ssm:StartSession", true),
        ("ssm:startsession", "ssm:StartSession", true),
        ("ssm:GetDocument", "ssm:StartSession", false),
        ("ec2:*", "ssm:StartSession", false),
    ];
    for (raw, action, expected) in rows {
        assert_eq!(ActionPattern::parse(raw).matches(action), expected, "{raw} {action}");
    }
}
