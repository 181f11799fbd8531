//! One question and the facts to answer it from.

use alloc::{collections::BTreeMap, rc::Rc};
use core::cell::RefCell;

use ssm_doctor_facts::{lookup::Facts, scope::Scope};

use crate::network::hop::Path;

/// Facts and scope of one target, and what was concluded from them so far.
///
/// INVARIANT: neither facts nor scope change while a case exists, so results that depend on both are
/// kept here.
pub struct Case<'a> {
    pub facts: &'a Facts,
    pub scope: &'a Scope,
    /// By service.
    pub(crate) paths: RefCell<BTreeMap<&'static str, Rc<Path>>>,
}

impl<'a> Case<'a> {
    #[must_use]
    pub fn new(facts: &'a Facts, scope: &'a Scope) -> Self {
        Self { facts, scope, paths: RefCell::default() }
    }
}
