//! Explains a denial: the layers that deny, and the `Allow` statements that come nearest to matching.

use alloc::vec::Vec;

use crate::{
    decision::{Denials, LayerDenial, NearMiss},
    explain::elements::{elements_that_match, statements_of},
    layers::{LayerName, PolicyLayer, StatementRef},
    pattern::ActionPattern,
    request::{Request, service_of},
    results::{LayerResult, LayerResults, is_same_account},
    statement::{PolicyStatement, StatementQuery},
    syntax::{Effect, ElementEntries, PolicyType},
    truth::Truth,
};

/// Explicit denials come first, as in AWS's own error messages.
pub(crate) fn denials<'p>(request: &Request, results: &LayerResults<'p>) -> Denials<'p> {
    let explicit = results.all().filter(|result| result.denies == Truth::Yes);
    let explicit = explicit.map(|result| LayerDenial {
        layer: result.name,
        explicit: true,
        statements: result.denying.clone(),
        near_misses: Vec::new(),
    });
    let implicit = implicitly_denying(request, results).into_iter();
    let implicit = implicit.filter(|result| !is_decided_organization(result)).map(|result| {
        let near_misses = near_misses(result, results, request);
        LayerDenial { layer: result.name, explicit: false, statements: Vec::new(), near_misses }
    });
    let mut denials = explicit.chain(implicit);
    let first = denials.next().unwrap_or(LayerDenial {
        layer: LayerName { policy_type: PolicyType::IdentityBased, level: None },
        explicit: false,
        statements: Vec::new(),
        near_misses: Vec::new(),
    });
    Denials { first, others: denials.collect() }
}

/// Whether IAM's simulator reported an explicit denial by the organization. Then it says nothing about an
/// `Allow` in service control policies, and none is missing.
fn is_decided_organization(result: &LayerResult) -> bool {
    result.name.policy_type == PolicyType::ServiceControl
        && result.denies == Truth::Yes
        && matches!(result.layer, PolicyLayer::Decided(_))
}

/// The layers that would have to allow, and do not.
fn implicitly_denying<'r, 'p>(
    request: &Request,
    results: &'r LayerResults<'p>,
) -> Vec<&'r LayerResult<'p>> {
    let mut denying: Vec<_> =
        results.limiting().filter(|layer| layer.passes() == Truth::No).collect();
    if results.granted(request) != Truth::No {
        return denying;
    }
    let resource = results.resource.allows;
    let is_cross_account = is_same_account(request) == Truth::No;
    let resource_allows =
        if is_cross_account { resource.any() } else { resource.account.or(resource.role) };
    if resource_allows == Truth::No && (is_cross_account || results.resource_must_allow(request)) {
        denying.push(&results.resource);
    }
    if results.granted_by_identity(request) == Truth::No {
        // A grant to the role replaces the role's own policies, but its boundary and the session policy
        // still limit it.
        let granted_to_role = !is_cross_account && resource.role == Truth::Yes;
        let limits = [&results.boundary, &results.session];
        denying.extend(limits.into_iter().filter(|layer| layer.passes() == Truth::No));
        if results.identity.allows.any() == Truth::No && !granted_to_role {
            denying.push(&results.identity);
        }
    }
    denying
}

/// The `Allow` statements of a layer with the smallest distance from the request.
fn near_misses<'p>(
    result: &LayerResult<'p>,
    results: &LayerResults<'p>,
    request: &Request,
) -> Vec<NearMiss<'p>> {
    let query = StatementQuery { request, has_boundary: results.has_boundary };
    let is_allow = |reference: &StatementRef| reference.statement.effect() == Some(Effect::Allow);
    let allows = statements_of(result.layer).filter(is_allow);
    let with_distance = allows.filter_map(|allow| Some((distance(allow.statement, query)?, allow)));
    let candidates: Vec<(usize, StatementRef)> = with_distance.collect();
    let Some(least) = candidates.iter().map(|(distance, _)| *distance).min() else {
        return Vec::new();
    };
    let nearest = candidates.into_iter().filter(|(distance, _)| *distance == least);
    let near_miss = |(_, allow): (usize, StatementRef<'p>)| {
        let mismatches = elements_that_match(allow.statement, query, Truth::No);
        NearMiss { allow, mismatches }
    };
    nearest.map(near_miss).collect()
}

/// How far an `Allow` statement is from matching. A condition that fails counts less than another resource,
/// another resource less than another principal, and another principal less than another action. Returns
/// None if the statement is not about the action's service.
fn distance(statement: &PolicyStatement, query: StatementQuery) -> Option<usize> {
    let action = query.request.action;
    let context = query.request.context;
    let failing = statement.conditions().iter();
    let mut distance = failing.filter(|condition| condition.holds(context) == Truth::No).count();
    if statement.matches_resource(query) == Truth::No {
        distance += 10;
    }
    if statement.coverage(query).any() == Truth::No {
        distance += 20;
    }
    if !statement.matches_action(action) {
        let service = service_of(action);
        let same_service =
            |pattern: &ActionPattern| service_of(pattern.raw).eq_ignore_ascii_case(service);
        let ElementEntries::Only(patterns) = &statement.actions else { return None };
        if !patterns.iter().any(same_service) {
            return None;
        }
        distance += 100;
    }
    Some(distance)
}
