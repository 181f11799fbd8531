//! One statement of a policy.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use serde_json::{Map, Value};

use crate::{
    condition::Condition,
    error::StatementError,
    pattern::{ActionPattern, RequestValue},
    principal::{Coverage, PrincipalEntry, coverage},
    request::{Request, RequestResource},
    resource::ResourcePattern,
    syntax::{Effect, ElementEntries, ParseOptions, PolicyType, values_of},
    truth::Truth,
};

/// One statement of a [`PolicyDocument`](crate::PolicyDocument).
#[derive(Clone, Debug)]
pub struct PolicyStatement<'p> {
    location: StatementLocation<'p>,
    effect: Option<Effect>,
    pub(crate) principals: ElementEntries<PrincipalEntry<'p>>,
    pub(crate) actions: ElementEntries<ActionPattern<'p>>,
    pub(crate) resources: ElementEntries<ResourcePattern<'p>>,
    conditions: Vec<Condition<'p>>,
    /// Without those of its conditions.
    errors: Vec<StatementError>,
}

/// Where a statement is in its document. Displays as `statement 2`, or as `statement 2 (DenyAll)` if the
/// statement has a `Sid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementLocation<'p> {
    /// Counted from 1.
    pub number: usize,
    pub sid: Option<&'p str>,
}

/// What a statement is evaluated for.
#[derive(Clone, Copy)]
pub(crate) struct StatementQuery<'a> {
    pub(crate) request: &'a Request<'a>,
    /// Whether the principal has a permissions boundary.
    pub(crate) has_boundary: Truth,
}

const ELEMENTS: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

impl fmt::Display for StatementLocation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "statement {}", self.number)?;
        self.sid.map_or(Ok(()), |sid| write!(f, " ({sid})"))
    }
}

impl<'p> PolicyStatement<'p> {
    pub(crate) fn parse(raw: &'p Value, number: usize, options: ParseOptions) -> Self {
        let mut statement = Self {
            location: StatementLocation { number, sid: None },
            effect: None,
            principals: ElementEntries::Missing,
            actions: ElementEntries::Missing,
            resources: ElementEntries::Missing,
            conditions: Vec::new(),
            errors: Vec::new(),
        };
        match raw.as_object() {
            Some(elements) => statement.parse_elements(elements, options),
            None => statement.errors.push(StatementError::NotAnObject),
        }
        statement
    }

    fn parse_elements(&mut self, elements: &'p Map<String, Value>, options: ParseOptions) {
        let unknown = elements.keys().filter(|element| !ELEMENTS.contains(&element.as_str()));
        self.errors.extend(unknown.cloned().map(StatementError::UnknownElement));
        self.location.sid =
            elements.get("Sid").and_then(Value::as_str).filter(|sid| !sid.is_empty());
        self.effect = match elements.get("Effect").and_then(Value::as_str) {
            Some("Allow") => Some(Effect::Allow),
            Some("Deny") => Some(Effect::Deny),
            _ => {
                self.errors.push(StatementError::Effect);
                None
            }
        };
        self.actions = self.parse_strings(elements, ["Action", "NotAction"], |raw| {
            Some(ActionPattern::parse(raw))
        });
        self.resources = self.parse_strings(elements, ["Resource", "NotResource"], |raw| {
            ResourcePattern::parse(raw, options)
        });
        self.principals = self.parse_principals(elements, options.policy_type);
        self.check_required_elements(options.policy_type);
        match elements.get("Condition") {
            None => {}
            Some(Value::Object(operators)) => {
                let parse = |(operator, keys): (&'p String, &'p Value)| {
                    Condition::parse(operator, keys, options)
                };
                self.conditions = operators.iter().flat_map(parse).collect();
            }
            Some(_) => self.errors.push(StatementError::ConditionNotAnObject),
        }
    }

    fn check_required_elements(&mut self, policy_type: PolicyType) {
        if matches!(self.actions, ElementEntries::Missing) {
            self.errors.push(StatementError::Missing("Action"));
        }
        let has_resource = !matches!(self.resources, ElementEntries::Missing);
        match (has_resource, policy_type == PolicyType::RoleTrust) {
            (true, true) => self.errors.push(StatementError::NotAllowed("Resource")),
            (false, false) => self.errors.push(StatementError::Missing("Resource")),
            _ => {}
        }
        if self.principals.is_except() && self.effect == Some(Effect::Allow) {
            self.errors.push(StatementError::NotPrincipalWithAllow);
        }
        let has_principal = !matches!(self.principals, ElementEntries::Missing);
        match (has_principal, policy_type.has_principal()) {
            (true, false) => self.errors.push(StatementError::NotAllowed("Principal")),
            (false, true) => self.errors.push(StatementError::Missing("Principal")),
            _ => {}
        }
    }

