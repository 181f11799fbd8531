//! Operators, set operators and values that cannot be parsed.

use Truth::{No, Unknown, Yes};
use serde_json::json;

use super::*;
use crate::PolicyType;

const OPTIONS: ParseOptions =
    ParseOptions { policy_type: PolicyType::IdentityBased, variables: true };

fn holds(operator: &str, expected_values: &Value, value: Option<&KeyValue>) -> Truth {
    let keys = json!({ "k": expected_values });
    let conditions = Condition::parse(operator, &keys, OPTIONS);
    let [condition] = conditions.as_slice() else { panic!("{operator}") };
    let context = RequestContext::default().with("aws:username", KeyValue::Exact("ana".into()));
    let context = match value {
        Some(value) => context.with("K", value.clone()),
        None => context,
    };
    condition.holds(&context)
}

fn exact(value: &str) -> KeyValue {
    KeyValue::Exact(value.into())
}

fn between(lowest: &str, highest: &str) -> KeyValue {
    KeyValue::between(lowest, highest)
}

fn at_least(values: &[&str]) -> KeyValue {
    KeyValue::AtLeast(values.iter().map(|value| (*value).into()).collect())
}

fn multiple(values: &[&str]) -> KeyValue {
    KeyValue::Multiple(values.iter().map(|value| (*value).into()).collect())
}

fn prefix(start: &str) -> KeyValue {
    KeyValue::Prefix(start.into())
}

