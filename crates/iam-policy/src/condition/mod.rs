//! The `Condition` element.
//!
//! Source: IAM user guide, "IAM JSON policy elements: Condition operators" and "Single-valued vs.
//! multivalued context keys".

mod operator;

use alloc::{
    borrow::Cow,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use serde_json::Value;

use crate::{
    error::StatementError,
    pattern::{Pattern, RequestValue},
    request::{KeyValue, RequestContext},
    syntax::{ParseOptions, values_of},
    truth::Truth,
};
use operator::{ExpectedValues, Operator, SetOperator};

/// One operator on one key. Displays as `aws:SourceIp 192.0.2.0/24 (NotIpAddress)`.
#[derive(Clone, Debug)]
pub struct Condition<'p> {
    operator: &'p str,
    key: &'p str,
    values: Vec<Cow<'p, str>>,
    test: Result<Test<'p>, StatementError>,
}

/// A condition that can be evaluated.
#[derive(Clone, Debug)]
struct Test<'p> {
    operator: Operator,
    expected: ExpectedValues<'p>,
}

/// Keys that a request may carry several values of. Source: IAM user guide, "AWS global condition context
/// keys", "Value type"; KMS developer guide, "Condition keys for AWS KMS".
const MULTIVALUED_KEYS: [&str; 9] = [
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
    /// Parses the conditions of one operator: one for each key.
    pub(crate) fn parse(operator: &'p str, keys: &'p Value, options: ParseOptions) -> Vec<Self> {
        let Some(keys) = keys.as_object() else {
            let test = Err(StatementError::OperatorNotAnObject(operator.into()));
            return Vec::from([Self { operator, key: "", values: Vec::new(), test }]);
        };
        let parse = |(key, values): (&'p String, &'p Value)| {
            let texts: Option<Vec<Cow<'p, str>>> = values_of(values).map(as_text).collect();
            let test = match &texts {
                None => Err(StatementError::ConditionNotText {
                    operator: operator.into(),
                    key: key.clone(),
                }),
                Some(texts) => Test::parse(operator, texts, options),
            };
            Self { operator, key, values: texts.unwrap_or_default(), test }
        };
        keys.iter().map(parse).collect()
    }

    /// As in the policy: `ForAnyValue:StringLike`.
    #[must_use]
    pub fn operator(&self) -> &'p str {
        self.operator
    }

    /// As in the policy: `aws:SourceIp`.
    #[must_use]
    pub fn key(&self) -> &'p str {
        self.key
    }

    /// The values that the key is compared with, as in the policy.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(AsRef::as_ref)
    }

    pub(crate) fn error(&self) -> Option<&StatementError> {
        self.test.as_ref().err()
    }

    pub(crate) fn holds(&self, context: &RequestContext) -> Truth {
        let Ok(test) = &self.test else { return Truth::Unknown };
        let value = context.get(self.key);
        // Without a set operator the result for one value and for no value may be certain, but never the
        // result for several values.
        let is_unknown = matches!(value, None | Some(KeyValue::Unknown(_)));
        if is_unknown && test.expects_single_value() && is_multivalued(self.key) {
            return Truth::Unknown;
        }
        test.holds(value, context)
    }

    /// The keys whose values decide the condition: its own key first, then those in policy variables.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        let patterns = match &self.test {
            Ok(Test { expected: ExpectedValues::Texts(_, patterns), .. }) => patterns.as_slice(),
            _ => &[],
        };
        core::iter::once(self.key).chain(patterns.iter().flat_map(Pattern::keys))
    }
}

impl fmt::Display for Condition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.key, self.values.join(", "), self.operator)
    }
}

fn is_multivalued(key: &str) -> bool {
    MULTIVALUED_KEYS.iter().any(|multivalued| key.eq_ignore_ascii_case(multivalued))
}

/// IAM treats a JSON number or boolean as its text.
fn as_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Bool(_) | Value::Number(_) => Some(Cow::Owned(value.to_string())),
        _ => None,
    }
}

