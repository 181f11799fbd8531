//! The `Resource` element's ARNs, which are looser than those of conditions.
//!
//! Source: IAM user guide, "IAM JSON policy elements: Resource", "Identify AWS resources with Amazon
//! Resource Names (ARNs)" and "Grammar of the IAM JSON policy language".

use alloc::{borrow::Cow, string::String};

use crate::{
    context::Context,
    document::{Kind, Reading},
    pattern::{Comparison, PARTS, Pattern, Words},
    truth::Truth,
};

/// One entry of `Resource` or `NotResource`.
#[derive(Clone, Debug)]
pub(super) struct Resource<'p> {
    pub(super) raw: &'p str,
    /// None for everything.
    pattern: Option<Pattern<'p>>,
    /// An incomplete ARN, with stars in place of what is missing.
    completed: Option<Pattern<'p>>,
    /// Is it documented that AWS completes it?
    documented: bool,
    /// "You can't use a variable to replace parts of the ARN before the fifth colon": what it does
    /// there is not documented.
    early: bool,
}

impl<'p> Resource<'p> {
    /// None for what AWS does not store.
    pub(super) fn read(raw: &'p str, reading: Reading) -> Option<Self> {
        if raw == "*" {
            let (pattern, completed) = (None, None);
            return Some(Self { raw, pattern, completed, documented: false, early: false });
        }
        let pattern = Pattern::read(Cow::Borrowed(raw), reading.variables)?;
        let before = pattern.before_variables();
        if !before.starts_with("arn:") {
            return None;
        }
        let early = pattern.keys().next().is_some() && before.matches(':').count() < PARTS - 1;
        let colons = pattern.texts().map(|it| it.matches(':').count()).sum();
        let missing = (PARTS - 1usize).saturating_sub(colons);
        // "When you specify an incomplete ARN in an identity-based policy, AWS automatically completes
        // the ARN by adding wildcard characters to all missing fields. However, session policies do
        // not support incomplete ARNs." Of other policies nothing is said.
        if missing > 0 && reading.kind == Kind::Session {
            return None;
        }
        let whole = (missing > 0).then(|| String::from(raw) + &":*".repeat(missing));
        let completed = match whole {
            None => None,
            Some(whole) => Some(Pattern::read(Cow::Owned(whole), reading.variables)?),
        };
        let documented = matches!(reading.kind, Kind::Identity | Kind::Boundary);
        Some(Self { raw, pattern: Some(pattern), completed, documented, early })
    }

    pub(super) fn matches(&self, words: Words, context: &Context) -> Truth {
        let Some(pattern) = &self.pattern else { return Truth::Yes };
        let by = |it: &Pattern| it.matches(Comparison::Resource, words, context);
        let found = by(pattern);
        let found = match self.completed.as_ref().map(by) {
            None => found,
            Some(Truth::Yes) if self.documented => Truth::Yes,
            Some(completed) if completed == found => found,
            Some(_) => Truth::Unknown,
        };
        if self.early && found == Truth::Yes { Truth::Unknown } else { found }
    }

    /// Could it have a variable without a value?
    pub(super) fn may_be_null(&self, context: &Context) -> bool {
        self.pattern.as_ref().is_some_and(|it| it.may_be_null(context))
    }

    /// The keys of the context that it takes.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.pattern.iter().flat_map(Pattern::keys)
    }
}

#[cfg(test)]
mod tests {
    use Truth::{No, Unknown, Yes};

    use super::*;

    const DOCUMENT: &str = "arn:aws:ssm:eu-west-1:111122223333:document/Shell";

    #[test]
    fn incomplete_arns() {
        // As part of an identity's policy, and of a resource's.
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
            for (kind, expected) in [(Kind::Identity, in_identity), (Kind::Resource, in_resource)] {
                let reading = Reading { kind, variables: true };
                let resource = Resource::read(raw, reading).unwrap();
                let found = resource.matches(Words::exactly(DOCUMENT), &Context::default());
                assert_eq!(found, expected, "{kind:?} {raw}");
            }
        }
        let session = Reading { kind: Kind::Session, variables: true };
        assert!(Resource::read("arn:aws:ssm", session).is_none());
        assert!(Resource::read("arn:aws:ssm:*:*:*", session).is_some());
        assert!(Resource::read("document/Shell", session).is_none());
    }
}
