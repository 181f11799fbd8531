//! What is known before a call is made.

use ssm_doctor_facts::{
    ids::AccountId,
    lookup::{Facts, Ourselves},
};

/// The account of our credentials.
pub fn our_account(facts: &Facts) -> Option<&AccountId> {
    Some(&facts.caller.get(&Ourselves::Us)?.present()?.account)
}
