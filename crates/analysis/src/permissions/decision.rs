//! Two judges, one decision: is this identity allowed to do this to that?
//!
//! IAM's simulator comes first: it reads all that AWS reads of an identity, service control policies
//! included, and one call answers for many actions. Where it may not be called, is throttled, or its
//! answer depends on a key that was not supplied, the policies themselves are collected and evaluated
//! here. The simulator never reads key and bucket policies, so they are always evaluated here, together
//! with its answer. If two certain answers differ, the simulator's counts: it is AWS's own, and
//! policies may have changed between the calls.

use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::cell::RefCell;

use crate::case::Case;
use crate::permissions::{
    attached_policies,
    identity::{Identity, PermissionQuestion},
    request_context,
    resource_policy::{ResourcePolicy, ResourcePolicyKind},
    simulator,
};
use ssm_doctor_facts::{
    ec2::{Endpoint, EndpointKind},
    iam::{Decision, Simulation},
    limit::PermissionLimit,
    lookup::{Facts, Gap, Unknown},
    text::Text,
};
use ssm_doctor_iam_policy as policy;
use ssm_doctor_iam_policy::{
    AccessDecision, AttachedPolicy, HierarchyLevel, KeyValue, LayerDecision, NearMiss,
    PolicyDocument, PolicyLayer, PolicyLayers, PolicyType, Request, RequestContext,
    RequestResource, ResourceOwner, StatementElement, StatementRef, UncertaintyCause,
};

pub use crate::permissions::outcome::{
    Allowance, Basis, CitedStatement, Denied, DenySource, Mismatch, NearestAllow, NoSimulation,
    PermissionDecision, PolicyDenial,
};

/// [`decide`], as a case keeps it.
#[derive(Default)]
struct KnownDecisions(RefCell<Vec<KnownDecision>>);

/// A decision that was made before.
struct KnownDecision {
    identity: Identity,
    action: String,
    resource: String,
    /// Kind, id and context of the resource's policy.
    #[allow(clippy::type_complexity, reason = "a key that is only compared")]
    resource_policy: Option<(ResourcePolicyKind, String, Vec<(String, KeyValue)>)>,
    decision: Result<PermissionDecision, Unknown>,
}

impl KnownDecision {
    fn is_for(&self, question: PermissionQuestion, policy: Option<&ResourcePolicy>) -> bool {
        let same_policy = match (&self.resource_policy, policy) {
            (None, None) => true,
            (Some((kind, id, context)), Some(policy)) => {
                *kind == policy.kind
                    && *id == policy.id
                    && context
                        .iter()
                        .map(|(key, known)| (key.as_str(), known))
                        .eq(policy.context.iter().map(|(key, known)| (*key, known)))
            }
            _ => false,
        };
        same_policy
            && self.action == question.action
            && self.resource == question.resource
            && self.identity == *question.identity
    }
}

/// Is the request allowed?
///
/// # Errors
/// [`Unknown`] when neither the simulator nor the policies decide: what was refused, and the keys on
/// which the decision depends.
pub fn decide(
    question: PermissionQuestion,
    resource_policy: Option<&ResourcePolicy>,
    case: &Case,
) -> Result<PermissionDecision, Unknown> {
    let decisions = case.results::<KnownDecisions>();
    let same = |known: &&KnownDecision| known.is_for(question, resource_policy);
    let known = decisions.0.borrow().iter().find(same).map(|known| known.decision.clone());
    if let Some(known) = known {
        return known;
    }
    let decision = decide_anew(question, resource_policy, case);
    let owned = |(key, known): &(&str, KeyValue)| ((*key).to_owned(), known.clone());
    decisions.0.borrow_mut().push(KnownDecision {
        identity: question.identity.clone(),
        action: question.action.into(),
        resource: question.resource.into(),
        resource_policy: resource_policy.map(|policy| {
            (policy.kind, policy.id.into(), policy.context.iter().map(owned).collect())
        }),
        decision: decision.clone(),
    });
    decision
}