#[test]
fn operators() {
    let absent = KeyValue::Absent;
    let unknown = KeyValue::Unknown(ssm_doctor_facts::lookup::Unknown::limit("hidden"));
    let rows = [
        ("StringEquals", json!("a"), exact("a"), Yes),
        ("StringEquals", json!(["a", "b"]), exact("b"), Yes),
        ("StringEquals", json!("a"), exact("A"), No),
        ("StringEquals", json!("a*"), exact("ab"), No),
        ("StringEquals", json!("${aws:username}"), exact("ana"), Yes),
        ("StringEquals", json!([]), exact("a"), No),
        ("StringNotEquals", json!(["a", "b"]), exact("c"), Yes),
        ("StringNotEquals", json!(["a", "b"]), exact("b"), No),
        ("StringNotEquals", json!([]), exact("a"), Yes),
        ("StringEqualsIgnoreCase", json!("a"), exact("A"), Yes),
        ("StringNotEqualsIgnoreCase", json!("a"), exact("A"), No),
        ("StringLike", json!("a*"), exact("ab"), Yes),
        ("StringNotLike", json!("a*"), exact("ab"), No),
        ("stringlike", json!("a*"), exact("ab"), Yes),
        ("NumericEquals", json!(10), exact("10.0"), Yes),
        ("NumericEquals", json!("10"), exact("11"), No),
        ("NumericNotEquals", json!(["10", "11"]), exact("11"), No),
        ("NumericLessThan", json!("10"), exact("9.5"), Yes),
        ("NumericLessThan", json!("10"), exact("10"), No),
        ("NumericLessThanEquals", json!("10"), exact("10"), Yes),
        ("NumericGreaterThan", json!("10"), exact("10"), No),
        ("NumericGreaterThanEquals", json!("10"), exact("10"), Yes),
        ("NumericGreaterThan", json!("-1"), exact("0"), Yes),
        ("NumericEquals", json!("10"), exact("ten"), Unknown),
        ("DateEquals", json!("2026-01-01"), exact("2026-01-01T00:00:00Z"), Yes),
        ("DateEquals", json!("2026-01-01T01:00:00+01:00"), exact("1767225600"), Yes),
        ("DateNotEquals", json!("2026-01-01"), exact("2026-01-02"), Yes),
        ("DateLessThan", json!("2026-01-01"), exact("2025-12-31T23:59:59Z"), Yes),
        ("DateLessThanEquals", json!("2026-01-01"), exact("2026-01-01"), Yes),
        ("DateGreaterThan", json!("2026-01-01"), exact("2026-01-01"), No),
        ("DateGreaterThanEquals", json!("2026-01-01"), exact("2026-01-01"), Yes),
        ("DateLessThan", json!("2025-06-01"), between("2026-01-01", "2026-01-02"), No),
        ("DateLessThan", json!("2026-02-01"), between("2026-01-01", "2026-01-02"), Yes),
        ("DateLessThan", json!("2026-01-02"), between("2026-01-01", "2026-01-02"), Unknown),
        ("DateEquals", json!("2026-01-01"), between("2026-01-01", "2026-01-01"), Unknown),
        ("NumericLessThan", json!("1.2"), between("1.2", "1.3"), No),
        ("NumericLessThan", json!(1.4), between("1.2", "1.3"), Yes),
        ("NumericLessThan", json!("1.3"), between("1.2", "1.3"), Unknown),
        ("NumericLessThan", json!("1.2"), between("2026-01-01", "2026-01-02"), Unknown),
        ("DateLessThan", json!("2026-01-01"), between("1.2", "1.3"), Unknown),
        ("Null", json!("false"), between("2026-01-01", "2026-01-02"), Yes),
        ("Bool", json!("true"), exact("true"), Yes),
        ("Bool", json!(true), exact("TRUE"), Yes),
        ("Bool", json!("false"), exact("true"), No),
        ("Bool", json!("true"), exact("yes"), Unknown),
        ("BinaryEquals", json!("QmluYXJ5"), exact("QmluYXJ5"), Yes),
        ("BinaryEquals", json!("QmluYXJ5"), exact("${aws:username}"), No),
        ("IpAddress", json!("203.0.113.0/24"), exact("203.0.113.7"), Yes),
        ("IpAddress", json!("203.0.113.7"), exact("203.0.113.7"), Yes),
        ("IpAddress", json!("203.0.113.0/24"), exact("203.0.114.7"), No),
        ("IpAddress", json!("0.0.0.0/0"), exact("203.0.114.7"), Yes),
        ("IpAddress", json!(["10.0.0.0/8", "2001:db8::/32"]), exact("2001:db8::1"), Yes),
        ("NotIpAddress", json!("203.0.113.0/24"), exact("2001:db8::1"), Yes),
        ("ArnEquals", json!("arn:aws:iam::1:role/*"), exact("arn:aws:iam::1:role/a/b"), Yes),
        ("ArnLike", json!("arn:aws:iam::1:role/*"), exact("arn:aws:iam::1:user/a"), No),
        ("ArnNotEquals", json!("arn:aws:iam::1:role/*"), exact("arn:aws:iam::1:user/a"), Yes),
        (
            "ArnNotLike",
            json!("arn:aws:iam::*:user/${aws:username}"),
            exact("arn:aws:iam::1:user/ana"),
            No,
        ),
        // Source: "Condition operators", the tables of matches.
        ("StringEquals", json!("a"), absent.clone(), No),
        ("StringNotEquals", json!("a"), absent.clone(), Yes),
        ("NumericLessThan", json!("10"), absent.clone(), No),
        ("NumericNotEquals", json!("10"), absent.clone(), Yes),
        ("DateNotEquals", json!("2026-01-01"), absent.clone(), Yes),
        ("Bool", json!("false"), absent.clone(), No),
        ("BinaryEquals", json!("QQ=="), absent.clone(), No),
        ("IpAddress", json!("0.0.0.0/0"), absent.clone(), No),
        ("NotIpAddress", json!("0.0.0.0/0"), absent.clone(), Yes),
        ("ArnLike", json!("*"), absent.clone(), No),
        ("ArnNotLike", json!("*"), absent.clone(), Yes),
        ("StringEqualsIfExists", json!("a"), absent.clone(), Yes),
        ("StringEqualsIfExists", json!("a"), exact("b"), No),
        ("StringNotEqualsIfExists", json!("a"), absent.clone(), Yes),
        ("StringNotEqualsIfExists", json!("a"), exact("a"), No),
        ("BoolIfExists", json!("true"), absent.clone(), Yes),
        ("IpAddressIfExists", json!("10.0.0.0/8"), absent.clone(), Yes),
        ("Null", json!("true"), absent.clone(), Yes),
        ("Null", json!(false), absent.clone(), No),
        ("Null", json!("true"), exact(""), No),
        ("Null", json!("false"), exact("a"), Yes),
        ("Null", json!("false"), multiple(&["a"]), Yes),
        ("Null", json!("true"), multiple(&[]), Yes),
        ("Null", json!("false"), prefix(""), Yes),
        ("Null", json!("false"), unknown.clone(), Unknown),
        // A variable of unknown value.
        ("StringEquals", json!("${aws:PrincipalTag/x}"), exact("a"), Unknown),
        ("StringLike", json!("*"), unknown.clone(), Unknown),
        ("StringLikeIfExists", json!("*"), unknown.clone(), Yes),
        ("StringNotLike", json!("*"), unknown.clone(), Unknown),
        ("StringEqualsIfExists", json!("a"), unknown, Unknown),
        ("StringLike", json!("a*"), prefix("ab"), Yes),
        ("StringNotLike", json!("a*"), prefix("ab"), No),
        ("StringEquals", json!("abc"), prefix("ab"), Unknown),
        ("StringEquals", json!("b"), prefix("ab"), No),
        ("StringNotEquals", json!("b"), prefix("ab"), Yes),
        ("IpAddress", json!("10.0.0.0/8"), prefix("10."), Unknown),
        // Sets. Source: "Single-valued vs. multivalued context keys", the tables of matches.
        ("ForAllValues:StringEquals", json!(["a", "b"]), multiple(&["a"]), Yes),
        ("ForAllValues:StringEquals", json!(["a", "b"]), multiple(&["a", "b"]), Yes),
        ("ForAllValues:StringEquals", json!(["a", "b"]), multiple(&["a", "c"]), No),
        ("ForAllValues:StringEquals", json!("a"), absent.clone(), Yes),
        ("ForAllValues:StringEquals", json!("a"), multiple(&[]), Yes),
        ("ForAllValues:StringEquals", json!("a"), exact("a"), Yes),
        ("ForAllValues:StringEquals", json!("a"), exact(""), Unknown),
        ("ForAllValues:StringNotLike", json!("a*"), multiple(&["ab", "b"]), No),
        ("ForAllValues:StringNotLike", json!("a*"), multiple(&["b", "c"]), Yes),
        ("ForAnyValue:StringEquals", json!(["a", "b"]), multiple(&["a", "c"]), Yes),
        ("ForAnyValue:StringEquals", json!(["a", "b"]), multiple(&["c"]), No),
        ("ForAnyValue:StringEquals", json!("a"), absent.clone(), No),
        ("ForAnyValue:StringNotEquals", json!("a"), multiple(&["a", "b"]), Yes),
        ("ForAnyValue:StringNotEquals", json!("a"), multiple(&["a"]), No),
        ("ForAnyValue:StringNotEquals", json!("a"), absent.clone(), No),
        ("ForAnyValue:StringEqualsIfExists", json!("a"), absent, Unknown),
        ("ForAnyValue:Bool", json!("true"), multiple(&["false", "true"]), Yes),
        ("StringEquals", json!("a"), multiple(&["a"]), Unknown),
        // The request may have more values.
        ("ForAnyValue:StringEquals", json!("a"), at_least(&["a"]), Yes),
        ("ForAnyValue:StringEquals", json!("b"), at_least(&["a"]), Unknown),
        ("ForAllValues:StringEquals", json!("a"), at_least(&["a"]), Unknown),
        ("ForAllValues:StringEquals", json!("b"), at_least(&["a"]), No),
        ("Null", json!("false"), at_least(&["a"]), Yes),
        ("StringEquals", json!("a"), at_least(&["a"]), Unknown),
        ("StringNotEquals", json!("a"), multiple(&["b"]), Unknown),
    ];
    for (operator, expected_values, value, expected) in rows {
        let found = holds(operator, &expected_values, Some(&value));
        assert_eq!(found, expected, "{operator} {expected_values} {value:?}");
        // A key that was never set is unknown too.
        if matches!(value, KeyValue::Unknown(_)) {
            assert_eq!(
                holds(operator, &expected_values, None),
                expected,
                "{operator} {expected_values}"
            );
        }
    }
}

