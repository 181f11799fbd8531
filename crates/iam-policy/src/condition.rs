//! The `Condition` element.
//!
//! Source: IAM user guide, "IAM JSON policy elements: Condition operators" and "Single-valued vs.
//! multivalued context keys".

use alloc::{
    borrow::Cow,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::{cmp::Ordering, net::IpAddr};

use ipnet::IpNet;
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    context::{Context, Known},
    document::{Reading, list},
    pattern::{Comparison, Pattern, Words},
    truth::Truth,
};

/// One operator on one key.
#[derive(Clone, Debug)]
pub(super) struct Condition<'p> {
    pub(super) operator: &'p str,
    pub(super) key: &'p str,
    /// The values asked for, as they stand in the policy.
    pub(super) values: Vec<Cow<'p, str>>,
    /// Or what of it does not read.
    test: Result<Test<'p>, String>,
}

#[derive(Clone, Debug)]
struct Test<'p> {
    set: Set,
    negated: bool,
    if_exists: bool,
    wanted: Wanted<'p>,
}

/// How the values of the request count, where it has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    One,
    All,
    Any,
}

#[derive(Clone, Debug)]
enum Wanted<'p> {
    Texts(Comparison, Vec<Pattern<'p>>),
    Numbers(Order, Vec<f64>),
    Dates(Order, Vec<Timestamp>),
    Bools(Vec<bool>),
    Networks(Vec<IpNet>),
    /// Is the key to be missing?
    Missing(Vec<bool>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy)]
enum Base {
    Text(Comparison),
    Number(Order),
    Date(Order),
    Bool,
    Binary,
    Ip,
    Null,
}

/// Name, what it compares, whether it is negated.
const OPERATORS: [(&str, Base, bool); 27] = [
    ("StringEquals", Base::Text(Comparison::Equals), false),
    ("StringNotEquals", Base::Text(Comparison::Equals), true),
    ("StringEqualsIgnoreCase", Base::Text(Comparison::EqualsIgnoreCase), false),
    ("StringNotEqualsIgnoreCase", Base::Text(Comparison::EqualsIgnoreCase), true),
    ("StringLike", Base::Text(Comparison::Like), false),
    ("StringNotLike", Base::Text(Comparison::Like), true),
    ("NumericEquals", Base::Number(Order::Equal), false),
    ("NumericNotEquals", Base::Number(Order::Equal), true),
    ("NumericLessThan", Base::Number(Order::Less), false),
    ("NumericLessThanEquals", Base::Number(Order::LessOrEqual), false),
    ("NumericGreaterThan", Base::Number(Order::Greater), false),
    ("NumericGreaterThanEquals", Base::Number(Order::GreaterOrEqual), false),
    ("DateEquals", Base::Date(Order::Equal), false),
    ("DateNotEquals", Base::Date(Order::Equal), true),
    ("DateLessThan", Base::Date(Order::Less), false),
    ("DateLessThanEquals", Base::Date(Order::LessOrEqual), false),
    ("DateGreaterThan", Base::Date(Order::Greater), false),
    ("DateGreaterThanEquals", Base::Date(Order::GreaterOrEqual), false),
    ("Bool", Base::Bool, false),
    ("BinaryEquals", Base::Binary, false),
    ("IpAddress", Base::Ip, false),
    ("NotIpAddress", Base::Ip, true),
    ("ArnEquals", Base::Text(Comparison::Arn), false),
    ("ArnLike", Base::Text(Comparison::Arn), false),
    ("ArnNotEquals", Base::Text(Comparison::Arn), true),
    ("ArnNotLike", Base::Text(Comparison::Arn), true),
    ("Null", Base::Null, false),
];

/// Keys that a request may carry several values of. Source: IAM user guide, "AWS global condition context
/// keys", "Value type"; KMS developer guide, "Condition keys for AWS KMS".
const MULTIVALUED: [&str; 9] = [
    "aws:CalledVia",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceNamesList",
    "aws:ResourceOrgPaths",
    "aws:SourceOrgPaths",
    "aws:TagKeys",
    "kms:EncryptionContextKeys",
    "kms:GrantOperations",
    "kms:ResourceAliases",
];

