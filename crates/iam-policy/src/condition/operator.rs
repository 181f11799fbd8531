//! Condition operators, and the values that they expect.

use alloc::{borrow::Cow, format, vec::Vec};
use core::{cmp::Ordering, net::IpAddr};

use ipnet::IpNet;
use jiff::Timestamp;

use crate::{
    pattern::{MatchMode, Pattern, RequestValue},
    request::RequestContext,
    syntax::ParseOptions,
    truth::Truth,
};

/// `ForAnyValue:StringNotLikeIfExists`, taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operator {
    pub(super) set: SetOperator,
    pub(super) comparison: Comparison,
    pub(super) negated: bool,
    pub(super) if_exists: bool,
}

/// How the values of a multivalued key count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SetOperator {
    None,
    ForAllValues,
    ForAnyValue,
}

/// What an operator compares, apart from negation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Comparison {
    Text(MatchMode),
    Number(OrderTest),
    Date(OrderTest),
    Bool,
    Binary,
    IpAddress,
    Null,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OrderTest {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The values of a condition, parsed as its operator requires.
#[derive(Clone, Debug)]
pub(super) enum ExpectedValues<'p> {
    Texts(MatchMode, Vec<Pattern<'p>>),
    Numbers(OrderTest, Vec<f64>),
    Dates(OrderTest, Vec<Timestamp>),
    Bools(Vec<bool>),
    Networks(Vec<IpNet>),
    /// For `Null`: whether the key is expected to be absent.
    Absent(Vec<bool>),
}

/// The name of each operator, what it compares, whether it is negated.
const OPERATORS: [(&str, Comparison, bool); 27] = [
    ("StringEquals", Comparison::Text(MatchMode::Equals), false),
    ("StringNotEquals", Comparison::Text(MatchMode::Equals), true),
    ("StringEqualsIgnoreCase", Comparison::Text(MatchMode::EqualsIgnoreCase), false),
    ("StringNotEqualsIgnoreCase", Comparison::Text(MatchMode::EqualsIgnoreCase), true),
    ("StringLike", Comparison::Text(MatchMode::Like), false),
    ("StringNotLike", Comparison::Text(MatchMode::Like), true),
    ("NumericEquals", Comparison::Number(OrderTest::Equal), false),
    ("NumericNotEquals", Comparison::Number(OrderTest::Equal), true),
    ("NumericLessThan", Comparison::Number(OrderTest::Less), false),
    ("NumericLessThanEquals", Comparison::Number(OrderTest::LessOrEqual), false),
    ("NumericGreaterThan", Comparison::Number(OrderTest::Greater), false),
    ("NumericGreaterThanEquals", Comparison::Number(OrderTest::GreaterOrEqual), false),
    ("DateEquals", Comparison::Date(OrderTest::Equal), false),
    ("DateNotEquals", Comparison::Date(OrderTest::Equal), true),
    ("DateLessThan", Comparison::Date(OrderTest::Less), false),
    ("DateLessThanEquals", Comparison::Date(OrderTest::LessOrEqual), false),
    ("DateGreaterThan", Comparison::Date(OrderTest::Greater), false),
    ("DateGreaterThanEquals", Comparison::Date(OrderTest::GreaterOrEqual), false),
    ("Bool", Comparison::Bool, false),
    ("BinaryEquals", Comparison::Binary, false),
    ("IpAddress", Comparison::IpAddress, false),
    ("NotIpAddress", Comparison::IpAddress, true),
    ("ArnEquals", Comparison::Text(MatchMode::Arn), false),
    ("ArnLike", Comparison::Text(MatchMode::Arn), false),
    ("ArnNotEquals", Comparison::Text(MatchMode::Arn), true),
    ("ArnNotLike", Comparison::Text(MatchMode::Arn), true),
    ("Null", Comparison::Null, false),
];

impl Operator {
    /// Returns None for an unknown operator. Names are compared without regard to case.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (set, name) = match text.split_once(':') {
            None => (SetOperator::None, text),
            Some((set, name)) if set.eq_ignore_ascii_case("ForAllValues") => {
                (SetOperator::ForAllValues, name)
            }
            Some((set, name)) if set.eq_ignore_ascii_case("ForAnyValue") => {
                (SetOperator::ForAnyValue, name)
            }
            Some(_) => return None,
        };
        let suffix_at = name.len().checked_sub("IfExists".len());
        let (name, if_exists) = match suffix_at.and_then(|at| name.split_at_checked(at)) {
            Some((name, suffix)) if suffix.eq_ignore_ascii_case("IfExists") => (name, true),
            _ => (name, false),
        };
        let (_, comparison, negated) =
            *OPERATORS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name))?;
        let is_plain = !if_exists && set == SetOperator::None;
        if matches!(comparison, Comparison::Null) && !is_plain {
            return None;
        }
        Some(Self { set, comparison, negated, if_exists })
    }
}