fn decide_anew(
    question: PermissionQuestion,
    resource_policy: Option<&ResourcePolicy>,
    case: &Case,
) -> Result<PermissionDecision, Unknown> {
    let more = resource_policy.into_iter().flat_map(|policy| &policy.context);
    let context = more.fold(request_context::of(question, case)?, |context, (key, known)| {
        context.with(key, known.clone())
    });
    let request = question.request(resource_policy, &context);
    let hidden = match simulator::answer(question, &context, case) {
        Ok(simulation) => {
            return with_simulation(simulation, question, resource_policy, &request, case.facts);
        }
        Err(unknown) if unknown.is_unasked() => {
            // What is needed with it is asked for in one go.
            let policy = resource_policy.and_then(|policy| policy.policy.as_ref().err());
            return Err(policy.into_iter().cloned().fold(unknown, Unknown::and));
        }
        Err(unknown) => unknown,
    };
    let layers = collected_layers(question, resource_policy, case.facts);
    match policy::evaluate(&request, &layers) {
        AccessDecision::Allowed(cited) => Ok(allowed(&cited, without_simulation(&hidden))),
        AccessDecision::Denied(refusal) => Ok(PermissionDecision::Denied(Denied {
            by: denials(&refusal, request.resource, &[]),
            basis: without_simulation(&hidden),
            wanted: Vec::new(),
        })),
        AccessDecision::Undecided(undecided) => {
            let unknown = undecided.to_unknown(&request).and(hidden);
            let alone = PolicyLayers { service_control: Vec::new(), ..layers.clone() };
            Err(match policy::evaluate(&request, &alone) {
                AccessDecision::Allowed(cited) if !are_all_seen(&layers.service_control) => unknown
                    .and(Unknown::limit(PermissionLimit::OrganizationNotVisible {
                        name: question.identity.name().into(),
                        action: question.action.into(),
                        statements: cited
                            .iter()
                            .map(|cited| {
                                let CitedStatement { place, policy, .. } = statement(cited);
                                (place, policy)
                            })
                            .collect(),
                    })),
                _ => unknown,
            })
        }
    }
}

fn without_simulation(hidden: &Unknown) -> Basis {
    let reasons = hidden.gaps().map(|gap| match gap {
        Gap::Fact { need, why, .. } => NoSimulation::Call {
            action: need.actions().first().copied().unwrap_or_default(),
            why: *why,
        },
        Gap::Limit(limit) => NoSimulation::Limit(limit.clone()),
    });
    Basis::Policies(reasons.collect())
}

/// Was every policy of these levels read?
fn are_all_seen(levels: &[HierarchyLevel]) -> bool {
    levels.iter().all(|level| match &level.layer {
        PolicyLayer::Policies(policies) => policies.iter().all(|policy| policy.document.is_ok()),
        PolicyLayer::Unknown(_) => false,
        PolicyLayer::Absent | PolicyLayer::Decided(_) => true,
    })
}

/// Is it allowed, for whatever reason?
///
/// # Errors
/// As [`decide`].
pub fn is_allowed(question: PermissionQuestion, case: &Case) -> Result<bool, Unknown> {
    Ok(matches!(decide(question, None, case)?, PermissionDecision::Allowed(_)))
}

/// Does an endpoint's policy deny what every other policy allows?
///
/// # Errors
/// [`Unknown`] when that depends on what is not known.
pub fn denied_by_endpoint(
    request: &Request,
    endpoint: &Endpoint,
    policy: &Text,
) -> Result<Option<PolicyDenial>, Unknown> {
    let policy_type = match endpoint.kind {
        EndpointKind::Gateway => PolicyType::GatewayEndpoint,
        _ => PolicyType::VpcEndpoint,
    };
    let attached = AttachedPolicy {
        id: format!("the policy of {}", endpoint.id),
        attached_to: endpoint.id.to_string(),
        document: Ok(PolicyDocument::parse(policy, policy_type)),
    };
    let layers = PolicyLayers {
        identity: PolicyLayer::Decided(LayerDecision::Allow),
        resource: PolicyLayer::Decided(LayerDecision::Allow),
        endpoint: PolicyLayer::Policies(Vec::from([attached])),
        ..PolicyLayers::default()
    };
    match policy::evaluate(request, &layers) {
        AccessDecision::Allowed(_) => Ok(None),
        AccessDecision::Denied(refusal) => {
            Ok(denials(&refusal, request.resource, &[]).into_iter().next())
        }
        AccessDecision::Undecided(undecided) => Err(undecided.to_unknown(request)),
    }
}

/// Do the identity's policies, as they were collected, allow it? The organization's do not count.
///
/// # Errors
/// [`Unknown`] when they were not seen, or depend on what is not known.
pub fn allowed_by_policies(question: PermissionQuestion, case: &Case) -> Result<bool, Unknown> {
    let context = request_context::of(question, case)?;
    allowed_in_context(&context, question, case.facts)
}

fn allowed_in_context(
    context: &RequestContext,
    question: PermissionQuestion,
    facts: &Facts,
) -> Result<bool, Unknown> {
    let layers = PolicyLayers {
        service_control: Vec::new(),
        ..attached_policies::layers(facts, question.identity)
    };
    let request = question.request(None, context);
    match policy::evaluate(&request, &layers) {
        AccessDecision::Allowed(_) => Ok(true),
        AccessDecision::Denied(_) => Ok(false),
        AccessDecision::Undecided(undecided) => Err(undecided.to_unknown(&request)),
    }
}

