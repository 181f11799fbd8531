//! Evaluates IAM policies with three truth values, and names the statements that decide.
//!
#![doc = include_str!("../README.md")]
#![no_std]
extern crate alloc;

mod condition;
mod decision;
mod document;
mod error;
mod evaluate;
mod explain;
mod layers;
mod pattern;
mod principal;
mod request;
mod resource;
mod results;
mod statement;
mod syntax;
mod trust;
mod truth;

pub use condition::Condition;
pub use decision::{
    AccessDecision, Denials, ElementValues, LayerDenial, NearMiss, StatementElement, Uncertainty,
    UncertaintyCause, Undecided,
};
pub use document::PolicyDocument;
pub use error::{DocumentError, StatementError};
pub use evaluate::evaluate;
pub use layers::{
    AttachedPolicy, HierarchyLevel, LayerDecision, LayerName, PolicyLayer, PolicyLayers,
    StatementRef,
};
pub use pattern::pattern_covers;
pub use request::{
    KeyValue, Principal, Request, RequestContext, RequestResource, ResourceOwner, service_of,
};
pub use ssm_doctor_facts::{ids::Arn, lookup::Unknown, text::Text};
pub use statement::{PolicyStatement, StatementLocation};
pub use syntax::{Effect, PolicyType};
pub use trust::{ServiceTrust, may_tag_sessions, service_trust, trusted_principals};
