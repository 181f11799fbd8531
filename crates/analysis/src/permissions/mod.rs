//! Who may do what.

pub mod actions;
pub mod agent_identity;
pub mod attached_policies;
pub mod decision;
pub mod identity;
pub mod instance_profile;
pub mod managed_policies;
pub mod operator;
mod outcome;
pub mod request_context;
pub mod resource_policy;
pub mod simulator;
