//! What is known before a call is made.

use ssm_doctor_facts::{
    ids::AccountId,
    lookup::{Facts, Ourselves, Row},
};

/// What a row has, if it was seen and is not absent.
pub fn present<T>(row: Option<&Row<T>>) -> Option<&T> {
    match row {
        Some(Row::Present(row)) => Some(row),
        _ => None,
    }
}

/// The account of our credentials.
pub fn our_account(facts: &Facts) -> Option<&AccountId> {
    Some(&present(facts.caller.get(&Ourselves::Us))?.account)
}