impl<'p> Test<'p> {
    fn parse(
        name: &str,
        texts: &[Cow<'p, str>],
        options: ParseOptions,
    ) -> Result<Self, StatementError> {
        let operator =
            Operator::parse(name).ok_or_else(|| StatementError::UnknownOperator(name.into()))?;
        let expected =
            ExpectedValues::parse(operator.comparison, texts, options).map_err(|value| {
                StatementError::ConditionValue { operator: name.into(), value: value.to_string() }
            })?;
        Ok(Self { operator, expected })
    }

    fn holds(&self, value: Option<&KeyValue>, context: &RequestContext) -> Truth {
        let exact = |values: &[String]| -> Truth {
            let values: Vec<RequestValue> =
                values.iter().map(|value| RequestValue::exact(value)).collect();
            self.holds_for(&values, context)
        };
        match value {
            None | Some(KeyValue::Unknown(_)) => {
                let if_present = self.holds_for(&[RequestValue::prefix("")], context);
                if self.holds_if_absent() == if_present { if_present } else { Truth::Unknown }
            }
            Some(KeyValue::Absent) => self.holds_if_absent(),
            Some(KeyValue::Exact(value)) => self.holds_for(&[RequestValue::exact(value)], context),
            Some(KeyValue::Prefix(start)) => {
                self.holds_for(&[RequestValue::prefix(start)], context)
            }
            // A comparison that holds at both ends holds between them, unless it asks for one value.
            Some(KeyValue::Between { lowest, highest }) if self.expected.orders() => {
                let at = |end| self.holds_for(&[RequestValue::exact(end)], context);
                let (low, high) = (at(lowest), at(highest));
                if low == high { low } else { Truth::Unknown }
            }
            Some(KeyValue::Between { .. }) => self.holds_for(&[RequestValue::prefix("")], context),
            Some(KeyValue::Multiple(values)) if values.is_empty() => self.holds_if_absent(),
            Some(KeyValue::AtLeast(values)) => {
                let for_known = exact(values);
                match self.operator.set {
                    _ if self.expected.is_presence() => for_known,
                    SetOperator::None => Truth::Unknown,
                    // A further value could match, or could fail to.
                    SetOperator::ForAnyValue => for_known.or(Truth::Unknown),
                    SetOperator::ForAllValues => for_known.and(Truth::Unknown),
                }
            }
            Some(KeyValue::Multiple(_)) if self.expects_single_value() => Truth::Unknown,
            Some(KeyValue::Multiple(values)) => exact(values),
        }
    }

    /// "Multivalued context keys require a condition set operator": AWS does not document what happens
    /// without one.
    fn expects_single_value(&self) -> bool {
        self.operator.set == SetOperator::None && !self.expected.is_presence()
    }

    fn holds_if_absent(&self) -> Truth {
        if let ExpectedValues::Absent(expected) = &self.expected {
            return expected.contains(&true).into();
        }
        match self.operator.set {
            SetOperator::None => (self.operator.negated || self.operator.if_exists).into(),
            SetOperator::ForAllValues => Truth::Yes,
            // "If the key is not present, evaluate the condition element as true" against "if the key
            // does not exist, the condition returns false": AWS does not document which one applies.
            SetOperator::ForAnyValue if self.operator.if_exists => Truth::Unknown,
            SetOperator::ForAnyValue => Truth::No,
        }
    }

    fn holds_for(&self, values: &[RequestValue], context: &RequestContext) -> Truth {
        if let ExpectedValues::Absent(expected) = &self.expected {
            return expected.contains(&false).into();
        }
        let each = values.iter().map(|value| {
            let matches = self.expected.matches(*value, context);
            if self.operator.negated { matches.not() } else { matches }
        });
        // "ForAllValues returns true if the context key value resolves to a null dataset, such as an
        // empty string": AWS does not document whether a tag without a value is one.
        let may_be_null = matches!(values, [RequestValue { text: "", is_prefix: false }]);
        match self.operator.set {
            SetOperator::ForAllValues if may_be_null => each.fold(Truth::Unknown, Truth::or),
            SetOperator::ForAllValues => each.fold(Truth::Yes, Truth::and),
            SetOperator::None | SetOperator::ForAnyValue => Truth::any(each),
        }
    }
}

#[cfg(test)]
mod tests;
