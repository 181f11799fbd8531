//! What a decision on a request says: allowed or denied, by which statements, and on which basis.

use alloc::{string::String, vec::Vec};

use ssm_doctor_facts::{
    limit::Limit,
    lookup::{Need, Why},
};
use ssm_doctor_iam_policy::{KeyValue, PolicyType};

/// Whether a request is allowed, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PermissionDecision {
    Allowed(Allowance),
    Denied(Denied),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Statements of the identity's own policies; empty where the simulator answered.
    pub by: Vec<CitedStatement>,
    /// The statement of the resource's own policy.
    pub by_resource_policy: Option<CitedStatement>,
    pub basis: Basis,
}

/// Every type of policy that denies the request. It is allowed only after each of them is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The one that AWS's error message names comes first.
    pub by: Vec<PolicyDenial>,
    pub basis: Basis,
    /// Facts that would show the statement that decides.
    pub wanted: Vec<Need>,
}

/// The denial of one type of policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyDenial {
    pub policy_type: PolicyType,
    /// Whether a Deny matches, which no Allow overrides. Otherwise no Allow matches.
    pub explicit: bool,
    /// What denies; empty where that is not known.
    pub by: Vec<DenySource>,
    pub nearest: Option<NearestAllow>,
    /// The condition keys by which Allow statements fail.
    pub keys: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DenySource {
    Statement(CitedStatement),
    /// The simulator names policies only.
    Policy(String),
}

/// A statement of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CitedStatement {
    /// `statement 2 (DenyAll)`.
    pub place: String,
    /// Counted from 1.
    pub number: usize,
    /// The ARN of a managed policy, otherwise as `policy`.
    pub policy_id: String,
    /// `role AppRole`, `group ops`; empty for the policy of a resource.
    pub attached_to: String,
    /// The policy's name, or what it belongs to: `the key policy`.
    pub policy: String,
    /// The conditions, as the policy has them: `aws:SourceVpc vpc-1 (StringEquals)`.
    pub conditions: Vec<String>,
}

/// The Allow that comes nearest to matching.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearestAllow {
    pub statement: CitedStatement,
    pub mismatches: Vec<Mismatch>,
}

/// Why a statement does not match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// It lists other resources or principals.
    Other(Vec<String>),
    Condition {
        operator: String,
        key: String,
        wanted: Vec<String>,
        /// What the request has; None where nothing is known of it.
        known: Option<KeyValue>,
        /// The keys of the policy variables in `wanted`, and what the request has for each.
        variables: Vec<(String, Option<KeyValue>)>,
    },
}

/// Where a decision comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Basis {
    Simulator,
    /// The simulator; the policies that were collected decide otherwise.
    Disputed,
    /// The policies that were collected, because the simulator gave no answer.
    Policies(Vec<NoSimulation>),
}

/// Why the simulator gave no answer. Decisions on several actions share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoSimulation {
    /// This API call had no result.
    Call {
        action: &'static str,
        why: Why,
    },
    Limit(Limit),
}