#[test]
fn what_cannot_be_parsed_is_unknown() {
    let rows = [
        ("StringMaybe", json!("a"), "Condition operator \"StringMaybe\""),
        (
            "ForSomeValues:StringEquals",
            json!("a"),
            "Condition operator \"ForSomeValues:StringEquals\"",
        ),
        ("NullIfExists", json!("true"), "Condition operator \"NullIfExists\""),
        ("ForAnyValue:Null", json!("true"), "Condition operator \"ForAnyValue:Null\""),
        (
            "NumericEquals",
            json!(["1", "x"]),
            "Condition operator \"NumericEquals\": the value \"x\"",
        ),
        ("DateEquals", json!("soon"), "Condition operator \"DateEquals\": the value \"soon\""),
        // A year, or 2026 seconds.
        ("DateEquals", json!("2026"), "Condition operator \"DateEquals\": the value \"2026\""),
        ("Bool", json!("${aws:x}"), "Condition operator \"Bool\": the value \"${aws:x}\""),
        (
            "IpAddress",
            json!("10.0.0.0/33"),
            "Condition operator \"IpAddress\": the value \"10.0.0.0/33\"",
        ),
        ("Null", json!("maybe"), "Condition operator \"Null\": the value \"maybe\""),
        (
            "StringEquals",
            json!("${aws:x"),
            "Condition operator \"StringEquals\": the value \"${aws:x\"",
        ),
        (
            "StringEquals",
            json!({ "a": 1 }),
            "Condition \"StringEquals\": \"k\" has a value that is no text",
        ),
        (
            "StringEquals",
            json!([null]),
            "Condition \"StringEquals\": \"k\" has a value that is no text",
        ),
    ];
    for (operator, expected_values, expected) in rows {
        let keys = json!({ "k": expected_values });
        let conditions = Condition::parse(operator, &keys, OPTIONS);
        assert_eq!(errors(&conditions), [expected]);
        assert_eq!(holds(operator, &expected_values, Some(&exact("a"))), Unknown, "{operator}");
    }
    let lone = json!("k");
    let conditions = Condition::parse("StringEquals", &lone, OPTIONS);
    assert_eq!(errors(&conditions), ["Condition \"StringEquals\" is not an object"]);
}

fn errors(conditions: &[Condition]) -> Vec<String> {
    conditions.iter().filter_map(Condition::error).map(ToString::to_string).collect()
}
