//! One question and the facts to answer it from.

use alloc::{collections::BTreeMap, rc::Rc};
use core::{
    any::{Any, TypeId},
    cell::RefCell,
};

use ssm_doctor_facts::{lookup::Facts, scope::Scope};

/// Facts and scope of one target, and what was concluded from them so far.
///
/// INVARIANT: neither facts nor scope change while a case exists, so results that depend on both are
/// kept here.
pub struct Case<'a> {
    pub facts: &'a Facts,
    pub scope: &'a Scope,
    /// By type: each module keeps results of its own.
    results: RefCell<BTreeMap<TypeId, Rc<dyn Any>>>,
}

impl<'a> Case<'a> {
    #[must_use]
    pub fn new(facts: &'a Facts, scope: &'a Scope) -> Self {
        Self { facts, scope, results: RefCell::default() }
    }

    /// The results of type `T`, which are empty at first. `T` is a type of the module that fills them in, so that a
    /// case needs to know nothing of what is concluded from it.
    pub(crate) fn results<T: Default + 'static>(&self) -> Rc<T> {
        let mut results = self.results.borrow_mut();
        let known = results.entry(TypeId::of::<T>()).or_insert_with(|| Rc::new(T::default()));
        // Under this key there is nothing else.
        known.clone().downcast().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use ssm_doctor_fixtures as fixtures;

    use super::*;

    #[test]
    fn results_are_kept_by_type() {
        let scenario = fixtures::named("private-endpoints").unwrap();
        let case = Case::new(&scenario.facts, &scenario.scope);
        case.results::<Cell<u8>>().set(7);
        case.results::<Cell<u16>>().set(9);
        assert_eq!((case.results::<Cell<u8>>().get(), case.results::<Cell<u16>>().get()), (7, 9));
    }
}
