//! Two judges, one answer: may somebody do this to that?
//!
//! IAM's simulator comes first: it reads all that AWS reads of an identity, service control policies
//! included, and one call answers for many actions. Where it may not be asked, is throttled, or its
//! answer hangs on a key that was not supplied, the policies themselves are collected and evaluated
//! here. What the simulator never reads (key and bucket policies) is evaluated here in any case, on
//! top of its answer. Of two certain answers that differ the simulator's stands: it is AWS's own, and
//! policies may have changed between the calls.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use crate::case::Case;
use crate::permissions::{collected, context, simulation, who::Who};
use ssm_doctor_facts::{
    iam::{Decision, Simulation},
    ids::BucketName,
    lookup::{Facts, Gap, Need, Unknown},
    text::Text,
};
use ssm_doctor_iam_policy as policy;
use ssm_doctor_iam_policy::{
    AccessDecision, AttachedPolicy, HierarchyLevel, KeyValue, LayerDecision, NearMiss,
    PolicyDocument, PolicyLayer, PolicyLayers, PolicyType, Request, RequestContext,
    RequestResource, ResourceOwner, StatementElement, StatementRef, UncertaintyCause,
};

/// What somebody wants to do.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    pub who: &'a Who,
    pub action: &'a str,
    /// An ARN, or `*`.
    pub resource: &'a str,
}

/// The policy on the resource itself.
pub struct Guard<'a> {
    pub kind: GuardKind,
    /// The key's ARN or the bucket's name.
    pub id: &'a str,
    /// None where the resource has no policy.
    pub policy: Result<Option<&'a Text>, Unknown>,
    /// Whose the resource is: a grant there does not do without one of the principal's own account.
    pub account: &'a str,
    /// Beyond what is known of every such request.
    pub context: Vec<(&'a str, KeyValue)>,
}

impl<'a> Guard<'a> {
    /// S3 shows a bucket's policy to its own account only, so a policy that was seen is not foreign.
    #[must_use]
    pub fn of_bucket(bucket: &'a BucketName, facts: &'a Facts, account: &'a str) -> Self {
        Self {
            kind: GuardKind::Bucket,
            id: bucket.as_str(),
            policy: facts.bucket_policy(bucket).optional(),
            account,
            context: Vec::new(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuardKind {
    /// Nobody gets in whom the key policy does not name or delegate to IAM, not even the root user.
    Key,
    /// A bucket's policy may say nothing.
    Bucket,
}

impl GuardKind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key policy",
            Self::Bucket => "bucket policy",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    Allowed(Allowed),
    Refused(Refused),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// `statement 1 of AmazonSSMManagedInstanceCore`; empty where the simulator answered.
    pub by: Vec<String>,
    /// The statement of the resource's own policy that lets in.
    pub by_guard: Option<String>,
    pub basis: Basis,
}

/// Every layer that stands in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub layers: Vec<No>,
    pub basis: Basis,
    /// What would show the statement that decides.
    pub wanted: Vec<Need>,
}

/// One layer's no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct No {
    pub layer: Stratum,
    /// By a Deny, which no Allow overrides.
    pub explicit: bool,
    /// Policies, and statements of them, that deny.
    pub by: Vec<String>,
    /// Why the statement that fails by least does not allow it, as a clause.
    pub nearest: Option<String>,
    /// The condition keys by which it fails.
    pub keys: Vec<String>,
}

/// Which layer; as [`Name`], and apart from what it was borrowed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stratum {
    ServiceControl,
    ResourceControl,
    Endpoint,
    Guard,
    Boundary,
    Identity,
}

/// Whose answer it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Basis {
    Simulator,
    /// IAM's simulator, and what was read of the policies says otherwise: as a clause.
    Disputed(&'static str),
    /// Evaluated here, because.
    Policies(String),
}

