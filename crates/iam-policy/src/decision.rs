//! Decisions and their explanations, as types: the layers and statements that decided, the `Allow`
//! statements that nearly matched, and what would have to be known.

use alloc::{string::String, vec::Vec};

use ssm_doctor_facts::lookup::Unknown;

use crate::{
    error::{DocumentError, StatementError},
    layers::{AttachedPolicy, LayerName, StatementRef},
    request::KeyValue,
    statement::PolicyStatement,
    syntax::PolicyType,
};

/// Whether a request is allowed, and why.
#[derive(Clone, Debug)]
pub enum AccessDecision<'p> {
    /// By these statements of identity-based and resource-based policies. Empty if the layers that allow
    /// were [decided elsewhere](crate::PolicyLayer::Decided), and for the root user.
    Allowed(Vec<StatementRef<'p>>),
    Denied(Denials<'p>),
    Undecided(Undecided<'p>),
}

/// All layers that deny. The request is allowed only after every one of them is fixed.
#[derive(Clone, Debug)]
pub struct Denials<'p> {
    /// The layer that AWS's own error message names.
    pub first: LayerDenial<'p>,
    pub others: Vec<LayerDenial<'p>>,
}

/// The denial of one layer.
#[derive(Clone, Debug)]
pub struct LayerDenial<'p> {
    pub layer: LayerName<'p>,
    /// Whether a `Deny` statement matches, which no `Allow` overrides. Otherwise no `Allow` matches.
    pub explicit: bool,
    /// The `Deny` statements that match.
    pub statements: Vec<StatementRef<'p>>,
    /// If the denial is implicit: the `Allow` statements that come nearest to matching.
    pub near_misses: Vec<NearMiss<'p>>,
}

/// An `Allow` statement that does not match the request.
#[derive(Clone, Debug)]
pub struct NearMiss<'p> {
    pub allow: StatementRef<'p>,
    /// The elements of it that do not match.
    pub mismatches: Vec<StatementElement<'p>>,
}

/// One element of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementElement<'p> {
    Action(ElementValues<'p>),
    Resource(ElementValues<'p>),
    Principal(ElementValues<'p>),
    Condition {
        operator: &'p str,
        key: &'p str,
        values: Vec<&'p str>,
        /// What is known of the key in the request; None if nothing was said about it.
        request_value: Option<KeyValue>,
        /// The keys of the variables in the values, and the same of each.
        variables: Vec<(String, Option<KeyValue>)>,
    },
}

/// The values of an element, or of its `Not` form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElementValues<'p> {
    /// Whether the element is `NotAction`, `NotResource` or `NotPrincipal`.
    pub except: bool,
    pub values: Vec<&'p str>,
}

/// Everything that is unknown and could change the decision.
#[derive(Clone, Debug)]
pub struct Undecided<'p> {
    pub uncertainties: Vec<Uncertainty<'p>>,
}

/// One thing that is unknown and could change the decision.
#[derive(Clone, Debug)]
pub struct Uncertainty<'p> {
    pub layer: LayerName<'p>,
    /// The policy that it is about; None if it is about the whole layer.
    pub policy: Option<&'p AttachedPolicy<'p>>,
    /// The statement that it is about; None if it is about the whole policy or layer.
    pub statement: Option<&'p PolicyStatement<'p>>,
    pub cause: UncertaintyCause<'p>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UncertaintyCause<'p> {
    /// A layer, a policy, a condition key's value or the resource's owner was not seen.
    NotSeen(Unknown),
    /// Nothing, or too little, was said about this condition key.
    ConditionKey(&'p str),
    InvalidDocument(&'p DocumentError),
    InvalidStatement(&'p StatementError),
    /// Too little is known of the request to decide whether this element matches.
    Element(StatementElement<'p>),
}

impl<'p> Denials<'p> {
    /// All of them, in the order in which AWS would name them.
    pub fn iter(&self) -> impl Iterator<Item = &LayerDenial<'p>> {
        core::iter::once(&self.first).chain(&self.others)
    }
}

impl<'p> Undecided<'p> {
    /// What is unknown about the principal's identity-based policies.
    pub fn in_identity_policies(&self) -> impl Iterator<Item = &UncertaintyCause<'p>> {
        let of_identity = self
            .uncertainties
            .iter()
            .filter(|uncertainty| uncertainty.layer.policy_type == PolicyType::IdentityBased);
        of_identity.map(|uncertainty| &uncertainty.cause)
    }
}