/// Do the identity's policies allow it because of the value of `key`, so that they would not if it
/// were `otherwise`? The organization's policies do not count.
///
/// # Errors
/// [`Unknown`] when the policies were not seen, or depend on other keys as well.
pub fn depends_on_key(
    question: PermissionQuestion,
    key: &str,
    otherwise: KeyValue,
    case: &Case,
) -> Result<bool, Unknown> {
    let allowed = |context: &RequestContext| allowed_in_context(context, question, case.facts);
    let context = request_context::of(question, case)?;
    Ok(allowed(&context)? && !allowed(&context.with(key, otherwise))?)
}

impl<'a> PermissionQuestion<'a> {
    /// As the evaluator takes it.
    #[must_use]
    pub fn request<'r>(
        &self,
        resource_policy: Option<&'r ResourcePolicy>,
        context: &'r RequestContext,
    ) -> Request<'r>
    where
        'a: 'r,
    {
        Request {
            principal: self.identity.principal(),
            action: self.action,
            resource: RequestResource::Exact(self.resource),
            owner: resource_policy.map_or(ResourceOwner::SameAccount, |policy| {
                ResourceOwner::Account(policy.account)
            }),
            context,
        }
    }
}

/// The simulator's answer, together with the resource's own policy, and explained by the policies that
/// were collected.
fn with_simulation(
    simulation: &Simulation,
    question: PermissionQuestion,
    resource_policy: Option<&ResourcePolicy>,
    request: &Request,
    facts: &Facts,
) -> Result<PermissionDecision, Unknown> {
    let layers = with_resource(simulated(simulation), question, resource_policy, facts);
    match policy::evaluate(request, &layers) {
        AccessDecision::Allowed(cited) => {
            let collected = collected_layers(question, resource_policy, facts);
            let basis = match policy::evaluate(request, &collected) {
                AccessDecision::Denied(_) => Basis::Disputed,
                _ => Basis::Simulator,
            };
            Ok(allowed(&cited, basis))
        }
        AccessDecision::Undecided(undecided) => Err(undecided.to_unknown(request)),
        AccessDecision::Denied(refusal) => {
            let by = denials(&refusal, request.resource, &simulation.policies);
            explained(by, question, resource_policy, request, facts).map(PermissionDecision::Denied)
        }
    }
}

/// The simulator's answer as layers that were decided elsewhere. It speaks for all of an identity's
/// layers together, and names the one that denied the request.
fn simulated(simulation: &Simulation) -> PolicyLayers<'static> {
    let ruling = match simulation.decision {
        Decision::Allowed => LayerDecision::Allow,
        Decision::ExplicitDeny => LayerDecision::ExplicitDeny,
        _ => LayerDecision::ImplicitDeny,
    };
    let mut layers = PolicyLayers {
        identity: PolicyLayer::Decided(LayerDecision::Allow),
        ..PolicyLayers::default()
    };
    if ruling == LayerDecision::Allow {
        return layers;
    }
    if simulation.allowed_by_organizations == Some(false) {
        let level =
            HierarchyLevel { id: "the organization".into(), layer: PolicyLayer::Decided(ruling) };
        layers.service_control = Vec::from([level]);
        return layers;
    }
    // IAM says of the boundary only that it does not allow, or denies. Source: IAM API reference,
    // "PermissionsBoundaryDecisionDetail". So a Deny may be one of any policy.
    let bounded = simulation.allowed_by_boundary == Some(false);
    if bounded {
        layers.boundary = PolicyLayer::Decided(LayerDecision::ImplicitDeny);
    }
    if !bounded || ruling == LayerDecision::ExplicitDeny {
        layers.identity = PolicyLayer::Decided(ruling);
    }
    layers
}

/// All policies that were collected.
fn collected_layers<'l>(
    question: PermissionQuestion,
    resource_policy: Option<&'l ResourcePolicy>,
    facts: &'l Facts,
) -> PolicyLayers<'l> {
    let layers = attached_policies::layers(facts, question.identity);
    with_resource(layers, question, resource_policy, facts)
}