impl<'p> Condition<'p> {
    /// The conditions under one operator, key by key.
    pub(super) fn read(operator: &'p str, keys: &'p Value, reading: Reading) -> Vec<Self> {
        let Some(keys) = keys.as_object() else {
            let test = Err(format!("Condition {operator:?} is not an object"));
            return Vec::from([Self { operator, key: "", values: Vec::new(), test }]);
        };
        let read = |(key, values): (&'p String, &'p Value)| {
            let texts: Option<Vec<Cow<'p, str>>> = list(values).map(text).collect();
            let test = match &texts {
                None => Err(format!("Condition {operator:?}: {key:?} has a value that is no text")),
                Some(texts) => Test::read(operator, texts, reading),
            };
            Self { operator, key, values: texts.unwrap_or_default(), test }
        };
        keys.iter().map(read).collect()
    }

    /// What of it does not read.
    pub(super) fn fault(&self) -> Option<&str> {
        self.test.as_ref().err().map(String::as_str)
    }

    pub(super) fn holds(&self, context: &Context) -> Truth {
        let Ok(test) = &self.test else { return Truth::Unknown };
        let known = context.get(self.key);
        // Of one value and of none it may be sure; of several nobody is.
        let unseen = matches!(known, None | Some(Known::Unseen(_)));
        if unseen
            && test.wants_one()
            && MULTIVALUED.iter().any(|it| self.key.eq_ignore_ascii_case(it))
        {
            return Truth::Unknown;
        }
        test.holds(known, context)
    }

    /// The keys whose values decide, its own first.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let patterns = match &self.test {
            Ok(Test { wanted: Wanted::Texts(_, patterns), .. }) => patterns.as_slice(),
            _ => &[],
        };
        core::iter::once(self.key).chain(patterns.iter().flat_map(Pattern::keys))
    }
}

/// IAM takes numbers and booleans for their text.
fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Bool(_) | Value::Number(_) => Some(Cow::Owned(value.to_string())),
        _ => None,
    }
}

