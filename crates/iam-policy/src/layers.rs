//! The policies that apply to a request, layer by layer.
//!
//! Source: IAM user guide, "Policy evaluation logic".

use alloc::{string::String, vec::Vec};

use ssm_doctor_facts::lookup::Unknown;

use crate::{document::PolicyDocument, statement::PolicyStatement, syntax::PolicyType};

/// All policies that apply to a principal's requests to a resource. The default has no policies, and so
/// every request is denied.
#[derive(Clone, Debug, Default)]
pub struct PolicyLayers<'p> {
    /// The policies of the user with those of its groups, or of the role.
    pub identity: PolicyLayer<'p>,
    pub boundary: PolicyLayer<'p>,
    /// The policy that was passed when the role session was created.
    pub session: PolicyLayer<'p>,
    /// Service control policies of the organization's root, each organizational unit and the account. Every
    /// level must allow. Empty outside of an organization and in its management account.
    pub service_control: Vec<HierarchyLevel<'p>>,
    /// Resource control policies over the resource's account. Empty for services without them.
    pub resource_control: Vec<HierarchyLevel<'p>>,
    /// The policy of the resource itself: key policy, bucket policy, trust policy.
    pub resource: PolicyLayer<'p>,
    /// The policy of the VPC endpoint that the request goes through.
    pub endpoint: PolicyLayer<'p>,
}

/// One level of an organization: the root, an organizational unit, or the account.
#[derive(Clone, Debug)]
pub struct HierarchyLevel<'p> {
    /// Its id or name: `r-abcd`, `ou-abcd-11112222`.
    pub id: String,
    pub layer: PolicyLayer<'p>,
}

/// Which layer of [`PolicyLayers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerName<'p> {
    pub policy_type: PolicyType,
    /// For service and resource control policies: the id of the level of the organization.
    pub level: Option<&'p str>,
}

/// The policies of one layer, as far as they are known.
#[derive(Clone, Debug, Default)]
pub enum PolicyLayer<'p> {
    /// The layer does not exist: no boundary is set, no session policy was passed, the resource has no
    /// policy.
    #[default]
    Absent,
    Policies(Vec<AttachedPolicy<'p>>),
    Unknown(Unknown),
    /// The policies were evaluated elsewhere, by IAM's policy simulator for example.
    Decided(LayerDecision),
}

/// The result of a layer that was evaluated elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerDecision {
    Allow,
    /// No statement allows.
    ImplicitDeny,
    /// A statement denies.
    ExplicitDeny,
}

/// A policy, and where it is attached.
#[derive(Clone, Debug)]
pub struct AttachedPolicy<'p> {
    /// Its ARN, or the name of an inline policy.
    pub id: String,
    /// What it is attached to: `role AppRole`, `group ops`.
    pub attached_to: String,
    /// [`Unknown`] if the policy could not be read.
    pub document: Result<PolicyDocument<'p>, Unknown>,
}

/// A statement, and the policy that it is in.
#[derive(Clone, Copy, Debug)]
pub struct StatementRef<'p> {
    pub policy: &'p AttachedPolicy<'p>,
    pub statement: &'p PolicyStatement<'p>,
}
