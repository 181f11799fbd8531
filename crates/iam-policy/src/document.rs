//! A policy document, read once into what evaluation needs.
//!
//! AWS checks a policy before it stores it, so whatever does not read here is newer than this program
//! or not what it seems. Such a statement is kept, with the place of what is wrong with it, and is
//! unknown whatever the request.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use serde_json::{Map, Value};

use crate::{
    condition::Condition,
    context::{Object, Request},
    pattern::{Action, Words},
    principal::{Covers, Named, covers},
    resource::Resource,
    truth::Truth,
};
use ssm_doctor_facts::text::Text;

/// Where a policy is attached decides which elements it must and must not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Identity,
    Boundary,
    Session,
    ServiceControl,
    ResourceControl,
    /// A key's, a bucket's.
    Resource,
    /// A role's: it has no resource but the role.
    Trust,
    Endpoint,
}

impl Kind {
    /// Does it say whom it is about?
    fn names_principals(self) -> bool {
        matches!(self, Self::ResourceControl | Self::Resource | Self::Trust | Self::Endpoint)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

#[derive(Clone, Debug)]
pub struct Policy<'p> {
    statements: Vec<Statement<'p>>,
    /// What keeps the whole document from being read.
    fault: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Statement<'p> {
    sid: Option<&'p str>,
    /// From 1, as people count.
    index: usize,
    pub(super) effect: Option<Effect>,
    pub(super) principals: Listed<Named<'p>>,
    pub(super) actions: Listed<Action<'p>>,
    pub(super) resources: Listed<Resource<'p>>,
    pub(super) conditions: Vec<Condition<'p>>,
    /// What keeps it from being read, each with its place.
    pub(super) faults: Vec<String>,
}

/// An element and its `Not` form.
#[derive(Clone, Debug)]
pub(super) enum Listed<T> {
    Unstated,
    Only(Vec<T>),
    AllBut(Vec<T>),
}

impl<T> Listed<T> {
    /// What is listed, under whichever name.
    pub(super) fn each(&self) -> impl Iterator<Item = &T> {
        match self {
            Self::Unstated => [].iter(),
            Self::Only(listed) | Self::AllBut(listed) => listed.iter(),
        }
    }

    /// For sentences.
    pub(super) fn shown(&self, text: impl Fn(&T) -> &str) -> Vec<String> {
        let mut shown: Vec<String> = self.each().map(|it| text(it).into()).collect();
        if let (Self::AllBut(_), Some(first)) = (self, shown.first_mut()) {
            first.insert_str(0, "all but ");
        }
        shown
    }

    fn matches(&self, each: impl Fn(&T) -> Truth) -> Truth {
        match self {
            Self::Unstated => Truth::Yes,
            Self::Only(listed) => Truth::any(listed.iter().map(each)),
            Self::AllBut(listed) => Truth::any(listed.iter().map(each)).not(),
        }
    }
}

/// A request, and what of the layers bears on single statements.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) request: &'a Request<'a>,
    /// Has the principal a permissions boundary?
    pub(super) bounded: Truth,
}

impl<'p> Policy<'p> {
    /// Reads a document as AWS would; [`Policy::faults`] says what of it does not read.
    #[must_use]
    pub fn read(text: &'p Text, kind: Kind) -> Self {
        let unreadable = |fault: &str| Self { statements: Vec::new(), fault: Some(fault.into()) };
        let Some(document) = text.json().and_then(Value::as_object) else {
            return unreadable("is not a JSON object");
        };
        let known = ["Version", "Id", "Statement"];
        if let Some(element) = document.keys().find(|it| !known.contains(&it.as_str())) {
            return unreadable(&format!("has an element {element:?}"));
        }
        let variables = match document.get("Version").map(Value::as_str) {
            Some(Some("2012-10-17")) => true,
            // Source: IAM user guide, "IAM JSON policy elements: Version".
            None | Some(Some("2008-10-17")) => false,
            Some(_) => return unreadable("has an unknown Version"),
        };
        let Some(statements) = document.get("Statement") else {
            return unreadable("has no Statement");
        };
        let read = |(index, raw): (usize, &'p Value)| {
            Statement::read(raw, index + 1, Reading { kind, variables })
        };
        Self { statements: list(statements).enumerate().map(read).collect(), fault: None }
    }

    /// None where the document does not read.
    #[must_use]
    pub fn statements(&self) -> Option<&[Statement<'p>]> {
        self.fault.is_none().then_some(self.statements.as_slice())
    }

    /// What keeps the whole document from being read, for a sentence: `is not a JSON object`.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }
}

/// How statements of a document are to be read.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    pub(super) kind: Kind,
    /// Earlier versions of the language take `${…}` as it stands.
    pub(super) variables: bool,
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