/// May it?
///
/// # Errors
/// [`Unknown`] when neither judge can tell: what was refused, and the keys on which it hangs.
pub fn judge(question: Question, guard: Option<&Guard>, case: &Case) -> Result<Judgement, Unknown> {
    let also = guard.into_iter().flat_map(|it| &it.context);
    let context = also
        .fold(context::of(question, case)?, |so_far, (key, known)| so_far.with(key, known.clone()));
    let request = question.request(guard, &context);
    let hidden = match simulation::answer(question, &context, case.facts) {
        Ok(simulation) => {
            let layers = with(simulated(simulation), guard, question, case.facts);
            return match policy::evaluate(&request, &layers) {
                AccessDecision::Allowed(cited) => {
                    let own = with(
                        collected::layers(case.facts, question.who),
                        guard,
                        question,
                        case.facts,
                    );
                    let basis = match policy::evaluate(&request, &own) {
                        AccessDecision::Denied(_) => Basis::Disputed("do not allow it"),
                        _ => Basis::Simulator,
                    };
                    Ok(allowed(&cited, basis))
                }
                AccessDecision::Undecided(undecided) => Err(undecided.to_unknown(&request)),
                AccessDecision::Denied(refusal) => explained(
                    refused(&refusal, &simulation.policies),
                    (question, guard, &request),
                    case.facts,
                )
                .map(Judgement::Refused),
            };
        }
        Err(unknown) if unknown.is_unasked() => {
            // What is needed with it, in one go.
            let guard = guard.and_then(|it| it.policy.as_ref().err());
            return Err(guard.into_iter().cloned().fold(unknown, Unknown::and));
        }
        Err(unknown) => unknown,
    };
    let layers = with(collected::layers(case.facts, question.who), guard, question, case.facts);
    match policy::evaluate(&request, &layers) {
        AccessDecision::Allowed(cited) => Ok(allowed(&cited, Basis::Policies(because(&hidden)))),
        AccessDecision::Denied(refusal) => Ok(Judgement::Refused(Refused {
            layers: refused(&refusal, &[]),
            basis: Basis::Policies(because(&hidden)),
            wanted: Vec::new(),
        })),
        AccessDecision::Undecided(undecided) => {
            let unknown = undecided.to_unknown(&request).and(hidden);
            let alone = PolicyLayers { service_control: Vec::new(), ..layers.clone() };
            Err(match policy::evaluate(&request, &alone) {
                AccessDecision::Allowed(cited) => unknown.and(Unknown::limit(format!(
                    "the policies of {} allow {} ({}), and whether the organization forbids it is not visible from here",
                    question.who.name(),
                    question.action,
                    places(&cited).join(", ")
                ))),
                _ => unknown,
            })
        }
    }
}

/// May it, whatever the reason?
///
/// # Errors
/// As [`judge`].
pub fn may(question: Question, case: &Case) -> Result<bool, Unknown> {
    Ok(matches!(judge(question, None, case)?, Judgement::Allowed(_)))
}

/// Does the policy of an endpoint let through what everything else allows? None if it does, else its no.
///
/// # Errors
/// [`Unknown`] when that hangs on what is not known.
pub fn past_endpoint(
    request: &Request,
    endpoint: &str,
    policy: &Text,
) -> Result<Option<No>, Unknown> {
    let attached = AttachedPolicy {
        id: format!("the policy of {endpoint}"),
        attached_to: endpoint.into(),
        document: Ok(PolicyDocument::parse(policy, PolicyType::VpcEndpoint)),
    };
    let layers = PolicyLayers {
        identity: PolicyLayer::Decided(LayerDecision::Allow),
        resource: PolicyLayer::Decided(LayerDecision::Allow),
        endpoint: PolicyLayer::Policies(Vec::from([attached])),
        ..PolicyLayers::default()
    };
    match policy::evaluate(request, &layers) {
        AccessDecision::Allowed(_) => Ok(None),
        AccessDecision::Denied(refusal) => Ok(refused(&refusal, &[]).into_iter().next()),
        AccessDecision::Undecided(undecided) => Err(undecided.to_unknown(request)),
    }
}

