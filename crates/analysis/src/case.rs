//! One question and the facts to answer it from.

use alloc::{collections::BTreeMap, rc::Rc, string::String, vec::Vec};
use core::cell::{OnceCell, RefCell};

use crate::{
    dns::KnownName,
    network::hop::Path,
    permissions::{
        decision::KnownDecision,
        identity::{AgentRole, Identity},
    },
    session::KnownGates,
};
use ssm_doctor_facts::{
    ids::VpcId,
    lookup::{Facts, Unknown},
    scope::Scope,
};

/// Facts and scope of one target, and what was concluded from them so far.
///
/// INVARIANT: neither facts nor scope change while a case exists, so results that depend on both are
/// kept here.
pub struct Case<'a> {
    pub facts: &'a Facts,
    pub scope: &'a Scope,
    /// By service.
    pub(crate) paths: RefCell<BTreeMap<&'static str, Rc<Path>>>,
    pub(crate) agent_role: OnceCell<Result<Option<AgentRole>, Unknown>>,
    pub(crate) operator: OnceCell<Result<Identity, Unknown>>,
    pub(crate) decisions: RefCell<Vec<KnownDecision>>,
    pub(crate) gates: OnceCell<Result<KnownGates, Unknown>>,
    /// What the name of a service resolves to in a VPC.
    pub(crate) names: RefCell<BTreeMap<(VpcId, String), Result<KnownName, Unknown>>>,
}

impl<'a> Case<'a> {
    #[must_use]
    pub fn new(facts: &'a Facts, scope: &'a Scope) -> Self {
        Self {
            facts,
            scope,
            paths: RefCell::default(),
            agent_role: OnceCell::new(),
            operator: OnceCell::new(),
            decisions: RefCell::default(),
            gates: OnceCell::new(),
            names: RefCell::default(),
        }
    }
}
