//! The unit of collection.

use std::pin::Pin;

use ssm_doctor_facts::lookup::Facts;

/// One or a few calls, and the rows they bring. It does not fail: what went wrong is in the rows.
pub type Job = Pin<Box<dyn Future<Output = Facts> + Send>>;