/// Do the policies that were collected allow it? The organization has no say in it.
///
/// # Errors
/// [`Unknown`] when they were not seen, or hang on what is not known.
pub fn by_policies(question: Question, case: &Case) -> Result<bool, Unknown> {
    let context = context::of(question, case)?;
    allowed_under(&context, question, case.facts)
}

fn allowed_under(
    context: &RequestContext,
    question: Question,
    facts: &Facts,
) -> Result<bool, Unknown> {
    let layers =
        PolicyLayers { service_control: Vec::new(), ..collected::layers(facts, question.who) };
    let request = question.request(None, context);
    match policy::evaluate(&request, &layers) {
        AccessDecision::Allowed(_) => Ok(true),
        AccessDecision::Denied(_) => Ok(false),
        AccessDecision::Undecided(undecided) => Err(undecided.to_unknown(&request)),
    }
}

/// Do the policies allow it by `key` being what it is, so that with `otherwise` in its place they would
/// not? The organization has no say in it.
///
/// # Errors
/// [`Unknown`] when the policies were not seen, or hang on other keys as well.
pub fn hangs_on(
    question: Question,
    key: &str,
    otherwise: KeyValue,
    case: &Case,
) -> Result<bool, Unknown> {
    let allowed = |context: &RequestContext| allowed_under(context, question, case.facts);
    let as_it_is = context::of(question, case)?;
    Ok(allowed(&as_it_is)? && !allowed(&as_it_is.with(key, otherwise))?)
}

impl<'a> Question<'a> {
    /// As the evaluator takes it.
    #[must_use]
    pub fn request<'r>(&self, guard: Option<&'r Guard>, context: &'r RequestContext) -> Request<'r>
    where
        'a: 'r,
    {
        Request {
            principal: self.who.principal(),
            action: self.action,
            resource: RequestResource::Exact(self.resource),
            owner: guard
                .map_or(ResourceOwner::SameAccount, |it| ResourceOwner::Account(it.account)),
            context,
        }
    }
}

/// The simulator's answer as layers that somebody else has judged. It speaks for all of an identity's
/// layers together, and names the one that stopped the request.
fn simulated(it: &Simulation) -> PolicyLayers<'static> {
    let ruling = match it.decision {
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
    if it.allowed_by_organizations == Some(false) {
        let level =
            HierarchyLevel { id: "the organization".into(), layer: PolicyLayer::Decided(ruling) };
        layers.service_control = Vec::from([level]);
    } else if it.allowed_by_boundary == Some(false) {
        layers.boundary = PolicyLayer::Decided(ruling);
    } else {
        layers.identity = PolicyLayer::Decided(ruling);
    }
    layers
}

/// With what lies on the resource.
fn with<'l>(
    mut layers: PolicyLayers<'l>,
    guard: Option<&'l Guard>,
    question: Question,
    facts: &'l Facts,
) -> PolicyLayers<'l> {
    let account = question.who.arn.account();
    layers.resource_control =
        collected::resource_control(facts, question.action, guard.map_or(account, |it| it.account));
    if let Some(guard) = guard {
        layers.resource = match &guard.policy {
            Ok(None) => PolicyLayer::Absent,
            Ok(Some(text)) => PolicyLayer::Policies(Vec::from([AttachedPolicy {
                id: format!("the {}", guard.kind.as_str()),
                attached_to: String::new(),
                document: Ok(PolicyDocument::parse(text, PolicyType::ResourceBased)),
            }])),
            Err(unknown) => PolicyLayer::Unknown(unknown.clone()),
        };
    }
    layers
}

