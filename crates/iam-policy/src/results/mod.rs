//! The results of all layers, combined.
//!
//! Source: IAM user guide, "How AWS enforcement code logic evaluates requests to allow or deny access"
//! and "Cross-account policy evaluation logic".

mod layer;

use alloc::vec::Vec;

use crate::{
    layers::{LayerName, PolicyLayer, PolicyLayers, StatementRef},
    request::{Principal, Request, ResourceOwner, service_of},
    statement::StatementQuery,
    syntax::PolicyType,
    truth::Truth,
};
pub(crate) use layer::LayerResult;

/// The results of all layers for one request.
pub(crate) struct LayerResults<'p> {
    pub(crate) identity: LayerResult<'p>,
    pub(crate) boundary: LayerResult<'p>,
    pub(crate) session: LayerResult<'p>,
    pub(crate) resource: LayerResult<'p>,
    pub(crate) endpoint: LayerResult<'p>,
    /// Resource control policies, then service control policies.
    pub(crate) organization: Vec<LayerResult<'p>>,
    /// Whether the principal has a permissions boundary.
    pub(crate) has_boundary: Truth,
}

impl<'p> LayerResults<'p> {
    pub(crate) fn of(request: &Request, layers: &'p PolicyLayers<'p>) -> Self {
        let has_boundary = has_boundary(layers);
        let query = StatementQuery { request, has_boundary };
        let result = |policy_type, level, layer| {
            LayerResult::of(LayerName { policy_type, level }, layer, query)
        };
        let single = |policy_type, layer| result(policy_type, None, layer);
        let has_organization = !is_service_linked_role(request.principal);
        let has_service_control = has_organization && request.principal.arn().is_some();
        let resource_control = layers.resource_control.iter().filter(|_| has_organization);
        let resource_control = resource_control.map(|level| {
            result(PolicyType::ResourceControl, Some(level.id.as_str()), &level.layer)
        });
        let service_control = layers.service_control.iter().filter(|_| has_service_control);
        let service_control = service_control
            .map(|level| result(PolicyType::ServiceControl, Some(level.id.as_str()), &level.layer));
        Self {
            has_boundary,
            organization: resource_control.chain(service_control).collect(),
            identity: single(PolicyType::IdentityBased, &layers.identity),
            boundary: single(PolicyType::PermissionsBoundary, &layers.boundary),
            session: single(PolicyType::Session, &layers.session),
            resource: single(PolicyType::ResourceBased, &layers.resource),
            endpoint: single(PolicyType::VpcEndpoint, &layers.endpoint),
        }
    }

    /// All layers, in the order in which AWS evaluates them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &LayerResult<'p>> {
        let others =
            [&self.endpoint, &self.resource, &self.identity, &self.boundary, &self.session];
        self.organization.iter().chain(others)
    }

    /// The layers that can only limit, whatever the other layers grant.
    pub(crate) fn limiting(&self) -> impl Iterator<Item = &LayerResult<'p>> {
        self.organization.iter().chain([&self.endpoint])
    }

    pub(crate) fn allowing_statements(&self) -> Vec<StatementRef<'p>> {
        self.identity.allowing.iter().chain(&self.resource.allowing).copied().collect()
    }

    pub(crate) fn allowed(&self, request: &Request) -> Truth {
        let denied = self.all().fold(Truth::No, |denied, layer| denied.or(layer.denies));
        let within_limits =
            self.limiting().fold(Truth::Yes, |passes, layer| passes.and(layer.passes()));
        denied.not().and(within_limits).and(self.granted(request))
    }

    /// Whether the layers that can grant access do so. Explicit denials, the organization and the endpoint
    /// are not considered.
    pub(crate) fn granted(&self, request: &Request) -> Truth {
        match is_same_account(request) {
            Truth::Yes => self.granted_within_account(request),
            Truth::No => self.granted_across_accounts(request),
            Truth::Unknown => {
                let within = self.granted_within_account(request);
                let across = self.granted_across_accounts(request);
                if within == across { within } else { Truth::Unknown }
            }
        }
    }

    /// Whether the principal's own policies grant access, within its boundary and session policy.
    pub(crate) fn granted_by_identity(&self, request: &Request) -> Truth {
        match request.principal {
            // The root user needs no policy.
            Principal::Root(_) => Truth::Yes,
            // Services and unsigned requests have no policies.
            Principal::Service(_) | Principal::Anonymous => Truth::No,
            Principal::User(_) | Principal::RoleSession { .. } => {
                self.identity.allows.any().and(self.within_boundary_and_session())
            }
        }
    }

    fn within_boundary_and_session(&self) -> Truth {
        self.boundary.passes().and(self.session.passes())
    }

    fn granted_within_account(&self, request: &Request) -> Truth {
        let resource = self.resource.allows;
        let by_resource = resource.direct.or(resource.role.and(self.within_boundary_and_session()));
        let delegated =
            if self.resource_must_allow(request) { resource.account } else { Truth::Yes };
        by_resource.or(delegated.and(self.granted_by_identity(request)))
    }

    /// Both accounts must allow. Services and unsigned requests have no account, so that only the
    /// resource's policy counts.
    fn granted_across_accounts(&self, request: &Request) -> Truth {
        match request.principal {
            Principal::Service(_) | Principal::Anonymous => self.resource.allows.direct,
            _ => self.resource.allows.any().and(self.granted_by_identity(request)),
        }
    }

    /// Whether identity-based policies are not enough even within the account: the policy of a KMS key or a
    /// role must allow too. Source: IAM user guide, "How AWS enforcement code logic evaluates requests to
    /// allow or deny access".
    pub(crate) fn resource_must_allow(&self, request: &Request) -> bool {
        let action = request.action;
        let is_kms = service_of(action).eq_ignore_ascii_case("kms");
        let assumes_role = ASSUME_ROLE.iter().any(|name| name.eq_ignore_ascii_case(action));
        self.resource.exists() && (is_kms || assumes_role)
    }
}

const ASSUME_ROLE: [&str; 3] =
    ["sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"];

/// Whether the principal's own account owns the resource.
pub(crate) fn is_same_account(request: &Request) -> Truth {
    match (request.owner, request.principal.account()) {
        (ResourceOwner::SameAccount, Some(_)) => Truth::Yes,
        (_, None) => Truth::No,
        (ResourceOwner::Account(owner), Some(account)) => (owner == account).into(),
        (ResourceOwner::Unknown(_), Some(_)) => Truth::Unknown,
    }
}

fn has_boundary(layers: &PolicyLayers) -> Truth {
    match (&layers.boundary, &layers.identity) {
        (PolicyLayer::Policies(_), _) => Truth::Yes,
        // IAM's simulator evaluates identity-based policies and boundary together, and does not report a
        // boundary that allows.
        (PolicyLayer::Unknown(_) | PolicyLayer::Decided(_), _)
        | (PolicyLayer::Absent, PolicyLayer::Decided(_)) => Truth::Unknown,
        (PolicyLayer::Absent, _) => Truth::No,
    }
}

/// Organizations do not limit service-linked roles. Source: AWS Organizations user guide, "Service
/// control policies" and "Resource control policies".
fn is_service_linked_role(principal: Principal) -> bool {
    principal.arn().is_some_and(|arn| arn.resource().starts_with("role/aws-service-role/"))
}
