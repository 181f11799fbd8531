//! One entry of the `Resource` or `NotResource` element. Its ARNs match more loosely than those of
//! conditions.
//!
//! Source: IAM user guide, "IAM JSON policy elements: Resource", "Identify AWS resources with Amazon
//! Resource Names (ARNs)" and "Grammar of the IAM JSON policy language".

use alloc::{borrow::Cow, string::String};

use crate::{
    pattern::{ARN_PARTS, MatchMode, Pattern, RequestValue},
    request::RequestContext,
    syntax::{ParseOptions, PolicyType},
    truth::Truth,
};

/// One entry of `Resource` or `NotResource`.
#[derive(Clone, Debug)]
pub(crate) struct ResourcePattern<'p> {
    pub(crate) raw: &'p str,
    /// None for `*`.
    pattern: Option<Pattern<'p>>,
    /// For an incomplete ARN: the ARN with `*` in place of each missing part.
    completed: Option<Pattern<'p>>,
    /// Whether AWS documents that it completes an incomplete ARN in this type of policy.
    completion_is_documented: bool,
    /// "You can't use a variable to replace parts of the ARN before the fifth colon": AWS does not document
    /// what such a variable does.
    has_early_variable: bool,
}

impl<'p> ResourcePattern<'p> {
    /// Returns None for text that AWS would not have stored.
    pub(crate) fn parse(raw: &'p str, options: ParseOptions) -> Option<Self> {
        if raw == "*" {
            return Some(Self {
                raw,
                pattern: None,
                completed: None,
                completion_is_documented: false,
                has_early_variable: false,
            });
        }
        let pattern = Pattern::parse(Cow::Borrowed(raw), options.variables)?;
        let before = pattern.text_before_variables();
        if !before.starts_with("arn:") {
            return None;
        }
        let has_early_variable =
            pattern.keys().next().is_some() && before.matches(':').count() < ARN_PARTS - 1;
        let colons = pattern.texts().map(|text| text.matches(':').count()).sum();
        let missing = (ARN_PARTS - 1usize).saturating_sub(colons);
        // "When you specify an incomplete ARN in an identity-based policy, AWS automatically completes
        // the ARN by adding wildcard characters to all missing fields. However, session policies do
        // not support incomplete ARNs." AWS says nothing about other types of policies.
        if missing > 0 && options.policy_type == PolicyType::Session {
            return None;
        }
        let completed = if missing == 0 {
            None
        } else {
            let text = String::from(raw) + &":*".repeat(missing);
            Some(Pattern::parse(Cow::Owned(text), options.variables)?)
        };
        let completion_is_documented = matches!(
            options.policy_type,
            PolicyType::IdentityBased | PolicyType::PermissionsBoundary
        );
        Some(Self {
            raw,
            pattern: Some(pattern),
            completed,
            completion_is_documented,
            has_early_variable,
        })
    }

    pub(crate) fn matches(&self, resource: RequestValue, context: &RequestContext) -> Truth {
        let Some(pattern) = &self.pattern else { return Truth::Yes };
        let matches =
            |pattern: &Pattern| pattern.matches(MatchMode::ResourceArn, resource, context);
        let as_written = matches(pattern);
        let result = match self.completed.as_ref().map(matches) {
            None => as_written,
            Some(Truth::Yes) if self.completion_is_documented => Truth::Yes,
            Some(completed) if completed == as_written => as_written,
            Some(_) => Truth::Unknown,
        };
        if self.has_early_variable && result == Truth::Yes { Truth::Unknown } else { result }
    }

    /// Whether a variable has no value, or possibly none.
    pub(crate) fn may_be_null(&self, context: &RequestContext) -> bool {
        self.pattern.as_ref().is_some_and(|pattern| pattern.may_be_null(context))
    }

    /// The condition keys that the variables refer to.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.pattern.iter().flat_map(Pattern::keys)
    }
}

#[cfg(test)]
mod tests;
