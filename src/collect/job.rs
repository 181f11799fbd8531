//! The unit of collection.

use std::pin::Pin;

use ssm_doctor_facts::lookup::Facts;

/// One or a few calls, and the rows they bring. It does not fail: what went wrong is in the rows.
pub type Job = Pin<Box<dyn Future<Output = Answer> + Send>>;

#[derive(Default)]
pub struct Answer {
    pub facts: Facts,
    /// How many calls waited for each other.
    pub chain: u32,
}

/// An answer that took no call.
impl From<Facts> for Answer {
    fn from(facts: Facts) -> Self {
        Self { facts, chain: 0 }
    }
}