/// With the statements that decide, if the policies are at hand and say the same.
///
/// The simulator takes a key that it was not given for one that does not match, and does not always say so:
/// of one that only stands in a policy variable it says nothing. So its "nothing allows it" is none while
/// an Allow hangs on a key that is not known here.
fn explained(
    layers: Vec<No>,
    (question, guard, request): (Question, Option<&Guard>, &Request),
    facts: &Facts,
) -> Result<Refused, Unknown> {
    let by_organization = layers.iter().any(|it| it.layer == Stratum::ServiceControl);
    let own = with(collected::layers(facts, question.who), guard, question, facts);
    let mut basis = Basis::Simulator;
    let layers = match policy::evaluate(request, &own) {
        AccessDecision::Allowed(_) => {
            basis = Basis::Disputed("allow it");
            layers
        }
        AccessDecision::Denied(refusal) => {
            let read = refused(&refusal, &[]);
            let agrees = read.first().map(|it| it.layer) == layers.first().map(|it| it.layer);
            if agrees { read } else { layers }
        }
        AccessDecision::Undecided(undecided)
            if layers.iter().all(|it| it.layer == Stratum::Identity && !it.explicit)
                && undecided.in_identity_policies().any(|it| match it {
                    UncertaintyCause::ConditionKey(_) | UncertaintyCause::Element(_) => true,
                    UncertaintyCause::NotSeen(_) => context::may_be_tagged(question.who, facts),
                    UncertaintyCause::InvalidDocument(_)
                    | UncertaintyCause::InvalidStatement(_) => false,
                }) =>
        {
            return Err(undecided.to_unknown(request));
        }
        AccessDecision::Undecided(_) => layers,
    };
    let wanted = collected::wanted(facts, question.who, by_organization);
    Ok(Refused { layers, basis, wanted })
}

fn allowed(cited: &[StatementRef], basis: Basis) -> Judgement {
    let (guards, own): (Vec<_>, Vec<_>) =
        cited.iter().copied().partition(|it| it.policy.attached_to.is_empty());
    let by_guard = guards.first().map(|it| it.statement.location().to_string());
    Judgement::Allowed(Allowed { by: places(&own), by_guard, basis })
}

fn places(cited: &[StatementRef]) -> Vec<String> {
    cited.iter().map(place).collect()
}

/// `statement 2 (DenyAll) of Guardrails`.
fn place(cited: &StatementRef) -> String {
    let id = cited.policy.id.as_str();
    let name = if id.starts_with("arn:") { id.rsplit('/').next().unwrap_or(id) } else { id };
    format!("{} of {name}", cited.statement.location())
}

/// A Deny, with the conditions under which it holds.
fn denying(cited: &StatementRef) -> String {
    let conditions = cited.statement.conditions().iter().map(ToString::to_string);
    let conditions = conditions.collect::<Vec<_>>().join(" and ");
    if conditions.is_empty() {
        place(cited)
    } else {
        format!("{} under {conditions}", place(cited))
    }
}

fn refused(denials: &policy::Denials, policies: &[String]) -> Vec<No> {
    let each = denials.iter().map(|it| {
        let layer = match it.layer.policy_type {
            PolicyType::ServiceControl => Stratum::ServiceControl,
            PolicyType::ResourceControl => Stratum::ResourceControl,
            PolicyType::VpcEndpoint => Stratum::Endpoint,
            PolicyType::ResourceBased | PolicyType::RoleTrust => Stratum::Guard,
            PolicyType::PermissionsBoundary => Stratum::Boundary,
            PolicyType::IdentityBased | PolicyType::Session => Stratum::Identity,
        };
        let mut by: Vec<String> = it.statements.iter().map(denying).collect();
        // What the simulator matched beside an organization's Deny are the identity's own policies,
        // which allow.
        let own = matches!(layer, Stratum::Boundary | Stratum::Identity);
        if by.is_empty() && it.explicit && own {
            by = policies.to_vec();
        }
        let nearest = it.near_misses.iter().find_map(miss);
        let mismatches = it.near_misses.iter().flat_map(|near_miss| &near_miss.mismatches);
        let keys = mismatches.filter_map(|element| match element {
            StatementElement::Condition { key, .. } => Some(String::from(*key)),
            _ => None,
        });
        No { layer, explicit: it.explicit, by, nearest, keys: keys.collect() }
    });
    each.collect()
}