/// The layers of the identity, and those of the resource.
fn with_resource<'l>(
    mut layers: PolicyLayers<'l>,
    question: PermissionQuestion,
    resource_policy: Option<&'l ResourcePolicy>,
    facts: &'l Facts,
) -> PolicyLayers<'l> {
    let account = resource_policy.map_or(question.identity.arn.account(), |policy| policy.account);
    layers.resource_control = attached_policies::resource_control(facts, question.action, account);
    if let Some(resource_policy) = resource_policy {
        layers.resource = match &resource_policy.policy {
            Ok(None) => PolicyLayer::Absent,
            Ok(Some(text)) => PolicyLayer::Policies(Vec::from([AttachedPolicy {
                id: format!("the {}", resource_policy.kind.as_str()),
                attached_to: String::new(),
                document: Ok(PolicyDocument::parse(text, PolicyType::ResourceBased)),
            }])),
            Err(unknown) => PolicyLayer::Unknown(unknown.clone()),
        };
    }
    layers
}

/// The simulator's denial, with the statements that decide if the policies were collected and agree.
///
/// The simulator treats a key that it was not given as one that does not match, and does not always say
/// so: it says nothing of a key that is only part of a policy variable. So its "nothing allows it" is
/// not final while an Allow depends on a key that is not known here.
fn explained(
    by: Vec<PolicyDenial>,
    question: PermissionQuestion,
    resource_policy: Option<&ResourcePolicy>,
    request: &Request,
    facts: &Facts,
) -> Result<Denied, Unknown> {
    let by_organization = by.iter().any(|denial| denial.policy_type == PolicyType::ServiceControl);
    let collected = collected_layers(question, resource_policy, facts);
    let mut basis = Basis::Simulator;
    let by = match policy::evaluate(request, &collected) {
        AccessDecision::Allowed(_) => {
            basis = Basis::Disputed;
            by
        }
        AccessDecision::Denied(refusal) => {
            let read = denials(&refusal, request.resource, &[]);
            if agree(&by, &read) { read } else { by }
        }
        AccessDecision::Undecided(undecided)
            if by.iter().all(|denial| {
                denial.policy_type == PolicyType::IdentityBased && !denial.explicit
            }) && undecided.in_identity_policies().any(|open| match open {
                UncertaintyCause::ConditionKey(_) | UncertaintyCause::Element(_) => true,
                UncertaintyCause::NotSeen(_) => {
                    request_context::may_be_tagged(question.identity, facts)
                }
                UncertaintyCause::InvalidDocument(_) | UncertaintyCause::InvalidStatement(_) => {
                    false
                }
            }) =>
        {
            return Err(undecided.to_unknown(request));
        }
        AccessDecision::Undecided(_) => by,
    };
    let wanted = attached_policies::wanted(facts, question.identity, by_organization);
    Ok(Denied { by, basis, wanted })
}

/// Do both judges mean the same denial? The simulator does not say whether a Deny is one of the boundary, and it names
/// no other policy where the boundary does not allow.
fn agree(simulated: &[PolicyDenial], read: &[PolicyDenial]) -> bool {
    let own = |denial: &PolicyDenial| {
        matches!(denial.policy_type, PolicyType::IdentityBased | PolicyType::PermissionsBoundary)
    };
    match (simulated, read) {
        ([simulated, ..], [first, ..]) if simulated.policy_type == first.policy_type => true,
        ([simulated, ..], [first, ..]) if own(simulated) && own(first) => {
            let same = |denial: &PolicyDenial| denial.policy_type == simulated.policy_type;
            simulated.explicit == first.explicit && (simulated.explicit || read.iter().any(same))
        }
        _ => false,
    }
}

fn allowed(cited: &[StatementRef], basis: Basis) -> PermissionDecision {
    let (resource, own): (Vec<_>, Vec<_>) =
        cited.iter().partition(|cited| cited.policy.attached_to.is_empty());
    PermissionDecision::Allowed(Allowance {
        by: own.into_iter().map(statement).collect(),
        by_resource_policy: resource.first().map(|cited| statement(cited)),
        basis,
    })
}

fn statement(cited: &StatementRef) -> CitedStatement {
    let id = cited.policy.id.as_str();
    let name = if id.starts_with("arn:") { id.rsplit('/').next().unwrap_or(id) } else { id };
    CitedStatement {
        place: cited.statement.location().to_string(),
        number: cited.statement.location().number,
        policy_id: id.into(),
        attached_to: cited.policy.attached_to.clone(),
        policy: name.into(),
        conditions: cited.statement.conditions().iter().map(ToString::to_string).collect(),
    }
}

