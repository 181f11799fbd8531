//! The result of one layer.

use alloc::vec::Vec;

use crate::{
    document::PolicyDocument,
    layers::{AttachedPolicy, LayerDecision, LayerName, PolicyLayer, StatementRef},
    principal::Coverage,
    statement::StatementQuery,
    syntax::Effect,
    truth::Truth,
};

/// The result of one layer for one request.
pub(crate) struct LayerResult<'p> {
    pub(crate) name: LayerName<'p>,
    pub(crate) layer: &'p PolicyLayer<'p>,
    pub(crate) denies: Truth,
    pub(crate) allows: Coverage,
    /// The statements that certainly deny.
    pub(crate) denying: Vec<StatementRef<'p>>,
    /// The statements that certainly allow.
    pub(crate) allowing: Vec<StatementRef<'p>>,
}

impl<'p> LayerResult<'p> {
    pub(super) fn of(
        name: LayerName<'p>,
        layer: &'p PolicyLayer<'p>,
        query: StatementQuery,
    ) -> Self {
        let mut result = Self {
            name,
            layer,
            denies: Truth::No,
            allows: Coverage::NONE,
            denying: Vec::new(),
            allowing: Vec::new(),
        };
        match layer {
            PolicyLayer::Absent | PolicyLayer::Decided(LayerDecision::ImplicitDeny) => {}
            PolicyLayer::Decided(LayerDecision::Allow) => {
                result.allows = Coverage::all(Truth::Yes);
            }
            PolicyLayer::Decided(LayerDecision::ExplicitDeny) => result.denies = Truth::Yes,
            PolicyLayer::Unknown(_) => result.add_unknown(),
            PolicyLayer::Policies(policies) => {
                for policy in policies {
                    result.add_policy(policy, query);
                }
            }
        }
        result
    }

    /// Adds a policy that could contain any statement.
    fn add_unknown(&mut self) {
        self.denies = self.denies.or(Truth::Unknown);
        self.allows = self.allows.or(Coverage::all(Truth::Unknown));
    }

    fn add_policy(&mut self, policy: &'p AttachedPolicy<'p>, query: StatementQuery) {
        let document = policy.document.as_ref().ok();
        let Some(statements) = document.and_then(PolicyDocument::statements) else {
            return self.add_unknown();
        };
        for statement in statements {
            let coverage = statement.matches(query);
            let (allows, denies) = match statement.effect() {
                Some(Effect::Allow) => (coverage, Truth::No),
                Some(Effect::Deny) => (Coverage::NONE, coverage.any()),
                None => (Coverage::all(Truth::Unknown), Truth::Unknown),
            };
            self.allows = self.allows.or(allows);
            self.denies = self.denies.or(denies);
            let reference = StatementRef { policy, statement };
            if allows.any() == Truth::Yes {
                self.allowing.push(reference);
            }
            if denies == Truth::Yes {
                self.denying.push(reference);
            }
        }
    }

    pub(super) fn exists(&self) -> bool {
        !matches!(self.layer, PolicyLayer::Absent)
    }

    /// Whether the layer lets through what other layers allow. A layer that does not exist limits nothing.
    pub(crate) fn passes(&self) -> Truth {
        if self.exists() { self.allows.any() } else { Truth::Yes }
    }
}