/// Why this Allow does not match, unless it is about something else altogether.
fn miss(it: &NearMiss) -> Option<String> {
    let mut clauses = Vec::new();
    for element in &it.mismatches {
        clauses.push(match element {
            StatementElement::Action(_) => return None,
            StatementElement::Resource(listed) | StatementElement::Principal(listed) => {
                format!("is for {} only", shortened(&listed.to_strings()))
            }
            StatementElement::Condition { operator, key, values, request_value } => format!(
                "asks for {key} {} ({operator}), and the request has {}",
                shortened(values),
                found(request_value.as_ref())
            ),
        });
    }
    Some(format!("{} {}", place(&it.allow), clauses.join(" and ")))
}

fn found(known: Option<&KeyValue>) -> String {
    match known {
        Some(KeyValue::Exact(value)) => value.clone(),
        Some(KeyValue::Multiple(values) | KeyValue::AtLeast(values)) => values.join(", "),
        Some(KeyValue::Prefix(start)) => format!("{start}…"),
        Some(KeyValue::Absent) | None => "none".into(),
        Some(KeyValue::Unknown(_)) => "one that was not seen".into(),
    }
}

/// Evidence quotes what decides, not whole documents.
fn shortened<T: AsRef<str>>(listed: &[T]) -> String {
    const MOST: usize = 3;
    let shown = listed.iter().take(MOST).map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    match listed.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Why the simulator does not answer, as a clause.
fn because(hidden: &Unknown) -> String {
    let gaps = hidden.gaps().map(|it| match it {
        Gap::Fact { need, why, .. } => {
            format!("{} {}", need.actions().first().copied().unwrap_or_default(), why.phrase())
        }
        Gap::Limit(limit) => limit.words().into(),
    });
    gaps.collect::<Vec<_>>().join("; ")
}

impl Refused {
    /// The layer that AWS names.
    #[must_use]
    pub fn first(&self) -> Option<&No> {
        self.layers.first()
    }

    /// Could a grant from elsewhere still let it in? A Deny is final, and so is the organization.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.layers.iter().any(|it| {
            it.explicit || matches!(it.layer, Stratum::ServiceControl | Stratum::ResourceControl)
        })
    }
}

impl No {
    /// For a sentence: `AppRole has no ssm:StartSession (<phrase>)`.
    #[must_use]
    pub fn phrase(&self) -> String {
        let by = || {
            if self.by.is_empty() { String::new() } else { format!(" in {}", self.by.join(", ")) }
        };
        let nearest = self.nearest.as_ref().map(|it| format!(": {it}")).unwrap_or_default();
        match (self.layer, self.explicit) {
            (Stratum::ServiceControl, explicit) => {
                let how = if explicit { by() } else { nearest };
                format!("refused by an organization's policy (SCP){how}")
            }
            (Stratum::ResourceControl, explicit) => {
                let how = if explicit { by() } else { nearest };
                format!("refused by an organization's policy on resources (RCP){how}")
            }
            (Stratum::Boundary, true) => format!("its permissions boundary denies it{}", by()),
            (Stratum::Boundary, false) => {
                format!("its permissions boundary does not allow it{nearest}")
            }
            (Stratum::Identity | Stratum::Guard | Stratum::Endpoint, true) => {
                format!("an explicit Deny{}", by())
            }
            (Stratum::Identity, false) => {
                format!("no statement of its policies allows it{nearest}")
            }
            (Stratum::Endpoint, false) => {
                format!("the endpoint's policy does not allow it{nearest}")
            }
            (Stratum::Guard, false) => {
                format!("the resource's own policy does not allow it{nearest}")
            }
        }
    }
}