impl<'p> Statement<'p> {
    fn read(raw: &'p Value, index: usize, reading: Reading) -> Self {
        let mut it = Self {
            sid: None,
            index,
            effect: None,
            principals: Listed::Unstated,
            actions: Listed::Unstated,
            resources: Listed::Unstated,
            conditions: Vec::new(),
            faults: Vec::new(),
        };
        let Some(elements) = raw.as_object() else {
            it.fault("is not an object");
            return it;
        };
        for element in elements.keys().filter(|it| !ELEMENTS.contains(&it.as_str())) {
            it.fault(&format!("unknown element {element:?}"));
        }
        it.sid = elements.get("Sid").and_then(Value::as_str).filter(|it| !it.is_empty());
        it.effect = match elements.get("Effect").and_then(Value::as_str) {
            Some("Allow") => Some(Effect::Allow),
            Some("Deny") => Some(Effect::Deny),
            _ => {
                it.fault("Effect is neither Allow nor Deny");
                None
            }
        };
        it.actions = it.strings(elements, "Action", "NotAction", |raw| Some(Action::read(raw)));
        it.resources =
            it.strings(elements, "Resource", "NotResource", |raw| Resource::read(raw, reading));
        it.principals = it.read_principals(elements);
        if matches!(it.actions, Listed::Unstated) {
            it.fault("no Action");
        }
        if matches!(it.resources, Listed::Unstated) != (reading.kind == Kind::Trust) {
            let fault = if reading.kind == Kind::Trust { "a Resource" } else { "no Resource" };
            it.fault(fault);
        }
        if matches!(it.principals, Listed::AllBut(_)) && it.effect == Some(Effect::Allow) {
            it.fault("NotPrincipal with Allow");
        }
        if matches!(it.principals, Listed::Unstated) == reading.kind.names_principals() {
            let fault =
                if reading.kind.names_principals() { "no Principal" } else { "a Principal" };
            it.fault(fault);
        }
        match elements.get("Condition") {
            None => {}
            Some(Value::Object(operators)) => {
                let read = |(operator, keys): (&'p String, &'p Value)| {
                    Condition::read(operator, keys, reading)
                };
                it.conditions = operators.iter().flat_map(read).collect();
            }
            Some(_) => it.fault("Condition is not an object"),
        }
        it
    }

    fn fault(&mut self, what: &str) {
        self.faults.push(format!("{}: {what}", self.place()));
    }

    /// For sentences: `statement 2`, or with its Sid `statement 2 (DenyAll)`.
    #[must_use]
    pub fn place(&self) -> String {
        match self.sid {
            Some(sid) => format!("statement {} ({sid})", self.index),
            None => format!("statement {}", self.index),
        }
    }

    /// Its conditions, for sentences: `aws:SourceIp 192.0.2.0/24 (NotIpAddress)`.
    pub fn asks_for(&self) -> impl Iterator<Item = String> {
        self.conditions
            .iter()
            .map(|it| format!("{} {} ({})", it.key, it.values.join(", "), it.operator))
    }

