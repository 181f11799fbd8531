//! Explains an unknown decision: what would have to be known.

use alloc::vec::Vec;

use crate::{
    condition::Condition,
    decision::{StatementElement, Uncertainty, UncertaintyCause, Undecided},
    explain::elements::{elements_that_match, statements_of},
    layers::{LayerDecision, LayerName, PolicyLayer},
    request::{KeyValue, Request, RequestContext, ResourceOwner},
    resource::ResourcePattern,
    results::{LayerResult, LayerResults, is_same_account},
    statement::{PolicyStatement, StatementQuery},
    syntax::{Effect, PolicyType},
    truth::Truth,
};

pub(crate) fn undecided<'p>(request: &Request, results: &LayerResults<'p>) -> Undecided<'p> {
    let mut uncertainties = Vec::new();
    if let (ResourceOwner::Unknown(unknown), Truth::Unknown) =
        (request.owner, is_same_account(request))
    {
        let layer = LayerName { policy_type: PolicyType::ResourceBased, level: None };
        let cause = UncertaintyCause::NotSeen(unknown.clone());
        uncertainties.push(Uncertainty { layer, policy: None, statement: None, cause });
    }
    let query = StatementQuery { request, has_boundary: results.has_boundary };
    let is_granted = results.granted(request) == Truth::Yes;
    for result in results.all() {
        collect_from_layer(result, query, is_granted, &mut uncertainties);
    }
    Undecided { uncertainties }
}

/// Collects what is unknown about one layer and could change the decision. `is_granted`: the layers that can
/// grant access certainly do, whatever else is unknown about them.
fn collect_from_layer<'p>(
    result: &LayerResult<'p>,
    query: StatementQuery,
    is_granted: bool,
    uncertainties: &mut Vec<Uncertainty<'p>>,
) {
    let layer = result.name;
    let policies = match result.layer {
        PolicyLayer::Absent
        | PolicyLayer::Decided(
            LayerDecision::Allow | LayerDecision::ExplicitDeny | LayerDecision::ImplicitDeny,
        ) => return,
        PolicyLayer::Unknown(unknown) => {
            let cause = UncertaintyCause::NotSeen(unknown.clone());
            uncertainties.push(Uncertainty { layer, policy: None, statement: None, cause });
            return;
        }
        PolicyLayer::Policies(policies) => policies,
    };
    for policy in policies {
        let cause = match &policy.document {
            Err(unknown) => UncertaintyCause::NotSeen(unknown.clone()),
            Ok(document) => match document.error() {
                Some(error) => UncertaintyCause::InvalidDocument(error),
                None => continue,
            },
        };
        uncertainties.push(Uncertainty { layer, policy: Some(policy), statement: None, cause });
    }
    let can_grant = matches!(
        layer.policy_type,
        PolicyType::IdentityBased
            | PolicyType::PermissionsBoundary
            | PolicyType::Session
            | PolicyType::ResourceBased
    );
    let allows = if can_grant { is_granted } else { result.allows.any() == Truth::Yes };
    for reference in statements_of(result.layer) {
        let statement = reference.statement;
        let is_settled = match statement.effect() {
            Some(Effect::Deny) => result.denies == Truth::Yes,
            Some(Effect::Allow) => allows,
            None => false,
        };
        if !is_settled && statement.matches(query).has_unknown() {
            uncertainties.extend(causes_in(statement, query).into_iter().map(|cause| {
                Uncertainty {
                    layer,
                    policy: Some(reference.policy),
                    statement: Some(statement),
                    cause,
                }
            }));
        }
    }
}

/// Why it is unknown whether a statement matches.
fn causes_in<'p>(
    statement: &'p PolicyStatement<'p>,
    query: StatementQuery,
) -> Vec<UncertaintyCause<'p>> {
    let mut causes: Vec<_> = statement.errors().map(UncertaintyCause::InvalidStatement).collect();
    if !causes.is_empty() {
        return causes;
    }
    let context = query.request.context;
    let conditions = statement.conditions().iter();
    let undecided = conditions.filter(|condition| condition.holds(context) == Truth::Unknown);
    let mut keys: Vec<&str> = undecided.flat_map(Condition::keys).collect();
    if statement.matches_resource(query) == Truth::Unknown {
        keys.extend(statement.resources.entries().iter().flat_map(ResourcePattern::keys));
    }
    for key in keys {
        match context.get(key) {
            Some(KeyValue::Unknown(unknown)) => {
                causes.push(UncertaintyCause::NotSeen(unknown.clone()));
            }
            None
            | Some(
                KeyValue::Prefix(_)
                | KeyValue::Multiple(_)
                | KeyValue::AtLeast(_)
                | KeyValue::Between { .. },
            ) => {
                causes.push(UncertaintyCause::ConditionKey(key));
            }
            Some(KeyValue::Exact(_) | KeyValue::Absent) => {}
        }
    }
    // Elements that no key explains: the name of a role session, a resource of which only the beginning is
    // known.
    let elements = elements_that_match(statement, query, Truth::Unknown).into_iter();
    let unexplained = elements.filter(|element| !is_explained_by_keys(element, statement, context));
    causes.extend(unexplained.map(UncertaintyCause::Element));
    causes
}

/// Whether the keys that an element depends on already explain why it is undecided.
fn is_explained_by_keys(
    element: &StatementElement,
    statement: &PolicyStatement,
    context: &RequestContext,
) -> bool {
    match element {
        StatementElement::Condition { key, .. } => {
            !matches!(context.get(key), Some(KeyValue::Exact(_)))
        }
        StatementElement::Resource(_) => {
            let mut keys = statement.resources.entries().iter().flat_map(ResourcePattern::keys);
            keys.any(|key| !matches!(context.get(key), Some(KeyValue::Exact(_) | KeyValue::Absent)))
        }
        StatementElement::Action(_) | StatementElement::Principal(_) => false,
    }
}