impl<'p> ExpectedValues<'p> {
    /// # Errors
    /// The first value that is not of the operator's type.
    pub(super) fn parse<'t>(
        comparison: Comparison,
        texts: &'t [Cow<'p, str>],
        options: ParseOptions,
    ) -> Result<Self, &'t str> {
        fn each<'t, 'p, T>(
            texts: &'t [Cow<'p, str>],
            parse: impl Fn(&Cow<'p, str>) -> Option<T>,
        ) -> Result<Vec<T>, &'t str> {
            texts.iter().map(|text| parse(text).ok_or(text.as_ref())).collect()
        }
        let pattern = |text: &Cow<'p, str>| Pattern::parse(text.clone(), options.variables);
        Ok(match comparison {
            Comparison::Text(mode) => Self::Texts(mode, each(texts, pattern)?),
            // Policy and request both have the value in base 64.
            Comparison::Binary => {
                let literal = |text: &Cow<'p, str>| Pattern::parse(text.clone(), false);
                Self::Texts(MatchMode::Equals, each(texts, literal)?)
            }
            Comparison::Number(test) => {
                Self::Numbers(test, each(texts, |text| parse_number(text))?)
            }
            Comparison::Date(test) => Self::Dates(test, each(texts, |text| parse_date(text))?),
            Comparison::Bool => Self::Bools(each(texts, |text| parse_bool(text))?),
            Comparison::IpAddress => Self::Networks(each(texts, |text| parse_network(text))?),
            Comparison::Null => Self::Absent(each(texts, |text| parse_bool(text))?),
        })
    }

    /// Whether the condition tests only whether the key is present.
    pub(super) fn is_presence(&self) -> bool {
        matches!(self, Self::Absent(_))
    }

    /// Whether times or numbers are compared by their order, and not for equality.
    pub(super) fn orders(&self) -> bool {
        matches!(self, Self::Dates(test, _) | Self::Numbers(test, _) if !matches!(test, OrderTest::Equal))
    }

    /// Whether one of the expected values matches `value`.
    pub(super) fn matches(&self, value: RequestValue, context: &RequestContext) -> Truth {
        // Unknown for a value of another type, and for a value of which only the beginning is known.
        fn typed<T>(
            value: RequestValue,
            parse: impl Fn(&str) -> Option<T>,
            matches: impl Fn(&T) -> bool,
        ) -> Truth {
            let parsed = if value.is_prefix { None } else { parse(value.text) };
            parsed.map_or(Truth::Unknown, |parsed| matches(&parsed).into())
        }
        match self {
            Self::Texts(mode, patterns) => {
                let each = patterns.iter().map(|pattern| pattern.matches(*mode, value, context));
                Truth::any(each)
            }
            Self::Numbers(test, expected) => typed(value, parse_number, |number| {
                expected.iter().any(|bound| test.holds(number.partial_cmp(bound)))
            }),
            Self::Dates(test, expected) => typed(value, parse_date, |date| {
                expected.iter().any(|bound| test.holds(Some(date.cmp(bound))))
            }),
            Self::Bools(expected) => typed(value, parse_bool, |value| expected.contains(value)),
            Self::Networks(expected) => {
                let parse = |text: &str| text.parse::<IpAddr>().ok();
                typed(value, parse, |ip| expected.iter().any(|network| network.contains(ip)))
            }
            Self::Absent(_) => Truth::No,
        }
    }
}

impl OrderTest {
    fn holds(self, ordering: Option<Ordering>) -> bool {
        ordering.is_some_and(|ordering| match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        })
    }
}

fn parse_number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

fn parse_bool(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

fn parse_network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Parses epoch seconds, or a W3C form of ISO 8601 with a day at least. The time zone defaults to UTC.
fn parse_date(text: &str) -> Option<Timestamp> {
    // Four digits could be a year or seconds.
    if text.len() > 4 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Timestamp::from_second(text.parse().ok()?).ok();
    }
    let midnight = || {
        let day = text.parse::<jiff::civil::Date>().ok()?;
        format!("{day}T00:00:00Z").parse().ok()
    };
    text.parse().ok().or_else(midnight)
}