fn denials(
    denials: &policy::Denials,
    resource: RequestResource,
    policies: &[String],
) -> Vec<PolicyDenial> {
    let each = denials.iter().map(|denial| {
        let policy_type = match denial.layer.policy_type {
            PolicyType::Session => PolicyType::IdentityBased,
            policy_type => policy_type,
        };
        let mut by: Vec<_> =
            denial.statements.iter().map(statement).map(DenySource::Statement).collect();
        // Beside an organization's Deny, the simulator lists the identity's own policies, which allow.
        let own =
            matches!(policy_type, PolicyType::PermissionsBoundary | PolicyType::IdentityBased);
        if by.is_empty() && denial.explicit && own {
            by = policies.iter().cloned().map(DenySource::Policy).collect();
        }
        let elements = denial.near_misses.iter().flat_map(|near_miss| &near_miss.mismatches);
        let keys = elements.filter_map(|element| match element {
            StatementElement::Condition { key, .. } => Some(String::from(*key)),
            _ => None,
        });
        PolicyDenial {
            policy_type,
            explicit: denial.explicit,
            by,
            nearest: nearest_of(&denial.near_misses, resource),
            keys: keys.collect(),
        }
    });
    each.collect()
}

/// Of those that come equally near, the Allow that is for the resource most like the one of the request.
fn nearest_of(near_misses: &[NearMiss], resource: RequestResource) -> Option<NearestAllow> {
    let (RequestResource::Exact(resource) | RequestResource::Prefix(resource)) = resource;
    let likeness = |near_miss: &NearMiss| {
        let of_element = near_miss.mismatches.iter().filter_map(|element| match element {
            StatementElement::Resource(listed) if !listed.except => {
                listed.values.iter().map(|pattern| common_parts(pattern, resource)).max()
            }
            _ => None,
        });
        of_element.max().unwrap_or_default()
    };
    let mut best: Option<(usize, NearestAllow)> = None;
    for near_miss in near_misses {
        let Some(found) = nearest(near_miss) else { continue };
        let likeness = likeness(near_miss);
        if best.as_ref().is_none_or(|(most, _)| likeness > *most) {
            best = Some((likeness, found));
        }
    }
    best.map(|(_, found)| found)
}

/// How many parts of an ARN a pattern covers, the type of the resource among them: `instance` of `instance/i-1`.
fn common_parts(pattern: &str, arn: &str) -> usize {
    let parts = |arn| str::splitn(arn, 6, ':').flat_map(|part| part.splitn(2, '/'));
    parts(pattern)
        .zip(parts(arn))
        .filter(|(part, of_arn)| policy::pattern_covers(part, of_arn))
        .count()
}

/// Why this Allow does not match, unless it is about other actions.
fn nearest(near_miss: &NearMiss) -> Option<NearestAllow> {
    let mismatches = near_miss.mismatches.iter().map(|element| match element {
        StatementElement::Action(_) => None,
        StatementElement::Resource(listed) | StatementElement::Principal(listed) => {
            Some(Mismatch::Other(listed.to_strings()))
        }
        StatementElement::Condition { operator, key, values, request_value, variables } => {
            Some(Mismatch::Condition {
                operator: String::from(*operator),
                key: String::from(*key),
                wanted: values.iter().map(ToString::to_string).collect(),
                known: request_value.clone(),
                variables: variables.clone(),
            })
        }
    });
    Some(NearestAllow {
        mismatches: mismatches.collect::<Option<_>>()?,
        statement: statement(&near_miss.allow),
    })
}

impl Denied {
    /// May the request be denied for the value of this condition key? Not if the statements that deny it, and those
    /// that nearly allow it, are known and name other keys.
    #[must_use]
    pub fn may_depend_on(&self, key: &str) -> bool {
        let names_no_statement = |denial: &PolicyDenial| {
            let is_read = |source: &DenySource| matches!(source, DenySource::Statement(_));
            denial.keys.is_empty() && denial.nearest.is_none() && !denial.by.iter().any(is_read)
        };
        let names = |denial: &PolicyDenial| {
            let of_denies = denial.by.iter().flat_map(|source| match source {
                DenySource::Statement(cited) => cited.conditions.as_slice(),
                DenySource::Policy(_) => &[],
            });
            // A condition begins with its key.
            let mut of_denies = of_denies.filter_map(|condition| condition.split(' ').next());
            let is_key = |known: &str| known.eq_ignore_ascii_case(key);
            denial.keys.iter().any(|known| is_key(known)) || of_denies.any(is_key)
        };
        self.by.iter().all(names_no_statement) || self.by.iter().any(names)
    }

    /// Can no grant from elsewhere allow it? A Deny is final, and so is the organization.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.by.iter().any(|denial| {
            denial.explicit
                || matches!(
                    denial.policy_type,
                    PolicyType::ServiceControl | PolicyType::ResourceControl
                )
        })
    }
}
