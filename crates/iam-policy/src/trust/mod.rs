//! Role trust policies: does a role trust a service, and whom else does it trust?

use alloc::{string::String, vec::Vec};

use ssm_doctor_facts::{lookup::Unknown, text::Text};

use crate::{
    decision::{AccessDecision, LayerDenial, StatementElement},
    document::PolicyDocument,
    evaluate::evaluate,
    layers::{AttachedPolicy, PolicyLayer, PolicyLayers},
    principal::PrincipalEntry,
    request::{KeyValue, Principal, Request, RequestContext, RequestResource, ResourceOwner},
    statement::PolicyStatement,
    syntax::{Effect, PolicyType},
};

/// Whether a role trusts a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceTrust {
    Trusted,
    /// Only if these condition keys had other values.
    ConditionsNotMet(Vec<String>),
    NotTrusted,
}

/// Decides whether a trust policy lets a service, by one of its service principal names
/// (`ec2.amazonaws.com`), call `action`. `context`: what is known of the service's request.
///
/// # Errors
/// [`Unknown`] if the decision depends on a condition that cannot be evaluated.
pub fn service_trust(
    policy: &Text,
    service_names: &[&str],
    action: &str,
    context: &[(&str, KeyValue)],
) -> Result<ServiceTrust, Unknown> {
    let principal = Principal::Service(service_names);
    let context = context.iter().fold(service_context(&principal), |context, (key, value)| {
        context.with(key, value.clone())
    });
    let request = Request {
        principal,
        action,
        resource: RequestResource::Prefix(""),
        owner: ResourceOwner::SameAccount,
        context: &context,
    };
    let trust_policy = AttachedPolicy {
        id: "the trust policy".into(),
        attached_to: String::new(),
        document: Ok(PolicyDocument::parse(policy, PolicyType::RoleTrust)),
    };
    let resource = PolicyLayer::Policies(Vec::from([trust_policy]));
    let layers = PolicyLayers { resource, ..PolicyLayers::default() };
    match evaluate(&request, &layers) {
        AccessDecision::Allowed(_) => Ok(ServiceTrust::Trusted),
        AccessDecision::Denied(denials) => Ok(match failing_conditions(&denials.first) {
            Some(keys) if !keys.is_empty() => ServiceTrust::ConditionsNotMet(keys),
            _ => ServiceTrust::NotTrusted,
        }),
        AccessDecision::Undecided(undecided) => Err(undecided.to_unknown(&request)),
    }
}

/// The keys of the conditions by which the nearest `Allow` statements fail; None if anything else fails too.
fn failing_conditions(denial: &LayerDenial) -> Option<Vec<String>> {
    let mismatches = denial.near_misses.iter().flat_map(|near_miss| &near_miss.mismatches);
    mismatches
        .map(|element| match element {
            StatementElement::Condition { key, .. } => Some(String::from(*key)),
            _ => None,
        })
        .collect()
}

/// A service does not use MFA, so its requests never have the key. Source: IAM user guide, "AWS global
/// condition context keys", on `aws:MultiFactorAuthPresent`.
fn service_context(principal: &Principal) -> RequestContext {
    RequestContext::for_principal(principal).with("aws:MultiFactorAuthPresent", KeyValue::Absent)
}

/// All principals that a trust policy names.
#[must_use]
pub fn trusted_principals(policy: &Text) -> Vec<String> {
    let policy = PolicyDocument::parse(policy, PolicyType::RoleTrust);
    let statements = policy.statements().unwrap_or_default().iter();
    let entries = statements.flat_map(|statement| statement.principals.entries());
    entries.map(|entry: &PrincipalEntry| String::from(entry.as_str())).collect()
}

/// Whether somebody who assumes the role may tag the session. Such tags are not visible beforehand.
#[must_use]
pub fn may_tag_sessions(policy: &Text) -> bool {
    let policy = PolicyDocument::parse(policy, PolicyType::RoleTrust);
    let Some(statements) = policy.statements() else { return true };
    let may_allow = |statement: &PolicyStatement| {
        statement.effect() != Some(Effect::Deny) && statement.matches_action("sts:TagSession")
    };
    statements.iter().any(may_allow)
}

#[cfg(test)]
mod tests;