    /// Parses an element that is a string or a list of strings, or its `Not` form.
    fn parse_strings<T>(
        &mut self,
        elements: &'p Map<String, Value>,
        [name, negated]: [&'static str; 2],
        parse: impl Fn(&'p str) -> Option<T>,
    ) -> ElementEntries<T> {
        let (raw, element) = match (elements.get(name), elements.get(negated)) {
            (None, None) => return ElementEntries::Missing,
            (Some(raw), None) => (raw, name),
            (None, Some(raw)) => (raw, negated),
            (Some(_), Some(_)) => {
                self.errors.push(StatementError::BothForms(name));
                return ElementEntries::Only(Vec::new());
            }
        };
        let parse_value = |value: &'p Value| {
            let entry = value.as_str().and_then(&parse);
            entry.ok_or_else(|| StatementError::Entry { element, entry: value.to_string() })
        };
        let entries: Result<Vec<T>, _> = values_of(raw).map(parse_value).collect();
        let entries = entries.unwrap_or_else(|error| {
            self.errors.push(error);
            Vec::new()
        });
        if element == name {
            ElementEntries::Only(entries)
        } else {
            ElementEntries::AllExcept(entries)
        }
    }

    fn parse_principals(
        &mut self,
        elements: &'p Map<String, Value>,
        policy_type: PolicyType,
    ) -> ElementEntries<PrincipalEntry<'p>> {
        let (raw, negated) = match (elements.get("Principal"), elements.get("NotPrincipal")) {
            (None, None) => return ElementEntries::Missing,
            (Some(raw), None) => (raw, false),
            (None, Some(raw)) => (raw, true),
            (Some(_), Some(_)) => {
                self.errors.push(StatementError::BothForms("Principal"));
                return ElementEntries::Only(Vec::new());
            }
        };
        match PrincipalEntry::parse(raw, policy_type) {
            Ok(entries) if negated => ElementEntries::AllExcept(entries),
            Ok(entries) => ElementEntries::Only(entries),
            Err(error) => {
                self.errors.push(error);
                ElementEntries::Only(Vec::new())
            }
        }
    }

    #[must_use]
    pub fn location(&self) -> StatementLocation<'p> {
        self.location
    }

    /// None if the element is missing or invalid.
    #[must_use]
    pub fn effect(&self) -> Option<Effect> {
        self.effect
    }

    /// The conditions; all of them must hold.
    #[must_use]
    pub fn conditions(&self) -> &[Condition<'p>] {
        &self.conditions
    }

    /// Why the statement, or a condition of it, cannot be evaluated. Empty for a valid statement.
    pub fn errors(&self) -> impl Iterator<Item = &StatementError> {
        self.errors.iter().chain(self.conditions.iter().filter_map(Condition::error))
    }

    /// How the statement covers the principal, if it applies to the request.
    pub(crate) fn matches(&self, query: StatementQuery) -> Coverage {
        if !self.errors.is_empty() {
            return Coverage::all(Truth::Unknown);
        }
        if !self.matches_action(query.request.action) {
            return Coverage::NONE;
        }
        let coverage = self.coverage(query);
        if coverage == Coverage::NONE {
            return coverage;
        }
        let resource = self.matches_resource(query);
        if resource == Truth::No {
            return Coverage::NONE;
        }
        let context = query.request.context;
        let conditions = self.conditions.iter().map(|condition| condition.holds(context));
        coverage.and(resource).and(conditions.fold(Truth::Yes, Truth::and))
    }

    pub(crate) fn matches_action(&self, action: &str) -> bool {
        self.actions.matches(|pattern| pattern.matches(action).into()) == Truth::Yes
    }

    pub(crate) fn coverage(&self, query: StatementQuery) -> Coverage {
        coverage(&self.principals, self.effect, query.request.principal, query.has_boundary)
    }

    pub(crate) fn matches_resource(&self, query: StatementQuery) -> Truth {
        let resource = match query.request.resource {
            RequestResource::Exact(arn) => RequestValue::exact(arn),
            RequestResource::Prefix(start) => RequestValue::prefix(start),
        };
        let context = query.request.context;
        let result = self.resources.matches(|pattern| pattern.matches(resource, context));
        // An entry with a variable without a value "will not match any resource"; but also, "if AWS cannot
        // resolve a variable this might cause the entire statement to be invalid". Source: IAM user guide,
        // "IAM policy elements: Variables and tags".
        let may_be_null =
            || self.resources.entries().iter().any(|pattern| pattern.may_be_null(context));
        if result == Truth::Yes && self.resources.is_except() && may_be_null() {
            return Truth::Unknown;
        }
        result
    }
}