impl<'p> Test<'p> {
    fn read(operator: &str, texts: &[Cow<'p, str>], reading: Reading) -> Result<Self, String> {
        let unknown = || format!("Condition operator {operator:?}");
        let (set, name) = match operator.split_once(':') {
            None => (Set::One, operator),
            Some((set, name)) if set.eq_ignore_ascii_case("ForAllValues") => (Set::All, name),
            Some((set, name)) if set.eq_ignore_ascii_case("ForAnyValue") => (Set::Any, name),
            Some(_) => return Err(unknown()),
        };
        let suffix = name.len().checked_sub("IfExists".len());
        let (name, if_exists) = match suffix.and_then(|at| name.split_at_checked(at)) {
            Some((name, suffix)) if suffix.eq_ignore_ascii_case("IfExists") => (name, true),
            _ => (name, false),
        };
        let known = OPERATORS.iter().find(|it| it.0.eq_ignore_ascii_case(name));
        let (_, base, negated) = *known.ok_or_else(unknown)?;
        if matches!(base, Base::Null) && (if_exists || set != Set::One) {
            return Err(unknown());
        }
        let wanted = Wanted::read(base, texts, reading)
            .map_err(|value| format!("{}: the value {value:?}", unknown()))?;
        Ok(Self { set, negated, if_exists, wanted })
    }

    fn holds(&self, known: Option<&Known>, context: &Context) -> Truth {
        let anything = Words { text: "", open: true };
        match known {
            None | Some(Known::Unseen(_)) => {
                let present = self.on(&[anything], context);
                if self.on_missing() == present { present } else { Truth::Unknown }
            }
            Some(Known::Missing) => self.on_missing(),
            Some(Known::Exactly(value)) => self.on(&[Words::exactly(value)], context),
            Some(Known::Under(start)) => self.on(&[Words { text: start, open: true }], context),
            Some(Known::Many(values)) if values.is_empty() => self.on_missing(),
            Some(Known::Including(values)) => {
                let values: Vec<Words> = values.iter().map(|it| Words::exactly(it)).collect();
                let seen = self.on(&values, context);
                match self.set {
                    _ if self.wanted.is_presence() => seen,
                    Set::One => Truth::Unknown,
                    // Others may do what these do not.
                    Set::Any => seen.or(Truth::Unknown),
                    Set::All => seen.and(Truth::Unknown),
                }
            }
            Some(Known::Many(_)) if self.wants_one() => Truth::Unknown,
            Some(Known::Many(values)) => {
                let values: Vec<Words> = values.iter().map(|it| Words::exactly(it)).collect();
                self.on(&values, context)
            }
        }
    }

    /// "Multivalued context keys require a condition set operator": what happens without is not documented.
    fn wants_one(&self) -> bool {
        self.set == Set::One && !self.wanted.is_presence()
    }

    fn on_missing(&self) -> Truth {
        if let Wanted::Missing(wanted) = &self.wanted {
            return wanted.contains(&true).into();
        }
        match self.set {
            Set::One => (self.negated || self.if_exists).into(),
            Set::All => Truth::Yes,
            // "If the key is not present, evaluate the condition element as true" against "if the key
            // does not exist, the condition returns false": which wins is not said.
            Set::Any if self.if_exists => Truth::Unknown,
            Set::Any => Truth::No,
        }
    }

    fn on(&self, values: &[Words], context: &Context) -> Truth {
        if let Wanted::Missing(wanted) = &self.wanted {
            return wanted.contains(&false).into();
        }
        let each = values.iter().map(|value| {
            let found = self.wanted.matches(*value, context);
            if self.negated { found.not() } else { found }
        });
        // "ForAllValues returns true if the context key value resolves to a null dataset, such as an
        // empty string": which that is, a tag without a value or something rarer, is not said.
        let null = matches!(values, [Words { text: "", open: false }]);
        match self.set {
            Set::All if null => each.fold(Truth::Unknown, Truth::or),
            Set::All => each.fold(Truth::Yes, Truth::and),
            Set::One | Set::Any => Truth::any(each),
        }
    }
}

impl<'p> Wanted<'p> {
    /// The value that does not read, if one does not.
    fn read(base: Base, texts: &[Cow<'p, str>], reading: Reading) -> Result<Self, String> {
        fn each<'t, T>(
            texts: &[Cow<'t, str>],
            read: impl Fn(&Cow<'t, str>) -> Option<T>,
        ) -> Result<Vec<T>, String> {
            texts.iter().map(|it| read(it).ok_or_else(|| it.to_string())).collect()
        }
        let pattern = |it: &Cow<'p, str>| Pattern::read(it.clone(), reading.variables);
        Ok(match base {
            Base::Text(comparison) => Self::Texts(comparison, each(texts, pattern)?),
            // Base 64, on both sides.
            Base::Binary => {
                let literal = |it: &Cow<'p, str>| Pattern::read(it.clone(), false);
                Self::Texts(Comparison::Equals, each(texts, literal)?)
            }
            Base::Number(order) => Self::Numbers(order, each(texts, |it| number(it))?),
            Base::Date(order) => Self::Dates(order, each(texts, |it| date(it))?),
            Base::Bool => Self::Bools(each(texts, |it| boolean(it))?),
            Base::Ip => Self::Networks(each(texts, |it| network(it))?),
            Base::Null => Self::Missing(each(texts, |it| boolean(it))?),
        })
    }

    fn is_presence(&self) -> bool {
        matches!(self, Self::Missing(_))
    }

    /// Is one of the values asked for the request's?
    fn matches(&self, words: Words, context: &Context) -> Truth {
        // A value of the wrong type, or of which only the beginning is known.
        fn typed<T>(
            words: Words,
            read: impl Fn(&str) -> Option<T>,
            any: impl Fn(&T) -> bool,
        ) -> Truth {
            let value = if words.open { None } else { read(words.text) };
            value.map_or(Truth::Unknown, |it| any(&it).into())
        }
        match self {
            Self::Texts(by, patterns) => {
                Truth::any(patterns.iter().map(|it| it.matches(*by, words, context)))
            }
            Self::Numbers(order, wanted) => typed(words, number, |value| {
                wanted.iter().any(|it| order.holds(value.partial_cmp(it)))
            }),
            Self::Dates(order, wanted) => {
                typed(words, date, |value| wanted.iter().any(|it| order.holds(Some(value.cmp(it)))))
            }
            Self::Bools(wanted) => typed(words, boolean, |value| wanted.contains(value)),
            Self::Networks(wanted) => {
                let address = |it: &str| it.parse::<IpAddr>().ok();
                typed(words, address, |value| wanted.iter().any(|it| it.contains(value)))
            }
            Self::Missing(_) => Truth::No,
        }
    }
}

impl Order {
    fn holds(self, found: Option<Ordering>) -> bool {
        found.is_some_and(|it| match self {
            Self::Equal => it.is_eq(),
            Self::Less => it.is_lt(),
            Self::LessOrEqual => it.is_le(),
            Self::Greater => it.is_gt(),
            Self::GreaterOrEqual => it.is_ge(),
        })
    }
}

fn number(raw: &str) -> Option<f64> {
    raw.trim().parse().ok().filter(|it: &f64| it.is_finite())
}

fn boolean(raw: &str) -> Option<bool> {
    match raw {
        it if it.eq_ignore_ascii_case("true") => Some(true),
        it if it.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn network(raw: &str) -> Option<IpNet> {
    raw.parse().ok().or_else(|| raw.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Epoch seconds, or a W3C form of ISO 8601 down to the day at least; UTC where it does not say.
fn date(raw: &str) -> Option<Timestamp> {
    if raw.len() > 4 && raw.bytes().all(|it| it.is_ascii_digit()) {
        return Timestamp::from_second(raw.parse().ok()?).ok();
    }
    let midnight = || {
        let day = raw.parse::<jiff::civil::Date>().ok()?;
        format!("{day}T00:00:00Z").parse().ok()
    };
    raw.parse().ok().or_else(midnight)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use Truth::{No, Unknown, Yes};
    use serde_json::json;

    use super::*;
    use crate::Kind;

    const READING: Reading = Reading { kind: Kind::Identity, variables: true };

    fn holds(operator: &str, wanted: &Value, known: Option<&Known>) -> Truth {
        let keys = json!({ "k": wanted });
        let conditions = Condition::read(operator, &keys, READING);
        let [condition] = conditions.as_slice() else { panic!("{operator}") };
        let context = Context::default().with("aws:username", Known::Exactly("ana".into()));
        let context = match known {
            Some(known) => context.with("K", known.clone()),
            None => context,
        };
        condition.holds(&context)
    }

    fn one(value: &str) -> Known {
        Known::Exactly(value.into())
    }

    fn including(values: &[&str]) -> Known {
        Known::Including(values.iter().map(|it| (*it).into()).collect())
    }

    fn many(values: &[&str]) -> Known {
        Known::Many(values.iter().map(|it| (*it).into()).collect())
    }

    fn under(start: &str) -> Known {
        Known::Under(start.into())
    }

    #[test]
    fn operators() {
        let missing = Known::Missing;
        let unseen = Known::Unseen(ssm_doctor_facts::lookup::Unknown::limit("hidden"));
        let rows = [
            ("StringEquals", json!("a"), one("a"), Yes),
            ("StringEquals", json!(["a", "b"]), one("b"), Yes),
            ("StringEquals", json!("a"), one("A"), No),
            ("StringEquals", json!("a*"), one("ab"), No),
            ("StringEquals", json!("${aws:username}"), one("ana"), Yes),
            ("StringEquals", json!([]), one("a"), No),
            ("StringNotEquals", json!(["a", "b"]), one("c"), Yes),
            ("StringNotEquals", json!(["a", "b"]), one("b"), No),
            ("StringNotEquals", json!([]), one("a"), Yes),
            ("StringEqualsIgnoreCase", json!("a"), one("A"), Yes),
            ("StringNotEqualsIgnoreCase", json!("a"), one("A"), No),
            ("StringLike", json!("a*"), one("ab"), Yes),
            ("StringNotLike", json!("a*"), one("ab"), No),
            ("stringlike", json!("a*"), one("ab"), Yes),
            ("NumericEquals", json!(10), one("10.0"), Yes),
            ("NumericEquals", json!("10"), one("11"), No),
            ("NumericNotEquals", json!(["10", "11"]), one("11"), No),
            ("NumericLessThan", json!("10"), one("9.5"), Yes),
            ("NumericLessThan", json!("10"), one("10"), No),
            ("NumericLessThanEquals", json!("10"), one("10"), Yes),
            ("NumericGreaterThan", json!("10"), one("10"), No),
            ("NumericGreaterThanEquals", json!("10"), one("10"), Yes),
            ("NumericGreaterThan", json!("-1"), one("0"), Yes),
            ("NumericEquals", json!("10"), one("ten"), Unknown),
            ("DateEquals", json!("2026-01-01"), one("2026-01-01T00:00:00Z"), Yes),
            ("DateEquals", json!("2026-01-01T01:00:00+01:00"), one("1767225600"), Yes),
            ("DateNotEquals", json!("2026-01-01"), one("2026-01-02"), Yes),
            ("DateLessThan", json!("2026-01-01"), one("2025-12-31T23:59:59Z"), Yes),
            ("DateLessThanEquals", json!("2026-01-01"), one("2026-01-01"), Yes),
            ("DateGreaterThan", json!("2026-01-01"), one("2026-01-01"), No),
            ("DateGreaterThanEquals", json!("2026-01-01"), one("2026-01-01"), Yes),
            ("Bool", json!("true"), one("true"), Yes),
            ("Bool", json!(true), one("TRUE"), Yes),
            ("Bool", json!("false"), one("true"), No),
            ("Bool", json!("true"), one("yes"), Unknown),
            ("BinaryEquals", json!("QmluYXJ5"), one("QmluYXJ5"), Yes),
            ("BinaryEquals", json!("QmluYXJ5"), one("${aws:username}"), No),
            ("IpAddress", json!("203.0.113.0/24"), one("203.0.113.7"), Yes),
            ("IpAddress", json!("203.0.113.7"), one("203.0.113.7"), Yes),
            ("IpAddress", json!("203.0.113.0/24"), one("203.0.114.7"), No),
            ("IpAddress", json!("0.0.0.0/0"), one("203.0.114.7"), Yes),
            ("IpAddress", json!(["10.0.0.0/8", "2001:db8::/32"]), one("2001:db8::1"), Yes),
            ("NotIpAddress", json!("203.0.113.0/24"), one("2001:db8::1"), Yes),
            ("ArnEquals", json!("arn:aws:iam::1:role/*"), one("arn:aws:iam::1:role/a/b"), Yes),
            ("ArnLike", json!("arn:aws:iam::1:role/*"), one("arn:aws:iam::1:user/a"), No),
            ("ArnNotEquals", json!("arn:aws:iam::1:role/*"), one("arn:aws:iam::1:user/a"), Yes),
            (
                "ArnNotLike",
                json!("arn:aws:iam::*:user/${aws:username}"),
                one("arn:aws:iam::1:user/ana"),
                No,
            ),
            // Source: "Condition operators", the tables of matches.
            ("StringEquals", json!("a"), missing.clone(), No),
            ("StringNotEquals", json!("a"), missing.clone(), Yes),
            ("NumericLessThan", json!("10"), missing.clone(), No),
            ("NumericNotEquals", json!("10"), missing.clone(), Yes),
            ("DateNotEquals", json!("2026-01-01"), missing.clone(), Yes),
            ("Bool", json!("false"), missing.clone(), No),
            ("BinaryEquals", json!("QQ=="), missing.clone(), No),
            ("IpAddress", json!("0.0.0.0/0"), missing.clone(), No),
            ("NotIpAddress", json!("0.0.0.0/0"), missing.clone(), Yes),
            ("ArnLike", json!("*"), missing.clone(), No),
            ("ArnNotLike", json!("*"), missing.clone(), Yes),
            ("StringEqualsIfExists", json!("a"), missing.clone(), Yes),
            ("StringEqualsIfExists", json!("a"), one("b"), No),
            ("StringNotEqualsIfExists", json!("a"), missing.clone(), Yes),
            ("StringNotEqualsIfExists", json!("a"), one("a"), No),
            ("BoolIfExists", json!("true"), missing.clone(), Yes),
            ("IpAddressIfExists", json!("10.0.0.0/8"), missing.clone(), Yes),
            ("Null", json!("true"), missing.clone(), Yes),
            ("Null", json!(false), missing.clone(), No),
            ("Null", json!("true"), one(""), No),
            ("Null", json!("false"), one("a"), Yes),
            ("Null", json!("false"), many(&["a"]), Yes),
            ("Null", json!("true"), many(&[]), Yes),
            ("Null", json!("false"), under(""), Yes),
            ("Null", json!("false"), unseen.clone(), Unknown),
            // A variable without a value equals nothing.
            ("StringEquals", json!("${aws:PrincipalTag/x}"), one("a"), Unknown),
            ("StringLike", json!("*"), unseen.clone(), Unknown),
            ("StringLikeIfExists", json!("*"), unseen.clone(), Yes),
            ("StringNotLike", json!("*"), unseen.clone(), Unknown),
            ("StringEqualsIfExists", json!("a"), unseen, Unknown),
            ("StringLike", json!("a*"), under("ab"), Yes),
            ("StringNotLike", json!("a*"), under("ab"), No),
            ("StringEquals", json!("abc"), under("ab"), Unknown),
            ("StringEquals", json!("b"), under("ab"), No),
            ("StringNotEquals", json!("b"), under("ab"), Yes),
            ("IpAddress", json!("10.0.0.0/8"), under("10."), Unknown),
            // Sets. Source: "Single-valued vs. multivalued context keys", the tables of matches.
            ("ForAllValues:StringEquals", json!(["a", "b"]), many(&["a"]), Yes),
            ("ForAllValues:StringEquals", json!(["a", "b"]), many(&["a", "b"]), Yes),
            ("ForAllValues:StringEquals", json!(["a", "b"]), many(&["a", "c"]), No),
            ("ForAllValues:StringEquals", json!("a"), missing.clone(), Yes),
            ("ForAllValues:StringEquals", json!("a"), many(&[]), Yes),
            ("ForAllValues:StringEquals", json!("a"), one("a"), Yes),
            ("ForAllValues:StringEquals", json!("a"), one(""), Unknown),
            ("ForAllValues:StringNotLike", json!("a*"), many(&["ab", "b"]), No),
            ("ForAllValues:StringNotLike", json!("a*"), many(&["b", "c"]), Yes),
            ("ForAnyValue:StringEquals", json!(["a", "b"]), many(&["a", "c"]), Yes),
            ("ForAnyValue:StringEquals", json!(["a", "b"]), many(&["c"]), No),
            ("ForAnyValue:StringEquals", json!("a"), missing.clone(), No),
            ("ForAnyValue:StringNotEquals", json!("a"), many(&["a", "b"]), Yes),
            ("ForAnyValue:StringNotEquals", json!("a"), many(&["a"]), No),
            ("ForAnyValue:StringNotEquals", json!("a"), missing.clone(), No),
            ("ForAnyValue:StringEqualsIfExists", json!("a"), missing, Unknown),
            ("ForAnyValue:Bool", json!("true"), many(&["false", "true"]), Yes),
            ("StringEquals", json!("a"), many(&["a"]), Unknown),
            // There may be others.
            ("ForAnyValue:StringEquals", json!("a"), including(&["a"]), Yes),
            ("ForAnyValue:StringEquals", json!("b"), including(&["a"]), Unknown),
            ("ForAllValues:StringEquals", json!("a"), including(&["a"]), Unknown),
            ("ForAllValues:StringEquals", json!("b"), including(&["a"]), No),
            ("Null", json!("false"), including(&["a"]), Yes),
            ("StringEquals", json!("a"), including(&["a"]), Unknown),
            ("StringNotEquals", json!("a"), many(&["b"]), Unknown),
        ];
        for (operator, wanted, known, expected) in rows {
            let found = holds(operator, &wanted, Some(&known));
            assert_eq!(found, expected, "{operator} {wanted} {known:?}");
            // Of what nothing was said nothing is known.
            if matches!(known, Known::Unseen(_)) {
                assert_eq!(holds(operator, &wanted, None), expected, "{operator} {wanted}");
            }
        }
    }

    #[test]
    fn what_does_not_read_is_unknown() {
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
            // A year or 2026 seconds?
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
        for (operator, wanted, expected) in rows {
            let keys = json!({ "k": wanted });
            let conditions = Condition::read(operator, &keys, READING);
            let faults: Vec<_> = conditions.iter().filter_map(Condition::fault).collect();
            assert_eq!(faults, [expected]);
            assert_eq!(holds(operator, &wanted, Some(&one("a"))), Unknown, "{operator}");
        }
        let lone = json!("k");
        let conditions = Condition::read("StringEquals", &lone, READING);
        assert_eq!(
            conditions.iter().filter_map(Condition::fault).collect::<Vec<_>>(),
            vec!["Condition \"StringEquals\" is not an object"]
        );
    }
}