impl Basis {
    /// What to say of it, as a clause about somebody; nothing where AWS itself has answered.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        match self {
            Self::Simulator => None,
            Self::Disputed(how) => Some(format!(
                "is judged by IAM's simulator, while its policies as they were read here {how}: they may have changed between the calls"
            )),
            Self::Policies(why) => {
                Some(format!("is judged by its policies as they were read here: {why}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use serde_json::{Value, json};

    use super::*;
    use crate::permissions::who::Side;
    use ssm_doctor_fixtures as fixtures;

    const TARGET: &str = "arn:aws:ec2:ap-northeast-1:111122223333:instance/i-0abc123def4567890";
    const START: &str = "ssm:StartSession";

    /// Alice and her target, with `patch` over the facts of the first healthy world.
    fn answer(patch: &Value) -> String {
        let world = fixtures::named("private-endpoints").unwrap();
        let mut facts = serde_json::to_value(&world.facts).unwrap();
        json_patch::merge(&mut facts, patch);
        let facts: Facts = serde_json::from_value(facts).unwrap();
        let arn = "arn:aws:iam::111122223333:user/alice".parse().unwrap();
        let who = Who { arn, side: Side::Operator, session: None };
        let question = Question { who: &who, action: START, resource: TARGET };
        match judge(question, None, &Case::new(&facts, &world.scope)) {
            Ok(Judgement::Allowed(it)) => {
                let by = it.by.join(", ");
                format!("{}: yes {by}", judge_of(&it.basis))
            }
            Ok(Judgement::Refused(it)) => {
                let basis = judge_of(&it.basis);
                let layers: Vec<_> = it.layers.iter().map(No::phrase).collect();
                format!("{basis}: {}", layers.join("; "))
            }
            Err(unknown) => {
                let gaps = unknown.gaps().map(|it| match it {
                    Gap::Fact { need, why, .. } => {
                        format!("{} {}", need.actions()[0], why.as_str())
                    }
                    Gap::Limit(limit) => limit.words().into(),
                });
                format!("? {}", gaps.collect::<Vec<_>>().join("; "))
            }
        }
    }

    fn judge_of(basis: &Basis) -> &'static str {
        match basis {
            Basis::Simulator => "AWS",
            Basis::Disputed(_) => "AWS, disputed",
            Basis::Policies(_) => "here",
        }
    }

    fn simulated(it: &Value) -> Value {
        let key = format!("arn:aws:iam::111122223333:user/alice {START} {TARGET}");
        json!({ "simulations": { key: it } })
    }

    fn both(a: &Value, b: &Value) -> Value {
        let mut a = a.clone();
        json_patch::merge(&mut a, b);
        a
    }

    fn allow(resource: &str, condition: &Value) -> Value {
        json!({ "Sid": "Start", "Effect": "Allow", "Action": START, "Resource": resource, "Condition": condition })
    }

    /// Alice's one inline policy.
    fn inline(statement: &Value) -> Value {
        json!({ "user_policies": { "alice": { "inline": { "Sessions": { "Version": "2012-10-17", "Statement": statement } } } } })
    }

    #[test]
    fn the_simulator_names_the_layer_that_refused() {
        let rows = [
            (json!({ "decision": "allowed" }), "AWS: yes "),
            (
                json!({ "decision": "implicitDeny", "policies": [] }),
                "AWS: no statement of its policies allows it",
            ),
            (
                json!({ "decision": "explicitDeny", "policies": ["Guard"] }),
                "AWS: an explicit Deny in session-operator, Guard",
            ),
            (
                json!({ "decision": "implicitDeny", "allowed_by_boundary": false }),
                "AWS: its permissions boundary does not allow it",
            ),
            (
                json!({ "decision": "explicitDeny", "allowed_by_boundary": false, "allowed_by_organizations": false, "policies": ["session-operator"] }),
                "AWS: refused by an organization's policy (SCP)",
            ),
            // A tag that the instance, and one that the user, is known not to have.
            (
                json!({ "decision": "implicitDeny", "missing_context": ["ssm:resourceTag/Team", "aws:PrincipalTag/Team"] }),
                "AWS: no statement of its policies allows it",
            ),
        ];
        for (simulation, expected) in rows {
            let expected = expected.replace("session-operator, ", "");
            let answer = answer(&simulated(&simulation));
            assert!(answer.starts_with(&expected), "{simulation}");
            let own = simulation["allowed_by_organizations"] != json!(false);
            assert!(own || answer == expected, "{answer}");
        }
    }

    #[test]
    fn an_answer_that_hangs_on_a_key_is_settled_by_the_policies() {
        let none = json!({});
        let mfa = json!({ "Bool": { "aws:MultiFactorAuthPresent": "true" } });
        let address = json!({ "IpAddress": { "aws:SourceIp": "192.0.2.0/24" } });
        let denied =
            |key: &str| simulated(&json!({ "decision": "implicitDeny", "missing_context": [key] }));
        let free = json!({ "organization": { "us": "absent" } });
        let rows = [
            // Nothing collected yet: both are asked for at once.
            (
                denied("aws:SourceIp"),
                "? iam:ListAttachedUserPolicies unasked; organizations:DescribeOrganization unasked; whether alice may ssm:StartSession hangs on aws:SourceIp, which is not known here",
            ),
            (
                both(&denied("aws:SourceIp"), &both(&free, &inline(&allow("*", &address)))),
                "? whether alice may ssm:StartSession hangs on aws:SourceIp, which is not known here",
            ),
            (
                both(
                    &denied("aws:MultiFactorAuthPresent"),
                    &both(&free, &inline(&json!([allow("*", &mfa), allow("*", &none)]))),
                ),
                "here: yes statement 2 (Start) of Sessions",
            ),
            (
                both(
                    &denied("aws:SourceIp"),
                    &both(
                        &free,
                        &inline(
                            &json!([allow("arn:aws:ec2:*:*:instance/i-0*", &address), { "Effect": "Deny", "Action": "ssm:*", "Resource": "*" }]),
                        ),
                    ),
                ),
                "here: an explicit Deny in statement 2 of Sessions",
            ),
            // A tag of the target that the question came too early for.
            (
                both(
                    &denied("ssm:resourceTag/Environment"),
                    &both(
                        &free,
                        &inline(&allow(
                            "*",
                            &json!({ "StringEquals": { "ssm:resourceTag/Environment": "production" } }),
                        )),
                    ),
                ),
                "here: yes statement 1 (Start) of Sessions",
            ),
        ];
        for (patch, expected) in rows {
            assert_eq!(answer(&patch), expected, "{patch}");
        }
    }

    #[test]
    fn without_the_simulator_the_policies_are_evaluated_here() {
        let none = json!({});
        let refused = simulated(&json!({ "unknown": "denied" }));
        let free = || json!({ "organization": { "us": "absent" } });
        let member = |policies: &Value| {
            json!({
                "organization": { "us": { "id": "o-1", "management": "999900001111" } },
                "organization_policies": { "111122223333": policies },
            })
        };
        let level = |statement: &Value| {
            json!({ "levels": [{ "id": "r-1", "service": { "Full": { "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } } } },
                { "id": "111122223333", "service": { "Guardrails": { "Version": "2012-10-17", "Statement": statement } } }] })
        };
        let yes = || inline(&allow("*", &none));
        let bounded = |document: &Value| {
            json!({
                "user_policies": { "alice": { "boundary": "arn:aws:iam::111122223333:policy/Edge" } },
                "managed_policies": { "arn:aws:iam::111122223333:policy/Edge": document },
            })
        };
        let storage = json!({ "version": "v1", "document": { "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "s3:*", "Resource": "*" } } });
        let rows = [
            (vec![yes(), free()], "here: yes statement 1 (Start) of Sessions"),
            (vec![inline(&json!([])), free()], "here: no statement of its policies allows it"),
            // Nothing is allowed, whatever the organization says.
            (
                vec![
                    inline(&json!([])),
                    json!({ "organization": { "us": { "unknown": "denied" } } }),
                ],
                "here: no statement of its policies allows it",
            ),
            (
                vec![inline(&allow("arn:aws:ec2:*:*:instance/i-1", &none)), free()],
                "here: no statement of its policies allows it: statement 1 (Start) of Sessions is for arn:aws:ec2:*:*:instance/i-1 only",
            ),
            (
                vec![
                    inline(&allow(
                        "*",
                        &json!({ "StringEquals": { "aws:ResourceTag/Environment": "test" } }),
                    )),
                    free(),
                ],
                "here: no statement of its policies allows it: statement 1 (Start) of Sessions asks for aws:ResourceTag/Environment test (StringEquals), and the request has production",
            ),
            (
                vec![yes(), bounded(&storage), free()],
                "here: its permissions boundary does not allow it",
            ),
            (
                vec![yes(), bounded(&json!({ "unknown": "denied" })), free()],
                "? iam:SimulatePrincipalPolicy denied; iam:GetPolicyVersion denied",
            ),
            (
                vec![
                    yes(),
                    json!({ "organization": { "us": { "id": "o-1", "management": "111122223333" } } }),
                ],
                "here: yes statement 1 (Start) of Sessions",
            ),
            (
                vec![yes(), json!({ "organization": { "us": { "unknown": "denied" } } })],
                "? iam:SimulatePrincipalPolicy denied; organizations:DescribeOrganization denied; the policies of alice allow ssm:StartSession (statement 1 (Start) of Sessions), and whether the organization forbids it is not visible from here",
            ),
            (
                vec![
                    yes(),
                    member(&level(
                        &json!({ "Effect": "Allow", "Action": "ssm:*", "Resource": "*" }),
                    )),
                ],
                "here: yes statement 1 (Start) of Sessions",
            ),
            (
                vec![
                    yes(),
                    member(&level(
                        &json!([{ "Effect": "Allow", "Action": "*", "Resource": "*" }, { "Sid": "NoSsm", "Effect": "Deny", "Action": "ssm:Start*", "Resource": "*" }]),
                    )),
                ],
                "here: refused by an organization's policy (SCP) in statement 2 (NoSsm) of Guardrails",
            ),
            // The account is in an organization without service control policies.
            (
                vec![
                    yes(),
                    member(&json!({ "levels": [{ "id": "r-1" }, { "id": "111122223333" }] })),
                ],
                "here: yes statement 1 (Start) of Sessions",
            ),
            // What does not read as a policy is not guessed at.
            (
                vec![inline(&allow("*", &json!({ "StringMatches": { "aws:x": "y" } }))), free()],
                "? iam:SimulatePrincipalPolicy denied; whether alice may ssm:StartSession hangs on Sessions statement 1 (Start): Condition operator \"StringMatches\", which is not known here",
            ),
        ];
        for (parts, expected) in rows {
            let patch = parts.iter().fold(refused.clone(), |so_far, it| both(&so_far, it));
            assert_eq!(answer(&patch), expected, "{patch}");
        }
    }

    #[test]
    fn the_policies_explain_a_refusal_of_the_simulator() {
        let lacks = simulated(&json!({ "decision": "implicitDeny" }));
        let other = inline(&allow("arn:aws:ec2:*:*:instance/i-1", &json!({})));
        assert_eq!(
            answer(&both(&lacks, &both(&other, &json!({ "organization": { "us": "absent" } })))),
            "AWS: no statement of its policies allows it: statement 1 (Start) of Sessions is for arn:aws:ec2:*:*:instance/i-1 only",
        );
        // They changed in between, or say more than is understood here.
        let yes = inline(&allow("*", &json!({})));
        assert_eq!(answer(&both(&lacks, &yes)), "AWS: no statement of its policies allows it");
        // Seen as a whole they contradict it.
        let free = json!({ "organization": { "us": "absent" } });
        assert_eq!(
            answer(&both(&lacks, &both(&yes, &free))),
            "AWS, disputed: no statement of its policies allows it"
        );
        let allowed = simulated(&json!({ "decision": "allowed" }));
        assert_eq!(answer(&both(&allowed, &inline(&json!([])))), "AWS, disputed: yes ");
    }
}