    #[must_use]
    pub fn sid(&self) -> Option<&'p str> {
        self.sid
    }

    /// From 1.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// What of it does not read, each with its place.
    pub fn faults(&self) -> impl Iterator<Item = String> {
        let of_conditions = self.conditions.iter().filter_map(Condition::fault);
        let of_conditions = of_conditions.map(|it| format!("{}: {it}", self.place()));
        self.faults.iter().cloned().chain(of_conditions)
    }

    /// Whom it covers, if the request is one that it is about.
    pub(super) fn matches(&self, asked: Asked) -> Covers {
        if !self.faults.is_empty() {
            return Covers::all(Truth::Unknown);
        }
        if !self.lists(asked.request.action) {
            return Covers::NOBODY;
        }
        let covers = self.covers(asked);
        if covers == Covers::NOBODY {
            return covers;
        }
        let resource = self.matches_resource(asked);
        if resource == Truth::No {
            return Covers::NOBODY;
        }
        let context = asked.request.context;
        let conditions = self.conditions.iter().map(|it| it.holds(context));
        covers.and(resource).and(conditions.fold(Truth::Yes, Truth::and))
    }

    pub(super) fn lists(&self, action: &str) -> bool {
        self.actions.matches(|it| it.matches(action).into()) == Truth::Yes
    }

    pub(super) fn covers(&self, asked: Asked) -> Covers {
        covers(&self.principals, self.effect, asked.request.principal, asked.bounded)
    }

    pub(super) fn matches_resource(&self, asked: Asked) -> Truth {
        let words = match asked.request.resource {
            Object::Exactly(arn) => Words { text: arn, open: false },
            Object::Under(start) => Words { text: start, open: true },
        };
        let context = asked.request.context;
        let found = self.resources.matches(|it| it.matches(words, context));
        // Such an entry "will not match any resource"; but also, "if AWS cannot resolve a variable this
        // might cause the entire statement to be invalid".
        let null = |listed: &[Resource]| listed.iter().any(|it| it.may_be_null(context));
        match &self.resources {
            Listed::AllBut(listed) if found == Truth::Yes && null(listed) => Truth::Unknown,
            _ => found,
        }
    }

    fn strings<T>(
        &mut self,
        elements: &'p Map<String, Value>,
        name: &str,
        negated: &str,
        read: impl Fn(&'p str) -> Option<T>,
    ) -> Listed<T> {
        let (raw, only) = match (elements.get(name), elements.get(negated)) {
            (None, None) => return Listed::Unstated,
            (Some(raw), None) => (raw, true),
            (None, Some(raw)) => (raw, false),
            (Some(_), Some(_)) => {
                self.fault(&format!("both {name} and {negated}"));
                return Listed::Only(Vec::new());
            }
        };
        let listed: Option<Vec<T>> = list(raw).map(|it| it.as_str().and_then(&read)).collect();
        let listed = listed.unwrap_or_else(|| {
            let unread = list(raw).find(|it| it.as_str().and_then(&read).is_none());
            let unread = unread.map(ToString::to_string).unwrap_or_default();
            self.fault(&format!("{} {unread}", if only { name } else { negated }));
            Vec::new()
        });
        if only { Listed::Only(listed) } else { Listed::AllBut(listed) }
    }

    fn read_principals(&mut self, elements: &'p Map<String, Value>) -> Listed<Named<'p>> {
        let (raw, only) = match (elements.get("Principal"), elements.get("NotPrincipal")) {
            (None, None) => return Listed::Unstated,
            (Some(raw), None) => (raw, true),
            (None, Some(raw)) => (raw, false),
            (Some(_), Some(_)) => {
                self.fault("both Principal and NotPrincipal");
                return Listed::Only(Vec::new());
            }
        };
        match Named::read(raw) {
            Ok(named) if only => Listed::Only(named),
            Ok(named) => Listed::AllBut(named),
            Err(fault) => {
                self.fault(&fault);
                Listed::Only(Vec::new())
            }
        }
    }
}

/// One or many: IAM lets a lone value stand without its list.
pub(super) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    let (one, many) = match value {
        Value::Array(many) => (None, many.as_slice()),
        one => (Some(one), [].as_slice()),
    };
    one.into_iter().chain(many)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use serde_json::json;

    use super::*;

    /// Everything that does not read.
    fn faults(document: Value, kind: Kind) -> Vec<String> {
        let text = Text::from(document);
        let policy = Policy::read(&text, kind);
        let statements = policy.statements().unwrap_or_default();
        let of_statements = statements.iter().flat_map(Statement::faults);
        policy.fault().map(Into::into).into_iter().chain(of_statements).collect()
    }

    #[test]
    fn documents() {
        let rows = [
            (json!("no JSON"), "is not a JSON object"),
            (json!([]), "is not a JSON object"),
            (json!({}), "has no Statement"),
            (json!({ "Version": "2012-10-17", "Statements": [] }), "has an element \"Statements\""),
            (json!({ "Version": "2020-01-01", "Statement": [] }), "has an unknown Version"),
            (json!({ "Version": 2012, "Statement": [] }), "has an unknown Version"),
        ];
        for (document, expected) in rows {
            assert_eq!(faults(document, Kind::Identity), [expected]);
        }
        for version in ["2008-10-17", "2012-10-17"] {
            let document = json!({ "Version": version, "Id": "x", "Statement": [] });
            assert_eq!(faults(document, Kind::Resource), Vec::<String>::new());
        }
    }

    #[test]
    fn statements() {
        let good = json!({ "Effect": "Allow", "Action": "s3:*", "Resource": "*" });
        let with = |changes: Value| {
            let mut statement = good.clone();
            json_patch::merge(&mut statement, &changes);
            statement
        };
        let rows = [
            (good.clone(), None),
            (with(json!({ "Sid": "", "Action": ["s3:*"], "Resource": ["*"] })), None),
            (with(json!({ "Action": null, "NotAction": "s3:*" })), None),
            (with(json!({ "Resource": null, "NotResource": "arn:aws:s3:::b" })), None),
            (with(json!({ "Resource": "arn:aws:s3" })), None),
            (with(json!({ "Condition": {} })), None),
            (json!("Allow"), Some("is not an object")),
            (with(json!({ "Effect": "allow" })), Some("Effect is neither Allow nor Deny")),
            (with(json!({ "Effect": null })), Some("Effect is neither Allow nor Deny")),
            (with(json!({ "Conditions": {} })), Some("unknown element \"Conditions\"")),
            (with(json!({ "Action": null })), Some("no Action")),
            (with(json!({ "NotAction": "s3:*" })), Some("both Action and NotAction")),
            (with(json!({ "Action": 5 })), Some("Action 5")),
            (with(json!({ "Action": ["s3:*", 5] })), Some("Action 5")),
            (with(json!({ "Resource": null })), Some("no Resource")),
            (with(json!({ "Resource": {} })), Some("Resource {}")),
            (with(json!({ "Resource": "bucket" })), Some("Resource \"bucket\"")),
            (
                with(json!({ "Resource": ["*", "arn:aws:s3:::${aws:x"] })),
                Some("Resource \"arn:aws:s3:::${aws:x\""),
            ),
            (with(json!({ "NotResource": "*" })), Some("both Resource and NotResource")),
            (with(json!({ "Principal": "*" })), Some("a Principal")),
            (with(json!({ "Condition": [] })), Some("Condition is not an object")),
            (
                with(json!({ "Condition": { "StringMaybe": { "aws:x": "y" } } })),
                Some("Condition operator \"StringMaybe\""),
            ),
        ];
        for (statement, expected) in rows {
            let document = json!({ "Version": "2012-10-17", "Statement": [good, statement] });
            let expected: Vec<String> =
                expected.iter().map(|it| format!("statement 2: {it}")).collect();
            assert_eq!(faults(document, Kind::Identity), expected, "{statement}");
        }
        // A Sid says which, too; a lone statement needs no list.
        let lone = json!({ "Statement": with(json!({ "Sid": "Mine", "Effect": "Maybe" })) });
        assert_eq!(
            faults(lone, Kind::Identity),
            ["statement 1 (Mine): Effect is neither Allow nor Deny"]
        );
    }

    #[test]
    fn each_kind_of_policy_has_elements_of_its_own() {
        let (principal, resource) = (json!({ "Principal": "*" }), json!({ "Resource": "*" }));
        let rows = [
            (Kind::Identity, vec![&resource], vec![]),
            (Kind::Boundary, vec![&resource], vec![]),
            (Kind::ServiceControl, vec![&resource, &principal], vec!["a Principal"]),
            (Kind::ResourceControl, vec![&resource, &principal], vec![]),
            (Kind::Resource, vec![&resource, &principal], vec![]),
            (Kind::Resource, vec![&resource], vec!["no Principal"]),
            (Kind::Endpoint, vec![&principal], vec!["no Resource"]),
            (Kind::Trust, vec![&principal], vec![]),
            (Kind::Trust, vec![&principal, &resource], vec!["a Resource"]),
        ];
        for (kind, elements, expected) in rows {
            let mut statement = json!({ "Effect": "Allow", "Action": "*" });
            for element in elements {
                json_patch::merge(&mut statement, element);
            }
            let expected: Vec<String> =
                expected.iter().map(|it| format!("statement 1: {it}")).collect();
            assert_eq!(faults(json!({ "Statement": statement }), kind), expected, "{kind:?}");
        }
        // A session policy takes no incomplete ARN.
        let statement = json!({ "Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3" });
        assert_eq!(
            faults(json!({ "Statement": statement }), Kind::Session),
            ["statement 1: Resource \"arn:aws:s3\""]
        );
        let rows = [
            (json!("ana"), "Principal is neither \"*\" nor an object"),
            (json!({ "AWS": 5 }), "Principal \"AWS\" is not a list of strings"),
            (
                json!({ "AWS": "arn:aws:iam::*:root" }),
                "Principal \"arn:aws:iam::*:root\" has a wildcard",
            ),
            (json!({ "Group": "ops" }), "Principal of unknown kind \"Group\""),
        ];
        for (principal, expected) in rows {
            let statement = json!({ "Effect": "Allow", "Action": "*", "Principal": principal });
            let found = faults(json!({ "Statement": statement }), Kind::Trust);
            assert_eq!(found, [format!("statement 1: {expected}")]);
        }
        let mut statement = json!({ "Effect": "Allow", "Action": "*", "NotPrincipal": "*" });
        let found = faults(json!({ "Statement": statement }), Kind::Trust);
        assert_eq!(found, ["statement 1: NotPrincipal with Allow"]);
        statement["Principal"] = "*".into();
        let found = faults(json!({ "Statement": statement }), Kind::Trust);
        assert_eq!(found, ["statement 1: both Principal and NotPrincipal"]);
    }
}
